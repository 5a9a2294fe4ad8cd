#include "hooks/lake/bounds.h"

#define CHARACTERS 16

static void keep(struct bounds *bounds, struct bytes *text, struct slice value)
{
    bytes_clear(text);
    bytes_add_slice(text, value);
    bounds->failed |= text->failed;
}

static void add_text(struct bounds *bounds, struct slice text)
{
    if (!bounds->any || slice_compare(text, bytes_slice(&bounds->least_text)) < 0)
        keep(bounds, &bounds->least_text, text);
    if (!bounds->any || slice_compare(text, bytes_slice(&bounds->greatest_text)) > 0)
        keep(bounds, &bounds->greatest_text, text);
}

static void add_number(struct bounds *bounds, int64_t number)
{
    if (!bounds->any || number < bounds->least)
        bounds->least = number;
    if (!bounds->any || number > bounds->greatest)
        bounds->greatest = number;
}

void bounds_add(struct bounds *bounds, const struct lake_column *column, const struct lake_value *value)
{
    if (column->type == LAKE_STRING)
        add_text(bounds, value->text);
    else
        add_number(bounds, value->number);
    bounds->any = true;
}

void bounds_join(struct bounds *bounds, const struct lake_column *column, const struct bounds *more)
{
    bounds->failed |= more->failed;
    if (!more->any)
        return;
    bounds_add(bounds, column, &(struct lake_value){.number = more->least, .text = bytes_slice(&more->least_text)});
    bounds_add(
        bounds, column, &(struct lake_value){.number = more->greatest, .text = bytes_slice(&more->greatest_text)});
}

void bounds_clear(struct bounds *bounds)
{
    bounds->any = bounds->failed = false;
    bytes_clear(&bounds->least_text);
    bytes_clear(&bounds->greatest_text);
}

void bounds_free(struct bounds *bounds)
{
    bytes_free(&bounds->least_text);
    bytes_free(&bounds->greatest_text);
}

// ---- as they are written

static struct bound of_number(int64_t number)
{
    struct bound bound = {.is_known = true, .is_exact = true, .size = sizeof number};
    for (unsigned i = 0; i < sizeof number; i++)
        bound.at[i] = (char)((uint64_t)number >> 8 * i);
    return bound;
}

static bool is_first_byte(char c)
{
    return ((unsigned char)c & 0xc0) != 0x80;
}

static struct bound of_text(struct slice text)
{
    size_t size = 0, characters = 0;
    while (size < text.size && (!is_first_byte(text.at[size]) || characters++ < CHARACTERS))
        size++;
    struct bound bound = {.is_known = true, .is_exact = size == text.size, .size = (uint8_t)size};
    if (size)
        memcpy(bound.at, text.at, size);
    return bound;
}

// The character that a UTF-8 sequence stands for.
static uint32_t character(const char *at, size_t size)
{
    unsigned char lead = (unsigned char)*at;
    uint32_t c = size == 1 ? lead : lead & (0x7fu >> size);
    for (size_t i = 1; i < size; i++)
        c = c << 6 | ((unsigned char)at[i] & 0x3f);
    return c;
}

static size_t put_character(char *at, uint32_t c)
{
    size_t size = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = size; i-- > 1; c >>= 6)
        at[i] = (char)(0x80 | (c & 0x3f));
    at[0] = (char)(size == 1 ? c : (0xf00u >> size & 0xff) | c);
    return size;
}

// Makes a text that was cut greater than all that it begins. False when none is.
static bool count_up(struct bound *bound)
{
    while (bound->size) {
        size_t at = bound->size - 1u;
        while (at && !is_first_byte(bound->at[at]))
            at--;
        uint32_t c = character(bound->at + at, bound->size - at) + 1;
        if (c == 0xd800) // surrogates are no characters
            c = 0xe000;
        bound->size = (uint8_t)at;
        if (c <= 0x10ffff) {
            bound->size = (uint8_t)(at + put_character(bound->at + at, c));
            return true;
        }
    }
    return false;
}

struct bound bounds_lower(const struct bounds *bounds, const struct lake_column *column)
{
    if (!bounds->any || bounds->failed || !column->bounded)
        return (struct bound){0};
    return column->type == LAKE_STRING ? of_text(bytes_slice(&bounds->least_text)) : of_number(bounds->least);
}

struct bound bounds_upper(const struct bounds *bounds, const struct lake_column *column)
{
    if (!bounds->any || bounds->failed || !column->bounded)
        return (struct bound){0};
    if (column->type != LAKE_STRING)
        return of_number(bounds->greatest);
    struct bound bound = of_text(bytes_slice(&bounds->greatest_text));
    if (!bound.is_exact && !count_up(&bound))
        return (struct bound){0};
    return bound;
}
