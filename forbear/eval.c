/* forbear eval: judges whole sets of messages, through the public library alone, to tell how right the rules are. Every core
 * judges; each world of a set is loaded once, when its first case comes up, and unloaded behind its last, so that no more of
 * them are in memory than threads. Every rule counts as in mode hold. Stores and sends nothing.
 *
 * DIAGNOSTICS: what could not be read or loaded; no figure is printed then. */
#include "eval.h"

#include <errno.h>
#include <fnmatch.h>
#include <forbear.h>
#include <getopt.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/io.h"
#include "command.h"

#define EVAL_CASE_MAX ((size_t)1 << 30) /* a message and what was seen before it */

static const size_t EVAL_MAX = (size_t)16 << 30; /* all messages of an mbox, and all that is told of them */
static const double UNJUDGED = -1000;        /* the score of what was not judged: below all others */
static const double NEEDS_NOT_MET = -100;    /* how far below the others a rule counts that cannot fire as things are */

enum { ONLY_MAX = 64, PROGRESS_EVERY = 16 };

struct options {
    const char *conf, *set, *ordinary, *world, *only[ONLY_MAX];
    size_t only_n;
    int64_t jobs; /* 0: one a core */
    bool misses, explain, json;
};

struct world {
    pthread_mutex_t lock;
    struct forbear *f; /* NULL: not loaded */
    size_t left;       /* cases that are still to come */
};

struct run {
    const struct options *o;
    struct eval *e;
    struct forbear *installed; /* whose weights the worlds share */
    struct world *worlds;
    struct eval_case **order; /* by world */
    pthread_mutex_t lock;     /* of all below, and of the memory of *e */
    size_t next;
    bool failed;
    struct fb_err err;
};

/* ---- one case ---- */

static void verdict_cleanup(struct forbear_verdict **v)
{
    forbear_verdict_free(*v);
}

static int world_take(struct run *r, size_t number, const struct forbear **ret, struct fb_err *err)
{
    struct world *w = &r->worlds[number];
    const char *conf = r->e->worlds[number];
    int rc = 0;
    pthread_mutex_lock(&w->lock);
    if (!w->f && *conf)
        rc = forbear_open_world(r->o->conf, conf, r->installed, &w->f, err->text, sizeof err->text);
    *ret = *conf ? w->f : r->installed;
    pthread_mutex_unlock(&w->lock);
    return rc;
}

static void world_done(struct run *r, size_t number)
{
    struct world *w = &r->worlds[number];
    pthread_mutex_lock(&r->lock);
    bool last = --w->left == 0;
    pthread_mutex_unlock(&r->lock);
    if (last) {
        forbear_close(w->f);
        w->f = NULL;
    }
}

static int read_mail(const struct eval_case *c, struct fb_arena *arena, struct forbear_mail *ret, struct fb_err *err)
{
    struct fb_str text = c->message;
    struct forbear_seen *seen = fb_arena_array(arena, c->history_n, sizeof *seen);
    if (!seen)
        return fb_fail_memory(err);
    for (size_t i = 0; i < c->history_n; i++) {
        if (fb_io_read_file(arena, c->history[i], EVAL_MESSAGE_MAX, &text, err))
            return -1;
        seen[i] = (struct forbear_seen){text.p, text.n};
    }
    text = c->message;
    if (c->path && fb_io_read_file(arena, c->path, EVAL_MESSAGE_MAX, &text, err))
        return -1;
    *ret = (struct forbear_mail){.message = text.p, .message_size = text.n, .recipients = c->rcpt, .earlier = seen, .earlier_n = c->history_n};
    return 0;
}

static double cpu_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* The number of the rule of that name, made where it is new. */
static int rule_of(struct eval *e, const char *name, size_t *ret, struct fb_err *err)
{
    struct eval_names *rules = &e->rules;
    for (*ret = 0; *ret < rules->n; ++*ret)
        if (fb_str_eq(rules->v[*ret], fb_str(name)))
            return 0;
    struct fb_str *v = fb_arena_grow(e->arena, rules->v, rules->n, &e->rules_cap, sizeof *v), own = fb_arena_dup(e->arena, fb_str(name));
    if (!v || !own.p)
        return fb_fail_memory(err);
    rules->v = v;
    rules->v[rules->n++] = own;
    return 0;
}

