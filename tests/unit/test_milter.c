/* The milter without an MTA: what it answers at each step, what it records before it asks for a quarantine, and what it
 * does when something of its own fails. The judge is a fake that says what a test wants and keeps what it was given. */
#include <fcntl.h>
#include <inttypes.h>
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
#include "hold/marker.h"
#include "mail/message.h"
#include "session.h"
#include "wire/desk.h"

/* The fake policy */

struct fb_policy {
    struct fb_conf *conf;
};

static atomic_int policies; /* how many are alive */

int fb_policy_load(const char *conf_path, const struct fb_policy *like, struct fb_policy **ret, struct fb_err *err)
{
    (void)like;
    struct fb_policy *p = calloc(1, sizeof *p);
    assert_non_null(p);
    int rc = fb_conf_load(conf_path, &p->conf, err);
    if (rc < 0) {
        free(p);
        return rc;
    }
    policies++;
    *ret = p;
    return 0;
}

void fb_policy_free(struct fb_policy *p)
{
    if (!p)
        return;
    fb_conf_free(p->conf);
    free(p);
    policies--;
}

struct fb_str fb_policy_warnings(const struct fb_policy *p, struct fb_arena *arena)
{
    (void)p, (void)arena;
    return FB_STR_NONE;
}

const struct fb_conf *fb_policy_conf(const struct fb_policy *p)
{
    return p->conf;
}

const char *fb_action_name(enum fb_action a)
{
    static const char *const names[] = {"pass", "observe", "notify", "hold"};
    return names[a];
}

static struct {
    enum fb_action action;
    enum fb_reason not_judged;
    bool fails;
    const char *reader; /* what passes is read by them; NULL: it teaches nothing */
    /* what it was given */
    int calls;
    char raw[4096];
    size_t raw_n, rcpt_n;
    char sender[128], rcpt[128], login[128];
    bool cut, client_known;
    uint8_t client[16];
    int64_t declared_size;
} fake;

static void keep_text(char *to, size_t size, struct fb_str s)
{
    snprintf(to, size, "%.*s", FB_FMT(s));
}

int fb_judge(const struct fb_policy *p, struct fb_arena *arena, const struct fb_judge_input *in, struct fb_verdict *ret, struct fb_err *err)
{
    static struct fb_finding findings[] = {
        {.rule = {"heated", 6}, .fires = true, .log_odds = 1, .threshold = 0.5, .delay_s = 600},
        {.rule = {"public_shaming", 14}, .fires = true, .log_odds = 2, .threshold = 0.5, .delay_s = 900},
        {.rule = {"rushed_reply", 12}, .fires = true, .log_odds = 9, .delay_s = 300}, /* observed alone */
        {.rule = {"not_prewired", 12}, .log_odds = -5},
    };
    (void)p, (void)arena;
    fake.calls++;
    fake.raw_n = in->raw.n;
    fake.rcpt_n = in->env->rcpt_n;
    fake.cut = in->cut;
    fake.client_known = in->env->client_known;
    fake.declared_size = in->env->declared_size;
    memcpy(fake.client, in->env->client, 16);
    keep_text(fake.raw, sizeof fake.raw, in->raw);
    keep_text(fake.sender, sizeof fake.sender, in->env->sender);
    keep_text(fake.login, sizeof fake.login, in->env->login);
    keep_text(fake.rcpt, sizeof fake.rcpt, in->env->rcpt_n ? in->env->rcpt[in->env->rcpt_n - 1] : FB_STR_NONE);
    if (fake.fails)
        return fb_fail_memory(err);
    *ret = (struct fb_verdict){.action = fake.action, .not_judged = fake.not_judged};
    if (fake.action != FB_PASS) {
        findings[0].action = findings[1].action = fake.action;
        findings[2].action = fake.action == FB_OBSERVE ? FB_PASS : FB_OBSERVE;
        ret->findings = findings;
        ret->findings_n = sizeof findings / sizeof *findings;
        ret->main = &findings[1];
        ret->facts = FB_STR("{\"v\":1,\"subject\":\"plain words\"}");
        ret->message_id = FB_STR("<1@corp.example>");
    }
    return 0;
}

