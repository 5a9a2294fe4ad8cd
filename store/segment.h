// A segment of 4,096 positions in memory, while its postings are not on disk: the terms of each event, numbered within
// the segment, and the sizes of their lines. Guarded by whoever owns it.
#pragma once

#include "store/arena.h"
#include "store/posting.h"

#define SEGMENT_TERMS_MAX (2 * SEGMENT_EVENTS)
// More than this are the terms of events that were taken back.
#define SEGMENT_TERMS_ROOM (4 * SEGMENT_EVENTS)

struct segment_event {
    uint32_t size_bytes;
    uint16_t type, actor; // numbers of terms; the same one for an event that is damaged
};

struct segment_term {
    enum term_kind kind;
    struct slice text;
};

struct segment {
    uint32_t number;
    uint32_t count; // events known, from the first on; those behind the log's end are of a transaction
    struct segment_event *events;
    uint32_t event_room;
    struct segment_term *terms;
    uint32_t term_count, term_room;
    uint16_t *slots; // hash table of numbers + 1; 0 is free
    uint32_t slot_count;
    struct arena texts;
    struct segment *next; // of a list
};

struct segment *segment_new(uint32_t number);
void segment_free(struct segment *segment);
// Puts the event at a place (0 to 4,095, at most `count`) and forgets those behind it. 0 or -ENOMEM.
int segment_put(struct segment *segment, uint32_t at, uint32_t size_bytes, struct slice type_term, struct slice actor);
int segment_put_damaged(struct segment *segment, uint32_t at);
// The number of a term, or -1.
int segment_find(const struct segment *segment, enum term_kind kind, struct slice text);
