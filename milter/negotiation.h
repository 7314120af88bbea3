/* What the MTA is asked for. Apart from the callbacks, so that the benchmark's empty filter asks for just the same. */
#ifndef FB_MILTER_NEGOTIATION_H
#define FB_MILTER_NEGOTIATION_H

#include <libmilter/mfapi.h>

/* Of @actions and @steps, which the MTA offers (xxfi_negotiate), those that are taken; and the macros that it shall send. */
void negotiation(SMFICTX *ctx, unsigned long actions, unsigned long steps, unsigned long *ret_actions, unsigned long *ret_steps);

#endif
