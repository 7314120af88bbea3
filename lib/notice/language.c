/* Languages: finds the folder that a person is written to from. It decides nothing about texts; those are templates.
 *
 * DIAGNOSTICS: fails where the folder that is to be there lacks its words or its page.txt, and for a faulty template; the fault names the
 * file. Lack of memory. */
#include "notice/language.h"

#include <time.h>

#include "template/template.h"

/* The first word behind "name =". */
static struct fb_str first_word(struct fb_str words, struct fb_str name)
{
    struct fb_str line, key, word;
    while (fb_str_line(&words, &line))
        if (fb_str_split(&line, '=', &key) && fb_str_eq(fb_str_trim(key), name) && line.p && fb_str_word(&line, &word))
            return word;
    return FB_STR_NONE;
}

static bool read_words(const char *data_dir, const char *name, struct fb_arena *arena, struct fb_language *ret, struct fb_err *err)
{
    struct fb_str words;
    if (fb_template_read(data_dir, name, "words", arena, &words, err))
        return false;
    *ret = (struct fb_language){.data_dir = data_dir, .name = name, .release = first_word(words, FB_STR("release")),
                                .withdraw = first_word(words, FB_STR("withdraw")), .rules = FB_STR_NONE};
    if (!ret->release.n || !ret->withdraw.n)
        return fb_fail(err, "%s/templates/%s/words lacks release or withdraw", data_dir, name), false;
    return true;
}

static bool is_there(const char *data_dir, struct fb_str wanted, struct fb_arena *arena, struct fb_language *ret)
{
    struct fb_str name = fb_arena_dup(arena, wanted);
    return name.p && read_words(data_dir, name.p, arena, ret, NULL);
}

/* "de" of "de-at"; empty where it is a kind of none. */
static struct fb_str wider(struct fb_str tag)
{
    const char *hyphen = memrchr(tag.p, '-', tag.n);
    return hyphen ? (struct fb_str){tag.p, (size_t)(hyphen - tag.p)} : FB_STR_NONE;
}

int fb_language_open(const char *data_dir, struct fb_str wanted, const char *otherwise, struct fb_arena *arena, struct fb_language *ret,
                     struct fb_err *err)
{
    while (wanted.n && !is_there(data_dir, wanted, arena, ret))
        wanted = wider(wanted);
    if (!wanted.n && !read_words(data_dir, otherwise, arena, ret, err))
        return -1;
    if (fb_template_read(data_dir, ret->name, "rules.txt", arena, &ret->rules, NULL))
        ret->rules = FB_STR_NONE;
    return fb_template_read(data_dir, ret->name, "page.txt", arena, &ret->plain, err);
}

int fb_language_moment(const struct fb_language *l, int64_t at_s, int64_t now_s, int tz_min, struct fb_arena *arena, struct fb_str *ret,
                       struct fb_err *err)
{
    static const char *const weekdays[] = {"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"};
    static const char *const months[] = {"january", "february", "march",     "april",   "may",      "june",
                                         "july",    "august",   "september", "october", "november", "december"};
    time_t at = at_s + tz_min * 60, now = now_s + tz_min * 60;
    struct tm t, n;
    *ret = FB_STR_NONE;
    if (!gmtime_r(&at, &t) || !gmtime_r(&now, &n))
        return 0;
    struct fb_str hour = fb_arena_printf(arena, "%d", t.tm_hour), minute = fb_arena_printf(arena, "%02d", t.tm_min);
    struct fb_str clock = fb_arena_printf(arena, "%02d:%02d", t.tm_hour, t.tm_min);
    bool today = t.tm_yday == n.tm_yday && t.tm_year == n.tm_year;
    json_auto_t *values = NULL;
    if (hour.p && minute.p && clock.p)
        values = json_pack("{s:{s:b, s:b, s:b, s:i, s:b, s:i, s:s, s:s, s:s}}", "moment", "today", today, weekdays[t.tm_wday], 1, months[t.tm_mon], 1,
                           "day", t.tm_mday, "first", t.tm_mday == 1, "year", t.tm_year + 1900, "time", clock.p, "hour", hour.p, "minute", minute.p);
    if (!values)
        return fb_fail_memory(err);
    int rc = fb_template_render("page.txt", l->plain, values, FB_ESCAPE_NONE, arena, ret, err);
    *ret = rc ? FB_STR_NONE : fb_str_trim(*ret);
    return rc;
}
