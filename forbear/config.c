/* forbear config: checks a configuration with all that it names, shows the values in force, prints the commented sample.
 * Changes nothing.
 *
 * DIAGNOSTICS: the first fault, with file, line, section and key, and FB_EXIT_CONFIG; warnings go to standard error and
 * leave the exit code alone. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "base/io.h"
#include "command.h"
#include "hold/seal.h"
#include "notice/smtp.h"
#include "rules/policy.h"
#include "template/wording.h"
#include "token/token.h"

#define POSTFIX_MAIN "/etc/postfix/main.cf"

static void policy_cleanup(struct fb_policy **p)
{
    fb_policy_free(*p);
}

static void warn(const char *text)
{
    fprintf(stderr, "warning: %s\n", text);
}

static bool path_of(char ret[PATH_MAX], const char *dir, const char *name, int mode)
{
    return snprintf(ret, PATH_MAX, "%s/%s", dir, name) < PATH_MAX && access(ret, mode) == 0;
}

/* Private keys are looked at by those alone who may read them. */
static int keys_check(const char *dir, struct fb_err *err)
{
    char path[PATH_MAX];
    uint8_t key[FB_BOX_KEY];
    struct fb_verifier *verifier;
    struct fb_signer *signer;
    if (!path_of(path, dir, "public", F_OK)) {
        warn("there are no keys yet: run \"forbear keygen\"");
        return 0;
    }
    if (fb_verifier_open(dir, &verifier, err))
        return -1;
    fb_verifier_close(verifier);
    if (fb_keys_read(dir, "box.pub", key, sizeof key, err))
        return -1;
    if (path_of(path, dir, "signing.key", R_OK)) {
        if (fb_signer_open(dir, &signer, err))
            return -1;
        fb_signer_close(signer);
    }
    return 0;
}

/* postconf(5): the last line of a name counts. */
static bool long_queue_ids(struct fb_str text)
{
    struct fb_str line, value;
    bool set = false;
    while (fb_str_line(&text, &line))
        if (fb_str_split(&line, '=', &value) && line.p && fb_str_eq(fb_str_trim(value), FB_STR("enable_long_queue_ids")))
            set = fb_str_ieq(fb_str_trim(line), FB_STR("yes"));
    return set;
}

static void postfix_check(struct fb_arena *arena)
{
    struct fb_str text;
    if (fb_io_read_file(arena, POSTFIX_MAIN, 1 << 20, &text, NULL) == 0 && !long_queue_ids(text))
        warn(POSTFIX_MAIN " does not say enable_long_queue_ids = yes: nothing can be held");
}

static void warn_lines(struct fb_str lines)
{
    struct fb_str line;
    while (fb_str_line(&lines, &line))
        fprintf(stderr, "warning: %.*s\n", FB_FMT(line));
}

/* Answers to notices are outgoing mail, which the mail server must take before the milter sees it. */
static void notice_check(const struct fb_conf *conf)
{
    struct fb_err err;
    int rc = conf->forbear_mode == FB_MODE_OBSERVE
                 ? 0
                 : fb_smtp_accepts(conf->notice_smtp, (int)conf->notice_timeout, fb_str(conf->notice_from), &err);
    if (rc == FB_SMTP_REFUSED)
        fprintf(stderr, "warning: %s takes no mail to %s, so that no notice can be answered (%s); README says how to route it\n", conf->notice_smtp,
                conf->notice_from, err.text);
    else if (rc)
        fprintf(stderr, "warning: whether %s takes mail to %s could not be tried: %s\n", conf->notice_smtp, conf->notice_from, err.text);
}

static void warnings(const struct fb_policy *policy, struct fb_arena *arena)
{
    warn_lines(fb_policy_warnings(policy, arena));
    postfix_check(arena);
    notice_check(fb_policy_conf(policy));
}

/* The key of a certificate is root's, or the page's; whoever may not read it is not told whether it is sound. */
static int reach_check(const struct fb_conf *conf, struct fb_arena *arena, struct fb_err *err)
{
    struct fb_tls tls;
    if (*conf->web_tls_key && access(conf->web_tls_key, R_OK) < 0 && errno == EACCES) {
        warn("web.tls_key is not for you to read: it is not checked");
        return 0;
    }
    int rc = fb_tls_load(conf->web_tls_certificate, conf->web_tls_key, arena, &tls, err);
    fb_tls_wipe(&tls);
    if (rc >= 0)
        warn_lines(reach_warnings(conf, rc == FB_TLS_NONE ? NULL : &tls, fb_now_s(), arena));
    return rc < 0 ? -1 : 0;
}

static int texts_check(const struct fb_conf *conf, struct fb_arena *arena, struct fb_err *err)
{
    struct fb_wordings wordings;
    if (fb_wordings_open(conf->forbear_data_dir, conf->notice_language, arena, &wordings, err))
        return -1;
    warn_lines(wordings.warnings);
    return 0;
}

static int check(const char *path)
{
    struct fb_err err;
    __attribute__((cleanup(policy_cleanup))) struct fb_policy *policy = NULL;
    FB_ARENA arena = fb_arena_new(4 << 20);
    if (!arena)
        return fb_fail_memory(&err), command_failed(&err);
    if (fb_policy_load(path, NULL, &policy, &err))
        return command_misconfigured(&err);
    const struct fb_conf *conf = fb_policy_conf(policy);
    if (keys_check(conf->forbear_keys_dir, &err) || reach_check(conf, arena, &err) || texts_check(conf, arena, &err))
        return command_misconfigured(&err);
    warnings(policy, arena);
    printf("%s: OK\n", path);
    return FB_EXIT_OK;
}

static int print(struct fb_str text)
{
    struct fb_err err;
    if (!text.p)
        return fb_fail_memory(&err), command_failed(&err);
    fwrite(text.p, 1, text.n, stdout);
    return FB_EXIT_OK;
}

static int show(const char *path)
{
    struct fb_err err;
    CONF conf = NULL;
    FB_ARENA arena = fb_arena_new(4 << 20);
    if (fb_conf_load(path, &conf, &err))
        return command_misconfigured(&err);
    return print(arena ? fb_conf_dump(conf, arena) : (struct fb_str){NULL, 0});
}

static int sample(void)
{
    FB_ARENA arena = fb_arena_new(4 << 20);
    return print(arena ? fb_conf_sample(arena) : (struct fb_str){NULL, 0});
}

int config_main(int argc, char **argv)
{
    const char *path = FB_CONF_PATH;
    int c;
    while ((c = getopt(argc, argv, "c:")) == 'c')
        path = optarg;
    int words = argc - optind;
    if (c != -1 || words < 1 || words > 2)
        return command_usage("config");
    const char *what = argv[optind];
    if (words == 2)
        path = argv[optind + 1];
    if (strcmp(what, "check") == 0)
        return check(path);
    if (strcmp(what, "show") == 0)
        return show(path);
    return strcmp(what, "sample") == 0 && words == 1 ? sample() : command_usage("config");
}
