/* Makes a case: who reads it, whom the text names, and whom each sentence is about. It decides who is meant, never
 * whether what is said of them is kind. A name means a reader before anybody else; who is not on the mail is found by a
 * whole name, or by a part that few bear and that is no word. What remains unsure names nobody.
 *
 * DIAGNOSTICS: lack of memory alone. */
#include "rules/case.h"

#include "rules/readers.h"

enum { FEW_BEARERS = 3, BEARERS_MAX = 256, MENTIONS_MAX = 500, GREETED_SENTENCES = 2, PRONOUN_REACH = 2 };

struct naming {
    struct fb_case *c;
    struct fb_arena *arena;
    struct fb_names strangers; /* readers whom only the header names; who: index of the reader */
    struct fb_mention *v;
    size_t n;
};

#define W(word) FB_STR_INIT(word)
static bool is_one_of(struct fb_str word, const struct fb_str *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (fb_str_eq(word, v[i]))
            return true;
    return false;
}
#define IS_ONE_OF(word, table) is_one_of(word, table, sizeof(table) / sizeof *(table))

static bool is_greeting(struct fb_str word)
{
    static const struct fb_str greetings[] = {
        W("hi"), W("hello"), W("hey"), W("dear"), W("hallo"), W("liebe"), W("lieber"), W("good"), W("morning"), W("afternoon"), W("evening"),
        W("thanks"), W("ok"), W("okay"), W("so"), W("and"), W("again"), W("mr"), W("mrs"), W("ms"), W("dr"),
    };
    return IS_ONE_OF(word, greetings);
}

/* The name a header gives a reader: the display name, else a local part such as jane.doe. */
static struct fb_str header_name(const struct fb_reader *r)
{
    if (!fb_str_eq(r->name, r->addr))
        return r->name;
    const char *at = memchr(r->addr.p, '@', r->addr.n);
    struct fb_str local = {r->addr.p, at ? (size_t)(at - r->addr.p) : 0};
    return local.n && memchr(local.p, '.', local.n) ? local : FB_STR_NONE;
}

static int learn_strangers(struct naming *g, struct fb_err *err)
{
    const struct fb_case *c = g->c;
    size_t n = 0;
    for (size_t i = 0; i < c->readers_n; i++)
        n += !c->readers[i].person;
    if (fb_names_init(&g->strangers, g->arena, n * FB_NAME_KEYS, err))
        return -1;
    for (size_t i = 0; i < c->readers_n; i++) {
        struct fb_str keys[FB_NAME_KEYS];
        size_t keys_n = 0;
        if (!c->readers[i].person && fb_names_keys(g->arena, header_name(&c->readers[i]), FB_STR_NONE, keys, &keys_n, err))
            return -1;
        for (size_t k = 0; k < keys_n; k++)
            fb_names_add(&g->strangers, keys[k], (uint32_t)i);
    }
    return 0;
}

/* Who bears @key: the reader or else the person; NULL both where nobody or too many do. */
static struct fb_about bearer(const struct naming *g, struct fb_str key)
{
    const struct fb_case *c = g->c;
    struct fb_about found = {NULL, NULL};
    size_t n = 0;
    for (const struct fb_bearer *b = fb_names_find(&g->strangers, key); b; b = fb_names_next(&g->strangers, b))
        found.reader = &c->readers[b->who]; /* the last is the first of the header */
    for (const struct fb_bearer *b = fb_names_find(&c->people->names, key); b && n < BEARERS_MAX; b = fb_names_next(&c->people->names, b), n++) {
        const struct fb_person *who = &c->people->v[b->who];
        const struct fb_reader *r = fb_readers_find(c, who->email);
        if (r && (!found.reader || r->role < found.reader->role))
            found = (struct fb_about){r, who};
        if (!found.reader)
            found.person = who;
    }
    if (!found.reader && n > FEW_BEARERS)
        found.person = NULL;
    return found;
}

static bool begins_upper(struct fb_str s)
{
    unsigned char c = (unsigned char)s.p[0];
    return (c >= 'A' && c <= 'Z') || c >= 0xC3;
}

static struct fb_str without_possessive(struct fb_str norm)
{
    if (norm.n > 2 && fb_str_iends(norm, FB_STR("'s")))
        norm.n -= 2;
    return norm;
}

