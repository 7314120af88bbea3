/* The history: what it knows of threads and of people who write to each other alone, what it forgets, that nobody can read
 * it, and that it fails at once where it fails. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "base/io.h"
#include "history/history.h"

#define ANA "ana@corp.example"
#define BEN "ben@corp.example"
#define CLEO "cleo@corp.example"
#define DAN "dan@corp.example"
#define MIA "mia@corp.example"

enum { HOUR_S = 3600, NOW_S = 1800000000 };

static const uint8_t key[FB_HISTORY_KEY] = {1, 2, 3};
static char dir[64];

static int setup(void **state)
{
    struct fb_err err = {.text = ""};
    struct fb_history *h;
    snprintf(dir, sizeof dir, "/tmp/forbear-history-XXXXXX");
    if (!mkdtemp(dir) || fb_history_open(dir, key, true, 0, &h, &err))
        return print_error("%s\n", err.text), -1;
    *state = h;
    return 0;
}

static int teardown(void **state)
{
    fb_history_close(*state);
    fb_history_remove(dir, NULL);
    return rmdir(dir);
}

static size_t split(const char *s, struct fb_str *v)
{
    struct fb_str rest = fb_str(s);
    size_t n = 0;
    while (fb_str_word(&rest, &v[n]))
        n++;
    return n;
}

/* One mail into @h: "author > reader reader / who read it through a list"; "<id> answers <a> <b>". */
static void learned(struct fb_history *h, const char *id, const char *answers, const char *author, const char *to, const char *through, int64_t at_s)
{
    struct fb_str references[8], readers[8];
    struct fb_history_note note;
    struct fb_err err = {.text = ""};
    struct fb_history_mail m = {.id = fb_str(id), .references = references, .references_n = split(answers, references), .author = fb_str(author),
                                .author_inside = fb_str_iends(fb_str(author), FB_STR("@corp.example")), .readers = readers,
                                .addressed_n = split(to, readers), .sent_s = at_s};
    m.in_reply_to = m.references_n ? references[m.references_n - 1] : FB_STR_NONE;
    m.readers_n = m.addressed_n + split(through, readers + m.addressed_n);
    m.alone = m.readers_n == 1;
    fb_history_pack(key, &m, &note);
    assert_int_equal(fb_history_learn(h, note.v, note.n, at_s, &err), 0);
}

/* What is known of @addr to a mail of Ana's that answers @answers. */
static struct fb_history_person asked_since(struct fb_history *h, const char *answers, const char *addr, int64_t since_s, struct fb_history_answer *ret)
{
    struct fb_str references[8];
    struct fb_history_question q = {.sender = FB_STR(ANA), .references = references, .references_n = split(answers, references), .since_s = since_s};
    struct fb_history_person p = {.addr = fb_str(addr)};
    struct fb_err err = {.text = ""};
    if (fb_history_ask(h, &q, &p, 1, ret, &err))
        fail_msg("%s", err.text);
    return p;
}

static struct fb_history_person asked(struct fb_history *h, const char *answers, const char *addr)
{
    struct fb_history_answer answer;
    return asked_since(h, answers, addr, INT64_MIN, &answer);
}

static void who_was_on_a_thread_is_known_and_who_was_not(void **state)
{
    learned(*state, "<1>", "", BEN, ANA " " CLEO, "", NOW_S);
    learned(*state, "<2>", "<1>", CLEO, BEN, DAN, NOW_S + 60);
    struct fb_history_answer answer;
    assert_true(asked_since(*state, "<1> <2>", BEN, INT64_MIN, &answer).addressed);
    assert_true(answer.thread_known && answer.answered_inside);
    assert_int_equal(answer.answered_s, NOW_S + 60);
    assert_true(asked(*state, "<1>", CLEO).addressed);
    assert_true(asked(*state, "<1>", DAN).on_thread); /* through a list, on another branch */
    assert_false(asked(*state, "<1>", DAN).addressed);
    assert_false(asked(*state, "<1>", MIA).on_thread);
}

