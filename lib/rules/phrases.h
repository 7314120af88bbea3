/* Phrases: what is said, in words the admin can read and add to. A file of them is a list, named by the file.
 *
 *   # a comment                          up to the end of the line
 *   says = One sentence for the sender.  what these words do
 *   <never> = never not hardly           a word class; those of classes.txt are known to all lists
 *   you <never> listen*                  a phrase: words on word boundaries, letters' case aside; a '*' at the end of a
 *                                        word stands for its endings
 *   should|ought .. known better         alternatives; '..' is a gap of at most FB_PHRASE_GAP words in the sentence
 *   <person> messed up                   <person>: a person's name, or "you" where one person is addressed; <any>: a word
 *   ! not .. your fault                  what overlaps this is not meant
 *
 * A phrase stands within one sentence. Matching is linear in the words of the text: phrases are found by their first word. */
#ifndef FB_RULES_PHRASES_H
#define FB_RULES_PHRASES_H

#include "rules/map.h"
#include "rules/text.h"

enum { FB_PHRASE_GAP = 4, FB_PHRASE_WORDS = 24 };

struct fb_phrase_list {
    struct fb_str name; /* of the file, without .txt: a-z 0-9 _ */
    struct fb_str says; /* empty where the file does not say */
    const char *path;
};

struct fb_phrases;

/* All *.txt of @shipped, a file of the same name in @own taking its place. @own may be absent, @shipped too where it is
 * empty. Faults name file and line: a list without a phrase, an unknown class, a gap at an end. */
int fb_phrases_load(struct fb_arena *arena, const char *shipped, const char *own, struct fb_phrases **ret, struct fb_err *err);
/* One list from a text that was read from @path: for tests and the fuzzer. */
int fb_phrases_read(struct fb_arena *arena, const char *path, struct fb_str text, struct fb_phrases **ret, struct fb_err *err);

size_t fb_phrases_lists(const struct fb_phrases *p, const struct fb_phrase_list **ret); /* how many; in the order of names */
size_t fb_phrases_count(const struct fb_phrases *p); /* phrases of all lists */

struct fb_phrase_hit {
    uint32_t list, sentence;
    uint32_t word, n; /* the words that matched: the first, how many */
};

/* What is found in @t, by place; of hits of one list that overlap, the longest. @addressed: "you" is one person. */
int fb_phrases_match(const struct fb_phrases *p, struct fb_arena *arena, const struct fb_text *t, bool addressed,
                     const struct fb_phrase_hit **ret, size_t *ret_n, struct fb_err *err);

#endif
