/* Tokens and links from the web. The bytes are taken as a token, as a link's last part, and as claims that a key of ours
 * did sign: what is behind the signature must hold as well. */
#include "fuzz.h"

#include <sodium.h>
#include <stdio.h>

#include "token/keys.h"

#define NODE FB_STR("forbear")

static uint8_t secret[FB_SIGN_SECRET];
static struct fb_verifier verifier = {.n = 1};

static void keys_make(void)
{
    static const uint8_t seed[crypto_sign_SEEDBYTES] = {1};
    crypto_sign_seed_keypair(verifier.v[0].key, secret, seed);
    fb_kid(verifier.v[0].key, verifier.v[0].kid);
}

static void as_token(struct fb_str text, struct fb_arena *arena)
{
    struct fb_token token;
    struct fb_str payload, footer;
    fb_paseto_footer(text, arena, &footer, NULL);
    fb_paseto_verify(verifier.v[0].key, text, FB_STR_NONE, arena, &payload, &footer, NULL);
    fb_token_verify(&verifier, text, NODE, 0, arena, &token, NULL);
}

static void as_link(struct fb_str text, struct fb_arena *arena)
{
    struct fb_str token, link;
    uint8_t key[FB_PAGE_KEY], keyless[FB_PAGE_KEY];
    if (!fb_link_parse(text, &token, key) || fb_link_make("", token, key, arena, &link, NULL))
        return;
    FUZZ_CHECK(link.n == text.n + 3 && memcmp(link.p + 3, text.p, text.n) == 0);
    fb_link_keyless(fb_link_tz_min(key), keyless);
    FUZZ_CHECK(fb_link_tz_min(key) == 0 || memcmp(key, keyless, sizeof key) == 0);
}

static void as_claims(struct fb_str text, struct fb_arena *arena)
{
    struct fb_str footer = fb_arena_printf(arena, "{\"kid\":\"%s\"}", verifier.v[0].kid), signed_text;
    struct fb_token token;
    FUZZ_CHECK(fb_paseto_sign(secret, text, footer, FB_STR_NONE, arena, &signed_text, NULL) == 0);
    if (fb_token_verify(&verifier, signed_text, NODE, 0, arena, &token, NULL) == 0)
        FUZZ_CHECK(fb_str_eq(token.node, NODE) && (token.use == FB_TOKEN_DECIDE) == (token.admin.n == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fb_str text = {(const char *)data, size};
    FB_ARENA arena = fb_arena_new(16 << 20);
    if (!arena || size > 8192)
        return 0;
    if (!verifier.v[0].kid[0])
        keys_make();
    as_token(text, arena);
    as_link(text, arena);
    as_claims(text, arena);
    return 0;
}
