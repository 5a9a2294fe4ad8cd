// What the fuzzers share. Each is a file with LLVMFuzzerTestOneInput: it takes any bytes, and must not find a claim
// that does not hold. Built with clang by `make fuzz`; without it replay.c tries the inputs kept in corpus/NAME.
#pragma once

#include "store/bytes.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CLAIM(holds)                                                                                                   \
    do {                                                                                                               \
        if (!(holds)) {                                                                                                \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #holds);                                 \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

static inline struct slice input_slice(const uint8_t *data, size_t size)
{
    return (struct slice){.at = size ? (const char *)data : "", .size = size};
}
