/* The store: what it keeps, what it refuses, what is really gone when it was erased, and what happens when the disk, the
 * file, the lock or the memory under it fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/io.h"
#include "hold/schema.h"
#include "hold/seal.h"

#define BOX "the-box-that-must-not-stay-readable"
#define PAGE_KEY "the-page-key-that-must-not-stay-readable"
#define NOW INT64_C(1795827600)
enum { BUSY_MS = 2000, NOBODY = 65534 };

struct fixture {
    char dir[64];
    struct fb_arena *arena;
    struct fb_store *store;
    struct fb_err err;
};

static int fixture_new(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    snprintf(f->dir, sizeof f->dir, "%s/forbear-store-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    f->arena = fb_arena_new(64u << 20);
    if (!mkdtemp(f->dir) || !f->arena || fb_crypto_init(&f->err))
        return -1;
    *state = f;
    return 0;
}

static int fixture_open(void **state)
{
    if (fixture_new(state))
        return -1;
    struct fixture *f = *state;
    return fb_store_open(f->dir, BUSY_MS, &f->store, &f->err);
}

/* The folder is flat. */
static void dir_remove(const char *path)
{
    DIR *d = opendir(path);
    struct dirent *e;
    while (d && (e = readdir(d)))
        unlinkat(dirfd(d), e->d_name, 0);
    if (d)
        closedir(d);
    rmdir(path);
}

static int fixture_free(void **state)
{
    struct fixture *f = *state;
    fb_store_close(f->store);
    fb_arena_free(f->arena);
    dir_remove(f->dir);
    free(f);
    return 0;
}

static const char *path_of(struct fixture *f, const char *name)
{
    return fb_arena_printf(f->arena, "%s/%s", f->dir, name).p;
}

static struct fb_hold a_hold(enum fb_state state)
{
    struct fb_hold h = {.queue_id = FB_STR("4Sjh2k0fMzz1abc"), .state = state, .rule = FB_STR("public_shaming"), .created_s = NOW,
                        .deadline_s = NOW + 900, .fingerprint = {1, 2, 3}, .box = FB_STR(BOX)};
    fb_hold_id_new(&h.id);
    return h;
}

static struct fb_hold added(struct fixture *f, enum fb_state state)
{
    struct fb_hold h = a_hold(state);
    assert_int_equal(fb_store_add(f->store, &h, &f->err), 0);
    return h;
}

static struct fb_hold got(struct fixture *f, struct fb_hold_id id)
{
    struct fb_hold h;
    assert_int_equal(fb_store_get(f->store, id, f->arena, &h, &f->err), 0);
    return h;
}

static int notice_ready(struct fixture *f, struct fb_hold_id id)
{
    return fb_store_notice_ready(f->store, id, FB_STR("sealed"), FB_STR(PAGE_KEY), FB_STR("<n1@example.org>"), NOW + 1, NOW + 1, &f->err);
}

static struct fb_hold held(struct fixture *f)
{
    struct fb_hold h = added(f, FB_STATE_pending);
    assert_int_equal(notice_ready(f, h.id), 0);
    return h;
}

static int sql(struct fixture *f, const char *text)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path_of(f, "forbear.db"), &db), SQLITE_OK);
    sqlite3_busy_timeout(db, BUSY_MS);
    sqlite3_exec(db, "PRAGMA foreign_keys=ON", NULL, NULL, NULL);
    int rc = sqlite3_exec(db, text, NULL, NULL, NULL);
    sqlite3_close(db);
    return rc;
}

static void step_to(struct fixture *f, struct fb_hold_id id, enum fb_state from, enum fb_state to, int64_t at_s)
{
    assert_int_equal(fb_store_step(f->store, id, from, to, at_s, "keeper", "test", &f->err), 0);
}

static void assert_text(struct fb_str got_text, const char *want)
{
    assert_int_equal(got_text.n, strlen(want));
    assert_memory_equal(got_text.p, want, got_text.n);
}

/* --- what is kept --- */

static void a_hold_is_read_back_as_it_was_written(void **state)
{
    struct fixture *f = *state;
    struct fb_hold h = added(f, FB_STATE_pending), r = got(f, h.id);
    assert_true(fb_hold_id_eq(h.id, r.id));
    assert_text(r.queue_id, "4Sjh2k0fMzz1abc");
    assert_text(r.rule, "public_shaming");
    assert_text(r.box, BOX);
    assert_int_equal(r.state, FB_STATE_pending);
    assert_int_equal(r.created_s, NOW);
    assert_int_equal(r.deadline_s, NOW + 900);
    assert_memory_equal(r.fingerprint, h.fingerprint, sizeof h.fingerprint);
    assert_int_equal(r.sealed.n + r.key_box.n + r.message_id.n + r.decision.n, 0);
    assert_false(r.copy_sent);
}

static void what_one_connection_adds_another_sees(void **state)
{
    struct fixture *f = *state;
    struct fb_hold h = added(f, FB_STATE_pending), r;
    struct fb_store *other;
    assert_int_equal(fb_store_open(f->dir, BUSY_MS, &other, &f->err), 0);
    assert_int_equal(fb_store_get(other, h.id, f->arena, &r, &f->err), 0);
    fb_store_close(other);
}

static void an_unknown_hold_is_none_everywhere(void **state)
{
    struct fixture *f = *state;
    struct fb_hold r;
    struct fb_hold_id id, found;
    struct fb_hold_event *events;
    size_t n;
    fb_hold_id_new(&id);
    assert_int_equal(fb_store_get(f->store, id, f->arena, &r, &f->err), FB_STORE_NONE);
    assert_int_equal(fb_store_find(f->store, FB_STR("4Sjh2k0fMzz1abc"), &found, &f->err), FB_STORE_NONE);
    assert_int_equal(fb_store_events(f->store, id, f->arena, &events, &n, &f->err), FB_STORE_NONE);
    assert_int_equal(fb_store_step(f->store, id, FB_STATE_held, FB_STATE_gone, NOW, "keeper", "x", &f->err), FB_STORE_NONE);
    assert_int_equal(fb_store_decide(f->store, id, 1, FB_STR("t"), FB_STR_NONE, NOW, "web", "x", &f->err), FB_STORE_NONE);
    assert_int_equal(notice_ready(f, id), FB_STORE_NONE);
    assert_int_equal(fb_store_notice_sent(f->store, id, NOW, &f->err), FB_STORE_NONE);
    assert_int_equal(fb_store_copy_sent(f->store, id, NOW, &f->err), FB_STORE_NONE);
}

static void the_same_hold_cannot_be_added_twice(void **state)
{
    struct fixture *f = *state;
    struct fb_hold h = added(f, FB_STATE_pending);
    assert_true(fb_store_add(f->store, &h, &f->err) < 0);
    assert_int_equal(fb_store_adopt(f->store, &h, "marker", &f->err), FB_STORE_STATE);
    assert_int_equal(got(f, h.id).state, FB_STATE_pending);
}

static void a_marker_without_a_row_is_adopted_as_held(void **state)
{
    struct fixture *f = *state;
    struct fb_hold h = a_hold(FB_STATE_held);
    h.box = FB_STR_NONE;
    assert_int_equal(fb_store_adopt(f->store, &h, "its row was lost", &f->err), 0);
    assert_int_equal(got(f, h.id).state, FB_STATE_held);
}