static int keep_findings(struct eval *e, struct eval_case *c, const struct forbear_verdict *v, struct fb_err *err)
{
    const struct forbear_finding *f;
    struct eval_finding *kept;
    while (forbear_verdict_finding(v, c->findings_n))
        c->findings_n++;
    c->findings = kept = fb_arena_array(e->arena, c->findings_n, sizeof *kept);
    if (!kept)
        return fb_fail_memory(err);
    c->score = UNJUDGED;
    for (size_t i = 0; (f = forbear_verdict_finding(v, i)); i++) {
        double distance = f->log_odds - f->threshold, counts = f->needs_met ? distance : distance + NEEDS_NOT_MET;
        kept[i] = (struct eval_finding){.log_odds = f->log_odds, .distance = distance, .enabled = f->enabled, .needs_met = f->needs_met, .fires = f->fires};
        if (rule_of(e, f->rule, &kept[i].rule, err))
            return -1;
        if (f->enabled && counts > c->score)
            c->score = counts;
    }
    return 0;
}

static int keep_text(struct eval *e, const char *text, const char **ret, struct fb_err *err)
{
    struct fb_str own = text ? fb_arena_dup(e->arena, fb_str(text)) : (struct fb_str){NULL, 0};
    *ret = own.p;
    return own.p ? 0 : fb_fail_memory(err);
}

/* What of the verdict is needed when it is gone. */
static int keep(struct run *r, struct eval_case *c, struct forbear_verdict *v, struct fb_err *err)
{
    struct eval *e = r->e;
    c->judged = !forbear_verdict_not_judged(v);
    c->held = forbear_verdict_action(v) == FORBEAR_HOLD;
    c->reason = fb_arena_dup(e->arena, fb_str(forbear_verdict_not_judged(v)));
    c->rule = fb_arena_dup(e->arena, c->held ? fb_str(forbear_verdict_rule(v)) : FB_STR_NONE);
    if (!c->reason.p || !c->rule.p)
        return fb_fail_memory(err);
    if (keep_findings(e, c, v, err))
        return -1;
    bool told = c->expect == EVAL_ORDINARY ? c->held : r->o->misses && !eval_case_right(c);
    if (told && keep_text(e, forbear_verdict_json(v), &c->json, err))
        return -1;
    return r->o->explain ? keep_text(e, forbear_verdict_explain(v), &c->explained, err) : 0;
}

static int judge(struct run *r, struct eval_case *c, struct fb_err *err)
{
    __attribute__((cleanup(verdict_cleanup))) struct forbear_verdict *v = NULL;
    FB_ARENA arena = fb_arena_new(EVAL_CASE_MAX);
    struct forbear_mail mail;
    const struct forbear *world;
    if (!arena)
        return fb_fail_memory(err);
    if (world_take(r, c->world, &world, err) || read_mail(c, arena, &mail, err))
        return -1;
    double before = cpu_ms();
    if (forbear_judge(world, &mail, &v, err->text, sizeof err->text))
        return fb_fail_in(err, "%s", c->file);
    c->cpu_ms = cpu_ms() - before;
    pthread_mutex_lock(&r->lock);
    int rc = keep(r, c, v, err);
    pthread_mutex_unlock(&r->lock);
    return rc;
}

/* ---- all of them ---- */

static void show_progress(size_t done, size_t n)
{
    if (isatty(STDERR_FILENO) && (done % PROGRESS_EVERY == 0 || done == n))
        fprintf(stderr, done < n ? "\r%zu of %zu" : "\r\033[K", done, n);
}

/* The next case; NULL when none is left, or one failed. */
static struct eval_case *next(struct run *r)
{
    struct eval_case *c = NULL;
    pthread_mutex_lock(&r->lock);
    if (!r->failed && r->next < r->e->n)
        c = r->order[r->next++];
    show_progress(r->next, r->e->n);
    pthread_mutex_unlock(&r->lock);
    return c;
}

static void *work(void *arg)
{
    struct run *r = arg;
    struct eval_case *c;
    struct fb_err err = {""};
    while ((c = next(r))) {
        int rc = judge(r, c, &err);
        world_done(r, c->world);
        if (!rc)
            continue;
        pthread_mutex_lock(&r->lock);
        if (!r->failed)
            r->err = err;
        r->failed = true;
        pthread_mutex_unlock(&r->lock);
    }
    return NULL;
}

static int by_world(const void *a, const void *b)
{
    const struct eval_case *x = *(struct eval_case *const *)a, *y = *(struct eval_case *const *)b;
    return x->world != y->world ? (x->world > y->world) - (x->world < y->world) : (x > y) - (x < y);
}

static int run_init(struct run *r, const struct options *o, struct eval *e, struct fb_err *err)
{
    *r = (struct run){.o = o, .e = e, .lock = PTHREAD_MUTEX_INITIALIZER};
    r->order = fb_arena_array(e->arena, e->n, sizeof(struct eval_case *));
    r->worlds = fb_arena_array(e->arena, e->worlds_n, sizeof *r->worlds);
    if (!r->order || !r->worlds)
        return fb_fail_memory(err);
    for (size_t i = 0; i < e->worlds_n; i++)
        r->worlds[i].lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
    for (size_t i = 0; i < e->n; i++) {
        r->order[i] = &e->v[i];
        r->worlds[e->v[i].world].left++;
    }
    qsort(r->order, e->n, sizeof(struct eval_case *), by_world);
    return forbear_open_world(o->conf, NULL, NULL, &r->installed, err->text, sizeof err->text);
}

