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
        for (size_t i = 0; i < 2; i++) { /* the stronger one last */
            findings[i].spared = fake.action > FB_OBSERVE && in->spared(in->spared_arg, findings[i].rule);
            if (!findings[i].spared)
                ret->main = &findings[i];
        }
        ret->action = ret->main ? fake.action : FB_PASS;
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

struct fb_str fb_policy_language(const struct fb_policy *p, struct fb_str addr)
{
    (void)p;
    return fb_str_eq(addr, FB_STR("ana@corp.example")) ? FB_STR("de") : FB_STR_NONE;
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

/* --- whose hold it is, and when it is none --- */

#define LOGIN "ana@corp.example"

/* A letter that the judge wants held, with these fields: the answer to its end. */
static enum answer angry(struct world *w, const char *sender, const char *login, const char *field, const char *value)
{
    struct session *s = connection(w);
    char path[96];
    snprintf(path, sizeof path, "<%s>", sender);
    fake.action = FB_HOLD;
    assert_int_equal(session_mail(s, MAIL(path), login, NULL), ANSWER_CONTINUE);
    session_rcpt(s, "<team@corp.example>");
    session_header(s, "From", sender);
    session_header(s, "Message-ID", "<held@corp.example>");
    if (field)
        session_header(s, field, value);
    assert_int_equal(session_eoh(s, ID), ANSWER_CONTINUE);
    enum answer a = session_eom(s, ID);
    if (a == ANSWER_QUARANTINE)
        a = session_quarantined(s, true, ID) == ANSWER_ACCEPT ? ANSWER_QUARANTINE : ANSWER_TEMPFAIL;
    session_free(s);
    fake.action = FB_PASS;
    return a;
}

/* The newest hold. */
static struct fb_hold newest(struct world *w, struct fb_arena *arena)
{
    struct fb_hold_id id;
    struct fb_hold hold;
    assert_int_equal(fb_store_find(w->m.holds.write.store, FB_STR(ID), &id, NULL), 0);
    assert_int_equal(fb_store_get(w->m.holds.write.store, id, arena, &hold, NULL), 0);
    return hold;
}

static const uint8_t *key(struct world *w)
{
    return w->m.generations.current->hash_key;
}

static void a_hold_knows_its_person_owner_and_thread(void **state)
{
    (void)state;
    static const struct {
        const char *login, *field, *value, *root;
    } cases[] = {
        {LOGIN, NULL, NULL, "<held@corp.example>"},
        {LOGIN, "In-Reply-To", "<parent@x>", "<parent@x>"},
        {LOGIN, "References", "<first@x> <second@x>\r\n <third@x>", "<first@x>"},
        {NULL, "References", "<first@x>", "<first@x>"},
    };
    struct world *w = world_new("hold", "");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        FB_ARENA arena = fb_arena_new(1 << 20);
        assert_int_equal(angry(w, "Ana@Corp.Example", cases[i].login, cases[i].field, cases[i].value), ANSWER_QUARANTINE);
        struct fb_hold got = newest(w, arena), want;
        fb_hold_hashes(key(w), fb_str(cases[i].login), FB_STR("ana@corp.example"), fb_str(cases[i].root), &want);
        assert_memory_equal(got.person, want.person, FB_HASH);
        assert_memory_equal(got.owner, want.owner, FB_HASH);
        assert_memory_equal(got.thread, want.thread, FB_HASH);
        assert_int_equal(got.opens_s, 0);
    }
    world_free(w);
}

static void a_hold_opens_after_the_minimum_and_ends_before_the_longest(void **state)
{
    (void)state;
    static const struct {
        const char *more;
        int64_t opens, ends;
    } cases[] = {{"[hold]\nminimum = 5m\n", 300, 900}, {"[hold]\nminimum = 2h\n", 900, 900}, {"[hold]\nlongest = 10m\nminimum = 9m\n", 540, 600}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        FB_ARENA arena = fb_arena_new(1 << 20);
        struct world *w = world_new("hold", cases[i].more);
        assert_int_equal(angry(w, "ana@corp.example", LOGIN, NULL, NULL), ANSWER_QUARANTINE);
        struct fb_hold got = newest(w, arena);
        assert_int_equal(got.opens_s - got.created_s, cases[i].opens);
        assert_int_equal(got.deadline_s - got.created_s, cases[i].ends);
        world_free(w);
    }
}

