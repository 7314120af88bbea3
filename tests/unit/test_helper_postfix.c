/* The root helper on a Postfix made of folders and scripts: what it finds, what it runs, what it believes. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/io.h"
#include "mta.h"
#include "postcat.h"
#include "run.h"

#define ID "4jbsVs3zVZz1ShMx"
#define ID2 "4jbsVs40hbz1ShMv"
#define ID3 "4jbsVs41X3z1ShMw"
#define ARRIVAL 1795827845 /* the time in all three */

#define ENVELOPE(records)                                                                                             \
    "*** ENVELOPE RECORDS stdin ***\nmessage_size:    395    746    2    0    395    0\n" records "*** MESSAGE CONTENTS stdin ***\n"
#define END "*** HEADER EXTRACTED stdin ***\n*** MESSAGE FILE END stdin ***\n"
#define PLAIN ENVELOPE("sender: alice@example.com\nrecipient: bob@example.org\n") "Message-ID: <1@example.com>\n" END

/* A queue and tools in a folder of its own for each test. */
struct room {
    char dir[32];
    struct fb_arena *arena;
    struct mta *mta;
};

static char *path(struct room *r, const char *below)
{
    return (char *)(uintptr_t)fb_arena_printf(r->arena, "%s/%s", r->dir, below).p;
}

