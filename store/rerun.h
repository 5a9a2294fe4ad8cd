// An import that is run again, of events without ids: which of them does the log have already? The k-th equal one of
// the file is the k-th in the log, where equal are target, type, timestamp, actor and data. Both are in the order of
// time, so only the events of one moment are compared, one after the other from the first on.
//
// Belongs to an open file; used by the writer's thread of its tenant. A submission that is undone takes its part back.
#pragma once

#include "store/draft.h"

struct transaction;

#define RERUN_CONTENT_SIZE 16

struct rerun_event {
    uint64_t position;
    bool taken; // the file has had it
    unsigned char content[RERUN_CONTENT_SIZE];
};

struct rerun {
    bool begun;
    int64_t at_us;           // the moment of the file's last event
    uint64_t looked;         // what the log has of that moment up to this position is in `log`, or the file has had it
    struct rerun_event *log; // of that moment
    uint32_t count, room, free; // free: not taken
    uint32_t next;              // where the next one is expected
    uint64_t *passed;           // positions beyond `looked` that the file has had
    uint32_t passed_count, passed_room;
    bool restored; // the writer's: what a failed commit undid was taken back
};

void rerun_free(struct rerun *r);
// The file's next event is of this moment. Every event is told, before it is added.
void rerun_go_to(struct rerun *r, const struct transaction *tx, int64_t at_us);
// The event of the log that this one of the file is, which is taken by it. 0, -ENOENT when it is a new one, or -errno.
int rerun_find(struct rerun *r, struct transaction *tx, const struct draft *draft, uint64_t *position);
// The event at a position was added, or is the file's by its id. 0 or -ENOMEM.
int rerun_pass(struct rerun *r, uint64_t position);

// What to go back to when a submission is undone. 0 or -ENOMEM.
int rerun_save(struct rerun *r, struct rerun *saved);
// Goes back; `saved` is empty then, as it is when there is nothing to go back to.
void rerun_restore(struct rerun *r, struct rerun *saved);
