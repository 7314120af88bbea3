/* GLib's and GMime's handles, let go at the end of their scope. */
#ifndef FB_MAIL_GOBJECT_H
#define FB_MAIL_GOBJECT_H

#include <glib-object.h>

static inline void fb_gobject_cleanup(void *handle)
{
    GObject **o = handle;
    if (*o)
        g_object_unref(*o);
}
#define FB_GOBJECT(type) __attribute__((cleanup(fb_gobject_cleanup))) type *

static inline void fb_gstring_cleanup(char **s) { g_free(*s); }
#define FB_GSTRING __attribute__((cleanup(fb_gstring_cleanup))) char *

#endif
