#include "store/sqlite/connection.h"

#include "store/sqlite/wal.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

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
    if (sqlite3_db_readonly(c->db, "main"))
        return 0;
    int error = found_format < schema->format && schema->upgrade ? connection_execute(c, schema->upgrade) : 0;
    if (!error && schema->additions)
        error = connection_execute(c, schema->additions);
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
    c->format = found_format;
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

// The file as a URI, for the one option that has no other spelling.
static int immutable_uri(const char *path, char *uri, size_t room)
{
    size_t size = (size_t)snprintf(uri, room, "file:");
    for (; *path && size + 4 < room; path++)
        size += (size_t)snprintf(uri + size, room - size, strchr("%?#", *path) ? "%%%02x" : "%c", *path);
    size += (size_t)snprintf(uri + size, room - size, "?immutable=1");
    return *path || size >= room ? -ENAMETOOLONG : 0;
}

static bool has_log(const char *path)
{
    char log[PATH_MAX];
    struct stat st;
    snprintf(log, sizeof log, "%s-wal", path);
    return stat(log, &st) == 0 && st.st_size > 0;
}

int connection_keep_private(const char *path, bool create)
{
    static const char *const beside[] = {"", "-wal", "-shm"};
    // No descriptor is opened: closing one would let go of the locks that this process has on the file.
    if (create && mknod(path, S_IFREG | 0600, 0) && errno != EEXIST)
        return -errno;
    for (size_t i = 0; i < sizeof beside / sizeof *beside; i++) {
        char name[PATH_MAX];
        struct stat st;
        snprintf(name, sizeof name, "%s%s", path, beside[i]);
        // Made by a version before, or copied by somebody. Files of somebody else are for him to decide.
        if (stat(name, &st) == 0 && (st.st_mode & (S_IRWXG | S_IRWXO)) && chmod(name, 0600) && errno != EPERM)
            return -errno;
    }
    return 0;
}

static int open_file(struct connection *c, const char *path, enum engine_mode mode)
{
    static const int flags[] = {
        [ENGINE_CREATE] = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
        [ENGINE_WRITE] = SQLITE_OPEN_READWRITE,
        [ENGINE_READ] = SQLITE_OPEN_READONLY,
        [ENGINE_BESIDE] = SQLITE_OPEN_READONLY,
        [ENGINE_AT_REST] = SQLITE_OPEN_READONLY | SQLITE_OPEN_URI,
    };
    // So nothing is made beside the file, as shared memory else would be; but its log would not be read either.
    bool immutable = mode == ENGINE_AT_REST && !has_log(path);
    char uri[PATH_MAX + 64];
    int error = immutable ? immutable_uri(path, uri, sizeof uri) : 0;
    if (error)
        return error;
    int flag = immutable ? flags[mode] : flags[mode] & ~SQLITE_OPEN_URI;
    return connection_result(c, sqlite3_open_v2(immutable ? uri : path, &c->db, flag | SQLITE_OPEN_NOMUTEX, NULL));
}

static int set_up(struct connection *c, bool writes)
{
    sqlite3_extended_result_codes(c->db, 1);
    sqlite3_busy_timeout(c->db, 10000);
    if (!writes) {
        sqlite3_db_config(c->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
        return connection_execute(c, "PRAGMA cache_size=-16384");
    }
    // The write-ahead log is reused, never cut: a file that grows costs half as much again for each sync.
    int keep = 1;
    sqlite3_file_control(c->db, "main", SQLITE_FCNTL_PERSIST_WAL, &keep);
    // EXTRA is FULL for a write-ahead log. It is there for the journal with which a new file is brought to WAL: its end
    // is synced in the directory too. Else a second cut of power could bring it back, and it would empty the file.
    int error = connection_execute(c,
        "PRAGMA page_size=8192; PRAGMA synchronous=EXTRA; PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0;"
        "PRAGMA secure_delete=OFF; PRAGMA temp_store=MEMORY; PRAGMA cache_size=-32768");
    // wal_autocheckpoint owns the hook too.
    sqlite3_wal_hook(c->db, remember_wal_pages, c);
    return error;
}

int connection_open(struct connection *c, const char *path, enum engine_mode mode,
    const struct connection_schema *schema, const char *const *sql, unsigned count, struct reason *why)
{
    bool writes = mode == ENGINE_CREATE || mode == ENGINE_WRITE;
    *c = (struct connection){.sql = sql, .count = count};
    int error = writes ? wal_settle(path, why) : mode == ENGINE_READ ? 0 : wal_check(path, why);
    if (!error && writes && (error = connection_keep_private(path, mode == ENGINE_CREATE)))
        return reason_set(why, error, "%s cannot be made private: %s", path, strerror(-error));
    if (error)
        return error;
    // Past this, a page that is read takes the place of one in the same cache, however many tenants are open.
    sqlite3_soft_heap_limit64(HEAP_BYTES);
    c->statements = calloc(count, sizeof *c->statements);
    if (!c->statements)
        return -ENOMEM;
    error = open_file(c, path, mode);
    if (!error)
        error = set_up(c, writes);
    if (error)
        return reason_set(why, error, "%s cannot be opened: %s", path, c->error);
    return create_or_check(c, path, mode == ENGINE_CREATE, schema, why);
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