/* What history learns is told by test_memory.c. */
int fb_learn(const struct fb_policy *p, struct fb_arena *arena, const struct fb_envelope *env, const struct fb_headers *h, int64_t now_s,
             struct fb_history_mail *ret, struct fb_err *err)
{
    (void)p, (void)now_s;
    struct fb_str *reader = fb_arena_alloc(arena, sizeof *reader);
    struct fb_message m;
    if (!fake.reader || !reader || fb_message_header(arena, h, &m, err))
        return FB_LEARN_NOTHING;
    *reader = fb_str(fake.reader);
    *ret = (struct fb_history_mail){.id = m.message_id, .in_reply_to = m.in_reply_to, .references_n = m.references_n, .references = m.references,
                                    .author = env->sender, .readers_n = 1, .readers = reader, .sent_s = INT64_MIN};
    return 0;
}

struct fb_str fb_policy_name(const struct fb_policy *p, struct fb_str addr)
{
    (void)p;
    return fb_str_eq(addr, FB_STR("cleo@corp.example")) ? FB_STR("Cleo Martin") : FB_STR_NONE;
}

/* A milter with a state of its own */

struct world {
    char dir[64], conf[96], state[96];
    struct milter m;
};

static void write_conf(struct world *w, const char *mode, const char *more)
{
    struct fb_err err;
    char text[1024];
    int n = snprintf(text, sizeof text,
                     "[forbear]\nmode = %s\nstate_dir = %s\nkeys_dir = %s\ndata_dir = " DATA_DIR "\n%s"
                     "[scope]\ninternal_domains = corp.example\nprotected = council@corp.example\n"
                     "[limits]\nmessage_size = 4096\njudged_size = 1024\nheader_size = 1024\nrecipients = 3\njudge_time_ms = 50\n"
                     "judges_at_once = 1\n[notice]\nfrom = forbear@gw.corp.example\n",
                     mode, w->state, w->dir, more);
    assert_int_equal(fb_io_write_file(w->dir, "forbear.conf", (struct fb_str){text, (size_t)n}, 0600, &err), 0);
}

static void write_keys(struct world *w)
{
    static const char line[] = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\n";
    struct fb_err err;
    assert_int_equal(fb_io_write_file(w->dir, "box.pub", fb_str(line), 0600, &err), 0);
    assert_int_equal(fb_io_write_file(w->dir, "hash.key", fb_str(line), 0600, &err), 0);
}

static struct world *world_new(const char *mode, const char *more)
{
    struct fb_err err = {.text = ""};
    char path[128];
    struct world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    memset(&fake, 0, sizeof fake);
    fb_log_init("test", FB_LOG_VERBOSE);
    assert_int_equal(fb_crypto_init(&err), 0);
    snprintf(w->dir, sizeof w->dir, "/tmp/forbear-test-XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    snprintf(w->state, sizeof w->state, "%s/state", w->dir);
    snprintf(w->conf, sizeof w->conf, "%s/forbear.conf", w->dir);
    snprintf(path, sizeof path, "%s/markers", w->state);
    assert_int_equal(mkdir(w->state, 0700) | mkdir(path, 0700), 0);
    write_conf(w, mode, more);
    write_keys(w);
    int rc = gate_init(&w->m.gate, &err) | counts_init(&w->m.counts, &err) | holds_init(&w->m.holds, &err) |
             generations_init(&w->m.generations, w->conf, &err) | memory_init(&w->m.memory, &w->m.generations, &err);
    assert_string_equal(err.text, "");
    assert_int_equal(rc, 0);
    memory_write(&w->m.memory, 0);
    return w;
}

static void world_free(struct world *w)
{
    static const char *const files[] = {"state/markers/4jXYzw0000z1", "state/markers", "state/forbear.db", "state/forbear.db-wal",
                                        "state/forbear.db-shm", "state/history.db", "state/history.db-wal", "state/history.db-shm", "state",
                                        "forbear.conf", "box.pub", "hash.key", ""};
    memory_done(&w->m.memory);
    holds_done(&w->m.holds);
    counts_done(&w->m.counts);
    generations_done(&w->m.generations);
    gate_done(&w->m.gate);
    assert_int_equal(policies, 0);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char path[192];
        snprintf(path, sizeof path, "%s/%s", w->dir, files[i]);
        remove(path);
    }
    free(w);
}

