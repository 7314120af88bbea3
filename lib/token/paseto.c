/* PASETO v4.public: the encoding alone, Ed25519 is libsodium's (github.com/paseto-standard/paseto-spec, docs/01 and 04).
 * Decides whether a token is one and whether @public_key signed it; must never hand out a payload before that.
 *
 * DIAGNOSTICS: says whether the form or the signature is at fault, and nothing of the contents. */
#include "token/token.h"

#include <sodium.h>

#include "hold/seal.h"

static const struct fb_str prefix = {"v4.public.", 10};

enum { SIGNATURE = crypto_sign_BYTES };

/* PAE's numbers: 64 bits, little-endian, the highest bit clear. */
static void pae_number(struct fb_buf *b, uint64_t n)
{
    for (int i = 0; i < 8; i++)
        fb_buf_char(b, (char)((n >> (8 * i)) & (i == 7 ? 0x7f : 0xff)));
}

static struct fb_str pae(struct fb_arena *arena, const struct fb_str *parts, size_t n)
{
    struct fb_buf b = FB_BUF(arena);
    pae_number(&b, n);
    for (size_t i = 0; i < n; i++) {
        pae_number(&b, parts[i].n);
        fb_buf_add(&b, parts[i]);
    }
    return fb_buf_str(&b);
}

static struct fb_str signed_text(struct fb_arena *arena, struct fb_str payload, struct fb_str footer, struct fb_str implicit)
{
    return pae(arena, (const struct fb_str[]){prefix, payload, footer, implicit}, 4);
}

static void add_b64(struct fb_buf *b, struct fb_arena *arena, struct fb_str bytes)
{
    struct fb_str text = fb_b64(arena, bytes.p, bytes.n);
    if (text.p)
        fb_buf_add(b, text);
    else
        b->failed = true;
}

int fb_paseto_sign(const uint8_t secret[64], struct fb_str payload, struct fb_str footer, struct fb_str implicit,
                   struct fb_arena *arena, struct fb_str *ret, struct fb_err *err)
{
    struct fb_str text = signed_text(arena, payload, footer, implicit);
    char signature[SIGNATURE];
    if (!text.p)
        return fb_fail_memory(err);
    crypto_sign_detached((uint8_t *)signature, NULL, (const uint8_t *)text.p, text.n, secret);
    struct fb_buf body = FB_BUF(arena), token = FB_BUF(arena);
    fb_buf_add(&body, payload);
    fb_buf_add(&body, (struct fb_str){signature, sizeof signature});
    struct fb_str bytes = fb_buf_str(&body);
    if (!bytes.p)
        return fb_fail_memory(err);
    fb_buf_add(&token, prefix);
    add_b64(&token, arena, bytes);
    if (footer.n) {
        fb_buf_char(&token, '.');
        add_b64(&token, arena, footer);
    }
    *ret = fb_buf_str(&token);
    return ret->p ? 0 : fb_fail_memory(err);
}

static int decode(struct fb_str text, struct fb_arena *arena, struct fb_str *ret, struct fb_err *err)
{
    char *p = fb_arena_alloc(arena, text.n + 1);
    if (!p)
        return fb_fail_memory(err);
    size_t n;
    if (!fb_b64_decode(text, p, text.n, &n))
        return fb_fail(err, "the token is no base64url");
    *ret = (struct fb_str){p, n};
    return 0;
}

/* The two parts behind the prefix, still encoded; the footer may be absent, and is not empty where it is there. */
static int split(struct fb_str text, struct fb_str *ret_body, struct fb_str *ret_footer, struct fb_err *err)
{
    if (text.n < prefix.n || memcmp(text.p, prefix.p, prefix.n) != 0)
        return fb_fail(err, "not a v4.public token");
    struct fb_str rest = {text.p + prefix.n, text.n - prefix.n};
    *ret_footer = FB_STR_NONE;
    if (!fb_str_split(&rest, '.', ret_body) || (rest.p && rest.n == 0))
        return fb_fail(err, "the token ends where its footer should be");
    if (rest.p)
        *ret_footer = rest;
    return 0;
}

int fb_paseto_footer(struct fb_str text, struct fb_arena *arena, struct fb_str *ret, struct fb_err *err)
{
    struct fb_str body, footer;
    return split(text, &body, &footer, err) ? -1 : decode(footer, arena, ret, err);
}

int fb_paseto_verify(const uint8_t public_key[32], struct fb_str text, struct fb_str implicit, struct fb_arena *arena,
                     struct fb_str *ret_payload, struct fb_str *ret_footer, struct fb_err *err)
{
    struct fb_str body, footer;
    if (split(text, &body, &footer, err) || decode(body, arena, &body, err) || decode(footer, arena, &footer, err))
        return -1;
    if (body.n < SIGNATURE)
        return fb_fail(err, "the token is cut short");
    struct fb_str payload = {body.p, body.n - SIGNATURE}, check = signed_text(arena, payload, footer, implicit);
    if (!check.p)
        return fb_fail_memory(err);
    if (crypto_sign_verify_detached((const uint8_t *)body.p + payload.n, (const uint8_t *)check.p, check.n, public_key))
        return fb_fail(err, "the signature of the token is not that of its key");
    *ret_payload = payload, *ret_footer = footer;
    return 0;
}
