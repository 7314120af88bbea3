/* The hash table behind people and phrases: open addressing, linear probing, at most half full. It never grows, so that
 * a snapshot is made once and read by all threads; to add more keys than were announced is a bug of ours. */
#include "rules/map.h"

#include <assert.h>

uint32_t fb_hash(struct fb_str s)
{
    uint32_t hash = FB_HASH_START;
    for (size_t i = 0; i < s.n; i++)
        hash = fb_hash_add(hash, s.p[i]);
    return hash;
}

int fb_map_init(struct fb_map *m, struct fb_arena *arena, size_t expected, struct fb_err *err)
{
    size_t slots = 8;
    while (slots < 2 * expected)
        slots *= 2;
    *m = (struct fb_map){.slots = fb_arena_array(arena, slots, sizeof *m->slots), .mask = slots - 1};
    return m->slots ? 0 : fb_fail_memory(err);
}

static struct fb_map_slot *find(const struct fb_map *m, struct fb_str key, uint32_t hash)
{
    size_t i = hash & m->mask;
    while (m->slots[i].key.p && !(m->slots[i].hash == hash && fb_str_eq(m->slots[i].key, key)))
        i = (i + 1) & m->mask;
    return &m->slots[i];
}

uint32_t *fb_map_put(struct fb_map *m, struct fb_str key)
{
    assert(key.p);
    uint32_t hash = fb_hash(key);
    struct fb_map_slot *s = find(m, key, hash);
    if (!s->key.p) {
        assert(2 * m->n <= m->mask);
        *s = (struct fb_map_slot){.key = key, .hash = hash};
        m->n++;
    }
    return &s->value;
}

const uint32_t *fb_map_get_hashed(const struct fb_map *m, struct fb_str key, uint32_t hash)
{
    if (!m->slots)
        return NULL;
    const struct fb_map_slot *s = find(m, key, hash);
    return s->key.p ? &s->value : NULL;
}

const uint32_t *fb_map_get(const struct fb_map *m, struct fb_str key)
{
    return fb_map_get_hashed(m, key, fb_hash(key));
}
