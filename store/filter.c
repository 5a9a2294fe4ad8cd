#include "store/filter_parser.h"

#include "store/name.h"
#include "store/utf8.h"

#include <errno.h>
#include <stdlib.h>

#define SHOWN_MAX 60 // bytes of somebody's text in a reason

// ---- pieces of text

struct slice filter_shown(struct slice s)
{
    if (s.size <= SHOWN_MAX)
        return s;
    return piece_to(s, utf8_cut(s.at, SHOWN_MAX));
}

int filter_refuse(struct filter_parser *p, struct slice piece, const char *format, ...)
{
    struct reason what = {0};
    va_list args;
    va_start(args, format);
    vsnprintf(what.text, sizeof what.text, format, args);
    va_end(args);
    return reason_set(p->why, -ENOENT, "byte %zu: %s", (size_t)(piece.at - p->text.at) + 1, what.text);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int filter_decode(struct filter_parser *p, struct slice piece, struct slice *decoded)
{
    char *out = arena_get(FILTER_ARENA(p), piece.size + 1);
    if (!out)
        return -ENOMEM;
    size_t size = 0;
    for (size_t i = 0; i < piece.size; i++) {
        if (piece.at[i] != '%') {
            out[size++] = piece.at[i];
            continue;
        }
        int high = i + 1 < piece.size ? hex_digit(piece.at[i + 1]) : -1;
        int low = i + 2 < piece.size ? hex_digit(piece.at[i + 2]) : -1;
        if (high < 0 || low < 0 || high + low == 0)
            return filter_refuse(p, piece_from(piece, i), "%% is followed by two hexadecimal digits, which are not 00");
        out[size++] = (char)(high * 16 + low);
        i += 2;
    }
    *decoded = (struct slice){.at = out, .size = size};
    if (!utf8_holds(decoded->at, decoded->size))
        return filter_refuse(p, piece, "this is not UTF-8");
    return 0;
}

void filter_encode(struct bytes *out, struct slice decoded, const char *special)
{
    for (size_t i = 0; i < decoded.size; i++) {
        unsigned char c = (unsigned char)decoded.at[i];
        if (c < 0x20 || c == 0x7f || strchr("%,/", c) || strchr(special, c))
            bytes_printf(out, "%%%02X", c);
        else
            bytes_add_char(out, (char)c);
    }
}

struct slice filter_keep(struct filter_parser *p, const struct bytes *b)
{
    if (b->failed)
        return (struct slice){0};
    return arena_copy(FILTER_ARENA(p), bytes_slice(b));
}

void filter_add_raised(struct bytes *out, struct slice folded)
{
    char *at = bytes_reserve(out, folded.size + 1);
    if (!at)
        return;
    if (!folded.size)
        *at = '*';
    out->size += folded.size ? name_raise(at, folded) : 1;
}

// ---- the whole

static int compare_conditions(const void *a, const void *b)
{
    const struct filter_condition *x = a, *y = b;
    return x->rank != y->rank ? (x->rank > y->rank) - (x->rank < y->rank) : slice_compare(x->text, y->text);
}

static int read_conditions(struct filter_parser *p)
{
    struct slice rest = p->text;
    uint32_t room = 1;
    for (size_t i = 0; i < rest.size; i++)
        room += rest.at[i] == ',';
    p->conditions = arena_get(FILTER_ARENA(p), room * sizeof *p->conditions);
    if (!p->conditions)
        return -ENOMEM;
    do {
        struct slice text = piece_take(&rest, ',');
        if (!text.size)
            return filter_refuse(p, text, "a condition is missing");
        struct filter_condition *next = &p->conditions[p->count];
        int error = p->filter->grammar == FILTER_QUERY ? filter_read_query_condition(p, text, next)
                                                       : filter_read_find_condition(p, text, next);
        if (error)
            return error;
    } while (rest.at);
    return 0;
}

// Drops conditions that stand twice and hands the others to the filter.
static int collect(struct filter_parser *p, struct bytes *normal)
{
    struct filter *f = p->filter;
    qsort(p->conditions, p->count, sizeof *p->conditions, compare_conditions);
    struct filter_choice *choices = arena_get(FILTER_ARENA(p), (p->count + 1) * sizeof *choices);
    struct filter_field *fields = arena_get(FILTER_ARENA(p), (p->count + 1) * sizeof *fields);
    if (!choices || !fields)
        return -ENOMEM;
    for (uint32_t i = 0; i < p->count; i++) {
        const struct filter_condition *c = &p->conditions[i];
        if (i && slice_equal(c->text, c[-1].text))
            continue;
        if (normal->size)
            bytes_add_char(normal, ',');
        bytes_add_slice(normal, c->text);
        if (f->grammar == FILTER_QUERY)
            choices[f->choice_count++] = c->choice;
        else
            fields[f->field_count++] = c->field;
    }
    f->choices = choices;
    f->fields = fields;
    if (f->grammar == FILTER_QUERY)
        filter_add_query_bounds(p, normal);
    return 0;
}

static int parse(struct filter_parser *p)
{
    if (p->text.size > FILTER_TEXT_MAX)
        return reason_set(p->why, -ENOENT, "the filter has %zu bytes, the most is %d", p->text.size, FILTER_TEXT_MAX);
    if (!utf8_holds(p->text.at, p->text.size) || piece_find(p->text, '\0') < p->text.size)
        return reason_set(p->why, -ENOENT, "the filter is not text in UTF-8");
    BYTES_AUTO normal = {0};
    int error = read_conditions(p);
    if (!error)
        error = collect(p, &normal);
    if (error)
        return error;
    if (normal.size > FILTER_TEXT_MAX)
        return reason_set(p->why, -ENOENT, "the filter has %zu bytes in its normal form, the most is %d", normal.size,
            FILTER_TEXT_MAX);
    p->filter->text = filter_keep(p, &normal);
    return p->filter->text.at ? 0 : -ENOMEM;
}

int filter_parse(struct filter *filter, enum filter_grammar grammar, struct slice text, struct reason *why)
{
    *filter = (struct filter){.grammar = grammar, .after_us = INT64_MIN, .before_us = INT64_MAX, .limit = UINT64_MAX};
    struct filter_parser parser = {.filter = filter, .text = text.size ? text : SLICE(""), .why = why};
    int error = parse(&parser);
    if (error)
        filter_free(filter);
    return error;
}

void filter_free(struct filter *filter)
{
    arena_free(&filter->arena);
    *filter = (struct filter){0};
}

bool filter_type_matches(const struct filter_value *value, struct slice term)
{
    size_t dot = piece_find(term, '.');
    return (!value->noun.size || slice_equal(value->noun, piece_to(term, dot))) &&
           (!value->verb.size || (dot < term.size && slice_equal(value->verb, piece_from(term, dot + 1))));
}
