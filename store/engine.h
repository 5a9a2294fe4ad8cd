// The engine keeps the rows of one tenant on stable storage. It knows rows and transactions, not what they mean.
//
// A tenant has one writing connection, used by its writer thread alone, which also does every checkpoint; and reading
// connections, each used by one thread. Readers see what was committed before each call and keep nothing open between
// calls. Slices that a call returns live until the next call on the same connection. Results: 0 (or 1 where said) or
// -errno: -ENOSPC for a full disk, -EIO for an I/O error or damage, -ENOENT for no such row.
//
// The rows, as the SQLite engine lays them out (format ENGINE_FORMAT; a file that says more is refused):
//     event(position, entity, version, offset, at, type, hash, sum, line)
//                                 the log: the only truth, appended in commits
//     entity(id, name, sum)       appended in the commit of an entity's first event
//     type(id, folded, spelling)  the types of events, as first spelled
//     given(id, position)         ids that writers gave
//     imported(hash, position)    ids that imported events brought: may lag behind the log, as chunk
//     brought(last, first, sum)   the events that came by an import, as ranges of positions
//     claimed(position)           positions whose own id somebody may have given away already
//     rejected(number, offset, line)
//                                 refused writes
//     hook(number, folder, name, text, at, position, sum)
//                                 the hooks (hook.h) in force, as they were written, secrets included
//     hook_log(hook, number, text)
//                                 what hooks have said, in pieces
//     kept(hook, text, sum)       what a kind of hooks keeps of one besides its text
//     metric(hook, …, sum)        what metrics had counted at a position (metric_row.h), which is a mark of its own
//     chunk(key, offset, events)  the index by entity and version (chunk.h): may lag behind the log, never lead
//     snapshot(key, …, sum)       states (state.h) to fold on from: as above
//     name(name, entity, sum)     as above
//     spec(position)              where a spec was declared (spec.h)
//     mark(position)              every event up to here is in chunk and name; a row of its own counts the
//                                 entities that begin up to there
//     term(kind, text, id, …)     what events are found by: their types and actors
//     posting(key, events)        the index by term and segment of positions (posting.h): as above, with a mark of its
//                                 own
// A file of format 1, which lacks the last two, is brought to format 2 when its writer opens it.
#pragma once

#include "store/bytes.h"
#include "store/chain.h"
#include "store/chunk.h"
#include "store/posting.h"
#include "store/reason.h"

#define ENGINE_FORMAT 2

struct engine;

enum engine_mode {
    ENGINE_CREATE,  // the writer of a new or an old file
    ENGINE_WRITE,   // the writer of an old file
    ENGINE_READ,    // beside the writer, in its process
    ENGINE_BESIDE,  // a tool of another process, whether there is a writer or not
    ENGINE_AT_REST, // a tool that holds the store's lock: there is no writer
};

struct event_row {
    uint64_t position;
    uint64_t entity;
    uint32_t version;
    uint32_t type;
    uint64_t offset; // of its first byte in the tenant's stream
    int64_t at_us;
    unsigned char hash[CHAIN_SIZE];
    struct slice line; // without its newline
};

struct snapshot_row {
    uint32_t version;
    int64_t created_at_us;
    struct slice created_by;
    struct slice noun;
    bool alive;
    struct slice fields; // empty when it is not alive
};

// A hook. Its number is the position of the event that made it: a new name keeps it, and none ever has it again.
struct hook_row {
    uint64_t number;
    uint64_t position; // of the event of its last change
    int64_t at_us;     // of that event
    struct slice folder, name, text;
};

int engine_open(struct engine **engine, const char *path, enum engine_mode mode, struct reason *why);
void engine_close(struct engine *engine);
// The format of the file when it was opened.
int engine_format(const struct engine *engine);
// What went wrong in the last call that returned -EIO or -ENOSPC, for the log.
const char *engine_error(const struct engine *engine);

