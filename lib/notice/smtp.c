/* Submitting our own mail: which answers of the server mean try again, and which mean never. A faulty or silent server
 * must never hold the caller longer than the time it allows.
 *
 * DIAGNOSTICS: *err has the reply code and the enhanced code (RFC 3463), or what libcurl says; never the text of the reply,
 * for it quotes the address. */
#include "notice/smtp.h"

#include <curl/curl.h>

enum { CONNECT_MAX_S = 5 };

static void curl_cleanup(CURL **c)
{
    curl_easy_cleanup(*c);
}

static void slist_cleanup(struct curl_slist **l)
{
    curl_slist_free_all(*l);
}

struct upload {
    struct fb_str rest;
    bool only_asks;  /* breaks off where the mail would follow */
    char status[32]; /* "550 5.1.1" of the last reply */
};

static size_t give(char *to, size_t size, size_t count, void *arg)
{
    struct upload *u = arg;
    size_t n = size * count < u->rest.n ? size * count : u->rest.n;
    if (u->only_asks)
        return CURL_READFUNC_ABORT;
    memcpy(to, u->rest.p, n);
    u->rest.p += n;
    u->rest.n -= n;
    return n;
}

/* Keeps the digits and dots at the head of each reply line, but for the one to QUIT (221), which says nothing of the mail. */
static size_t take_reply(char *line, size_t size, size_t count, void *arg)
{
    struct upload *u = arg;
    size_t n = 0;
    if (fb_str_istarts((struct fb_str){line, count}, FB_STR("221")))
        return size * count;
    while (n < count && n + 1 < sizeof u->status && (fb_is_digit(line[n]) || line[n] == '.' || line[n] == ' ' || line[n] == '-'))
        u->status[n] = line[n], n++;
    u->status[fb_str_trim((struct fb_str){u->status, n}).n] = '\0';
    return size * count;
}

/* One that could end the command line it is put in would speak SMTP itself. */
static bool address_good(struct fb_str to)
{
    for (size_t i = 0; i < to.n; i++)
        if ((unsigned char)to.p[i] <= ' ' || to.p[i] == 0x7f || to.p[i] == '<' || to.p[i] == '>')
            return false;
    return to.n > 0;
}

static void set_options(CURL *c, const char *url, struct curl_slist *to, int timeout_s, struct upload *u)
{
    curl_easy_setopt(c, CURLOPT_URL, url);
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "smtp");
    curl_easy_setopt(c, CURLOPT_PROXY, ""); /* whatever the environment says */
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, (long)(timeout_s < CONNECT_MAX_S ? timeout_s : CONNECT_MAX_S));
    curl_easy_setopt(c, CURLOPT_TIMEOUT, (long)timeout_s);
    curl_easy_setopt(c, CURLOPT_MAIL_FROM, "");
    curl_easy_setopt(c, CURLOPT_MAIL_RCPT, to);
    curl_easy_setopt(c, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(c, CURLOPT_INFILESIZE_LARGE, u->only_asks ? -1 : (curl_off_t)u->rest.n);
    curl_easy_setopt(c, CURLOPT_READFUNCTION, give);
    curl_easy_setopt(c, CURLOPT_READDATA, u);
    curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, take_reply);
    curl_easy_setopt(c, CURLOPT_HEADERDATA, u);
}

static int outcome(CURLcode rc, const struct upload *u, struct fb_err *err)
{
    if (rc == CURLE_OK || (u->only_asks && rc == CURLE_ABORTED_BY_CALLBACK))
        return 0;
    if (u->status[0] == '4' || u->status[0] == '5')
        fb_fail(err, "the mail server said %s", u->status);
    else
        fb_fail(err, "the mail server: %s", curl_easy_strerror(rc));
    return u->status[0] == '5' ? FB_SMTP_REFUSED : FB_SMTP_LATER;
}

static int perform(const char *host_port, int timeout_s, struct fb_str to, struct upload *u, struct fb_err *err)
{
    if (!address_good(to)) {
        fb_fail(err, "the address cannot be written in an SMTP command");
        return FB_SMTP_REFUSED;
    }
    FB_ARENA arena = fb_arena_new(16384);
    struct fb_str url = arena ? fb_arena_printf(arena, "smtp://%s", host_port) : FB_STR_NONE;
    struct fb_str rcpt = arena ? fb_arena_printf(arena, "<%.*s>", FB_FMT(to)) : FB_STR_NONE;
    __attribute__((cleanup(curl_cleanup))) CURL *c = curl_easy_init();
    if (!arena || !url.p || !rcpt.p || !c)
        return fb_fail_memory(err);
    __attribute__((cleanup(slist_cleanup))) struct curl_slist *list = curl_slist_append(NULL, rcpt.p);
    if (!list)
        return fb_fail_memory(err);
    set_options(c, url.p, list, timeout_s, u);
    return outcome(curl_easy_perform(c), u, err);
}

int fb_smtp_submit(const char *host_port, int timeout_s, struct fb_str to, struct fb_str mail, struct fb_err *err)
{
    return perform(host_port, timeout_s, to, &(struct upload){.rest = mail}, err);
}

int fb_smtp_accepts(const char *host_port, int timeout_s, struct fb_str to, struct fb_err *err)
{
    return perform(host_port, timeout_s, to, &(struct upload){.rest = FB_STR_NONE, .only_asks = true}, err);
}
