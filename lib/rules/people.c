/* Reads the directory and the lists. It decides who a person is and who is above whom; never who is meant by a name, and
 * nothing about mail. 50,000 people load in a fraction of a second: one pass of libcsv, three tables sized beforehand.
 *
 * DIAGNOSTICS: every fault names file and line: no header line, a column that is missing or stands twice, an email that is
 * none or stands twice, a rank that is no number, a language that is no tag, a quote that is never closed, bytes that are no UTF-8. A manager who is
 * in no line, and a reporting line that goes round, are warnings: the rest of the directory is still true. */
#include "rules/people.h"

#include <csv.h>

#include "base/io.h"
#include "rules/text.h"

enum { FILE_MAX = 64 * 1024 * 1024, SCRATCH_MAX = 1024 * 1024 * 1024, COLUMNS_MAX = 64 };

static const struct fb_str people_columns[] = {FB_STR_INIT("email"), FB_STR_INIT("name"), FB_STR_INIT("aliases"), FB_STR_INIT("title"),
                                               FB_STR_INIT("manager"), FB_STR_INIT("region"), FB_STR_INIT("rank"), FB_STR_INIT("language")};
static const struct fb_str list_columns[] = {FB_STR_INIT("list"), FB_STR_INIT("member")};
enum { EMAIL, NAME, ALIASES, TITLE, MANAGER, REGION, RANK, LANGUAGE, FIELDS };
enum { LIST, MEMBER };

/* A table being read: which column is which, the fields of the row at hand, and who takes a finished row. */
struct table {
    struct fb_arena *arena;
    const char *path;
    const struct fb_str *columns;
    size_t columns_n, needed; /* the first @needed columns must be there */
    int place[COLUMNS_MAX];   /* of the file's column: index in columns, or -1 */
    size_t place_n, at;
    bool in_header;
    unsigned line;
    struct fb_str row[FIELDS];
    int (*take)(struct table *t, struct fb_err *err);
    void *arg;
    struct fb_err *err;
    bool failed;
};

static void table_fail(struct table *t, const char *what, struct fb_str text)
{
    if (!t->failed)
        fb_fail(t->err, "%s:%u: %s%s%.*s%s", t->path, t->line, what, text.n ? " '" : "", FB_FMT(text), text.n ? "'" : "");
    t->failed = true;
}

static void header_field(struct table *t, struct fb_str text)
{
    int place = -1;
    for (size_t i = 0; i < t->columns_n; i++)
        if (fb_str_ieq(text, t->columns[i]))
            place = (int)i;
    for (size_t i = 0; place >= 0 && i < t->place_n; i++)
        if (t->place[i] == place)
            table_fail(t, "this column stands twice:", text);
    if (t->place_n == COLUMNS_MAX)
        table_fail(t, "more columns than are allowed", FB_STR_NONE);
    else
        t->place[t->place_n++] = place;
}

static void row_field(struct table *t, struct fb_str text)
{
    size_t at = t->at++;
    if (at >= t->place_n && text.n)
        table_fail(t, "more fields than columns", FB_STR_NONE);
    if (at >= t->place_n || t->place[at] < 0)
        return;
    struct fb_str copy = fb_arena_dup(t->arena, text);
    if (copy.p)
        t->row[t->place[at]] = copy;
    else
        table_fail(t, "out of memory", FB_STR_NONE);
}

static void on_field(void *p, size_t n, void *arg)
{
    struct table *t = arg;
    struct fb_str text = fb_str_trim((struct fb_str){p, n});
    if (t->failed)
        return;
    if (t->in_header)
        header_field(t, text);
    else
        row_field(t, text);
}

static void end_header(struct table *t)
{
    t->in_header = false;
    for (size_t need = 0; need < t->needed; need++) {
        bool found = false;
        for (size_t i = 0; i < t->place_n; i++)
            found |= t->place[i] == (int)need;
        if (!found)
            table_fail(t, "there is no column", t->columns[need]);
    }
}

static void on_row(int end, void *arg)
{
    struct table *t = arg;
    (void)end;
    if (t->failed)
        return;
    if (t->in_header) {
        end_header(t);
        return;
    }
    if (t->take(t, t->err))
        t->failed = true;
    for (size_t i = 0; i < FIELDS; i++)
        t->row[i] = FB_STR_NONE;
    t->at = 0;
}

