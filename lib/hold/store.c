/* The store on SQLite. Decides what is durable and when: every change is one IMMEDIATE transaction that carries its
 * event, so that a reader sees both or neither. Must never make a step that states.def lacks, never delete an event
 * while its hold is there (the schema refuses too), and never report a change that a power cut could undo.
 *
 * Whatever was erased is gone from the file (secure_delete) and, once the log is truncated, from the log. A reader in
 * the middle of something can put the truncation off; the next change tries again.
 *
 * DIAGNOSTICS: a failure names the store's file and says what SQLite says; that is never text of a message, for none is
 * ever in a statement. */
#include "hold/store.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/io.h"
#include "hold/schema.h"
#include "hold/seal.h"

#define FILE_NAME "forbear.db"
#define NEW_NAME ".forbear.db.new"

enum { FILE_MODE = 0660, ACTION_RELEASE = 1, ACTION_WITHDRAW = 2 }; /* the actions: enum fb_desk_action */

/* --- statements --- */

#define HOLD_COLUMNS "id, queue_id, state, rule, created_s, deadline_s, changed_s, fingerprint, message_id, copy_sent, decision, action"

enum query {
    Q_BEGIN, Q_COMMIT, Q_ROLLBACK, Q_ADD, Q_EVENT, Q_GET, Q_FIND, Q_LIST, Q_DEADLINE, Q_STATE, Q_STEP, Q_DECIDE, Q_READY, Q_SENT, Q_COPY,
    Q_FORGET, Q_EVENTS, Q_COUNT, Q_COUNTS, QUERIES
};

static const char *const queries[QUERIES] = {
    [Q_BEGIN] = "BEGIN IMMEDIATE",
    [Q_COMMIT] = "COMMIT",
    [Q_ROLLBACK] = "ROLLBACK",
    [Q_ADD] = "INSERT INTO hold (id, queue_id, state, rule, created_s, deadline_s, changed_s, fingerprint, box)"
              " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?5, ?7, ?8)",
    [Q_EVENT] = "INSERT INTO event (hold, at_s, was, became, who, why) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    [Q_GET] = "SELECT " HOLD_COLUMNS ", box, sealed, key_box FROM hold WHERE id = ?1",
    [Q_FIND] = "SELECT id FROM hold WHERE queue_id = ?1 ORDER BY created_s DESC, rowid DESC LIMIT 1",
    [Q_LIST] = "SELECT " HOLD_COLUMNS " FROM hold WHERE (?1 >> state) & 1 ORDER BY deadline_s, rowid LIMIT ?2",
    [Q_DEADLINE] = "SELECT min(deadline_s) FROM hold WHERE state = ?1",
    [Q_STATE] = "SELECT state FROM hold WHERE id = ?1",
    [Q_STEP] = "UPDATE hold SET state = ?2, changed_s = ?3 WHERE id = ?1",
    /* As long as the box is there, the notice is owed, and with it the key. */
    [Q_DECIDE] = "UPDATE hold SET decision = ?2, action = ?3, key_box = iif(box IS NULL, ?4, key_box), copy_sent = 0 WHERE id = ?1",
    [Q_READY] = "UPDATE hold SET sealed = ?2, key_box = ?3, message_id = ?4 WHERE id = ?1 AND message_id IS NULL",
    [Q_SENT] = "UPDATE hold SET box = NULL, key_box = NULL WHERE id = ?1",
    [Q_COPY] = "UPDATE hold SET copy_sent = 1 WHERE id = ?1",
    [Q_FORGET] = "DELETE FROM hold WHERE (?1 >> state) & 1 AND changed_s < ?2",
    [Q_EVENTS] = "SELECT at_s, was, became, who, why FROM event WHERE hold = ?1 ORDER BY seq",
    [Q_COUNT] = "INSERT INTO count (day, name, n) VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET n = n + excluded.n",
    [Q_COUNTS] = "SELECT day, name, n FROM count WHERE day >= ifnull(?1, '') ORDER BY day, name",
};

