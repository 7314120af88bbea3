/* The work: everything that the keeper does by itself, in one thread, in rounds. A round looks at every open hold that is
 * due and does what its state asks for. Each step does the whole of its state's work again, so that a kill at any point
 * is repaired by the next round. */
#ifndef FB_KEEPER_WORK_H
#define FB_KEEPER_WORK_H

#include "keeper.h"
#include "later.h"
#include "wire/queue.h"

enum { FB_BATCH = 200, FB_OPEN_MAX = 20000 };
enum { FB_ROUND_ARENA = 64 << 20 };

struct fb_work {
    const struct fb_keeper *k;
    struct fb_store *store; /* NULL: it could not be opened, or failed */
    struct fb_later later;  /* holds to be tried again */
    struct fb_later owed;   /* held ones whose notice may not have been accepted yet */
    struct fb_later by_marker; /* released while the store was away, which does not know it yet */
    int64_t now_s, now_ms;  /* of this round: wall clock, and the clock that never jumps */
    int64_t helper_ms, store_ms, reconcile_ms; /* not before */
    unsigned helper_tries, store_tries; /* in vain, in a row; what is the matter is logged at the first */
    int64_t store_since_ms; /* when it began to fail */
    uint64_t store_file;    /* its inode: 0 where it is not there */
    bool again;             /* the round left something that is due */
    struct fb_err err;      /* of the store: a function here that returns -1 has set it, and the round ends */
};

void fb_work_init(struct fb_work *w, const struct fb_keeper *k);
void fb_work_done(struct fb_work *w);
/* Does all that is due now. Returns for how many milliseconds nothing will be. */
int fb_work_round(struct fb_work *w, int64_t now_s, int64_t now_ms);
/* Rounds until a signal comes in on @signal_fd. */
int fb_work_run(struct fb_work *w, int signal_fd, struct fb_err *err);

/* True once what may block (SMTP, fetching) and began at @from_ms has taken enough of this round: deadlines must not wait
 * for it. Counted from where it began: it must get its turn also in rounds that were long before. */
bool fb_work_long(int64_t from_ms);

/* --- steps.c: what each state asks for. @v: @n holds that are due, at most FB_BATCH, each queue id once --- */
int fb_do_pending(struct fb_work *w, struct fb_arena *arena, struct fb_hold *v, size_t n);
int fb_do_held(struct fb_work *w, struct fb_arena *arena, struct fb_hold *v, size_t n);
int fb_do_releasing(struct fb_work *w, struct fb_arena *arena, struct fb_hold *v, size_t n);
/* Notes what was released by markers, before anything else finds it missing. */
int fb_do_by_marker(struct fb_work *w);
/* --- withdraw.c --- */
int fb_do_withdrawing(struct fb_work *w, struct fb_arena *arena, struct fb_hold *v, size_t n);
/* --- notices.c --- */
int fb_do_advised(struct fb_work *w, struct fb_arena *arena, struct fb_hold *v, size_t n);
/* The notices that are owed and due, and the mails that follow them. */
int fb_do_owed(struct fb_work *w);
/* The link to the page. @key: what opens it, or fb_link_keyless: then the page has all but what is sealed. */
int fb_make_link(const struct fb_work *w, struct fb_arena *arena, const struct fb_hold *hold, const uint8_t *key, struct fb_str *ret, struct fb_err *err);
/* Whether an answer by mail to what we write about it would count: there was a login. */
bool fb_answer_counts(const struct fb_hold *hold);
/* Where a notice, or later mail, was put off. */
int fb_notice_again(struct fb_work *w, struct fb_later *l, const struct fb_hold *hold, unsigned first, const char *reason);
/* What the page shows, and its key, where that is kept. */
int fb_open_page(const struct fb_work *w, struct fb_arena *arena, const struct fb_hold *hold, struct fb_str *ret_key, struct fb_str *ret_plain,
                 struct fb_err *err);
/* pending -> held, with the page sealed anew and the notice owed; released at once where that cannot be. */
int fb_hold_it(struct fb_work *w, const struct fb_hold *hold);
/* Look at this held one's notice. */
void fb_owe(struct fb_work *w, struct fb_hold_id id);

/* --- follow.c: the mails that follow a notice --- */
/* The one that is owed for @hold. */
int fb_tell_later(struct fb_work *w, const struct fb_hold *hold);
/* Reminds its sender, where it is time. */
int fb_remind(struct fb_work *w, const struct fb_hold *hold);
/* --- posts.c: what the milter's letters ask for --- */
int fb_do_posts(struct fb_work *w);

/* One step of the table, by the keeper. The log tells it and, where @to is closed, the marker is removed. That another made a
 * step meanwhile is no fault: the next round sees it. */
int fb_go(struct fb_work *w, const struct fb_hold *hold, enum fb_state to, const char *why);
/* The same, and one line in the log that says what is wrong with it. */
int fb_go_wrong(struct fb_work *w, const struct fb_hold *hold, enum fb_state to, const char *event, const char *why);
/* held -> releasing, since its sender cannot be told. */
int fb_release_untold(struct fb_work *w, const struct fb_hold *hold, const char *event, const char *why);

/* --- ask.c: the helper. FB_AWAY: it does not answer; everything stays as it is --- */
enum { FB_AWAY = 1 };
int fb_ask_look_up(struct fb_work *w, struct fb_arena *arena, const struct fb_hold *v, size_t n, struct fb_queue_reply *ret);
int fb_ask(struct fb_work *w, struct fb_arena *arena, enum fb_queue_op op, struct fb_queue_file *v, size_t n, struct fb_queue_reply *ret);
int fb_ask_fetch(struct fb_work *w, struct fb_arena *arena, const struct fb_queue_file *file, enum fb_queue_outcome *ret, struct fb_str *ret_message);
/* Is the file that was found the message that was meant? */
bool fb_is_meant(const struct fb_work *w, const struct fb_hold *hold, const struct fb_queue_mail *mail);
/* Of @all: the first that are due, each queue id once. */
size_t fb_pick(struct fb_work *w, const struct fb_hold *all, size_t n, struct fb_hold *ret, size_t max);

/* --- reconcile.c --- */
/* Store, markers and queue agree afterwards, as far as each can be asked. */
int fb_reconcile(struct fb_work *w);
/* Releases what is past its deadline by the markers alone: the store cannot be used. */
void fb_deadlines_by_marker(struct fb_work *w);

#endif
