/* Finds whom a text names. A name means a reader before anybody else: by any part of the name, a short form of it, or its
 * initials. Who is not on the mail is found by a whole name, or by a part that few bear and that is no word. In a large
 * directory a sender knows hardly anybody, so that a family name alone, and whatever many bear, means only who is near in the
 * reporting line. What remains unsure names nobody. Its cost must not grow with the directory.
 *
 * DIAGNOSTICS: lack of memory alone. */
#include "rules/naming.h"

#include "rules/readers.h"

enum {
    FEW_BEARERS = 3,
    EVERYBODY_NEAR = 500,   /* people of a directory in which all know each other */
    NEAR_READERS = 8,       /* readers around whom people are near */
    NAMED_READERS = 500,    /* further ones are found like people who are not on the mail */
    BEARERS_MAX = 4096, LOOKED_MAX = 65536, /* bearers looked at, of one name and in one message: a text of names alone must not take long */
    MENTIONS_MAX = 500,
};
#define SENDER UINT32_MAX

struct naming {
    struct fb_case *c;
    struct fb_arena *arena;
    struct fb_names present; /* of readers (who: index of the reader) and of the sender (SENDER) */
    size_t looked;
    struct fb_mention *v;
    size_t n;
    bool failed;
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

/* ---- who is present ---- */

/* The name a header gives a reader: the display name, else a local part such as jane.doe. */
static struct fb_str header_name(const struct fb_reader *r)
{
    if (!fb_str_eq(r->name, r->addr))
        return r->name;
    const char *at = memchr(r->addr.p, '@', r->addr.n);
    struct fb_str local = {r->addr.p, at ? (size_t)(at - r->addr.p) : 0};
    return local.n && memchr(local.p, '.', local.n) ? local : FB_STR_NONE;
}

static size_t named_readers(const struct fb_case *c)
{
    return c->readers_n < NAMED_READERS ? c->readers_n : NAMED_READERS;
}

static int learn(struct naming *g, uint32_t who, struct fb_str name, struct fb_str aliases, struct fb_err *err)
{
    struct fb_str keys[FB_NAME_KEYS];
    size_t n = 0;
    if (fb_names_keys(g->arena, name, aliases, keys, &n, err))
        return -1;
    for (size_t k = 0; k < n; k++)
        fb_names_add(&g->present, keys[k], who);
    return 0;
}

static int learn_present(struct naming *g, struct fb_err *err)
{
    const struct fb_case *c = g->c;
    size_t n = named_readers(c);
    if (fb_names_init(&g->present, g->arena, (n + 1) * FB_NAME_KEYS, err))
        return -1;
    for (size_t i = n; i-- > 0;) { /* backwards: the last that is added is the first that is found */
        const struct fb_reader *r = &c->readers[i];
        if (learn(g, (uint32_t)i, r->person ? r->person->name : header_name(r), r->person ? r->person->aliases : FB_STR_NONE, err))
            return -1;
    }
    return c->sender_person ? learn(g, SENDER, c->sender_person->name, c->sender_person->aliases, err) : 0;
}

/* The reader of the first role who bears @key, or NULL. *@sender: whether the sender bears it. */
static const struct fb_reader *present(const struct naming *g, struct fb_str key, bool *sender)
{
    const struct fb_reader *found = NULL;
    for (const struct fb_bearer *b = fb_names_find(&g->present, key); b; b = fb_names_next(&g->present, b)) {
        const struct fb_reader *r = b->who == SENDER ? NULL : &g->c->readers[b->who];
        *sender |= !r;
        if (r && (!found || r->role < found->role))
            found = r;
    }
    return found;
}

static const struct {
    struct fb_str nickname, name;
} nicknames[] = {
#define NICKNAME(nickname, name) {FB_STR_INIT(nickname), FB_STR_INIT(name)},
#include "rules/nicknames.def"
#undef NICKNAME
};

/* A reader whom @key is short for. */
static const struct fb_reader *nicknamed(const struct naming *g, struct fb_str key)
{
    bool sender = false;
    for (size_t i = 0; i < sizeof nicknames / sizeof *nicknames; i++) {
        const struct fb_reader *r = fb_str_eq(nicknames[i].nickname, key) ? present(g, nicknames[i].name, &sender) : NULL;
        if (r)
            return r;
    }
    return NULL;
}

static bool are_initials(struct fb_str name, struct fb_str capitals)
{
    size_t n = 0;
    for (struct fb_str word; fb_text_word(&name, &word); n++)
        if (n == capitals.n || fb_lower(word.p[0]) != fb_lower(capitals.p[n]))
            return false;
    return n == capitals.n;
}

/* The one reader whose initials two or three capitals are. */
static const struct fb_reader *initialled(const struct naming *g, struct fb_str text)
{
    static const struct fb_str others[] = {W("AM"), W("PM"), W("HR"), W("IT"), W("UK"), W("EU"), W("US"), W("USA"), W("QA"), W("PR"), W("VP"), W("CEO"),
                                           W("CFO"), W("CTO"), W("COO"), W("PO"), W("TV"), W("ID"), W("OK"), W("PS"), W("CC"), W("RE"), W("FW"), W("ASAP")};
    const struct fb_reader *found = NULL;
    if (text.n < 2 || text.n > 3 || IS_ONE_OF(text, others))
        return NULL;
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] < 'A' || text.p[i] > 'Z')
            return NULL;
    for (size_t i = 0; i < g->c->readers_n && i < NEAR_READERS; i++)
        if (are_initials(g->c->readers[i].name, text)) {
            if (found)
                return NULL;
            found = &g->c->readers[i];
        }
    return found;
}

