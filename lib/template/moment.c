/* Moment: names a day and a time so that a template can say them. */
#include "template/moment.h"

/* Names of sections, so that each language writes them its own way. */
static const char *const WEEKDAYS[] = {"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"};
static const char *const MONTHS[] = {"january", "february", "march",     "april",   "may",      "june",
                                     "july",    "august",   "september", "october", "november", "december"};

bool fb_moment_local(int64_t at_s, int tz_min, struct tm *ret)
{
    time_t t;
    return !__builtin_add_overflow(at_s, (int64_t)tz_min * 60, &t) && gmtime_r(&t, ret);
}

json_t *fb_moment_values(const struct tm *t, const struct tm *now, const char *hour_format)
{
    char hour[8], minute[3], clock[6];
    strftime(hour, sizeof hour, hour_format, t);
    strftime(minute, sizeof minute, "%M", t);
    strftime(clock, sizeof clock, "%H:%M", t);
    return json_pack("{s:b, s:b, s:b, s:i, s:b, s:i, s:s, s:s, s:s}", "today", t->tm_yday == now->tm_yday && t->tm_year == now->tm_year,
                     WEEKDAYS[t->tm_wday], 1, MONTHS[t->tm_mon], 1, "day", t->tm_mday, "first", t->tm_mday == 1, "year", t->tm_year + 1900,
                     "hour", hour, "minute", minute, "time", clock);
}
