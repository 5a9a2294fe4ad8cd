// The entities of a tenant as things stood just after a position.
//
// Entities get their ids in the order in which they appear, those reserved by mkdir aside: they have one before their
// first event. As only so many may be reserved at a time, the ids of those that were there at a position are a prefix
// of all ids, with a bounded number of others within.
//
// As history.h: the reader's thread; 0 or -errno.
#pragma once

#include "store/history.h"

// The last event of an entity at or before a position. -ENOENT when there is none.
int past_last(struct reader *reader, uint64_t entity, uint64_t position, uint32_t *version, struct event_place *place);
// Had the entity an event by then?
int past_has(struct reader *reader, uint64_t entity, uint64_t position, bool *there);
// The entity with the smallest id of at least `from` that had. -ENOENT behind the last. One whose index is damaged is
// answered too: whoever looks at it hears of it.
int past_entity_from(struct reader *reader, uint64_t position, uint64_t from, uint64_t *entity,
    char name[static NAME_ENTITY_MAX], size_t *size);
