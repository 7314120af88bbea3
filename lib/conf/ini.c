/* INI files. The scan decides what is a well-formed file and where each key stands; iniparser reads the values, and
 * what the two make of a value must be the same. Must never accept what iniparser would read otherwise or drop: that is
 * why the grammar is so small.
 *
 * DIAGNOSTICS: every fault reads "file:line: what is wrong", with [section] and key where there is one; of two that
 * stand twice, both lines are named. */
#include "conf/ini.h"

#include <stdio.h>

#include <iniparser/iniparser.h>

#include "base/io.h"

enum { FILE_MAX_BYTES = 1 << 20, LINE_MAX_BYTES = 1000, KEYS_MAX = 4000 };

struct scan {
    struct fb_arena *arena;
    const char *path;
    unsigned line;
    size_t n, n_sections, cap;
    struct fb_ini_entry *v;
    struct fb_ini_section *sections;
};

static int fault(const struct scan *s, struct fb_err *err, const char *fmt, ...) FB_PRINTF(3, 4);

static int fault(const struct scan *s, struct fb_err *err, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    if (err)
        vsnprintf(err->text, sizeof err->text, fmt, ap);
    va_end(ap);
    return fb_fail_in(err, "%s:%u", s->path, s->line);
}

static bool name_ok(struct fb_str name, bool dots)
{
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        if (!(c >= 'a' && c <= 'z') && !fb_is_digit(c) && c != '_' && !(dots && c == '.'))
            return false;
    }
    return name.n > 0;
}

/* What no line may hold, comments included: iniparser would read on over it, or otherwise than we do. */
static int bytes_check(struct scan *s, struct fb_str line, struct fb_err *err)
{
    if (line.n > LINE_MAX_BYTES)
        return fault(s, err, "a line of %zu bytes; at most %d are allowed", line.n, LINE_MAX_BYTES);
    for (size_t i = 0, len; i < line.n; i += len) {
        unsigned char c = (unsigned char)line.p[i];
        if ((c < ' ' && c != '\t') || c == 0x7f)
            return fault(s, err, "a control character (0x%02x)", c);
        if (c == '\\')
            return fault(s, err, "a backslash; none is allowed");
        len = fb_utf8_length((struct fb_str){line.p + i, line.n - i});
        if (!len)
            return fault(s, err, "a byte that is no UTF-8 (0x%02x)", c);
    }
    return 0;
}

static int section_add(struct scan *s, struct fb_str line, struct fb_err *err)
{
    struct fb_str name = {line.p + 1, line.n - 2};
    if (line.n < 3 || line.p[line.n - 1] != ']' || !name_ok(name, false))
        return fault(s, err, "no section: want [name] and nothing else, the name of a-z, 0-9 and _");
    for (size_t i = 0; i < s->n_sections; i++)
        if (fb_str_eq(s->sections[i].name, name))
            return fault(s, err, "[%.*s] stands twice: it began in line %u", FB_FMT(name), s->sections[i].line);
    name = fb_arena_dup(s->arena, name);
    if (!name.p)
        return fb_fail_memory(err);
    s->sections[s->n_sections++] = (struct fb_ini_section){name, s->line};
    return 0;
}

/* The value without its quotes. iniparser takes '...' for quotes too and does not miss a closing one, so neither may
 * stand at either end but as a pair of double quotes. */
static int value_take(struct scan *s, struct fb_str *value, struct fb_err *err)
{
    struct fb_str v = *value;
    bool quoted = v.n >= 2 && v.p[0] == '"' && v.p[v.n - 1] == '"';
    if (quoted)
        v = (struct fb_str){v.p + 1, v.n - 2};
    for (size_t i = 0; i < v.n; i++) {
        bool end = i == 0 || i == v.n - 1;
        if (quoted && v.p[i] == '"')
            return fault(s, err, "a double quote within double quotes");
        if (!quoted && (v.p[i] == ';' || v.p[i] == '#'))
            return fault(s, err, "a value with '%c' must stand in \"double quotes\"; a comment needs a line of its own", v.p[i]);
        if (!quoted && end && (v.p[i] == '"' || v.p[i] == '\''))
            return fault(s, err, "a value that begins with a quote or ends in one must stand whole in \"double quotes\"");
    }
    *value = v;
    return 0;
}

static int twice_check(struct scan *s, struct fb_str section, struct fb_str key, struct fb_err *err)
{
    for (size_t i = 0; i < s->n; i++)
        if (s->v[i].section.p == section.p && fb_str_eq(s->v[i].key, key))
            return fault(s, err, "[%s] %.*s stands twice: it is set in line %u", section.p, FB_FMT(key), s->v[i].line);
    return 0;
}

static int key_add(struct scan *s, struct fb_str line, struct fb_err *err)
{
    struct fb_str value = line, key;
    fb_str_split(&value, '=', &key);
    if (!value.p)
        return fault(s, err, "neither a comment nor a [section] nor key = value");
    key = fb_str_trim(key);
    value = fb_str_trim(value);
    if (!name_ok(key, true))
        return fault(s, err, "no key: want a name of a-z, 0-9, _ and . before the '='");
    if (!s->n_sections)
        return fault(s, err, "%.*s stands before the first [section]", FB_FMT(key));
    struct fb_str section = s->sections[s->n_sections - 1].name;
    if (value_take(s, &value, err) || twice_check(s, section, key, err))
        return -1;
    struct fb_ini_entry e = {section, fb_arena_dup(s->arena, key), fb_arena_dup(s->arena, value), s->line};
    if (!e.key.p || !e.value.p)
        return fb_fail_memory(err);
    s->v[s->n++] = e;
    return 0;
}

