/* forbear-web: the page behind the links. It reads the templates and the public keys, listens on a socket that is handed
 * to it, and asks the keeper; it opens no database, no queue and no secret key, and decides nothing.
 *
 * DIAGNOSTICS: a configuration, template or key that cannot be used ends it at once with FB_EXIT_CONFIG and one line
 * that says which. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/io.h"
#include "conf/conf.h"
#include "daemon/daemon.h"
#include "daemon/log.h"
#include "hold/seal.h"
#include "web/desk.h"
#include "web/server.h"

enum { SITE_MEMORY = 4 << 20, REAP_MS = 1000 };

static int listen_open(const struct fb_conf *conf, int *ret_fd, struct fb_err *err)
{
    if (fb_listen_handed(1, ret_fd, err))
        return -1;
    return *ret_fd >= 0 ? 0 : fb_tcp_listen(conf->web_listen, ret_fd, err);
}

/* True when a signal asks us to stop. SIGUSR1 is for programs that have a policy to load. */
static bool told_to_stop(int signal_fd)
{
    struct signalfd_siginfo what;
    ssize_t n = read(signal_fd, &what, sizeof what);
    return n == sizeof what && what.ssi_signo != SIGUSR1;
}

static int serve_until_told(struct web_server *server, int signal_fd, struct fb_err *err)
{
    struct pollfd wait = {.fd = signal_fd, .events = POLLIN};
    for (;;) {
        int n = poll(&wait, 1, REAP_MS);
        if (n < 0 && errno != EINTR)
            return fb_fail_errno(err, "poll");
        if (n > 0 && told_to_stop(signal_fd))
            return 0;
        web_server_reap(server);
    }
}

/* What must be sound before anybody is answered. */
static int prepare(const struct fb_conf *conf, struct fb_arena *arena, struct web_site *site, struct web_desk *desk, struct fb_err *err)
{
    if (fb_crypto_init(err) || web_desk_open(conf, desk, err))
        return -1;
    return web_site_open(conf->web_base_url, conf->hold_after_delay == FB_AFTER_DELAY_WITHDRAW, conf->forbear_data_dir,
                         conf->notice_language, arena, site, err);
}

static int serve(const struct fb_conf *conf, const struct web_site *site, const struct web_desk *desk, struct fb_err *err)
{
    FB_FD signal_fd = -1;
    int listen_fd;
    struct web_server *server;
    if (fb_signals_open(&signal_fd, err) || listen_open(conf, &listen_fd, err) ||
        web_server_open(listen_fd, (unsigned)conf->web_connections, (unsigned)conf->web_timeout, site, desk, &server, err))
        return -1;
    fb_notify_ready();
    fb_log(FB_LOG_INFO, "started", "version=%s base_url=%s", FORBEAR_VERSION, fb_log_quote(fb_str(conf->web_base_url)));
    int rc = serve_until_told(server, signal_fd, err);
    web_server_close(server);
    fb_log(FB_LOG_INFO, "stopped", "version=%s", FORBEAR_VERSION);
    return rc;
}

static int failed(const struct fb_err *err, int code)
{
    fb_log(FB_LOG_ERROR, "failed", "error=%s", fb_log_quote(fb_str(err->text)));
    return code;
}

static int run(const char *conf_path)
{
    struct fb_err err = {""};
    struct fb_conf *conf;
    struct web_site site;
    struct web_desk desk;
    FB_ARENA arena = fb_arena_new(SITE_MEMORY);
    fb_log_init("forbear-web", FB_LOG_INFO);
    if (!arena)
        return failed((fb_fail_memory(&err), &err), FB_EXIT_FAILED);
    if (fb_conf_load(conf_path, &conf, &err))
        return failed(&err, FB_EXIT_CONFIG);
    fb_log_level((enum fb_log)conf->forbear_log_level);
    int code = prepare(conf, arena, &site, &desk, &err) ? failed(&err, FB_EXIT_CONFIG)
               : serve(conf, &site, &desk, &err)        ? failed(&err, FB_EXIT_FAILED)
                                                        : FB_EXIT_OK;
    fb_conf_free(conf);
    return code;
}

int main(int argc, char **argv)
{
    const char *conf_path = FB_CONF_PATH;
    int option;
    while ((option = getopt(argc, argv, "c:")) != -1) {
        if (option != 'c')
            return FB_EXIT_USAGE;
        conf_path = optarg;
    }
    if (optind != argc) {
        fprintf(stderr, "usage: forbear-web [-c CONF]\n");
        return FB_EXIT_USAGE;
    }
    return run(conf_path);
}
