/* Keys as files, for lib/token alone: PASERK k4.secret and k4.public (github.com/paseto-standard/paserk), one a file. */
#ifndef FB_TOKEN_KEYS_H
#define FB_TOKEN_KEYS_H

#include "token/token.h"

enum { FB_SIGN_SECRET = 64, FB_SIGN_PUBLIC = 32, FB_VERIFY_KEYS = 64 };

/* base64url of the first 6 bytes of BLAKE2b-256 of the public key, with a NUL behind it. */
void fb_kid(const uint8_t public_key[FB_SIGN_PUBLIC], char ret[FB_KID + 1]);

struct fb_signer {
    uint8_t secret[FB_SIGN_SECRET]; /* seed, then public key */
    char kid[FB_KID + 1];
};

struct fb_verifier {
    size_t n;
    struct {
        uint8_t key[FB_SIGN_PUBLIC];
        char kid[FB_KID + 1];
    } v[FB_VERIFY_KEYS];
};

#endif
