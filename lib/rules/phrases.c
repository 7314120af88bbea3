/* Compiles phrase lists into tables by first word, and finds them in a text. It decides what words stand there, never what
 * they mean. Matching costs a look-up a word and a short comparison for each phrase that begins with it; a phrase holds at
 * most GAPS gaps, so that no text makes it slow.
 *
 * DIAGNOSTICS: file, line and what is wrong with it: an unknown class, a phrase that begins or ends with a gap, a '*' in
 * the middle of a word, a list that holds no phrase, bytes that are no UTF-8. */
#include "rules/phrases.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>

#include "base/io.h"
#include "rules/people.h"

enum { FILE_MAX = 1024 * 1024, LISTS_MAX = 256, GAPS = 3, PREFIX_MAX = 32, SPAN_MAX = FB_PHRASE_WORDS * FB_NAME_WORDS };

struct alt { /* one of the words that may stand at a place */
    enum { WORD, PREFIX, PERSON, ANY } kind;
    struct fb_str word;   /* folded */
    uint32_t hash;
    struct fb_str second; /* of a contraction ("not" of "didn't"); empty: none */
};

struct element {
    bool gap;
    uint32_t n;
    const struct alt *alts;
    uint64_t hashes; /* bit h: a word whose hash ends so may stand here; all bits where others than plain words may */
};

struct pattern {
    uint32_t list;
    bool veto;
    uint32_t n;
    const struct element *elements;
};

struct start { /* a phrase that begins with @alt: a link of a chain */
    const struct alt *alt;
    uint32_t pattern, next; /* index of the next + 1; 0: last */
};

struct class {
    struct fb_str name;
    uint32_t list; /* whose it is; ALL_LISTS: everybody's */
    uint32_t n;
    const struct alt *alts;
};
#define ALL_LISTS UINT32_MAX

struct fb_phrases {
    struct fb_arena *arena;
    struct fb_phrase_list *lists;
    struct pattern *patterns;
    struct class *classes;
    struct start *starts;
    size_t lists_n, patterns_n, classes_n, starts_n;
    struct fb_map by_word, by_prefix; /* value: index of the first start + 1 */
    uint32_t by_person;
    uint64_t prefix_lengths; /* bit n: some phrase begins with a prefix of n letters */
};

/* A file being read. */
struct source {
    const char *path;
    struct fb_str name, text;
    uint32_t list;
    unsigned line;
};

static int fault(const struct source *s, struct fb_err *err, const char *what, struct fb_str text)
{
    return fb_fail(err, "%s:%u: %s%s%.*s%s", s->path, s->line, what, text.n ? " '" : "", FB_FMT(text), text.n ? "'" : "");
}

static const struct class *find_class(const struct fb_phrases *p, struct fb_str name, uint32_t list)
{
    for (size_t i = 0; i < p->classes_n; i++)
        if (fb_str_eq(p->classes[i].name, name) && (p->classes[i].list == list || p->classes[i].list == ALL_LISTS))
            return &p->classes[i];
    return NULL;
}

/* One plain word or contraction, with a '*' behind it or without. */
static int read_word(const struct source *s, struct fb_arena *arena, struct fb_str text, struct alt *ret, struct fb_err *err)
{
    struct fb_str rest = text, word, parts[2] = {FB_STR_NONE, FB_STR_NONE};
    bool prefix = text.n && text.p[text.n - 1] == '*';
    rest.n -= prefix;
    if (!fb_text_word(&rest, &word) || word.n != text.n - prefix)
        return fault(s, err, "this is no word (letters, digits, apostrophes, a '*' at its end):", text);
    struct fb_str folded = fb_text_fold(arena, word);
    if (!folded.p)
        return fb_fail_memory(err);
    if (prefix && folded.n > PREFIX_MAX)
        return fault(s, err, "too long for a word with endings:", text);
    if (prefix)
        parts[0] = folded;
    else
        fb_text_parts(folded, parts);
    *ret = (struct alt){.kind = prefix ? PREFIX : WORD, .word = parts[0], .hash = fb_hash(parts[0]), .second = parts[1]};
    return 0;
}

