/* forbear config check: whether senders can reach the page at web.base_url. Decides by the configuration alone: it asks
 * no name server and connects to nothing, since senders may sit in another network than this machine. What it says are
 * warnings: a name that only works in some places may be just what is wanted. */
#include <arpa/inet.h>

#include "command.h"

enum { DAY_S = 86400, EXPIRY_DAYS = 14 };

struct address {
    struct fb_str host; /* without brackets */
    int64_t port;       /* 0: none that there is */
    bool https;
};

/* host, host:port, [v6], [v6]:port. *ret_port has no p where none is given. */
static void authority_cut(struct fb_str authority, struct fb_str *ret_host, struct fb_str *ret_port)
{
    const char *bracket = authority.n && authority.p[0] == '[' ? memchr(authority.p, ']', authority.n) : NULL;
    struct fb_str nothing;
    *ret_port = authority;
    if (!bracket) {
        fb_str_split(ret_port, ':', ret_host);
        return;
    }
    *ret_host = (struct fb_str){authority.p + 1, (size_t)(bracket - authority.p) - 1};
    *ret_port = (struct fb_str){bracket, authority.n - ret_host->n - 1};
    fb_str_split(ret_port, ':', &nothing);
}

/* The configuration has proved the scheme. */
static struct address address_of(const char *base_url)
{
    struct address a = {.https = fb_str_istarts(fb_str(base_url), FB_STR("https://"))};
    struct fb_str rest = fb_str(base_url + strlen(a.https ? "https://" : "http://")), authority = FB_STR_NONE, port;
    fb_str_split(&rest, '/', &authority);
    authority_cut(authority, &a.host, &port);
    if (!port.p)
        a.port = a.https ? 443 : 80;
    else
        fb_str_int(port, 1, 65535, &a.port);
    return a;
}

static bool host_is(struct fb_str host, int family, uint8_t ret[16])
{
    char text[INET6_ADDRSTRLEN] = "";
    if (host.n >= sizeof text)
        return false;
    memcpy(text, host.p, host.n);
    return inet_pton(family, text, ret) == 1;
}

static bool is_loopback(struct fb_str host)
{
    static const uint8_t v6[16] = {[15] = 1};
    uint8_t at[16];
    if (host_is(host, AF_INET, at))
        return at[0] == 127;
    if (host_is(host, AF_INET6, at))
        return memcmp(at, v6, sizeof v6) == 0;
    return fb_str_ieq(host, FB_STR("localhost")) || fb_str_iends(host, FB_STR(".localhost"));
}

static bool has_domain(struct fb_str host)
{
    uint8_t at[16];
    return host_is(host, AF_INET6, at) || (host.n && memchr(host.p, '.', host.n));
}

static int64_t listen_port(const char *listen)
{
    const char *colon = strrchr(listen, ':');
    int64_t port = 0;
    return colon && fb_str_int(fb_str(colon + 1), 0, 65535, &port) ? port : 0;
}

static void host_warnings(const struct address *a, struct fb_buf *out)
{
    if (is_loopback(a->host))
        fb_buf_printf(out, "web.base_url: %.*s is this machine alone: senders elsewhere cannot follow their links\n", FB_FMT(a->host));
    else if (!has_domain(a->host))
        fb_buf_printf(out, "web.base_url: \"%.*s\" has no domain: it means something else, or nothing, to many senders\n", FB_FMT(a->host));
    if (!a->https && !is_loopback(a->host))
        fb_buf_printf(out, "web.base_url: links go by http: whoever sees them on the way can read the message and decide\n");
}

/* Where a proxy is trusted, what it listens on is not ours to know. */
static void listen_warnings(const struct fb_conf *conf, const struct address *a, bool tls, struct fb_buf *out)
{
    int64_t port = listen_port(conf->web_listen);
    bool direct = tls || !conf->web_proxies.n;
    if (tls && !a->https)
        fb_buf_printf(out, "web.base_url: it begins with http, but with web.tls_certificate the page speaks HTTPS alone\n");
    if (direct && !tls && a->https)
        fb_buf_printf(out, "web.base_url: it begins with https, but there is neither web.tls_certificate nor one of web.proxies that could speak it\n");
    if (direct && a->port != port)
        fb_buf_printf(out, "web.base_url: it leads to port %lld, but web.listen has %lld and no proxy is in between\n", (long long)a->port, (long long)port);
}

static void tls_warnings(const struct fb_tls *tls, struct fb_str host, int64_t now_s, struct fb_arena *arena, struct fb_buf *out)
{
    struct fb_str name = fb_arena_dup(arena, host);
    if (name.p && !fb_tls_is_for(tls, name.p))
        fb_buf_printf(out, "web.tls_certificate: it is not for %s: browsers will refuse it\n", name.p);
    if (tls->until_s < now_s)
        fb_buf_printf(out, "web.tls_certificate: it has expired\n");
    else if (tls->until_s < now_s + EXPIRY_DAYS * DAY_S)
        fb_buf_printf(out, "web.tls_certificate: it expires within %d days\n", EXPIRY_DAYS);
}

struct fb_str reach_warnings(const struct fb_conf *conf, const struct fb_tls *tls, int64_t now_s, struct fb_arena *arena)
{
    struct address a = address_of(conf->web_base_url);
    struct fb_buf out = FB_BUF(arena);
    host_warnings(&a, &out);
    listen_warnings(conf, &a, tls != NULL, &out);
    if (tls)
        tls_warnings(tls, a.host, now_s, arena, &out);
    return fb_buf_str(&out);
}
