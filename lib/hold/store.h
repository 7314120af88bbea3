/* The store: what is held, what was decided, what happened, what was counted. SQLite, WAL, synchronous=FULL,
 * secure_delete=ON, a bounded busy_timeout, and a schema version in user_version that is migrated at open.
 * Milter and keeper share it; each holds a connection of its own, and a connection is used by one thread at a time.
 *
 * No column ever holds a subject, an address or words of a message: what must be kept is in the sealed blobs.
 *
 * A store that is absent is made. One that is damaged (SQLITE_CORRUPT, SQLITE_NOTADB) is moved aside by the keeper and
 * made anew: the markers tell what was held. A file that was deleted or replaced while it was open is noticed before
 * the next write, and opened again. */
#ifndef FB_HOLD_STORE_H
#define FB_HOLD_STORE_H

#include "base/arena.h"
#include "hold/states.h"

struct fb_store;

enum { FB_HOLD_ID = 16, FB_FINGERPRINT = 32, FB_HASH = 32, FB_PAGE_KEY = 32, FB_HOLD_ID_TEXT = 22, FB_GATHER_MAX = 50 };

/* Outcomes of the functions below, beside 0. */
enum fb_store_outcome {
    FB_STORE_NONE = 1,    /* no such hold */
    FB_STORE_STATE = 2,   /* it is in another state than asked: nothing was changed */
    FB_STORE_DAMAGED = 3, /* fb_store_open: the file is there, and is no sound store */
};

struct fb_hold_id {
    uint8_t b[FB_HOLD_ID]; /* random */
};
/* base64url without padding (RFC 4648, 5): 22 characters. */
struct fb_str fb_hold_id_text(struct fb_arena *arena, struct fb_hold_id id);
bool fb_hold_id_parse(struct fb_str text, struct fb_hold_id *ret);
bool fb_hold_id_eq(struct fb_hold_id a, struct fb_hold_id b);

/* A mail about a hold that follows its notice. */
enum fb_later_mail { FB_LATER_NONE, FB_LATER_MOVED, FB_LATER_REMINDER };

/* person, owner and thread are made by fb_hold_hashes (hold/seal.h); all zero: not known, or forgotten, and equal to nobody's. */
struct fb_hold {
    struct fb_hold_id id;
    struct fb_str queue_id;
    enum fb_state state;
    struct fb_str rule; /* the rule that decided */
    int64_t created_s, deadline_s, changed_s;
    uint8_t fingerprint[FB_FINGERPRINT];
    struct fb_str box;      /* sealed by the milter to the keeper; empty once the notice was accepted */
    struct fb_str sealed;   /* what the page shows, sealed with the link's key; empty before the notice */
    struct fb_str key_box;  /* that key, sealed to the keeper; empty once the notice was accepted, save while it is withdrawn by the link */
    struct fb_str message_id; /* of the mail about it that the MTA has not accepted yet; those of one gathered notice have the same */
    bool copy_sent;         /* withdrawing: the sender's copy was accepted by the MTA */
    bool asked;             /* releasing: the MTA was asked to release it; if it is not in the queue any more, that was us */
    struct fb_str decision; /* the signed token that allowed the step to releasing or withdrawing; empty for the deadline */
    int action;             /* enum fb_desk_action that goes with it; 0: none */
    uint8_t person[FB_HASH], owner[FB_HASH], thread[FB_HASH];
    int64_t opens_s;        /* from when its sender may release it; 0: at once */
    int64_t notice_s;       /* when its notice was, or will be, due; 0: there is none yet */
    uint8_t notice_hash[FB_HASH], later_hash[FB_HASH]; /* fb_message_id_hash of the notice, and of the last mail after it; zero where
                                                        * there is none, and for a gathered notice: that is answered by link alone */
    enum fb_later_mail later; /* the mail that message_id is of, where that is not the notice */
    struct fb_str later_box;  /* what goes into it, sealed to the keeper */
    struct fb_str language;   /* in which its sender is told, a tag; empty: unknown */
    bool extended, reminded, wrong; /* its wait was begun anew, its sender reminded; its sender said that holding it was wrong */
};

/* Opens or makes @dir/forbear.db. @busy_ms bounds every wait for another writer. */
int fb_store_open(const char *dir, int busy_ms, struct fb_store **ret, struct fb_err *err);
void fb_store_close(struct fb_store *s); /* NULL is allowed */
/* The last function that failed did so because the store is damaged: close it, set it aside, open a new one. */
bool fb_store_damaged(const struct fb_store *s);
/* Moves a damaged store (with its -wal and -shm) aside to forbear.db.damaged-<now_s>. */
int fb_store_set_aside(const char *dir, int64_t now_s, struct fb_err *err);