struct fb_store {
    char *dir, *path, *new_path;
    int busy_ms;
    sqlite3 *db; /* NULL: must be opened again */
    sqlite3_stmt *stmt[QUERIES];
    bool erased;  /* something was, and is perhaps still in the log */
    bool damaged; /* the last failure said so */
};

static bool is_damage(int code)
{
    return (code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB;
}

static int fail(struct fb_store *s, struct fb_err *err)
{
    s->damaged = is_damage(sqlite3_errcode(s->db));
    return fb_fail(err, "store %s: %s", s->path, sqlite3_errmsg(s->db));
}

/* Where a statement reads what it is given: one letter an argument. i int64_t, s const char *, t struct fb_str as text,
 * b struct fb_str as a blob. Empty text and blobs are NULL, save for 's'. */
static int bind_one(sqlite3_stmt *q, int at, char type, va_list *ap)
{
    if (type == 'i')
        return sqlite3_bind_int64(q, at, va_arg(*ap, int64_t));
    if (type == 's')
        return sqlite3_bind_text(q, at, va_arg(*ap, const char *), -1, SQLITE_STATIC);
    struct fb_str v = va_arg(*ap, struct fb_str);
    if (!v.n)
        return sqlite3_bind_null(q, at);
    return type == 't' ? sqlite3_bind_text64(q, at, v.p, v.n, SQLITE_STATIC, SQLITE_UTF8)
                       : sqlite3_bind_blob64(q, at, v.p, v.n, SQLITE_STATIC);
}

static sqlite3_stmt *query(struct fb_store *s, enum query which, struct fb_err *err, const char *types, va_list *ap)
{
    sqlite3_stmt **q = &s->stmt[which];
    if (!*q && sqlite3_prepare_v3(s->db, queries[which], -1, SQLITE_PREPARE_PERSISTENT, q, NULL) != SQLITE_OK) {
        fail(s, err);
        return NULL;
    }
    for (int i = 0; types[i]; i++)
        if (bind_one(*q, i + 1, types[i], ap) != SQLITE_OK) {
            fail(s, err);
            return NULL;
        }
    return *q;
}

/* So that a statement holds no lock and points into nobody's memory once its function is left. */
static void query_done(sqlite3_stmt **q)
{
    if (*q) {
        sqlite3_reset(*q);
        sqlite3_clear_bindings(*q);
    }
}
#define QUERY __attribute__((cleanup(query_done))) sqlite3_stmt *

static sqlite3_stmt *ask(struct fb_store *s, struct fb_err *err, enum query which, const char *types, ...)
{
    va_list ap;
    va_start(ap, types);
    sqlite3_stmt *q = query(s, which, err, types, &ap);
    va_end(ap);
    return q;
}

/* A statement that gives no rows. How many rows it changed: sqlite3_changes64. */
static int run(struct fb_store *s, struct fb_err *err, enum query which, const char *types, ...)
{
    va_list ap;
    va_start(ap, types);
    QUERY q = query(s, which, err, types, &ap);
    va_end(ap);
    return q && sqlite3_step(q) == SQLITE_DONE ? 0 : q ? fail(s, err) : -1;
}

/* FB_STORE_NONE after the last row. */
static int next(struct fb_store *s, sqlite3_stmt *q, struct fb_err *err)
{
    int code = sqlite3_step(q);
    return code == SQLITE_ROW ? 0 : code == SQLITE_DONE ? FB_STORE_NONE : fail(s, err);
}

static int column(sqlite3_stmt *q, int at, struct fb_arena *arena, struct fb_str *ret)
{
    const void *p = sqlite3_column_blob(q, at);
    *ret = fb_arena_dup(arena, p ? (struct fb_str){p, (size_t)sqlite3_column_bytes(q, at)} : FB_STR_NONE);
    return ret->p ? 0 : -1;
}

static struct fb_str id_blob(const struct fb_hold_id *id)
{
    return (struct fb_str){(const char *)id->b, sizeof id->b};
}

/* --- opening --- */

static int execute(struct fb_store *s, const char *sql, struct fb_err *err)
{
    return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : fail(s, err);
}

static int number(struct fb_store *s, const char *sql, int64_t *ret, struct fb_err *err)
{
    sqlite3_stmt *q = NULL;
    int rc = sqlite3_prepare_v2(s->db, sql, -1, &q, NULL) == SQLITE_OK && sqlite3_step(q) == SQLITE_ROW ? 0 : fail(s, err);
    if (rc == 0)
        *ret = sqlite3_column_int64(q, 0);
    sqlite3_finalize(q);
    return rc;
}

static int migrate_steps(struct fb_store *s, struct fb_err *err)
{
    int64_t version;
    if (number(s, "PRAGMA user_version", &version, err))
        return -1;
    if (version > FB_SCHEMA_VERSION)
        return fb_fail(err, "store %s: schema %lld is of a newer forbear than this one, which knows %d", s->path, (long long)version,
                       FB_SCHEMA_VERSION);
    for (; version < FB_SCHEMA_VERSION; version++)
        if (execute(s, fb_schema_steps[version], err))
            return -1;
    return execute(s, FB_SCHEMA_SET_VERSION, err);
}

/* Looked at without a lock first: a store of today's schema is opened without a write. */
static int migrate(struct fb_store *s, struct fb_err *err)
{
    int64_t version;
    if (number(s, "PRAGMA user_version", &version, err))
        return -1;
    if (version == FB_SCHEMA_VERSION)
        return 0;
    if (execute(s, "BEGIN IMMEDIATE", err))
        return -1;
    if (migrate_steps(s, err) == 0 && execute(s, "COMMIT", err) == 0)
        return 0;
    sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    return -1;
}

static void db_close(struct fb_store *s)
{
    for (int i = 0; i < QUERIES; i++) {
        sqlite3_finalize(s->stmt[i]);
        s->stmt[i] = NULL;
    }
    sqlite3_close(s->db);
    s->db = NULL;
}

static int db_set_up(struct fb_store *s, struct fb_err *err)
{
    sqlite3_busy_timeout(s->db, s->busy_ms);
    sqlite3_extended_result_codes(s->db, 1);
    if (sqlite3_db_readonly(s->db, "main") == 1)
        return fb_fail(err, "store %s cannot be written", s->path);
    if (execute(s, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA secure_delete=ON; PRAGMA foreign_keys=ON", err))
        return -1;
    return migrate(s, err);
}

static int db_open_file(struct fb_store *s, const char *path, struct fb_err *err)
{
    int code = sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
    int rc = code != SQLITE_OK ? fb_fail(err, "store %s: %s", path, sqlite3_errstr(code)) : db_set_up(s, err);
    if (rc)
        db_close(s);
    return rc;
}

/* A new store gets its name when it is complete, so that nobody meets half a one: two who turn a file into WAL at once
 * are told "locked" whatever the timeout. A log that stayed behind would be lost with the old name. */
static int file_fill(struct fb_store *s, int dir, struct fb_err *err)
{
    if (mknodat(dir, NEW_NAME, S_IFREG | FILE_MODE, 0) < 0 || fchmodat(dir, NEW_NAME, FILE_MODE, 0) < 0)
        return fb_fail_errno(err, NEW_NAME);
    if (db_open_file(s, s->new_path, err))
        return -1;
    db_close(s);
    return faccessat(dir, NEW_NAME "-wal", F_OK, 0) == 0 ? fb_fail(err, NEW_NAME ": its log could not be written back") : 0;
}

/* No descriptor of the file itself is ever opened here: closing one would drop the locks that SQLite holds on it in
 * another thread (fcntl(2)). The folder's lock keeps two from making it at once, and lets the log of a store that is
 * gone be removed before the new one has its name. */
static int file_make(struct fb_store *s, int dir, struct fb_err *err)
{
    static const char *const stale[] = {FILE_NAME "-wal", FILE_NAME "-shm", NEW_NAME, NEW_NAME "-wal", NEW_NAME "-shm"};
    if (flock(dir, LOCK_EX) < 0)
        return fb_fail_errno(err, "flock");
    if (faccessat(dir, FILE_NAME, F_OK, 0) == 0)
        return 0;
    for (size_t i = 0; i < sizeof stale / sizeof *stale; i++)
        unlinkat(dir, stale[i], 0);
    if (file_fill(s, dir, err))
        return -1;
    return renameat(dir, NEW_NAME, dir, FILE_NAME) < 0 || fsync(dir) < 0 ? fb_fail_errno(err, FILE_NAME) : 0;
}

static int file_want(struct fb_store *s, struct fb_err *err)
{
    if (access(s->path, F_OK) == 0)
        return 0;
    FB_FD dir = open(s->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return fb_fail_errno(err, "store %s", s->dir);
    return file_make(s, dir, err) ? fb_fail_in(err, "store %s cannot be made", s->dir) : 0;
}

static int db_open(struct fb_store *s, struct fb_err *err)
{
    return file_want(s, err) ? -1 : db_open_file(s, s->path, err);
}

/* Before every use: a file that was deleted or replaced under our hands is let go, and what has the name now is opened. */
static int ready(struct fb_store *s, struct fb_err *err)
{
    int moved = 0;
    s->damaged = false;
    if (s->db && (sqlite3_file_control(s->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved) != SQLITE_OK || moved))
        db_close(s);
    return s->db ? 0 : db_open(s, err);
}

static char *joined(const char *dir, const char *name)
{
    char *path;
    return asprintf(&path, "%s/%s", dir, name) < 0 ? NULL : path;
}

int fb_store_open(const char *dir, int busy_ms, struct fb_store **ret, struct fb_err *err)
{
    struct fb_store *s = calloc(1, sizeof *s);
    if (!s)
        return fb_fail_memory(err);
    s->busy_ms = busy_ms;
    s->dir = strdup(dir);
    s->path = joined(dir, FILE_NAME);
    s->new_path = joined(dir, NEW_NAME);
    int rc = s->dir && s->path && s->new_path ? db_open(s, err) : fb_fail_memory(err);
    if (rc) {
        rc = s->damaged ? FB_STORE_DAMAGED : rc;
        fb_store_close(s);
        return rc;
    }
    *ret = s;
    return 0;
}

void fb_store_close(struct fb_store *s)
{
    if (!s)
        return;
    db_close(s);
    free(s->dir);
    free(s->path);
    free(s->new_path);
    free(s);
}

bool fb_store_damaged(const struct fb_store *s)
{
    return s->damaged;
}

static int aside(int dir, const char *suffix, int64_t now_s, struct fb_err *err)
{
    char from[64], to[96];
    snprintf(from, sizeof from, FILE_NAME "%s", suffix);
    snprintf(to, sizeof to, FILE_NAME ".damaged-%lld%s", (long long)now_s, suffix);
    if (renameat(dir, from, dir, to) < 0 && errno != ENOENT)
        return fb_fail_errno(err, "%s cannot be moved to %s", from, to);
    return 0;
}

int fb_store_set_aside(const char *dir, int64_t now_s, struct fb_err *err)
{
    FB_FD fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || flock(fd, LOCK_EX) < 0)
        return fb_fail_errno(err, "store %s", dir);
    if (aside(fd, "", now_s, err) || aside(fd, "-wal", now_s, err) || aside(fd, "-shm", now_s, err))
        return fb_fail_in(err, "store %s", dir);
    return fsync(fd) < 0 ? fb_fail_errno(err, "store %s", dir) : 0;
}

/* --- changes --- */

static void truncate_log(struct fb_store *s)
{
    if (s->erased && sqlite3_wal_checkpoint_v2(s->db, "main", SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL) == SQLITE_OK)
        s->erased = false;
}

/* What a change is made of; each uses what it needs. */
struct change {
    const struct fb_hold *hold;
    struct fb_hold_id id;
    enum fb_state from, to;
    int64_t now_s;
    const char *by, *why;
    int action;
    struct fb_str token, sealed, key_box, message_id;
    const struct fb_count *counts;
    size_t n; /* counts; what was forgotten */
};

typedef int change_fn(struct fb_store *s, struct change *c, struct fb_err *err);

/* One IMMEDIATE transaction around @fn: whatever it returns but 0 undoes it. */
static int change(struct fb_store *s, change_fn *fn, struct change *c, struct fb_err *err)
{
    if (ready(s, err) || run(s, err, Q_BEGIN, ""))
        return -1;
    int rc = fn(s, c, err);
    if (rc == 0)
        rc = run(s, err, Q_COMMIT, "");
    if (rc && !sqlite3_get_autocommit(s->db)) {
        bool damaged = s->damaged;
        run(s, NULL, Q_ROLLBACK, "");
        s->damaged = damaged;
    }
    if (rc == 0)
        truncate_log(s);
    return rc;
}

static int event(struct fb_store *s, const struct change *c, const char *from, const char *to, struct fb_err *err)
{
    return run(s, err, Q_EVENT, "bissss", id_blob(&c->id), c->now_s, from, to, c->by, c->why);
}

static int add(struct fb_store *s, struct change *c, struct fb_err *err)
{
    const struct fb_hold *h = c->hold;
    struct fb_str fingerprint = {(const char *)h->fingerprint, sizeof h->fingerprint};
    if (run(s, err, Q_ADD, "btitiibb", id_blob(&h->id), h->queue_id, (int64_t)h->state, h->rule, h->created_s, h->deadline_s, fingerprint,
            h->box))
        return -1;
    return event(s, c, "", fb_state_name(h->state), err);
}

int fb_store_add(struct fb_store *s, const struct fb_hold *hold, struct fb_err *err)
{
    assert(hold->state == FB_STATE_pending || hold->state == FB_STATE_advised);
    struct change c = {.hold = hold, .id = hold->id, .now_s = hold->created_s, .by = "milter", .why = "judged"};
    return change(s, add, &c, err);
}

/* FB_STORE_NONE, or 0 with the state. */
static int state_of(struct fb_store *s, struct fb_hold_id id, enum fb_state *ret, struct fb_err *err)
{
    QUERY q = ask(s, err, Q_STATE, "b", id_blob(&id));
    int rc = q ? next(s, q, err) : -1;
    if (rc)
        return rc;
    int64_t state = sqlite3_column_int64(q, 0);
    if (state < 0 || state >= FB_STATES)
        return fb_fail(err, "store %s: a hold is in the unknown state %lld", s->path, (long long)state);
    *ret = (enum fb_state)state;
    return 0;
}

static int adopt(struct fb_store *s, struct change *c, struct fb_err *err)
{
    enum fb_state there;
    int rc = state_of(s, c->id, &there, err);
    return rc == FB_STORE_NONE ? add(s, c, err) : rc ? rc : FB_STORE_STATE;
}

int fb_store_adopt(struct fb_store *s, const struct fb_hold *hold, const char *why, struct fb_err *err)
{
    struct fb_hold held = *hold;
    held.state = FB_STATE_held;
    struct change c = {.hold = &held, .id = hold->id, .now_s = hold->created_s, .by = "keeper", .why = why};
    return change(s, adopt, &c, err);
}

/* A decision ends with the step back to held: what is decided next is decided anew. */
static int step(struct fb_store *s, struct change *c, struct fb_err *err)
{
    enum fb_state now;
    int rc = state_of(s, c->id, &now, err);
    if (rc)
        return rc;
    if (now != c->from)
        return FB_STORE_STATE;
    if (run(s, err, Q_STEP, "bii", id_blob(&c->id), (int64_t)c->to, c->now_s))
        return -1;
    if (!fb_state_open(c->to)) { /* nobody will be told any more */
        s->erased = true;
        if (run(s, err, Q_SENT, "b", id_blob(&c->id)))
            return -1;
    }
    if (c->to == FB_STATE_held && run(s, err, Q_DECIDE, "btib", id_blob(&c->id), FB_STR_NONE, (int64_t)0, FB_STR_NONE))
        return -1;
    return event(s, c, fb_state_name(c->from), fb_state_name(c->to), err);
}

int fb_store_step(struct fb_store *s, struct fb_hold_id id, enum fb_state from, enum fb_state to, int64_t now_s,
                  const char *by, const char *why, struct fb_err *err)
{
    if (!fb_state_step_allowed(from, to))
        return fb_fail(err, "there is no step from %s to %s", fb_state_name(from), fb_state_name(to));
    struct change c = {.id = id, .from = from, .to = to, .now_s = now_s, .by = by, .why = why};
    return change(s, step, &c, err);
}

static int decide(struct fb_store *s, struct change *c, struct fb_err *err)
{
    int rc = step(s, c, err);
    return rc ? rc : run(s, err, Q_DECIDE, "btib", id_blob(&c->id), c->token, (int64_t)c->action, c->key_box);
}

int fb_store_decide(struct fb_store *s, struct fb_hold_id id, int action, struct fb_str token, struct fb_str key_box, int64_t now_s,
                    const char *by, const char *why, struct fb_err *err)
{
    assert(action == ACTION_RELEASE || action == ACTION_WITHDRAW);
    struct change c = {.id = id, .from = FB_STATE_held, .to = action == ACTION_RELEASE ? FB_STATE_releasing : FB_STATE_withdrawing,
                       .now_s = now_s, .by = by, .why = why, .action = action, .token = token, .key_box = key_box};
    return change(s, decide, &c, err);
}

/* An event that is no step: something was done for a hold that stays where it is. */
static int note(struct fb_store *s, struct change *c, enum query which, struct fb_err *err)
{
    enum fb_state now;
    int rc = state_of(s, c->id, &now, err);
    if (rc)
        return rc;
    if (run(s, err, which, "b", id_blob(&c->id)))
        return -1;
    return event(s, c, fb_state_name(now), fb_state_name(now), err);
}

static int notice_ready(struct fb_store *s, struct change *c, struct fb_err *err)
{
    enum fb_state now;
    int rc = state_of(s, c->id, &now, err);
    if (rc)
        return rc;
    if (now != FB_STATE_pending && now != FB_STATE_held && now != FB_STATE_advised)
        return FB_STORE_STATE;
    if (run(s, err, Q_READY, "bbbt", id_blob(&c->id), c->sealed, c->key_box, c->message_id))
        return -1;
    if (sqlite3_changes64(s->db) == 0)
        return FB_STORE_STATE;
    return now == FB_STATE_pending ? step(s, c, err) : 0;
}

int fb_store_notice_ready(struct fb_store *s, struct fb_hold_id id, struct fb_str sealed, struct fb_str key_box,
                          struct fb_str message_id, int64_t now_s, struct fb_err *err)
{
    struct change c = {.id = id, .from = FB_STATE_pending, .to = FB_STATE_held, .now_s = now_s, .by = "keeper",
                       .why = "it is in the hold queue; the notice is ready", .sealed = sealed, .key_box = key_box, .message_id = message_id};
    assert(message_id.n);
    return change(s, notice_ready, &c, err);
}

static int notice_sent(struct fb_store *s, struct change *c, struct fb_err *err)
{
    return note(s, c, Q_SENT, err);
}

int fb_store_notice_sent(struct fb_store *s, struct fb_hold_id id, int64_t now_s, struct fb_err *err)
{
    struct change c = {.id = id, .now_s = now_s, .by = "keeper", .why = "the notice was accepted"};
    s->erased = true;
    return change(s, notice_sent, &c, err);
}

static int copy_sent(struct fb_store *s, struct change *c, struct fb_err *err)
{
    return note(s, c, Q_COPY, err);
}

int fb_store_copy_sent(struct fb_store *s, struct fb_hold_id id, int64_t now_s, struct fb_err *err)
{
    struct change c = {.id = id, .now_s = now_s, .by = "keeper", .why = "the sender's copy was accepted"};
    return change(s, copy_sent, &c, err);
}

/* A set of states as bits, for (?1 >> state) & 1. */
static int64_t states_bits(bool open)
{
    int64_t bits = 0;
    for (int i = 0; i < FB_STATES; i++)
        if (fb_state_open((enum fb_state)i) == open)
            bits |= INT64_C(1) << i;
    return bits;
}

/* Events go with their hold: ON DELETE CASCADE. */
static int forget(struct fb_store *s, struct change *c, struct fb_err *err)
{
    if (run(s, err, Q_FORGET, "ii", states_bits(false), c->now_s))
        return -1;
    c->n = (size_t)sqlite3_changes64(s->db);
    return 0;
}

int fb_store_forget(struct fb_store *s, int64_t before_s, size_t *ret_n, struct fb_err *err)
{
    struct change c = {.now_s = before_s};
    s->erased = true;
    int rc = change(s, forget, &c, err);
    *ret_n = c.n;
    return rc;
}

static int count(struct fb_store *s, struct change *c, struct fb_err *err)
{
    for (size_t i = 0; i < c->n; i++)
        if (run(s, err, Q_COUNT, "tti", c->counts[i].day, c->counts[i].name, c->counts[i].n))
            return -1;
    return 0;
}

int fb_store_count(struct fb_store *s, const struct fb_count *v, size_t n, struct fb_err *err)
{
    struct change c = {.counts = v, .n = n};
    return change(s, count, &c, err);
}

/* --- reading --- */

/* The columns of HOLD_COLUMNS. */
static int hold_columns(struct fb_store *s, sqlite3_stmt *q, struct fb_arena *arena, struct fb_hold *ret, struct fb_err *err)
{
    struct fb_str id, fingerprint;
    struct fb_hold h = {.state = (enum fb_state)sqlite3_column_int(q, 2), .created_s = sqlite3_column_int64(q, 4),
                        .deadline_s = sqlite3_column_int64(q, 5), .changed_s = sqlite3_column_int64(q, 6),
                        .box = FB_STR_NONE, .sealed = FB_STR_NONE, .key_box = FB_STR_NONE,
                        .copy_sent = sqlite3_column_int(q, 9), .action = sqlite3_column_int(q, 11)};
    if (column(q, 0, arena, &id) || column(q, 1, arena, &h.queue_id) || column(q, 3, arena, &h.rule) ||
        column(q, 7, arena, &fingerprint) || column(q, 8, arena, &h.message_id) || column(q, 10, arena, &h.decision))
        return fb_fail_memory(err);
    if (id.n != sizeof h.id.b || fingerprint.n != sizeof h.fingerprint || h.state >= FB_STATES)
        return fb_fail(err, "store %s: a hold is not as it was written", s->path);
    memcpy(h.id.b, id.p, id.n);
    memcpy(h.fingerprint, fingerprint.p, fingerprint.n);
    *ret = h;
    return 0;
}

int fb_store_get(struct fb_store *s, struct fb_hold_id id, struct fb_arena *arena, struct fb_hold *ret, struct fb_err *err)
{
    if (ready(s, err))
        return -1;
    QUERY q = ask(s, err, Q_GET, "b", id_blob(&id));
    int rc = q ? next(s, q, err) : -1;
    if (rc || (rc = hold_columns(s, q, arena, ret, err)))
        return rc;
    if (column(q, 12, arena, &ret->box) || column(q, 13, arena, &ret->sealed) || column(q, 14, arena, &ret->key_box))
        return fb_fail_memory(err);
    return 0;
}

int fb_store_find(struct fb_store *s, struct fb_str queue_id, struct fb_hold_id *ret, struct fb_err *err)
{
    if (ready(s, err))
        return -1;
    QUERY q = ask(s, err, Q_FIND, "t", queue_id);
    int rc = q ? next(s, q, err) : -1;
    if (rc)
        return rc;
    if (sqlite3_column_bytes(q, 0) != sizeof ret->b)
        return fb_fail(err, "store %s: a hold is not as it was written", s->path);
    memcpy(ret->b, sqlite3_column_blob(q, 0), sizeof ret->b);
    return 0;
}

static int list(struct fb_store *s, int64_t states, size_t max, struct fb_arena *arena, struct fb_hold **ret, size_t *ret_n, struct fb_err *err)
{
    if (ready(s, err))
        return -1;
    QUERY q = ask(s, err, Q_LIST, "ii", states, (int64_t)max);
    if (!q)
        return -1;
    struct fb_hold *v = NULL;
    size_t n = 0, cap = 0;
    int rc;
    while ((rc = next(s, q, err)) == 0) {
        if (!(v = fb_arena_grow(arena, v, n, &cap, sizeof *v)))
            return fb_fail_memory(err);
        if (hold_columns(s, q, arena, &v[n++], err))
            return -1;
    }
    if (rc < 0)
        return rc;
    *ret = v, *ret_n = n;
    return 0;
}

int fb_store_list(struct fb_store *s, enum fb_state state, size_t max, struct fb_arena *arena, struct fb_hold **ret, size_t *ret_n, struct fb_err *err)
{
    return list(s, state == FB_STATES ? states_bits(true) : INT64_C(1) << state, max, arena, ret, ret_n, err);
}

int fb_store_list_all(struct fb_store *s, size_t max, struct fb_arena *arena, struct fb_hold **ret, size_t *ret_n, struct fb_err *err)
{
    return list(s, states_bits(true) | states_bits(false), max, arena, ret, ret_n, err);
}

int fb_store_next_deadline(struct fb_store *s, int64_t *ret_s, struct fb_err *err)
{
    if (ready(s, err))
        return -1;
    QUERY q = ask(s, err, Q_DEADLINE, "i", (int64_t)FB_STATE_held);
    if (!q || next(s, q, err))
        return -1;
    *ret_s = sqlite3_column_type(q, 0) == SQLITE_NULL ? INT64_MAX : sqlite3_column_int64(q, 0);
    return 0;
}

static int event_columns(sqlite3_stmt *q, struct fb_arena *arena, struct fb_hold_event *ret)
{
    ret->at_s = sqlite3_column_int64(q, 0);
    return column(q, 1, arena, &ret->from) || column(q, 2, arena, &ret->to) || column(q, 3, arena, &ret->by) ||
           column(q, 4, arena, &ret->why);
}

int fb_store_events(struct fb_store *s, struct fb_hold_id id, struct fb_arena *arena, struct fb_hold_event **ret, size_t *ret_n, struct fb_err *err)
{
    if (ready(s, err))
        return -1;
    QUERY q = ask(s, err, Q_EVENTS, "b", id_blob(&id));
    if (!q)
        return -1;
    struct fb_hold_event *v = NULL;
    size_t n = 0, cap = 0;
    int rc;
    while ((rc = next(s, q, err)) == 0)
        if (!(v = fb_arena_grow(arena, v, n, &cap, sizeof *v)) || event_columns(q, arena, &v[n++]))
            return fb_fail_memory(err);
    if (rc < 0)
        return rc;
    *ret = v, *ret_n = n;
    return n ? 0 : FB_STORE_NONE;
}

static int count_columns(sqlite3_stmt *q, struct fb_arena *arena, struct fb_count *ret)
{
    ret->n = sqlite3_column_int64(q, 2);
    return column(q, 0, arena, &ret->day) || column(q, 1, arena, &ret->name);
}

int fb_store_counts(struct fb_store *s, struct fb_str from_day, struct fb_arena *arena, struct fb_count **ret, size_t *ret_n, struct fb_err *err)
{
    if (ready(s, err))
        return -1;
    QUERY q = ask(s, err, Q_COUNTS, "t", from_day);
    if (!q)
        return -1;
    struct fb_count *v = NULL;
    size_t n = 0, cap = 0;
    int rc;
    while ((rc = next(s, q, err)) == 0)
        if (!(v = fb_arena_grow(arena, v, n, &cap, sizeof *v)) || count_columns(q, arena, &v[n++]))
            return fb_fail_memory(err);
    if (rc < 0)
        return rc;
    *ret = v, *ret_n = n;
    return 0;
}

/* --- identifiers --- */

struct fb_str fb_hold_id_text(struct fb_arena *arena, struct fb_hold_id id)
{
    return fb_b64(arena, id.b, sizeof id.b);
}

bool fb_hold_id_parse(struct fb_str text, struct fb_hold_id *ret)
{
    return text.n == FB_HOLD_ID_TEXT && fb_b64_parse(text, ret->b, sizeof ret->b);
}

bool fb_hold_id_eq(struct fb_hold_id a, struct fb_hold_id b)
{
    return sodium_memcmp(a.b, b.b, sizeof a.b) == 0;
}