/* Line by line, so that the line of each row is known. */
static void feed(struct table *t, struct csv_parser *csv, struct fb_str text)
{
    while (text.n && !t->failed) {
        const char *nl = memchr(text.p, '\n', text.n);
        size_t n = nl ? (size_t)(nl - text.p) + 1 : text.n;
        t->line++;
        if (!fb_text_utf8((struct fb_str){text.p, n}))
            table_fail(t, "this line is no UTF-8", FB_STR_NONE);
        else if (csv_parse(csv, text.p, n, on_field, on_row, t) != n)
            table_fail(t, csv_error(csv) == CSV_EPARSE ? "a quote stands where none may" : csv_strerror(csv_error(csv)), FB_STR_NONE);
        text.p += n;
        text.n -= n;
    }
    if (!t->failed && csv_fini(csv, on_field, on_row, t) != 0)
        table_fail(t, "a quote is never closed", FB_STR_NONE);
}

static int read_table(struct table *t, struct fb_str text, struct fb_err *err)
{
    struct csv_parser csv;
    if (csv_init(&csv, CSV_STRICT | CSV_STRICT_FINI) != 0)
        return fb_fail_memory(err);
    if (fb_str_istarts(text, FB_STR("\xEF\xBB\xBF"))) /* spreadsheets write a byte-order mark */
        text.p += 3, text.n -= 3;
    t->in_header = true;
    t->err = err;
    for (size_t i = 0; i < FIELDS; i++)
        t->row[i] = FB_STR_NONE;
    feed(t, &csv, text);
    csv_free(&csv);
    if (!t->failed && t->in_header)
        table_fail(t, "there is no line of column names", FB_STR_NONE);
    return t->failed ? -1 : 0;
}

static size_t count_lines(struct fb_str text)
{
    size_t n = 1;
    for (struct fb_str line; fb_str_line(&text, &line);)
        n++;
    return n;
}

static bool lower_email(struct fb_arena *arena, struct fb_str text, struct fb_str *ret)
{
    *ret = fb_arena_lower(arena, text);
    return ret->p && memchr(ret->p, '@', ret->n) && !memchr(ret->p, ' ', ret->n);
}

/* Steps of seniority that a title tells, where the directory has neither rank nor reporting line. */
static unsigned rank_of_title(struct fb_str title)
{
    static const struct {
        struct fb_str word;
        unsigned rank;
    } words[] = {
#define RANK(word, rank) {FB_STR_INIT(word), rank}
        RANK("chief", 6), RANK("ceo", 6), RANK("chairman", 6), RANK("chairwoman", 6), RANK("president", 5), RANK("cfo", 5), RANK("cto", 5),
        RANK("coo", 5), RANK("managing", 5), RANK("partner", 4), RANK("vp", 4), RANK("vice", 4), RANK("head", 3), RANK("director", 3),
        RANK("manager", 1), RANK("lead", 1),
#undef RANK
    };
    unsigned rank = 0;
    bool vice = fb_str_ifind(title, FB_STR("vice")) >= 0;
    for (struct fb_str word; fb_text_word(&title, &word);)
        for (size_t i = 0; i < sizeof words / sizeof *words; i++)
            if (fb_str_ieq(word, words[i].word) && words[i].rank > rank)
                rank = words[i].rank;
    return vice && rank > 4 ? 4 : rank;
}

static int set_rank(struct table *t, struct fb_person *who, struct fb_err *err)
{
    int64_t rank = 0;
    if (t->row[RANK].n && !fb_str_int(t->row[RANK], 0, 9, &rank))
        return fb_fail(err, "%s:%u: rank '%.*s' is no number from 0 to 9", t->path, t->line, FB_FMT(t->row[RANK]));
    who->rank = t->row[RANK].n ? (unsigned)rank : rank_of_title(who->title);
    return 0;
}

/* As in BCP 47, by its form alone: "de", "pt-br". It may become the name of a folder. */
static bool is_language(struct fb_str s)
{
    struct fb_str rest = s, part;
    bool first = true;
    for (; fb_str_split(&rest, '-', &part); first = false) {
        if (part.n < (first ? 2 : 1) || part.n > 8)
            return false;
        for (size_t i = 0; i < part.n; i++)
            if (!fb_is_alpha(part.p[i]) && (first || !fb_is_digit(part.p[i])))
                return false;
    }
    return !first && s.n <= FB_LANGUAGE_MAX && s.p[s.n - 1] != '-';
}

static int set_language(struct table *t, struct fb_person *who, struct fb_err *err)
{
    who->language = fb_arena_lower(t->arena, t->row[LANGUAGE]);
    if (!who->language.p)
        return fb_fail_memory(err);
    if (who->language.n && !is_language(who->language))
        return fb_fail(err, "%s:%u: the language '%.*s' is no tag (de, pt-br)", t->path, t->line, FB_FMT(who->language));
    return 0;
}

