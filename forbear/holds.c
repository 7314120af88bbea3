/* forbear list, events, counts, release, withdraw: reads the store, and lets an admin decide on the record. A decision is
 * a signed token that names the admin, and goes to the keeper, which verifies it and acts; nothing is written here.
 * As root it first becomes the keeper's user: the store's folder belongs to programs that are trusted with less.
 *
 * DIAGNOSTICS: says what the keeper answered. A decision that came too late is a failure that tells what happened. */
#include <errno.h>
#include <getopt.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "command.h"
#include "hold/store.h"
#include "token/token.h"
#include "wire/desk.h"

#define KEEPER_USER "forbear-keeper"

enum { BUSY_MS = 5000, KEEPER_MS = 10000, LIST_MAX = 100000, DAYS = 30, DAY_S = 86400, TIME_TEXT = 32 };

/* What the commands here are given, and work with. */
struct desk {
    const char *conf_path, *reason, *which;
    bool all;
    int64_t days, now_s;
    struct fb_conf *conf;
    struct fb_store *store;
    struct fb_arena *arena;
};

static void desk_cleanup(struct desk *d)
{
    fb_store_close(d->store);
    fb_conf_free(d->conf);
    fb_arena_free(d->arena);
}
#define DESK __attribute__((cleanup(desk_cleanup))) struct desk

static int become_keeper(struct fb_err *err)
{
    const struct passwd *user = geteuid() == 0 ? getpwnam(KEEPER_USER) : NULL;
    if (!user)
        return 0;
    if (initgroups(user->pw_name, user->pw_gid) || setgid(user->pw_gid) || setuid(user->pw_uid))
        return fb_fail_errno(err, "cannot become %s", KEEPER_USER);
    return 0;
}

/* Looking must not make a store where there is none. */
static int store_open(struct desk *d, struct fb_err *err)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/forbear.db", d->conf->forbear_state_dir) >= (int)sizeof path || access(path, F_OK) < 0)
        return fb_fail_errno(err, "store %s/forbear.db", d->conf->forbear_state_dir);
    umask(0007);
    int rc = fb_store_open(d->conf->forbear_state_dir, BUSY_MS, &d->store, err);
    return rc == FB_STORE_DAMAGED ? fb_fail(err, "store %s is damaged: the keeper will set it aside", path) : rc;
}

static bool option(struct desk *d, int c)
{
    switch (c) {
    case 'c':
        d->conf_path = optarg;
        return true;
    case 'a':
        d->all = true;
        return true;
    case 'd':
        return fb_str_int(fb_str(optarg), 1, 36500, &d->days);
    case 'r':
        d->reason = optarg;
        return true;
    default:
        return false;
    }
}

static bool reason_good(const char *reason)
{
    if (!reason || !*reason || strlen(reason) > FB_DESK_WHY)
        return false;
    for (const char *p = reason; *p; p++)
        if ((unsigned char)*p < ' ' || *p == 0x7f)
            return false;
    return true;
}

/* @names: the long options of this command, of which --reason is never left out; @words: how many words follow. 0, or an
 * exit code. */
static int desk_open(struct desk *d, int argc, char **argv, const struct option *names, int words)
{
    struct fb_err err;
    int c;
    *d = (struct desk){.conf_path = FB_CONF_PATH, .days = DAYS, .now_s = fb_now_s(), .arena = fb_arena_new(256u << 20)};
    while ((c = getopt_long(argc, argv, "c:", names, NULL)) != -1)
        if (!option(d, c))
            return command_usage(argv[0]);
    if (argc - optind != words || (names->val == 'r' && !reason_good(d->reason)))
        return command_usage(argv[0]);
    d->which = words ? argv[optind] : NULL;
    if (!d->arena)
        return fb_fail_memory(&err), command_failed(&err);
    if (fb_conf_load(d->conf_path, &d->conf, &err))
        return command_misconfigured(&err);
    return become_keeper(&err) || store_open(d, &err) ? command_failed(&err) : 0;
}

static const char *time_text(int64_t at_s, const char *format, char ret[TIME_TEXT])
{
    time_t t = at_s;
    struct tm tm;
    if (at_s == 0 || !gmtime_r(&t, &tm) || !strftime(ret, TIME_TEXT, format, &tm))
        snprintf(ret, TIME_TEXT, "-");
    return ret;
}
#define TIME "%Y-%m-%dT%H:%M:%SZ"
#define DAY "%Y-%m-%d"

static int list_line(struct desk *d, const struct fb_hold *h)
{
    char created[TIME_TEXT], deadline[TIME_TEXT];
    struct fb_str id = fb_hold_id_text(d->arena, h->id);
    if (!id.p)
        return -1;
    printf("%s %-16s %-11s %-18s %s %s\n", id.p, h->queue_id.n ? h->queue_id.p : "-", fb_state_name(h->state), h->rule.p, time_text(h->created_s, TIME, created),
           time_text(h->deadline_s, TIME, deadline));
    return 0;
}

int list_main(int argc, char **argv)
{
    static const struct option names[] = {{"all", no_argument, NULL, 'a'}, {0}};
    DESK d;
    struct fb_err err;
    struct fb_hold *v;
    size_t n;
    int code = desk_open(&d, argc, argv, names, 0);
    if (code)
        return code;
    if (d.all ? fb_store_list_all(d.store, LIST_MAX, d.arena, &v, &n, &err) : fb_store_list(d.store, FB_STATES, LIST_MAX, d.arena, &v, &n, &err))
        return command_failed(&err);
    printf("%-22s %-16s %-11s %-18s %-20s %s\n", "hold", "queue id", "state", "rule", "since", "until");
    for (size_t i = 0; i < n; i++)
        if (list_line(&d, &v[i]))
            return fb_fail_memory(&err), command_failed(&err);
    return FB_EXIT_OK;
}

