/* The configuration: an immutable snapshot, made from keys.def, one file and nothing else. */
#ifndef FB_CONF_CONF_H
#define FB_CONF_CONF_H

#include "base/arena.h"

enum fb_mode { FB_MODE_OBSERVE, FB_MODE_NOTIFY, FB_MODE_HOLD };
enum fb_on_error { FB_ON_ERROR_ACCEPT, FB_ON_ERROR_TEMPFAIL };
enum fb_after_delay { FB_AFTER_DELAY_RELEASE, FB_AFTER_DELAY_WITHDRAW };
enum fb_log_level { FB_LOG_LEVEL_ERROR, FB_LOG_LEVEL_INFO, FB_LOG_LEVEL_VERBOSE };

/* "observe", "notify", "hold". */
const char *fb_mode_name(enum fb_mode mode);
/* False where @s is none of them. */
bool fb_mode_parse(struct fb_str s, enum fb_mode *ret);

struct fb_words {
    size_t n;
    const struct fb_str *v; /* lower case, each with a NUL behind it */
};

/* An address block; IPv4 as v4-mapped IPv6 (RFC 4291, 2.5.5.2), so that one comparison serves both. */
struct fb_net {
    uint8_t addr[16];
    unsigned prefix; /* 0 to 128 */
};

struct fb_nets {
    size_t n;
    const struct fb_net *v;
};

bool fb_nets_contain(const struct fb_nets *nets, const uint8_t addr[16]);
/* True where @word is in @words, without regard to ASCII case. */
bool fb_words_contain(const struct fb_words *words, struct fb_str word);

#define FB_CTYPE_STRING const char *
#define FB_CTYPE_PATH const char *
#define FB_CTYPE_INT int64_t
#define FB_CTYPE_DURATION int64_t
#define FB_CTYPE_SIZE int64_t
#define FB_CTYPE_BOOL bool
#define FB_CTYPE_WORDS struct fb_words
#define FB_CTYPE_NETS struct fb_nets
#define FB_CTYPE_MODE enum fb_mode
#define FB_CTYPE_ON_ERROR enum fb_on_error
#define FB_CTYPE_AFTER_DELAY enum fb_after_delay
#define FB_CTYPE_LOG_LEVEL enum fb_log_level

struct fb_conf {
    struct fb_arena *arena;
    const char *path; /* the file it came from; NULL for the defaults */
#define SECTION(name, doc)
#define KEY(section, key, type, def, min, max, doc) FB_CTYPE_##type section##_##key;
#include "conf/keys.def"
#undef SECTION
#undef KEY
};

/* Reads @path. Unknown sections and keys, bad values, and what stands twice are failures that name file, line, section
 * and key. @path NULL: all defaults. Free with fb_conf_free. */
int fb_conf_load(const char *path, struct fb_conf **ret, struct fb_err *err);
/* The same, with each section that @over has in place of that of @path: what @over leaves out of it has its default. */
int fb_conf_load_over(const char *path, const char *over, struct fb_conf **ret, struct fb_err *err);
void fb_conf_free(struct fb_conf *conf);

/* A commented file of all keys with their defaults, as `forbear config sample` prints it. */
struct fb_str fb_conf_sample(struct fb_arena *arena);
/* All keys with the values in force, one `section.key = value` a line. */
struct fb_str fb_conf_dump(const struct fb_conf *conf, struct fb_arena *arena);

#endif
