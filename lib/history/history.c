/* The history on SQLite. Decides which numbers stand for what, and what a thread is: all mails that refer to one another,
 * named by the first that was met. It must never write anything readable, never wait (a lock that is not free is a
 * failure, and the caller then knows nothing), and never touch the store.
 *
 * A mail's readers are hashed together with their thread, and two who write alone together. Whoever has the file sees how many
 * threads there were and when, how many mails each had, and how many pairs wrote to each other; whoever has the key too can
 * test a guess, as with any hash.
 *
 * synchronous=NORMAL: a power cut may lose the last seconds, never the file.
 *
 * DIAGNOSTICS: a failure names the file and says what SQLite says, which is never text of a message. */
#include "history/history.h"

#include <errno.h>
#include <sodium.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "history/schema.h"

_Static_assert(FB_HISTORY_KEY == crypto_generichash_KEYBYTES, "BLAKE2b");

#define FILE_NAME "history.db"

enum { HOUR_S = 3600 };

/* ---- numbers ---- */

/* Each kind has numbers of its own. */
enum kind { MESSAGE = 'm', ADDRESS = 'a', READER = 'r', PAIR = 'p', PAIR_THREAD = 't' };

static uint64_t hash(const uint8_t key[FB_HISTORY_KEY], enum kind kind, const void *p, size_t n)
{
    crypto_generichash_state state;
    uint8_t full[crypto_generichash_BYTES_MIN];
    uint8_t tag = (uint8_t)kind;
    uint64_t ret;
    crypto_generichash_init(&state, key, FB_HISTORY_KEY, sizeof full);
    crypto_generichash_update(&state, &tag, 1);
    crypto_generichash_update(&state, p, n);
    crypto_generichash_final(&state, full, sizeof full);
    memcpy(&ret, full, sizeof ret);
    return ret;
}

static uint64_t hash_text(const uint8_t *key, enum kind kind, struct fb_str s)
{
    return hash(key, kind, s.p, s.n);
}

static uint64_t hash_two(const uint8_t *key, enum kind kind, uint64_t a, uint64_t b)
{
    const uint64_t both[2] = {a, b};
    return hash(key, kind, both, sizeof both);
}

/* Of two addresses, in whichever order. */
static uint64_t hash_pair(const uint8_t *key, uint64_t a, uint64_t b)
{
    return a < b ? hash_two(key, PAIR, a, b) : hash_two(key, PAIR, b, a);
}

/* What a thread is called in the row of a pair, so that it does not tell which thread it was. */
static int64_t hash_pair_thread(const uint8_t *key, uint64_t pair, int64_t thread)
{
    return (int64_t)hash_two(key, PAIR_THREAD, pair, (uint64_t)thread);
}

void fb_history_key_new(uint8_t ret[FB_HISTORY_KEY])
{
    randombytes_buf(ret, FB_HISTORY_KEY);
}

/* ---- packing ---- */

/* Stands on a thread for readers who were too many to be learned one by one: then nobody is new on it. */
static const struct fb_str anybody = FB_STR_INIT("");

/* A note: these words, then the references, then author and readers. */
enum { AT_COUNTS, AT_SENT, AT_ID, HEAD };

/* Counts in one word, so that a note is numbers alone. */
struct counts {
    uint16_t references, addressed, readers; /* readers: the author too, who is the first and addressed */
    uint8_t inside, alone;
};
_Static_assert(sizeof(struct counts) == sizeof(uint64_t), "counts are one word");

static size_t pack_references(uint64_t *v, const uint8_t *key, const struct fb_history_mail *m)
{
    size_t n = 0, skip = m->references_n > FB_HISTORY_REFERENCES ? m->references_n - FB_HISTORY_REFERENCES : 0;
    for (size_t i = 0; i < m->references_n; i += i == 0 ? 1 + skip : 1)
        v[n++] = hash_text(key, MESSAGE, m->references[i]);
    if (m->in_reply_to.n)
        v[n++] = hash_text(key, MESSAGE, m->in_reply_to);
    return n;
}

