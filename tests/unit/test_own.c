/* The sender's own words, as each mail client leaves them, and the own words that only look like a quote. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mail/charset.h"
#include "mail/html.h"
#include "mail/message.h"
#include "mail/own.h"

struct own_case {
    const char *name, *text, *want;
};

#define OUTLOOK "From: Ann Smith [mailto:ann@example.com]\nSent: Monday, November 2, 2026 9:15 AM\nTo: Bob\nSubject: RE: Plan\n\nold words\n"

static const struct own_case quoted[] = {
    {"Gmail", "New.\n\nOn Tue, 3 Nov 2026 at 07:52, Ann <ann@example.com> wrote:\n> old\n> words\n", "New."},
    {"Gmail, folded", "New.\n\nOn Tue, Nov 3, 2026 at 7:52 AM Ann Longname of the Department <\nann.longname@example.com> wrote:\n\n> old\n", "New."},
    {"Gmail, folded into a mark", "New.\n\nOn Thu, Jun 8, 2017 at 1:43 AM, Ann <ann@example.com\n> wrote:\n\n> old\n", "New."},
    {"Gmail, without marks", "New.\n\nOn Tue, 3 Nov 2026 at 07:52, Ann <ann@example.com> wrote:\n\nold words\n", "New."},
    {"Apple Mail", "New.\n\n> On 3 Nov 2026, at 07:52, Ann <ann@example.com> wrote:\n> \n> old\n", "New."},
    {"Thunderbird", "On 03/11/2026 07:52, Ann wrote:\n> old\n\nNew.\n", "New."},
    {"Yahoo", "New.\n\n    On Tuesday, November 3, 2026, 07:52:10 AM GMT, Ann <ann@example.com> wrote:  \n \n old words\n", "New."},
    {"Outlook", "New.\n\n-----Original Message-----\n" OUTLOOK, "New."},
    {"Outlook, a ruler", "New.\n\n________________________________\n" OUTLOOK, "New."},
    {"Outlook, no divider", "New.\n\n" OUTLOOK, "New."},
    {"Outlook, bold labels", "New.\n\n*From:* Ann\n*Sent:* Monday, 9:15\n*To:* Bob\n*Subject:* x\n\nold\n", "New."},
    {"Outlook, many readers", "New.\n\nFrom: Ann\nTo: A <a@x.org>; B <b@x.org>;\n C <c@x.org>; D <d@x.org>;\n E <e@x.org>\nSubject: x\n\nold\n", "New."},
    {"Lotus Notes", "New.\n\n\n\n\nAnn Smith@EXAMPLE\n02/15/2026 07:31 AM\nTo: Bob/HOU/EX@EX\ncc:  \nSubject: Re: x\n\nold\n", "New."},
    {"Lotus Notes, from outside", "New.\n\n\nann@example.com on 02/14/2026 07:16:06 PM\nPlease respond to ann@example.com\nTo: bob@example.org\ncc:  \n\nSubject: x\n\nold\n", "New."},
    {"Lotus Notes, forwarded", "New.\n---------------------- Forwarded by Bob/HOU/EX on 02/15/2026 \n08:34 AM ---------------------------\n\nold\n", "New."},
    {"GroupWise", "New.\n\n>>> Ann Smith <ann@example.com> 02/14/26 07:16PM >>>\nold words\n", "New."},
    {"forwarded by Gmail", "See below.\n\n---------- Forwarded message ---------\nFrom: Ann <ann@example.com>\nDate: x\n\nold\n", "See below."},
    {"forwarded by Apple Mail", "See below.\n\nBegin forwarded message:\n\n> From: Ann\n> old\n", "See below."},
    {"German", "Neu.\n\nAm 03.11.2026 um 07:52 schrieb Ann Schmidt <ann@example.com>:\n> alt\n", "Neu."},
    {"German Outlook", "Neu.\n\nVon: Ann <ann@example.com>\nGesendet: Montag, 2. November 2026 09:15\nAn: Bob\nBetreff: AW: Plan\n\nalt\n", "Neu."},
    {"French", "Neuf.\n\nLe mar. 3 nov. 2026 \xc3\xa0 07:52, Ann <ann@example.com> a \xc3\xa9" "crit :\n\nvieux\n", "Neuf."},
    {"French Outlook", "Neuf.\n\nDe : Ann <ann@example.com>\nEnvoy\u00e9 : lundi 2 novembre 2026 09:15\n\u00c0 : Bob\nObjet : RE: Plan\n\nvieux\n", "Neuf."},
    {"Spanish", "Nuevo.\n\nEl mar, 3 nov 2026 a las 7:52, Ann (<ann@example.com>) escribi\u00f3:\n\nviejo\n", "Nuevo."},
    {"Italian", "Nuovo.\n\nIl giorno mar 3 nov 2026 alle ore 07:52 Ann <ann@example.com> ha\nscritto:\n\nvecchio\n", "Nuovo."},
    {"Dutch", "Nieuw.\n\nOp di 3 nov 2026 om 07:52 schreef Ann <ann@example.com>:\n\noud\n", "Nieuw."},
    {"Portuguese", "Novo.\n\nEm ter., 3 de nov. de 2026 \u00e0s 07:52, Ann <ann@example.com> escreveu:\n\nvelho\n", "Novo."},
    {"Turkish", "Yeni.\n\nAnn <ann@example.com>, 3 Kas 2026 Sal, 07:52 tarihinde \u015funu yazd\u0131:\n\neski\n", "Yeni."},
    {"Turkish Outlook", "Yeni.\n\nKimden: Ann\nG\u00f6nderildi: 2 Kas\u0131m 2026\nKime: Bob\nKonu: Plan\n\neski\n", "Yeni."},
    {"answers between the lines", "On 3 Nov 2026 at 07:52, Ann <ann@example.com> wrote:\n> Who?\nMe.\n\n> When?\n\nNow.\n", "Me.\n\nNow."},
    {"a quote wrapped on its way", "> this line of the quoted message was wrapped by the client of somebody on\nits way\n> to here\n\nMine.\n", "Mine."},
    {"an answer right below its paragraph", "Right.\nann@example.com wrote:\n>\n> old\n", "Right."},
};

#define ANN "Ann Smith <ann@example.com>"

/* As mail clients introduce a reply, above "> old". */
static const struct {
    const char *client, *attribution;
} attributions[] = {
    {"Gmail, English", "On Tue, Nov 3, 2026 at 7:52\u202fAM " ANN " wrote:"},
    {"Gmail, German", "Am Di., 3. Nov. 2026 um 07:52 Uhr schrieb " ANN ":"},
    {"Gmail, French", "Le mar. 3 nov. 2026 à 07:52, " ANN " a écrit :"},
    {"Gmail, Spanish", "El mar, 3 nov 2026 a las 7:52, Ann Smith (<ann@example.com>) escribió:"},
    {"Gmail, Catalan", "Missatge de " ANN " del dia dt., 3 de nov. 2026 a les 7:52:"},
    {"Gmail, Italian", "Il giorno mar 3 nov 2026 alle ore 07:52 " ANN " ha scritto:"},
    {"Gmail, Portuguese of Brazil", "Em ter., 3 de nov. de 2026 às 07:52, " ANN " escreveu:"},
    {"Gmail, Portuguese", ANN " escreveu (terça, 3/11/2026 à(s) 07:52):"},
    {"Gmail, Dutch", "Op di 3 nov 2026 om 07:52 schreef " ANN ":"},
    {"Gmail, Turkish", ANN ", 3 Kas 2026 Sal, 07:52 tarihinde şunu yazdı:"},
    {"Gmail, Swedish", "Den tis 3 nov. 2026 kl 07:52 skrev " ANN ":"},
    {"Gmail, Danish", "Den tirs. 3. nov. 2026 kl. 07.52 skrev " ANN ":"},
    {"Gmail, Norwegian", "tir. 3. nov. 2026 kl. 07:52 skrev " ANN ":"},
    {"Gmail, Finnish", "ti 3. marrask. 2026 klo 7.52 Ann Smith (ann@example.com) kirjoitti:"},
    {"Gmail, Polish", "wt., 3 lis 2026 o 07:52 " ANN " napisał(a):"},
    {"Gmail, Czech", "út 3. 11. 2026 v 7:52 odesílatel " ANN " napsal:"},
    {"Gmail, Hungarian", ANN " ezt írta (időpont: 2026. nov. 3., K, 7:52):"},
    {"Gmail, Romanian", "mar., 3 nov. 2026 la 07:52, " ANN " a scris:"},
    {"Gmail, Russian", "вт, 3 нояб. 2026 г. в 07:52, " ANN ":"},
    {"Gmail, Ukrainian", "вт, 3 лист. 2026 р. о 07:52 " ANN " пише:"},
    {"Gmail, Greek", "Στις Τρί 3 Νοε 2026 στις 7:52 π.μ., ο χρήστης " ANN " έγραψε:"},
    {"Gmail, Japanese", "2026年11月3日(火) 7:52 " ANN ":"},
    {"Gmail, Chinese", ANN " 于2026年11月3日周二 07:52写道："},
    {"Gmail, Korean", "2026년 11월 3일 (화) 오전 7:52, " ANN "님이 작성:"},
    {"Gmail, Arabic", "في الثلاثاء، 3 نوفمبر 2026 في 7:52 ص تمت كتابة ما يلي بواسطة " ANN ":"},
    {"Gmail, Hebrew", "\u202bבתאריך יום ג׳, 3 בנוב׳ 2026 ב-7:52 מאת " ANN ":\u202c"},
    {"Apple Mail, English", "On Nov 3, 2026, at 7:52\u202fAM, " ANN " wrote:"},
    {"Apple Mail, German", "Am 03.11.2026 um 07:52 schrieb " ANN ":"},
    {"Apple Mail, French", "Le 3 nov. 2026 à 07:52, " ANN " a écrit :"},
    {"Apple Mail, Spanish", "El 3 nov 2026, a las 7:52, " ANN " escribió:"},
    {"Apple Mail, Italian", "Il giorno 3 nov 2026, alle ore 07:52, " ANN " ha scritto:"},
    {"Apple Mail, Turkish", ANN " şunları yazdı (3 Kas 2026 07:52):"},
    {"Thunderbird, English", "On 11/3/26 7:52 AM, Ann Smith wrote:"},
    {"Thunderbird, German", "Am 03.11.26 um 07:52 schrieb Ann Smith:"},
    {"Thunderbird, French", "Le 03/11/2026 à 07:52, Ann Smith a écrit :"},
    {"Thunderbird, Spanish", "El 3/11/26 a las 7:52, Ann Smith escribió:"},
    {"Thunderbird, Italian", "Il 03/11/26 07:52, Ann Smith ha scritto:"},
    {"Thunderbird, Dutch", "Op 03-11-2026 om 07:52 schreef Ann Smith:"},
    {"Thunderbird, Polish", "W dniu 03.11.2026 o 07:52, Ann Smith pisze:"},
    {"Thunderbird, Russian", "03.11.2026 7:52, Ann Smith пишет:"},
    {"Yahoo, English", "On Tuesday, November 3, 2026 at 07:52:10 AM GMT, " ANN " wrote:"},
    {"Yahoo, German", "Am Dienstag, 3. November 2026 um 07:52:10 MEZ hat " ANN " Folgendes geschrieben:"},
    {"Yahoo, Spanish", "El martes, 3 de noviembre de 2026, 07:52:10 CET, " ANN " escribió:"},
    {"Proton", "On Tuesday, November 3rd, 2026 at 7:52 AM, " ANN " wrote:"},
    {"Outlook for Android", "On Tue, Nov 3, 2026 at 7:52 AM +0100, \"Ann Smith\" <ann@example.com> wrote:"},
    {"mutt", "On Tue, Nov 03, 2026 at 07:52:10AM +0100, Ann Smith wrote:"},
    {"Gnus", "Ann Smith <ann@example.com> writes:"},
};