static int line_take(struct scan *s, struct fb_str line, struct fb_err *err)
{
    if (bytes_check(s, line, err))
        return -1;
    line = fb_str_trim(line);
    if (!line.n || line.p[0] == '#' || line.p[0] == ';')
        return 0;
    if (s->n + s->n_sections == s->cap)
        return fault(s, err, "more than %d sections and keys", KEYS_MAX);
    return line.p[0] == '[' ? section_add(s, line, err) : key_add(s, line, err);
}

/* Room for as many keys or sections as the text has lines. */
static int scan_init(struct scan *s, struct fb_str text, struct fb_err *err)
{
    struct fb_str line;
    while (s->cap < KEYS_MAX && fb_str_line(&text, &line))
        s->cap++;
    s->v = fb_arena_array(s->arena, s->cap, sizeof *s->v);
    s->sections = fb_arena_array(s->arena, s->cap, sizeof *s->sections);
    return s->v && s->sections ? 0 : fb_fail_memory(err);
}

int fb_ini_scan(struct fb_arena *arena, const char *path, struct fb_str text, struct fb_ini *ret, struct fb_err *err)
{
    struct scan s = {.arena = arena, .path = path, .line = 1};
    struct fb_str line;
    if (fb_str_istarts(text, FB_STR("\xef\xbb\xbf")))
        return fault(&s, err, "the file begins with a byte-order mark; none is allowed");
    if (scan_init(&s, text, err))
        return -1;
    for (; fb_str_line(&text, &line); s.line++)
        if (line_take(&s, line, err))
            return -1;
    *ret = (struct fb_ini){.path = path, .n = s.n, .v = s.v, .n_sections = s.n_sections, .sections = s.sections};
    return 0;
}

static void dictionary_cleanup(dictionary **d)
{
    if (*d)
        iniparser_freedict(*d);
}

/* iniparser would print its complaints; the scan has found them before, with more to say. */
static int quiet(const char *fmt, ...)
{
    (void)fmt;
    return 0;
}

/* iniparser's reading of one key is the scan's. */
static bool reads_alike(const dictionary *d, struct fb_arena *arena, const struct fb_ini_entry *e)
{
    struct fb_str name = fb_arena_printf(arena, "%s:%s", e->section.p, e->key.p);
    const char *value = name.p ? iniparser_getstring(d, name.p, NULL) : NULL;
    return value && fb_str_eq(fb_str(value), e->value);
}

static int compare(struct fb_arena *arena, const struct fb_ini *ini, struct fb_err *err)
{
    iniparser_set_error_callback(quiet);
    __attribute__((cleanup(dictionary_cleanup))) dictionary *d = iniparser_load(ini->path);
    if (!d)
        return fb_fail(err, "%s: iniparser cannot read what looked well-formed", ini->path);
    for (size_t i = 0; i < ini->n; i++)
        if (!reads_alike(d, arena, &ini->v[i]))
            return fb_fail(err, "%s:%u: [%s] %s: iniparser reads another value than stands there", ini->path, ini->v[i].line,
                           ini->v[i].section.p, ini->v[i].key.p);
    size_t read = 0;
    for (int i = 0; i < iniparser_getnsec(d); i++)
        read += (size_t)iniparser_getsecnkeys(d, iniparser_getsecname(d, i));
    return read == ini->n ? 0 : fb_fail(err, "%s: iniparser reads %zu keys where %zu stand", ini->path, read, ini->n);
}

int fb_ini_load(struct fb_arena *arena, const char *path, struct fb_ini *ret, struct fb_err *err)
{
    struct fb_str text;
    struct fb_ini ini;
    if (fb_io_read_file(arena, path, FILE_MAX_BYTES, &text, err) || fb_ini_scan(arena, path, text, &ini, err) || compare(arena, &ini, err))
        return -1;
    *ret = ini;
    return 0;
}

struct unit {
    char name;
    int64_t size;
};

/* A whole number, with a unit behind it or none. */
static bool number_with_unit(struct fb_str s, const struct unit *units, size_t n, int64_t *ret)
{
    int64_t times = 1;
    for (size_t i = 0; s.n && i < n; i++)
        if (s.p[s.n - 1] == units[i].name) {
            times = units[i].size;
            s.n--;
            break;
        }
    int64_t v;
    if (!fb_str_int(s, 0, INT64_MAX / times, &v))
        return false;
    *ret = v * times;
    return true;
}

bool fb_ini_duration(struct fb_str s, int64_t *ret_s)
{
    static const struct unit units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
    return number_with_unit(s, units, 4, ret_s);
}

bool fb_ini_size(struct fb_str s, int64_t *ret_bytes)
{
    static const struct unit units[] = {{'k', 1 << 10}, {'M', 1 << 20}, {'G', 1 << 30}};
    return number_with_unit(s, units, 3, ret_bytes);
}

bool fb_ini_bool(struct fb_str s, bool *ret)
{
    *ret = fb_str_eq(s, FB_STR("yes"));
    return *ret || fb_str_eq(s, FB_STR("no"));
}
