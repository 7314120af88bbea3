/* The view: turns what the keeper said, and the facts that the visitor's key opens, into values for the template. It
 * decides what may be shown; how, the template does. A blob that is gone or cannot be opened costs the details alone:
 * the state and the buttons stay.
 *
 * DIAGNOSTICS: fails for a state that is none, for a faulty letter or rules.txt, and for lack of memory. */
#include "web/view.h"

#include "facts/tell.h"
#include "hold/seal.h"
#include "template/moment.h"
#include "token/token.h"
#include "web/letters.h"

/* ---- when ---- */

/* Minutes east of UTC, as the sender's own Date said; 0 where it is not known or is none on this earth. */
static int offset_of(const json_t *facts, const uint8_t *key)
{
    json_int_t min = facts ? json_integer_value(json_object_get(facts, "tz_min")) : fb_link_tz_min(key);
    return min >= -24 * 60 && min <= 24 * 60 ? (int)min : 0;
}

static int put_clock(json_t *moment, const struct tm *t, int tz_min, struct fb_arena *arena)
{
    char sign = tz_min < 0 ? '-' : '+';
    int off = tz_min < 0 ? -tz_min : tz_min;
    struct fb_str zone = fb_arena_printf(arena, off ? "UTC%c%02d:%02d" : "UTC", sign, off / 60, off % 60);
    struct fb_str iso = fb_arena_printf(arena, "%04d-%02d-%02dT%02d:%02d:%02d%c%02d:%02d", t->tm_year + 1900, t->tm_mon + 1, t->tm_mday,
                                        t->tm_hour, t->tm_min, t->tm_sec, sign, off / 60, off % 60);
    return zone.p && iso.p ? json_object_set_new(moment, "zone", json_string(zone.p)) | json_object_set_new(moment, "iso", json_string(iso.p)) : -1;
}

static int put_time(json_t *all, const char *name, int64_t at_s, int tz_min, const struct web_look *look, struct fb_arena *arena, struct fb_err *err)
{
    struct tm t, now;
    if (!fb_moment_local(at_s, tz_min, &t) || !fb_moment_local(look->now_s, tz_min, &now))
        return 0;
    json_auto_t *moment = fb_moment_values(&t, &now, "%H");
    if (put_clock(moment, &t, tz_min, arena) || json_object_set_new(moment, "in", json_integer(at_s - look->now_s)) || json_object_set(all, name, moment))
        return fb_fail_memory(err);
    return 0;
}

/* "1 h 5 min": symbols that every language writes alike. page.js goes on from there. */
static json_t *left(int64_t s, struct fb_arena *arena)
{
    long long min = (s + 59) / 60;
    struct fb_str text = min < 60 ? fb_arena_printf(arena, "%lld min", min) : fb_arena_printf(arena, "%lld h %lld min", min / 60, min % 60);
    return text.p ? json_stringn(text.p, text.n) : NULL;
}

static int put_times(json_t *all, const struct web_look *look, int tz_min, struct fb_arena *arena, struct fb_err *err)
{
    const struct fb_desk_view *v = look->view;
    if (put_time(all, "created", v->created_s, tz_min, look, arena, err) || put_time(all, "until", v->deadline_s, tz_min, look, arena, err) ||
        put_time(all, "changed", v->changed_s, tz_min, look, arena, err))
        return -1;
    if (v->opens_s > look->now_s && put_time(all, "opens", v->opens_s, tz_min, look, arena, err))
        return -1;
    if (v->deadline_s > look->now_s && json_object_set_new(all, "left", left(v->deadline_s - look->now_s, arena)))
        return fb_fail_memory(err);
    return 0;
}

/* ---- what ---- */

static json_t *facts_open(struct fb_str sealed, const uint8_t *key, struct fb_arena *arena)
{
    struct fb_str plain;
    json_t *facts = NULL;
    if (!sealed.n || fb_page_open(arena, key, sealed, &plain, NULL) || fb_facts_parse(plain, &facts, NULL))
        return NULL;
    return facts;
}

