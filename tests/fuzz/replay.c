/* Runs a harness on every file of the folders that are its arguments, and on each of its beginnings: a file that is cut
 * short is the commonest malformed one. */
#include "fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/io.h"

enum { FILE_MAX_BYTES = 1 << 20, CUTS_MAX = 512 };

/* Each beginning in memory of its own size, so that a sanitizer sees a step past its end. */
static void harness_run(struct fb_str text)
{
    uint8_t *own = malloc(text.n ? text.n : 1);
    if (!own)
        abort();
    if (text.n)
        memcpy(own, text.p, text.n);
    LLVMFuzzerTestOneInput(own, text.n);
    free(own);
}

static int file_run(const char *folder, const char *name)
{
    struct fb_err err;
    struct fb_str text;
    FB_ARENA arena = fb_arena_new(2 * FILE_MAX_BYTES);
    if (!arena || fb_io_read_file(arena, fb_arena_printf(arena, "%s/%s", folder, name).p, FILE_MAX_BYTES, &text, &err))
        return fprintf(stderr, "%s\n", err.text), -1;
    harness_run(text);
    for (size_t n = 0; n < text.n && n < CUTS_MAX; n++)
        harness_run((struct fb_str){text.p, n});
    return 0;
}

static int folder_run(const char *folder, size_t *count)
{
    DIR *dir = opendir(folder);
    if (!dir)
        return perror(folder), -1;
    int rc = 0;
    for (const struct dirent *e; rc == 0 && (e = readdir(dir)) != NULL;)
        if (e->d_name[0] != '.') {
            rc = file_run(folder, e->d_name);
            ++*count;
        }
    closedir(dir);
    return rc;
}

int main(int argc, char **argv)
{
    size_t count = 0;
    for (int i = 1; i < argc; i++)
        if (folder_run(argv[i], &count))
            return 1;
    printf("%zu files\n", count);
    return count == 0;
}
