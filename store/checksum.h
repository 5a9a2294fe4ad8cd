// CRC-32C (Castagnoli, RFC 3720 B.4), by the processor's instruction where it has one: finds a flipped bit in a row.
#pragma once

#include "store/bytes.h"

// Continues from `sum` (0 at the start).
uint32_t checksum_add(uint32_t sum, struct slice data);

// As it stands behind what it is of: little endian.
#define CHECKSUM_BYTES 4
static inline void checksum_put(struct bytes *out, uint32_t sum)
{
    for (int i = 0; i < CHECKSUM_BYTES; i++)
        bytes_add_char(out, (char)(sum >> 8 * i));
}

static inline uint32_t checksum_get(const char *at)
{
    uint32_t sum = 0;
    for (int i = CHECKSUM_BYTES; i-- > 0;)
        sum = sum << 8 | (unsigned char)at[i];
    return sum;
}

static inline uint32_t checksum_number(uint32_t sum, uint64_t number)
{
    return checksum_add(sum, (struct slice){.at = (const char *)&number, .size = sizeof number});
}
