/* forbear keygen: makes what keys are missing and gives each to the program that needs it. Replaces none but the signing
 * key, and that only when asked; must never leave a private key readable to a program that has no use for it.
 *
 * DIAGNOSTICS: names the file that could not be made or given away. A user or group that does not exist is a warning,
 * for whoever tries forbear without installing it. */
#include <errno.h>
#include <getopt.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <unistd.h>

#include "command.h"
#include "token/token.h"

static const struct {
    const char *file, *user, *group; /* NULL: root */
} owners[] = {
    {"signing.key", "forbear-keeper", NULL},
    {"box.key", "forbear-keeper", NULL},
    {"hash.key", NULL, "forbear-store"},
};

static bool owner(size_t i, uid_t *ret_uid, gid_t *ret_gid)
{
    const struct passwd *user = owners[i].user ? getpwnam(owners[i].user) : NULL;
    const struct group *group = owners[i].group ? getgrnam(owners[i].group) : NULL;
    *ret_uid = user ? user->pw_uid : 0;
    *ret_gid = group ? group->gr_gid : user ? user->pw_gid : 0;
    return (user || !owners[i].user) && (group || !owners[i].group);
}

static int give(const char *dir, size_t i, struct fb_err *err)
{
    char path[PATH_MAX];
    uid_t uid;
    gid_t gid;
    if (!owner(i, &uid, &gid)) {
        fprintf(stderr, "warning: there is no %s yet: %s stays with root\n", owners[i].user ? owners[i].user : owners[i].group, owners[i].file);
        return 0;
    }
    if (snprintf(path, sizeof path, "%s/%s", dir, owners[i].file) >= (int)sizeof path)
        return fb_fail(err, "the path %s is too long", dir);
    return lchown(path, uid, gid) < 0 ? fb_fail_errno(err, "cannot give %s to its user", path) : 0;
}

static int give_all(const char *dir, struct fb_err *err)
{
    for (size_t i = 0; i < sizeof owners / sizeof *owners; i++)
        if (give(dir, i, err))
            return -1;
    return 0;
}

int keygen_main(int argc, char **argv)
{
    static const struct option names[] = {{"rotate", no_argument, NULL, 'r'}, {0}};
    const char *path = FB_CONF_PATH;
    struct fb_err err;
    bool rotate = false;
    int c;
    CONF conf = NULL;
    while ((c = getopt_long(argc, argv, "c:", names, NULL)) == 'c' || c == 'r')
        c == 'c' ? (void)(path = optarg) : (void)(rotate = true);
    if (c != -1 || optind != argc)
        return command_usage("keygen");
    if (fb_conf_load(path, &conf, &err))
        return command_misconfigured(&err);
    if (fb_keys_generate(conf->forbear_keys_dir, rotate, &err) || (geteuid() == 0 && give_all(conf->forbear_keys_dir, &err)))
        return command_failed(&err);
    printf("keys are in %s\n%s", conf->forbear_keys_dir, rotate ? "reload forbear-keeper to use the new one\n" : "");
    return FB_EXIT_OK;
}
