/* Letters to the keeper: somebody answered a notice; somebody wrote to us what we do not understand; somebody wrote on the thread
 * of a message that is held. Each is durable once its function returns 0. */
#ifndef FB_MILTER_POSTS_H
#define FB_MILTER_POSTS_H

#include "hold.h"
#include "wish.h"

/* Letters can be written: there are keys. */
bool posts_work(const struct generation *g);

/* @wish, that the sender of @env has. *ret_said: "release", "withdraw", or "help" where it was none that counts. */
int posts_answer(struct holds *h, const struct generation *g, const struct fb_envelope *env, const struct wish *wish, int64_t now_s,
                 struct fb_arena *arena, const char **ret_said, struct fb_err *err);
/* The sender of @env is to be told how to answer. @message_id: of what they wrote; may be empty. */
int posts_help(struct holds *h, const struct generation *g, const struct fb_envelope *env, struct fb_str message_id, int64_t now_s,
               struct fb_arena *arena, struct fb_err *err);
/* A mail passes: those whose message is held on its thread, and who read it, are to be told. @name: its author's, as people know it.
 * *ret_n: how many. Nothing where no message is held. */
int posts_moved(struct holds *h, const struct generation *g, const struct fb_envelope *env, const struct fb_history_mail *mail,
                struct fb_str name, int64_t now_s, struct fb_arena *arena, size_t *ret_n, struct fb_err *err);

#endif
