/* The signals of audience and form (signals.def): who reads, who is named, who is above whom; capitals, questions, length.
 * One pure function each. None reads what the words mean.
 *
 * DIAGNOSTICS: lack of memory alone. */
#include "rules/hand.h"
#include "rules/signals.h"

enum { EVIDENCE_MAX = 8, NAMES_SHOWN = 3, QUICK_MINUTES = 15 };

/* What one signal is made with; @evidence has room for EVIDENCE_MAX. */
struct maker {
    const struct fb_case *c;
    struct fb_arena *arena;
    struct fb_signal_evidence *evidence;
    size_t n;
    bool failed;
};

static void add_evidence(struct maker *m, struct fb_str text, struct fb_str note, const struct fb_reader *who)
{
    m->failed |= !note.p;
    if (m->n < EVIDENCE_MAX)
        m->evidence[m->n++] = (struct fb_signal_evidence){.text = text, .note = note, .who = who};
}

typedef bool reader_test(const struct fb_case *c, const struct fb_reader *r);

/* Counts the readers that pass @test; each of the first is evidence, with its name before @what. */
static double count_readers(struct maker *m, reader_test *test, const char *what)
{
    double n = 0;
    for (size_t i = 0; i < m->c->readers_n; i++) {
        const struct fb_reader *r = &m->c->readers[i];
        if (!test(m->c, r))
            continue;
        n++;
        if (m->n < EVIDENCE_MAX)
            add_evidence(m, FB_STR_NONE, fb_arena_printf(m->arena, "%.*s %s", FB_FMT(fb_hand_shown(r)), what), r);
    }
    return n;
}

static double value_readers(struct maker *m)
{
    return (double)(m->c->readers_n + m->c->readers_more);
}

static bool is_spoken_about(const struct fb_case *c, const struct fb_reader *r, bool *some)
{
    bool found = false;
    for (size_t i = 0; i < c->mentions_n; i++)
        if (!c->mentions[i].vocative) {
            *some = true;
            found |= c->mentions[i].reader == r;
        }
    return found;
}

static bool is_spoken_to(const struct fb_case *c, const struct fb_reader *r)
{
    for (size_t i = 0; i < c->mentions_n; i++)
        if (c->mentions[i].vocative && c->mentions[i].reader == r)
            return true;
    return c->addressee ? c->addressee == r : r->role == FB_ROLE_TO && !r->list.n;
}

static bool is_onlooker(const struct fb_case *c, const struct fb_reader *r)
{
    bool some = false;
    bool about = is_spoken_about(c, r, &some);
    return some ? !about : !is_spoken_to(c, r);
}

static void note_crowd(struct maker *m, reader_test *test, double n)
{
    struct fb_buf b = FB_BUF(m->arena);
    size_t shown = 0;
    for (size_t i = 0; i < m->c->readers_n && shown < NAMES_SHOWN; i++)
        if (test(m->c, &m->c->readers[i]))
            fb_buf_printf(&b, "%s%.*s", shown++ ? ", " : "", FB_FMT(fb_hand_shown(&m->c->readers[i])));
    if (n > (double)shown)
        fb_buf_printf(&b, " and %.0f more", n - (double)shown);
    fb_buf_printf(&b, n > 1 ? " read it too" : " reads it too");
    add_evidence(m, FB_STR_NONE, fb_buf_str(&b), NULL);
}

static double value_onlookers(struct maker *m)
{
    double n = (double)m->c->readers_more;
    for (size_t i = 0; i < m->c->readers_n; i++)
        n += is_onlooker(m->c, &m->c->readers[i]);
    if (n > 0)
        note_crowd(m, is_onlooker, n);
    return n;
}

static bool is_colleague(const struct fb_case *c, const struct fb_reader *r)
{
    (void)c;
    return r->inside;
}

static double value_colleagues(struct maker *m)
{
    double n = 0;
    for (size_t i = 0; i < m->c->readers_n; i++)
        n += is_colleague(m->c, &m->c->readers[i]);
    return n;
}

static bool is_outsider(const struct fb_case *c, const struct fb_reader *r)
{
    return !is_colleague(c, r);
}

static double value_outsiders(struct maker *m)
{
    return count_readers(m, is_outsider, "reads it and is outside the organisation");
}

static bool is_customer(const struct fb_case *c, const struct fb_reader *r)
{
    (void)c;
    return r->customer;
}

static double value_customers(struct maker *m)
{
    return count_readers(m, is_customer, "reads it and is at a customer");
}

static bool is_hidden(const struct fb_case *c, const struct fb_reader *r)
{
    (void)c;
    return r->role == FB_ROLE_HIDDEN;
}

static double value_hidden_readers(struct maker *m)
{
    return count_readers(m, is_hidden, "reads it unseen by the others");
}

static bool is_above_somebody(const struct fb_case *c, const struct fb_reader *r)
{
    (void)c;
    return r->relation & (FB_RELATION_NAMED_BOSS | FB_RELATION_ADDRESSEE_BOSS) && !(r->relation & FB_RELATION_REPORT);
}

