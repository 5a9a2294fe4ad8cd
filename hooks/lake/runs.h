// Small numbers in few bits: Parquet's hybrid of runs and packed groups, which definition levels and the entries of a
// dictionary are written in.
//     run:    varint count << 1     | the value, in as many bytes as `width` bits need, little endian
//     groups: varint groups << 1 | 1 | 8 values a group, each in `width` bits, the low bits first
// The width stands elsewhere. Values behind the last one, in its group, are 0.
#pragma once

#include "store/bytes.h"

// How many bits hold all numbers below `count`.
static inline unsigned runs_width(uint32_t count)
{
    return count > 1 ? 32 - (unsigned)__builtin_clz(count - 1) : 0;
}

void runs_put(struct bytes *out, const uint32_t *values, size_t count, unsigned width);

// Reads them back, one after the other.
struct runs {
    const char *at, *end;
    unsigned width;
    uint64_t left; // of the run or the groups that it stands in
    bool is_packed;
    uint32_t value; // of the run
    unsigned bit;   // within *at, of the groups
};

// False when a width is none that Parquet has.
bool runs_begin(struct runs *runs, struct slice text, unsigned width);
// The next `count` values; false when there are fewer, or the bytes are no such numbers.
bool runs_get(struct runs *runs, uint32_t *values, size_t count);