static void holds_are_listed_by_deadline_and_found_by_queue_id(void **state)
{
    struct fixture *f = *state;
    struct fb_hold late = a_hold(FB_STATE_pending), soon = a_hold(FB_STATE_pending), *v;
    struct fb_hold_id id;
    size_t n;
    late.deadline_s = NOW + 5000, late.queue_id = FB_STR("4Sjh2k0fMzz1lat");
    assert_int_equal(fb_store_add(f->store, &late, &f->err), 0);
    assert_int_equal(fb_store_add(f->store, &soon, &f->err), 0);
    assert_int_equal(fb_store_list(f->store, FB_STATE_pending, 10, f->arena, &v, &n, &f->err), 0);
    assert_int_equal(n, 2);
    assert_true(fb_hold_id_eq(v[0].id, soon.id));
    assert_int_equal(v[0].box.n, 0);
    assert_int_equal(fb_store_list(f->store, FB_STATES, 1, f->arena, &v, &n, &f->err), 0);
    assert_int_equal(n, 1);
    assert_int_equal(fb_store_list(f->store, FB_STATE_held, 10, f->arena, &v, &n, &f->err), 0);
    assert_int_equal(n, 0);
    assert_int_equal(fb_store_find(f->store, late.queue_id, &id, &f->err), 0);
    assert_true(fb_hold_id_eq(id, late.id));
}

static void closed_holds_are_in_the_list_of_all_alone(void **state)
{
    struct fixture *f = *state;
    struct fb_hold h = added(f, FB_STATE_pending), *v;
    size_t n;
    step_to(f, h.id, FB_STATE_pending, FB_STATE_passed, NOW);
    assert_int_equal(fb_store_list(f->store, FB_STATES, 10, f->arena, &v, &n, &f->err), 0);
    assert_int_equal(n, 0);
    assert_int_equal(fb_store_list_all(f->store, 10, f->arena, &v, &n, &f->err), 0);
    assert_int_equal(n, 1);
}

static void the_next_deadline_is_that_of_a_held_one(void **state)
{
    struct fixture *f = *state;
    int64_t at;
    added(f, FB_STATE_pending);
    assert_int_equal(fb_store_next_deadline(f->store, &at, &f->err), 0);
    assert_true(at == INT64_MAX);
    held(f);
    assert_int_equal(fb_store_next_deadline(f->store, &at, &f->err), 0);
    assert_int_equal(at, NOW + 900);
}

static void counters_add_up_by_day_and_name(void **state)
{
    struct fixture *f = *state;
    struct fb_count in[] = {{FB_STR("2026-11-28"), FB_STR("judged"), 3}, {FB_STR("2026-11-27"), FB_STR("judged"), 1},
                            {FB_STR("2026-11-28"), FB_STR("hold.public_shaming"), 1}}, *v;
    size_t n;
    assert_int_equal(fb_store_count(f->store, in, 3, &f->err), 0);
    assert_int_equal(fb_store_count(f->store, in, 3, &f->err), 0);
    assert_int_equal(fb_store_counts(f->store, FB_STR("2026-11-28"), f->arena, &v, &n, &f->err), 0);
    assert_int_equal(n, 2);
    assert_text(v[0].name, "hold.public_shaming");
    assert_int_equal(v[1].n, 6);
}

/* --- whose hold it is --- */

static const uint8_t hash_key[FB_HASH_KEY] = {7};

static struct fb_hold hold_of(const char *login, const char *sender, const char *root, int64_t created_s)
{
    struct fb_hold h = a_hold(FB_STATE_pending);
    h.created_s = created_s, h.opens_s = created_s + 60, h.language = FB_STR("de");
    fb_hold_hashes(hash_key, fb_str(login), fb_str(sender), fb_str(root), &h);
    return h;
}

static struct fb_hold added_of(struct fixture *f, const char *sender, const char *root, int64_t created_s)
{
    struct fb_hold h = hold_of("login", sender, root, created_s);
    assert_int_equal(fb_store_add(f->store, &h, &f->err), 0);
    return h;
}

static bool is_zero(const uint8_t hash[FB_HASH])
{
    static const uint8_t zero[FB_HASH];
    return memcmp(hash, zero, FB_HASH) == 0;
}

static void a_person_is_known_by_keyed_hashes_that_differ_by_purpose(void **state)
{
    (void)state;
    struct fb_hold a = hold_of("ana", "Ana@Corp.Example", "<r@x>", NOW), b = hold_of("ana", "ana@corp.example", "<r@x>", NOW),
                   c = hold_of("bob", "ana@corp.example", "<s@x>", NOW), none = hold_of("", "", "", NOW), machine = hold_of("", "ana@corp.example", "<r@x>", NOW);
    assert_true(fb_hash_eq(a.person, b.person) && fb_hash_eq(a.owner, b.owner) && fb_hash_eq(a.thread, b.thread));
    assert_true(fb_hash_eq(c.person, a.person));
    assert_false(fb_hash_eq(c.owner, a.owner) || fb_hash_eq(c.thread, a.thread) || fb_hash_eq(a.person, a.owner));
    assert_true(is_zero(none.person) && is_zero(none.owner) && is_zero(none.thread) && is_zero(machine.owner));
    assert_false(fb_hash_eq(none.person, none.person)); /* nobody is nobody else */
}

static void what_is_known_of_the_person_is_read_back(void **state)
{
    struct fixture *f = *state;
    struct fb_hold h = added_of(f, "ana@corp.example", "<r@x>", NOW), r = got(f, h.id), plain = added(f, FB_STATE_pending);
    assert_memory_equal(r.person, h.person, FB_HASH);
    assert_memory_equal(r.owner, h.owner, FB_HASH);
    assert_memory_equal(r.thread, h.thread, FB_HASH);
    assert_int_equal(r.opens_s, NOW + 60);
    assert_text(r.language, "de");
    assert_int_equal(got(f, plain.id).language.n, 0);
    assert_true(is_zero(got(f, plain.id).person) && is_zero(got(f, plain.id).notice_hash));
}

static size_t recent(struct fixture *f, const struct fb_hold *h, int64_t since_s)
{
    size_t n;
    assert_int_equal(fb_store_recent(f->store, h->person, since_s, &n, &f->err), 0);
    return n;
}

static void the_holds_of_one_person_are_counted_by_time(void **state)
{
    struct fixture *f = *state;
    struct fb_hold a = added_of(f, "ana@x", "<1@x>", NOW), nobody = added(f, FB_STATE_pending);
    added_of(f, "ANA@x", "<2@x>", NOW + 100);
    added_of(f, "ben@x", "<3@x>", NOW + 100);
    assert_int_equal(recent(f, &a, NOW), 2);
    assert_int_equal(recent(f, &a, NOW + 1), 1);
    assert_int_equal(recent(f, &nobody, 0), 0);
}

static bool spared(struct fixture *f, const struct fb_hold *h, const char *rule, int64_t at_s)
{
    struct fb_str *v;
    size_t n, i = 0;
    assert_int_equal(fb_store_spared(f->store, h->person, h->thread, at_s, f->arena, &v, &n, &f->err), 0);
    while (i < n && v[i].n && !fb_str_eq(v[i], fb_str(rule)))
        i++;
    return i < n;
}

static void what_is_spared_is_one_rule_or_all_on_one_thread_for_one_person_and_a_time(void **state)
{
    struct fixture *f = *state;
    struct fb_hold a = hold_of("l", "ana@x", "<1@x>", NOW), elsewhere = hold_of("l", "ana@x", "<2@x>", NOW), ben = hold_of("l", "ben@x", "<1@x>", NOW);
    struct fb_hold nobody = a_hold(FB_STATE_pending);
    assert_int_equal(fb_store_spare(f->store, a.person, a.thread, FB_STR("heated"), NOW + 100, &f->err), 0);
    assert_int_equal(fb_store_spare(f->store, a.person, a.thread, FB_STR("heated"), NOW + 50, &f->err), 0); /* never shortened */
    assert_true(spared(f, &a, "heated", NOW + 99));
    assert_false(spared(f, &a, "heated", NOW + 100) || spared(f, &a, "defensive_reply", NOW));
    assert_false(spared(f, &elsewhere, "heated", NOW) || spared(f, &ben, "heated", NOW));
    assert_int_equal(fb_store_spare(f->store, a.person, a.thread, FB_STR_NONE, NOW + 100, &f->err), 0);
    assert_true(spared(f, &a, "defensive_reply", NOW));
    assert_int_equal(fb_store_spare(f->store, nobody.person, nobody.thread, FB_STR_NONE, NOW + 100, &f->err), 0);
    assert_false(spared(f, &nobody, "heated", NOW));
}

