/* The visible text of an HTML mail, by libxml2's HTML parser as a stream of events: no tree is built. It decides where
 * lines end and what is quoted: a quoting blockquote is "> " lines, and what mail clients put between an answer and what it
 * answers becomes the line of underscores that Outlook writes in plain text. It must never show what a reader does not see.
 *
 * DIAGNOSTICS: broken HTML is no failure; lack of memory is the only one. */
#include "mail/html.h"

#include <libxml/HTMLparser.h>

#define DEPTH_MAX 1000 /* closing a tag looks through all open ones: deeper is an attack, and reading ends there */
#define MARKS_MAX 4    /* no reader counts deeper quotes */

enum effect {
    HIDDEN = 1, /* and all that is in it */
    BLOCK = 2,  /* on lines of its own */
    APART = 4,  /* an empty line before and after */
    QUOTE = 8,
    VERBATIM = 16,
    SIGNATURE = 32, /* as if "-- " stood before it */
    DIVIDER = 64,   /* a line of underscores before it */
    ORIGINAL = 128, /* what follows is the message that is answered, whatever its language: a divider that says so before it */
};

struct html {
    struct fb_buf out;
    unsigned char effects[DEPTH_MAX]; /* of the open elements */
    size_t depth;
    unsigned hidden, quotes, verbatim;
    unsigned breaks; /* line ends owed before the next text */
    bool blank;      /* a blank is owed */
    bool cell;       /* a table cell ended */
    bool memory;
    htmlParserCtxtPtr parser;
};

static const struct {
    const char *name;
    unsigned char effect;
} elements[] = {
    {"head", HIDDEN}, {"style", HIDDEN}, {"script", HIDDEN}, {"title", HIDDEN}, {"template", HIDDEN}, {"object", HIDDEN},
    {"p", BLOCK | APART}, {"h1", BLOCK | APART}, {"h2", BLOCK | APART}, {"h3", BLOCK | APART}, {"h4", BLOCK | APART},
    {"ul", BLOCK}, {"ol", BLOCK}, {"li", BLOCK}, {"dl", BLOCK}, {"dt", BLOCK}, {"dd", BLOCK}, {"table", BLOCK}, {"tr", BLOCK},
    {"div", BLOCK}, {"center", BLOCK}, {"section", BLOCK}, {"article", BLOCK}, {"header", BLOCK}, {"footer", BLOCK},
    {"address", BLOCK}, {"body", BLOCK}, {"blockquote", BLOCK | QUOTE}, {"pre", BLOCK | VERBATIM}, {"hr", BLOCK | DIVIDER},
};

static struct fb_str attribute(const xmlChar **attributes, const char *name)
{
    for (size_t i = 0; attributes && attributes[i]; i += 2)
        if (fb_str_ieq(fb_str((const char *)attributes[i]), fb_str(name)))
            return fb_str((const char *)attributes[i + 1]);
    return FB_STR_NONE;
}

static bool has(struct fb_str s, struct fb_str needle)
{
    return fb_str_ifind(s, needle) >= 0;
}

/* Whether @style holds @declaration, whatever blanks it is written with, and not as the beginning of a greater number. It begins
 * at no blank, so that no run of blanks is passed over twice. */
static bool declares(struct fb_str style, const char *declaration)
{
    for (size_t i = 0, end; i < style.n; i++) {
        const char *d = declaration;
        if (fb_lower(style.p[i]) != *d)
            continue;
        for (end = i; *d && end < style.n && (fb_lower(style.p[end]) == *d || fb_is_blank(style.p[end])); end++)
            d += fb_lower(style.p[end]) == *d;
        if (!*d && (end == style.n || (style.p[end] != '.' && !fb_is_digit(style.p[end]))))
            return true;
    }
    return false;
}

static bool declares_any(struct fb_str style, const char *const *declarations)
{
    for (; style.n && *declarations; declarations++)
        if (declares(style, *declarations))
            return true;
    return false;
}