/* ---- who is not ---- */

static bool is_around(const struct fb_person *who, const struct fb_person *one)
{
    return who == one->manager || who->manager == one || (one->manager && (who->manager == one->manager || who == one->manager->manager));
}

static bool is_near(const struct fb_case *c, const struct fb_person *who)
{
    if (c->people->n <= EVERYBODY_NEAR || (c->sender_person && is_around(who, c->sender_person)))
        return true;
    for (size_t i = 0; i < c->readers_n && i < NEAR_READERS; i++)
        if (c->readers[i].person && is_around(who, c->readers[i].person))
            return true;
    return false;
}

static bool has_word(struct naming *g, struct fb_str text, struct fb_str key, bool first_only)
{
    for (struct fb_str word; fb_text_word(&text, &word);) {
        struct fb_str folded = fb_text_fold(g->arena, word);
        g->failed |= !folded.p;
        if (folded.p && fb_str_eq(folded, key))
            return true;
        if (first_only)
            return false;
    }
    return false;
}

/* The given name, or an alias. */
static bool is_given(struct naming *g, const struct fb_person *who, struct fb_str key)
{
    return has_word(g, who->name, key, true) || has_word(g, who->aliases, key, false);
}

/* Who bears @key and is on the directory alone: the first of few, or of few that are near. */
static const struct fb_person *absent(struct naming *g, struct fb_str key, bool part)
{
    const struct fb_people *people = g->c->people;
    const struct fb_person *any = NULL, *near = NULL;
    size_t n = 0, near_n = 0;
    for (const struct fb_bearer *b = fb_names_find(&people->names, key); b; b = fb_names_next(&people->names, b)) {
        if (n++ == BEARERS_MAX || g->looked++ >= LOOKED_MAX)
            break;
        any = &people->v[b->who];
        if (is_near(g->c, any))
            near = any, near_n++;
    }
    if (near_n && near_n <= FEW_BEARERS)
        return near;
    return n && n <= FEW_BEARERS && (!part || is_given(g, any, key)) ? any : NULL;
}

/* ---- how it stands there ---- */

