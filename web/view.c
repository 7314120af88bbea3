/* The view: turns what the keeper said, and the facts that the visitor's key opens, into values for the template. It
 * decides what may be shown; how, the template does. A blob that is gone or cannot be opened costs the details alone:
 * the state and the buttons stay. */
#include "web/view.h"

#include <time.h>

#include "facts/facts.h"
#include "hold/seal.h"

static const char *const WEEKDAYS[] = {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};
static const char *const MONTHS[] = {"January", "February", "March",     "April",   "May",      "June",
                                     "July",    "August",   "September", "October", "November", "December"};

/* Minutes east of UTC, as the sender's own Date said; 0 where it is not known or is none on this earth. */
static int offset_of(const json_t *facts)
{
    json_int_t min = json_integer_value(json_object_get(facts, "tz_min"));
    return min >= -24 * 60 && min <= 24 * 60 ? (int)min : 0;
}

static bool local_time(int64_t at_s, int tz_min, struct tm *ret)
{
    time_t t;
    return !__builtin_add_overflow(at_s, (int64_t)tz_min * 60, &t) && gmtime_r(&t, ret);
}

static json_t *time_value(int64_t at_s, int tz_min, int64_t now_s, struct fb_arena *arena)
{
    struct tm t, now;
    if (!local_time(at_s, tz_min, &t) || !local_time(now_s, tz_min, &now))
        return json_null();
    char sign = tz_min < 0 ? '-' : '+';
    int off = tz_min < 0 ? -tz_min : tz_min;
    struct fb_str time = fb_arena_printf(arena, "%02d:%02d", t.tm_hour, t.tm_min);
    struct fb_str zone = fb_arena_printf(arena, off ? "UTC%c%02d:%02d" : "UTC", sign, off / 60, off % 60);
    struct fb_str iso = fb_arena_printf(arena, "%04d-%02d-%02dT%02d:%02d:%02d%c%02d:%02d", t.tm_year + 1900, t.tm_mon + 1, t.tm_mday,
                                        t.tm_hour, t.tm_min, t.tm_sec, sign, off / 60, off % 60);
    if (!time.p || !zone.p || !iso.p)
        return NULL;
    return json_pack("{s:s, s:s, s:i, s:s, s:i, s:s, s:s, s:b}", "time", time.p, "weekday", WEEKDAYS[t.tm_wday], "day", t.tm_mday,
                     "month", MONTHS[t.tm_mon], "year", t.tm_year + 1900, "zone", zone.p, "iso", iso.p,
                     "today", t.tm_yday == now.tm_yday && t.tm_year == now.tm_year);
}

static json_t *facts_open(struct fb_str sealed, const uint8_t key[FB_PAGE_KEY], struct fb_arena *arena)
{
    struct fb_str plain;
    json_t *facts = NULL;
    if (!sealed.n || fb_page_open(arena, key, sealed, &plain, NULL) || fb_facts_parse(plain, &facts, NULL))
        return NULL;
    return facts;
}

static bool any(const json_t *facts, const char *list)
{
    return json_array_size(json_object_get(facts, list)) > 0;
}

json_t *web_view(const struct fb_desk_view *view, const uint8_t key[FB_PAGE_KEY], struct fb_str token, struct fb_str prefix,
                 bool withdraws, int64_t now_s, struct fb_arena *arena)
{
    if (view->state >= FB_STATES)
        return NULL;
    /* A hold is pending for the moment until its notice is ready; who has the link has the notice. */
    enum fb_state state = view->state == FB_STATE_pending ? FB_STATE_held : view->state;
    json_t *facts = facts_open(view->sealed, key, arena);
    int tz_min = offset_of(facts);
    return json_pack("{s:b, s:b, s:s%, s:s%, s:b, s:o, s:o, s:o, s:b, s:b, s:o*}", fb_state_name(state), 1, "decide", state == FB_STATE_held,
                     "token", token.p, token.n, "prefix", prefix.p, prefix.n, "withdraws", withdraws,
                     "created", time_value(view->created_s, tz_min, now_s, arena), "until", time_value(view->deadline_s, tz_min, now_s, arena),
                     "changed", time_value(view->changed_s, tz_min, now_s, arena),
                     "any_cc", any(facts, "cc"), "any_readers", any(facts, "readers"), "facts", facts);
}