/* What `<name>` stands for: a view of the class, or one of the two that are built in. */
static int read_class(const struct fb_phrases *p, const struct source *s, struct fb_str text, struct element *ret, struct fb_err *err)
{
    static const struct alt person = {.kind = PERSON}, any = {.kind = ANY};
    *ret = (struct element){.n = 1, .alts = fb_str_eq(text, FB_STR("<person>")) ? &person : &any};
    if (fb_str_eq(text, FB_STR("<person>")) || fb_str_eq(text, FB_STR("<any>")))
        return 0;
    const struct class *c = find_class(p, text, s->list);
    if (!c)
        return fault(s, err, "there is no word class", text);
    *ret = (struct element){.n = c->n, .alts = c->alts};
    return 0;
}

static size_t count_char(struct fb_str s, char c)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += s.p[i] == c;
    return n;
}

/* A word, or a class. */
static int read_alternative(const struct fb_phrases *p, const struct source *s, struct fb_str text, struct element *ret, struct fb_err *err)
{
    if (text.n > 1 && text.p[0] == '<' && text.p[text.n - 1] == '>')
        return read_class(p, s, text, ret, err);
    struct alt *alt = fb_arena_alloc(p->arena, sizeof *alt);
    if (!alt)
        return fb_fail_memory(err);
    *ret = (struct element){.n = 1, .alts = alt};
    return read_word(s, p->arena, text, alt, err);
}

static void append(struct element *to, struct alt *room, const struct element *e)
{
    memcpy(room + to->n, e->alts, e->n * sizeof *room);
    to->n += e->n;
}

/* `a|b|<class>` -> one element. */
static int read_alternatives(const struct fb_phrases *p, const struct source *s, struct fb_str text, struct element *ret, struct fb_err *err)
{
    size_t parts = count_char(text, '|') + 1, n = 0;
    struct element *each = fb_arena_array(p->arena, parts, sizeof *each);
    if (!each)
        return fb_fail_memory(err);
    for (size_t i = 0; i < parts; i++, n += each[i - 1].n) {
        struct fb_str part;
        fb_str_split(&text, '|', &part);
        if (read_alternative(p, s, part, &each[i], err))
            return -1;
    }
    struct alt *alts = fb_arena_array(p->arena, n, sizeof *alts);
    if (!alts)
        return fb_fail_memory(err);
    *ret = (struct element){.alts = alts};
    for (size_t i = 0; i < parts; i++)
        append(ret, alts, &each[i]);
    return 0;
}

static int read_element(const struct fb_phrases *p, const struct source *s, struct fb_str text, struct element *ret, struct fb_err *err)
{
    if (fb_str_eq(text, FB_STR("..")))
        return *ret = (struct element){.gap = true}, 0;
    return memchr(text.p, '|', text.n) ? read_alternatives(p, s, text, ret, err) : read_alternative(p, s, text, ret, err);
}

static uint64_t bit_of(uint32_t hash)
{
    return (uint64_t)1 << (hash & 63);
}

static void summarise(struct element *e)
{
    for (uint32_t i = 0; i < e->n; i++)
        e->hashes |= e->alts[i].kind == WORD ? bit_of(e->alts[i].hash) : ~(uint64_t)0;
}

static int check_gaps(const struct source *s, const struct element *v, uint32_t n, struct fb_err *err)
{
    unsigned gaps = 0;
    for (uint32_t i = 0; i < n; i++)
        gaps += v[i].gap;
    if (!n || v[0].gap || v[n - 1].gap)
        return fault(s, err, "a phrase begins and ends with a word", FB_STR_NONE);
    if (gaps > GAPS)
        return fault(s, err, "a phrase has at most three gaps", FB_STR_NONE);
    for (uint32_t i = 0; i < v[0].n; i++)
        if (v[0].alts[i].kind == ANY)
            return fault(s, err, "a phrase cannot begin with <any>", FB_STR_NONE);
    return 0;
}

