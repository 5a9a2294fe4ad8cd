// UTF-8 by RFC 3629, byte by byte: what may follow a lead byte. No overlong forms, no surrogates, at most U+10FFFF.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

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

// Is all of it UTF-8?
static inline bool utf8_holds(const char *text, size_t size)
{
    for (size_t i = 0; i < size;) {
        uint64_t eight = 0;
        if (size - i >= sizeof eight) {
            memcpy(&eight, text + i, sizeof eight);
            if (!(eight & UINT64_C(0x8080808080808080))) {
                i += sizeof eight;
                continue;
            }
        }
        uint8_t low, high, lead = (uint8_t)text[i++];
        if (lead < 0x80)
            continue;
        uint8_t more = utf8_lead(lead, &low, &high);
        if (!more || size - i < more)
            return false;
        for (; more; more--, i++, low = 0x80, high = 0xBF)
            if ((uint8_t)text[i] < low || (uint8_t)text[i] > high)
                return false;
    }
    return true;
}
