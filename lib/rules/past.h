/* What was before a message: who was on its thread, who exchanged mail alone with its sender, and what it answers. Known from
 * the history; who is answered and when also from what introduces the quoted mail. Nothing is claimed that is not known. */
#ifndef FB_RULES_PAST_H
#define FB_RULES_PAST_H

#include "history/history.h"
#include "rules/map.h"

struct fb_case;
struct fb_conf;
struct fb_envelope;
struct fb_headers;
struct fb_people;

struct fb_past {
    size_t n;
    const struct fb_history_person *people; /* of whom the history was asked */
    struct fb_map by_addr;                  /* value: index + 1 */
    bool thread_known;                      /* who is on none of its earlier mails is new on it */
    bool answers;                           /* it answers a mail whose author is known to be ours or not: */
    bool answered_inside;
    bool quoted;                            /* the quoted reply tells so, not the history */
    int64_t answered_s;                     /* when that was sent; INT64_MIN: unknown */
};
#define FB_PAST_NONE ((struct fb_past){.answered_s = INT64_MIN})

/* Of people past this number nothing is known: a message is not worth more look-ups. */
enum { FB_PAST_ASKED = 96 };

/* Fills past of @c, which is made. @history NULL: nothing was seen. One that fails knows nothing, and tells why itself
 * (fb_history_fault). Fails for lack of memory alone. */
int fb_past_read(struct fb_arena *arena, struct fb_history *history, struct fb_case *c, struct fb_err *err);

/* Whether @addr was in no From, To or Cc of a thread that is known. */
bool fb_past_unaddressed(const struct fb_past *past, struct fb_str addr);
/* Whether @addr has not read a mail of a thread that is known, not even through a list. */
bool fb_past_added(const struct fb_past *past, struct fb_str addr);
/* Whether @addr and the sender exchanged mail alone, outside this thread. */
bool fb_past_alone(const struct fb_past *past, struct fb_str addr);

/* What a mail teaches (policy.h: fb_learn), once scope lets it. @now_s INT64_MIN: its Date alone says when it was sent. All of *ret lives in
 * @arena. Outcome: FB_LEARN_NOTHING. Fails for lack of memory alone. */
int fb_past_lesson(struct fb_arena *arena, const struct fb_conf *conf, const struct fb_people *people, const struct fb_envelope *env,
                   const struct fb_headers *h, int64_t now_s, struct fb_history_mail *ret, struct fb_err *err);

#endif
