/* The words by which a notice may be answered, of every language that there are templates in. */
#ifndef FB_MILTER_WORDS_H
#define FB_MILTER_WORDS_H

#include "base/arena.h"

struct words {
    size_t n, cap;
    struct word {
        struct fb_str folded; /* as fb_text_fold */
        int action;           /* enum fb_desk_action */
    } *v;
};

/* Reads <data_dir>/templates/<language>/words of each language that has one: lines "release = WORD ..." and "withdraw = WORD ...".
 * A word that stands for both is a fault. All of *ret lives in @arena. */
int words_load(struct fb_arena *arena, const char *data_dir, struct words *ret, struct fb_err *err);
/* The same of one file's text, which is added to what *@w has: for tests. */
int words_read(struct fb_arena *arena, const char *path, struct fb_str text, struct words *w, struct fb_err *err);
/* What @line says: nothing else may stand on it but one of the words, in whatever case. *ret 0: nothing. Fails
 * for lack of memory alone. */
int words_action(const struct words *w, struct fb_arena *arena, struct fb_str line, int *ret, struct fb_err *err);

#endif
