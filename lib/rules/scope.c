/* Whether a message is judged at all, from the envelope and the header. It decides by what costs least first, except that
 * protected mail is recognised before anything of its header is looked at. It must never read a body, and where it
 * cannot tell (an address that cannot be parsed) the message is not judged.
 *
 * DIAGNOSTICS: everything is an answer; lack of memory is FB_REASON_parse_fault. */
#include "mail/message.h"
#include "rules/policy.h"

static bool address_eq(struct fb_str a, struct fb_str b)
{
    return fb_str_ieq(a, b);
}

/* user+anything@example.org is delivered to user@example.org nearly everywhere: protected mail must not depend on it. */
static bool address_eq_untagged(struct fb_str addr, struct fb_str word)
{
    struct fb_str domain = fb_address_domain(addr);
    const char *plus = addr.n ? memchr(addr.p, '+', addr.n - domain.n) : NULL;
    size_t local = plus ? (size_t)(plus - addr.p) : 0;
    return local && word.n == local + 1 + domain.n && word.p[local] == '@' &&
           fb_str_istarts(word, (struct fb_str){addr.p, local}) && fb_str_iends(word, domain);
}

static bool is_listed(const struct fb_words *words, struct fb_str addr)
{
    struct fb_str domain = fb_address_domain(addr);
    for (size_t i = 0; i < words->n; i++) {
        struct fb_str w = words->v[i];
        if (w.n && w.p[0] == '@' ? fb_str_ieq((struct fb_str){w.p + 1, w.n - 1}, domain)
                                 : address_eq(addr, w) || address_eq_untagged(addr, w))
            return true;
    }
    return false;
}

static bool is_our_client(const struct fb_conf *conf, const struct fb_envelope *env)
{
    return env->login.n || (env->client_known && fb_nets_contain(&conf->scope_networks, env->client));
}

/* A login without '@' names nobody that could be compared. */
static bool login_differs(const struct fb_envelope *env)
{
    return env->login.n && memchr(env->login.p, '@', env->login.n) && !address_eq(env->login, env->sender);
}

enum fb_reason fb_scope_mail(const struct fb_conf *conf, const struct fb_envelope *env)
{
    if (!env->sender.n)
        return FB_REASON_null_sender;
    if (!is_our_client(conf, env))
        return FB_REASON_foreign_client;
    if (address_eq(env->sender, fb_str(conf->notice_from)))
        return FB_REASON_own_notice;
    if (!fb_words_contain(&conf->scope_internal_domains, fb_address_domain(env->sender)))
        return FB_REASON_foreign_sender;
    if (is_listed(&conf->scope_protected, env->sender))
        return FB_REASON_protected;
    if (is_listed(&conf->scope_shared, env->sender))
        return FB_REASON_shared_sender;
    if (login_differs(env))
        return FB_REASON_login_mismatch;
    if (env->declared_size > conf->limits_message_size)
        return FB_REASON_too_large;
    return FB_REASON_none;
}

static enum fb_reason protected_in_envelope(const struct fb_conf *conf, const struct fb_envelope *env)
{
    for (size_t i = 0; i < env->rcpt_n; i++)
        if (is_listed(&conf->scope_protected, env->rcpt[i]))
            return FB_REASON_protected;
    return FB_REASON_none;
}

bool fb_scope_teaches(const struct fb_conf *conf, enum fb_reason reason)
{
    bool ours = reason == FB_REASON_shared_sender || reason == FB_REASON_login_mismatch || reason == FB_REASON_too_large;
    bool incoming = reason == FB_REASON_foreign_client || reason == FB_REASON_foreign_sender;
    return conf->history_enabled && (ours || (incoming && conf->history_incoming));
}

static enum fb_reason addresses_read(const struct fb_headers *h, struct fb_str value, struct fb_addresses *ret)
{
    int r = fb_addresses_parse(h->arena, value, ret, NULL);
    if (r < 0)
        return FB_REASON_parse_fault;
    return r == FB_ADDRESSES_TOO_COMPLEX ? FB_REASON_header_limit : FB_REASON_none;
}

static enum fb_reason protected_in_field(const struct fb_conf *conf, const struct fb_headers *h, const char *name)
{
    const struct fb_field *f;
    for (size_t nth = 0; (f = fb_headers_get(h, name, nth)); nth++) {
        struct fb_addresses as;
        enum fb_reason r = addresses_read(h, f->value, &as);
        if (r)
            return r;
        for (size_t i = 0; i < as.n; i++)
            if (is_listed(&conf->scope_protected, as.v[i].addr))
                return FB_REASON_protected;
    }
    return FB_REASON_none;
}

static enum fb_reason scope_protected(const struct fb_conf *conf, const struct fb_envelope *env, const struct fb_headers *h)
{
    static const char *const fields[] = {"To", "Cc", "Bcc"};
    if (!conf->scope_protected.n)
        return FB_REASON_none;
    enum fb_reason r = protected_in_envelope(conf, env);
    for (size_t i = 0; !r && i < sizeof fields / sizeof *fields; i++)
        r = protected_in_field(conf, h, fields[i]);
    return r;
}

