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

enum { FILE_MODE = 0660, ACTION_WITHDRAW = 2 }; /* of enum fb_desk_action; every other one that is decided releases */

/* --- statements --- */

#define HOLD_COLUMNS "id, queue_id, state, rule, created_s, deadline_s, changed_s, fingerprint, message_id, copy_sent, decision, action," \
    " person, owner, thread, opens_s, notice_s, notice_hash, later_hash, later, extended, reminded, wrong, language, asked"
#define HOLD_BLOBS "box, sealed, key_box, later_box"

enum query {
    Q_BEGIN, Q_COMMIT, Q_ROLLBACK, Q_ADD, Q_EVENT, Q_GET, Q_FIND, Q_LIST, Q_DEADLINE, Q_STATE, Q_STEP, Q_DECIDE, Q_READY, Q_SENT, Q_COPY, Q_ASKED,
    Q_FORGET, Q_EVENTS, Q_COUNT, Q_COUNTS, Q_RECENT, Q_SPARED, Q_SPARE, Q_BY_NOTICE, Q_ON_THREAD, Q_POST, Q_POSTS, Q_POST_DONE, Q_HELPED,
    Q_HELP_DONE, Q_WRONG, Q_WRONG_COUNT, Q_LAST_NOTICE, Q_GATHER, Q_ALONE, Q_GATHERED, Q_SENT_EVENTS, Q_LATER, Q_LATER_DONE, Q_CLOSED, Q_FORGET_WHO,
    Q_FORGET_SPARE, Q_FORGET_HELPED, QUERIES
};

