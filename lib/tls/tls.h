/* The certificate of the page, and its key: two PEM files (RFC 7468). */
#ifndef FB_TLS_TLS_H
#define FB_TLS_TLS_H

#include "base/arena.h"

enum { FB_TLS_NONE = 1 };

struct fb_tls {
    struct fb_str certificate, key; /* as they were read, with a NUL behind each; the certificate's own issuers follow it */
    int64_t until_s;                /* when the certificate expires */
};

/* Reads both and proves that they are sound and belong together. Outcome: FB_TLS_NONE, where both paths are empty; one
 * alone is a failure. The text lives in @arena: wipe the key with fb_tls_wipe, also after a failure. */
int fb_tls_load(const char *certificate, const char *key, struct fb_arena *arena, struct fb_tls *ret, struct fb_err *err);
void fb_tls_wipe(struct fb_tls *tls);

/* Whether browsers that go to @host (a name or an address) will take the certificate for it (RFC 6125). */
bool fb_tls_is_for(const struct fb_tls *tls, const char *host);

#endif