static void over_the_cap_a_persons_messages_pass(void **state)
{
    (void)state;
    struct world *w = world_new("hold", "[hold]\ncap = 2\n");
    for (int i = 0; i < 4; i++)
        assert_int_equal(angry(w, "ana@corp.example", LOGIN, NULL, NULL), i < 2 ? ANSWER_QUARANTINE : ANSWER_ACCEPT);
    assert_int_equal(counted(w, "passed.cap"), 2);
    assert_int_equal(counted(w, "hold.public_shaming"), 2);
    assert_int_equal(counted(w, "judged"), 4);
    assert_int_equal(angry(w, "ben@corp.example", "ben@corp.example", NULL, NULL), ANSWER_QUARANTINE);
    world_free(w);
    w = world_new("hold", "[hold]\ncap = 0\n");
    for (int i = 0; i < 8; i++)
        assert_int_equal(angry(w, "ana@corp.example", LOGIN, NULL, NULL), ANSWER_QUARANTINE);
    world_free(w);
}

static void spare(struct world *w, const char *root, const char *rule)
{
    struct fb_hold who;
    struct fb_err err = {.text = ""};
    fb_hold_hashes(key(w), FB_STR_NONE, FB_STR("ana@corp.example"), fb_str(root), &who);
    assert_int_equal(fb_store_spare(w->m.holds.write.store, who.person, who.thread, fb_str(rule), fb_now_s() + 60, &err), 0);
}

static void what_was_decided_on_a_thread_is_not_asked_again(void **state)
{
    (void)state;
    FB_ARENA arena = fb_arena_new(1 << 20);
    struct world *w = world_new("hold", "[hold]\ncap = 0\n");
    assert_int_equal(angry(w, "ana@corp.example", LOGIN, "In-Reply-To", "<a@x>"), ANSWER_QUARANTINE);
    assert_string_equal(newest(w, arena).rule.p, "public_shaming");
    spare(w, "<a@x>", "public_shaming");
    assert_int_equal(angry(w, "ana@corp.example", LOGIN, "In-Reply-To", "<a@x>"), ANSWER_QUARANTINE);
    struct fb_hold other = newest(w, arena); /* the other rule that would hold it */
    assert_string_equal(other.rule.p, "heated");
    assert_int_equal(other.deadline_s - other.created_s, 600);
    assert_int_equal(counted(w, "hold.heated"), 1);
    spare(w, "<a@x>", "heated");
    assert_int_equal(angry(w, "ana@corp.example", LOGIN, "In-Reply-To", "<a@x>"), ANSWER_ACCEPT);
    assert_int_equal(counted(w, "passed.spared"), 1);
    assert_int_equal(angry(w, "ana@corp.example", LOGIN, "In-Reply-To", "<b@x>"), ANSWER_QUARANTINE); /* another thread */
    assert_int_equal(angry(w, "ben@corp.example", NULL, "In-Reply-To", "<a@x>"), ANSWER_QUARANTINE);  /* somebody else */
    spare(w, "<b@x>", ""); /* they have talked */
    assert_int_equal(angry(w, "ana@corp.example", LOGIN, "In-Reply-To", "<b@x>"), ANSWER_ACCEPT);
    assert_int_equal(counted(w, "passed.spared"), 2);
    world_free(w);
}

/* --- answers to notices --- */

#define NOTICE "<notice@gw.corp.example>"

/* Holds a letter, and tells its sender by the mail NOTICE. */
static void hold_told(struct world *w, const char *login)
{
    FB_ARENA arena = fb_arena_new(1 << 20);
    struct fb_err err = {.text = ""};
    assert_int_equal(angry(w, "ana@corp.example", login, "References", "<root@x>"), ANSWER_QUARANTINE);
    int rc = fb_store_notice_ready(w->m.holds.write.store, newest(w, arena).id, FB_STR("sealed"), FB_STR("key"), FB_STR(NOTICE), 1, 1, &err);
    assert_string_equal(err.text, "");
    assert_int_equal(rc, 0);
}

