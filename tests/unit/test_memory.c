/* What the milter learns, from which mail and when, and that a history that fails costs no message. The rules are the shipped
 * ones, the MTA is left out. */
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/io.h"
#include "daemon/daemon.h"
#include "daemon/log.h"
#include "mail/message.h"
#include "session.h"

struct world {
    char dir[64], conf[96], history[96];
    struct milter m;
};

static void write_conf(struct world *w, const char *more)
{
    struct fb_err err;
    char text[1024];
    int n = snprintf(text, sizeof text,
                     "[forbear]\nmode = observe\nstate_dir = %s\nkeys_dir = %s\ndata_dir = " DATA_DIR "\n[judge]\nenabled = no\n"
                     "[rules]\nfile = none\nphrases = none\n[limits]\nmessage_size = 4096\n"
                     "[scope]\ninternal_domains = corp.example\nprotected = council@corp.example\nshared = desk@corp.example\n%s",
                     w->dir, w->dir, more);
    assert_int_equal(fb_io_write_file(w->dir, "forbear.conf", (struct fb_str){text, (size_t)n}, 0600, &err), 0);
}

static struct world *world_new(const char *more, bool keyed)
{
    struct fb_err err = {.text = ""};
    struct world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    fb_log_init("test", FB_LOG_ERROR);
    snprintf(w->dir, sizeof w->dir, "/tmp/forbear-memory-XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    snprintf(w->conf, sizeof w->conf, "%s/forbear.conf", w->dir);
    snprintf(w->history, sizeof w->history, "%s/history.db", w->dir);
    write_conf(w, more);
    if (keyed)
        fb_io_write_file(w->dir, "hash.key", FB_STR("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\n"), 0600, &err);
    int rc = gate_init(&w->m.gate, &err) | counts_init(&w->m.counts, &err) | holds_init(&w->m.holds, &err) |
             generations_init(&w->m.generations, w->conf, &err) | memory_init(&w->m.memory, &w->m.generations, &err);
    assert_string_equal(err.text, "");
    assert_int_equal(rc, 0);
    memory_write(&w->m.memory, fb_now_s());
    return w;
}

static void world_free(struct world *w)
{
    static const char *const files[] = {"history.db", "history.db-wal", "history.db-shm", "forbear.conf", "hash.key", ""};
    memory_done(&w->m.memory);
    holds_done(&w->m.holds);
    counts_done(&w->m.counts);
    generations_done(&w->m.generations);
    gate_done(&w->m.gate);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char path[192];
        snprintf(path, sizeof path, "%s/%s", w->dir, files[i]);
        remove(path);
    }
    free(w);
}

/* A mail as far as the MTA gets with it: the answer to its last step. @to: To, and the recipient. @login NULL: from elsewhere. */
static enum answer sent(struct world *w, const char *sender, const char *login, const char *from, const char *to, const char *id, const char *size)
{
    struct session *s = session_new(&w->m);
    char path[96], length[32];
    snprintf(path, sizeof path, "<%s>", sender);
    snprintf(length, sizeof length, "SIZE=%s", size);
    session_agreed(s, true, true);
    enum answer a = session_mail(s, (char *const[]){path, length, NULL}, login, NULL);
    if (a == ANSWER_CONTINUE) {
        session_rcpt(s, to);
        session_header(s, "From", from);
        session_header(s, "To", to);
        session_header(s, "Message-ID", id);
        a = session_eoh(s, NULL);
    }
    if (a == ANSWER_CONTINUE)
        a = session_body(s, "See you at noon.\r\n", 18);
    if (a == ANSWER_CONTINUE)
        a = session_eom(s, "4jXYzw0000z1");
    session_free(s);
    return a;
}

static enum answer sent_by_ana(struct world *w, const char *to, const char *id)
{
    return sent(w, "ana@corp.example", "ana@corp.example", "ana@corp.example", to, id, "100");
}

/* Whether the mail of that id is known to who answers it. */
static bool knows(struct world *w, const char *id)
{
    struct generation *g = generation_take(&w->m.generations);
    struct fb_history *h = memory_take(&w->m.memory, g);
    struct fb_history_question q = {.sender = FB_STR("ana@corp.example"), .in_reply_to = fb_str(id)};
    struct fb_history_answer answer = {.thread_known = false};
    if (h)
        fb_history_ask(h, &q, NULL, 0, &answer, NULL);
    memory_give(&w->m.memory, g, h);
    generation_drop(g);
    return answer.thread_known;
}

