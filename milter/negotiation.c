/* What the MTA is asked for: the least that judging needs. The one action is the quarantine, so that nothing can be changed
 * in a message even by mistake. Commands that are not looked at are not sent, and where no answer is needed the MTA is told
 * not to wait for one, which halves what a message costs. Answers stay at MAIL and at the end of the header, where mail out
 * of scope is let go, and at BODY, where the MTA would otherwise not read that the rest may be skipped.
 *
 * libmilter offers "no reply" for every step, and answers itself where the MTA cannot do without. */
#include "negotiation.h"

/* Postfix sends the macros of a stage with each header field and each piece of the body too, and takes an empty list for
 * its default; so the name of a macro that there is not stands for none. The queue id is there at MAIL with Sendmail, at
 * DATA with Postfix. */
static const struct {
    int stage;
    const char *macros;
} wanted[] = {
    {SMFIM_CONNECT, "{none}"}, {SMFIM_ENVFROM, "i {auth_authen}"}, {SMFIM_ENVRCPT, "{none}"}, {SMFIM_DATA, "i"}, {SMFIM_EOH, "{none}"}, {SMFIM_EOM, "i"},
};

void negotiation(SMFICTX *ctx, unsigned long actions, unsigned long steps, unsigned long *ret_actions, unsigned long *ret_steps)
{
    *ret_actions = actions & SMFIF_QUARANTINE;
    *ret_steps = steps & (SMFIP_NOHELO | SMFIP_NOUNKNOWN | SMFIP_NR_CONN | SMFIP_NR_RCPT | SMFIP_NR_DATA | SMFIP_NR_HDR | SMFIP_SKIP);
    if (actions & SMFIF_SETSYMLIST)
        for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
            smfi_setsymlist(ctx, wanted[i].stage, (char *)wanted[i].macros);
}
