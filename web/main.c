/* forbear-web: the page behind the links. It reads the templates, the public keys and its own certificate, listens on a
 * socket that is handed to it, and asks the keeper; it opens no database, no queue and no secret key of forbear's, and
 * decides nothing.
 *
 * DIAGNOSTICS: a configuration, template, key or certificate that cannot be used ends it at once with FB_EXIT_CONFIG and
 * one line that says which; at a reload it changes nothing. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
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

/* All that is read anew by a reload. */
struct generation {
    struct fb_conf *conf;
    struct fb_arena *arena;
    struct web_site site;
    struct web_desk desk;
    struct fb_tls tls;
    bool https;
    struct web_server *server;
};

static void generation_free(struct generation *g)
{
    if (!g)
        return;
    web_server_close(g->server);
    fb_arena_free(g->arena);
    fb_conf_free(g->conf);
    free(g);
}

static struct generation *generation_new(void)
{
    struct generation *g = calloc(1, sizeof *g);
    if (g && !(g->arena = fb_arena_new(SITE_MEMORY))) {
        free(g);
        g = NULL;
    }
    return g;
}

static void warn(struct fb_str lines)
{
    struct fb_str line;
    while (fb_str_line(&lines, &line))
        fb_log(FB_LOG_INFO, "template_warning", "warning=%s", fb_log_quote(line));
}

/* What must be sound before anybody is answered. */
static int prepare(struct generation *g, const char *conf_path, struct fb_err *err)
{
    if (fb_conf_load(conf_path, &g->conf, err) || web_desk_open(g->conf, &g->desk, err))
        return -1;
    int rc = fb_tls_load(g->conf->web_tls_certificate, g->conf->web_tls_key, g->arena, &g->tls, err);
    g->https = rc == 0;
    if (rc < 0)
        return -1;
    if (web_site_open(g->conf->web_base_url, g->conf->hold_after_delay == FB_AFTER_DELAY_WITHDRAW, g->conf->forbear_data_dir,
                      g->conf->notice_language, g->arena, &g->site, err))
        return -1;
    warn(g->site.wordings.warnings);
    return 0;
}

/* Each generation has a descriptor of its own for the one listening socket. The key of the certificate stays with GnuTLS alone. */
static int serve(struct generation *g, int listen_fd, struct fb_err *err)
{
    FB_FD own = fcntl(listen_fd, F_DUPFD_CLOEXEC, 0);
    if (own < 0)
        return fb_fail_errno(err, "cannot listen a second time");
    int rc = web_server_open(own, g->conf, g->https ? &g->tls : NULL, &g->site, &g->desk, &g->server, err);
    fb_tls_wipe(&g->tls);
    if (rc)
        return -1;
    own = -1;
    return 0;
}

/* The new one serves before the old one ends. Where it cannot, the old one stays. */
static void reload(struct generation **g, const char *conf_path, int listen_fd)
{
    struct fb_err err = {""};
    struct generation *next = generation_new();
    if (!next || prepare(next, conf_path, &err) || serve(next, listen_fd, &err)) {
        fb_log(FB_LOG_ERROR, "reload_failed", "error=%s", fb_log_quote(fb_str(next ? err.text : "out of memory")));
        generation_free(next);
        return;
    }
    generation_free(*g);
    *g = next;
    fb_log_level((enum fb_log)next->conf->forbear_log_level);
    fb_log(FB_LOG_INFO, "reloaded", "base_url=%s", fb_log_quote(fb_str(next->conf->web_base_url)));
}

/* The signal that came, or 0. */
static int signal_read(int signal_fd)
{
    struct signalfd_siginfo what;
    return read(signal_fd, &what, sizeof what) == sizeof what ? (int)what.ssi_signo : 0;
}

static int serve_until_told(struct generation **g, const char *conf_path, int listen_fd, int signal_fd, struct fb_err *err)
{
    struct pollfd wait = {.fd = signal_fd, .events = POLLIN};
    for (;;) {
        int n = poll(&wait, 1, REAP_MS);
        if (n < 0 && errno != EINTR)
            return fb_fail_errno(err, "poll");
        int signo = n > 0 ? signal_read(signal_fd) : 0;
        if (signo == SIGUSR1)
            reload(g, conf_path, listen_fd);
        else if (signo)
            return 0;
        web_server_reap((*g)->server);
    }
}

static int failed(const struct fb_err *err, int code)
{
    fb_log(FB_LOG_ERROR, "failed", "error=%s", fb_log_quote(fb_str(err->text)));
    return code;
}

static int run(struct generation **g, const char *conf_path)
{
    struct fb_err err = {""};
    FB_FD signal_fd = -1, listen_fd = -1;
    if (fb_crypto_init(&err) || prepare(*g, conf_path, &err))
        return failed(&err, FB_EXIT_CONFIG);
    fb_log_level((enum fb_log)(*g)->conf->forbear_log_level);
    if (fb_signals_open(&signal_fd, &err) || listen_open((*g)->conf, &listen_fd, &err) || serve(*g, listen_fd, &err))
        return failed(&err, FB_EXIT_FAILED);
    fb_notify_ready();
    fb_log(FB_LOG_INFO, "started", "version=%s base_url=%s", FORBEAR_VERSION, fb_log_quote(fb_str((*g)->conf->web_base_url)));
    if (serve_until_told(g, conf_path, listen_fd, signal_fd, &err))
        return failed(&err, FB_EXIT_FAILED);
    fb_log(FB_LOG_INFO, "stopped", "version=%s", FORBEAR_VERSION);
    return FB_EXIT_OK;
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
    fb_log_init("forbear-web", FB_LOG_INFO);
    struct generation *g = generation_new();
    if (!g)
        return FB_EXIT_FAILED;
    int code = run(&g, conf_path);
    generation_free(g);
    return code;
}