static void put(struct room *r, const char *below, const char *text, mode_t mode)
{
    FILE *f = fopen(path(r, below), "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    assert_int_equal(chmod(path(r, below), mode), 0);
}

static bool there(struct room *r, const char *below)
{
    return access(path(r, below), F_OK) == 0;
}

/* A tool that runs @body in the queue's folder. */
static void tool(struct room *r, const char *name, const char *body)
{
    put(r, name, fb_arena_printf(r->arena, "#!/bin/sh\ncd %s || exit 1\n%s\n", r->dir, body).p, 0755);
}

static int room_make(void **state)
{
    static struct room r;
    static const char *const queues[] = {"hold", "incoming", "active", "deferred", "deferred/4", "maildrop"};
    r = (struct room){.dir = "/tmp/forbear-helper-XXXXXX", .arena = fb_arena_new(64 << 20)};
    *state = &r;
    if (!r.arena || !mkdtemp(r.dir) || chmod(r.dir, 0755))
        return -1;
    for (size_t i = 0; i < 6; i++)
        if (mkdir(path(&r, queues[i]), 0755))
            return -1;
    put(&r, "log", "", 0666);
    tool(&r, "postconf", "pwd");
    tool(&r, "postcat", "exec cat");
    tool(&r, "postqueue", "echo \"postqueue $*\" >>log");
    tool(&r, "postsuper", "echo \"postsuper $*\" >>log; while read -r id; do echo \"$id\" >>log\n"
                          "case $1 in -H) mv hold/$id deferred/4/;; -d) rm $3/$id;; esac; done");
    return mta_postfix.open(&(struct mta_options){.tools = r.dir}, r.arena, &r.mta, NULL);
}

static int room_clear(void **state)
{
    struct room *r = *state;
    const char *argv[] = {"/bin/rm", "-r", r->dir, NULL};
    struct run rm = {.argv = argv, .stdin_fd = -1, .timeout_ms = 10000};
    int rc = run(&rm, NULL);
    fb_arena_free(r->arena);
    return rc;
}

typedef int operation(struct mta *, const struct fb_queue_request *, struct fb_arena *, struct fb_queue_reply *, struct fb_err *);

static struct fb_queue_reply ask(struct room *r, operation *op, size_t n, struct fb_queue_file *v)
{
    struct fb_err err = {""};
    struct fb_queue_request req = {.n = n, .v = v};
    struct fb_queue_reply reply = {.op = op == mta_postfix.look_up ? FB_QUEUE_LOOK_UP : FB_QUEUE_RELEASE, .n = n};
    reply.outcome = fb_arena_array(r->arena, n, sizeof *reply.outcome);
    reply.mail = reply.op == FB_QUEUE_LOOK_UP ? fb_arena_array(r->arena, n, sizeof *reply.mail) : NULL;
    if (op(r->mta, &req, r->arena, &reply, &err))
        fail_msg("%s", err.text);
    return reply;
}

static struct fb_queue_mail looked_up(struct room *r, const char *id)
{
    struct fb_queue_file v = {.queue_id = fb_str(id)};
    struct fb_queue_reply reply = ask(r, mta_postfix.look_up, 1, &v);
    assert_int_equal(reply.outcome[0], FB_QUEUE_DONE);
    return reply.mail[0];
}

static enum fb_queue_outcome outcome_of(struct room *r, const char *id)
{
    struct fb_queue_file v = {.queue_id = fb_str(id)};
    return ask(r, mta_postfix.look_up, 1, &v).outcome[0];
}

static void a_held_file_is_looked_up(void **state)
{
    struct room *r = *state;
    struct stat st;
    put(r, "hold/" ID, PLAIN, 0700);
    assert_int_equal(stat(path(r, "hold/" ID), &st), 0);
    struct fb_queue_mail m = looked_up(r, ID);
    assert_int_equal(m.file.inode, st.st_ino);
    assert_int_equal(m.file.size, st.st_size);
    assert_int_equal(m.file.arrival_s, ARRIVAL);
    assert_true(fb_str_eq(m.sender, FB_STR("alice@example.com")));
    assert_true(fb_str_eq(m.recipients, FB_STR("bob@example.org")));
    assert_true(fb_str_eq(m.message_id, FB_STR("<1@example.com>")));
    assert_false(m.smtputf8);
}

static void a_file_is_found_wherever_it_lies(void **state)
{
    struct room *r = *state;
    static const char *const others[] = {"incoming/" ID, "active/" ID, "deferred/4/" ID, "maildrop/" ID};
    assert_int_equal(outcome_of(r, ID), FB_QUEUE_ABSENT);
    for (size_t i = 0; i < 4; i++) {
        put(r, others[i], PLAIN, 0700);
        assert_int_equal(outcome_of(r, ID), FB_QUEUE_ELSEWHERE);
        unlink(path(r, others[i]));
    }
    assert_int_equal(mkdir(path(r, "hold/4"), 0755) | mkdir(path(r, "hold/4/j"), 0755), 0);
    put(r, "hold/4/j/" ID, PLAIN, 0700); /* hash_queue_names = hold */
    assert_int_equal(outcome_of(r, ID), FB_QUEUE_DONE);
}

static void links_are_not_followed(void **state)
{
    struct room *r = *state;
    put(r, "secret", PLAIN, 0600);
    assert_int_equal(symlink("../secret", path(r, "hold/" ID)), 0);
    assert_int_equal(outcome_of(r, ID), FB_QUEUE_ABSENT);
    assert_int_equal(link(path(r, "secret"), path(r, "hold/" ID2)), 0);
    assert_int_equal(outcome_of(r, ID2), FB_QUEUE_DIFFERENT);
    assert_int_equal(symlink("..", path(r, "hold/x")), 0);
    put(r, ID3, PLAIN, 0700);
    assert_int_equal(outcome_of(r, ID3), FB_QUEUE_ABSENT);
}

static void a_file_that_cannot_be_read_spoils_no_other(void **state)
{
    struct room *r = *state;
    struct fb_queue_file v[] = {{.queue_id = FB_STR(ID)}, {.queue_id = FB_STR(ID2)}, {.queue_id = FB_STR(ID3)}};
    put(r, "hold/" ID, "no queue file", 0700);
    put(r, "hold/" ID2, PLAIN, 0700);
    struct fb_queue_reply reply = ask(r, mta_postfix.look_up, 3, v);
    assert_int_equal(reply.outcome[0], FB_QUEUE_FAILED);
    assert_int_equal(reply.outcome[1], FB_QUEUE_DONE);
    assert_int_equal(reply.outcome[2], FB_QUEUE_ABSENT);
    tool(r, "postcat", "cat; exit 1");
    assert_int_equal(outcome_of(r, ID2), FB_QUEUE_FAILED);
}

static void log_is(struct room *r, const char *want)
{
    struct fb_str got;
    assert_int_equal(fb_io_read_file(r->arena, path(r, "log"), 4096, &got, NULL), 0);
    assert_string_equal(got.p, want);
}

static void a_batch_is_released_at_once_and_delivered_each(void **state)
{
    struct room *r = *state;
    put(r, "hold/" ID, PLAIN, 0700);
    put(r, "hold/" ID2, PLAIN, 0700);
    put(r, "hold/" ID3, PLAIN, 0700); /* an admin's own hold */
    struct fb_queue_file v[] = {looked_up(r, ID2).file, looked_up(r, ID).file};
    struct fb_queue_reply reply = ask(r, mta_postfix.release, 2, v);
    assert_int_equal(reply.outcome[0], FB_QUEUE_DONE);
    assert_int_equal(reply.outcome[1], FB_QUEUE_DONE);
    assert_true(there(r, "hold/" ID3) && there(r, "deferred/4/" ID) && there(r, "deferred/4/" ID2));
    log_is(r, "postsuper -H -\n" ID2 "\n" ID "\npostqueue -i " ID2 "\npostqueue -i " ID "\n");
}

static void a_file_that_is_not_the_one_meant_is_left_alone(void **state)
{
    struct room *r = *state;
    put(r, "hold/" ID, PLAIN, 0700);
    struct fb_queue_file is = looked_up(r, ID).file, inode = is, size = is, arrival = is;
    inode.inode++, size.size++, arrival.arrival_s++;
    struct fb_queue_file *const wrong[] = {&inode, &size, &arrival};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(ask(r, mta_postfix.release, 1, wrong[i]).outcome[0], FB_QUEUE_DIFFERENT);
        assert_int_equal(ask(r, mta_postfix.remove, 1, wrong[i]).outcome[0], FB_QUEUE_DIFFERENT);
    }
    assert_true(there(r, "hold/" ID));
    log_is(r, "");
}

