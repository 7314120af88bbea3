/* The page: what each request is answered, by a desk that is only a few lines long; then the same over real sockets,
 * with real keys and a keeper that is a thread. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "daemon/daemon.h"
#include "daemon/log.h"
#include "hold/seal.h"
#include "token/token.h"
#include "web/desk.h"
#include "web/server.h"

enum { NOW = 1795860000 /* 2026-11-28 10:00:00 UTC */ };

static const char FACTS[] =
    "{\"v\":2,\"from\":\"ann@example.org\",\"date_s\":1795860000,\"tz_min\":60,\"subject\":\"The <late> report\\nTo: eve@evil.example\",\"message_id\":\"<1@example.org>\","
    "\"to\":[\"Bob <bob@example.org>\",\"team@example.org\",\"No <address>\",\"\\\"a,b\\\"@example.org\",\"zoë+x@example.org\"],\"cc\":[\"Eve <eve@example.org>\"],\"hidden\":2,"
    "\"rules\":[{\"name\":\"public_shaming\",\"title\":\"Criticism in front of others\",\"why\":\"It blames one person.\",\"advice\":\"Write to Bob alone.\","
    "\"evidence\":[{\"signal\":\"phrase_blame\",\"text\":\"You <b>always</b> fail & know it\",\"note\":\"This blames Bob.\"},"
    "{\"signal\":\"onlookers\",\"text\":\"\",\"note\":\"Others read it.\"},{\"signal\":\"phrase_threat\",\"text\":\"know it, or\",\"note\":\"A threat.\"}]},"
    "{\"name\":\"heated\",\"title\":\"Written in anger\",\"why\":\"It is angry.\",\"advice\":\"Sleep on it.\","
    "\"evidence\":[{\"signal\":\"phrase_insult\",\"text\":\"You <b>always</b> fail & know it\",\"note\":\"An insult.\"}]}],"
    "\"change\":{\"kind\":\"reader\",\"text\":\"\",\"reader\":\"eve@example.org\",\"says\":\"Without your manager, Eve <E>, on Cc this would have gone.\"},"
    "\"readers\":[\"Eve\"],\"words\":\"Well.\\nYou <b>always</b> fail & know it, or not.\\nAll of you.\",\"words_cut\":false,"
    "\"people\":{\"person\":{\"name\":\"Bob\",\"address\":\"bob@example.org\"}}}";
static const char FACTS_1[] = /* sealed before an upgrade */
    "{\"v\":1,\"from\":\"ann@example.org\",\"date_s\":1795860000,\"tz_min\":60,\"subject\":\"The <late> report\",\"message_id\":\"<1@example.org>\","
    "\"to\":[],\"cc\":[],\"hidden\":0,\"rules\":[{\"name\":\"heated\",\"title\":\"t\",\"why\":\"w\",\"advice\":\"Sleep on it.\",\"evidence\":[]}],"
    "\"readers\":[],\"words\":\"\",\"words_cut\":false}";

/* A desk that answers as it is told and remembers what it was asked. */
struct fake {
    bool link_bad, keys_gone, keeper_gone, blob_gone, other_key, older, wrong, talked;
    int64_t opens_s;
    const char *language; /* the sender's own */
    enum fb_desk_outcome outcome;
    enum fb_state state;
    unsigned shown, decided;
    enum fb_desk_action action;
    bool key_brought;
    unsigned slow_us;
    atomic_bool asked;
};

static char link_last[FB_LINK_MAX];
static struct fb_str link_token;
static uint8_t page_key[FB_PAGE_KEY];
static struct web_site site;
static struct fb_arena *site_arena;

static int fake_verify(void *arg, struct fb_str token, int64_t now_s, struct fb_arena *arena, struct fb_err *err)
{
    const struct fake *f = arg;
    (void)now_s, (void)arena;
    if (f->keys_gone)
        return fb_fail(err, "no keys");
    return f->link_bad || !fb_str_eq(token, link_token) ? WEB_REFUSED : 0;
}

static int fake_call(void *arg, struct fb_arena *arena, const struct fb_desk_request *req, enum fb_desk_outcome *ret,
                     struct fb_desk_view *ret_view, struct fb_err *err)
{
    struct fake *f = arg;
    uint8_t key[FB_PAGE_KEY];
    if (f->keeper_gone)
        return fb_fail(err, "no keeper");
    atomic_store(&f->asked, true);
    usleep(f->slow_us);
    memcpy(key, page_key, sizeof key);
    key[0] ^= f->other_key;
    *(req->op == FB_DESK_SHOW ? &f->shown : &f->decided) += 1;
    f->action = req->action;
    f->key_brought = req->key.n == sizeof page_key && memcmp(req->key.p, page_key, sizeof page_key) == 0;
    *ret = f->outcome;
    struct fb_str facts = fb_str(f->older ? FACTS_1 : FACTS);
    *ret_view = (struct fb_desk_view){.state = (uint8_t)f->state, .created_s = NOW, .deadline_s = NOW + 900, .changed_s = NOW + 60,
                                      .opens_s = f->opens_s, .wrong = f->wrong, .talked = f->talked, .language = fb_str(f->language),
                                      .sealed = f->blob_gone ? FB_STR_NONE : fb_page_seal(arena, key, facts)};
    return 0;
}

/* One request, told by what differs from a good one. */
struct story {
    const char *told;
    const char *method, *path, *type, *origin, *fetch, *body, *language; /* path NULL: the link. "-": the field is not sent */
    struct fake desk;
    bool too_large;
    unsigned wait_s;
    unsigned status;
    const char *says, *never; /* words of the answer; words that must not be in it */
    unsigned shown, decided;  /* how often the keeper was asked */
};

#define SHOWN .shown = 1, .status = 200
#define HELD .desk = {.state = FB_STATE_held}

