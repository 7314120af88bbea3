/* Phrase files, and matching: a text before the first NUL is the file, what follows is matched line by line. */
#include "fuzz.h"

#include "rules/phrases.h"

enum { SENTENCES = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fb_phrases *p;
    struct fb_text t;
    const struct fb_phrase_hit *hits;
    size_t n = 0, hits_n;
    struct fb_str file, rest = {(const char *)data, size}, sentences[SENTENCES];
    FB_ARENA arena = fb_arena_new(64u << 20);
    if (!arena || !size)
        return 0;
    fb_str_split(&rest, '\0', &file);
    while (n < SENTENCES && rest.p && fb_str_line(&rest, &sentences[n]))
        n++;
    if (fb_phrases_read(arena, "list.txt", file, &p, NULL) || fb_text_cut(arena, sentences, n, &t, NULL))
        return 0;
    for (size_t i = 0; i < t.n; i += 5)
        t.v[i].person = 1;
    if (fb_phrases_match(p, arena, &t, true, &hits, &hits_n, NULL))
        return 0;
    for (size_t i = 0; i < hits_n; i++)
        FUZZ_CHECK(hits[i].word + hits[i].n <= t.first[hits[i].sentence + 1]);
    return 0;
}
