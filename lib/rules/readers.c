/* Who reads a message, and what they are to its sender and to each other: To and Cc of the header, then the recipients
 * that only the envelope names, lists opened to their members. It decides nothing about words. A list in a list is opened
 * to DEPTH; an address is met once, so that lists that hold each other end. */
#include "rules/readers.h"

enum { DEPTH = 8 };

struct gather {
    struct fb_case *c;
    struct fb_arena *arena;
    size_t cap; /* of readers, and of addresses and lists met */
};

static void add_reader(struct gather *g, struct fb_str addr, struct fb_str display, enum fb_role role, struct fb_str list)
{
    struct fb_case *c = g->c;
    const struct fb_person *who = fb_people_find(c->people, addr);
    struct fb_str domain = fb_address_domain(addr);
    c->readers[c->readers_n++] = (struct fb_reader){
        .addr = addr,
        .name = who && who->name.n ? who->name : display.n ? display : addr,
        .person = who,
        .role = role,
        .list = list,
        .inside = fb_words_contain(&c->conf->scope_internal_domains, domain),
        .customer = fb_words_contain(&c->conf->scope_customer_domains, domain),
    };
}

static void add_address(struct gather *g, struct fb_str addr, struct fb_str display, enum fb_role role, struct fb_str list, unsigned depth)
{
    struct fb_case *c = g->c;
    if (!addr.n || fb_str_eq(addr, c->sender) || fb_map_get(&c->by_addr, addr))
        return;
    if (c->by_addr.n == g->cap) {
        c->readers_more++;
        return;
    }
    uint32_t *place = fb_map_put(&c->by_addr, addr);
    const struct fb_list *members = fb_people_list(c->people, addr);
    if (!members) {
        add_reader(g, addr, display, role, list);
        *place = (uint32_t)c->readers_n;
        return;
    }
    for (size_t i = 0; depth < DEPTH && i < members->members_n; i++)
        add_address(g, members->members[i], FB_STR_NONE, role, addr, depth + 1);
}

/* People first, then lists: who is addressed himself is no reader through a list. */
static void add_addresses(struct gather *g, const struct fb_addresses *v, enum fb_role role, bool lists)
{
    for (size_t i = 0; i < v->n; i++)
        if (lists == (fb_people_list(g->c->people, v->v[i].addr) != NULL))
            add_address(g, v->v[i].addr, v->v[i].display, role, FB_STR_NONE, 0);
}

static int add_envelope(struct gather *g, struct fb_err *err)
{
    for (size_t i = 0; i < g->c->env->rcpt_n; i++) {
        struct fb_str addr = fb_arena_lower(g->arena, g->c->env->rcpt[i]);
        if (!addr.p)
            return fb_fail_memory(err);
        add_address(g, addr, FB_STR_NONE, FB_ROLE_HIDDEN, FB_STR_NONE, 0);
    }
    return 0;
}

static bool senior(const struct fb_person *who, const struct fb_person *to)
{
    return who->in_line && to->in_line ? who->depth < to->depth : who->rank > to->rank;
}

static unsigned relation_to_sender(const struct fb_case *c, const struct fb_reader *r)
{
    if (!r->person || !c->sender_person)
        return r->inside ? FB_RELATION_PEER : 0;
    unsigned above = fb_person_above(r->person, c->sender_person);
    unsigned relation = above == 1 ? FB_RELATION_MANAGER : above ? FB_RELATION_BOSS_ABOVE : 0;
    if (fb_person_above(c->sender_person, r->person))
        relation |= FB_RELATION_REPORT;
    if (senior(r->person, c->sender_person))
        relation |= FB_RELATION_SENIOR;
    return relation ? relation : FB_RELATION_PEER;
}

void fb_readers_mark_above(struct fb_case *c, const struct fb_person *who, unsigned relation)
{
    const struct fb_person *boss = who->manager;
    for (unsigned step = 0; boss && step < FB_PEOPLE_STEPS; step++, boss = boss->manager)
        for (size_t i = 0; i < c->readers_n; i++)
            if (c->readers[i].person == boss && boss != who)
                c->readers[i].relation |= relation;
}

static void relate(struct fb_case *c)
{
    for (size_t i = 0; i < c->readers_n; i++)
        c->readers[i].relation = relation_to_sender(c, &c->readers[i]);
    for (size_t i = 0; i < c->readers_n; i++)
        if (c->readers[i].role == FB_ROLE_TO && !c->readers[i].list.n && c->readers[i].person)
            fb_readers_mark_above(c, c->readers[i].person, FB_RELATION_ADDRESSEE_BOSS);
}

/* Adds to *n how many addresses and lists stand behind @addr, as long as it is below the bound. */
static void count_behind(const struct fb_people *people, struct fb_str addr, unsigned depth, size_t *n)
{
    const struct fb_list *list = fb_people_list(people, addr);
    ++*n;
    for (size_t i = 0; list && depth < DEPTH && i < list->members_n && *n < FB_READERS_MAX; i++)
        count_behind(people, list->members[i], depth + 1, n);
}

static size_t bound(const struct fb_case *c)
{
    size_t n = 0;
    for (size_t i = 0; i < c->message->to.n; i++)
        count_behind(c->people, c->message->to.v[i].addr, 0, &n);
    for (size_t i = 0; i < c->message->cc.n; i++)
        count_behind(c->people, c->message->cc.v[i].addr, 0, &n);
    for (size_t i = 0; i < c->env->rcpt_n; i++)
        count_behind(c->people, c->env->rcpt[i], 0, &n);
    return n < FB_READERS_MAX ? n : FB_READERS_MAX;
}

int fb_readers_gather(struct fb_arena *arena, struct fb_case *c, struct fb_err *err)
{
    struct gather g = {.c = c, .arena = arena, .cap = bound(c)};
    c->readers = fb_arena_array(arena, g.cap, sizeof *c->readers);
    if (!c->readers || fb_map_init(&c->by_addr, arena, g.cap, err))
        return fb_fail_memory(err);
    for (int lists = 0; lists < 2; lists++) {
        add_addresses(&g, &c->message->to, FB_ROLE_TO, lists);
        add_addresses(&g, &c->message->cc, FB_ROLE_CC, lists);
    }
    if (add_envelope(&g, err))
        return -1;
    relate(c);
    return 0;
}

const struct fb_reader *fb_readers_find(const struct fb_case *c, struct fb_str addr)
{
    const uint32_t *at = fb_map_get(&c->by_addr, addr);
    return at && *at ? &c->readers[*at - 1] : NULL;
}
