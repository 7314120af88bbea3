/* The configuration. Everything comes from the rows of keys.def: one table of keys, one parser a type, the defaults read
 * by the same parsers as the file; one default is made of the name of this machine. Must never guess: what it does not
 * know, or what is out of its bounds, stops the load and leaves the configuration in force as it was.
 *
 * DIAGNOSTICS: every fault of a value reads "file:line: [section] key: what is wanted"; the grammar's are ini.c's. */
#include "conf/conf.h"

#include <arpa/inet.h>
#include <assert.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "conf/ini.h"

enum { ARENA_MAX = 8 << 20, DOC_WIDTH = 98 };

enum ctype {
    CTYPE_STRING, CTYPE_PATH, CTYPE_INT, CTYPE_DURATION, CTYPE_SIZE, CTYPE_BOOL, CTYPE_WORDS, CTYPE_NETS,
    CTYPE_MODE, CTYPE_ON_ERROR, CTYPE_AFTER_DELAY, CTYPE_LOG_LEVEL,
};

/* A row of keys.def; one with no key begins a section. */
struct row {
    const char *section, *key, *def, *doc;
    enum ctype type;
    int64_t min, max;
    size_t offset;
};

static const struct row rows[] = {
#define SECTION(name, doc) {#name, NULL, NULL, doc, 0, 0, 0, 0},
#define KEY(section, key, type, def, min, max, doc) {#section, #key, def, doc, CTYPE_##type, min, max, offsetof(struct fb_conf, section##_##key)},
#include "conf/keys.def"
#undef SECTION
#undef KEY
};

enum { ROWS = sizeof rows / sizeof rows[0] };

/* A configuration with the text of each value, which fb_conf_dump shows. */
struct full {
    struct fb_conf conf;
    struct fb_str text[ROWS];
};

static const char *const mode_names[] = {"observe", "notify", "hold", NULL};
static const char *const on_error_names[] = {"accept", "tempfail", NULL};
static const char *const after_delay_names[] = {"release", "withdraw", NULL};
static const char *const log_level_names[] = {"error", "info", "verbose", NULL};

static bool name_find(const char *const *names, struct fb_str s, int *ret)
{
    for (int i = 0; names[i]; i++)
        if (fb_str_eq(s, fb_str(names[i]))) {
            *ret = i;
            return true;
        }
    return false;
}

const char *fb_mode_name(enum fb_mode mode)
{
    return mode_names[mode];
}

bool fb_mode_parse(struct fb_str s, enum fb_mode *ret)
{
    int i;
    if (!name_find(mode_names, s, &i))
        return false;
    *ret = (enum fb_mode)i;
    return true;
}

bool fb_words_contain(const struct fb_words *words, struct fb_str word)
{
    for (size_t i = 0; i < words->n; i++)
        if (fb_str_ieq(words->v[i], word))
            return true;
    return false;
}

static bool net_contains(const struct fb_net *net, const uint8_t addr[16])
{
    unsigned whole = net->prefix / 8, bits = net->prefix % 8;
    if (memcmp(net->addr, addr, whole) != 0)
        return false;
    return bits == 0 || (net->addr[whole] ^ addr[whole]) >> (8 - bits) == 0;
}

bool fb_nets_contain(const struct fb_nets *nets, const uint8_t addr[16])
{
    for (size_t i = 0; i < nets->n; i++)
        if (net_contains(&nets->v[i], addr))
            return true;
    return false;
}

/* A parser turns the text of a value into *field. */
struct value {
    struct fb_arena *arena;
    const struct row *row;
    const char *dir; /* what relative paths count from, with a slash at its end, or "" */
    struct fb_str text;
};

static int string_parse(const struct value *v, void *field, struct fb_err *err)
{
    int64_t n = (int64_t)v->text.n;
    if (v->row->max && (n < v->row->min || n > v->row->max))
        return fb_fail(err, "want %lld to %lld bytes", (long long)v->row->min, (long long)v->row->max);
    struct fb_str s = fb_arena_dup(v->arena, v->text);
    *(const char **)field = s.p;
    return s.p ? 0 : fb_fail_memory(err);
}

