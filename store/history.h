// Reading a tenant: events by version and position, heads, states and moments (streams: stream.h). Memory first (what
// the index on disk does not have yet), then disk.
//
// A reader is a connection of its own and used by one thread. Slices that it answers live until the next call on it.
// All functions: 0 or -errno; -ENOENT for what does not exist, -EIO for damage, which was logged.
#pragma once

#include "store/tenant.h"

struct query_room;
struct result_hand;

struct reader {
    struct tenant *tenant;
    struct engine *engine;
    struct query_room *room;  // where queries work (query.h); made at first use, as the next
    struct result_hand *hand; // what a result has read last (result.h)
};

int reader_open(struct reader *reader, struct tenant *tenant, struct reason *why);
void reader_close(struct reader *reader);

// The reader that a tenant keeps for one of its reading threads; opened at first use, closed with the tenant. Each
// number is one thread's own.
int history_reader(struct tenant *tenant, unsigned thread, struct reader **reader);
// Passes an error of the engine on, and logs it if it is damage.
int history_heard(struct reader *reader, int error);

// ---- entities
int history_head(struct reader *reader, struct slice name, struct head *head);
// Also answers reserved entities, with version 0.
int history_head_of(struct reader *reader, uint64_t entity, struct head *head);
// The name of an entity; no zero is written.
int history_name(struct reader *reader, uint64_t entity, char name[static NAME_ENTITY_MAX], size_t *size);
// The entity with the smallest id of at least `from`, in their order, reserved ones included.
int history_entity_from(
    struct reader *reader, uint64_t from, uint64_t *entity, char name[static NAME_ENTITY_MAX], size_t *size);

// ---- events
// The events of an entity from a version on, up to the end of that version's chunk; at least one.
int history_page(struct reader *reader, uint64_t entity, uint32_t version, struct chunk *page);
// The spelling of a type; lives as long as the tenant.
struct slice history_type(struct reader *reader, uint32_t type);
int history_event(struct reader *reader, uint64_t position, struct event_row *row);

// ---- positions and moments
// The position of the event that an offset of the tenant's stream lies in.
int history_position_of_offset(struct reader *reader, uint64_t offset, uint64_t *position);
// The last position at or before a moment; 0 when there is none.
int history_position_at(struct reader *reader, int64_t at_us, uint64_t *position);
// The position of the event with an id.
int history_position_of(struct reader *reader, struct slice id, uint64_t *position);
// The last version of an entity at or before a position; 0 when there is none.
int history_version_at(struct reader *reader, uint64_t entity, uint64_t position, uint32_t *version);
// What WHEN says of a tenant: the last position then, 1 or more. *forever: no event can still come in before then.
// -ENOENT before the first event, for a moment that is not past and for a version.
int history_moment(struct reader *reader, const struct when *when, uint64_t *position, bool *forever);
// What WHEN says of an entity: its last version then, 1 or more. *forever: no event can still come in before then.
// -ENOENT before its first event and for a moment that is not past.
int history_resolve(struct reader *reader, uint64_t entity, const struct when *when, uint32_t *version, bool *forever);

// ---- states
// The state of an entity at a version; the caller drops it.
int history_state(struct reader *reader, uint64_t entity, uint32_t version, struct state **state);

// ---- hooks, as committed
int history_hook(struct reader *reader, struct slice folder, struct slice name, struct hook_row *row);
// The one with a number of at least `from`, of any folder.
int history_hook_from(struct reader *reader, uint64_t from, struct hook_row *row);
int history_hook_log_from(struct reader *reader, uint64_t hook, uint64_t *number, struct slice *text);
int history_hook_log_size(struct reader *reader, uint64_t hook, uint64_t *size_bytes);
