/* The policy: all that judging needs, loaded once and immutable, so that threads may share it: configuration, people, rules, phrases.
 * And the judging itself: is this message in scope, what do the rules say about it, and why. */
#ifndef FB_RULES_POLICY_H
#define FB_RULES_POLICY_H

#include "conf/conf.h"
#include "history/history.h"
#include "mail/headers.h"

struct fb_policy;

/* Loads @conf_path and all that it names. @like: a policy of which it shares the judge's weights where they are the same file,
 * which costs neither time nor memory; each may be freed before the other. NULL: none. Faults name file and line. */
int fb_policy_load(const char *conf_path, const struct fb_policy *like, struct fb_policy **ret, struct fb_err *err);
/* For measuring: the same, with the sections of @world in place of those of @conf_path (NULL: none is), and every rule in
 * mode hold, whatever it ships in. */
int fb_policy_load_world(const char *conf_path, const char *world, const struct fb_policy *like, struct fb_policy **ret, struct fb_err *err);
void fb_policy_free(struct fb_policy *p); /* NULL is allowed; nobody uses it any more */
const struct fb_conf *fb_policy_conf(const struct fb_policy *p);
/* What `forbear config check` should warn of beside errors: one sentence a line, empty where there is nothing. */
struct fb_str fb_policy_warnings(const struct fb_policy *p, struct fb_arena *arena);

enum fb_reason {
#define REASON(name, fault, sentence) FB_REASON_##name,
#include "rules/reasons.def"
#undef REASON
    FB_REASONS
};
const char *fb_reason_name(enum fb_reason r);
const char *fb_reason_sentence(enum fb_reason r);
bool fb_reason_fault(enum fb_reason r);

struct fb_envelope {
    struct fb_str sender;     /* MAIL FROM without <>; empty: null sender */
    struct fb_str login;      /* SASL login; empty: none */
    uint8_t client[16];       /* address, IPv4 v4-mapped */
    bool client_known;        /* false: no IP address (sendmail(1) at Sendmail) */
    int64_t declared_size;    /* SIZE of MAIL FROM (RFC 1870); -1: none */
    size_t rcpt_n;
    const struct fb_str *rcpt; /* without <> */
};

/* Scope in the order in which a milter learns of it; FB_REASON_none: go on. They read nothing but their arguments.
 * At MAIL: the sender, the client, the declared size. */
enum fb_reason fb_scope_mail(const struct fb_conf *conf, const struct fb_envelope *env);
/* At the end of the header: recipients and header fields. An address that cannot be read in From is other_from. */
enum fb_reason fb_scope_header(const struct fb_conf *conf, const struct fb_envelope *env, const struct fb_headers *h);

enum fb_action { FB_PASS, FB_OBSERVE, FB_NOTIFY, FB_HOLD };
const char *fb_action_name(enum fb_action a);

struct fb_evidence {
    struct fb_str signal; /* name of the signal */
    struct fb_str text;   /* the very words, where words carry it; a view into the own words */
    struct fb_str note;   /* one sentence for the sender: what it is about these words, or which reader makes it so */
    struct fb_str who;    /* that reader's name; empty where there is none, or who reads unseen */
};

struct fb_term { /* one line of a rule's arithmetic */
    struct fb_str signal;
    double value, weight;
};

struct fb_finding {
    struct fb_str rule, title, why, advice; /* the last three filled with the people at hand where it fires */
    double log_odds, threshold; /* natural log of the odds; it fires at or above its threshold, where needs are met */
    bool enabled, needs_met, fires;
    bool own_text;              /* title, why or advice are of the admin's own file */
    bool spared;                /* it would fire, but its sender is not to be asked about it again: fb_judge_input */
    enum fb_action action;      /* the lesser of the rule's mode and the installation's; FB_PASS where it does not fire */
    int64_t delay_s;
    struct fb_str exempt;       /* the entry of rules.conf that exempts this mail; empty: none */
    size_t terms_n, evidence_n;
    const struct fb_term *terms;
    const struct fb_evidence *evidence;
};

