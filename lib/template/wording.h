/* What the page says, in each language. How it is built stands once, in templates/shared; there {{>name}} is a text, and a language's
 * page.txt has the texts: a section each, plain text with tags. What a language lacks is said in English. */
#ifndef FB_TEMPLATE_WORDING_H
#define FB_TEMPLATE_WORDING_H

#include "template/template.h"

enum { FB_WORDINGS = 16 };

struct fb_wording {
    struct fb_str language; /* the name of its folder: "en" */
    struct fb_parts texts;  /* page.txt, then what is shared (page, problem, when), then English */
    struct fb_str rules;    /* rules.txt (facts/tell.h); empty: there is none */
};

struct fb_wordings {
    struct fb_wording v[FB_WORDINGS];
    size_t n;
    struct fb_str warnings; /* a line for each language that lacks texts, with their names */
};

/* Every folder of templates that has a page.txt, @first first. A text that nothing asks for is a fault, and so is one that English lacks,
 * and one that stands in no section: *err names file and line. All of *ret lives in @arena. */
int fb_wordings_open(const char *data_dir, const char *first, struct fb_arena *arena, struct fb_wordings *ret, struct fb_err *err);

#endif
