/* A marker: a small file in <state_dir>/markers, named by the queue id, that lets the keeper release a message although
 * the store is lost. Written, fsynced and renamed into place by the milter before it asks for the quarantine; removed
 * by the keeper when the hold is closed.
 *
 *   forbear-marker 1
 *   hold <id, base64url>
 *   created <seconds>
 *   deadline <seconds>
 *   rule <name>
 *   fingerprint <base64url>
 *   end
 */
#ifndef FB_HOLD_MARKER_H
#define FB_HOLD_MARKER_H

#include "hold/store.h"

/* Of @hold: id, queue_id, created_s, deadline_s, rule, fingerprint. */
int fb_marker_write(const char *state_dir, const struct fb_hold *hold, struct fb_err *err);
/* Success also where there is none. */
int fb_marker_remove(const char *state_dir, struct fb_str queue_id, struct fb_err *err);
/* The text of a marker file -> those fields of *ret. A failure says what is wrong in which line. */
int fb_marker_parse(struct fb_arena *arena, struct fb_str queue_id, struct fb_str text, struct fb_hold *ret, struct fb_err *err);
/* All sound markers. The names of files that are none are in *ret_bad, NUL-separated. */
int fb_marker_list(const char *state_dir, struct fb_arena *arena, struct fb_hold **ret, size_t *ret_n, struct fb_str *ret_bad, struct fb_err *err);

#endif
