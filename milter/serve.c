/* Runs libmilter, and does beside it what no reply may wait for: loading the configuration anew, writing the counters
 * and the history (which has a thread of its own).
 *
 * libmilter has a thread that waits for SIGTERM, SIGINT and SIGHUP and stops it; that cannot be switched off, so SIGHUP
 * cannot mean "reload" here. Left to that thread a stop takes up to 5 seconds, for the listener looks only so often. The
 * kernel prefers a process's first thread where several wait for a signal; so that one waits here, and wakes the listener
 * as soon as it shall stop. Should libmilter's thread be faster, the end is the same, some seconds later.
 *
 * DIAGNOSTICS: a reload that fails and counters that cannot be written are logged, and nothing else happens: the
 * configuration that was good stays in force, and the counts are kept for the next time. */
#include "serve.h"

#include <libmilter/mfapi.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "daemon/daemon.h"
#include "daemon/log.h"

enum { FLUSH_S = 10, WAKE_MS = 20, DRAIN_MS = 5000 };

struct listener {
    pthread_t thread, first;
    atomic_bool ended;
    int rc;
};

static void flush(struct milter *m)
{
    struct fb_err err;
    struct generation *g = generation_take(&m->generations);
    if (counts_flush(&m->counts, g->conf->forbear_state_dir, &err) < 0)
        fb_log(FB_LOG_ERROR, "counts_not_written", "error=%s", fb_log_quote(fb_str(err.text)));
    generation_drop(g);
}

static void reload(struct milter *m)
{
    struct fb_err err;
    if (generations_reload(&m->generations, &err) < 0) {
        fb_log(FB_LOG_ERROR, "reload_failed", "error=%s", fb_log_quote(fb_str(err.text)));
        return;
    }
    struct generation *g = generation_take(&m->generations);
    fb_log_level((enum fb_log)g->conf->forbear_log_level);
    fb_log(FB_LOG_INFO, "reloaded", "mode=%s", fb_mode_name(g->conf->forbear_mode));
    generation_drop(g);
}

static sigset_t our_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    return set;
}

static void pause_ms(int ms)
{
    nanosleep(&(struct timespec){.tv_nsec = ms * 1000000L}, NULL);
}

static void *listen_on(void *arg)
{
    struct listener *l = arg;
    l->rc = smfi_main();
    atomic_store(&l->ended, true);
    pthread_kill(l->first, SIGUSR1);
    return NULL;
}

/* Until a signal, or the end of the listener, says stop. */
static void attend(struct milter *m, struct listener *l)
{
    sigset_t set = our_signals();
    for (int sig = 0; sig != SIGTERM && sig != SIGINT && !atomic_load(&l->ended);) {
        sig = sigtimedwait(&set, NULL, &(struct timespec){.tv_sec = FLUSH_S});
        if (sig == SIGUSR1 && !atomic_load(&l->ended))
            reload(m);
        flush(m);
    }
}

static void nothing(int sig)
{
    (void)sig;
}

/* Hands the signal on to libmilter's thread (smfi_stop would wait here for the listener's lock), and ends the poll(2) after
 * which the listener looks whether it shall stop. */
static void stop(struct listener *l)
{
    kill(getpid(), SIGTERM);
    while (!atomic_load(&l->ended)) {
        pthread_kill(l->thread, SIGUSR2);
        pause_ms(WAKE_MS);
    }
    pthread_join(l->thread, NULL);
}

/* Lets those that have the whole message finish, so that a stop costs no verdict. */
static void drain(struct milter *m)
{
    int64_t until_ms = fb_clock_ms() + DRAIN_MS;
    while (atomic_load(&m->working) && fb_clock_ms() < until_ms)
        pause_ms(WAKE_MS);
}

int serve(struct milter *m, struct fb_err *err)
{
    static struct listener l; /* not on the stack: libmilter's threads may outlive this by a moment */
    sigset_t set = our_signals();
    sigaddset(&set, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    sigaction(SIGUSR2, &(struct sigaction){.sa_handler = nothing}, NULL);
    l.first = pthread_self();
    if (memory_start(&m->memory, err) < 0)
        return -1;
    if (pthread_create(&l.thread, NULL, listen_on, &l))
        return fb_fail(err, "cannot start a thread");
    attend(m, &l);
    stop(&l);
    drain(m);
    memory_stop(&m->memory);
    flush(m);
    return l.rc == MI_SUCCESS ? 0 : fb_fail(err, "libmilter ended with a fault; it logs to syslog which");
}
