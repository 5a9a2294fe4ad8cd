// A FILTER as it is read: what both grammars share. Private to filter.c, filter_query.c and filter_find.c.
#pragma once

#include "store/filter.h"

// A condition as it is read; conditions are sorted by rank and text.
struct filter_condition {
    unsigned rank;
    struct slice text;
    union {
        struct filter_choice choice;
        struct filter_field field;
    };
};

struct filter_parser {
    struct filter *filter;
    struct slice text;
    struct filter_condition *conditions;
    uint32_t count;
    bool has_order;
    struct reason *why;
};

#define FILTER_ARENA(p) (&(p)->filter->arena)

static inline struct slice piece_from(struct slice s, size_t start)
{
    return (struct slice){.at = s.at + start, .size = s.size - start};
}

static inline struct slice piece_to(struct slice s, size_t end)
{
    return (struct slice){.at = s.at, .size = end};
}

static inline size_t piece_find(struct slice s, char c)
{
    const char *at = s.size ? memchr(s.at, c, s.size) : NULL;
    return at ? (size_t)(at - s.at) : s.size;
}

// Takes what stands before the next `separator`, or the rest; then `rest->at` is NULL.
static inline struct slice piece_take(struct slice *rest, char separator)
{
    size_t end = piece_find(*rest, separator);
    struct slice taken = piece_to(*rest, end);
    *rest = end < rest->size ? piece_from(*rest, end + 1) : (struct slice){0};
    return taken;
}

// A beginning of somebody's text, short enough for a reason.
struct slice filter_shown(struct slice text);
// -ENOENT: what is wrong, and at which byte of the text.
__attribute__((format(printf, 3, 4))) int filter_refuse(
    struct filter_parser *p, struct slice piece, const char *format, ...);
// A piece without its %XX, in the filter's memory.
int filter_decode(struct filter_parser *p, struct slice piece, struct slice *decoded);
// The reverse: the bytes of `special`, `%`, `,`, `/` and control characters become %XX.
void filter_encode(struct bytes *out, struct slice decoded, const char *special);
// A copy in the filter's memory; .at is NULL when there is none.
struct slice filter_keep(struct filter_parser *p, const struct bytes *text);
// Adds a folded name with its first letter raised; `*` for an empty one.
void filter_add_raised(struct bytes *out, struct slice folded);

// One condition. What has a value for the whole filter (after, before, limit, order) goes there at once, and its normal
// form comes behind the others.
int filter_read_query_condition(struct filter_parser *p, struct slice text, struct filter_condition *condition);
void filter_add_query_bounds(const struct filter_parser *p, struct bytes *out);
int filter_read_find_condition(struct filter_parser *p, struct slice text, struct filter_condition *condition);
