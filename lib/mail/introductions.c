/* How mail clients introduce what they quote or forward: an attribution ("On ..., X wrote:"), a divider ("-----Original
 * Message-----"), or a block of header lines as Outlook and Lotus Notes put before what they answer. It must never take the
 * sender's own text for one because it holds a colon or a date: it wants proof that a program wrote it. */
#include "mail/introductions.h"

#define INTRODUCTION_MAX 4 /* lines over which an attribution is folded */
#define INTRODUCTION_BYTES 400
#define BLOCK_LINES_MAX 300 /* of a header block with long lists of readers */
#define DIVIDER_TO_BLOCK 6 /* lines between them: a name, a date, empty ones */

/* Verbs of attributions, in the languages of the mail clients that write them. */
const char *const fb_wrote[] = {
    "wrote", "writes", " said", "schrieb", "geschrieben", "écrit", "ecrit", "escribió", "escribio", "scritto", "schreef", "escreveu", "yazdı", "yazmış",
    "a scris", "napisał", "napisal", "pisze", "skrev", "kirjoitti", "napsal", "ezt írta", "írta", "написал", "пишет", "писал", "пише", "έγραψε",
    "写道", "寫道", "書きました", "のメール", "작성", "va escriure", "missatge de", "كتب", "تمت كتابة", "כתב", NULL};
