/* Seals and fingerprints (libsodium). What the milter found is sealed to the keeper's public key (crypto_box_seal: X25519,
 * XSalsa20-Poly1305): the milter can write it and never read it back. What the page shows is sealed with a fresh key
 * that only the link carries (crypto_secretbox: XSalsa20-Poly1305, the nonce before it).
 * Before the first call: fb_crypto_init. */
#ifndef FB_HOLD_SEAL_H
#define FB_HOLD_SEAL_H

#include "hold/store.h"

enum { FB_BOX_KEY = 32, FB_HASH_KEY = 32 };

int fb_crypto_init(struct fb_err *err);

void fb_hold_id_new(struct fb_hold_id *ret);
void fb_page_key_new(uint8_t ret[FB_PAGE_KEY]);

/* NULL p on lack of memory. */
struct fb_str fb_box_seal(struct fb_arena *arena, const uint8_t public_key[FB_BOX_KEY], struct fb_str plain);
/* Fails where it was sealed to another key or altered. */
int fb_box_open(struct fb_arena *arena, const uint8_t public_key[FB_BOX_KEY], const uint8_t secret_key[FB_BOX_KEY],
                struct fb_str box, struct fb_str *ret, struct fb_err *err);
struct fb_str fb_page_seal(struct fb_arena *arena, const uint8_t key[FB_PAGE_KEY], struct fb_str plain);
int fb_page_open(struct fb_arena *arena, const uint8_t key[FB_PAGE_KEY], struct fb_str sealed, struct fb_str *ret, struct fb_err *err);

/* Which message is meant: BLAKE2b-256, keyed, of queue id and Message-ID, each with its length before it. The envelope
 * sender is no part of it: a milter is told what the client wrote, the queue file has what the MTA made of it
 * (canonical_maps, masquerade_domains, an appended domain), and a message whose sender was rewritten must be found again. */
void fb_fingerprint(const uint8_t key[FB_HASH_KEY], struct fb_str queue_id, struct fb_str message_id, uint8_t ret[FB_FINGERPRINT]);

/* Whose hold it is, for @hold's person, owner and thread: BLAKE2b-256, keyed, each with its purpose before it.
 *   person  of @sender (MAIL FROM, in lower case); zero where that is empty
 *   owner   of @login and @sender; zero where one is empty: then no answer by mail counts
 *   thread  of @root: the first id of References, else of In-Reply-To, else the message's own Message-ID; zero where that is empty */
void fb_hold_hashes(const uint8_t key[FB_HASH_KEY], struct fb_str login, struct fb_str sender, struct fb_str root, struct fb_hold *hold);
/* Of a mail of ours, with <>: BLAKE2b-256, no key. The id itself is 128 random bits, which is what an answer proves to have read. */
void fb_message_id_hash(struct fb_str message_id, uint8_t ret[FB_HASH]);
/* In constant time; false where one is zero. */
bool fb_hash_eq(const uint8_t a[FB_HASH], const uint8_t b[FB_HASH]);

/* base64url without padding, both ways; parse wants exactly @n bytes. */
struct fb_str fb_b64(struct fb_arena *arena, const void *p, size_t n);
bool fb_b64_parse(struct fb_str text, void *ret, size_t n);
/* The same of up to @max bytes; *ret_n of them. */
bool fb_b64_decode(struct fb_str text, void *ret, size_t max, size_t *ret_n);

/* Keys on disk, in <keys_dir>, one base64url line each:
 *   box.key   (keeper)         box.pub  (milter)          X25519
 *   hash.key  (group forbear-store)                       BLAKE2b key of fingerprints and history */
int fb_keys_read(const char *keys_dir, const char *name, uint8_t *ret, size_t n, struct fb_err *err);

#endif