static int read_phrase(struct fb_phrases *p, const struct source *s, struct fb_str line, struct fb_err *err)
{
    struct element v[FB_PHRASE_WORDS];
    uint32_t n = 0;
    bool veto = line.p[0] == '!';
    struct fb_str rest = {line.p + veto, line.n - veto}, text;
    while (fb_str_word(&rest, &text)) {
        if (n == FB_PHRASE_WORDS)
            return fault(s, err, "this phrase has too many words", FB_STR_NONE);
        if (read_element(p, s, text, &v[n], err))
            return -1;
        summarise(&v[n++]);
    }
    if (check_gaps(s, v, n, err))
        return -1;
    struct element *kept = fb_arena_array(p->arena, n, sizeof *kept);
    if (!kept)
        return fb_fail_memory(err);
    memcpy(kept, v, n * sizeof *kept);
    p->patterns[p->patterns_n++] = (struct pattern){.list = s->list, .veto = veto, .n = n, .elements = kept};
    return 0;
}

static int read_class_line(struct fb_phrases *p, const struct source *s, struct fb_str name, struct fb_str words, struct fb_err *err)
{
    if (find_class(p, name, s->list) || fb_str_eq(name, FB_STR("<person>")) || fb_str_eq(name, FB_STR("<any>")))
        return fault(s, err, "this word class is there already:", name);
    struct alt *alts = fb_arena_array(p->arena, words.n / 2 + 1, sizeof *alts);
    if (!alts)
        return fb_fail_memory(err);
    uint32_t n = 0;
    for (struct fb_str word; fb_str_word(&words, &word); n++)
        if (read_word(s, p->arena, word, &alts[n], err))
            return -1;
    if (!n)
        return fault(s, err, "this word class is empty:", name);
    p->classes[p->classes_n++] = (struct class){.name = name, .list = s->list, .n = n, .alts = alts};
    return 0;
}

static int read_line(struct fb_phrases *p, const struct source *s, struct fb_str line, struct fb_err *err)
{
    struct fb_str value = line, key;
    if (!memchr(line.p, '=', line.n))
        return s->list == ALL_LISTS ? fault(s, err, "only word classes stand in this file", FB_STR_NONE) : read_phrase(p, s, line, err);
    fb_str_split(&value, '=', &key);
    key = fb_str_trim(key);
    value = fb_str_trim(value);
    if (key.n > 2 && key.p[0] == '<' && key.p[key.n - 1] == '>')
        return read_class_line(p, s, key, value, err);
    if (!fb_str_eq(key, FB_STR("says")) || s->list == ALL_LISTS)
        return fault(s, err, "neither 'says' nor a <class>:", key);
    if (p->lists[s->list].says.n || !value.n)
        return fault(s, err, "'says' stands twice, or says nothing", FB_STR_NONE);
    p->lists[s->list].says = value;
    return 0;
}

static int read_source(struct fb_phrases *p, struct source *s, struct fb_err *err)
{
    size_t before = p->patterns_n;
    struct fb_str rest = s->text, line;
    while (fb_str_line(&rest, &line)) {
        s->line++;
        if (!fb_text_utf8(line))
            return fault(s, err, "this line is no UTF-8", FB_STR_NONE);
        const char *comment = line.n ? memchr(line.p, '#', line.n) : NULL;
        line.n = comment ? (size_t)(comment - line.p) : line.n;
        line = fb_str_trim(line);
        if (line.n && read_line(p, s, line, err))
            return -1;
    }
    if (p->patterns_n == before && s->list != ALL_LISTS)
        return fb_fail(err, "%s: there is no phrase in this file", s->path);
    return 0;
}

static void add_start(struct fb_phrases *p, uint32_t *head, const struct alt *alt, size_t pattern)
{
    p->starts[p->starts_n] = (struct start){.alt = alt, .pattern = (uint32_t)pattern, .next = *head};
    *head = (uint32_t)++p->starts_n;
}

