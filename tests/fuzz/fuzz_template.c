/* Any text as a template, and as a file of parts, among which is itself: it renders or it is refused, and never reads or writes
 * beside its bytes. */
#include "fuzz.h"

#include "template/template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    json_t *values = json_pack("{s:s, s:b, s:b, s:i, s:[s,s], s:[], s:{s:s}}", "a", "<&>", "t", 1, "f", 0, "i", 3, "l", "x", "y", "e", "o", "a", "in");
    FB_ARENA arena = fb_arena_new(4 << 20);
    struct fb_str out;
    struct fb_err err;
    fb_template_render("t", (struct fb_str){(const char *)data, n}, values, FB_ESCAPE_HTML, arena, &out, &err);
    struct fb_part v[2];
    struct fb_parts parts = {v, 1};
    if (fb_part_cut("t", FB_STR("t"), (struct fb_str){(const char *)data, n}, arena, &v[0], &err) == 0) {
        fb_part_check_sections(&v[0], &err);
        parts.n += fb_part_next(&v[0], &(size_t){0}, &v[1]);
        if (fb_parts_check(&parts, &err) == 0)
            fb_parts_render(&parts, "t", values, FB_ESCAPE_HTML, arena, &out, &err);
    }
    json_decref(values);
    return 0;
}