static int64_t counted(struct world *w, const char *name)
{
    int64_t n = 0;
    for (size_t i = 0; i < w->m.counts.now->n; i++)
        if (fb_str_eq(w->m.counts.now->v[i].name, fb_str(name)))
            n += w->m.counts.now->v[i].n;
    return n;
}

static struct session *connection(struct world *w)
{
    struct session *s = session_new(&w->m);
    assert_non_null(s);
    session_agreed(s, true, true);
    session_client(s, (const struct sockaddr *)&(struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)});
    return s;
}

#define MAIL(...) ((char *const[]){__VA_ARGS__, NULL})

/* All of a message up to its end. */
static void letter(struct session *s, const char *body)
{
    assert_int_equal(session_mail(s, MAIL((char[]){"<ana@corp.example>"}), NULL, NULL), ANSWER_CONTINUE);
    session_rcpt(s, "<team@corp.example>");
    session_header(s, "From", "Ana <ana@corp.example>");
    session_header(s, "Subject", "again");
    assert_int_equal(session_eoh(s, NULL), ANSWER_CONTINUE);
    assert_int_equal(session_body(s, body, strlen(body)), ANSWER_CONTINUE);
}

#define ID "4jXYzw0000z1"

/* The stories */

static void mail_out_of_scope_is_let_go_at_its_first_command(void **state)
{
    (void)state;
    struct world *w = world_new("observe", "");
    struct session *s = connection(w);
    assert_int_equal(session_mail(s, MAIL((char[]){"<eve@elsewhere.example>"}), NULL, NULL), ANSWER_ACCEPT);
    assert_int_equal(session_mail(s, MAIL((char[]){"<>"}), NULL, NULL), ANSWER_ACCEPT);
    assert_int_equal(counted(w, "not_judged.foreign_sender"), 1);
    assert_int_equal(counted(w, "not_judged.null_sender"), 1);
    session_free(s);
    world_free(w);
}

/* Of our own people's mail the header is waited for, for the history. */
static void our_mail_that_says_it_is_too_large_is_let_go_at_the_end_of_its_header(void **state)
{
    (void)state;
    struct world *w = world_new("observe", "");
    struct session *s = connection(w);
    char *const *mail = MAIL((char[]){"<ana@corp.example>"}, (char[]){"BODY=8BITMIME"}, (char[]){"size=5000"});
    assert_int_equal(session_mail(s, mail, NULL, NULL), ANSWER_CONTINUE);
    session_header(s, "From", "ana@corp.example");
    assert_int_equal(session_eoh(s, NULL), ANSWER_ACCEPT);
    assert_int_equal(counted(w, "not_judged.too_large"), 1);
    session_free(s);
    world_free(w);
}

static void the_judge_is_given_envelope_and_message(void **state)
{
    (void)state;
    struct world *w = world_new("observe", "");
    struct session *s = connection(w);
    assert_int_equal(session_mail(s, MAIL((char[]){"<ana@corp.example>"}, (char[]){"SIZE=77"}), "ana@corp.example", NULL), ANSWER_CONTINUE);
    session_rcpt(s, "<ben@corp.example>");
    session_rcpt(s, "cleo@corp.example"); /* sendmail(1) mail has no brackets */
    session_header(s, "From", "ana@corp.example");
    session_header(s, "Subject", "one\n two");
    assert_int_equal(session_eoh(s, ID), ANSWER_CONTINUE);
    assert_int_equal(session_body(s, "first\r\n", 7), ANSWER_CONTINUE);
    assert_int_equal(session_body(s, "second\r\n", 8), ANSWER_CONTINUE);
    assert_int_equal(session_eom(s, ID), ANSWER_ACCEPT);
    assert_string_equal(fake.raw, "From: ana@corp.example\r\nSubject: one two\r\n\r\nfirst\r\nsecond\r\n");
    assert_string_equal(fake.sender, "ana@corp.example");
    assert_string_equal(fake.login, "ana@corp.example");
    assert_string_equal(fake.rcpt, "cleo@corp.example");
    assert_int_equal(fake.rcpt_n, 2);
    assert_int_equal(fake.declared_size, 77);
    assert_memory_equal(fake.client, ((uint8_t[]){0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 127, 0, 0, 1}), 16);
    assert_false(fake.cut);
    assert_int_equal(counted(w, "judged"), 1);
    session_free(s);
    world_free(w);
}

