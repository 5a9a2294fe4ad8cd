#include "store/checksum.h"

#include <pthread.h>

static uint32_t table[256];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void make_table(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;
        for (int bit = 0; bit < 8; bit++)
            c = c & 1 ? c >> 1 ^ 0x82f63b78u : c >> 1;
        table[i] = c;
    }
}

static uint32_t by_table(uint32_t sum, struct slice data)
{
    pthread_once(&once, make_table);
    for (size_t i = 0; i < data.size; i++)
        sum = table[(sum ^ (unsigned char)data.at[i]) & 0xff] ^ sum >> 8;
    return sum;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t by_instruction(uint32_t sum, struct slice data)
{
    uint64_t wide = sum;
    const char *at = data.at;
    size_t left = data.size;
    for (; left >= 8; at += 8, left -= 8) {
        uint64_t word;
        memcpy(&word, at, 8);
        wide = __builtin_ia32_crc32di(wide, word);
    }
    sum = (uint32_t)wide;
    for (; left; at++, left--)
        sum = __builtin_ia32_crc32qi(sum, (unsigned char)*at);
    return sum;
}
#endif

uint32_t checksum_add(uint32_t sum, struct slice data)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("sse4.2"))
        return ~by_instruction(~sum, data);
#endif
    return ~by_table(~sum, data);
}
