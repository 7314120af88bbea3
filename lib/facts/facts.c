/* The facts of a verdict: checks the shape of versions 1 and 2 and nothing else. What it accepts, notice and page may read
 * without looking again; what it says about a fault must never hold words of the message.
 *
 * DIAGNOSTICS: a fault names the place (where the JSON ends being JSON, which member has another shape). */
#include "facts/facts.h"

/* jansson's own texts quote what stands near the fault, so only its position is passed on. */
static json_t *parse(struct fb_str text, struct fb_err *err)
{
    json_error_t e;
    json_t *root = json_loadb(text.p ? text.p : "", text.n, JSON_REJECT_DUPLICATES, &e);
    if (!root)
        fb_fail(err, "the facts are no JSON from byte %d on", e.position);
    return root;
}

static bool strings_good(json_t *list)
{
    size_t i;
    json_t *v;
    json_array_foreach(list, i, v)
        if (!json_is_string(v))
            return false;
    return json_is_array(list);
}

static bool evidence_good(json_t *list)
{
    size_t i;
    json_t *v;
    json_array_foreach(list, i, v)
        if (json_unpack_ex(v, NULL, JSON_VALIDATE_ONLY | JSON_STRICT, "{s:s,s:s,s:s,s?s}", "signal", "text", "note", "who"))
            return false;
    return json_is_array(list);
}

/* Texts, and the names of the group with how many more they are. */
static bool hand_good(json_t *hand)
{
    const char *key;
    json_t *v;
    json_object_foreach(hand, key, v)
        if (!strcmp(key, "group") ? !strings_good(v) : !strcmp(key, "more") ? !json_is_integer(v) : !json_is_string(v))
            return false;
    return !hand || json_is_object(hand);
}

static bool rules_good(json_t *list)
{
    size_t i;
    json_t *v;
    json_array_foreach(list, i, v)
        if (json_unpack_ex(v, NULL, JSON_VALIDATE_ONLY | JSON_STRICT, "{s:s,s:s,s:s,s:s,s:o,s?o,s?b}", "name", "title", "why", "advice", "evidence", "hand", "own") ||
            !evidence_good(json_object_get(v, "evidence")) || !hand_good(json_object_get(v, "hand")))
            return false;
    return json_array_size(list) > 0;
}

/* Absent in what was held before an upgrade. */
static bool people_good(json_t *people)
{
    const char *who;
    json_t *v;
    json_object_foreach(people, who, v)
        if (json_unpack_ex(v, NULL, JSON_VALIDATE_ONLY | JSON_STRICT, "{s:s,s:s}", "name", "address"))
            return false;
    return !people || json_is_object(people);
}

static bool who_good(json_t *list)
{
    size_t i;
    json_t *v;
    json_array_foreach(list, i, v)
        if (json_unpack_ex(v, NULL, JSON_VALIDATE_ONLY | JSON_STRICT, "{s:s,s:s,s:s,s:s}", "name", "as", "of", "place"))
            return false;
    return !list || json_is_array(list);
}

/* Version 1, which what was held before an upgrade has, knows no change. */
static int change_check(json_t *root, struct fb_err *err)
{
    json_int_t version = json_integer_value(json_object_get(root, "v"));
    json_t *change = json_object_get(root, "change");
    if (version != 1 && version != 2)
        return fb_fail(err, "the facts are of another version than 1 or 2");
    if (!change == (version == 2) ||
        (change && json_unpack_ex(change, NULL, JSON_VALIDATE_ONLY | JSON_STRICT, "{s:s,s:s,s:s,s:s,s?o,s?i,s?b}", "kind", "text", "reader", "says", "who", "more",
                                   "held")))
        return fb_fail(err, "the change of the facts is not as it must be");
    return who_good(json_object_get(change, "who")) ? 0 : fb_fail(err, "those whom the change names are not as they must be");
}

static int check(json_t *root, struct fb_err *err)
{
    if (json_unpack_ex(root, NULL, JSON_VALIDATE_ONLY | JSON_STRICT, "{s:i,s:s,s:I,s:i,s:s,s:s,s:o,s:o,s:i,s?o,s:o,s:o,s:s,s:b,s?o,s?s}", "v", "from", "date_s",
                       "tz_min", "subject", "message_id", "to", "cc", "hidden", "change", "rules", "readers", "words", "words_cut", "people", "language"))
        return fb_fail(err, "the facts lack a member, or have one too many, or one of another type");
    if (change_check(root, err))
        return -1;
    if (!strings_good(json_object_get(root, "to")) || !strings_good(json_object_get(root, "cc")) ||
        !strings_good(json_object_get(root, "readers")))
        return fb_fail(err, "to, cc or readers of the facts is no list of strings");
    if (!people_good(json_object_get(root, "people")))
        return fb_fail(err, "the people of the facts are not as they must be");
    if (!rules_good(json_object_get(root, "rules")))
        return fb_fail(err, "the rules of the facts are not as they must be");
    if (json_string_length(json_object_get(root, "words")) > FB_FACTS_WORDS)
        return fb_fail(err, "the words of the facts are longer than %d bytes", FB_FACTS_WORDS);
    return 0;
}

int fb_facts_parse(struct fb_str text, json_t **ret, struct fb_err *err)
{
    if (text.n > FB_FACTS_MAX)
        return fb_fail(err, "the facts are larger than %d bytes", FB_FACTS_MAX);
    json_t *root = parse(text, err);
    if (!root)
        return -1;
    if (check(root, err)) {
        json_decref(root);
        return -1;
    }
    *ret = root;
    return 0;
}
