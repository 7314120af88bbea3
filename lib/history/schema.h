/* The schema of the history. It holds nothing that could not be learned again: a later version that needs another one
 * drops what an earlier left. id: the 64 bits of what a row stands for. hour: hours since 1970, when it was last met; finer
 * than that would only help to tell which rows came together. For history.c and its test alone. */
#ifndef FB_HISTORY_SCHEMA_H
#define FB_HISTORY_SCHEMA_H

#define FB_HISTORY_VERSION 1
#define FB_HISTORY_SCHEMA \
    /* a Message-ID: its thread; when it was sent and whether by one of ours, NULL where it was only referred to */ \
    "CREATE TABLE mail (id INTEGER PRIMARY KEY, thread INTEGER NOT NULL, hour INTEGER NOT NULL, sent_s INTEGER, inside INTEGER) STRICT;" \
    /* an address on a thread: in a header, or (0) through a list */ \
    "CREATE TABLE reader (id INTEGER PRIMARY KEY, hour INTEGER NOT NULL, addressed INTEGER NOT NULL) STRICT;" \
    /* two who wrote to each other alone: on which thread last, and on which other one before that, under names of the row's own */ \
    "CREATE TABLE alone (id INTEGER PRIMARY KEY, hour INTEGER NOT NULL, thread INTEGER NOT NULL, other_hour INTEGER, other INTEGER) STRICT;" \
    "PRAGMA user_version = 1"

#endif
