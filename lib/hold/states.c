/* The states of a hold, from states.def. Decides which steps exist; must never let one be made that the table lacks. */
#include "hold/states.h"

#include <assert.h>
#include <stddef.h>

static const struct {
    const char *name, *sentence;
    bool open;
} states[] = {
#define STATE(name, open, sentence) {#name, sentence, open},
#define STEP(from, to, by, meaning)
#include "hold/states.def"
#undef STATE
#undef STEP
};

static const struct {
    enum fb_state from, to;
} steps[] = {
#define STATE(name, open, sentence)
#define STEP(from, to, by, meaning) {FB_STATE_##from, FB_STATE_##to},
#include "hold/states.def"
#undef STATE
#undef STEP
};

const char *fb_state_name(enum fb_state s)
{
    assert(s < FB_STATES);
    return states[s].name;
}

const char *fb_state_sentence(enum fb_state s)
{
    assert(s < FB_STATES);
    return states[s].sentence;
}

bool fb_state_open(enum fb_state s)
{
    assert(s < FB_STATES);
    return states[s].open;
}

bool fb_state_step_allowed(enum fb_state from, enum fb_state to)
{
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        if (steps[i].from == from && steps[i].to == to)
            return true;
    return false;
}
