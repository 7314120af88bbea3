/* What bounds a visitor: whose request it is, and how many of them there may be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/un.h>

#include "web/peer.h"
#include "web/rate.h"

static const int64_t S = 1000000; /* µs */
static const uint8_t KEY[WEB_RATE_KEY] = {1, 2, 3};
static struct web_rate rate;

static unsigned taken(struct fb_str who, unsigned n, int64_t at_us)
{
    unsigned good = 0;
    for (unsigned i = 0; i < n; i++)
        good += web_rate_take(&rate, who, at_us) == 0;
    return good;
}

static void a_burst_passes_and_one_more_does_not(void **state)
{
    (void)state;
    web_rate_init(&rate, KEY, 60);
    assert_int_equal(taken(FB_STR("ann"), 100, 7 * S), 60);
    assert_int_equal(web_rate_take(&rate, FB_STR("ann"), 7 * S), 1);
}

static void it_comes_back_one_by_one(void **state)
{
    (void)state;
    web_rate_init(&rate, KEY, 60);
    taken(FB_STR("ann"), 60, 0);
    assert_int_equal(taken(FB_STR("ann"), 9, 1 * S - 1), 0);
    assert_int_equal(taken(FB_STR("ann"), 9, 1 * S), 1);
    assert_int_equal(taken(FB_STR("ann"), 9, 4 * S), 3);
    assert_int_equal(taken(FB_STR("ann"), 100, 1000 * S), 60);
}

static void who_is_refused_is_told_for_how_long(void **state)
{
    (void)state;
    web_rate_init(&rate, KEY, 2);
    taken(FB_STR("ann"), 2, 0);
    assert_int_equal(web_rate_take(&rate, FB_STR("ann"), 0), 30);
    assert_int_equal(web_rate_take(&rate, FB_STR("ann"), 10 * S + 1), 20);
    assert_int_equal(web_rate_take(&rate, FB_STR("ann"), 30 * S), 0);
}

static void asking_in_vain_costs_nothing(void **state)
{
    (void)state;
    web_rate_init(&rate, KEY, 1);
    taken(FB_STR("ann"), 1000, 0);
    assert_int_equal(web_rate_take(&rate, FB_STR("ann"), 60 * S), 0);
}

static void nobody_pays_for_another(void **state)
{
    (void)state;
    char who[24];
    web_rate_init(&rate, KEY, 1);
    for (int i = 0; i < 50000; i++) {
        int n = snprintf(who, sizeof who, "visitor %d", i);
        assert_int_equal(web_rate_take(&rate, (struct fb_str){who, (size_t)n}, i), 0);
    }
}

static void who_asks_most_is_remembered_longest(void **state)
{
    (void)state;
    char who[24];
    web_rate_init(&rate, KEY, 100);
    taken(FB_STR("ann"), 100, 0);
    for (int i = 0; i < 5000; i++) {
        int n = snprintf(who, sizeof who, "visitor %d", i);
        web_rate_take(&rate, (struct fb_str){who, (size_t)n}, 0);
    }
    assert_int_equal(taken(FB_STR("ann"), 1, 0), 0);
}

static void no_limit_is_none(void **state)
{
    (void)state;
    web_rate_init(&rate, KEY, 0);
    assert_int_equal(taken(FB_STR("ann"), 100000, 0), 100000);
}

static void clients(void **state)
{
    (void)state;
    static const struct fb_net trusted[] = {
        {.addr = {[10] = 0xff, 0xff, 127}, .prefix = 104},
        {.addr = {0xfd}, .prefix = 8},
    };
    const struct {
        const char *peer, *forwarded, *client; /* client NULL: it is not told */
    } cases[] = {
        {"192.0.2.1", "", "192.0.2.1"},
        {"192.0.2.1", "198.51.100.7", "192.0.2.1"}, /* anybody may write that */
        {"127.0.0.1", "198.51.100.7", "198.51.100.7"},
        {"127.0.0.1", "203.0.113.9, 198.51.100.7", "198.51.100.7"}, /* the first was the visitor's own idea */
        {"127.0.0.1", "198.51.100.7, 127.0.0.5,fd00::2", "198.51.100.7"},
        {"fd00::1", " 2001:db8::7 ", "2001:db8::7"},
        {"fd00::1", "[2001:db8::7]", "2001:db8::7"},
        {"fd00::1", "[2001:db8::7]:4711", "2001:db8::7"},
        {"127.0.0.1", "198.51.100.7:4711", "198.51.100.7"},
        {"127.0.0.1", "::ffff:198.51.100.7", "198.51.100.7"},
        {"127.0.0.1", "", NULL},
        {"127.0.0.1", "unknown", NULL},
        {"127.0.0.1", "198.51.100.7, ", NULL},
        {"127.0.0.1", "198.51.100.7, unknown", NULL},
        {"127.0.0.1", "127.0.0.2", NULL},
        {"127.0.0.1", "198.51.100.7.198.51.100.7.198.51.100.7.198.51.100.7", NULL},
        {"127.0.0.1", "[", NULL},
        {"127.0.0.1", "[]", NULL},
        {"127.0.0.1", ":", NULL},
        {"127.0.0.1", ",,,", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t got[16], want[16], peer[16];
        struct fb_nets all = {1, (struct fb_net[]){{.prefix = 0}}}, ours = {2, trusted};
        assert_false(web_peer_client(&all, (uint8_t[16]){0}, fb_str(cases[i].peer), peer)); /* read by the same parser */
        bool known = web_peer_client(&ours, peer, fb_str(cases[i].forwarded), got);
        if (known != (cases[i].client != NULL))
            fail_msg("%s for \"%s\": known %d", cases[i].peer, cases[i].forwarded, known);
        if (known)
            web_peer_client(&all, (uint8_t[16]){0}, fb_str(cases[i].client), want);
        if (known && memcmp(got, want, 16) != 0)
            fail_msg("%s for \"%s\" is another than %s", cases[i].peer, cases[i].forwarded, cases[i].client);
    }
}

static void sockets_have_addresses(void **state)
{
    (void)state;
    uint8_t got[16];
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    assert_true(web_peer_address((struct sockaddr *)&v4, got));
    assert_memory_equal(got, ((uint8_t[16]){[10] = 0xff, 0xff, 127, 0, 0, 1}), 16);
    assert_int_equal(web_peer_subscriber(got).n, 16);
    assert_true(web_peer_address((struct sockaddr *)&v6, got));
    assert_memory_equal(got, ((uint8_t[16]){[15] = 1}), 16);
    assert_int_equal(web_peer_subscriber(got).n, 8);
    assert_false(web_peer_address((struct sockaddr *)&un, got));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_burst_passes_and_one_more_does_not),
        cmocka_unit_test(it_comes_back_one_by_one),
        cmocka_unit_test(who_is_refused_is_told_for_how_long),
        cmocka_unit_test(asking_in_vain_costs_nothing),
        cmocka_unit_test(nobody_pays_for_another),
        cmocka_unit_test(who_asks_most_is_remembered_longest),
        cmocka_unit_test(no_limit_is_none),
        cmocka_unit_test(clients),
        cmocka_unit_test(sockets_have_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
