/* What the page says about a hold, as values for page.html. */
#ifndef FB_WEB_VIEW_H
#define FB_WEB_VIEW_H

#include <jansson.h>

#include "hold/store.h"
#include "web/site.h"
#include "wire/desk.h"

struct web_look {
    const struct web_site *site;
    const struct fb_desk_view *view;
    const uint8_t *key;   /* FB_PAGE_KEY bytes, or fb_link_keyless */
    struct fb_str token, accept; /* accept: Accept-Language */
    int64_t now_s;
};

/* {"held":true, "decide":true,                      its state by name ("delivered" for all that were not held), and whether there is
 *                                                   something to decide
 *  "language":"en", "token":"...", "prefix":"", "withdraws":false,
 *  "created":TIME, "until":TIME, "changed":TIME,    in the sender's UTC offset
 *  "opens":TIME,                                    it cannot be sent before; absent where it can
 *  "left":"1 h 5 min",                              until then; absent where there is nothing to decide
 *  "beside":true,                                   there is something else to say
 *  "wrong":true, "talked":true,                     what was said about it
 *  "any_cc":true, "any_readers":true,
 *  "sealed":true,                                   there are facts, and this link has not the key to them
 *  "facts":{...}}                                   facts/facts.h; absent where the blob is gone or cannot be opened. Each rule has its
 *                                                   "letters" (web/letters.h), and "marked":[{"text":"...", "flagged":true},...] are the words
 * TIME = {"today":true, "saturday":true, "day":28, "first":false, "november":true, "year":2026, "time":"14:05", "hour":"14", "minute":"05",
 *         "zone":"UTC+01:00", "iso":"2026-11-28T14:05:00+01:00", "in":3600} (seconds)
 * Caller: json_decref. NULL with *err; *ret_wording is what it is for. */
json_t *web_view(const struct web_look *look, struct fb_arena *arena, const struct fb_wording **ret_wording, struct fb_err *err);

#endif