/* As Outlook, Exchange and others put header lines above what is answered, in unmarked text. */
static const struct {
    const char *language, *block;
} header_lines[] = {
    {"English", "From: Ann <ann@example.com>\nSent: Tuesday, November 3, 2026 7:52 AM\nTo: Bob <bob@example.com>\nCc: Team <team@example.com>\nSubject: RE: Plan"},
    {"German", "Von: Ann <ann@example.com>\nGesendet: Dienstag, 3. November 2026 07:52\nAn: Bob <bob@example.com>\nBetreff: AW: Plan"},
    {"French", "De : Ann <ann@example.com>\nEnvoyé : mardi 3 novembre 2026 07:52\nÀ : Bob <bob@example.com>\nObjet : RE: Plan"},
    {"Spanish", "De: Ann <ann@example.com>\nEnviado: martes, 3 de noviembre de 2026 7:52\nPara: Bob <bob@example.com>\nAsunto: RE: Plan"},
    {"Italian", "Da: Ann <ann@example.com>\nInviato: martedì 3 novembre 2026 07:52\nA: Bob <bob@example.com>\nOggetto: R: Plan"},
    {"Dutch", "Van: Ann <ann@example.com>\nVerzonden: dinsdag 3 november 2026 07:52\nAan: Bob <bob@example.com>\nOnderwerp: RE: Plan"},
    {"Portuguese", "De: Ann <ann@example.com>\nEnviada em: terça-feira, 3 de novembro de 2026 07:52\nPara: Bob <bob@example.com>\nAssunto: RES: Plan"},
    {"Turkish", "Kimden: Ann <ann@example.com>\nGönderildi: 3 Kasım 2026 Salı 07:52\nKime: Bob <bob@example.com>\nKonu: YNT: Plan"},
    {"Swedish", "Från: Ann <ann@example.com>\nSkickat: den 3 november 2026 07:52\nTill: Bob <bob@example.com>\nÄmne: SV: Plan"},
    {"Danish", "Fra: Ann <ann@example.com>\nSendt: 3. november 2026 07:52\nTil: Bob <bob@example.com>\nEmne: SV: Plan"},
    {"Finnish", "Lähettäjä: Ann <ann@example.com>\nLähetetty: tiistai 3. marraskuuta 2026 7.52\nVastaanottaja: Bob <bob@example.com>\nAihe: VS: Plan"},
    {"Polish", "Od: Ann <ann@example.com>\nWysłano: wtorek, 3 listopada 2026 07:52\nDo: Bob <bob@example.com>\nTemat: ODP: Plan"},
    {"Czech", "Od: Ann <ann@example.com>\nOdesláno: úterý 3. listopadu 2026 7:52\nKomu: Bob <bob@example.com>\nPředmět: RE: Plan"},
    {"Hungarian", "Feladó: Ann <ann@example.com>\nElküldve: 2026. november 3. 7:52\nCímzett: Bob <bob@example.com>\nTárgy: RE: Plan"},
    {"Romanian", "De la: Ann <ann@example.com>\nTrimis: marți, 3 noiembrie 2026 07:52\nCătre: Bob <bob@example.com>\nSubiect: RE: Plan"},
    {"Russian", "От: Ann <ann@example.com>\nОтправлено: 3 ноября 2026 г. 7:52\nКому: Bob <bob@example.com>\nТема: RE: Plan"},
    {"Greek", "Από: Ann <ann@example.com>\nΣτάλθηκε: Τρίτη, 3 Νοεμβρίου 2026 7:52 πμ\nΠρος: Bob <bob@example.com>\nΘέμα: RE: Plan"},
    {"Chinese", "发件人：Ann <ann@example.com>\n发送时间：2026年11月3日 7:52\n收件人：Bob <bob@example.com>\n主题：Plan"},
    {"Japanese", "差出人: Ann <ann@example.com>\n送信日時: 2026年11月3日 7:52\n宛先: Bob <bob@example.com>\n件名: RE: Plan"},
    {"Korean", "보낸 사람: Ann <ann@example.com>\n보낸 날짜: 2026년 11월 3일 화요일 7:52\n받는 사람: Bob <bob@example.com>\n제목: RE: Plan"},
};

