/* Finds a reader's region. The directory goes before the domain: where it gives a region, the domain says nothing. It knows no
 * region by itself and must not: where face weighs more is the admin's to say. */
#include "rules/regions.h"

#include "rules/case.h"

static bool is_named(struct fb_str region, struct fb_str name)
{
    for (size_t i = 0; i < region.n && region.n == name.n; i++) {
        char c = fb_is_alpha(region.p[i]) || fb_is_digit(region.p[i]) ? fb_lower(region.p[i]) : '_';
        if (c != name.p[i])
            return false;
    }
    return region.n == name.n;
}

static struct fb_str top_level(struct fb_str domain)
{
    const char *dot = domain.n ? memrchr(domain.p, '.', domain.n) : NULL;
    return dot ? (struct fb_str){dot + 1, (size_t)(domain.p + domain.n - dot - 1)} : FB_STR_NONE;
}

const struct fb_region *fb_regions_of(const struct fb_regions *regions, const struct fb_reader *r)
{
    bool known = r->person && r->person->region.n;
    struct fb_str region = known ? r->person->region : top_level(fb_address_domain(r->addr));
    for (size_t i = 0; i < regions->n; i++)
        if (is_named(region, regions->v[i].name))
            return &regions->v[i];
    return NULL;
}
