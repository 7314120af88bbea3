/* Seals, fingerprints and the keys that go with them: libsodium, and no cryptography of our own. Must never leave a
 * secret key behind in memory that it took for reading one, and never say in an error what was sealed.
 *
 * DIAGNOSTICS: a blob that does not open is a failure that tells no more than that; a key file is named. */
#include "hold/seal.h"

#include <sodium.h>
#include <stdio.h>

#include "base/io.h"

_Static_assert(FB_BOX_KEY == crypto_box_PUBLICKEYBYTES && FB_BOX_KEY == crypto_box_SECRETKEYBYTES, "box keys");
_Static_assert(FB_PAGE_KEY == crypto_secretbox_KEYBYTES, "page keys");
_Static_assert(FB_FINGERPRINT == crypto_generichash_BYTES && FB_HASH_KEY == crypto_generichash_KEYBYTES, "BLAKE2b-256");

enum { KEY_FILE_MAX = 256, NONCE = crypto_secretbox_NONCEBYTES, MAC = crypto_secretbox_MACBYTES };

int fb_crypto_init(struct fb_err *err)
{
    return sodium_init() < 0 ? fb_fail(err, "libsodium cannot start") : 0;
}

void fb_hold_id_new(struct fb_hold_id *ret)
{
    randombytes_buf(ret->b, sizeof ret->b);
}

void fb_page_key_new(uint8_t ret[FB_PAGE_KEY])
{
    crypto_secretbox_keygen(ret);
}

struct fb_str fb_box_seal(struct fb_arena *arena, const uint8_t public_key[FB_BOX_KEY], struct fb_str plain)
{
    size_t n = plain.n + crypto_box_SEALBYTES;
    uint8_t *box = fb_arena_alloc(arena, n);
    if (!box || crypto_box_seal(box, (const uint8_t *)plain.p, plain.n, public_key))
        return (struct fb_str){NULL, 0};
    return (struct fb_str){(char *)box, n};
}

int fb_box_open(struct fb_arena *arena, const uint8_t public_key[FB_BOX_KEY], const uint8_t secret_key[FB_BOX_KEY],
                struct fb_str box, struct fb_str *ret, struct fb_err *err)
{
    if (box.n < crypto_box_SEALBYTES)
        return fb_fail(err, "a sealed box is cut short");
    size_t n = box.n - crypto_box_SEALBYTES;
    uint8_t *plain = fb_arena_alloc(arena, n + 1);
    if (!plain)
        return fb_fail_memory(err);
    if (crypto_box_seal_open(plain, (const uint8_t *)box.p, box.n, public_key, secret_key))
        return fb_fail(err, "a sealed box does not open: altered, or sealed to another key");
    *ret = (struct fb_str){(char *)plain, n};
    return 0;
}

struct fb_str fb_page_seal(struct fb_arena *arena, const uint8_t key[FB_PAGE_KEY], struct fb_str plain)
{
    size_t n = NONCE + MAC + plain.n;
    uint8_t *sealed = fb_arena_alloc(arena, n);
    if (!sealed)
        return (struct fb_str){NULL, 0};
    randombytes_buf(sealed, NONCE);
    crypto_secretbox_easy(sealed + NONCE, (const uint8_t *)plain.p, plain.n, sealed, key);
    return (struct fb_str){(char *)sealed, n};
}

int fb_page_open(struct fb_arena *arena, const uint8_t key[FB_PAGE_KEY], struct fb_str sealed, struct fb_str *ret, struct fb_err *err)
{
    if (sealed.n < NONCE + MAC)
        return fb_fail(err, "a sealed page is cut short");
    size_t n = sealed.n - NONCE - MAC;
    const uint8_t *p = (const uint8_t *)sealed.p;
    uint8_t *plain = fb_arena_alloc(arena, n + 1);
    if (!plain)
        return fb_fail_memory(err);
    if (crypto_secretbox_open_easy(plain, p + NONCE, sealed.n - NONCE, p, key))
        return fb_fail(err, "a sealed page does not open: altered, or sealed with another key");
    *ret = (struct fb_str){(char *)plain, n};
    return 0;
}

/* The length goes before the bytes, so that no two triples run together into the same input. */
static void hash_part(crypto_generichash_state *h, struct fb_str s)
{
    uint8_t n[8];
    for (int i = 0; i < 8; i++)
        n[i] = (uint8_t)((uint64_t)s.n >> (56 - 8 * i));
    crypto_generichash_update(h, n, sizeof n);
    crypto_generichash_update(h, (const uint8_t *)s.p, s.n);
}