/* Milter: records a new hold (state pending or advised) durably, with its first event. */
int fb_store_add(struct fb_store *s, const struct fb_hold *hold, struct fb_err *err);
/* Keeper: the same in state held, for a marker whose row was lost. FB_STORE_STATE: the row is there. */
int fb_store_adopt(struct fb_store *s, const struct fb_hold *hold, const char *why, struct fb_err *err);

/* --- what the milter asks --- */

/* How many holds of that person were made since @since_s. */
int fb_store_recent(struct fb_store *s, const uint8_t person[FB_HASH], int64_t since_s, size_t *ret_n, struct fb_err *err);
/* The rules that are spared for that person on that thread; an empty one is every rule. */
int fb_store_spared(struct fb_store *s, const uint8_t person[FB_HASH], const uint8_t thread[FB_HASH], int64_t now_s, struct fb_arena *arena,
                    struct fb_str **ret, size_t *ret_n, struct fb_err *err);
/* The hold whose notice, or later mail, has that hash. FB_STORE_NONE: there is none, or it was gathered. */
int fb_store_by_notice(struct fb_store *s, const uint8_t hash[FB_HASH], struct fb_hold_id *ret, struct fb_err *err);
/* The open holds on that thread that are not that person's, oldest first, at most @max. */
int fb_store_on_thread(struct fb_store *s, const uint8_t thread[FB_HASH], const uint8_t not_person[FB_HASH], size_t max, struct fb_arena *arena,
                       struct fb_hold **ret, size_t *ret_n, struct fb_err *err);

/* A letter to the keeper, durable once this returns 0; wakes it. Unused fields are zero. */
enum fb_post_kind {
    FB_POST_ANSWER = 1, /* somebody answered a notice: hold, action, message_id (of the notice, as the answer has it), owner (of the answer) */
    FB_POST_HELP,       /* somebody wrote what we do not understand: box, sealed JSON {"to":address, "message_id":of that mail,
                         * "language":tag, where it is known} */
    FB_POST_MOVED,      /* somebody answered on the thread of a hold: hold, box, sealed JSON {"name":who} */
};
struct fb_post {
    int64_t seq; /* its number: given by the store */
    enum fb_post_kind kind;
    int64_t at_s;
    struct fb_hold_id hold;
    int action; /* enum fb_desk_action: release or withdraw */
    struct fb_str message_id;
    uint8_t owner[FB_HASH];
    struct fb_str box;
};
int fb_store_post(struct fb_store *s, const struct fb_post *post, struct fb_err *err);

/* --- what the keeper does with that --- */

/* The oldest, at most @max. */
int fb_store_posts(struct fb_store *s, size_t max, struct fb_arena *arena, struct fb_post **ret, size_t *ret_n, struct fb_err *err);
int fb_store_post_done(struct fb_store *s, int64_t seq, struct fb_err *err);
/* The same for a cry for help that was answered at @now_s; whether that person was since @since_s. */
int fb_store_help_done(struct fb_store *s, int64_t seq, const uint8_t person[FB_HASH], int64_t now_s, struct fb_err *err);
int fb_store_helped(struct fb_store *s, const uint8_t person[FB_HASH], int64_t since_s, bool *ret, struct fb_err *err);
/* From now on that rule (empty: every rule) holds nothing of that person on that thread until @until_s. Nothing where one is not known. */
int fb_store_spare(struct fb_store *s, const uint8_t person[FB_HASH], const uint8_t thread[FB_HASH], struct fb_str rule, int64_t until_s,
                   struct fb_err *err);
/* Its sender says that holding it was wrong: counted for the day and rule ("wrong.RULE"), once a hold, with no event, in whatever state.
 * FB_STORE_NONE; FB_STORE_STATE: it was counted before. */
int fb_store_wrong(struct fb_store *s, struct fb_hold_id id, int64_t now_s, struct fb_err *err);

/* One hold; text and blobs live in @arena. FB_STORE_NONE. */
int fb_store_get(struct fb_store *s, struct fb_hold_id id, struct fb_arena *arena, struct fb_hold *ret, struct fb_err *err);
/* Open holds in @state (any open state where it is FB_STATES), oldest deadline first, at most @max; the blobs are left empty. */
int fb_store_list(struct fb_store *s, enum fb_state state, size_t max, struct fb_arena *arena, struct fb_hold **ret, size_t *ret_n, struct fb_err *err);
/* The same of all holds, closed ones too. */
int fb_store_list_all(struct fb_store *s, size_t max, struct fb_arena *arena, struct fb_hold **ret, size_t *ret_n, struct fb_err *err);
/* The newest hold of that queue id. FB_STORE_NONE. */
int fb_store_find(struct fb_store *s, struct fb_str queue_id, struct fb_hold_id *ret, struct fb_err *err);
/* When the next held one ends: INT64_MAX where none is. */
int fb_store_next_deadline(struct fb_store *s, int64_t *ret_s, struct fb_err *err);