static void a_client_without_an_address_needs_a_login(void **state)
{
    (void)state;
    struct world *w = world_new("observe", "");
    struct session *s = connection(w);
    session_client(s, NULL);
    assert_int_equal(session_mail(s, MAIL((char[]){"<ana@corp.example>"}), NULL, NULL), ANSWER_ACCEPT);
    assert_int_equal(counted(w, "not_judged.foreign_client"), 1);
    session_client(s, &(struct sockaddr){.sa_family = AF_UNSPEC});
    assert_int_equal(session_mail(s, MAIL((char[]){"<ana@corp.example>"}), "ana@corp.example", NULL), ANSWER_CONTINUE);
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    session_client(s, (const struct sockaddr *)&v6);
    letter(s, "x");
    assert_int_equal(session_eom(s, ID), ANSWER_ACCEPT);
    assert_memory_equal(fake.client, &v6.sin6_addr, 16);
    session_free(s);
    world_free(w);
}

static void what_the_header_excludes_is_let_go_at_its_end(void **state)
{
    (void)state;
    struct world *w = world_new("observe", "");
    struct session *s = connection(w);
    session_mail(s, MAIL((char[]){"<ana@corp.example>"}), NULL, NULL);
    session_rcpt(s, "<council@corp.example>");
    session_header(s, "From", "ana@corp.example");
    assert_int_equal(session_eoh(s, ID), ANSWER_ACCEPT);
    assert_int_equal(counted(w, "not_judged.protected"), 1);
    assert_int_equal(session_eom(s, ID), ANSWER_ACCEPT); /* an MTA that goes on all the same */
    assert_int_equal(fake.calls, 0);
    session_free(s);
    world_free(w);
}

static void a_header_past_its_limit_is_not_judged(void **state)
{
    (void)state;
    struct world *w = world_new("observe", "");
    struct session *s = connection(w);
    session_mail(s, MAIL((char[]){"<ana@corp.example>"}), NULL, NULL);
    session_rcpt(s, "<ben@corp.example>");
    for (int i = 0; i < 100; i++)
        session_header(s, "X-Filler", "0123456789012345678901234567890123456789");
    assert_int_equal(session_eoh(s, ID), ANSWER_ACCEPT);
    assert_int_equal(counted(w, "not_judged.header_limit"), 1);
    session_free(s);
    world_free(w);
}

static void more_recipients_than_the_limit_are_not_judged(void **state)
{
    (void)state;
    struct world *w = world_new("observe", "");
    struct session *s = connection(w);
    session_mail(s, MAIL((char[]){"<ana@corp.example>"}), NULL, NULL);
    for (int i = 0; i < 4; i++)
        session_rcpt(s, "<ben@corp.example>");
    session_header(s, "From", "ana@corp.example");
    assert_int_equal(session_eoh(s, ID), ANSWER_ACCEPT);
    assert_int_equal(counted(w, "not_judged.too_many_recipients"), 1);
    session_free(s);
    world_free(w);
}

static void of_a_long_body_the_beginning_is_read_and_the_rest_skipped(void **state)
{
    (void)state;
    static const char block[700];
    struct world *w = world_new("observe", "");
    struct session *s = connection(w);
    letter(s, "");
    assert_int_equal(session_body(s, block, sizeof block), ANSWER_CONTINUE);
    assert_int_equal(session_body(s, block, sizeof block), ANSWER_SKIP);
    assert_int_equal(session_eom(s, ID), ANSWER_ACCEPT);
    assert_true(fake.cut);
    assert_in_range(fake.raw_n, 1024, 1040); /* the separators of the header come on top */
    session_agreed(s, false, true);
    letter(s, "");
    for (int i = 0; i < 3; i++)
        assert_int_equal(session_body(s, block, sizeof block), ANSWER_CONTINUE);
    assert_int_equal(session_eom(s, ID), ANSWER_ACCEPT);
    assert_true(fake.cut);
    session_free(s);
    world_free(w);
}

