// UTF-8 by RFC 3629, byte by byte: what may follow a lead byte. No overlong forms, no surrogates, at most U+10FFFF.
#pragma once

#include <stddef.h>
#include <stdint.h>

// How many bytes follow `lead` (1 to 3), and the bounds of the first of them; those behind it lie in 0x80 to 0xBF.
// 0 when no sequence of several bytes begins with it.
static inline uint8_t utf8_lead(uint8_t lead, uint8_t *low, uint8_t *high)
{
    *low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    *high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    if (lead < 0xC2 || lead > 0xF4)
        return 0;
    return lead < 0xE0 ? 1 : lead < 0xF0 ? 2 : 3;
}

// Where a text of more than `most` bytes is cut so that no character is.
static inline size_t utf8_cut(const char *text, size_t most)
{
    while (most && ((unsigned char)text[most] & 0xc0) == 0x80)
        most--;
    return most;
}
