/* A hash table from texts to numbers, sized once, in an arena: for directories, lists and word indexes. */
#ifndef FB_RULES_MAP_H
#define FB_RULES_MAP_H

#include "base/arena.h"

struct fb_map_slot {
    struct fb_str key; /* p NULL: free */
    uint32_t hash, value;
};

struct fb_map {
    struct fb_map_slot *slots;
    size_t mask, n; /* slots - 1; slots in use */
};

/* FNV-1a, 32 bits (draft-eastlake-fnv). Keys come from the admin's files, or are few. */
#define FB_HASH_START 2166136261u
static inline uint32_t fb_hash_add(uint32_t hash, char c) { return (hash ^ (unsigned char)c) * 16777619u; }
uint32_t fb_hash(struct fb_str s);

/* Room for @expected keys. */
int fb_map_init(struct fb_map *m, struct fb_arena *arena, size_t expected, struct fb_err *err);
/* The value of @key, which is added with value 0 where it is new. The map keeps the view. At most @expected keys. */
uint32_t *fb_map_put(struct fb_map *m, struct fb_str key);
/* NULL where it is absent. */
const uint32_t *fb_map_get(const struct fb_map *m, struct fb_str key);
const uint32_t *fb_map_get_hashed(const struct fb_map *m, struct fb_str key, uint32_t hash);

#endif