/* One step of the table, with its event, durably. FB_STORE_NONE, FB_STORE_STATE (it is not in @from). A step that the
 * table lacks fails. The step to held forgets an earlier decision; one to a closed state erases box and key_box. @by names the
 * program or "admin:NAME"; @why is one sentence of our own. */
int fb_store_step(struct fb_store *s, struct fb_hold_id id, enum fb_state from, enum fb_state to, int64_t now_s,
                  const char *by, const char *why, struct fb_err *err);
/* held -> releasing or withdrawing by a decision: the token and action are kept with it, and @key_box (which may be empty) as long
 * as the decision is. FB_STORE_NONE, FB_STORE_STATE. */
int fb_store_decide(struct fb_store *s, struct fb_hold_id id, int action, struct fb_str token, struct fb_str key_box, int64_t now_s,
                    const char *by, const char *why, struct fb_err *err);
/* The notice's blob, its key and its Message-ID, before it is submitted; empty where it is due only later (@notice_s), perhaps with
 * others: then fb_store_gather gives it one. The same step as pending -> held, where @now is its time; for an advised or held one only
 * the fields. FB_STORE_NONE; FB_STORE_STATE: there is one already, or the hold is past that. */
int fb_store_notice_ready(struct fb_store *s, struct fb_hold_id id, struct fb_str sealed, struct fb_str key_box,
                          struct fb_str message_id, int64_t notice_s, int64_t now_s, struct fb_err *err);
/* When the last notice to that person was or will be due: 0 where none is. */
int fb_store_last_notice(struct fb_store *s, const uint8_t person[FB_HASH], int64_t *ret_s, struct fb_err *err);
/* Gives all held ones of that person whose notice has no Message-ID yet this one, at most FB_GATHER_MAX, @id among them: from now on
 * they have one notice, whatever happens. FB_STORE_STATE: @id has one, or is not held. */
int fb_store_gather(struct fb_store *s, struct fb_hold_id id, struct fb_str message_id, int64_t now_s, struct fb_err *err);
/* The held ones of a notice that is owed, oldest first, blobs and all. */
int fb_store_gathered(struct fb_store *s, struct fb_str message_id, struct fb_arena *arena, struct fb_hold **ret, size_t *ret_n, struct fb_err *err);
/* The MTA accepted the notice of @id: for it, and all others of that notice, box, key_box and Message-ID are erased, the WAL is
 * truncated. */
int fb_store_notice_sent(struct fb_store *s, struct fb_hold_id id, int64_t now_s, struct fb_err *err);
/* A mail that follows the notice, before it is submitted, once a hold and kind: @deadline_s is from now on its deadline, @box what goes
 * into it. FB_STORE_NONE; FB_STORE_STATE: not held, not told yet, another mail is owed, or it was made before. */
int fb_store_later(struct fb_store *s, struct fb_hold_id id, enum fb_later_mail mail, int64_t deadline_s, struct fb_str message_id,
                   struct fb_str box, int64_t now_s, struct fb_err *err);
/* It was accepted, or will never be (@why): it is owed no more. */
int fb_store_later_done(struct fb_store *s, struct fb_hold_id id, int64_t now_s, const char *why, struct fb_err *err);
/* The sender's copy was accepted. */
int fb_store_copy_sent(struct fb_store *s, struct fb_hold_id id, int64_t now_s, struct fb_err *err);
/* The MTA is about to be asked to release these. */
int fb_store_asked(struct fb_store *s, const struct fb_hold_id *ids, size_t n, int64_t now_s, struct fb_err *err);

/* Closed holds that changed before @before_s lose whose they were, what was sealed and which message it was: state, rule and times stay,
 * so that the link still answers. *ret_n says how many. What is spared no more at @now_s goes too. */
int fb_store_forget_who(struct fb_store *s, int64_t before_s, int64_t now_s, size_t *ret_n, struct fb_err *err);
/* Erases closed holds (events too) that changed before @before_s; *ret_n says how many. */
int fb_store_forget(struct fb_store *s, int64_t before_s, size_t *ret_n, struct fb_err *err);

/* Every change of a hold, oldest first; from and to are the same where something was done for it that is no step.
 * FB_STORE_NONE. */
struct fb_hold_event {
    int64_t at_s;
    struct fb_str from, to, by, why; /* from is empty for the first */
};
int fb_store_events(struct fb_store *s, struct fb_hold_id id, struct fb_arena *arena, struct fb_hold_event **ret, size_t *ret_n, struct fb_err *err);

/* Counters, by UTC day ("2026-11-28") and name ("hold.public_shaming", "not_judged.bulk"); added to in one transaction. */
struct fb_count {
    struct fb_str day, name;
    int64_t n;
};
int fb_store_count(struct fb_store *s, const struct fb_count *v, size_t n, struct fb_err *err);
int fb_store_counts(struct fb_store *s, struct fb_str from_day, struct fb_arena *arena, struct fb_count **ret, size_t *ret_n, struct fb_err *err);

#endif