static void those_who_wait_on_a_thread_are_found_without_who_has_just_written(void **state)
{
    struct fixture *f = *state;
    struct fb_hold a = added_of(f, "ana@x", "<1@x>", NOW), ben = added_of(f, "ben@x", "<1@x>", NOW), zoe = hold_of("l", "zoe@x", "<1@x>", NOW), *v;
    size_t n;
    added_of(f, "ana@x", "<2@x>", NOW);
    assert_int_equal(fb_store_on_thread(f->store, zoe.thread, zoe.person, 10, f->arena, &v, &n, &f->err), 0);
    assert_int_equal(n, 2);
    assert_int_equal(fb_store_on_thread(f->store, zoe.thread, ben.person, 10, f->arena, &v, &n, &f->err), 0);
    assert_int_equal(n, 1);
    assert_true(fb_hold_id_eq(v[0].id, a.id));
    step_to(f, a.id, FB_STATE_pending, FB_STATE_gone, NOW);
    assert_int_equal(fb_store_on_thread(f->store, zoe.thread, ben.person, 10, f->arena, &v, &n, &f->err), 0);
    assert_int_equal(n, 0);
}

static void that_it_was_wrong_is_counted_once_a_hold_and_leaves_no_event(void **state)
{
    struct fixture *f = *state;
    struct fb_hold h = held(f);
    struct fb_count *v;
    struct fb_hold_event *events;
    size_t n, before;
    assert_int_equal(fb_store_events(f->store, h.id, f->arena, &events, &before, &f->err), 0);
    assert_int_equal(fb_store_wrong(f->store, h.id, NOW, &f->err), 0);
    assert_int_equal(fb_store_wrong(f->store, h.id, NOW, &f->err), FB_STORE_STATE);
    assert_true(got(f, h.id).wrong);
    assert_int_equal(fb_store_counts(f->store, FB_STR_NONE, f->arena, &v, &n, &f->err), 0);
    assert_int_equal(n, 1);
    assert_text(v[0].name, "wrong.public_shaming");
    assert_text(v[0].day, "2026-11-28");
    assert_int_equal(v[0].n, 1);
    assert_int_equal(fb_store_events(f->store, h.id, f->arena, &events, &n, &f->err), 0);
    assert_int_equal(n, before);
    fb_hold_id_new(&h.id);
    assert_int_equal(fb_store_wrong(f->store, h.id, NOW, &f->err), FB_STORE_NONE);
}

/* --- letters to the keeper --- */

static void a_letter_to_the_keeper_is_read_in_turn_until_it_is_done(void **state)
{
    struct fixture *f = *state;
    struct fb_hold h = hold_of("l", "ana@x", "<1@x>", NOW);
    struct fb_post answer = {.kind = FB_POST_ANSWER, .at_s = NOW, .hold = h.id, .action = 2, .message_id = FB_STR("<n@x>"), .box = FB_STR_NONE},
                   help = {.kind = FB_POST_HELP, .at_s = NOW + 1, .message_id = FB_STR_NONE, .box = FB_STR("sealed")}, *v;
    size_t n;
    bool yes;
    memcpy(answer.owner, h.owner, FB_HASH);
    assert_int_equal(fb_store_post(f->store, &answer, &f->err), 0);
    assert_int_equal(fb_store_post(f->store, &help, &f->err), 0);
    assert_int_equal(fb_store_posts(f->store, 10, f->arena, &v, &n, &f->err), 0);
    assert_int_equal(n, 2);
    assert_true(v[0].kind == FB_POST_ANSWER && fb_hold_id_eq(v[0].hold, h.id) && fb_hash_eq(v[0].owner, h.owner));
    assert_int_equal(v[0].action, 2);
    assert_int_equal(v[0].at_s, NOW);
    assert_text(v[0].message_id, "<n@x>");
    assert_text(v[1].box, "sealed");
    assert_int_equal(fb_store_post_done(f->store, v[0].seq, &f->err), 0);
    assert_int_equal(fb_store_helped(f->store, h.person, NOW, &yes, &f->err), 0);
    assert_false(yes);
    assert_int_equal(fb_store_help_done(f->store, v[1].seq, h.person, NOW, &f->err), 0);
    assert_int_equal(fb_store_helped(f->store, h.person, NOW, &yes, &f->err), 0);
    assert_true(yes);
    assert_int_equal(fb_store_helped(f->store, h.person, NOW + 1, &yes, &f->err), 0);
    assert_false(yes);
    assert_int_equal(fb_store_posts(f->store, 10, f->arena, &v, &n, &f->err), 0);
    assert_int_equal(n, 0);
}

/* --- notices --- */

static void by_its_notice_a_hold_is_found_before_and_after_it_was_accepted(void **state)
{
    struct fixture *f = *state;
    struct fb_hold h = held(f);
    struct fb_hold_id id;
    uint8_t hash[FB_HASH], other[FB_HASH];
    fb_message_id_hash(FB_STR("<n1@example.org>"), hash);
    fb_message_id_hash(FB_STR("<n2@example.org>"), other);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(fb_store_by_notice(f->store, hash, &id, &f->err), 0);
        assert_true(fb_hold_id_eq(id, h.id));
        assert_int_equal(fb_store_by_notice(f->store, other, &id, &f->err), FB_STORE_NONE);
        assert_int_equal(fb_store_notice_sent(f->store, h.id, NOW, &f->err), 0);
    }
    assert_true(fb_hash_eq(got(f, h.id).notice_hash, hash));
    assert_int_equal(got(f, h.id).message_id.n, 0);
}

/* Held, with a notice that is due later. */
static struct fb_hold waits(struct fixture *f, const char *sender)
{
    struct fb_hold h = added_of(f, sender, "<1@x>", NOW);
    assert_int_equal(fb_store_notice_ready(f->store, h.id, FB_STR("sealed"), FB_STR(PAGE_KEY), FB_STR_NONE, NOW + 300, NOW, &f->err), 0);
    return h;
}

static void notices_of_one_person_are_gathered_and_accepted_as_one(void **state)
{
    struct fixture *f = *state;
    struct fb_hold a = waits(f, "ana@x"), b = waits(f, "ana@x"), ben = waits(f, "ben@x"), *v;
    struct fb_hold_id id;
    uint8_t hash[FB_HASH];
    int64_t last;
    size_t n;
    assert_int_equal(fb_store_last_notice(f->store, a.person, &last, &f->err), 0);
    assert_int_equal(last, NOW + 300);
    assert_int_equal(fb_store_gather(f->store, b.id, FB_STR("<g@x>"), NOW + 200, &f->err), 0);
    assert_int_equal(fb_store_gather(f->store, a.id, FB_STR("<h@x>"), NOW + 200, &f->err), FB_STORE_STATE);
    assert_int_equal(fb_store_last_notice(f->store, a.person, &last, &f->err), 0);
    assert_int_equal(last, NOW + 200);
    struct fb_hold c = waits(f, "ana@x"); /* too late for that one */
    assert_int_equal(fb_store_gathered(f->store, FB_STR("<g@x>"), f->arena, &v, &n, &f->err), 0);
    assert_int_equal(n, 2);
    assert_true(fb_hold_id_eq(v[0].id, a.id) && fb_hold_id_eq(v[1].id, b.id));
    assert_text(v[1].key_box, PAGE_KEY);
    fb_message_id_hash(FB_STR("<g@x>"), hash);
    assert_int_equal(fb_store_by_notice(f->store, hash, &id, &f->err), FB_STORE_NONE);
    assert_int_equal(fb_store_notice_sent(f->store, a.id, NOW + 201, &f->err), 0);
    assert_int_equal(got(f, a.id).key_box.n + got(f, b.id).key_box.n + got(f, b.id).box.n, 0);
    assert_true(got(f, c.id).key_box.n && got(f, ben.id).key_box.n);
    struct fb_hold_event *events;
    assert_int_equal(fb_store_events(f->store, b.id, f->arena, &events, &n, &f->err), 0);
    assert_text(events[n - 1].why, "the notice was accepted");
}

