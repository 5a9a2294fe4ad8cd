// The store's own file: which tenants there are, who owns them, and the alphabet of the store's ids.
#include "store/engine.h"

#include "store/sqlite/connection.h"

#include <errno.h>
#include <stdlib.h>

// "facs".
#define APPLICATION 0x66616373
#define FORMAT      1

static const char schema[] =
    "BEGIN;"
    "CREATE TABLE alphabet(one INTEGER PRIMARY KEY, text TEXT);"
    "CREATE TABLE tenant(number INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, uid INT, gid INT, mode INT,"
    "                    made_at INT);"
    "PRAGMA application_id=1717658483;"
    "PRAGMA user_version=1;"
    "COMMIT";
_Static_assert(APPLICATION == 1717658483 && FORMAT == 1, "the schema says the same");

enum { PUT_ALPHABET, ALPHABET, ADD, CHANGE, REMOVE, OF_NAME, FROM, CHECK, STATEMENTS };

#define COLUMNS "SELECT number, name, uid, gid, mode, made_at FROM tenant "
static const char *const statements[STATEMENTS] = {
    [PUT_ALPHABET] = "INSERT INTO alphabet VALUES(1, ?1)",
    [ALPHABET] = "SELECT text FROM alphabet",
    [ADD] = "INSERT INTO tenant(name, uid, gid, mode, made_at) VALUES(?1, ?2, ?3, ?4, ?5)",
    [CHANGE] = "UPDATE tenant SET uid = ?2, gid = ?3, mode = ?4 WHERE number = ?1",
    [REMOVE] = "DELETE FROM tenant WHERE number = ?1",
    [OF_NAME] = COLUMNS "WHERE name = ?1",
    [CHECK] = "PRAGMA integrity_check(1)",
    [FROM] = COLUMNS "WHERE number >= ?1 ORDER BY number LIMIT 1",
};

struct catalog {
    struct connection connection;
    char name[64]; // of the last row
};

static int read_alphabet(struct catalog *c, char *alphabet)
{
    sqlite3_stmt *s = connection_statement(&c->connection, ALPHABET);
    int error = connection_row(&c->connection, s);
    if (error == -ENOENT) {
        s = connection_statement(&c->connection, PUT_ALPHABET);
        if (s)
            bind_text(s, 1, slice_of(alphabet));
        return connection_run(&c->connection, s);
    }
    if (error)
        return error;
    struct slice found = column_slice(s, 0);
    if (found.size != strlen(alphabet))
        return -EIO;
    memcpy(alphabet, found.at, found.size);
    sqlite3_reset(s);
    return 0;
}

int catalog_open(struct catalog **catalog, const char *path, enum engine_mode mode, char *alphabet, struct reason *why)
{
    struct catalog *c = calloc(1, sizeof *c);
    if (!c)
        return -ENOMEM;
    static const struct connection_schema catalog_schema = {
        .schema = schema, .application = APPLICATION, .format = FORMAT};
    int error = connection_open(&c->connection, path, mode, &catalog_schema, statements, STATEMENTS, why);
    if (!error)
        error = read_alphabet(c, alphabet);
    if (error) {
        reason_set(why, error, "%s cannot be read: %s", path, c->connection.error);
        catalog_close(c);
        return error;
    }
    *catalog = c;
    return 0;
}

void catalog_close(struct catalog *c)
{
    if (!c)
        return;
    connection_close(&c->connection);
    free(c);
}

int catalog_check(struct catalog *c, struct reason *why)
{
    sqlite3_stmt *s = connection_statement(&c->connection, CHECK);
    int error = connection_row(&c->connection, s);
    if (error)
        return reason_set(why, error, "%s", c->connection.error);
    struct slice said = column_slice(s, 0);
    if (!slice_is(said, "ok"))
        error = reason_set(why, -EIO, "damaged: %.*s", SLICE_ARG(said));
    sqlite3_reset(s);
    return error;
}

int catalog_copy(struct catalog *c, const char *to, struct reason *why)
{
    return connection_copy(&c->connection, to, NULL, why);
}

static int take(struct catalog *c, sqlite3_stmt *s, struct tenant_row *row)
{
    int error = connection_row(&c->connection, s);
    if (error)
        return error;
    row->number = (uint32_t)column_number(s, 0);
    row->name = column_slice(s, 1);
    row->uid = (uint32_t)column_number(s, 2);
    row->gid = (uint32_t)column_number(s, 3);
    row->mode = (uint32_t)column_number(s, 4);
    row->made_at_us = (int64_t)column_number(s, 5);
    if (row->name.size > sizeof c->name)
        return -EIO;
    memcpy(c->name, row->name.at, row->name.size);
    row->name.at = c->name;
    sqlite3_reset(s);
    return 0;
}

int catalog_add(struct catalog *c, struct tenant_row *row)
{
    struct tenant_row other;
    int error = catalog_of_name(c, row->name, &other);
    if (error != -ENOENT)
        return error ? error : -EEXIST;
    sqlite3_stmt *s = connection_statement(&c->connection, ADD);
    if (s) {
        bind_text(s, 1, row->name);
        bind_number(s, 2, row->uid);
        bind_number(s, 3, row->gid);
        bind_number(s, 4, row->mode);
        bind_number(s, 5, (uint64_t)row->made_at_us);
    }
    error = connection_run(&c->connection, s);
    if (!error)
        row->number = (uint32_t)sqlite3_last_insert_rowid(c->connection.db);
    return error;
}

static sqlite3_stmt *by_number(struct catalog *c, unsigned statement, uint32_t number)
{
    sqlite3_stmt *s = connection_statement(&c->connection, statement);
    if (s)
        bind_number(s, 1, number);
    return s;
}

int catalog_change(struct catalog *c, const struct tenant_row *row)
{
    sqlite3_stmt *s = by_number(c, CHANGE, row->number);
    if (s) {
        bind_number(s, 2, row->uid);
        bind_number(s, 3, row->gid);
        bind_number(s, 4, row->mode);
    }
    return connection_run(&c->connection, s);
}

int catalog_remove(struct catalog *c, uint32_t number)
{
    return connection_run(&c->connection, by_number(c, REMOVE, number));
}

int catalog_of_name(struct catalog *c, struct slice name, struct tenant_row *row)
{
    sqlite3_stmt *s = connection_statement(&c->connection, OF_NAME);
    if (s)
        bind_text(s, 1, name);
    return take(c, s, row);
}

int catalog_from(struct catalog *c, uint32_t from, struct tenant_row *row)
{
    return take(c, by_number(c, FROM, from), row);
}
