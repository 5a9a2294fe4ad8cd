// The least and the greatest value of a column, in a file or a part of one, by which readers skip what cannot match.
// Strings are ordered by their bytes, and shown as Iceberg's truncate(16) has them: not more than 16 characters, the
// upper one then counted up in its last character that can be. Owned by the caller; one thread.
#pragma once

#include "hooks/lake/columns.h"

#define BOUND_MAX (16 * 4)

// As Parquet and Iceberg write it: 8 bytes little endian, or the bytes of the text.
struct bound {
    bool is_known; // there is one
    bool is_exact; // it is a value of the column
    uint8_t size;
    char at[BOUND_MAX];
};

struct bounds {
    bool any;
    int64_t least, greatest; // of numbers
    struct bytes least_text, greatest_text;
    bool failed; // there was no memory: they are not known
};

void bounds_add(struct bounds *bounds, const struct lake_column *column, const struct lake_value *value);
// Makes `bounds` hold what `more` holds, too.
void bounds_join(struct bounds *bounds, const struct lake_column *column, const struct bounds *more);
// Forgets the values, keeps the room.
void bounds_clear(struct bounds *bounds);
void bounds_free(struct bounds *bounds);

struct bound bounds_lower(const struct bounds *bounds, const struct lake_column *column);
struct bound bounds_upper(const struct bounds *bounds, const struct lake_column *column);
