/* Postfix. Decides which file in hold/ is the one meant, and from the queue itself what became of it: the exit codes of
 * postsuper(1) say nothing, and the queue moves while it is read. Must never act on a file outside hold/, nor on one
 * that differs from the file meant in inode, size or arrival time.
 *
 * A file is opened as it is found, and looked at and read through that descriptor alone, so that all that is said of it
 * is said of one file. Its arrival time is the one in its long queue id: exact, never reused, and kept through release.
 *
 * DIAGNOSTICS: a failure of a tool concerns the files it was run for: it is logged, and the queue tells the outcome. A
 * queue that cannot be read is a failure of the whole request. */
#include <fcntl.h>
#include <sys/stat.h>

#include "base/io.h"
#include "daemon/log.h"
#include "mta.h"
#include "postcat.h"
#include "spool.h"

enum {
    TOOL_MS = 20000,       /* one tool on one file */
    BATCH_MS = 60000,      /* postsuper on a batch, 50 us a file when it is quick */
    MESSAGE_MS = 600000,   /* a message on its way to a slow reader */
    ENVELOPE_MAX = 14 << 20,
    REPLY_ROOM = 1 << 16,  /* what a reply may carry beside texts */
};

struct mta {
    int queue_fd;
    const char *postsuper, *postqueue, *postcat;
};

/* The digits of Postfix's numbers to base 52 (safe_ultostr.c): no vowels, so that no words arise. */
static bool digit52(char c, int64_t *ret)
{
    static const char digits[] = "0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz";
    const char *at = memchr(digits, c, sizeof digits - 1);
    if (at)
        *ret = at - digits;
    return at != NULL;
}

/* A long queue id is seconds, four digits of microseconds, 'z' and the inode (mail_queue.h, MQID_LG_*). */
static bool id_time(struct fb_str id, int64_t *ret_s)
{
    enum { MICROSECOND_DIGITS = 4 };
    size_t n = id.n;
    while (n && id.p[n - 1] != 'z')
        n--;
    int64_t s = 0, digit;
    for (size_t i = 0; i + MICROSECOND_DIGITS + 1 < n; i++) {
        if (!digit52(id.p[i], &digit) || __builtin_mul_overflow(s, 52, &s) || __builtin_add_overflow(s, digit, &s))
            return false;
    }
    *ret_s = s;
    return n > MICROSECOND_DIGITS + 1;
}

/* One look at the queue for the files of a request. */
struct search {
    struct mta *m;
    const struct fb_queue_request *req;
    struct fb_arena *arena;
    enum fb_queue_outcome *outcome;
    struct fb_queue_mail *mail; /* LOOK_UP: to be filled; else NULL */
    size_t carried;             /* how much text the reply holds by now */
    int *keep_fd;               /* FETCH: where the descriptor goes; else NULL */
};

/* What lies in hold/ under a name that was asked for. False for what is no queue file: a link, or without a long id. */
static bool file_identify(int fd, struct fb_str id, struct fb_queue_file *ret)
{
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_nlink != 1)
        return false;
    *ret = (struct fb_queue_file){.queue_id = id, .inode = (int64_t)st.st_ino, .size = st.st_size};
    return id_time(id, &ret->arrival_s);
}

static bool file_same(const struct fb_queue_file *a, const struct fb_queue_file *b)
{
    return fb_str_eq(a->queue_id, b->queue_id) && a->inode == b->inode && a->size == b->size && a->arrival_s == b->arrival_s;
}

static int mail_read(struct search *s, int fd, struct fb_queue_mail *ret, struct fb_err *err)
{
    const char *argv[] = {s->m->postcat, "-eh", NULL};
    struct run_text text = {.buf = FB_BUF(s->arena), .max = ENVELOPE_MAX};
    struct run r = {.argv = argv, .stdin_fd = fd, .timeout_ms = TOOL_MS, .unprivileged = true, .sink = run_keep, .ctx = &text};
    int rc = run(&r, err);
    if (rc)
        return rc > 0 ? fb_fail(err, "postcat cannot read it") : rc;
    struct fb_str all = fb_buf_str(&text.buf);
    return all.p ? postcat_parse(s->arena, all, ret, err) : fb_fail_memory(err);
}

/* A file that cannot be read, or for which the reply has no room any more, is FAILED: the keeper asks again for it. */
static enum fb_queue_outcome mail_take(struct search *s, int fd, const struct fb_queue_file *file, struct fb_queue_mail *ret)
{
    struct fb_err err;
    struct fb_queue_mail mail = {.file = *file};
    int rc = mail_read(s, fd, &mail, &err);
    size_t texts = rc ? 0 : mail.sender.n + mail.message_id.n + mail.recipients.n;
    if (!rc && texts > FB_FRAME_MAX - FB_QUEUE_BATCH * 128 - REPLY_ROOM - s->carried)
        rc = fb_fail(&err, "the reply is full");
    if (rc) {
        fb_log(FB_LOG_ERROR, "look_up_failed", "queue_id=%.*s why=%s", FB_FMT(file->queue_id), fb_log_quote(fb_str(err.text)));
        return FB_QUEUE_FAILED;
    }
    s->carried += texts;
    *ret = mail;
    return FB_QUEUE_DONE;
}

