// Which event an id is that of. The store's own ids are Sqids of [tenant number, position] and found without an index;
// where somebody has given such an id away, of [tenant number, position, 1], and so on. Ids that append was given stand
// in `given`, those that import brought in memory (ids.h) and in `imported`, by hash.
#pragma once

#include "store/bloom.h"
#include "store/engine.h"
#include "store/sqid.h"

#define IDENTITY_TEXT_MAX (SQID_TEXT_MAX + 4)

struct tenant;
struct reader;
struct transaction;

uint64_t identity_hash(struct slice id);
// The position that the store would give an id for, if its event has not got another one; 0 when it is none of the own
// ids of the tenant with this number.
uint64_t identity_own(const struct sqids *sqids, uint32_t tenant, struct slice id);
// Does the line have this id?
bool identity_is(struct slice line, struct slice id);
// The largest position below another one where an imported event may have an id with this hash: its line tells. 0,
// -ENOENT, or an error of the engine.
int identity_imported(struct reader *reader, uint64_t hash, uint64_t below, uint64_t *position);

// ---- the writer's thread

// What it knows of ids without a search.
struct identities {
    uint64_t last_claimed; // the largest position whose own id may have been given away
    bool has_given;        // append was given an id at some time
    struct bloom imported; // the ids that import brought; all of them when
    bool sifted;
    int64_t sift_from; // the last hash of the index that it has
};

// Reads it from disk; `identities` must be zero. 0 or -errno.
int identities_open(struct identities *identities, struct engine *engine);
// Gives the memory back. What import brought is read anew when it is needed.
void identities_close(struct identities *identities);

// What `given` keeps of the event that was given an id, to tell whether it is the same one that comes again.
struct identity_content {
    bool known;
    unsigned char hash[CHAIN_SIZE];
};

// Makes the store's own id for the event at a position, in `out`.
int identity_make(struct transaction *tx, uint64_t position, char out[static IDENTITY_TEXT_MAX], struct slice *id);
// The event that has an id, recorded or of this transaction; -ENOENT when there is none.
int identity_event(struct transaction *tx, struct slice id, struct event_row *row, struct identity_content *content);
// Somebody gives this id to an event that is about to be added: if it is the own one of an event to come, that one will
// get another. 0, or an error in writing.
int identity_claim(struct transaction *tx, struct slice id);
// The event at a position, of this transaction, was given its id: keeps where it is, with the hash of its content
// (CHAIN_SIZE bytes). The id must live until the submission was written. 0, or an error in writing.
int identity_give(struct transaction *tx, struct slice id, uint64_t position, const unsigned char *hash);
// The same for an event that was imported.
int identity_import(struct transaction *tx, struct slice id, uint64_t position);
// An import of so many events begins: reads on in the index, so that for most ids it need not be searched. 0 or -errno.
int identity_sift(struct transaction *tx, size_t events);
