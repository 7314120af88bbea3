/* What the milter sees, and the keeper acts on. An answer is passed on with all that proves it, and is proven there; it is looked
 * at here only so that who cannot be helped that way hears how. Of a thread that moved only those hear who read the mail that
 * moved it: who writes to whom is nobody else's business.
 *
 * DIAGNOSTICS: fails where the store does, and for lack of memory. */
#include "posts.h"

#include <jansson.h>

#include "hold/seal.h"
#include "wire/desk.h"

enum { MOVED_MAX = 20 };

bool posts_work(const struct generation *g)
{
    return g->keyed && g->hashed;
}

/* Sealed to the keeper; empty where it is too large, or NULL: a value was no UTF-8. Takes @all. */
static int box_make(struct fb_arena *arena, const struct generation *g, json_t *all, struct fb_str *ret, struct fb_err *err)
{
    char text[4096];
    size_t n = all ? json_dumpb(all, text, sizeof text, JSON_COMPACT) : 0;
    json_decref(all);
    *ret = n && n <= sizeof text ? fb_box_seal(arena, g->box_key, (struct fb_str){text, n}) : FB_STR_NONE;
    return ret->p ? 0 : fb_fail_memory(err);
}

/* ---- answers ---- */

struct answering {
    const struct wish *wish;
    struct fb_arena *arena;
    struct fb_post post; /* its owner, and when; what is found is put to it */
    bool counts;
};

/* The hold whose notice has the id @id, where it is the owner's. */
static int answer_find(struct fb_store *s, struct answering *a, struct fb_str id, struct fb_err *err)
{
    struct fb_hold hold;
    uint8_t hash[FB_HASH];
    fb_message_id_hash(id, hash);
    int rc = fb_store_by_notice(s, hash, &a->post.hold, err);
    if (rc == 0)
        rc = fb_store_get(s, a->post.hold, a->arena, &hold, err);
    if (rc)
        return rc < 0 ? -1 : 0;
    a->counts = fb_hash_eq(hold.owner, a->post.owner);
    a->post.message_id = id;
    return 0;
}

static int answer_write(struct fb_store *s, void *arg, struct fb_err *err)
{
    struct answering *a = arg;
    for (size_t i = 0; i < a->wish->ids_n && !a->counts; i++)
        if (answer_find(s, a, a->wish->ids[i], err))
            return -1;
    return a->counts ? fb_store_post(s, &a->post, err) : 0;
}

int posts_answer(struct holds *h, const struct generation *g, const struct fb_envelope *env, const struct wish *wish, int64_t now_s,
                 struct fb_arena *arena, const char **ret_said, struct fb_err *err)
{
    struct fb_hold who;
    struct answering a = {.wish = wish, .arena = arena, .post = {.kind = FB_POST_ANSWER, .at_s = now_s, .action = wish->action}};
    fb_hold_hashes(g->hash_key, env->login, env->sender, FB_STR_NONE, &who);
    memcpy(a.post.owner, who.owner, sizeof a.post.owner);
    if (wish->action && holds_write(h, g->conf->forbear_state_dir, answer_write, &a, err))
        return -1;
    *ret_said = !a.counts ? "help" : wish->action == FB_DESK_RELEASE ? "release" : "withdraw";
    return a.counts ? 0 : posts_help(h, g, env, wish->message_id, now_s, arena, err);
}

static int post_write(struct fb_store *s, void *arg, struct fb_err *err)
{
    return fb_store_post(s, arg, err);
}

int posts_help(struct holds *h, const struct generation *g, const struct fb_envelope *env, struct fb_str message_id, int64_t now_s,
               struct fb_arena *arena, struct fb_err *err)
{
    struct fb_post post = {.kind = FB_POST_HELP, .at_s = now_s, .message_id = FB_STR_NONE};
    struct fb_str lower = fb_arena_lower(arena, env->sender);
    if (!lower.p)
        return fb_fail_memory(err);
    struct fb_str language = fb_policy_language(g->policy, lower);
    json_t *all = json_pack("{s:s%, s:s%, s:s%}", "to", env->sender.p, env->sender.n, "message_id", message_id.p, message_id.n, "language", language.p,
                            language.n);
    if (box_make(arena, g, all, &post.box, err))
        return -1;
    return post.box.n ? holds_write(h, g->conf->forbear_state_dir, post_write, &post, err) : 0;
}

/* ---- the thread moved ---- */

struct moving {
    const struct generation *g;
    const struct fb_history_mail *mail;
    struct fb_hold of; /* person: the author's; thread: the mail's */
    struct fb_arena *arena;
    struct fb_post v[MOVED_MAX];
    size_t n;
};

static bool is_read_by(const struct moving *m, const struct fb_hold *hold)
{
    struct fb_hold reader;
    for (size_t i = 0; i < m->mail->readers_n; i++) {
        fb_hold_hashes(m->g->hash_key, FB_STR_NONE, m->mail->readers[i], FB_STR_NONE, &reader);
        if (fb_hash_eq(reader.person, hold->person))
            return true;
    }
    return false;
}

static int moved_find(struct fb_store *s, void *arg, struct fb_err *err)
{
    struct moving *m = arg;
    struct fb_hold *v;
    size_t n;
    if (fb_store_on_thread(s, m->of.thread, m->of.person, MOVED_MAX, m->arena, &v, &n, err))
        return -1;
    for (size_t i = 0; i < n; i++)
        if ((v[i].state == FB_STATE_pending || v[i].state == FB_STATE_held) && !v[i].extended && is_read_by(m, &v[i]))
            m->v[m->n++] = (struct fb_post){.kind = FB_POST_MOVED, .hold = v[i].id, .message_id = FB_STR_NONE};
    return 0;
}

static int moved_write(struct fb_store *s, void *arg, struct fb_err *err)
{
    const struct moving *m = arg;
    for (size_t i = 0; i < m->n; i++)
        if (fb_store_post(s, &m->v[i], err))
            return -1;
    return 0;
}

int posts_moved(struct holds *h, const struct generation *g, const struct fb_envelope *env, const struct fb_history_mail *mail,
                struct fb_str name, int64_t now_s, struct fb_arena *arena, size_t *ret_n, struct fb_err *err)
{
    struct moving m = {.g = g, .mail = mail, .arena = arena};
    const char *dir = g->conf->forbear_state_dir;
    struct fb_str box, root = thread_root(mail->references, mail->references_n, mail->in_reply_to, mail->id);
    fb_hold_hashes(g->hash_key, FB_STR_NONE, env->sender, root, &m.of);
    int rc = holds_read(h, dir, moved_find, &m, err);
    if (rc == 0 && m.n)
        rc = box_make(arena, g, json_pack("{s:s%}", "name", name.p, name.n), &box, err);
    for (size_t i = 0; rc == 0 && i < m.n; i++)
        m.v[i].at_s = now_s, m.v[i].box = box;
    *ret_n = m.n;
    return rc == 0 && m.n ? holds_write(h, dir, moved_write, &m, err) : rc;
}
