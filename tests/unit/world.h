/* A small world to judge in: a configuration, people, a phrase list (list.txt) and rules from texts, and no judge of meaning. A
 * test program has one. */
#ifndef TESTS_UNIT_WORLD_H
#define TESTS_UNIT_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/io.h"
#include "mail/message.h"
#include "rules/judge.h"
#include "rules/judging.h"

struct world {
    const char *conf, *people, *lists, *phrases, *rules;
};

static const struct fb_judging no_meaning;
static struct fb_arena *arena;
static struct fb_conf *conf;
static struct fb_judge judge;

static inline int world_read(const struct world *w, const char *dir, struct fb_err *err)
{
    char path[64];
    snprintf(path, sizeof path, "%s/forbear.conf", dir);
    int rc = fb_io_write_file(dir, "forbear.conf", fb_str(w->conf), 0600, err) || fb_conf_load(path, &conf, err) ||
             fb_people_read(arena, "people.csv", fb_str(w->people), "lists.csv", fb_str(w->lists), &judge.people, err) ||
             fb_phrases_read(arena, "list.txt", fb_str(w->phrases), &judge.phrases, err) ||
             fb_signals_init(arena, judge.phrases, &no_meaning, &judge.signals, err) ||
             fb_ruleset_read(arena, "rules.conf", fb_str(w->rules), &judge.signals, &judge.rules, err);
    judge.conf = conf;
    unlink(path);
    return rc ? -1 : 0;
}

static inline int world_open(const struct world *w, size_t ceiling)
{
    char dir[] = "/tmp/forbear-world-XXXXXX";
    struct fb_err err = {""};
    fb_message_init();
    arena = fb_arena_new(ceiling);
    if (!arena || !mkdtemp(dir))
        return -1;
    int rc = world_read(w, dir, &err);
    if (rc)
        print_error("%s\n", err.text);
    return rmdir(dir) || rc ? -1 : 0;
}

static inline int world_close(void)
{
    fb_conf_free(conf);
    fb_arena_free(arena);
    return 0;
}

#endif
