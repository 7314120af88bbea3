/* What follows the sender's own words without being them: the signature below "-- ", the card below a sign-off, what a
 * phone or a mailing list adds, disclaimers. It must never take away a sentence: sign-off and name stay, and so do address
 * and number where a sentence introduces them. */
#include "mail/lines.h"

#define CARD_LINES_MAX 14
#define CARD_LINE_BYTES 90
#define NAME_BYTES 48
#define FOOTER_LINES_MAX 8
#define DISCLAIMER_LINES_MAX 60 /* from the end, where disclaimers stand */
#define DISCLAIMER_BYTES_MIN 100

static const char *const phone_footers[] = {
    "sent from my ", "sent from mail for windows", "sent from outlook", "sent from yahoo", "sent from proton", "sent from samsung", "sent from gmail", "sent via ",
    "sent with ", "get outlook for ", "von meinem ", "gesendet von ", "gesendet mit ", "diese nachricht wurde von meinem", "envoyé de mon ",
    "envoyé depuis ", "enviado desde ", "enviado do meu ", "enviado de mi ", "enviado via ", "inviato da ", "verstuurd vanaf ", "verzonden vanaf ",
    "iphone'umdan gönderildi", "ipad'imden gönderildi", "skickat från min", "sendt fra min", "wysłane z ", "отправлено с ", "lähetetty ", NULL};
static const char *const devices[] = {"phone", "ipad", "blackberry", "android", "mobil", "outlook", "windows", "yahoo", "proton", "samsung", "galaxy",
                                      "huawei", "nexus", "treo", "pixel", "oneplus", "xiaomi", "tablet", "watch", "wireless", "handheld", "móvil", "telef", "mail", "gönderildi", "телефон", NULL};
/* A disclaimer has one of the first, which nobody writes by hand, and two of the others. */
static const char *const lawyers_terms[] = {
    "intended recipient", "recipient(s)", "named addressee", "the addressee", "entity to which it is addressed", "entity to whom", "individual or entity", "intended only for",
    "intended solely", "unauthorized use", "unauthorised", "unauthorized disclosure", "dissemination", "strictly prohibited", "legally privileged", "without the prior written consent",
    "bestimmungsgemäße", "vorgesehene adressat", "richtige adressat", "unbefugte", "irrtümlich", "destinataire", "exclusivement", "destinatario", "destinado exclusiv",
    "geadresseerde", "onbevoegd", "yetkisiz", "alıcısı", NULL};
static const char *const disclaimer_terms[] = {
    "confidential", "privileged", "proprietary", "received this", "receive this", "in error", "disclos", "dissemination", "notify", "delete", "destroy", "any attachment",
    "legally", "prohibited", "vertraulich", "adressat", "empfänger", "vernichten", "löschen", "confidentiel", "supprimer", "erreur", "confidencial", "eliminar", "error",
    "riservat", "cancellar", "vertrouwelijk", "verwijder", "gizli", "siliniz", NULL};
static const char *const sign_offs[] = {
    "regards", "best regards", "best rgds", "kind regards", "kindest regards", "warm regards", "warmest regards", "with regards", "many regards", "rgds", "best",
    "all the best", "best wishes", "thanks", "thanks again", "thanks a lot", "thanks and regards", "thanks & regards", "thank you", "many thanks", "thx",
    "cheers", "sincerely", "sincerely yours", "yours sincerely", "yours truly", "yours faithfully", "yours", "respectfully", "cordially", "love", "take care",
    "mit freundlichen grüßen", "mit freundlichen grüssen", "mit freundlichem gruß", "freundliche grüße", "freundliche grüsse", "viele grüße", "viele grüsse",
    "beste grüße", "liebe grüße", "gruß", "grüße", "mfg", "vg", "lg", "cordialement", "bien cordialement", "bien à vous", "salutations", "sincères salutations",
    "saludos", "un saludo", "saludos cordiales", "atentamente", "cordiali saluti", "distinti saluti", "saluti", "grazie", "met vriendelijke groet",
    "met vriendelijke groeten", "vriendelijke groeten", "groeten", "atenciosamente", "cumprimentos", "abraços", "saygılarımla", "iyi çalışmalar", "selamlar",
    "med vänlig hälsning", "med vennlig hilsen", "mvh", "hilsen", "pozdrawiam", "с уважением", NULL};
