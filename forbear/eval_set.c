/* What `forbear eval` judges: a case set, or ordinary mail as a folder, a maildir or an mbox holds it. Whatever is named must
 * be there before the first message is judged: a figure over half a set would be taken for one over all of it.
 *
 * DIAGNOSTICS: file and line of a case that is no JSON, lacks something, or names a message or a world that is not there. */
#include "eval.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/io.h"
#include "mail/mbox.h"

enum { SET_MAX = 256 << 20, MBOX_MAX = 1 << 30 };

static void json_cleanup(json_t **j)
{
    json_decref(*j);
}

static struct eval_case *case_add(struct eval *e, struct fb_err *err)
{
    struct eval_case *v = fb_arena_grow(e->arena, e->v, e->n, &e->cap, sizeof *e->v);
    if (!v)
        return fb_fail_memory(err), NULL;
    e->v = v;
    e->v[e->n] = (struct eval_case){.pair = FB_STR_NONE, .why = FB_STR_NONE};
    return &e->v[e->n++];
}

/* The number of the world whose world.conf is at @conf; empty: the configuration as it is. */
static int world_of(struct eval *e, const char *conf, size_t *ret, struct fb_err *err)
{
    for (*ret = 0; *ret < e->worlds_n; ++*ret)
        if (strcmp(e->worlds[*ret], conf) == 0)
            return 0;
    const char **v = fb_arena_grow(e->arena, e->worlds, e->worlds_n, &e->worlds_cap, sizeof *v);
    if (!v)
        return fb_fail_memory(err);
    e->worlds = v;
    e->worlds[e->worlds_n++] = conf;
    return 0;
}

/* ---- a case set ---- */

struct line {
    struct eval *e;
    const char *dir;
    json_t *json;
    struct eval_case *c;
};

/* The path of @name in the set, which must be there. */
static int named(const struct line *l, const char *what, const char *name, const char *file, const char **ret, struct fb_err *err)
{
    *ret = fb_arena_printf(l->e->arena, "%s/%s%s", l->dir, name, file).p;
    if (!*ret)
        return fb_fail_memory(err);
    return access(*ret, R_OK) == 0 ? 0 : fb_fail_errno(err, "%s %s", what, *ret);
}

static int text_of(const struct line *l, const char *key, bool wanted, struct fb_str *ret, struct fb_err *err)
{
    const json_t *j = json_object_get(l->json, key);
    if (!j && !wanted)
        return 0;
    if (!json_is_string(j))
        return fb_fail(err, j ? "%s is no string" : "there is no %s", key);
    *ret = fb_arena_dup(l->e->arena, fb_str(json_string_value(j)));
    return ret->p ? 0 : fb_fail_memory(err);
}

/* The strings of an array; NULL and 0 where there is none. One more is there, empty, for who ends by NULL. */
static int texts_of(const struct line *l, const char *key, const struct fb_str **ret, size_t *ret_n, struct fb_err *err)
{
    const json_t *j = json_object_get(l->json, key);
    *ret = NULL, *ret_n = 0;
    if (!j || json_is_null(j))
        return 0;
    if (!json_is_array(j))
        return fb_fail(err, "%s is no array", key);
    struct fb_str *v = fb_arena_array(l->e->arena, json_array_size(j) + 1, sizeof *v);
    for (size_t i = 0; v && i < json_array_size(j); i++) {
        if (!json_is_string(json_array_get(j, i)))
            return fb_fail(err, "%s holds what is no string", key);
        v[i] = fb_arena_dup(l->e->arena, fb_str(json_string_value(json_array_get(j, i))));
        if (!v[i].p)
            return fb_fail_memory(err);
    }
    *ret = v, *ret_n = json_array_size(j);
    return v ? 0 : fb_fail_memory(err);
}

static int read_expect(const struct line *l, struct fb_err *err)
{
    static const char *const names[] = {[EVAL_HOLD] = "hold", [EVAL_PASS] = "pass", [EVAL_EITHER] = "either"};
    struct fb_str expect = FB_STR_NONE;
    if (text_of(l, "expect", true, &expect, err))
        return -1;
    for (int i = EVAL_HOLD; i <= EVAL_EITHER; i++)
        if (fb_str_eq(expect, fb_str(names[i])))
            l->c->expect = (enum eval_expect)i;
    return l->c->expect == EVAL_ORDINARY ? fb_fail(err, "expect is none of hold, pass, either") : 0;
}

static int read_world(const struct line *l, struct fb_err *err)
{
    struct fb_str world = FB_STR_NONE;
    const char *conf;
    if (text_of(l, "world", true, &world, err) || named(l, "world", world.p, "/world.conf", &conf, err))
        return -1;
    return world_of(l->e, conf, &l->c->world, err);
}

static int read_recipients(const struct line *l, struct fb_err *err)
{
    const struct fb_str *v;
    size_t n;
    if (texts_of(l, "rcpt", &v, &n, err))
        return -1;
    if (!n)
        return 0;
    const char **rcpt = fb_arena_array(l->e->arena, n + 1, sizeof *rcpt);
    for (size_t i = 0; rcpt && i < n; i++)
        rcpt[i] = v[i].p;
    l->c->rcpt = rcpt;
    return rcpt ? 0 : fb_fail_memory(err);
}