// ---- transactions of the writer. After a failed call in a transaction only engine_rollback may follow.
int engine_begin(struct engine *engine);
// 0 only when everything since engine_begin is on stable storage.
int engine_commit(struct engine *engine);
void engine_rollback(struct engine *engine);
// False when the engine has undone the transaction by itself, as SQLite does when memory or the disk fails in the midst
// of it, even in reading. What were written now would stand alone: only engine_rollback may follow.
bool engine_in_transaction(const struct engine *engine);
// Moves what was committed from the write-ahead log into the file, when enough has gathered: much of it (`idle` false),
// or some (`idle` true: nobody waits). Call it between transactions.
int engine_checkpoint(struct engine *engine, bool idle);

// Gives back the memory of what was read.
void engine_forget(struct engine *engine);

int engine_put_event(struct engine *engine, const struct event_row *row);
int engine_put_entity(struct engine *engine, uint64_t entity, struct slice name);
int engine_put_type(struct engine *engine, uint32_t type, struct slice folded, struct slice spelling);
int engine_put_given(struct engine *engine, struct slice id, uint64_t position, struct slice content);
int engine_drop_given(struct engine *engine, struct slice id);
int engine_put_imported(struct engine *engine, uint64_t hash, uint64_t position);
// The events from a position to another came by an import; ranges that touch become one.
int engine_put_brought(struct engine *engine, uint64_t first, uint64_t last);
int engine_put_claimed(struct engine *engine, uint64_t position);
int engine_put_spec(struct engine *engine, uint64_t position);
int engine_put_rejected(struct engine *engine, uint64_t number, uint64_t offset, struct slice line);
int engine_drop_rejected(struct engine *engine, uint64_t below_number);
// With all that it has said, and what was kept of it.
int engine_drop_hook(struct engine *engine, uint64_t number);
int engine_put_hook_log(struct engine *engine, uint64_t hook, uint64_t number, struct slice text);
int engine_drop_hook_log(struct engine *engine, uint64_t hook, uint64_t below_number);
// These replace a row of the same key.
int engine_put_hook(struct engine *engine, const struct hook_row *row);
int engine_put_kept(struct engine *engine, uint64_t hook, struct slice text);
int engine_put_chunk(struct engine *engine, const struct chunk *chunk);
int engine_put_snapshot(struct engine *engine, uint64_t entity, const struct snapshot_row *row);
int engine_put_name(struct engine *engine, struct slice name, uint64_t entity);
int engine_put_mark(struct engine *engine, uint64_t position);
// How many entities begin up to the mark.
int engine_put_entities(struct engine *engine, uint64_t count);
int engine_put_term(struct engine *engine, enum term_kind kind, struct slice text, const struct term_row *row);
int engine_put_posting(struct engine *engine, uint32_t term, uint32_t segment, struct slice events);
int engine_put_posted(struct engine *engine, uint64_t position);

// ---- reading; any connection

// Between these, calls of a reader see what was committed before the first of them, and cost less. For moments, and
// only for rows that are known to be there: memory may know of newer ones.
int engine_read_begin(struct engine *engine);
void engine_read_end(struct engine *engine);
// The event at a position. -EIO, with the damage named in engine_error, when its checksum does not fit.
int engine_event(struct engine *engine, uint64_t position, struct event_row *row);
// Events from a position on, one after the other and without gaps. The connection serves nothing else until
// engine_events_end.
int engine_events_start(struct engine *engine, uint64_t position);
// 1 and a row, or 0 behind the last; -EIO for a gap too.
int engine_events_next(struct engine *engine, struct event_row *row);
void engine_events_end(struct engine *engine);
// The last event. -ENOENT in an empty log. With -EIO the row is what stands there, if anything could be read.
int engine_last_event(struct engine *engine, struct event_row *row);
// Where an event begins and when it was, without reading its line.
int engine_event_place(struct engine *engine, uint64_t position, uint64_t *offset, int64_t *at_us);