static int path_parse(const struct value *v, void *field, struct fb_err *err)
{
    bool whole = !v->text.n || v->text.p[0] == '/';
    struct fb_str s = fb_arena_printf(v->arena, "%s%.*s", whole ? "" : v->dir, FB_FMT(v->text));
    *(const char **)field = s.p;
    return s.p ? 0 : fb_fail_memory(err);
}

static int number_bound(const struct value *v, bool is_number, const char *like, int64_t *field, struct fb_err *err)
{
    if (!is_number)
        return fb_fail(err, "want %s", like);
    if (v->row->max && (*field < v->row->min || *field > v->row->max))
        return fb_fail(err, "want %s from %lld to %lld", like, (long long)v->row->min, (long long)v->row->max);
    return 0;
}

static int int_parse(const struct value *v, void *field, struct fb_err *err)
{
    return number_bound(v, fb_str_int(v->text, INT64_MIN, INT64_MAX, field), "a whole number", field, err);
}

static int duration_parse(const struct value *v, void *field, struct fb_err *err)
{
    return number_bound(v, fb_ini_duration(v->text, field), "seconds (as 90, 90s, 15m, 2h, 30d)", field, err);
}

static int size_parse(const struct value *v, void *field, struct fb_err *err)
{
    return number_bound(v, fb_ini_size(v->text, field), "bytes (as 4096, 256k, 50M)", field, err);
}

static int bool_parse(const struct value *v, void *field, struct fb_err *err)
{
    return fb_ini_bool(v->text, field) ? 0 : fb_fail(err, "want yes or no");
}

static size_t words_count(struct fb_str text)
{
    struct fb_str word;
    size_t n = 0;
    while (fb_str_word(&text, &word))
        n++;
    return n;
}

static int words_parse(const struct value *v, void *field, struct fb_err *err)
{
    struct fb_str rest = v->text, word;
    size_t n = 0;
    struct fb_str *words = fb_arena_array(v->arena, words_count(rest), sizeof *words);
    if (!words)
        return fb_fail_memory(err);
    for (; fb_str_word(&rest, &word); n++) {
        words[n] = fb_arena_lower(v->arena, word);
        if (!words[n].p)
            return fb_fail_memory(err);
    }
    *(struct fb_words *)field = (struct fb_words){n, words};
    return 0;
}

/* No bit behind the prefix may be set: 10.0.0.1/8 is a slip of the pen, and who wrote it meant either of two things. */
static bool host_bits_clear(const struct fb_net *net)
{
    for (unsigned i = net->prefix; i < 128; i++)
        if (net->addr[i / 8] >> (7 - i % 8) & 1)
            return false;
    return true;
}

static bool net_parse(struct fb_str word, struct fb_net *ret)
{
    char text[INET6_ADDRSTRLEN] = "";
    struct fb_str prefix = word, host;
    int64_t bits;
    fb_str_split(&prefix, '/', &host);
    if (host.n >= sizeof text)
        return false;
    memcpy(text, host.p, host.n);
    *ret = (struct fb_net){.addr = {[10] = 0xff, [11] = 0xff}};
    unsigned mapped = inet_pton(AF_INET, text, ret->addr + 12) == 1 ? 96 : 0;
    if (!mapped && inet_pton(AF_INET6, text, ret->addr) != 1)
        return false;
    if (!prefix.p)
        bits = 128 - mapped;
    else if (!fb_str_int(prefix, 0, 128 - mapped, &bits))
        return false;
    ret->prefix = mapped + (unsigned)bits;
    return host_bits_clear(ret);
}

