// Which events match a filter of query/: found by the index (index.h), by the entities' own histories, or, where
// neither helps, on the rows of the log.
//
// The log is looked at in windows of up to QUERY_WINDOW positions. A query belongs to one thread, as its reader does;
// the room that it works in is the reader's.
#pragma once

#include "store/filter.h"
#include "store/history.h"

#define QUERY_WINDOW 65536u

struct query_match {
    uint64_t position;
    uint32_t size_bytes; // of its line and newline
    bool damaged;        // it cannot be read, so nobody knows whether it matches; the size is 1
};

struct query_term; // a term of the index that a choice looks for

struct query {
    struct reader *reader;
    const struct filter *filter; // must outlive the query
    struct query_term *terms;    // of all choices, as they were at `resolved`
    size_t term_count, term_room;
    uint64_t resolved;                // what was indexed then, plus 1; 0: not yet
    bool on_rows[FILTER_CHOICES_MAX]; // choices with too many terms, which are checked on the rows
};

void query_init(struct query *query, struct reader *reader, const struct filter *filter);
void query_close(struct query *query);

// The positions that the filter's moments leave; none when *first > *last. They are final once they lie within the log:
// *last is UINT64_MAX while the last event is before `before`, *first the next position while it is before `after`.
int query_bounds(struct query *query, uint64_t *first, uint64_t *last);

// The matches among the positions `first` to `last` (at most QUERY_WINDOW of them, all committed) in their order,
// whatever the filter's moments, limit and order say. *matches lives until the next call with the same reader. *next is
// a position behind `last`, before which nothing else matches; UINT64_MAX: nothing does behind `last`, as far as the
// log goes now.
int query_window(struct query *query, uint64_t first, uint64_t last, const struct query_match **matches, size_t *count,
    uint64_t *next);

// Does an event match type, entity and actor? For rows in hand.
int query_matches_row(const struct filter *filter, const struct event_row *row, bool *matches);
// Where a query works; belongs to a reader.
void query_room_free(struct query_room *room);