static void one_that_waited_and_stayed_alone_can_be_answered(void **state)
{
    struct fixture *f = *state;
    struct fb_hold h = waits(f, "ana@x"), nobody = held(f);
    struct fb_hold_id id;
    uint8_t hash[FB_HASH];
    assert_int_equal(fb_store_gather(f->store, nobody.id, FB_STR("<g@x>"), NOW, &f->err), FB_STORE_STATE); /* it has one */
    assert_int_equal(fb_store_gather(f->store, h.id, FB_STR("<g@x>"), NOW, &f->err), 0);
    fb_message_id_hash(FB_STR("<g@x>"), hash);
    assert_int_equal(fb_store_by_notice(f->store, hash, &id, &f->err), 0);
}

static void a_later_mail_is_made_once_a_kind_and_after_the_notice(void **state)
{
    struct fixture *f = *state;
    struct fb_hold h = held(f), r;
    struct fb_hold_id id;
    assert_int_equal(fb_store_later(f->store, h.id, FB_LATER_MOVED, NOW + 2000, FB_STR("<l@x>"), FB_STR("who"), NOW, &f->err), FB_STORE_STATE);
    assert_int_equal(fb_store_notice_sent(f->store, h.id, NOW, &f->err), 0);
    assert_int_equal(fb_store_later(f->store, h.id, FB_LATER_MOVED, NOW + 2000, FB_STR("<l@x>"), FB_STR("who"), NOW, &f->err), 0);
    assert_int_equal(fb_store_later(f->store, h.id, FB_LATER_REMINDER, NOW + 2000, FB_STR("<m@x>"), FB_STR_NONE, NOW, &f->err), FB_STORE_STATE);
    r = got(f, h.id);
    assert_true(r.extended && !r.reminded && r.later == FB_LATER_MOVED);
    assert_int_equal(r.deadline_s, NOW + 2000);
    assert_text(r.later_box, "who");
    assert_text(r.message_id, "<l@x>");
    assert_int_equal(fb_store_by_notice(f->store, r.later_hash, &id, &f->err), 0);
    assert_int_equal(fb_store_by_notice(f->store, r.notice_hash, &id, &f->err), 0);
    assert_int_equal(fb_store_later_done(f->store, h.id, NOW, "it was accepted", &f->err), 0);
    r = got(f, h.id);
    assert_int_equal(r.later_box.n + r.message_id.n, 0);
    assert_int_equal(fb_store_later(f->store, h.id, FB_LATER_MOVED, NOW + 3000, FB_STR("<o@x>"), FB_STR_NONE, NOW, &f->err), FB_STORE_STATE);
    assert_int_equal(fb_store_later(f->store, h.id, FB_LATER_REMINDER, NOW + 2000, FB_STR("<m@x>"), FB_STR_NONE, NOW, &f->err), 0);
    assert_true(got(f, h.id).reminded);
}

/* --- states --- */

static void only_the_steps_of_the_table_can_be_made(void **state)
{
    struct fixture *f = *state;
    struct fb_hold h = added(f, FB_STATE_pending);
    for (int from = 0; from < FB_STATES; from++)
        for (int to = 0; to < FB_STATES; to++) {
            const char *set = fb_arena_printf(f->arena, "UPDATE hold SET state = %d", from).p;
            assert_int_equal(sql(f, set), SQLITE_OK);
            int rc = fb_store_step(f->store, h.id, (enum fb_state)from, (enum fb_state)to, NOW, "keeper", "x", &f->err);
            bool allowed = fb_state_step_allowed((enum fb_state)from, (enum fb_state)to);
            assert_int_equal(rc, allowed ? 0 : -1);
            assert_int_equal(got(f, h.id).state, allowed ? to : from);
        }
}

static void nothing_leads_out_of_a_closed_state(void **state)
{
    (void)state;
    for (int from = 0; from < FB_STATES; from++)
        for (int to = 0; to < FB_STATES; to++)
            if (!fb_state_open((enum fb_state)from))
                assert_false(fb_state_step_allowed((enum fb_state)from, (enum fb_state)to));
}

static void a_step_from_another_state_changes_nothing(void **state)
{
    struct fixture *f = *state;
    struct fb_hold h = added(f, FB_STATE_pending);
    struct fb_hold_event *v;
    size_t n;
    assert_int_equal(fb_store_step(f->store, h.id, FB_STATE_held, FB_STATE_releasing, NOW, "keeper", "x", &f->err), FB_STORE_STATE);
    assert_int_equal(got(f, h.id).state, FB_STATE_pending);
    assert_int_equal(fb_store_events(f->store, h.id, f->arena, &v, &n, &f->err), 0);
    assert_int_equal(n, 1);
}

static void a_decision_is_taken_once_and_kept_with_its_token(void **state)
{
    struct fixture *f = *state;
    struct fb_hold h = held(f), r;
    assert_int_equal(fb_store_decide(f->store, h.id, 1, FB_STR("v4.public.abc"), FB_STR_NONE, NOW + 5, "web", "the sender released it", &f->err), 0);
    assert_int_equal(fb_store_decide(f->store, h.id, 2, FB_STR("v4.public.def"), FB_STR_NONE, NOW + 6, "web", "again", &f->err), FB_STORE_STATE);
    r = got(f, h.id);
    assert_int_equal(r.state, FB_STATE_releasing);
    assert_text(r.key_box, PAGE_KEY); /* the notice is still owed */
    assert_int_equal(r.action, 1);
    assert_int_equal(r.changed_s, NOW + 5);
    assert_text(r.decision, "v4.public.abc");
}

static void a_refused_copy_takes_the_decision_back(void **state)
{
    struct fixture *f = *state;
    struct fb_hold h = held(f), r;
    assert_int_equal(fb_store_notice_sent(f->store, h.id, NOW, &f->err), 0);
    assert_int_equal(fb_store_decide(f->store, h.id, 2, FB_STR("v4.public.abc"), FB_STR("the key"), NOW, "web", "withdrawn", &f->err), 0);
    assert_int_equal(fb_store_copy_sent(f->store, h.id, NOW, &f->err), 0);
    assert_true(got(f, h.id).copy_sent);
    assert_text(got(f, h.id).key_box, "the key");
    step_to(f, h.id, FB_STATE_withdrawing, FB_STATE_held, NOW);
    r = got(f, h.id);
    assert_int_equal(r.decision.n, 0);
    assert_int_equal(r.key_box.n, 0);
    assert_int_equal(r.action, 0);
    assert_false(r.copy_sent);
}

static void the_notice_makes_a_pending_hold_held_and_is_made_once(void **state)
{
    struct fixture *f = *state;
    struct fb_hold h = held(f), r = got(f, h.id);
    assert_int_equal(r.state, FB_STATE_held);
    assert_text(r.sealed, "sealed");
    assert_text(r.key_box, PAGE_KEY);
    assert_text(r.message_id, "<n1@example.org>");
    assert_int_equal(r.notice_s, NOW + 1);
    assert_int_equal(notice_ready(f, h.id), FB_STORE_STATE);
}