static void a_message_past_the_limit_passes_as_too_large(void **state)
{
    (void)state;
    static const char block[2100];
    struct world *w = world_new("observe", "");
    struct session *s = connection(w);
    session_agreed(s, false, true);
    letter(s, "");
    assert_int_equal(session_body(s, block, sizeof block), ANSWER_CONTINUE);
    assert_int_equal(session_body(s, block, sizeof block), ANSWER_ACCEPT);
    assert_int_equal(counted(w, "not_judged.too_large"), 1);
    session_free(s);
    world_free(w);
}

static void messages_of_one_connection_do_not_mix(void **state)
{
    (void)state;
    struct world *w = world_new("observe", "");
    struct session *s = connection(w);
    letter(s, "the first, given up");
    session_reset(s); /* RSET */
    letter(s, "the second");
    letter(s, "the third"); /* MAIL again without an end */
    assert_int_equal(session_eom(s, ID), ANSWER_ACCEPT);
    assert_non_null(strstr(fake.raw, "the third"));
    assert_null(strstr(fake.raw, "the second"));
    assert_int_equal(fake.rcpt_n, 1);
    assert_int_equal(fake.calls, 1);
    session_free(s);
    world_free(w);
}

static void observe_mode_counts_and_records_nothing(void **state)
{
    (void)state;
    struct world *w = world_new("observe", "");
    struct session *s = connection(w);
    fake.action = FB_OBSERVE;
    letter(s, "again?");
    assert_int_equal(session_eom(s, ID), ANSWER_ACCEPT);
    assert_int_equal(counted(w, "observe.public_shaming"), 1);
    assert_null(w->m.holds.write.store);
    session_free(s);
    world_free(w);
}

static void check_row(struct world *w, enum fb_state want)
{
    FB_ARENA arena = fb_arena_new(1 << 20);
    struct fb_err err;
    struct fb_hold *v;
    size_t n;
    assert_int_equal(fb_store_list(w->m.holds.write.store, want, 9, arena, &v, &n, &err), 0);
    assert_int_equal(n, 1);
    assert_true(fb_str_eq(v->queue_id, FB_STR(ID)));
    assert_true(fb_str_eq(v->rule, FB_STR("public_shaming")));
    assert_int_equal(v->deadline_s - v->created_s, 900);
}

static int markers(struct world *w)
{
    char path[160];
    snprintf(path, sizeof path, "%s/markers/%s", w->state, ID);
    return access(path, F_OK) == 0;
}

static void row_and_marker_are_there_before_the_quarantine_is_asked_for(void **state)
{
    (void)state;
    struct world *w = world_new("hold", "");
    struct session *s = connection(w);
    fake.action = FB_HOLD;
    letter(s, "again?");
    assert_int_equal(session_eom(s, ID), ANSWER_QUARANTINE);
    check_row(w, FB_STATE_pending);
    assert_int_equal(markers(w), 1);
    assert_int_equal(counted(w, "hold.public_shaming"), 0);
    assert_int_equal(session_quarantined(s, true, ID), ANSWER_ACCEPT);
    assert_int_equal(counted(w, "hold.public_shaming"), 1);
    session_free(s);
    world_free(w);
}

static void notify_mode_records_and_delivers(void **state)
{
    (void)state;
    struct world *w = world_new("notify", "");
    struct session *s = connection(w);
    fake.action = FB_NOTIFY;
    letter(s, "again?");
    assert_int_equal(session_eom(s, ID), ANSWER_ACCEPT);
    check_row(w, FB_STATE_advised);
    assert_int_equal(markers(w), 0);
    assert_int_equal(counted(w, "notify.public_shaming"), 1);
    session_free(s);
    world_free(w);
}

