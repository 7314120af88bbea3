/* libforbear: judges an outgoing message as forbear's milter does, without a milter: for a mail client's plugin, a test,
 * a command line. Thread-safe: one struct forbear may be used by many threads at once. Nothing is stored or sent.
 *
 * Functions return 0, or -1 with a sentence in @error (always NUL-terminated, at most @error_size bytes). */
#ifndef FORBEAR_H
#define FORBEAR_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined __GNUC__
#define FORBEAR_API __attribute__((visibility("default")))
#else
#define FORBEAR_API
#endif

struct forbear;         /* configuration, people, rules and phrases, loaded */
struct forbear_verdict; /* what they say about one message */

/* Loads the configuration at @conf_path and what it names. Free with forbear_close. */
FORBEAR_API int forbear_open(const char *conf_path, struct forbear **ret, char *error, size_t error_size);
/* The same, for measuring: each section that the file @world has ([scope] and [people], as a rule) stands in place of that of
 * @conf_path (NULL: none does), and every rule counts as in mode hold, whatever it ships in. The judge's weights are shared with
 * @like, where it has the same (NULL: none). */
FORBEAR_API int forbear_open_world(const char *conf_path, const char *world, const struct forbear *like, struct forbear **ret, char *error,
                                   size_t error_size);
FORBEAR_API void forbear_close(struct forbear *f); /* NULL is allowed */

struct forbear_seen { /* a message that passed earlier; its header is what counts */
    const void *message; /* RFC 5322 */
    size_t message_size; /* bytes */
};

struct forbear_mail {
    const void *message;           /* RFC 5322, LF or CRLF line ends */
    size_t message_size;           /* bytes */
    const char *sender;            /* envelope sender; NULL: the address of From */
    const char *const *recipients; /* envelope recipients, ended by NULL; NULL: To and Cc */
    int64_t now_s;                 /* seconds since 1970-01-01 UTC: when it is sent; 0: its own Date */
    const struct forbear_seen *earlier; /* what the gateway saw before, in order: who wrote to whom alone, who was on the thread */
    size_t earlier_n;
};

/* Judges @mail as if its sender had authenticated. Free *ret with forbear_verdict_free, before @f is closed. A verdict is for one
 * thread at a time. */
FORBEAR_API int forbear_judge(const struct forbear *f, const struct forbear_mail *mail, struct forbear_verdict **ret, char *error, size_t error_size);
FORBEAR_API void forbear_verdict_free(struct forbear_verdict *v); /* NULL is allowed */

enum forbear_action { FORBEAR_PASS, FORBEAR_OBSERVE, FORBEAR_NOTIFY, FORBEAR_HOLD };
FORBEAR_API enum forbear_action forbear_verdict_action(const struct forbear_verdict *v);
/* Name of the deciding rule; NULL where none fired. */
FORBEAR_API const char *forbear_verdict_rule(const struct forbear_verdict *v);
/* Name of the reason why it was not judged; NULL where it was. */
FORBEAR_API const char *forbear_verdict_not_judged(const struct forbear_verdict *v);
/* How long it would be held, in seconds; 0 where it would not. */
FORBEAR_API int64_t forbear_verdict_delay_s(const struct forbear_verdict *v);

struct forbear_finding { /* what one rule says */
    const char *rule;
    double log_odds, threshold;      /* natural log of the odds; the threshold that they must reach */
    int enabled, needs_met, fires;   /* it fires where it is enabled, its needs are met and its threshold is reached */
};
/* The @i-th rule's, in the order of rules.conf; NULL past the last, and where the message was not judged. */
FORBEAR_API const struct forbear_finding *forbear_verdict_finding(const struct forbear_verdict *v, size_t i);

/* The texts are made when they are first asked for, and live as long as the verdict. NULL where memory is out.
 * All of it as JSON: {"action","rule","not_judged","unread","delay_s","change":{"kind","text","reader","says"},
 * "rules":[{"name","fires","log_odds","threshold","needs_met","exempt","evidence":[...]}],
 * "signals":{"NAME":value of those that are not 0},
 * "judge":{"facts","subject","text","hold","rules":{"NAME":log-odds},"left_early","cut","windows","again","sentences":[{"text","evidence","acts":{...}}]}}.
 * The change is the smallest that would have let it pass: its kind (unknown, none, reader, readers, words, alone), the sentences to
 * leave out (one a line), the addresses to leave off (to keep, where its kind is alone; a blank between them), and a sentence about
 * it for people. "exempt" is the entry of rules.conf that exempts the message from the rule; null where none does. "judge" is all
 * that the judge of meaning was given and said, in log-odds (-100: not judged, since it was left early or not read again; "again": how many windows were; of a sentence only the acts
 * from -2 on); null where it did not read the message: "unread" says why, where that is of the message ("language"). */
FORBEAR_API const char *forbear_verdict_json(struct forbear_verdict *v);
/* What the judge of meaning is given of it: a line of facts, then subject and text with names as roles. Empty where it was not judged. */
FORBEAR_API const char *forbear_verdict_input(struct forbear_verdict *v);
/* For people: what would have let it pass, and of each rule that fired what it found, the very words, and what to do instead. Empty where none fired. */
FORBEAR_API const char *forbear_verdict_why(struct forbear_verdict *v);
/* For people: every signal with its evidence, and each rule's arithmetic. */
FORBEAR_API const char *forbear_verdict_explain(struct forbear_verdict *v);

#ifdef __cplusplus
}
#endif

#endif