/* Enters each phrase under all that it may begin with. */
static int index_starts(struct fb_phrases *p, struct fb_err *err)
{
    size_t total = 0;
    for (size_t i = 0; i < p->patterns_n; i++)
        total += p->patterns[i].elements[0].n;
    p->starts = fb_arena_array(p->arena, total, sizeof *p->starts);
    if (!p->starts || fb_map_init(&p->by_word, p->arena, total, err) || fb_map_init(&p->by_prefix, p->arena, total, err))
        return fb_fail_memory(err);
    for (size_t i = 0; i < p->patterns_n; i++)
        for (uint32_t k = 0; k < p->patterns[i].elements[0].n; k++) {
            const struct alt *alt = &p->patterns[i].elements[0].alts[k];
            if (alt->kind == PREFIX)
                p->prefix_lengths |= (uint64_t)1 << alt->word.n;
            add_start(p, alt->kind == PERSON ? &p->by_person : fb_map_put(alt->kind == WORD ? &p->by_word : &p->by_prefix, alt->word), alt, i);
        }
    return 0;
}

static size_t count_lines(const struct source *v, size_t n)
{
    size_t lines = 0;
    for (size_t i = 0; i < n; i++)
        lines += count_char(v[i].text, '\n') + 1;
    return lines;
}

/* @v[0] may be the classes that all know. */
static int compile(struct fb_arena *arena, struct source *v, size_t n, struct fb_phrases **ret, struct fb_err *err)
{
    size_t lines = count_lines(v, n);
    struct fb_phrases *p = fb_arena_alloc(arena, sizeof *p);
    if (!p)
        return fb_fail_memory(err);
    *p = (struct fb_phrases){.arena = arena,
                             .lists = fb_arena_array(arena, n, sizeof *p->lists),
                             .patterns = fb_arena_array(arena, lines, sizeof *p->patterns),
                             .classes = fb_arena_array(arena, lines, sizeof *p->classes)};
    if (!p->lists || !p->patterns || !p->classes)
        return fb_fail_memory(err);
    for (size_t i = 0; i < n; i++) {
        if (v[i].list != ALL_LISTS) {
            v[i].list = (uint32_t)p->lists_n;
            p->lists[p->lists_n++] = (struct fb_phrase_list){.name = v[i].name, .path = v[i].path};
        }
        if (read_source(p, &v[i], err))
            return -1;
    }
    *ret = p;
    return index_starts(p, err);
}

static bool is_list_name(struct fb_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!(s.p[i] >= 'a' && s.p[i] <= 'z') && !fb_is_digit(s.p[i]) && s.p[i] != '_')
            return false;
    return s.n > 0;
}

static int add_file(struct fb_arena *arena, const char *dir, struct fb_str file, struct source *v, size_t *n, struct fb_err *err)
{
    struct fb_str path = fb_arena_printf(arena, "%s/%.*s", dir, FB_FMT(file)), name = fb_arena_dup(arena, (struct fb_str){file.p, file.n - 4});
    if (!path.p || !name.p)
        return fb_fail_memory(err);
    if (!is_list_name(name))
        return fb_fail(err, "%s: the name of a phrase file is made of a-z, 0-9 and _", path.p);
    size_t i = 0;
    while (i < *n && !fb_str_eq(v[i].name, name))
        i++;
    if (i == LISTS_MAX)
        return fb_fail(err, "%s: more phrase files than the %d allowed", path.p, LISTS_MAX);
    v[i] = (struct source){.path = path.p, .name = name};
    *n = i == *n ? i + 1 : *n;
    return 0;
}

static void closedir_cleanup(DIR **d)
{
    if (*d)
        closedir(*d);
}

