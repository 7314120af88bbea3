/* What does not change from request to request: where the page lies, and its texts in each language. Shared by all threads. */
#ifndef FB_WEB_SITE_H
#define FB_WEB_SITE_H

#include "base/arena.h"

enum { WEB_LANGUAGES = 16 };

struct web_texts {
    struct fb_str language;             /* the name of its folder: "en" */
    struct fb_str page, problem, plain; /* page.html, problem.html, page.txt */
    struct fb_str rules;                /* rules.txt (facts/tell.h); empty: there is none */
};

struct web_site {
    struct fb_str origin; /* "https://forbear.example.org", as browsers write it in Origin */
    struct fb_str prefix; /* path of base_url: "" or "/forbear" */
    bool https, withdraws; /* withdraws: what happens when the delay ends */
    struct fb_str style, script; /* page.css, page.js */
    struct web_texts texts[WEB_LANGUAGES]; /* @language of web_site_open first */
    size_t texts_n;
};

/* Reads the templates of every language that has a page, and proves that they are sound. Text lives in @arena. */
int web_site_open(const char *base_url, bool withdraws, const char *data_dir, const char *language, struct fb_arena *arena,
                  struct web_site *ret, struct fb_err *err);

/* The texts for who prefers @preferred (may be empty) and whose browser sends @accept as Accept-Language (RFC 9110, 12.5.4; may be
 * empty): never none. */
const struct web_texts *web_site_texts(const struct web_site *site, struct fb_str preferred, struct fb_str accept);

#endif
