/* The site: reads the templates once, and decides in which language a visitor is answered: as the sender's own preference says,
 * else as the browser asks for, else in that of the conf.
 *
 * DIAGNOSTICS: fails where base_url is none, where a file is missing, and where the templates of any language are faulty
 * (template/wording.h); the fault names the file. */
#include "web/site.h"

/* scheme://host[:port][/path]: the origin as browsers write it (RFC 6454, 6.2: without the scheme's own port), and the path. */
static int base_url_split(const char *base_url, struct fb_arena *arena, struct web_site *ret, struct fb_err *err)
{
    struct fb_str url = fb_str(base_url);
    ret->https = fb_str_istarts(url, FB_STR("https://"));
    size_t scheme = ret->https ? 8 : 7, end = scheme;
    if (!ret->https && !fb_str_istarts(url, FB_STR("http://")))
        return fb_fail(err, "web.base_url: %s begins with neither https:// nor http://", base_url);
    while (end < url.n && url.p[end] != '/')
        end++;
    if (end == scheme || url.p[url.n - 1] == '/')
        return fb_fail(err, "web.base_url: %s names no host, or ends in a slash", base_url);
    ret->origin = fb_arena_dup(arena, (struct fb_str){url.p, end});
    ret->prefix = fb_arena_dup(arena, (struct fb_str){url.p + end, url.n - end});
    struct fb_str port = ret->https ? FB_STR(":443") : FB_STR(":80");
    if (ret->origin.p && fb_str_iends(ret->origin, port))
        ret->origin.n -= port.n;
    return ret->origin.p && ret->prefix.p ? 0 : fb_fail_memory(err);
}

int web_site_open(const char *base_url, bool withdraws, const char *data_dir, const char *language, struct fb_arena *arena,
                  struct web_site *ret, struct fb_err *err)
{
    *ret = (struct web_site){.withdraws = withdraws};
    if (base_url_split(base_url, arena, ret, err) || fb_wordings_open(data_dir, language, arena, &ret->wordings, err) ||
        fb_template_read(data_dir, "shared", "page.css", arena, &ret->style, err))
        return -1;
    return fb_template_read(data_dir, "shared", "page.js", arena, &ret->script, err);
}

/* "de" is good for "de" and for "de-CH" (RFC 4647, 3.4). */
static const struct fb_wording *find(const struct web_site *site, struct fb_str range)
{
    for (size_t i = 0; i < site->wordings.n; i++) {
        struct fb_str have = site->wordings.v[i].language;
        if (have.n && fb_str_istarts(range, have) && (range.n == have.n || range.p[have.n] == '-'))
            return &site->wordings.v[i];
    }
    return NULL;
}

/* Thousandths of ";q=0.8"; 1000 where there is none, 0 where it is none that RFC 9110 knows. */
static unsigned weight(struct fb_str parameters)
{
    struct fb_str q = fb_str_trim(parameters);
    unsigned w = 0, unit = 1000;
    if (!q.n)
        return 1000;
    if (!fb_str_istarts(q, FB_STR("q=")) || q.n < 3 || q.n > 7)
        return 0;
    for (size_t i = 2; i < q.n; i++) {
        if (i == 3 ? q.p[i] != '.' : !fb_is_digit(q.p[i]))
            return 0;
        if (i == 3)
            continue;
        w += (unsigned)(q.p[i] - '0') * unit;
        unit /= 10;
    }
    return w > 1000 ? 0 : w;
}

const struct fb_wording *web_site_wording(const struct web_site *site, struct fb_str preferred, struct fb_str accept)
{
    const struct fb_wording *best = find(site, preferred);
    struct fb_str part, range;
    unsigned best_weight = 0;
    if (best)
        return best;
    while (fb_str_split(&accept, ',', &part)) {
        struct fb_str rest = part;
        if (!fb_str_split(&rest, ';', &range))
            continue;
        range = fb_str_trim(range);
        unsigned w = weight(rest.p ? rest : FB_STR_NONE);
        const struct fb_wording *found = fb_str_eq(range, FB_STR("*")) ? &site->wordings.v[0] : find(site, range);
        if (found && w > best_weight) {
            best = found;
            best_weight = w;
        }
    }
    return best ? best : &site->wordings.v[0];
}
