// The sweep brings the index on disk (chunks, names and imported ids) up to the log, sorted by key, a few rows in each
// commit of the writer.
//
// Rows in random places are what costs in a commit: each dirties a page. Collected in memory and written in order, many
// of them share one. The index may so lag behind the log, but never lead or disagree: `mark` says how far it is whole,
// moves in the commit of a sweep's last row, and what lies behind it is read from the log when the tenant is opened.
//
//     idle ── enough has gathered ──▶ names, by name ──▶ chunks, by entity ──▶ ids, by hash ── mark ──▶ idle
//
// Belongs to the writer's thread.
#pragma once

#include "store/transaction.h"

struct swept {
    struct entity *entity;
    uint32_t taken; // pending places that were written
};

struct sweep {
    uint64_t mark;                     // the index is whole up to this position
    uint64_t until;                    // what mark becomes
    uint64_t entities, until_entities; // that begin up to there
    struct swept *names, *chunks;
    struct id_place *ids;
    size_t name_count, chunk_count, id_count;
    size_t next_name, next_chunk, next_id;                   // what comes next
    size_t committed_names, committed_chunks, committed_ids; // what the last commit has
    bool running, finished;
};

// Reads the log behind the mark into memory, and counts the entities into tenant->end.
int sweep_open(struct sweep *sweep, struct tenant *tenant, struct engine *engine, struct reason *why);
void sweep_close(struct sweep *sweep);
// Writes up to about `rows` rows within the running transaction, if there is something to sweep; starts when enough has
// gathered, or at once when `force`.
int sweep_step(struct sweep *sweep, struct transaction *tx, size_t rows, bool force);
// After the commit, or instead of it.
void sweep_settle(struct sweep *sweep, struct tenant *tenant, bool committed);