/* The value up to a parameter, comment or blank. */
static struct fb_str first_token(struct fb_str value)
{
    size_t n = 0;
    while (n < value.n && !fb_is_blank(value.p[n]) && value.p[n] != ';' && value.p[n] != '(')
        n++;
    return (struct fb_str){value.p, n};
}

static struct fb_str field_token(const struct fb_headers *h, const char *name)
{
    const struct fb_field *f = fb_headers_get(h, name, 0);
    return f ? first_token(f->value) : FB_STR_NONE;
}

/* RFC 3834, 5: anything but "no" was made by a program. */
static bool is_auto_submitted(const struct fb_headers *h)
{
    return fb_headers_get(h, "Auto-Submitted", 0) && !fb_str_ieq(field_token(h, "Auto-Submitted"), FB_STR("no"));
}

static bool is_bulk(const struct fb_headers *h)
{
    struct fb_str precedence = field_token(h, "Precedence");
    if (fb_str_ieq(precedence, FB_STR("bulk")) || fb_str_ieq(precedence, FB_STR("list")) || fb_str_ieq(precedence, FB_STR("junk")))
        return true;
    for (size_t i = 0; i < h->n; i++)
        if (fb_str_istarts(h->v[i].name, FB_STR("List-")))
            return true;
    return false;
}

static bool is_calendar(const struct fb_headers *h)
{
    const struct fb_field *class = fb_headers_get(h, "Content-Class", 0);
    return fb_str_ieq(field_token(h, "Content-Type"), FB_STR("text/calendar")) ||
           (class && fb_str_ifind(class->value, FB_STR("calendarmessage")) >= 0);
}

/* RFC 8551, 3.2.2: what is only signed says so; without a smime-type it is taken for enveloped. */
static bool is_encrypted(const struct fb_headers *h)
{
    struct fb_str type = field_token(h, "Content-Type");
    if (fb_str_ieq(type, FB_STR("multipart/encrypted")) || fb_str_ieq(type, FB_STR("application/pgp-encrypted")))
        return true;
    if (!fb_str_ieq(type, FB_STR("application/pkcs7-mime")) && !fb_str_ieq(type, FB_STR("application/x-pkcs7-mime")))
        return false;
    return fb_str_ifind(fb_headers_get(h, "Content-Type", 0)->value, FB_STR("signed-data")) < 0;
}

/* Every address in every field of that name is the sender's. @least: how many addresses there must be. */
static enum fb_reason names_only_sender(const struct fb_envelope *env, const struct fb_headers *h, const char *name, size_t least)
{
    const struct fb_field *f;
    size_t found = 0;
    for (size_t nth = 0; (f = fb_headers_get(h, name, nth)); nth++) {
        struct fb_addresses as;
        enum fb_reason r = addresses_read(h, f->value, &as);
        if (r)
            return r;
        if (as.n != 1 || ++found > 1 || !address_eq(as.v[0].addr, env->sender))
            return FB_REASON_other_from;
    }
    return found < least ? FB_REASON_other_from : FB_REASON_none;
}

static enum fb_reason scope_authors(const struct fb_envelope *env, const struct fb_headers *h)
{
    enum fb_reason r = names_only_sender(env, h, "From", 1);
    if (!r)
        r = names_only_sender(env, h, "Sender", 0);
    if (!r)
        r = names_only_sender(env, h, "Resent-From", 0);
    return r ? r : names_only_sender(env, h, "Resent-Sender", 0);
}

enum fb_reason fb_scope_header(const struct fb_conf *conf, const struct fb_envelope *env, const struct fb_headers *h)
{
    enum fb_reason r = scope_protected(conf, env, h);
    if (r)
        return r;
    if ((int64_t)env->rcpt_n > conf->limits_recipients)
        return FB_REASON_too_many_recipients;
    if (is_auto_submitted(h))
        return FB_REASON_auto_submitted;
    if (is_bulk(h))
        return FB_REASON_bulk;
    if (is_calendar(h))
        return FB_REASON_calendar;
    if (is_encrypted(h))
        return FB_REASON_encrypted;
    return scope_authors(env, h);
}

/* Whether From names one of our addresses, or cannot be read. */
static bool from_is_ours(const struct fb_conf *conf, const struct fb_headers *h)
{
    const struct fb_field *f = fb_headers_get(h, "From", 0);
    struct fb_addresses as;
    if (!f || addresses_read(h, f->value, &as))
        return true;
    for (size_t i = 0; i < as.n; i++)
        if (fb_words_contain(&conf->scope_internal_domains, fb_address_domain(as.v[i].addr)))
            return true;
    return false;
}

/* Nothing is kept of mail to or from protected addresses, and what no person wrote says nothing of people. One of our
 * addresses is believed from our own clients alone. */
bool fb_scope_learns(const struct fb_conf *conf, const struct fb_envelope *env, const struct fb_headers *h)
{
    if (!env->sender.n || address_eq(env->sender, fb_str(conf->notice_from)) || is_listed(&conf->scope_protected, env->sender) ||
        scope_protected(conf, env, h) || protected_in_field(conf, h, "From") || is_auto_submitted(h) || is_bulk(h) || is_calendar(h))
        return false;
    return is_our_client(conf, env) || !from_is_ours(conf, h);
}
