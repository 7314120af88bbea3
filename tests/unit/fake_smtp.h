/* An SMTP server for unit tests: it keeps what it is sent and answers as it is told. */
#ifndef FB_TESTS_FAKE_SMTP_H
#define FB_TESTS_FAKE_SMTP_H

#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SMTP_MAILS = 64 };

struct smtp {
    int fd;
    char host_port[32];
    const char *_Atomic rcpt, *_Atomic data; /* what it says to RCPT and to the end of DATA */
    atomic_size_t most;      /* what is larger is refused; 0: nothing is */
    atomic_bool silent;      /* never says anything */
    atomic_bool keep;        /* keeps what it refuses, too */
    atomic_size_t n; /* counted once a mail is whole */
    char *mail[SMTP_MAILS], from[SMTP_MAILS][256], to[SMTP_MAILS][256];
    pthread_t thread;
};

static bool smtp_says(FILE *f, const char *line)
{
    return fprintf(f, "%s\r\n", line) > 0 && fflush(f) == 0;
}

static bool smtp_data(struct smtp *s, FILE *f, const char *from, const char *to)
{
    char line[65536];
    size_t n = 0, size;
    char *text = NULL;
    bool whole = false;
    FILE *out = open_memstream(&text, &size);
    while (fgets(line, sizeof line, f) && !(whole = strcmp(line, ".\r\n") == 0))
        fputs(line[0] == '.' ? line + 1 : line, out);
    fclose(out);
    n = s->n;
    const char *says = s->most && size > s->most ? "552 5.3.4 too big" : s->data;
    if (whole && (says[0] == '2' || s->keep) && n < SMTP_MAILS) {
        s->mail[n] = text;
        snprintf(s->from[n], sizeof s->from[n], "%s", from);
        snprintf(s->to[n], sizeof s->to[n], "%s", to);
        s->n++;
    } else
        free(text);
    return smtp_says(f, says);
}

static void smtp_talk(struct smtp *s, FILE *f)
{
    char line[1024], from[1024] = "", to[1024] = "";
    if (!smtp_says(f, "220 fake"))
        return;
    while (fgets(line, sizeof line, f)) {
        line[strcspn(line, "\r\n")] = '\0';
        if (strncasecmp(line, "EHLO", 4) == 0)
            smtp_says(f, "250-fake\r\n250-8BITMIME\r\n250 SMTPUTF8");
        else if (strncasecmp(line, "MAIL FROM:", 10) == 0)
            snprintf(from, sizeof from, "%s", line + 10), smtp_says(f, "250 ok");
        else if (strncasecmp(line, "RCPT TO:", 8) == 0)
            snprintf(to, sizeof to, "%s", line + 8), smtp_says(f, s->rcpt);
        else if (strncasecmp(line, "DATA", 4) == 0)
            smtp_says(f, "354 go on"), smtp_data(s, f, from, to);
        else if (smtp_says(f, "221 bye"), strncasecmp(line, "QUIT", 4) == 0)
            return;
    }
}

static void *smtp_run(void *arg)
{
    struct smtp *s = arg;
    int fd;
    while ((fd = accept(s->fd, NULL, NULL)) >= 0) {
        FILE *f = fdopen(fd, "r+");
        if (s->silent)
            while (fgetc(f) != EOF)
                ;
        else
            smtp_talk(s, f);
        fclose(f);
    }
    return NULL;
}

static void smtp_start(struct smtp *s)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof at;
    *s = (struct smtp){.fd = -1};
    s->rcpt = "250 2.0.0 ok";
    s->data = "250 2.0.0 ok";
    s->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(s->fd, (struct sockaddr *)&at, n) || listen(s->fd, 16) || getsockname(s->fd, (struct sockaddr *)&at, &n))
        abort();
    snprintf(s->host_port, sizeof s->host_port, "127.0.0.1:%d", ntohs(at.sin_port));
    pthread_create(&s->thread, NULL, smtp_run, s);
}

static void smtp_stop(struct smtp *s)
{
    shutdown(s->fd, SHUT_RDWR);
    pthread_join(s->thread, NULL);
    close(s->fd);
    for (size_t i = 0; i < s->n; i++)
        free(s->mail[i]);
}

#endif