static void a_short_queue_id_holds_nothing(void **state)
{
    (void)state;
    static const char *const ids[] = {NULL, "", "3F2A91C0B7", "3F2A91C0B7DE", "3F2A91C0B7DEF1", "../../../passwd"};
    struct world *w = world_new("hold", "");
    struct session *s = connection(w);
    fake.action = FB_HOLD;
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        letter(s, "again?");
        assert_int_equal(session_eom(s, ids[i]), ANSWER_ACCEPT);
        assert_int_equal(counted(w, "not_judged.short_queue_id"), i + 1);
    }
    assert_null(w->m.holds.write.store);
    session_free(s);
    world_free(w);
}

static void a_message_that_the_mta_will_not_quarantine_passes(void **state)
{
    (void)state;
    struct world *w = world_new("hold", "");
    struct session *s = connection(w);
    fake.action = FB_HOLD;
    letter(s, "again?");
    assert_int_equal(session_eom(s, ID), ANSWER_QUARANTINE);
    assert_int_equal(session_quarantined(s, false, ID), ANSWER_ACCEPT);
    session_agreed(s, true, false);
    letter(s, "again?");
    assert_int_equal(session_eom(s, ID), ANSWER_ACCEPT);
    assert_int_equal(counted(w, "not_judged.not_quarantined"), 2);
    session_free(s);
    world_free(w);
}

static void a_store_that_fails_lets_mail_pass_and_is_used_again_when_it_is_back(void **state)
{
    (void)state;
    char away[128];
    struct world *w = world_new("hold", "");
    struct session *s = connection(w);
    snprintf(away, sizeof away, "%s-away", w->state);
    fake.action = FB_HOLD;
    assert_int_equal(rename(w->state, away), 0);
    letter(s, "again?");
    assert_int_equal(session_eom(s, ID), ANSWER_ACCEPT);
    assert_int_equal(counted(w, "not_judged.store_fault"), 1);
    assert_int_equal(rename(away, w->state), 0);
    letter(s, "again?");
    assert_int_equal(session_eom(s, ID), ANSWER_QUARANTINE);
    check_row(w, FB_STATE_pending);
    session_free(s);
    world_free(w);
}

static void a_fault_is_answered_as_the_configuration_wants(void **state)
{
    (void)state;
    struct world *w = world_new("observe", "on_error = tempfail\n");
    struct session *s = connection(w);
    fake.fails = true;
    letter(s, "again?");
    assert_int_equal(session_eom(s, ID), ANSWER_TEMPFAIL);
    assert_int_equal(counted(w, "not_judged.judge_fault"), 1);
    fake.fails = false;
    fake.not_judged = FB_REASON_judge_time;
    letter(s, "again?");
    assert_int_equal(session_eom(s, ID), ANSWER_TEMPFAIL);
    fake.not_judged = FB_REASON_encrypted; /* no fault of ours */
    letter(s, "again?");
    assert_int_equal(session_eom(s, ID), ANSWER_ACCEPT);
    assert_int_equal(session_missing(&w->m), ANSWER_TEMPFAIL);
    session_free(s);
    world_free(w);
}

/* Every allocation of a message made to fail in turn: it passes, is counted once, and the connection goes on. */
static void a_message_without_memory_passes(void **state)
{
    (void)state;
    struct world *w = world_new("hold", "");
    struct session *s = connection(w);
    fake.action = FB_HOLD;
    enum answer a = ANSWER_ACCEPT;
    for (unsigned long nth = 1; a != ANSWER_QUARANTINE; nth++) {
        assert_in_range(nth, 1, 200);
        fb_arena_fail_at(nth);
        a = session_mail(s, MAIL((char[]){"<ana@corp.example>"}), NULL, NULL);
        session_rcpt(s, "<team@corp.example>");
        session_header(s, "From", "Ana <ana@corp.example>");
        if (a == ANSWER_CONTINUE)
            a = session_eoh(s, ID);
        if (a == ANSWER_CONTINUE)
            a = session_body(s, "again?", 6);
        if (a == ANSWER_CONTINUE)
            a = session_eom(s, ID);
        fb_arena_fail_at(0);
        assert_true(a == ANSWER_ACCEPT || a == ANSWER_QUARANTINE);
    }
    session_free(s);
    world_free(w);
}

