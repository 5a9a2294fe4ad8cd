// A posting is one row of the index of events by term: where, within one segment of 4,096 positions, the events with
// that term stand, and how long their lines are. A term is a type (`noun.verb`, name_type_term) or an actor; each event
// has one of either. So counts and sizes of what a query finds are known without reading a line.
//
// The row's blob, all numbers as varints (varint.h):
//     events before | bytes before | events | bytes | Δposition | size | Δposition | size | …
//     … and 4 bytes CRC-32C over all of it and the row's key, little endian
// `before` counts all earlier rows of the term: a row that is missing is noticed at the next one, and after the last at
// the term's own row, which has the totals. Positions count from the segment's first, 0; sizes count the newline.
#pragma once

#include "store/bytes.h"

#define SEGMENT_BITS   12
#define SEGMENT_EVENTS (1u << SEGMENT_BITS)

static inline uint32_t segment_of(uint64_t position)
{
    return (uint32_t)((position - 1) >> SEGMENT_BITS);
}

// The position of a segment's first event.
static inline uint64_t segment_first(uint64_t segment)
{
    return (segment << SEGMENT_BITS) + 1;
}

enum term_kind {
    TERM_TYPE = 1,
    TERM_ACTOR = 2,
    TERM_DAMAGED = 3, // text "": events that could not be read when the index was made
};

// What was indexed of a term.
struct term_row {
    uint32_t id;           // from 1
    uint32_t last_segment; // with a row
    uint64_t count, bytes; // of all its events
};

struct posting {
    uint32_t term, segment;
    uint64_t count_before, bytes_before;
    uint32_t count;
    uint64_t bytes;
    struct slice events; // as posting_next reads them
};

struct posted_event {
    uint32_t position; // within the segment
    uint32_t size_bytes;
};

static inline int64_t posting_key(uint32_t term, uint32_t segment)
{
    return (int64_t)((uint64_t)term << 32 | segment);
}

static inline uint32_t posting_key_term(int64_t key)
{
    return (uint32_t)((uint64_t)key >> 32);
}

static inline uint32_t posting_key_segment(int64_t key)
{
    return (uint32_t)key;
}

// Appends the blob of a row. `count` and `bytes` are counted here.
void posting_encode(const struct posting *row, const struct posted_event *events, uint32_t count, struct bytes *out);
// Reads the blob; term and segment must be set by the caller. It must outlive the posting. 0, or -EIO when it is
// damaged.
int posting_decode(struct posting *row, struct slice blob);
// Takes the next event; false behind the last. *event must be {0} at first.
bool posting_next(struct posting *row, struct posted_event *event);