// The chunk that holds a version, if it was indexed.
int engine_chunk(struct engine *engine, uint64_t entity, uint32_t version, struct chunk *chunk);
// The last chunk of an entity. -EIO also when there are signs of a later one.
int engine_last_chunk(struct engine *engine, uint64_t entity, struct chunk *chunk);
// The latest snapshot at or before a version.
int engine_snapshot(struct engine *engine, uint64_t entity, uint32_t version, struct snapshot_row *row);
// -EIO also when a name beside it is damaged, which may be this one.
int engine_entity_of_name(struct engine *engine, struct slice name, uint64_t *entity);
int engine_name_of_entity(struct engine *engine, uint64_t entity, struct slice *name);
// The first entity with an id of at least `from`; -ENOENT behind the last. With -EIO *entity tells whose name is
// damaged, if that is known; else 0.
int engine_entity_from(struct engine *engine, uint64_t from, uint64_t *entity, struct slice *name);
// The largest id in use, 0 for none.
int engine_last_entity(struct engine *engine, uint64_t *entity);
// The type with a number of at least `from`, in their order: for loading them all.
int engine_type_from(
    struct engine *engine, uint32_t from, uint32_t *type, struct slice *folded, struct slice *spelling);
// `content` may be NULL.
int engine_given(struct engine *engine, struct slice id, uint64_t *position, struct slice *content);
int engine_any_given(struct engine *engine, bool *any);
// The largest position below another one that an id with this hash was imported to.
int engine_imported(struct engine *engine, uint64_t hash, uint64_t below, uint64_t *position);
// The hashes beyond one, in their order as integers with a sign. As engine_events_….
int engine_imported_start(struct engine *engine, int64_t hash);
int engine_imported_next(struct engine *engine, int64_t *hash);
void engine_imported_end(struct engine *engine);
int engine_claimed(struct engine *engine, uint64_t position);
int engine_last_claimed(struct engine *engine, uint64_t *position);
// The range of events that came by an import that a position lies in, or the next one.
int engine_brought(struct engine *engine, uint64_t position, uint64_t *first, uint64_t *last);
// The last position before, and the first one from a position on, at which a spec was declared.
int engine_spec_before(struct engine *engine, uint64_t before, uint64_t *position);
int engine_spec_from(struct engine *engine, uint64_t from, uint64_t *position);
int engine_mark(struct engine *engine, uint64_t *position);
// How many entities begin up to the mark; -ENOENT when that was not kept yet. All of them, one by one.
int engine_entities(struct engine *engine, uint64_t *count);
int engine_count_entities(struct engine *engine, uint64_t *count);

// -EIO also when a term beside it is damaged, which may be this one.
int engine_term(struct engine *engine, enum term_kind kind, struct slice text, struct term_row *row);
// Terms of a kind from a text on, in the order of their texts. As engine_events_…; the text lives until the next call.
int engine_terms_start(struct engine *engine, enum term_kind kind, struct slice from);
int engine_terms_next(struct engine *engine, struct slice *text, struct term_row *row);
void engine_terms_end(struct engine *engine);
// The largest id in use, 0 for none.
int engine_last_term(struct engine *engine, uint32_t *term);
// The rows of a term from a segment on. As engine_events_…; what a posting points to lives until the next call.
int engine_postings_start(struct engine *engine, uint32_t term, uint32_t segment);
int engine_postings_next(struct engine *engine, struct posting *posting);
void engine_postings_end(struct engine *engine);
// The last row of a term before a segment.
int engine_posting_before(struct engine *engine, uint32_t term, uint32_t segment, struct posting *posting);
// Every event up to here is in posting.
int engine_posted(struct engine *engine, uint64_t *position);
int engine_hook(struct engine *engine, struct slice folder, struct slice name, struct hook_row *row);
// The hook with a number of at least `from`, of any folder, in their order.
int engine_hook_from(struct engine *engine, uint64_t from, struct hook_row *row);
// What was put for it last; any bytes.
int engine_kept(struct engine *engine, uint64_t hook, struct slice *text);
// The piece of its log with a number of at least *number, which becomes its own.
int engine_hook_log_from(struct engine *engine, uint64_t hook, uint64_t *number, struct slice *text);
// The size of the whole, and the number behind the last piece.
int engine_hook_log_end(struct engine *engine, uint64_t hook, uint64_t *size_bytes, uint64_t *number);

