/* The facts in a box: what passes can be read without looking again, and told in another language. */
#include "fuzz.h"

#include "facts/tell.h"

static const char TEXTS[] =
    "{{#joined}}{{#names}}{{names}} und {{/names}}{{#more}}{{more}} weitere{{/more}}{{^more}}{{last}}{{/more}}{{/joined}}\n"
    "{{#heated}}\nTitle: {{person}}\nWhy: {{owner}} {{group}}\nAdvice: {{manager}} {{outsider}}\n{{/heated}}\n"
    "{{#change}}{{#who}}{{name}} {{of}}{{#manager}}!{{/manager}}{{#cc}}?{{/cc}}{{/who}} {{names}} {{#quotes}}{{.}}{{/quotes}}{{#held}}.{{/held}}{{/change}}\n"
    "{{#note}}{{#phrase_blame}}{{who}}{{/phrase_blame}}{{/note}}";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_t *facts;
    if (fb_facts_parse((struct fb_str){(const char *)data, size}, &facts, NULL))
        return 0;
    FUZZ_CHECK(json_array_size(json_object_get(facts, "rules")) > 0);
    FUZZ_CHECK(json_string_length(json_object_get(facts, "words")) <= FB_FACTS_WORDS);
    struct fb_arena *arena = fb_arena_new(4 << 20);
    struct fb_err err;
    if (arena && fb_facts_tell(facts, fb_str(TEXTS), arena, &err) == 0)
        FUZZ_CHECK(json_is_string(json_object_get(json_array_get(json_object_get(facts, "rules"), 0), "title")));
    FUZZ_CHECK(fb_facts_quote_once(facts, 3, &err) == 0);
    FUZZ_CHECK(json_is_false(json_object_get(json_array_get(json_object_get(facts, "rules"), 0), "above")));
    fb_arena_free(arena);
    json_decref(facts);
    return 0;
}
