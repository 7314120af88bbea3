/* Address fields: GMime's address parser, groups flattened. It must never invent an address: what cannot be read gives
 * none, and a value with a NUL in it, which a C string would cut, gives none at all.
 *
 * DIAGNOSTICS: the only failure is lack of memory; a field that would make GMime work without bound is an outcome. */
#include <gmime/gmime.h>

#include "mail/gobject.h"
#include "mail/message.h"

#define COLONS_MAX 256 /* GMime reads a group within a group by recursion: 60,000 of them overflow its stack */
#define STEPS_MAX (16u << 20) /* behind a comma that no address precedes it may look through all that follows */

struct fb_str fb_address_domain(struct fb_str addr)
{
    const char *at = addr.n ? memrchr(addr.p, '@', addr.n) : NULL;
    return at ? (struct fb_str){at + 1, addr.n - (size_t)(at + 1 - addr.p)} : FB_STR_NONE;
}

/* RFC 5322, 3.4: a group holds mailboxes alone; a parser that nests them is not followed. */
static size_t mailboxes(InternetAddressList *list, bool nested, InternetAddressMailbox **ret)
{
    size_t n = 0;
    for (int i = 0, count = list ? internet_address_list_length(list) : 0; i < count; i++) {
        InternetAddress *a = internet_address_list_get_address(list, i);
        if (INTERNET_ADDRESS_IS_MAILBOX(a)) {
            if (ret)
                ret[n] = INTERNET_ADDRESS_MAILBOX(a);
            n++;
        } else if (INTERNET_ADDRESS_IS_GROUP(a) && !nested)
            n += mailboxes(internet_address_group_get_members(INTERNET_ADDRESS_GROUP(a)), true, ret ? ret + n : NULL);
    }
    return n;
}

/* Some have dots where RFC 5322, 3.4.1 has none ("k..allen", "ann."), and get mail; GMime drops such addresses. A character
 * for private use stands for the dot that follows another, or that ends the local part, while GMime reads. */
#define DOT "\xEE\x80\x80"

static struct fb_str hide_dots(struct fb_arena *arena, struct fb_str value)
{
    struct fb_buf b = FB_BUF(arena);
    for (size_t i = 0; i < value.n; i++) {
        bool odd = value.p[i] == '.' && i && (value.p[i - 1] == '.' || (i + 1 < value.n && value.p[i + 1] == '@'));
        fb_buf_add(&b, odd ? FB_STR(DOT) : (struct fb_str){value.p + i, 1});
    }
    return fb_buf_str(&b);
}

static struct fb_str show_dots(struct fb_arena *arena, const char *text)
{
    struct fb_buf b = FB_BUF(arena);
    const char *hidden;
    for (; text && (hidden = strstr(text, DOT)); text = hidden + strlen(DOT)) {
        fb_buf_add(&b, (struct fb_str){text, (size_t)(hidden - text)});
        fb_buf_char(&b, '.');
    }
    fb_buf_add(&b, fb_str(text));
    return fb_buf_str(&b);
}

static int addresses_copy(struct fb_arena *arena, InternetAddressList *list, struct fb_addresses *ret, struct fb_err *err)
{
    size_t n = mailboxes(list, false, NULL);
    InternetAddressMailbox **boxes = fb_arena_array(arena, n, sizeof *boxes);
    *ret = (struct fb_addresses){.n = n, .v = fb_arena_array(arena, n, sizeof *ret->v)};
    if (!boxes || !ret->v)
        return fb_fail_memory(err);
    mailboxes(list, false, boxes);
    for (size_t i = 0; i < n; i++) {
        struct fb_address *a = &ret->v[i];
        struct fb_str addr = show_dots(arena, internet_address_mailbox_get_addr(boxes[i]));
        a->addr = addr.p ? fb_arena_lower(arena, addr) : addr;
        a->display = show_dots(arena, internet_address_get_name(INTERNET_ADDRESS(boxes[i])));
        if (!a->addr.p || !a->display.p)
            return fb_fail_memory(err);
    }
    return 0;
}

/* How many commas stand behind no '@', and outside of quotes; where a quote never closes, none counts as one. */
static size_t bare_commas(struct fb_str value, bool quotes)
{
    size_t n = 0;
    bool quoted = false, at = false;
    for (size_t i = 0; i < value.n; i++) {
        char c = value.p[i];
        if (c == '\\')
            i++;
        else if (quotes && c == '"')
            quoted = !quoted;
        else if (c == '@')
            at = true;
        else if (c == ',' && !quoted) {
            n += !at;
            at = false;
        }
    }
    return quoted ? bare_commas(value, false) : n;
}

/* Past what people write, and at GMime's expense. */
static bool is_too_complex(struct fb_str value)
{
    size_t colons = 0;
    for (size_t i = 0; i < value.n; i++)
        colons += value.p[i] == ':';
    return colons > COLONS_MAX || bare_commas(value, true) > STEPS_MAX / value.n;
}

int fb_addresses_parse(struct fb_arena *arena, struct fb_str value, struct fb_addresses *ret, struct fb_err *err)
{
    *ret = (struct fb_addresses){0};
    if (!value.n || memchr(value.p, '\0', value.n))
        return 0;
    if (is_too_complex(value))
        return FB_ADDRESSES_TOO_COMPLEX;
    struct fb_str text = hide_dots(arena, value);
    if (!text.p)
        return fb_fail_memory(err);
    FB_GOBJECT(InternetAddressList) list = internet_address_list_parse(NULL, text.p);
    return addresses_copy(arena, list, ret, err);
}