static const struct own_case below[] = {
    {"a signature", "New.\n\n-- \nBob Smith\nSales\n+1 713 555 0100\n", "New."},
    {"a signature above a quote", "New.\n\n-- \nBob\n\nOn 3 Nov 2026 at 07:52, Ann <a@example.com> wrote:\n> old\n", "New."},
    {"a card below a sign-off", "New.\n\nBest regards,\nBob\n\nBob Smith\nSales Manager\nExample Inc.\nTel: +1 713 555 0100\n", "New.\n\nBest regards,\nBob"},
    {"a card without a sign-off", "Please look at the plan.\n\nBob Smith\nSenior Engineer\nMobile: +1 713 555 0100\nbob@example.com\n", "Please look at the plan."},
    {"an iPhone", "New.\n\nSent from my iPhone\n", "New."},
    {"a German iPhone", "Neu.\n\nVon meinem iPhone gesendet\n", "Neu."},
    {"Outlook's app", "New.\n\nGet Outlook for iOS<https://aka.ms/x>\n", "New."},
    {"a French iPhone", "Neuf.\n\nEnvoyé de mon iPhone\n", "Neuf."},
    {"a Spanish Samsung", "Nuevo.\n\nEnviado desde mi Samsung Galaxy\n", "Nuevo."},
    {"a Turkish iPhone", "Yeni.\n\niPhone'umdan gönderildi\n", "Yeni."},
    {"a card whose name stands alone", "I will be late.\n\nBob Smith\nx3-5290\n", "I will be late."},
    {"a card in two paragraphs", "Please look.\nThanks.  Bob\n\nBob Smith\nExample Corp.\n1 Main Street, Suite 2\n\nTel: +1 713 555 0100\nFax: +1 713 555 0101\n", "Please look.\nThanks.  Bob"},
    {"a card below a nickname", "Not tons of it.\n\nbobby\nBob Smith\nbob@example.com\n", "Not tons of it.\n\nbobby"},
    {"a card between rulers", "Done.\n\n*****************\nBob Smith, CFA\nConsultant\n(415) 555-0100 ph.\n*****************\n", "Done."},
    {"a card above a forward", "Bob Smith\nSenior Counsel\n(713) 555-0100\n---- Forwarded by Bob Smith/NA/Example on 03/30/2026 01:37 PM -----\n\nold\n", ""},
    {"a card below a quote", "Yes.\n\n> old\n\nTel: +1 713 555 0100\nhttp://www.example.com\n", "Yes."},
    {"a name in the sign-off", "Please send it.\n\nRegards, Bob\nBob Smith\nSenior Counsel\nTel: +1 713 555 0100\n", "Please send it.\n\nRegards, Bob"},
    {"a card above attachments", "Here it is.\n\nThanks\nBob Smith\n+1 713 555 0100\n\n - plan.doc\n", "Here it is.\n\nThanks\nBob Smith\n\n- plan.doc"},
    {"a folded disclaimer", "New.\n\nThis is a PRIVATE message. If you are not the intended\nrecipient, do not read it and do not disclose it to others. Please notify\nthe sender.\n", "New."},
    {"a German disclaimer", "Neu.\n\nDiese E-Mail ist vertraulich. Wenn Sie nicht der richtige Adressat sind, informieren Sie bitte den Absender\nund vernichten Sie diese Mail. Das unbefugte Kopieren ist nicht gestattet.\n", "Neu."},
    {"a disclaimer that comes first", "This mail is confidential and intended solely for the addressee. If you received it in error, notify the\nsender and delete it.\n\nNew.\n", "New."},
    {"a disclaimer", "New.\n\n*****\nThis e-mail is confidential and may be privileged. If you are not the intended recipient,\nplease notify the sender and delete it.\n*****\n", "New."},
    {"a provider's footer", "New.\n\n__________________________________________________\nDo You Yahoo!?\nhttp://mail.example.com\n", "New."},
};