struct reply {
    const char *sender, *login, *rcpt, *field, *value, *body;
};

static enum answer reply(struct world *w, struct reply r)
{
    struct session *s = connection(w);
    char path[96];
    snprintf(path, sizeof path, "<%s>", r.sender ? r.sender : "ana@corp.example");
    enum answer a = session_mail(s, MAIL(path), r.login ? r.login : LOGIN, NULL);
    if (a == ANSWER_CONTINUE) {
        session_rcpt(s, r.rcpt ? r.rcpt : "<Forbear@GW.corp.example>");
        session_header(s, "From", "Ana <ana@corp.example>");
        session_header(s, "Message-ID", "<answer@phone>");
        session_header(s, r.field ? r.field : "In-Reply-To", r.value ? r.value : NOTICE);
        a = session_eoh(s, ID);
    }
    if (a == ANSWER_CONTINUE)
        a = session_body(s, r.body, strlen(r.body));
    if (a == ANSWER_CONTINUE)
        a = session_eom(s, ID);
    session_free(s);
    return a;
}

static struct fb_post *letters(struct world *w, struct fb_arena *arena, size_t *ret_n)
{
    struct fb_post *v;
    assert_int_equal(fb_store_posts(w->m.holds.write.store, 99, arena, &v, ret_n, NULL), 0);
    return v;
}

/* The one letter that there is; it is done then. */
static struct fb_post one_letter(struct world *w, struct fb_arena *arena, enum fb_post_kind kind)
{
    size_t n;
    struct fb_post *v = letters(w, arena, &n);
    assert_int_equal(n, 1);
    assert_int_equal(v->kind, kind);
    assert_int_equal(fb_store_post_done(w->m.holds.write.store, v->seq, NULL), 0);
    return *v;
}

static void no_letter(struct world *w)
{
    FB_ARENA arena = fb_arena_new(1 << 20);
    size_t n;
    letters(w, arena, &n);
    assert_int_equal(n, 0);
}

static void an_answer_by_its_owner_is_a_letter_with_its_proof(void **state)
{
    (void)state;
    static const struct {
        const char *field, *value, *body;
        int action;
    } cases[] = {
        {NULL, NULL, "RELEASE\r\n", FB_DESK_RELEASE},
        {NULL, NULL, "withdraw.\r\n\r\nSent from my phone\r\n", FB_DESK_WITHDRAW},
        {NULL, NULL, "\r\n  *Release*\r\n\r\nOn Sat, 28 Nov 2026 at 10:00, forbear <forbear@gw.corp.example> wrote:\r\n> WITHDRAW gives it back\r\n", FB_DESK_RELEASE},
        {NULL, NULL, "> RELEASE sends your message\r\n> WITHDRAW\r\n\r\nWithdraw\r\n", FB_DESK_WITHDRAW},
        {NULL, NULL, "zur\xc3\xbc" "ckziehen\r\n-- \r\nAna\r\n", FB_DESK_WITHDRAW},
        {NULL, NULL, "ZUR\xc3\x9c" "CKZIEHEN\r\n", FB_DESK_WITHDRAW},
        {NULL, NULL, "envoyer\r\n", FB_DESK_RELEASE},
        {"References", "<root@x> " NOTICE " <other@x>", "RELEASE\r\n", FB_DESK_RELEASE},
    };
    struct world *w = world_new("hold", "");
    struct fb_hold who;
    hold_told(w, LOGIN);
    fb_hold_hashes(key(w), FB_STR(LOGIN), FB_STR("ana@corp.example"), FB_STR_NONE, &who);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        FB_ARENA arena = fb_arena_new(1 << 20);
        assert_int_equal(reply(w, (struct reply){.field = cases[i].field, .value = cases[i].value, .body = cases[i].body}), ANSWER_DISCARD);
        struct fb_post got = one_letter(w, arena, FB_POST_ANSWER);
        assert_int_equal(got.action, cases[i].action);
        assert_true(fb_hold_id_eq(got.hold, newest(w, arena).id));
        assert_string_equal(got.message_id.p, NOTICE);
        assert_memory_equal(got.owner, who.owner, FB_HASH);
    }
    assert_int_equal(counted(w, "answer.release") + counted(w, "answer.withdraw"), sizeof cases / sizeof *cases);
    assert_int_equal(counted(w, "judged"), 1); /* the one that is held */
    assert_int_equal(fake.calls, 1);
    world_free(w);
}

