/* The one form of the page, as a browser sends it: application/x-www-form-urlencoded. */
#ifndef FB_WEB_FORM_H
#define FB_WEB_FORM_H

#include "base/arena.h"
#include "wire/desk.h"

enum { WEB_BODY_MAX = 2048 };

struct web_form {
    struct fb_str token;
    enum fb_desk_action action;
};

/* Exactly the fields token and action, each once, in any order; action is release, withdraw,
 * talked or wrong. *ret lives in @arena. */
int web_form_parse(struct fb_str body, struct fb_arena *arena, struct web_form *ret, struct fb_err *err);

#endif
