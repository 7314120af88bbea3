/* What is quoted: lines marked by '>', what follows an attribution ("On ..., X wrote:"), a divider ("-----Original
 * Message-----") or a block of header lines as Outlook and Lotus Notes put before what they answer. It must never take the
 * sender's own text for a quote because it holds a colon or a date: what is not marked needs proof that a program wrote
 * its introduction. Between marked lines, what is not marked is an answer. */
#include "mail/lines.h"

#define INTRODUCTION_MAX 4 /* lines over which an attribution is folded */
#define INTRODUCTION_BYTES 400
#define WRAPPED 76 /* bytes of a marked line that may have been wrapped */
#define WRAPPED_BETWEEN 62
#define BLOCK_LINES_MAX 60 /* of a header block with long lists of readers */

/* Verbs of attributions, in the languages of the mail clients that write them. */
static const char *const verbs[] = {
    "wrote", "writes", " said", "schrieb", "geschrieben", "écrit", "ecrit", "escribió", "escribio", "scritto", "schreef", "escreveu",
    "yazdı", "yazmış", "şunları yazdı", "a scris", "napisał", "napisal", "skrev", "kirjoitti", "napsal", "írta", "írt", "написал",
    "пишет", "писал", "έγραψε", "写道", "寫道", "書きました", "のメール", "작성", NULL};
static const char *const dividers[] = {
    "original message", "original appointment", "forwarded by", "forwarded message", "forwarded mail", "reply message",
    "ursprüngliche nachricht", "original-nachricht", "originalnachricht", "ursprünglicher termin", "weitergeleitete nachricht",
    "weitergeleitet von", "message d'origine", "message d’origine", "message original", "message initial", "message transféré",
    "mensaje original", "mensaje reenviado", "messaggio originale", "messaggio inoltrato", "oorspronkelijk bericht",
    "doorgestuurd bericht", "mensagem original", "mensagem encaminhada", "orijinal ileti", "orijinal mesaj", "özgün ileti",
    "iletilmiş ileti", "yönlendirilmiş ileti", "iletilen mesaj", "ursprungligt meddelande", "ursprungligt medd", "vidarebefordrat",
    "oprindelig meddelelse", "opprinnelig melding", "videresendt", "alkuperäinen viesti", "oryginalna wiadomość", "wiadomość oryginalna",
    "исходное сообщение", "пересылаемое сообщение", "původní zpráva", "eredeti üzenet", "mesaj original", "原始邮件", "元のメッセージ", NULL};
static const char *const plain_dividers[] = {
    "begin forwarded message:", "anfang der weitergeleiteten nachricht:", "début du message réexpédié", "début du message transféré",
    "inicio del mensaje reenviado:", "inizio messaggio inoltrato:", "begin doorgestuurd bericht:", "início da mensagem encaminhada:",
    "iletilen mesajın başlangıcı:", "vidarebefordrat brev:", "początek przekazywanej wiadomości", NULL};

/* Labels of header blocks: a kind's labels end with NULL. */
enum label { FROM, DATE, TO, COPY, SUBJECT, OTHER, LABELS };
static const char *const labels[LABELS][24] = {
    [FROM] = {"from", "von", "de", "da", "van", "från", "fra", "od", "kimden", "gönderen", "expéditeur", "remitente", "mittente", "afzender",
              "от", "от кого", "发件人", "差出人", NULL},
    [DATE] = {"sent", "date", "gesendet", "datum", "envoyé", "envoyé le", "enviado", "enviado el", "enviado em", "enviada em", "fecha", "inviato",
              "data", "verzonden", "tarih", "gönderildi", "gönderme tarihi", "skickat", "sendt", "wysłano", "дата", "отправлено", NULL},
    [TO] = {"to", "an", "à", "À", "a", "para", "aan", "till", "til", "kime", "alıcı", "destinataire", "destinatario", "do", "кому", "收件人",
            "宛先", NULL},
    [COPY] = {"cc", "bcc", "kopie", "copie", "copia", "kopi", "bilgi", "копия", "抄送", NULL},
    [SUBJECT] = {"subject", "betreff", "objet", "asunto", "oggetto", "onderwerp", "assunto", "konu", "ämne", "emne", "temat", "тема", "sujet",
                 "主题", "件名", NULL},
    [OTHER] = {"reply-to", "importance", "attachments", "anlagen", "sent by", "please respond to", "antwort an", "wichtigkeit", "priority",
               NULL},
};