static const struct story STORIES[] = {
    {"GET of a held message says until when, in the sender's time", "GET", HELD, SHOWN, .says = "today at 11:15</time></strong> <span class=\"zone\">(UTC+01:00)"},
    {"it says what doing nothing means", "GET", HELD, SHOWN, .says = "If you do nothing, it is delivered"},
    {"it says how much time is left", "GET", HELD, SHOWN, .says = "data-left=\"900\" data-label=\"Time left:\">15 min</strong>"},
    {"the words stand there as they were written, the flagged ones marked, once where they overlap", "GET", HELD, SHOWN,
     .says = "Well.\n<mark><span class=\"unseen\">[marked:] </span>You &lt;b&gt;always&lt;/b&gt; fail &amp; know it, or</mark> not.\nAll of you."},
    {"the first letter is to the one alone, filled in", "GET", HELD, SHOWN,
     .says = "<a href=\"mailto:bob@example.org?subject=Between%20the%20two%20of%20us%3A%20The%20%3Clate%3E%20report%20To%3A%20eve@evil.example&amp;body=Hello%20Bob%2C%0D%0A%0D%0AI"},
    {"the one who was hurt is not known: nobody is filled in", "GET", HELD, SHOWN, .says = "<a href=\"mailto:?subject=The%20%3Clate"},
    {"the group is all whom it was addressed to, as far as they have addresses", "GET", HELD, SHOWN,
     .says = "<a href=\"mailto:bob@example.org,team@example.org,zo%C3%AB%2Bx@example.org,eve@example.org?subject="},
    {"a subject adds no recipient", "GET", HELD, SHOWN, .never = "mailto:eve@evil"},
    {"it names rule, words and note, with markup made harmless", "GET", HELD, SHOWN, .says = "You &lt;b&gt;always&lt;/b&gt; fail &amp; know it", .never = "<b>always"},
    {"words that a rule above quotes are not quoted again", "GET", HELD, SHOWN,
     .says = "<p>It is angry.</p>\n<p class=\"quiet\">Words quoted above count here, too.</p>\n<div class=\"advice\">", .never = "An insult."},
    {"it leads with what would have let it pass", "GET", HELD, SHOWN,
     .says = "not been sent yet</h1>\n<p class=\"change\" dir=\"auto\">Without your manager, Eve &lt;E&gt;, on Cc this would have gone.</p>"},
    {"and says so afterwards", "GET", .desk = {.state = FB_STATE_released}, SHOWN,
     .says = "waited</h2>\n<p class=\"change\" dir=\"auto\">Without your manager"},
    {"a page that an older version sealed still opens", "GET", .desk = {.state = FB_STATE_held, .older = true}, SHOWN, .says = "Sleep on it.",
     .never = "class=\"change\""},
    {"and has a letter, to nobody by name", "GET", .desk = {.state = FB_STATE_held, .older = true}, SHOWN, .says = "<a href=\"mailto:?subject=The%20%3Clate%3E%20report&amp;body=Hello%2C"},
    {"it says what to do instead", "GET", HELD, SHOWN, .says = "Write to Bob alone."},
    {"it says how many readers are not shown", "GET", HELD, SHOWN, .says = "2 more, in Bcc"},
    {"it has both buttons", "GET", HELD, SHOWN, .says = "value=\"release\""},
    {"and the other", "GET", HELD, SHOWN, .says = "value=\"withdraw\""},
    {"letting it wait is a place on the page", "GET", HELD, SHOWN, .says = "<a class=\"choice\" href=\"#waits\">"},
    {"having talked is one click", "GET", HELD, SHOWN, .says = "value=\"talked\""},
    {"and so is that it was wrong", "GET", HELD, SHOWN, .says = "value=\"wrong\""},
    {"what was said to be wrong is thanked for, once", "GET", .desk = {.state = FB_STATE_held, .wrong = true}, SHOWN, .says = "<strong>Thank you.</strong>", .never = "value=\"wrong\""},
    {"it may be said after a decision too, and nothing else", "GET", .desk = {.state = FB_STATE_withdrawn}, SHOWN, .says = "value=\"wrong\"", .never = "value=\"talked\""},
    {"released because they talked", "GET", .desk = {.state = FB_STATE_released, .talked = true}, SHOWN, .says = "You said that you have talked."},
    {"released otherwise", "GET", .desk = {.state = FB_STATE_released}, SHOWN, .never = "that you have talked"},
    {"before it opens it says from when", "GET", .desk = {.state = FB_STATE_held, .opens_s = NOW + 300}, SHOWN,
     .says = "opens <strong><time datetime=\"2026-11-28T11:05:00+01:00\">today at 11:05</time>"},
    {"and cannot be pressed", "GET", .desk = {.state = FB_STATE_held, .opens_s = NOW + 300}, SHOWN,
     .says = "value=\"release\" disabled data-opens=\"300\" aria-describedby=\"opens\""},
    {"from then on it can", "GET", .desk = {.state = FB_STATE_held, .opens_s = NOW}, SHOWN, .says = "value=\"release\">", .never = "disabled"},

    {"German, where the browser asks for it", "GET", HELD, SHOWN, .language = "de-CH, en;q=0.9", .says = "Wenn Sie nichts tun, wird sie <strong><time datetime=\"2026-11-28T11:15:00+01:00\">heute um 11:15 Uhr</time>"},
    {"what the rule says too", "GET", HELD, SHOWN, .language = "de", .says = "<h3>Kritik an einer Person vor anderen</h3>"},
    {"French, where it weighs more", "GET", HELD, SHOWN, .language = "de;q=0.3, tlh, fr;q=0.8,*;q=0.1", .says = "aujourd’hui à 11 h 15"},
    {"letters too", "GET", HELD, SHOWN, .language = "fr", .says = "&amp;body=Bonjour%20Bob%2C"},
    {"the sender's own before the browser's", "GET", .desk = {.state = FB_STATE_held, .language = "fr"}, SHOWN, .language = "de", .says = "<html lang=\"fr\">"},
    {"the sender's own is not there: the browser's", "GET", .desk = {.state = FB_STATE_held, .language = "tlh"}, SHOWN, .language = "de", .says = "<html lang=\"de\">"},
    {"a language with weight 0 is not wanted", "GET", HELD, SHOWN, .language = "de;q=0, fr;q=2, de;q=x", .says = "<html lang=\"en\">"},
    {"no header at all", "GET", HELD, SHOWN, .language = "-", .says = "<html lang=\"en\">"},
    {"commas alone", "GET", HELD, SHOWN, .language = ",;,;q=1,", .says = "<html lang=\"en\">"},
    {"a bad link in German", "GET", .desk = {.link_bad = true}, .status = 404, .language = "de", .says = "Hier ist nichts"},

    {"it never repeats the key", "GET", HELD, SHOWN, .never = "KEY"},
    {"HEAD looks and does no more", "HEAD", HELD, SHOWN},
    {"GET with a body that looks like a decision shows", "GET", HELD, SHOWN, .body = "token=TOKEN&action=release"},
    {"a blob that is gone costs the details alone", "GET", .desk = {.state = FB_STATE_held, .blob_gone = true}, SHOWN, .says = "value=\"release\"", .never = "Bob"},
    {"and is said to be gone", "GET", .desk = {.state = FB_STATE_held, .blob_gone = true}, SHOWN, .says = "details of the message are no longer kept here. What you decide", .never = "first notice"},
    {"afterwards nothing is left to decide", "GET", .desk = {.state = FB_STATE_released, .blob_gone = true}, SHOWN, .says = "no longer kept here.</p>"},
    {"the link of a mail that follows the notice has not the key: the page says where it is", "GET", .desk = {.state = FB_STATE_held, .other_key = true}, SHOWN,
     .says = "Your words are shown from the link in the first notice: only that one carries the key to them. What you decide here counts all the same.", .never = "no longer kept"},
    {"in German", "GET", .desk = {.state = FB_STATE_held, .other_key = true}, SHOWN, .language = "de", .says = "zeigt der Link in der ersten Mail", .never = "Bob"},
    {"in French", "GET", .desk = {.state = FB_STATE_held, .other_key = true}, SHOWN, .language = "fr", .says = "par le lien du premier courriel", .never = "Bob"},
    {"and in the sender's own, whatever the browser asks for", "GET", .desk = {.state = FB_STATE_held, .other_key = true, .language = "fr"}, SHOWN, .language = "de",
     .says = "par le lien du premier courriel"},
    {"pending looks like held", "GET", .desk = {.state = FB_STATE_pending}, SHOWN, .says = "value=\"release\""},
    {"releasing", "GET", .desk = {.state = FB_STATE_releasing}, SHOWN, .says = "is being sent", .never = "value=\"release\""},
    {"released, and when", "GET", .desk = {.state = FB_STATE_released}, SHOWN, .says = "It left <strong><time datetime=\"2026-11-28T11:01:00+01:00\">", .never = "value=\"release\""},
    {"withdrawing", "GET", .desk = {.state = FB_STATE_withdrawing}, SHOWN, .says = "is coming back", .never = "value=\"release\""},
    {"withdrawn", "GET", .desk = {.state = FB_STATE_withdrawn}, SHOWN, .says = "Nobody received it", .never = "value=\"release\""},
    {"gone", "GET", .desk = {.state = FB_STATE_gone}, SHOWN, .says = "no longer waiting here", .never = "value=\"release\""},
    {"passed", "GET", .desk = {.state = FB_STATE_passed}, SHOWN, .says = "It was not held.", .never = "value=\"release\""},
    {"told", "GET", .desk = {.state = FB_STATE_told}, SHOWN, .says = "was delivered", .never = "value=\"release\""},
    {"advised", "GET", .desk = {.state = FB_STATE_advised}, SHOWN, .says = "was delivered", .never = "value=\"release\""},
    {"a state that nobody knows is a fault", "GET", .desk = {.state = FB_STATES}, .shown = 1, .status = 503},

    {"release", "POST", HELD, .status = 303, .decided = FB_DESK_RELEASE, .body = "token=TOKEN&action=release"},
    {"withdraw, fields the other way round", "POST", HELD, .status = 303, .decided = FB_DESK_WITHDRAW, .body = "action=withdraw&token=TOKEN"},
    {"a charset on the content type", "POST", HELD, .status = 303, .decided = FB_DESK_RELEASE, .type = "Application/X-WWW-Form-Urlencoded; charset=UTF-8"},
    {"neither Origin nor Sec-Fetch-Site: an old browser", "POST", HELD, .status = 303, .decided = FB_DESK_RELEASE, .origin = "-", .fetch = "-"},
    {"Origin null, as no-referrer makes it", "POST", HELD, .status = 303, .decided = FB_DESK_RELEASE, .origin = "null"},
    {"decided before: the page will say what happened", "POST", .desk = {.state = FB_STATE_released, .outcome = FB_DESK_CLOSED}, .status = 303, .decided = FB_DESK_RELEASE},
    {"talked", "POST", HELD, .status = 303, .decided = FB_DESK_TALKED, .body = "token=TOKEN&action=talked"},
    {"wrong", "POST", HELD, .status = 303, .decided = FB_DESK_WRONG, .body = "token=TOKEN&action=wrong"},
    {"wrong, said again", "POST", .desk = {.state = FB_STATE_released, .outcome = FB_DESK_CLOSED}, .status = 303, .decided = FB_DESK_WRONG, .body = "token=TOKEN&action=wrong"},
    {"too early: the page will say from when", "POST", .desk = {.state = FB_STATE_held, .outcome = FB_DESK_EARLY}, .status = 303, .decided = FB_DESK_RELEASE},
    {"a foreign origin", "POST", HELD, .status = 400, .origin = "https://evil.example"},
    {"our host by http", "POST", HELD, .status = 400, .origin = "http://forbear.example.org"},
    {"our origin with more behind it", "POST", HELD, .status = 400, .origin = "https://forbear.example.org.evil.example"},
    {"another site says the browser", "POST", HELD, .status = 400, .fetch = "cross-site", .origin = "null"},
    {"a neighbour says the browser", "POST", HELD, .status = 400, .fetch = "same-site"},
    {"another token in the form", "POST", HELD, .status = 400, .body = "token=v4.public.other&action=release"},
    {"no token in the form", "POST", HELD, .status = 400, .body = "action=release"},
    {"no action", "POST", HELD, .status = 400, .body = "token=TOKEN"},
    {"an action that is none", "POST", HELD, .status = 400, .body = "token=TOKEN&action=delete"},
    {"two actions", "POST", HELD, .status = 400, .body = "token=TOKEN&action=release&action=withdraw"},
    {"a field more", "POST", HELD, .status = 400, .body = "token=TOKEN&action=release&x=1"},
    {"an empty body", "POST", HELD, .status = 400, .body = ""},
    {"a broken escape", "POST", HELD, .status = 400, .body = "token=TOKEN&action=releas%6"},
    {"an escape that is right", "POST", HELD, .status = 303, .decided = FB_DESK_RELEASE, .body = "token=TOKEN&action=%72eleas%65"},
    {"JSON", "POST", HELD, .status = 415, .type = "application/json"},
    {"a form that scripts can send to anywhere", "POST", HELD, .status = 415, .type = "text/plain"},
    {"no content type", "POST", HELD, .status = 415, .type = "-"},
    {"a body too large", "POST", HELD, .status = 413, .too_large = true},

    {"a bad link", "GET", .desk = {.link_bad = true}, .status = 404, .says = "There is nothing here"},
    {"a bad link that decides", "POST", .desk = {.link_bad = true}, .status = 404, .says = "There is nothing here"},
    {"a link that the keeper refuses", "GET", .desk = {.outcome = FB_DESK_REFUSED}, .shown = 1, .status = 404, .says = "There is nothing here"},
    {"a decision that the keeper refuses", "POST", .desk = {.outcome = FB_DESK_REFUSED}, .decided = FB_DESK_RELEASE, .status = 404},
    {"a link without its key", "GET", "/h/v4.public.abc", HELD, .status = 404, .says = "There is nothing here"},
    {"nothing behind /h/", "GET", "/h/", HELD, .status = 404},
    {"the root", "GET", "/", HELD, .status = 404, .says = "There is nothing here"},
    {"a file", "GET", "/../../etc/passwd", HELD, .status = 404},
    {"an empty path", "GET", "", HELD, .status = 404},
    {"the style", "GET", "/style.css", .status = 200, .says = "font"},
    {"the style below a prefix that the proxy left", "GET", "/mail/style.css", .status = 200, .says = "font"},
    {"robots stay away", "GET", "/robots.txt", .status = 200, .says = "Disallow: /"},
    {"PUT of a link", "PUT", HELD, .status = 405},
    {"DELETE of a link", "DELETE", HELD, .status = 405},
    {"the script", "GET", "/page.js", .status = 200, .says = "prefers-reduced-motion"},
    {"POST of the script", "POST", "/page.js", .status = 405},
    {"POST of the style", "POST", "/style.css", .status = 405},
    {"no keeper: the message is safe, says the page", "GET", .desk = {.keeper_gone = true}, .status = 503, .says = "is delivered when its time is up"},
    {"no keeper to decide", "POST", .desk = {.keeper_gone = true}, .status = 503, .says = "A message that is waiting is safe"},
    {"a busy keeper", "GET", .desk = {.outcome = FB_DESK_BUSY}, .shown = 1, .status = 503},
    {"asked too often: in a minute again", "GET", HELD, .wait_s = 20, .status = 429, .says = "Please try again in a minute.", .never = "There is nothing here"},
    {"and the message is safe", "GET", HELD, .wait_s = 20, .status = 429, .says = "it is delivered when its time is up"},
    {"in German", "GET", HELD, .wait_s = 20, .status = 429, .language = "de", .says = "Bitte versuchen Sie es in einer Minute noch einmal."},
    {"in French", "GET", HELD, .wait_s = 20, .status = 429, .language = "fr", .says = "Réessayez dans une minute"},
    {"a decision too many is none", "POST", HELD, .wait_s = 1, .status = 429},
    {"no keys: that is our fault and not the visitor's", "GET", .desk = {.keys_gone = true}, .status = 503},
};

