/* The work's rounds: when to look at what. It sleeps until a marker appears, a letter comes, the desk rings or something is due, and never
 * longer than a few seconds, so that a wall clock that jumps moves no deadline by more than that.
 *
 * DIAGNOSTICS: logs store_away once, with the reason, and store_back; store_set_aside where it was damaged. */
#include "work.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include "base/io.h"
#include "daemon/daemon.h"
#include "daemon/log.h"

enum { SLEEP_MIN_MS = 20, SLEEP_MAX_MS = 3000, ROUND_LONG_MS = 2000, STORE_FIRST_MS = 500, STORE_MAX_MS = 15000 };

typedef int do_fn(struct fb_work *w, struct fb_arena *arena, struct fb_hold *v, size_t n);

/* What each open state asks for, in the order of a round: what must not wait comes first. @max: how many are listed, oldest
 * deadline first; of held ones the first few tell whether any is due. */
static const struct {
    enum fb_state state;
    size_t max;
    do_fn *fn;
} work[] = {
    {FB_STATE_held, FB_BATCH, fb_do_held},
    {FB_STATE_releasing, FB_OPEN_MAX, fb_do_releasing},
    {FB_STATE_pending, FB_OPEN_MAX, fb_do_pending},
    {FB_STATE_withdrawing, FB_OPEN_MAX, fb_do_withdrawing},
    {FB_STATE_advised, FB_OPEN_MAX, fb_do_advised},
};

void fb_work_init(struct fb_work *w, const struct fb_keeper *k)
{
    *w = (struct fb_work){.k = k};
}

void fb_work_done(struct fb_work *w)
{
    fb_store_close(w->store);
    fb_later_done(&w->later);
    fb_later_done(&w->owed);
    fb_later_done(&w->by_marker);
    w->store = NULL;
}

bool fb_work_long(int64_t from_ms)
{
    return fb_clock_ms() - from_ms > ROUND_LONG_MS;
}

/* --- the store --- */

static void store_failed(struct fb_work *w)
{
    int64_t wait = STORE_FIRST_MS;
    for (unsigned i = 0; i < w->store_tries && wait < STORE_MAX_MS; i++)
        wait *= 2;
    if (w->store_tries++ == 0) {
        w->store_since_ms = w->now_ms;
        fb_log(FB_LOG_ERROR, "store_away", "reason=%s", fb_log_quote(fb_str(w->err.text)));
    }
    w->store_ms = w->now_ms + (wait < STORE_MAX_MS ? wait : STORE_MAX_MS);
}

static int set_aside(struct fb_work *w)
{
    const char *dir = w->k->conf->forbear_state_dir;
    fb_store_close(w->store);
    w->store = NULL;
    fb_log(FB_LOG_ERROR, "store_set_aside", "dir=%s reason=%s", dir, fb_log_quote(fb_str(w->err.text)));
    return fb_store_set_aside(dir, w->now_s, &w->err);
}

/* The store opens itself anew where its file was deleted or replaced; what that lost must be found at once. */
static void store_compare(struct fb_work *w)
{
    char path[PATH_MAX];
    struct stat st;
    snprintf(path, sizeof path, "%s/forbear.db", w->k->conf->forbear_state_dir);
    uint64_t is = stat(path, &st) == 0 ? st.st_ino : 0;
    if (is != w->store_file)
        w->reconcile_ms = w->now_ms;
    w->store_file = is;
}

static int store_want(struct fb_work *w)
{
    const char *dir = w->k->conf->forbear_state_dir;
    if (w->store)
        return 0;
    int rc = fb_store_open(dir, FB_STORE_BUSY_MS, &w->store, &w->err);
    if (rc == FB_STORE_DAMAGED)
        rc = set_aside(w) ? -1 : fb_store_open(dir, FB_STORE_BUSY_MS, &w->store, &w->err);
    return rc ? -1 : 0;
}

/* --- a round --- */

