/* What a box and a sealed page hold: the facts of one verdict, as JSON (jansson), version 2. Made by the milter from the
 * verdict, read by the keeper (notice) and the page.
 *
 * {"v":2, "from":"<envelope sender>", "date_s":0, "tz_min":60, "subject":"...", "message_id":"<...>",
 *  "to":["Name <a@b>",...], "cc":[...], "hidden":2,                      hidden: how many readers only the envelope names
 *  "change":{"kind":"reader", "text":"", "reader":"a@b", "says":"Without ..."},   the smallest that would have let it pass: struct
 *                                                                     fb_change of rules/policy.h; absent in version 1
 *            and beside it, absent before: "who":[{"name":"...","as":"manager","of":"...","place":"cc"}], "more":0, "held":true
 *  "rules":[{"name":"public_shaming", "title":"...", "why":"...", "advice":"...",
 *            "evidence":[{"signal":"phrase_blame","text":"the very words","note":"...","who":"..."}],   the deciding one first; who may be absent
 *            "hand":{"person":"Ben",..., "group":["Kevin"],"more":0}, "own":false}],     for other languages (facts/tell.h); may be absent
 *  "readers":["Name","..."],                                           who makes it so
 *  "words":"...", "words_cut":false,                                     own words, at most FB_FACTS_WORDS bytes
 *  "people":{"person":{"name":"Ben", "address":"ben@a.example"}, ...}, those at hand (rules/hand.def) who may be written to; may be absent
 *  "language":"de"}                                                    in what was held before an upgrade; the row has it */
#ifndef FB_FACTS_FACTS_H
#define FB_FACTS_FACTS_H

#include <jansson.h>

#include "base/arena.h"

enum { FB_FACTS_MAX = 65536, FB_FACTS_WORDS = 16384 };

/* Parses and checks the shape; caller: json_decref. A fault says what is wrong, never the content. */
int fb_facts_parse(struct fb_str text, json_t **ret, struct fb_err *err);

#endif
