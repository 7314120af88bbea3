/* What goes between the processes: frames, the helper's requests, the keeper's desk, both sides of a call. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "base/io.h"
#include "daemon/daemon.h"
#include "wire/desk.h"
#include "wire/queue.h"

#define ID "4jbsVs3zVZz1ShMx"
#define ID2 "4jbsVs40hbz1ShMv"

static struct fb_queue_file file(struct fb_str id)
{
    return (struct fb_queue_file){.queue_id = id, .inode = 10043479, .size = 1145, .arrival_s = 1795827845};
}

static void fields_come_back_as_they_went(void **state)
{
    (void)state;
    FB_ARENA a = fb_arena_new(4096);
    struct fb_buf b = FB_BUF(a);
    fb_put_u8(&b, 255);
    fb_put_u32(&b, 0x01020304);
    fb_put_i64(&b, INT64_MIN);
    fb_put_bytes(&b, FB_STR("a\0b"));
    struct fb_str s = fb_buf_str(&b);
    assert_memory_equal(s.p, "\xff\x01\x02\x03\x04\x80", 6);
    struct fb_reader r = {.rest = s};
    assert_int_equal(fb_get_u8(&r), 255);
    assert_int_equal(fb_get_u32(&r), 0x01020304);
    assert_true(fb_get_i64(&r) == INT64_MIN);
    assert_false(fb_get_done(&r));
    assert_true(fb_str_eq(fb_get_bytes(&r, 3), FB_STR("a\0b")));
    assert_true(fb_get_done(&r));
    assert_int_equal(fb_get_u8(&r), 0);
    assert_false(fb_get_done(&r));
}

static void a_byte_string_may_not_pass_its_bound_or_the_frame(void **state)
{
    (void)state;
    struct fb_reader over = {.rest = FB_STR("\0\0\0\4abcd")}, beyond = {.rest = FB_STR("\0\0\0\4abc")}, huge = {.rest = FB_STR("\xff\xff\xff\xff")};
    fb_get_bytes(&over, 3);
    fb_get_bytes(&beyond, 10);
    fb_get_bytes(&huge, SIZE_MAX);
    assert_true(over.failed && beyond.failed && huge.failed);
}

static void frames_go_through_a_socket_one_by_one(void **state)
{
    (void)state;
    int s[2];
    struct fb_err err;
    struct fb_str got;
    FB_ARENA a = fb_arena_new(4096);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
    assert_int_equal(fb_frame_send(s[0], FB_STR("one"), &err), 0);
    assert_int_equal(fb_frame_send(s[0], FB_STR_NONE, &err), 0);
    close(s[0]);
    assert_int_equal(fb_frame_recv(s[1], a, &got, &err), 0);
    assert_true(fb_str_eq(got, FB_STR("one")));
    assert_int_equal(fb_frame_recv(s[1], a, &got, &err), 0);
    assert_int_equal(got.n, 0);
    assert_int_equal(fb_frame_recv(s[1], a, &got, &err), FB_IO_END);
    close(s[1]);
}

static void a_frame_that_breaks_off_or_is_too_long_is_a_failure(void **state)
{
    (void)state;
    static const char *const sent[] = {"\0\0", "\0\0\0\5abc", "\1\0\0\1"};
    static const size_t length[] = {2, 7, 4};
    for (size_t i = 0; i < 3; i++) {
        int s[2];
        struct fb_err err;
        struct fb_str got;
        FB_ARENA a = fb_arena_new(4096);
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
        assert_int_equal(fb_io_write_all(s[0], sent[i], length[i], &err), 0);
        close(s[0]);
        assert_true(fb_frame_recv(s[1], a, &got, &err) < 0);
        close(s[1]);
    }
}

static void only_long_queue_ids_are_ids(void **state)
{
    (void)state;
    assert_true(fb_queue_id_valid(FB_STR(ID)));
    assert_true(fb_queue_id_valid(FB_STR("4jbsVs3zzzz1")));
    assert_false(fb_queue_id_valid(FB_STR("3F2A81B0C4D5")));      /* a short one, which is used again */
    assert_false(fb_queue_id_valid(FB_STR("4jbsVs3zVZz")));       /* no inode */
    assert_false(fb_queue_id_valid(FB_STR("4jbszVs3VZ1ShMx")));   /* no microseconds */
    assert_false(fb_queue_id_valid(FB_STR("../../etc/passwdz1")));
    assert_false(fb_queue_id_valid(FB_STR("4jbsVs3zVZz1 hMx")));
    assert_false(fb_queue_id_valid(FB_STR("4jbsVs3zVZz1\nALL")));
    assert_false(fb_queue_id_valid(FB_STR("-jbsVs3zVZz1ShMx")));
    assert_false(fb_queue_id_valid(FB_STR("4jbsVs3zVZz1ShMx0123456789abcdefg")));
    assert_false(fb_queue_id_valid(FB_STR_NONE));
}

