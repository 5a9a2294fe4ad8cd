#include "store/sqlite/connection.h"

#include "store/sqlite/wal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

// What the caches of all connections may take together, about.
#define HEAP_BYTES (INT64_C(32) << 20)

int connection_result(struct connection *c, int result)
{
    switch (result & 0xff) {
    case SQLITE_OK:
    case SQLITE_DONE:
    case SQLITE_ROW:
        return 0;
    case SQLITE_NOMEM:
        snprintf(c->error, sizeof c->error, "out of memory");
        return -ENOMEM;
    case SQLITE_FULL:
        snprintf(c->error, sizeof c->error, "no space left for the store");
        return -ENOSPC;
    default:
        snprintf(c->error, sizeof c->error, "%s (SQLite result %d)", c->db ? sqlite3_errmsg(c->db) : "", result);
        // SQLite tells a full disk as an I/O error when it met it outside of a plain write.
        return c->db && sqlite3_system_errno(c->db) == ENOSPC ? -ENOSPC : -EIO;
    }
}

sqlite3_stmt *connection_statement(struct connection *c, unsigned number)
{
    sqlite3_stmt **s = &c->statements[number];
    if (*s) {
        sqlite3_reset(*s);
        return *s;
    }
    int result = sqlite3_prepare_v3(c->db, c->sql[number], -1, SQLITE_PREPARE_PERSISTENT, s, NULL);
    if (result != SQLITE_OK)
        connection_result(c, result);
    return *s;
}

// Why a statement could not be prepared.
static int unprepared(struct connection *c)
{
    int error = connection_result(c, sqlite3_errcode(c->db));
    return error ? error : -EIO;
}

int connection_run(struct connection *c, sqlite3_stmt *statement)
{
    if (!statement)
        return unprepared(c);
    int result = sqlite3_step(statement);
    int error = connection_result(c, result);
    sqlite3_reset(statement);
    return error;
}

int connection_step(struct connection *c, sqlite3_stmt *statement)
{
    if (!statement)
        return unprepared(c);
    int result = sqlite3_step(statement);
    if (result == SQLITE_ROW)
        return 1;
    int error = connection_result(c, result);
    sqlite3_reset(statement);
    return error;
}

int connection_row(struct connection *c, sqlite3_stmt *statement)
{
    int found = connection_step(c, statement);
    return found == 1 ? 0 : found == 0 ? -ENOENT : found;
}

int connection_execute(struct connection *c, const char *sql)
{
    return connection_result(c, sqlite3_exec(c->db, sql, NULL, NULL, NULL));
}

static int pragma_number(struct connection *c, const char *sql, int *number)
{
    sqlite3_stmt *s = NULL;
    int result = sqlite3_prepare_v2(c->db, sql, -1, &s, NULL);
    if (result == SQLITE_OK && (result = sqlite3_step(s)) == SQLITE_ROW)
        *number = sqlite3_column_int(s, 0);
    sqlite3_finalize(s);
    return connection_result(c, result);
}

static int remember_wal_pages(void *context, sqlite3 *db, const char *name, int pages)
{
    (void)db, (void)name;
    ((struct connection *)context)->wal_pages = pages;
    return SQLITE_OK;
}

static int upgrade(struct connection *c, const char *path, const struct connection_schema *schema, int found_format,
    struct reason *why)
{
    if (found_format >= schema->format || !schema->upgrade || sqlite3_db_readonly(c->db, "main"))
        return 0;
    int error = connection_execute(c, schema->upgrade);
    if (error && !sqlite3_get_autocommit(c->db))
        sqlite3_exec(c->db, "ROLLBACK", NULL, NULL, NULL);
    return error ? reason_set(why, error, "%s cannot be brought to format %d: %s", path, schema->format, c->error) : 0;
}