void fb_history_pack(const uint8_t key[FB_HISTORY_KEY], const struct fb_history_mail *m, struct fb_history_note *ret)
{
    size_t readers = m->readers_n < FB_HISTORY_READERS ? m->readers_n : FB_HISTORY_READERS;
    size_t addressed = m->addressed_n < readers ? m->addressed_n : readers;
    bool more = m->more || readers < m->readers_n;
    struct counts c = {.references = (uint16_t)pack_references(ret->v + HEAD, key, m), .addressed = (uint16_t)(addressed + 1),
                       .readers = (uint16_t)(1 + readers + more), .inside = m->author_inside, .alone = m->alone};
    memcpy(&ret->v[AT_COUNTS], &c, sizeof c);
    ret->v[AT_SENT] = (uint64_t)m->sent_s;
    ret->v[AT_ID] = m->id.n ? hash_text(key, MESSAGE, m->id) : 0;
    uint64_t *people = ret->v + HEAD + c.references;
    people[0] = hash_text(key, ADDRESS, m->author);
    for (size_t i = 0; i < readers; i++)
        people[1 + i] = hash_text(key, ADDRESS, m->readers[i]);
    if (more)
        people[1 + readers] = hash_text(key, ADDRESS, anybody);
    ret->n = HEAD + c.references + c.readers;
}

/* ---- statements ---- */

enum query { BEGIN_READ, BEGIN_WRITE, COMMIT, FIND_MAIL, PUT_MAIL, FIND_READER, PUT_READER, FIND_ALONE, PUT_ALONE, FORGET_MAIL,
             FORGET_READER, FORGET_ALONE, QUERIES };

static const char *const queries[QUERIES] = {
    [BEGIN_READ] = "BEGIN",
    [BEGIN_WRITE] = "BEGIN IMMEDIATE",
    [COMMIT] = "COMMIT",
    [FIND_MAIL] = "SELECT thread, sent_s, inside FROM mail WHERE id = ?1",
    [PUT_MAIL] = "INSERT INTO mail (id, hour, thread, sent_s, inside) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO UPDATE SET hour = excluded.hour,"
                 " sent_s = ifnull(sent_s, excluded.sent_s), inside = ifnull(inside, excluded.inside)",
    [FIND_READER] = "SELECT addressed FROM reader WHERE id = ?1",
    [PUT_READER] = "INSERT INTO reader (id, hour, addressed) VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET hour = excluded.hour,"
                   " addressed = max(addressed, excluded.addressed)",
    [FIND_ALONE] = "SELECT 1 FROM alone WHERE id = ?1 AND ((thread <> ?2 AND hour >= ?3) OR (other <> ?2 AND other_hour >= ?3))",
    [PUT_ALONE] = "INSERT INTO alone (id, hour, thread) VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET hour = excluded.hour, thread = excluded.thread,"
                  " other_hour = iif(thread = excluded.thread, other_hour, hour), other = iif(thread = excluded.thread, other, thread)",
    [FORGET_MAIL] = "DELETE FROM mail WHERE id BETWEEN ?1 AND ?2 AND hour < ?3",
    [FORGET_READER] = "DELETE FROM reader WHERE id BETWEEN ?1 AND ?2 AND hour < ?3",
    [FORGET_ALONE] = "DELETE FROM alone WHERE id BETWEEN ?1 AND ?2 AND hour < ?3",
};

struct fb_history {
    char *path;
    sqlite3 *db;
    sqlite3_stmt *stmt[QUERIES];
    uint8_t key[FB_HISTORY_KEY];
    int fault; /* of the last call: 0, or what it returned, with */
    struct fb_err why;
};

int fb_history_fault(const struct fb_history *h, struct fb_err *err)
{
    if (h->fault)
        fb_err_set(err, "%s", h->why.text);
    return h->fault;
}

static int fail(struct fb_history *h, struct fb_err *err)
{
    int code = sqlite3_errcode(h->db) & 0xff;
    h->fault = fb_fail(&h->why, "history %s: %s", h->path, sqlite3_errmsg(h->db));
    if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB)
        h->fault = FB_HISTORY_DAMAGED;
    return fb_history_fault(h, err);
}

/* A statement with its numbers, of which there are as many as it has parameters; INT64_MIN is NULL. */
static int prepared(struct fb_history *h, enum query which, const int64_t *v, size_t n, struct fb_err *err)
{
    sqlite3_stmt **q = &h->stmt[which];
    if (!*q && sqlite3_prepare_v3(h->db, queries[which], -1, SQLITE_PREPARE_PERSISTENT, q, NULL) != SQLITE_OK)
        return fail(h, err);
    for (size_t i = 0; i < n; i++)
        if ((v[i] == INT64_MIN ? sqlite3_bind_null(*q, (int)i + 1) : sqlite3_bind_int64(*q, (int)i + 1, v[i])) != SQLITE_OK)
            return fail(h, err);
    return 0;
}

