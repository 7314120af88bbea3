/* WordPiece. What a code point is (category, decomposition, lower case) is GLib's business; which code points drop, part or
 * stand alone is BERT's, and is written down here. Must give the ids of the tokenizer that the weights were trained with,
 * for any text: a different id is a different judgement. */
#include "judge/wordpiece.h"

#include <glib.h>

enum { WORD_MAX = 100 /* code points; a longer word is [UNK] */, DECOMPOSED_MAX = 18 /* G_UNICHAR_MAX_DECOMPOSITION_LENGTH */ };

struct slot {
    struct fb_str piece; /* without "##" */
    int32_t id;          /* -1: free */
    bool continues;
};

struct fb_vocab {
    size_t mask;
    struct slot *slots;
};

static uint32_t hash(struct fb_str s, bool continues)
{
    uint32_t h = continues ? 2166136261u ^ 0x23 : 2166136261u; /* FNV-1a */
    for (size_t i = 0; i < s.n; i++)
        h = (h ^ (uint8_t)s.p[i]) * 16777619u;
    return h ^ h >> 15;
}

static struct slot *find(const struct fb_vocab *v, struct fb_str piece, bool continues)
{
    for (size_t i = hash(piece, continues) & v->mask;; i = (i + 1) & v->mask) {
        struct slot *s = &v->slots[i];
        if (s->id < 0 || (s->continues == continues && fb_str_eq(s->piece, piece)))
            return s;
    }
}

bool fb_vocab_has(const struct fb_vocab *vocab, struct fb_str word)
{
    return find(vocab, word, false)->id >= 0;
}

static bool well_known(const struct fb_vocab *v, const char *piece, int32_t id)
{
    return find(v, fb_str(piece), false)->id == id;
}

int fb_vocab_open(struct fb_arena *arena, struct fb_str text, const struct fb_vocab **ret, struct fb_err *err)
{
    size_t lines = 0, size = 1024;
    for (struct fb_str rest = text, line; fb_str_line(&rest, &line);)
        lines++;
    while (size < lines * 2)
        size *= 2;
    struct fb_vocab *v = fb_arena_alloc(arena, sizeof *v);
    if (!v || !(v->slots = fb_arena_array(arena, size, sizeof *v->slots)))
        return fb_fail_memory(err);
    v->mask = size - 1;
    for (size_t i = 0; i < size; i++)
        v->slots[i].id = -1;
    int32_t id = 0;
    for (struct fb_str rest = text, line; fb_str_line(&rest, &line); id++) {
        bool continues = line.n > 2 && line.p[0] == '#' && line.p[1] == '#';
        if (continues)
            line = (struct fb_str){line.p + 2, line.n - 2};
        struct slot *s = find(v, line, continues);
        if (s->id < 0)
            *s = (struct slot){line, id, continues};
    }
    if (!well_known(v, "[UNK]", FB_TOKEN_UNK) || !well_known(v, "[CLS]", FB_TOKEN_CLS) ||
        !well_known(v, "[SEP]", FB_TOKEN_SEP) || !well_known(v, "[unused1]", FB_TOKEN_TO) ||
        !well_known(v, "[unused5]", FB_TOKEN_MYBOSS))
        return fb_fail(err, "the vocabulary is not that of an uncased BERT model: its special tokens are not in their places");
    *ret = v;
    return 0;
}

/* One run over a text: the word that is being read, and the pieces so far. */
struct run {
    const struct fb_vocab *vocab;
    struct fb_arena *arena;
    struct fb_pieces out;
    size_t cap;
    bool failed;
    size_t n;          /* code points of the word; WORD_MAX + 1: too many */
    char utf8[WORD_MAX * 6];
    uint32_t end[WORD_MAX]; /* where code point i ends in utf8 */
    uint32_t from[WORD_MAX], to[WORD_MAX]; /* the bytes of the text that it came from */
    uint32_t last_to;  /* where the word ends in the text, however long it is */
};

static void emit(struct run *r, int32_t id, uint32_t from, uint32_t to)
{
    struct fb_piece *v = fb_arena_grow(r->arena, r->out.v, r->out.n, &r->cap, sizeof *v);
    if (!v) {
        r->failed = true;
        return;
    }
    r->out.v = v;
    r->out.v[r->out.n++] = (struct fb_piece){id, from, to};
}

