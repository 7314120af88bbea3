#include "mail/own.h"
int fb_own_words(struct fb_arena *arena, struct fb_str text, struct fb_own *ret, struct fb_err *err)
{
    ret->text = text;
    ret->sentences_n = 1;
    ret->sentences = fb_arena_array(arena, 1, sizeof *ret->sentences);
    if (!ret->sentences)
        return fb_fail_memory(err);
    ret->sentences[0] = text;
    return 0;
}
