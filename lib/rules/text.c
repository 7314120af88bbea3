/* Cuts text into words and folds them, so that "Siobhán's", "SIOBHAN’S" and "siobhan's" are one word. Linear in the
 * text; invalid UTF-8 is read as letters and never faulted. It knows Latin letters with marks (to U+017F, and the
 * Romanian ones at U+0218); other scripts stay as written. */
#include "rules/text.h"

#include "rules/map.h"

/* Up to this code point, Latin letters fold to this; NULL: no letter. From U+00C0. */
static const struct {
    unsigned last;
    const char *to;
} folds[] = {
    {0xC5, "a"},  {0xC6, "ae"}, {0xC7, "c"},  {0xCB, "e"},  {0xCF, "i"},  {0xD0, "d"},  {0xD1, "n"},  {0xD6, "o"},
    {0xD7, NULL}, {0xD8, "o"},  {0xDC, "u"},  {0xDD, "y"},  {0xDE, "th"}, {0xDF, "ss"}, {0xE5, "a"},  {0xE6, "ae"},
    {0xE7, "c"},  {0xEB, "e"},  {0xEF, "i"},  {0xF0, "d"},  {0xF1, "n"},  {0xF6, "o"},  {0xF7, NULL}, {0xF8, "o"},
    {0xFC, "u"},  {0xFD, "y"},  {0xFE, "th"}, {0xFF, "y"},  {0x105, "a"}, {0x10D, "c"}, {0x111, "d"}, {0x11B, "e"},
    {0x123, "g"}, {0x127, "h"}, {0x131, "i"}, {0x133, "ij"}, {0x135, "j"}, {0x138, "k"}, {0x142, "l"}, {0x14B, "n"},
    {0x151, "o"}, {0x153, "oe"}, {0x159, "r"}, {0x161, "s"}, {0x167, "t"}, {0x173, "u"}, {0x175, "w"}, {0x178, "y"},
    {0x17E, "z"}, {0x17F, "s"},
};

enum kind { LETTER, APOSTROPHE, MARK, OTHER };

/* What stands at the start of @s, and how many bytes it takes. */
static enum kind kind_at(struct fb_str s, size_t *ret_n)
{
    unsigned char c = (unsigned char)s.p[0], d = s.n > 1 ? (unsigned char)s.p[1] : 0;
    *ret_n = 1;
    if (c < 0x80)
        return fb_is_alpha((char)c) || fb_is_digit((char)c) ? LETTER : c == '\'' ? APOSTROPHE : OTHER;
    if (c == 0xC2) /* U+0080 to U+00BF: signs and the no-break space */
        return *ret_n = s.n > 1 ? 2 : 1, OTHER;
    if (c == 0xCC || (c == 0xCD && d < 0xB0)) /* U+0300 to U+036F: combining marks */
        return *ret_n = s.n > 1 ? 2 : 1, MARK;
    if (c == 0xE2 && (d == 0x80 || d == 0x81) && s.n > 2) /* U+2000 to U+207F: punctuation */
        return *ret_n = 3, d == 0x80 && ((unsigned char)s.p[2] == 0x99 || (unsigned char)s.p[2] == 0x98) ? APOSTROPHE : OTHER;
    if (c == 0xF0) /* emoji */
        return *ret_n = s.n < 4 ? s.n : 4, OTHER;
    return LETTER;
}

static struct fb_str rest_from(struct fb_str s, size_t i)
{
    return (struct fb_str){s.p + i, s.n - i};
}

bool fb_text_word(struct fb_str *rest, struct fb_str *ret)
{
    size_t i = 0, k, end;
    while (i < rest->n && kind_at(rest_from(*rest, i), &k) != LETTER)
        i += k;
    size_t from = end = i;
    while (i < rest->n) {
        enum kind kind = kind_at(rest_from(*rest, i), &k);
        if (kind == OTHER)
            break;
        i += k;
        if (kind != APOSTROPHE) /* an apostrophe belongs to the word only where letters follow */
            end = i;
        else if (i < rest->n && kind_at(rest_from(*rest, i), &k) != LETTER)
            break;
    }
    *ret = (struct fb_str){rest->p + from, end - from};
    *rest = rest_from(*rest, end);
    return ret->n > 0;
}

static const char *fold_latin(unsigned code)
{
    size_t i = 0;
    while (folds[i].last < code)
        i++;
    return folds[i].to;
}

/* Folds what stands at @s into *@to; a fold is never longer than what it folds. */
static size_t fold_one(struct fb_str s, char **to)
{
    size_t n;
    enum kind kind = kind_at(s, &n);
    unsigned char c = (unsigned char)s.p[0];
    if (kind == APOSTROPHE) {
        *(*to)++ = '\'';
    } else if (kind == LETTER && c >= 0xC3 && c <= 0xC5 && s.n > 1) {
        n = 2;
        for (const char *f = fold_latin((c & 0x1Fu) << 6 | ((unsigned char)s.p[1] & 0x3Fu)); f && *f; f++)
            *(*to)++ = *f;
    } else if (kind == LETTER && c == 0xC8 && s.n > 1 && (unsigned char)s.p[1] >= 0x98 && (unsigned char)s.p[1] <= 0x9B) {
        n = 2;
        *(*to)++ = (unsigned char)s.p[1] < 0x9A ? 's' : 't';
    } else if (kind == LETTER) {
        *(*to)++ = fb_lower(s.p[0]);
    }
    return n;
}