static void what_is_no_answer_that_counts_asks_for_help(void **state)
{
    (void)state;
    static const struct reply cases[] = {
        {.body = "Please release it\r\n"},
        {.body = "RELEASE? Never!\r\n"},
        {.body = "Thanks.\r\n\r\nRELEASE\r\n"},
        {.body = "> RELEASE\r\n"},
        {.body = ""},
        {.body = "RELEASE\r\n", .value = "<elsewhere@x>"},
        {.body = "RELEASE\r\n", .field = "X-Nothing"},
        {.body = "RELEASE\r\n", .sender = "ben@corp.example", .login = "ben@corp.example"},
        {.body = "RELEASE\r\n", .login = "asmith"}, /* another login, the same address */
        {.body = "RELEASE\r\n", .login = ""},
    };
    struct world *w = world_new("hold", "");
    hold_told(w, LOGIN);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        FB_ARENA arena = fb_arena_new(1 << 20);
        assert_int_equal(reply(w, cases[i]), ANSWER_DISCARD);
        struct fb_post got = one_letter(w, arena, FB_POST_HELP);
        assert_true(got.box.n > 0 && fb_str_ifind(got.box, FB_STR("corp.example")) < 0);
        assert_int_equal(counted(w, "answer.help"), i + 1);
    }
    world_free(w);
}

static void a_hold_without_a_login_is_decided_by_link_alone(void **state)
{
    (void)state;
    FB_ARENA arena = fb_arena_new(1 << 20);
    struct world *w = world_new("hold", "");
    hold_told(w, NULL);
    assert_int_equal(reply(w, (struct reply){.body = "RELEASE\r\n"}), ANSWER_DISCARD);
    one_letter(w, arena, FB_POST_HELP);
    assert_int_equal(reply(w, (struct reply){.body = "RELEASE\r\n", .login = ""}), ANSWER_DISCARD);
    one_letter(w, arena, FB_POST_HELP);
    world_free(w);
}

static void what_programs_answer_is_not_answered(void **state)
{
    (void)state;
    static const struct reply cases[] = {
        {.field = "Auto-Submitted", .value = "auto-replied", .body = "RELEASE\r\n"},
        {.field = "Auto-Submitted", .value = "auto-generated (rejected)", .body = "RELEASE\r\n"},
        {.field = "Precedence", .value = "auto_reply", .body = "RELEASE\r\n"},
        {.field = "Precedence", .value = "bulk", .body = "RELEASE\r\n"},
        {.field = "List-Id", .value = "<x.corp.example>", .body = "RELEASE\r\n"},
        {.field = "Content-Type", .value = "multipart/report; report-type=disposition-notification; boundary=b", .body = "--b--\r\n"},
    };
    struct world *w = world_new("hold", "");
    hold_told(w, LOGIN);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(reply(w, cases[i]), ANSWER_DISCARD);
    assert_int_equal(counted(w, "answer.automatic"), sizeof cases / sizeof *cases);
    no_letter(w);
    world_free(w);
}

