/* What follows the sender's own words without being them: the signature below "-- ", the card below a sign-off, what a
 * phone or a mailing list adds, disclaimers. It must never take away a sentence: sign-off and name stay, and so do address
 * and number where a sentence introduces them. */
#include "mail/lines.h"

#define CARD_LINES_MAX 14
#define CARD_LINE_BYTES 90
#define NAME_BYTES 48
#define FOOTER_LINES_MAX 8
#define DISCLAIMER_LINES_MAX 60 /* from the end, where disclaimers stand */

static const char *const phone_footers[] = {
    "sent from my ", "sent from mail for windows", "sent from outlook", "sent from yahoo", "sent from proton", "sent from samsung", "sent via ",
    "sent with ", "get outlook for ", "von meinem ", "gesendet von ", "gesendet mit ", "diese nachricht wurde von meinem", "envoyé de mon ",
    "envoyé depuis ", "enviado desde ", "enviado do meu ", "enviado de mi ", "enviado via ", "inviato da ", "verstuurd vanaf ", "verzonden vanaf ",
    "iphone'umdan gönderildi", "ipad'imden gönderildi", "skickat från min", "sendt fra min", "wysłane z ", "отправлено с ", "lähetetty ", NULL};
static const char *const devices[] = {"phone", "ipad", "blackberry", "android", "mobil", "outlook", "windows", "yahoo", "proton", "samsung", "galaxy",
                                      "huawei", "nexus", "treo", "wireless", "handheld", "móvil", "telef", "mail", "gönderildi", "телефон", NULL};
static const char *const disclaimer_terms[] = {
    "confidential", "privileged", "intended recipient", "intended only", "intended solely", "not the intended", "received this", "in error",
    "unauthori", "disclosure", "dissemination", "notify the sender", "delete it", "any attachments", "legally", "strictly prohibited",
    "vertraulich", "adressat", "empfänger", "vernichten", "unbefugte", "confidentiel", "destinataire", "confidencial", "destinatario",
    "riservat", "vertrouwelijk", "geadresseerde", "onbevoegd", "gizli", "yetkisiz", "alıcı", NULL};
static const char *const sign_offs[] = {
    "regards", "best regards", "kind regards", "kindest regards", "warm regards", "warmest regards", "with regards", "many regards", "rgds", "best",
    "all the best", "best wishes", "thanks", "thanks again", "thanks a lot", "thanks and regards", "thanks & regards", "thank you", "many thanks", "thx",
    "cheers", "sincerely", "sincerely yours", "yours sincerely", "yours truly", "yours faithfully", "yours", "respectfully", "cordially", "love", "take care",
    "mit freundlichen grüßen", "mit freundlichen grüssen", "mit freundlichem gruß", "freundliche grüße", "freundliche grüsse", "viele grüße", "viele grüsse",
    "beste grüße", "liebe grüße", "gruß", "grüße", "mfg", "vg", "lg", "cordialement", "bien cordialement", "bien à vous", "salutations", "sincères salutations",
    "saludos", "un saludo", "saludos cordiales", "atentamente", "cordiali saluti", "distinti saluti", "saluti", "grazie", "met vriendelijke groet",
    "met vriendelijke groeten", "vriendelijke groeten", "groeten", "atenciosamente", "cumprimentos", "abraços", "saygılarımla", "iyi çalışmalar", "selamlar",
    "med vänlig hälsning", "med vennlig hilsen", "mvh", "hilsen", "pozdrawiam", "с уважением", NULL};
static const char *const titles[] = {"president", "manager", "director", "engineer", "counsel", "consultant", "analyst", "officer", "assistant", "professor",
                                     "department", "corp.", " inc", " llc", " llp", " l.l.p", " ltd", " gmbh", " university", " institute", NULL};
static const char *const card_words[] = {"tel", "fax", "phone", "mobile", "cell", "direct", "office:", "voice", "pager", "www.", "ext.", "suite ", "p.o. box",
                                         "street", "avenue", "floor", "handy", "telefon", "gmbh", " inc", " ltd", " llc", " corp", NULL};

