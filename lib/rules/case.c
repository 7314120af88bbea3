/* Makes a case: who reads it, whom the text names (naming.c), and whom each sentence is about. It decides who is meant, never
 * whether what is said of them is kind. What remains unsure is about nobody.
 *
 * DIAGNOSTICS: lack of memory alone. */
#include "rules/case.h"

#include "rules/naming.h"
#include "rules/readers.h"

enum { PRONOUN_REACH = 2 };

#define W(word) FB_STR_INIT(word)
static bool is_one_of(struct fb_str word, const struct fb_str *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (fb_str_eq(word, v[i]))
            return true;
    return false;
}
#define IS_ONE_OF(word, table) is_one_of(word, table, sizeof(table) / sizeof *(table))

/* Who is spoken to: the one whom the first lines greet, else the only one in To. */
static const struct fb_reader *addressee(const struct fb_case *c)
{
    const struct fb_reader *greeted = NULL, *only = NULL;
    size_t greeted_n = 0, to_n = 0;
    for (size_t i = 0; i < c->mentions_n && c->text.v[c->mentions[i].word].sentence < FB_NAMING_GREETED; i++)
        if (c->mentions[i].vocative && c->mentions[i].reader && c->mentions[i].reader != greeted)
            greeted = c->mentions[i].reader, greeted_n++;
    for (size_t i = 0; i < c->readers_n; i++)
        if (c->readers[i].role == FB_ROLE_TO)
            only = &c->readers[i], to_n++;
    return greeted_n == 1 ? greeted : !greeted_n && to_n == 1 && !only->list.n ? only : NULL;
}

enum pronoun { PRONOUN_NONE, PRONOUN_YOU, PRONOUN_HE };

/* The pronoun of "he's" and "you'd" too. */
static struct fb_str stem(struct fb_str norm)
{
    const char *apostrophe = memchr(norm.p, '\'', norm.n);
    return (struct fb_str){norm.p, apostrophe ? (size_t)(apostrophe - norm.p) : norm.n};
}

/* Whom a sentence without a name means. An imperative means the one who is spoken to. */
static enum pronoun pronoun_in(const struct fb_text *t, size_t sentence)
{
    static const struct fb_str you[] = {W("you"), W("your"), W("yours"), W("yourself")}, he[] = {W("he"), W("she"), W("him"), W("her"), W("his"), W("hers")};
    static const struct fb_str imperatives[] = {W("please"), W("do"), W("never"), W("stop"), W("kindly")};
    for (size_t w = t->first[sentence]; w < t->first[sentence + 1]; w++)
        if (IS_ONE_OF(stem(t->v[w].norm), you) || (w == t->first[sentence] && IS_ONE_OF(t->v[w].norm, imperatives)))
            return PRONOUN_YOU;
        else if (IS_ONE_OF(stem(t->v[w].norm), he))
            return PRONOUN_HE;
    return PRONOUN_NONE;
}

/* Whom the sentence names: somebody spoken about before somebody spoken to. *@next: the first mention after it. */
static struct fb_about named_in(const struct fb_case *c, size_t sentence, size_t *next)
{
    const struct fb_mention *best = NULL;
    for (; *next < c->mentions_n && c->text.v[c->mentions[*next].word].sentence == sentence; ++*next)
        if (!best || (best->vocative && !c->mentions[*next].vocative))
            best = &c->mentions[*next];
    return best ? (struct fb_about){best->reader, best->person} : (struct fb_about){NULL, NULL};
}

static int find_about(struct fb_case *c, struct fb_arena *arena, struct fb_err *err)
{
    struct fb_about *v = fb_arena_array(arena, c->text.sentences_n, sizeof *v), last = {NULL, NULL};
    if (!v)
        return fb_fail_memory(err);
    size_t next = 0, last_at = 0;
    for (size_t i = 0; i < c->text.sentences_n; i++) {
        v[i] = named_in(c, i, &next);
        if (v[i].reader || v[i].person) {
            last = v[i];
            last_at = i;
            continue;
        }
        enum pronoun pronoun = pronoun_in(&c->text, i);
        if (pronoun == PRONOUN_YOU && c->addressee)
            v[i] = (struct fb_about){c->addressee, c->addressee->person};
        else if (pronoun == PRONOUN_HE && i - last_at <= PRONOUN_REACH)
            v[i] = last;
    }
    c->about = v;
    return 0;
}

int fb_case_make(struct fb_arena *arena, const struct fb_conf *conf, const struct fb_people *people, const struct fb_envelope *env,
                 const struct fb_message *message, const struct fb_own *own, int64_t now_s, struct fb_case *ret, struct fb_err *err)
{
    *ret = (struct fb_case){.conf = conf, .people = people, .env = env, .message = message, .own = own, .now_s = now_s, .past = FB_PAST_NONE};
    ret->sender = fb_arena_lower(arena, env->sender);
    if (!ret->sender.p)
        return fb_fail_memory(err);
    ret->sender_person = fb_people_find(people, ret->sender);
    if (fb_readers_gather(arena, ret, err) || fb_text_cut(arena, own->sentences, own->sentences_n, &ret->text, err) ||
        fb_naming_find(arena, ret, err))
        return -1;
    ret->addressee = addressee(ret);
    for (size_t i = 0; i < ret->mentions_n; i++)
        if (ret->mentions[i].person)
            fb_readers_mark_above(ret, ret->mentions[i].person, FB_RELATION_NAMED_BOSS);
    return find_about(ret, arena, err);
}

bool fb_case_at_night(const struct fb_case *c)
{
    const struct fb_message *m = c->message;
    if (m->date_s == INT64_MIN)
        return false;
    int64_t local = m->date_s + m->tz_min * INT64_C(60), hour = ((local % 86400 + 86400) % 86400) / 3600;
    return hour >= 21 || hour < 6;
}

struct fb_str fb_about_name(struct fb_about a)
{
    return a.reader ? a.reader->name : a.person ? (a.person->name.n ? a.person->name : a.person->email) : FB_STR_NONE;
}
