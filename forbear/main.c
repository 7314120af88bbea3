/* forbear: the admin's command. Decides nothing itself: it judges a file by the library, reads and makes keys, reads the
 * store, and asks the keeper. Must never write to the store, nor act on the MTA's queue: that is the keeper's alone.
 *
 * DIAGNOSTICS: "forbear: what failed, on what", on standard error; exit codes as in daemon/daemon.h, and those of check. */
#include "command.h"

#include <stdio.h>

#include "hold/seal.h"

static int help_main(int argc, char **argv);
static int version_main(int argc, char **argv);

static const struct command {
    const char *name, *arguments, *does;
    int (*run)(int argc, char **argv);
} commands[] = {
    {"check", "MESSAGE.eml [-c CONF] [--explain | --facts | --json] [--sender ADDRESS] [--rcpt ADDRESS]... [--now SECONDS]",
     "judge a message in a file (exit 0: passes, 10: its sender would be told or it would be counted, 20: held)", check_main},
    {"config", "check [FILE] | show [FILE] | sample", "check a configuration, show what is in force, print a commented one", config_main},
    {"eval", "[SET] [--ordinary MAIL [--world DIR]] [-c CONF] [--only GLOB]... [--misses | --explain | --json] [--jobs N]",
     "judge a set of cases, or ordinary mail (a folder, a maildir, an mbox), and tell how right the rules are", eval_main},
    {"keygen", "[-c CONF] [--rotate]", "make the keys that are missing; with --rotate a new signing key", keygen_main},
    {"list", "[-c CONF] [--all]", "list what is held; with --all what was, too", list_main},
    {"events", "[-c CONF] HOLD|QUEUE_ID", "tell what happened to a hold, when, by whom and why", events_main},
    {"release", "[-c CONF] HOLD|QUEUE_ID --reason TEXT", "deliver a held message now, on the record", release_main},
    {"withdraw", "[-c CONF] HOLD|QUEUE_ID --reason TEXT", "return a held message to its sender, on the record", withdraw_main},
    {"counts", "[-c CONF] [--days N]", "print the counters, by day", counts_main},
    {"version", "", "print the version", version_main},
    {"help", "", "print this", help_main},
};

static const struct command *find(const char *name)
{
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

static int version_main(int argc, char **argv)
{
    (void)argv;
    if (argc > 1)
        return command_usage("version");
    puts("forbear " FORBEAR_VERSION);
    return FB_EXIT_OK;
}

static int help_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        printf("forbear %s %s\n    %s\n", commands[i].name, commands[i].arguments, commands[i].does);
    return FB_EXIT_OK;
}

int command_usage(const char *command)
{
    const struct command *c = find(command);
    fprintf(stderr, "usage: forbear %s %s\n", c->name, c->arguments);
    return FB_EXIT_USAGE;
}

int command_failed(const struct fb_err *err)
{
    fprintf(stderr, "forbear: %s\n", err->text);
    return FB_EXIT_FAILED;
}

int command_misconfigured(const struct fb_err *err)
{
    command_failed(err);
    return FB_EXIT_CONFIG;
}

int main(int argc, char **argv)
{
    struct fb_err err;
    const struct command *c = argc > 1 ? find(argv[1]) : NULL;
    if (!c) {
        fprintf(stderr, "forbear: %s; \"forbear help\" lists the commands\n", argc > 1 ? "no such command" : "which command?");
        return FB_EXIT_USAGE;
    }
    if (fb_crypto_init(&err))
        return command_failed(&err);
    int code = c->run(argc - 1, argv + 1);
    return fflush(stdout) == 0 && !ferror(stdout) ? code : FB_EXIT_FAILED;
}
