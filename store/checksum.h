// CRC-32C (Castagnoli, RFC 3720 B.4), by the processor's instruction where it has one: finds a flipped bit in a row.
#pragma once

#include "store/bytes.h"

// Continues from `sum` (0 at the start).
uint32_t checksum_add(uint32_t sum, struct slice data);
static inline uint32_t checksum_number(uint32_t sum, uint64_t number)
{
    return checksum_add(sum, (struct slice){.at = (const char *)&number, .size = sizeof number});
}