void fb_fingerprint(const uint8_t key[FB_HASH_KEY], struct fb_str queue_id, struct fb_str message_id, uint8_t ret[FB_FINGERPRINT])
{
    crypto_generichash_state h;
    crypto_generichash_init(&h, key, FB_HASH_KEY, FB_FINGERPRINT);
    hash_part(&h, queue_id);
    hash_part(&h, message_id);
    crypto_generichash_final(&h, ret, FB_FINGERPRINT);
    sodium_memzero(&h, sizeof h);
}

/* The last part: it needs no length before it. */
static void hash_lower(crypto_generichash_state *h, struct fb_str s)
{
    for (size_t i = 0; i < s.n; i++)
        crypto_generichash_update(h, (const uint8_t *)&(char){fb_lower(s.p[i])}, 1);
}

/* Zero where @first or @last is empty. */
static void hash_of(const uint8_t key[FB_HASH_KEY], struct fb_str purpose, struct fb_str first, struct fb_str last, bool lower, uint8_t ret[FB_HASH])
{
    crypto_generichash_state h;
    memset(ret, 0, FB_HASH);
    if (!first.n || !last.n)
        return;
    crypto_generichash_init(&h, key, FB_HASH_KEY, FB_HASH);
    hash_part(&h, purpose);
    hash_part(&h, first);
    if (lower)
        hash_lower(&h, last);
    else
        hash_part(&h, last);
    crypto_generichash_final(&h, ret, FB_HASH);
    sodium_memzero(&h, sizeof h);
}

void fb_hold_hashes(const uint8_t key[FB_HASH_KEY], struct fb_str login, struct fb_str sender, struct fb_str root, struct fb_hold *hold)
{
    hash_of(key, FB_STR("forbear"), FB_STR("person"), sender, true, hold->person);
    hash_of(key, FB_STR("owner"), login, sender, true, hold->owner);
    hash_of(key, FB_STR("forbear"), FB_STR("thread"), root, false, hold->thread);
}

void fb_message_id_hash(struct fb_str message_id, uint8_t ret[FB_HASH])
{
    crypto_generichash(ret, FB_HASH, (const uint8_t *)message_id.p, message_id.n, NULL, 0);
}

bool fb_hash_eq(const uint8_t a[FB_HASH], const uint8_t b[FB_HASH])
{
    return !sodium_is_zero(a, FB_HASH) && sodium_memcmp(a, b, FB_HASH) == 0;
}

struct fb_str fb_b64(struct fb_arena *arena, const void *p, size_t n)
{
    size_t size = sodium_base64_ENCODED_LEN(n, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    char *text = fb_arena_alloc(arena, size);
    if (!text)
        return (struct fb_str){NULL, 0};
    sodium_bin2base64(text, size, p, n, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    return (struct fb_str){text, size - 1};
}

/* libsodium 1.0.18 takes bytes of the upper half for letters, so that one value would have several texts. */
static bool is_b64(struct fb_str text)
{
    for (size_t i = 0; i < text.n; i++)
        if (!fb_is_alpha(text.p[i]) && !fb_is_digit(text.p[i]) && text.p[i] != '-' && text.p[i] != '_')
            return false;
    return true;
}

bool fb_b64_decode(struct fb_str text, void *ret, size_t max, size_t *ret_n)
{
    return is_b64(text) && sodium_base642bin(ret, max, text.p, text.n, NULL, ret_n, NULL, sodium_base64_VARIANT_URLSAFE_NO_PADDING) == 0;
}

bool fb_b64_parse(struct fb_str text, void *ret, size_t n)
{
    size_t got;
    return fb_b64_decode(text, ret, n, &got) && got == n;
}

int fb_keys_read(const char *keys_dir, const char *name, uint8_t *ret, size_t n, struct fb_err *err)
{
    FB_ARENA arena = fb_arena_new(4096);
    struct fb_str path = arena ? fb_arena_printf(arena, "%s/%s", keys_dir, name) : (struct fb_str){NULL, 0};
    if (!path.p)
        return fb_fail_memory(err);
    struct fb_str text;
    if (fb_io_read_file(arena, path.p, KEY_FILE_MAX, &text, err))
        return -1;
    bool good = fb_b64_parse(fb_str_trim(text), ret, n);
    sodium_memzero((char *)text.p, text.n);
    return good ? 0 : fb_fail(err, "%s: not a key of %zu bytes in base64url", path.p, n);
}
