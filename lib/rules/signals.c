/* All signals under one numbering, whatever source they come from. Another source is a few lines in fb_signals_init: it
 * must say how many signals it has, name them, and read them from a case.
 *
 * DIAGNOSTICS: lack of memory; a phrase list whose signals would bear the name of another. */
#include "rules/judging.h"
#include "rules/signals.h"

#include <assert.h>

static void add_source(struct fb_signals *s, struct fb_source source)
{
    assert(s->sources_n < FB_SOURCES_MAX);
    s->sources[s->sources_n++] = source;
    s->n += source.n;
}

static int index_names(struct fb_signals *s, struct fb_arena *arena, struct fb_err *err)
{
    if (fb_map_init(&s->by_name, arena, s->n, err))
        return -1;
    for (size_t i = 0; i < s->n; i++) {
        uint32_t *at = fb_map_put(&s->by_name, s->names[i]);
        if (*at)
            return fb_fail(err, "two signals have the name %.*s: rename a phrase file", FB_FMT(s->names[i]));
        *at = (uint32_t)i + 1;
    }
    return 0;
}

int fb_signals_init(struct fb_arena *arena, const struct fb_phrases *phrases, const struct fb_judging *judging, struct fb_signals *ret, struct fb_err *err)
{
    *ret = (struct fb_signals){0};
    size_t audience = fb_audience_signals(), said = fb_phrase_signals(phrases), meant = fb_meaning_signals(), n = audience + said + meant;
    ret->names = fb_arena_array(arena, n, sizeof *ret->names);
    ret->sentences = fb_arena_array(arena, n, sizeof *ret->sentences);
    if (!ret->names || !ret->sentences)
        return fb_fail_memory(err);
    fb_audience_names(ret->names, ret->sentences);
    add_source(ret, (struct fb_source){.read = fb_audience_read, .first = 0, .n = audience});
    if (fb_phrase_names(arena, phrases, ret->names + audience, ret->sentences + audience, err) ||
        fb_meaning_names(arena, ret->names + audience + said, ret->sentences + audience + said, err))
        return -1;
    add_source(ret, (struct fb_source){.read = fb_phrase_read, .state = phrases, .first = audience, .n = said});
    add_source(ret, (struct fb_source){.read = fb_meaning_signals_read, .state = judging, .first = audience + said, .n = meant});
    return index_names(ret, arena, err);
}

bool fb_signals_find(const struct fb_signals *s, struct fb_str name, size_t *ret)
{
    const uint32_t *at = fb_map_get(&s->by_name, name);
    if (at)
        *ret = *at - 1;
    return at != NULL;
}

int fb_signals_read(const struct fb_signals *s, struct fb_arena *arena, const struct fb_case *c, bool (*expired)(void *), void *arg,
                    const struct fb_signal **ret, struct fb_err *err)
{
    struct fb_signal *v = fb_arena_array(arena, s->n, sizeof *v);
    if (!v)
        return fb_fail_memory(err);
    for (size_t i = 0; i < s->sources_n; i++) {
        if (expired && expired(arg))
            return FB_SIGNALS_LATE;
        if (s->sources[i].read(&s->sources[i], arena, c, v + s->sources[i].first, err))
            return -1;
    }
    *ret = v;
    return 0;
}
