// The proof of a tenant's file: that its log is whole and unchanged, and that the tables beside it agree with it.
//
// Of each event: its row's checksum, the chain of hashes, positions and offsets without gaps, versions, times that
// never go back, and that the line says what the row says. Of the tables (claims.h): checksums where they have them,
// and that they say of every event what the log says, once. Of the file: that no page is damaged. Snapshots are not
// folded again.
#pragma once

#include "store/engine.h"
#include "store/sqid.h"

struct proof_subject {
    const char *path;
    enum engine_mode mode; // ENGINE_BESIDE or ENGINE_AT_REST
    uint32_t number;       // of the tenant
    const struct sqids *sqids;
    // Called now and then, may be NULL.
    void (*progress)(void *context, uint64_t done, uint64_t total);
    void *context;
};

struct proof {
    uint64_t events;
    unsigned char hash[CHAIN_SIZE]; // of the last of them
    struct reason log;              // the first event that does not fit, and what is wrong with it; or empty
    struct reason beside;           // the first thing besides, or empty
};

// 0 when all is well; -EIO when it is not, or the file cannot be read, with what was found in `proof`; other -errno
// with the reason in proof->beside.
int proof_make(const struct proof_subject *subject, struct proof *proof);