static void a_tool_that_did_nothing_is_not_believed(void **state)
{
    struct room *r = *state;
    put(r, "hold/" ID, PLAIN, 0700);
    struct fb_queue_file v = looked_up(r, ID).file;
    tool(r, "postsuper", "exit 0");
    assert_int_equal(ask(r, mta_postfix.release, 1, &v).outcome[0], FB_QUEUE_FAILED);
    assert_int_equal(ask(r, mta_postfix.remove, 1, &v).outcome[0], FB_QUEUE_FAILED);
    tool(r, "postsuper", "mv hold/" ID " active/; exit 1"); /* and neither is one that says it failed */
    assert_int_equal(ask(r, mta_postfix.release, 1, &v).outcome[0], FB_QUEUE_DONE);
}

static void what_was_delivered_at_once_is_released(void **state)
{
    struct room *r = *state;
    put(r, "hold/" ID, PLAIN, 0700);
    struct fb_queue_file v = looked_up(r, ID).file;
    tool(r, "postqueue", "rm deferred/4/" ID);
    assert_int_equal(ask(r, mta_postfix.release, 1, &v).outcome[0], FB_QUEUE_DONE);
    assert_int_equal(ask(r, mta_postfix.release, 1, &v).outcome[0], FB_QUEUE_ABSENT);
}

static void a_delete_names_the_hold_queue(void **state)
{
    struct room *r = *state;
    put(r, "hold/" ID, PLAIN, 0700);
    struct fb_queue_file v = looked_up(r, ID).file;
    assert_int_equal(ask(r, mta_postfix.remove, 1, &v).outcome[0], FB_QUEUE_DONE);
    assert_false(there(r, "hold/" ID));
    log_is(r, "postsuper -d - hold\n" ID "\n");
}

static void a_delete_that_a_release_overtook_says_so(void **state)
{
    struct room *r = *state;
    put(r, "hold/" ID, PLAIN, 0700);
    struct fb_queue_file v = looked_up(r, ID).file;
    tool(r, "postsuper", "mv hold/" ID " deferred/4/");
    assert_int_equal(ask(r, mta_postfix.remove, 1, &v).outcome[0], FB_QUEUE_ELSEWHERE);
    assert_int_equal(ask(r, mta_postfix.remove, 1, &v).outcome[0], FB_QUEUE_ELSEWHERE);
    assert_true(there(r, "deferred/4/" ID));
}

static void a_message_is_read_from_the_file_that_was_meant(void **state)
{
    struct room *r = *state;
    struct fb_err err = {""};
    enum fb_queue_outcome outcome;
    put(r, "hold/" ID, PLAIN, 0700);
    struct fb_queue_file v = looked_up(r, ID).file;
    FB_FD fd = -1;
    assert_int_equal(mta_postfix.message_open(r->mta, &(struct fb_queue_request){FB_QUEUE_FETCH, 1, &v}, r->arena, &outcome, &fd, &err), 0);
    assert_int_equal(outcome, FB_QUEUE_DONE);
    put(r, "hold/new", "another", 0700);
    assert_int_equal(rename(path(r, "hold/new"), path(r, "hold/" ID)), 0); /* too late to matter */
    struct run_text text = {.buf = FB_BUF(r->arena), .max = 4096};
    assert_int_equal(mta_postfix.message_read(r->mta, fd, run_keep, &text, &err), 0);
    assert_string_equal(fb_buf_str(&text.buf).p, PLAIN);
}