static int nets_parse(const struct value *v, void *field, struct fb_err *err)
{
    struct fb_str rest = v->text, word;
    size_t n = 0;
    struct fb_net *nets = fb_arena_array(v->arena, words_count(rest), sizeof *nets);
    if (!nets)
        return fb_fail_memory(err);
    while (fb_str_word(&rest, &word))
        if (!net_parse(word, &nets[n++]))
            return fb_fail(err, "%.*s is no address block: want an address, a slash and a prefix length that leaves no bit set behind it",
                           FB_FMT(word));
    *(struct fb_nets *)field = (struct fb_nets){n, nets};
    return 0;
}

/* The enumerations are all of the same size; each constant is the index of its name. */
static int name_parse(const char *const *names, const struct value *v, void *field, struct fb_err *err)
{
    static_assert(sizeof(enum fb_mode) == sizeof(int) && sizeof(enum fb_log_level) == sizeof(int), "enumerations are ints");
    if (name_find(names, v->text, field))
        return 0;
    return fb_fail(err, "want %s, %s%s%s", names[0], names[1], names[2] ? " or " : "", names[2] ? names[2] : "");
}

static int mode_parse(const struct value *v, void *field, struct fb_err *err)
{
    return name_parse(mode_names, v, field, err);
}

static int on_error_parse(const struct value *v, void *field, struct fb_err *err)
{
    return name_parse(on_error_names, v, field, err);
}

static int after_delay_parse(const struct value *v, void *field, struct fb_err *err)
{
    return name_parse(after_delay_names, v, field, err);
}

static int log_level_parse(const struct value *v, void *field, struct fb_err *err)
{
    return name_parse(log_level_names, v, field, err);
}

static int (*const parsers[])(const struct value *, void *, struct fb_err *) = {
    [CTYPE_STRING] = string_parse, [CTYPE_PATH] = path_parse, [CTYPE_INT] = int_parse, [CTYPE_DURATION] = duration_parse,
    [CTYPE_SIZE] = size_parse, [CTYPE_BOOL] = bool_parse, [CTYPE_WORDS] = words_parse, [CTYPE_NETS] = nets_parse,
    [CTYPE_MODE] = mode_parse, [CTYPE_ON_ERROR] = on_error_parse, [CTYPE_AFTER_DELAY] = after_delay_parse,
    [CTYPE_LOG_LEVEL] = log_level_parse,
};

static int set(struct full *f, size_t row, const char *dir, struct fb_str text, struct fb_err *err)
{
    struct value v = {.arena = f->conf.arena, .row = &rows[row], .dir = dir, .text = text};
    f->text[row] = text;
    return parsers[rows[row].type](&v, (char *)&f->conf + rows[row].offset, err);
}

/* Of @section; of all where it is NULL. */
static int defaults_set(struct full *f, const char *section, struct fb_err *err)
{
    for (size_t i = 0; i < ROWS; i++)
        if (rows[i].key && (!section || strcmp(rows[i].section, section) == 0) && set(f, i, "", fb_str(rows[i].def), err))
            return fb_fail_in(err, "[%s] %s: the default", rows[i].section, rows[i].key);
    return 0;
}

/* The row of @key in @section, of the section itself where @key is NULL, or ROWS. */
static size_t row_find(const char *section, const char *key)
{
    size_t i = 0;
    for (; i < ROWS; i++)
        if (strcmp(rows[i].section, section) == 0 && (key ? rows[i].key && strcmp(rows[i].key, key) == 0 : !rows[i].key))
            break;
    return i;
}

static int sections_check(const struct fb_ini *ini, struct fb_err *err)
{
    for (size_t i = 0; i < ini->n_sections; i++)
        if (row_find(ini->sections[i].name.p, NULL) == ROWS)
            return fb_fail(err, "%s:%u: there is no section [%s]", ini->path, ini->sections[i].line, ini->sections[i].name.p);
    return 0;
}