/* The longest piece that begins at code point @at: how many code points it has, or 0. */
static size_t longest(const struct run *r, size_t at, int32_t *ret_id)
{
    uint32_t begin = at ? r->end[at - 1] : 0;
    for (size_t to = r->n; to > at; to--) {
        const struct slot *s = find(r->vocab, (struct fb_str){r->utf8 + begin, r->end[to - 1] - begin}, at > 0);
        if (s->id >= 0) {
            *ret_id = s->id;
            return to - at;
        }
    }
    return 0;
}

static void end_word(struct run *r)
{
    size_t before = r->out.n, at = 0;
    if (!r->n)
        return;
    while (r->n <= WORD_MAX && at < r->n) {
        int32_t id;
        size_t k = longest(r, at, &id);
        if (!k)
            break;
        emit(r, id, r->from[at], r->to[at + k - 1]);
        at += k;
    }
    if (at < r->n) { /* no way to cut it, or too long: one [UNK] for the whole word */
        r->out.n = before;
        emit(r, FB_TOKEN_UNK, r->from[0], r->last_to);
    }
    r->n = 0;
}

static void add_to_word(struct run *r, gunichar c, uint32_t from, uint32_t to)
{
    r->last_to = to;
    if (r->n >= WORD_MAX) {
        r->n = WORD_MAX + 1;
        return;
    }
    uint32_t begin = r->n ? r->end[r->n - 1] : 0;
    r->end[r->n] = begin + (uint32_t)g_unichar_to_utf8(c, r->utf8 + begin);
    r->from[r->n] = from;
    r->to[r->n++] = to;
}

/* Marks, punctuation and format characters that came after Unicode 8.0: the tables of the tokenizer that the weights were
 * trained with do not have them, and take them for letters. */