static bool is_greeting(struct fb_str word)
{
    static const struct fb_str greetings[] = {
        W("hi"), W("hello"), W("hey"), W("dear"), W("hallo"), W("liebe"), W("lieber"), W("good"), W("morning"), W("afternoon"), W("evening"),
        W("thanks"), W("ok"), W("okay"), W("so"), W("and"), W("again"), W("mr"), W("mrs"), W("ms"), W("dr"),
    };
    return IS_ONE_OF(word, greetings);
}

static bool is_honorific(struct fb_str word)
{
    static const struct fb_str honorifics[] = {W("mr"), W("mrs"), W("ms"), W("miss"), W("dr"), W("prof"), W("herr"), W("frau"), W("mme"), W("sir"), W("madam")};
    return IS_ONE_OF(word, honorifics);
}

static bool begins_upper(struct fb_str s)
{
    unsigned char c = (unsigned char)s.p[0];
    return (c >= 'A' && c <= 'Z') || c >= 0xC3;
}

static bool is_all_capitals(struct fb_str s)
{
    return s.n > 1 && s.p[0] >= 'A' && s.p[0] <= 'Z' && s.p[1] >= 'A' && s.p[1] <= 'Z';
}

static bool is_possessive(struct fb_str norm)
{
    return norm.n > 2 && fb_str_iends(norm, FB_STR("'s"));
}