static struct fb_str request(struct fb_arena *a, enum fb_queue_op op, size_t n, struct fb_queue_file *v)
{
    return fb_queue_request_encode(a, &(struct fb_queue_request){op, n, v});
}

static void requests_are_read_as_written(void **state)
{
    (void)state;
    FB_ARENA a = fb_arena_new(1 << 16);
    struct fb_queue_file v[] = {file(FB_STR(ID)), file(FB_STR(ID2))};
    for (enum fb_queue_op op = FB_QUEUE_LOOK_UP; op <= FB_QUEUE_DELETE; op++) {
        struct fb_queue_request got;
        struct fb_err err;
        size_t n = op == FB_QUEUE_FETCH ? 1 : 2;
        assert_int_equal(fb_queue_request_decode(a, request(a, op, n, v), &got, &err), 0);
        assert_int_equal(got.op, op);
        assert_int_equal(got.n, n);
        assert_true(fb_str_eq(got.v[n - 1].queue_id, v[n - 1].queue_id));
        assert_int_equal(got.v[0].size, op == FB_QUEUE_LOOK_UP ? 0 : 1145);
    }
}

static void a_request_with_anything_wrong_is_refused_whole(void **state)
{
    (void)state;
    FB_ARENA a = fb_arena_new(1 << 20);
    struct fb_queue_request got;
    struct fb_queue_file twice[] = {file(FB_STR(ID)), file(FB_STR(ID2)), file(FB_STR(ID))};
    struct fb_queue_file path[] = {file(FB_STR("../hold/jbz1ShMx"))}, negative[] = {file(FB_STR(ID))};
    negative[0].size = -1;
    struct fb_queue_file *many = fb_arena_array(a, FB_QUEUE_BATCH + 1, sizeof *many);
    for (size_t i = 0; i <= FB_QUEUE_BATCH; i++)
        many[i].queue_id = fb_arena_printf(a, "4jbsVs%04zuz1ShMx", i);
    assert_true(fb_queue_request_decode(a, request(a, FB_QUEUE_LOOK_UP, 3, twice), &got, NULL) < 0);
    assert_true(fb_queue_request_decode(a, request(a, FB_QUEUE_LOOK_UP, 1, path), &got, NULL) < 0);
    assert_true(fb_queue_request_decode(a, request(a, FB_QUEUE_DELETE, 1, negative), &got, NULL) < 0);
    assert_true(fb_queue_request_decode(a, request(a, FB_QUEUE_FETCH, 2, twice), &got, NULL) < 0);
    assert_true(fb_queue_request_decode(a, request(a, FB_QUEUE_RELEASE, 0, twice), &got, NULL) < 0);
    assert_true(fb_queue_request_decode(a, request(a, 5, 1, twice), &got, NULL) < 0);
    assert_true(fb_queue_request_decode(a, request(a, FB_QUEUE_LOOK_UP, FB_QUEUE_BATCH + 1, many), &got, NULL) < 0);
    assert_int_equal(fb_queue_request_decode(a, request(a, FB_QUEUE_LOOK_UP, FB_QUEUE_BATCH, many), &got, NULL), 0);
}

