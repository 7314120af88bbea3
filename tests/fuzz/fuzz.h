/* What a harness defines: it must return 0, and neither crash, leak, nor hang, whatever the bytes are. */
#ifndef FB_TESTS_FUZZ_H
#define FB_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What must hold, whatever the bytes are; unlike assert(3) in every build. */
#define FUZZ_CHECK(what) ((what) ? (void)0 : __builtin_trap())

#endif