int counts_main(int argc, char **argv)
{
    static const struct option names[] = {{"days", required_argument, NULL, 'd'}, {0}};
    DESK d;
    struct fb_err err;
    struct fb_count *v;
    size_t n;
    char from[TIME_TEXT];
    int code = desk_open(&d, argc, argv, names, 0);
    if (code)
        return code;
    time_text(d.now_s - (d.days - 1) * DAY_S, DAY, from);
    if (fb_store_counts(d.store, fb_str(from), d.arena, &v, &n, &err))
        return command_failed(&err);
    for (size_t i = 0; i < n; i++)
        printf("%s %-40s %lld\n", v[i].day.p, v[i].name.p, (long long)v[i].n);
    return FB_EXIT_OK;
}

/* By hold or by queue id: the two never look alike where it matters, a hold's id being tried first and as a whole. */
static int find(struct desk *d, struct fb_hold *ret, struct fb_err *err)
{
    struct fb_hold_id id;
    struct fb_str which = fb_str(d->which);
    int rc = fb_hold_id_parse(which, &id) ? fb_store_get(d->store, id, d->arena, ret, err) : FB_STORE_NONE;
    if (rc == FB_STORE_NONE && (rc = fb_store_find(d->store, which, &id, err)) == 0)
        rc = fb_store_get(d->store, id, d->arena, ret, err);
    return rc == FB_STORE_NONE ? fb_fail(err, "no hold of that id or queue id is known: %s", d->which) : rc;
}

int events_main(int argc, char **argv)
{
    static const struct option names[] = {{0}};
    DESK d;
    struct fb_err err;
    struct fb_hold h;
    struct fb_hold_event *v;
    size_t n;
    char at[TIME_TEXT];
    int code = desk_open(&d, argc, argv, names, 1);
    if (code)
        return code;
    if (find(&d, &h, &err) || fb_store_events(d.store, h.id, d.arena, &v, &n, &err))
        return command_failed(&err);
    for (size_t i = 0; i < n; i++)
        printf("%s %-11s -> %-11s %s: %s\n", time_text(v[i].at_s, TIME, at), v[i].from.n ? v[i].from.p : "-", v[i].to.p, v[i].by.p, v[i].why.p);
    return FB_EXIT_OK;
}

/* Who is at the keyboard, be it behind sudo(8). */
static const char *admin_name(uid_t uid)
{
    const char *sudo = getenv("SUDO_USER");
    if (sudo && *sudo)
        return sudo;
    const struct passwd *user = getpwuid(uid);
    return user ? user->pw_name : NULL;
}

static int sign(struct desk *d, const struct fb_hold *h, enum fb_desk_action action, const char *admin, struct fb_str *ret, struct fb_err *err)
{
    struct fb_signer *signer;
    struct fb_token token = {.hold = h->id, .node = fb_str(d->conf->forbear_node), .exp_s = d->now_s + d->conf->hold_retention,
                             .use = action == FB_DESK_RELEASE ? FB_TOKEN_ADMIN_RELEASE : FB_TOKEN_ADMIN_WITHDRAW, .admin = fb_str(admin)};
    if (!admin)
        return fb_fail(err, "who are you? Neither SUDO_USER nor your user has a name");
    if (fb_signer_open(d->conf->forbear_keys_dir, &signer, err))
        return -1;
    int rc = fb_token_sign(signer, &token, d->arena, ret, err);
    fb_signer_close(signer);
    return rc;
}

static int told(const struct fb_desk_view *view, enum fb_desk_outcome outcome)
{
    char at[TIME_TEXT];
    const char *sentence = view->state < FB_STATES ? fb_state_sentence(view->state) : "in a state that this version does not know";
    switch (outcome) {
    case FB_DESK_DONE:
        printf("decided: it is %s\n", sentence);
        return FB_EXIT_OK;
    case FB_DESK_CLOSED:
        fprintf(stderr, "forbear: nothing was done: it is %s, since %s\n", sentence, time_text(view->changed_s, TIME, at));
        return FB_EXIT_FAILED;
    case FB_DESK_BUSY:
        fprintf(stderr, "forbear: the keeper cannot do it now; try again\n");
        return FB_EXIT_FAILED;
    default:
        fprintf(stderr, "forbear: the keeper refuses: has it read the signing key that is in use? Its log says more at log_level verbose\n");
        return FB_EXIT_FAILED;
    }
}

static int decide(int argc, char **argv, enum fb_desk_action action)
{
    static const struct option names[] = {{"reason", required_argument, NULL, 'r'}, {0}};
    uid_t uid = getuid();
    DESK d;
    struct fb_err err;
    struct fb_hold h;
    struct fb_desk_request req = {.op = FB_DESK_DECIDE, .action = action};
    struct fb_desk_view view;
    enum fb_desk_outcome outcome;
    int code = desk_open(&d, argc, argv, names, 1);
    if (code)
        return code;
    req.why = fb_str(d.reason);
    if (find(&d, &h, &err) || sign(&d, &h, action, admin_name(uid), &req.token, &err) ||
        fb_desk_call(d.conf->keeper_socket, KEEPER_MS, d.arena, &req, &outcome, &view, &err))
        return command_failed(&err);
    return told(&view, outcome);
}

int release_main(int argc, char **argv)
{
    return decide(argc, argv, FB_DESK_RELEASE);
}

int withdraw_main(int argc, char **argv)
{
    return decide(argc, argv, FB_DESK_WITHDRAW);
}
