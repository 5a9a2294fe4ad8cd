// Numbers as LEB128: seven bits a byte, the low ones first, the high bit set where more follow.
#pragma once

#include <stdint.h>

#define VARINT_MAX 10

// Returns where the number ends; `to` has room for VARINT_MAX bytes.
static inline char *varint_put(char *to, uint64_t n)
{
    for (; n >= 0x80; n >>= 7)
        *to++ = (char)(n | 0x80);
    *to++ = (char)n;
    return to;
}

// Returns where the number ended, or NULL when the bytes end within it.
static inline const char *varint_get(const char *at, const char *end, uint64_t *n)
{
    *n = 0;
    for (unsigned shift = 0; at < end && shift < 64; shift += 7) {
        unsigned char byte = (unsigned char)*at++;
        *n |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return at;
    }
    return NULL;
}

// Signed numbers so that small ones of either sign are short: 0, -1, 1, -2 … become 0, 1, 2, 3 …
static inline uint64_t varint_zigzag(int64_t n)
{
    return (uint64_t)n << 1 ^ (n < 0 ? UINT64_MAX : 0);
}

static inline int64_t varint_unzigzag(uint64_t n)
{
    return (int64_t)(n >> 1) ^ -(int64_t)(n & 1);
}