static int do_state(struct fb_work *w, size_t row)
{
    FB_ARENA arena = fb_arena_new(FB_ROUND_ARENA);
    struct fb_hold *all, due[FB_BATCH];
    size_t n;
    if (!arena)
        return fb_fail_memory(&w->err);
    if (fb_store_list(w->store, work[row].state, work[row].max, arena, &all, &n, &w->err))
        return -1;
    n = fb_pick(w, all, n, due, FB_BATCH);
    return n ? work[row].fn(w, arena, due, n) : 0;
}

static int do_all(struct fb_work *w)
{
    if (store_want(w))
        return -1;
    store_compare(w);
    if (fb_do_by_marker(w))
        return -1;
    if (w->now_ms >= w->reconcile_ms && fb_reconcile(w))
        return -1;
    if (fb_do_posts(w))
        return -1;
    for (size_t row = 0; row < sizeof work / sizeof *work; row++)
        if (do_state(w, row))
            return -1;
    return fb_do_owed(w);
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* What waits for the helper does not wake us while that is away. */
static int64_t next_ms(struct fb_work *w)
{
    int64_t deadline_s = INT64_MAX, next = w->now_ms + SLEEP_MAX_MS;
    if (w->again)
        return w->now_ms;
    fb_store_next_deadline(w->store, &deadline_s, NULL);
    if (deadline_s < w->now_s + SLEEP_MAX_MS / 1000)
        next = earlier(next, w->now_ms + (deadline_s - w->now_s) * 1000);
    int64_t later = fb_later_next(&w->later);
    next = earlier(next, w->helper_tries ? w->helper_ms : later);
    return earlier(next, earlier(fb_later_next(&w->owed), w->reconcile_ms));
}

/* While the store fails, the markers say what must be released. */
static int round_failed(struct fb_work *w)
{
    store_failed(w);
    if (w->store && fb_store_damaged(w->store) && set_aside(w) == 0)
        w->store_ms = w->now_ms;
    else
        fb_deadlines_by_marker(w);
    return (int)earlier(w->store_ms - w->now_ms, SLEEP_MAX_MS);
}

int fb_work_round(struct fb_work *w, int64_t now_s, int64_t now_ms)
{
    w->now_s = now_s;
    w->now_ms = now_ms;
    w->again = false;
    if (now_ms < w->store_ms) {
        fb_deadlines_by_marker(w);
        return (int)earlier(w->store_ms - now_ms, SLEEP_MAX_MS);
    }
    if (do_all(w))
        return round_failed(w);
    if (w->store_tries)
        fb_log(FB_LOG_INFO, "store_back", "tries=%u", w->store_tries);
    w->store_tries = 0;
    int64_t wait = next_ms(w) - now_ms;
    return w->again ? 0 : wait < SLEEP_MIN_MS ? SLEEP_MIN_MS : (int)wait;
}

/* --- what wakes it --- */

static void watch(const struct fb_work *w, int fd)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/markers", w->k->conf->forbear_state_dir);
    inotify_add_watch(fd, path, IN_MOVED_TO | IN_ATTRIB); /* a hold; a letter touches the folder. Where it is not there, the sleep's bound must do */
}

static void drain(int fd)
{
    char bytes[4096];
    while (read(fd, bytes, sizeof bytes) > 0)
        ;
}

int fb_work_run(struct fb_work *w, int signal_fd, struct fb_err *err)
{
    FB_FD inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (inotify < 0)
        return fb_fail_errno(err, "inotify");
    struct pollfd fds[] = {{.fd = signal_fd, .events = POLLIN}, {.fd = w->k->wake_fd, .events = POLLIN}, {.fd = inotify, .events = POLLIN}};
    for (;;) {
        watch(w, inotify); /* again each time: the folder may have been made anew */
        int wait = fb_work_round(w, fb_now_s(), fb_clock_ms());
        if (poll(fds, 3, wait) < 0 && errno != EINTR)
            return fb_fail_errno(err, "poll");
        if (fds[0].revents)
            return 0;
        drain(w->k->wake_fd);
        drain(inotify);
    }
}
