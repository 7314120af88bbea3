/* Names: under which words a person may be meant. A person bears the whole name, given and family name together, each
 * part longer than two letters, and each alias. Honorifics and particles are no parts. Nothing here decides who is meant:
 * the case does, for it knows who reads. */
#include <stdlib.h>

#include "rules/people.h"
#include "rules/text.h"

static const char *const no_parts[] = { /* sorted */
    "abu", "bin", "dame", "das", "del", "den", "der", "des", "dos", "frau", "fru", "herr", "ing", "lady", "lord", "madame", "messrs",
    "miss", "mrs", "phd", "prof", "professor", "shri", "signor", "sir", "smt", "sri", "ten", "ter", "the", "van", "vom", "von", "zum", "zur",
};

/* Names that are words: as a name alone they count only where nothing else can be meant. Sorted. */
static const char *const ordinary[] = {
#define WORD(w) w,
#include "rules/ordinary.def"
#undef WORD
};

static int compare(const void *key, const void *element)
{
    const struct fb_str *s = key;
    const char *word = *(const char *const *)element;
    int d = strncmp(s->p, word, s->n);
    return d ? d : -(int)(word[s->n] != '\0');
}

static bool is_in(struct fb_str s, const char *const *v, size_t n)
{
    return bsearch(&s, v, n, sizeof *v, compare) != NULL;
}

bool fb_names_ordinary(struct fb_str word)
{
    return is_in(word, ordinary, sizeof ordinary / sizeof *ordinary);
}

static bool is_part(struct fb_str folded)
{
    return folded.n > 2 && !is_in(folded, no_parts, sizeof no_parts / sizeof *no_parts);
}

struct keys {
    struct fb_arena *arena;
    struct fb_str *v;
    size_t n;
    bool failed;
};

static void add_key(struct keys *k, const struct fb_str *words, size_t n)
{
    if (!n || n > FB_NAME_WORDS || k->n == FB_NAME_KEYS)
        return;
    struct fb_buf b = FB_BUF(k->arena);
    for (size_t i = 0; i < n; i++)
        fb_buf_printf(&b, "%s%.*s", i ? " " : "", FB_FMT(words[i]));
    struct fb_str key = fb_buf_str(&b);
    if (!key.p)
        k->failed = true;
    else if (key.n > 2)
        k->v[k->n++] = key;
}

static size_t fold_words(struct keys *k, struct fb_str text, struct fb_str *words, size_t max)
{
    struct fb_str word;
    size_t n = 0;
    while (n < max && fb_text_word(&text, &word)) {
        words[n] = fb_text_fold(k->arena, word);
        if (!words[n++].p)
            return k->failed = true, 0;
    }
    return n;
}

static void add_name(struct keys *k, struct fb_str name)
{
    struct fb_str words[8], parts[8];
    size_t n = fold_words(k, name, words, 8), parts_n = 0;
    add_key(k, words, n);
    for (size_t i = 0; i < n; i++)
        if (is_part(words[i]))
            parts[parts_n++] = words[i];
    if (parts_n > 1 && parts_n < n) /* "Dr. Jane Q. Public" is "Jane Public" too */
        add_key(k, parts, parts_n);
    if (parts_n > 2)
        add_key(k, (struct fb_str[]){parts[0], parts[parts_n - 1]}, 2);
    if (n > 1)
        for (size_t i = 0; i < parts_n; i++)
            add_key(k, &parts[i], 1);
}

/* The next alias: a word, or what stands in quotes. */
static bool next_alias(struct fb_str *rest, struct fb_str *ret)
{
    *rest = fb_str_trim(*rest);
    if (!rest->n)
        return false;
    bool quoted = rest->p[0] == '"';
    struct fb_str tail = {rest->p + quoted, rest->n - quoted};
    const char *end = quoted ? memchr(tail.p, '"', tail.n) : memchr(tail.p, ' ', tail.n);
    ret->p = tail.p;
    ret->n = end ? (size_t)(end - tail.p) : tail.n;
    *rest = end ? (struct fb_str){end + 1, tail.n - ret->n - 1} : FB_STR_NONE;
    return true;
}

int fb_names_keys(struct fb_arena *arena, struct fb_str name, struct fb_str aliases, struct fb_str keys[FB_NAME_KEYS], size_t *ret_n, struct fb_err *err)
{
    struct keys k = {.arena = arena, .v = keys};
    add_name(&k, name);
    for (struct fb_str alias, words[8]; next_alias(&aliases, &alias);)
        add_key(&k, words, fold_words(&k, alias, words, 8));
    *ret_n = k.n;
    return k.failed ? fb_fail_memory(err) : 0;
}

int fb_names_init(struct fb_names *names, struct fb_arena *arena, size_t keys, struct fb_err *err)
{
    *names = (struct fb_names){.bearers = fb_arena_array(arena, keys, sizeof *names->bearers)};
    return names->bearers ? fb_map_init(&names->map, arena, keys, err) : fb_fail_memory(err);
}

void fb_names_add(struct fb_names *names, struct fb_str key, uint32_t who)
{
    uint32_t *head = fb_map_put(&names->map, key);
    if (*head && names->bearers[*head - 1].who == who) /* "Jo Jo" */
        return;
    names->bearers[names->n] = (struct fb_bearer){.who = who, .next = *head};
    *head = (uint32_t)++names->n;
}

const struct fb_bearer *fb_names_find(const struct fb_names *names, struct fb_str key)
{
    const uint32_t *head = fb_map_get(&names->map, key);
    return head ? &names->bearers[*head - 1] : NULL;
}

const struct fb_bearer *fb_names_next(const struct fb_names *names, const struct fb_bearer *b)
{
    return b->next ? &names->bearers[b->next - 1] : NULL;
}