/* @text with TOKEN made real. */
static struct fb_str real(struct fb_arena *a, const char *text)
{
    const char *at = strstr(text, "TOKEN");
    return at ? fb_arena_printf(a, "%.*s%.*s%s", (int)(at - text), text, FB_FMT(link_token), at + 5) : fb_str(text);
}

static struct fb_str field(const char *told, const char *usual)
{
    return !told ? fb_str(usual) : strcmp(told, "-") ? fb_str(told) : (struct fb_str){NULL, 0};
}

static void tell(const struct story *s, struct fake *f, struct fb_arena *a, struct web_answer *ret)
{
    struct web_desk desk = {fake_verify, fake_call, f};
    struct fb_str path = s->path ? fb_str(s->path) : fb_arena_printf(a, "/h/%s", link_last);
    struct web_request req = {
        .method = fb_str(s->method), .path = path, .content_type = field(s->type, "application/x-www-form-urlencoded"),
        .origin = field(s->origin, "https://forbear.example.org"), .fetch_site = field(s->fetch, "same-origin"),
        .accept_language = field(s->language, "en-GB,en;q=0.5"),
        .body = real(a, s->body ? s->body : "token=TOKEN&action=release"), .body_too_large = s->too_large, .wait_s = s->wait_s, .now_s = NOW,
    };
    web_answer(&site, &desk, &req, a, ret);
}