/* What a child prints. */
static const char *output(struct room *r, const char *script, bool unprivileged)
{
    struct fb_err err = {""};
    struct run_text text = {.buf = FB_BUF(r->arena), .max = 4096};
    const char *argv[] = {"/bin/sh", "-c", script, NULL};
    struct run child = {.argv = argv, .stdin_fd = -1, .timeout_ms = 10000, .unprivileged = unprivileged, .sink = run_keep, .ctx = &text};
    if (run(&child, &err))
        fail_msg("%s: %s", script, err.text);
    return fb_buf_str(&text.buf).p;
}

static void a_child_gets_nothing_that_it_does_not_need(void **state)
{
    struct room *r = *state;
    setenv("FORBEAR_TEST", "leaks", 1);
    FB_FD leak = open("/dev/null", O_RDONLY); /* without close-on-exec */
    assert_string_equal(output(r, "tr '\\0' '\\n' </proc/$$/environ", false), "PATH=/usr/sbin:/usr/bin:/sbin:/bin\nTZ=UTC\nLC_ALL=C\n");
    assert_string_equal(output(r, "for fd in 0 1 2 3 4 5 6 7 8 9; do [ ! -e /proc/$$/fd/$fd ] || echo $fd; done", false), "0\n1\n2\n");
    assert_string_equal(output(r, "pwd; exec cat", false), "/\n");
    assert_true(leak > 2);
    if (geteuid() == 0)
        assert_string_equal(output(r, "id -u; id -G", true), "65534\n65534\n");
}

static int run_script(const char *script, int timeout_ms, size_t max, struct fb_err *err)
{
    FB_ARENA arena = fb_arena_new(1 << 20);
    struct run_text text = {.buf = FB_BUF(arena), .max = max};
    const char *argv[] = {"/bin/sh", "-c", script, NULL};
    return run(&(struct run){.argv = argv, .stdin_fd = -1, .timeout_ms = timeout_ms, .sink = run_keep, .ctx = &text}, err);
}

static void a_child_has_bounds(void **state)
{
    (void)state;
    struct fb_err err = {""};
    assert_true(run_script("exec sleep 30", 50, 100, &err) < 0);
    assert_string_equal(err.text, "/bin/sh took more than 50 ms");
    assert_true(run_script("exec >&-; exec sleep 30", 50, 100, &err) < 0);
    assert_string_equal(err.text, "/bin/sh took more than 50 ms");
    assert_true(run_script("exec cat /dev/zero", 5000, 100000, &err) < 0);
    assert_non_null(strstr(err.text, "more output than the 100000 bytes"));
    assert_int_equal(run_script("exit 3", 5000, 100, &err), RUN_NONZERO);
    assert_int_equal(run_script("kill -9 $$", 5000, 100, &err), RUN_NONZERO);
    const char *argv[] = {"/nonexistent/tool", NULL};
    assert_int_equal(run(&(struct run){.argv = argv, .stdin_fd = -1, .timeout_ms = 5000}, &err), RUN_NONZERO);
}

/* postcat's text -> "sender/message id/recipients/smtputf8", with '|' between recipients; or the fault. */
static const char *parsed(struct room *r, const char *text)
{
    struct fb_err err = {""};
    struct fb_queue_mail m;
    if (postcat_parse(r->arena, fb_str(text), &m, &err))
        return fb_arena_printf(r->arena, "%s", err.text).p;
    char *recipients = (char *)(uintptr_t)fb_arena_dup(r->arena, m.recipients).p;
    for (size_t i = 0; i < m.recipients.n; i++)
        if (!recipients[i])
            recipients[i] = '|';
    return fb_arena_printf(r->arena, "%.*s/%.*s/%s/%d", FB_FMT(m.sender), FB_FMT(m.message_id), recipients, m.smtputf8).p;
}

