/* What the page says about a hold, as values for page.html. */
#ifndef FB_WEB_VIEW_H
#define FB_WEB_VIEW_H

#include <jansson.h>

#include "hold/store.h"
#include "wire/desk.h"

/* {"held":true, "decide":true,                      its state by name, and whether there is something to decide
 *  "token":"...", "prefix":"", "withdraws":false,
 *  "created":TIME, "until":TIME, "changed":TIME,    in the sender's UTC offset
 *  "any_cc":true, "any_readers":true,
 *  "facts":{...}}                                   facts/facts.h; absent where the blob is gone or cannot be opened
 * TIME = {"time":"14:05", "weekday":"Saturday", "day":28, "month":"November", "year":2026, "zone":"UTC+01:00",
 *         "iso":"2026-11-28T14:05:00+01:00", "today":true}
 * Caller: json_decref. NULL where memory is out or the state is none. */
json_t *web_view(const struct fb_desk_view *view, const uint8_t key[FB_PAGE_KEY], struct fb_str token, struct fb_str prefix,
                 bool withdraws, int64_t now_s, struct fb_arena *arena);

#endif
