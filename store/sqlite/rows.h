// What the files of the SQLite engine share: its connection, and small steps of statements. Private to it.
#pragma once

#include "store/engine.h"
#include "store/sqlite/connection.h"
#include "store/sqlite/statements.h"

#include <errno.h>
#include <stdio.h>

struct engine {
    struct connection connection;
    struct bytes kept;      // what the slices of the last answer point into
    uint64_t next_event;    // what engine_events_next must find
    uint32_t postings_term; // whose rows engine_postings_next walks along

    unsigned walked;          // the statement of the walk
    int64_t walked_key;       // of its last row
    struct bytes walked_text; // the same, where keys are texts
    bool walk_paused;
};

static inline sqlite3_stmt *statement(struct engine *e, unsigned number)
{
    return connection_statement(&e->connection, number);
}

// Binds up to two numbers.
static inline sqlite3_stmt *statement_of(struct engine *e, unsigned number, uint64_t first, uint64_t second)
{
    sqlite3_stmt *s = statement(e, number);
    if (s) {
        bind_number(s, 1, first);
        if (sqlite3_bind_parameter_count(s) > 1)
            bind_number(s, 2, second);
    }
    return s;
}

static inline int run(struct engine *e, sqlite3_stmt *s)
{
    return connection_run(&e->connection, s);
}

// A statement whose only row is one number.
static inline int number_of(struct engine *e, sqlite3_stmt *s, uint64_t *number)
{
    int error = connection_row(&e->connection, s);
    if (error)
        return error;
    *number = column_number(s, 0);
    sqlite3_reset(s);
    return 0;
}

// The same where no row counts as 0.
static inline int number_or_zero(struct engine *e, sqlite3_stmt *s, uint64_t *number)
{
    int error = number_of(e, s, number);
    if (error == -ENOENT)
        *number = 0;
    return error == -ENOENT ? 0 : error;
}

static inline int damaged(struct engine *e, const char *what, uint64_t number)
{
    snprintf(e->connection.error, sizeof e->connection.error,
        "damaged: %s %llu is missing or does not fit its checksum", what, (unsigned long long)number);
    return -EIO;
}

uint32_t name_checksum(uint64_t entity, struct slice name);
// Takes a row of snapshot as it stands; false when it does not fit its checksum.
bool take_snapshot(sqlite3_stmt *s, int64_t *key, struct snapshot_row *row);

// Copies up to three columns into `kept` and ends the statement: no read transaction stays open between calls.
int keep(struct engine *e, sqlite3_stmt *s, struct slice *a, struct slice *b, struct slice *c);
