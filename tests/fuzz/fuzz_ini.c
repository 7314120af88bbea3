/* The INI scan, and that iniparser reads alike whatever the scan accepts. */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/io.h"
#include "conf/ini.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[32];
    struct fb_err err;
    struct fb_ini ini;
    struct fb_str text = {(const char *)data, size};
    FB_ARENA arena = fb_arena_new(16 << 20);
    if (!arena || fb_ini_scan(arena, "fuzz", text, &ini, &err))
        return 0;
    FB_FD fd = memfd_create("ini", MFD_CLOEXEC);
    if (fd < 0 || fb_io_write_all(fd, text.p, text.n, NULL))
        abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (fb_ini_load(arena, path, &ini, &err)) {
        fprintf(stderr, "%s\n", err.text);
        abort();
    }
    return 0;
}
