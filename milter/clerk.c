/* What is done off the path of any reply. SIGTERM, SIGINT and SIGHUP belong to libmilter, whose own thread waits for them
 * and stops smfi_main (SIGHUP too, so it cannot mean "reload" here); SIGUSR1 is ours, and this thread alone waits for it.
 *
 * DIAGNOSTICS: a reload that fails and counters that cannot be written are logged, and nothing else happens: the
 * configuration that was good stays in force, and the counts are kept for the next time. */
#include "clerk.h"

#include <signal.h>

#include "daemon/log.h"

enum { FLUSH_S = 10 };

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

static void *clerk_run(void *arg)
{
    struct clerk *c = arg;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    while (!atomic_load(&c->stop)) {
        int sig = sigtimedwait(&set, NULL, &(struct timespec){.tv_sec = FLUSH_S});
        if (sig == SIGUSR1 && !atomic_load(&c->stop))
            reload(c->m);
        flush(c->m);
    }
    return NULL;
}

int clerk_start(struct clerk *c, struct milter *m, struct fb_err *err)
{
    static const int waited_for[] = {SIGUSR1, SIGTERM, SIGINT, SIGHUP};
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof waited_for / sizeof *waited_for; i++)
        sigaddset(&set, waited_for[i]);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    c->m = m;
    atomic_init(&c->stop, false);
    return pthread_create(&c->thread, NULL, clerk_run, c) ? fb_fail(err, "cannot start a thread") : 0;
}

void clerk_stop(struct clerk *c)
{
    atomic_store(&c->stop, true);
    pthread_kill(c->thread, SIGUSR1);
    pthread_join(c->thread, NULL);
}
