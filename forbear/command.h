/* What the families of commands share. A command gets the words from its own name on, and returns an exit code. */
#ifndef FORBEAR_COMMAND_H
#define FORBEAR_COMMAND_H

#include "conf/conf.h"
#include "daemon/daemon.h"
#include "tls/tls.h"

enum { EXIT_WOULD_TELL = 10, EXIT_WOULD_HOLD = 20 }; /* of check */

int check_main(int argc, char **argv);
int config_main(int argc, char **argv);
int eval_main(int argc, char **argv);
int keygen_main(int argc, char **argv);
int list_main(int argc, char **argv);
int events_main(int argc, char **argv);
int release_main(int argc, char **argv);
int withdraw_main(int argc, char **argv);
int counts_main(int argc, char **argv);

/* Says on standard error how @command is used. FB_EXIT_USAGE. */
int command_usage(const char *command);
/* Says on standard error what failed. FB_EXIT_FAILED. */
int command_failed(const struct fb_err *err);
/* The same of the configuration. FB_EXIT_CONFIG. */
int command_misconfigured(const struct fb_err *err);

/* Why senders may not reach the page at web.base_url, one reason a line; empty: nothing speaks against it. @tls NULL:
 * the page has no certificate. */
struct fb_str reach_warnings(const struct fb_conf *conf, const struct fb_tls *tls, int64_t now_s, struct fb_arena *arena);

static inline void command_conf_cleanup(struct fb_conf **conf)
{
    fb_conf_free(*conf);
}
#define CONF __attribute__((cleanup(command_conf_cleanup))) struct fb_conf *

#endif