/* A blockquote without a border is how Gmail and Outlook on the web indent one's own text. */
static bool is_indent(const xmlChar **attributes)
{
    return !attribute(attributes, "type").n && declares(attribute(attributes, "style"), "border:none");
}

static bool is_invisible(const xmlChar **attributes)
{
    static const char *const hides[] = {"display:none", "visibility:hidden", "mso-hide:all", "font-size:0", "opacity:0", "max-height:0", NULL};
    for (size_t i = 0; attributes[i]; i += 2)
        if (strcmp((const char *)attributes[i], "hidden") == 0)
            return true;
    return declares_any(attribute(attributes, "style"), hides);
}

/* The line that Outlook draws above the header lines of what is answered: 2013 and later, and before. */
static bool is_outlook_line(const xmlChar **attributes)
{
    static const char *const lines[] = {"border-top:solid #e1e1e1 1.0pt", "border-top:solid #b5c4df 1.0pt", NULL};
    return declares_any(attribute(attributes, "style"), lines);
}

/* What mail clients call the parts of a message that they write. */
static unsigned mail_effect(const xmlChar **attributes)
{
    static const struct {
        const char *name; /* within class or id */
        unsigned effect;
    } parts[] = {
        {"gmail_signature", SIGNATURE}, {"moz-signature", SIGNATURE}, {"appendonsend", DIVIDER}, {"reply-intro", DIVIDER}, {"divrplyfwdmsg", ORIGINAL},
        {"yahoo_quoted", ORIGINAL}, {"outlookmessageheader", ORIGINAL}, {"olk_src_body_section", ORIGINAL}, {"mail-editor-reference-message", ORIGINAL},
        {"ms-outlook-mobile-reference-message", ORIGINAL}, {"moz-forward-container", ORIGINAL}, {"zwchr", ORIGINAL},
    };
    struct fb_str class = attribute(attributes, "class"), id = attribute(attributes, "id");
    for (size_t i = 0; (class.n || id.n) && i < sizeof parts / sizeof *parts; i++)
        if (has(class, fb_str(parts[i].name)) || has(id, fb_str(parts[i].name)))
            return parts[i].effect;
    return is_outlook_line(attributes) ? ORIGINAL : 0;
}

static unsigned effect_of(const char *name, const xmlChar **attributes)
{
    unsigned e = 0;
    for (size_t i = 0; !e && i < sizeof elements / sizeof *elements; i++)
        if (strcmp(name, elements[i].name) == 0)
            e = elements[i].effect;
    if ((e & QUOTE) && is_indent(attributes))
        e &= ~(unsigned)QUOTE;
    if ((e & APART) && fb_str_istarts(attribute(attributes, "class"), FB_STR("Mso")))
        e &= ~(unsigned)APART; /* Word's paragraphs are lines; its empty lines are paragraphs too */
    if (attributes && is_invisible(attributes))
        e |= HIDDEN;
    return e | (attributes ? mail_effect(attributes) : 0);
}

static void owe_breaks(struct html *h, unsigned n)
{
    if (h->breaks < n)
        h->breaks = n;
    h->blank = h->cell = false;
}

static void marks_add(struct html *h)
{
    for (unsigned i = 0; i < h->quotes && i < MARKS_MAX; i++)
        fb_buf_add(&h->out, FB_STR("> "));
}

/* What is owed before text: line ends, each with its quote marks, or a blank. */
static void pay(struct html *h)
{
    if (!h->out.n)
        marks_add(h);
    else if (h->breaks)
        for (; h->breaks; h->breaks--) {
            fb_buf_char(&h->out, '\n');
            marks_add(h);
        }
    else if (h->blank || h->cell)
        fb_buf_char(&h->out, h->cell ? '\t' : ' ');
    h->breaks = 0;
    h->blank = h->cell = false;
}

static void line_add(struct html *h, struct fb_str line)
{
    owe_breaks(h, 1);
    pay(h);
    fb_buf_add(&h->out, line);
    owe_breaks(h, 1);
}

