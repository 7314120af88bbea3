/* Any request to the page. The input is lines of the request, in the order below, then its body. Whatever it is, there
 * is an answer, and nothing is decided but by a POST whose body has the token of the path. */
#include "fuzz.h"

#include "hold/seal.h"
#include "token/token.h"
#include "web/page.h"

static struct web_site site;
static struct fb_arena *site_arena;

/* Every token is good: what the parser makes of them is what is tried here. */
static int verify(void *arg, struct fb_str token, int64_t now_s, struct fb_arena *arena, struct fb_err *err)
{
    (void)arg, (void)now_s, (void)arena, (void)err;
    FUZZ_CHECK(token.n > 0 && token.n <= FB_TOKEN_MAX);
    return 0;
}

static int call(void *arg, struct fb_arena *arena, const struct fb_desk_request *req, enum fb_desk_outcome *ret,
                struct fb_desk_view *ret_view, struct fb_err *err)
{
    (void)arena, (void)err;
    *(int *)arg += req->op == FB_DESK_DECIDE;
    *ret = FB_DESK_DONE;
    *ret_view = (struct fb_desk_view){.state = FB_STATE_held, .sealed = FB_STR("sealed with something else, surely")};
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct fb_err err;
    struct fb_str rest = {(const char *)data, n}, line[6] = {{NULL, 0}};
    struct web_answer got;
    int decided = 0;
    FB_ARENA arena = fb_arena_new(4 << 20);
    if (!site_arena) {
        site_arena = fb_arena_new(4 << 20);
        FUZZ_CHECK(fb_crypto_init(&err) == 0 && web_site_open("https://f.example/p", false, CONF_DIR, "en", site_arena, &site, &err) == 0);
    }
    for (size_t i = 0; i < 6 && fb_str_line(&rest, &line[i]);)
        i++;
    struct web_request req = {.method = line[0], .path = line[1], .content_type = line[2], .origin = line[3], .fetch_site = line[4],
                              .accept_language = line[5], .body = rest};
    web_answer(&site, &(struct web_desk){verify, call, &decided}, &req, arena, &got);
    FUZZ_CHECK(got.status >= 200 && got.status <= 503 && got.body.p && got.content_type);
    FUZZ_CHECK(!decided || (fb_str_eq(req.method, FB_STR("POST")) && got.status == 303));
    return 0;
}