bool fb_lines_has(struct fb_str s, const char *const *words)
{
    for (; *words; words++)
        if (fb_str_ifind(s, fb_str(*words)) >= 0)
            return true;
    return false;
}

bool fb_lines_begins(struct fb_str s, const char *const *words)
{
    for (; *words; words++)
        if (fb_str_istarts(s, fb_str(*words)))
            return true;
    return false;
}

/* "> ", ">>", also behind a blank or two. mbox writes ">From " for a line that began with "From ". */
static bool is_marked(struct fb_str raw)
{
    size_t i = 0;
    while (i < raw.n && i < 3 && raw.p[i] == ' ')
        i++;
    return i < raw.n && raw.p[i] == '>' && !fb_str_istarts(raw, FB_STR(">From "));
}

static bool has_year(struct fb_str s)
{
    for (size_t i = 0; i + 4 <= s.n; i++)
        if ((memcmp(s.p + i, "19", 2) == 0 || memcmp(s.p + i, "20", 2) == 0) && fb_is_digit(s.p[i + 2]) && fb_is_digit(s.p[i + 3]) &&
            (i == 0 || !fb_is_digit(s.p[i - 1])) && (i + 4 == s.n || !fb_is_digit(s.p[i + 4])))
            return true;
    return false;
}

/* 9:15, 09:15, 9.15 Uhr is not looked for: clients write the colon. */
static bool has_clock(struct fb_str s)
{
    for (size_t i = 1; i + 2 < s.n; i++)
        if ((s.p[i] == ':' || s.p[i] == 'h') && fb_is_digit(s.p[i - 1]) && fb_is_digit(s.p[i + 1]) && fb_is_digit(s.p[i + 2]))
            return true;
    return false;
}

/* 02/14/2000 or 14.02.00 or 2000-02-14: three numbers. */
static bool has_date(struct fb_str s)
{
    for (size_t i = 0; i + 6 <= s.n; i++) {
        size_t j = i, numbers = 0;
        while (j < s.n && fb_is_digit(s.p[j])) {
            while (j < s.n && fb_is_digit(s.p[j]))
                j++;
            numbers++;
            if (numbers == 3 || j >= s.n || (s.p[j] != '/' && s.p[j] != '.' && s.p[j] != '-'))
                break;
            j++;
        }
        if (numbers == 3)
            return true;
        i = j > i ? j : i;
    }
    return false;
}

static bool has_address(struct fb_str s)
{
    const char *at = s.n ? memchr(s.p, '@', s.n) : NULL;
    return at && at > s.p && at + 1 < s.p + s.n && !fb_is_blank(at[-1]) && !fb_is_blank(at[1]);
}

/* "> wrote:": the '>' closes an address at which the attribution was folded. */
static bool is_folded_address(const struct fb_lines *lines, size_t i)
{
    struct fb_str s = lines->v[i].text;
    return i > 0 && s.n < 24 && s.n && s.p[s.n - 1] == ':' && fb_lines_has(s, verbs) && !lines->v[i - 1].marked &&
           has_address(lines->v[i - 1].text) && memchr(lines->v[i - 1].text.p, '<', lines->v[i - 1].text.n);
}

/* The raw lines from @from to @to, both included, as one text. */
static struct fb_str span(const struct fb_lines *lines, size_t from, size_t to)
{
    const struct fb_str a = lines->v[from].raw, b = lines->v[to].raw;
    return (struct fb_str){a.p, (size_t)(b.p + b.n - a.p)};
}

static bool ends_introduction(struct fb_str s)
{
    while (s.n && (s.p[s.n - 1] == '*' || s.p[s.n - 1] == '_'))
        s.n--;
    return s.n && (s.p[s.n - 1] == ':' || fb_str_iends(s, FB_STR("：")));
}

/* Where the paragraph of line @i begins, at most INTRODUCTION_MAX lines up. */
static size_t introduction_begin(const struct fb_lines *lines, size_t i)
{
    size_t from = i;
    while (from > 0 && i - from + 1 < INTRODUCTION_MAX && lines->v[from - 1].text.n && !lines->v[from - 1].marked &&
           !lines->v[from - 1].out && span(lines, from - 1, i).n <= INTRODUCTION_BYTES)
        from--;
    return from;
}