static void the_advice_of_notify_mode_leaves_the_state_alone(void **state)
{
    struct fixture *f = *state;
    struct fb_hold h = added(f, FB_STATE_advised);
    assert_int_equal(notice_ready(f, h.id), 0);
    assert_int_equal(got(f, h.id).state, FB_STATE_advised);
    assert_int_equal(fb_store_notice_sent(f->store, h.id, NOW + 2, &f->err), 0);
    step_to(f, h.id, FB_STATE_advised, FB_STATE_told, NOW + 2);
}

/* --- events --- */

static void every_change_leaves_its_event(void **state)
{
    struct fixture *f = *state;
    struct fb_hold h = held(f);
    struct fb_hold_event *v;
    size_t n;
    assert_int_equal(fb_store_notice_sent(f->store, h.id, NOW + 2, &f->err), 0);
    assert_int_equal(fb_store_decide(f->store, h.id, 1, FB_STR("t"), FB_STR_NONE, NOW + 3, "admin:jo", "asked by phone", &f->err), 0);
    assert_int_equal(fb_store_events(f->store, h.id, f->arena, &v, &n, &f->err), 0);
    assert_int_equal(n, 4);
    assert_text(v[0].from, "");
    assert_text(v[0].to, "pending");
    assert_text(v[1].to, "held");
    assert_text(v[2].from, "held");
    assert_text(v[2].to, "held");
    assert_text(v[3].by, "admin:jo");
    assert_text(v[3].why, "asked by phone");
}

static void events_can_be_neither_changed_nor_taken_away(void **state)
{
    struct fixture *f = *state;
    added(f, FB_STATE_pending);
    assert_int_equal(sql(f, "UPDATE event SET why = 'another'"), SQLITE_CONSTRAINT);
    assert_int_equal(sql(f, "DELETE FROM event"), SQLITE_CONSTRAINT);
}

static void closed_holds_are_forgotten_with_their_events_and_open_ones_never(void **state)
{
    struct fixture *f = *state;
    struct fb_hold open = held(f), closed = added(f, FB_STATE_pending), r;
    struct fb_hold_event *v;
    size_t n;
    step_to(f, closed.id, FB_STATE_pending, FB_STATE_gone, NOW + 10);
    assert_int_equal(fb_store_forget(f->store, NOW + 10, &n, &f->err), 0);
    assert_int_equal(n, 0);
    assert_int_equal(fb_store_forget(f->store, NOW + 1000000, &n, &f->err), 0);
    assert_int_equal(n, 1);
    assert_int_equal(fb_store_get(f->store, closed.id, f->arena, &r, &f->err), FB_STORE_NONE);
    assert_int_equal(fb_store_events(f->store, closed.id, f->arena, &v, &n, &f->err), FB_STORE_NONE);
    assert_int_equal(got(f, open.id).state, FB_STATE_held);
}

/* --- what is erased --- */

static bool file_has(struct fixture *f, const char *name, const char *marker)
{
    FB_ARENA a = fb_arena_new(64u << 20);
    struct fb_str bytes;
    if (fb_io_read_file(a, path_of(f, name), 64u << 20, &bytes, &f->err))
        return false;
    return memmem(bytes.p, bytes.n, marker, strlen(marker)) != NULL;
}

static bool store_has(struct fixture *f, const char *marker)
{
    return file_has(f, "forbear.db", marker) || file_has(f, "forbear.db-wal", marker);
}

static void once_the_notice_is_accepted_no_byte_of_box_and_key_is_left(void **state)
{
    struct fixture *f = *state;
    struct fb_hold h = held(f);
    assert_true(store_has(f, BOX) && store_has(f, PAGE_KEY));
    assert_int_equal(fb_store_notice_sent(f->store, h.id, NOW + 2, &f->err), 0);
    assert_false(store_has(f, BOX) || store_has(f, PAGE_KEY));
    assert_int_equal(got(f, h.id).box.n, 0);
    assert_text(got(f, h.id).sealed, "sealed");
}

/* Boxes of all sizes, in and out of overflow pages, erased in another order than they came. */
static void nothing_stays_behind_when_many_holds_come_and_go(void **state)
{
    struct fixture *f = *state;
    struct fb_hold_id ids[60];
    for (size_t i = 0; i < 60; i++) {
        struct fb_hold h = a_hold(FB_STATE_pending);
        struct fb_buf b = FB_BUF(f->arena);
        for (size_t k = 0; k <= (i * 37) % 200; k++)
            fb_buf_add(&b, FB_STR(BOX));
        h.box = fb_buf_str(&b), ids[i] = h.id;
        assert_int_equal(fb_store_add(f->store, &h, &f->err), 0);
        assert_int_equal(notice_ready(f, h.id), 0);
        if (i % 7 == 3)
            assert_int_equal(fb_store_notice_sent(f->store, ids[i / 2], NOW, &f->err), 0);
    }
    for (size_t i = 0; i < 60; i++)
        assert_int_equal(fb_store_notice_sent(f->store, ids[(i * 17) % 60], NOW, &f->err), 0);
    assert_false(store_has(f, BOX) || store_has(f, PAGE_KEY));
}