static struct fb_queue_reply look_up_reply(struct fb_arena *a, struct fb_str recipients)
{
    struct fb_queue_reply r = {.op = FB_QUEUE_LOOK_UP, .n = 2};
    r.outcome = fb_arena_array(a, 2, sizeof *r.outcome);
    r.mail = fb_arena_array(a, 2, sizeof *r.mail);
    r.outcome[0] = FB_QUEUE_ELSEWHERE;
    r.mail[1] = (struct fb_queue_mail){file(FB_STR(ID)), FB_STR("alice@example.com"), FB_STR("<1\0\r@x>"), recipients, true};
    return r;
}

static void a_look_up_tells_all_that_is_known_of_a_file(void **state)
{
    (void)state;
    FB_ARENA a = fb_arena_new(1 << 16);
    struct fb_err err;
    struct fb_queue_reply got, sent = look_up_reply(a, FB_STR("bob@example.org\0carol@example.org"));
    assert_int_equal(fb_queue_reply_decode(a, fb_queue_reply_encode(a, &sent), FB_QUEUE_LOOK_UP, &got, &err), 0);
    assert_int_equal(got.n, 2);
    assert_int_equal(got.outcome[0], FB_QUEUE_ELSEWHERE);
    assert_int_equal(got.mail[1].file.inode, 10043479);
    assert_true(fb_str_eq(got.mail[1].message_id, FB_STR("<1\0\r@x>"))); /* strangers' bytes pass, whatever they are */
    assert_int_equal(got.mail[1].recipients.n, 33);
    assert_true(got.mail[1].smtputf8);
}

static void recipients_are_never_empty(void **state)
{
    (void)state;
    static const struct fb_str bad[] = {{"\0a", 2}, {"a\0", 2}, {"a\0\0b", 4}, {"\0", 1}};
    for (size_t i = 0; i < 4; i++) {
        FB_ARENA a = fb_arena_new(1 << 16);
        struct fb_queue_reply got, sent = look_up_reply(a, bad[i]);
        assert_true(fb_queue_reply_decode(a, fb_queue_reply_encode(a, &sent), FB_QUEUE_LOOK_UP, &got, NULL) < 0);
    }
}

static void a_refusal_is_a_failure_with_its_text(void **state)
{
    (void)state;
    FB_ARENA a = fb_arena_new(4096);
    struct fb_err err;
    struct fb_queue_reply got;
    assert_true(fb_queue_reply_decode(a, fb_queue_refusal_encode(a, "a malformed request"), FB_QUEUE_LOOK_UP, &got, &err) < 0);
    assert_string_equal(err.text, "refused: a malformed request");
}

static void the_desk_is_asked_and_answers(void **state)
{
    (void)state;
    FB_ARENA a = fb_arena_new(4096);
    struct fb_err err;
    struct fb_desk_request got, decide = {FB_DESK_DECIDE, FB_DESK_WITHDRAW, FB_STR("v4.public.abc")};
    assert_int_equal(fb_desk_request_decode(fb_desk_request_encode(a, &decide), &got, &err), 0);
    assert_int_equal(got.action, FB_DESK_WITHDRAW);
    assert_true(fb_str_eq(got.token, decide.token));
    enum fb_desk_outcome outcome;
    struct fb_desk_view view, sent = {2, 10, 20, 30, FB_STR("sealed\0blob"), .opens_s = 15, .talked = true, .language = FB_STR("pt-br")};
    assert_int_equal(fb_desk_reply_decode(a, fb_desk_reply_encode(a, FB_DESK_CLOSED, &sent), &outcome, &view, &err), 0);
    assert_int_equal(outcome, FB_DESK_CLOSED);
    assert_int_equal(view.deadline_s, 20);
    assert_true(fb_str_eq(view.sealed, sent.sealed));
    assert_true(view.opens_s == 15 && view.talked && !view.wrong && fb_str_eq(view.language, sent.language));
    for (int action = 0; action < 7; action++) {
        decide.action = (enum fb_desk_action)action;
        assert_int_equal(fb_desk_request_decode(fb_desk_request_encode(a, &decide), &got, NULL), action >= FB_DESK_RELEASE && action <= FB_DESK_WRONG ? 0 : -1);
    }
}

