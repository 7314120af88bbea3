/* Pieces of verdicts as JSON, for what is kept of them and for the shared library. */
#ifndef FB_RULES_FACTS_H
#define FB_RULES_FACTS_H

#include <jansson.h>

#include "rules/policy.h"

/* A string; empty where @s is no UTF-8. */
json_t *fb_json_text(struct fb_str s);
/* {"kind","text","reader","says"} */
json_t *fb_json_change(const struct fb_change *c);
/* [{"signal","text","note"},...] */
json_t *fb_json_evidence(const struct fb_finding *f);

#endif
