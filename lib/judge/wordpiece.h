/* WordPiece as BERT's uncased models have it (Devlin et al. 2018; Wu et al. 2016): text to ids of a vocabulary. The text is
 * cleaned (control characters dropped), CJK ideographs stand alone, accents are stripped (NFD, then no Mn), letters
 * lowered, punctuation stands alone, and each word is cut greedily into the longest pieces that the vocabulary has. */
#ifndef FB_JUDGE_WORDPIECE_H
#define FB_JUDGE_WORDPIECE_H

#include "base/arena.h"

enum { FB_TOKEN_UNK = 100, FB_TOKEN_CLS = 101, FB_TOKEN_SEP = 102 };

/* Roles that names become, and the unused tokens that stand for them: [TO] is [unused1], and so on. */
enum fb_role_token { FB_TOKEN_TO = 2, FB_TOKEN_CC, FB_TOKEN_READER, FB_TOKEN_COLLEAGUE, FB_TOKEN_MYBOSS };

struct fb_vocab;

/* @text: one piece a line, its id is its line number from 0, "##" before what continues a word. The pieces stay views
 * into @text; the table lives in @arena. A vocabulary without the tokens above in their places is refused. */
int fb_vocab_open(struct fb_arena *arena, struct fb_str text, const struct fb_vocab **ret, struct fb_err *err);

/* Whether a lower-case word is a piece by itself: a common word of the language that the vocabulary was made from. */
bool fb_vocab_has(const struct fb_vocab *vocab, struct fb_str word);

struct fb_piece {
    int32_t id;
    uint32_t from, to; /* its bytes in the text */
};

struct fb_pieces {
    size_t n;
    struct fb_piece *v;
};

/* @text: UTF-8 (what is not valid is dropped), under 4 GiB. "[TO]" and the other roles, written so, become their token. */
int fb_wordpiece(const struct fb_vocab *vocab, struct fb_arena *arena, struct fb_str text, struct fb_pieces *ret, struct fb_err *err);

#endif