static const struct own_case kept[] = {
    {"nothing at all", "", ""},
    {"colons", "To be clear:\nFrom: Monday\nTo: Friday\nwe are closed.\n", "To be clear:\nFrom: Monday\nTo: Friday\nwe are closed."},
    {"what somebody wrote", "On Monday you wrote: \"I will be there.\" You were not.\n", "On Monday you wrote: \"I will be there.\" You were not."},
    {"what he wrote, on a line of its own", "As Bob wrote:\n\nNever again.\n\nI agree.\n", "As Bob wrote:\n\nNever again.\n\nI agree."},
    {"the original message, spoken of", "The original message was better.\n", "The original message was better."},
    {"an address that a sentence introduces", "Send it here:\n\nBob Smith\n1 Main Street\nbob@example.com\n+1 713 555 0100\n", "Send it here:\n\nBob Smith\n1 Main Street\nbob@example.com\n+1 713 555 0100"},
    {"an arrow", "a -> b\n-> c\n", "a -> b\n-> c"},
    {"thanks in the middle", "Thanks.\nBob\nwill call you tomorrow at 713-555-0100, I think.\nDo not wait for me.\n", "Thanks.\nBob\nwill call you tomorrow at 713-555-0100, I think.\nDo not wait for me."},
    {"what came in error", "I received this in error and it looks confidential to me, so please delete it at your end\nand tell Ann that she should look at whom she writes to.\n",
     "I received this in error and it looks confidential to me, so please delete it at your end and tell Ann that she should look at whom she writes to."},
    {"two people", "I would ask two people.\n\nBob Smith\nAnn Jones\n", "I would ask two people.\n\nBob Smith\nAnn Jones"},
    {"a postscript", "New.\n\nRegards\nBob\n\nPS: The site is http://www.example.com and it is down.\n", "New.\n\nRegards\nBob\n\nPS: The site is http://www.example.com and it is down."},
    {"values", "Here is what it says.\n\nSELLER_PHONE = 602.555.0100\nSELLER_MAIL = sales@example.com\n", "Here is what it says.\n\nSELLER_PHONE = 602.555.0100\nSELLER_MAIL = sales@example.com"},
    {"a time and a colon", "Meeting on 3 Nov 2026 at 07:52 with ann@example.com:\nbring the plan.\n", "Meeting on 3 Nov 2026 at 07:52 with ann@example.com:\nbring the plan."},
    {"who wrote, in a sentence", "I did what Ann wrote\n\nand it failed.\n", "I did what Ann wrote\n\nand it failed."},
    {"what is confidential", "This is confidential. Please tell nobody.\n", "This is confidential. Please tell nobody."},
    {"sent from my desk", "It was sent from my desk.\nSent from my point of view it was wrong.\n", "It was sent from my desk.\nSent from my point of view it was wrong."},
    {"wrapped lines", "This is a paragraph that a mail client wrapped at seventy-two columns or\nso, as they do.\nShort line.\nOther.\n",
     "This is a paragraph that a mail client wrapped at seventy-two columns or so, as they do.\nShort line.\nOther."},
    {"a list", "We need the following things before the end of the week, all of them now:\n- one\n- two\n1. three\n",
     "We need the following things before the end of the week, all of them now:\n- one\n- two\n1. three"},
};

