/* A connection of the MTA and the message on it, told as libmilter tells it, and answered in our own words: libmilter
 * itself is known to callbacks.c alone. */
#ifndef FB_MILTER_SESSION_H
#define FB_MILTER_SESSION_H

#include <stdatomic.h>
#include <sys/socket.h>

#include "counts.h"
#include "gate.h"
#include "generation.h"
#include "hold.h"
#include "memory.h"
#include "posts.h"

/* What all connections share. */
struct milter {
    struct generations generations;
    struct gate gate;
    struct counts counts;
    struct holds holds;
    struct memory memory;
    atomic_int working; /* messages between their end and their answer */
};

enum answer {
    ANSWER_CONTINUE,
    ANSWER_ACCEPT,     /* no more of this message, and let it pass */
    ANSWER_SKIP,       /* no more of this body */
    ANSWER_TEMPFAIL,   /* 451 4.7.1 */
    ANSWER_DISCARD,    /* it was to us, and has served: it goes to nobody */
    ANSWER_QUARANTINE, /* then session_quarantined says the answer */
};

struct session;

/* NULL when memory is out. */
struct session *session_new(struct milter *m);
void session_free(struct session *s); /* NULL is allowed */

/* What the MTA agreed to: that a body may be skipped, that a message may be quarantined. */
void session_agreed(struct session *s, bool skip, bool quarantine);
/* @addr NULL, or of no IP family: the client is unknown. */
void session_client(struct session *s, const struct sockaddr *addr);

/* @argv: the address of MAIL FROM, its parameters, NULL. @login: NULL where there is none. @queue_id, here and below: NULL
 * where it is not known yet. */
enum answer session_mail(struct session *s, char *const *argv, const char *login, const char *queue_id);
void session_rcpt(struct session *s, const char *rcpt);
void session_header(struct session *s, const char *name, const char *value);
enum answer session_eoh(struct session *s, const char *queue_id);
enum answer session_body(struct session *s, const void *p, size_t n);
enum answer session_eom(struct session *s, const char *queue_id);
/* After ANSWER_QUARANTINE: whether the MTA took the request. */
enum answer session_quarantined(struct session *s, bool done, const char *queue_id);
/* Forgets the message; the connection goes on. */
void session_reset(struct session *s);

/* Where there is no memory for a session: counts and logs the fault, and answers as the configuration wants. */
enum answer session_missing(struct milter *m);

#endif