/* Up to @columns numbers of the one row that it gives; *@found is false where there is none. NULL is INT64_MIN. */
static int find(struct fb_history *h, enum query which, const int64_t *v, size_t n, int64_t *row, size_t columns, bool *found, struct fb_err *err)
{
    int rc = prepared(h, which, v, n, err);
    if (rc)
        return rc;
    sqlite3_stmt *q = h->stmt[which];
    int code = sqlite3_step(q);
    *found = code == SQLITE_ROW;
    for (size_t i = 0; *found && i < columns; i++)
        row[i] = sqlite3_column_type(q, (int)i) == SQLITE_NULL ? INT64_MIN : sqlite3_column_int64(q, (int)i);
    rc = code == SQLITE_ROW || code == SQLITE_DONE ? 0 : fail(h, err);
    sqlite3_reset(q);
    return rc;
}

#define NUMBERS(...) (const int64_t[]){__VA_ARGS__}, sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t)

static int put(struct fb_history *h, enum query which, const int64_t *v, size_t n, struct fb_err *err)
{
    bool found;
    return find(h, which, v, n, NULL, 0, &found, err);
}

static int command(struct fb_history *h, enum query which, struct fb_err *err)
{
    return put(h, which, NULL, 0, err);
}

/* Begins a call, and its transaction. A file that was deleted or replaced under our hands is not asked any more. */
static int begin(struct fb_history *h, enum query how, struct fb_err *err)
{
    int moved = 0;
    h->fault = 0;
    if (sqlite3_file_control(h->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved) == SQLITE_OK && moved) {
        h->fault = fb_fail(&h->why, "history %s: it was removed", h->path);
        return fb_history_fault(h, err);
    }
    return command(h, how, err);
}

/* Ends a transaction, whatever came of it. */
static int finish(struct fb_history *h, int rc, struct fb_err *err)
{
    if (rc == 0)
        rc = command(h, COMMIT, err);
    if (!sqlite3_get_autocommit(h->db))
        sqlite3_exec(h->db, "ROLLBACK", NULL, NULL, NULL);
    return rc;
}

/* ---- opening ---- */

