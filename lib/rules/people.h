/* Who is who: the directory and the lists, from the admin's CSV files (RFC 4180, UTF-8). Immutable once loaded.
 *
 * people file: a header line, then one person a line. Columns in any order: email and name are needed; aliases (separated
 * by blanks, in "quotes" where one holds a blank), title, manager (an email), region, rank (0 to 9, the higher the more
 * senior) and language (a tag, "de": in which they are told of their own mail) may be there; other columns are left alone.
 * lists file: list, member; a member may be a list. */
#ifndef FB_RULES_PEOPLE_H
#define FB_RULES_PEOPLE_H

#include "rules/map.h"

enum { FB_PEOPLE_STEPS = 32, FB_NAME_WORDS = 4, FB_LANGUAGE_MAX = 16 };

struct fb_person {
    struct fb_str email; /* lower case */
    struct fb_str name, aliases, title, region;
    struct fb_str language; /* lower case; empty: unknown */
    const struct fb_person *manager; /* NULL: none */
    unsigned depth; /* steps below the top of the reporting line */
    unsigned rank;  /* of the file, else from the title; 0: unknown */
    bool in_line;   /* has a manager or reports, so that depth says something */
    struct fb_str manager_email;
    unsigned line;
};

struct fb_bearer { /* one who bears a name: a link of a chain */
    uint32_t who, next; /* index; index of the next + 1, 0: last */
};

/* Names of people, folded, from a part ("tom") to the whole ("tom delgado"): who bears them. */
struct fb_names {
    struct fb_map map; /* value: index of the first bearer + 1 */
    struct fb_bearer *bearers;
    size_t n;
};

struct fb_list {
    struct fb_str addr; /* lower case */
    size_t members_n;
    struct fb_str *members;
};

struct fb_people {
    size_t n, lists_n;
    struct fb_person *v;
    struct fb_list *lists;
    struct fb_map by_email, by_list; /* value: index + 1 */
    struct fb_names names;
    struct fb_str warnings; /* one sentence a line */
};

/* Paths may be empty: nobody, no lists. Faults name file and line. All of *ret lives in @arena. */
int fb_people_load(struct fb_arena *arena, const char *people_path, const char *lists_path, struct fb_people *ret, struct fb_err *err);
/* The same from texts that were read from these paths: for the fuzzer. */
int fb_people_read(struct fb_arena *arena, const char *people_path, struct fb_str people, const char *lists_path, struct fb_str lists,
                   struct fb_people *ret, struct fb_err *err);

/* NULL where it is unknown. @email: lower case. */
const struct fb_person *fb_people_find(const struct fb_people *p, struct fb_str email);
const struct fb_list *fb_people_list(const struct fb_people *p, struct fb_str addr);
/* How many steps @boss is above @who: 0 where it is not above. */
unsigned fb_person_above(const struct fb_person *boss, const struct fb_person *who);

/* All keys under which a person may be named. At most FB_NAME_KEYS, each folded, words joined by one blank. */
enum { FB_NAME_KEYS = 16 };
int fb_names_keys(struct fb_arena *arena, struct fb_str name, struct fb_str aliases, struct fb_str keys[FB_NAME_KEYS], size_t *ret_n, struct fb_err *err);
/* Room for @keys keys; then each key of person @who. */
int fb_names_init(struct fb_names *names, struct fb_arena *arena, size_t keys, struct fb_err *err);
void fb_names_add(struct fb_names *names, struct fb_str key, uint32_t who);
/* The first bearer of @key, or NULL; follow it by fb_names_next. */
const struct fb_bearer *fb_names_find(const struct fb_names *names, struct fb_str key);
const struct fb_bearer *fb_names_next(const struct fb_names *names, const struct fb_bearer *b);
/* Whether a folded word, alone, is more likely a word than a name ("will", "may", "best"). */
bool fb_names_ordinary(struct fb_str word);

#endif