static void past_its_time_at_the_gate_a_message_passes_as_busy(void **state)
{
    (void)state;
    struct world *w = world_new("observe", "");
    struct session *s = connection(w);
    assert_true(gate_enter(&w->m.gate, 1, fb_clock_ms()));
    int64_t since = fb_clock_ms();
    letter(s, "again?");
    assert_int_equal(session_eom(s, ID), ANSWER_ACCEPT);
    assert_in_range(fb_clock_ms() - since, 45, 1000);
    assert_int_equal(counted(w, "not_judged.busy"), 1);
    assert_int_equal(fake.calls, 0);
    gate_leave(&w->m.gate);
    letter(s, "again?");
    assert_int_equal(session_eom(s, ID), ANSWER_ACCEPT);
    assert_int_equal(fake.calls, 1);
    session_free(s);
    world_free(w);
}

static void *leave_later(void *gate)
{
    usleep(20000);
    gate_leave(gate);
    return NULL;
}

static void who_leaves_the_gate_lets_the_next_one_in(void **state)
{
    (void)state;
    struct gate g;
    struct fb_err err;
    pthread_t thread;
    assert_int_equal(gate_init(&g, &err), 0);
    assert_true(gate_enter(&g, 1, fb_clock_ms()));
    assert_false(gate_enter(&g, 1, fb_clock_ms()));
    assert_int_equal(pthread_create(&thread, NULL, leave_later, &g), 0);
    assert_true(gate_enter(&g, 1, fb_clock_ms() + 5000));
    pthread_join(thread, NULL);
    gate_leave(&g);
    assert_int_equal(g.inside, 0);
    gate_done(&g);
}

static void a_connection_keeps_the_configuration_it_began_with(void **state)
{
    (void)state;
    struct fb_err err;
    struct world *w = world_new("observe", "");
    struct session *before = connection(w);
    write_conf(w, "observe", "on_error = tempfail\n");
    assert_int_equal(generations_reload(&w->m.generations, &err), 0);
    assert_int_equal(policies, 2);
    struct session *after = connection(w);
    fake.fails = true;
    letter(before, "x");
    letter(after, "x");
    assert_int_equal(session_eom(before, ID), ANSWER_ACCEPT);
    assert_int_equal(session_eom(after, ID), ANSWER_TEMPFAIL);
    session_free(before);
    assert_int_equal(policies, 1);
    session_free(after);
    world_free(w);
}

static void a_configuration_that_cannot_be_loaded_changes_nothing(void **state)
{
    (void)state;
    char path[128];
    struct fb_err err;
    struct world *w = world_new("observe", "");
    write_conf(w, "hasty", "");
    assert_true(generations_reload(&w->m.generations, &err) < 0);
    write_conf(w, "hold", "");
    snprintf(path, sizeof path, "%s/hash.key", w->dir);
    unlink(path);
    assert_true(generations_reload(&w->m.generations, &err) < 0); /* a mode that records, without its keys */
    assert_non_null(strstr(err.text, "forbear keygen"));
    struct generation *g = generation_take(&w->m.generations);
    assert_int_equal(g->conf->forbear_mode, FB_MODE_OBSERVE);
    generation_drop(g);
    world_free(w);
}

static int64_t stored(struct world *w, const char *day, const char *name)
{
    FB_ARENA arena = fb_arena_new(1 << 20);
    struct fb_err err;
    struct fb_count *v;
    size_t n;
    assert_int_equal(fb_store_counts(w->m.counts.store, FB_STR("0000-00-00"), arena, &v, &n, &err), 0);
    for (size_t i = 0; i < n; i++)
        if (fb_str_eq(v[i].day, fb_str(day)) && fb_str_eq(v[i].name, fb_str(name)))
            return v[i].n;
    return 0;
}