static void check(const struct story *s, const struct fake *f, const struct web_answer *got)
{
    const char *body = got->body.p;
    if (got->status != s->status)
        fail_msg("%s: status %u, not %u", s->told, got->status, s->status);
    if (f->shown != s->shown || f->decided != (s->decided ? 1 : 0) || (s->decided && f->action != s->decided))
        fail_msg("%s: the keeper was asked %u times to show and %u times to decide %d", s->told, f->shown, f->decided, f->action);
    if (f->key_brought != (s->decided == FB_DESK_WITHDRAW))
        fail_msg("%s: the key was brought, or not", s->told);
    if (s->says && !strstr(body, s->says))
        fail_msg("%s: it does not say \"%s\":\n%s", s->told, s->says, body);
    const char *never = s->never && !strcmp(s->never, "KEY") ? strrchr(link_last, '.') + 1 : s->never;
    if (never && strstr(body, never))
        fail_msg("%s: it says \"%s\"", s->told, never);
    if ((got->status == 503 ? 30 : s->wait_s) != got->retry_after_s || (got->status == 405) != (got->allow != NULL))
        fail_msg("%s: Retry-After or Allow is missing, or one too many", s->told);
    if (strstr(got->fault.text, link_token.p))
        fail_msg("%s: the fault holds the token", s->told);
}

static void each_story(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof STORIES / sizeof *STORIES; i++) {
        FB_ARENA a = fb_arena_new(4 << 20);
        struct fake f = STORIES[i].desk;
        struct web_answer got;
        tell(&STORIES[i], &f, a, &got);
        check(&STORIES[i], &f, &got);
    }
}

static void a_decision_leads_back_to_the_same_page(void **state)
{
    (void)state;
    FB_ARENA a = fb_arena_new(4 << 20);
    struct fake f = {.state = FB_STATE_held};
    struct web_answer got;
    tell(&(struct story){.method = "POST"}, &f, a, &got);
    assert_string_equal(got.location.p, fb_arena_printf(a, "/mail/h/%s", link_last).p);
}

