/* The states of a hold. Numbers are kept in the store: new states go to the end of states.def. */
#ifndef FB_HOLD_STATES_H
#define FB_HOLD_STATES_H

#include <stdbool.h>

enum fb_state {
#define STATE(name, open, sentence) FB_STATE_##name,
#define STEP(from, to, by, meaning)
#include "hold/states.def"
#undef STATE
#undef STEP
    FB_STATES
};

const char *fb_state_name(enum fb_state s);
const char *fb_state_sentence(enum fb_state s);
/* Something is still to be done for it. */
bool fb_state_open(enum fb_state s);
bool fb_state_step_allowed(enum fb_state from, enum fb_state to);

#endif
