/* What a token says, and the link that carries it. Decides who may decide: it accepts exactly the claims that it writes
 * itself, once each, signed by a key of this gateway, for this node, and not past their time. Must never act on a claim
 * before the signature was verified; only the key id of the footer is read earlier, to find the key.
 *
 * DIAGNOSTICS: says which check failed, for a log at verbose level; callers tell the outside nothing of it. */
#include <jansson.h>
#include <sodium.h>
#include <stdlib.h>
#include <time.h>

#include "hold/seal.h"
#include "token/keys.h"

enum { TIME_TEXT = sizeof "2026-11-28T00:00:00Z" - 1, KEY_TEXT = 43 /* of FB_PAGE_KEY bytes */ };
#define TIME_FORMAT "%Y-%m-%dT%H:%M:%SZ"
#define TIME_MAX INT64_C(253402300799) /* the end of the year 9999 */

static const char *const uses[] = {
    [FB_TOKEN_DECIDE] = "decide",
    [FB_TOKEN_ADMIN_RELEASE] = "admin-release",
    [FB_TOKEN_ADMIN_WITHDRAW] = "admin-withdraw",
};

static void json_cleanup(json_t **j)
{
    json_decref(*j);
}
#define JSON __attribute__((cleanup(json_cleanup))) json_t *

static void text_cleanup(char **p)
{
    free(*p);
}

static bool time_format(int64_t at_s, char ret[TIME_TEXT + 1])
{
    time_t t = at_s;
    struct tm tm;
    return at_s >= 0 && at_s <= TIME_MAX && gmtime_r(&t, &tm) && strftime(ret, TIME_TEXT + 1, TIME_FORMAT, &tm) == TIME_TEXT;
}

/* RFC 3339 in UTC, written as we write it: whatever is not the same when written again is no time. */
static bool time_parse(const char *text, int64_t *ret_s)
{
    struct tm tm = {0};
    char again[TIME_TEXT + 1];
    const char *end = strptime(text, TIME_FORMAT, &tm);
    if (!end || *end)
        return false;
    *ret_s = timegm(&tm);
    return time_format(*ret_s, again) && strcmp(text, again) == 0;
}

static int dump(json_t *j, struct fb_arena *arena, struct fb_str *ret, struct fb_err *err)
{
    __attribute__((cleanup(text_cleanup))) char *text = j ? json_dumps(j, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    if (!text)
        return fb_fail(err, "the token's claims are no text");
    *ret = fb_arena_dup(arena, fb_str(text));
    return ret->p ? 0 : fb_fail_memory(err);
}

static int claims_write(const struct fb_token *t, struct fb_arena *arena, struct fb_str *ret, struct fb_err *err)
{
    char exp[TIME_TEXT + 1];
    struct fb_str id = fb_hold_id_text(arena, t->hold);
    if (!id.p)
        return fb_fail_memory(err);
    if (!time_format(t->exp_s, exp))
        return fb_fail(err, "the token's end lies outside the years 1970 to 9999");
    if ((t->use == FB_TOKEN_DECIDE) != (t->admin.n == 0))
        return fb_fail(err, "an admin's token names the admin, and no other does");
    JSON j = json_pack("{s:s,s:s#,s:s#,s:s}", "exp", exp, "hid", id.p, (int)id.n, "node", t->node.p, (int)t->node.n, "use", uses[t->use]);
    if (j && t->admin.n && json_object_set_new(j, "adm", json_stringn(t->admin.p, t->admin.n)))
        return fb_fail(err, "the admin's name is no UTF-8");
    return dump(j, arena, ret, err);
}

int fb_token_sign(const struct fb_signer *s, const struct fb_token *token, struct fb_arena *arena, struct fb_str *ret, struct fb_err *err)
{
    struct fb_str payload, footer = fb_arena_printf(arena, "{\"kid\":\"%s\"}", s->kid), text;
    if (!footer.p)
        return fb_fail_memory(err);
    if (claims_write(token, arena, &payload, err) || fb_paseto_sign(s->secret, payload, footer, FB_STR_NONE, arena, &text, err))
        return -1;
    if (text.n > FB_TOKEN_MAX)
        return fb_fail(err, "the token is longer than %d characters", FB_TOKEN_MAX);
    *ret = text;
    return 0;
}

static json_t *object(struct fb_str text, const char *what, struct fb_err *err)
{
    json_t *j = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, NULL);
    if (j && json_is_object(j))
        return j;
    json_decref(j);
    fb_fail(err, "the token's %s is no JSON object", what);
    return NULL;
}

static int find_key(const struct fb_verifier *v, struct fb_str text, struct fb_arena *arena, const uint8_t **ret, struct fb_err *err)
{
    struct fb_str footer;
    const char *kid;
    if (fb_paseto_footer(text, arena, &footer, err))
        return -1;
    JSON j = object(footer, "footer", err);
    if (!j)
        return -1;
    if (json_unpack_ex(j, NULL, JSON_STRICT, "{s:s}", "kid", &kid))
        return fb_fail(err, "the token's footer is not a key id alone");
    for (size_t i = 0; i < v->n; i++)
        if (strcmp(v->v[i].kid, kid) == 0) {
            *ret = v->v[i].key;
            return 0;
        }
    return fb_fail(err, "the token is signed by a key that is not here");
}

