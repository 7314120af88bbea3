/* What is kept of a verdict (sealed by the caller): facts/facts.h as JSON. Only sentences that decided are quoted, and the
 * own words up to FB_FACTS_WORDS; nothing of what others wrote is in it.
 *
 * DIAGNOSTICS: lack of memory alone: text that is no UTF-8 is left out. */
#include "rules/facts.h"

#include <stdlib.h>

#include "facts/facts.h"
#include "rules/hand.h"
#include "rules/judge.h"

static void json_cleanup(json_t **j)
{
    json_decref(*j);
}
#define JSON __attribute__((cleanup(json_cleanup))) json_t *

json_t *fb_json_text(struct fb_str s)
{
    json_t *j = json_stringn(s.p ? s.p : "", s.n);
    return j ? j : json_string("");
}

static json_t *addresses(struct fb_arena *arena, const struct fb_addresses *v)
{
    json_t *all = json_array();
    for (size_t i = 0; i < v->n; i++) {
        struct fb_str full = fb_arena_printf(arena, "%.*s <%.*s>", FB_FMT(v->v[i].display), FB_FMT(v->v[i].addr));
        json_array_append_new(all, fb_json_text(v->v[i].display.n && full.p ? full : v->v[i].addr));
    }
    return all;
}

json_t *fb_json_evidence(const struct fb_finding *f)
{
    json_t *all = json_array();
    for (size_t i = 0; i < f->evidence_n; i++)
        json_array_append_new(all, json_pack("{so so so}", "signal", fb_json_text(f->evidence[i].signal), "text", fb_json_text(f->evidence[i].text),
                                             "note", fb_json_text(f->evidence[i].note)));
    return all;
}

static json_t *rule(struct fb_arena *arena, const struct fb_case *c, const struct fb_finding *f)
{
    json_t *evidence = fb_json_evidence(f);
    for (size_t i = 0; i < f->evidence_n; i++)
        json_object_set_new(json_array_get(evidence, i), "who", fb_json_text(f->evidence[i].who));
    return json_pack("{so so so so so so sb}", "name", fb_json_text(f->rule), "title", fb_json_text(f->title), "why", fb_json_text(f->why), "advice",
                     fb_json_text(f->advice), "evidence", evidence, "hand", fb_hand_names(arena, c, f), "own", f->own_text);
}

json_t *fb_json_change(const struct fb_change *c)
{
    return json_pack("{ss so so so}", "kind", fb_change_name(c->kind), "text", fb_json_text(c->text), "reader", fb_json_text(c->reader), "says",
                     fb_json_text(c->says));
}

/* Those that decide, the main one first. */
static json_t *rules(struct fb_arena *arena, const struct fb_case *c, const struct fb_verdict *v)
{
    json_t *all = json_array();
    json_array_append_new(all, rule(arena, c, v->main));
    for (size_t i = 0; i < v->findings_n; i++)
        if (v->findings[i].fires && v->findings[i].action == v->action && &v->findings[i] != v->main)
            json_array_append_new(all, rule(arena, c, &v->findings[i]));
    return all;
}

/* Beside the sentence what it is made of. */
static json_t *change(const struct fb_verdict *v)
{
    const struct fb_change *c = &v->change;
    json_t *all = fb_json_change(c), *who = json_array();
    for (size_t i = 0; i < c->who_n; i++)
        json_array_append_new(who, json_pack("{so ss so ss}", "name", fb_json_text(c->who[i].name), "as", c->who[i].as, "of", fb_json_text(c->who[i].of),
                                             "place", c->who[i].place));
    json_object_set_new(all, "who", who);
    json_object_set_new(all, "more", json_integer((json_int_t)c->who_more));
    json_object_set_new(all, "held", json_boolean(v->action == FB_HOLD));
    return all;
}

static json_t *reader_names(const struct fb_judgement *j)
{
    json_t *all = json_array();
    for (size_t i = 0; i < j->readers_n; i++)
        if (j->readers[i]->role != FB_ROLE_HIDDEN)
            json_array_append_new(all, fb_json_text(j->readers[i]->name));
    return all;
}

static size_t hidden(const struct fb_case *c)
{
    size_t n = 0;
    for (size_t i = 0; i < c->readers_n; i++)
        n += c->readers[i].role == FB_ROLE_HIDDEN;
    return n;
}

/* At most @max bytes, cut between characters. */
static struct fb_str cut(struct fb_str s, size_t max)
{
    if (s.n <= max)
        return s;
    s.n = max;
    while (s.n && ((unsigned char)s.p[s.n] & 0xC0) == 0x80)
        s.n--;
    return s;
}

int fb_judge_facts(struct fb_arena *arena, struct fb_judgement *j, struct fb_err *err)
{
    const struct fb_message *m = &j->message;
    struct fb_str words = cut(j->own.text, FB_FACTS_WORDS);
    JSON all = json_pack("{si so sI si so so so so sI so so so so sb so}", "v", 2, "from", fb_json_text(j->c.env->sender), "date_s",
                         (json_int_t)(m->date_s == INT64_MIN ? j->c.now_s : m->date_s), "tz_min", m->tz_min, "subject", fb_json_text(m->subject),
                         "message_id", fb_json_text(m->message_id), "to", addresses(arena, &m->to), "cc", addresses(arena, &m->cc), "hidden",
                         (json_int_t)hidden(&j->c), "change", change(&j->verdict), "rules", rules(arena, &j->c, &j->verdict), "readers", reader_names(j), "words", fb_json_text(words), "words_cut",
                         words.n < j->own.text.n || m->text_cut, "people", fb_hand_people(&j->c, j->verdict.main));
    char *dump = all ? json_dumps(all, JSON_COMPACT) : NULL;
    j->verdict.facts = dump ? fb_arena_dup(arena, fb_str(dump)) : (struct fb_str){NULL, 0};
    free(dump);
    return j->verdict.facts.p ? 0 : fb_fail_memory(err);
}
