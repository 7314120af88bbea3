/* INI files, strictly. iniparser keeps no line numbers, drops duplicates silently and cuts at ';' and '#', so one scan
 * of our own checks the grammar first and knows where each key stands; the values are iniparser's.
 *
 *   file    = *( blank / comment / section / key )
 *   comment = line whose first non-blank is '#' or ';'
 *   section = '[' name ']'                        name: a-z 0-9 _
 *   key     = name *blank '=' *blank value        name: a-z 0-9 _ .   value: to the end of the line, blanks trimmed;
 *             in "quotes" where it holds ';' or '#', or begins with a quote or ends in one; a backslash is refused
 * At most 1,000 bytes a line (iniparser's bound is 1,024) and 4,000 keys, UTF-8, no control characters. A UTF-8
 * byte-order mark is refused. */
#ifndef FB_CONF_INI_H
#define FB_CONF_INI_H

#include "base/arena.h"

struct fb_ini_entry {
    struct fb_str section, key, value; /* each with a NUL behind it */
    unsigned line;
};

struct fb_ini_section {
    struct fb_str name; /* with a NUL behind it */
    unsigned line;
};

struct fb_ini {
    const char *path;
    size_t n;
    const struct fb_ini_entry *v; /* in the order of the file */
    size_t n_sections;
    const struct fb_ini_section *sections; /* those without keys too */
};

/* Reads @path whole into @arena. A fault names file and line. Duplicate sections and duplicate keys are faults. */
int fb_ini_load(struct fb_arena *arena, const char *path, struct fb_ini *ret, struct fb_err *err);

/* The scan alone, on text that was read from @path: for the fuzzer and for the proof that both read alike. */
int fb_ini_scan(struct fb_arena *arena, const char *path, struct fb_str text, struct fb_ini *ret, struct fb_err *err);

/* Value syntax shared by all INI files of forbear. False for anything that is not wholly a value. */
bool fb_ini_duration(struct fb_str s, int64_t *ret_s); /* 90, 90s, 15m, 2h, 30d */
bool fb_ini_size(struct fb_str s, int64_t *ret_bytes); /* 4096, 256k, 50M, 1G */
bool fb_ini_bool(struct fb_str s, bool *ret);          /* yes, no */

#endif