static void a_reason_goes_with_a_decision_and_is_one_line(void **state)
{
    (void)state;
    FB_ARENA a = fb_arena_new(1 << 16);
    struct fb_desk_request got, decide = {FB_DESK_DECIDE, FB_DESK_RELEASE, FB_STR("v4.public.abc"), FB_STR("asked by phone")};
    assert_int_equal(fb_desk_request_decode(fb_desk_request_encode(a, &decide), &got, NULL), 0);
    assert_true(fb_str_eq(got.why, decide.why));
    decide.why = FB_STR("one\nkeeper: another");
    assert_true(fb_desk_request_decode(fb_desk_request_encode(a, &decide), &got, NULL) < 0);
    decide.why = (struct fb_str){fb_arena_array(a, FB_DESK_WHY + 1, 1), FB_DESK_WHY + 1};
    memset((char *)decide.why.p, 'w', decide.why.n);
    assert_true(fb_desk_request_decode(fb_desk_request_encode(a, &decide), &got, NULL) < 0);
}

static void a_key_goes_with_a_withdrawal_alone(void **state)
{
    (void)state;
    FB_ARENA a = fb_arena_new(1 << 16);
    struct fb_desk_request got, decide = {FB_DESK_DECIDE, FB_DESK_WITHDRAW, FB_STR("v4.public.abc"), FB_STR_NONE, FB_STR("0123456789abcdef0123456789abcdef")};
    assert_int_equal(fb_desk_request_decode(fb_desk_request_encode(a, &decide), &got, NULL), 0);
    assert_true(fb_str_eq(got.key, decide.key));
    assert_int_equal(got.why.n, 0);
    decide.action = FB_DESK_RELEASE;
    assert_true(fb_desk_request_decode(fb_desk_request_encode(a, &decide), &got, NULL) < 0);
    decide.action = FB_DESK_WITHDRAW;
    decide.key.n--;
    assert_true(fb_desk_request_decode(fb_desk_request_encode(a, &decide), &got, NULL) < 0);
}

static void a_refused_token_learns_nothing(void **state)
{
    (void)state;
    FB_ARENA a = fb_arena_new(4096);
    struct fb_desk_view sent = {2, 10, 20, 30, FB_STR("sealed")};
    assert_int_equal(fb_desk_reply_encode(a, FB_DESK_REFUSED, &sent).n, 2);
}

static void what_the_desk_does_not_know_is_malformed(void **state)
{
    (void)state;
    static const struct fb_desk_request bad[] = {
        {FB_DESK_SHOW, 0, {"", 0}}, {FB_DESK_DECIDE, 0, {"t", 1}}, {FB_DESK_DECIDE, 5, {"t", 1}}, {3, FB_DESK_RELEASE, {"t", 1}},
    };
    FB_ARENA a = fb_arena_new(1 << 16);
    struct fb_desk_request got;
    for (size_t i = 0; i < 4; i++)
        assert_true(fb_desk_request_decode(fb_desk_request_encode(a, &bad[i]), &got, NULL) < 0);
    struct fb_desk_request longest = {FB_DESK_SHOW, 0, {fb_arena_alloc(a, 401), 401}};
    assert_true(fb_desk_request_decode(fb_desk_request_encode(a, &longest), &got, NULL) < 0);
    longest.token.n = 400;
    assert_int_equal(fb_desk_request_decode(fb_desk_request_encode(a, &longest), &got, NULL), 0);
}

