/* The page: decides what each request is answered. GET and HEAD show and never change anything; POST, and only one that
 * the page's own form could have sent, passes a decision on to the keeper, which judges it for itself. Whoever brings no
 * link that is good gets one and the same answer, so that nothing can be learned by trying. It must never put a path, a
 * token or a key into *ret->fault.
 *
 * DIAGNOSTICS: what went wrong on our side (the keeper, memory, a template) is in the answer's fault, for the log, and
 * is a 503 to the visitor, whose message waits safely whatever the page does. */
#include "web/page.h"

#include <sodium.h>

#include "token/token.h"
#include "web/view.h"

enum { RETRY_AFTER_S = 30 };

static const char HTML[] = "text/html; charset=utf-8";
static const char PLAIN[] = "text/plain; charset=utf-8";
static const char CSS[] = "text/css; charset=utf-8";
static const char SCRIPT[] = "text/javascript; charset=utf-8";
static const char FORM[] = "application/x-www-form-urlencoded";

const struct web_header WEB_HEADERS[] = {
    {"Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"},
    {"Referrer-Policy", "no-referrer"},
    {"Cache-Control", "no-store"},
    {"X-Content-Type-Options", "nosniff"},
    {"X-Frame-Options", "DENY"},
    {"X-Robots-Tag", "noindex"},
    {"Cross-Origin-Opener-Policy", "same-origin"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
    {"Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"},
    {NULL, NULL},
};
const struct web_header WEB_HEADER_HTTPS = {"Strict-Transport-Security", "max-age=31536000"};

/* One request on its way to its answer. */
struct visit {
    const struct web_site *site;
    const struct web_desk *desk;
    const struct web_request *req;
    struct fb_arena *arena;
    struct web_answer *answer;
    struct fb_str last, token; /* last: the path behind /h/ */
    uint8_t key[FB_PAGE_KEY];
};

/* The problems that a visitor is told of: status, and the sections of problem.html that tell it. */
enum problem { BAD_REQUEST, NOT_FOUND, METHOD, TOO_LARGE, MEDIA_TYPE, TOO_MANY, UNAVAILABLE };
static const struct {
    unsigned status;
    const char *kind, *section;
} PROBLEMS[] = {
    [BAD_REQUEST] = {400, "failed", "bad_request"}, [NOT_FOUND] = {404, "not_found", ""},           [METHOD] = {405, "failed", "method"},
    [TOO_LARGE] = {413, "failed", "too_large"},     [MEDIA_TYPE] = {415, "failed", "media_type"},   [TOO_MANY] = {429, "later", "too_many"},
    [UNAVAILABLE] = {503, "later", "unavailable"},
};

static void answer_with(struct visit *v, unsigned status, const char *type, struct fb_str body)
{
    v->answer->status = status;
    v->answer->content_type = type;
    v->answer->body = body;
}

static void answer_problem(struct visit *v, enum problem p)
{
    struct fb_str body;
    const struct fb_wording *wording = web_site_wording(v->site, FB_STR_NONE, v->req->accept_language);
    json_t *values = json_pack("{s:b, s:b, s:s%, s:s%, s:b}", PROBLEMS[p].kind, 1, PROBLEMS[p].section, 1, "language", wording->language.p,
                               wording->language.n, "prefix", v->site->prefix.p, v->site->prefix.n, "withdraws", v->site->withdraws);
    if (fb_parts_render(&wording->texts, "problem", values, FB_ESCAPE_HTML, v->arena, &body, NULL) == 0)
        answer_with(v, PROBLEMS[p].status, HTML, body);
    else
        answer_with(v, PROBLEMS[p].status, PLAIN, FB_STR("Please try again later.\n"));
    json_decref(values);
    if (p == UNAVAILABLE)
        v->answer->retry_after_s = RETRY_AFTER_S;
}

static void show(struct visit *v, const struct fb_desk_view *view)
{
    struct fb_str body;
    struct fb_err *err = &v->answer->fault;
    const struct fb_wording *wording;
    struct web_look look = {.site = v->site, .view = view, .key = v->key, .token = v->token, .accept = v->req->accept_language, .now_s = v->req->now_s};
    json_t *values = web_view(&look, v->arena, &wording, err);
    if (values && fb_parts_render(&wording->texts, "page", values, FB_ESCAPE_HTML, v->arena, &body, err) == 0)
        answer_with(v, 200, HTML, body);
    else
        answer_problem(v, UNAVAILABLE);
    json_decref(values);
}

/* True where the keeper answered that it did what was asked; otherwise the visitor was answered. */
static bool ask(struct visit *v, const struct fb_desk_request *ask, enum fb_desk_outcome *ret, struct fb_desk_view *ret_view)
{
    if (v->desk->call(v->desk->arg, v->arena, ask, ret, ret_view, &v->answer->fault))
        answer_problem(v, UNAVAILABLE);
    else if (*ret == FB_DESK_REFUSED)
        answer_problem(v, NOT_FOUND);
    else if (*ret == FB_DESK_BUSY) {
        fb_fail(&v->answer->fault, "the keeper cannot read or write its store now");
        answer_problem(v, UNAVAILABLE);
    } else
        return true;
    return false;
}

static void get_hold(struct visit *v)
{
    struct fb_desk_view view;
    enum fb_desk_outcome outcome;
    if (ask(v, &(struct fb_desk_request){.op = FB_DESK_SHOW, .token = v->token}, &outcome, &view))
        show(v, &view);
    sodium_memzero(v->key, sizeof v->key);
}

/* Whether a browser sends the form because its user pressed a button on our own page. With no-referrer, which we ask
 * for, browsers write "null" for the origin of our own form too; what foreign page it might be instead, Sec-Fetch-Site
 * tells, and none can know the link. */
static bool sent_by_our_page(const struct visit *v)
{
    struct fb_str origin = v->req->origin, site = v->req->fetch_site;
    if (site.p && !fb_str_eq(site, FB_STR("same-origin")) && !fb_str_eq(site, FB_STR("none")))
        return false;
    return !origin.p || fb_str_ieq(origin, v->site->origin) || fb_str_eq(origin, FB_STR("null"));
}

static bool is_form(struct fb_str content_type)
{
    struct fb_str type;
    return fb_str_split(&content_type, ';', &type) && fb_str_ieq(fb_str_trim(type), fb_str(FORM));
}

/* The token in the form stands for the page that the visitor was shown: it must be the one of the path. */
static bool form_of_this_page(struct visit *v, struct web_form *ret)
{
    return web_form_parse(v->req->body, v->arena, ret, NULL) == 0 && ret->token.n == v->token.n &&
           sodium_memcmp(ret->token.p, v->token.p, v->token.n) == 0;
}

static void decide(struct visit *v, const struct web_form *form)
{
    struct fb_desk_view view;
    enum fb_desk_outcome outcome;
    struct fb_str key = form->action == FB_DESK_WITHDRAW ? (struct fb_str){(char *)v->key, sizeof v->key} : FB_STR_NONE;
    if (!ask(v, &(struct fb_desk_request){.op = FB_DESK_DECIDE, .action = form->action, .token = v->token, .why = FB_STR_NONE, .key = key}, &outcome, &view))
        return;
    /* Also where it was decided before, or is too early: the page then says what happened, or from when. */
    answer_with(v, 303, PLAIN, FB_STR("See the page.\n"));
    v->answer->location = fb_arena_printf(v->arena, "%.*s/h/%.*s", FB_FMT(v->site->prefix), FB_FMT(v->last));
    if (!v->answer->location.p)
        answer_problem(v, UNAVAILABLE);
}

static void post_hold(struct visit *v)
{
    struct web_form form;
    if (v->req->body_too_large)
        answer_problem(v, TOO_LARGE);
    else if (!is_form(v->req->content_type))
        answer_problem(v, MEDIA_TYPE);
    else if (!sent_by_our_page(v) || !form_of_this_page(v, &form))
        answer_problem(v, BAD_REQUEST);
    else
        decide(v, &form);
    sodium_memzero(v->key, sizeof v->key);
}

static bool method_is(const struct visit *v, const char *method)
{
    return fb_str_eq(v->req->method, fb_str(method));
}

static bool reads(const struct visit *v)
{
    return method_is(v, "GET") || method_is(v, "HEAD");
}

static void answer_method(struct visit *v, const char *allow)
{
    answer_problem(v, METHOD);
    v->answer->allow = allow;
}

/* True where the visitor brings a good link; otherwise the visitor was answered. */
static bool link_good(struct visit *v)
{
    int rc = WEB_REFUSED;
    if (fb_link_parse(v->last, &v->token, v->key))
        rc = v->desk->verify(v->desk->arg, v->token, v->req->now_s, v->arena, &v->answer->fault);
    if (rc)
        answer_problem(v, rc == WEB_REFUSED ? NOT_FOUND : UNAVAILABLE);
    return rc == 0;
}

static void answer_hold(struct visit *v)
{
    if (!reads(v) && !method_is(v, "POST"))
        answer_method(v, "GET, HEAD, POST");
    else if (!link_good(v))
        return;
    else if (reads(v))
        get_hold(v);
    else
        post_hold(v);
}

static void answer_file(struct visit *v, const char *type, struct fb_str body)
{
    if (reads(v))
        answer_with(v, 200, type, body);
    else
        answer_method(v, "GET, HEAD");
}

/* The path below base_url: a proxy before us may have taken its prefix away, or left it. */
static struct fb_str below_prefix(const struct web_site *site, struct fb_str path)
{
    size_t n = site->prefix.n;
    if (path.n > n && memcmp(path.p, site->prefix.p, n) == 0)
        path = (struct fb_str){path.p + n, path.n - n};
    return path;
}

void web_answer(const struct web_site *site, const struct web_desk *desk, const struct web_request *req, struct fb_arena *arena,
                struct web_answer *ret)
{
    struct visit v = {.site = site, .desk = desk, .req = req, .arena = arena, .answer = ret};
    struct fb_str path = below_prefix(site, req->path);
    *ret = (struct web_answer){.location = FB_STR_NONE};
    if (req->wait_s) {
        ret->route = "too_many";
        answer_problem(&v, TOO_MANY);
        ret->retry_after_s = req->wait_s;
    } else if (path.n > 3 && memcmp(path.p, "/h/", 3) == 0) {
        ret->route = "hold";
        v.last = (struct fb_str){path.p + 3, path.n - 3};
        answer_hold(&v);
    } else if (fb_str_eq(path, FB_STR("/style.css"))) {
        ret->route = "style";
        answer_file(&v, CSS, site->style);
    } else if (fb_str_eq(path, FB_STR("/page.js"))) {
        ret->route = "script";
        answer_file(&v, SCRIPT, site->script);
    } else if (fb_str_eq(path, FB_STR("/robots.txt"))) {
        ret->route = "robots";
        answer_file(&v, PLAIN, FB_STR("User-agent: *\nDisallow: /\n"));
    } else {
        ret->route = "none";
        answer_problem(&v, NOT_FOUND);
    }
}