/* The same of mail that is HTML alone, as each client writes it. */
static const struct own_case html[] = {
    {"Gmail",
     "<div dir=\"ltr\">New.<div><br></div><div>Bob</div></div><br><div class=\"gmail_quote\"><div dir=\"ltr\" class=\"gmail_attr\">On Tue, Nov 3, 2026 at 7:52\u202fAM Ann &lt;"
     "<a href=\"mailto:ann@example.com\">ann@example.com</a>&gt; wrote:<br></div><blockquote class=\"gmail_quote\" style=\"margin:0px 0px 0px 0.8ex;border-left:1px solid "
     "rgb(204,204,204);padding-left:1ex\"><div>old</div></blockquote></div>",
     "New.\n\nBob"},
    {"Gmail, answers between the lines",
     "<div class=\"gmail_quote\"><div class=\"gmail_attr\">On Tue, Nov 3, 2026 at 7:52 AM Ann &lt;ann@example.com&gt; wrote:</div><blockquote class=\"gmail_quote\">Who?</blockquote>"
     "<div>Me.</div><blockquote class=\"gmail_quote\">When?</blockquote><div>Now.</div></div>",
     "Me.\n\nNow."},
    {"Gmail, forwarded",
     "<div>See below.</div><div class=\"gmail_quote\"><div class=\"gmail_attr\">---------- Forwarded message ---------<br>From: <strong>Ann</strong> &lt;ann@example.com&gt;<br>Date: "
     "Tue, Nov 3, 2026 at 7:52 AM<br>Subject: Plan<br>To: Bob<br></div><br><div>old</div></div>",
     "See below."},
    {"Gmail, one's own words indented", "<div>One.</div><blockquote style=\"margin:0 0 0 40px;border:none;padding:0px\"><div>Two.</div></blockquote>", "One.\nTwo."},
    {"Outlook",
     "<html><head><style><!-- p.MsoNormal {margin:0cm} --></style></head><body lang=DE><div class=WordSection1><p class=MsoNormal>New.<o:p></o:p></p><p class=MsoNormal><o:p>&nbsp;</o:p>"
     "</p><div><div style='border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0cm 0cm 0cm'><p class=MsoNormal><b>Von:</b> Ann &lt;ann@example.com&gt; <br><b>Gesendet:</b> Dienstag, "
     "3. November 2026 07:52<br><b>An:</b> Bob<br><b>Betreff:</b> Plan<o:p></o:p></p></div></div><p class=MsoNormal>old<o:p></o:p></p></div></body></html>",
     "New."},
    {"Outlook on the web",
     "<div class=\"elementToProof\">New.</div><div id=\"appendonsend\"></div><hr style=\"display:inline-block;width:98%\" tabindex=\"-1\"><div id=\"divRplyFwdMsg\" dir=\"ltr\"><font face="
     "\"Calibri\"><b>Lähettäjä:</b> Ann &lt;ann@example.com&gt;<br><b>Lähetetty:</b> tiistai<br></font><div>&nbsp;</div></div><div>old</div>",
     "New."},
    {"Outlook for a phone",
     "<div dir=\"ltr\">New.</div><div id=\"ms-outlook-mobile-signature\">Get <a href=\"https://aka.ms/o0ukef\">Outlook for iOS</a></div><div id=\"mail-editor-reference-message-container\">"
     "<hr><div id=\"divRplyFwdMsg\"><b>From:</b> Ann</div>old</div>",
     "New."},
    {"Apple Mail",
     "<html><body style=\"overflow-wrap: break-word;\">New.<br id=\"lineBreakAtBeginningOfMessage\"><div><br><blockquote type=\"cite\"><div>On Nov 3, 2026, at 7:52\u202fAM, Ann "
     "&lt;ann@example.com&gt; wrote:</div><br class=\"Apple-interchange-newline\"><div>old</div></blockquote></div></body></html>",
     "New."},
    {"Thunderbird, below the quote",
     "<div class=\"moz-cite-prefix\">Am 03.11.26 um 07:52 schrieb Ann:<br></div><blockquote type=\"cite\" cite=\"mid:1@example.com\">old</blockquote><p>Neu.</p><pre class="
     "\"moz-signature\" cols=\"72\">-- \nBob Smith\nExample GmbH</pre>",
     "Neu."},
    {"Yahoo",
     "<div class=\"ydp1\"><div>New.</div></div><div id=\"yahoo_quoted_1\" class=\"yahoo_quoted\"><div>On Tuesday, November 3, 2026 at 07:52:10 AM GMT, Ann wrote:</div><div>old</div></div>",
     "New."},
    {"Lotus Notes",
     "<font size=2 face=\"sans-serif\">New.</font><br><br><br><table width=100%><tr><td><font size=1 color=#5f5f5f>From: </font><td><font size=1>Ann Smith/HOU/EX</font><tr><td>To: <td>Bob"
     "/HOU/EX@EX<tr><td>Date: <td>11/03/2026 07:52 AM<tr><td>Subject: <td>Plan</table><hr noshade><br>old",
     "New."},
    {"hidden text", "<div style=\"display:none;font-size:1px\">Open me now</div><p>New.</p><div style=\"mso-hide:all\">tracking words</div>", "New."},
};