static int check_format(
    struct connection *c, const char *path, const struct connection_schema *schema, struct reason *why)
{
    int found_application = 0, found_format = 0;
    int error = pragma_number(c, "PRAGMA application_id", &found_application);
    if (!error)
        error = pragma_number(c, "PRAGMA user_version", &found_format);
    if (error)
        return reason_set(why, error, "%s cannot be read: %s", path, c->error);
    if (found_application != schema->application)
        return reason_set(why, -EINVAL, "%s is not a file of factfs", path);
    if (found_format > schema->format)
        return reason_set(why, -EINVAL,
            "%s has format %d, newer than the %d that this factfs knows: use a newer factfs", path, found_format,
            schema->format);
    return upgrade(c, path, schema, found_format, why);
}

static int create_or_check(
    struct connection *c, const char *path, bool create, const struct connection_schema *schema, struct reason *why)
{
    int tables = 0;
    int error = pragma_number(c, "SELECT count(*) FROM sqlite_schema", &tables);
    if (error)
        return reason_set(why, error, "%s cannot be read: %s", path, c->error);
    if (tables == 0 && create) {
        error = connection_execute(c, schema->schema);
        if (error)
            return reason_set(why, error, "%s cannot be made: %s", path, c->error);
    }
    return check_format(c, path, schema, why);
}

int connection_open(struct connection *c, const char *path, int flags, const struct connection_schema *schema,
    const char *const *sql, unsigned count, struct reason *why)
{
    *c = (struct connection){.sql = sql, .count = count};
    int error = flags & SQLITE_OPEN_READWRITE ? wal_settle(path, why) : 0;
    if (error)
        return error;
    // Past this, a page that is read takes the place of one in the same cache, however many tenants are open.
    sqlite3_soft_heap_limit64(HEAP_BYTES);
    c->statements = calloc(count, sizeof *c->statements);
    if (!c->statements)
        return -ENOMEM;
    int result = sqlite3_open_v2(path, &c->db, flags | SQLITE_OPEN_NOMUTEX, NULL);
    if (result != SQLITE_OK)
        return reason_set(why, connection_result(c, result), "%s cannot be opened: %s", path, c->error);
    sqlite3_extended_result_codes(c->db, 1);
    sqlite3_busy_timeout(c->db, 10000);
    if (flags & SQLITE_OPEN_READWRITE) {
        // The write-ahead log is reused, never cut: a file that grows costs half as much again for each sync.
        int keep = 1;
        sqlite3_file_control(c->db, "main", SQLITE_FCNTL_PERSIST_WAL, &keep);
        sqlite3_wal_hook(c->db, remember_wal_pages, c);
        result = sqlite3_exec(c->db,
            "PRAGMA page_size=8192; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0;"
            "PRAGMA secure_delete=OFF; PRAGMA temp_store=MEMORY; PRAGMA cache_size=-32768",
            NULL, NULL, NULL);
        // wal_autocheckpoint owns the hook too: take it back.
        sqlite3_wal_hook(c->db, remember_wal_pages, c);
    } else {
        result = sqlite3_exec(c->db, "PRAGMA cache_size=-16384", NULL, NULL, NULL);
        sqlite3_db_config(c->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    }
    if (result != SQLITE_OK)
        return reason_set(why, connection_result(c, result), "%s cannot be opened: %s", path, c->error);
    return create_or_check(c, path, flags & SQLITE_OPEN_CREATE, schema, why);
}

void connection_close(struct connection *c)
{
    for (unsigned i = 0; c->statements && i < c->count; i++)
        sqlite3_finalize(c->statements[i]);
    free(c->statements);
    // Once closed, the file alone is the whole truth: a write-ahead log that stays would still be read before it.
    int keep = 0;
    if (c->db && !sqlite3_db_readonly(c->db, "main"))
        sqlite3_file_control(c->db, "main", SQLITE_FCNTL_PERSIST_WAL, &keep);
    sqlite3_close_v2(c->db);
    *c = (struct connection){0};
}
