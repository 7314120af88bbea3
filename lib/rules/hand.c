/* The people at hand. Decides who of the readers and the named ones is meant by each word that a rule's texts may use, and
 * what to call them: by given name where that is clear, never by a pronoun, and never one who reads unseen.
 *
 * DIAGNOSTICS: a text that is no sound template, or that names what is not at hand; lack of memory. */
#include "rules/hand.h"

#include "template/template.h"

enum { GROUP_SHOWN = 3, ABOVE_YOU = FB_RELATION_MANAGER | FB_RELATION_BOSS_ABOVE, ABOVE_THEM = FB_RELATION_ADDRESSEE_BOSS | FB_RELATION_NAMED_BOSS };

struct hand { /* empty where there is nobody */
#define HAND(name) struct fb_str name;
#include "rules/hand.def"
#undef HAND
};

/* ---- names ---- */

static bool is_title(struct fb_str word)
{
    static const struct fb_str titles[] = {FB_STR_INIT("mr"), FB_STR_INIT("mrs"), FB_STR_INIT("ms"), FB_STR_INIT("dr"), FB_STR_INIT("prof"),
                                           FB_STR_INIT("professor"), FB_STR_INIT("sir"), FB_STR_INIT("herr"), FB_STR_INIT("frau")};
    for (size_t i = 0; i < sizeof titles / sizeof *titles; i++)
        if (fb_str_ieq(word, titles[i]))
            return true;
    return word.n && word.p[word.n - 1] == '.'; /* an initial too */
}

/* "Jane" of "Jane Doe", "Dr. Jane Doe", "Doe, Jane"; the whole where no part is a given name for sure. */
static struct fb_str given(struct fb_str name)
{
    const char *comma = memchr(name.p, ',', name.n);
    struct fb_str rest = comma ? (struct fb_str){comma + 1, name.n - (size_t)(comma + 1 - name.p)} : name, word;
    while (fb_str_word(&rest, &word))
        if (!is_title(word))
            return word.n > 1 && (comma || fb_str_trim(rest).n) ? word : name;
    return name;
}

static struct fb_str whole(const struct fb_person *p)
{
    return p->name.n ? p->name : p->email;
}

static bool is_borne(const struct fb_person *other, const struct fb_person *p, struct fb_str name)
{
    return other && other != p && fb_str_ieq(given(whole(other)), name);
}

/* Whether somebody else whom the sender may think of bears the name too. */
static bool is_shared(const struct fb_case *c, const struct fb_person *p, struct fb_str name)
{
    for (size_t i = 0; i < c->readers_n; i++)
        if (is_borne(c->readers[i].person, p, name))
            return true;
    for (size_t i = 0; i < c->mentions_n; i++)
        if (is_borne(c->mentions[i].person, p, name))
            return true;
    return is_borne(c->sender_person, p, name);
}

struct fb_str fb_hand_name(const struct fb_case *c, struct fb_about who)
{
    const struct fb_person *p = who.person ? who.person : who.reader ? who.reader->person : NULL;
    if (!p)
        return who.reader ? who.reader->name : FB_STR_NONE;
    struct fb_str name = given(whole(p));
    return is_shared(c, p, name) ? whole(p) : name;
}

struct fb_str fb_hand_shown(const struct fb_reader *r)
{
    return r->role == FB_ROLE_HIDDEN ? FB_STR("somebody on Bcc") : r->name;
}

/* ---- who ---- */

struct fb_about fb_hand_about(const struct fb_case *c, struct fb_str words)
{
    for (size_t i = 0; words.n && i < c->text.sentences_n; i++) {
        struct fb_str s = c->text.sentences[i];
        if (s.p < words.p + words.n && words.p < s.p + s.n && (c->about[i].reader || c->about[i].person))
            return c->about[i];
    }
    return (struct fb_about){NULL, NULL};
}

static bool is_above(const struct fb_person *boss, const struct fb_person *who)
{
    return boss && who && fb_person_above(boss, who) > 0;
}

/* "Or I tell Priya": who is above the sender, or above the one who is spoken to, is named as such, and not what it is about. */
static bool is_power(const struct fb_case *c, struct fb_about who)
{
    return is_above(who.person, c->sender_person) || (c->addressee && is_above(who.person, c->addressee->person));
}