/* Outcome: an absent folder holds no files. */
static int add_dir(struct fb_arena *arena, const char *dir, struct source *v, size_t *n, struct fb_err *err)
{
    __attribute__((cleanup(closedir_cleanup))) DIR *d = *dir ? opendir(dir) : NULL;
    if (!d)
        return !*dir || errno == ENOENT ? 0 : fb_fail_errno(err, "cannot read %s", dir);
    for (struct dirent *e; (e = readdir(d));) {
        struct fb_str file = fb_str(e->d_name);
        if (file.p[0] != '.' && fb_str_iends(file, FB_STR(".txt")) && add_file(arena, dir, file, v, n, err))
            return -1;
    }
    return 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct source *)a)->name.p, ((const struct source *)b)->name.p);
}

static int classes_first(const void *a, const void *b)
{
    bool ca = ((const struct source *)a)->list == ALL_LISTS, cb = ((const struct source *)b)->list == ALL_LISTS;
    return ca == cb ? by_name(a, b) : cb - ca;
}

int fb_phrases_load(struct fb_arena *arena, const char *shipped, const char *own, struct fb_phrases **ret, struct fb_err *err)
{
    size_t n = 0;
    struct source *v = fb_arena_array(arena, LISTS_MAX, sizeof *v);
    if (!v)
        return fb_fail_memory(err);
    if (add_dir(arena, shipped, v, &n, err) || add_dir(arena, own, v, &n, err))
        return -1;
    for (size_t i = 0; i < n; i++) {
        if (fb_io_read_file(arena, v[i].path, FILE_MAX, &v[i].text, err))
            return -1;
        v[i].list = fb_str_eq(v[i].name, FB_STR("classes")) ? ALL_LISTS : 0;
    }
    qsort(v, n, sizeof *v, classes_first);
    return compile(arena, v, n, ret, err);
}

int fb_phrases_read(struct fb_arena *arena, const char *path, struct fb_str text, struct fb_phrases **ret, struct fb_err *err)
{
    struct source s = {.path = path, .name = FB_STR("list"), .text = text};
    return compile(arena, &s, 1, ret, err);
}

size_t fb_phrases_lists(const struct fb_phrases *p, const struct fb_phrase_list **ret)
{
    *ret = p->lists;
    return p->lists_n;
}

size_t fb_phrases_count(const struct fb_phrases *p)
{
    return p->patterns_n;
}

/* Matching. */

struct run {
    const struct fb_phrases *p;
    const struct fb_text *t;
    bool addressed;
    size_t end; /* of the sentence at hand */
    struct hit {
        struct fb_phrase_hit hit;
        bool veto;
    } *hits;
    size_t n, cap;
};

/* How many words of the text from @w on are this alternative (the sentence may be shorter); 0: none. */
static size_t stands_for(const struct run *r, const struct alt *alt, const struct fb_word *w)
{
    switch (alt->kind) {
    case WORD:
        if (alt->hash != w->hash || !fb_str_eq(alt->word, w->norm))
            return 0;
        return !alt->second.n ? 1 : w + 1 < r->t->v + r->end && fb_str_eq(alt->second, w[1].norm) ? 2 : 0;
    case PREFIX: return fb_str_istarts(w->norm, alt->word);
    case PERSON: return w->person ? w->person : r->addressed && fb_str_eq(w->norm, FB_STR("you"));
    case ANY: return 1;
    }
    return 0;
}

static bool match(const struct run *r, const struct element *e, const struct element *last, size_t w, size_t *ret_end)
{
    if (e == last)
        return *ret_end = w, true;
    if (e->gap) {
        for (size_t k = 0; k <= FB_PHRASE_GAP && w + k < r->end; k++)
            if (match(r, e + 1, last, w + k, ret_end))
                return true;
        return false;
    }
    if (w >= r->end || !(e->hashes & bit_of(r->t->v[w].hash)))
        return false;
    for (uint32_t i = 0; i < e->n; i++) {
        size_t n = stands_for(r, &e->alts[i], &r->t->v[w]);
        if (n && w + n <= r->end && match(r, e + 1, last, w + n, ret_end))
            return true;
    }
    return false;
}

