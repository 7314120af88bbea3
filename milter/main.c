/* forbear-milter: reads outgoing mail as the MTA hands it on, and asks for the few messages that their sender may regret
 * to be held. Starts, and gives the parts to each other; it decides nothing itself.
 *
 * DIAGNOSTICS: a fault at start is one line, and the exit code of daemon.h: 64 for the command line, 78 for the
 * configuration and the keys, 1 for the rest. */
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "callbacks.h"
#include "daemon/daemon.h"
#include "daemon/log.h"
#include "mail/message.h"
#include "serve.h"

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

/* A message's memory is freed whole, and the next message wants as much: it is kept, since giving pages back to the kernel
 * and touching new ones costs more than the message's collection. */
static void keep_pages(void)
{
    mallopt(M_MMAP_THRESHOLD, 4 << 20);
    mallopt(M_TRIM_THRESHOLD, 16 << 20);
}

static int fail(int code, const struct fb_err *err)
{
    fb_log(FB_LOG_ERROR, "failed", "error=%s", fb_log_quote(fb_str(err->text)));
    return code;
}

static int run(struct milter *m, const struct fb_conf *conf)
{
    struct fb_err err;
    fb_log_level((enum fb_log)conf->forbear_log_level);
    if (callbacks_open(m, conf, &err) < 0)
        return fail(FB_EXIT_FAILED, &err);
    fb_log(FB_LOG_INFO, "started", "socket=%s mode=%s", fb_log_quote(fb_str(conf->milter_socket)), fb_mode_name(conf->forbear_mode));
    fb_notify_ready();
    if (serve(m, &err) < 0)
        return fail(FB_EXIT_FAILED, &err);
    fb_log(FB_LOG_INFO, "stopped", "socket=%s", fb_log_quote(fb_str(conf->milter_socket)));
    return FB_EXIT_OK;
}

int main(int argc, char **argv)
{
    static struct milter milter; /* not on the stack: libmilter's threads may outlive main by a moment */
    struct fb_err err;
    const char *conf_path = options(argc, argv);
    if (!conf_path)
        return FB_EXIT_USAGE;
    umask(0007);
    signal(SIGPIPE, SIG_IGN);
    openlog("forbear-milter", LOG_PID, LOG_MAIL); /* for libmilter's own words */
    fb_log_init("forbear-milter", FB_LOG_INFO);
    keep_pages();
    fb_message_init();
    if (fb_crypto_init(&err) < 0 || gate_init(&milter.gate, &err) < 0 || counts_init(&milter.counts, &err) < 0 ||
        holds_init(&milter.holds, &err) < 0)
        return fail(FB_EXIT_FAILED, &err);
    if (generations_init(&milter.generations, conf_path, &err) < 0)
        return fail(FB_EXIT_CONFIG, &err);
    if (memory_init(&milter.memory, &milter.generations, &err) < 0)
        return fail(FB_EXIT_FAILED, &err);
    struct generation *g = generation_take(&milter.generations);
    int code = run(&milter, g->conf);
    generation_drop(g);
    return code;
}
