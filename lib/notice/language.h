/* In which language a mail is written, and what that language calls things: a folder of templates (conf/templates/LANG). */
#ifndef FB_NOTICE_LANGUAGE_H
#define FB_NOTICE_LANGUAGE_H

#include "template/template.h"

struct fb_language {
    const char *data_dir, *name;      /* of the folder */
    struct fb_str release, withdraw;  /* the words that answer a notice: the first of each */
    struct fb_str rules;              /* rules.txt (facts/tell.h), empty where there is none */
    struct fb_part moment;            /* how one is written, as page.txt has it */
};

/* The folder @wanted, else that of the language of which it is a kind ("de" for "de-at"), else @otherwise, which must be there. All of
 * *ret lives in @arena. */
int fb_language_open(const char *data_dir, struct fb_str wanted, const char *otherwise, struct fb_arena *arena, struct fb_language *ret,
                     struct fb_err *err);

/* "today at 14:05", "on Monday, 30 November 2026 at 09:00", within a sentence and by the clock of @tz_min (minutes east of UTC), which is
 * not said. Empty where that is no time. */
int fb_language_moment(const struct fb_language *l, int64_t at_s, int64_t now_s, int tz_min, struct fb_arena *arena, struct fb_str *ret,
                       struct fb_err *err);

#endif