static void mail_that_passes_is_known_once_it_is_written(void **state)
{
    (void)state;
    struct world *w = world_new("", true);
    assert_int_equal(sent_by_ana(w, "ben@corp.example", "<1@corp.example>"), ANSWER_ACCEPT);
    assert_false(knows(w, "<1@corp.example>"));
    memory_write(&w->m.memory, fb_now_s());
    assert_true(knows(w, "<1@corp.example>"));
    assert_false(knows(w, "<2@corp.example>"));
    world_free(w);
}

static void mail_that_is_not_judged_teaches_by_its_header(void **state)
{
    (void)state;
    static const struct {
        const char *sender, *login, *from, *to, *size;
        bool taught;
    } cases[] = {
        {"desk@corp.example", "x", "desk@corp.example", "ben@corp.example", "100", true},            /* shared */
        {"ana@corp.example", "ben@corp.example", "ana@corp.example", "ben@corp.example", "100", true}, /* another's login */
        {"ana@corp.example", "x", "boss@corp.example", "ben@corp.example", "100", true},             /* a delegate's */
        {"ana@corp.example", "x", "ana@corp.example", "ben@corp.example", "50000", true},            /* too large */
        {"ana@corp.example", "x", "ana@corp.example", "council@corp.example", "100", false},
        {"council@corp.example", "x", "council@corp.example", "ben@corp.example", "100", false},
        {"", "x", "ana@corp.example", "ben@corp.example", "100", false},
        {"kai@client.example", NULL, "kai@client.example", "ben@corp.example", "100", false},        /* incoming, which is not asked for */
    };
    struct world *w = world_new("", true);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char id[32];
        snprintf(id, sizeof id, "<%zu@corp.example>", i);
        assert_int_equal(sent(w, cases[i].sender, cases[i].login, cases[i].from, cases[i].to, id, cases[i].size), ANSWER_ACCEPT);
        memory_write(&w->m.memory, fb_now_s());
        if (knows(w, id) != cases[i].taught)
            fail_msg("case %zu", i);
    }
    world_free(w);
}

static void incoming_mail_teaches_where_that_is_wanted(void **state)
{
    (void)state;
    struct world *w = world_new("[history]\nincoming = yes\n", true);
    assert_int_equal(sent(w, "kai@client.example", NULL, "kai@client.example", "ana@corp.example", "<1@client.example>", "100"), ANSWER_ACCEPT);
    assert_int_equal(sent(w, "kai@client.example", NULL, "ben@corp.example", "ana@corp.example", "<2@client.example>", "100"), ANSWER_ACCEPT);
    memory_write(&w->m.memory, fb_now_s());
    assert_true(knows(w, "<1@client.example>"));
    assert_false(knows(w, "<2@client.example>")); /* under an address of ours */
    world_free(w);
}

static void one_key_switches_it_off(void **state)
{
    (void)state;
    struct world *w = world_new("[history]\nenabled = no\n", true);
    assert_int_equal(sent_by_ana(w, "ben@corp.example", "<1@corp.example>"), ANSWER_ACCEPT);
    memory_write(&w->m.memory, fb_now_s());
    assert_false(knows(w, "<1@corp.example>"));
    assert_int_equal(access(w->history, F_OK), -1);
    world_free(w);
}

static void without_a_key_there_is_none(void **state)
{
    (void)state;
    struct world *w = world_new("", false);
    assert_int_equal(sent_by_ana(w, "ben@corp.example", "<1@corp.example>"), ANSWER_ACCEPT);
    memory_write(&w->m.memory, fb_now_s());
    assert_false(knows(w, "<1@corp.example>"));
    assert_int_equal(access(w->history, F_OK), -1);
    world_free(w);
}

static void scribble(const char *path, off_t from)
{
    char noise[8192];
    memset(noise, 0x5a, sizeof noise);
    int fd = open(path, O_WRONLY);
    assert_true(fd >= 0 && pwrite(fd, noise, sizeof noise, from) == (ssize_t)sizeof noise);
    close(fd);
}

static void a_damaged_one_is_begun_anew_and_holds_up_no_mail(void **state)
{
    (void)state;
    struct world *w = world_new("", true);
    memory_done(&w->m.memory); /* as if the milter had been stopped */
    scribble(w->history, 0);
    assert_int_equal(memory_init(&w->m.memory, &w->m.generations, NULL), 0);
    assert_int_equal(sent_by_ana(w, "ben@corp.example", "<1@corp.example>"), ANSWER_ACCEPT);
    memory_write(&w->m.memory, fb_now_s());
    w->m.memory.retry_ms = 0;
    assert_true(knows(w, "<1@corp.example>"));
    world_free(w);
}

