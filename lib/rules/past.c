/* Asks the history about a case, and says what a mail teaches it. It decides whom to ask about and what a mail alone is; the
 * history decides what it knows. A history that fails is told of, and nothing is known: no message waits for it or fails
 * by it.
 *
 * DIAGNOSTICS: lack of memory. Why a history failed is its own to tell. */
#include "rules/past.h"

#include <stdlib.h>

#include "mail/message.h"
#include "rules/case.h"
#include "rules/readers.h"

enum { CLOCK_MAX_S = 86400 }; /* a Date that is further from the clock than this is not believed */

/* ---- asking ---- */

struct asking {
    struct fb_past *past;
    struct fb_history_person *v;
};

static void add(struct asking *a, struct fb_str addr)
{
    struct fb_past *past = a->past;
    if (!addr.n || past->n == FB_PAST_ASKED || fb_map_get(&past->by_addr, addr))
        return;
    a->v[past->n] = (struct fb_history_person){.addr = addr};
    *fb_map_put(&past->by_addr, addr) = (uint32_t)++past->n;
}

static void add_all(struct asking *a, const struct fb_addresses *v)
{
    for (size_t i = 0; i < v->n; i++)
        add(a, v->v[i].addr);
}

/* Whom the header names, who is named in the text, who reads it through a list or unseen. */
static int gather(struct fb_arena *arena, struct fb_case *c, struct fb_history_person **ret, struct fb_err *err)
{
    struct asking a = {&c->past, fb_arena_array(arena, FB_PAST_ASKED, sizeof *a.v)};
    if (!a.v || fb_map_init(&c->past.by_addr, arena, FB_PAST_ASKED, err))
        return fb_fail_memory(err);
    add_all(&a, &c->message->to);
    add_all(&a, &c->message->cc);
    for (size_t i = 0; i < c->mentions_n; i++)
        add(&a, c->mentions[i].reader ? c->mentions[i].reader->addr : c->mentions[i].person->email);
    for (size_t i = 0; i < c->readers_n; i++)
        add(&a, c->readers[i].addr);
    c->past.people = *ret = a.v;
    return 0;
}

static int ask(struct fb_arena *arena, struct fb_history *history, struct fb_case *c, struct fb_err *err)
{
    const struct fb_message *m = c->message;
    struct fb_history_question q = {.sender = c->sender, .in_reply_to = m->in_reply_to, .references_n = m->references_n, .references = m->references,
                                    .since_s = c->now_s - c->conf->history_keep};
    struct fb_history_answer answer;
    struct fb_history_person *people;
    if (gather(arena, c, &people, err))
        return -1;
    if (fb_history_ask(history, &q, people, c->past.n, &answer, NULL)) {
        c->past = FB_PAST_NONE;
        return 0;
    }
    c->past.thread_known = c->past.answers = answer.thread_known;
    c->past.answered_inside = answer.answered_inside;
    c->past.answered_s = answer.answered_s;
    return 0;
}

/* An address in the quoted reply is as that mail's author wrote it, or the client of who answers. */
static int read_quoted(struct fb_arena *arena, struct fb_case *c, struct fb_err *err)
{
    const struct fb_quoted *q = &c->own->quoted;
    if (q->forwarded || !(q->addr.n || q->when.n))
        return 0;
    struct fb_str addr = fb_arena_lower(arena, q->addr);
    if (!addr.p)
        return fb_fail_memory(err);
    c->past.quoted = true;
    c->past.answers = addr.n > 0;
    c->past.answered_inside = fb_words_contain(&c->conf->scope_internal_domains, fb_address_domain(addr));
    if (!fb_quoted_time(q, c->message->date_s, c->message->tz_min, &c->past.answered_s))
        c->past.answered_s = INT64_MIN;
    return 0;
}

int fb_past_read(struct fb_arena *arena, struct fb_history *history, struct fb_case *c, struct fb_err *err)
{
    c->past = FB_PAST_NONE;
    if (history && ask(arena, history, c, err))
        return -1;
    return c->past.answers ? 0 : read_quoted(arena, c, err);
}

static const struct fb_history_person *find(const struct fb_past *past, struct fb_str addr)
{
    const uint32_t *at = past->n ? fb_map_get(&past->by_addr, addr) : NULL;
    return at ? &past->people[*at - 1] : NULL;
}

bool fb_past_unaddressed(const struct fb_past *past, struct fb_str addr)
{
    const struct fb_history_person *p = find(past, addr);
    return p && past->thread_known && !p->addressed;
}

bool fb_past_added(const struct fb_past *past, struct fb_str addr)
{
    const struct fb_history_person *p = find(past, addr);
    return p && past->thread_known && !p->on_thread;
}

bool fb_past_alone(const struct fb_past *past, struct fb_str addr)
{
    const struct fb_history_person *p = find(past, addr);
    return p && p->alone;
}

/* ---- learning ---- */

static int64_t sent(const struct fb_message *m, int64_t now_s)
{
    bool believed = m->date_s != INT64_MIN && (now_s == INT64_MIN || llabs(m->date_s - now_s) <= CLOCK_MAX_S);
    return believed ? m->date_s : now_s;
}

/* Those in To and Cc first, lists too; then who reads it through a list or unseen. */
static int lesson_readers(struct fb_arena *arena, const struct fb_case *c, struct fb_history_mail *ret, struct fb_err *err)
{
    const struct fb_message *m = c->message;
    struct fb_str *v = fb_arena_array(arena, m->to.n + m->cc.n + c->readers_n, sizeof *v);
    if (!v)
        return fb_fail_memory(err);
    for (size_t i = 0; i < m->to.n + m->cc.n; i++)
        v[ret->addressed_n++] = i < m->to.n ? m->to.v[i].addr : m->cc.v[i - m->to.n].addr;
    ret->readers_n = ret->addressed_n;
    for (size_t i = 0; i < c->readers_n; i++)
        if (c->readers[i].list.n || c->readers[i].role == FB_ROLE_HIDDEN)
            v[ret->readers_n++] = c->readers[i].addr;
    ret->readers = v;
    ret->more = c->readers_more > 0;
    return 0;
}

int fb_past_lesson(struct fb_arena *arena, const struct fb_conf *conf, const struct fb_people *people, const struct fb_envelope *env,
                   const struct fb_headers *h, int64_t now_s, struct fb_history_mail *ret, struct fb_err *err)
{
    struct fb_message m;
    int rc = fb_message_header(arena, h, &m, err);
    if (rc || !m.from.n)
        return rc < 0 ? -1 : FB_LEARN_NOTHING;
    struct fb_case c = {.conf = conf, .people = people, .env = env, .message = &m, .now_s = now_s, .sender = m.from.v[0].addr};
    c.sender_person = fb_people_find(people, c.sender);
    if (fb_readers_gather(arena, &c, err))
        return -1;
    *ret = (struct fb_history_mail){.id = m.message_id, .in_reply_to = m.in_reply_to, .references_n = m.references_n, .references = m.references,
                                    .author = c.sender, .sent_s = sent(&m, now_s)};
    ret->author_inside = fb_words_contain(&conf->scope_internal_domains, fb_address_domain(c.sender));
    bool one = c.readers_n == 1 && !c.readers_more && !c.readers[0].list.n && c.readers[0].role != FB_ROLE_HIDDEN;
    ret->alone = one && m.from.n == 1 && m.to.n + m.cc.n == 1;
    return lesson_readers(arena, &c, ret, err);
}
