/* forbear check: judges one message in a file as the milter would, through the public library alone. Stores and sends
 * nothing.
 *
 * DIAGNOSTICS: the exit code is the verdict: 0 passes, 10 would be counted or its sender told, 20 would be held; all else
 * is a failure. */
#include <forbear.h>
#include <getopt.h>
#include <stdio.h>

#include "base/io.h"
#include "command.h"

enum { MESSAGE_MAX = 64 << 20 };

struct question {
    const char *conf, *file;
    char form; /* what is printed: 'e' the arithmetic, 'f' the judge's input, 'j' JSON; 0: the verdict and why */
    struct forbear_mail mail;
    const char **recipients;
    size_t recipients_n;
};

static void library_cleanup(struct forbear **f)
{
    forbear_close(*f);
}

static void verdict_cleanup(struct forbear_verdict **v)
{
    forbear_verdict_free(*v);
}

static bool option(struct question *q, int c)
{
    int64_t now_s;
    switch (c) {
    case 'c':
        q->conf = optarg;
        return true;
    case 'e':
    case 'f':
    case 'j':
        if (q->form)
            return false;
        q->form = (char)c;
        return true;
    case 's':
        q->mail.sender = optarg;
        return true;
    case 'r':
        q->recipients[q->recipients_n++] = optarg;
        q->mail.recipients = q->recipients;
        return true;
    case 'n':
        if (!fb_str_int(fb_str(optarg), 1, INT64_MAX, &now_s))
            return false;
        q->mail.now_s = now_s;
        return true;
    default:
        return false;
    }
}

static bool options(struct question *q, int argc, char **argv)
{
    static const struct option names[] = {
        {"explain", no_argument, NULL, 'e'},      {"facts", no_argument, NULL, 'f'},       {"json", no_argument, NULL, 'j'},
        {"sender", required_argument, NULL, 's'}, {"rcpt", required_argument, NULL, 'r'}, {"now", required_argument, NULL, 'n'}, {0},
    };
    int c;
    while ((c = getopt_long(argc, argv, "c:", names, NULL)) != -1)
        if (!option(q, c))
            return false;
    if (optind != argc - 1)
        return false;
    q->file = argv[optind];
    return true;
}

static const char *action_name(enum forbear_action a)
{
    static const char *const names[] = {"pass", "observe", "notify", "hold"};
    return names[a];
}

static void say_verdict(struct forbear_verdict *v)
{
    const char *rule = forbear_verdict_rule(v), *why = forbear_verdict_why(v);
    printf("%s%s%s\n%s", action_name(forbear_verdict_action(v)), rule ? ": " : "", rule ? rule : "", why ? why : "");
}

static int say(const struct question *q, struct forbear_verdict *v, struct fb_err *err)
{
    const char *not_judged = forbear_verdict_not_judged(v), *text = NULL;
    switch (q->form) {
    case 'e':
        text = forbear_verdict_explain(v);
        break;
    case 'j':
        text = forbear_verdict_json(v);
        break;
    case 'f':
        text = forbear_verdict_input(v);
        break;
    }
    if (q->form && !text)
        return fb_fail_memory(err);
    if (not_judged && (!text || !*text))
        printf("pass: not judged (%s)\n", not_judged);
    else if (text)
        puts(text);
    else
        say_verdict(v);
    return 0;
}

static int judge(struct question *q, struct fb_err *err)
{
    __attribute__((cleanup(library_cleanup))) struct forbear *f = NULL;
    __attribute__((cleanup(verdict_cleanup))) struct forbear_verdict *v = NULL;
    static const int codes[] = {[FORBEAR_PASS] = FB_EXIT_OK, [FORBEAR_OBSERVE] = EXIT_WOULD_TELL, [FORBEAR_NOTIFY] = EXIT_WOULD_TELL,
                                [FORBEAR_HOLD] = EXIT_WOULD_HOLD};
    if (forbear_open(q->conf, &f, err->text, sizeof err->text))
        return command_misconfigured(err);
    if (forbear_judge(f, &q->mail, &v, err->text, sizeof err->text))
        return command_failed(err);
    if (say(q, v, err))
        return command_failed(err);
    return codes[forbear_verdict_action(v)];
}

int check_main(int argc, char **argv)
{
    struct fb_err err;
    FB_ARENA arena = fb_arena_new(MESSAGE_MAX + (1 << 20));
    struct question q = {.conf = FB_CONF_PATH, .recipients = arena ? fb_arena_array(arena, (size_t)argc, sizeof *q.recipients) : NULL};
    struct fb_str message;
    if (!q.recipients)
        return fb_fail_memory(&err), command_failed(&err);
    if (!options(&q, argc, argv))
        return command_usage("check");
    if (fb_io_read_file(arena, q.file, MESSAGE_MAX, &message, &err))
        return command_failed(&err);
    q.mail.message = message.p, q.mail.message_size = message.n;
    return judge(&q, &err);
}