static int add_hit(struct run *r, struct fb_arena *arena, const struct pattern *p, size_t w, size_t end, struct fb_err *err)
{
    struct hit *hits = fb_arena_grow(arena, r->hits, r->n, &r->cap, sizeof *hits);
    if (!hits)
        return fb_fail_memory(err);
    r->hits = hits;
    r->hits[r->n++] = (struct hit){{.list = p->list, .sentence = r->t->v[w].sentence, .word = (uint32_t)w, .n = (uint32_t)(end - w)}, p->veto};
    return 0;
}

static int try_chain(struct run *r, struct fb_arena *arena, uint32_t head, size_t w, struct fb_err *err)
{
    for (; head; head = r->p->starts[head - 1].next) {
        const struct start *s = &r->p->starts[head - 1];
        const struct pattern *p = &r->p->patterns[s->pattern];
        size_t n = stands_for(r, s->alt, &r->t->v[w]), end;
        if (n && w + n <= r->end && match(r, p->elements + 1, p->elements + p->n, w + n, &end) && add_hit(r, arena, p, w, end, err))
            return -1;
    }
    return 0;
}

/* All phrases that begin at word @w. */
static int try_word(struct run *r, struct fb_arena *arena, size_t w, struct fb_err *err)
{
    const struct fb_word *word = &r->t->v[w];
    const uint32_t *head = fb_map_get_hashed(&r->p->by_word, word->norm, word->hash);
    if (head && try_chain(r, arena, *head, w, err))
        return -1;
    uint32_t hash = FB_HASH_START;
    for (size_t n = 1; n <= word->norm.n && r->p->prefix_lengths >> n; n++) {
        hash = fb_hash_add(hash, word->norm.p[n - 1]);
        bool some = r->p->prefix_lengths >> n & 1;
        head = some ? fb_map_get_hashed(&r->p->by_prefix, (struct fb_str){word->norm.p, n}, hash) : NULL;
        if (head && try_chain(r, arena, *head, w, err))
            return -1;
    }
    bool person = word->person || (r->addressed && fb_str_eq(word->norm, FB_STR("you")));
    return person ? try_chain(r, arena, r->p->by_person, w, err) : 0;
}

static bool overlap(const struct fb_phrase_hit *a, const struct fb_phrase_hit *b)
{
    return a->list == b->list && a->word < b->word + b->n && b->word < a->word + a->n;
}

/* Whether another hit says more than the @i-th about the same words: a veto, a longer one, or an equal one before it.
 * Hits are in the order of their first words, so only those near it can. */
static bool outdone(const struct run *r, size_t i)
{
    const struct hit *h = &r->hits[i];
    size_t k = i;
    while (k > 0 && r->hits[k - 1].hit.word + SPAN_MAX > h->hit.word)
        k--;
    for (; k < r->n && r->hits[k].hit.word < h->hit.word + h->hit.n; k++) {
        const struct hit *o = &r->hits[k];
        if (k != i && overlap(&h->hit, &o->hit) && (o->veto || o->hit.n > h->hit.n || (o->hit.n == h->hit.n && k < i)))
            return true;
    }
    return h->veto;
}

static int keep_best(const struct run *r, struct fb_arena *arena, const struct fb_phrase_hit **ret, size_t *ret_n, struct fb_err *err)
{
    struct fb_phrase_hit *v = fb_arena_array(arena, r->n, sizeof *v);
    if (!v)
        return fb_fail_memory(err);
    size_t n = 0;
    for (size_t i = 0; i < r->n; i++)
        if (!outdone(r, i))
            v[n++] = r->hits[i].hit;
    *ret = v;
    *ret_n = n;
    return 0;
}

int fb_phrases_match(const struct fb_phrases *p, struct fb_arena *arena, const struct fb_text *t, bool addressed,
                     const struct fb_phrase_hit **ret, size_t *ret_n, struct fb_err *err)
{
    struct run r = {.p = p, .t = t, .addressed = addressed};
    for (size_t w = 0; w < t->n; w++) {
        r.end = t->first[t->v[w].sentence + 1];
        if (try_word(&r, arena, w, err))
            return -1;
    }
    return keep_best(&r, arena, ret, ret_n, err);
}
