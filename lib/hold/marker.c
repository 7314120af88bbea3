/* Markers: the second memory of a hold, for the day when the store is lost. Decides what a sound marker is; must never
 * take a file for one that it did not write whole, nor a file name that could lead out of the folder.
 *
 * DIAGNOSTICS: a fault names the line of the marker, or the file and what the system said about it. */
#include "hold/marker.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>

#include "base/io.h"
#include "hold/seal.h"

enum { MARKER_MAX = 1024, MARKER_MODE = 0640, QUEUE_ID_MAX = 64, RULE_MAX = 64 };
#define SECONDS_MAX INT64_C(253402300799) /* the end of the year 9999 */
#define FIRST_LINE "forbear-marker 1"

/* As a file name: letters and digits alone. */
static bool queue_id_good(struct fb_str id)
{
    for (size_t i = 0; i < id.n; i++)
        if (!fb_is_alpha(id.p[i]) && !fb_is_digit(id.p[i]))
            return false;
    return id.n > 0 && id.n <= QUEUE_ID_MAX;
}

static bool rule_good(struct fb_str rule)
{
    for (size_t i = 0; i < rule.n; i++)
        if (!(rule.p[i] >= 'a' && rule.p[i] <= 'z') && !fb_is_digit(rule.p[i]) && rule.p[i] != '_')
            return false;
    return rule.n > 0 && rule.n <= RULE_MAX;
}

static struct fb_str marker_text(struct fb_arena *arena, const struct fb_hold *hold)
{
    struct fb_str id = fb_hold_id_text(arena, hold->id), fingerprint = fb_b64(arena, hold->fingerprint, sizeof hold->fingerprint);
    if (!id.p || !fingerprint.p)
        return (struct fb_str){NULL, 0};
    return fb_arena_printf(arena, FIRST_LINE "\nhold %s\ncreated %lld\ndeadline %lld\nrule %.*s\nfingerprint %s\nend\n", id.p,
                           (long long)hold->created_s, (long long)hold->deadline_s, FB_FMT(hold->rule), fingerprint.p);
}

int fb_marker_write(const char *state_dir, const struct fb_hold *hold, struct fb_err *err)
{
    if (!queue_id_good(hold->queue_id) || !rule_good(hold->rule))
        return fb_fail(err, "no marker can be written for this queue id or rule name");
    FB_ARENA arena = fb_arena_new(2 * PATH_MAX);
    if (!arena)
        return fb_fail_memory(err);
    struct fb_str dir = fb_arena_printf(arena, "%s/markers", state_dir), name = fb_arena_dup(arena, hold->queue_id);
    struct fb_str text = marker_text(arena, hold);
    if (!dir.p || !name.p || !text.p)
        return fb_fail_memory(err);
    return fb_io_write_file(dir.p, name.p, text, MARKER_MODE, err);
}

int fb_marker_remove(const char *state_dir, struct fb_str queue_id, struct fb_err *err)
{
    if (!queue_id_good(queue_id))
        return fb_fail(err, "no marker can have this queue id");
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/markers/%.*s", state_dir, FB_FMT(queue_id)) >= (int)sizeof path)
        return fb_fail(err, "the path %s is too long", state_dir);
    if (unlink(path) < 0 && errno != ENOENT)
        return fb_fail_errno(err, "cannot remove %s", path);
    return 0;
}

/* "<key> <value>" as the next line. */
static bool field(struct fb_str *rest, unsigned *line, struct fb_str key, struct fb_str *ret)
{
    ++*line;
    struct fb_str word;
    if (!fb_str_line(rest, ret))
        return false;
    return fb_str_split(ret, ' ', &word) && ret->p && fb_str_eq(word, key);
}

static bool plain_line(struct fb_str *rest, unsigned *line, struct fb_str want)
{
    ++*line;
    struct fb_str got;
    return fb_str_line(rest, &got) && fb_str_eq(got, want);
}

