/* forbear-keeper: writes the notices, carries out decisions and deadlines, and keeps store, markers and queue in
 * agreement. Two threads: the desk answers, this one works.
 *
 * DIAGNOSTICS: exit codes of daemon/daemon.h; what keeps it from starting is on standard error. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <sys/stat.h>

#include "base/io.h"
#include "daemon/daemon.h"
#include "daemon/log.h"
#include "desk.h"
#include "mail/message.h"
#include "work.h"

/* NULL where they are wrong. */
static const char *options(int argc, char **argv)
{
    const char *path = FB_CONF_PATH;
    int c;
    while ((c = getopt(argc, argv, "c:")) != -1) {
        if (c != 'c')
            return NULL;
        path = optarg;
    }
    return optind == argc ? path : NULL;
}

static int complain(const struct fb_err *err, int code)
{
    fb_log(FB_LOG_ERROR, "not_started", "reason=%s", fb_log_quote(fb_str(err->text)));
    return code;
}

/* The service manager's socket, or one of our own. */
static int open_desk(const struct fb_conf *conf, int *ret_fd, struct fb_err *err)
{
    if (fb_listen_handed(1, ret_fd, err))
        return -1;
    return *ret_fd >= 0 ? 0 : fb_unix_listen(conf->keeper_socket, 0660, "forbear-web", ret_fd, err);
}

/* Whether the signal that came says so. */
static bool is_reload(int signal_fd)
{
    struct signalfd_siginfo what;
    return read(signal_fd, &what, sizeof what) == sizeof what && what.ssi_signo == SIGUSR1;
}

static void reload(struct fb_keeper *k)
{
    struct fb_err err;
    if (fb_keeper_reload(k, &err))
        fb_log(FB_LOG_ERROR, "reload_failed", "reason=%s", fb_log_quote(fb_str(err.text)));
    else
        fb_log(FB_LOG_INFO, "reloaded", "keys_dir=%s", k->conf->forbear_keys_dir);
}

static int work(struct fb_keeper *k, int signal_fd, struct fb_err *err)
{
    struct fb_work w;
    int rc;
    fb_work_init(&w, k);
    while ((rc = fb_work_run(&w, signal_fd, err)) == 0 && is_reload(signal_fd))
        reload(k);
    fb_work_done(&w);
    return rc;
}

static int serve(struct fb_keeper *k, struct fb_err *err)
{
    FB_FD signal_fd = -1;
    FB_FD listen_fd = -1;
    if (fb_signals_open(&signal_fd, err) || open_desk(k->conf, &listen_fd, err))
        return -1;
    struct fb_desk desk = {.k = k, .listen_fd = listen_fd};
    pthread_t thread;
    if (pthread_create(&thread, NULL, fb_desk_run, &desk))
        return fb_fail(err, "cannot start a thread");
    fb_notify_ready();
    int rc = work(k, signal_fd, err);
    fb_keeper_ring(k->stop_fd);
    pthread_join(thread, NULL);
    return rc;
}

static int with_conf(const struct fb_conf *conf)
{
    struct fb_keeper keeper;
    struct fb_err err;
    fb_log_level((enum fb_log)conf->forbear_log_level);
    int rc = fb_keeper_init(conf, &keeper, &err);
    if (rc == 0)
        rc = serve(&keeper, &err);
    fb_keeper_done(&keeper);
    return rc ? complain(&err, FB_EXIT_FAILED) : FB_EXIT_OK;
}

int main(int argc, char **argv)
{
    struct fb_err err;
    struct fb_conf *conf;
    const char *path = options(argc, argv);
    if (!path) {
        fprintf(stderr, "usage: forbear-keeper [-c CONF]\n");
        return FB_EXIT_USAGE;
    }
    umask(0007); /* the group forbear-store shares what is written */
    fb_log_init("forbear-keeper", FB_LOG_INFO);
    if (fb_conf_load(path, &conf, &err))
        return complain(&err, FB_EXIT_CONFIG);
    if (fb_crypto_init(&err))
        return complain(&err, FB_EXIT_FAILED);
    fb_message_init();
    int code = with_conf(conf);
    fb_conf_free(conf);
    return code;
}