static int read_history(const struct line *l, struct fb_err *err)
{
    const struct fb_str *v;
    if (texts_of(l, "history", &v, &l->c->history_n, err))
        return -1;
    const char **paths = fb_arena_array(l->e->arena, l->c->history_n, sizeof *paths);
    if (!paths)
        return fb_fail_memory(err);
    for (size_t i = 0; i < l->c->history_n; i++)
        if (named(l, "message", v[i].p, "", &paths[i], err))
            return -1;
    l->c->history = paths;
    return 0;
}

static int read_case(const struct line *l, struct fb_err *err)
{
    struct eval_case *c = l->c;
    struct fb_str file = FB_STR_NONE;
    if (text_of(l, "file", true, &file, err) || named(l, "message", file.p, "", &c->path, err))
        return -1;
    c->file = file.p;
    if (read_expect(l, err) || read_world(l, err) || read_recipients(l, err) || read_history(l, err))
        return -1;
    return text_of(l, "pair", false, &c->pair, err) || text_of(l, "why", false, &c->why, err) || texts_of(l, "rules", &c->rules, &c->rules_n, err) ? -1 : 0;
}

static int read_line(struct eval *e, const char *dir, struct fb_str text, struct fb_err *err)
{
    json_error_t fault;
    __attribute__((cleanup(json_cleanup))) json_t *json = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, &fault);
    if (!json_is_object(json))
        return fb_fail(err, "no JSON object: %s", json ? "something else" : fault.text);
    struct line l = {.e = e, .dir = dir, .json = json, .c = case_add(e, err)};
    return l.c ? read_case(&l, err) : -1;
}

int eval_read_set(struct eval *e, const char *dir, struct fb_err *err)
{
    struct fb_str path = fb_arena_printf(e->arena, "%s/cases.jsonl", dir), rest, line;
    if (!path.p)
        return fb_fail_memory(err);
    if (fb_io_read_file(e->arena, path.p, SET_MAX, &rest, err))
        return -1;
    for (unsigned number = 1; fb_str_line(&rest, &line); number++)
        if (fb_str_trim(line).n && read_line(e, dir, line, err))
            return fb_fail_in(err, "%s:%u", path.p, number);
    return 0;
}

/* ---- ordinary mail ---- */

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_message(const struct dirent *d)
{
    return d->d_name[0] != '.' && fb_str_iends(fb_str(d->d_name), FB_STR(".eml"));
}

static int is_visible(const struct dirent *d)
{
    return d->d_name[0] != '.';
}

static int add_file(struct eval *e, const char *dir, const char *name, size_t world, struct fb_err *err)
{
    struct eval_case *c = case_add(e, err);
    if (!c)
        return -1;
    c->world = world;
    c->path = fb_arena_printf(e->arena, "%s/%s", dir, name).p;
    if (!c->path)
        return fb_fail_memory(err);
    c->file = c->path + strlen(dir) + 1;
    return 0;
}

static int add_folder(struct eval *e, const char *dir, int (*wanted)(const struct dirent *), size_t world, struct fb_err *err)
{
    struct dirent **names;
    int n = scandir(dir, &names, wanted, by_name), rc = 0;
    if (n < 0)
        return fb_fail_errno(err, "folder %s", dir);
    for (int i = 0; i < n; i++) {
        rc = rc ? rc : add_file(e, dir, names[i]->d_name, world, err);
        free(names[i]);
    }
    free(names);
    return rc;
}

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* https://cr.yp.to/proto/maildir.html: what is in tmp is not delivered yet. */
static int add_maildir(struct eval *e, const char *cur, const char *new, size_t world, struct fb_err *err)
{
    return add_folder(e, cur, is_visible, world, err) || (is_folder(new) && add_folder(e, new, is_visible, world, err)) ? -1 : 0;
}

static int add_mbox(struct eval *e, const char *path, size_t world, struct fb_err *err)
{
    struct fb_str rest, message;
    const char *slash = strrchr(path, '/');
    if (fb_io_read_file(e->arena, path, MBOX_MAX, &rest, err))
        return -1;
    for (unsigned number = 1; fb_mbox_next(&rest, &message); number++) {
        struct eval_case *c = case_add(e, err);
        if (!c)
            return -1;
        c->world = world;
        c->file = fb_arena_printf(e->arena, "%s:%u", slash ? slash + 1 : path, number).p;
        c->message = fb_mbox_unquote(e->arena, message);
        if (!c->file || !c->message.p)
            return fb_fail_memory(err);
    }
    return 0;
}

/* Of @world, which was asked for; else of the mail's own folder, where it has one. */
static int ordinary_world(struct eval *e, const char *path, const char *world, size_t *ret, struct fb_err *err)
{
    const char *conf = fb_arena_printf(e->arena, "%s/world.conf", world ? world : path).p;
    if (!conf)
        return fb_fail_memory(err);
    bool there = access(conf, R_OK) == 0;
    if (world && !there)
        return fb_fail_errno(err, "world %s", conf);
    return world_of(e, there ? conf : "", ret, err);
}

int eval_read_ordinary(struct eval *e, const char *path, const char *world, struct fb_err *err)
{
    size_t number;
    struct fb_str cur = fb_arena_printf(e->arena, "%s/cur", path), new = fb_arena_printf(e->arena, "%s/new", path);
    if (!cur.p || !new.p)
        return fb_fail_memory(err);
    if (ordinary_world(e, path, world, &number, err))
        return -1;
    if (is_folder(cur.p))
        return add_maildir(e, cur.p, new.p, number, err);
    return is_folder(path) ? add_folder(e, path, is_message, number, err) : add_mbox(e, path, number, err);
}