static int use_parse(const char *use, const char *admin, enum fb_token_use *ret, struct fb_err *err)
{
    for (size_t i = 0; i < sizeof uses / sizeof *uses; i++)
        if (strcmp(use, uses[i]) == 0) {
            *ret = (enum fb_token_use)i;
            if ((*ret == FB_TOKEN_DECIDE) == (admin == NULL))
                return 0;
            return fb_fail(err, "the token names an admin where none belongs, or names none");
        }
    return fb_fail(err, "the token is for another use");
}

static int claims_parse(json_t *j, struct fb_arena *arena, struct fb_token *ret, struct fb_err *err)
{
    const char *exp, *hid, *node, *use, *admin = NULL;
    if (json_unpack_ex(j, NULL, JSON_STRICT, "{s:s,s:s,s:s,s:s,s?s}", "exp", &exp, "hid", &hid, "node", &node, "use", &use, "adm", &admin))
        return fb_fail(err, "the token lacks a claim or has one too many");
    if (use_parse(use, admin, &ret->use, err))
        return -1;
    if (admin && !*admin)
        return fb_fail(err, "the token names nobody");
    if (!time_parse(exp, &ret->exp_s))
        return fb_fail(err, "the token's end is no time in UTC");
    if (!fb_hold_id_parse(fb_str(hid), &ret->hold))
        return fb_fail(err, "the token's hold id is none");
    ret->node = fb_arena_dup(arena, fb_str(node));
    ret->admin = fb_arena_dup(arena, fb_str(admin));
    return ret->node.p && ret->admin.p ? 0 : fb_fail_memory(err);
}

int fb_token_verify(const struct fb_verifier *v, struct fb_str text, struct fb_str node, int64_t now_s, struct fb_arena *arena,
                    struct fb_token *ret, struct fb_err *err)
{
    const uint8_t *key = NULL;
    struct fb_str payload, footer;
    if (text.n > FB_TOKEN_MAX)
        return fb_fail(err, "the token is longer than any of ours");
    if (find_key(v, text, arena, &key, err) || fb_paseto_verify(key, text, FB_STR_NONE, arena, &payload, &footer, err))
        return -1;
    JSON j = object(payload, "payload", err);
    struct fb_token t = {0};
    if (!j || claims_parse(j, arena, &t, err))
        return -1;
    if (!fb_str_eq(t.node, node))
        return fb_fail(err, "the token is of another gateway");
    if (t.exp_s <= now_s)
        return fb_fail(err, "the token has expired");
    *ret = t;
    return 0;
}

int fb_link_make(const char *base_url, struct fb_str token, const uint8_t key[FB_PAGE_KEY], struct fb_arena *arena, struct fb_str *ret, struct fb_err *err)
{
    struct fb_str key_text = fb_b64(arena, key, FB_PAGE_KEY);
    if (!key_text.p)
        return fb_fail_memory(err);
    struct fb_str link = fb_arena_printf(arena, "%s/h/%.*s.%s", base_url, FB_FMT(token), key_text.p);
    if (!link.p)
        return fb_fail_memory(err);
    if (link.n > FB_LINK_MAX)
        return fb_fail(err, "the link is %zu characters long, more than %d: shorten web.base_url or forbear.node", link.n, FB_LINK_MAX);
    *ret = link;
    return 0;
}

/* base64url and dots: nothing else is in a token, and nothing else goes on to whoever verifies it. */
static bool token_text(struct fb_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!fb_is_alpha(s.p[i]) && !fb_is_digit(s.p[i]) && s.p[i] != '-' && s.p[i] != '_' && s.p[i] != '.')
            return false;
    return true;
}

bool fb_link_parse(struct fb_str last, struct fb_str *ret_token, uint8_t ret_key[FB_PAGE_KEY])
{
    if (last.n < KEY_TEXT + 2 || last.n > FB_TOKEN_MAX + 1 + KEY_TEXT)
        return false;
    struct fb_str token = {last.p, last.n - KEY_TEXT - 1}, key = {last.p + token.n + 1, KEY_TEXT};
    if (last.p[token.n] != '.' || !token_text(token) || !fb_b64_parse(key, ret_key, FB_PAGE_KEY))
        return false;
    *ret_token = token;
    return true;
}

/* Zeros, and at their end the offset: no key, which is random, begins with so many. */
void fb_link_keyless(int tz_min, uint8_t ret_key[FB_PAGE_KEY])
{
    memset(ret_key, 0, FB_PAGE_KEY);
    ret_key[FB_PAGE_KEY - 2] = (uint8_t)((unsigned)tz_min >> 8);
    ret_key[FB_PAGE_KEY - 1] = (uint8_t)tz_min;
}

int fb_link_tz_min(const uint8_t key[FB_PAGE_KEY])
{
    for (size_t i = 0; i < FB_PAGE_KEY - 2; i++)
        if (key[i])
            return 0;
    return (int16_t)(key[FB_PAGE_KEY - 2] << 8 | key[FB_PAGE_KEY - 1]);
}