static void postcat_is_read_as_it_writes(void **state)
{
    struct room *r = *state;
    static const char *const cases[][2] = {
        {PLAIN, "alice@example.com/<1@example.com>/bob@example.org/0"},
        {ENVELOPE("sender: \nrecipient: b@x\n") END, "//b@x/0"},
        {ENVELOPE("sender: a@x\n") "Message-ID:\n <1@x>\nMessage-Id: <2@x>\n" END, "a@x/<1@x>//0"},
        {ENVELOPE("sender: a@x\n") "X-Message-ID: <0@x>\nmessage-id : <1@x>\n\t(c)\n" END, "a@x/<1@x>\t(c)//0"},
        {ENVELOPE("sender: a@x\n") "X: 1\n *** HEADER EXTRACTED stdin ***\n" END, "a@x///0"},
        {"*** ENVELOPE RECORDS stdin ***\nmessage_size: 1 2 3 0 1 5\nsender: j\xc3\xb6rg@x\n*** MESSAGE CONTENTS stdin ***\n" END, "j\xc3\xb6rg@x///1"},
        {"*** ENVELOPE RECORDS stdin ***\nmessage_size: 1 2 3 0\nsender: a@x\n*** MESSAGE CONTENTS stdin ***\n" END, "a@x///0"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(parsed(r, cases[i][0]), cases[i][1]);
}

static void recipients_are_those_whom_the_client_named(void **state)
{
    struct room *r = *state;
    assert_string_equal(parsed(r, ENVELOPE("sender: a@x\n"
                                           "named_attribute: dsn_orig_rcpt=rfc822;team@x\noriginal_recipient: team@x\nrecipient: t1@x\n"
                                           "named_attribute: dsn_orig_rcpt=rfc822;team@x\noriginal_recipient: team@x\nrecipient: t2@x\n"
                                           "named_attribute: notify_flags=1\nnamed_attribute: dsn_orig_rcpt=rfc822;b@x\nrecipient: b@x\n"
                                           "named_attribute: notify_flags=1\ndone_recipient: d@x\nrecipient: c@x\n")
                                      "*** HEADER EXTRACTED stdin ***\n"
                                      "named_attribute: notify_flags=1\noriginal_recipient: journal@x\nrecipient: journal@x\n"
                                      "recipient: added@x\n*** MESSAGE FILE END stdin ***\n"),
                        "a@x//team@x|b@x|c@x|added@x/0");
}

static void what_is_not_postcats_form_is_refused(void **state)
{
    struct room *r = *state;
    static const char *const cases[][2] = {
        {"", "it does not begin with an envelope"},
        {"*** ENVELOPE RECORDS hold/" ID " ***\n", "it does not begin with an envelope"},
        {"*** ENVELOPE RECORDS stdin ***\nsender: a@x\n", "the envelope breaks off"},
        {ENVELOPE("sender: a@x\n") "X: 1\n", "the header breaks off"},
        {ENVELOPE("sender: a@x\nsender: b@x\n") END, "2 senders and 1 sizes, where one of each belongs"},
        {ENVELOPE("recipient: a@x\n") END, "0 senders and 1 sizes, where one of each belongs"},
        {ENVELOPE("sender: a@x\nmessage_size: 1 2 3 4 5 6\n") END, "1 senders and 2 sizes, where one of each belongs"},
        {"*** ENVELOPE RECORDS stdin ***\nmessage_size: many\n", "a size that is no number"},
        {PLAIN "more\n", "something follows its end"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(parsed(r, cases[i][0]), cases[i][1]);
}

#define in_a_room(test) cmocka_unit_test_setup_teardown(test, room_make, room_clear)

int main(void)
{
    const struct CMUnitTest tests[] = {
        in_a_room(a_held_file_is_looked_up),
        in_a_room(a_file_is_found_wherever_it_lies),
        in_a_room(links_are_not_followed),
        in_a_room(a_file_that_cannot_be_read_spoils_no_other),
        in_a_room(a_batch_is_released_at_once_and_delivered_each),
        in_a_room(a_file_that_is_not_the_one_meant_is_left_alone),
        in_a_room(a_tool_that_did_nothing_is_not_believed),
        in_a_room(what_was_delivered_at_once_is_released),
        in_a_room(a_delete_names_the_hold_queue),
        in_a_room(a_delete_that_a_release_overtook_says_so),
        in_a_room(a_message_is_read_from_the_file_that_was_meant),
        in_a_room(a_child_gets_nothing_that_it_does_not_need),
        in_a_room(a_child_has_bounds),
        in_a_room(postcat_is_read_as_it_writes),
        in_a_room(recipients_are_those_whom_the_client_named),
        in_a_room(what_is_not_postcats_form_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