static int take_person(struct table *t, struct fb_err *err)
{
    struct fb_people *p = t->arg;
    struct fb_person *who = &p->v[p->n];
    *who = (struct fb_person){.name = t->row[NAME], .aliases = t->row[ALIASES], .title = t->row[TITLE], .region = t->row[REGION], .line = t->line};
    if (!lower_email(t->arena, t->row[EMAIL], &who->email))
        return fb_fail(err, "%s:%u: '%.*s' is no email address", t->path, t->line, FB_FMT(t->row[EMAIL]));
    if (t->row[MANAGER].n && !lower_email(t->arena, t->row[MANAGER], &who->manager_email))
        return fb_fail(err, "%s:%u: the manager '%.*s' is no email address", t->path, t->line, FB_FMT(t->row[MANAGER]));
    uint32_t *at = fb_map_put(&p->by_email, who->email);
    if (*at)
        return fb_fail(err, "%s:%u: %.*s stands in line %u already", t->path, t->line, FB_FMT(who->email), p->v[*at - 1].line);
    *at = (uint32_t)++p->n;
    return set_rank(t, who, err) || set_language(t, who, err) ? -1 : 0;
}

/* Above @who in the reporting line: how many steps to the top; FB_PEOPLE_STEPS where it goes round. */
static unsigned steps_to_top(const struct fb_person *who)
{
    unsigned n = 0;
    while (who->manager && n < FB_PEOPLE_STEPS)
        who = who->manager, n++;
    return n;
}

static int resolve_managers(struct fb_people *p, const char *path, struct fb_buf *warnings)
{
    for (size_t i = 0; i < p->n; i++) {
        struct fb_person *who = &p->v[i];
        const uint32_t *at = fb_map_get(&p->by_email, who->manager_email);
        if (at && *at - 1 != i) {
            who->manager = &p->v[*at - 1];
            who->in_line = p->v[*at - 1].in_line = true;
        } else if (who->manager_email.n && !at) {
            fb_buf_printf(warnings, "%s:%u: the manager %.*s is in no line of this file\n", path, who->line, FB_FMT(who->manager_email));
        }
    }
    for (size_t i = 0; i < p->n; i++) {
        p->v[i].depth = steps_to_top(&p->v[i]);
        if (p->v[i].depth == FB_PEOPLE_STEPS)
            fb_buf_printf(warnings, "%s:%u: the managers above %.*s go round, or are too many\n", path, p->v[i].line, FB_FMT(p->v[i].email));
    }
    return warnings->failed ? -1 : 0;
}

static int add_name(struct fb_people *p, struct fb_arena *arena, struct fb_str key, uint32_t who, struct fb_err *err)
{
    struct fb_str kept = fb_map_get(&p->names.map, key) ? key : fb_arena_dup(arena, key);
    if (!kept.p)
        return fb_fail_memory(err);
    fb_names_add(&p->names, kept, who);
    return 0;
}

/* Most keys are borne by many: each is kept once, the rest goes with @scratch. */
static int index_names(struct fb_people *p, struct fb_arena *arena, struct fb_err *err)
{
    FB_ARENA scratch = fb_arena_new(SCRATCH_MAX);
    struct keys_of {
        size_t n;
        struct fb_str *v;
    } *of = scratch ? fb_arena_array(scratch, p->n, sizeof *of) : NULL;
    if (!of)
        return fb_fail_memory(err);
    size_t total = 0;
    for (size_t i = 0; i < p->n; i++) {
        struct fb_str keys[FB_NAME_KEYS];
        if (fb_names_keys(scratch, p->v[i].name, p->v[i].aliases, keys, &of[i].n, err))
            return -1;
        of[i].v = fb_arena_array(scratch, of[i].n, sizeof *keys);
        if (!of[i].v)
            return fb_fail_memory(err);
        memcpy(of[i].v, keys, of[i].n * sizeof *keys);
        total += of[i].n;
    }
    if (fb_names_init(&p->names, arena, total, err))
        return -1;
    for (size_t i = 0; i < p->n; i++)
        for (size_t k = 0; k < of[i].n; k++)
            if (add_name(p, arena, of[i].v[k], (uint32_t)i, err))
                return -1;
    return 0;
}

struct membership { /* a line of the lists file */
    struct fb_str list, member;
};

struct memberships {
    size_t n;
    struct membership *v;
};

static int take_member(struct table *t, struct fb_err *err)
{
    struct memberships *m = t->arg;
    struct membership *row = &m->v[m->n];
    if (!lower_email(t->arena, t->row[LIST], &row->list))
        return fb_fail(err, "%s:%u: '%.*s' is no email address", t->path, t->line, FB_FMT(t->row[LIST]));
    if (!lower_email(t->arena, t->row[MEMBER], &row->member))
        return fb_fail(err, "%s:%u: '%.*s' is no email address", t->path, t->line, FB_FMT(t->row[MEMBER]));
    m->n++;
    return 0;
}

