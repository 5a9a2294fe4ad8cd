// The columns of the lake's table, and the values of one row. Whoever writes a file or the table's schema reads this
// one list; a field id is never given away twice. What a column may become later is what Iceberg allows: a new optional
// column, another name, never another meaning. Plain data; any thread.
//
//     | id | name      | type        |          | bounds |
//     | -: | --------- | ----------- | -------- | ------ |
//     |  1 | id        | string      | required | yes    |
//     |  2 | type      | string      | required | yes    |
//     |  3 | target    | string      | required | yes    |
//     |  4 | actor     | string      | required | yes    |
//     |  5 | timestamp | timestamptz | required | yes    |
//     |  6 | data      | string      | required | no     |  the text of the object, as it was written
//     |  7 | tenant    | string      | required | yes    |
//     |  8 | version   | long        | required | yes    |
//     |  9 | metadata  | string      | optional | no     |  the same, or null
//     | 10 | position  | long        | required | yes    |  within the tenant
#pragma once

#include "store/envelope.h"

enum lake_type { LAKE_STRING, LAKE_LONG, LAKE_TIMESTAMPTZ };

struct lake_column {
    int32_t id; // of the field, from 1
    const char *name;
    enum lake_type type;
    bool required;
    bool bounded; // the least and the greatest value are worth keeping
};

// More than a table has that this program writes or merges.
#define LAKE_COLUMNS_MAX 64

enum lake_column_at {
    LAKE_ID,
    LAKE_EVENT_TYPE,
    LAKE_TARGET,
    LAKE_ACTOR,
    LAKE_TIMESTAMP,
    LAKE_DATA,
    LAKE_TENANT,
    LAKE_VERSION,
    LAKE_METADATA,
    LAKE_POSITION,
    LAKE_COLUMNS,
};

// By their places, which are their ids less one.
extern const struct lake_column lake_columns[LAKE_COLUMNS];

// One value of a row. Strings are UTF-8; whoever writes them refuses what is not (all of an accepted event is).
struct lake_value {
    bool is_null;
    int64_t number;    // LONG; TIMESTAMPTZ: microseconds since 1970
    struct slice text; // STRING
};

// The row of an event; the slices are those of the event and of the tenant.
void lake_row(
    struct lake_value row[static LAKE_COLUMNS], const struct event *event, struct slice tenant, uint64_t position);
