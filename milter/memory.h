/* What the milter remembers: the history, learned from every mail that is seen and asked for every one that is judged. It
 * holds up no mail and fails none: what cannot be kept is forgotten, and where nothing can be asked nothing is known. */
#ifndef FB_MILTER_MEMORY_H
#define FB_MILTER_MEMORY_H

#include <pthread.h>
#include <stdatomic.h>

#include "generation.h"

/* Notes that wait to be written; of a mail to five people there is room for 3,000. */
enum { MEMORY_BATCH = 32 * 1024 };
struct memory_batch {
    size_t n, forgotten; /* numbers; mails for which there was no room */
    uint64_t v[MEMORY_BATCH];
};

struct memory {
    pthread_mutex_t lock;
    pthread_cond_t wake; /* of the writer */
    pthread_t thread;
    bool started, stop;
    struct memory_batch batch[2]; /* one is filled while the other is written */
    int filling;
    atomic_bool damaged; /* a reader says so */
    atomic_bool told;    /* of a fault: it is not told again before the writer has opened the database anew */
    atomic_llong retry_ms; /* of fb_clock_ms: readers that failed do not try again before */
    struct generations *generations;

    /* the writer's own */
    struct fb_history *history; /* NULL: to be opened */
    char *dir;                  /* where it is */
    uint8_t key[FB_HASH_KEY];   /* what it was opened with */
    unsigned slice;             /* of the database, the next to be cleared of what is old */
    int64_t cleared_s;
};

int memory_init(struct memory *m, struct generations *generations, struct fb_err *err);
/* Starts the writer, which writes a second after something was learned, and clears away what is old. */
int memory_start(struct memory *m, struct fb_err *err);
/* Writes what waits, and stops the writer. */
void memory_stop(struct memory *m);
void memory_done(struct memory *m);

/* One step of the writer, for tests that run without its thread. */
void memory_write(struct memory *m, int64_t now_s);

/* Whether mail is learned from under @g. */
bool memory_works(const struct generation *g);
/* Any thread; waits for no I/O. */
void memory_learn(struct memory *m, const struct generation *g, const struct fb_history_mail *mail);

/* A connection to ask, for one message; NULL: nothing is known. Give it back after the message was judged. */
struct fb_history *memory_take(struct memory *m, struct generation *g);
void memory_give(struct memory *m, struct generation *g, struct fb_history *h); /* NULL is allowed */

#endif