static void damage_that_a_reader_meets_is_mended_by_the_writer(void **state)
{
    (void)state;
    struct fb_err err;
    struct world *w = world_new("", true);
    sent_by_ana(w, "ben@corp.example", "<1@corp.example>");
    memory_write(&w->m.memory, fb_now_s());
    memory_done(&w->m.memory);
    assert_int_equal(generations_reload(&w->m.generations, &err), 0); /* by which readers are closed too */
    scribble(w->history, 4096);
    assert_int_equal(memory_init(&w->m.memory, &w->m.generations, NULL), 0);
    assert_false(knows(w, "<1@corp.example>"));
    assert_false(knows(w, "<1@corp.example>")); /* not tried again so soon */
    sent_by_ana(w, "ben@corp.example", "<2@corp.example>");
    memory_write(&w->m.memory, fb_now_s());
    w->m.memory.retry_ms = 0;
    assert_true(knows(w, "<2@corp.example>"));
    world_free(w);
}

static void one_that_is_deleted_meanwhile_is_made_again(void **state)
{
    (void)state;
    struct world *w = world_new("", true);
    sent_by_ana(w, "ben@corp.example", "<1@corp.example>");
    memory_write(&w->m.memory, fb_now_s());
    assert_true(knows(w, "<1@corp.example>"));
    assert_int_equal(fb_history_remove(w->dir, NULL), 0);
    assert_false(knows(w, "<1@corp.example>"));
    for (int i = 0; i < 2; i++) { /* the first writing finds that it is gone, the second one makes it */
        sent_by_ana(w, "ben@corp.example", "<2@corp.example>");
        memory_write(&w->m.memory, fb_now_s());
    }
    w->m.memory.retry_ms = 0;
    assert_true(knows(w, "<2@corp.example>"));
    world_free(w);
}

static void when_there_is_no_room_mails_are_forgotten(void **state)
{
    (void)state;
    struct world *w = world_new("", true);
    struct generation *g = generation_take(&w->m.generations);
    struct fb_history_mail mail = {.id = FB_STR("<1@corp.example>"), .author = FB_STR("ana@corp.example")};
    for (int i = 0; i < 10000; i++)
        memory_learn(&w->m.memory, g, &mail);
    assert_true(w->m.memory.batch[w->m.memory.filling].forgotten > 0);
    memory_write(&w->m.memory, fb_now_s());
    assert_true(knows(w, "<1@corp.example>"));
    memory_learn(&w->m.memory, g, &(struct fb_history_mail){.id = FB_STR("<2@corp.example>"), .author = FB_STR("ana@corp.example")});
    memory_write(&w->m.memory, fb_now_s());
    assert_true(knows(w, "<2@corp.example>"));
    generation_drop(g);
    world_free(w);
}

static void *write_to_ben(void *arg)
{
    for (int i = 0; i < 50; i++)
        sent_by_ana(arg, "ben@corp.example", "<many@corp.example>");
    return NULL;
}

static void many_learn_and_ask_while_one_writes(void **state)
{
    (void)state;
    struct fb_err err;
    pthread_t threads[4];
    struct world *w = world_new("", true);
    assert_int_equal(memory_start(&w->m.memory, &err), 0);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_to_ben, w), 0);
    assert_int_equal(generations_reload(&w->m.generations, &err), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    memory_stop(&w->m.memory); /* writes what waits */
    assert_true(knows(w, "<many@corp.example>"));
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mail_that_passes_is_known_once_it_is_written),
        cmocka_unit_test(mail_that_is_not_judged_teaches_by_its_header),
        cmocka_unit_test(incoming_mail_teaches_where_that_is_wanted),
        cmocka_unit_test(one_key_switches_it_off),
        cmocka_unit_test(without_a_key_there_is_none),
        cmocka_unit_test(a_damaged_one_is_begun_anew_and_holds_up_no_mail),
        cmocka_unit_test(damage_that_a_reader_meets_is_mended_by_the_writer),
        cmocka_unit_test(one_that_is_deleted_meanwhile_is_made_again),
        cmocka_unit_test(when_there_is_no_room_mails_are_forgotten),
        cmocka_unit_test(many_learn_and_ask_while_one_writes),
    };
    struct fb_err err;
    fb_message_init();
    return fb_crypto_init(&err) || cmocka_run_group_tests(tests, NULL, NULL);
}
