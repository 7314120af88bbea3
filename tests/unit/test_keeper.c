/* The keeper, told in rounds: what it does with a hold, whatever happens between one round and the next. The queue and the
 * mail server are made up; store, markers, keys and links are real. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <sys/stat.h>

#include "base/io.h"
#include "daemon/daemon.h"
#include "daemon/log.h"
#include "desk.h"
#include "fake_helper.h"
#include "fake_smtp.h"
#include "hold/marker.h"
#include "mail/message.h"
#include "work.h"

enum { T0 = 1700046000, DELAY = 900 };

struct world {
    char dir[64], state[80], keys[80];
    struct fb_arena *arena;
    struct fb_conf *conf;
    struct fb_keeper keeper;
    struct fb_work work;
    struct fb_desk desk;
    struct fb_store *milter; /* the milter's connection */
    struct helper helper;
    struct smtp smtp;
    int64_t now_s, now_ms;
    unsigned held; /* how many so far */
};

#define FACTS \
    "{\"v\":2,\"from\":\"ana@corp.example\",\"date_s\":1700000000,\"tz_min\":60,\"subject\":\"Zanzibar\",\"message_id\":\"<m1@corp.example>\"," \
    "\"to\":[\"Ben <ben@corp.example>\"],\"cc\":[],\"hidden\":0,\"rules\":[{\"name\":\"public_shaming\",\"title\":\"Blame before others\"," \
    "\"why\":\"Others read it.\",\"advice\":\"Write to Ben alone.\",\"evidence\":[]}]," \
    "\"change\":{\"kind\":\"reader\",\"text\":\"\",\"reader\":\"dan@corp.example\",\"says\":\"Without somebody on Bcc this would have gone.\"},\"readers\":[],\"words\":\"\",\"words_cut\":false}"
#define MESSAGE "From: ana@corp.example\nTo: ben@corp.example\nSubject: Zanzibar\nMessage-ID: <m1@corp.example>\n\nyou never listen\n"

/* --- the world --- */

static void write_conf(struct world *w, const char *more)
{
    struct fb_err err;
    struct fb_str text = fb_arena_printf(w->arena,
        "[forbear]\nstate_dir = %s\nkeys_dir = %s\ndata_dir = " DATA_DIR "\nlog_level = error\n"
        "[scope]\ninternal_domains = corp.example\n[keeper]\nhelper = %s/helper.sock\nsocket = %s/keeper.sock\n"
        "[notice]\nsmtp = %s\ntimeout = 1s\npatience = 10s\n[hold]\ngrace = 60s\nretention = 1h\n%s\n",
        w->state, w->keys, w->dir, w->dir, w->smtp.host_port, more);
    assert_int_equal(fb_io_write_file(w->dir, "forbear.conf", text, 0600, &err), 0);
    struct fb_str path = fb_arena_printf(w->arena, "%s/forbear.conf", w->dir);
    if (fb_conf_load(path.p, &w->conf, &err))
        fail_msg("%s", err.text);
}

static void configure(struct world *w, const char *more)
{
    struct fb_err err;
    fb_work_done(&w->work);
    fb_keeper_done(&w->keeper);
    fb_conf_free(w->conf);
    write_conf(w, more);
    assert_int_equal(fb_keeper_init(w->conf, &w->keeper, &err), 0);
    fb_work_init(&w->work, &w->keeper);
}

