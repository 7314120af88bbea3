/* Reading what postcat(1) prints. Decides who the sender and the recipients of a queue file are, and what its
 * Message-ID is. Must never take words of a message for words of postcat: the sections are told apart by whole lines,
 * which come in one order, and no line of a header section can look like one (a field has no blank before its colon,
 * and postcat ends the section at the first line that is no field).
 *
 * DIAGNOSTICS: a text of another form is a failure that says in which part. */
#include "postcat.h"

struct parse {
    struct fb_str rest;
    struct fb_queue_mail *mail;
    struct fb_buf recipients;
    struct fb_str original, last; /* the recipient as the client named it; the last one that was listed */
    bool unseen, named;           /* of the coming recipient: no notices at all (RFC 3461, NEVER); an ORCPT is kept */
    unsigned senders, sizes;
};

/* "label: value", where @label ends in ": ". */
static bool labelled(struct fb_str line, struct fb_str label, struct fb_str *ret_value)
{
    if (line.n < label.n || memcmp(line.p, label.p, label.n) != 0)
        return false;
    *ret_value = (struct fb_str){line.p + label.n, line.n - label.n};
    return true;
}

/* What was said of one recipient does not hold for the next. */
static void recipient_forget(struct parse *p)
{
    p->original = FB_STR_NONE;
    p->unseen = p->named = false;
}

/* cleanup(8) keeps an ORCPT for each recipient that a client named. One without, and without notices, is what
 * always_bcc and its like add: the sender must not learn of it. Aliases give the same original several times. */
static int recipient_add(struct parse *p, struct fb_str recipient, struct fb_err *err)
{
    struct fb_str r = p->original.n ? p->original : recipient;
    bool skip = !r.n || (p->unseen && !p->named) || fb_str_eq(r, p->last);
    recipient_forget(p);
    if (skip)
        return 0;
    if (memchr(r.p, '\0', r.n))
        return fb_fail(err, "a recipient with a NUL in it");
    if (p->recipients.n)
        fb_buf_char(&p->recipients, '\0');
    fb_buf_add(&p->recipients, r);
    p->last = r;
    return 0;
}

/* "size offset recipients flags size options": of the options (smtputf8.h, SMTPUTF8_FLAG_*) the low four bits say why
 * a message needs SMTPUTF8. Postfix before 3.0 writes no options. */
static int size_take(struct parse *p, struct fb_str value, struct fb_err *err)
{
    enum { SMTPUTF8_FLAGS = 15 };
    int64_t number[6] = {0};
    struct fb_str word;
    for (size_t i = 0; fb_str_word(&value, &word); i++)
        if (i < 6 && !fb_str_int(word, 0, INT64_MAX, &number[i]))
            return fb_fail(err, "a size that is no number");
    p->mail->smtputf8 = number[5] & SMTPUTF8_FLAGS;
    p->sizes++;
    return 0;
}

static int record_take(struct parse *p, struct fb_str line, struct fb_err *err)
{
    struct fb_str value;
    if (labelled(line, FB_STR("message_size: "), &value))
        return size_take(p, value, err);
    if (labelled(line, FB_STR("sender: "), &p->mail->sender))
        p->senders++;
    else if (labelled(line, FB_STR("original_recipient: "), &value))
        p->original = value;
    else if (labelled(line, FB_STR("recipient: "), &value))
        return recipient_add(p, value, err);
    else if (labelled(line, FB_STR("done_recipient: "), &value) || labelled(line, FB_STR("canceled_recipient: "), &value))
        recipient_forget(p);
    else if (fb_str_eq(line, FB_STR("named_attribute: notify_flags=1")))
        p->unseen = true;
    else if (labelled(line, FB_STR("named_attribute: dsn_orig_rcpt="), &value))
        p->named = value.n > 0;
    return 0;
}

/* Lines of "label: value" up to the line @end. A line ends at its LF alone: a CR is part of what it stands in. */
static bool next_line(struct fb_str *rest, struct fb_str *ret_line)
{
    return rest->n && fb_str_split(rest, '\n', ret_line);
}

static int records_take(struct parse *p, struct fb_str end, struct fb_err *err)
{
    struct fb_str line;
    while (next_line(&p->rest, &line)) {
        if (fb_str_eq(line, end))
            return 0;
        if (record_take(p, line, err))
            return -1;
    }
    return fb_fail(err, "the envelope breaks off");
}

/* The value of a field of that name, blanks before its colon allowed (RFC 5322, 4.5.4). */
static bool field_is(struct fb_str line, struct fb_str name, struct fb_str *ret_value)
{
    struct fb_str found;
    *ret_value = line;
    fb_str_split(ret_value, ':', &found);
    return ret_value->p && fb_str_ieq(fb_str_trim(found), name);
}

/* The header section; the first Message-ID, unfolded (RFC 5322, 2.2.3). */
static int header_take(struct parse *p, struct fb_str end, struct fb_buf *message_id, struct fb_err *err)
{
    struct fb_str line, value;
    bool seen = false, within = false;
    while (next_line(&p->rest, &line)) {
        if (fb_str_eq(line, end))
            return 0;
        bool folded = line.n && (line.p[0] == ' ' || line.p[0] == '\t');
        if (!folded) {
            within = !seen && field_is(line, FB_STR("message-id"), &value);
            seen |= within;
        }
        if (within)
            fb_buf_add(message_id, folded ? line : value);
    }
    return fb_fail(err, "the header breaks off");
}

static int bounds_check(const struct parse *p, struct fb_err *err)
{
    if (p->senders != 1 || p->sizes != 1)
        return fb_fail(err, "%u senders and %u sizes, where one of each belongs", p->senders, p->sizes);
    if (p->mail->sender.n > FB_QUEUE_SENDER_MAX || p->mail->message_id.n > FB_QUEUE_MESSAGE_ID_MAX)
        return fb_fail(err, "a sender or a Message-ID that is too long");
    return 0;
}

int postcat_parse(struct fb_arena *arena, struct fb_str text, struct fb_queue_mail *ret, struct fb_err *err)
{
    struct parse p = {.rest = text, .mail = ret, .recipients = FB_BUF(arena), .original = FB_STR_NONE, .last = FB_STR_NONE};
    struct fb_buf message_id = FB_BUF(arena);
    struct fb_str line;
    ret->sender = FB_STR_NONE;
    ret->smtputf8 = false;
    if (!next_line(&p.rest, &line) || !fb_str_eq(line, FB_STR("*** ENVELOPE RECORDS stdin ***")))
        return fb_fail(err, "it does not begin with an envelope");
    if (records_take(&p, FB_STR("*** MESSAGE CONTENTS stdin ***"), err) ||
        header_take(&p, FB_STR("*** HEADER EXTRACTED stdin ***"), &message_id, err) ||
        records_take(&p, FB_STR("*** MESSAGE FILE END stdin ***"), err))
        return -1;
    if (p.rest.n)
        return fb_fail(err, "something follows its end");
    ret->recipients = fb_buf_str(&p.recipients);
    ret->message_id = fb_str_trim(fb_buf_str(&message_id));
    if (!ret->recipients.p || message_id.failed)
        return fb_fail_memory(err);
    return bounds_check(&p, err);
}
