/* Signed links and decisions: PASETO v4.public (Ed25519; github.com/paseto-standard/paseto-spec), as libsodium has it.
 *
 *   payload {"exp":"<RFC 3339>","hid":"<22 characters>","node":"<name>","use":"decide"}
 *   use     "decide"           the sender's link: release or withdraw, by POST
 *           "admin-release", "admin-withdraw": an admin's decision, with "adm":"<name>"
 *   footer  {"kid":"<8 characters>"}: base64url of the first 6 bytes of BLAKE2b-256 of the public key
 * A token says who may decide; whether there is still something to decide is the row's state. */
#ifndef FB_TOKEN_TOKEN_H
#define FB_TOKEN_TOKEN_H

#include "base/arena.h"
#include "hold/store.h"

enum { FB_TOKEN_MAX = 400, FB_KID = 8, FB_LINK_MAX = 360 };
enum fb_token_use { FB_TOKEN_DECIDE, FB_TOKEN_ADMIN_RELEASE, FB_TOKEN_ADMIN_WITHDRAW };

struct fb_token {
    struct fb_hold_id hold;
    struct fb_str node;
    int64_t exp_s;
    enum fb_token_use use;
    struct fb_str admin; /* empty for FB_TOKEN_DECIDE */
};

/* The keys: <keys_dir>/signing.key (the one that signs; PASERK k4.secret) and <keys_dir>/public/<kid>.pub (all that verify;
 * PASERK k4.public). */
struct fb_signer;
struct fb_verifier;
int fb_signer_open(const char *keys_dir, struct fb_signer **ret, struct fb_err *err);
void fb_signer_close(struct fb_signer *s); /* wipes */
int fb_verifier_open(const char *keys_dir, struct fb_verifier **ret, struct fb_err *err);
void fb_verifier_close(struct fb_verifier *v);

int fb_token_sign(const struct fb_signer *s, const struct fb_token *token, struct fb_arena *arena, struct fb_str *ret, struct fb_err *err);
/* Fails alike for a bad, foreign, expired or altered token; *err says which, for a log at verbose level only. */
int fb_token_verify(const struct fb_verifier *v, struct fb_str text, struct fb_str node, int64_t now_s, struct fb_arena *arena,
                    struct fb_token *ret, struct fb_err *err);

/* The PASETO layer alone, for the official vectors. @key: Ed25519 as libsodium has it (64 and 32 bytes). */
int fb_paseto_sign(const uint8_t secret[64], struct fb_str payload, struct fb_str footer, struct fb_str implicit,
                   struct fb_arena *arena, struct fb_str *ret, struct fb_err *err);
int fb_paseto_verify(const uint8_t public_key[32], struct fb_str text, struct fb_str implicit, struct fb_arena *arena,
                     struct fb_str *ret_payload, struct fb_str *ret_footer, struct fb_err *err);
/* The footer before anything is verified: to find the key. */
int fb_paseto_footer(struct fb_str text, struct fb_arena *arena, struct fb_str *ret, struct fb_err *err);

/* "<base_url>/h/<token>.<key>", at most FB_LINK_MAX; and its last part apart again. */
int fb_link_make(const char *base_url, struct fb_str token, const uint8_t key[FB_PAGE_KEY], struct fb_arena *arena, struct fb_str *ret, struct fb_err *err);
bool fb_link_parse(struct fb_str last, struct fb_str *ret_token, uint8_t ret_key[FB_PAGE_KEY]);

/* What a link without a key has in its place: the minutes east of UTC by which its reader tells the time. That is in their own mail alone:
 * where somebody is, or travels, is for no store to know. The other way: 0 for a key. */
void fb_link_keyless(int tz_min, uint8_t ret_key[FB_PAGE_KEY]);
int fb_link_tz_min(const uint8_t key[FB_PAGE_KEY]);

/* What `forbear keygen` does. Makes what is missing; with @rotate a new signing key, the old public one kept. Owners are
 * the caller's to set. */
int fb_keys_generate(const char *keys_dir, bool rotate, struct fb_err *err);

#endif