static void counts_are_kept_by_day_and_name(void **state)
{
    (void)state;
    struct fb_err err;
    struct world *w = world_new("observe", "");
    counts_add(&w->m.counts, 86399, FB_STR("hold"), FB_STR("heated"));
    counts_add(&w->m.counts, 86400, FB_STR("hold"), FB_STR("heated"));
    counts_add(&w->m.counts, 86400, FB_STR("hold"), FB_STR("heated"));
    counts_add(&w->m.counts, 86400, FB_STR("judged"), FB_STR_NONE);
    assert_int_equal(counts_flush(&w->m.counts, w->state, &err), 0);
    assert_int_equal(stored(w, "1970-01-01", "hold.heated"), 1);
    assert_int_equal(stored(w, "1970-01-02", "hold.heated"), 2);
    assert_int_equal(stored(w, "1970-01-02", "judged"), 1);
    counts_add(&w->m.counts, 86400, FB_STR("judged"), FB_STR_NONE);
    assert_int_equal(counts_flush(&w->m.counts, w->state, &err), 0);
    assert_int_equal(stored(w, "1970-01-02", "judged"), 2);
    world_free(w);
}

static void counts_that_cannot_be_written_are_kept(void **state)
{
    (void)state;
    struct fb_err err;
    struct world *w = world_new("observe", "");
    counts_add(&w->m.counts, 0, FB_STR("judged"), FB_STR_NONE);
    assert_true(counts_flush(&w->m.counts, "/nonexistent/forbear", &err) < 0);
    counts_add(&w->m.counts, 0, FB_STR("judged"), FB_STR_NONE);
    assert_int_equal(counts_flush(&w->m.counts, w->state, &err), 0);
    assert_int_equal(stored(w, "1970-01-01", "judged"), 2);
    world_free(w);
}

static void *count_much(void *counts)
{
    for (int i = 0; i < 2000; i++)
        counts_add(counts, 0, FB_STR("judged"), FB_STR_NONE);
    return NULL;
}

static void no_count_is_lost_while_others_flush(void **state)
{
    (void)state;
    struct fb_err err;
    pthread_t threads[4];
    struct world *w = world_new("observe", "");
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, count_much, &w->m.counts), 0);
    for (int i = 0; i < 5; i++)
        assert_int_equal(counts_flush(&w->m.counts, w->state, &err), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(counts_flush(&w->m.counts, w->state, &err), 0);
    counts_add(&w->m.counts, 0, FB_STR("judged"), FB_STR_NONE);
    assert_int_equal(counts_flush(&w->m.counts, w->state, &err), 0);
    assert_int_equal(stored(w, "1970-01-01", "judged"), 8001);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mail_out_of_scope_is_let_go_at_its_first_command),
        cmocka_unit_test(our_mail_that_says_it_is_too_large_is_let_go_at_the_end_of_its_header),
        cmocka_unit_test(the_judge_is_given_envelope_and_message),
        cmocka_unit_test(a_client_without_an_address_needs_a_login),
        cmocka_unit_test(what_the_header_excludes_is_let_go_at_its_end),
        cmocka_unit_test(a_header_past_its_limit_is_not_judged),
        cmocka_unit_test(more_recipients_than_the_limit_are_not_judged),
        cmocka_unit_test(of_a_long_body_the_beginning_is_read_and_the_rest_skipped),
        cmocka_unit_test(a_message_past_the_limit_passes_as_too_large),
        cmocka_unit_test(messages_of_one_connection_do_not_mix),
        cmocka_unit_test(observe_mode_counts_and_records_nothing),
        cmocka_unit_test(row_and_marker_are_there_before_the_quarantine_is_asked_for),
        cmocka_unit_test(notify_mode_records_and_delivers),
        cmocka_unit_test(a_short_queue_id_holds_nothing),
        cmocka_unit_test(a_message_that_the_mta_will_not_quarantine_passes),
        cmocka_unit_test(a_store_that_fails_lets_mail_pass_and_is_used_again_when_it_is_back),
        cmocka_unit_test(a_fault_is_answered_as_the_configuration_wants),
        cmocka_unit_test(a_message_without_memory_passes),
        cmocka_unit_test(past_its_time_at_the_gate_a_message_passes_as_busy),
        cmocka_unit_test(who_leaves_the_gate_lets_the_next_one_in),
        cmocka_unit_test(a_connection_keeps_the_configuration_it_began_with),
        cmocka_unit_test(a_configuration_that_cannot_be_loaded_changes_nothing),
        cmocka_unit_test(counts_are_kept_by_day_and_name),
        cmocka_unit_test(counts_that_cannot_be_written_are_kept),
        cmocka_unit_test(no_count_is_lost_while_others_flush),
    };
    fb_message_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
