/* The language of a text. Small words (articles, pronouns, prepositions) are a third of any text and differ between
 * languages; what several languages share ("in", "die", "me") says nothing and is left out. */
#include "rules/language.h"

enum { ENOUGH_WORDS = 12, ENGLISH_PERCENT = 8 };

static const char english[] =
    " the and of to is that it for on with you this are was we be at by have from or not they will would can what has your there their "
    "our if which been do my were when who more about up out she he his her them then than could should just so any some into how its "
    "please thanks all but did does it's i'm don't ";

static const char others[] =
    " der das und ist nicht ich sie wir mit ein eine auf den dem von zu auch sich bitte wird haben sind aber wenn noch nach bei zum zur "
    "le les des est et une pas pour que qui dans sur vous nous avec ce cette sont mais bonjour merci je il ils elle "
    "el los las un una por con para es se del al lo como pero muy hola gracias su nos "
    "il di che non per sono della dei con una gli ma anche questo grazie "
    "het een van niet dat wij zijn voor met ook aan naar maar bij deze "
    "os um uma nao para com mais por dos das isso obrigado voce "
    "ve bir bu icin ile da de ama cok degil tesekkurler gibi "
    "og det er ikke jeg som med til av har att och inte som den "
    "nie sie na jest ze do to jak ale dla prosze ";

static bool is_among(const char *list, struct fb_str word)
{
    for (const char *at = list; (at = memmem(at, strlen(at), word.p, word.n)); at++)
        if (at[-1] == ' ' && at[word.n] == ' ')
            return true;
    return false;
}

bool fb_language_english(const struct fb_text *t)
{
    size_t ours = 0, theirs = 0;
    for (size_t i = 0; i < t->n; i++) {
        if (is_among(english, t->v[i].norm))
            ours++;
        else if (is_among(others, t->v[i].norm))
            theirs++;
    }
    return theirs <= ours && (t->n < ENOUGH_WORDS || ours * 100 >= t->n * ENGLISH_PERCENT);
}