/* The @n words at @w as a key of names; empty where the buffer is too small for them. */
static struct fb_str key_of(const struct fb_text *t, size_t w, size_t n, char *buf, size_t size)
{
    size_t used = 0;
    for (size_t i = 0; i < n; i++) {
        struct fb_str norm = i + 1 == n ? without_possessive(t->v[w + i].norm) : t->v[w + i].norm;
        if (used + norm.n + 1 > size)
            return FB_STR_NONE;
        if (i)
            buf[used++] = ' ';
        memcpy(buf + used, norm.p, norm.n);
        used += norm.n;
    }
    return (struct fb_str){buf, used};
}

/* What stands behind the words in their sentence, blanks aside. */
static struct fb_str behind(const struct fb_text *t, size_t w, size_t n)
{
    struct fb_str sentence = t->sentences[t->v[w].sentence], span = fb_text_span(t, w, n);
    const char *from = span.p + span.n, *end = sentence.p + sentence.n;
    return fb_str_trim((struct fb_str){from, (size_t)(end - from)});
}

static bool calls(const struct fb_text *t, size_t w, size_t n)
{
    for (size_t i = t->first[t->v[w].sentence]; i < w; i++)
        if (!is_greeting(t->v[i].norm))
            return false;
    struct fb_str rest = behind(t, w, n);
    return !rest.n || strchr(",:!-", rest.p[0]) || fb_str_istarts(rest, FB_STR("\xE2\x80\x93")) || fb_str_istarts(rest, FB_STR("\xE2\x80\x94"));
}

/* Whether one word alone is meant as the name of whom it found. */
static bool stands_as_name(const struct fb_text *t, size_t w, struct fb_str key, struct fb_about who)
{
    bool upper = begins_upper(t->v[w].text), ordinary = fb_names_ordinary(key);
    if (!who.reader)
        return upper && !ordinary;
    if (!ordinary)
        return true;
    return upper && (w > t->first[t->v[w].sentence] || calls(t, w, 1));
}

/* A sender who signs, or speaks of himself, names nobody. */
static bool is_sender(const struct naming *g, struct fb_str key)
{
    const struct fb_names *names = &g->c->people->names;
    for (const struct fb_bearer *b = fb_names_find(names, key); b; b = fb_names_next(names, b))
        if (&g->c->people->v[b->who] == g->c->sender_person)
            return true;
    return false;
}

/* The longest name that begins at word @w: how many words; 0: none. */
static size_t name_at(struct naming *g, size_t w)
{
    char buf[128];
    const struct fb_text *t = &g->c->text;
    size_t end = t->first[t->v[w].sentence + 1];
    bool upper = begins_upper(t->v[w].text);
    for (size_t n = upper && end - w > 1 ? (end - w < FB_NAME_WORDS ? end - w : FB_NAME_WORDS) : 1; n; n--) {
        struct fb_str key = key_of(t, w, n, buf, sizeof buf);
        struct fb_about who = bearer(g, key);
        if ((!who.reader && !who.person) || (n == 1 && !stands_as_name(t, w, key, who)))
            continue;
        if (who.person == g->c->sender_person && who.person)
            return n;
        if (is_sender(g, key) && t->v[w].sentence >= GREETED_SENTENCES)
            return n;
        g->v[g->n++] = (struct fb_mention){.word = w, .n = n, .reader = who.reader, .person = who.person, .vocative = calls(t, w, n)};
        return n;
    }
    return 0;
}

static int find_names(struct naming *g, struct fb_err *err)
{
    struct fb_text *t = &g->c->text;
    g->v = fb_arena_array(g->arena, MENTIONS_MAX, sizeof *g->v);
    if (!g->v)
        return fb_fail_memory(err);
    for (size_t w = 0, before = 0; w < t->n && g->n < MENTIONS_MAX; before = g->n) { /* a text of names alone must not take long */
        size_t n = name_at(g, w);
        if (g->n > before)
            t->v[w].person = (uint32_t)n;
        w += n ? n : 1;
    }
    g->c->mentions = g->v;
    g->c->mentions_n = g->n;
    return 0;
}

/* Who is spoken to: the one whom the first lines greet, else the only one in To. */
static const struct fb_reader *addressee(const struct fb_case *c)
{
    const struct fb_reader *greeted = NULL, *only = NULL;
    size_t greeted_n = 0, to_n = 0;
    for (size_t i = 0; i < c->mentions_n && c->text.v[c->mentions[i].word].sentence < GREETED_SENTENCES; i++)
        if (c->mentions[i].vocative && c->mentions[i].reader && c->mentions[i].reader != greeted)
            greeted = c->mentions[i].reader, greeted_n++;
    for (size_t i = 0; i < c->readers_n; i++)
        if (c->readers[i].role == FB_ROLE_TO)
            only = &c->readers[i], to_n++;
    return greeted_n == 1 ? greeted : !greeted_n && to_n == 1 && !only->list.n ? only : NULL;
}

