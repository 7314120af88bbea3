/* The directory: a text before the first NUL is the people file, what follows is the lists file. */
#include "fuzz.h"

#include "rules/people.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fb_people p;
    struct fb_err err;
    struct fb_str people, lists = {(const char *)data, size};
    FB_ARENA arena = fb_arena_new(64u << 20);
    if (!arena || !size)
        return 0;
    fb_str_split(&lists, '\0', &people);
    if (fb_people_read(arena, "people.csv", people, "lists.csv", lists, &p, &err))
        return 0;
    for (size_t i = 0; i < p.n; i++) {
        FUZZ_CHECK(fb_people_find(&p, p.v[i].email) == &p.v[i]);
        FUZZ_CHECK(p.v[i].depth <= FB_PEOPLE_STEPS);
    }
    return 0;
}
