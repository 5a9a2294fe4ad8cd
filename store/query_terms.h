// What the files of a query share: a window of the log that is looked at, and the terms that the index is asked for.
// Private to query.c and query_terms.c.
#pragma once

#include "store/query.h"

struct query_term {
    struct term_row row;
    uint32_t choice;       // which one it belongs to; QUERY_DAMAGED for events that could not be read
    uint32_t next_segment; // where the last walk ended, and how many events it knew of until there
    uint64_t next_count;
    uint64_t next_row; // the segment of the first row from there on; UINT64_MAX: none
};
#define QUERY_DAMAGED UINT32_MAX

#define HOLDS_ALL UINT8_MAX

// Per position of a window: how many choices hold so far (in their order), and the size.
struct query_room {
    uint8_t holds[QUERY_WINDOW]; // HOLDS_ALL: found in memory
    uint8_t term_holds[SEGMENT_TERMS_ROOM];
    uint32_t sizes[QUERY_WINDOW];
    uint32_t found[QUERY_WINDOW]; // places that hold
    uint32_t found_count;
    uint32_t unsure[QUERY_WINDOW]; // places of events that the index could not read
    uint32_t unsure_count;
    struct query_match matches[QUERY_WINDOW];
};

// What is asked of a window.
struct window {
    struct query *query;
    struct query_room *room;
    uint64_t first, last;
    uint64_t next;
};

// One more choice holds at a place, if all before it do.
static inline void find_place(struct query_room *room, uint8_t step, uint32_t at, uint32_t size_bytes)
{
    if (room->holds[at] != step)
        return;
    room->holds[at] = (uint8_t)(step + 1);
    room->sizes[at] = size_bytes;
    if (step == 0)
        room->found[room->found_count++] = at;
}

// Finds the terms that the choices have now that the postings up to `posted` are on disk. 0 or -errno.
int query_resolve(struct query *query, uint64_t posted);
// The choices that the index tells, the rarest first; with an entity, types are told by its history. Their number.
uint32_t query_rank(const struct query *query, bool entity, uint32_t ranked[static FILTER_CHOICES_MAX]);
// Finds the places of a choice (QUERY_DAMAGED: those that are unsure) among positions of which the postings are on
// disk; w->next rises to where the next may be.
int query_walk(struct window *w, uint32_t choice, uint64_t first, uint64_t last, uint8_t step);
// Says damage aloud and passes the error on.
int query_say(struct query *query, int error);
bool query_has_entity(const struct filter *filter);
// Does one of the alternatives hold? `text` is a type's term, an entity or an actor.
bool query_choice_holds(const struct filter_choice *choice, struct slice text);