static void own_is(const struct own_case *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        FB_ARENA a = fb_arena_new(1u << 20);
        struct fb_own own;
        struct fb_err err;
        assert_int_equal(fb_own_words(a, fb_str(cases[i].text), &own, &err), 0);
        if (!fb_str_eq(own.text, fb_str(cases[i].want)))
            fail_msg("%s: \"%.*s\", wanted \"%s\"", cases[i].name, FB_FMT(own.text), cases[i].want);
    }
}
#define OWN_IS(cases) own_is(cases, sizeof cases / sizeof *cases)

static void what_is_quoted_goes(void **state)
{
    (void)state;
    OWN_IS(quoted);
}

/* How much of it is wrong. */
static int reply_is(const char *name, const char *format, const char *introduction, const char *want)
{
    FB_ARENA a = fb_arena_new(1u << 20);
    struct fb_own own;
    struct fb_err err;
    struct fb_str text = fb_arena_printf(a, format, introduction);
    assert_int_equal(fb_charset_tidy(a, text, &text, &err), 0);
    assert_int_equal(fb_own_words(a, text, &own, &err), 0);
    bool cut = fb_str_eq(own.text, fb_str(want)), by = fb_str_eq(own.quoted.addr, FB_STR("ann@example.com")) || fb_str_eq(own.quoted.name, FB_STR("Ann Smith"));
    if (!cut)
        print_error("%s: \"%.*s\", wanted \"%s\"\n", name, FB_FMT(own.text), want);
    if (!by)
        print_error("%s: by \"%.*s\", %.*s\n", name, FB_FMT(own.quoted.name), FB_FMT(own.quoted.addr));
    return !cut + !by;
}