/* "dir/" of "dir/file", "" of "file". */
static const char *dir_of(struct fb_arena *arena, const char *path)
{
    const char *slash = strrchr(path, '/');
    return fb_arena_dup(arena, (struct fb_str){path, slash ? (size_t)(slash - path) + 1 : 0}).p;
}

/* What the type of a value cannot say. */
static int meaning_check(const struct fb_conf *c, const struct row *row, struct fb_err *err)
{
    static const char node_chars[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._";
    if (row->offset == offsetof(struct fb_conf, forbear_node) && c->forbear_node[strspn(c->forbear_node, node_chars)])
        return fb_fail(err, "want letters, digits, '-', '.' and '_' alone");
    struct fb_str url = fb_str(c->web_base_url);
    if (row->offset == offsetof(struct fb_conf, web_base_url) &&
        ((!fb_str_istarts(url, FB_STR("http://")) && !fb_str_istarts(url, FB_STR("https://"))) || fb_str_iends(url, FB_STR("/"))))
        return fb_fail(err, "want http:// or https:// and a host, with no slash at the end");
    const char *from = c->notice_from, *at = strchr(from, '@');
    if (row->offset == offsetof(struct fb_conf, notice_from) && *from && (!at || at == from || !at[1] || from[strcspn(from, "<>\"(), \t")]))
        return fb_fail(err, "want an address");
    return 0;
}

static int file_apply(struct full *f, const struct fb_ini *ini, struct fb_err *err)
{
    const char *dir = dir_of(f->conf.arena, ini->path);
    if (!dir)
        return fb_fail_memory(err);
    for (size_t i = 0; i < ini->n; i++) {
        const struct fb_ini_entry *e = &ini->v[i];
        size_t row = row_find(e->section.p, e->key.p);
        if (row == ROWS)
            return fb_fail(err, "%s:%u: [%s] %s: there is no such key", ini->path, e->line, e->section.p, e->key.p);
        if (set(f, row, dir, e->value, err) || meaning_check(&f->conf, &rows[row], err))
            return fb_fail_in(err, "%s:%u: [%s] %s", ini->path, e->line, e->section.p, e->key.p);
    }
    return 0;
}

/* Puts the sections that @ini has back to their defaults, then applies it. */
static int file_replace(struct full *f, const struct fb_ini *ini, struct fb_err *err)
{
    for (size_t i = 0; i < ini->n_sections; i++)
        if (defaults_set(f, ini->sections[i].name.p, err))
            return -1;
    return file_apply(f, ini, err);
}

static int file_load(struct full *f, const char *path, struct fb_err *err)
{
    struct fb_ini ini;
    struct fb_str own = fb_arena_dup(f->conf.arena, fb_str(path));
    if (!own.p)
        return fb_fail_memory(err);
    f->conf.path = f->conf.path ? f->conf.path : own.p;
    return fb_ini_load(f->conf.arena, own.p, &ini, err) || sections_check(&ini, err) || file_replace(f, &ini, err) ? -1 : 0;
}

/* Answers must come to this gateway and to nobody's mailbox, so the host's own name is what the address is at. One without
 * a domain is taken to be in the first of ours, as Postfix does. */
static int notice_from_fill(struct full *f, struct fb_err *err)
{
    const struct fb_words *ours = &f->conf.scope_internal_domains;
    char host[HOST_NAME_MAX + 1] = "localhost";
    if (f->conf.notice_from[0])
        return 0;
    gethostname(host, sizeof host - 1);
    bool whole = strchr(host, '.') || !ours->n;
    struct fb_str from = fb_arena_printf(f->conf.arena, "forbear@%s%s%s", host, whole ? "" : ".", whole ? "" : ours->v[0].p);
    return from.p ? set(f, row_find("notice", "from"), "", from, err) : fb_fail_memory(err);
}

/* A link is as long as its base and its node make it; one that is too long for mail programs is not made. It must be known here: a program
 * that runs finds it only once a message is held, whose sender then cannot be told. The figures are lib/token's, "<base>/h/v4.public.<claims
 * and signature>.<footer>.<key>", and a test compares them. */
static int link_check(const struct fb_conf *c, struct fb_err *err)
{
    enum { LINK_MAX = 360, CLAIMS = 86, SIGNATURE = 64, FOOTER_TEXT = 24, KEY_TEXT = 43 };
    size_t body = (4 * (CLAIMS + strlen(c->forbear_node) + SIGNATURE) + 2) / 3;
    size_t n = strlen(c->web_base_url) + sizeof "/h/v4.public..." - 1 + body + FOOTER_TEXT + KEY_TEXT;
    if (n > LINK_MAX)
        return fb_fail(err, "%s: [web] base_url and [forbear] node make links of %zu characters: %zu more than the %d that mail programs leave whole",
                       c->path, n, n - LINK_MAX, LINK_MAX);
    return 0;
}

static int fill(struct full *f, const char *path, const char *over, struct fb_err *err)
{
    if (defaults_set(f, NULL, err) || (path && file_load(f, path, err)) || (over && file_load(f, over, err)))
        return -1;
    return link_check(&f->conf, err) || notice_from_fill(f, err) ? -1 : 0;
}

int fb_conf_load(const char *path, struct fb_conf **ret, struct fb_err *err)
{
    return fb_conf_load_over(path, NULL, ret, err);
}

int fb_conf_load_over(const char *path, const char *over, struct fb_conf **ret, struct fb_err *err)
{
    FB_ARENA arena = fb_arena_new(ARENA_MAX);
    struct full *f = arena ? fb_arena_alloc(arena, sizeof *f) : NULL;
    if (!f)
        return fb_fail_memory(err);
    f->conf.arena = arena;
    if (fill(f, path, over, err))
        return -1;
    *ret = &f->conf;
    arena = NULL;
    return 0;
}

void fb_conf_free(struct fb_conf *conf)
{
    if (conf)
        fb_arena_free(conf->arena);
}

/* @text as comment lines of at most DOC_WIDTH bytes, cut between words. */
static void comment_put(struct fb_buf *b, const char *text)
{
    size_t column = 0;
    struct fb_str rest = fb_str(text), word;
    while (fb_str_split(&rest, ' ', &word)) {
        bool fresh = column == 0 || column + 1 + word.n > DOC_WIDTH;
        if (fresh)
            column = 1;
        fb_buf_printf(b, "%s%.*s", !fresh ? " " : b->n && b->p[b->n - 1] != '\n' ? "\n# " : "# ", FB_FMT(word));
        column += 1 + word.n;
    }
    fb_buf_char(b, '\n');
}

struct fb_str fb_conf_sample(struct fb_arena *arena)
{
    struct fb_buf b = FB_BUF(arena);
    comment_put(&b, "Configuration of forbear. What is commented out shows the default.");
    for (size_t i = 0; i < ROWS; i++) {
        fb_buf_char(&b, '\n');
        comment_put(&b, rows[i].doc);
        if (rows[i].key)
            fb_buf_printf(&b, "#%s =%s%s\n", rows[i].key, *rows[i].def ? " " : "", rows[i].def);
        else
            fb_buf_printf(&b, "[%s]\n", rows[i].section);
    }
    return fb_buf_str(&b);
}

struct fb_str fb_conf_dump(const struct fb_conf *conf, struct fb_arena *arena)
{
    const struct full *f = (const struct full *)conf;
    struct fb_buf b = FB_BUF(arena);
    for (size_t i = 0; i < ROWS; i++) {
        if (!rows[i].key)
            continue;
        struct fb_str text = f->text[i];
        if (rows[i].type == CTYPE_PATH)
            text = fb_str(*(const char *const *)((const char *)conf + rows[i].offset));
        fb_buf_printf(&b, "%s.%s = %.*s\n", rows[i].section, rows[i].key, FB_FMT(text));
    }
    return fb_buf_str(&b);
}