static void a_thread_is_known_where_the_answered_mail_was_seen_itself(void **state)
{
    struct fb_history_answer answer;
    learned(*state, "<2>", "<1>", ANA, BEN, "", NOW_S);
    asked_since(*state, "<1>", CLEO, INT64_MIN, &answer); /* who was on <1> nobody knows */
    assert_false(answer.thread_known);
    asked_since(*state, "<1> <2> <3>", CLEO, INT64_MIN, &answer);
    assert_false(answer.thread_known);
    assert_int_equal(answer.answered_s, INT64_MIN);
    asked_since(*state, "<1> <2>", CLEO, INT64_MIN, &answer);
    assert_true(answer.thread_known);
    asked_since(*state, "", CLEO, INT64_MIN, &answer);
    assert_false(answer.thread_known);
}

static void an_outsiders_mail_is_known_as_one(void **state)
{
    struct fb_history_answer answer;
    learned(*state, "<1>", "", "kai@client.example", ANA, "", NOW_S);
    asked_since(*state, "<1>", BEN, INT64_MIN, &answer);
    assert_true(answer.thread_known && !answer.answered_inside);
}

static void the_first_who_bears_an_id_keeps_it(void **state)
{
    struct fb_history_answer answer;
    learned(*state, "<1>", "", "kai@client.example", ANA, "", NOW_S);
    learned(*state, "<1>", "", BEN, ANA, "", NOW_S + 500);
    asked_since(*state, "<1>", BEN, INT64_MIN, &answer);
    assert_int_equal(answer.answered_s, NOW_S);
    assert_false(answer.answered_inside);
}

static void mail_alone_counts_either_way_and_outside_the_thread(void **state)
{
    learned(*state, "<1>", "", ANA, BEN, "", NOW_S);
    learned(*state, "<2>", "", CLEO, ANA, "", NOW_S);
    learned(*state, "<3>", "", ANA, DAN " " MIA, "", NOW_S);
    assert_true(asked(*state, "", BEN).alone);
    assert_true(asked(*state, "<3>", BEN).alone);
    assert_true(asked(*state, "<1>", CLEO).alone);
    assert_false(asked(*state, "<1>", BEN).alone);
    assert_false(asked(*state, "", DAN).alone || asked(*state, "", MIA).alone);
    learned(*state, "<4>", "<1>", BEN, ANA, "", NOW_S); /* the same thread again */
    assert_false(asked(*state, "<4>", BEN).alone);
    learned(*state, "<5>", "", BEN, ANA, "", NOW_S); /* and another one */
    assert_true(asked(*state, "<4>", BEN).alone);
    assert_true(asked(*state, "<5>", BEN).alone);
}

static void mail_alone_counts_for_as_long_as_it_was_lately(void **state)
{
    struct fb_history_answer answer;
    learned(*state, "<1>", "", ANA, BEN, "", NOW_S);
    learned(*state, "<2>", "", ANA, BEN, "", NOW_S + 48 * HOUR_S);
    assert_true(asked_since(*state, "", BEN, NOW_S + 24 * HOUR_S, &answer).alone);
    assert_true(asked_since(*state, "<2>", BEN, NOW_S, &answer).alone);
    assert_false(asked_since(*state, "<2>", BEN, NOW_S + 24 * HOUR_S, &answer).alone); /* the other thread's is too old */
    assert_false(asked_since(*state, "", BEN, NOW_S + 72 * HOUR_S, &answer).alone);
}

static int64_t rows(void)
{
    char path[96];
    sqlite3 *db;
    sqlite3_stmt *q;
    snprintf(path, sizeof path, "%s/history.db", dir);
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT (SELECT count(*) FROM mail) + (SELECT count(*) FROM reader) + (SELECT count(*) FROM alone)", -1, &q, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(q), SQLITE_ROW);
    int64_t n = sqlite3_column_int64(q, 0);
    sqlite3_finalize(q);
    sqlite3_close(db);
    return n;
}

static void what_is_old_is_forgotten_slice_by_slice(void **state)
{
    char id[16];
    unsigned slice = 7;
    for (int i = 0; i < 200; i++) {
        snprintf(id, sizeof id, "<old%d>", i);
        learned(*state, id, "", ANA, BEN, "", NOW_S);
    }
    learned(*state, "<new>", "", ANA, CLEO, "", NOW_S + 48 * HOUR_S);
    int64_t before = rows();
    assert_int_equal(fb_history_forget(*state, NOW_S + 24 * HOUR_S, &slice, NULL), 0);
    assert_int_equal(slice, 8);
    assert_true(rows() > before / 2);
    for (int i = 1; i < FB_HISTORY_SLICES; i++)
        assert_int_equal(fb_history_forget(*state, NOW_S + 24 * HOUR_S, &slice, NULL), 0);
    assert_int_equal(slice, 7);
    assert_int_equal(rows(), 4); /* <new>, Ana and Cleo on its thread, the two alone */
    assert_true(asked(*state, "<new>", CLEO).addressed);
}