static void every_client_and_language_is_known(void **state)
{
    (void)state;
    int wrong = 0;
    for (size_t i = 0; i < sizeof attributions / sizeof *attributions; i++) {
        const char *client = attributions[i].client, *line = attributions[i].attribution;
        wrong += reply_is(client, "New.\n\n%s\n\n> old\n", line, "New.");
        wrong += reply_is(client, "%s\n> old\n\nNew.\n", line, "New.");
        wrong += reply_is(client, "%s\n> Who?\n\nMe.\n\n> When?\n\nNow.\n", line, "Me.\n\nNow.");
        if (strstr(line, "2026") && strstr(line, "@"))
            wrong += reply_is(client, "New.\n\n%s\n\nold\n", line, "New.");
    }
    for (size_t i = 0; i < sizeof header_lines / sizeof *header_lines; i++)
        wrong += reply_is(header_lines[i].language, "New.\n\n%s\n\nold\n", header_lines[i].block, "New.");
    assert_int_equal(wrong, 0);
}

static void html_is_read_as_it_is_seen(void **state)
{
    (void)state;
    int wrong = 0;
    for (size_t i = 0; i < sizeof html / sizeof *html; i++) {
        FB_ARENA a = fb_arena_new(1u << 20);
        struct fb_own own;
        struct fb_err err;
        struct fb_str text;
        assert_int_equal(fb_html_text(a, fb_str(html[i].text), &text, &err), 0);
        assert_int_equal(fb_charset_tidy(a, text, &text, &err), 0);
        assert_int_equal(fb_own_words(a, text, &own, &err), 0);
        if (!fb_str_eq(own.text, fb_str(html[i].want)))
            wrong++, print_error("%s: \"%.*s\", wanted \"%s\"\n%.*s", html[i].name, FB_FMT(own.text), html[i].want, FB_FMT(text));
    }
    assert_int_equal(wrong, 0);
}

static void what_stands_below_goes(void **state)
{
    (void)state;
    OWN_IS(below);
}

static void what_only_looks_like_it_stays(void **state)
{
    (void)state;
    OWN_IS(kept);
}

static void sentences_end_where_people_end_them(void **state)
{
    (void)state;
    static const char text[] = "Hi Bob,\n\nYou did it again! Mr. Smith paid 3.50 for it (e.g. twice).\n\"Why?\" Nobody knows...\n\nA wrapped sentence that goes on over "
                               "the end of the first long\nline ends here. Ask J. Doe.\n";
    static const char *const want[] = {"Hi Bob,", "You did it again!", "Mr. Smith paid 3.50 for it (e.g. twice).", "\"Why?\"", "Nobody knows...",
                                       "A wrapped sentence that goes on over the end of the first long line ends here.", "Ask J. Doe."};
    FB_ARENA a = fb_arena_new(1u << 20);
    struct fb_own own;
    struct fb_err err;
    assert_int_equal(fb_own_words(a, fb_str(text), &own, &err), 0);
    assert_int_equal(own.sentences_n, sizeof want / sizeof *want);
    for (size_t i = 0; i < own.sentences_n; i++) {
        assert_string_equal(fb_arena_dup(a, own.sentences[i]).p, want[i]);
        assert_true(own.sentences[i].p >= own.text.p && own.sentences[i].p + own.sentences[i].n <= own.text.p + own.text.n);
    }
}

struct quoted_case {
    const char *text, *name, *addr, *when, *words;
    bool forwarded;
};

static const struct quoted_case answered[] = {
    {"New.\n\nOn Tue, 3 Nov 2026 at 07:52, Ann Smith <Ann@example.com> wrote:\n> old\n>\n> On Mon, Bob <b@example.org> wrote:\n> > older\n", "Ann Smith",
     "Ann@example.com", "3 Nov 2026 at 07:52", "old", false},
    {"New.\n\nOn Tue, Nov 3, 2026 at 7:52 AM Ann Longname of the Department <\nann.longname@example.com> wrote:\n\n> old\n",
     "Ann Longname of the Department", "ann.longname@example.com", "Nov 3, 2026 at 7:52 AM", "old", false},
    {"New.\n\n> On 3 Nov 2026, at 07:52, Ann <ann@example.com> wrote:\n> \n> old\n", "Ann", "ann@example.com", "3 Nov 2026, at 07:52", "old", false},
    {"On 03/11/2026 07:52, Ann wrote:\n> Who?\nMe.\n\n> When?\nNow.\n", "Ann", "", "03/11/2026 07:52", "Who?\nWhen?", false},
    {"New.\n\n-----Original Message-----\n" OUTLOOK "\nFrom: Bob\nSent: x\nTo: y\nSubject: z\n\nolder\n", "Ann Smith", "ann@example.com",
     "November 2, 2026 9:15 AM", "old words", false},
    {"New.\n\n\nAnn Smith@EXAMPLE\n02/15/2026 07:31 AM\nTo: Bob/HOU/EX@EX\ncc:  \n\nSubject: Re: x\n\nold\n", "Ann Smith", "", "02/15/2026 07:31 AM", "old", false},
    {"New.\n\n\nann@example.com on 02/14/2026 07:16:06 PM\nPlease respond to ann@example.com\nTo: bob@example.org\ncc:  \n\nSubject: x\n\nold\n", "",
     "ann@example.com", "02/14/2026 07:16:06 PM", "old", false},
    {"New.\n---------------------- Forwarded by Bob/HOU/EX on 02/15/2026 \n08:34 AM ---------------------------\n\n\nFrom: Ann Smith on 02/14/2026 07:16 PM\nTo: "
     "Bob/HOU/EX@EX\ncc:  \nSubject: x\n\nold\n", "Ann Smith", "", "02/14/2026 07:16 PM", "old", true},
    {"New.\n\n>>> Ann Smith <ann@example.com> 02/14/26 07:16PM >>>\nold words\n", "Ann Smith", "ann@example.com", "02/14/26 07:16PM", "old words", false},
    {"See below.\n\n---------- Forwarded message ---------\nFrom: Ann <ann@example.com>\nDate: Tue, 3 Nov 2026 at 07:52\nSubject: x\nTo: Bob\n\nold\n", "Ann",
     "ann@example.com", "3 Nov 2026 at 07:52", "old", true},
    {"Neu.\n\nAm 03.11.2026 um 07:52 schrieb Ann Schmidt:\n> alt\n", "Ann Schmidt", "", "03.11.2026 um 07:52", "alt", false},
    {"Nuovo.\n\nIl giorno mar 3 nov 2026 alle ore 07:52 Ann <ann@example.com> ha\nscritto:\n\nvecchio\n", "Ann", "ann@example.com",
     "mar 3 nov 2026 alle ore 07:52", "vecchio", false},
    {"Yeni.\n\nAnn <ann@example.com>, 3 Kas 2026 Sal, 07:52 tarihinde \u015funu yazd\u0131:\n\neski\n", "Ann", "ann@example.com", "3 Kas 2026 Sal, 07:52", "eski", false},
    {"New.\n> old\n", "", "", "", "old", false},
    {"Nothing is quoted here.\n", "", "", "", "", false},
};