/* How many lines from @i on belong together: until what is quoted or the end. */
static size_t region_end(const struct fb_lines *lines, size_t i)
{
    while (i < lines->n && !lines->v[i].out)
        i++;
    return i;
}

static size_t digits(struct fb_str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += fb_is_digit(s.p[i]);
    return n;
}

static bool is_ruler(struct fb_str s)
{
    size_t n = 0;
    while (n < s.n && s.p[n] == s.p[0])
        n++;
    return s.n >= 3 && n == s.n && strchr("-_=*#~+", s.p[0]);
}

/* A telephone number, an address, a place on the web, a title or a company. */
static bool is_card(struct fb_str s)
{
    return s.n <= CARD_LINE_BYTES &&
           (digits(s) >= 7 || (memchr(s.p, '@', s.n) && !memchr(s.p, ' ', s.n)) || (digits(s) >= 2 && fb_lines_has(s, card_words)) ||
            fb_lines_has(s, (const char *const[]){"www.", "http://", "https://", "fax", "tel:", "phone:", NULL}) ||
            (s.n < NAME_BYTES && s.p[0] >= 'A' && s.p[0] <= 'Z' && fb_lines_has(s, titles)));
}

static size_t dashes(struct fb_str s)
{
    size_t n = 0;
    while (n < s.n && strchr("_*-=~", s.p[n]) && s.p[n])
        n++;
    return n;
}

/* Something that is said: it ends as a sentence or is long. */
static bool is_sentence(struct fb_str s)
{
    size_t words = 1;
    for (size_t i = 0; i < s.n; i++)
        words += s.p[i] == ' ';
    char last = s.n ? s.p[s.n - 1] : ' ';
    return last == '?' || last == '!' || (last == '.' && words > 4) || words > 12 || s.n > CARD_LINE_BYTES;
}

static struct fb_str without_punctuation(struct fb_str s)
{
    while (s.n && strchr(",.!-: ", s.p[s.n - 1]))
        s.n--;
    return s;
}

static bool is_sign_off(struct fb_str s)
{
    s = without_punctuation(s);
    for (const char *const *w = sign_offs; *w; w++)
        if (fb_str_ieq(s, fb_str(*w)))
            return true;
    return false;
}

/* "-- " (RFC 3676, 4.3); without its blank only where what follows is short. */
static bool is_delimiter(struct fb_str raw, bool last_lines)
{
    return fb_str_eq(raw, FB_STR("-- ")) || fb_str_eq(raw, FB_STR("- -- ")) || (last_lines && fb_str_eq(fb_str_trim(raw), FB_STR("--")));
}

static void delimited_find(struct fb_lines *lines, size_t begin, size_t end)
{
    for (size_t i = begin; i < end; i++)
        if (is_delimiter(lines->v[i].raw, end - i <= CARD_LINES_MAX)) {
            fb_lines_out(lines, i, end);
            return;
        }
}

/* Below a long ruler, where a provider or a mailing list writes about itself: a few last lines with a link. */
static void footer_find(struct fb_lines *lines, size_t begin, size_t end)
{
    for (size_t i = end; i > begin && end - i < FOOTER_LINES_MAX; i--) {
        struct fb_str s = lines->v[i - 1].text;
        bool link = false;
        if (s.n < 20 || dashes(s) < 20)
            continue;
        for (size_t j = i - 1; j < end; j++)
            link |= fb_lines_has(lines->v[j].text, (const char *const[]){"http://", "https://", "www.", "unsubscribe", NULL});
        if (link)
            fb_lines_out(lines, i - 1, end);
    }
}

static void phone_footers_find(struct fb_lines *lines, size_t begin, size_t end)
{
    for (size_t i = begin; i < end; i++) {
        struct fb_line *l = &lines->v[i];
        if (l->text.n < 90 && fb_lines_begins(l->text, phone_footers) && fb_lines_has(l->text, devices) && !is_sentence(without_punctuation(l->text)))
            l->out = true;
    }
}