enum pronoun { PRONOUN_NONE, PRONOUN_YOU, PRONOUN_HE };

/* The pronoun of "he's" and "you'd" too. */
static struct fb_str stem(struct fb_str norm)
{
    const char *apostrophe = memchr(norm.p, '\'', norm.n);
    return (struct fb_str){norm.p, apostrophe ? (size_t)(apostrophe - norm.p) : norm.n};
}

/* Whom a sentence without a name means. An imperative means the one who is spoken to. */
static enum pronoun pronoun_in(const struct fb_text *t, size_t sentence)
{
    static const struct fb_str you[] = {W("you"), W("your"), W("yours"), W("yourself")}, he[] = {W("he"), W("she"), W("him"), W("her"), W("his"), W("hers")};
    static const struct fb_str imperatives[] = {W("please"), W("do"), W("never"), W("stop"), W("kindly")};
    for (size_t w = t->first[sentence]; w < t->first[sentence + 1]; w++)
        if (IS_ONE_OF(stem(t->v[w].norm), you) || (w == t->first[sentence] && IS_ONE_OF(t->v[w].norm, imperatives)))
            return PRONOUN_YOU;
        else if (IS_ONE_OF(stem(t->v[w].norm), he))
            return PRONOUN_HE;
    return PRONOUN_NONE;
}

/* Whom the sentence names: somebody spoken about before somebody spoken to. *@next: the first mention after it. */
static struct fb_about named_in(const struct fb_case *c, size_t sentence, size_t *next)
{
    const struct fb_mention *best = NULL;
    for (; *next < c->mentions_n && c->text.v[c->mentions[*next].word].sentence == sentence; ++*next)
        if (!best || (best->vocative && !c->mentions[*next].vocative))
            best = &c->mentions[*next];
    return best ? (struct fb_about){best->reader, best->person} : (struct fb_about){NULL, NULL};
}

static int find_about(struct fb_case *c, struct fb_arena *arena, struct fb_err *err)
{
    struct fb_about *v = fb_arena_array(arena, c->text.sentences_n, sizeof *v), last = {NULL, NULL};
    if (!v)
        return fb_fail_memory(err);
    size_t next = 0, last_at = 0;
    for (size_t i = 0; i < c->text.sentences_n; i++) {
        v[i] = named_in(c, i, &next);
        if (v[i].reader || v[i].person) {
            last = v[i];
            last_at = i;
            continue;
        }
        enum pronoun pronoun = pronoun_in(&c->text, i);
        if (pronoun == PRONOUN_YOU && c->addressee)
            v[i] = (struct fb_about){c->addressee, c->addressee->person};
        else if (pronoun == PRONOUN_HE && i - last_at <= PRONOUN_REACH)
            v[i] = last;
    }
    c->about = v;
    return 0;
}

int fb_case_make(struct fb_arena *arena, const struct fb_conf *conf, const struct fb_people *people, const struct fb_envelope *env,
                 const struct fb_message *message, const struct fb_own *own, int64_t now_s, struct fb_case *ret, struct fb_err *err)
{
    *ret = (struct fb_case){.conf = conf, .people = people, .env = env, .message = message, .own = own, .now_s = now_s, .past = FB_PAST_NONE};
    ret->sender = fb_arena_lower(arena, env->sender);
    if (!ret->sender.p)
        return fb_fail_memory(err);
    ret->sender_person = fb_people_find(people, ret->sender);
    struct naming g = {.c = ret, .arena = arena};
    if (fb_readers_gather(arena, ret, err) || fb_text_cut(arena, own->sentences, own->sentences_n, &ret->text, err) ||
        learn_strangers(&g, err) || find_names(&g, err))
        return -1;
    ret->addressee = addressee(ret);
    for (size_t i = 0; i < ret->mentions_n; i++)
        if (ret->mentions[i].person)
            fb_readers_mark_above(ret, ret->mentions[i].person, FB_RELATION_NAMED_BOSS);
    return find_about(ret, arena, err);
}

bool fb_case_at_night(const struct fb_case *c)
{
    const struct fb_message *m = c->message;
    if (m->date_s == INT64_MIN)
        return false;
    int64_t local = m->date_s + m->tz_min * INT64_C(60), hour = ((local % 86400 + 86400) % 86400) / 3600;
    return hour >= 21 || hour < 6;
}

struct fb_str fb_about_name(struct fb_about a)
{
    return a.reader ? a.reader->name : a.person ? (a.person->name.n ? a.person->name : a.person->email) : FB_STR_NONE;
}
