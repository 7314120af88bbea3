/* The facts in a box: what passes can be read without looking again. */
#include "fuzz.h"

#include "facts/facts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_t *facts;
    if (fb_facts_parse((struct fb_str){(const char *)data, size}, &facts, NULL))
        return 0;
    FUZZ_CHECK(json_array_size(json_object_get(facts, "rules")) > 0);
    FUZZ_CHECK(json_string_length(json_object_get(facts, "words")) <= FB_FACTS_WORDS);
    json_decref(facts);
    return 0;
}