static int held_found(void *ctx, size_t i, int dir_fd, const char *name, struct fb_err *err)
{
    (void)err;
    struct search *s = ctx;
    struct fb_queue_file file;
    FB_FD fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (!file_identify(fd, s->req->v[i].queue_id, &file))
        s->outcome[i] = FB_QUEUE_DIFFERENT;
    else if (s->mail)
        s->outcome[i] = mail_take(s, fd, &file, &s->mail[i]);
    else
        s->outcome[i] = file_same(&file, &s->req->v[i]) ? FB_QUEUE_DONE : FB_QUEUE_DIFFERENT;
    if (s->keep_fd && s->outcome[i] == FB_QUEUE_DONE) {
        *s->keep_fd = fd;
        fd = -1;
    }
    return 0;
}

static int elsewhere_found(void *ctx, size_t i, int dir_fd, const char *name, struct fb_err *err)
{
    (void)dir_fd, (void)name, (void)err;
    struct search *s = ctx;
    s->outcome[i] = FB_QUEUE_ELSEWHERE;
    return 0;
}

/* The names of all that is ABSENT so far. */
static int names_missing(const struct search *s, struct spool_names *ret, struct fb_err *err)
{
    *ret = (struct spool_names){.v = fb_arena_array(s->arena, s->req->n, sizeof *ret->v)};
    if (!ret->v)
        return fb_fail_memory(err);
    for (size_t i = 0; i < s->req->n; i++)
        if (s->outcome[i] == FB_QUEUE_ABSENT)
            ret->v[ret->n++] = (struct spool_name){s->req->v[i].queue_id, i};
    spool_sort(ret);
    return 0;
}

static int walk_missing(struct search *s, const char *queue, spool_found *found, struct fb_err *err)
{
    struct spool_names names;
    if (names_missing(s, &names, err))
        return -1;
    return names.n ? spool_walk(s->m->queue_fd, queue, &names, found, s, err) : 0;
}

/* Finds each file of the request. A file that moves while it is sought can be missed (cleanup renames from incoming to
 * hold, a release from hold to deferred), so ABSENT is what two whole rounds did not see. */
static int search_run(struct search *s, struct fb_err *err)
{
    static const char *const others[] = {"incoming", "active", "deferred", "maildrop", "corrupt"};
    for (size_t i = 0; i < s->req->n; i++)
        s->outcome[i] = FB_QUEUE_ABSENT;
    for (int round = 0; round < 2; round++) {
        if (walk_missing(s, "hold", held_found, err))
            return -1;
        for (size_t i = 0; i < sizeof others / sizeof *others; i++)
            if (walk_missing(s, others[i], elsewhere_found, err))
                return -1;
    }
    return 0;
}

static int look_up(struct mta *m, const struct fb_queue_request *req, struct fb_arena *arena, struct fb_queue_reply *reply, struct fb_err *err)
{
    struct search s = {.m = m, .req = req, .arena = arena, .outcome = reply->outcome, .mail = reply->mail};
    return search_run(&s, err);
}

/* A tool is run for what it does to the queue, which is looked at afterwards: its failure is only logged. */
static void tool_run(const char *const *argv, int stdin_fd, int timeout_ms)
{
    struct fb_err err;
    struct run r = {.argv = argv, .stdin_fd = stdin_fd, .timeout_ms = timeout_ms};
    int rc = run(&r, &err);
    if (rc)
        fb_log(FB_LOG_ERROR, "tool_failed", "tool=%s why=%s", argv[0], fb_log_quote(rc < 0 ? fb_str(err.text) : FB_STR("it exited with an error")));
}

/* postsuper reads the ids of those whose outcome is DONE. */
static int postsuper_run(struct mta *m, const struct search *s, const char *what, const char *queue, struct fb_err *err)
{
    struct fb_buf ids = FB_BUF(s->arena);
    for (size_t i = 0; i < s->req->n; i++)
        if (s->outcome[i] == FB_QUEUE_DONE)
            fb_buf_printf(&ids, "%.*s\n", FB_FMT(s->req->v[i].queue_id));
    if (ids.failed)
        return fb_fail_memory(err);
    if (!ids.n)
        return 0;
    FB_FD input = -1;
    if (run_input(fb_buf_str(&ids), &input, err))
        return -1;
    const char *argv[] = {m->postsuper, what, "-", queue, NULL};
    tool_run(argv, input, BATCH_MS);
    return 0;
}

/* Without it a released message waits for the next queue run. One id a call is all that postqueue takes. */
static void deliver_now(struct mta *m, const struct search *s)
{
    for (size_t i = 0; i < s->req->n; i++) {
        char id[FB_QUEUE_ID_MAX + 1] = "";
        if (s->outcome[i] != FB_QUEUE_DONE)
            continue;
        memcpy(id, s->req->v[i].queue_id.p, s->req->v[i].queue_id.n);
        const char *argv[] = {m->postqueue, "-i", id, NULL};
        tool_run(argv, -1, TOOL_MS);
    }
}