static const char *const queries[QUERIES] = {
    [Q_BEGIN] = "BEGIN IMMEDIATE",
    [Q_COMMIT] = "COMMIT",
    [Q_ROLLBACK] = "ROLLBACK",
    [Q_ADD] = "INSERT INTO hold (id, queue_id, state, rule, created_s, deadline_s, changed_s, fingerprint, box,"
              " person, owner, thread, opens_s, language) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?5, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
    [Q_EVENT] = "INSERT INTO event (hold, at_s, was, became, who, why) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    [Q_GET] = "SELECT " HOLD_COLUMNS ", " HOLD_BLOBS " FROM hold WHERE id = ?1",
    [Q_FIND] = "SELECT id FROM hold WHERE queue_id = ?1 ORDER BY created_s DESC, rowid DESC LIMIT 1",
    [Q_LIST] = "SELECT " HOLD_COLUMNS " FROM hold WHERE (?1 >> state) & 1 ORDER BY deadline_s, rowid LIMIT ?2",
    [Q_DEADLINE] = "SELECT ifnull(min(deadline_s), ?2) FROM hold WHERE state = ?1",
    [Q_STATE] = "SELECT state FROM hold WHERE id = ?1",
    [Q_STEP] = "UPDATE hold SET state = ?2, changed_s = ?3 WHERE id = ?1",
    /* As long as the box is there, the notice is owed, and with it the key. */
    [Q_DECIDE] = "UPDATE hold SET decision = ?2, action = ?3, key_box = iif(box IS NULL, ?4, key_box), copy_sent = 0, asked = 0 WHERE id = ?1",
    [Q_READY] = "UPDATE hold SET sealed = ?2, key_box = ?3, message_id = ?4, notice_hash = ?5, notice_s = ?6 WHERE id = ?1 AND notice_s = 0",
    [Q_SENT] = "UPDATE hold SET box = NULL, key_box = NULL, message_id = NULL WHERE id = ?1 OR (message_id = (SELECT message_id FROM hold"
               " WHERE id = ?1) AND later = 0)",
    [Q_SENT_EVENTS] = "SELECT id, state FROM hold WHERE id = ?1 OR (message_id = (SELECT message_id FROM hold WHERE id = ?1) AND later = 0)",
    [Q_COPY] = "UPDATE hold SET copy_sent = 1 WHERE id = ?1",
    [Q_ASKED] = "UPDATE hold SET asked = 1 WHERE id = ?1",
    [Q_FORGET] = "DELETE FROM hold WHERE (?1 >> state) & 1 AND changed_s < ?2",
    [Q_EVENTS] = "SELECT at_s, was, became, who, why FROM event WHERE hold = ?1 ORDER BY seq",
    [Q_COUNT] = "INSERT INTO count (day, name, n) VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET n = n + excluded.n",
    [Q_COUNTS] = "SELECT day, name, n FROM count WHERE day >= ifnull(?1, '') ORDER BY day, name",
    [Q_RECENT] = "SELECT count(*) FROM hold WHERE person = ?1 AND created_s >= ?2",
    [Q_SPARED] = "SELECT rule FROM spare WHERE person = ?1 AND thread = ?2 AND until_s > ?3",
    [Q_SPARE] = "INSERT INTO spare (person, thread, rule, until_s) VALUES (?1, ?2, ifnull(?3, ''), ?4)"
                " ON CONFLICT DO UPDATE SET until_s = max(until_s, excluded.until_s)",
    [Q_BY_NOTICE] = "SELECT id FROM hold WHERE notice_hash = ?1 OR later_hash = ?1 LIMIT 1",
    [Q_ON_THREAD] = "SELECT " HOLD_COLUMNS " FROM hold WHERE thread = ?1 AND person IS NOT ?2 AND (?3 >> state) & 1"
                    " ORDER BY created_s, rowid LIMIT ?4",
    [Q_POST] = "INSERT INTO post (kind, at_s, hold, action, message_id, owner, box)"
               " VALUES (?1, ?2, ?3, ?4, ifnull(?5, ''), ifnull(?6, x''), ifnull(?7, x''))",
    [Q_POSTS] = "SELECT seq, kind, at_s, hold, action, message_id, owner, box FROM post ORDER BY seq LIMIT ?1",
    [Q_POST_DONE] = "DELETE FROM post WHERE seq = ?1",
    [Q_HELPED] = "SELECT count(*) FROM helped WHERE person = ?1 AND at_s >= ?2",
    [Q_HELP_DONE] = "INSERT INTO helped (person, at_s) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET at_s = excluded.at_s",
    [Q_WRONG] = "UPDATE hold SET wrong = 1 WHERE id = ?1 AND wrong = 0",
    [Q_WRONG_COUNT] = "INSERT INTO count (day, name, n) SELECT date(?2, 'unixepoch'), 'wrong.' || rule, 1 FROM hold WHERE id = ?1"
                      " ON CONFLICT DO UPDATE SET n = n + excluded.n",
    [Q_LAST_NOTICE] = "SELECT ifnull(max(notice_s), 0) FROM hold WHERE person = ?1",
    [Q_GATHER] = "UPDATE hold SET message_id = ?2, notice_s = ?3, notice_hash = NULL WHERE id IN (SELECT id FROM hold WHERE message_id IS NULL"
                 " AND key_box IS NOT NULL AND state = ?4 AND (id = ?1 OR person = (SELECT person FROM hold WHERE id = ?1))"
                 " ORDER BY id <> ?1, created_s, rowid LIMIT ?5)",
    [Q_ALONE] = "UPDATE hold SET notice_hash = ?2 WHERE id = ?1",
    [Q_GATHERED] = "SELECT " HOLD_COLUMNS ", " HOLD_BLOBS " FROM hold WHERE message_id = ?1 AND later = 0 AND state = ?2 AND key_box IS NOT NULL"
                   " ORDER BY created_s, rowid",
    [Q_LATER] = "UPDATE hold SET later = ?2, deadline_s = ?3, message_id = ?4, later_box = ?5, later_hash = ?6, extended = extended OR ?2 = 1,"
                " reminded = reminded OR ?2 = 2 WHERE id = ?1 AND notice_s > 0 AND key_box IS NULL AND later = 0"
                " AND NOT iif(?2 = 1, extended, reminded)",
    [Q_LATER_DONE] = "UPDATE hold SET later = 0, message_id = NULL, later_box = NULL WHERE id = ?1",
    [Q_CLOSED] = "UPDATE hold SET box = NULL, key_box = NULL, message_id = NULL, later = 0, later_box = NULL WHERE id = ?1",
    [Q_FORGET_WHO] = "UPDATE hold SET queue_id = '', fingerprint = zeroblob(32), person = NULL, owner = NULL, thread = NULL, sealed = NULL,"
                     " notice_hash = NULL, later_hash = NULL, decision = NULL, language = NULL WHERE (?1 >> state) & 1 AND changed_s < ?2 AND queue_id <> ''",
    [Q_FORGET_SPARE] = "DELETE FROM spare WHERE until_s <= ?1",
    [Q_FORGET_HELPED] = "DELETE FROM helped WHERE at_s < ?1",
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

/* All zero: none. */
static struct fb_str hash_blob(const uint8_t hash[FB_HASH])
{
    return sodium_is_zero(hash, FB_HASH) ? FB_STR_NONE : (struct fb_str){(const char *)hash, FB_HASH};
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
    int64_t notice_s, until_s, seq; /* until_s: its new deadline; the end of being spared; before when it is forgotten */
    enum fb_later_mail mail;
    const struct fb_post *post;
    const uint8_t *person, *thread;
    struct fb_str rule;
    const struct fb_count *counts;
    const struct fb_hold_id *ids;
    size_t n; /* counts; ids; how many were forgotten */
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
    if (run(s, err, Q_ADD, "btitiibbbbbit", id_blob(&h->id), h->queue_id, (int64_t)h->state, h->rule, h->created_s, h->deadline_s, fingerprint,
            h->box, hash_blob(h->person), hash_blob(h->owner), hash_blob(h->thread), h->opens_s, h->language))
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
        if (run(s, err, Q_CLOSED, "b", id_blob(&c->id)))
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
    assert(action > 0);
    struct change c = {.id = id, .from = FB_STATE_held, .to = action == ACTION_WITHDRAW ? FB_STATE_withdrawing : FB_STATE_releasing,
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
    uint8_t hash[FB_HASH] = {0};
    if (c->message_id.n)
        fb_message_id_hash(c->message_id, hash);
    if (run(s, err, Q_READY, "bbbtbi", id_blob(&c->id), c->sealed, c->key_box, c->message_id, hash_blob(hash), c->notice_s))
        return -1;
    if (sqlite3_changes64(s->db) == 0)
        return FB_STORE_STATE;
    return now == FB_STATE_pending ? step(s, c, err) : 0;
}

int fb_store_notice_ready(struct fb_store *s, struct fb_hold_id id, struct fb_str sealed, struct fb_str key_box,
                          struct fb_str message_id, int64_t notice_s, int64_t now_s, struct fb_err *err)
{
    struct change c = {.id = id, .from = FB_STATE_pending, .to = FB_STATE_held, .now_s = now_s, .by = "keeper",
                       .why = "it is in the hold queue; the notice is ready", .sealed = sealed, .key_box = key_box, .message_id = message_id,
                       .notice_s = notice_s};
    assert(notice_s > 0);
    return change(s, notice_ready, &c, err);
}

/* One that stays alone is a notice like any other, which can be answered by mail. */
static int gather(struct fb_store *s, struct change *c, struct fb_err *err)
{
    enum fb_state now;
    uint8_t hash[FB_HASH];
    int rc = state_of(s, c->id, &now, err);
    if (rc)
        return rc;
    if (run(s, err, Q_GATHER, "btiii", id_blob(&c->id), c->message_id, c->now_s, (int64_t)FB_STATE_held, (int64_t)FB_GATHER_MAX))
        return -1;
    int64_t n = sqlite3_changes64(s->db);
    fb_message_id_hash(c->message_id, hash);
    if (n == 1)
        rc = run(s, err, Q_ALONE, "bb", id_blob(&c->id), hash_blob(hash));
    return n ? rc : FB_STORE_STATE;
}

int fb_store_gather(struct fb_store *s, struct fb_hold_id id, struct fb_str message_id, int64_t now_s, struct fb_err *err)
{
    struct change c = {.id = id, .message_id = message_id, .now_s = now_s};
    return change(s, gather, &c, err);
}

/* The events first: which holds have the same notice is no longer known once it is sent. */
static int sent_events(struct fb_store *s, struct change *c, struct fb_err *err)
{
    QUERY q = ask(s, err, Q_SENT_EVENTS, "b", id_blob(&c->id));
    int rc = q ? 0 : -1;
    size_t n = 0;
    for (struct change one = *c; rc == 0 && (rc = next(s, q, err)) == 0; n++) {
        int state = sqlite3_column_int(q, 1);
        if (sqlite3_column_bytes(q, 0) != sizeof one.id.b || state < 0 || state >= FB_STATES)
            return fb_fail(err, "store %s: a hold is not as it was written", s->path);
        memcpy(one.id.b, sqlite3_column_blob(q, 0), sizeof one.id.b);
        rc = event(s, &one, fb_state_name((enum fb_state)state), fb_state_name((enum fb_state)state), err);
    }
    return rc < 0 ? -1 : n ? 0 : FB_STORE_NONE;
}

static int notice_sent(struct fb_store *s, struct change *c, struct fb_err *err)
{
    int rc = sent_events(s, c, err);
    return rc ? rc : run(s, err, Q_SENT, "b", id_blob(&c->id));
}

int fb_store_notice_sent(struct fb_store *s, struct fb_hold_id id, int64_t now_s, struct fb_err *err)
{
    struct change c = {.id = id, .now_s = now_s, .by = "keeper", .why = "the notice was accepted"};
    s->erased = true;
    return change(s, notice_sent, &c, err);
}

static int later(struct fb_store *s, struct change *c, struct fb_err *err)
{
    enum fb_state now;
    uint8_t hash[FB_HASH];
    int rc = state_of(s, c->id, &now, err);
    if (rc || now != FB_STATE_held)
        return rc ? rc : FB_STORE_STATE;
    fb_message_id_hash(c->message_id, hash);
    if (run(s, err, Q_LATER, "biitbb", id_blob(&c->id), (int64_t)c->mail, c->until_s, c->message_id, c->sealed, hash_blob(hash)))
        return -1;
    return sqlite3_changes64(s->db) ? event(s, c, fb_state_name(now), fb_state_name(now), err) : FB_STORE_STATE;
}

int fb_store_later(struct fb_store *s, struct fb_hold_id id, enum fb_later_mail mail, int64_t deadline_s, struct fb_str message_id,
                   struct fb_str box, int64_t now_s, struct fb_err *err)
{
    struct change c = {.id = id, .mail = mail, .until_s = deadline_s, .message_id = message_id, .sealed = box, .now_s = now_s, .by = "keeper",
                       .why = mail == FB_LATER_MOVED ? "the thread moved; the wait begins anew" : "its sender is reminded"};
    return change(s, later, &c, err);
}

static int later_done(struct fb_store *s, struct change *c, struct fb_err *err)
{
    return note(s, c, Q_LATER_DONE, err);
}

int fb_store_later_done(struct fb_store *s, struct fb_hold_id id, int64_t now_s, const char *why, struct fb_err *err)
{
    struct change c = {.id = id, .now_s = now_s, .by = "keeper", .why = why};
    s->erased = true;
    return change(s, later_done, &c, err);
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

static int asked(struct fb_store *s, struct change *c, struct fb_err *err)
{
    int rc = 0;
    for (size_t i = 0; i < c->n && !rc; i++) {
        c->id = c->ids[i];
        rc = note(s, c, Q_ASKED, err);
    }
    return rc;
}

int fb_store_asked(struct fb_store *s, const struct fb_hold_id *ids, size_t n, int64_t now_s, struct fb_err *err)
{
    struct change c = {.ids = ids, .n = n, .now_s = now_s, .by = "keeper", .why = "the MTA is asked to release it"};
    return n ? change(s, asked, &c, err) : 0;
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

static int forget_who(struct fb_store *s, struct change *c, struct fb_err *err)
{
    if (run(s, err, Q_FORGET_WHO, "ii", states_bits(false), c->until_s))
        return -1;
    c->n = (size_t)sqlite3_changes64(s->db);
    return run(s, err, Q_FORGET_SPARE, "i", c->now_s) || run(s, err, Q_FORGET_HELPED, "i", c->until_s) ? -1 : 0;
}

int fb_store_forget_who(struct fb_store *s, int64_t before_s, int64_t now_s, size_t *ret_n, struct fb_err *err)
{
    struct change c = {.until_s = before_s, .now_s = now_s};
    s->erased = true;
    int rc = change(s, forget_who, &c, err);
    *ret_n = c.n;
    return rc;
}

static int spare(struct fb_store *s, struct change *c, struct fb_err *err)
{
    return run(s, err, Q_SPARE, "bbti", hash_blob(c->person), hash_blob(c->thread), c->rule, c->until_s);
}

int fb_store_spare(struct fb_store *s, const uint8_t person[FB_HASH], const uint8_t thread[FB_HASH], struct fb_str rule, int64_t until_s,
                   struct fb_err *err)
{
    struct change c = {.person = person, .thread = thread, .rule = rule, .until_s = until_s};
    return hash_blob(person).n && hash_blob(thread).n ? change(s, spare, &c, err) : 0;
}

static int wrong(struct fb_store *s, struct change *c, struct fb_err *err)
{
    enum fb_state now;
    int rc = state_of(s, c->id, &now, err);
    if (rc || (rc = run(s, err, Q_WRONG, "b", id_blob(&c->id))))
        return rc;
    return sqlite3_changes64(s->db) ? run(s, err, Q_WRONG_COUNT, "bi", id_blob(&c->id), c->now_s) : FB_STORE_STATE;
}

int fb_store_wrong(struct fb_store *s, struct fb_hold_id id, int64_t now_s, struct fb_err *err)
{
    struct change c = {.id = id, .now_s = now_s};
    return change(s, wrong, &c, err);
}

/* --- letters to the keeper --- */

static int post(struct fb_store *s, struct change *c, struct fb_err *err)
{
    const struct fb_post *p = c->post;
    return run(s, err, Q_POST, "iibitbb", (int64_t)p->kind, p->at_s, id_blob(&p->hold), (int64_t)p->action, p->message_id, hash_blob(p->owner),
               p->box);
}

/* The keeper watches the folder; where the touch is lost it looks within seconds all the same. */
int fb_store_post(struct fb_store *s, const struct fb_post *letter, struct fb_err *err)
{
    char markers[PATH_MAX];
    struct change c = {.post = letter};
    int rc = change(s, post, &c, err);
    snprintf(markers, sizeof markers, "%s/markers", s->dir);
    if (rc == 0)
        (void)!utimensat(AT_FDCWD, markers, NULL, 0);
    return rc;
}

static int post_done(struct fb_store *s, struct change *c, struct fb_err *err)
{
    if (c->person && run(s, err, Q_HELP_DONE, "bi", hash_blob(c->person), c->now_s))
        return -1;
    return run(s, err, Q_POST_DONE, "i", c->seq);
}

int fb_store_post_done(struct fb_store *s, int64_t seq, struct fb_err *err)
{
    struct change c = {.seq = seq};
    s->erased = true;
    return change(s, post_done, &c, err);
}

int fb_store_help_done(struct fb_store *s, int64_t seq, const uint8_t person[FB_HASH], int64_t now_s, struct fb_err *err)
{
    struct change c = {.seq = seq, .person = person, .now_s = now_s};
    s->erased = true;
    return change(s, post_done, &c, err);
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

/* NULL is all zero. */
static int hash_column(sqlite3_stmt *q, int at, uint8_t ret[FB_HASH])
{
    int n = sqlite3_column_bytes(q, at);
    memset(ret, 0, FB_HASH);
    if (n == FB_HASH)
        memcpy(ret, sqlite3_column_blob(q, at), FB_HASH);
    return n == 0 || n == FB_HASH ? 0 : -1;
}

static int hash_columns(sqlite3_stmt *q, struct fb_hold *h)
{
    return hash_column(q, 7, h->fingerprint) || hash_column(q, 12, h->person) || hash_column(q, 13, h->owner) ||
           hash_column(q, 14, h->thread) || hash_column(q, 17, h->notice_hash) || hash_column(q, 18, h->later_hash);
}

/* The columns of HOLD_COLUMNS. */
static int hold_columns(struct fb_store *s, sqlite3_stmt *q, struct fb_arena *arena, struct fb_hold *ret, struct fb_err *err)
{
    struct fb_str id;
    struct fb_hold h = {.state = (enum fb_state)sqlite3_column_int(q, 2), .created_s = sqlite3_column_int64(q, 4),
                        .deadline_s = sqlite3_column_int64(q, 5), .changed_s = sqlite3_column_int64(q, 6),
                        .box = FB_STR_NONE, .sealed = FB_STR_NONE, .key_box = FB_STR_NONE, .later_box = FB_STR_NONE,
                        .copy_sent = sqlite3_column_int(q, 9), .action = sqlite3_column_int(q, 11),
                        .opens_s = sqlite3_column_int64(q, 15), .notice_s = sqlite3_column_int64(q, 16),
                        .later = (enum fb_later_mail)sqlite3_column_int(q, 19), .extended = sqlite3_column_int(q, 20),
                        .reminded = sqlite3_column_int(q, 21), .wrong = sqlite3_column_int(q, 22),
                        .asked = sqlite3_column_int(q, 24)};
    if (column(q, 0, arena, &id) || column(q, 1, arena, &h.queue_id) || column(q, 3, arena, &h.rule) ||
        column(q, 8, arena, &h.message_id) || column(q, 10, arena, &h.decision) || column(q, 23, arena, &h.language))
        return fb_fail_memory(err);
    if (id.n != sizeof h.id.b || hash_columns(q, &h) || h.state >= FB_STATES || h.later > FB_LATER_REMINDER)
        return fb_fail(err, "store %s: a hold is not as it was written", s->path);
    memcpy(h.id.b, id.p, id.n);
    *ret = h;
    return 0;
}

/* The columns of HOLD_BLOBS, behind them. */
static int blob_columns(sqlite3_stmt *q, struct fb_arena *arena, struct fb_hold *ret)
{
    return column(q, 25, arena, &ret->box) || column(q, 26, arena, &ret->sealed) || column(q, 27, arena, &ret->key_box) ||
           column(q, 28, arena, &ret->later_box);
}

int fb_store_get(struct fb_store *s, struct fb_hold_id id, struct fb_arena *arena, struct fb_hold *ret, struct fb_err *err)
{
    if (ready(s, err))
        return -1;
    QUERY q = ask(s, err, Q_GET, "b", id_blob(&id));
    int rc = q ? next(s, q, err) : -1;
    if (rc || (rc = hold_columns(s, q, arena, ret, err)))
        return rc;
    return blob_columns(q, arena, ret) ? fb_fail_memory(err) : 0;
}

/* The id in the one row of @q, if there is one. */
static int one_id(struct fb_store *s, sqlite3_stmt *q, struct fb_hold_id *ret, struct fb_err *err)
{
    int rc = q ? next(s, q, err) : -1;
    if (rc)
        return rc;
    if (sqlite3_column_bytes(q, 0) != sizeof ret->b)
        return fb_fail(err, "store %s: a hold is not as it was written", s->path);
    memcpy(ret->b, sqlite3_column_blob(q, 0), sizeof ret->b);
    return 0;
}

int fb_store_find(struct fb_store *s, struct fb_str queue_id, struct fb_hold_id *ret, struct fb_err *err)
{
    if (ready(s, err))
        return -1;
    QUERY q = ask(s, err, Q_FIND, "t", queue_id);
    return one_id(s, q, ret, err);
}

int fb_store_by_notice(struct fb_store *s, const uint8_t hash[FB_HASH], struct fb_hold_id *ret, struct fb_err *err)
{
    if (ready(s, err))
        return -1;
    QUERY q = ask(s, err, Q_BY_NOTICE, "b", hash_blob(hash));
    return one_id(s, q, ret, err);
}

/* The holds of @q, with their blobs or without. */
static int rows(struct fb_store *s, sqlite3_stmt *q, bool blobs, struct fb_arena *arena, struct fb_hold **ret, size_t *ret_n, struct fb_err *err)
{
    struct fb_hold *v = NULL;
    size_t n = 0, cap = 0;
    int rc = q ? 0 : -1;
    while (rc == 0 && (rc = next(s, q, err)) == 0) {
        if (!(v = fb_arena_grow(arena, v, n, &cap, sizeof *v)))
            return fb_fail_memory(err);
        if (hold_columns(s, q, arena, &v[n], err))
            return -1;
        if (blobs && blob_columns(q, arena, &v[n]))
            return fb_fail_memory(err);
        n++;
    }
    *ret = v, *ret_n = n;
    return rc < 0 ? -1 : 0;
}

static int list(struct fb_store *s, int64_t states, size_t max, struct fb_arena *arena, struct fb_hold **ret, size_t *ret_n, struct fb_err *err)
{
    if (ready(s, err))
        return -1;
    QUERY q = ask(s, err, Q_LIST, "ii", states, (int64_t)max);
    return rows(s, q, false, arena, ret, ret_n, err);
}

int fb_store_on_thread(struct fb_store *s, const uint8_t thread[FB_HASH], const uint8_t not_person[FB_HASH], size_t max, struct fb_arena *arena,
                       struct fb_hold **ret, size_t *ret_n, struct fb_err *err)
{
    if (ready(s, err))
        return -1;
    QUERY q = ask(s, err, Q_ON_THREAD, "bbii", hash_blob(thread), hash_blob(not_person), states_bits(true), (int64_t)max);
    return rows(s, q, false, arena, ret, ret_n, err);
}

int fb_store_gathered(struct fb_store *s, struct fb_str message_id, struct fb_arena *arena, struct fb_hold **ret, size_t *ret_n, struct fb_err *err)
{
    if (ready(s, err))
        return -1;
    QUERY q = ask(s, err, Q_GATHERED, "ti", message_id, (int64_t)FB_STATE_held);
    return rows(s, q, true, arena, ret, ret_n, err);
}

int fb_store_list(struct fb_store *s, enum fb_state state, size_t max, struct fb_arena *arena, struct fb_hold **ret, size_t *ret_n, struct fb_err *err)
{
    return list(s, state == FB_STATES ? states_bits(true) : INT64_C(1) << state, max, arena, ret, ret_n, err);
}

int fb_store_list_all(struct fb_store *s, size_t max, struct fb_arena *arena, struct fb_hold **ret, size_t *ret_n, struct fb_err *err)
{
    return list(s, states_bits(true) | states_bits(false), max, arena, ret, ret_n, err);
}

/* The number in the one row of @q. */
static int one_number(struct fb_store *s, sqlite3_stmt *q, int64_t *ret, struct fb_err *err)
{
    if (!q || next(s, q, err))
        return -1;
    *ret = sqlite3_column_int64(q, 0);
    return 0;
}

int fb_store_next_deadline(struct fb_store *s, int64_t *ret_s, struct fb_err *err)
{
    if (ready(s, err))
        return -1;
    QUERY q = ask(s, err, Q_DEADLINE, "ii", (int64_t)FB_STATE_held, INT64_MAX);
    return one_number(s, q, ret_s, err);
}

int fb_store_last_notice(struct fb_store *s, const uint8_t person[FB_HASH], int64_t *ret_s, struct fb_err *err)
{
    if (ready(s, err))
        return -1;
    QUERY q = ask(s, err, Q_LAST_NOTICE, "b", hash_blob(person));
    return one_number(s, q, ret_s, err);
}

int fb_store_recent(struct fb_store *s, const uint8_t person[FB_HASH], int64_t since_s, size_t *ret_n, struct fb_err *err)
{
    int64_t n = 0;
    if (ready(s, err))
        return -1;
    QUERY q = ask(s, err, Q_RECENT, "bi", hash_blob(person), since_s);
    int rc = one_number(s, q, &n, err);
    *ret_n = (size_t)n;
    return rc;
}

int fb_store_spared(struct fb_store *s, const uint8_t person[FB_HASH], const uint8_t thread[FB_HASH], int64_t now_s, struct fb_arena *arena,
                    struct fb_str **ret, size_t *ret_n, struct fb_err *err)
{
    if (ready(s, err))
        return -1;
    QUERY q = ask(s, err, Q_SPARED, "bbi", hash_blob(person), hash_blob(thread), now_s);
    struct fb_str *v = NULL;
    size_t n = 0, cap = 0;
    int rc = q ? 0 : -1;
    while (rc == 0 && (rc = next(s, q, err)) == 0)
        if (!(v = fb_arena_grow(arena, v, n, &cap, sizeof *v)) || column(q, 0, arena, &v[n++]))
            return fb_fail_memory(err);
    *ret = v, *ret_n = n;
    return rc < 0 ? -1 : 0;
}

int fb_store_helped(struct fb_store *s, const uint8_t person[FB_HASH], int64_t since_s, bool *ret, struct fb_err *err)
{
    int64_t n = 0;
    if (ready(s, err))
        return -1;
    QUERY q = ask(s, err, Q_HELPED, "bi", hash_blob(person), since_s);
    int rc = one_number(s, q, &n, err);
    *ret = n > 0;
    return rc;
}

static int post_columns(sqlite3_stmt *q, struct fb_arena *arena, struct fb_post *ret)
{
    *ret = (struct fb_post){.seq = sqlite3_column_int64(q, 0), .kind = (enum fb_post_kind)sqlite3_column_int(q, 1),
                            .at_s = sqlite3_column_int64(q, 2), .action = sqlite3_column_int(q, 4)};
    if (sqlite3_column_bytes(q, 3) == sizeof ret->hold.b)
        memcpy(ret->hold.b, sqlite3_column_blob(q, 3), sizeof ret->hold.b);
    hash_column(q, 6, ret->owner);
    return column(q, 5, arena, &ret->message_id) || column(q, 7, arena, &ret->box);
}

int fb_store_posts(struct fb_store *s, size_t max, struct fb_arena *arena, struct fb_post **ret, size_t *ret_n, struct fb_err *err)
{
    if (ready(s, err))
        return -1;
    QUERY q = ask(s, err, Q_POSTS, "i", (int64_t)max);
    struct fb_post *v = NULL;
    size_t n = 0, cap = 0;
    int rc = q ? 0 : -1;
    while (rc == 0 && (rc = next(s, q, err)) == 0)
        if (!(v = fb_arena_grow(arena, v, n, &cap, sizeof *v)) || post_columns(q, arena, &v[n++]))
            return fb_fail_memory(err);
    *ret = v, *ret_n = n;
    return rc < 0 ? -1 : 0;
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
