/* A case: one message with all that judging it looks at. Made once, read by every source of signals. */
#ifndef FB_RULES_CASE_H
#define FB_RULES_CASE_H

#include "mail/message.h"
#include "mail/own.h"
#include "rules/past.h"
#include "rules/people.h"
#include "rules/policy.h"
#include "rules/regions.h"
#include "rules/text.h"

enum fb_role { FB_ROLE_TO, FB_ROLE_CC, FB_ROLE_HIDDEN };

/* What a reader is to the sender and to the others. Bits. */
enum fb_relation {
    FB_RELATION_MANAGER = 1,         /* the sender's manager */
    FB_RELATION_BOSS_ABOVE = 2,      /* above that one */
    FB_RELATION_REPORT = 4,          /* below the sender, at any step */
    FB_RELATION_PEER = 8,            /* inside, and none of these and not senior */
    FB_RELATION_SENIOR = 16,         /* fewer steps below the top, or of a higher rank, than the sender */
    FB_RELATION_ADDRESSEE_BOSS = 32, /* above another reader in To, at any step */
    FB_RELATION_NAMED_BOSS = 64,     /* above somebody whom the text names, at any step */
};

struct fb_reader {
    struct fb_str addr; /* lower case */
    struct fb_str name; /* as the directory or the header has it, else the address */
    const struct fb_person *person; /* NULL: not in the directory */
    enum fb_role role;
    struct fb_str list; /* the list through which it reads; empty: addressed itself */
    bool inside, customer;
    unsigned relation; /* enum fb_relation */
};

/* Somebody whom the text names. The sender is never one. */
struct fb_mention {
    size_t word, n;                 /* of the text */
    const struct fb_reader *reader; /* NULL: not on the mail */
    const struct fb_person *person; /* NULL: a reader who is in no directory */
    bool vocative;                  /* spoken to: "Lena, ..." */
    bool initials;                  /* "LK": the judge of meaning is given them as written */
};

/* Whom a sentence is about: named in it, or meant by "you", "he" or "she". All NULL: nobody who is known. */
struct fb_about {
    const struct fb_reader *reader;
    const struct fb_person *person;
};

enum { FB_READERS_MAX = 5000 }; /* more are counted alone */

struct fb_case {
    const struct fb_conf *conf;
    const struct fb_people *people;
    const struct fb_regions *regions; /* in which face weighs more; NULL: none */
    const struct fb_envelope *env;
    const struct fb_message *message;
    const struct fb_own *own;
    struct fb_past past; /* by fb_past_read, once the rest is made */
    int64_t now_s;

    struct fb_str sender;           /* lower case */
    const struct fb_person *sender_person; /* NULL: not in the directory */
    size_t readers_n, readers_more; /* the sender is none of them */
    struct fb_reader *readers;      /* in the order To, Cc, through lists, hidden */
    struct fb_map by_addr;          /* value: index + 1; 0: a list */
    const struct fb_reader *addressee; /* the one who is spoken to; NULL: several, or nobody known */

    struct fb_text text;
    size_t mentions_n;
    const struct fb_mention *mentions;
    const struct fb_about *about; /* one a sentence */

    bool closely; /* a rule came near its threshold: the second judge of meaning reads it too. Set by rules/judge.c */
};

/* @message and @own must outlive *ret. Fails for lack of memory alone. */
int fb_case_make(struct fb_arena *arena, const struct fb_conf *conf, const struct fb_people *people, const struct fb_envelope *env,
                 const struct fb_message *message, const struct fb_own *own, int64_t now_s, struct fb_case *ret, struct fb_err *err);

/* 21:00 to 6:00 by the offset that the Date itself has. */
bool fb_case_at_night(const struct fb_case *c);

/* What to call whom a sentence is about; empty where nobody is. */
struct fb_str fb_about_name(struct fb_about a);

#endif