static bool opens(struct fb_str s)
{
    static const char *const openers[] = {"on ", "am ", "le ", "el ", "il ", "op ", "em ", "den ", "dnia ", "w dniu ", "quoting ", "in message", "at ",
                                          "*on ", "ha scritto", "pe ", "på ", "vào ", "dne ", "\"", "'", NULL};
    return s.n && (fb_lines_begins(s, openers) || fb_is_digit(s.p[0]));
}

/* Whether @s, from its first line to its ':', was written by a program. @followed: marked lines follow it. */
static bool is_attribution(struct fb_str s, bool followed)
{
    bool machine = has_address(s) || ((has_year(s) || has_date(s)) && has_clock(s));
    return machine ? followed || fb_lines_has(s, verbs) : followed && fb_lines_has(s, verbs);
}

/* The first line of an attribution that ends at line @i, or SIZE_MAX: the line that opens as one, else the fewest lines
 * that are one. */
static size_t attribution_begin(const struct fb_lines *lines, size_t i, bool followed)
{
    size_t fewest = SIZE_MAX;
    if (!ends_introduction(lines->v[i].text))
        return SIZE_MAX;
    for (size_t from = i, top = introduction_begin(lines, i);; from--) {
        struct fb_str s = span(lines, from, i);
        bool is = is_attribution(s, followed);
        if (is && opens(lines->v[from].text))
            return from;
        if (is && fewest == SIZE_MAX && (followed || has_address(s)))
            fewest = from;
        if (from == top)
            return fewest;
    }
}

static size_t dashes(struct fb_str s)
{
    size_t n = 0;
    while (n < s.n && (s.p[n] == '-' || s.p[n] == '_' || s.p[n] == '=' || s.p[n] == '*' || s.p[n] == ' '))
        n++;
    return n;
}

static bool is_divider(struct fb_str s)
{
    if (fb_lines_begins(s, plain_dividers))
        return true;
    return s.n < 200 && dashes(s) >= 2 && (s.p[0] == '-' || s.p[0] == '_' || s.p[0] == '=' || s.p[0] == '*') && fb_lines_has(s, dividers);
}

/* A line of underscores, dashes or the like alone. */
static bool is_ruler(struct fb_str s)
{
    return s.n >= 5 && dashes(s) == s.n;
}

/* ">>> Name <address> date >>>" of GroupWise: what follows is not marked. */
static bool is_groupwise(struct fb_str s)
{
    return fb_str_istarts(s, FB_STR(">>> ")) && fb_str_iends(s, FB_STR(">>>"));
}

static struct fb_str without_stars(struct fb_str s)
{
    while (s.n && s.p[0] == '*')
        s.p++, s.n--;
    return s;
}

/* "From: ", "*Von:* ", "Subject :". LABELS where it is none. */
static enum label label_of(struct fb_str s)
{
    s = without_stars(s);
    struct fb_str head = {s.p, s.n < 40 ? s.n : 40}, name;
    if (!head.n || !memchr(head.p, ':', head.n) || !fb_str_split(&head, ':', &name))
        return LABELS;
    name = fb_str_trim(name);
    while (name.n && name.p[name.n - 1] == '*')
        name.n--;
    while (name.n >= 2 && memcmp(name.p + name.n - 2, "\xC2\xA0", 2) == 0)
        name.n -= 2;
    for (enum label l = 0; l < LABELS; l++)
        for (const char *const *w = labels[l]; *w; w++)
            if (fb_str_ieq(name, fb_str(*w)))
                return l;
    return LABELS;
}

/* How far a field may go on in lines without a label: readers fill many. */
static size_t continuation_max(enum label l)
{
    return l == TO || l == COPY ? BLOCK_LINES_MAX : 2;
}

/* Whether a block of header lines begins at line @i: three different labels, of which one is the subject or the date. */
static bool is_block(const struct fb_lines *lines, size_t i)
{
    unsigned seen = 0;
    enum label last = label_of(lines->v[i].text);
    if (last == LABELS || last == OTHER)
        return false;
    size_t blanks = 0, others = 0;
    for (size_t j = i; j < lines->n && j < i + BLOCK_LINES_MAX; j++) {
        enum label l = label_of(lines->v[j].text);
        if (l != LABELS) {
            seen |= 1u << l;
            last = l;
            blanks = others = 0;
        } else if (!lines->v[j].text.n ? ++blanks > 3 : ++others > continuation_max(last) || blanks > 0)
            break;
        if (__builtin_popcount(seen & ~(1u << OTHER)) >= 3 && (seen & (1u << SUBJECT | 1u << DATE)))
            return true;
    }
    return false;
}