static const gunichar after_unicode_8[][2] = {
    {0x61D, 0x61D}, {0x7FD, 0x7FD}, {0x890, 0x891}, {0x898, 0x89F}, {0x8CA, 0x8E2}, {0x9FD, 0x9FE}, {0xA76, 0xA76},
    {0xAFA, 0xAFF}, {0xB55, 0xB55}, {0xC04, 0xC04}, {0xC3C, 0xC3C}, {0xC77, 0xC77}, {0xC84, 0xC84}, {0xD00, 0xD00},
    {0xD3B, 0xD3C}, {0xD81, 0xD81}, {0xEBA, 0xEBA}, {0xECE, 0xECE}, {0x180F,
    0x180F}, {0x1885, 0x1886}, {0x1ABF, 0x1ACE}, {0x1B7D, 0x1B7E}, {0x1DF6, 0x1DFB}, {0x2E43, 0x2E4F}, {0x2E52,
    0x2E5D}, {0xA82C, 0xA82C}, {0xA8C5, 0xA8C5}, {0xA8FF, 0xA8FF}, {0xA9BD, 0xA9BD}, {0x10D24, 0x10D27}, {0x10EAB,
    0x10EAD}, {0x10EFD, 0x10EFF}, {0x10F46, 0x10F50}, {0x10F55, 0x10F59}, {0x10F82, 0x10F89}, {0x11070, 0x11070},
    {0x11073, 0x11074}, {0x110C2, 0x110C2}, {0x110CD, 0x110CD}, {0x111CF, 0x111CF}, {0x1123E,
    0x1123E}, {0x11241, 0x11241}, {0x1133B, 0x1133B}, {0x11438, 0x1143F}, {0x11442, 0x11444}, {0x11446, 0x11446},
    {0x1144B, 0x1144F}, {0x1145A, 0x1145B}, {0x1145D, 0x1145E}, {0x11660, 0x1166C}, {0x116B9, 0x116B9}, {0x1182F,
    0x11837}, {0x11839, 0x1183B}, {0x1193B, 0x1193C}, {0x1193E, 0x1193E}, {0x11943, 0x11946}, {0x119D4, 0x119D7},
    {0x119DA, 0x119DB}, {0x119E0, 0x119E0}, {0x119E2, 0x119E2}, {0x11A01, 0x11A0A}, {0x11A33, 0x11A38}, {0x11A3B,
    0x11A47}, {0x11A51, 0x11A56}, {0x11A59, 0x11A5B}, {0x11A8A, 0x11A96}, {0x11A98, 0x11A9C}, {0x11A9E, 0x11AA2},
    {0x11B00, 0x11B09}, {0x11C30, 0x11C36}, {0x11C38, 0x11C3D}, {0x11C3F, 0x11C3F}, {0x11C41, 0x11C45}, {0x11C70,
    0x11C71}, {0x11C92, 0x11CA7}, {0x11CAA, 0x11CB0}, {0x11CB2, 0x11CB3}, {0x11CB5, 0x11CB6}, {0x11D31, 0x11D36},
    {0x11D3A, 0x11D3A}, {0x11D3C, 0x11D3D}, {0x11D3F, 0x11D45}, {0x11D47, 0x11D47}, {0x11D90, 0x11D91}, {0x11D95,
    0x11D95}, {0x11D97, 0x11D97}, {0x11EF3, 0x11EF4}, {0x11EF7, 0x11EF8}, {0x11F00, 0x11F01}, {0x11F36, 0x11F3A},
    {0x11F40, 0x11F40}, {0x11F42, 0x11F4F}, {0x11FFF, 0x11FFF}, {0x12FF1, 0x12FF2}, {0x13430, 0x13440}, {0x13447,
    0x13455}, {0x16E97, 0x16E9A}, {0x16F4F, 0x16F4F}, {0x16FE2, 0x16FE2}, {0x16FE4, 0x16FE4}, {0x1CF00, 0x1CF2D},
    {0x1CF30, 0x1CF46}, {0x1E000, 0x1E006}, {0x1E008, 0x1E018}, {0x1E01B, 0x1E021}, {0x1E023, 0x1E024}, {0x1E026,
    0x1E02A}, {0x1E08F, 0x1E08F}, {0x1E130, 0x1E136}, {0x1E2AE, 0x1E2AE}, {0x1E2EC, 0x1E2EF}, {0x1E4EC, 0x1E4EF},
    {0x1E944, 0x1E94A}, {0x1E95E, 0x1E95F}};

static GUnicodeType category(gunichar c)
{
    switch (c) { /* what Unicode has changed its mind on since */
    case 0x166D:
    case 0x111C9:
        return G_UNICODE_OTHER_PUNCTUATION;
    case 0x1734:
        return G_UNICODE_NON_SPACING_MARK;
    }
    size_t low = 0, high = sizeof after_unicode_8 / sizeof *after_unicode_8;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (c < after_unicode_8[mid][0])
            high = mid;
        else if (c > after_unicode_8[mid][1])
            low = mid + 1;
        else
            return G_UNICODE_OTHER_LETTER;
    }
    return g_unichar_type(c);
}

static bool is_cjk(gunichar c)
{
    return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) || (c >= 0x20000 && c <= 0x2A6DF) ||
           (c >= 0x2A700 && c <= 0x2B73F) || (c >= 0x2B740 && c <= 0x2B81F) || (c >= 0x2B920 && c <= 0x2CEAF) ||
           (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x2F800 && c <= 0x2FA1F);
}

static bool is_white(gunichar c) /* the property White_Space */
{
    return (c >= 0x09 && c <= 0x0D) || c == 0x85 || c == ' ' || category(c) == G_UNICODE_SPACE_SEPARATOR || c == 0x2028 ||
           c == 0x2029;
}

static bool is_dropped(gunichar c)
{
    if (c == '\t' || c == '\n' || c == '\r')
        return false;
    GUnicodeType t = category(c);
    return c == 0 || c == 0xFFFD || t == G_UNICODE_CONTROL || t == G_UNICODE_FORMAT || t == G_UNICODE_PRIVATE_USE ||
           t == G_UNICODE_SURROGATE;
}