static size_t paragraph_end(const struct fb_lines *lines, size_t i)
{
    while (i < lines->n && lines->v[i].text.n && !lines->v[i].out)
        i++;
    return i;
}

static bool is_disclaimer(const struct fb_lines *lines, size_t from, size_t to)
{
    struct fb_str a = lines->v[from].raw, b = lines->v[to - 1].raw, s = {a.p, (size_t)(b.p + b.n - a.p)};
    size_t terms = 0;
    for (const char *const *w = disclaimer_terms; *w && terms < 4; w++)
        terms += fb_str_ifind(s, fb_str(*w)) >= 0;
    return terms >= 4;
}

/* A paragraph that only lawyers write. The ruler above it goes with it, and so does all below: footers come last. */
static void disclaimer_find(struct fb_lines *lines, size_t begin, size_t end)
{
    size_t from = end - begin > DISCLAIMER_LINES_MAX ? end - DISCLAIMER_LINES_MAX : begin;
    for (size_t i = from, to; i < end; i = to + 1) {
        to = paragraph_end(lines, i);
        if (to == i || !is_disclaimer(lines, i, to))
            continue;
        while (i > begin && (!lines->v[i - 1].text.n || is_ruler(lines->v[i - 1].text)))
            i--;
        fb_lines_out(lines, i, end);
        return;
    }
}

/* Whether [from, to) is a card: short lines, none of them a sentence, at least @least with a number or an address. */
static bool is_card_block(const struct fb_lines *lines, size_t from, size_t to, size_t least)
{
    size_t n = 0, cards = 0;
    for (size_t i = from; i < to; i++) {
        struct fb_str s = lines->v[i].text;
        if (!s.n || is_ruler(s))
            continue;
        if (++n > CARD_LINES_MAX || (is_sentence(s) && !is_card(s)))
            return false;
        cards += is_card(s);
    }
    return cards >= least;
}

/* Below a sign-off the name stays; the card below it goes. */
static bool card_below(struct fb_lines *lines, size_t sign_off, size_t end)
{
    size_t name = fb_lines_next(lines, sign_off + 1);
    if (name >= end || lines->v[name].text.n > NAME_BYTES || is_sentence(lines->v[name].text))
        return false;
    size_t from = is_card(lines->v[name].text) ? name : name + 1;
    if (!is_card_block(lines, from, end, 1))
        return false;
    fb_lines_out(lines, from, end);
    return true;
}

/* Without a sign-off a last paragraph is a card where most of it is numbers and addresses and no sentence leads to it. */
static void card_last(struct fb_lines *lines, size_t begin, size_t end)
{
    while (end > begin && !lines->v[end - 1].text.n)
        end--;
    size_t from = end;
    while (from > begin && lines->v[from - 1].text.n)
        from--;
    size_t before = from;
    while (before > begin && !lines->v[before - 1].text.n)
        before--;
    if (before == begin || strchr(":", lines->v[before - 1].text.p[lines->v[before - 1].text.n - 1]) || end - from < 2)
        return;
    if (is_card_block(lines, from, end, 2))
        fb_lines_out(lines, from, end);
}

static void card_find(struct fb_lines *lines, size_t begin, size_t end)
{
    for (size_t i = end; i > begin && end - i < 2 * CARD_LINES_MAX; i--)
        if (is_sign_off(lines->v[i - 1].text) && card_below(lines, i - 1, end))
            return;
    card_last(lines, begin, end);
}

/* Each search sees what the ones before it left. */
static void each_region(struct fb_lines *lines, void (*find)(struct fb_lines *, size_t begin, size_t end))
{
    for (size_t begin = 0, end; begin < lines->n; begin = end + 1) {
        end = region_end(lines, begin);
        if (end > begin)
            find(lines, begin, end);
    }
}

void fb_signatures_find(struct fb_lines *lines)
{
    each_region(lines, delimited_find);
    each_region(lines, disclaimer_find);
    each_region(lines, footer_find);
    each_region(lines, phone_footers_find);
    each_region(lines, card_find);
}
