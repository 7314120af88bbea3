/* Exemptions. They decide from addresses alone, never from what is said, so that an admin can tell from the configuration
 * whose mail is let through. A pair is exempt in what is addressed to nobody but the second: two who agreed on a rough tone
 * did not agree on it for a third whom they address too.
 *
 * DIAGNOSTICS: an entry that is neither address nor domain, a pair that lacks a side; lack of memory. */
#include "rules/exempt.h"

enum { DEPTH = 8 }; /* of lists in lists */

static bool is_member(const struct fb_people *people, struct fb_str list_addr, struct fb_str addr, unsigned depth, size_t *looked)
{
    const struct fb_list *list = fb_people_list(people, list_addr);
    for (size_t i = 0; list && i < list->members_n && ++*looked < FB_READERS_MAX; i++)
        if (fb_str_eq(list->members[i], addr) || (depth < DEPTH && is_member(people, list->members[i], addr, depth + 1, looked)))
            return true;
    return false;
}

static bool is_meant(const struct fb_people *people, struct fb_str side, struct fb_str addr)
{
    size_t looked = 0;
    if (side.p[0] == '@')
        return fb_str_eq((struct fb_str){side.p + 1, side.n - 1}, fb_address_domain(addr));
    return fb_str_eq(side, addr) || is_member(people, side, addr, 0, &looked);
}

/* Whether all of To is @side; what has no To is addressed to Cc. */
static bool is_all_to(const struct fb_case *c, struct fb_str side)
{
    const struct fb_addresses *to = c->message->to.n ? &c->message->to : &c->message->cc;
    bool some = false;
    for (size_t i = 0; i < to->n; i++) {
        if (fb_str_eq(to->v[i].addr, c->sender))
            continue;
        if (!is_meant(c->people, side, to->v[i].addr))
            return false;
        some = true;
    }
    return some;
}

struct fb_str fb_exempts_entry(const struct fb_exempts *e, const struct fb_case *c)
{
    for (size_t i = 0; i < e->n; i++)
        if (is_meant(c->people, e->v[i].from, c->sender) && (!e->v[i].to.n || is_all_to(c, e->v[i].to)))
            return e->v[i].entry;
    return FB_STR_NONE;
}

static bool is_separator(char c)
{
    return fb_is_blank(c) || c == ',';
}

/* An address, or a domain behind its '@'. */
static bool is_side(struct fb_str s)
{
    const char *at = s.n ? memchr(s.p, '@', s.n) : NULL, *end = s.p + s.n;
    return at && at + 1 < end && !memchr(at + 1, '@', (size_t)(end - at - 1)) && !memchr(s.p, '<', s.n) && !memchr(s.p, '*', s.n);
}

/* The side of an entry at the head of *rest. */
static int take_side(struct fb_arena *arena, struct fb_str *rest, struct fb_str *ret, struct fb_err *err)
{
    size_t n = 0;
    while (n < rest->n && !is_separator(rest->p[n]) && rest->p[n] != '>')
        n++;
    struct fb_str side = {rest->p, n};
    *rest = (struct fb_str){rest->p + n, rest->n - n};
    if (!n)
        return fb_fail(err, "a pair lacks a side: ana@example.org > ben@example.org");
    if (!is_side(side))
        return fb_fail(err, "'%.*s' is neither an address nor a domain written @example.org", FB_FMT(side));
    *ret = fb_arena_lower(arena, side);
    return ret->p ? 0 : fb_fail_memory(err);
}

static void skip_blanks(struct fb_str *rest)
{
    while (rest->n && fb_is_blank(rest->p[0]))
        rest->p++, rest->n--;
}

static int take_entry(struct fb_arena *arena, struct fb_str *rest, struct fb_exempt *ret, struct fb_err *err)
{
    const char *from = rest->p;
    *ret = (struct fb_exempt){.to = FB_STR_NONE};
    if (take_side(arena, rest, &ret->from, err))
        return -1;
    ret->entry = (struct fb_str){from, (size_t)(rest->p - from)};
    skip_blanks(rest);
    if (!rest->n || rest->p[0] != '>')
        return 0;
    rest->p++, rest->n--;
    skip_blanks(rest);
    if (take_side(arena, rest, &ret->to, err))
        return -1;
    ret->entry.n = (size_t)(rest->p - from);
    return 0;
}

int fb_exempts_parse(struct fb_arena *arena, struct fb_str text, struct fb_exempts *ret, struct fb_err *err)
{
    size_t cap = 0;
    *ret = (struct fb_exempts){0};
    for (;;) {
        while (text.n && is_separator(text.p[0]))
            text.p++, text.n--;
        if (!text.n)
            return 0;
        ret->v = fb_arena_grow(arena, ret->v, ret->n, &cap, sizeof *ret->v);
        if (!ret->v)
            return fb_fail_memory(err);
        if (take_entry(arena, &text, &ret->v[ret->n++], err))
            return -1;
    }
}
