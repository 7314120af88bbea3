/* The schema of the store, as the steps that lead to it: step n brings a store from user_version n to n + 1. A step that
 * was ever shipped is never edited: what changes goes into a new one at the end. State numbers are those of states.def.
 * For store.c and its test alone. */
#ifndef FB_HOLD_SCHEMA_H
#define FB_HOLD_SCHEMA_H

static const char *const fb_schema_steps[] = {
    /* 1: holds, and what happened to them */
    "CREATE TABLE hold ("
    " id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),"
    " queue_id TEXT NOT NULL,"
    " state INTEGER NOT NULL,"
    " rule TEXT NOT NULL,"
    " created_s INTEGER NOT NULL, deadline_s INTEGER NOT NULL, changed_s INTEGER NOT NULL,"
    " fingerprint BLOB NOT NULL CHECK (length(fingerprint) = 32),"
    " box BLOB, sealed BLOB, key_box BLOB, message_id TEXT,"
    " copy_sent INTEGER NOT NULL DEFAULT 0,"
    " decision TEXT, action INTEGER NOT NULL DEFAULT 0) STRICT;"
    "CREATE INDEX hold_state ON hold (state, deadline_s);"
    "CREATE INDEX hold_queue_id ON hold (queue_id);"
    "CREATE TABLE event ("
    " seq INTEGER PRIMARY KEY,"
    " hold BLOB NOT NULL REFERENCES hold (id) ON DELETE CASCADE,"
    " at_s INTEGER NOT NULL, was TEXT NOT NULL, became TEXT NOT NULL, who TEXT NOT NULL, why TEXT NOT NULL) STRICT;"
    "CREATE INDEX event_hold ON event (hold);"
    "CREATE TRIGGER event_is_final BEFORE UPDATE ON event"
    " BEGIN SELECT RAISE (ABORT, 'an event is never changed'); END;"
    "CREATE TRIGGER event_stays BEFORE DELETE ON event WHEN EXISTS (SELECT 1 FROM hold WHERE id = old.hold)"
    " BEGIN SELECT RAISE (ABORT, 'an event stays as long as its hold'); END",
    /* 2: counters */
    "CREATE TABLE count (day TEXT NOT NULL, name TEXT NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (day, name)) STRICT, WITHOUT ROWID",
    /* 3: whose hold it is and on which thread (keyed hashes), when it opens, what was said about it, in which language its sender is told; letters from the milter */
    "ALTER TABLE hold ADD COLUMN person BLOB;"
    "ALTER TABLE hold ADD COLUMN owner BLOB;"
    "ALTER TABLE hold ADD COLUMN thread BLOB;"
    "ALTER TABLE hold ADD COLUMN opens_s INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE hold ADD COLUMN notice_s INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE hold ADD COLUMN notice_hash BLOB;"
    "ALTER TABLE hold ADD COLUMN later INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE hold ADD COLUMN later_hash BLOB;"
    "ALTER TABLE hold ADD COLUMN later_box BLOB;"
    "ALTER TABLE hold ADD COLUMN extended INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE hold ADD COLUMN reminded INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE hold ADD COLUMN wrong INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE hold ADD COLUMN language TEXT;"
    "UPDATE hold SET notice_s = changed_s WHERE message_id IS NOT NULL;"
    "CREATE INDEX hold_person ON hold (person, created_s);"
    "CREATE INDEX hold_notice ON hold (notice_hash);"
    "CREATE INDEX hold_later ON hold (later_hash);"
    "CREATE INDEX hold_message_id ON hold (message_id);"
    "CREATE TABLE spare (person BLOB NOT NULL, thread BLOB NOT NULL, rule TEXT NOT NULL, until_s INTEGER NOT NULL,"
    " PRIMARY KEY (person, thread, rule)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE helped (person BLOB NOT NULL PRIMARY KEY, at_s INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE post (seq INTEGER PRIMARY KEY AUTOINCREMENT, kind INTEGER NOT NULL, at_s INTEGER NOT NULL, hold BLOB NOT NULL,"
    " action INTEGER NOT NULL, message_id TEXT NOT NULL, owner BLOB NOT NULL, box BLOB NOT NULL) STRICT",
    /* 4: whether the MTA was asked to release it */
    "ALTER TABLE hold ADD COLUMN asked INTEGER NOT NULL DEFAULT 0",
};

#define FB_SCHEMA_VERSION 4
#define FB_SCHEMA_SET_VERSION "PRAGMA user_version = 4"
_Static_assert(sizeof fb_schema_steps / sizeof *fb_schema_steps == FB_SCHEMA_VERSION, "one step a version");

#endif
