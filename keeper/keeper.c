/* What both threads need: the keys, and the one answer to the question whether a token, or a mail, allows what is asked. That answer
 * must depend on nothing but that and what never changes of an open hold, so that it is the same when it is recorded and when it is
 * carried out.
 *
 * DIAGNOSTICS: a key that cannot be read is named. */
#include "keeper.h"

#include <sodium.h>
#include <sys/eventfd.h>

#include "base/io.h"
#include "wire/desk.h"

static void close_keys(struct fb_signer *signer, struct fb_verifier *verifier)
{
    if (signer)
        fb_signer_close(signer);
    if (verifier)
        fb_verifier_close(verifier);
}

int fb_keeper_reload(struct fb_keeper *k, struct fb_err *err)
{
    struct fb_signer *signer, *old_signer = k->signer;
    struct fb_verifier *verifier, *old_verifier = k->verifier;
    const char *dir = k->conf->forbear_keys_dir;
    if (fb_signer_open(dir, &signer, err))
        return -1;
    if (fb_verifier_open(dir, &verifier, err)) {
        fb_signer_close(signer);
        return -1;
    }
    pthread_mutex_lock(&k->lock);
    k->signer = signer;
    k->verifier = verifier;
    pthread_mutex_unlock(&k->lock);
    close_keys(old_signer, old_verifier);
    return 0;
}

static int read_keys(struct fb_keeper *k, struct fb_err *err)
{
    const char *dir = k->conf->forbear_keys_dir;
    if (fb_keys_read(dir, "box.pub", k->box_public, sizeof k->box_public, err) ||
        fb_keys_read(dir, "box.key", k->box_secret, sizeof k->box_secret, err) ||
        fb_keys_read(dir, "hash.key", k->hash_key, sizeof k->hash_key, err))
        return -1;
    return fb_keeper_reload(k, err);
}

int fb_keeper_init(const struct fb_conf *conf, struct fb_keeper *ret, struct fb_err *err)
{
    *ret = (struct fb_keeper){.conf = conf, .from = conf->notice_from, .lock = PTHREAD_MUTEX_INITIALIZER,
                              .wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), .stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    if (ret->wake_fd < 0 || ret->stop_fd < 0)
        return fb_fail_errno(err, "eventfd");
    return read_keys(ret, err);
}

void fb_keeper_done(struct fb_keeper *k)
{
    close_keys(k->signer, k->verifier);
    sodium_memzero(k->box_secret, sizeof k->box_secret);
    sodium_memzero(k->hash_key, sizeof k->hash_key);
    fb_fd_cleanup(&k->wake_fd);
    fb_fd_cleanup(&k->stop_fd);
}

void fb_keeper_ring(int fd)
{
    eventfd_write(fd, 1);
}

static bool use_allows(enum fb_token_use use, int action)
{
    switch (use) {
    case FB_TOKEN_DECIDE: return action >= FB_DESK_RELEASE && action <= FB_DESK_WRONG;
    case FB_TOKEN_ADMIN_RELEASE: return action == FB_DESK_RELEASE;
    case FB_TOKEN_ADMIN_WITHDRAW: return action == FB_DESK_WITHDRAW;
    }
    return false;
}

static int token_allows(const struct fb_keeper *k, const struct fb_hold *hold, struct fb_str token, int action, int64_t at_s, struct fb_arena *arena,
                        const char **ret_by, struct fb_err *err)
{
    struct fb_token t;
    if (fb_token_verify(k->verifier, token, fb_str(k->conf->forbear_node), at_s, arena, &t, err))
        return -1;
    if (!use_allows(t.use, action))
        return fb_fail(err, "the token is for something else");
    if (!fb_hold_id_eq(t.hold, hold->id))
        return fb_fail(err, "the token is of another hold");
    *ret_by = t.use == FB_TOKEN_DECIDE ? "sender" : fb_arena_printf(arena, "admin:%.*s", FB_FMT(t.admin)).p;
    return *ret_by ? 0 : fb_fail_memory(err);
}

#define ANSWER "mail:"

struct fb_str fb_keeper_answer(struct fb_arena *arena, const uint8_t owner[FB_HASH], struct fb_str message_id)
{
    struct fb_str who = fb_b64(arena, owner, FB_HASH);
    return who.p ? fb_arena_printf(arena, ANSWER "%.*s %.*s", FB_FMT(who), FB_FMT(message_id)) : who;
}

/* A hold without a login has no owner, and one whose notice was gathered no hash: neither is ever equal to anything. */
static int answer_allows(const struct fb_hold *hold, struct fb_str answer, int action, struct fb_err *err)
{
    struct fb_str id = {answer.p + strlen(ANSWER), answer.n - strlen(ANSWER)}, who;
    uint8_t owner[FB_HASH], hash[FB_HASH];
    if (!fb_str_split(&id, ' ', &who) || !id.p || !fb_b64_parse(who, owner, sizeof owner))
        return fb_fail(err, "the answer is not as it was written");
    fb_message_id_hash(id, hash);
    bool notice = fb_hash_eq(hash, hold->notice_hash), later = fb_hash_eq(hash, hold->later_hash), own = fb_hash_eq(owner, hold->owner);
    if (!(notice || later) || !own)
        return fb_fail(err, "%s", own ? "it answers no notice of this hold" : "it is by somebody else than the hold's owner");
    return action == FB_DESK_RELEASE || action == FB_DESK_WITHDRAW ? 0 : fb_fail(err, "no answer can decide that");
}

int fb_keeper_allows(const struct fb_keeper *k, const struct fb_hold *hold, struct fb_str decision, int action, int64_t at_s,
                     struct fb_arena *arena, const char **ret_by, struct fb_err *err)
{
    *ret_by = "sender";
    int rc = fb_str_istarts(decision, FB_STR(ANSWER)) ? answer_allows(hold, decision, action, err)
                                                      : token_allows(k, hold, decision, action, at_s, arena, ret_by, err);
    if (rc == 0 && action == FB_DESK_RELEASE && at_s < hold->opens_s && strcmp(*ret_by, "sender") == 0)
        return fb_fail(err, "it came before the hold opens"), FB_KEEPER_EARLY;
    return rc;
}
