/* Moments, as values for the text {{#moment}} of page.txt: each language writes them its own way. */
#ifndef FB_TEMPLATE_MOMENT_H
#define FB_TEMPLATE_MOMENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/* @at_s (of the epoch) by a clock @tz_min minutes east of UTC; false where that is no time that a calendar has. */
bool fb_moment_local(int64_t at_s, int tz_min, struct tm *ret);

/* {"today":true, "saturday":true, "day":28, "first":false, "november":true, "year":2026, "hour":"14", "minute":"05", "time":"14:05"}
 * @hour_format: of strftime(3). Caller: json_decref. NULL: no memory. */
json_t *fb_moment_values(const struct tm *t, const struct tm *now, const char *hour_format);

#endif