static int set_up(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    struct fb_err err;
    w->arena = fb_arena_new(64 << 20);
    w->now_s = T0, w->now_ms = fb_clock_ms();
    snprintf(w->dir, sizeof w->dir, "/tmp/forbear-keeper-XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    snprintf(w->state, sizeof w->state, "%s/state", w->dir);
    snprintf(w->keys, sizeof w->keys, "%s/keys", w->dir);
    mkdir(w->state, 0700);
    mkdir(w->keys, 0700);
    mkdir(fb_arena_printf(w->arena, "%s/markers", w->state).p, 0700);
    smtp_start(&w->smtp);
    helper_start(&w->helper, fb_arena_printf(w->arena, "%s/helper.sock", w->dir).p);
    write_conf(w, "");
    if (fb_keys_generate(w->keys, false, &err) || fb_keeper_init(w->conf, &w->keeper, &err) || fb_store_open(w->state, 1000, &w->milter, &err))
        fail_msg("%s", err.text);
    fb_work_init(&w->work, &w->keeper);
    w->desk = (struct fb_desk){.k = &w->keeper, .listen_fd = -1};
    *state = w;
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

static int tear_down(void **state)
{
    struct world *w = *state;
    fb_work_done(&w->work);
    fb_store_close(w->desk.store);
    fb_store_close(w->milter);
    fb_keeper_done(&w->keeper);
    fb_conf_free(w->conf);
    helper_stop(&w->helper);
    smtp_stop(&w->smtp);
    nftw(w->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    fb_arena_free(w->arena);
    free(w);
    return 0;
}

static struct queued *queue(struct world *w, const char *queue_id, enum fb_queue_outcome is)
{
    struct queued *q = &w->helper.v[w->helper.n];
    snprintf(q->queue_id, sizeof q->queue_id, "%s", queue_id);
    q->is = is;
    q->sender = "ana@corp.example";
    q->message_id = "<m1@corp.example>";
    q->message = MESSAGE;
    q->recipients = FB_STR("ben@corp.example\0dan@corp.example");
    w->helper.n++;
    return q;
}

/* Who sent it, on which thread; nobody: the milter did not say. */
struct author {
    const char *login, *root;
    int64_t opens_s; /* after it was held */
    const char *language;
};
static const struct author nobody, ana = {"ana", "<root@corp.example>"}, machine = {"", "<root@corp.example>"};

/* What the milter does for a verdict; the queue knows the file. */
static struct fb_hold milter_holds_of(struct world *w, const struct author *by, enum fb_state state, struct queued **ret)
{
    struct fb_hold h = {.state = state, .rule = FB_STR("public_shaming"), .created_s = w->now_s, .deadline_s = w->now_s + DELAY,
                        .queue_id = fb_arena_printf(w->arena, "4Sb1kT6J4bz%05u", ++w->held)};
    struct fb_err err;
    struct queued *q = queue(w, h.queue_id.p, FB_QUEUE_DONE);
    fb_hold_id_new(&h.id);
    fb_fingerprint(w->keeper.hash_key, h.queue_id, fb_str(q->message_id), h.fingerprint);
    h.box = fb_box_seal(w->arena, w->keeper.box_public, FB_STR(FACTS));
    h.opens_s = by->opens_s ? w->now_s + by->opens_s : 0;
    h.language = fb_str(by->language);
    if (by->root)
        fb_hold_hashes(w->keeper.hash_key, fb_str(by->login), fb_str(q->sender), fb_str(by->root), &h);
    if (fb_store_add(w->milter, &h, &err) || (state == FB_STATE_pending && fb_marker_write(w->state, &h, &err)))
        fail_msg("%s", err.text);
    if (ret)
        *ret = q;
    return h;
}

static struct fb_hold milter_holds(struct world *w, enum fb_state state, struct queued **ret)
{
    return milter_holds_of(w, &nobody, state, ret);
}

/* Rounds until nothing is due; @seconds later first. */
static void after(struct world *w, int64_t seconds)
{
    w->now_s += seconds;
    w->now_ms += seconds * 1000;
    for (int i = 0; i < 20 && fb_work_round(&w->work, w->now_s, w->now_ms) == 0; i++)
        ;
}

/* As a kill does it: all that was only in memory is gone. */
static void restart(struct world *w)
{
    fb_work_done(&w->work);
    fb_work_init(&w->work, &w->keeper);
}

static struct fb_hold row(struct world *w, const struct fb_hold *h)
{
    struct fb_hold now = {.state = FB_STATES};
    struct fb_err err;
    fb_store_get(w->milter, h->id, w->arena, &now, &err);
    return now;
}

static void is_state(struct world *w, const struct fb_hold *h, enum fb_state state)
{
    assert_string_equal(fb_state_name(row(w, h).state), fb_state_name(state));
}

static bool has_marker(struct world *w, const struct fb_hold *h)
{
    return access(fb_arena_printf(w->arena, "%s/markers/%s", w->state, h->queue_id.p).p, F_OK) == 0;
}

static struct fb_str mail_text(struct world *w, size_t i)
{
    const struct fb_message_limits limits = {100, 10, 65536, 1000};
    struct fb_message m;
    struct fb_err err;
    assert_true(i < w->smtp.n);
    assert_int_equal(fb_message_parse(w->arena, &limits, fb_str(w->smtp.mail[i]), false, &m, &err), 0);
    return m.text;
}

/* The last part of the link in a notice. */
static struct fb_str link_of(struct world *w, size_t i)
{
    struct fb_str text = mail_text(w, i), line;
    while (fb_str_line(&text, &line)) {
        ptrdiff_t at = fb_str_ifind(line, FB_STR("/h/"));
        if (at >= 0)
            return fb_str_trim((struct fb_str){line.p + at + 3, line.n - (size_t)at - 3});
    }
    fail_msg("no link");
    return FB_STR_NONE;
}

static enum fb_desk_outcome ask_desk(struct world *w, enum fb_desk_op op, enum fb_desk_action action, struct fb_str token, struct fb_desk_view *view)
{
    struct fb_desk_request req = {.op = op, .action = action, .token = token};
    struct fb_err err;
    enum fb_desk_outcome outcome;
    struct fb_str answer = fb_desk_answer(&w->desk, fb_desk_request_encode(w->arena, &req), w->now_s, w->arena);
    assert_int_equal(fb_desk_reply_decode(w->arena, answer, &outcome, view, &err), 0);
    return outcome;
}

static struct fb_str token_of(struct world *w, size_t mail)
{
    struct fb_str token;
    uint8_t key[FB_PAGE_KEY];
    assert_true(fb_link_parse(link_of(w, mail), &token, key));
    return token;
}

/* As the page does it, which brings the link's key with a withdrawal. */
static enum fb_desk_outcome withdraw_by_link(struct world *w, uint8_t flip)
{
    struct fb_str token;
    uint8_t key[FB_PAGE_KEY];
    assert_true(fb_link_parse(link_of(w, 0), &token, key));
    key[0] ^= flip;
    struct fb_desk_request req = {.op = FB_DESK_DECIDE, .action = FB_DESK_WITHDRAW, .token = token, .why = FB_STR_NONE, .key = {(char *)key, sizeof key}};
    enum fb_desk_outcome outcome;
    struct fb_desk_view view;
    struct fb_err err;
    struct fb_str answer = fb_desk_answer(&w->desk, fb_desk_request_encode(w->arena, &req), w->now_s, w->arena);
    assert_int_equal(fb_desk_reply_decode(w->arena, answer, &outcome, &view, &err), 0);
    return outcome;
}

static enum fb_desk_outcome press(struct world *w, enum fb_desk_action action)
{
    struct fb_desk_view view;
    return ask_desk(w, FB_DESK_DECIDE, action, token_of(w, 0), &view);
}

/* --- held and told --- */

static void what_is_in_the_hold_queue_is_held_and_its_sender_told(void **state)
{
    struct world *w = *state;
    struct fb_hold h = milter_holds(w, FB_STATE_pending, NULL);
    after(w, 0);
    is_state(w, &h, FB_STATE_held);
    assert_int_equal(w->smtp.n, 1);
    assert_string_equal(w->smtp.to[0], "<ana@corp.example>");
    assert_int_equal(row(w, &h).box.n, 0);
    assert_int_equal(row(w, &h).key_box.n, 0);
    after(w, 60);
    assert_int_equal(w->smtp.n, 1);
}

static void the_link_opens_what_the_page_shows(void **state)
{
    struct world *w = *state;
    milter_holds(w, FB_STATE_pending, NULL);
    after(w, 0);
    struct fb_str token, plain;
    struct fb_desk_view view;
    struct fb_err err;
    uint8_t key[FB_PAGE_KEY];
    assert_true(fb_link_parse(link_of(w, 0), &token, key));
    assert_int_equal(ask_desk(w, FB_DESK_SHOW, FB_DESK_RELEASE, token, &view), FB_DESK_DONE);
    assert_int_equal(view.state, FB_STATE_held);
    assert_int_equal(view.deadline_s, T0 + DELAY);
    assert_int_equal(fb_page_open(w->arena, key, view.sealed, &plain, &err), 0);
    assert_true(fb_str_eq(plain, FB_STR(FACTS)));
}

static void a_file_that_comes_late_is_waited_for(void **state)
{
    struct world *w = *state;
    struct queued *q;
    struct fb_hold h = milter_holds(w, FB_STATE_pending, &q);
    q->is = FB_QUEUE_ELSEWHERE;
    after(w, 0);
    is_state(w, &h, FB_STATE_pending);
    q->is = FB_QUEUE_DONE;
    after(w, 1);
    is_state(w, &h, FB_STATE_held);
}

static void what_never_comes_is_given_up_after_the_grace(void **state)
{
    struct world *w = *state;
    struct queued *q, *r;
    struct fb_hold passed = milter_holds(w, FB_STATE_pending, &q), gone = milter_holds(w, FB_STATE_pending, &r);
    q->is = FB_QUEUE_ELSEWHERE;
    r->is = FB_QUEUE_ABSENT;
    after(w, 59);
    is_state(w, &passed, FB_STATE_pending);
    after(w, 1);
    after(w, 10);
    is_state(w, &passed, FB_STATE_passed);
    is_state(w, &gone, FB_STATE_gone);
    assert_false(has_marker(w, &passed) || has_marker(w, &gone));
    assert_int_equal(row(w, &passed).box.n, 0);
    assert_int_equal(w->smtp.n, 0);
}

static void another_message_under_that_queue_id_is_never_touched(void **state)
{
    struct world *w = *state;
    struct queued *q;
    struct fb_hold h = milter_holds(w, FB_STATE_pending, &q);
    q->message_id = "<other@corp.example>";
    after(w, 0);
    is_state(w, &h, FB_STATE_gone);
    after(w, DELAY);
    assert_int_equal(q->released + q->deleted + q->fetched, 0);
}

static void the_admins_own_holds_are_never_asked_about(void **state)
{
    struct world *w = *state;
    struct queued *own = queue(w, "4Sb1kT6J4bz99999", FB_QUEUE_DONE);
    milter_holds(w, FB_STATE_pending, NULL);
    after(w, 0);
    after(w, DELAY);
    assert_int_equal(own->asked, 0);
}

/* --- nobody is held without knowing --- */

static void a_refused_notice_releases_at_once(void **state)
{
    struct world *w = *state;
    struct queued *q;
    struct fb_hold h = milter_holds(w, FB_STATE_pending, &q);
    w->smtp.rcpt = "550 5.1.1 no such user";
    after(w, 0);
    is_state(w, &h, FB_STATE_released);
    assert_int_equal(q->released, 1);
    assert_int_equal(row(w, &h).key_box.n, 0);
}

static void a_notice_put_off_is_tried_again_and_then_released(void **state)
{
    struct world *w = *state;
    struct fb_hold h = milter_holds(w, FB_STATE_pending, NULL), told = h;
    w->smtp.data = "451 4.3.0 later";
    after(w, 0);
    is_state(w, &h, FB_STATE_held);
    w->smtp.data = "250 ok";
    after(w, 5);
    is_state(w, &told, FB_STATE_held);
    assert_int_equal(w->smtp.n, 1);
    h = milter_holds(w, FB_STATE_pending, NULL);
    w->smtp.data = "451 4.3.0 later";
    after(w, 0);
    after(w, 9);
    is_state(w, &h, FB_STATE_held);
    after(w, 20);
    is_state(w, &h, FB_STATE_released);
}

static void a_box_that_cannot_be_opened_releases_at_once(void **state)
{
    struct world *w = *state;
    struct queued *q;
    w->keeper.box_public[0] ^= 1; /* the milter has another key */
    struct fb_hold h = milter_holds(w, FB_STATE_pending, &q);
    w->keeper.box_public[0] ^= 1;
    after(w, 0);
    is_state(w, &h, FB_STATE_released);
    assert_int_equal(q->released, 1);
}

/* A kill between the server's 250 and the note of it: here the server took it and its 250 was lost. */
static void a_notice_that_was_cut_short_is_made_again_the_same(void **state)
{
    struct world *w = *state;
    struct fb_hold h = milter_holds(w, FB_STATE_pending, NULL);
    w->smtp.keep = true;
    w->smtp.data = "451 4.3.0 later";
    after(w, 0);
    struct fb_str id = row(w, &h).message_id, link = link_of(w, 0);
    w->smtp.data = "250 ok";
    restart(w);
    after(w, 1);
    assert_int_equal(w->smtp.n, 2);
    assert_true(fb_str_ifind(fb_str(w->smtp.mail[0]), id) >= 0);
    assert_true(fb_str_ifind(fb_str(w->smtp.mail[1]), id) >= 0);
    assert_true(fb_str_eq(link, link_of(w, 1)));
    is_state(w, &h, FB_STATE_held);
}

/* --- deadlines --- */

static void the_end_of_the_delay_releases(void **state)
{
    struct world *w = *state;
    struct queued *q;
    struct fb_hold h = milter_holds(w, FB_STATE_pending, &q);
    after(w, 0);
    after(w, DELAY - 1);
    is_state(w, &h, FB_STATE_held);
    assert_true(has_marker(w, &h));
    after(w, 1);
    is_state(w, &h, FB_STATE_released);
    assert_int_equal(q->released, 1);
    assert_false(has_marker(w, &h));
}

static void a_keeper_that_was_away_for_the_whole_delay_just_releases(void **state)
{
    struct world *w = *state;
    struct fb_hold h = milter_holds(w, FB_STATE_pending, NULL);
    after(w, DELAY);
    is_state(w, &h, FB_STATE_released);
    assert_int_equal(w->smtp.n, 0);
}

static void hundreds_of_deadlines_are_released_in_few_calls(void **state)
{
    struct world *w = *state;
    for (int i = 0; i < 300; i++)
        milter_holds(w, FB_STATE_pending, NULL);
    after(w, DELAY);
    for (int i = 0; i < 4; i++)
        after(w, 1);
    unsigned released = 0;
    for (size_t i = 0; i < w->helper.n; i++)
        released += w->helper.v[i].released;
    assert_int_equal(released, 300);
    assert_true(w->helper.calls[FB_QUEUE_RELEASE] <= 4);
}

static void where_the_conf_says_so_the_end_of_the_delay_withdraws(void **state)
{
    struct world *w = *state;
    struct queued *q;
    configure(w, "after_delay = withdraw");
    struct fb_hold h = milter_holds(w, FB_STATE_pending, &q);
    after(w, 0);
    after(w, DELAY);
    is_state(w, &h, FB_STATE_withdrawn);
    assert_int_equal(w->smtp.n, 2);
    assert_int_equal(q->deleted, 1);
}

static void but_not_what_its_sender_was_never_told_of(void **state)
{
    struct world *w = *state;
    struct queued *q;
    configure(w, "after_delay = withdraw");
    struct fb_hold h = milter_holds(w, FB_STATE_pending, &q);
    after(w, DELAY);
    is_state(w, &h, FB_STATE_released);
    assert_int_equal(q->deleted, 0);
}

static void a_release_that_fails_is_tried_again(void **state)
{
    struct world *w = *state;
    struct queued *q;
    struct fb_hold h = milter_holds(w, FB_STATE_pending, &q);
    after(w, 0);
    q->stuck = true;
    after(w, DELAY);
    is_state(w, &h, FB_STATE_releasing);
    q->stuck = false;
    after(w, 5);
    is_state(w, &h, FB_STATE_released);
}

static void a_release_that_was_not_recorded_is_not_repeated(void **state)
{
    struct world *w = *state;
    struct queued *q;
    struct fb_hold h = milter_holds(w, FB_STATE_pending, &q);
    after(w, 0);
    press(w, FB_DESK_RELEASE);
    q->is = FB_QUEUE_ELSEWHERE; /* released, and the keeper killed before it could say so */
    restart(w);
    after(w, 0);
    is_state(w, &h, FB_STATE_released);
    assert_int_equal(q->released, 0);
}

/* --- decisions --- */

static void the_link_releases_once(void **state)
{
    struct world *w = *state;
    struct queued *q;
    struct fb_hold h = milter_holds(w, FB_STATE_pending, &q);
    after(w, 0);
    assert_int_equal(press(w, FB_DESK_RELEASE), FB_DESK_DONE);
    assert_int_equal(press(w, FB_DESK_RELEASE), FB_DESK_CLOSED);
    after(w, 0);
    is_state(w, &h, FB_STATE_released);
    assert_int_equal(press(w, FB_DESK_WITHDRAW), FB_DESK_CLOSED);
    after(w, DELAY);
    assert_int_equal(q->released, 1);
    assert_int_equal(q->deleted, 0);
}

static void to_look_changes_nothing(void **state)
{
    struct world *w = *state;
    struct fb_desk_view view;
    struct fb_hold h = milter_holds(w, FB_STATE_pending, NULL);
    after(w, 0);
    for (int i = 0; i < 100; i++)
        assert_int_equal(ask_desk(w, FB_DESK_SHOW, FB_DESK_RELEASE, token_of(w, 0), &view), FB_DESK_DONE);
    after(w, 1);
    is_state(w, &h, FB_STATE_held);
}

static void what_is_no_good_token_is_refused_alike(void **state)
{
    struct world *w = *state;
    struct fb_desk_view view;
    struct fb_hold h = milter_holds(w, FB_STATE_pending, NULL);
    struct fb_err err;
    after(w, 0);
    struct fb_str good = token_of(w, 0), altered = fb_arena_dup(w->arena, good), foreign, unknown, old;
    ((char *)altered.p)[40] ^= 1;
    struct fb_token t = {.hold = h.id, .node = FB_STR("elsewhere"), .exp_s = T0 + 1000, .use = FB_TOKEN_DECIDE, .admin = FB_STR_NONE};
    assert_int_equal(fb_token_sign(w->keeper.signer, &t, w->arena, &foreign, &err), 0);
    t.node = FB_STR("forbear"), t.exp_s = T0 - 1;
    assert_int_equal(fb_token_sign(w->keeper.signer, &t, w->arena, &old, &err), 0);
    t.exp_s = T0 + 1000;
    fb_hold_id_new(&t.hold);
    assert_int_equal(fb_token_sign(w->keeper.signer, &t, w->arena, &unknown, &err), 0);
    const struct fb_str bad[] = {altered, foreign, old, unknown, FB_STR("x"), FB_STR("")};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(ask_desk(w, FB_DESK_SHOW, FB_DESK_RELEASE, bad[i], &view), FB_DESK_REFUSED);
        assert_int_equal(ask_desk(w, FB_DESK_DECIDE, FB_DESK_RELEASE, bad[i], &view), FB_DESK_REFUSED);
    }
    after(w, 1);
    is_state(w, &h, FB_STATE_held);
}

/* A rotation needed a restart: until then nothing that the new key had signed was good. */
static void keys_are_read_anew_while_it_runs(void **state)
{
    struct world *w = *state;
    struct fb_desk_view view;
    struct fb_err err;
    struct fb_str admins;
    struct fb_hold first = milter_holds(w, FB_STATE_pending, NULL);
    after(w, 0);
    struct fb_str before = token_of(w, 0);
    struct fb_hold second = milter_holds(w, FB_STATE_pending, NULL);
    after(w, 0);
    assert_int_equal(fb_keys_generate(w->keys, true, &err), 0);
    struct fb_signer *fresh; /* what `forbear release` signs with */
    assert_int_equal(fb_signer_open(w->keys, &fresh, &err), 0);
    struct fb_token t = {.hold = second.id, .node = FB_STR("forbear"), .exp_s = T0 + 1000, .use = FB_TOKEN_ADMIN_RELEASE, .admin = FB_STR("root")};
    assert_int_equal(fb_token_sign(fresh, &t, w->arena, &admins, &err), 0);
    fb_signer_close(fresh);
    assert_int_equal(ask_desk(w, FB_DESK_DECIDE, FB_DESK_RELEASE, admins, &view), FB_DESK_REFUSED);
    assert_int_equal(fb_keeper_reload(&w->keeper, &err), 0);
    assert_int_equal(ask_desk(w, FB_DESK_DECIDE, FB_DESK_RELEASE, admins, &view), FB_DESK_DONE);
    assert_int_equal(ask_desk(w, FB_DESK_DECIDE, FB_DESK_RELEASE, before, &view), FB_DESK_DONE);
    assert_int_equal(fb_io_write_file(w->keys, "signing.key", FB_STR("nonsense"), 0600, &err), 0);
    assert_int_equal(fb_keeper_reload(&w->keeper, &err), -1);
    after(w, 0);
    is_state(w, &first, FB_STATE_released);
    is_state(w, &second, FB_STATE_released);
    milter_holds(w, FB_STATE_pending, NULL); /* is told with the key that was good */
    after(w, 300);
    assert_int_equal(ask_desk(w, FB_DESK_SHOW, FB_DESK_RELEASE, token_of(w, w->smtp.n - 1), &view), FB_DESK_DONE);
}

static void an_admins_token_decides_what_it_names_and_nothing_else(void **state)
{
    struct world *w = *state;
    struct fb_desk_view view;
    struct fb_err err;
    struct fb_str token;
    struct fb_hold h = milter_holds(w, FB_STATE_pending, NULL);
    struct fb_token t = {.hold = h.id, .node = FB_STR("forbear"), .exp_s = T0 + 1000, .use = FB_TOKEN_ADMIN_RELEASE, .admin = FB_STR("root")};
    assert_int_equal(fb_token_sign(w->keeper.signer, &t, w->arena, &token, &err), 0);
    after(w, 0);
    assert_int_equal(ask_desk(w, FB_DESK_DECIDE, FB_DESK_WITHDRAW, token, &view), FB_DESK_REFUSED);
    assert_int_equal(ask_desk(w, FB_DESK_DECIDE, FB_DESK_RELEASE, token, &view), FB_DESK_DONE);
    after(w, 0);
    is_state(w, &h, FB_STATE_released);
    struct fb_hold_event *v;
    size_t n;
    assert_int_equal(fb_store_events(w->milter, h.id, w->arena, &v, &n, &err), 0);
    bool named = false;
    for (size_t i = 0; i < n; i++)
        named = named || fb_str_eq(v[i].by, FB_STR("admin:root"));
    assert_true(named);
}

/* Whoever can write the store can write a decision; without a signature it counts for nothing. */
static void a_decision_that_does_not_verify_waits_for_the_deadline(void **state)
{
    struct world *w = *state;
    struct fb_err err;
    for (int action = FB_DESK_RELEASE; action <= FB_DESK_WITHDRAW; action++) {
        struct queued *q;
        struct fb_hold h = milter_holds(w, FB_STATE_pending, &q);
        after(w, 0);
        assert_int_equal(fb_store_decide(w->milter, h.id, action, FB_STR("v4.public.forged"), FB_STR_NONE, w->now_s, "sender", "forged", &err), 0);
        after(w, 0);
        is_state(w, &h, FB_STATE_held);
        assert_int_equal(q->released + q->deleted + q->fetched, 0);
        after(w, DELAY);
        is_state(w, &h, FB_STATE_released);
    }
}

/* --- what they say beside it --- */

static bool is_spared(struct world *w, const struct fb_hold *h, const char *rule, int64_t in_s)
{
    FB_ARENA arena = fb_arena_new(1 << 20);
    struct fb_str *v;
    size_t n, i = 0;
    assert_int_equal(fb_store_spared(w->milter, h->person, h->thread, w->now_s + in_s, arena, &v, &n, NULL), 0);
    while (i < n && v[i].n && !fb_str_eq(v[i], fb_str(rule)))
        i++;
    return i < n;
}

static void after_a_release_the_same_thread_and_rule_do_not_hold_again(void **state)
{
    struct world *w = *state;
    struct fb_hold h = milter_holds_of(w, &ana, FB_STATE_pending, NULL);
    after(w, 0);
    assert_false(is_spared(w, &h, "public_shaming", 0));
    press(w, FB_DESK_RELEASE);
    after(w, 0);
    is_state(w, &h, FB_STATE_released);
    assert_true(is_spared(w, &h, "public_shaming", 3599));
    assert_false(is_spared(w, &h, "public_shaming", 3600) || is_spared(w, &h, "heated", 0));
    struct fb_hold by_deadline = milter_holds_of(w, &(struct author){"ana", "<other@x>"}, FB_STATE_pending, NULL);
    after(w, DELAY);
    is_state(w, &by_deadline, FB_STATE_released);
    assert_true(is_spared(w, &by_deadline, "public_shaming", 0));
}

static void having_talked_releases_at_once_and_spares_every_rule_for_14_days(void **state)
{
    struct world *w = *state;
    struct queued *q;
    struct fb_desk_view view;
    struct fb_hold h = milter_holds_of(w, &(struct author){"ana", "<root@x>", 600}, FB_STATE_pending, &q);
    after(w, 0);
    struct fb_str token = token_of(w, 0);
    assert_int_equal(ask_desk(w, FB_DESK_DECIDE, FB_DESK_TALKED, token, &view), FB_DESK_DONE);
    assert_true(view.talked && !view.wrong);
    restart(w);
    after(w, 0);
    is_state(w, &h, FB_STATE_released);
    assert_int_equal(q->released, 1);
    assert_true(is_spared(w, &h, "heated", 14 * 86400 - 1));
    assert_false(is_spared(w, &h, "heated", 14 * 86400));
    assert_int_equal(ask_desk(w, FB_DESK_DECIDE, FB_DESK_TALKED, token, &view), FB_DESK_CLOSED);
    assert_true(view.talked);
}

static void that_it_was_wrong_is_counted_once_and_decides_nothing(void **state)
{
    struct world *w = *state;
    struct fb_desk_view view;
    struct fb_err err;
    struct fb_count *v;
    size_t n;
    struct fb_hold h = milter_holds(w, FB_STATE_pending, NULL);
    after(w, 0);
    struct fb_str token = token_of(w, 0);
    assert_int_equal(ask_desk(w, FB_DESK_DECIDE, FB_DESK_WRONG, token, &view), FB_DESK_DONE);
    assert_true(view.wrong && view.state == FB_STATE_held);
    after(w, DELAY);
    is_state(w, &h, FB_STATE_released);
    assert_int_equal(ask_desk(w, FB_DESK_DECIDE, FB_DESK_WRONG, token, &view), FB_DESK_CLOSED);
    assert_int_equal(fb_store_counts(w->milter, FB_STR_NONE, w->arena, &v, &n, &err), 0);
    assert_int_equal(n, 1);
    assert_true(fb_str_eq(v[0].name, FB_STR("wrong.public_shaming")) && v[0].n == 1);
}

static void before_it_opens_its_sender_cannot_release_it_but_take_it_back(void **state)
{
    struct world *w = *state;
    struct fb_desk_view view;
    struct fb_err err;
    struct fb_str admins;
    const struct author slow = {"ana", "<root@x>", 600};
    struct fb_hold h = milter_holds_of(w, &slow, FB_STATE_pending, NULL);
    after(w, 0);
    struct fb_str token = token_of(w, 0);
    assert_int_equal(ask_desk(w, FB_DESK_SHOW, FB_DESK_RELEASE, token, &view), FB_DESK_DONE);
    assert_int_equal(view.opens_s, T0 + 600);
    assert_int_equal(ask_desk(w, FB_DESK_DECIDE, FB_DESK_RELEASE, token, &view), FB_DESK_EARLY);
    assert_int_equal(view.state, FB_STATE_held);
    after(w, 599);
    assert_int_equal(ask_desk(w, FB_DESK_DECIDE, FB_DESK_RELEASE, token, &view), FB_DESK_EARLY);
    after(w, 1);
    assert_int_equal(ask_desk(w, FB_DESK_DECIDE, FB_DESK_RELEASE, token, &view), FB_DESK_DONE);
    after(w, 0);
    is_state(w, &h, FB_STATE_released);
    h = milter_holds_of(w, &slow, FB_STATE_pending, NULL);
    struct fb_token t = {.hold = h.id, .node = FB_STR("forbear"), .exp_s = w->now_s + 1000, .use = FB_TOKEN_ADMIN_RELEASE, .admin = FB_STR("root")};
    assert_int_equal(fb_token_sign(w->keeper.signer, &t, w->arena, &admins, &err), 0);
    after(w, 0);
    assert_int_equal(ask_desk(w, FB_DESK_DECIDE, FB_DESK_RELEASE, admins, &view), FB_DESK_DONE);
    h = milter_holds_of(w, &slow, FB_STATE_pending, NULL);
    t = (struct fb_token){.hold = h.id, .node = FB_STR("forbear"), .exp_s = w->now_s + 1000, .use = FB_TOKEN_DECIDE, .admin = FB_STR_NONE};
    assert_int_equal(fb_token_sign(w->keeper.signer, &t, w->arena, &token, &err), 0);
    after(w, 0);
    assert_int_equal(ask_desk(w, FB_DESK_DECIDE, FB_DESK_WITHDRAW, token, &view), FB_DESK_DONE);
    after(w, 0);
    is_state(w, &h, FB_STATE_withdrawn);
}

/* --- by mail --- */

static void posts(struct world *w, struct fb_post post)
{
    struct fb_err err;
    post.at_s = w->now_s;
    assert_int_equal(fb_store_post(w->milter, &post, &err), 0);
}

/* What the milter makes of an answer to the nth mail. */
static void answers(struct world *w, const struct fb_hold *h, int action, const char *login, struct fb_str message_id)
{
    struct fb_hold who;
    struct fb_post post = {.kind = FB_POST_ANSWER, .hold = h->id, .action = action, .message_id = message_id, .box = FB_STR_NONE};
    fb_hold_hashes(w->keeper.hash_key, fb_str(login), FB_STR("ana@corp.example"), FB_STR("<x@y>"), &who);
    memcpy(post.owner, who.owner, sizeof post.owner);
    posts(w, post);
    after(w, 0);
}

static size_t letters(struct world *w)
{
    struct fb_post *v;
    struct fb_err err;
    size_t n;
    assert_int_equal(fb_store_posts(w->milter, 100, w->arena, &v, &n, &err), 0);
    return n;
}

static struct fb_str id_of_mail(struct world *w, size_t i)
{
    const char *at = strcasestr(w->smtp.mail[i], "\nMessage-ID: ");
    assert_non_null(at);
    at = strchr(at, '<');
    return fb_arena_dup(w->arena, (struct fb_str){at, strcspn(at, ">") + 1});
}

static void an_answer_to_the_notice_releases_or_takes_back(void **state)
{
    struct world *w = *state;
    struct queued *q, *r;
    struct fb_hold one = milter_holds_of(w, &ana, FB_STATE_pending, &q);
    after(w, 0);
    answers(w, &one, FB_DESK_RELEASE, "ana", id_of_mail(w, 0));
    is_state(w, &one, FB_STATE_released);
    assert_int_equal(q->released, 1);
    assert_int_equal(letters(w), 0);
    w->now_s += 3600, w->now_ms += 3600000;
    struct fb_hold two = milter_holds_of(w, &ana, FB_STATE_pending, &r);
    after(w, 0);
    answers(w, &two, FB_DESK_WITHDRAW, "ana", id_of_mail(w, 1));
    is_state(w, &two, FB_STATE_withdrawn);
    assert_int_equal(r->deleted, 1);
    answers(w, &two, FB_DESK_RELEASE, "ana", id_of_mail(w, 1)); /* again: it stays as it is */
    is_state(w, &two, FB_STATE_withdrawn);
    assert_int_equal(letters(w), 0);
}

static void an_answer_without_its_proof_decides_nothing(void **state)
{
    struct world *w = *state;
    struct queued *q;
    struct fb_hold h = milter_holds_of(w, &ana, FB_STATE_pending, &q);
    after(w, 0);
    struct fb_str good = id_of_mail(w, 0), bad = fb_arena_dup(w->arena, good);
    ((char *)bad.p)[3] ^= 1;
    answers(w, &h, FB_DESK_RELEASE, "ben", good);
    answers(w, &h, FB_DESK_RELEASE, "", good);
    answers(w, &h, FB_DESK_RELEASE, "ana", bad);
    answers(w, &h, FB_DESK_RELEASE, "ana", FB_STR_NONE);
    answers(w, &h, FB_DESK_TALKED, "ana", good);
    is_state(w, &h, FB_STATE_held);
    assert_int_equal(letters(w), 0);
    w->now_s += 3600, w->now_ms += 3600000;
    struct fb_hold loginless = milter_holds_of(w, &machine, FB_STATE_pending, NULL);
    after(w, 0);
    answers(w, &loginless, FB_DESK_RELEASE, "", id_of_mail(w, w->smtp.n - 1));
    is_state(w, &loginless, FB_STATE_held);
    assert_int_equal(w->smtp.n, 2);
}

static void an_answer_that_was_forged_into_the_store_waits_for_the_deadline(void **state)
{
    struct world *w = *state;
    struct fb_err err;
    struct fb_hold h = milter_holds_of(w, &ana, FB_STATE_pending, NULL);
    after(w, 0);
    struct fb_str forged = fb_keeper_answer(w->arena, h.owner, FB_STR("<guessed@corp.example>"));
    assert_int_equal(fb_store_decide(w->milter, h.id, FB_DESK_RELEASE, forged, FB_STR_NONE, w->now_s, "sender", "forged", &err), 0);
    after(w, 0);
    is_state(w, &h, FB_STATE_held);
}

static void an_early_answer_is_told_from_when(void **state)
{
    struct world *w = *state;
    struct fb_hold h = milter_holds_of(w, &(struct author){"ana", "<root@x>", 600}, FB_STATE_pending, NULL);
    after(w, 0);
    answers(w, &h, FB_DESK_RELEASE, "ana", id_of_mail(w, 0));
    is_state(w, &h, FB_STATE_held);
    assert_int_equal(w->smtp.n, 2);
    assert_non_null(strstr(mail_text(w, 1).p, "can be sent from"));
    after(w, 600);
    answers(w, &h, FB_DESK_RELEASE, "ana", id_of_mail(w, 0));
    is_state(w, &h, FB_STATE_released);
}

static void cries_for_help(struct world *w)
{
    posts(w, (struct fb_post){.kind = FB_POST_HELP, .message_id = FB_STR_NONE,
                              .box = fb_box_seal(w->arena, w->keeper.box_public, FB_STR("{\"to\":\"ana@corp.example\",\"message_id\":\"<q@x>\",\"language\":\"de\"}"))});
    after(w, 0);
}

static void help_comes_once_a_person_and_hour_also_when_it_was_put_off(void **state)
{
    struct world *w = *state;
    w->smtp.data = "451 4.3.0 later";
    cries_for_help(w);
    assert_int_equal(w->smtp.n, 0);
    w->smtp.data = "250 ok";
    restart(w);
    after(w, 1);
    assert_int_equal(w->smtp.n, 1);
    assert_string_equal(w->smtp.to[0], "<ana@corp.example>");
    assert_non_null(strstr(w->smtp.mail[0], "In-Reply-To: <q@x>"));
    assert_non_null(strstr(mail_text(w, 0).p, "SENDEN:        Ihre Nachricht wird jetzt gesendet"));
    cries_for_help(w);
    assert_int_equal(letters(w), 0);
    assert_int_equal(w->smtp.n, 1);
    after(w, 3600);
    cries_for_help(w);
    assert_int_equal(w->smtp.n, 2);
}

static void a_letter_that_cannot_be_read_is_put_away(void **state)
{
    struct world *w = *state;
    struct fb_hold h = milter_holds(w, FB_STATE_pending, NULL);
    posts(w, (struct fb_post){.kind = FB_POST_HELP, .message_id = FB_STR_NONE, .box = FB_STR("no box")});
    posts(w, (struct fb_post){.kind = (enum fb_post_kind)9, .message_id = FB_STR_NONE, .box = FB_STR_NONE});
    posts(w, (struct fb_post){.kind = FB_POST_ANSWER, .message_id = FB_STR_NONE, .box = FB_STR_NONE}); /* of no hold */
    after(w, 0);
    assert_int_equal(letters(w), 0);
    is_state(w, &h, FB_STATE_held);
}

/* --- the thread moved --- */

static void moves(struct world *w, const struct fb_hold *h)
{
    posts(w, (struct fb_post){.kind = FB_POST_MOVED, .hold = h->id, .message_id = FB_STR_NONE,
                              .box = fb_box_seal(w->arena, w->keeper.box_public, FB_STR("{\"name\":\"Cleo Martin\"}"))});
    after(w, 0);
}

static int64_t marker_deadline(struct world *w)
{
    struct fb_hold *v;
    struct fb_str bad;
    struct fb_err err;
    size_t n;
    assert_int_equal(fb_marker_list(w->state, w->arena, &v, &n, &bad, &err), 0);
    assert_int_equal(n, 1);
    return v[0].deadline_s;
}

static void when_the_thread_moves_its_sender_is_told_once_and_the_wait_begins_anew(void **state)
{
    struct world *w = *state;
    struct queued *q;
    struct fb_hold h = milter_holds_of(w, &ana, FB_STATE_pending, &q);
    after(w, 0);
    after(w, 600);
    moves(w, &h);
    assert_int_equal(w->smtp.n, 2);
    assert_non_null(strstr(w->smtp.mail[1], "Cleo Martin has just written"));
    assert_non_null(strstr(mail_text(w, 1).p, "Zanzibar"));
    assert_int_equal(row(w, &h).deadline_s, T0 + 600 + DELAY);
    assert_int_equal(marker_deadline(w), T0 + 600 + DELAY);
    assert_true(row(w, &h).extended);
    after(w, 600);
    moves(w, &h);
    assert_int_equal(w->smtp.n, 2);
    assert_int_equal(letters(w), 0);
    is_state(w, &h, FB_STATE_held);
    after(w, DELAY - 601);
    is_state(w, &h, FB_STATE_held);
    after(w, 1);
    is_state(w, &h, FB_STATE_released);
    assert_int_equal(q->released, 1);
}

static void its_mail_is_answered_and_its_link_decides(void **state)
{
    struct world *w = *state;
    struct fb_hold one = milter_holds_of(w, &ana, FB_STATE_pending, NULL);
    after(w, 0);
    moves(w, &one);
    answers(w, &one, FB_DESK_RELEASE, "ana", id_of_mail(w, 1));
    is_state(w, &one, FB_STATE_released);
    w->now_s += 3600, w->now_ms += 3600000;
    struct fb_hold two = milter_holds_of(w, &ana, FB_STATE_pending, NULL);
    struct fb_desk_view view;
    after(w, 0);
    moves(w, &two);
    assert_int_equal(ask_desk(w, FB_DESK_DECIDE, FB_DESK_RELEASE, token_of(w, 3), &view), FB_DESK_DONE);
}

/* The page that it opens has not what was sealed. */
static void its_link_knows_the_senders_clock_and_the_desk_their_language(void **state)
{
    struct world *w = *state;
    struct queued *q;
    struct fb_hold h = milter_holds_of(w, &(struct author){"ana", "<root@corp.example>", .language = "fr"}, FB_STATE_pending, &q);
    struct fb_desk_view view;
    struct fb_str token;
    uint8_t key[FB_PAGE_KEY], keyless[FB_PAGE_KEY];
    q->message = "Date: Tue, 14 Nov 2023 22:13:20 -0330\n" MESSAGE;
    after(w, 0);
    moves(w, &h);
    assert_true(fb_link_parse(link_of(w, 0), &token, key) && fb_link_parse(link_of(w, 1), &token, keyless));
    assert_int_equal(fb_link_tz_min(key), 0);
    assert_int_equal(fb_link_tz_min(keyless), -210);
    assert_int_equal(ask_desk(w, FB_DESK_SHOW, FB_DESK_RELEASE, token, &view), FB_DESK_DONE);
    assert_true(fb_str_eq(view.language, FB_STR("fr")));
}

static void nothing_is_held_beyond_the_longest(void **state)
{
    struct world *w = *state;
    w->conf->hold_longest = 1000;
    struct fb_hold h = milter_holds_of(w, &ana, FB_STATE_pending, NULL);
    after(w, 0);
    after(w, 600);
    moves(w, &h);
    assert_int_equal(row(w, &h).deadline_s, T0 + 1000);
    after(w, 400);
    is_state(w, &h, FB_STATE_released);
}

static void killed_where_the_thread_moved_the_marker_follows_and_the_mail_is_the_same(void **state)
{
    struct world *w = *state;
    struct fb_err err;
    struct fb_hold h = milter_holds_of(w, &ana, FB_STATE_pending, NULL);
    after(w, 0);
    /* Died after the row was changed, before the marker was written and the letter done. */
    assert_int_equal(fb_store_later(w->milter, h.id, FB_LATER_MOVED, T0 + 2 * DELAY, FB_STR("<l@corp.example>"), FB_STR_NONE, w->now_s, &err), 0);
    assert_int_equal(marker_deadline(w), T0 + DELAY);
    w->smtp.data = "451 4.3.0 later";
    w->smtp.keep = true;
    restart(w);
    moves(w, &h);
    assert_int_equal(marker_deadline(w), T0 + 2 * DELAY);
    w->smtp.data = "250 ok";
    restart(w);
    after(w, 1);
    assert_int_equal(w->smtp.n, 3);
    assert_true(fb_str_eq(id_of_mail(w, 1), id_of_mail(w, 2)));
    assert_true(fb_str_eq(link_of(w, 1), link_of(w, 2)));
    assert_int_equal(row(w, &h).message_id.n, 0);
}

static void while_its_sender_knows_nothing_yet_a_move_waits(void **state)
{
    struct world *w = *state;
    struct fb_hold h = milter_holds_of(w, &ana, FB_STATE_pending, NULL);
    w->smtp.data = "451 4.3.0 later";
    after(w, 0);
    moves(w, &h);
    assert_int_equal(letters(w), 1);
    assert_false(row(w, &h).extended);
    w->smtp.data = "250 ok";
    after(w, 1);
    after(w, 1);
    assert_int_equal(letters(w), 0);
    assert_int_equal(w->smtp.n, 2);
}

static void a_mail_that_follows_and_is_refused_is_given_up_and_releases_nothing(void **state)
{
    struct world *w = *state;
    struct fb_hold h = milter_holds_of(w, &ana, FB_STATE_pending, NULL);
    after(w, 0);
    w->smtp.rcpt = "550 5.1.1 no";
    moves(w, &h);
    is_state(w, &h, FB_STATE_held);
    assert_int_equal(row(w, &h).later, FB_LATER_NONE);
}

static void a_reminder_comes_once_and_only_in_a_long_delay(void **state)
{
    struct world *w = *state;
    w->conf->notice_reminder = 300;
    struct fb_hold h = milter_holds_of(w, &ana, FB_STATE_pending, NULL);
    after(w, 0);
    after(w, DELAY - 301);
    assert_int_equal(w->smtp.n, 1);
    after(w, 1);
    assert_int_equal(w->smtp.n, 2);
    assert_non_null(strstr(w->smtp.mail[1], "Still held until"));
    restart(w);
    after(w, 100);
    assert_int_equal(w->smtp.n, 2);
    after(w, 200);
    is_state(w, &h, FB_STATE_released);
    w->conf->notice_reminder = 600;
    w->now_s += 3600, w->now_ms += 3600000;
    milter_holds_of(w, &ana, FB_STATE_pending, NULL);
    after(w, 0);
    after(w, DELAY - 1);
    assert_int_equal(w->smtp.n, 3);
}

/* --- gathered --- */

static size_t links_in(struct world *w, size_t i)
{
    size_t n = 0;
    for (const char *p = mail_text(w, i).p; (p = strstr(p, "/h/")); p += 3)
        n++;
    return n;
}

static void the_first_notice_goes_at_once_and_those_that_follow_are_gathered(void **state)
{
    struct world *w = *state;
    struct fb_hold one = milter_holds_of(w, &ana, FB_STATE_pending, NULL);
    after(w, 0);
    assert_int_equal(w->smtp.n, 1);
    after(w, 10);
    struct fb_hold two = milter_holds_of(w, &ana, FB_STATE_pending, NULL), other = milter_holds(w, FB_STATE_pending, NULL);
    after(w, 0);
    assert_int_equal(w->smtp.n, 2); /* that of somebody else */
    after(w, 100);
    struct fb_hold three = milter_holds_of(w, &ana, FB_STATE_pending, NULL);
    after(w, 0);
    is_state(w, &three, FB_STATE_held);
    after(w, 189);
    assert_int_equal(w->smtp.n, 2);
    after(w, 1);
    assert_int_equal(w->smtp.n, 3);
    assert_int_equal(links_in(w, 2), 2);
    assert_int_equal(row(w, &two).key_box.n + row(w, &three).key_box.n + row(w, &three).box.n, 0);
    answers(w, &two, FB_DESK_RELEASE, "ana", id_of_mail(w, 2)); /* which of them? */
    is_state(w, &two, FB_STATE_held);
    struct fb_desk_view view;
    assert_int_equal(ask_desk(w, FB_DESK_DECIDE, FB_DESK_RELEASE, token_of(w, 2), &view), FB_DESK_DONE);
    after(w, 30);
    assert_int_equal(w->smtp.n, 3);
    is_state(w, &one, FB_STATE_held);
    is_state(w, &two, FB_STATE_released);
    is_state(w, &other, FB_STATE_held);
}

static void nobody_waits_for_a_notice_beyond_half_of_the_delay_or_until_it_opens(void **state)
{
    struct world *w = *state;
    w->conf->notice_gather = 3600;
    milter_holds_of(w, &ana, FB_STATE_pending, NULL);
    after(w, 0);
    milter_holds_of(w, &ana, FB_STATE_pending, NULL);
    after(w, 0);
    after(w, DELAY / 2 - 1);
    assert_int_equal(w->smtp.n, 1);
    after(w, 1);
    assert_int_equal(w->smtp.n, 2);
    assert_int_equal(links_in(w, 1), 1);
    struct fb_hold opens = milter_holds_of(w, &(struct author){"ana", "<root@x>", 60}, FB_STATE_pending, NULL);
    milter_holds_of(w, &ana, FB_STATE_pending, NULL);
    after(w, 0);
    after(w, 60); /* and takes the other along */
    assert_int_equal(w->smtp.n, 3);
    assert_int_equal(links_in(w, 2), 2);
    is_state(w, &opens, FB_STATE_held);
}

static void one_that_waited_alone_is_a_notice_like_any_other(void **state)
{
    struct world *w = *state;
    milter_holds_of(w, &ana, FB_STATE_pending, NULL);
    after(w, 0);
    struct fb_hold two = milter_holds_of(w, &ana, FB_STATE_pending, NULL);
    after(w, 0);
    after(w, 300);
    assert_int_equal(w->smtp.n, 2);
    answers(w, &two, FB_DESK_RELEASE, "ana", id_of_mail(w, 1));
    is_state(w, &two, FB_STATE_released);
}

static void a_gathered_notice_that_was_cut_short_is_made_again_the_same(void **state)
{
    struct world *w = *state;
    milter_holds_of(w, &ana, FB_STATE_pending, NULL);
    after(w, 0);
    struct fb_hold two = milter_holds_of(w, &ana, FB_STATE_pending, NULL), three = milter_holds_of(w, &ana, FB_STATE_pending, NULL);
    after(w, 0);
    restart(w); /* killed while they wait */
    after(w, 299);
    assert_int_equal(w->smtp.n, 1);
    w->smtp.keep = true;
    w->smtp.data = "451 4.3.0 later";
    after(w, 1);
    assert_int_equal(w->smtp.n, 2);
    milter_holds_of(w, &ana, FB_STATE_pending, NULL); /* too late for it */
    w->smtp.data = "250 ok";
    restart(w);
    after(w, 1);
    assert_int_equal(w->smtp.n, 3);
    assert_true(fb_str_eq(id_of_mail(w, 1), id_of_mail(w, 2)));
    assert_true(fb_str_eq(link_of(w, 1), link_of(w, 2)));
    assert_int_equal(links_in(w, 2), 2);
    is_state(w, &two, FB_STATE_held);
    is_state(w, &three, FB_STATE_held);
}

static void a_gathered_notice_that_is_refused_releases_all_of_them(void **state)
{
    struct world *w = *state;
    struct fb_hold one = milter_holds_of(w, &ana, FB_STATE_pending, NULL);
    after(w, 0);
    struct fb_hold two = milter_holds_of(w, &ana, FB_STATE_pending, NULL), three = milter_holds_of(w, &ana, FB_STATE_pending, NULL);
    after(w, 0);
    w->smtp.rcpt = "550 5.1.1 no such user";
    after(w, 300);
    is_state(w, &one, FB_STATE_held);
    is_state(w, &two, FB_STATE_released);
    is_state(w, &three, FB_STATE_released);
}

/* --- withdrawing --- */

static void the_link_withdraws_and_the_copy_comes_back(void **state)
{
    struct world *w = *state;
    struct queued *q;
    struct fb_hold h = milter_holds(w, FB_STATE_pending, &q);
    after(w, 0);
    assert_int_equal(press(w, FB_DESK_WITHDRAW), FB_DESK_DONE);
    after(w, 0);
    is_state(w, &h, FB_STATE_withdrawn);
    assert_int_equal(w->smtp.n, 2);
    assert_string_equal(w->smtp.to[1], "<ana@corp.example>");
    assert_non_null(strstr(w->smtp.mail[1], "Bcc: dan@corp.example"));
    assert_int_equal(q->deleted, 1);
    assert_int_equal(q->released, 0);
}

static void with_the_links_key_a_draft_comes_too_that_has_the_change_done(void **state)
{
    struct world *w = *state;
    struct fb_hold h = milter_holds(w, FB_STATE_pending, NULL);
    after(w, 0);
    assert_int_equal(withdraw_by_link(w, 0), FB_DESK_DONE);
    assert_true(row(w, &h).key_box.n > 0);
    after(w, 0);
    is_state(w, &h, FB_STATE_withdrawn);
    const char *draft = strstr(w->smtp.mail[1], "draft.eml"), *message = strstr(w->smtp.mail[1], "message.eml"), *bcc = strstr(w->smtp.mail[1], "Bcc: dan@");
    assert_true(draft && message && draft < message && bcc > message);
    assert_non_null(strstr(mail_text(w, 1).p, "Without somebody on Bcc this would have gone."));
    assert_int_equal(row(w, &h).key_box.n, 0);
}

static void a_key_that_opens_nothing_is_not_kept(void **state)
{
    struct world *w = *state;
    struct fb_hold h = milter_holds(w, FB_STATE_pending, NULL);
    after(w, 0);
    assert_int_equal(withdraw_by_link(w, 1), FB_DESK_DONE);
    assert_int_equal(row(w, &h).key_box.n, 0);
    after(w, 0);
    is_state(w, &h, FB_STATE_withdrawn);
    assert_null(strstr(w->smtp.mail[1], "draft.eml"));
}

static void a_copy_that_is_refused_leaves_it_held_until_the_deadline(void **state)
{
    struct world *w = *state;
    struct queued *q;
    struct fb_hold h = milter_holds(w, FB_STATE_pending, &q);
    after(w, 0);
    withdraw_by_link(w, 0);
    w->smtp.data = "552 5.3.4 too big";
    after(w, 0);
    is_state(w, &h, FB_STATE_held);
    assert_int_equal(row(w, &h).key_box.n, 0);
    assert_int_equal(w->smtp.n, 1); /* nor is the notice sent again */
    assert_int_equal(q->deleted, 0);
    after(w, DELAY);
    is_state(w, &h, FB_STATE_released);
}

/* Twice as large as the message, it was refused, and what its sender had taken back was delivered. */
static void a_copy_that_is_too_large_with_its_draft_goes_back_without(void **state)
{
    struct world *w = *state;
    char text[8192];
    struct queued *q;
    struct fb_hold h = milter_holds(w, FB_STATE_pending, &q);
    after(w, 0);
    memset(text, 'x', sizeof text);
    memcpy(text, MESSAGE, sizeof MESSAGE - 1);
    text[sizeof text - 1] = '\0';
    for (size_t i = sizeof MESSAGE; i < sizeof text - 1; i += 70)
        text[i] = '\n';
    q->message = text;
    withdraw_by_link(w, 0);
    w->smtp.most = sizeof text * 3 / 2;
    w->smtp.keep = true;
    after(w, 0);
    is_state(w, &h, FB_STATE_withdrawn);
    assert_int_equal(w->smtp.n, 3);
    assert_non_null(strstr(w->smtp.mail[1], "draft.eml"));
    assert_null(strstr(w->smtp.mail[2], "draft.eml"));
    assert_non_null(strstr(w->smtp.mail[2], "message.eml"));
}

static void a_copy_that_is_put_off_is_tried_again_and_nothing_deleted_before(void **state)
{
    struct world *w = *state;
    struct queued *q;
    struct fb_hold h = milter_holds(w, FB_STATE_pending, &q);
    after(w, 0);
    press(w, FB_DESK_WITHDRAW);
    w->smtp.data = "451 4.3.0 later";
    after(w, 0);
    after(w, DELAY + 10);
    is_state(w, &h, FB_STATE_withdrawing);
    assert_int_equal(q->deleted, 0);
    w->smtp.data = "250 ok";
    after(w, 300);
    is_state(w, &h, FB_STATE_withdrawn);
}

/* How often the log says @event within the next hour, of which every five minutes are looked at. */
static int said_within_an_hour(struct world *w, const char *event)
{
    char path[96], line[4200];
    int n = 0, saved = dup(STDERR_FILENO);
    snprintf(path, sizeof path, "%s/log", w->dir);
    FB_FD fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    dup2(fd, STDERR_FILENO);
    for (int i = 0; i < 12; i++)
        after(w, 300);
    dup2(saved, STDERR_FILENO);
    close(saved);
    FILE *log = fopen(path, "r");
    while (fgets(line, sizeof line, log))
        n += strstr(line, event) != NULL;
    fclose(log);
    return n;
}

/* It was said once, and never again. */
static void what_cannot_be_returned_is_kept_and_told_each_hour(void **state)
{
    struct world *w = *state;
    struct queued *q;
    struct fb_hold h = milter_holds(w, FB_STATE_pending, &q);
    after(w, 0);
    press(w, FB_DESK_WITHDRAW);
    w->smtp.data = "451 4.3.0 later";
    after(w, 0);
    struct fb_str event = fb_arena_printf(w->arena, "withdraw_stuck queue_id=%s", h.queue_id.p);
    for (int hour = 0; hour < 30; hour++)
        assert_int_equal(said_within_an_hour(w, event.p), 1);
    is_state(w, &h, FB_STATE_withdrawing);
    assert_int_equal(q->released + q->deleted, 0);
    assert_int_equal(w->smtp.n, 1); /* the notice */
    w->smtp.data = "250 ok";
    after(w, 300);
    is_state(w, &h, FB_STATE_withdrawn);
}

static void killed_after_the_copy_it_deletes_and_sends_no_second(void **state)
{
    struct world *w = *state;
    struct fb_err err;
    struct queued *q;
    struct fb_hold h = milter_holds(w, FB_STATE_pending, &q);
    after(w, 0);
    press(w, FB_DESK_WITHDRAW);
    assert_int_equal(fb_store_copy_sent(w->milter, h.id, w->now_s, &err), 0);
    restart(w);
    after(w, 0);
    is_state(w, &h, FB_STATE_withdrawn);
    assert_int_equal(w->smtp.n, 1);
    assert_int_equal(q->deleted, 1);
}

static void killed_after_deleting_it_is_withdrawn(void **state)
{
    struct world *w = *state;
    struct fb_err err;
    struct queued *q;
    struct fb_hold h = milter_holds(w, FB_STATE_pending, &q);
    after(w, 0);
    press(w, FB_DESK_WITHDRAW);
    assert_int_equal(fb_store_copy_sent(w->milter, h.id, w->now_s, &err), 0);
    q->is = FB_QUEUE_ABSENT;
    restart(w);
    after(w, 0);
    is_state(w, &h, FB_STATE_withdrawn);
}

/* --- notify mode --- */

static void in_notify_mode_the_sender_is_told_and_nothing_is_asked_of_the_queue(void **state)
{
    struct world *w = *state;
    struct queued *q;
    struct fb_hold h = milter_holds(w, FB_STATE_advised, &q);
    after(w, 0);
    is_state(w, &h, FB_STATE_told);
    assert_int_equal(w->smtp.n, 1);
    assert_null(strstr(w->smtp.mail[0], "/h/"));
    assert_int_equal(q->asked, 0);
    assert_int_equal(row(w, &h).box.n, 0);
}

static void advice_that_is_refused_is_let_go(void **state)
{
    struct world *w = *state;
    struct fb_hold h = milter_holds(w, FB_STATE_advised, NULL);
    w->smtp.rcpt = "550 5.1.1 no";
    after(w, 0);
    is_state(w, &h, FB_STATE_gone);
    assert_int_equal(row(w, &h).box.n, 0);
}

/* --- what else can happen --- */

/* Where more was owed than a round could do, it began with the smallest of the random ids each time, and the largest were never told. */
static void who_waits_longest_is_told_first(void **state)
{
    (void)state;
    enum { MANY = 3 * FB_LATER_LIST };
    struct fb_later l = {NULL};
    struct fb_hold_id due[FB_LATER_LIST], v[MANY], late;
    for (int i = 0; i < MANY; i++) {
        fb_hold_id_new(&v[i]);
        fb_later_at(&l, v[i], 1000 + i * 7 % MANY);
    }
    fb_hold_id_new(&late);
    fb_later_at(&l, late, 1 << 20);
    for (int round = 0; round < 3; round++) {
        size_t n = fb_later_list(&l, 1000 + MANY, due);
        assert_int_equal(n, FB_LATER_LIST);
        for (size_t i = 0; i < n; i++) {
            size_t at = 0;
            while (!fb_hold_id_eq(v[at], due[i]))
                at++;
            assert_int_equal(at * 7 % MANY, round * FB_LATER_LIST + i);
            fb_later_forget(&l, due[i]);
        }
    }
    assert_int_equal(fb_later_next(&l), 1 << 20);
    fb_later_done(&l);
}

static void while_the_helper_is_away_everything_stays(void **state)
{
    struct world *w = *state;
    struct queued *q;
    struct fb_hold h = milter_holds(w, FB_STATE_pending, &q);
    after(w, 0);
    helper_stop(&w->helper);
    after(w, DELAY);
    after(w, 100);
    is_state(w, &h, FB_STATE_releasing);
    helper_start(&w->helper, fb_arena_printf(w->arena, "%s/helper.sock", w->dir).p);
    after(w, 31);
    is_state(w, &h, FB_STATE_released);
    assert_int_equal(q->released, 1);
}

/* It ended as gone, "not by forbear". */
static void what_we_released_is_released_though_we_died_before_we_noted_it(void **state)
{
    struct world *w = *state;
    struct queued *q;
    struct fb_hold h = milter_holds(w, FB_STATE_pending, &q);
    after(w, 0);
    w->helper.unanswered = FB_QUEUE_RELEASE;
    after(w, DELAY);
    is_state(w, &h, FB_STATE_releasing);
    assert_int_equal(q->released, 1);
    w->helper.unanswered = 0;
    q->is = FB_QUEUE_ABSENT; /* delivered */
    restart(w);
    after(w, 0);
    is_state(w, &h, FB_STATE_released);
    assert_false(has_marker(w, &h));
}

static void what_an_admin_deletes_while_the_helper_is_away_is_gone(void **state)
{
    struct world *w = *state;
    struct queued *q;
    struct fb_hold h = milter_holds(w, FB_STATE_pending, &q);
    after(w, 0);
    w->helper.unanswered = FB_QUEUE_LOOK_UP;
    after(w, DELAY);
    is_state(w, &h, FB_STATE_releasing);
    w->helper.unanswered = 0;
    q->is = FB_QUEUE_ABSENT;
    restart(w);
    after(w, 0);
    is_state(w, &h, FB_STATE_gone);
}

static void what_an_admin_took_out_of_the_hold_queue_is_gone(void **state)
{
    struct world *w = *state;
    struct queued *q;
    struct fb_hold h = milter_holds(w, FB_STATE_pending, &q);
    after(w, 0);
    q->is = FB_QUEUE_ELSEWHERE;
    after(w, 601);
    is_state(w, &h, FB_STATE_gone);
    assert_false(has_marker(w, &h));
}

static void a_marker_that_was_lost_is_written_again(void **state)
{
    struct world *w = *state;
    struct fb_err err;
    struct fb_hold h = milter_holds(w, FB_STATE_pending, NULL);
    after(w, 0);
    fb_marker_remove(w->state, h.queue_id, &err);
    after(w, 601);
    assert_true(has_marker(w, &h));
}

static void delete_store(struct world *w)
{
    static const char *const names[] = {"forbear.db", "forbear.db-wal", "forbear.db-shm"};
    for (size_t i = 0; i < 3; i++)
        unlink(fb_arena_printf(w->arena, "%s/%s", w->state, names[i]).p);
}

static void a_deleted_store_strands_nothing(void **state)
{
    struct world *w = *state;
    struct queued *q;
    struct fb_hold h = milter_holds(w, FB_STATE_pending, &q);
    after(w, 0);
    delete_store(w);
    after(w, 1);
    is_state(w, &h, FB_STATE_held);
    assert_int_equal(w->smtp.n, 1);
    after(w, DELAY);
    is_state(w, &h, FB_STATE_released);
    assert_int_equal(q->released, 1);
}

static void a_damaged_store_is_set_aside_and_strands_nothing(void **state)
{
    struct world *w = *state;
    struct queued *q;
    struct fb_err err;
    struct fb_hold h = milter_holds(w, FB_STATE_pending, &q);
    after(w, 0);
    restart(w);
    fb_store_close(w->milter);
    delete_store(w);
    char junk[8192];
    memset(junk, 'x', sizeof junk);
    assert_int_equal(fb_io_write_file(w->state, "forbear.db", (struct fb_str){junk, sizeof junk}, 0600, &err), 0);
    after(w, 1);
    assert_int_equal(access(fb_arena_printf(w->arena, "%s/forbear.db.damaged-%lld", w->state, (long long)w->now_s).p, F_OK), 0);
    assert_int_equal(fb_store_open(w->state, 1000, &w->milter, &err), 0);
    after(w, DELAY);
    is_state(w, &h, FB_STATE_released);
    assert_int_equal(q->released, 1);
}

static void without_any_store_the_markers_release(void **state)
{
    struct world *w = *state;
    struct queued *q;
    struct fb_hold h = milter_holds(w, FB_STATE_pending, &q);
    after(w, 0);
    fb_store_close(w->milter);
    w->milter = NULL;
    restart(w);
    delete_store(w);
    mkdir(fb_arena_printf(w->arena, "%s/forbear.db", w->state).p, 0700); /* so that none can be made */
    after(w, 1);
    after(w, DELAY);
    after(w, 61);
    assert_int_equal(q->released, 1);
    assert_false(has_marker(w, &h));
}

/* It ended as gone, "not by forbear". */
static void what_a_marker_released_is_released_once_the_store_is_back(void **state)
{
    struct world *w = *state;
    struct queued *q;
    struct fb_hold h = milter_holds(w, FB_STATE_pending, &q);
    struct fb_err err;
    const char *store = fb_arena_printf(w->arena, "%s/forbear.db", w->state).p, *aside = fb_arena_printf(w->arena, "%s/aside", w->dir).p;
    after(w, 0);
    fb_store_close(w->milter);
    restart(w);
    assert_int_equal(rename(store, aside) | mkdir(store, 0700), 0); /* so that none can be made */
    after(w, DELAY);
    after(w, 61);
    assert_int_equal(q->released, 1);
    q->is = FB_QUEUE_ABSENT; /* delivered */
    assert_int_equal(rmdir(store) | rename(aside, store), 0);
    assert_int_equal(fb_store_open(w->state, 1000, &w->milter, &err), 0);
    after(w, 16);
    is_state(w, &h, FB_STATE_released);
    assert_int_equal(q->released, 1);
}

static void a_marker_of_a_message_that_left_is_removed(void **state)
{
    struct world *w = *state;
    struct queued *q;
    struct fb_hold h = milter_holds(w, FB_STATE_pending, &q);
    after(w, 0);
    q->is = FB_QUEUE_ABSENT;
    delete_store(w);
    after(w, 1);
    assert_true(has_marker(w, &h));
    after(w, 61);
    after(w, 6);
    assert_false(has_marker(w, &h));
}

static void a_marker_for_another_message_touches_nothing(void **state)
{
    struct world *w = *state;
    struct queued *q;
    struct fb_hold h = milter_holds(w, FB_STATE_pending, &q);
    after(w, 0);
    q->message_id = "<m2@corp.example>";
    delete_store(w);
    after(w, 1);
    after(w, DELAY);
    assert_int_equal(q->released, 0);
    assert_false(has_marker(w, &h));
}

static void closed_holds_are_forgotten_after_the_retention(void **state)
{
    struct world *w = *state;
    struct fb_hold h = milter_holds(w, FB_STATE_pending, NULL);
    after(w, 0);
    press(w, FB_DESK_RELEASE);
    after(w, 0);
    after(w, 3500);
    is_state(w, &h, FB_STATE_released);
    after(w, 3600);
    assert_int_equal(row(w, &h).state, FB_STATES);
}

static void a_closed_hold_forgets_its_sender_before_its_link_forgets_what_happened(void **state)
{
    struct world *w = *state;
    struct fb_desk_view view;
    w->conf->hold_forget = 3600, w->conf->hold_retention = 3 * 3600;
    struct fb_hold h = milter_holds_of(w, &ana, FB_STATE_pending, NULL);
    after(w, 0);
    struct fb_str token = token_of(w, 0);
    press(w, FB_DESK_RELEASE);
    after(w, 0);
    int64_t when = w->now_s;
    after(w, 3600);
    after(w, 700);
    struct fb_hold r = row(w, &h);
    assert_int_equal(r.sealed.n + r.decision.n + r.queue_id.n, 0);
    assert_false(fb_hash_eq(r.person, h.person) || fb_hash_eq(r.thread, h.thread) || fb_hash_eq(r.owner, h.owner));
    assert_int_equal(ask_desk(w, FB_DESK_SHOW, FB_DESK_RELEASE, token, &view), FB_DESK_DONE);
    assert_int_equal(view.state, FB_STATE_released);
    assert_int_equal(view.changed_s, when);
    assert_int_equal(view.sealed.n, 0);
}

/* Whichever allocation of ours fails in a round: the message is told of and released once, at its time or before. */
static void without_memory_nothing_is_stranded_or_lost(void **state)
{
    struct world *w = *state;
    for (unsigned long nth = 1; nth < 80; nth++) {
        struct queued *q;
        struct fb_hold h = milter_holds(w, FB_STATE_pending, &q);
        fb_arena_fail_at(nth);
        fb_work_round(&w->work, w->now_s, w->now_ms);
        fb_arena_fail_at(0);
        after(w, 30);
        fb_arena_fail_at(nth);
        after(w, DELAY);
        fb_arena_fail_at(0);
        after(w, 60);
        after(w, 60);
        is_state(w, &h, FB_STATE_released);
        assert_int_equal(q->released, 1);
        assert_int_equal(q->deleted, 0);
    }
}

static void without_memory_a_letter_is_read_again_and_asks_for_nothing_twice(void **state)
{
    struct world *w = *state;
    w->conf->notice_gather = 0;
    for (unsigned long nth = 1; nth < 60; nth++) {
        struct queued *q;
        struct fb_hold h = milter_holds_of(w, &ana, FB_STATE_pending, &q);
        int64_t now_s = w->now_s;
        after(w, 0);
        posts(w, (struct fb_post){.kind = FB_POST_MOVED, .hold = h.id, .message_id = FB_STR_NONE, .box = FB_STR_NONE});
        fb_arena_fail_at(nth);
        fb_work_round(&w->work, w->now_s, w->now_ms);
        fb_arena_fail_at(0);
        after(w, 30);
        after(w, 30);
        assert_int_equal(letters(w), 0);
        struct fb_hold r = row(w, &h);
        assert_true(r.extended && r.later == FB_LATER_NONE);
        assert_true(r.deadline_s >= now_s + DELAY && r.deadline_s <= now_s + 60 + DELAY);
        after(w, DELAY);
        after(w, 60);
        is_state(w, &h, FB_STATE_released);
        assert_int_equal(q->released, 1);
    }
}

/* --- the desk on its socket --- */

static void the_desk_answers_though_others_dawdle(void **state)
{
    struct world *w = *state;
    struct fb_err err;
    struct fb_desk_view view;
    enum fb_desk_outcome outcome;
    struct fb_desk_request req = {.op = FB_DESK_SHOW};
    pthread_t thread;
    int slow[80];
    w->now_s = fb_now_s(); /* the desk's socket knows no other time */
    milter_holds(w, FB_STATE_pending, NULL);
    after(w, 0);
    req.token = token_of(w, 0);
    assert_int_equal(fb_unix_listen(w->conf->keeper_socket, 0600, NULL, &w->desk.listen_fd, &err), 0);
    pthread_create(&thread, NULL, fb_desk_run, &w->desk);
    for (size_t i = 0; i < 80; i++) {
        assert_int_equal(fb_unix_connect(w->conf->keeper_socket, 1000, &slow[i], &err), 0);
        (void)!write(slow[i], "\0\0", i % 3);
    }
    for (int i = 0; i < 10; i++) {
        assert_int_equal(fb_desk_call(w->conf->keeper_socket, 1000, w->arena, &req, &outcome, &view, &err), 0);
        assert_int_equal(outcome, FB_DESK_DONE);
    }
    for (size_t i = 0; i < 80; i++)
        close(slow[i]);
    fb_keeper_ring(w->keeper.stop_fd);
    pthread_join(thread, NULL);
    close(w->desk.listen_fd);
    w->desk.store = NULL;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    struct fb_err err;
    fb_log_init("test", FB_LOG_ERROR);
    fb_message_init();
    if (fb_crypto_init(&err))
        return 1;
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        TEST(what_is_in_the_hold_queue_is_held_and_its_sender_told),
        TEST(the_link_opens_what_the_page_shows),
        TEST(a_file_that_comes_late_is_waited_for),
        TEST(what_never_comes_is_given_up_after_the_grace),
        TEST(another_message_under_that_queue_id_is_never_touched),
        TEST(the_admins_own_holds_are_never_asked_about),
        TEST(a_refused_notice_releases_at_once),
        TEST(a_notice_put_off_is_tried_again_and_then_released),
        TEST(a_box_that_cannot_be_opened_releases_at_once),
        TEST(a_notice_that_was_cut_short_is_made_again_the_same),
        TEST(the_end_of_the_delay_releases),
        TEST(a_keeper_that_was_away_for_the_whole_delay_just_releases),
        TEST(hundreds_of_deadlines_are_released_in_few_calls),
        TEST(where_the_conf_says_so_the_end_of_the_delay_withdraws),
        TEST(but_not_what_its_sender_was_never_told_of),
        TEST(a_release_that_fails_is_tried_again),
        TEST(a_release_that_was_not_recorded_is_not_repeated),
        TEST(the_link_releases_once),
        TEST(to_look_changes_nothing),
        TEST(what_is_no_good_token_is_refused_alike),
        TEST(keys_are_read_anew_while_it_runs),
        TEST(an_admins_token_decides_what_it_names_and_nothing_else),
        TEST(a_decision_that_does_not_verify_waits_for_the_deadline),
        TEST(after_a_release_the_same_thread_and_rule_do_not_hold_again),
        TEST(having_talked_releases_at_once_and_spares_every_rule_for_14_days),
        TEST(that_it_was_wrong_is_counted_once_and_decides_nothing),
        TEST(before_it_opens_its_sender_cannot_release_it_but_take_it_back),
        TEST(an_answer_to_the_notice_releases_or_takes_back),
        TEST(an_answer_without_its_proof_decides_nothing),
        TEST(an_answer_that_was_forged_into_the_store_waits_for_the_deadline),
        TEST(an_early_answer_is_told_from_when),
        TEST(help_comes_once_a_person_and_hour_also_when_it_was_put_off),
        TEST(a_letter_that_cannot_be_read_is_put_away),
        TEST(when_the_thread_moves_its_sender_is_told_once_and_the_wait_begins_anew),
        TEST(its_mail_is_answered_and_its_link_decides),
        TEST(its_link_knows_the_senders_clock_and_the_desk_their_language),
        TEST(nothing_is_held_beyond_the_longest),
        TEST(killed_where_the_thread_moved_the_marker_follows_and_the_mail_is_the_same),
        TEST(while_its_sender_knows_nothing_yet_a_move_waits),
        TEST(a_mail_that_follows_and_is_refused_is_given_up_and_releases_nothing),
        TEST(a_reminder_comes_once_and_only_in_a_long_delay),
        TEST(the_first_notice_goes_at_once_and_those_that_follow_are_gathered),
        TEST(nobody_waits_for_a_notice_beyond_half_of_the_delay_or_until_it_opens),
        TEST(one_that_waited_alone_is_a_notice_like_any_other),
        TEST(a_gathered_notice_that_was_cut_short_is_made_again_the_same),
        TEST(a_gathered_notice_that_is_refused_releases_all_of_them),
        TEST(the_link_withdraws_and_the_copy_comes_back),
        TEST(with_the_links_key_a_draft_comes_too_that_has_the_change_done),
        TEST(a_key_that_opens_nothing_is_not_kept),
        TEST(a_copy_that_is_refused_leaves_it_held_until_the_deadline),
        TEST(a_copy_that_is_too_large_with_its_draft_goes_back_without),
        TEST(a_copy_that_is_put_off_is_tried_again_and_nothing_deleted_before),
        TEST(what_cannot_be_returned_is_kept_and_told_each_hour),
        TEST(killed_after_the_copy_it_deletes_and_sends_no_second),
        TEST(killed_after_deleting_it_is_withdrawn),
        TEST(in_notify_mode_the_sender_is_told_and_nothing_is_asked_of_the_queue),
        TEST(advice_that_is_refused_is_let_go),
        cmocka_unit_test(who_waits_longest_is_told_first),
        TEST(while_the_helper_is_away_everything_stays),
        TEST(what_we_released_is_released_though_we_died_before_we_noted_it),
        TEST(what_an_admin_deletes_while_the_helper_is_away_is_gone),
        TEST(what_an_admin_took_out_of_the_hold_queue_is_gone),
        TEST(a_marker_that_was_lost_is_written_again),
        TEST(a_deleted_store_strands_nothing),
        TEST(a_damaged_store_is_set_aside_and_strands_nothing),
        TEST(without_any_store_the_markers_release),
        TEST(what_a_marker_released_is_released_once_the_store_is_back),
        TEST(a_marker_of_a_message_that_left_is_removed),
        TEST(a_marker_for_another_message_touches_nothing),
        TEST(closed_holds_are_forgotten_after_the_retention),
        TEST(a_closed_hold_forgets_its_sender_before_its_link_forgets_what_happened),
        TEST(without_memory_nothing_is_stranded_or_lost),
        TEST(without_memory_a_letter_is_read_again_and_asks_for_nothing_twice),
        TEST(the_desk_answers_though_others_dawdle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
