#include "hooks/lake/runs.h"

#include "store/varint.h"

#define GROUP     8u
#define WIDTH_MAX 32u

// ---- writing

static size_t same_from(const uint32_t *values, size_t at, size_t count)
{
    size_t i = at + 1;
    while (i < count && values[i] == values[at])
        i++;
    return i - at;
}

static bool is_run(const uint32_t *values, size_t at, size_t count)
{
    if (count - at < GROUP)
        return false;
    for (size_t i = 1; i < GROUP; i++)
        if (values[at + i] != values[at])
            return false;
    return true;
}

static void put_run(struct bytes *out, uint32_t value, size_t count, unsigned width)
{
    char *at = bytes_reserve(out, VARINT_MAX + sizeof value);
    if (!at)
        return;
    at = varint_put(at, (uint64_t)count << 1);
    for (unsigned bit = 0; bit < width; bit += 8)
        *at++ = (char)(value >> bit);
    out->size = (size_t)(at - out->at);
}

static void put_groups(struct bytes *out, const uint32_t *values, size_t count, unsigned width)
{
    size_t groups = (count + GROUP - 1) / GROUP;
    char *at = bytes_reserve(out, VARINT_MAX + groups * width);
    if (!at)
        return;
    at = varint_put(at, (uint64_t)groups << 1 | 1);
    char *end = at + groups * width;
    uint64_t bits = 0;
    unsigned held = 0;
    for (size_t i = 0; i < count; i++) {
        bits |= (uint64_t)values[i] << held;
        for (held += width; held >= 8; held -= 8) {
            *at++ = (char)bits;
            bits >>= 8;
        }
    }
    while (at < end) {
        *at++ = (char)bits;
        bits = 0;
    }
    out->size = (size_t)(end - out->at);
}

void runs_put(struct bytes *out, const uint32_t *values, size_t count, unsigned width)
{
    for (size_t at = 0; at < count;) {
        if (is_run(values, at, count)) {
            size_t same = same_from(values, at, count);
            put_run(out, values[at], same, width);
            at += same;
            continue;
        }
        size_t end = at;
        while (end < count && !is_run(values, end, count))
            end += GROUP;
        end = end < count ? end : count;
        put_groups(out, values + at, end - at, width);
        at = end;
    }
}

// ---- reading

bool runs_begin(struct runs *runs, struct slice text, unsigned width)
{
    *runs = (struct runs){.at = text.at, .end = text.at + text.size, .width = width};
    return width <= WIDTH_MAX;
}

static bool next_stretch(struct runs *runs)
{
    uint64_t head;
    const char *at = varint_get(runs->at, runs->end, &head);
    if (!at || head < 2)
        return false;
    size_t bytes_left = (size_t)(runs->end - at);
    runs->is_packed = head & 1;
    runs->left = head >> 1;
    runs->bit = 0;
    runs->value = 0;
    if (runs->is_packed) {
        if (runs->left > UINT32_MAX || runs->left * runs->width > bytes_left)
            return false;
        runs->left *= GROUP;
    } else {
        if ((runs->width + 7) / 8 > bytes_left)
            return false;
        for (unsigned bit = 0; bit < runs->width; bit += 8)
            runs->value |= (uint32_t)(unsigned char)*at++ << bit;
    }
    runs->at = at;
    return true;
}

static void get_packed(struct runs *runs, uint32_t *values, size_t count)
{
    uint32_t mask = runs->width == WIDTH_MAX ? UINT32_MAX : (1u << runs->width) - 1;
    for (size_t i = 0; i < count; i++) {
        uint64_t bits = 0;
        for (unsigned held = 0; held < runs->bit + runs->width; held += 8)
            bits |= (uint64_t)(unsigned char)runs->at[held / 8] << held;
        values[i] = (uint32_t)(bits >> runs->bit) & mask;
        runs->bit += runs->width;
        runs->at += runs->bit / 8;
        runs->bit %= 8;
    }
}

bool runs_get(struct runs *runs, uint32_t *values, size_t count)
{
    while (count) {
        if (!runs->left && !next_stretch(runs))
            return false;
        size_t some = runs->left < count ? (size_t)runs->left : count;
        if (runs->is_packed)
            get_packed(runs, values, some);
        else
            for (size_t i = 0; i < some; i++)
                values[i] = runs->value;
        runs->left -= some;
        values += some;
        count -= some;
    }
    return true;
}
