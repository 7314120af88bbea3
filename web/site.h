/* What does not change from request to request: where the page lies, and its texts in each language. Shared by all threads. */
#ifndef FB_WEB_SITE_H
#define FB_WEB_SITE_H

#include "template/wording.h"

struct web_site {
    struct fb_str origin; /* "https://forbear.example.org", as browsers write it in Origin */
    struct fb_str prefix; /* path of base_url: "" or "/forbear" */
    bool https, withdraws; /* withdraws: what happens when the delay ends */
    struct fb_str style, script; /* page.css, page.js */
    struct fb_wordings wordings; /* @language of web_site_open first */
};

/* Reads the templates of every language, and proves that they are sound. Text lives in @arena. */
int web_site_open(const char *base_url, bool withdraws, const char *data_dir, const char *language, struct fb_arena *arena,
                  struct web_site *ret, struct fb_err *err);

/* The wording for who prefers @preferred (may be empty) and whose browser sends @accept as Accept-Language (RFC 9110, 12.5.4; may be
 * empty): never none. */
const struct fb_wording *web_site_wording(const struct web_site *site, struct fb_str preferred, struct fb_str accept);

#endif