/* Looks again at those that were acted on (DONE), and says by @after, indexed by what is seen now, what became of them. */
static int verify(struct search *s, const enum fb_queue_outcome after[], struct fb_err *err)
{
    struct search again = *s;
    again.outcome = fb_arena_array(s->arena, s->req->n, sizeof *again.outcome);
    if (!again.outcome)
        return fb_fail_memory(err);
    if (search_run(&again, err))
        return -1;
    for (size_t i = 0; i < s->req->n; i++)
        if (s->outcome[i] == FB_QUEUE_DONE)
            s->outcome[i] = after[again.outcome[i]];
    return 0;
}

static int release(struct mta *m, const struct fb_queue_request *req, struct fb_arena *arena, struct fb_queue_reply *reply, struct fb_err *err)
{
    /* Out of hold/ is released: in a queue to be delivered, or delivered already. */
    static const enum fb_queue_outcome after[] = {
        [FB_QUEUE_DONE] = FB_QUEUE_FAILED, [FB_QUEUE_DIFFERENT] = FB_QUEUE_FAILED,
        [FB_QUEUE_ELSEWHERE] = FB_QUEUE_DONE, [FB_QUEUE_ABSENT] = FB_QUEUE_DONE,
    };
    struct search s = {.m = m, .req = req, .arena = arena, .outcome = reply->outcome};
    if (search_run(&s, err) || postsuper_run(m, &s, "-H", NULL, err))
        return -1;
    deliver_now(m, &s);
    return verify(&s, after, err);
}

static int remove_held(struct mta *m, const struct fb_queue_request *req, struct fb_arena *arena, struct fb_queue_reply *reply, struct fb_err *err)
{
    static const enum fb_queue_outcome after[] = {
        [FB_QUEUE_DONE] = FB_QUEUE_FAILED, [FB_QUEUE_DIFFERENT] = FB_QUEUE_FAILED,
        [FB_QUEUE_ELSEWHERE] = FB_QUEUE_ELSEWHERE, [FB_QUEUE_ABSENT] = FB_QUEUE_DONE,
    };
    struct search s = {.m = m, .req = req, .arena = arena, .outcome = reply->outcome};
    /* The word hold is what makes it safe against a release at the same time: a file that left hold/ is not deleted. */
    if (search_run(&s, err) || postsuper_run(m, &s, "-d", "hold", err))
        return -1;
    return verify(&s, after, err);
}

static int message_open(struct mta *m, const struct fb_queue_request *req, struct fb_arena *arena, enum fb_queue_outcome *ret, int *ret_fd, struct fb_err *err)
{
    struct search s = {.m = m, .req = req, .arena = arena, .outcome = ret, .keep_fd = ret_fd};
    return search_run(&s, err);
}

static int message_read(struct mta *m, int fd, run_sink *sink, void *ctx, struct fb_err *err)
{
    const char *argv[] = {m->postcat, "-bh", NULL};
    struct run r = {.argv = argv, .stdin_fd = fd, .timeout_ms = MESSAGE_MS, .unprivileged = true, .sink = sink, .ctx = ctx};
    int rc = run(&r, err);
    return rc > 0 ? fb_fail(err, "postcat cannot read it") : rc;
}

static int queue_directory(const char *tools, struct fb_arena *arena, const char **ret, struct fb_err *err)
{
    struct run_text text = {.buf = FB_BUF(arena), .max = 4096};
    const char *argv[] = {fb_arena_printf(arena, "%s/postconf", tools).p, "-h", "queue_directory", NULL};
    struct run r = {.argv = argv, .stdin_fd = -1, .timeout_ms = TOOL_MS, .sink = run_keep, .ctx = &text};
    int rc = argv[0] ? run(&r, err) : fb_fail_memory(err);
    if (rc)
        return rc > 0 ? fb_fail(err, "%s cannot tell the queue directory", argv[0]) : rc;
    *ret = fb_arena_dup(arena, fb_str_trim(fb_buf_str(&text.buf))).p;
    return *ret ? 0 : fb_fail_memory(err);
}

static int postfix_open(const struct mta_options *options, struct fb_arena *arena, struct mta **ret, struct fb_err *err)
{
    struct mta *m = fb_arena_alloc(arena, sizeof *m);
    const char *dir = options->queue_directory;
    if (!m)
        return fb_fail_memory(err);
    m->postsuper = fb_arena_printf(arena, "%s/postsuper", options->tools).p;
    m->postqueue = fb_arena_printf(arena, "%s/postqueue", options->tools).p;
    m->postcat = fb_arena_printf(arena, "%s/postcat", options->tools).p;
    if (!m->postsuper || !m->postqueue || !m->postcat)
        return fb_fail_memory(err);
    if (!dir && queue_directory(options->tools, arena, &dir, err))
        return -1;
    m->queue_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (m->queue_fd < 0)
        return fb_fail_errno(err, "cannot open the queue directory %s", dir);
    *ret = m;
    return 0;
}

const struct mta_ops mta_postfix = {
    .name = "postfix", .open = postfix_open, .look_up = look_up, .release = release, .remove = remove_held,
    .message_open = message_open, .message_read = message_read,
};