/* Whoever makes up an offset reads the page by a clock of their own. */
static void a_link_without_the_key_tells_the_time_by_the_senders_clock(void **state)
{
    (void)state;
    static const struct {
        int tz_min;
        const char *says;
    } cases[] = {{-210, "today at 06:45</time></strong> <span class=\"zone\">(UTC-03:30)"}, {0, "10:15</time></strong> <span class=\"zone\">(UTC)"}, {-32768, "(UTC)"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        FB_ARENA a = fb_arena_new(4 << 20);
        struct fb_err err;
        struct fb_str link;
        uint8_t key[FB_PAGE_KEY];
        fb_link_keyless(cases[i].tz_min, key);
        assert_int_equal(fb_link_make("", link_token, key, a, &link, &err), 0);
        struct story s = {"", "GET", link.p, HELD, SHOWN, .says = cases[i].says, .never = "Bob"};
        struct fake f = s.desk;
        struct web_answer got;
        tell(&s, &f, a, &got);
        check(&s, &f, &got);
    }
}

static void a_hundred_looks_decide_nothing(void **state)
{
    (void)state;
    struct fake f = {.state = FB_STATE_held};
    for (int i = 0; i < 100; i++) {
        FB_ARENA a = fb_arena_new(4 << 20);
        struct web_answer got;
        tell(&(struct story){.method = i % 2 ? "GET" : "HEAD"}, &f, a, &got);
        assert_int_equal(got.status, 200);
    }
    assert_int_equal(f.decided, 0);
}

/* Whoever tries learns nothing from what comes back. */
static void all_read_the_same(const struct story *v, size_t n, unsigned status)
{
    FB_ARENA a = fb_arena_new(16 << 20);
    struct web_answer first = {0};
    for (size_t i = 0; i < n; i++) {
        struct fake f = v[i].desk;
        struct web_answer got;
        tell(&v[i], &f, a, &got);
        assert_int_equal(got.status, status);
        if (i == 0)
            first = got;
        assert_true(fb_str_eq(got.body, first.body));
        assert_string_equal(got.content_type, first.content_type);
    }
}

/* Forged, foreign, unknown and refused. */
static void every_refusal_reads_the_same(void **state)
{
    (void)state;
    const struct story refused[] = {
        {.method = "GET", .desk = {.link_bad = true}},
        {.method = "POST", .desk = {.link_bad = true}, .body = "x"},
        {.method = "GET", .desk = {.outcome = FB_DESK_REFUSED}},
        {.method = "POST", .desk = {.outcome = FB_DESK_REFUSED}},
        {.method = "GET", .path = "/"},
        {.method = "GET", .path = "/h/x.y"},
    };
    all_read_the_same(refused, sizeof refused / sizeof *refused, 404);
}

static void asked_too_often_a_good_link_and_a_bad_one_read_the_same(void **state)
{
    (void)state;
    const struct story many[] = {
        {.method = "GET", .wait_s = 9, HELD},
        {.method = "POST", .wait_s = 9, HELD},
        {.method = "GET", .wait_s = 9, .desk = {.link_bad = true}},
        {.method = "GET", .wait_s = 9, .path = "/style.css"},
    };
    all_read_the_same(many, sizeof many / sizeof *many, 429);
}

/* Whichever allocation fails: an answer, never a crash, never a decision that the visitor is not told of as such. */
static void memory_that_runs_out_is_an_answer(void **state)
{
    (void)state;
    for (unsigned long nth = 1; nth < 200; nth++) {
        FB_ARENA a = fb_arena_new(4 << 20);
        struct fake f = {.state = FB_STATE_held};
        struct web_answer got;
        struct fb_str path = fb_arena_printf(a, "/h/%s", link_last);
        struct web_desk desk = {fake_verify, fake_call, &f};
        fb_arena_fail_at(nth);
        web_answer(&site, &desk, &(struct web_request){.method = FB_STR("GET"), .path = path, .now_s = NOW}, a, &got);
        fb_arena_fail_at(0);
        assert_true(got.status == 200 || got.status == 503 || got.status == 404);
        assert_non_null(got.body.p);
    }
}

static void every_language_says_everything_itself(void **state)
{
    (void)state;
    assert_int_equal(site.wordings.n, 3);
    assert_string_equal(site.wordings.warnings.p, "");
}

static void memory_that_runs_out_at_load_is_a_failure(void **state)
{
    (void)state;
    int rc = -1;
    for (unsigned long nth = 1; rc; nth++) {
        FB_ARENA a = fb_arena_new(4 << 20);
        struct web_site got;
        struct fb_err err = {""};
        fb_arena_fail_at(nth);
        rc = web_site_open("https://forbear.example.org", false, CONF_DIR, "de", a, &got, &err);
        bool used_up = nth > 50;
        fb_arena_fail_at(0);
        if (rc)
            assert_string_not_equal(err.text, "");
        else
            assert_true(used_up);
    }
}

static void base_urls(void **state)
{
    (void)state;
    const struct {
        const char *url, *origin, *prefix;
    } good[] = {
        {"https://forbear.example.org", "https://forbear.example.org", ""},
        {"https://forbear.example.org:443/mail", "https://forbear.example.org", "/mail"},
        {"http://127.0.0.1:8480", "http://127.0.0.1:8480", ""},
        {"http://host:80", "http://host", ""},
        {"http://[::1]:8480/a/b", "http://[::1]:8480", "/a/b"},
    };
    const char *bad[] = {"", "ftp://host", "https://", "https:///path", "https://host/", "host"};
    FB_ARENA a = fb_arena_new(4 << 20);
    struct web_site got;
    struct fb_err err;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_int_equal(web_site_open(good[i].url, false, CONF_DIR, "en", a, &got, &err), 0);
        assert_true(fb_str_eq(got.origin, fb_str(good[i].origin)) && fb_str_eq(got.prefix, fb_str(good[i].prefix)));
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(web_site_open(bad[i], false, CONF_DIR, "en", a, &got, &err), -1);
}

/* ---- over real sockets ---- */

struct world {
    char dir[64], socket[96];
    struct fb_conf *conf;
    struct web_desk desk;
    struct web_server *server;
    int keeper_fd, port;
    pthread_t keeper;
    struct fake fake;
};

static void *keeper_main(void *arg)
{
    struct world *w = arg;
    for (int fd; (fd = accept(w->keeper_fd, NULL, NULL)) >= 0; close(fd)) {
        FB_ARENA a = fb_arena_new(4 << 20);
        struct fb_str frame;
        struct fb_desk_request req;
        enum fb_desk_outcome outcome;
        struct fb_desk_view view;
        if (fb_frame_recv(fd, a, &frame, NULL) || fb_desk_request_decode(frame, &req, NULL) ||
            fake_call(&w->fake, a, &req, &outcome, &view, NULL))
            continue;
        fb_frame_send(fd, fb_desk_reply_encode(a, outcome, &view), NULL);
    }
    return NULL;
}

static int port_of(int fd)
{
    struct sockaddr_in in;
    socklen_t n = sizeof in;
    assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &n), 0);
    return ntohs(in.sin_port);
}

static struct fb_str sign_link(struct world *w, struct fb_arena *a, const char *node, int64_t exp_s)
{
    struct fb_signer *signer;
    struct fb_err err;
    struct fb_str token, link;
    char keys[96];
    snprintf(keys, sizeof keys, "%s/keys", w->dir);
    assert_int_equal(fb_signer_open(keys, &signer, &err), 0);
    struct fb_token t = {.node = fb_str(node), .exp_s = exp_s, .use = FB_TOKEN_DECIDE};
    assert_int_equal(fb_token_sign(signer, &t, a, &token, &err), 0);
    assert_int_equal(fb_link_make("http://127.0.0.1", token, page_key, a, &link, &err), 0);
    fb_signer_close(signer);
    return link;
}

