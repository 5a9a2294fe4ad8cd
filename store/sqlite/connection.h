// A SQLite connection with its statements, prepared at first use and kept; results as -errno.
// Private to the SQLite engine.
#pragma once

#include "store/engine.h"

#include <sqlite3.h>

struct connection {
    sqlite3 *db;
    const char *const *sql; // the texts of the statements, by number
    sqlite3_stmt **statements;
    unsigned count;
    int format;    // of the file, before it was brought to another
    int wal_pages; // in the write-ahead log after the last commit
    char error[256];
};

// Opens a file as `mode` says and checks that it is one of ours: `application` is its application_id, `format` the
// newest user_version that is understood. A new file (ENGINE_CREATE) is made by `schema`, one of an older format
// brought to the newest by `upgrade` when it is opened for writing; then `additions` is run, which must change nothing
// where everything is there.
struct connection_schema {
    const char *schema, *upgrade, *additions;
    int application, format;
};
int connection_open(struct connection *c, const char *path, enum engine_mode mode,
    const struct connection_schema *schema, const char *const *sql, unsigned count, struct reason *why);
void connection_close(struct connection *c);
// A file and what SQLite keeps beside it are their owner's alone (0600), since the secrets of hooks stand in it in
// clear; what is made beside it later gets its mode. With `create` it is made, empty, unless it is there. 0 or -errno.
int connection_keep_private(const char *path, bool create);
// As engine_copy; `progress` may be NULL.
int connection_copy(struct connection *c, const char *to, const struct copy_progress *progress, struct reason *why);

// The statement, reset and ready to bind; NULL (and c->error) when it cannot be prepared.
sqlite3_stmt *connection_statement(struct connection *c, unsigned number);
// Runs a statement that answers no row. Statement NULL: why it could not be prepared.
int connection_run(struct connection *c, sqlite3_stmt *statement);
// Steps to the next row: 1, 0 behind the last (and reset), or -errno.
int connection_step(struct connection *c, sqlite3_stmt *statement);
// Steps to the only row: 0, or -ENOENT, or -errno. The row lives until the statement is used again or reset.
int connection_row(struct connection *c, sqlite3_stmt *statement);
int connection_execute(struct connection *c, const char *sql);
// What a SQLite result means; keeps its words in c->error.
int connection_result(struct connection *c, int result);

static inline void bind_number(sqlite3_stmt *s, int at, uint64_t number)
{
    sqlite3_bind_int64(s, at, (sqlite3_int64)number);
}

// The bytes must live until the statement was run.
static inline void bind_text(sqlite3_stmt *s, int at, struct slice text)
{
    sqlite3_bind_text(s, at, text.at ? text.at : "", (int)text.size, SQLITE_STATIC);
}

static inline void bind_blob(sqlite3_stmt *s, int at, struct slice blob)
{
    sqlite3_bind_blob(s, at, blob.at ? blob.at : "", (int)blob.size, SQLITE_STATIC);
}

static inline uint64_t column_number(sqlite3_stmt *s, int at)
{
    return (uint64_t)sqlite3_column_int64(s, at);
}

static inline struct slice column_slice(sqlite3_stmt *s, int at)
{
    const char *bytes = sqlite3_column_blob(s, at);
    return (struct slice){.at = bytes ? bytes : "", .size = (size_t)sqlite3_column_bytes(s, at)};
}
