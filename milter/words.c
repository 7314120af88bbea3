/* The words of an answer. A word alone counts, and nothing that merely begins with one: "Release it? Never!" must not be taken
 * for an order. A word that means one thing in one language and another in the next stops the load.
 *
 * DIAGNOSTICS: a fault of a file names it and the line. */
#include "words.h"

#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/io.h"
#include "rules/text.h"
#include "wire/desk.h"

enum { FILE_MAX = 1 << 16 };

static int word_add(struct fb_arena *arena, struct words *w, struct fb_str word, int action, struct fb_err *err)
{
    struct fb_str folded = fb_text_fold(arena, word);
    struct word *v = fb_arena_grow(arena, w->v, w->n, &w->cap, sizeof *v);
    if (!folded.p || !v)
        return fb_fail_memory(err);
    w->v = v;
    for (size_t i = 0; i < w->n; i++)
        if (fb_str_eq(v[i].folded, folded) && v[i].action != action)
            return fb_fail(err, "\"%.*s\" sends a message in one language, and takes it back in another", FB_FMT(word));
    v[w->n++] = (struct word){folded, action};
    return 0;
}

/* "release = WORD WORD", "withdraw = WORD", a comment or nothing. */
static int line_add(struct fb_arena *arena, struct words *w, struct fb_str line, struct fb_err *err)
{
    struct fb_str rest = fb_str_trim(line), key, word;
    if (!rest.n || rest.p[0] == '#')
        return 0;
    fb_str_split(&rest, '=', &key);
    bool release = fb_str_eq(fb_str_trim(key), FB_STR("release"));
    if (!rest.p || (!release && !fb_str_eq(fb_str_trim(key), FB_STR("withdraw"))))
        return fb_fail(err, "want release = or withdraw = and words");
    while (fb_text_word(&rest, &word))
        if (word_add(arena, w, word, release ? FB_DESK_RELEASE : FB_DESK_WITHDRAW, err))
            return -1;
    return 0;
}

int words_read(struct fb_arena *arena, const char *path, struct fb_str text, struct words *w, struct fb_err *err)
{
    struct fb_str line;
    for (unsigned at = 1; fb_str_line(&text, &line); at++)
        if (line_add(arena, w, line, err))
            return fb_fail_in(err, "%s:%u", path, at);
    return 0;
}

static int file_add(struct fb_arena *arena, struct words *w, const char *path, struct fb_err *err)
{
    struct fb_str text;
    return fb_io_read_file(arena, path, FILE_MAX, &text, err) || words_read(arena, path, text, w, err) ? -1 : 0;
}

static int languages_add(struct fb_arena *arena, struct words *w, const char *templates, DIR *dir, struct fb_err *err)
{
    for (const struct dirent *d; (d = readdir(dir));) {
        struct fb_str path = fb_arena_printf(arena, "%s/%s/words", templates, d->d_name);
        if (!path.p)
            return fb_fail_memory(err);
        if (d->d_name[0] != '.' && access(path.p, F_OK) == 0 && file_add(arena, w, path.p, err))
            return -1;
    }
    return 0;
}

int words_load(struct fb_arena *arena, const char *data_dir, struct words *ret, struct fb_err *err)
{
    *ret = (struct words){0};
    struct fb_str templates = fb_arena_printf(arena, "%s/templates", data_dir);
    if (!templates.p)
        return fb_fail_memory(err);
    DIR *dir = opendir(templates.p);
    if (!dir)
        return fb_fail_errno(err, "%s", templates.p);
    int rc = languages_add(arena, ret, templates.p, dir, err);
    closedir(dir);
    return rc;
}

int words_action(const struct words *w, struct fb_arena *arena, struct fb_str line, int *ret, struct fb_err *err)
{
    struct fb_str word, more;
    *ret = 0;
    if (!fb_text_word(&line, &word) || fb_text_word(&line, &more))
        return 0;
    struct fb_str folded = fb_text_fold(arena, word);
    if (!folded.p)
        return fb_fail_memory(err);
    for (size_t i = 0; i < w->n; i++)
        if (fb_str_eq(w->v[i].folded, folded))
            *ret = w->v[i].action;
    return 0;
}