/* Whom @boss is above: somebody named, else somebody addressed. */
static struct fb_str below(const struct fb_case *c, const struct fb_reader *boss)
{
    for (size_t i = 0; i < c->mentions_n; i++)
        if (c->mentions[i].person && fb_person_above(boss->person, c->mentions[i].person))
            return c->mentions[i].person->name;
    for (size_t i = 0; i < c->readers_n; i++)
        if (c->readers[i].role == FB_ROLE_TO && c->readers[i].person && fb_person_above(boss->person, c->readers[i].person))
            return c->readers[i].name;
    return FB_STR_NONE;
}

static double value_manager_reader(struct maker *m)
{
    double n = 0;
    for (size_t i = 0; i < m->c->readers_n; i++) {
        const struct fb_reader *r = &m->c->readers[i];
        if (!is_above_somebody(m->c, r))
            continue;
        n++;
        if (m->n < EVIDENCE_MAX)
            add_evidence(m, FB_STR_NONE, fb_arena_printf(m->arena, "%.*s reads it and is above %.*s", FB_FMT(fb_hand_shown(r)), FB_FMT(below(m->c, r))), r);
    }
    return n;
}

static bool is_own_manager(const struct fb_case *c, const struct fb_reader *r)
{
    (void)c;
    return r->relation & (FB_RELATION_MANAGER | FB_RELATION_BOSS_ABOVE);
}

static double value_own_manager_reader(struct maker *m)
{
    return count_readers(m, is_own_manager, "reads it and is above you");
}

static bool is_added(const struct fb_case *c, const struct fb_reader *r)
{
    return fb_past_added(&c->past, r->addr);
}

static double value_newly_added(struct maker *m)
{
    return count_readers(m, is_added, "is new on this thread");
}

static bool is_added_manager(const struct fb_case *c, const struct fb_reader *r)
{
    return is_added(c, r) && (is_own_manager(c, r) || is_above_somebody(c, r));
}

static double value_newly_added_manager(struct maker *m)
{
    return count_readers(m, is_added_manager, "is new on this thread, and above you or somebody whom it is about");
}

static bool wrote_alone(const struct fb_case *c, const struct fb_reader *r)
{
    return fb_past_alone(&c->past, r->addr);
}

static double value_alone_before(struct maker *m)
{
    return count_readers(m, wrote_alone, "and you wrote to each other alone before");
}

/* Rounded up, so that 0 says unknown; so it is where the clocks cannot both be right. */
static double minutes_since(const struct fb_case *c)
{
    int64_t written_s = c->message->date_s == INT64_MIN ? c->now_s : c->message->date_s;
    if (c->past.answered_s == INT64_MIN || c->past.answered_s > written_s + QUICK_MINUTES * 60)
        return 0;
    int64_t s = written_s - c->past.answered_s;
    return s <= 60 ? 1 : (double)((s + 59) / 60);
}

/* By its header, by what it quotes, or by its subject: not every mail program writes the first. */
static double value_reply(struct maker *m)
{
    static const char *const prefixes[] = {"re:", "aw:", "sv:", "vs:", "antw:", "odp:", "rif:", "ynt:"};
    const struct fb_message *message = m->c->message;
    bool is_reply = message->in_reply_to.n || m->c->past.answered_s != INT64_MIN;
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
        is_reply = is_reply || fb_str_istarts(message->subject, fb_str(prefixes[i]));
    return is_reply;
}

static double value_minutes_since(struct maker *m)
{
    return minutes_since(m->c);
}

static double value_quick_reply(struct maker *m)
{
    double minutes = minutes_since(m->c);
    if (minutes == 0 || minutes > QUICK_MINUTES)
        return 0;
    add_evidence(m, FB_STR_NONE, fb_arena_printf(m->arena, "It answers a mail that was sent %.0f minute%s before", minutes, minutes > 1 ? "s" : ""), NULL);
    return 1;
}

static double value_at_night(struct maker *m)
{
    return fb_case_at_night(m->c);
}

static bool is_senior(const struct fb_case *c, const struct fb_reader *r)
{
    (void)c;
    return r->relation & (FB_RELATION_SENIOR | FB_RELATION_MANAGER | FB_RELATION_BOSS_ABOVE);
}

static double value_senior_readers(struct maker *m)
{
    return count_readers(m, is_senior, "reads it and is more senior than you");
}

static bool reads_by_list(const struct fb_case *c, const struct fb_reader *r)
{
    (void)c;
    return r->list.n > 0;
}

static double value_list_readers(struct maker *m)
{
    double n = (double)m->c->readers_more;
    for (size_t i = 0; i < m->c->readers_n; i++)
        n += reads_by_list(m->c, &m->c->readers[i]);
    if (n > 0)
        add_evidence(m, FB_STR_NONE, fb_arena_printf(m->arena, "%.0f read it through a list", n), NULL);
    return n;
}