#define IS(got, wanted) if (!fb_str_eq(got, fb_str(wanted))) fail_msg("%s\n\"%.*s\", wanted \"%s\"", c->text, FB_FMT(got), wanted)

static void the_answered_mail_is_told(void **state)
{
    (void)state;
    for (const struct quoted_case *c = answered; c < answered + sizeof answered / sizeof *answered; c++) {
        FB_ARENA a = fb_arena_new(1u << 20);
        struct fb_own own, theirs;
        struct fb_err err;
        assert_int_equal(fb_own_words(a, fb_str(c->text), &own, &err), 0);
        assert_int_equal(fb_quoted_words(a, &own.quoted, &theirs, &err), 0);
        IS(own.quoted.name, c->name);
        IS(own.quoted.addr, c->addr);
        IS(own.quoted.when, c->when);
        IS(theirs.text, c->words);
        assert_int_equal(own.quoted.forwarded, c->forwarded);
    }
}

/* Of a message sent on 3 November 2026 at 10:00 +0100. */
static void its_time_is_read(void **state)
{
    (void)state;
    static const struct {
        const char *when;
        int64_t at_s; /* 0: none */
    } cases[] = {
        {"3 Nov 2026 at 07:52", 1793688720}, {"Nov 3, 2026 at 7:52 AM", 1793688720}, {"November 3, 2026, 07:52:10 AM GMT", 1793692330},
        {"November 2, 2026 9:15 PM", 1793650500}, {"11/03/2026 07:52 AM", 1793688720}, {"03/11/2026 07:52", 1793688720}, {"02/11/2026 7:52", 1793602320},
        {"2026-11-03 07:52", 1793688720}, {"03.11.26 07:52", 1793688720}, {"3 Kas 2026 Sal, 07:52", 1793688720}, {"3 nov. 2026 \u00e0 07:52", 1793688720},
        {"mar. 3 nov. 2026 07:52", 1793688720}, {"3 Nov 2026 07:52:00 -0800", 1793721120}, {"2026\u5e7411\u67083\u65e5 07:52", 1793688720},
        {"3 Nov 2026 12:05 AM", 1793660700}, {"40/40/2026 07:52", 0}, {"Monday 9:15", 0}, {"3 Nov 2026", 0}, {"", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fb_quoted q = {.when = fb_str(cases[i].when)};
        int64_t at_s = 0;
        bool told = fb_quoted_time(&q, 1793696400, 60, &at_s);
        if (told != (cases[i].at_s != 0) || (told && at_s != cases[i].at_s))
            fail_msg("%s: %d, %lld", cases[i].when, told, (long long)at_s);
    }
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    struct fb_own own;
    struct fb_err err;
    int r = -1;
    unsigned long nth = 0;
    while (r < 0) {
        FB_ARENA a = fb_arena_new(1u << 20);
        fb_arena_fail_at(++nth);
        r = fb_own_words(a, FB_STR("One. Two.\n> three\n"), &own, &err);
        fb_arena_fail_at(0);
    }
    assert_int_equal(nth, 4); /* lines, text, sentences; then none is left to fail */
}

int main(void)
{
    fb_message_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_quoted_goes),
        cmocka_unit_test(every_client_and_language_is_known),
        cmocka_unit_test(html_is_read_as_it_is_seen),
        cmocka_unit_test(what_stands_below_goes),
        cmocka_unit_test(what_only_looks_like_it_stays),
        cmocka_unit_test(sentences_end_where_people_end_them),
        cmocka_unit_test(the_answered_mail_is_told),
        cmocka_unit_test(its_time_is_read),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