/* What is out of scope at its first command is seen no further; Postfix discards what is to us. */
static void strangers_and_bounces_are_not_listened_to(void **state)
{
    (void)state;
    struct world *w = world_new("hold", "");
    hold_told(w, LOGIN);
    assert_int_equal(reply(w, (struct reply){.sender = "", .body = "RELEASE\r\n"}), ANSWER_ACCEPT);
    assert_int_equal(reply(w, (struct reply){.sender = "eve@elsewhere.example", .body = "RELEASE\r\n"}), ANSWER_ACCEPT);
    assert_int_equal(reply(w, (struct reply){.login = "ben@corp.example", .body = "RELEASE\r\n"}), ANSWER_ACCEPT);
    no_letter(w);
    world_free(w);
}

static void an_answer_to_others_too_is_a_mail_like_any_other(void **state)
{
    (void)state;
    FB_ARENA arena = fb_arena_new(1 << 20);
    struct world *w = world_new("hold", "");
    hold_told(w, LOGIN);
    struct session *s = connection(w);
    assert_int_equal(session_mail(s, MAIL((char[]){"<ana@corp.example>"}), LOGIN, NULL), ANSWER_CONTINUE);
    session_rcpt(s, "<ben@corp.example>");
    session_rcpt(s, "<forbear@gw.corp.example>");
    session_header(s, "From", "ana@corp.example");
    session_header(s, "In-Reply-To", NOTICE);
    assert_int_equal(session_eoh(s, ID), ANSWER_CONTINUE);
    session_body(s, "RELEASE\r\n", 9);
    assert_int_equal(session_eom(s, ID), ANSWER_ACCEPT);
    assert_int_equal(fake.calls, 2);
    one_letter(w, arena, FB_POST_HELP);
    session_free(s);
    world_free(w);
}

static void an_answer_that_cannot_be_kept_is_sent_again(void **state)
{
    (void)state;
    char away[128];
    FB_ARENA arena = fb_arena_new(1 << 20);
    struct world *w = world_new("hold", "");
    hold_told(w, LOGIN);
    snprintf(away, sizeof away, "%s-away", w->state);
    assert_int_equal(rename(w->state, away), 0);
    assert_int_equal(reply(w, (struct reply){.body = "RELEASE\r\n"}), ANSWER_TEMPFAIL);
    assert_int_equal(reply(w, (struct reply){.body = "What is this?\r\n"}), ANSWER_TEMPFAIL);
    assert_int_equal(rename(away, w->state), 0);
    assert_true(gate_enter(&w->m.gate, 1, fb_clock_ms()));
    assert_int_equal(reply(w, (struct reply){.body = "RELEASE\r\n"}), ANSWER_TEMPFAIL); /* busy */
    gate_leave(&w->m.gate);
    enum answer a = ANSWER_TEMPFAIL;
    for (unsigned long nth = 12; a != ANSWER_DISCARD; nth++) { /* before that nobody knows whom it is to */
        assert_in_range(nth, 1, 400);
        fb_arena_fail_at(nth);
        a = reply(w, (struct reply){.body = "RELEASE\r\n"});
        fb_arena_fail_at(0);
        assert_true(a == ANSWER_TEMPFAIL || a == ANSWER_DISCARD);
    }
    one_letter(w, arena, FB_POST_ANSWER);
    world_free(w);
}

static void a_word_that_stands_for_two_things_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"release = GO\nwithdraw = BACK\n", ""},
        {"# comment\n\nrelease = GO go\n", ""},
        {"release = GO\nwithdraw = go\n", "words:2: \"go\" sends a message"},
        {"send = GO\n", "words:1: want release = or withdraw ="},
        {"release\n", "words:1: want release = or withdraw ="},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        FB_ARENA arena = fb_arena_new(1 << 16);
        struct fb_err err = {.text = ""};
        struct words words = {0};
        int rc = words_read(arena, "words", fb_str(cases[i].text), &words, &err);
        assert_int_equal(rc, *cases[i].says ? -1 : 0);
        assert_true(fb_str_istarts(fb_str(err.text), fb_str(cases[i].says)));
    }
}

/* --- the thread moved --- */

