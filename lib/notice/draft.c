/* Makes the draft: leaves addresses off To, Cc and Bcc, or addresses it to one alone. Every other byte stays as it was. What it
 * makes is a suggestion beside the message itself, which is never touched: in doubt there is no draft.
 *
 * DIAGNOSTICS: lack of memory alone. A field that cannot be read stays as it is. */
#include "notice/draft.h"

#include "mail/message.h"
#include "notice/mime.h"

struct draft {
    struct fb_str addrs; /* separated by blanks */
    bool alone;          /* they are all that is to stay */
    bool changed;
    struct fb_arena *arena;
    struct fb_buf out;
};

static bool is_listed(struct fb_str addrs, const char *addr)
{
    for (struct fb_str one; addr && fb_str_word(&addrs, &one);)
        if (fb_str_ieq(one, fb_str(addr)))
            return true;
    return false;
}

static bool names_people(struct fb_str name)
{
    return fb_str_ieq(name, FB_STR("To")) || fb_str_ieq(name, FB_STR("Cc")) || fb_str_ieq(name, FB_STR("Bcc"));
}

/* Takes the addresses off; whether there were any. */
static bool take_off(InternetAddressList *list, struct fb_str addrs)
{
    bool found = false;
    for (int i = internet_address_list_length(list) - 1; i >= 0; i--) {
        InternetAddress *one = internet_address_list_get_address(list, i);
        if (!INTERNET_ADDRESS_IS_MAILBOX(one) || !is_listed(addrs, internet_address_mailbox_get_addr(INTERNET_ADDRESS_MAILBOX(one))))
            continue;
        internet_address_list_remove_at(list, i);
        found = true;
    }
    return found;
}

static void put_field(struct draft *d, struct fb_str name, InternetAddressList *list)
{
    int n = internet_address_list_length(list);
    for (int i = 0; i < n; i++) {
        char *one = internet_address_to_string(internet_address_list_get_address(list, i), NULL, TRUE);
        if (i)
            fb_buf_add(&d->out, FB_STR(",\r\n "));
        else
            fb_buf_printf(&d->out, "%.*s: ", FB_FMT(name));
        fb_buf_add(&d->out, fb_str(one));
        g_free(one);
    }
    if (n)
        fb_buf_add(&d->out, FB_STR("\r\n"));
}

/* One field that names people, whole as @raw. */
static int change_field(struct draft *d, const struct fb_field *f, struct fb_str raw, struct fb_err *err)
{
    struct fb_addresses measured;
    int rc = fb_addresses_parse(d->arena, f->value, &measured, err);
    if (rc < 0)
        return -1;
    struct fb_str value = fb_arena_dup(d->arena, f->value);
    if (!value.p)
        return fb_fail_memory(err);
    FB_GOBJECT(InternetAddressList) list = rc ? NULL : internet_address_list_parse(NULL, value.p);
    if (!list || !take_off(list, d->addrs)) {
        fb_buf_add(&d->out, raw);
        return 0;
    }
    d->changed = true;
    put_field(d, f->name, list);
    return 0;
}

/* The first field of *rest with the lines that continue it. False at the empty line, and where no line is left. */
static bool field_next(struct fb_str *rest, struct fb_str *ret)
{
    struct fb_str line;
    const char *from = rest->p;
    if (!rest->n || from[0] == '\n' || fb_str_istarts(*rest, FB_STR("\r\n")))
        return false;
    do
        fb_str_line(rest, &line);
    while (rest->n && (rest->p[0] == ' ' || rest->p[0] == '\t'));
    *ret = (struct fb_str){from, (size_t)(rest->p - from)};
    return true;
}

static int one_field(struct draft *d, struct fb_str raw, struct fb_err *err)
{
    struct fb_headers h = {.arena = d->arena};
    struct fb_str body;
    if (fb_headers_split(&h, raw, raw.n, 1, &body, err) < 0)
        return -1;
    if (h.n == 1 && names_people(h.v[0].name))
        return d->alone ? 0 : change_field(d, &h.v[0], raw, err);
    fb_buf_add(&d->out, raw);
    return 0;
}

int fb_draft_make(struct fb_str original, json_t *change, struct fb_arena *arena, struct fb_str *ret, struct fb_err *err)
{
    const char *kind = json_string_value(json_object_get(change, "kind"));
    struct draft d = {.addrs = fb_str(json_string_value(json_object_get(change, "reader"))), .arena = arena, .out = FB_BUF(arena)};
    struct fb_str rest = original, raw;
    *ret = FB_STR_NONE;
    d.alone = kind && !strcmp(kind, "alone");
    if (!kind || !d.addrs.n)
        return 0;
    while (field_next(&rest, &raw))
        if (one_field(&d, raw, err))
            return -1;
    if (d.alone)
        fb_buf_printf(&d.out, "To: %.*s\r\n", FB_FMT(d.addrs));
    fb_buf_add(&d.out, rest);
    struct fb_str all = fb_buf_str(&d.out);
    if (!all.p)
        return fb_fail_memory(err);
    *ret = d.alone || d.changed ? all : FB_STR_NONE;
    return 0;
}
