/* Languages: finds the folder that a person is written to from. It decides nothing about texts; those are templates.
 *
 * DIAGNOSTICS: fails where the folder that is to be there lacks its words or its page.txt, and for a faulty template; the fault names the
 * file. Lack of memory. */
#include "notice/language.h"

#include "template/moment.h"

static const char ENGLISH[] = "en";

/* The first word behind "name =". */
static struct fb_str first_word(struct fb_str words, struct fb_str name)
{
    struct fb_str line, key, word;
    while (fb_str_line(&words, &line))
        if (fb_str_split(&line, '=', &key) && fb_str_eq(fb_str_trim(key), name) && line.p && fb_str_word(&line, &word))
            return word;
    return FB_STR_NONE;
}

static int read_words(const char *data_dir, const char *name, struct fb_arena *arena, struct fb_language *ret, struct fb_err *err)
{
    struct fb_str words;
    if (fb_template_read(data_dir, name, "words", arena, &words, err))
        return -1;
    *ret = (struct fb_language){.data_dir = data_dir, .name = name, .release = first_word(words, FB_STR("release")),
                                .withdraw = first_word(words, FB_STR("withdraw")), .rules = FB_STR_NONE};
    return ret->release.n && ret->withdraw.n ? 0 : fb_fail(err, "%s/templates/%s/words lacks release or withdraw", data_dir, name);
}

/* "de" of "de-at"; empty where it is a kind of none. */
static struct fb_str wider(struct fb_str tag)
{
    const char *hyphen = memrchr(tag.p, '-', tag.n);
    return hyphen ? (struct fb_str){tag.p, (size_t)(hyphen - tag.p)} : FB_STR_NONE;
}

/* Nothing else may name a folder, whoever wrote it. */
static bool is_tag(struct fb_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!fb_is_alpha(s.p[i]) && !fb_is_digit(s.p[i]) && s.p[i] != '-')
            return false;
    return true;
}

static int find_name(const char *data_dir, struct fb_str wanted, const char *otherwise, struct fb_arena *arena, const char **ret, struct fb_err *err)
{
    int rc = 1;
    wanted = is_tag(wanted) ? wanted : FB_STR_NONE;
    while (wanted.n && (rc = fb_template_missing(data_dir, wanted, "words", arena, err)) > 0)
        wanted = wider(wanted);
    *ret = rc == 0 ? fb_arena_dup(arena, wanted).p : otherwise;
    return rc < 0 ? -1 : *ret ? 0 : fb_fail_memory(err);
}

/* How a moment is written: as in English, where page.txt does not say it. */
static int read_moment(const char *data_dir, const char *name, struct fb_arena *arena, struct fb_part *ret, struct fb_err *err)
{
    struct fb_str text;
    struct fb_part whole;
    const struct fb_parts alone = {ret, 1};
    size_t at = 0;
    if (fb_template_read(data_dir, name, "page.txt", arena, &text, err) || fb_part_cut("page.txt", FB_STR_NONE, text, arena, &whole, err))
        return -1;
    while (fb_part_next(&whole, &at, ret))
        if (fb_str_eq(ret->name, FB_STR("moment")))
            return fb_parts_check(&alone, err);
    return strcmp(name, ENGLISH) ? read_moment(data_dir, ENGLISH, arena, ret, err) : fb_fail(err, "%s/templates/en/page.txt lacks {{#moment}}", data_dir);
}

int fb_language_open(const char *data_dir, struct fb_str wanted, const char *otherwise, struct fb_arena *arena, struct fb_language *ret,
                     struct fb_err *err)
{
    const char *name;
    if (find_name(data_dir, wanted, otherwise, arena, &name, err) || read_words(data_dir, name, arena, ret, err))
        return -1;
    int rc = fb_template_missing(data_dir, fb_str(name), "rules.txt", arena, err);
    if (rc < 0 || (rc == 0 && fb_template_read(data_dir, name, "rules.txt", arena, &ret->rules, err)))
        return -1;
    return read_moment(data_dir, name, arena, &ret->moment, err);
}

int fb_language_moment(const struct fb_language *l, int64_t at_s, int64_t now_s, int tz_min, struct fb_arena *arena, struct fb_str *ret,
                       struct fb_err *err)
{
    struct tm t, now;
    *ret = FB_STR_NONE;
    if (!fb_moment_local(at_s, tz_min, &t) || !fb_moment_local(now_s, tz_min, &now))
        return 0;
    json_auto_t *values = fb_moment_values(&t, &now, "%-H");
    if (!values)
        return fb_fail_memory(err);
    const struct fb_parts parts = {&l->moment, 1};
    int rc = fb_parts_render(&parts, "moment", values, FB_ESCAPE_NONE, arena, ret, err);
    *ret = rc ? FB_STR_NONE : fb_str_trim(*ret);
    return rc;
}
