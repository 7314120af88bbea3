/* The adapters between libmilter and a session: they translate arguments and answers, and decide nothing.
 *
 * Callbacks of one connection come one after the other, but from any thread: its state hangs on the connection
 * (smfi_setpriv), never on the thread.
 *
 * DIAGNOSTICS: callbacks_open fails where libmilter cannot use the socket; libmilter itself logs to syslog why. */
#include "callbacks.h"

#include <stdlib.h>

#include "negotiation.h"

enum { BACKLOG = 256 };

/* libmilter hands nothing through to its callbacks, so what they share has to stand here. */
static struct milter *milter;

static struct session *session_of(SMFICTX *ctx)
{
    struct session *s = smfi_getpriv(ctx);
    if (!s && (s = session_new(milter)))
        smfi_setpriv(ctx, s);
    return s;
}

static sfsistat reply(SMFICTX *ctx, enum answer a)
{
    static const sfsistat of[] = {
        [ANSWER_CONTINUE] = SMFIS_CONTINUE,
        [ANSWER_ACCEPT] = SMFIS_ACCEPT,
        [ANSWER_SKIP] = SMFIS_SKIP,
        [ANSWER_TEMPFAIL] = SMFIS_TEMPFAIL,
        [ANSWER_DISCARD] = SMFIS_DISCARD,
        [ANSWER_QUARANTINE] = SMFIS_ACCEPT,
    };
    if (a == ANSWER_TEMPFAIL)
        smfi_setreply(ctx, (char[]){"451"}, (char[]){"4.7.1"}, (char[]){"Service unavailable, try again later"});
    return of[a];
}

static sfsistat on_negotiate(SMFICTX *ctx, unsigned long actions, unsigned long steps, unsigned long f2, unsigned long f3,
                             unsigned long *ret_actions, unsigned long *ret_steps, unsigned long *ret_f2, unsigned long *ret_f3)
{
    (void)f2, (void)f3;
    *ret_f2 = *ret_f3 = 0;
    negotiation(ctx, actions, steps, ret_actions, ret_steps);
    struct session *s = session_of(ctx);
    if (s)
        session_agreed(s, *ret_steps & SMFIP_SKIP, *ret_actions & SMFIF_QUARANTINE);
    return SMFIS_CONTINUE;
}

static sfsistat on_connect(SMFICTX *ctx, char *host, _SOCK_ADDR *addr)
{
    (void)host;
    struct session *s = session_of(ctx);
    if (s)
        session_client(s, addr);
    return SMFIS_NOREPLY;
}

/* NULL before the MTA has given one. */
static const char *queue_id(SMFICTX *ctx)
{
    return smfi_getsymval(ctx, (char[]){"i"});
}

static sfsistat on_mail(SMFICTX *ctx, char **argv)
{
    struct session *s = session_of(ctx);
    return reply(ctx, s ? session_mail(s, argv, smfi_getsymval(ctx, (char[]){"{auth_authen}"}), queue_id(ctx)) : session_missing(milter));
}

static sfsistat on_rcpt(SMFICTX *ctx, char **argv)
{
    struct session *s = smfi_getpriv(ctx);
    if (s)
        session_rcpt(s, argv[0]);
    return SMFIS_NOREPLY;
}

/* It brings the queue id. */
static sfsistat on_data(SMFICTX *ctx)
{
    (void)ctx;
    return SMFIS_NOREPLY;
}

static sfsistat on_header(SMFICTX *ctx, char *name, char *value)
{
    struct session *s = smfi_getpriv(ctx);
    if (s)
        session_header(s, name, value);
    return SMFIS_NOREPLY;
}

static sfsistat on_eoh(SMFICTX *ctx)
{
    struct session *s = smfi_getpriv(ctx);
    return s ? reply(ctx, session_eoh(s, queue_id(ctx))) : SMFIS_ACCEPT;
}

static sfsistat on_body(SMFICTX *ctx, unsigned char *p, size_t n)
{
    struct session *s = smfi_getpriv(ctx);
    return s ? reply(ctx, session_body(s, p, n)) : SMFIS_ACCEPT;
}

static enum answer end_of_message(SMFICTX *ctx, struct session *s)
{
    const char *id = queue_id(ctx);
    enum answer a = session_eom(s, id);
    if (a == ANSWER_QUARANTINE)
        a = session_quarantined(s, smfi_quarantine(ctx, (char[]){"forbear"}) == MI_SUCCESS, id);
    return a;
}

static sfsistat on_eom(SMFICTX *ctx)
{
    struct session *s = smfi_getpriv(ctx);
    if (!s)
        return SMFIS_ACCEPT;
    atomic_fetch_add(&milter->working, 1);
    enum answer a = end_of_message(ctx, s);
    atomic_fetch_sub(&milter->working, 1);
    return reply(ctx, a);
}

static sfsistat on_abort(SMFICTX *ctx)
{
    struct session *s = smfi_getpriv(ctx);
    if (s)
        session_reset(s);
    return SMFIS_CONTINUE;
}

static sfsistat on_close(SMFICTX *ctx)
{
    session_free(smfi_getpriv(ctx));
    smfi_setpriv(ctx, NULL);
    return SMFIS_CONTINUE;
}

static const struct smfiDesc description = {
    .xxfi_name = (char[]){"forbear"},
    .xxfi_version = SMFI_VERSION,
    .xxfi_flags = SMFIF_QUARANTINE,
    .xxfi_connect = on_connect,
    .xxfi_envfrom = on_mail,
    .xxfi_envrcpt = on_rcpt,
    .xxfi_header = on_header,
    .xxfi_eoh = on_eoh,
    .xxfi_body = on_body,
    .xxfi_eom = on_eom,
    .xxfi_abort = on_abort,
    .xxfi_close = on_close,
    .xxfi_data = on_data,
    .xxfi_negotiate = on_negotiate,
};

int callbacks_open(struct milter *m, const struct fb_conf *conf, struct fb_err *err)
{
    milter = m;
    char *socket = strdup(conf->milter_socket);
    if (!socket)
        return fb_fail_memory(err);
    int rc = smfi_setconn(socket) == MI_SUCCESS && smfi_register(description) == MI_SUCCESS &&
             smfi_settimeout((int)conf->milter_timeout) == MI_SUCCESS && smfi_setbacklog(BACKLOG) == MI_SUCCESS &&
             smfi_opensocket(true) == MI_SUCCESS;
    free(socket);
    return rc ? 0 : fb_fail(err, "cannot listen on %s", conf->milter_socket);
}
