// What the tables beside a log say of it, so that one pass over the log can tell whether they are right.
//
// The rows of each table are added up, event by event: an entity's index rows to one sum, those of a term to another.
// The pass over the log takes each event from the sums that it belongs to. What is not zero at the end does not agree
// with the log, and only then is looked for the row. So nothing is read out of order, and memory holds some 40 bytes
// an entity.
//
// The tables may be read while the tenant's writer goes on: what they say of events behind `end` is left aside.
// Used by one thread. Errors: 0, -EIO for a table that does not fit (the reason names the row), or -errno.
#pragma once

#include "store/engine.h"
#include "store/envelope.h"
#include "store/sqid.h"
#include "store/types.h"

struct claims {
    struct engine *engine;
    uint32_t tenant;
    const struct sqids *sqids;
    uint64_t end;    // the last event that is looked at
    uint64_t mark;   // every event up to here is to be in the index by entity
    uint64_t posted; // and in the index by term
    bool quiet;      // nobody writes meanwhile

    bool knows_entities, knows_all; // which tables could be read

    struct claimed_entity *entities; // by id
    uint64_t entity_room;
    struct types types;
    uint64_t *type_terms; // hash of the term of a type, once known; 0 when it depends on the entity
    struct claimed_term *terms;
    uint32_t term_room, term_count; // a table of hashes
    uint64_t given;                 // sum
};

// Reads the tables, as far as they fit. `claims` must be zero but for its first five members and `quiet`.
int claims_load(struct claims *claims, struct reason *why);
// The next event of the log, which must fit its checksum. -EIO when it does not fit what is known of its entity, type
// or id: then it is the event that is wrong. When it is a table that lacks it, `beside` is set, and 0 returned.
int claims_event(struct claims *claims, const struct event_row *row, const struct event *event, struct reason *why,
    struct reason *beside);
// After the last event: do the sums come out?
int claims_settle(struct claims *claims, struct reason *why);
void claims_free(struct claims *claims);
