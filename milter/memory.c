/* The memory. Learning puts a mail's numbers into a batch, which one thread writes within a second; asking is done by
 * connections that belong to a generation of the configuration, of which there are as many as messages are judged at once.
 * A reply to the MTA waits for a lock alone that is held while a few kilobytes are copied. What was learned is known a
 * second later: a thread is not answered sooner.
 *
 * The database can be lost: one that is damaged is removed and begun anew.
 *
 * DIAGNOSTICS: whatever goes wrong is told in the log, once, until the database could be opened anew. */
#include "memory.h"

#include <stdlib.h>
#include <time.h>

#include "daemon/daemon.h"
#include "daemon/log.h"

enum {
    WRITE_MS = 1000,
    IDLE_MS = 60 * 1000,     /* how often what is old is cleared where nothing is learned */
    RETRY_MS = 10 * 1000,
    READER_BUSY_MS = 0,
    WRITER_BUSY_MS = 500,
    SLICE_S = 4,             /* a slice for as many seconds: all of them in 68 minutes */
    SLICES_AT_ONCE = 32,
};

_Static_assert((int)FB_HISTORY_KEY == (int)FB_HASH_KEY, "the history is keyed by the hash key");

static void tell(struct memory *m, const struct fb_err *err)
{
    if (!atomic_exchange(&m->told, true))
        fb_log(FB_LOG_ERROR, "history_failed", "error=%s", fb_log_quote(fb_str(err->text)));
}

static void writer_close(struct memory *m)
{
    fb_history_close(m->history);
    free(m->dir);
    m->history = NULL;
    m->dir = NULL;
}

int memory_init(struct memory *m, struct generations *generations, struct fb_err *err)
{
    pthread_condattr_t attr;
    *m = (struct memory){.generations = generations};
    if (pthread_mutex_init(&m->lock, NULL) || pthread_condattr_init(&attr))
        return fb_fail_memory(err);
    int rc = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    if (!rc)
        rc = pthread_cond_init(&m->wake, &attr);
    pthread_condattr_destroy(&attr);
    return rc ? fb_fail_memory(err) : 0;
}

void memory_done(struct memory *m)
{
    writer_close(m);
    pthread_cond_destroy(&m->wake);
    pthread_mutex_destroy(&m->lock);
}

/* ---- learning ---- */

bool memory_works(const struct generation *g)
{
    return g->conf->history_enabled && g->hashed;
}

void memory_learn(struct memory *m, const struct generation *g, const struct fb_history_mail *mail)
{
    struct fb_history_note note;
    fb_history_pack(g->hash_key, mail, &note);
    pthread_mutex_lock(&m->lock);
    struct memory_batch *b = &m->batch[m->filling];
    if (note.n <= MEMORY_BATCH - b->n) {
        memcpy(b->v + b->n, note.v, note.n * sizeof *note.v);
        b->n += note.n;
    } else {
        b->forgotten++;
    }
    if (b->n == note.n || b->n > MEMORY_BATCH / 2)
        pthread_cond_signal(&m->wake);
    pthread_mutex_unlock(&m->lock);
}

/* ---- writing ---- */

/* A damaged database is removed; nothing but what was known is lost by it. */
static int writer_open_anew(struct memory *m, const struct generation *g, const struct fb_err *why, struct fb_err *err)
{
    const char *dir = g->conf->forbear_state_dir;
    fb_log(FB_LOG_ERROR, "history_damaged", "error=%s answer=\"begun anew\"", fb_log_quote(fb_str(why->text)));
    return fb_history_remove(dir, err) ? -1 : fb_history_open(dir, g->hash_key, true, WRITER_BUSY_MS, &m->history, err);
}

static int writer_open(struct memory *m, const struct generation *g, struct fb_err *err)
{
    struct fb_err why = {.text = "a reader found it damaged"};
    const char *dir = g->conf->forbear_state_dir;
    bool damaged = atomic_exchange(&m->damaged, false);
    if (m->history && !damaged && !strcmp(m->dir, dir) && !memcmp(m->key, g->hash_key, sizeof m->key))
        return 0;
    writer_close(m);
    if (!(m->dir = strdup(dir)))
        return fb_fail_memory(err);
    memcpy(m->key, g->hash_key, sizeof m->key);
    int rc = damaged ? FB_HISTORY_DAMAGED : fb_history_open(dir, g->hash_key, true, WRITER_BUSY_MS, &m->history, &why);
    if (rc == FB_HISTORY_DAMAGED)
        rc = writer_open_anew(m, g, &why, err);
    else if (rc)
        *err = why;
    if (rc == 0)
        atomic_store(&m->told, false);
    return rc;
}

