/* Wording: reads what the page says, every language at once. A text that nothing asks for is misspelt, or has lost its section, and nobody
 * would ever see it.
 *
 * DIAGNOSTICS: fails where what is shared, English or @first is not there, for a faulty template, a text that is not known, there twice or
 * in no section, and for too many languages; the fault names the file and, where it has one, the line. */
#include "template/wording.h"

#include <dirent.h>

static const char TEXTS[] = "page.txt", RULES[] = "rules.txt", ENGLISH[] = "en";

struct list {
    struct fb_part *v;
    size_t n, cap;
};

struct opening {
    const char *data_dir;
    struct fb_arena *arena;
    struct fb_wordings *ret;
    struct list base; /* what is shared, and English */
    struct fb_buf warnings;
    struct fb_err *err;
};

static int add(struct opening *o, struct list *l, const struct fb_part *t)
{
    struct fb_part *v = fb_arena_grow(o->arena, l->v, l->n, &l->cap, sizeof *v);
    if (!v)
        return fb_fail_memory(o->err);
    v[l->n++] = *t;
    l->v = v;
    return 0;
}

static struct fb_parts parts_of(const struct list *l)
{
    return (struct fb_parts){l->v, l->n};
}

static int read_whole(struct opening *o, const char *folder, const char *file, struct fb_str name, struct fb_str *ret_text, struct fb_part *ret)
{
    struct fb_str shown = fb_arena_printf(o->arena, "%s/%s", folder, file);
    if (!shown.p)
        return fb_fail_memory(o->err);
    if (fb_template_read(o->data_dir, folder, file, o->arena, ret_text, o->err))
        return -1;
    return fb_part_cut(shown.p, name, *ret_text, o->arena, ret, o->err);
}

static int read_texts(struct opening *o, const char *language, struct list *to)
{
    struct fb_str text;
    struct fb_part whole, t;
    size_t at = 0;
    if (read_whole(o, language, TEXTS, FB_STR_NONE, &text, &whole) || fb_part_check_sections(&whole, o->err))
        return -1;
    while (fb_part_next(&whole, &at, &t))
        if (add(o, to, &t))
            return -1;
    return 0;
}

static int read_base(struct opening *o)
{
    static const struct {
        const char *file;
        struct fb_str name;
    } shared[] = {{"page.html", FB_STR_INIT("page")}, {"problem.html", FB_STR_INIT("problem")}, {"when.html", FB_STR_INIT("when")}};
    struct fb_str text;
    struct fb_part t;
    for (size_t i = 0; i < sizeof shared / sizeof *shared; i++)
        if (read_whole(o, "shared", shared[i].file, shared[i].name, &text, &t) || add(o, &o->base, &t))
            return -1;
    if (read_texts(o, ENGLISH, &o->base))
        return -1;
    const struct fb_parts base = parts_of(&o->base);
    return fb_parts_check(&base, o->err);
}

/* A text that is asked for, or letters; for which rules, English says: an admin's own may have some. */
static bool is_known(const struct fb_parts *base, struct fb_str name)
{
    const struct fb_part *known = fb_parts_find(base, name);
    return known && known->words && (fb_parts_ask(base, name) || fb_str_istarts(name, FB_STR("letters_")));
}

static int own_check(const struct opening *o, const struct fb_parts *own)
{
    const struct fb_parts base = parts_of(&o->base);
    for (size_t i = 0; i < own->n; i++) {
        const struct fb_part *t = &own->v[i];
        if (!is_known(&base, t->name))
            return fb_fail(o->err, "template %s, line %u: nothing asks for the text {{#%.*s}}", t->file, t->line, FB_FMT(t->name));
        if (fb_parts_find(own, t->name) != t)
            return fb_fail(o->err, "template %s, line %u: {{#%.*s}} is there twice", t->file, t->line, FB_FMT(t->name));
    }
    return 0;
}

static void warn_of_missing(struct opening *o, const char *language, const struct fb_parts *own)
{
    size_t missing = 0;
    for (size_t i = 0; i < o->base.n; i++)
        if (o->base.v[i].words && !fb_parts_find(own, o->base.v[i].name)) {
            if (!missing++)
                fb_buf_printf(&o->warnings, "template %s/%s is said in English where it lacks ", language, TEXTS);
            fb_buf_printf(&o->warnings, "%s{{#%.*s}}", missing > 1 ? ", " : "", FB_FMT(o->base.v[i].name));
        }
    if (missing)
        fb_buf_char(&o->warnings, '\n');
}

static int add_base(struct opening *o, struct list *to)
{
    for (size_t i = 0; i < o->base.n; i++)
        if (add(o, to, &o->base.v[i]))
            return -1;
    return 0;
}

/* What the rules say, in that language: only one that rules.conf is not in has it. */
static int read_rules(struct opening *o, const char *language, struct fb_str *ret)
{
    struct fb_part cut;
    int rc = fb_template_missing(o->data_dir, fb_str(language), RULES, o->arena, o->err);
    *ret = FB_STR_NONE;
    return rc ? (rc < 0 ? -1 : 0) : read_whole(o, language, RULES, FB_STR_NONE, ret, &cut);
}

static int read_language(struct opening *o, const char *language)
{
    struct list all = {NULL, 0, 0};
    struct fb_wording w = {.language = fb_arena_dup(o->arena, fb_str(language))};
    if (!w.language.p)
        return fb_fail_memory(o->err);
    if (o->ret->n == FB_WORDINGS)
        return fb_fail(o->err, "%s/templates has more than %d languages", o->data_dir, FB_WORDINGS);
    if (read_texts(o, language, &all))
        return -1;
    const struct fb_parts own = parts_of(&all);
    if (own_check(o, &own) || add_base(o, &all) || read_rules(o, language, &w.rules))
        return -1;
    warn_of_missing(o, language, &own);
    w.texts = parts_of(&all);
    o->ret->v[o->ret->n++] = w;
    return fb_parts_check(&w.texts, o->err);
}

/* A folder without texts is no language; what is shared is in one. */
static int read_others(struct opening *o, DIR *dir, const char *first)
{
    for (struct dirent *e; (e = readdir(dir));) {
        if (e->d_name[0] == '.' || fb_str_ieq(fb_str(e->d_name), fb_str(first)))
            continue;
        int rc = fb_template_missing(o->data_dir, fb_str(e->d_name), TEXTS, o->arena, o->err);
        if (rc < 0 || (rc == 0 && read_language(o, e->d_name)))
            return -1;
    }
    return 0;
}

static int read_all(struct opening *o, const char *first)
{
    struct fb_str path = fb_arena_printf(o->arena, "%s/templates", o->data_dir);
    if (!path.p)
        return fb_fail_memory(o->err);
    if (read_base(o) || read_language(o, first))
        return -1;
    DIR *dir = opendir(path.p);
    if (!dir)
        return fb_fail_errno(o->err, "%s", path.p);
    int rc = read_others(o, dir, first);
    closedir(dir);
    return rc;
}

int fb_wordings_open(const char *data_dir, const char *first, struct fb_arena *arena, struct fb_wordings *ret, struct fb_err *err)
{
    struct opening o = {.data_dir = data_dir, .arena = arena, .ret = ret, .warnings = FB_BUF(arena), .err = err};
    *ret = (struct fb_wordings){.n = 0};
    if (read_all(&o, first))
        return -1;
    ret->warnings = fb_buf_str(&o.warnings);
    return ret->warnings.p ? 0 : fb_fail_memory(err);
}