static void a_mail_teaches_no_more_than_its_bounds(void **state)
{
    static struct fb_str references[500], readers[1000];
    static char text[1000][32];
    struct fb_history_note note;
    for (int i = 0; i < 1000; i++) {
        snprintf(text[i], sizeof *text, "reader%d@corp.example", i);
        readers[i] = fb_str(text[i]);
        references[i % 500] = readers[i];
    }
    struct fb_history_mail m = {.id = FB_STR("<1>"), .in_reply_to = FB_STR("<0>"), .references_n = 500, .references = references, .author = FB_STR(ANA),
                                .addressed_n = 1000, .readers_n = 1000, .readers = readers, .sent_s = NOW_S};
    fb_history_pack(key, &m, &note);
    assert_true(note.n <= sizeof note.v / sizeof *note.v);
    assert_int_equal(fb_history_learn(*state, note.v, note.n, NOW_S, NULL), 0);
    assert_int_equal(rows(), 1 + 1 + FB_HISTORY_REFERENCES + 1 + FB_HISTORY_READERS + 1);
    assert_true(asked(*state, "<1>", "reader999@corp.example").on_thread); /* it may have been on it: nobody is new */
    assert_false(asked(*state, "<1>", "reader999@corp.example").addressed);
}

static void nobody_can_read_it(void **state)
{
    static const char *const words[] = {"ana@", "corp", "<one", "client"};
    learned(*state, "<one@client.example>", "", ANA, BEN, "", NOW_S);
    static const char *const names[] = {"history.db", "history.db-wal"};
    FB_ARENA arena = fb_arena_new(8 << 20);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[96];
        struct stat st;
        struct fb_str all;
        struct fb_err err = {.text = ""};
        snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        assert_int_equal(fb_io_read_file(arena, path, 4 << 20, &all, &err), 0);
        assert_true(all.n > 0);
        for (size_t k = 0; k < sizeof words / sizeof *words; k++)
            assert_null(memmem(all.p, all.n, words[k], strlen(words[k])));
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
    }
}

static void another_key_knows_nothing(void **state)
{
    static const uint8_t other[FB_HISTORY_KEY] = {9};
    struct fb_history *h;
    struct fb_history_answer answer;
    learned(*state, "<1>", "", BEN, ANA, "", NOW_S);
    assert_int_equal(fb_history_open(dir, other, false, 0, &h, NULL), 0);
    assert_false(asked_since(h, "<1>", BEN, INT64_MIN, &answer).alone);
    assert_false(answer.thread_known);
    fb_history_close(h);
}

static void scribble(const char *name, off_t from, size_t n)
{
    char path[96], noise[8192];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    memset(noise, 0x5a, sizeof noise);
    int fd = open(path, O_WRONLY);
    assert_true(fd >= 0 && pwrite(fd, noise, n, from) == (ssize_t)n);
    close(fd);
}

static void a_file_that_is_no_database_is_damaged_and_can_be_begun_anew(void **state)
{
    struct fb_history *h = NULL;
    struct fb_err err = {.text = ""};
    fb_history_close(*state);
    *state = NULL;
    scribble("history.db", 0, 8192);
    assert_int_equal(fb_history_open(dir, key, true, 0, &h, &err), FB_HISTORY_DAMAGED);
    assert_non_null(strstr(err.text, "history.db"));
    assert_int_equal(fb_history_remove(dir, &err), 0);
    assert_int_equal(fb_history_open(dir, key, true, 0, &h, &err), 0);
    *state = h;
    learned(h, "<1>", "", ANA, BEN, "", NOW_S);
    assert_true(asked(h, "", BEN).alone);
}