static bool is_punctuation(gunichar c)
{
    if (c < 0x80)
        return g_ascii_ispunct((char)c);
    switch (category(c)) {
    case G_UNICODE_CONNECT_PUNCTUATION:
    case G_UNICODE_DASH_PUNCTUATION:
    case G_UNICODE_OPEN_PUNCTUATION:
    case G_UNICODE_CLOSE_PUNCTUATION:
    case G_UNICODE_INITIAL_PUNCTUATION:
    case G_UNICODE_FINAL_PUNCTUATION:
    case G_UNICODE_OTHER_PUNCTUATION:
        return true;
    default:
        return false;
    }
}

static void add_letter(struct run *r, gunichar c, uint32_t from, uint32_t to)
{
    bool alone = is_punctuation(c);
    if (alone)
        end_word(r);
    add_to_word(r, c, from, to);
    if (alone)
        end_word(r);
}

static void add_char(struct run *r, gunichar c, uint32_t from, uint32_t to)
{
    if (is_dropped(c))
        return;
    bool alone = is_cjk(c);
    if (alone || is_white(c))
        end_word(r);
    if (is_white(c))
        return;
    gunichar parts[DECOMPOSED_MAX];
    size_t n = g_unichar_fully_decompose(c, FALSE, parts, DECOMPOSED_MAX);
    for (size_t i = 0; i < n; i++)
        if (category(parts[i]) != G_UNICODE_NON_SPACING_MARK)
            add_letter(r, g_unichar_tolower(parts[i]), from, to);
    if (alone)
        end_word(r);
}

/* Tokens that are written as such in the text: how long the one at its beginning is, or 0. */
static size_t written_token(struct fb_str at, int32_t *ret_id)
{
    static const struct {
        struct fb_str text;
        int32_t id;
    } tokens[] = {
        {{"[TO]", 4}, FB_TOKEN_TO},
        {{"[CC]", 4}, FB_TOKEN_CC},
        {{"[READER]", 8}, FB_TOKEN_READER},
        {{"[COLLEAGUE]", 11}, FB_TOKEN_COLLEAGUE},
        {{"[MYBOSS]", 8}, FB_TOKEN_MYBOSS},
        {{"[unused1]", 9}, FB_TOKEN_TO},
        {{"[unused2]", 9}, FB_TOKEN_CC},
        {{"[unused3]", 9}, FB_TOKEN_READER},
        {{"[unused4]", 9}, FB_TOKEN_COLLEAGUE},
        {{"[unused5]", 9}, FB_TOKEN_MYBOSS},
        {{"[PAD]", 5}, 0},
        {{"[UNK]", 5}, FB_TOKEN_UNK},
        {{"[CLS]", 5}, FB_TOKEN_CLS},
        {{"[SEP]", 5}, FB_TOKEN_SEP},
        {{"[MASK]", 6}, 103},
    };
    for (size_t i = 0; i < sizeof tokens / sizeof *tokens; i++) {
        struct fb_str t = tokens[i].text;
        if (at.n >= t.n && memcmp(at.p, t.p, t.n) == 0) {
            *ret_id = tokens[i].id;
            return t.n;
        }
    }
    return 0;
}

int fb_wordpiece(const struct fb_vocab *vocab, struct fb_arena *arena, struct fb_str text, struct fb_pieces *ret, struct fb_err *err)
{
    struct run r = {.vocab = vocab, .arena = arena};
    if (text.n > UINT32_MAX)
        return fb_fail(err, "a text of %zu bytes is too long to be judged", text.n);
    for (size_t i = 0, k; i < text.n && !r.failed; i += k) {
        struct fb_str at = {text.p + i, text.n - i};
        int32_t id;
        if (*at.p == '[' && (k = written_token(at, &id))) {
            end_word(&r);
            emit(&r, id, (uint32_t)i, (uint32_t)(i + k));
            continue;
        }
        gunichar c = g_utf8_get_char_validated(at.p, (gssize)(at.n < 6 ? at.n : 6));
        if (c == (gunichar)-1 || c == (gunichar)-2) {
            k = 1;
            continue;
        }
        k = (size_t)g_unichar_to_utf8(c, NULL);
        add_char(&r, c, (uint32_t)i, (uint32_t)(i + k));
    }
    end_word(&r);
    if (r.failed)
        return fb_fail_memory(err);
    *ret = r.out;
    return 0;
}