static const char *const titles[] = {
    "president", "manager", "director", "engineer", "counsel", "consultant", "analyst", "officer", "assistant", "professor", "department", "attorney", "leader",
    "representative", "specialist", "coordinator", "administrator", "associate", "partner", "chief ", "affairs", "resources", "services", "support",
    "operations", "technolog", "security", "division", "consulting", "corp.", " inc", " llc", " llp", " l.l.p", " ltd", " gmbh", " university", " institute", NULL};
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

static size_t dashes(struct fb_str s)
{
    size_t n = 0;
    while (n < s.n && strchr("_*-=~#+", s.p[n]) && s.p[n])
        n++;
    return n;
}

static bool is_ruler(struct fb_str s)
{
    return s.n >= 3 && dashes(s) == s.n;
}

/* "P.S.", whatever comes behind it, is said. */
static bool is_postscript(struct fb_str s)
{
    static const char *const marks[] = {"ps ", "ps:", "ps.", "ps,", "ps-", "p.s", "pps", "p.p.s", "nb:", "n.b.", NULL};
    return fb_lines_begins(s, marks);
}

/* Something that is said: it ends as a sentence or is long. */
static bool is_sentence(struct fb_str s)
{
    size_t words = 1;
    for (size_t i = 0; i < s.n; i++)
        words += s.p[i] == ' ';
    char last = s.n ? s.p[s.n - 1] : ' ';
    return last == '?' || last == '!' || (last == '.' && words > 4) || words > 12 || s.n > CARD_LINE_BYTES || is_postscript(s);
}

static bool is_upper(char c)
{
    return (c >= 'A' && c <= 'Z') || (unsigned char)c >= 0x80;
}

/* "Ann Smith", "John van der Berg, CFA", "Vice President and Counsel": how many words, each as names and titles have them; 0: it is none. */
static size_t names(struct fb_str s)
{
    static const char *const small[] = {"and", "&", "of", "for", "the", "de", "der", "van", "von", "den", "la", "di", "du", "y", "e", "-", NULL};
    size_t n = 0;
    struct fb_str word;
    if (!s.n || s.n > NAME_BYTES || digits(s) || memchr(s.p, '@', s.n) || strchr(":=!?;", s.p[s.n - 1]))
        return 0;
    while (fb_str_word(&s, &word)) {
        if (!is_upper(word.p[0]) && !fb_lines_is(word, small))
            return 0;
        n++;
    }
    return n;
}

/* A telephone number within the house: "x3-9890", "3-5290". */
static bool is_extension(struct fb_str s)
{
    size_t i = fb_lines_begins(s, (const char *const[]){"x", "ext.", "ext ", NULL}) ? 1 : 0;
    if (s.n > 14 || digits(s) < 4)
        return false;
    for (; i < s.n; i++)
        if (!fb_is_digit(s.p[i]) && !strchr("xX-/. ()t", s.p[i]))
            return false;
    return true;
}

static bool is_place_on_the_web(struct fb_str s)
{
    return fb_lines_has(s, (const char *const[]){"www.", "http://", "https://", NULL});
}

