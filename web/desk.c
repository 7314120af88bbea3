/* The desk: verifies links and asks the keeper. The public keys are read anew for each link, so that a rotation of keys
 * needs no word to this program; nothing else under keys_dir is ever opened.
 *
 * DIAGNOSTICS: keys that cannot be read and a keeper that does not answer are failures; a bad link is an outcome. */
#include "web/desk.h"

#include "token/token.h"

enum { KEEPER_TIMEOUT_MS = 5000 };

static int desk_verify(void *arg, struct fb_str text, int64_t now_s, struct fb_arena *arena, struct fb_err *err)
{
    const struct fb_conf *conf = arg;
    struct fb_verifier *keys;
    struct fb_token token;
    if (fb_verifier_open(conf->forbear_keys_dir, &keys, err))
        return -1;
    int rc = fb_token_verify(keys, text, fb_str(conf->forbear_node), now_s, arena, &token, NULL);
    fb_verifier_close(keys);
    return rc || token.use != FB_TOKEN_DECIDE ? WEB_REFUSED : 0;
}

static int desk_call(void *arg, struct fb_arena *arena, const struct fb_desk_request *req, enum fb_desk_outcome *ret,
                     struct fb_desk_view *ret_view, struct fb_err *err)
{
    const struct fb_conf *conf = arg;
    return fb_desk_call(conf->keeper_socket, KEEPER_TIMEOUT_MS, arena, req, ret, ret_view, err);
}

int web_desk_open(const struct fb_conf *conf, struct web_desk *ret, struct fb_err *err)
{
    struct fb_verifier *keys;
    if (fb_verifier_open(conf->forbear_keys_dir, &keys, err))
        return -1;
    fb_verifier_close(keys);
    *ret = (struct web_desk){desk_verify, desk_call, (void *)conf};
    return 0;
}