/* @more: lines of [web]. */
static void world_open_with(struct world *w, unsigned timeout_s, const char *more)
{
    struct fb_err err = {""};
    int fd;
    *w = (struct world){.dir = "/tmp/test-web-XXXXXX", .fake = {.state = FB_STATE_held}};
    assert_non_null(mkdtemp(w->dir));
    FB_ARENA a = fb_arena_new(1 << 20);
    struct fb_str keys = fb_arena_printf(a, "%s/keys", w->dir), conf = fb_arena_printf(a, "%s/forbear.conf", w->dir);
    assert_int_equal(mkdir(keys.p, 0700), 0);
    assert_int_equal(fb_keys_generate(keys.p, false, &err), 0);
    struct fb_str text = fb_arena_printf(a, "[forbear]\nnode = here\nkeys_dir = %s\n[keeper]\nsocket = %s/keeper.sock\n"
                                         "[web]\nconnections = 100\ntimeout = %us\n%s", keys.p, w->dir, timeout_s, more);
    assert_int_equal(fb_io_write_file(w->dir, "forbear.conf", text, 0600, &err), 0);
    assert_int_equal(fb_conf_load(conf.p, &w->conf, &err), 0);
    assert_int_equal(fb_unix_listen(w->conf->keeper_socket, 0600, NULL, &w->keeper_fd, &err), 0);
    assert_int_equal(pthread_create(&w->keeper, NULL, keeper_main, w), 0);
    assert_int_equal(web_desk_open(w->conf, &w->desk, &err), 0);
    assert_int_equal(fb_tcp_listen("127.0.0.1:0", &fd, &err), 0);
    w->port = port_of(fd);
    assert_int_equal(web_server_open(fd, w->conf, NULL, &site, &w->desk, &w->server, &err), 0);
}

static void world_open(struct world *w, unsigned timeout_s)
{
    world_open_with(w, timeout_s, "");
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st, (void)type, (void)at;
    return remove(path);
}

static void world_close(struct world *w)
{
    web_server_close(w->server);
    shutdown(w->keeper_fd, SHUT_RDWR);
    pthread_join(w->keeper, NULL);
    close(w->keeper_fd);
    fb_conf_free(w->conf);
    nftw(w->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static int visit(const struct world *w, struct fb_str request)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)w->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    assert_true(send(fd, request.p, request.n, MSG_NOSIGNAL) == (ssize_t)request.n);
    return fd;
}

static struct fb_str read_all(int fd, struct fb_arena *a)
{
    char buf[4096];
    struct fb_buf all = FB_BUF(a);
    for (ssize_t n; (n = read(fd, buf, sizeof buf)) > 0;)
        fb_buf_add(&all, (struct fb_str){buf, (size_t)n});
    return fb_buf_str(&all);
}

/* Sends @request as it is and reads all that comes, up to the end of the connection. */
static struct fb_str exchange(const struct world *w, struct fb_arena *a, struct fb_str request)
{
    FB_FD fd = visit(w, request);
    return read_all(fd, a);
}

static unsigned status_of(struct fb_str reply)
{
    unsigned status = 0;
    return reply.n && sscanf(reply.p, "HTTP/1.1 %u", &status) == 1 ? status : 0;
}

static struct fb_str get(const struct world *w, struct fb_arena *a, struct fb_str path)
{
    return exchange(w, a, fb_arena_printf(a, "GET %.*s HTTP/1.1\r\nHost: x\r\n\r\n", FB_FMT(path)));
}

static struct fb_str path_of(struct fb_str link)
{
    return (struct fb_str){link.p + strlen("http://127.0.0.1"), link.n - strlen("http://127.0.0.1")};
}

static struct fb_str post(const struct world *w, struct fb_arena *a, struct fb_str path, const char *more, const char *action)
{
    struct fb_str token;
    uint8_t key[FB_PAGE_KEY];
    assert_true(fb_link_parse((struct fb_str){path.p + 3, path.n - 3}, &token, key));
    struct fb_str body = fb_arena_printf(a, "token=%.*s&action=%s", FB_FMT(token), action);
    return exchange(w, a, fb_arena_printf(a, "POST %.*s HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n%sContent-Length: %zu\r\n\r\n%.*s",
                                          FB_FMT(path), more, body.n, FB_FMT(body)));
}

static void has_every_field(struct fb_arena *a, struct fb_str reply)
{
    for (const struct web_header *h = WEB_HEADERS; h->name; h++)
        if (!strstr(reply.p, fb_arena_printf(a, "\r\n%s: %s\r\n", h->name, h->value).p))
            fail_msg("no %s in:\n%s", h->name, reply.p);
    assert_non_null(strstr(reply.p, "\r\nStrict-Transport-Security: "));
    assert_non_null(strstr(reply.p, "\r\nContent-Type: "));
    assert_non_null(strstr(reply.p, "\r\nConnection: close\r\n"));
}

static void a_link_with_real_keys_shows_and_decides(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, 10);
    FB_ARENA a = fb_arena_new(4 << 20);
    struct fb_str path = path_of(sign_link(&w, a, "here", fb_now_s() + 3600)), reply = get(&w, a, path);
    assert_int_equal(status_of(reply), 200);
    assert_non_null(strstr(reply.p, "always"));
    assert_int_equal(w.fake.decided, 0);
    reply = post(&w, a, path, "Origin: https://forbear.example.org\r\nSec-Fetch-Site: same-origin\r\n", "withdraw");
    assert_int_equal(status_of(reply), 303);
    assert_non_null(strstr(reply.p, fb_arena_printf(a, "\r\nLocation: /mail%.*s\r\n", FB_FMT(path)).p));
    assert_int_equal(w.fake.decided, 1);
    assert_int_equal(w.fake.action, FB_DESK_WITHDRAW);
    world_close(&w);
}

static void links_of_others_are_refused(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, 10);
    FB_ARENA a = fb_arena_new(4 << 20);
    struct fb_str good = path_of(sign_link(&w, a, "here", fb_now_s() + 3600));
    struct fb_str altered = fb_arena_dup(a, good), escaped = fb_arena_printf(a, "/h/%%76%.*s", (int)good.n - 4, good.p + 4);
    ((char *)altered.p)[30] ^= 1;
    assert_int_equal(status_of(get(&w, a, good)), 200);
    assert_int_equal(status_of(get(&w, a, altered)), 404);
    assert_int_equal(status_of(get(&w, a, escaped)), 404);
    assert_int_equal(status_of(get(&w, a, path_of(sign_link(&w, a, "elsewhere", fb_now_s() + 3600)))), 404);
    assert_int_equal(status_of(get(&w, a, path_of(sign_link(&w, a, "here", fb_now_s() - 1)))), 404);
    assert_int_equal(w.fake.shown, 1);
    world_close(&w);
}