/* A telephone number, an address, a place on the web, a title or a company. */
static bool is_card(struct fb_str s)
{
    if (s.n > CARD_LINE_BYTES || is_postscript(s))
        return is_place_on_the_web(s) && !memchr(s.p, ' ', s.n);
    return digits(s) >= 7 || is_extension(s) || (memchr(s.p, '@', s.n) && !memchr(s.p, ' ', s.n)) || (digits(s) >= 2 && fb_lines_has(s, card_words)) ||
           is_place_on_the_web(s) || fb_lines_has(s, (const char *const[]){"fax", "tel:", "phone:", NULL}) || (names(s) && fb_lines_has(s, titles));
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
    return fb_lines_is(s, sign_offs) ||
           (s.n < NAME_BYTES && fb_lines_begins(s, (const char *const[]){"thanks for ", "thank you for ", "thanks in advance", "thank you in advance", NULL}));
}

/* "Regards, Ann" */
static bool is_signed_off(struct fb_str s)
{
    struct fb_str first;
    return memchr(s.p, ',', s.n) && fb_str_split(&s, ',', &first) && is_sign_off(first) && s.p && names(without_punctuation(fb_str_trim(s)));
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

/* Lines [from, to) as one, as far as @room goes: what is looked for may be folded. */
static struct fb_str unfolded(const struct fb_lines *lines, size_t from, size_t to, char *room, size_t room_n)
{
    size_t n = 0;
    for (size_t i = from; i < to && n + lines->v[i].text.n + 1 <= room_n; i++) {
        memcpy(room + n, lines->v[i].text.p, lines->v[i].text.n);
        n += lines->v[i].text.n;
        room[n++] = ' ';
    }
    return (struct fb_str){room, n};
}

static bool is_disclaimer(const struct fb_lines *lines, size_t from, size_t to)
{
    char room[2048];
    struct fb_str s = unfolded(lines, from, to, room, sizeof room);
    size_t terms = 0;
    if (s.n < DISCLAIMER_BYTES_MIN || !fb_lines_has(s, lawyers_terms))
        return false;
    for (const char *const *w = disclaimer_terms; *w && terms < 2; w++)
        terms += fb_str_ifind(s, fb_str(*w)) >= 0;
    return terms >= 2;
}

/* A paragraph that only lawyers write. The ruler above it goes with it, and so does all below: footers come last. One that
 * comes first was put there by a gateway, and the text below it. */
static void disclaimer_find(struct fb_lines *lines, size_t begin, size_t end)
{
    size_t from = end - begin > DISCLAIMER_LINES_MAX ? end - DISCLAIMER_LINES_MAX : begin;
    for (size_t i = from, to; i < end; i = to + 1) {
        to = paragraph_end(lines, i);
        if (to == i || !is_disclaimer(lines, i, to))
            continue;
        while (i > begin && (!lines->v[i - 1].text.n || is_ruler(lines->v[i - 1].text)))
            i--;
        fb_lines_out(lines, i, i > begin || to == end ? end : to);
        return;
    }
}

/* " - plan.doc", "<<plan.doc>>": what mail clients write for an attachment. */
static bool is_attachment(struct fb_str s)
{
    if (fb_str_istarts(s, FB_STR("<<")))
        return fb_str_iends(s, FB_STR(">>"));
    const char *dot = s.n > 6 && s.n < 120 && fb_str_istarts(s, FB_STR("- ")) ? memrchr(s.p, '.', s.n) : NULL;
    size_t n = dot ? (size_t)(s.p + s.n - dot) : 0;
    return n >= 3 && n <= 5 && !memchr(dot, ' ', n);
}

static size_t cards(const struct fb_lines *lines, size_t from, size_t to)
{
    size_t n = 0;
    for (size_t i = from; i < to; i++)
        n += lines->v[i].text.n && is_card(lines->v[i].text);
    return n;
}

/* Where the last lines begin of which none is a sentence, at most CARD_LINES_MAX. */
static size_t cards_top(const struct fb_lines *lines, size_t begin, size_t end)
{
    size_t top = end, n = 0;
    while (top > begin) {
        struct fb_str s = lines->v[top - 1].text;
        bool blank = !s.n || is_ruler(s);
        n += !blank;
        if (n > CARD_LINES_MAX || (!blank && is_sentence(s) && !is_card(s)))
            break;
        top--;
    }
    return top;
}

/* The last line before @i that is not empty; empty where there is none. */
static struct fb_str line_before(const struct fb_lines *lines, size_t begin, size_t i)
{
    while (i > begin && !lines->v[i - 1].text.n)
        i--;
    return i > begin ? lines->v[i - 1].text : FB_STR_NONE;
}

/* A nickname stands alone above the card. */
static bool is_nickname(const struct fb_lines *lines, size_t begin, size_t i)
{
    struct fb_str s = lines->v[i].text;
    return s.n <= 16 && !memchr(s.p, ' ', s.n) && !is_sentence(s) && (i == begin || !lines->v[i - 1].text.n);
}

/* Whether a card may begin at line @i: at the head of a paragraph, and no line leads to it as in "my address:". */
static bool may_begin(const struct fb_lines *lines, size_t begin, size_t i)
{
    struct fb_str before = line_before(lines, begin, i), above = i > begin ? lines->v[i - 1].text : FB_STR_NONE;
    return !(before.n && before.p[before.n - 1] == ':') &&
           (!above.n || is_ruler(above) || is_sign_off(above) || is_signed_off(above) || is_nickname(lines, begin, i - 1));
}

/* A card begins with a full name, with numbers, addresses, a title below it. */
static bool is_named_card(const struct fb_lines *lines, size_t begin, size_t i, size_t end)
{
    return names(lines->v[i].text) >= 2 && !is_sign_off(lines->v[i].text) && !is_signed_off(lines->v[i].text) && i + 1 < end && lines->v[i + 1].text.n && may_begin(lines, begin, i) &&
           cards(lines, i + 1, end) > 0;
}

/* Below a sign-off a given name stays, and what is below that is a card where it has as much as one number or address. */
static size_t card_below(const struct fb_lines *lines, size_t sign_off, size_t end)
{
    struct fb_str s = lines->v[sign_off].text;
    size_t next = fb_lines_next(lines, sign_off + 1), from = next;
    if (next < end && !is_signed_off(s) && !is_card(lines->v[next].text))
        from = lines->v[next].text.n > NAME_BYTES ? end : next + 1;
    return from < end && cards(lines, from, end) ? from : end;
}

/* Without name and sign-off: a last paragraph in which two lines are numbers or addresses and the first is none. */
static size_t card_last(const struct fb_lines *lines, size_t begin, size_t end)
{
    size_t from = end;
    while (from > begin && lines->v[from - 1].text.n)
        from--;
    bool is = from < end && line_before(lines, begin, from).n && names(lines->v[from].text) && may_begin(lines, begin, from) && cards(lines, from, end) >= 2;
    return is ? from : end;
}

static size_t card_begin(const struct fb_lines *lines, size_t begin, size_t end)
{
    size_t top = cards_top(lines, begin, end);
    if (begin && top == begin && cards(lines, begin, end) * 2 > end - begin)
        return begin; /* all that is left below a quote */
    for (size_t i = top; i < end; i++) {
        struct fb_str s = lines->v[i].text;
        if (s.n && is_named_card(lines, begin, i, end))
            return i;
        size_t from = s.n && (is_sign_off(s) || is_signed_off(s)) ? card_below(lines, i, end) : end;
        if (from < end)
            return from;
    }
    size_t from = card_last(lines, begin, end);
    return from < top ? end : from;
}

static void card_find(struct fb_lines *lines, size_t begin, size_t end)
{
    while (end > begin && (!lines->v[end - 1].text.n || is_attachment(lines->v[end - 1].text)))
        end--;
    size_t from = card_begin(lines, begin, end);
    while (from < end && from > begin && (!lines->v[from - 1].text.n || is_ruler(lines->v[from - 1].text)))
        from--;
    fb_lines_out(lines, from, end);
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
