/* Whose request it is. */
#ifndef FB_WEB_PEER_H
#define FB_WEB_PEER_H

#include <sys/socket.h>

#include "conf/conf.h"

/* The address of an IPv4 or IPv6 socket, IPv4 as v4-mapped IPv6. False for any other socket. */
bool web_peer_address(const struct sockaddr *from, uint8_t ret[16]);

/* The client of a request that came from @peer with @forwarded (every X-Forwarded-For, in order, with commas between):
 * the last address that none of our @proxies has. False where a proxy of ours does not say for whom it asks. */
bool web_peer_client(const struct fb_nets *proxies, const uint8_t peer[16], struct fb_str forwarded, uint8_t ret[16]);

/* What a rate limit counts by: an IPv4 address, or the /64 of an IPv6 address, which is one subscriber's (RFC 6177). */
struct fb_str web_peer_subscriber(const uint8_t client[16]);

#endif