static void damage_within_is_found_by_who_meets_it(void **state)
{
    struct fb_history *h;
    struct fb_err err = {.text = ""};
    learned(*state, "<1>", "", ANA, BEN, "", NOW_S);
    fb_history_close(*state); /* which writes the log back */
    *state = NULL;
    scribble("history.db", 4096, 8192);
    assert_int_equal(fb_history_open(dir, key, false, 0, &h, &err), 0);
    struct fb_history_question q = {.sender = FB_STR(ANA), .in_reply_to = FB_STR("<1>"), .since_s = INT64_MIN};
    struct fb_history_answer answer;
    assert_int_equal(fb_history_ask(h, &q, NULL, 0, &answer, &err), FB_HISTORY_DAMAGED);
    assert_int_equal(fb_history_fault(h, &err), FB_HISTORY_DAMAGED);
    assert_false(answer.thread_known);
    fb_history_close(h);
}

static void who_asks_does_not_wait_for_who_writes(void **state)
{
    char path[96];
    sqlite3 *db;
    struct fb_err err = {.text = ""};
    struct fb_history_note note;
    learned(*state, "<1>", "", ANA, BEN, "", NOW_S);
    snprintf(path, sizeof path, "%s/history.db", dir);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE; DELETE FROM alone", NULL, NULL, NULL), SQLITE_OK);
    assert_true(asked(*state, "", BEN).alone);
    fb_history_pack(key, &(struct fb_history_mail){.id = FB_STR("<2>"), .author = FB_STR(ANA)}, &note);
    assert_int_equal(fb_history_learn(*state, note.v, note.n, NOW_S, &err), -1); /* and a second writer is told at once */
    assert_non_null(strstr(err.text, "locked"));
    sqlite3_close(db);
    assert_int_equal(fb_history_learn(*state, note.v, note.n, NOW_S, &err), 0);
}

static void one_that_is_removed_under_our_hands_is_not_asked(void **state)
{
    struct fb_err err = {.text = ""};
    struct fb_history_question q = {.sender = FB_STR(ANA)};
    struct fb_history_answer answer;
    assert_int_equal(fb_history_remove(dir, NULL), 0);
    assert_int_equal(fb_history_ask(*state, &q, NULL, 0, &answer, &err), -1);
    assert_int_equal(fb_history_fault(*state, &err), -1);
    assert_non_null(strstr(err.text, "removed"));
}

static void one_of_a_newer_forbear_is_left_alone(void **state)
{
    struct fb_history *h;
    struct fb_err err = {.text = ""};
    char path[96];
    sqlite3 *db;
    (void)state;
    snprintf(path, sizeof path, "%s/history.db", dir);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA user_version = 99", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    assert_int_equal(fb_history_open(dir, key, true, 0, &h, &err), -1);
    assert_non_null(strstr(err.text, "99"));
}

static void a_database_in_memory_leaves_no_file(void **state)
{
    struct fb_history *h;
    (void)state;
    assert_int_equal(fb_history_open(NULL, key, true, 0, &h, NULL), 0);
    learned(h, "<1>", "", ANA, BEN, "", NOW_S);
    assert_true(asked(h, "", BEN).alone);
    assert_false(asked(*state, "", BEN).alone);
    fb_history_close(h);
    assert_int_equal(access(":memory:", F_OK), -1);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(who_was_on_a_thread_is_known_and_who_was_not),
        STORY(a_thread_is_known_where_the_answered_mail_was_seen_itself),
        STORY(an_outsiders_mail_is_known_as_one),
        STORY(the_first_who_bears_an_id_keeps_it),
        STORY(mail_alone_counts_either_way_and_outside_the_thread),
        STORY(mail_alone_counts_for_as_long_as_it_was_lately),
        STORY(what_is_old_is_forgotten_slice_by_slice),
        STORY(a_mail_teaches_no_more_than_its_bounds),
        STORY(nobody_can_read_it),
        STORY(another_key_knows_nothing),
        STORY(a_file_that_is_no_database_is_damaged_and_can_be_begun_anew),
        STORY(damage_within_is_found_by_who_meets_it),
        STORY(who_asks_does_not_wait_for_who_writes),
        STORY(one_that_is_removed_under_our_hands_is_not_asked),
        STORY(one_of_a_newer_forbear_is_left_alone),
        STORY(a_database_in_memory_leaves_no_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