/* A mail by @sender on the thread @root, which only @reader reads. */
static void writes(struct world *w, const char *sender, const char *root, const char *reader)
{
    struct session *s = connection(w);
    char path[96];
    snprintf(path, sizeof path, "<%s>", sender);
    fake.reader = reader;
    fake.action = FB_PASS;
    assert_int_equal(session_mail(s, MAIL(path), sender, NULL), ANSWER_CONTINUE);
    session_rcpt(s, "<team@corp.example>");
    session_header(s, "From", sender);
    session_header(s, "Message-ID", "<moves@corp.example>");
    if (root)
        session_header(s, "References", root);
    assert_int_equal(session_eoh(s, ID), ANSWER_CONTINUE);
    assert_int_equal(session_eom(s, ID), ANSWER_ACCEPT);
    session_free(s);
    fake.reader = NULL;
}

static void who_waits_is_told_that_the_thread_moved(void **state)
{
    (void)state;
    FB_ARENA arena = fb_arena_new(1 << 20);
    struct world *w = world_new("hold", "");
    writes(w, "cleo@corp.example", "<root@x>", "ana@corp.example");
    assert_null(w->m.holds.read.store); /* where nothing is held nothing is asked */
    hold_told(w, LOGIN);
    writes(w, "cleo@corp.example", "<root@x>", "ana@corp.example");
    struct fb_post got = one_letter(w, arena, FB_POST_MOVED);
    assert_true(fb_hold_id_eq(got.hold, newest(w, arena).id));
    assert_true(got.box.n > 0 && fb_str_ifind(got.box, FB_STR("Cleo")) < 0);
    assert_int_equal(counted(w, "moved"), 1);
    writes(w, "ana@corp.example", "<root@x>", "ana@corp.example"); /* herself */
    writes(w, "cleo@corp.example", "<other@x>", "ana@corp.example");
    writes(w, "cleo@corp.example", NULL, "ana@corp.example");
    writes(w, "cleo@corp.example", "<root@x>", "ben@corp.example"); /* not to her: none of her business */
    no_letter(w);
    assert_int_equal(fb_store_notice_sent(w->m.holds.write.store, newest(w, arena).id, 2, NULL), 0);
    assert_int_equal(fb_store_later(w->m.holds.write.store, newest(w, arena).id, FB_LATER_MOVED, 9, FB_STR("<m@x>"), FB_STR("box"), 3, NULL), 0);
    writes(w, "dan@corp.example", "<root@x>", "ana@corp.example"); /* once */
    no_letter(w);
    world_free(w);
}

/* That something was held was looked for once a second. */
static void an_answer_within_a_second_of_the_hold_is_heard(void **state)
{
    (void)state;
    FB_ARENA arena = fb_arena_new(1 << 20);
    struct world *w = world_new("hold", "");
    assert_false(holds_any(&w->m.holds, w->state));
    hold_told(w, LOGIN);
    writes(w, "cleo@corp.example", "<root@x>", "ana@corp.example");
    one_letter(w, arena, FB_POST_MOVED);
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
        cmocka_unit_test(a_hold_knows_its_person_owner_and_thread),
        cmocka_unit_test(a_hold_opens_after_the_minimum_and_ends_before_the_longest),
        cmocka_unit_test(over_the_cap_a_persons_messages_pass),
        cmocka_unit_test(what_was_decided_on_a_thread_is_not_asked_again),
        cmocka_unit_test(an_answer_by_its_owner_is_a_letter_with_its_proof),
        cmocka_unit_test(what_is_no_answer_that_counts_asks_for_help),
        cmocka_unit_test(a_hold_without_a_login_is_decided_by_link_alone),
        cmocka_unit_test(what_programs_answer_is_not_answered),
        cmocka_unit_test(strangers_and_bounces_are_not_listened_to),
        cmocka_unit_test(an_answer_to_others_too_is_a_mail_like_any_other),
        cmocka_unit_test(an_answer_that_cannot_be_kept_is_sent_again),
        cmocka_unit_test(a_word_that_stands_for_two_things_is_refused),
        cmocka_unit_test(who_waits_is_told_that_the_thread_moved),
        cmocka_unit_test(an_answer_within_a_second_of_the_hold_is_heard),
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