static struct fb_list *list_of(struct fb_people *p, struct fb_str addr)
{
    uint32_t *at = fb_map_put(&p->by_list, addr);
    if (!*at) {
        p->lists[p->lists_n].addr = addr;
        *at = (uint32_t)++p->lists_n;
    }
    return &p->lists[*at - 1];
}

/* Lines of one list need not stand together: count, make room, fill. */
static int gather_lists(struct fb_people *p, struct fb_arena *arena, const struct memberships *m, struct fb_err *err)
{
    p->lists = fb_arena_array(arena, m->n, sizeof *p->lists);
    if (!p->lists || fb_map_init(&p->by_list, arena, m->n, err))
        return fb_fail_memory(err);
    for (size_t i = 0; i < m->n; i++)
        list_of(p, m->v[i].list)->members_n++;
    for (size_t i = 0; i < p->lists_n; i++) {
        p->lists[i].members = fb_arena_array(arena, p->lists[i].members_n, sizeof *p->lists[i].members);
        if (!p->lists[i].members)
            return fb_fail_memory(err);
        p->lists[i].members_n = 0;
    }
    for (size_t i = 0; i < m->n; i++) {
        struct fb_list *list = list_of(p, m->v[i].list);
        list->members[list->members_n++] = m->v[i].member;
    }
    return 0;
}

static int read_lists(struct fb_people *p, struct fb_arena *arena, const char *path, struct fb_str text, struct fb_err *err)
{
    struct memberships m = {.v = fb_arena_array(arena, count_lines(text), sizeof *m.v)};
    if (!m.v)
        return fb_fail_memory(err);
    struct table t = {.arena = arena, .path = path, .columns = list_columns, .columns_n = 2, .needed = 2, .take = take_member, .arg = &m};
    return read_table(&t, text, err) ? -1 : gather_lists(p, arena, &m, err);
}

static int read_people(struct fb_people *p, struct fb_arena *arena, const char *path, struct fb_str text, struct fb_err *err)
{
    size_t lines = count_lines(text);
    p->v = fb_arena_array(arena, lines, sizeof *p->v);
    if (!p->v || fb_map_init(&p->by_email, arena, lines, err))
        return fb_fail_memory(err);
    struct table t = {.arena = arena, .path = path, .columns = people_columns, .columns_n = FIELDS, .needed = NAME + 1, .take = take_person, .arg = p};
    struct fb_buf warnings = FB_BUF(arena);
    if (read_table(&t, text, err))
        return -1;
    if (resolve_managers(p, path, &warnings))
        return fb_fail_memory(err);
    p->warnings = fb_buf_str(&warnings);
    return index_names(p, arena, err);
}

int fb_people_read(struct fb_arena *arena, const char *people_path, struct fb_str people, const char *lists_path, struct fb_str lists,
                   struct fb_people *ret, struct fb_err *err)
{
    *ret = (struct fb_people){.warnings = FB_STR_NONE};
    if (people.p && read_people(ret, arena, people_path, people, err))
        return -1;
    return lists.p ? read_lists(ret, arena, lists_path, lists, err) : 0;
}

int fb_people_load(struct fb_arena *arena, const char *people_path, const char *lists_path, struct fb_people *ret, struct fb_err *err)
{
    struct fb_str people = {NULL, 0}, lists = {NULL, 0};
    if (*people_path && fb_io_read_file(arena, people_path, FILE_MAX, &people, err))
        return -1;
    if (*lists_path && fb_io_read_file(arena, lists_path, FILE_MAX, &lists, err))
        return -1;
    return fb_people_read(arena, people_path, people, lists_path, lists, ret, err);
}

const struct fb_person *fb_people_find(const struct fb_people *p, struct fb_str email)
{
    const uint32_t *at = fb_map_get(&p->by_email, email);
    return at ? &p->v[*at - 1] : NULL;
}

const struct fb_list *fb_people_list(const struct fb_people *p, struct fb_str addr)
{
    const uint32_t *at = fb_map_get(&p->by_list, addr);
    return at ? &p->lists[*at - 1] : NULL;
}

unsigned fb_person_above(const struct fb_person *boss, const struct fb_person *who)
{
    unsigned n = 0;
    do
        who = who->manager, n++;
    while (who && who != boss && n < FB_PEOPLE_STEPS);
    return who == boss ? n : 0;
}