enum fb_change_kind {
    FB_CHANGE_UNKNOWN, /* it was not looked for, or not to the end */
    FB_CHANGE_NONE,    /* no single one is enough */
    FB_CHANGE_READER,  /* one reader, or one list, less */
    FB_CHANGE_READERS, /* several of a kind less */
    FB_CHANGE_WORDS,   /* one sentence less, or two */
    FB_CHANGE_ALONE,   /* to one reader and nobody else */
};
const char *fb_change_name(enum fb_change_kind k);

struct fb_change_who { /* a reader whom it leaves off, or keeps */
    struct fb_str name; /* empty for who reads unseen */
    const char *as;     /* what makes them matter: manager or above (of somebody named @of), own_manager, above_manager, customer, outside, senior,
                         * list; or empty */
    struct fb_str of;
    const char *place;  /* to, cc, bcc */
};

struct fb_change { /* the smallest one that would have let the message pass; made by judging it again */
    enum fb_change_kind kind;
    struct fb_str text;   /* WORDS: the sentences to leave out, one a line */
    struct fb_str reader; /* READER, READERS: the addresses to leave off, a blank between them; ALONE: the one to keep */
    size_t who_n, who_more; /* READER, READERS, ALONE: the first of them by name, and how many more */
    const struct fb_change_who *who;
    struct fb_str says;   /* one sentence for the sender, which names nobody on Bcc; empty where it is unknown */
};

struct fb_verdict {
    enum fb_reason not_judged; /* where not FB_REASON_none, nothing else below is set */
    enum fb_action action;     /* the greatest of the findings */
    const struct fb_finding *main; /* the deciding finding: the one of that action with the most log-odds above its threshold; NULL: none */
    size_t findings_n;         /* one a rule, in the order of rules.conf */
    const struct fb_finding *findings;
    struct fb_change change;   /* looked for where a rule fires that is not merely observed, whatever the installation's mode */
    enum fb_reason unread;     /* FB_REASON_language: the judge of meaning did not read it; audience and phrases counted alone */
    struct fb_str language;    /* of the sender, of people.csv; empty: unknown */
    bool volunteer;            /* observe mode may log its words */
    struct fb_str facts;       /* JSON of facts/facts.h; empty for FB_PASS */
    struct fb_str message_id;  /* with <>; empty where it has none */
};

/* Mail that fb_scope_mail passes for @reason, at MAIL: whether its header shall be waited for, for history to learn from. */
bool fb_scope_teaches(const struct fb_conf *conf, enum fb_reason reason);
/* Whether it may teach at all, at the end of the header. */
bool fb_scope_learns(const struct fb_conf *conf, const struct fb_envelope *env, const struct fb_headers *h);
/* At the end of the header, for any mail: what it teaches. Mail to or from protected addresses, made by programs, in bulk, or
 * under one of our addresses from a client that is none of ours teaches nothing. @now_s: when it is seen; INT64_MIN: its own
 * Date alone says. All of *ret lives in @arena. Outcome: FB_LEARN_NOTHING. Fails for lack of memory alone. */
enum { FB_LEARN_NOTHING = 1 };
int fb_learn(const struct fb_policy *p, struct fb_arena *arena, const struct fb_envelope *env, const struct fb_headers *h, int64_t now_s,
             struct fb_history_mail *ret, struct fb_err *err);

/* The name that the directory has for @addr (lower case); empty where it knows none. */
struct fb_str fb_policy_name(const struct fb_policy *p, struct fb_str addr);
/* The language too: a tag in lower case. */
struct fb_str fb_policy_language(const struct fb_policy *p, struct fb_str addr);

struct fb_judge_input {
    const struct fb_envelope *env;
    struct fb_str raw;     /* the message, or its beginning */
    bool cut;
    int64_t now_s;
    struct fb_history *history; /* what was seen before; NULL: nothing. Ask it by fb_history_fault afterwards */
    bool (*expired)(void *); /* asked between steps: true when the time for it is over. May be NULL */
    void *expired_arg;
    bool (*spared)(void *, struct fb_str rule); /* asked of a rule that would notify or hold: true where it is not to. May be NULL */
    void *spared_arg;
};

/* All of *ret lives in @arena. Does scope too (both steps), so that a caller without a milter gets the same verdict. A
 * message that cannot be judged is a success with a reason; < 0 is for lack of memory alone. */
int fb_judge(const struct fb_policy *p, struct fb_arena *arena, const struct fb_judge_input *in, struct fb_verdict *ret, struct fb_err *err);

#endif
