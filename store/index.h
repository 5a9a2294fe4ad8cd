// The index of events by type and actor: postings (posting.h) of each full segment of 4,096 positions.
//
//      1 … posted           │ posted + 1 … memory - 1           │ memory … end of the log
//      postings on disk     │ the log alone tells (an old file) │ segments in memory, the last one open
//
// A segment's postings are written when it is full, in the commits that follow, some in each; `posted` moves in the
// commit of the last of them. So the index may lag behind the log, but never lead. What lies between is empty, but for
// a file whose postings have to be made from the log (format 1): that is done in small steps, while the tenant serves.
// When a tenant is opened, the open segment is read from the log.
#pragma once

#include "store/engine.h"
#include "store/segment.h"

struct tenant;

struct index {
    uint64_t posted;              // (lock)
    struct segment *first, *last; // (lock) in their order, without gaps
    uint32_t segment_count;       // (lock)

    // the writer's own
    bool stopped;                    // a damaged row is in the way
    uint64_t next_posted;            // with what the running transaction has written
    struct segment *filling;         // read from the log
    struct segment *job;             // whose postings are being written: in the list, or `filling`
    struct posted_event *job_events; // in the order of `job_terms`
    struct index_term {
        const struct segment_term *term;
        uint32_t at, count; // of job_events
    } * job_terms;
    uint32_t job_count, job_next;
    uint32_t last_term, committed_last_term; // ids given
};

// Reads how far the index is, and the open segment from the log, which ends at `end`. The writer, before anybody reads.
int index_open(struct index *index, struct engine *engine, uint64_t end, struct reason *why);
void index_free(struct index *index);

// The terms of an event that is to be committed at a position; forgets what stood there and behind. Under the tenant's
// lock. 0 or -ENOMEM.
int index_add(struct index *index, uint64_t position, uint32_t size_bytes, struct slice type_term, struct slice actor);
// Writes up to about `rows` rows within the running transaction, of segments that are full up to `published`; of those
// that memory lacks, it reads up to `events` from the log.
int index_step(struct tenant *tenant, struct engine *engine, uint64_t published, size_t rows, size_t events);
// After the commit, or instead of it.
void index_settle(struct tenant *tenant, bool committed);
// Is a full segment without its postings?
bool index_is_behind(const struct index *index, uint64_t published);
