/* message-times FILE...: parses each message and cuts its own words; prints the median and the worst time, and how many
 * came to which outcome. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/io.h"
#include "mail/message.h"
#include "mail/own.h"

#define JUDGED_SIZE (256u << 10)

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The outcome, or -1. */
static int measure(const char *path, double *ret_us)
{
    static const struct fb_message_limits limits = {.parts = 200, .nesting = 12, .header_size = 128u << 10, .header_fields = 1000};
    FB_ARENA file = fb_arena_new(256u << 20);
    FB_ARENA a = fb_arena_new(64u << 20);
    struct fb_err err;
    struct fb_str raw;
    struct fb_message m;
    struct fb_own own;
    if (fb_io_read_file(file, path, 128u << 20, &raw, &err) < 0) {
        fprintf(stderr, "%s\n", err.text);
        return -1;
    }
    bool cut = raw.n > JUDGED_SIZE;
    double begin = now_us();
    int r = fb_message_parse(a, &limits, (struct fb_str){raw.p, cut ? JUDGED_SIZE : raw.n}, cut, &m, &err);
    if (r == 0)
        r = fb_own_words(a, m.text, &own, &err);
    *ret_us = now_us() - begin;
    if (r < 0)
        fprintf(stderr, "%s: %s\n", path, err.text);
    return r;
}

int main(int argc, char **argv)
{
    double *us = calloc((size_t)argc, sizeof *us), worst = 0;
    size_t n = 0, outcomes[8] = {0}, failures = 0;
    const char *worst_path = "";
    fb_message_init();
    for (int i = 1; us && i < argc; i++) {
        double t = 0;
        int r = measure(argv[i], &t);
        if (r < 0)
            failures++;
        else
            outcomes[r & 7]++, us[n++] = t;
        if (t > worst)
            worst = t, worst_path = argv[i];
    }
    if (!n)
        return 1;
    qsort(us, n, sizeof *us, compare);
    printf("messages %zu  median %.0f us  99%% %.0f us  worst %.0f us (%s)\n", n, us[n / 2], us[n * 99 / 100], worst, worst_path);
    printf("read %zu  too complex %zu  encrypted %zu  no text %zu  calendar %zu  failed %zu\n", outcomes[0], outcomes[FB_MESSAGE_TOO_COMPLEX],
           outcomes[FB_MESSAGE_ENCRYPTED], outcomes[FB_MESSAGE_NO_TEXT], outcomes[FB_MESSAGE_CALENDAR], failures);
    free(us);
    return failures != 0;
}