static void run_done(struct run *r)
{
    for (size_t i = 0; r->worlds && i < r->e->worlds_n; i++)
        forbear_close(r->worlds[i].f);
    forbear_close(r->installed);
}

static size_t jobs(const struct options *o, size_t n)
{
    cpu_set_t set;
    size_t want = o->jobs ? (size_t)o->jobs : sched_getaffinity(0, sizeof set, &set) ? 1 : (size_t)CPU_COUNT(&set);
    return want < n ? want : n;
}

static int run_all(struct run *r, struct fb_err *err)
{
    size_t n = jobs(r->o, r->e->n), started = 0;
    pthread_t *threads = fb_arena_array(r->e->arena, n, sizeof *threads);
    if (!threads)
        return fb_fail_memory(err);
    while (started < n && (errno = pthread_create(&threads[started], NULL, work, r)) == 0)
        started++;
    if (started < n)
        r->failed = true, fb_fail_errno(&r->err, "cannot start a thread");
    for (size_t i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    *err = r->err;
    return r->failed ? -1 : 0;
}

/* ---- the command ---- */

static bool option(struct options *o, int c)
{
    switch (c) {
    case 'c':
        o->conf = optarg;
        return true;
    case 'o':
        o->ordinary = optarg;
        return true;
    case 'w':
        o->world = optarg;
        return true;
    case 'n':
        o->only[o->only_n++] = optarg;
        return o->only_n < ONLY_MAX;
    case 'b':
        return fb_str_int(fb_str(optarg), 1, 1024, &o->jobs);
    case 'm':
        return o->misses = true;
    case 'e':
        return o->explain = true;
    case 'j':
        return o->json = true;
    default:
        return false;
    }
}

static bool read_options(struct options *o, int argc, char **argv)
{
    static const struct option names[] = {
        {"ordinary", required_argument, NULL, 'o'}, {"world", required_argument, NULL, 'w'}, {"only", required_argument, NULL, 'n'},
        {"jobs", required_argument, NULL, 'b'},     {"misses", no_argument, NULL, 'm'},      {"explain", no_argument, NULL, 'e'},
        {"json", no_argument, NULL, 'j'},           {0},
    };
    int c;
    while ((c = getopt_long(argc, argv, "c:", names, NULL)) != -1)
        if (!option(o, c))
            return false;
    o->set = optind < argc ? argv[optind] : NULL;
    bool something = o->set || o->ordinary, one_form = o->json + o->explain + o->misses <= 1;
    return argc - optind <= 1 && something && one_form && (!o->world || o->ordinary);
}

static bool wanted(const struct options *o, const char *file)
{
    bool any = !o->only_n;
    for (size_t i = 0; i < o->only_n; i++)
        any |= fnmatch(o->only[i], file, 0) == 0;
    return any;
}

static int read_cases(const struct options *o, struct eval *e, struct fb_err *err)
{
    size_t n = 0;
    if ((o->set && eval_read_set(e, o->set, err)) || (o->ordinary && eval_read_ordinary(e, o->ordinary, o->world, err)))
        return -1;
    for (size_t i = 0; i < e->n; i++)
        if (wanted(o, e->v[i].file))
            e->v[n++] = e->v[i];
    e->n = n;
    return n ? 0 : fb_fail(err, "there is no message to judge");
}

static int say(const struct options *o, const struct eval *e, struct fb_err *err)
{
    for (size_t i = 0; o->explain && i < e->n; i++)
        printf("%s\n%s\n", e->v[i].file, e->v[i].explained);
    if (o->json)
        return eval_print_json(e, err);
    if (!o->explain)
        eval_print(e, o->misses);
    return 0;
}

int eval_main(int argc, char **argv)
{
    struct fb_err err = {""};
    struct options o = {.conf = FB_CONF_PATH};
    struct run r;
    FB_ARENA arena = fb_arena_new(EVAL_MAX);
    struct eval e = {.arena = arena};
    if (!read_options(&o, argc, argv))
        return command_usage("eval");
    if (!arena)
        return fb_fail_memory(&err), command_failed(&err);
    if (read_cases(&o, &e, &err))
        return command_failed(&err);
    int rc = run_init(&r, &o, &e, &err);
    if (rc == 0)
        rc = run_all(&r, &err);
    if (rc == 0)
        rc = say(&o, &e, &err);
    run_done(&r);
    return rc ? command_failed(&err) : FB_EXIT_OK;
}
