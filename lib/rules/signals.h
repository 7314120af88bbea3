/* Signals: what is true of a case, each as a number with its evidence. They come from sources: the audience and the form
 * (signals.def), the phrase lists (phrase_NAME: sentences in which a phrase of NAME.txt stands; phrase_NAME_at_person: those
 * of them that are about a person; phrase_NAME_at_colleague: about a colleague; answers_complaint), the judge of meaning
 * (rules/judging.h). Rules weigh signals; a signal decides nothing. */
#ifndef FB_RULES_SIGNALS_H
#define FB_RULES_SIGNALS_H

#include "rules/case.h"
#include "rules/phrases.h"

struct fb_signal_evidence {
    struct fb_str text;          /* the very words, a view into the own words; empty where it is no matter of words */
    struct fb_str note;          /* one sentence for the sender */
    const struct fb_reader *who; /* the reader who makes it so; NULL: none in particular */
};

struct fb_signal {
    double value; /* 0: it is not so */
    size_t evidence_n;
    const struct fb_signal_evidence *evidence;
};

struct fb_source {
    /* Fills the source's own signals, @ret[0] being the first. */
    int (*read)(const struct fb_source *source, struct fb_arena *arena, const struct fb_case *c, struct fb_signal *ret, struct fb_err *err);
    const void *state;
    size_t first, n; /* its place among all signals */
};

enum { FB_SOURCES_MAX = 4 };

struct fb_signals { /* all signals there are, numbered */
    size_t n, sources_n;
    struct fb_str *names, *sentences;
    struct fb_map by_name; /* value: number + 1 */
    struct fb_source sources[FB_SOURCES_MAX];
};

struct fb_judging;
int fb_signals_init(struct fb_arena *arena, const struct fb_phrases *phrases, const struct fb_judging *judging, struct fb_signals *ret, struct fb_err *err);
bool fb_signals_find(const struct fb_signals *s, struct fb_str name, size_t *ret);
/* One value for each signal, in @arena. Outcome: FB_SIGNALS_LATE when @expired(@arg) said so between two sources. */
enum { FB_SIGNALS_LATE = 1 };
int fb_signals_read(const struct fb_signals *s, struct fb_arena *arena, const struct fb_case *c, bool (*expired)(void *), void *arg,
                    const struct fb_signal **ret, struct fb_err *err);

/* The sources. Each announces how many signals it has, then names them. */
size_t fb_audience_signals(void);
void fb_audience_names(struct fb_str *names, struct fb_str *sentences);
int fb_audience_read(const struct fb_source *source, struct fb_arena *arena, const struct fb_case *c, struct fb_signal *ret, struct fb_err *err);

size_t fb_phrase_signals(const struct fb_phrases *p);
int fb_phrase_names(struct fb_arena *arena, const struct fb_phrases *p, struct fb_str *names, struct fb_str *sentences, struct fb_err *err);
int fb_phrase_read(const struct fb_source *source, struct fb_arena *arena, const struct fb_case *c, struct fb_signal *ret, struct fb_err *err);

#endif
