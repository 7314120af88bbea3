/* What the gateway saw before: who was on which thread, who exchanged mail alone, when a mail was sent and whether one of
 * ours wrote it. A database of its own (SQLite), apart from the store: losing it costs no mail, only what is known.
 *
 * Nothing in it can be read. Every row is a number of 64 bits, keyed BLAKE2b of what it stands for: a Message-ID; a thread
 * and an address together; two addresses together. No row stands for a person, so that what somebody wrote, or to whom,
 * cannot be gathered from it, not even under a false name. Beside the numbers there are times, which mails were of one thread,
 * and whether an author was one of ours. Rows that nobody has met for as long as the configuration says are removed (fb_history_forget).
 *
 * Addresses are lower case; Message-IDs have their <>. */
#ifndef FB_HISTORY_HISTORY_H
#define FB_HISTORY_HISTORY_H

#include "base/arena.h"

enum { FB_HISTORY_KEY = 32 };

/* Bounds of one mail: past them the rest is not learned. References: the first, the thread's beginning, and the last. */
enum { FB_HISTORY_REFERENCES = 30, FB_HISTORY_READERS = 200 };

struct fb_history_mail { /* what one mail teaches */
    struct fb_str id, in_reply_to;   /* empty: it has none */
    size_t references_n;
    const struct fb_str *references; /* oldest first */
    struct fb_str author;
    bool author_inside;
    size_t addressed_n, readers_n;   /* readers[0] to [addressed_n - 1] are in To and Cc, the others read it through a list */
    const struct fb_str *readers;
    bool more;                       /* readers than are named here */
    bool alone;                      /* readers[0] is the only one, and no list */
    int64_t sent_s;                  /* INT64_MIN: unknown, as if it had only been referred to */
};

/* A key that is known nowhere else. */
void fb_history_key_new(uint8_t ret[FB_HISTORY_KEY]);

/* ---- learning ---- */

/* A mail as numbers alone, on its way to the database: nothing readable waits in memory. */
struct fb_history_note {
    size_t n;
    uint64_t v[3 + FB_HISTORY_REFERENCES + 1 + 1 + FB_HISTORY_READERS + 1];
};
void fb_history_pack(const uint8_t key[FB_HISTORY_KEY], const struct fb_history_mail *mail, struct fb_history_note *ret);

/* ---- the database: a connection, for one thread at a time ---- */

struct fb_history;

/* FB_HISTORY_DAMAGED: the file is no database, or broken. It may be removed (fb_history_remove): nothing else depends on it. */
enum { FB_HISTORY_DAMAGED = 1 };

/* Opens <dir>/history.db; where @make is set, makes it (mode 0600) if it is not there. @dir NULL: one in memory alone.
 * Never waits for a lock longer than @busy_ms. Outcome: FB_HISTORY_DAMAGED. */
int fb_history_open(const char *dir, const uint8_t key[FB_HISTORY_KEY], bool make, int busy_ms, struct fb_history **ret, struct fb_err *err);
void fb_history_close(struct fb_history *h); /* NULL is allowed */
static inline void fb_history_cleanup(struct fb_history **h) { fb_history_close(*h); }
#define FB_HISTORY __attribute__((cleanup(fb_history_cleanup))) struct fb_history *
/* What the last call on @h came to, for who did not make it: 0, FB_HISTORY_DAMAGED, or < 0. */
int fb_history_fault(const struct fb_history *h, struct fb_err *err);
/* Removes the database of @dir; connections to it must be closed. */
int fb_history_remove(const char *dir, struct fb_err *err);

/* Writes notes that were packed with the key of @h, in one transaction: the v of one behind that of the other, @n numbers in
 * all. Outcome: FB_HISTORY_DAMAGED. */
int fb_history_learn(struct fb_history *h, const uint64_t *notes, size_t n, int64_t now_s, struct fb_err *err);

/* Removes what was last met before @before_s from one of FB_HISTORY_SLICES slices of the database, *@slice, and counts that
 * on, so that a call is short however much there is. Outcome: FB_HISTORY_DAMAGED. */
enum { FB_HISTORY_SLICES = 1024 };
int fb_history_forget(struct fb_history *h, int64_t before_s, unsigned *slice, struct fb_err *err);

/* ---- asking ---- */

struct fb_history_person { /* @addr is the caller's; the rest is answered */
    struct fb_str addr;
    bool addressed; /* was in From, To or Cc of a mail of the thread */
    bool on_thread; /* that, or read one through a list */
    bool alone;     /* exchanged mail alone with the sender, outside the thread */
};

struct fb_history_question {
    struct fb_str sender, in_reply_to;
    size_t references_n;
    const struct fb_str *references;
    int64_t since_s; /* mail alone counts from here on; INT64_MIN: whenever it was */
};

struct fb_history_answer {
    bool thread_known;    /* the mail that is answered was seen, so that who is not on the thread is new on it */
    int64_t answered_s;   /* when that was sent; INT64_MIN: unknown */
    bool answered_inside; /* one of ours wrote it */
};

/* What is known of a mail and of the @n people, as of one moment. Outcome: FB_HISTORY_DAMAGED. */
int fb_history_ask(struct fb_history *h, const struct fb_history_question *q, struct fb_history_person *people, size_t n,
                   struct fb_history_answer *ret, struct fb_err *err);

#endif