static struct fb_str fold_into(char *buf, struct fb_str word)
{
    char *to = buf;
    for (size_t i = 0; i < word.n;)
        i += fold_one(rest_from(word, i), &to);
    return (struct fb_str){buf, (size_t)(to - buf)};
}

struct fb_str fb_text_fold(struct fb_arena *arena, struct fb_str word)
{
    char *buf = fb_arena_alloc(arena, word.n + 1);
    return buf ? fold_into(buf, word) : (struct fb_str){NULL, 0};
}

/* Contractions that are not made by rule, or that are often written without their apostrophe. */
static const struct {
    struct fb_str word, a, b;
} contractions[] = {
#define SPLIT(word, a, b) {FB_STR_INIT(word), FB_STR_INIT(a), FB_STR_INIT(b)},
    SPLIT("won't", "will", "not") SPLIT("can't", "can", "not") SPLIT("cannot", "can", "not") SPLIT("shan't", "shall", "not")
    SPLIT("dont", "do", "not") SPLIT("didnt", "did", "not") SPLIT("doesnt", "does", "not") SPLIT("isnt", "is", "not")
    SPLIT("wasnt", "was", "not") SPLIT("couldnt", "could", "not") SPLIT("shouldnt", "should", "not") SPLIT("wouldnt", "would", "not")
    SPLIT("havent", "have", "not") SPLIT("hasnt", "has", "not") SPLIT("youre", "you", "are") SPLIT("youve", "you", "have")
#undef SPLIT
};

static const struct {
    struct fb_str ending, to;
} endings[] = {
#define ENDING(ending, to) {FB_STR_INIT(ending), FB_STR_INIT(to)},
    ENDING("n't", "not") ENDING("'re", "are") ENDING("'ve", "have") ENDING("'ll", "will") ENDING("'m", "am")
#undef ENDING
};

size_t fb_text_parts(struct fb_str folded, struct fb_str ret[2])
{
    for (size_t i = 0; folded.n > 3 && i < sizeof contractions / sizeof *contractions; i++)
        if (fb_str_eq(folded, contractions[i].word))
            return ret[0] = contractions[i].a, ret[1] = contractions[i].b, 2;
    ret[0] = folded;
    if (!memchr(folded.p, '\'', folded.n))
        return 1;
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (folded.n > endings[i].ending.n && fb_str_iends(folded, endings[i].ending))
            return ret[0].n -= endings[i].ending.n, ret[1] = endings[i].to, 2;
    return 1;
}

static size_t count_words(const struct fb_str *sentences, size_t n, size_t *ret_bytes)
{
    size_t words = 0;
    for (size_t i = 0; i < n; i++) {
        struct fb_str rest = sentences[i], word;
        while (fb_text_word(&rest, &word))
            words++, *ret_bytes += word.n;
    }
    return words;
}

int fb_text_cut(struct fb_arena *arena, const struct fb_str *sentences, size_t n, struct fb_text *ret, struct fb_err *err)
{
    size_t bytes = 0, words = count_words(sentences, n, &bytes);
    size_t *first = fb_arena_array(arena, n + 1, sizeof *first);
    char *buf = fb_arena_alloc(arena, bytes + 1);
    *ret = (struct fb_text){.v = fb_arena_array(arena, 2 * words, sizeof *ret->v), .sentences_n = n, .sentences = sentences, .first = first};
    if (!ret->v || !first || !buf)
        return fb_fail_memory(err);
    for (size_t i = 0; i < n; i++) {
        first[i] = ret->n;
        struct fb_str rest = sentences[i], word;
        while (fb_text_word(&rest, &word)) {
            struct fb_str norm = fold_into(buf, word), parts[2];
            buf += norm.n;
            size_t k = fb_text_parts(norm, parts);
            for (size_t j = 0; j < k; j++)
                ret->v[ret->n++] = (struct fb_word){.text = word, .norm = parts[j], .hash = fb_hash(parts[j]), .sentence = (uint32_t)i};
        }
    }
    first[n] = ret->n;
    return 0;
}

struct fb_str fb_text_span(const struct fb_text *t, size_t first, size_t n)
{
    const struct fb_word *a = &t->v[first], *z = &t->v[first + n - 1];
    return (struct fb_str){a->text.p, (size_t)(z->text.p + z->text.n - a->text.p)};
}

bool fb_text_utf8(struct fb_str s)
{
    for (size_t n; s.n; s = rest_from(s, n))
        if (!(n = fb_utf8_length(s)))
            return false;
    return true;
}