static void mark(char *flags, struct fb_str words, struct fb_str text)
{
    for (size_t at = 0; text.n && at + text.n <= words.n; at += text.n) {
        const char *found = memmem(words.p + at, words.n - at, text.p, text.n);
        if (!found)
            return;
        at = (size_t)(found - words.p);
        memset(flags + at, 1, text.n);
    }
}

/* One flag a byte: whether it is of the words that decided. */
static char *flags_of(json_t *facts, struct fb_str words, struct fb_arena *arena)
{
    size_t i, k;
    json_t *rule, *e;
    char *flags = fb_arena_array(arena, words.n + 1, 1);
    json_array_foreach(json_object_get(facts, "rules"), i, rule)
        json_array_foreach(json_object_get(rule, "evidence"), k, e)
            if (flags)
                mark(flags, words, fb_str(json_string_value(json_object_get(e, "text"))));
    return flags;
}

static int put_marked(json_t *facts, struct fb_arena *arena, struct fb_err *err)
{
    struct fb_str words = fb_str(json_string_value(json_object_get(facts, "words")));
    const char *flags = flags_of(facts, words, arena);
    json_t *all = flags ? json_array() : NULL;
    if (json_object_set_new(facts, "marked", all))
        return fb_fail_memory(err);
    for (size_t from = 0, to; from < words.n; from = to) {
        for (to = from + 1; to < words.n && flags[to] == flags[from];)
            to++;
        if (json_array_append_new(all, json_pack("{s:s%, s:b}", "text", words.p + from, to - from, "flagged", flags[from])))
            return fb_fail_memory(err);
    }
    return 0;
}

static bool any(const json_t *facts, const char *list)
{
    return json_array_size(json_object_get(facts, list)) > 0;
}

static int put_facts(json_t *all, json_t *facts, const struct fb_wording *wording, struct fb_arena *arena, struct fb_err *err)
{
    if (!facts)
        return 0;
    if (fb_facts_tell(facts, wording->rules, arena, err) || put_marked(facts, arena, err) || fb_facts_quote_once(facts, SIZE_MAX, err) ||
        web_letters(&wording->texts, facts, arena, err))
        return -1;
    return json_object_set(all, "facts", facts) ? fb_fail_memory(err) : 0;
}

static const char *state_shown(enum fb_state state)
{
    switch (state) {
    case FB_STATE_pending: return "held"; /* for the moment until its notice is ready; who has the link has the notice */
    case FB_STATE_passed:
    case FB_STATE_advised:
    case FB_STATE_told: return "delivered";
    default: return fb_state_name(state);
    }
}

static json_t *hold_of(const struct web_look *look, const struct fb_wording *wording, const json_t *facts)
{
    const char *state = state_shown(look->view->state);
    bool held = strcmp(state, "held") == 0;
    return json_pack("{s:b, s:b, s:b, s:s%, s:s%, s:s%, s:b, s:b, s:b, s:b, s:b, s:b}", state, 1, "decide", held, "beside", held || !look->view->wrong,
                     "language", wording->language.p, wording->language.n, "token", look->token.p, look->token.n,
                     "prefix", look->site->prefix.p, look->site->prefix.n, "withdraws", look->site->withdraws, "wrong", look->view->wrong,
                     "talked", look->view->talked, "sealed", look->view->sealed.n > 0, "any_cc", any(facts, "cc"), "any_readers", any(facts, "readers"));
}

json_t *web_view(const struct web_look *look, struct fb_arena *arena, const struct fb_wording **ret_wording, struct fb_err *err)
{
    if (look->view->state >= FB_STATES) {
        fb_fail(err, "the keeper names a state that is not known");
        return NULL;
    }
    json_t *facts = facts_open(look->view->sealed, look->key, arena);
    *ret_wording = web_site_wording(look->site, look->view->language, look->accept);
    json_t *all = hold_of(look, *ret_wording, facts);
    int rc = all ? put_times(all, look, offset_of(facts, look->key), arena, err) : fb_fail_memory(err);
    if (rc == 0)
        rc = put_facts(all, facts, *ret_wording, arena, err);
    json_decref(facts);
    if (rc == 0)
        return all;
    json_decref(all);
    return NULL;
}