/* A peer on a real socket, in a process of its own: reads one frame, sends @parts, closes. */
static char socket_path[] = "/tmp/forbear-wire-XXXXXX/s";

static pid_t peer(const struct fb_str *parts, size_t n)
{
    int fd = -1;
    struct fb_err err;
    assert_int_equal(fb_unix_listen(socket_path, 0600, NULL, &fd, &err), 0);
    pid_t pid = fork();
    if (pid == 0) {
        FB_ARENA a = fb_arena_new(1 << 20);
        struct fb_str frame;
        int c = accept(fd, NULL, NULL);
        int rc = c < 0 || fb_frame_recv(c, a, &frame, &err);
        for (size_t i = 0; i < n && !rc; i++)
            rc = fb_io_write_all(c, parts[i].p, parts[i].n, &err);
        _exit(rc != 0);
    }
    close(fd);
    return pid;
}

static void peer_ends(pid_t pid)
{
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static struct fb_str framed(struct fb_arena *a, struct fb_str payload)
{
    struct fb_buf b = FB_BUF(a);
    fb_put_bytes(&b, payload); /* a byte string has the form of a frame */
    return fb_buf_str(&b);
}

static void a_call_is_answered(void **state)
{
    (void)state;
    FB_ARENA a = fb_arena_new(1 << 16);
    struct fb_err err = {""};
    struct fb_queue_file v[] = {file(FB_STR(ID)), file(FB_STR(ID2))};
    enum fb_queue_outcome outcomes[] = {FB_QUEUE_DONE, FB_QUEUE_FAILED};
    struct fb_queue_reply reply = {.op = FB_QUEUE_RELEASE, .n = 2, .outcome = outcomes}, got;
    struct fb_str parts[] = {framed(a, fb_queue_reply_encode(a, &reply))};
    pid_t pid = peer(parts, 1);
    assert_int_equal(fb_queue_call(socket_path, 5000, a, &(struct fb_queue_request){FB_QUEUE_RELEASE, 2, v}, &got, &err), 0);
    assert_int_equal(got.outcome[1], FB_QUEUE_FAILED);
    peer_ends(pid);
}

static void an_answer_about_another_file_is_no_answer(void **state)
{
    (void)state;
    FB_ARENA a = fb_arena_new(1 << 16);
    struct fb_err err = {""};
    struct fb_queue_file v[] = {file(FB_STR(ID)), file(FB_STR(ID2))};
    struct fb_queue_reply reply = look_up_reply(a, FB_STR_NONE), got; /* of ID, where ID2 was asked */
    struct fb_str parts[] = {framed(a, fb_queue_reply_encode(a, &reply))};
    pid_t pid = peer(parts, 1);
    assert_true(fb_queue_call(socket_path, 5000, a, &(struct fb_queue_request){FB_QUEUE_LOOK_UP, 2, v}, &got, &err) < 0);
    assert_non_null(strstr(err.text, "an answer to another question"));
    peer_ends(pid);
}

static void a_peer_that_closes_without_an_answer_is_a_failure(void **state)
{
    (void)state;
    FB_ARENA a = fb_arena_new(1 << 16);
    struct fb_err err = {""};
    enum fb_desk_outcome outcome;
    struct fb_desk_view view;
    pid_t pid = peer(NULL, 0);
    assert_true(fb_desk_call(socket_path, 5000, a, &(struct fb_desk_request){FB_DESK_SHOW, 0, FB_STR("t")}, &outcome, &view, &err) < 0);
    assert_non_null(strstr(err.text, socket_path));
    peer_ends(pid);
}

/* Fetches from a peer that sends @kinds, each with "abc" where it is data. */
static int fetch(const char *kinds, size_t max, struct fb_str *ret, struct fb_err *err)
{
    static struct fb_arena *a; /* of the last call, for *ret */
    fb_arena_free(a);
    a = fb_arena_new(1 << 16);
    struct fb_queue_file f = file(FB_STR(ID));
    enum fb_queue_outcome done = FB_QUEUE_DONE, got = FB_QUEUE_FAILED;
    struct fb_buf b = FB_BUF(a);
    fb_buf_add(&b, framed(a, fb_queue_reply_encode(a, &(struct fb_queue_reply){.op = FB_QUEUE_FETCH, .n = 1, .outcome = &done})));
    for (; *kinds; kinds++) {
        struct fb_buf piece = FB_BUF(a);
        fb_put_u8(&piece, (uint8_t)(*kinds - '0'));
        fb_put_bytes(&piece, *kinds == '0' ? FB_STR("abc") : FB_STR_NONE);
        fb_buf_add(&b, framed(a, fb_buf_str(&piece)));
    }
    struct fb_str parts[] = {fb_buf_str(&b)};
    pid_t pid = peer(parts, 1);
    int rc = fb_queue_fetch(socket_path, 5000, a, &f, max, &got, ret, err);
    peer_ends(pid);
    return rc;
}

static void a_message_is_fetched_in_pieces(void **state)
{
    (void)state;
    struct fb_err err = {""};
    struct fb_str message;
    assert_int_equal(fetch("001", 6, &message, &err), 0);
    assert_true(fb_str_eq(message, FB_STR("abcabc")));
    assert_int_equal(fetch("1", 6, &message, &err), 0);
    assert_int_equal(message.n, 0);
}

static void half_a_message_is_none(void **state)
{
    (void)state;
    struct fb_err err = {""};
    struct fb_str message;
    assert_true(fetch("002", 100, &message, &err) < 0);
    assert_non_null(strstr(err.text, "could not read the message to its end"));
    assert_true(fetch("00", 100, &message, &err) < 0);
    assert_non_null(strstr(err.text, "closed in the middle of a message"));
    assert_true(fetch("001", 5, &message, &err) < 0);
    assert_non_null(strstr(err.text, "larger than it may be"));
    assert_true(fetch("03", 100, &message, &err) < 0);
    assert_non_null(strstr(err.text, "a malformed piece"));
}

static int setup(void **state)
{
    (void)state;
    char *slash = strrchr(socket_path, '/');
    *slash = '\0';
    char *made = mkdtemp(socket_path);
    *slash = '/';
    return made ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    unlink(socket_path);
    *strrchr(socket_path, '/') = '\0';
    return rmdir(socket_path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_come_back_as_they_went),
        cmocka_unit_test(a_byte_string_may_not_pass_its_bound_or_the_frame),
        cmocka_unit_test(frames_go_through_a_socket_one_by_one),
        cmocka_unit_test(a_frame_that_breaks_off_or_is_too_long_is_a_failure),
        cmocka_unit_test(only_long_queue_ids_are_ids),
        cmocka_unit_test(requests_are_read_as_written),
        cmocka_unit_test(a_request_with_anything_wrong_is_refused_whole),
        cmocka_unit_test(a_look_up_tells_all_that_is_known_of_a_file),
        cmocka_unit_test(recipients_are_never_empty),
        cmocka_unit_test(a_refusal_is_a_failure_with_its_text),
        cmocka_unit_test(the_desk_is_asked_and_answers),
        cmocka_unit_test(a_reason_goes_with_a_decision_and_is_one_line),
        cmocka_unit_test(a_key_goes_with_a_withdrawal_alone), cmocka_unit_test(a_refused_token_learns_nothing),
        cmocka_unit_test(what_the_desk_does_not_know_is_malformed),
        cmocka_unit_test(a_call_is_answered),
        cmocka_unit_test(an_answer_about_another_file_is_no_answer),
        cmocka_unit_test(a_peer_that_closes_without_an_answer_is_a_failure),
        cmocka_unit_test(a_message_is_fetched_in_pieces),
        cmocka_unit_test(half_a_message_is_none),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