/* "02/15/2000 07:31 AM", "someone@example.org on 02/14/2000 07:16:06 PM". */
static bool is_stamp(struct fb_str s)
{
    return s.n < 120 && has_date(s) && has_clock(s);
}

/* "09:01:03 PM": what was folded off a stamp. */
static bool is_clock(struct fb_str s)
{
    return s.n >= 5 && s.n <= 11 && has_clock(s) && fb_is_digit(s.p[0]);
}

static bool is_preamble(const struct fb_line *l)
{
    enum label k = label_of(l->text);
    return is_ruler(l->text) || is_stamp(l->text) || k == OTHER || k == FROM || fb_str_istarts(l->text, FB_STR("please respond to")) ||
           (l->raw.n && (l->raw.p[0] == '\t' || fb_str_istarts(l->raw, FB_STR("  "))) && l->text.n < 60);
}

/* Lotus Notes puts name, date and company above the block, with empty lines between: up to where they begin. */
static size_t block_begin(const struct fb_lines *lines, size_t i)
{
    size_t begin = i;
    for (size_t j = i, looked = 0; j > 0 && looked < 10; looked++) {
        const struct fb_line *l = &lines->v[--j];
        if (!l->text.n)
            continue;
        if (is_preamble(l))
            begin = j;
        else if (begin == j + 1 && is_stamp(lines->v[begin].text) && l->text.n < 60)
            begin = j; /* the name above its date */
        else if (is_clock(l->text) && j > 0 && has_date(lines->v[j - 1].text))
            begin = --j;
        else
            break;
    }
    return begin;
}

/* Marked lines that were wrapped on their way go on without a mark: directly below one that is as wide as lines are
 * wrapped at, and not as a sentence begins. Before another marked line less width will do. */
static size_t wrapped_end(const struct fb_lines *lines, size_t i)
{
    size_t end = i + 1;
    while (end < lines->n && end < i + 10 && lines->v[end].text.n && !lines->v[end].marked)
        end++;
    bool between = end < lines->n && lines->v[end].marked, closed = between || end == lines->n || !lines->v[end].text.n;
    if (end == i + 1 || !closed || lines->v[i].raw.n < (between ? WRAPPED_BETWEEN : WRAPPED))
        return i + 1;
    char c = lines->v[i + 1].text.p[0];
    return c >= 'A' && c <= 'Z' ? i + 1 : end;
}

static void marks_find(struct fb_lines *lines)
{
    for (size_t i = 0; i < lines->n; i++)
        lines->v[i].marked = is_marked(lines->v[i].raw) && !is_folded_address(lines, i);
    for (size_t i = 0; i < lines->n; i++)
        if (lines->v[i].marked)
            fb_lines_out(lines, i, wrapped_end(lines, i));
}

/* Where line @i begins what is quoted to the end: its first line, or SIZE_MAX. */
static size_t rest_begin(const struct fb_lines *lines, size_t i, bool followed)
{
    struct fb_str s = lines->v[i].text;
    if (is_groupwise(s))
        return i;
    if (followed || lines->v[i].marked)
        return SIZE_MAX;
    if (is_divider(s))
        return i;
    if (is_block(lines, i))
        return block_begin(lines, i);
    return attribution_begin(lines, i, false);
}

void fb_quotes_find(struct fb_lines *lines)
{
    marks_find(lines);
    for (size_t i = 0; i < lines->n; i++) {
        struct fb_str s = lines->v[i].text;
        if (!s.n)
            continue;
        size_t next = fb_lines_next(lines, i + 1);
        bool followed = next < lines->n && next <= i + 3 && lines->v[next].marked;
        size_t begin = rest_begin(lines, i, followed);
        if (begin != SIZE_MAX) {
            fb_lines_out(lines, begin, lines->n);
            return;
        }
        if (!followed || lines->v[i].marked)
            continue;
        begin = is_divider(s) ? i : attribution_begin(lines, i, true);
        if (begin != SIZE_MAX)
            fb_lines_out(lines, begin, i + 1);
    }
}