/* The @n words at @w as a key of names; empty where the buffer is too small for them. */
static struct fb_str key_of(const struct fb_text *t, size_t w, size_t n, char *buf, size_t size)
{
    size_t used = 0;
    for (size_t i = 0; i < n; i++) {
        struct fb_str norm = t->v[w + i].norm;
        norm.n -= i + 1 == n && is_possessive(norm) ? 2 : 0;
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

static const struct fb_word *word_before(const struct fb_text *t, size_t w)
{
    return w > t->first[t->v[w].sentence] ? &t->v[w - 1] : NULL;
}

/* The word behind with nothing but blanks between, or NULL. */
static const struct fb_word *word_behind(const struct fb_text *t, size_t w)
{
    const struct fb_word *next = w + 1 < t->first[t->v[w].sentence + 1] ? &t->v[w + 1] : NULL;
    return next && behind(t, w, 1).p == next->text.p ? next : NULL;
}

static bool is_after_honorific(const struct fb_text *t, size_t w)
{
    const struct fb_word *before = word_before(t, w);
    return before && is_honorific(before->norm);
}

/* "the Price", "Tide Freight", "Project Tide": an article before it, or another capital beside it that no title explains. */
static bool is_in_other_name(const struct fb_text *t, size_t w)
{
    static const struct fb_str articles[] = {W("the"), W("a"), W("an"), W("our"), W("your"), W("my"), W("their"), W("this")};
    const struct fb_word *before = word_before(t, w), *next = word_behind(t, w);
    if (before && word_behind(t, w - 1) && IS_ONE_OF(before->norm, articles))
        return true;
    if (next && next->text.n > 1 && begins_upper(next->text) && !is_possessive(t->v[w].norm))
        return true;
    bool beside = before && word_before(t, w - 1) && word_behind(t, w - 1);
    return beside && begins_upper(before->text) && !is_all_capitals(before->text) && !is_greeting(before->norm);
}

/* "Will is", "Grant has": what no sentence that begins with the word goes on with. */
static bool is_subject(const struct fb_text *t, size_t w)
{
    static const struct fb_str verbs[] = {W("is"), W("was"), W("has"), W("had"), W("does"), W("did"), W("says"), W("said"), W("keeps"), W("wants"),
                                          W("wanted"), W("needs"), W("forgot"), W("told"), W("sent"), W("and")};
    const struct fb_word *next = word_behind(t, w);
    return next && IS_ONE_OF(next->norm, verbs);
}

/* Whether one word alone, a part of a reader's name, is meant as it. */
static bool means_reader(const struct fb_text *t, size_t w, struct fb_str key)
{
    if (!fb_names_ordinary(key) || is_after_honorific(t, w))
        return true;
    if (!begins_upper(t->v[w].text) || (is_all_capitals(t->v[w].text) && !calls(t, w, 1)))
        return false;
    return calls(t, w, 1) || (!is_in_other_name(t, w) && (word_before(t, w) || is_subject(t, w)));
}

/* The same of somebody who is not on the mail. */
static bool means_absent(const struct fb_text *t, size_t w, struct fb_str key)
{
    if (!begins_upper(t->v[w].text) || is_all_capitals(t->v[w].text))
        return false;
    return is_after_honorific(t, w) || (!fb_names_ordinary(key) && !is_in_other_name(t, w));
}

static bool all_upper(const struct fb_text *t, size_t w, size_t n)
{
    while (n && begins_upper(t->v[w + n - 1].text))
        n--;
    return n == 0;
}

/* ---- whom it means ---- */

/* Whom the @n words at @w mean; both NULL: nobody, or (*@sender) the sender. */
static struct fb_about meant(struct naming *g, size_t w, size_t n, bool *sender)
{
    char buf[128];
    const struct fb_text *t = &g->c->text;
    struct fb_str key = key_of(t, w, n, buf, sizeof buf);
    const struct fb_reader *r = present(g, key, sender);
    if (!r && !*sender && n == 1 && begins_upper(t->v[w].text))
        r = nicknamed(g, key);
    if (r && n == 1 && !means_reader(t, w, key))
        r = NULL;
    if (r)
        return (struct fb_about){r, r->person};
    if (*sender || !all_upper(t, w, n) || (n == 1 && !means_absent(t, w, key)))
        return (struct fb_about){NULL, NULL};
    const struct fb_person *who = absent(g, key, n == 1);
    return (struct fb_about){who ? fb_readers_find(g->c, who->email) : NULL, who};
}

static void add(struct naming *g, size_t w, size_t n, struct fb_about who, bool initials)
{
    g->v[g->n++] = (struct fb_mention){.word = w, .n = n, .reader = who.reader, .person = who.person, .vocative = calls(&g->c->text, w, n), .initials = initials};
}

/* The longest name that begins at word @w: how many words; 0: none. A sender who signs, or speaks of himself, names nobody. */
static size_t name_at(struct naming *g, size_t w)
{
    const struct fb_text *t = &g->c->text;
    size_t end = t->first[t->v[w].sentence + 1];
    const struct fb_reader *r = initialled(g, t->v[w].text);
    if (r)
        return add(g, w, 1, (struct fb_about){r, r->person}, true), 1;
    bool upper = begins_upper(t->v[w].text);
    for (size_t n = upper && end - w > 1 ? (end - w < FB_NAME_WORDS ? end - w : FB_NAME_WORDS) : 1; n; n--) {
        bool sender = false;
        struct fb_about who = meant(g, w, n, &sender);
        if (sender && (!who.reader || t->v[w].sentence >= FB_NAMING_GREETED))
            return n;
        if (who.reader || who.person)
            return add(g, w, n, who, false), n;
    }
    return 0;
}

int fb_naming_find(struct fb_arena *arena, struct fb_case *c, struct fb_err *err)
{
    struct naming g = {.c = c, .arena = arena, .v = fb_arena_array(arena, MENTIONS_MAX, sizeof *g.v)};
    if (!g.v)
        return fb_fail_memory(err);
    if (learn_present(&g, err))
        return -1;
    for (size_t w = 0; w < c->text.n && g.n < MENTIONS_MAX;) {
        size_t before = g.n, n = name_at(&g, w);
        if (g.n > before)
            c->text.v[w].person = (uint32_t)n;
        w += n ? n : 1;
    }
    c->mentions = g.v;
    c->mentions_n = g.n;
    return g.failed ? fb_fail_memory(err) : 0;
}