static void a_link_of_a_new_key_needs_no_restart(void **state)
{
    (void)state;
    struct world w;
    struct fb_err err;
    world_open(&w, 10);
    FB_ARENA a = fb_arena_new(4 << 20);
    struct fb_str old = path_of(sign_link(&w, a, "here", fb_now_s() + 3600));
    assert_int_equal(fb_keys_generate(w.conf->forbear_keys_dir, true, &err), 0);
    assert_int_equal(status_of(get(&w, a, path_of(sign_link(&w, a, "here", fb_now_s() + 3600)))), 200);
    assert_int_equal(status_of(get(&w, a, old)), 200);
    world_close(&w);
}

static void bodies_that_are_too_large_are_not_read(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, 10);
    FB_ARENA a = fb_arena_new(4 << 20);
    struct fb_str path = path_of(sign_link(&w, a, "here", fb_now_s() + 3600));
    const char *type = "Content-Type: application/x-www-form-urlencoded\r\n";
    struct fb_str declared = fb_arena_printf(a, "POST %.*s HTTP/1.1\r\nHost: x\r\n%sContent-Length: 1000000000\r\n\r\n", FB_FMT(path), type);
    assert_int_equal(status_of(exchange(&w, a, declared)), 413);
    struct fb_str chunked = fb_arena_printf(a, "POST %.*s HTTP/1.1\r\nHost: x\r\n%sTransfer-Encoding: chunked\r\n\r\n900\r\n%02304d\r\n0\r\n\r\n", FB_FMT(path), type, 0);
    assert_int_equal(status_of(exchange(&w, a, chunked)), 413);
    assert_int_equal(w.fake.decided, 0);
    world_close(&w);
}

static void every_answer_has_every_field(void **state)
{
    (void)state;
    struct world w;
    world_open_with(&w, 10, "rate_hold = 7\n");
    FB_ARENA a = fb_arena_new(4 << 20);
    struct fb_str path = path_of(sign_link(&w, a, "here", fb_now_s() + 3600));
    const struct {
        const char *method, *path, *fields;
        unsigned status;
    } asked[] = {
        {"GET", path.p, "", 200},
        {"GET", "/style.css", "", 200},
        {"GET", "/page.js", "", 200},
        {"HEAD", "/robots.txt", "", 200},
        {"GET", "/", "", 404},
        {"PUT", path.p, "", 405},
        {"POST", "/style.css", "", 405},
        {"POST", path.p, "", 415},
        {"POST", path.p, "Content-Type: application/x-www-form-urlencoded\r\n", 400},
        {"POST", path.p, "Content-Length: 1000000\r\n", 413},
        {"POST", NULL, "", 303},
        {"GET", path.p, "", 503},
        {"GET", path.p, "", 429},
    };
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
        if (asked[i].status == 503)
            assert_int_equal(unlink(w.conf->keeper_socket), 0);
        struct fb_str reply = asked[i].path ? exchange(&w, a, fb_arena_printf(a, "%s %s HTTP/1.1\r\nHost: x\r\n%s\r\n", asked[i].method, asked[i].path, asked[i].fields))
                                            : post(&w, a, path, "", "release");
        assert_int_equal(status_of(reply), asked[i].status);
        has_every_field(a, reply);
    }
    world_close(&w);
}

static void a_keeper_that_is_away_is_a_503(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, 10);
    FB_ARENA a = fb_arena_new(4 << 20);
    assert_int_equal(unlink(w.conf->keeper_socket), 0);
    struct fb_str reply = get(&w, a, path_of(sign_link(&w, a, "here", fb_now_s() + 3600)));
    assert_int_equal(status_of(reply), 503);
    assert_non_null(strstr(reply.p, "\r\nRetry-After: 30\r\n"));
    world_close(&w);
}

static void a_visitor_who_dawdles_is_cut_off(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, 1);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)w.port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    FB_FD fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    int tries = 0;
    do { /* always a byte more, so that it never idles */
        send(fd, "G", 1, MSG_NOSIGNAL);
        web_server_reap(w.server);
    } while (poll(&wait, 1, 100) == 0 && ++tries < 50);
    assert_in_range(tries, 5, 30);
    world_close(&w);
}

static void who_asks_too_often_is_told_when(void **state)
{
    (void)state;
    struct world w;
    world_open_with(&w, 10, "rate_address = 3\nproxies =\n");
    FB_ARENA a = fb_arena_new(4 << 20);
    for (int i = 0; i < 3; i++)
        assert_int_equal(status_of(get(&w, a, FB_STR("/robots.txt"))), 200);
    struct fb_str reply = get(&w, a, FB_STR("/robots.txt"));
    assert_int_equal(status_of(reply), 429);
    assert_non_null(strstr(reply.p, "\r\nRetry-After: 20\r\n"));
    world_close(&w);
}

static struct fb_str get_for(const struct world *w, struct fb_arena *a, const char *path, const char *forwarded)
{
    return exchange(w, a, fb_arena_printf(a, "GET %s HTTP/1.1\r\nHost: x\r\n%s\r\n", path, forwarded));
}

/* What a visitor writes into X-Forwarded-For comes before what the proxy adds, in a field of its own or in the same. */
static void a_proxy_tells_whose_request_it_is(void **state)
{
    (void)state;
    struct world w;
    world_open_with(&w, 10, "rate_address = 1\nproxies = 127.0.0.1\n");
    FB_ARENA a = fb_arena_new(4 << 20);
    const char *ann[] = {"X-Forwarded-For: 192.0.2.1\r\n", "X-Forwarded-For: 198.51.100.9, 192.0.2.1\r\n",
                         "x-forwarded-for: 198.51.100.8\r\nX-Forwarded-For: 192.0.2.1\r\n"};
    for (size_t i = 0; i < sizeof ann / sizeof *ann; i++)
        assert_int_equal(status_of(get_for(&w, a, "/robots.txt", ann[i])), i ? 429 : 200);
    assert_int_equal(status_of(get_for(&w, a, "/robots.txt", "X-Forwarded-For: 192.0.2.2\r\n")), 200);
    for (int i = 0; i < 3; i++) /* whoever it is, it is not the proxy */
        assert_int_equal(status_of(get_for(&w, a, "/robots.txt", "")), 200);
    world_close(&w);
}