/* The only one who is spoken about. */
static struct fb_about only_named(const struct fb_case *c)
{
    const struct fb_mention *only = NULL;
    for (size_t i = 0; i < c->mentions_n; i++) {
        const struct fb_mention *m = &c->mentions[i];
        if (m->vocative)
            continue;
        if (only && (only->reader != m->reader || only->person != m->person))
            return (struct fb_about){NULL, NULL};
        only = m;
    }
    return only ? (struct fb_about){only->reader, only->person} : (struct fb_about){NULL, NULL};
}

struct fb_about fb_hand_person(const struct fb_case *c, const struct fb_finding *f)
{
    for (size_t i = 0; i < f->evidence_n; i++) {
        struct fb_about who = fb_hand_about(c, f->evidence[i].text);
        if ((who.reader || who.person) && !is_power(c, who))
            return who;
    }
    struct fb_about named = only_named(c);
    bool threat = is_power(c, named) && c->addressee && !is_power(c, (struct fb_about){NULL, c->addressee->person});
    if (threat)
        return (struct fb_about){c->addressee, c->addressee->person};
    return is_power(c, named) ? (struct fb_about){NULL, NULL} : named;
}

/* The first reader whom all can see, of those with one of @relations; not @but. */
static const struct fb_reader *related(const struct fb_case *c, unsigned relations, const struct fb_reader *but)
{
    for (size_t i = 0; i < c->readers_n; i++) {
        const struct fb_reader *r = &c->readers[i];
        if (r->relation & relations && r->role != FB_ROLE_HIDDEN && r != but)
            return r;
    }
    return NULL;
}

/* Somebody above those it is about rather than above the sender, rather than merely senior. */
static const struct fb_reader *manager(const struct fb_case *c, const struct fb_reader *but)
{
    static const unsigned relations[] = {ABOVE_THEM, ABOVE_YOU, FB_RELATION_SENIOR};
    const struct fb_reader *found = NULL;
    for (size_t i = 0; i < sizeof relations / sizeof *relations && !found; i++)
        found = related(c, relations[i], but);
    return found;
}

/* A customer rather than another. */
static const struct fb_reader *outsider(const struct fb_case *c)
{
    const struct fb_reader *found = NULL;
    for (size_t i = 0; i < c->readers_n; i++) {
        const struct fb_reader *r = &c->readers[i];
        if (!r->inside && r->role != FB_ROLE_HIDDEN && (!found || (r->customer && !found->customer)))
            found = r;
    }
    return found;
}

/* Whose work it is: a colleague whom the words are about, else the first colleague whom it names. */
static struct fb_about owner(const struct fb_case *c, struct fb_about person)
{
    if (person.person || (person.reader && person.reader->inside))
        return person;
    for (size_t i = 0; i < c->mentions_n; i++)
        if (c->mentions[i].person)
            return (struct fb_about){c->mentions[i].reader, c->mentions[i].person};
    return (struct fb_about){NULL, NULL};
}

struct group { /* the list that it goes to, or several people */
    struct fb_str v[GROUP_SHOWN];
    size_t n, more;
};

static struct fb_str list_name(const struct fb_case *c, const struct fb_addresses *v)
{
    for (size_t i = 0; i < v->n; i++)
        if (fb_people_list(c->people, v->v[i].addr))
            return v->v[i].display.n ? v->v[i].display : v->v[i].addr;
    return FB_STR_NONE;
}

/* Who would read it beside @but: a list by its name, else several by theirs. */
static void gather_group(const struct fb_case *c, const struct fb_reader *but, struct group *ret)
{
    struct fb_str list = list_name(c, &c->message->to);
    size_t all = c->readers_more;
    list = list.n ? list : list_name(c, &c->message->cc);
    *ret = (struct group){.v = {list}, .n = list.n > 0};
    for (size_t i = 0; i < c->readers_n && !list.n; i++) {
        const struct fb_reader *r = &c->readers[i];
        if (r == but || r->role == FB_ROLE_HIDDEN)
            continue;
        all++;
        if (ret->n < GROUP_SHOWN)
            ret->v[ret->n++] = fb_hand_name(c, (struct fb_about){r, r->person});
    }
    if (!list.n && all < 2)
        ret->n = 0;
    else if (!list.n)
        ret->more = all - ret->n;
}

