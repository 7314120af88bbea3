/* What follows the sender's own words without being them: the signature below "-- ", the card below a sign-off, what a
 * phone or a mailing list adds, disclaimers. It must never take away a sentence: sign-off and name stay, and so do address
 * and number where a sentence introduces them. */
#include "mail/lines.h"

#define CARD_LINES_MAX 14
#define CARD_LINE_BYTES 90
#define NAME_BYTES 48

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
static const char *const card_words[] = {"tel", "fax", "phone", "mobile", "cell", "direct", "office:", "voice", "pager", "www.", "http", "ext.", "suite ", "p.o. box",
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

/* A telephone number, an address, a place on the web. */
static bool is_card(struct fb_str s)
{
    return s.n <= CARD_LINE_BYTES &&
           (digits(s) >= 7 || (memchr(s.p, '@', s.n) && !memchr(s.p, ' ', s.n)) || (digits(s) >= 2 && fb_lines_has(s, card_words)) ||
            fb_lines_has(s, (const char *const[]){"www.", "http://", "https://", "fax", "tel:", "phone:", NULL}));
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
static bool is_delimiter(const struct fb_lines *lines, size_t i)
{
    struct fb_str raw = lines->v[i].raw;
    if (fb_str_eq(raw, FB_STR("-- ")) || fb_str_eq(raw, FB_STR("- -- ")))
        return true;
    return fb_str_eq(lines->v[i].text, FB_STR("--")) && region_end(lines, i) - i <= CARD_LINES_MAX;
}

static void delimited_find(struct fb_lines *lines)
{
    for (size_t i = 0; i < lines->n; i++)
        if (!lines->v[i].out && is_delimiter(lines, i))
            fb_lines_out(lines, i, region_end(lines, i));
}

static void phone_footers_find(struct fb_lines *lines)
{
    for (size_t i = 0; i < lines->n; i++) {
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

static size_t terms(const struct fb_lines *lines, size_t from, size_t to)
{
    struct fb_str a = lines->v[from].raw, b = lines->v[to - 1].raw, s = {a.p, (size_t)(b.p + b.n - a.p)};
    size_t n = 0;
    for (const char *const *w = disclaimer_terms; *w; w++)
        n += fb_str_ifind(s, fb_str(*w)) >= 0;
    return n;
}

/* A paragraph that only lawyers write. The ruler above it goes with it, and so does all below: footers come last. */
static void disclaimers_find(struct fb_lines *lines)
{
    for (size_t i = 0, end; i < lines->n; i = end + 1) {
        end = paragraph_end(lines, i);
        if (end == i || terms(lines, i, end) < 4)
            continue;
        size_t from = i;
        while (from > 0 && (!lines->v[from - 1].text.n || is_ruler(lines->v[from - 1].text)))
            from--;
        fb_lines_out(lines, from, region_end(lines, end));
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
    size_t first = is_card(lines->v[from].text) ? from : from + 1;
    if (is_card_block(lines, first, end, 2))
        fb_lines_out(lines, first, end);
}

static void cards_find(struct fb_lines *lines)
{
    for (size_t begin = 0, end; begin < lines->n; begin = end + 1) {
        end = region_end(lines, begin);
        bool found = false;
        for (size_t i = end; !found && i > begin && end - i < 2 * CARD_LINES_MAX; i--)
            found = is_sign_off(lines->v[i - 1].text) && card_below(lines, i - 1, end);
        if (!found)
            card_last(lines, begin, end);
    }
}

void fb_signatures_find(struct fb_lines *lines)
{
    delimited_find(lines);
    disclaimers_find(lines);
    phone_footers_find(lines);
    cards_find(lines);
}