static void enter(struct html *h, unsigned e)
{
    h->hidden += (e & HIDDEN) != 0;
    if (h->hidden)
        return;
    if (e & BLOCK)
        owe_breaks(h, e & APART ? 2 : 1);
    if (e & DIVIDER)
        line_add(h, FB_STR("________________________________"));
    if (e & ORIGINAL)
        line_add(h, FB_STR("-----Original Message-----"));
    if (e & SIGNATURE)
        line_add(h, FB_STR("-- "));
    h->quotes += (e & QUOTE) != 0;
    h->verbatim += (e & VERBATIM) != 0;
}

static void leave(struct html *h, unsigned e)
{
    if (!h->hidden) {
        h->quotes -= (e & QUOTE) != 0;
        h->verbatim -= (e & VERBATIM) != 0;
        if (e & BLOCK)
            owe_breaks(h, e & APART ? 2 : 1);
    }
    h->hidden -= (e & HIDDEN) != 0;
}

static void on_start(void *arg, const xmlChar *name, const xmlChar **attributes)
{
    struct html *h = arg;
    if (h->depth == DEPTH_MAX || h->out.failed) {
        xmlStopParser(h->parser);
        return;
    }
    if (strcmp((const char *)name, "br") == 0 && !h->hidden)
        h->breaks++, h->blank = h->cell = false;
    if (strcmp((const char *)name, "td") == 0 && !h->hidden)
        h->cell = !h->breaks && h->out.n;
    unsigned e = effect_of((const char *)name, attributes);
    h->effects[h->depth++] = (unsigned char)e;
    enter(h, e);
}

static void on_end(void *arg, const xmlChar *name)
{
    struct html *h = arg;
    (void)name;
    if (h->depth)
        leave(h, h->effects[--h->depth]);
}

static void verbatim_add(struct html *h, char c)
{
    if (c == '\n') {
        h->breaks++;
        return;
    }
    pay(h);
    fb_buf_char(&h->out, c);
}

static void on_text(void *arg, const xmlChar *text, int n)
{
    struct html *h = arg;
    for (int i = 0; !h->hidden && i < n; i++) {
        char c = (char)text[i];
        if (h->verbatim)
            verbatim_add(h, c);
        else if (fb_is_blank(c))
            h->blank = true;
        else {
            pay(h);
            fb_buf_char(&h->out, c);
        }
    }
}

/* Structured, so that nothing is printed to standard error. */
static void on_error(void *arg, xmlErrorPtr error)
{
    struct html *h = arg;
    h->memory |= error->code == XML_ERR_NO_MEMORY;
}

static void parser_cleanup(htmlParserCtxtPtr *p)
{
    if (*p)
        htmlFreeParserCtxt(*p);
}

int fb_html_text(struct fb_arena *arena, struct fb_str html, struct fb_str *ret, struct fb_err *err)
{
    struct html *h = fb_arena_alloc(arena, sizeof *h);
    if (!h)
        return fb_fail_memory(err);
    h->out = FB_BUF(arena);
    htmlSAXHandler sax = {.startElement = on_start, .endElement = on_end, .characters = on_text, .ignorableWhitespace = on_text,
                          .cdataBlock = NULL, .serror = on_error, .initialized = XML_SAX2_MAGIC};
    __attribute__((cleanup(parser_cleanup))) htmlParserCtxtPtr p =
        htmlCreatePushParserCtxt(&sax, h, NULL, 0, NULL, XML_CHAR_ENCODING_UTF8);
    if (!p)
        return fb_fail_memory(err);
    h->parser = p;
    htmlCtxtUseOptions(p, HTML_PARSE_RECOVER | HTML_PARSE_NONET | HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING | HTML_PARSE_IGNORE_ENC);
    htmlParseChunk(p, html.p, (int)html.n, 1);
    if (h->memory)
        return fb_fail_memory(err);
    fb_buf_char(&h->out, '\n');
    *ret = fb_buf_str(&h->out);
    return ret->p ? 0 : fb_fail_memory(err);
}
