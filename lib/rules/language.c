/* The language of a text, from its script, its small words and how many of its other words the judge's vocabulary holds. Business
 * mail is too short and too full of names for statistics of letters; small words are a third of any text and seldom borrowed,
 * and a word that the judge has only in pieces is one that it was hardly taught. What says nothing (a log, a table, a list of
 * names) counts as English. It must never take English for another language for how well it is written, or whom it names. */
#include "rules/language.h"

#include <stdlib.h>

enum { CJK_LETTERS = 3 /* a character of Chinese or Japanese says as much as so many letters */ };

#define LANGUAGES(X) X(EN) X(DE) X(FR) X(ES) X(IT) X(PT) X(NL) X(PL) X(TR) X(SV) X(DA) X(NO) X(FI) X(CS) X(HU) X(RO)
#define PLACE(l) PLACE_##l,
enum { LANGUAGES(PLACE) };
#define BIT(l) l = 1 << PLACE_##l,
enum { LANGUAGES(BIT) };

static const struct small_word {
    const char *word;
    unsigned languages;
} small_words[] = {
#define WORD(word, languages) {word, languages},
#include "rules/small_words.def"
#undef WORD
};

static int compare(const void *key, const void *element)
{
    const struct fb_str *s = key;
    const char *word = ((const struct small_word *)element)->word;
    int d = strncmp(s->p, word, s->n);
    return d ? d : -(int)(word[s->n] != '\0');
}

static unsigned look_up(struct fb_str word)
{
    const struct small_word *found = bsearch(&word, small_words, sizeof small_words / sizeof *small_words, sizeof *small_words, compare);
    return found ? found->languages : 0;
}

/* Of a whole word, else of what stands before its apostrophe. */
static unsigned languages_of(struct fb_str norm)
{
    unsigned found = look_up(norm);
    const char *apostrophe = found || !norm.n ? NULL : memchr(norm.p, '\'', norm.n);
    return apostrophe ? look_up((struct fb_str){norm.p, (size_t)(apostrophe + 1 - norm.p)}) : found;
}

struct letters {
    size_t latin, marked, other; /* plain Latin; with marks; of another script */
};

/* By the first bytes of each character (RFC 3629). U+2000 to U+2FFF are signs. */
static void count_letters(struct fb_str s, struct letters *n)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i], d = i + 1 < s.n ? (unsigned char)s.p[i + 1] : 0;
        if (c < 0x80)
            n->latin += fb_is_alpha((char)c);
        else if ((c >= 0xC3 && c <= 0xCB) || (c == 0xE1 && (d == 0xBA || d == 0xBB))) /* U+00C0 to U+02FF, U+1E80 to U+1EFF */
            n->marked++;
        else if ((c >= 0xCE && c <= 0xDF) || c == 0xE0 || c == 0xE1)
            n->other++;
        else if (c >= 0xE3 && c <= 0xED)
            n->other += CJK_LETTERS;
    }
}

/* What a word says: by how much, in hundredths of a natural log, it is likelier in English than in another language. Measured on
 * a few thousand English mails and on translations into 15 languages, and taken lower, as words do not come independently. */
enum { ENGLISH = 320, BOTH = 60, FOREIGN = -360, KNOWN = 115, UNKNOWN = -180, MARKED = -320, PRIOR = 400 };

static int says(const struct fb_word *w, const struct fb_vocab *vocab)
{
    struct letters n = {0, 0, 0};
    unsigned found = languages_of(w->norm);
    if (found)
        return found == EN ? ENGLISH : found & EN ? BOTH : FOREIGN;
    count_letters(w->text, &n);
    if (n.marked)
        return MARKED;
    return !vocab || n.latin < w->text.n ? 0 : fb_vocab_has(vocab, w->norm) ? KNOWN : UNKNOWN;
}

/* Parts of addresses, paths and code are no words: what touches one of their signs, or has a '.', ':' or '-' within. */
static bool is_in_code(struct fb_str sentence, struct fb_str word)
{
    static const char signs[] = "/\\@_=<>&#$%*+|~{}[]";
    const char *end = word.p + word.n, *sentence_end = sentence.p + sentence.n;
    bool before = word.p > sentence.p && word.p[-1], after = end < sentence_end && *end;
    if ((before && strchr(signs, word.p[-1])) || (after && strchr(signs, *end)))
        return true;
    return (before && word.p - 1 > sentence.p && strchr(".:-", word.p[-1]) && !fb_is_blank(word.p[-2])) ||
           (after && end + 1 < sentence_end && strchr(".:", *end) && !fb_is_blank(end[1]));
}

enum capitals { SMALL, FIRST, ALL };

static enum capitals capitals_of(struct fb_str s)
{
    unsigned char c = (unsigned char)s.p[0], d = s.n > 1 ? (unsigned char)s.p[1] : 0;
    bool small = (c >= 'a' && c <= 'z') || (c == 0xC3 && d >= 0x9F) || c >= 0xC4;
    return small ? SMALL : d >= 'A' && d <= 'Z' ? ALL : FIRST;
}

/* In a text that is all capitals, capitals make no names; there only small words count. */
static bool is_all_capitals(const struct fb_text *t)
{
    for (size_t w = 0; w < t->n; w++)
        if (capitals_of(t->v[w].text) == SMALL)
            return false;
    return true;
}

bool fb_language_english(const struct fb_text *t, const struct fb_vocab *vocab)
{
    int score = PRIOR;
    bool shouted = is_all_capitals(t);
    struct letters letters = {0, 0, 0};
    for (size_t s = 0; s < t->sentences_n; s++)
        for (size_t w = t->first[s]; w < t->first[s + 1]; w++) {
            struct fb_str word = t->v[w].text;
            enum capitals capitals = capitals_of(word);
            bool name = capitals == ALL || (capitals == FIRST && w > t->first[s]);
            count_letters(word, &letters);
            if (!is_in_code(t->sentences[s], word) && (shouted || !name))
                score += shouted && !languages_of(t->v[w].norm) ? 0 : says(&t->v[w], vocab);
        }
    return letters.other <= letters.latin + letters.marked && score > 0;
}
