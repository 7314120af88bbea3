/* Whose request it is: the address of the socket, or the one that a proxy of ours names. X-Forwarded-For is read from its
 * end, where the nearest proxy wrote, and only as long as those who wrote are trusted: what a visitor puts there itself
 * must never count. */
#include "web/peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>

static const uint8_t V4_MAPPED[12] = {[10] = 0xff, [11] = 0xff};

bool web_peer_address(const struct sockaddr *from, uint8_t ret[16])
{
    if (from->sa_family == AF_INET) {
        memcpy(ret, V4_MAPPED, sizeof V4_MAPPED);
        memcpy(ret + sizeof V4_MAPPED, &((const struct sockaddr_in *)from)->sin_addr, 4);
        return true;
    }
    if (from->sa_family == AF_INET6)
        memcpy(ret, &((const struct sockaddr_in6 *)from)->sin6_addr, 16);
    return from->sa_family == AF_INET6;
}

/* 192.0.2.1, 192.0.2.1:80, 2001:db8::1, [2001:db8::1], [2001:db8::1]:80: all of them are sent by proxies in use. */
static bool address_parse(struct fb_str s, uint8_t ret[16])
{
    char text[INET6_ADDRSTRLEN] = "";
    const char *colon = s.n ? memchr(s.p, ':', s.n) : NULL, *bracket = s.n ? memchr(s.p, ']', s.n) : NULL;
    if (s.n && s.p[0] == '[' && bracket)
        s = (struct fb_str){s.p + 1, (size_t)(bracket - s.p) - 1};
    else if (colon && !memchr(colon + 1, ':', s.n - (size_t)(colon + 1 - s.p)))
        s.n = (size_t)(colon - s.p);
    if (!s.n || s.n >= sizeof text)
        return false;
    memcpy(text, s.p, s.n);
    memcpy(ret, V4_MAPPED, sizeof V4_MAPPED);
    return inet_pton(AF_INET, text, ret + sizeof V4_MAPPED) == 1 || inet_pton(AF_INET6, text, ret) == 1;
}

/* Cuts the last of a list off. False when none is left. */
static bool last_cut(struct fb_str *list, struct fb_str *ret)
{
    if (!list->n)
        return false;
    size_t at = list->n;
    while (at && list->p[at - 1] != ',')
        at--;
    *ret = fb_str_trim((struct fb_str){list->p + at, list->n - at});
    list->n = at ? at - 1 : 0;
    return true;
}

bool web_peer_client(const struct fb_nets *proxies, const uint8_t peer[16], struct fb_str forwarded, uint8_t ret[16])
{
    struct fb_str one;
    memcpy(ret, peer, 16);
    while (fb_nets_contain(proxies, ret))
        if (!last_cut(&forwarded, &one) || !address_parse(one, ret))
            return false;
    return true;
}

struct fb_str web_peer_subscriber(const uint8_t client[16])
{
    bool v4 = memcmp(client, V4_MAPPED, sizeof V4_MAPPED) == 0;
    return (struct fb_str){(const char *)client, v4 ? 16 : 8};
}
