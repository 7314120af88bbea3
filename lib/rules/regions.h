/* Regions in which face weighs more, as the admin says (rules.conf, [regions]): a name and a weight. A name is the region of
 * people.csv, or for readers without one the country code at the end of their domain. */
#ifndef FB_RULES_REGIONS_H
#define FB_RULES_REGIONS_H

#include "base/str.h"

struct fb_region {
    struct fb_str name; /* a-z 0-9 _; a '_' stands for whatever is neither letter nor digit */
    double weight;
};

struct fb_regions {
    size_t n;
    struct fb_region *v;
};

struct fb_reader;
/* NULL where the reader's region is not among them. */
const struct fb_region *fb_regions_of(const struct fb_regions *regions, const struct fb_reader *r);

#endif