/* As many slices as time has passed for since the last call. */
static int clear_old(struct memory *m, int64_t now_s, int64_t keep_s, struct fb_err *err)
{
    int64_t due = 1 + (now_s - m->cleared_s) / SLICE_S;
    int rc = 0;
    if (now_s - m->cleared_s < SLICE_S)
        return 0;
    for (int64_t i = 0; i < due && i < SLICES_AT_ONCE && !rc; i++)
        rc = fb_history_forget(m->history, now_s - keep_s, &m->slice, err);
    m->cleared_s = now_s;
    return rc;
}

static struct memory_batch *batch_take(struct memory *m)
{
    pthread_mutex_lock(&m->lock);
    struct memory_batch *b = &m->batch[m->filling];
    m->filling = !m->filling;
    pthread_mutex_unlock(&m->lock);
    return b;
}

static int write_batch(struct memory *m, const struct generation *g, const struct memory_batch *b, int64_t now_s, struct fb_err *err)
{
    int rc = writer_open(m, g, err);
    if (!rc && b->n)
        rc = fb_history_learn(m->history, b->v, b->n, now_s, err);
    return rc ? rc : clear_old(m, now_s, g->conf->history_keep, err);
}

void memory_write(struct memory *m, int64_t now_s)
{
    struct fb_err err = {.text = ""};
    struct generation *g = generation_take(m->generations);
    struct memory_batch *b = batch_take(m);
    int rc = memory_works(g) ? write_batch(m, g, b, now_s, &err) : 0;
    if (rc) {
        tell(m, &err);
        atomic_store(&m->damaged, rc == FB_HISTORY_DAMAGED);
    }
    if (rc || !memory_works(g))
        writer_close(m);
    if (b->forgotten)
        fb_log(FB_LOG_INFO, "history_full", "mails=%zu", b->forgotten);
    b->n = b->forgotten = 0;
    generation_drop(g);
}

static struct timespec after_ms(int64_t ms)
{
    int64_t until_ms = fb_clock_ms() + ms;
    return (struct timespec){.tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000};
}

/* Waits for something to be learned, then for more; true: it is time to stop. */
static bool wait(struct memory *m)
{
    struct timespec idle = after_ms(IDLE_MS);
    pthread_mutex_lock(&m->lock);
    while (!m->stop && !m->batch[m->filling].n && !pthread_cond_timedwait(&m->wake, &m->lock, &idle))
        ;
    struct timespec soon = after_ms(WRITE_MS);
    while (!m->stop && m->batch[m->filling].n && m->batch[m->filling].n <= MEMORY_BATCH / 2 && !pthread_cond_timedwait(&m->wake, &m->lock, &soon))
        ;
    bool stop = m->stop;
    pthread_mutex_unlock(&m->lock);
    return stop;
}

static void *write_on(void *arg)
{
    struct memory *m = arg;
    for (bool stop = false; !stop;) {
        stop = wait(m);
        memory_write(m, fb_now_s());
    }
    return NULL;
}

int memory_start(struct memory *m, struct fb_err *err)
{
    memory_write(m, fb_now_s()); /* makes the database, which readers do not */
    if (pthread_create(&m->thread, NULL, write_on, m))
        return fb_fail(err, "cannot start a thread");
    m->started = true;
    return 0;
}

void memory_stop(struct memory *m)
{
    if (!m->started)
        return;
    pthread_mutex_lock(&m->lock);
    m->stop = true;
    pthread_cond_signal(&m->wake);
    pthread_mutex_unlock(&m->lock);
    pthread_join(m->thread, NULL);
    m->started = false;
}

/* ---- asking ---- */

static void reader_failed(struct memory *m, int rc, const struct fb_err *err)
{
    if (rc == FB_HISTORY_DAMAGED)
        atomic_store(&m->damaged, true);
    atomic_store(&m->retry_ms, fb_clock_ms() + RETRY_MS);
    tell(m, err);
}

struct fb_history *memory_take(struct memory *m, struct generation *g)
{
    struct fb_err err;
    struct fb_history *h = generation_reader(g);
    if (h || !memory_works(g) || fb_clock_ms() < atomic_load(&m->retry_ms))
        return h;
    int rc = fb_history_open(g->conf->forbear_state_dir, g->hash_key, false, READER_BUSY_MS, &h, &err);
    if (rc)
        reader_failed(m, rc, &err);
    return rc ? NULL : h;
}

void memory_give(struct memory *m, struct generation *g, struct fb_history *h)
{
    struct fb_err err;
    int rc = h ? fb_history_fault(h, &err) : 0;
    if (rc)
        reader_failed(m, rc, &err);
    if (h && (rc || !generation_keep_reader(g, h)))
        fb_history_close(h);
}
