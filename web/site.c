/* The site: reads the templates once, each language in a folder of its own, and decides in which language a visitor is
 * answered: as the sender's own preference says, else as the browser asks for, else in that of the conf.
 *
 * DIAGNOSTICS: fails where base_url is none, where the templates of the conf's language are missing, and where those of any
 * language are incomplete or faulty; the fault names the file. */
#include "web/site.h"

#include <dirent.h>

#include "template/template.h"

static const char SHARED[] = "shared"; /* the folder of what has no words in it */

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

/* Reads a template and renders it once with nothing in it: a fault in its tags shows now and not to a visitor. */
static int template_open(const char *data_dir, const char *language, const char *file, struct fb_arena *arena, struct fb_str *ret, struct fb_err *err)
{
    struct fb_str nothing;
    if (fb_template_read(data_dir, language, file, arena, ret, err))
        return -1;
    return fb_template_render(file, *ret, NULL, FB_ESCAPE_HTML, arena, &nothing, err);
}

/* What the rules say, in that language: only one that rules.conf is not in has it. */
static int rules_open(const char *data_dir, const char *language, struct fb_arena *arena, struct fb_str *ret, struct fb_err *err)
{
    struct fb_str text;
    *ret = FB_STR_NONE;
    return fb_template_read(data_dir, language, "rules.txt", arena, &text, NULL) ? 0 : template_open(data_dir, language, "rules.txt", arena, ret, err);
}

static int texts_open(const char *data_dir, const char *language, struct fb_arena *arena, struct web_site *site, struct fb_err *err)
{
    struct web_texts t = {.language = fb_arena_dup(arena, fb_str(language))};
    if (!t.language.p)
        return fb_fail_memory(err);
    if (site->texts_n == WEB_LANGUAGES)
        return fb_fail(err, "%s/templates has more than %d languages", data_dir, WEB_LANGUAGES);
    if (template_open(data_dir, language, "page.html", arena, &t.page, err) || template_open(data_dir, language, "page.txt", arena, &t.plain, err) ||
        template_open(data_dir, language, "problem.html", arena, &t.problem, err) || rules_open(data_dir, language, arena, &t.rules, err))
        return -1;
    site->texts[site->texts_n++] = t;
    return 0;
}

/* A folder that is no language, or has no page, is passed over: mail alone may be in more languages. */
static bool has_page(const char *data_dir, const char *name, struct fb_arena *arena)
{
    struct fb_str page;
    return name[0] != '.' && fb_template_read(data_dir, name, "page.html", arena, &page, NULL) == 0;
}

static int others_open(DIR *dir, const char *data_dir, const char *language, struct fb_arena *arena, struct web_site *site, struct fb_err *err)
{
    for (struct dirent *e; (e = readdir(dir));)
        if (!fb_str_ieq(fb_str(e->d_name), fb_str(language)) && has_page(data_dir, e->d_name, arena) &&
            texts_open(data_dir, e->d_name, arena, site, err))
            return -1;
    return 0;
}

static int languages_open(const char *data_dir, const char *language, struct fb_arena *arena, struct web_site *site, struct fb_err *err)
{
    if (texts_open(data_dir, language, arena, site, err))
        return -1;
    struct fb_str path = fb_arena_printf(arena, "%s/templates", data_dir);
    if (!path.p)
        return fb_fail_memory(err);
    DIR *dir = opendir(path.p);
    if (!dir)
        return fb_fail_errno(err, "%s", path.p);
    int rc = others_open(dir, data_dir, language, arena, site, err);
    closedir(dir);
    return rc;
}

int web_site_open(const char *base_url, bool withdraws, const char *data_dir, const char *language, struct fb_arena *arena,
                  struct web_site *ret, struct fb_err *err)
{
    *ret = (struct web_site){.withdraws = withdraws};
    if (base_url_split(base_url, arena, ret, err) || languages_open(data_dir, language, arena, ret, err) ||
        fb_template_read(data_dir, SHARED, "page.css", arena, &ret->style, err))
        return -1;
    return fb_template_read(data_dir, SHARED, "page.js", arena, &ret->script, err);
}

/* "de" is good for "de" and for "de-CH" (RFC 4647, 3.4). */
static const struct web_texts *find(const struct web_site *site, struct fb_str range)
{
    for (size_t i = 0; i < site->texts_n; i++) {
        struct fb_str have = site->texts[i].language;
        if (have.n && fb_str_istarts(range, have) && (range.n == have.n || range.p[have.n] == '-'))
            return &site->texts[i];
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

const struct web_texts *web_site_texts(const struct web_site *site, struct fb_str preferred, struct fb_str accept)
{
    const struct web_texts *best = find(site, preferred);
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
        const struct web_texts *found = fb_str_eq(range, FB_STR("*")) ? &site->texts[0] : find(site, range);
        if (found && w > best_weight) {
            best = found;
            best_weight = w;
        }
    }
    return best ? best : &site->texts[0];
}