static void a_reader_in_the_way_only_puts_the_truncation_off(void **state)
{
    struct fixture *f = *state;
    struct fb_hold h = held(f);
    sqlite3 *db;
    fb_store_close(f->store);
    assert_int_equal(fb_store_open(f->dir, 50, &f->store, &f->err), 0);
    assert_int_equal(sqlite3_open(path_of(f, "forbear.db"), &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "BEGIN; SELECT count(*) FROM hold", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(fb_store_notice_sent(f->store, h.id, NOW + 2, &f->err), 0);
    assert_true(store_has(f, BOX));
    assert_int_equal(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    added(f, FB_STATE_advised);
    h = added(f, FB_STATE_advised);
    assert_int_equal(fb_store_notice_sent(f->store, h.id, NOW + 2, &f->err), 0);
    assert_false(file_has(f, "forbear.db-wal", BOX));
}

static void a_closed_hold_loses_its_box_and_a_forgotten_one_every_byte(void **state)
{
    struct fixture *f = *state;
    struct fb_hold h = added(f, FB_STATE_pending);
    size_t n;
    assert_true(store_has(f, BOX));
    step_to(f, h.id, FB_STATE_pending, FB_STATE_passed, NOW);
    assert_false(store_has(f, BOX));
    assert_true(store_has(f, "4Sjh2k0fMzz1abc"));
    assert_int_equal(fb_store_forget(f->store, NOW + 1, &n, &f->err), 0);
    assert_false(store_has(f, "4Sjh2k0fMzz1abc"));
}

static void what_was_closed_long_ago_loses_its_sender_and_keeps_what_happened(void **state)
{
    struct fixture *f = *state;
    struct fb_hold h = added_of(f, "ana@x", "<1@x>", NOW), open = held(f), r;
    struct fb_hold_event *v;
    size_t n;
    assert_int_equal(notice_ready(f, h.id), 0);
    assert_int_equal(fb_store_notice_sent(f->store, h.id, NOW, &f->err), 0);
    assert_int_equal(fb_store_decide(f->store, h.id, 1, FB_STR("the token"), FB_STR_NONE, NOW, "sender", "x", &f->err), 0);
    step_to(f, h.id, FB_STATE_releasing, FB_STATE_released, NOW + 10);
    assert_int_equal(fb_store_forget_who(f->store, NOW + 10, NOW, &n, &f->err), 0);
    assert_int_equal(n, 0);
    assert_int_equal(fb_store_forget_who(f->store, NOW + 11, NOW, &n, &f->err), 0);
    assert_int_equal(n, 1);
    r = got(f, h.id);
    assert_true(is_zero(r.person) && is_zero(r.owner) && is_zero(r.thread) && is_zero(r.notice_hash) && is_zero(r.fingerprint));
    assert_int_equal(r.sealed.n + r.decision.n + r.queue_id.n, 0);
    assert_int_equal(r.state, FB_STATE_released);
    assert_int_equal(r.changed_s, NOW + 10);
    assert_text(r.rule, "public_shaming");
    assert_int_equal(fb_store_events(f->store, h.id, f->arena, &v, &n, &f->err), 0);
    assert_false(store_has(f, (char[]){(char)h.person[0], (char)h.person[1], (char)h.person[2], (char)h.person[3], (char)h.person[4], (char)h.person[5], 0}));
    assert_text(got(f, open.id).sealed, "sealed");
    assert_int_equal(fb_store_forget_who(f->store, NOW + 11, NOW, &n, &f->err), 0);
    assert_int_equal(n, 0);
}

/* --- schema --- */

static void a_store_of_schema_1_is_brought_to_today_with_what_it_holds(void **state)
{
    struct fixture *f = *state;
    struct fb_count c = {FB_STR("2026-11-28"), FB_STR("judged"), 1};
    struct fb_hold *v;
    size_t n;
    assert_int_equal(sql(f, fb_schema_steps[0]), SQLITE_OK);
    assert_int_equal(sql(f, "PRAGMA user_version = 1; INSERT INTO hold (id, queue_id, state, rule, created_s, deadline_s, changed_s, fingerprint)"
                            " VALUES (randomblob(16), '4Sjh2k0fMzz1abc', 1, 'heated', 1, 2, 1, randomblob(32))"), SQLITE_OK);
    assert_int_equal(fb_store_open(f->dir, BUSY_MS, &f->store, &f->err), 0);
    assert_int_equal(fb_store_count(f->store, &c, 1, &f->err), 0);
    assert_int_equal(fb_store_list(f->store, FB_STATE_held, 10, f->arena, &v, &n, &f->err), 0);
    assert_int_equal(n, 1);
    assert_text(v[0].rule, "heated");
}

static void a_store_of_a_newer_schema_is_refused_and_left_alone(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(sql(f, "CREATE TABLE future (x); PRAGMA user_version = 999"), SQLITE_OK);
    assert_true(fb_store_open(f->dir, BUSY_MS, &f->store, &f->err) < 0);
    assert_non_null(strstr(f->err.text, "newer"));
    assert_int_equal(sql(f, "SELECT x FROM future"), SQLITE_OK);
}

static mode_t mode_of(struct fixture *f, const char *name)
{
    struct stat st;
    assert_int_equal(stat(path_of(f, name), &st), 0);
    return st.st_mode & 07777;
}

static void the_group_may_write_store_log_and_index_whatever_the_umask(void **state)
{
    struct fixture *f = *state;
    mode_t was = umask(0077);
    assert_int_equal(fb_store_open(f->dir, BUSY_MS, &f->store, &f->err), 0);
    added(f, FB_STATE_pending);
    umask(was);
    assert_int_equal(mode_of(f, "forbear.db"), 0660);
    assert_int_equal(mode_of(f, "forbear.db-wal"), 0660);
    assert_int_equal(mode_of(f, "forbear.db-shm"), 0660);
}

/* --- what can happen to it --- */

/* Runs @fn as a user who owns nothing here: root may write everywhere. */
static int as_nobody(struct fixture *f, int (*fn)(struct fixture *))
{
    pid_t pid = fork();
    if (pid == 0) {
        if (geteuid() == 0 && (setgid(NOBODY) || setuid(NOBODY)))
            _exit(99);
        _exit(fn(f));
    }
    int status;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 98;
}

static int open_fails(struct fixture *f)
{
    struct fb_store *s = NULL;
    int rc = fb_store_open(f->dir, BUSY_MS, &s, &f->err);
    return rc < 0 && f->err.text[0] ? 0 : 1;
}

static void a_folder_that_cannot_be_written_is_a_failure_with_a_name(void **state)
{
    struct fixture *f = *state;
    chmod(f->dir, 0555);
    assert_int_equal(as_nobody(f, open_fails), 0);
}

static void a_store_that_cannot_be_written_is_a_failure_with_a_name(void **state)
{
    struct fixture *f = *state;
    added(f, FB_STATE_pending);
    chmod(f->dir, 0777);
    chmod(path_of(f, "forbear.db"), 0444);
    assert_int_equal(as_nobody(f, open_fails), 0);
}

static void a_store_deleted_under_an_open_handle_is_made_anew_before_the_next_write(void **state)
{
    struct fixture *f = *state;
    struct fb_hold first = added(f, FB_STATE_pending), r;
    assert_int_equal(unlink(path_of(f, "forbear.db")), 0);
    struct fb_hold second = added(f, FB_STATE_pending);
    assert_int_equal(access(path_of(f, "forbear.db"), F_OK), 0);
    assert_int_equal(fb_store_get(f->store, first.id, f->arena, &r, &f->err), FB_STORE_NONE);
    assert_int_equal(got(f, second.id).state, FB_STATE_pending);
    fb_store_close(f->store);
    assert_int_equal(fb_store_open(f->dir, BUSY_MS, &f->store, &f->err), 0);
    assert_int_equal(got(f, second.id).state, FB_STATE_pending);
}

static void two_handles_on_a_deleted_store_meet_again_in_the_new_one(void **state)
{
    struct fixture *f = *state;
    struct fb_store *other;
    struct fb_hold r;
    added(f, FB_STATE_pending);
    assert_int_equal(fb_store_open(f->dir, BUSY_MS, &other, &f->err), 0);
    assert_int_equal(unlink(path_of(f, "forbear.db")), 0);
    struct fb_hold mine = added(f, FB_STATE_pending), theirs = a_hold(FB_STATE_pending);
    assert_int_equal(fb_store_add(other, &theirs, &f->err), 0);
    assert_int_equal(fb_store_get(other, mine.id, f->arena, &r, &f->err), 0);
    fb_store_close(other);
    assert_int_equal(got(f, theirs.id).state, FB_STATE_pending);
    assert_int_equal(sql(f, "PRAGMA integrity_check"), SQLITE_OK);
}

static void a_store_whose_folder_is_gone_fails_and_works_again_when_it_is_back(void **state)
{
    struct fixture *f = *state;
    struct fb_hold h = a_hold(FB_STATE_pending);
    dir_remove(f->dir);
    assert_true(fb_store_add(f->store, &h, &f->err) < 0);
    assert_int_equal(mkdir(f->dir, 0700), 0);
    assert_int_equal(fb_store_add(f->store, &h, &f->err), 0);
}

static void overwrite(struct fixture *f, off_t from, size_t n)
{
    char junk[4096];
    memset(junk, 'x', sizeof junk);
    int fd = open(path_of(f, "forbear.db"), O_WRONLY);
    assert_true(fd >= 0);
    for (size_t done = 0; done < n; done += sizeof junk)
        assert_int_equal(pwrite(fd, junk, sizeof junk, from + (off_t)done), (ssize_t)sizeof junk);
    close(fd);
}

static void a_damaged_store_is_named_so_and_set_aside(void **state)
{
    struct fixture *f = *state;
    added(f, FB_STATE_pending);
    fb_store_close(f->store);
    f->store = NULL;
    overwrite(f, 0, 4096);
    assert_int_equal(fb_store_open(f->dir, BUSY_MS, &f->store, &f->err), FB_STORE_DAMAGED);
    assert_int_equal(fb_store_set_aside(f->dir, NOW, &f->err), 0);
    assert_int_equal(access(path_of(f, "forbear.db.damaged-1795827600"), F_OK), 0);
    assert_int_equal(fb_store_open(f->dir, BUSY_MS, &f->store, &f->err), 0);
    added(f, FB_STATE_pending);
}

static void damage_that_shows_later_is_told_apart_from_other_failures(void **state)
{
    struct fixture *f = *state;
    struct stat st;
    added(f, FB_STATE_pending);
    fb_store_close(f->store);
    f->store = NULL;
    assert_int_equal(stat(path_of(f, "forbear.db"), &st), 0);
    overwrite(f, 4096, (size_t)st.st_size - 4096);
    assert_int_equal(fb_store_open(f->dir, BUSY_MS, &f->store, &f->err), 0);
    struct fb_hold h = a_hold(FB_STATE_pending);
    assert_true(fb_store_add(f->store, &h, &f->err) < 0);
    assert_true(fb_store_damaged(f->store));
}

static void a_store_set_aside_is_left_by_those_who_have_it_open(void **state)
{
    struct fixture *f = *state;
    added(f, FB_STATE_pending);
    assert_int_equal(fb_store_set_aside(f->dir, NOW, &f->err), 0);
    struct fb_hold h = added(f, FB_STATE_pending), *v;
    size_t n;
    assert_int_equal(fb_store_list(f->store, FB_STATES, 10, f->arena, &v, &n, &f->err), 0);
    assert_int_equal(n, 1);
    assert_true(fb_hold_id_eq(v[0].id, h.id));
}

static void a_store_locked_too_long_is_a_failure_in_bounded_time(void **state)
{
    struct fixture *f = *state;
    struct fb_hold h = a_hold(FB_STATE_pending);
    struct timespec from, to;
    sqlite3 *db;
    fb_store_close(f->store);
    assert_int_equal(fb_store_open(f->dir, 100, &f->store, &f->err), 0);
    assert_int_equal(sqlite3_open(path_of(f, "forbear.db"), &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    clock_gettime(CLOCK_MONOTONIC, &from);
    assert_true(fb_store_add(f->store, &h, &f->err) < 0);
    clock_gettime(CLOCK_MONOTONIC, &to);
    assert_true(to.tv_sec - from.tv_sec < 5);
    assert_non_null(strstr(f->err.text, "locked"));
    assert_false(fb_store_damaged(f->store));
    sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    sqlite3_close(db);
    assert_int_equal(fb_store_add(f->store, &h, &f->err), 0);
}

enum { EACH_ADDS = 40 };

static void *adds(void *arg)
{
    struct fixture *f = arg;
    struct fb_store *s;
    struct fb_err err;
    if (fb_store_open(f->dir, 10000, &s, &err))
        return f;
    bool good = true;
    for (int i = 0; i < EACH_ADDS && good; i++) {
        struct fb_hold h = a_hold(FB_STATE_pending);
        struct fb_count c = {FB_STR("2026-11-28"), FB_STR("judged"), 1};
        good = fb_store_add(s, &h, &err) == 0 && fb_store_count(s, &c, 1, &err) == 0;
    }
    fb_store_close(s);
    return good ? NULL : f;
}

static void two_threads_with_a_connection_each_lose_nothing(void **state)
{
    struct fixture *f = *state; /* not open yet: the two race for making it as well */
    pthread_t t[2];
    struct fb_count *counts;
    struct fb_hold *v;
    size_t n;
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&t[i], NULL, adds, f), 0);
    for (int i = 0; i < 2; i++) {
        void *failed;
        assert_int_equal(pthread_join(t[i], &failed), 0);
        assert_null(failed);
    }
    assert_int_equal(fb_store_open(f->dir, BUSY_MS, &f->store, &f->err), 0);
    assert_int_equal(fb_store_list(f->store, FB_STATE_pending, 1000, f->arena, &v, &n, &f->err), 0);
    assert_int_equal(n, 2 * EACH_ADDS);
    assert_int_equal(fb_store_counts(f->store, FB_STR("2026-11-28"), f->arena, &counts, &n, &f->err), 0);
    assert_int_equal(counts[0].n, 2 * EACH_ADDS);
}

/* --- fault sweeps --- */

static unsigned long fail_in; /* the nth call from now fails; 0: none */

static bool fails_now(void)
{
    return fail_in && --fail_in == 0;
}

static int bad_open(const char *path, int flags, int mode) { return fails_now() ? (errno = EIO, -1) : open(path, flags, mode); }
static int bad_fstat(int fd, struct stat *st) { return fails_now() ? (errno = EIO, -1) : fstat(fd, st); }
static int bad_ftruncate(int fd, off_t n) { return fails_now() ? (errno = EIO, -1) : ftruncate(fd, n); }
static ssize_t bad_pread(int fd, void *p, size_t n, off_t at) { return fails_now() ? (errno = EIO, -1) : pread(fd, p, n, at); }
static ssize_t bad_pwrite(int fd, const void *p, size_t n, off_t at) { return fails_now() ? (errno = ENOSPC, -1) : pwrite(fd, p, n, at); }
static void *bad_mmap(void *p, size_t n, int prot, int flags, int fd, off_t at)
{
    return fails_now() ? (errno = ENOMEM, MAP_FAILED) : mmap(p, n, prot, flags, fd, at);
}

/* Giving a lock back never fails (SQLite would try to get it for ten seconds). */
static int bad_fcntl(int fd, int command, ...)
{
    va_list ap;
    va_start(ap, command);
    void *arg = va_arg(ap, void *);
    va_end(ap);
    bool gives_back = command == F_SETLK && ((struct flock *)arg)->l_type == F_UNLCK;
    return !gives_back && fails_now() ? (errno = EIO, -1) : fcntl(fd, command, arg);
}

static const struct {
    const char *name;
    sqlite3_syscall_ptr fn;
} bad_calls[] = {
    {"open", (sqlite3_syscall_ptr)bad_open}, {"fstat", (sqlite3_syscall_ptr)bad_fstat},
    {"ftruncate", (sqlite3_syscall_ptr)bad_ftruncate}, {"fcntl", (sqlite3_syscall_ptr)bad_fcntl},
    {"pread", (sqlite3_syscall_ptr)bad_pread}, {"pread64", (sqlite3_syscall_ptr)bad_pread},
    {"pwrite", (sqlite3_syscall_ptr)bad_pwrite}, {"pwrite64", (sqlite3_syscall_ptr)bad_pwrite},
    {"mmap", (sqlite3_syscall_ptr)bad_mmap},
};

static void calls_replace(bool bad)
{
    sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
    for (size_t i = 0; i < sizeof bad_calls / sizeof *bad_calls; i++)
        if (vfs->xGetSystemCall(vfs, bad_calls[i].name))
            assert_int_equal(vfs->xSetSystemCall(vfs, bad_calls[i].name, bad ? bad_calls[i].fn : NULL), SQLITE_OK);
}

/* A life of a hold. Returns how many of its changes were reported as done, in their order, up to the first that was not. */
static int life(struct fixture *f, const struct fb_hold *h)
{
    struct fb_store *s;
    struct fb_hold r;
    int done = 0;
    if (fb_store_open(f->dir, 1, &s, &f->err))
        return 0;
    if (fb_store_add(s, h, &f->err) == 0 && ++done &&
        fb_store_notice_ready(s, h->id, FB_STR("sealed"), FB_STR(PAGE_KEY), FB_STR("<n@x>"), NOW, NOW, &f->err) == 0 && ++done &&
        fb_store_notice_sent(s, h->id, NOW, &f->err) == 0 && ++done &&
        fb_store_decide(s, h->id, 1, FB_STR("token"), FB_STR_NONE, NOW, "web", "x", &f->err) == 0 && ++done &&
        fb_store_get(s, h->id, f->arena, &r, &f->err) == 0 &&
        fb_store_step(s, h->id, FB_STATE_releasing, FB_STATE_released, NOW, "keeper", "x", &f->err) == 0)
        done++;
    fb_store_close(s);
    return done;
}

/* What was reported is there; the state is what the last event says; at most the one change that failed may be there too. */
static void life_check(struct fixture *f, const struct fb_hold *h, int done)
{
    static const enum fb_state after[] = {FB_STATES, FB_STATE_pending, FB_STATE_held, FB_STATE_held, FB_STATE_releasing, FB_STATE_released};
    struct fb_hold_event *v;
    struct fb_hold r;
    size_t n;
    assert_int_equal(fb_store_open(f->dir, BUSY_MS, &f->store, &f->err), 0);
    int rc = fb_store_get(f->store, h->id, f->arena, &r, &f->err);
    if (done == 0 && rc == FB_STORE_NONE)
        return;
    assert_int_equal(rc, 0);
    assert_int_equal(fb_store_events(f->store, h->id, f->arena, &v, &n, &f->err), 0);
    assert_true(n == (size_t)done || n == (size_t)done + 1);
    assert_int_equal(r.state, after[n]);
    assert_text(v[n - 1].to, fb_state_name(r.state));
}

/* The nth thing fails, for each nth (or each after a growing gap) until nothing is left that could. Returns the last. */
static unsigned long sweep(struct fixture *f, unsigned long gaps)
{
    for (unsigned long nth = 1;; nth += 1 + gaps * nth / 16) {
        struct fb_hold h = a_hold(FB_STATE_pending);
        dir_remove(f->dir);
        assert_int_equal(mkdir(f->dir, 0700), 0);
        fail_in = nth;
        int done = life(f, &h);
        bool all = fail_in > 0;
        fail_in = 0;
        life_check(f, &h, done);
        fb_store_close(f->store);
        f->store = NULL;
        if (all) {
            assert_int_equal(done, 5);
            return nth - 1;
        }
    }
}

static void any_system_call_under_the_store_may_fail(void **state)
{
    struct fixture *f = *state;
    calls_replace(true);
    unsigned long n = sweep(f, 0);
    calls_replace(false);
    assert_true(n > 50);
}

static sqlite3_mem_methods plain_memory;
static void *bad_malloc(int n) { return fails_now() ? NULL : plain_memory.xMalloc(n); }
static void *bad_realloc(void *p, int n) { return fails_now() ? NULL : plain_memory.xRealloc(p, n); }

static void any_allocation_of_sqlite_may_fail(void **state)
{
    struct fixture *f = *state;
    sqlite3_mem_methods bad;
    sqlite3_shutdown();
    assert_int_equal(sqlite3_config(SQLITE_CONFIG_GETMALLOC, &plain_memory), SQLITE_OK);
    bad = plain_memory;
    bad.xMalloc = bad_malloc, bad.xRealloc = bad_realloc;
    assert_int_equal(sqlite3_config(SQLITE_CONFIG_MALLOC, &bad), SQLITE_OK);
    sqlite3_initialize();
    unsigned long n = sweep(f, 1);
    sqlite3_shutdown();
    sqlite3_config(SQLITE_CONFIG_MALLOC, &plain_memory);
    assert_true(n > 50);
}

static void any_allocation_of_ours_may_fail_while_reading(void **state)
{
    struct fixture *f = *state;
    struct fb_hold h = held(f);
    for (unsigned long nth = 1, failed = 1; failed; nth++) {
        FB_ARENA a = fb_arena_new(1 << 20);
        struct fb_hold r, *v;
        struct fb_hold_event *events;
        size_t n;
        failed = 0;
        fb_arena_fail_at(nth);
        failed += fb_store_get(f->store, h.id, a, &r, &f->err) < 0;
        failed += fb_store_list(f->store, FB_STATES, 10, a, &v, &n, &f->err) < 0;
        failed += fb_store_events(f->store, h.id, a, &events, &n, &f->err) < 0;
        fb_arena_fail_at(0);
        assert_true(failed <= 1);
    }
}

#define OPEN(test) cmocka_unit_test_setup_teardown(test, fixture_open, fixture_free)
#define BARE(test) cmocka_unit_test_setup_teardown(test, fixture_new, fixture_free)

int main(void)
{
    const struct CMUnitTest tests[] = {
        OPEN(a_hold_is_read_back_as_it_was_written),
        OPEN(what_one_connection_adds_another_sees),
        OPEN(an_unknown_hold_is_none_everywhere),
        OPEN(the_same_hold_cannot_be_added_twice),
        OPEN(a_marker_without_a_row_is_adopted_as_held),
        OPEN(holds_are_listed_by_deadline_and_found_by_queue_id),
        OPEN(closed_holds_are_in_the_list_of_all_alone),
        OPEN(the_next_deadline_is_that_of_a_held_one),
        OPEN(counters_add_up_by_day_and_name),
        BARE(a_person_is_known_by_keyed_hashes_that_differ_by_purpose),
        OPEN(what_is_known_of_the_person_is_read_back),
        OPEN(the_holds_of_one_person_are_counted_by_time),
        OPEN(what_is_spared_is_one_rule_or_all_on_one_thread_for_one_person_and_a_time),
        OPEN(those_who_wait_on_a_thread_are_found_without_who_has_just_written),
        OPEN(that_it_was_wrong_is_counted_once_a_hold_and_leaves_no_event),
        OPEN(a_letter_to_the_keeper_is_read_in_turn_until_it_is_done),
        OPEN(by_its_notice_a_hold_is_found_before_and_after_it_was_accepted),
        OPEN(notices_of_one_person_are_gathered_and_accepted_as_one),
        OPEN(one_that_waited_and_stayed_alone_can_be_answered),
        OPEN(a_later_mail_is_made_once_a_kind_and_after_the_notice),
        OPEN(only_the_steps_of_the_table_can_be_made),
        OPEN(nothing_leads_out_of_a_closed_state),
        OPEN(a_step_from_another_state_changes_nothing),
        OPEN(a_decision_is_taken_once_and_kept_with_its_token),
        OPEN(a_refused_copy_takes_the_decision_back),
        OPEN(the_notice_makes_a_pending_hold_held_and_is_made_once),
        OPEN(the_advice_of_notify_mode_leaves_the_state_alone),
        OPEN(every_change_leaves_its_event),
        OPEN(events_can_be_neither_changed_nor_taken_away),
        OPEN(closed_holds_are_forgotten_with_their_events_and_open_ones_never),
        OPEN(once_the_notice_is_accepted_no_byte_of_box_and_key_is_left),
        OPEN(nothing_stays_behind_when_many_holds_come_and_go),
        OPEN(a_reader_in_the_way_only_puts_the_truncation_off),
        OPEN(a_closed_hold_loses_its_box_and_a_forgotten_one_every_byte),
        OPEN(what_was_closed_long_ago_loses_its_sender_and_keeps_what_happened),
        BARE(a_store_of_schema_1_is_brought_to_today_with_what_it_holds),
        BARE(a_store_of_a_newer_schema_is_refused_and_left_alone),
        BARE(the_group_may_write_store_log_and_index_whatever_the_umask),
        BARE(a_folder_that_cannot_be_written_is_a_failure_with_a_name),
        OPEN(a_store_that_cannot_be_written_is_a_failure_with_a_name),
        OPEN(a_store_deleted_under_an_open_handle_is_made_anew_before_the_next_write),
        OPEN(two_handles_on_a_deleted_store_meet_again_in_the_new_one),
        OPEN(a_store_whose_folder_is_gone_fails_and_works_again_when_it_is_back),
        OPEN(a_damaged_store_is_named_so_and_set_aside),
        OPEN(damage_that_shows_later_is_told_apart_from_other_failures),
        OPEN(a_store_set_aside_is_left_by_those_who_have_it_open),
        OPEN(a_store_locked_too_long_is_a_failure_in_bounded_time),
        BARE(two_threads_with_a_connection_each_lose_nothing),
        BARE(any_system_call_under_the_store_may_fail),
        BARE(any_allocation_of_sqlite_may_fail),
        OPEN(any_allocation_of_ours_may_fail_while_reading),
    };
    return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