struct rejected_row {
    uint64_t number;
    uint64_t offset;
    struct slice line; // without its newline
};
int engine_last_rejected(struct engine *engine, struct rejected_row *row);
int engine_first_rejected(struct engine *engine, struct rejected_row *row);
// The last row that begins at or before an offset, and the one of a number.
int engine_rejected_at(struct engine *engine, uint64_t offset, struct rejected_row *row);
int engine_rejected(struct engine *engine, uint64_t number, struct rejected_row *row);

// ---- walking: all rows of a table in the order of their keys, damaged ones included, for whoever proves a file
enum engine_table {
    TABLE_ENTITIES,
    TABLE_NAMES,
    TABLE_GIVEN,
    TABLE_IMPORTED,
    TABLE_CLAIMED,
    TABLE_REJECTED,
    TABLE_CHUNKS,
    TABLE_SNAPSHOTS,
    TABLE_POSTINGS,
};

struct walked_row {
    bool sound;      // it fits its checksum, or has none
    int64_t key;     // entity, position, hash or number; of the last three tables as chunk_key and posting_key make it
    uint64_t number; // of a name its entity; of a given or imported id its position; of a refusal its offset
    struct slice text;      // name, id, line
    struct chunk chunk;     // of TABLE_CHUNKS; without events when it is not sound
    struct posting posting; // of TABLE_POSTINGS; the same
};

int engine_walk_start(struct engine *engine, enum engine_table table);
// 1 and a row, whose slices live until the next call; 0 behind the last; -errno when the file cannot be read there.
int engine_walk_next(struct engine *engine, struct walked_row *row);
// Lets go of what the walk sees, so that the writer's log does not grow meanwhile; the next row is the one behind, of
// what is there by then. Also ends a walk.
void engine_walk_pause(struct engine *engine);
// Looks through the pages of the file for damage that hides rows. 0, -EIO and what is wrong in engine_error, or -errno.
int engine_check_pages(struct engine *engine);

// Called with how many bytes were copied so far.
struct copy_progress {
    void (*copied)(void *context, uint64_t bytes);
    void *context;
};
// Copies the whole file, as it is committed now, to a new file, while its writer goes on. What is there of an earlier
// one is written over. Nothing is synced. 0, -ENOSPC, -EIO …, with the reason.
int engine_copy(struct engine *engine, const char *to, const struct copy_progress *progress, struct reason *why);

// ---- the store's own file: its alphabet and its tenants. One connection, under the store's lock.
struct tenant_row {
    uint32_t number;
    struct slice name;
    uint32_t uid, gid, mode;
    int64_t made_at_us;
};

struct catalog;

// Opens it, with ENGINE_CREATE also makes it; a new one gets `alphabet`, an old one answers its own in `alphabet`.
int catalog_open(struct catalog **catalog, const char *path, enum engine_mode mode, char *alphabet, struct reason *why);
void catalog_close(struct catalog *catalog);
// Looks through its pages, and whether its index of names agrees with its tenants: rows have no checksums. 0 or -EIO.
int catalog_check(struct catalog *catalog, struct reason *why);
int catalog_copy(struct catalog *catalog, const char *to, struct reason *why);
// Adds a tenant and answers its number, which is never used again. -EEXIST.
int catalog_add(struct catalog *catalog, struct tenant_row *row);
int catalog_change(struct catalog *catalog, const struct tenant_row *row);
int catalog_remove(struct catalog *catalog, uint32_t number);
int catalog_of_name(struct catalog *catalog, struct slice name, struct tenant_row *row);
// The first tenant with a number of at least `from`.
int catalog_from(struct catalog *catalog, uint32_t from, struct tenant_row *row);
