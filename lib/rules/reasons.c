/* The names, sentences and faults of reasons.def: why a message was not judged. Names are public and never change. */
#include <assert.h>

#include "rules/policy.h"

static const struct {
    const char *name, *sentence;
    bool fault;
} reasons[FB_REASONS] = {
#define REASON(name, fault, sentence) [FB_REASON_##name] = {#name, sentence, fault},
#include "rules/reasons.def"
#undef REASON
};

const char *fb_reason_name(enum fb_reason r)
{
    assert(r < FB_REASONS);
    return reasons[r].name;
}

const char *fb_reason_sentence(enum fb_reason r)
{
    assert(r < FB_REASONS);
    return reasons[r].sentence;
}

bool fb_reason_fault(enum fb_reason r)
{
    assert(r < FB_REASONS);
    return reasons[r].fault;
}
