/* The form: reads what a browser sends when a button is pressed. It takes what the page itself would send and nothing
 * else: a field that the page does not have, or has once, makes the whole form invalid.
 *
 * DIAGNOSTICS: a fault says what is wrong with the form, never what was in it. */
#include "web/form.h"

static int hex(char c)
{
    char l = fb_lower(c);
    return fb_is_digit(c) ? c - '0' : l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

/* A decoded copy: '+' is a blank, %XX a byte; NUL is refused. */
static int decode(struct fb_str s, struct fb_arena *arena, struct fb_str *ret, struct fb_err *err)
{
    char *out = fb_arena_alloc(arena, s.n + 1);
    size_t n = 0;
    if (!out)
        return fb_fail_memory(err);
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c == '%') {
            int high = i + 2 < s.n ? hex(s.p[i + 1]) : -1, low = high >= 0 ? hex(s.p[i + 2]) : -1;
            if (low < 0)
                return fb_fail(err, "the form holds a broken escape");
            c = (char)(high * 16 + low);
            i += 2;
        } else if (c == '+')
            c = ' ';
        if (c == '\0')
            return fb_fail(err, "the form holds a NUL");
        out[n++] = c;
    }
    *ret = (struct fb_str){out, n};
    return 0;
}

static int action_parse(struct fb_str s, enum fb_desk_action *ret, struct fb_err *err)
{
    static const char *const names[] = {[FB_DESK_RELEASE] = "release", [FB_DESK_WITHDRAW] = "withdraw", [FB_DESK_TALKED] = "talked", [FB_DESK_WRONG] = "wrong"};
    for (int a = FB_DESK_RELEASE; a <= FB_DESK_WRONG; a++)
        if (fb_str_eq(s, fb_str(names[a]))) {
            *ret = (enum fb_desk_action)a;
            return 0;
        }
    return fb_fail(err, "the form asks for no known action");
}

static int field_set(struct fb_str name, struct fb_str value, struct web_form *form, struct fb_err *err)
{
    if (fb_str_eq(name, FB_STR("token")) && !form->token.n)
        form->token = value;
    else if (fb_str_eq(name, FB_STR("action")) && !form->action)
        return action_parse(value, &form->action, err);
    else
        return fb_fail(err, "the form has a field that the page does not have, or one of them twice");
    return 0;
}

int web_form_parse(struct fb_str body, struct fb_arena *arena, struct web_form *ret, struct fb_err *err)
{
    struct fb_str rest = body, field, name, value;
    *ret = (struct web_form){.token = FB_STR_NONE};
    while (fb_str_split(&rest, '&', &field)) {
        struct fb_str raw = field, raw_name;
        if (!fb_str_split(&raw, '=', &raw_name) || !raw.p)
            return fb_fail(err, "the form has a field without a value");
        if (decode(raw_name, arena, &name, err) || decode(raw, arena, &value, err) || field_set(name, value, ret, err))
            return -1;
    }
    return ret->token.n && ret->action ? 0 : fb_fail(err, "the form lacks a field");
}