static int execute(struct fb_history *h, const char *sql, struct fb_err *err)
{
    return sqlite3_exec(h->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : fail(h, err);
}

static int version(struct fb_history *h, int64_t *ret, struct fb_err *err)
{
    sqlite3_stmt *q = NULL;
    int rc = sqlite3_prepare_v2(h->db, "PRAGMA user_version", -1, &q, NULL) == SQLITE_OK && sqlite3_step(q) == SQLITE_ROW ? 0 : fail(h, err);
    if (rc == 0)
        *ret = sqlite3_column_int64(q, 0);
    sqlite3_finalize(q);
    return rc;
}

static int set_up(struct fb_history *h, bool make, int busy_ms, struct fb_err *err)
{
    int64_t found;
    sqlite3_busy_timeout(h->db, busy_ms);
    int rc = execute(h, "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL", err);
    if (rc == 0)
        rc = version(h, &found, err);
    if (rc || found == FB_HISTORY_VERSION)
        return rc;
    if (found || !make)
        return fb_fail(err, "history %s: its schema is %lld, and this forbear knows %d", h->path, (long long)found, FB_HISTORY_VERSION);
    rc = begin(h, BEGIN_WRITE, err);
    return rc ? rc : finish(h, execute(h, FB_HISTORY_SCHEMA, err), err);
}

static int db_open(struct fb_history *h, const char *dir, bool make, int busy_ms, struct fb_err *err)
{
    if (asprintf(&h->path, "%s%s", dir ? dir : "", dir ? "/" FILE_NAME : ":memory:") < 0)
        return h->path = NULL, fb_fail_memory(err);
    if (dir && make && mknod(h->path, S_IFREG | 0600, 0) < 0 && errno != EEXIST) /* SQLite would make it readable to the group */
        return fb_fail_errno(err, "history %s", h->path);
    int code = sqlite3_open_v2(h->path, &h->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
    return code != SQLITE_OK ? fb_fail(err, "history %s: %s", h->path, sqlite3_errstr(code)) : set_up(h, make, busy_ms, err);
}

int fb_history_open(const char *dir, const uint8_t key[FB_HISTORY_KEY], bool make, int busy_ms, struct fb_history **ret, struct fb_err *err)
{
    struct fb_history *h = calloc(1, sizeof *h);
    if (!h)
        return fb_fail_memory(err);
    memcpy(h->key, key, sizeof h->key);
    int rc = sodium_init() < 0 ? fb_fail(err, "libsodium cannot start") : db_open(h, dir, make, busy_ms, err);
    if (rc)
        fb_history_close(h);
    else
        *ret = h;
    return rc;
}

void fb_history_close(struct fb_history *h)
{
    if (!h)
        return;
    for (int i = 0; i < QUERIES; i++)
        sqlite3_finalize(h->stmt[i]);
    sqlite3_close(h->db);
    sodium_memzero(h->key, sizeof h->key);
    free(h->path);
    free(h);
}

int fb_history_remove(const char *dir, struct fb_err *err)
{
    static const char *const names[] = {"-wal", "-shm", ""};
    char path[4096];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (snprintf(path, sizeof path, "%s/" FILE_NAME "%s", dir, names[i]) >= (int)sizeof path || (unlink(path) < 0 && errno != ENOENT))
            return fb_fail_errno(err, "history %s", dir);
    return 0;
}

/* ---- learning ---- */

struct known { /* a row of mail */
    bool found;
    int64_t thread, sent_s, inside;
};

static int find_mail(struct fb_history *h, uint64_t id, struct known *ret, struct fb_err *err)
{
    int64_t row[3] = {0};
    int rc = find(h, FIND_MAIL, NUMBERS((int64_t)id), row, 3, &ret->found, err);
    *ret = (struct known){ret->found, row[0], row[1], row[2]};
    return rc;
}

/* The thread that one of @n mails belongs to, the first that is known; where none is, @fresh. */
static int find_thread(struct fb_history *h, const uint64_t *ids, size_t n, uint64_t fresh, int64_t *ret, struct fb_err *err)
{
    struct known known = {.found = false};
    int rc = 0;
    for (size_t i = 0; i < n && !rc && !known.found; i++)
        rc = find_mail(h, ids[i], &known, err);
    *ret = known.found ? known.thread : (int64_t)fresh;
    return rc;
}

static int learn_ids(struct fb_history *h, const uint64_t *v, const struct counts *c, int64_t thread, int64_t hour, struct fb_err *err)
{
    int rc = 0;
    for (size_t i = 0; i < c->references && !rc; i++)
        rc = put(h, PUT_MAIL, NUMBERS((int64_t)v[HEAD + i], hour, thread, INT64_MIN, INT64_MIN), err);
    if (!rc && v[AT_ID])
        rc = put(h, PUT_MAIL, NUMBERS((int64_t)v[AT_ID], hour, thread, (int64_t)v[AT_SENT], c->inside), err);
    return rc;
}

static int learn_one(struct fb_history *h, const uint64_t *v, const struct counts *c, int64_t hour, struct fb_err *err)
{
    const uint64_t *people = v + HEAD + c->references;
    int64_t thread;
    int rc = find_thread(h, v + HEAD, c->references, c->references ? v[HEAD] : v[AT_ID], &thread, err);
    if (!rc)
        rc = learn_ids(h, v, c, thread, hour, err);
    for (size_t i = 0; i < c->readers && !rc; i++)
        rc = put(h, PUT_READER, NUMBERS((int64_t)hash_two(h->key, READER, (uint64_t)thread, people[i]), hour, i < c->addressed), err);
    if (rc || !c->alone || c->readers < 2)
        return rc;
    uint64_t pair = hash_pair(h->key, people[0], people[1]);
    return put(h, PUT_ALONE, NUMBERS((int64_t)pair, hour, hash_pair_thread(h->key, pair, thread)), err);
}

int fb_history_learn(struct fb_history *h, const uint64_t *notes, size_t n, int64_t now_s, struct fb_err *err)
{
    int rc = begin(h, BEGIN_WRITE, err);
    if (rc)
        return rc;
    for (size_t at = 0; at < n && !rc;) {
        struct counts c;
        memcpy(&c, &notes[at + AT_COUNTS], sizeof c);
        rc = learn_one(h, notes + at, &c, now_s / HOUR_S, err);
        at += HEAD + c.references + c.readers;
    }
    return finish(h, rc, err);
}

int fb_history_forget(struct fb_history *h, int64_t before_s, unsigned *slice, struct fb_err *err)
{
    const uint64_t width = UINT64_MAX / FB_HISTORY_SLICES + 1;
    int64_t first = (int64_t)((uint64_t)INT64_MIN + *slice % FB_HISTORY_SLICES * width), last = (int64_t)((uint64_t)first + width - 1);
    int rc = begin(h, BEGIN_WRITE, err);
    if (rc)
        return rc;
    for (enum query q = FORGET_MAIL; q <= FORGET_ALONE && !rc; q++)
        rc = put(h, q, NUMBERS(first, last, before_s / HOUR_S), err);
    *slice = (*slice + 1) % FB_HISTORY_SLICES;
    return finish(h, rc, err);
}

/* ---- asking ---- */

struct asking {
    struct fb_history *h;
    uint64_t sender;
    int64_t thread, since_h;
    bool threaded; /* @thread is one */
    bool crowd;    /* more were on it than were learned */
};

static int find_reader(const struct asking *a, uint64_t who, int64_t *addressed, bool *found, struct fb_err *err)
{
    return find(a->h, FIND_READER, NUMBERS((int64_t)hash_two(a->h->key, READER, (uint64_t)a->thread, who)), addressed, 1, found, err);
}

/* The mail that is answered is the one that In-Reply-To names, else the last of References. */
static int ask_thread(struct asking *a, const struct fb_history_question *q, struct fb_history_answer *ret, struct fb_err *err)
{
    struct known known = {.found = false};
    struct fb_str parent = q->in_reply_to.n ? q->in_reply_to : q->references_n ? q->references[q->references_n - 1] : FB_STR_NONE;
    int rc = parent.n ? find_mail(a->h, hash_text(a->h->key, MESSAGE, parent), &known, err) : 0;
    if (known.found && known.sent_s != INT64_MIN)
        *ret = (struct fb_history_answer){.thread_known = true, .answered_s = known.sent_s, .answered_inside = known.inside == 1};
    for (size_t i = q->references_n; i-- && !rc && !known.found && q->references_n - i <= FB_HISTORY_REFERENCES;)
        rc = find_mail(a->h, hash_text(a->h->key, MESSAGE, q->references[i]), &known, err);
    a->threaded = known.found;
    a->thread = known.thread;
    int64_t addressed;
    return rc || !a->threaded ? rc : find_reader(a, hash_text(a->h->key, ADDRESS, anybody), &addressed, &a->crowd, err);
}

static int ask_person(const struct asking *a, struct fb_history_person *p, struct fb_err *err)
{
    uint64_t who = hash_text(a->h->key, ADDRESS, p->addr);
    int64_t addressed = 0;
    int rc = 0;
    p->addressed = p->on_thread = p->alone = false;
    if (a->threaded)
        rc = find_reader(a, who, &addressed, &p->on_thread, err);
    p->addressed = p->on_thread && addressed == 1;
    p->on_thread |= a->crowd;
    uint64_t pair = hash_pair(a->h->key, a->sender, who);
    int64_t here = hash_pair_thread(a->h->key, pair, a->threaded ? a->thread : 0);
    return rc ? rc : find(a->h, FIND_ALONE, NUMBERS((int64_t)pair, here, a->since_h), NULL, 0, &p->alone, err);
}

int fb_history_ask(struct fb_history *h, const struct fb_history_question *q, struct fb_history_person *people, size_t n,
                   struct fb_history_answer *ret, struct fb_err *err)
{
    struct asking a = {.h = h, .sender = hash_text(h->key, ADDRESS, q->sender), .since_h = q->since_s < 0 ? 0 : q->since_s / HOUR_S};
    *ret = (struct fb_history_answer){.answered_s = INT64_MIN};
    int rc = begin(h, BEGIN_READ, err);
    if (rc)
        return rc;
    rc = ask_thread(&a, q, ret, err);
    for (size_t i = 0; i < n && !rc; i++)
        rc = ask_person(&a, &people[i], err);
    return finish(h, rc, err);
}
