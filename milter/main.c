/* forbear-milter: reads outgoing mail as the MTA hands it on, and asks for the few messages that their sender may regret
 * to be held. Starts, stops, and gives the parts to each other; it decides nothing itself.
 *
 * DIAGNOSTICS: a fault at start is one line, and the exit code of daemon.h: 64 for the command line, 78 for the
 * configuration and the keys, 1 for the rest. */
#include <libmilter/mfapi.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "callbacks.h"
#include "clerk.h"
#include "daemon/daemon.h"
#include "daemon/log.h"
#include "mail/message.h"

enum { DRAIN_MS = 5000 };

/* Not on the stack: libmilter's threads may outlive main by a moment. */
static struct milter milter;
static struct clerk clerk;

/* The path of the configuration, or NULL after a complaint. */
static const char *options(int argc, char **argv)
{
    const char *path = FB_CONF_PATH;
    for (int c; (c = getopt(argc, argv, "c:")) != -1;)
        path = c == 'c' ? optarg : NULL;
    if (path && optind == argc)
        return path;
    fprintf(stderr, "usage: forbear-milter [-c CONF]\n");
    return NULL;
}

static int fail(int code, const struct fb_err *err)
{
    fb_log(FB_LOG_ERROR, "start_failed", "error=%s", fb_log_quote(fb_str(err->text)));
    return code;
}

/* Lets those that have the whole message finish, so that a stop costs no verdict. */
static void drain(void)
{
    int64_t until_ms = fb_clock_ms() + DRAIN_MS;
    while (atomic_load(&milter.working) && fb_clock_ms() < until_ms)
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
}

static int serve(const struct fb_conf *conf)
{
    struct fb_err err;
    if (callbacks_open(&milter, conf, &err) < 0 || clerk_start(&clerk, &milter, &err) < 0)
        return fail(FB_EXIT_FAILED, &err);
    fb_log(FB_LOG_INFO, "started", "socket=%s mode=%s", fb_log_quote(fb_str(conf->milter_socket)), fb_mode_name(conf->forbear_mode));
    fb_notify_ready();
    int rc = smfi_main();
    drain();
    clerk_stop(&clerk);
    fb_log(FB_LOG_INFO, "stopped", "clean=%s", rc == MI_SUCCESS ? "yes" : "no");
    return rc == MI_SUCCESS ? FB_EXIT_OK : FB_EXIT_FAILED;
}

int main(int argc, char **argv)
{
    struct fb_err err;
    const char *conf_path = options(argc, argv);
    if (!conf_path)
        return FB_EXIT_USAGE;
    umask(0007);
    signal(SIGPIPE, SIG_IGN);
    openlog("forbear-milter", LOG_PID, LOG_MAIL); /* for libmilter's own words */
    fb_log_init("forbear-milter", FB_LOG_INFO);
    fb_message_init();
    if (fb_crypto_init(&err) < 0 || gate_init(&milter.gate, &err) < 0 || counts_init(&milter.counts, &err) < 0 ||
        holds_init(&milter.holds, &err) < 0)
        return fail(FB_EXIT_FAILED, &err);
    if (generations_init(&milter.generations, conf_path, &err) < 0)
        return fail(FB_EXIT_CONFIG, &err);
    struct generation *g = generation_take(&milter.generations);
    fb_log_level((enum fb_log)g->conf->forbear_log_level);
    int code = serve(g->conf);
    generation_drop(g);
    return code;
}