/* The evidence says where it is read, and nothing about who lives there. */
static double value_face(struct maker *m)
{
    const struct fb_reader *who = NULL;
    const struct fb_region *most = NULL;
    for (size_t i = 0; m->c->regions && m->c->regions->n && i < m->c->readers_n; i++) {
        const struct fb_region *region = fb_regions_of(m->c->regions, &m->c->readers[i]);
        if (region && (!most || region->weight > most->weight))
            most = region, who = &m->c->readers[i];
    }
    if (!most)
        return 0;
    add_evidence(m, FB_STR_NONE, fb_arena_printf(m->arena, "%.*s reads it, in the region %.*s", FB_FMT(who->name), FB_FMT(most->name)), NULL);
    return most->weight;
}

static bool same_person(const struct fb_mention *a, const struct fb_mention *b)
{
    return a->reader == b->reader && a->person == b->person;
}

/* Counts different people among the mentions. */
static double count_named(struct maker *m, bool absent_only)
{
    const struct fb_case *c = m->c;
    double n = 0;
    for (size_t i = 0; i < c->mentions_n; i++) {
        const struct fb_mention *who = &c->mentions[i];
        bool known = absent_only && who->reader;
        for (size_t k = 0; k < i && !known; k++)
            known = same_person(&c->mentions[k], who);
        if (known)
            continue;
        n++;
        struct fb_str name = fb_about_name((struct fb_about){who->reader, who->person});
        if (m->n < EVIDENCE_MAX)
            add_evidence(m, fb_text_span(&c->text, who->word, who->n), fb_arena_printf(m->arena, "%.*s is named", FB_FMT(name)), who->reader);
    }
    return n;
}

static double value_names_person(struct maker *m)
{
    double n = count_named(m, false);
    const struct fb_reader *to = m->c->addressee;
    if (n > 0 || !to)
        return n;
    add_evidence(m, FB_STR_NONE, fb_arena_printf(m->arena, "%.*s is the one addressed", FB_FMT(to->name)), to);
    return 1;
}

static double value_names_absent_colleague(struct maker *m)
{
    return count_named(m, true);
}

static double value_one_to_one(struct maker *m)
{
    return m->c->readers_n + m->c->readers_more == 1;
}

static bool is_shouted(struct fb_str s)
{
    size_t upper = 0, lower = 0, words = 0;
    for (struct fb_str word; fb_text_word(&s, &word);) {
        words += word.n >= 3;
        for (size_t i = 0; i < word.n; i++)
            upper += word.p[i] >= 'A' && word.p[i] <= 'Z', lower += word.p[i] >= 'a' && word.p[i] <= 'z';
    }
    return words >= 4 && upper >= 9 * lower;
}

static double value_shouting(struct maker *m)
{
    double n = 0;
    for (size_t i = 0; i < m->c->text.sentences_n; i++)
        if (is_shouted(m->c->text.sentences[i])) {
            n++;
            add_evidence(m, fb_str_trim(m->c->text.sentences[i]), FB_STR("Capitals read as shouting"), NULL);
        }
    return n;
}

static double value_length(struct maker *m)
{
    return (double)m->c->text.n;
}

static bool asks(const struct fb_text *t, size_t sentence)
{
    struct fb_str s = fb_str_trim(t->sentences[sentence]);
    bool please = t->first[sentence] < t->first[sentence + 1] && fb_str_eq(t->v[t->first[sentence]].norm, FB_STR("please"));
    return please || memchr(s.n > 3 ? s.p + s.n - 3 : s.p, '?', s.n > 3 ? 3 : s.n);
}

static double value_question_or_ask(struct maker *m)
{
    double n = 0;
    for (size_t i = 0; i < m->c->text.sentences_n; i++)
        if (m->c->text.sentences[i].n && asks(&m->c->text, i)) {
            n++;
            add_evidence(m, fb_str_trim(m->c->text.sentences[i]), FB_STR("Something is asked here"), NULL);
        }
    return n;
}

static const struct {
    const char *name, *sentence;
    double (*value)(struct maker *m);
} table[] = {
#define SIGNAL(name, sentence) {#name, sentence, value_##name},
#include "rules/signals.def"
#undef SIGNAL
};

size_t fb_audience_signals(void)
{
    return sizeof table / sizeof *table;
}

void fb_audience_names(struct fb_str *names, struct fb_str *sentences)
{
    for (size_t i = 0; i < fb_audience_signals(); i++)
        names[i] = fb_str(table[i].name), sentences[i] = fb_str(table[i].sentence);
}

int fb_audience_read(const struct fb_source *source, struct fb_arena *arena, const struct fb_case *c, struct fb_signal *ret, struct fb_err *err)
{
    for (size_t i = 0; i < source->n; i++) {
        struct maker m = {.c = c, .arena = arena, .evidence = fb_arena_array(arena, EVIDENCE_MAX, sizeof *m.evidence)};
        if (!m.evidence)
            return fb_fail_memory(err);
        ret[i].value = table[i].value(&m);
        ret[i].evidence = m.evidence;
        ret[i].evidence_n = m.n;
        if (m.failed)
            return fb_fail_memory(err);
    }
    return 0;
}