static bool marker_fields(struct fb_str text, struct fb_hold *hold, unsigned *line)
{
    struct fb_str v;
    return plain_line(&text, line, FB_STR(FIRST_LINE)) &&
           field(&text, line, FB_STR("hold"), &v) && fb_hold_id_parse(v, &hold->id) &&
           field(&text, line, FB_STR("created"), &v) && fb_str_int(v, 0, SECONDS_MAX, &hold->created_s) &&
           field(&text, line, FB_STR("deadline"), &v) && fb_str_int(v, 0, SECONDS_MAX, &hold->deadline_s) &&
           field(&text, line, FB_STR("rule"), &hold->rule) && rule_good(hold->rule) &&
           field(&text, line, FB_STR("fingerprint"), &v) && fb_b64_parse(v, hold->fingerprint, sizeof hold->fingerprint) &&
           plain_line(&text, line, FB_STR("end")) && (++*line, text.n == 0);
}

int fb_marker_parse(struct fb_arena *arena, struct fb_str queue_id, struct fb_str text, struct fb_hold *ret, struct fb_err *err)
{
    struct fb_hold hold = {.state = FB_STATE_held};
    unsigned line = 0;
    if (!queue_id_good(queue_id))
        return fb_fail(err, "the marker's name is no queue id");
    if (!marker_fields(text, &hold, &line))
        return fb_fail(err, "line %u of the marker is not what it must be", line);
    hold.queue_id = fb_arena_dup(arena, queue_id);
    hold.rule = fb_arena_dup(arena, hold.rule);
    if (!hold.queue_id.p || !hold.rule.p)
        return fb_fail_memory(err);
    *ret = hold;
    return 0;
}

struct listing {
    struct fb_arena *arena;
    struct fb_hold *v;
    size_t n, cap;
    struct fb_buf bad;
};

static int listing_add(struct listing *l, const struct fb_hold *hold, struct fb_err *err)
{
    struct fb_hold *v = fb_arena_grow(l->arena, l->v, l->n, &l->cap, sizeof *v);
    if (!v)
        return fb_fail_memory(err);
    l->v = v;
    l->v[l->n++] = *hold;
    return 0;
}

/* A file that went away meanwhile was closed by somebody else; any other fault makes it a bad one. */
static int listing_file(struct listing *l, const char *dir, const char *name, struct fb_err *err)
{
    FB_ARENA scratch = fb_arena_new(MARKER_MAX + 2 * PATH_MAX);
    struct fb_str path = scratch ? fb_arena_printf(scratch, "%s/%s", dir, name) : (struct fb_str){NULL, 0}, text;
    if (!path.p)
        return fb_fail_memory(err);
    struct fb_hold hold;
    if (fb_io_read_file(scratch, path.p, MARKER_MAX, &text, err) == 0 &&
        fb_marker_parse(l->arena, fb_str(name), text, &hold, err) == 0)
        return listing_add(l, &hold, err);
    if (access(path.p, F_OK) < 0 && errno == ENOENT)
        return 0;
    fb_buf_add(&l->bad, (struct fb_str){name, strlen(name) + 1});
    return 0;
}

static void dir_cleanup(DIR **d)
{
    if (*d)
        closedir(*d);
}

int fb_marker_list(const char *state_dir, struct fb_arena *arena, struct fb_hold **ret, size_t *ret_n, struct fb_str *ret_bad, struct fb_err *err)
{
    char dir[PATH_MAX];
    if (snprintf(dir, sizeof dir, "%s/markers", state_dir) >= (int)sizeof dir)
        return fb_fail(err, "the path %s is too long", state_dir);
    __attribute__((cleanup(dir_cleanup))) DIR *d = opendir(dir);
    if (!d)
        return fb_fail_errno(err, "cannot read %s", dir);
    struct listing l = {.arena = arena, .bad = FB_BUF(arena)};
    struct dirent *e;
    while (errno = 0, (e = readdir(d)))
        if (e->d_name[0] != '.' && listing_file(&l, dir, e->d_name, err)) /* a dot: one that is being written */
            return -1;
    if (errno)
        return fb_fail_errno(err, "cannot read %s", dir);
    struct fb_str bad = fb_buf_str(&l.bad);
    if (!bad.p)
        return fb_fail_memory(err);
    *ret = l.v, *ret_n = l.n, *ret_bad = bad;
    return 0;
}