/* "Kevin, Rob and 4 more", "Kevin, Rob and Ada"; empty where it is nobody. */
static struct fb_str group_text(struct fb_arena *arena, const struct group *g)
{
    struct fb_buf b = FB_BUF(arena);
    for (size_t i = 0; i < g->n; i++)
        fb_buf_printf(&b, "%s%.*s", !i ? "" : i + 1 == g->n && !g->more ? " and " : ", ", FB_FMT(g->v[i]));
    if (g->more)
        fb_buf_printf(&b, " and %zu more", g->more);
    return fb_buf_str(&b);
}

static struct fb_str reader_name(const struct fb_case *c, const struct fb_reader *r)
{
    return r ? fb_hand_name(c, (struct fb_about){r, r->person}) : FB_STR_NONE;
}

static int gather(struct fb_arena *arena, const struct fb_case *c, const struct fb_finding *f, struct hand *ret, struct fb_err *err)
{
    struct fb_about person = fb_hand_person(c, f);
    struct group g;
    gather_group(c, person.reader, &g);
    *ret = (struct hand){.person = fb_hand_name(c, person), .manager = reader_name(c, manager(c, person.reader)),
                         .outsider = reader_name(c, outsider(c)), .owner = fb_hand_name(c, owner(c, person)), .group = group_text(arena, &g)};
    return ret->group.p ? 0 : fb_fail_memory(err);
}

static void put_one(json_t *all, const char *who, const struct fb_case *c, struct fb_about a)
{
    struct fb_str name = fb_hand_name(c, a), address = a.reader ? a.reader->addr : a.person ? a.person->email : FB_STR_NONE;
    if (address.n && !(a.reader && a.reader->role == FB_ROLE_HIDDEN)) /* not there where it is no UTF-8 */
        json_object_set_new(all, who, json_pack("{s:s%, s:s%}", "name", name.p, name.n, "address", address.p, address.n));
}

json_t *fb_hand_people(const struct fb_case *c, const struct fb_finding *f)
{
    struct fb_about person = fb_hand_person(c, f);
    json_t *all = json_object();
    put_one(all, "person", c, person);
    put_one(all, "manager", c, (struct fb_about){manager(c, person.reader), NULL});
    put_one(all, "outsider", c, (struct fb_about){outsider(c), NULL});
    put_one(all, "owner", c, owner(c, person));
    return all;
}

/* ---- texts ---- */

static json_t *values_of(const struct hand *h)
{
    json_t *all = json_object();
#define HAND(name) json_object_set_new(all, #name, json_stringn(h->name.p, h->name.n)); /* not there where it is no UTF-8 */
#include "rules/hand.def"
#undef HAND
    return all;
}

json_t *fb_hand_names(struct fb_arena *arena, const struct fb_case *c, const struct fb_finding *f)
{
    struct hand h;
    struct group g;
    if (gather(arena, c, f, &h, NULL))
        return NULL;
    gather_group(c, fb_hand_person(c, f).reader, &g);
    json_t *all = values_of(&h), *names = json_array();
    for (size_t i = 0; i < g.n; i++)
        json_array_append_new(names, json_stringn(g.v[i].p, g.v[i].n));
    json_object_set_new(all, "group", names);
    json_object_set_new(all, "more", json_integer((json_int_t)g.more));
    return all;
}

static int fill(struct fb_arena *arena, json_t *values, struct fb_str *text, struct fb_err *err)
{
    return fb_template_render("", *text, values, FB_ESCAPE_NONE, arena, text, err);
}

int fb_hand_fill(struct fb_arena *arena, struct fb_judgement *j, struct fb_err *err)
{
    for (size_t i = 0; i < j->verdict.findings_n; i++) {
        struct fb_finding *f = &j->findings[i];
        struct hand hand;
        if (!f->fires)
            continue;
        if (gather(arena, &j->c, f, &hand, err))
            return -1;
        json_auto_t *values = values_of(&hand);
        if (!values)
            return fb_fail_memory(err);
        if (fill(arena, values, &f->title, err) || fill(arena, values, &f->why, err) || fill(arena, values, &f->advice, err))
            return -1;
    }
    return 0;
}

int fb_hand_check(struct fb_arena *arena, struct fb_str text, struct fb_err *err)
{
    static const struct fb_str known[] = {
#define HAND(name) FB_STR_INIT(#name),
#include "rules/hand.def"
#undef HAND
    };
    return fb_template_check("text", text, known, sizeof known / sizeof *known, arena, err);
}