static void a_link_that_is_loaded_too_often_waits_alone(void **state)
{
    (void)state;
    struct world w;
    world_open_with(&w, 10, "rate_hold = 2\n");
    FB_ARENA a = fb_arena_new(4 << 20);
    struct fb_str one = path_of(sign_link(&w, a, "here", fb_now_s() + 3600)), two = path_of(sign_link(&w, a, "here", fb_now_s() + 3601));
    struct fb_str other_key = fb_arena_dup(a, one);
    ((char *)other_key.p)[one.n - 3] = one.p[one.n - 3] == 'A' ? 'B' : 'A';
    assert_int_equal(status_of(get(&w, a, one)), 200);
    assert_int_equal(status_of(get(&w, a, other_key)), 200);
    assert_int_equal(status_of(get(&w, a, one)), 429);
    assert_int_equal(status_of(post(&w, a, one, "", "release")), 429);
    assert_int_equal(w.fake.decided, 0);
    assert_int_equal(status_of(get(&w, a, two)), 200);
    world_close(&w);
}

enum { CROWD = 300 };

static void crowd(const struct world *w, int ret[CROWD])
{
    for (int i = 0; i < CROWD; i++)
        ret[i] = visit(w, FB_STR_NONE);
}

/* Three times as many as there may be, all idle, and one who wants something. */
static void a_crowd_of_idlers_keeps_nobody_out(void **state)
{
    (void)state;
    struct world w;
    int idle[CROWD];
    world_open(&w, 60);
    FB_ARENA a = fb_arena_new(4 << 20);
    crowd(&w, idle);
    int64_t from_ms = fb_clock_ms();
    assert_int_equal(status_of(get(&w, a, path_of(sign_link(&w, a, "here", fb_now_s() + 3600)))), 200);
    assert_in_range(fb_clock_ms() - from_ms, 0, 5000);
    struct pollfd first = {.fd = idle[0], .events = POLLIN}, last = {.fd = idle[CROWD - 1], .events = POLLIN};
    assert_int_equal(poll(&first, 1, 5000), 1);
    assert_int_equal(poll(&last, 1, 0), 0);
    for (int i = 0; i < CROWD; i++)
        close(idle[i]);
    world_close(&w);
}

static void who_waits_for_the_keeper_is_not_crowded_out(void **state)
{
    (void)state;
    struct world w;
    int idle[CROWD];
    world_open(&w, 60);
    w.fake.slow_us = 1000000;
    FB_ARENA a = fb_arena_new(4 << 20);
    struct fb_str path = path_of(sign_link(&w, a, "here", fb_now_s() + 3600));
    FB_FD first = visit(&w, fb_arena_printf(a, "GET %.*s HTTP/1.1\r\nHost: x\r\n\r\n", FB_FMT(path)));
    while (!atomic_load(&w.fake.asked))
        usleep(1000);
    crowd(&w, idle);
    assert_int_equal(status_of(read_all(first, a)), 200);
    for (int i = 0; i < CROWD; i++)
        close(idle[i]);
    world_close(&w);
}

/* The service manager keeps its end of the listening socket: visitors wait there until the page is up again. */
static void a_stop_leaves_the_handed_socket_listening(void **state)
{
    (void)state;
    struct fake f = {.state = FB_STATE_held};
    struct web_desk desk = {fake_verify, fake_call, &f};
    struct web_server *server;
    struct fb_conf *conf;
    struct fb_err err;
    int handed;
    assert_int_equal(fb_conf_load(NULL, &conf, &err), 0);
    assert_int_equal(fb_tcp_listen("127.0.0.1:0", &handed, &err), 0);
    FB_FD managers = dup(handed);
    assert_true(managers >= 0);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port_of(handed)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(web_server_open(handed, conf, NULL, &site, &desk, &server, &err), 0);
    web_server_close(server);
    fb_conf_free(conf);
    assert_int_equal(fcntl(handed, F_GETFD), -1);
    FB_FD visitor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(visitor, (struct sockaddr *)&to, sizeof to), 0);
}

static int suite_open(void **state)
{
    struct fb_err err = {""};
    struct fb_str link;
    (void)state;
    fb_log_init("test", FB_LOG_ERROR);
    site_arena = fb_arena_new(4 << 20);
    if (fb_crypto_init(&err) || web_site_open("https://forbear.example.org/mail", false, CONF_DIR, "en", site_arena, &site, &err))
        return -1;
    fb_page_key_new(page_key);
    link_token = FB_STR("v4.public.dGhpcyBpcyBhIHRva2Vu.Zm9vdGVy");
    if (fb_link_make("", link_token, page_key, site_arena, &link, &err))
        return -1;
    snprintf(link_last, sizeof link_last, "%s", link.p + 3);
    return 0;
}

static int suite_close(void **state)
{
    (void)state;
    fb_arena_free(site_arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_story),
        cmocka_unit_test(a_decision_leads_back_to_the_same_page),
        cmocka_unit_test(a_link_without_the_key_tells_the_time_by_the_senders_clock),
        cmocka_unit_test(a_hundred_looks_decide_nothing),
        cmocka_unit_test(every_refusal_reads_the_same),
        cmocka_unit_test(asked_too_often_a_good_link_and_a_bad_one_read_the_same),
        cmocka_unit_test(every_language_says_everything_itself),
        cmocka_unit_test(memory_that_runs_out_is_an_answer),
        cmocka_unit_test(memory_that_runs_out_at_load_is_a_failure),
        cmocka_unit_test(base_urls),
        cmocka_unit_test(a_link_with_real_keys_shows_and_decides),
        cmocka_unit_test(links_of_others_are_refused),
        cmocka_unit_test(a_link_of_a_new_key_needs_no_restart),
        cmocka_unit_test(bodies_that_are_too_large_are_not_read),
        cmocka_unit_test(every_answer_has_every_field),
        cmocka_unit_test(a_keeper_that_is_away_is_a_503),
        cmocka_unit_test(a_visitor_who_dawdles_is_cut_off),
        cmocka_unit_test(who_asks_too_often_is_told_when),
        cmocka_unit_test(a_proxy_tells_whose_request_it_is),
        cmocka_unit_test(a_link_that_is_loaded_too_often_waits_alone),
        cmocka_unit_test(a_crowd_of_idlers_keeps_nobody_out),
        cmocka_unit_test(who_waits_for_the_keeper_is_not_crowded_out),
        cmocka_unit_test(a_stop_leaves_the_handed_socket_listening),
    };
    return cmocka_run_group_tests(tests, suite_open, suite_close);
}