static const char *const dividers[] = {
    "original message", "original appointment", "forwarded by", "forwarded message", "forwarded mail", "reply message", "reply separator",
    "inline attachment follows",
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
static const char *const labels[FB_LABELS][40] = {
    [FB_LABEL_FROM] = {"from", "author", "von", "de", "da", "van", "från", "fra", "od", "kimden", "gönderen", "expéditeur", "remitente", "mittente", "afzender", "lähettäjä", "feladó",
                       "de la", "От", "От кого", "Від", "Από", "发件人", "寄件者", "差出人", "보낸 사람", "من", "מאת", NULL},
    [FB_LABEL_DATE] = {"sent", "date", "gesendet", "datum", "envoyé", "envoyé le", "enviado", "enviado el", "enviado em", "enviada em", "enviada", "fecha", "inviato", "data", "verzonden",
                       "tarih", "gönderildi", "gönderme tarihi", "skickat", "sendt", "dato", "wysłano", "lähetetty", "odesláno", "elküldve", "küldve", "trimis", "Дата", "Отправлено",
                       "Надіслано", "Στάλθηκε", "发送时间", "傳送時間", "送信日時", "보낸 날짜", "تاريخ الإرسال", "נשלח", NULL},
    [FB_LABEL_TO] = {"to", "an", "à", "À", "a", "para", "aan", "till", "til", "kime", "alıcı", "destinataire", "destinatario", "do", "komu", "vastaanottaja", "címzett", "către", "Кому",
                     "Προς", "收件人", "收件者", "宛先", "받는 사람", "إلى", "אל", NULL},
    [FB_LABEL_COPY] = {"cc", "bcc", "kopie", "copie", "copia", "kopia", "kopi", "kopio", "bilgi", "dw", "másolatot kap", "Копия", "Копія", "Κοιν.", "抄送", "副本", "참조", "نسخة", "עותק", NULL},
    [FB_LABEL_SUBJECT] = {"subject", "betreff", "objet", "asunto", "oggetto", "onderwerp", "assunto", "konu", "Ämne", "emne", "temat", "aihe", "předmět", "tárgy", "subiect", "sujet", "Тема",
                          "Θέμα", "主题", "主旨", "件名", "제목", "الموضوع", "נושא", NULL},
    [FB_LABEL_OTHER] = {"reply-to", "importance", "attachments", "anlagen", "sent by", "please respond to", "antwort an", "wichtigkeit", "priority", NULL},
};

bool fb_lines_has(struct fb_str s, const char *const *words)
{
    for (; *words; words++)
        if (fb_str_ifind(s, fb_str(*words)) >= 0)
            return true;
    return false;
}

/* Most words differ in their first byte already. */
static bool may_begin(struct fb_str s, const char *word)
{
    return s.n && fb_lower(s.p[0]) == fb_lower(*word);
}

bool fb_lines_begins(struct fb_str s, const char *const *words)
{
    for (; *words; words++)
        if (may_begin(s, *words) && fb_str_istarts(s, fb_str(*words)))
            return true;
    return false;
}

bool fb_lines_is(struct fb_str s, const char *const *words)
{
    for (; *words; words++)
        if (may_begin(s, *words) && fb_str_ieq(s, fb_str(*words)))
            return true;
    return false;
}

static bool has_year(struct fb_str s)
{
    for (size_t i = 0; i + 4 <= s.n; i++)
        if ((memcmp(s.p + i, "19", 2) == 0 || memcmp(s.p + i, "20", 2) == 0) && fb_is_digit(s.p[i + 2]) && fb_is_digit(s.p[i + 3]) &&
            (i == 0 || !fb_is_digit(s.p[i - 1])) && (i + 4 == s.n || !fb_is_digit(s.p[i + 4])))
            return true;
    return false;
}

/* 9:15, 09:15, 9h15; "kl. 9.15" and "klo 9.15", as Danish and Finnish have it, where the rest is a date. */
static bool has_clock(struct fb_str s)
{
    for (size_t i = 1; i + 2 < s.n; i++)
        if ((s.p[i] == ':' || s.p[i] == 'h' || (s.p[i] == '.' && fb_str_ifind(s, FB_STR("kl")) >= 0)) && fb_is_digit(s.p[i - 1]) && fb_is_digit(s.p[i + 1]) && fb_is_digit(s.p[i + 2]))
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

/* "Ann Smith wrote" without a colon, alone in its paragraph: each word but the verb with a capital. */
static bool is_bare_attribution(const struct fb_lines *lines, size_t i)
{
    struct fb_str s = lines->v[i].text, word;
    size_t n = 0;
    if (s.n > 60 || !fb_str_iends(s, FB_STR(" wrote")) || (i && lines->v[i - 1].text.n))
        return false;
    for (s.n -= strlen(" wrote"); fb_str_word(&s, &word); n++)
        if (fb_is_alpha(word.p[0]) && word.p[0] >= 'a')
            return false;
    return n >= 1 && n <= 4;
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

/* Whether @s, from its first line to its ':', was written by a program. @followed: marked lines follow it. Some languages
 * need no verb: "3 Nov 2026 07:52, Ann <ann@example.com>:". */
static bool is_attribution(struct fb_str s, bool followed)
{
    bool time = (has_year(s) || has_date(s)) && has_clock(s), address = has_address(s);
    if (time && address && fb_str_iends(s, FB_STR(">:")))
        return true;
    return time || address ? followed || fb_lines_has(s, fb_wrote) : followed && fb_lines_has(s, fb_wrote);
}

/* "wrote:" alone: who did is on the line above. */
static bool is_verb_alone(struct fb_str s)
{
    return s.n < 24 && !memchr(s.p, ' ', s.n) && fb_lines_begins(s, fb_wrote);
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
        bool is = is_attribution(s, followed) && !(from == i && from > top && is_verb_alone(s));
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

/* ">>> Name <address> date >>>" */
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

/* Where the colon stands behind a label, and how many bytes it has: ':' or U+FF1A. */
static const char *colon(struct fb_str head, size_t *ret_n)
{
    const char *ascii = head.n ? memchr(head.p, ':', head.n) : NULL;
    ptrdiff_t wide = ascii ? -1 : fb_str_ifind(head, FB_STR("："));
    *ret_n = ascii ? 1 : 3;
    return ascii ? ascii : wide < 0 ? NULL : head.p + wide;
}

enum fb_label fb_label_of(struct fb_str s, struct fb_str *ret_value)
{
    size_t colon_n;
    s = without_stars(s);
    const char *at = colon((struct fb_str){s.p, s.n < 40 ? s.n : 40}, &colon_n);
    if (!at)
        return FB_LABELS;
    struct fb_str name = fb_str_trim((struct fb_str){s.p, (size_t)(at - s.p)});
    const char *value = at + colon_n;
    *ret_value = fb_str_trim(without_stars(fb_str_trim((struct fb_str){value, (size_t)(s.p + s.n - value)})));
    while (name.n && name.p[name.n - 1] == '*')
        name.n--;
    enum fb_label l = 0;
    while (l < FB_LABELS && !fb_lines_is(name, labels[l]))
        l++;
    return l;
}

/* How far a field may go on in lines without a label: readers fill many. */
static size_t continuation_max(enum fb_label l)
{
    return l == FB_LABEL_TO || l == FB_LABEL_COPY ? BLOCK_LINES_MAX : 2;
}

/* Behind the block of header lines that begins at line @i, or SIZE_MAX where none does: three different labels, of which
 * one is the subject or the date. Lotus Notes leaves empty lines before the subject. */
static size_t block_end(const struct fb_lines *lines, size_t i)
{
    unsigned seen = 0;
    enum fb_label last = lines->v[i].label;
    if (last == FB_LABELS || last == FB_LABEL_OTHER)
        return SIZE_MAX;
    size_t blanks = 0, others = 0, end = i;
    for (size_t j = i; j < lines->n && j < i + BLOCK_LINES_MAX; j++) {
        enum fb_label l = lines->v[j].label;
        if (l != FB_LABELS) {
            seen |= 1u << l;
            last = l;
            blanks = others = 0;
        } else if (!lines->v[j].text.n ? ++blanks > 3 : ++others > continuation_max(last) || blanks > 0)
            break;
        if (blanks && (seen & 1u << FB_LABEL_SUBJECT))
            break;
        if (l != FB_LABELS || last == FB_LABEL_TO || last == FB_LABEL_COPY)
            end = j + 1;
    }
    bool is = __builtin_popcount(seen & ~(1u << FB_LABEL_OTHER)) >= 3 && (seen & (1u << FB_LABEL_SUBJECT | 1u << FB_LABEL_DATE));
    return is ? end : SIZE_MAX;
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
    enum fb_label k = l->label;
    return is_ruler(l->text) || is_stamp(l->text) || k == FB_LABEL_OTHER || k == FB_LABEL_FROM || fb_str_istarts(l->text, FB_STR("please respond to")) ||
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

/* A divider may have a header block below it, with what Lotus Notes puts above one; its own end may be folded. */
static size_t divider_end(const struct fb_lines *lines, size_t i)
{
    if (i + 1 < lines->n && fb_str_iends(lines->v[i + 1].text, FB_STR("---")))
        i++;
    size_t next = fb_lines_next(lines, i + 1);
    for (size_t j = next; j < lines->n && j < next + DIVIDER_TO_BLOCK; j++) {
        size_t end = block_end(lines, j);
        if (end != SIZE_MAX)
            return block_begin(lines, j) <= next ? end : i + 1;
    }
    return i + 1;
}

bool fb_introduces_rest(const struct fb_lines *lines, size_t i, struct fb_introduction *ret)
{
    struct fb_str s = lines->v[i].text;
    size_t begin = i, end = i + 1;
    if (is_divider(s))
        end = divider_end(lines, i);
    else if (!is_groupwise(s)) {
        size_t block = block_end(lines, i);
        begin = block == SIZE_MAX ? attribution_begin(lines, i, false) : block_begin(lines, i);
        end = block == SIZE_MAX ? i + 1 : block;
    }
    if (begin == SIZE_MAX)
        return false;
    while (begin > 0 && (!lines->v[begin - 1].text.n || is_ruler(lines->v[begin - 1].text)))
        begin--;
    *ret = (struct fb_introduction){begin, end};
    return true;
}

bool fb_introduces_marked(const struct fb_lines *lines, size_t i, struct fb_introduction *ret)
{
    struct fb_str s = lines->v[i].text;
    size_t begin = is_divider(s) || is_groupwise(s) || is_bare_attribution(lines, i) ? i : attribution_begin(lines, i, true);
    *ret = (struct fb_introduction){begin, i + 1};
    return begin != SIZE_MAX;
}

bool fb_introduces_inside(const struct fb_lines *lines, size_t i, struct fb_introduction *ret)
{
    for (size_t j = i; j < lines->n && j < i + INTRODUCTION_MAX && lines->v[j].marked; j++)
        if (ends_introduction(lines->v[j].text)) {
            *ret = (struct fb_introduction){i, j + 1};
            return is_attribution(span(lines, i, j), false);
        }
    return false;
}

bool fb_introduces_only(const struct fb_lines *lines, size_t i)
{
    struct fb_str s = lines->v[i].text;
    bool verb = i > 0 && s.n < 24 && s.n && s.p[s.n - 1] == ':' && fb_lines_has(s, fb_wrote);
    return is_groupwise(s) || (verb && !lines->v[i - 1].marked && has_address(lines->v[i - 1].text) &&
                               memchr(lines->v[i - 1].text.p, '<', lines->v[i - 1].text.n));
}

bool fb_introduction_forwards(struct fb_str s)
{
    return fb_lines_has(s, (const char *const[]){"forwarded", "weitergeleitet", "transféré", "réexpédié", "reenviado", "inoltrato", "doorgestuurd", "encaminhada",
                                                 "iletilmiş", "yönlendirilmiş", "iletilen", "vidarebefordrat", "videresendt", "przekazywan", "пересыл", NULL});
}
