/* Generations of policy and keys. The lock is held for the exchange of a pointer alone, never while files are read, so a
 * reload delays no message. A failed reload changes nothing: mail goes on under the configuration that was good.
 *
 * DIAGNOSTICS: everything that loading the configuration can say, faults of the words that answer a notice, and keys that are absent
 * in a mode that records. */
#include "generation.h"

#include <stdlib.h>

#include "daemon/log.h"

enum { ARENA_MAX = 4 << 20 };

static void generation_free(struct generation *g)
{
    for (size_t i = 0; i < g->readers_n; i++)
        fb_history_close(g->readers[i]);
    fb_policy_free(g->policy);
    fb_arena_free(g->arena);
    pthread_mutex_destroy(&g->readers_lock);
    free(g);
}

/* The secret half of the box is the keeper's alone; here is what it takes to seal and to fingerprint. */
static int keys_load(struct generation *g, struct fb_err *err)
{
    const char *dir = g->conf->forbear_keys_dir;
    bool observe = g->conf->forbear_mode == FB_MODE_OBSERVE;
    g->hashed = fb_keys_read(dir, "hash.key", g->hash_key, sizeof g->hash_key, observe ? NULL : err) == 0;
    g->keyed = fb_keys_read(dir, "box.pub", g->box_key, sizeof g->box_key, observe || !g->hashed ? NULL : err) == 0;
    if (!observe && (!g->hashed || !g->keyed))
        return fb_fail_in(err, "mode %s needs keys; `forbear keygen` makes them", fb_mode_name(g->conf->forbear_mode));
    if (g->conf->history_enabled && !g->hashed)
        fb_log(FB_LOG_INFO, "policy_warning", "warning=%s", fb_log_quote(FB_STR("there is no history without a key; `forbear keygen` makes it")));
    return 0;
}

/* What a good configuration still leaves to be desired: an admin who never runs `forbear config check` finds it here. */
static void warn(const struct fb_policy *policy)
{
    FB_ARENA arena = fb_arena_new(1 << 20);
    struct fb_str rest = arena ? fb_policy_warnings(policy, arena) : FB_STR_NONE, line;
    while (fb_str_line(&rest, &line))
        fb_log(FB_LOG_INFO, "policy_warning", "warning=%s", fb_log_quote(line));
}

static int generation_load(const char *conf_path, const struct fb_policy *like, struct generation **ret, struct fb_err *err)
{
    struct generation *g = calloc(1, sizeof *g);
    if (!g)
        return fb_fail_memory(err);
    atomic_init(&g->refs, 1);
    pthread_mutex_init(&g->readers_lock, NULL); /* which cannot fail (pthread_mutex_init(3)) */
    g->arena = fb_arena_new(ARENA_MAX);
    int rc = g->arena ? fb_policy_load(conf_path, like, &g->policy, err) : fb_fail_memory(err);
    if (rc == 0) {
        g->conf = fb_policy_conf(g->policy);
        rc = keys_load(g, err);
    }
    if (rc == 0)
        rc = words_load(g->arena, g->conf->forbear_data_dir, &g->words, err);
    if (rc < 0) {
        generation_free(g);
        return rc;
    }
    warn(g->policy);
    *ret = g;
    return 0;
}

int generations_init(struct generations *gs, const char *conf_path, struct fb_err *err)
{
    *gs = (struct generations){.conf_path = conf_path};
    if (pthread_mutex_init(&gs->lock, NULL))
        return fb_fail_memory(err);
    return generation_load(conf_path, NULL, &gs->current, err);
}

void generations_done(struct generations *gs)
{
    generation_drop(gs->current);
    pthread_mutex_destroy(&gs->lock);
}

int generations_reload(struct generations *gs, struct fb_err *err)
{
    struct generation *fresh;
    int rc = generation_load(gs->conf_path, gs->current->policy, &fresh, err);
    if (rc < 0)
        return rc;
    pthread_mutex_lock(&gs->lock);
    struct generation *old = gs->current;
    gs->current = fresh;
    pthread_mutex_unlock(&gs->lock);
    generation_drop(old);
    return 0;
}

struct generation *generation_take(struct generations *gs)
{
    pthread_mutex_lock(&gs->lock);
    struct generation *g = gs->current;
    atomic_fetch_add_explicit(&g->refs, 1, memory_order_relaxed);
    pthread_mutex_unlock(&gs->lock);
    return g;
}

void generation_drop(struct generation *g)
{
    if (g && atomic_fetch_sub_explicit(&g->refs, 1, memory_order_acq_rel) == 1)
        generation_free(g);
}

struct fb_history *generation_reader(struct generation *g)
{
    pthread_mutex_lock(&g->readers_lock);
    struct fb_history *h = g->readers_n ? g->readers[--g->readers_n] : NULL;
    pthread_mutex_unlock(&g->readers_lock);
    return h;
}

bool generation_keep_reader(struct generation *g, struct fb_history *h)
{
    pthread_mutex_lock(&g->readers_lock);
    bool room = g->readers_n < GENERATION_READERS;
    if (room)
        g->readers[g->readers_n++] = h;
    pthread_mutex_unlock(&g->readers_lock);
    return room;
}
