// The baseline: the same events as rows of plain SQLite, in this process, durable at each commit.
//     rows DATABASE --load N [--batch B] [--stored 1]             N events, B rows a transaction
//     rows DATABASE --seconds S [--batch B] [--null FILE] [--stored 1]   updates of what is loaded, for that long
// The table has a position (the rowid), the columns that a log of events cannot do without, and UNIQUE(entity, version)
// as its only index. The next version of each entity is kept in memory: no query runs beside the inserts. With --null
// each commit is followed by a write of the line to FILE (a mount that answers at once), and both are timed together.
// --stored 1: the line that an event store would keep (id, time, actor, version, before and after of each member) in
// place of the line as it was written.
#include "bench.h"

#include <fcntl.h>
#include <sqlite3.h>

struct entity {
    uint32_t version;
    uint32_t note;
    uint32_t value;
};

struct table {
    sqlite3 *db;
    sqlite3_stmt *begin, *insert, *commit;
    struct entity *entities;
    uint32_t count;
    uint64_t rows;
    bool stored;
};

static void check(const struct table *t, int result)
{
    if (result != SQLITE_OK && result != SQLITE_DONE && result != SQLITE_ROW)
        die("sqlite: %s", t->db ? sqlite3_errmsg(t->db) : sqlite3_errstr(result));
}

static void step(const struct table *t, sqlite3_stmt *statement)
{
    check(t, sqlite3_step(statement));
    check(t, sqlite3_reset(statement));
}

static void table_open(struct table *t, const char *path)
{
    check(t, sqlite3_open(path, &t->db));
    check(t,
        sqlite3_exec(t->db,
            "PRAGMA page_size=4096; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=4000;"
            "PRAGMA cache_size=-65536; PRAGMA secure_delete=OFF;"
            "CREATE TABLE IF NOT EXISTS event(position INTEGER PRIMARY KEY, entity TEXT NOT NULL, version INTEGER NOT "
            "NULL, ts INTEGER NOT NULL, type TEXT NOT NULL, actor TEXT NOT NULL, line TEXT NOT NULL, UNIQUE(entity, "
            "version))",
            NULL, NULL, NULL));
    int persist = 1; // a log file that is reused costs less at each sync than one that grows
    check(t, sqlite3_file_control(t->db, "main", SQLITE_FCNTL_PERSIST_WAL, &persist));
    check(t, sqlite3_prepare_v2(t->db, "BEGIN IMMEDIATE", -1, &t->begin, NULL));
    check(t, sqlite3_prepare_v2(t->db, "COMMIT", -1, &t->commit, NULL));
    check(
        t, sqlite3_prepare_v2(t->db, "INSERT INTO event VALUES(?1,?2,?3,?4,?5,'user_root',?6)", -1, &t->insert, NULL));
}

// Reads back the versions; the index is then in the cache, as in a server that runs.
static void table_read(struct table *t)
{
    sqlite3_stmt *read;
    check(t, sqlite3_prepare_v2(t->db, "SELECT entity, version FROM event ORDER BY entity, version", -1, &read, NULL));
    for (; sqlite3_step(read) == SQLITE_ROW; t->rows++) {
        const char *name = (const char *)sqlite3_column_text(read, 0);
        uint32_t entity = (uint32_t)strtoul(name + strlen("deal_k"), NULL, 10);
        if (entity >= t->count)
            die("%s: not one of %u entities", name, t->count);
        t->entities[entity].version = (uint32_t)sqlite3_column_int(read, 1);
    }
    check(t, sqlite3_finalize(read));
}

static size_t line_stored(char *out, const struct deal *e, const struct entity *before, uint64_t position)
{
    char name[16];
    *deal_put_entity(name, e) = '\0';
    int head = sprintf(out,
        "{\"id\":\"evt_%010llx\",\"type\":\"Deal.%s\",\"target\":\"%s\",\"actor\":\"user_root\","
        "\"timestamp\":\"2026-01-16T09:30:00.%06uZ\",\"data\":{\"note\":",
        (unsigned long long)position, e->first ? "Created" : "Updated", name, (unsigned)(position % 1000000));
    char *at = out + head;
    if (!e->first) {
        at = TEXT_PUT(at, "{\"before\":\"");
        at = text_put(at, words_text + before->note, NOTE_SIZE);
        at = TEXT_PUT(at, "\",\"after\":");
    }
    at = TEXT_PUT(at, "\"");
    at = text_put(at, words_text + e->note, NOTE_SIZE);
    at += e->first ? sprintf(at, "\",\"value\":%u}", e->value)
                   : sprintf(at, "\"},\"value\":{\"before\":%u,\"after\":%u}}", before->value, e->value);
    at += sprintf(at, ",\"tenant\":\"bench\",\"version\":%u}", before->version + 1);
    return (size_t)(at - out);
}

static size_t table_insert(struct table *t, const struct deal *e, char line[static LINE_MAX_SIZE])
{
    struct entity *entity = &t->entities[e->entity];
    char name[16];
    int name_size = (int)(deal_put_entity(name, e) - name);
    size_t size = t->stored ? line_stored(line, e, entity, t->rows + 1) : deal_line(line, e);
    *entity = (struct entity){.version = entity->version + 1, .note = e->note, .value = e->value};

    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    sqlite3_bind_int64(t->insert, 1, (sqlite3_int64)++t->rows);
    sqlite3_bind_text(t->insert, 2, name, name_size, SQLITE_STATIC);
    sqlite3_bind_int64(t->insert, 3, entity->version);
    sqlite3_bind_int64(t->insert, 4, (sqlite3_int64)ts.tv_sec * 1000000 + ts.tv_nsec / 1000);
    sqlite3_bind_text(t->insert, 5, e->first ? "Deal.Created" : "Deal.Updated", -1, SQLITE_STATIC);
    sqlite3_bind_text(t->insert, 6, line, (int)size, SQLITE_STATIC);
    step(t, t->insert);
    return size;
}

int main(int argc, char **argv)
{
    if (argc < 2)
        die("usage: rows DATABASE --load N | --seconds S [--batch B] [--null FILE] [--stored 1]");
    uint64_t load = option_number(argc, argv, "--load", 0), seed = option_number(argc, argv, "--seed", 5);
    uint64_t batch = option_number(argc, argv, "--batch", load ? 4000 : 1);
    double seconds = option_seconds(argc, argv, "--seconds", 0);
    const char *null = option_text(argc, argv, "--null");
    int null_fd = -1;
    if (null && (null_fd = open(null, O_WRONLY | O_CLOEXEC)) < 0)
        die("%s: %s", null, strerror(errno));

    words_init();
    struct table t = {.count = (uint32_t)option_number(argc, argv, "--entities", ENTITIES_DEFAULT),
        .stored = option_number(argc, argv, "--stored", 0)};
    t.entities = allocate(t.count, sizeof *t.entities);
    table_open(&t, argv[1]);
    table_read(&t);

    uint64_t state = seed * 1000003u + t.rows, done = 0, began = now_ns(), before = began;
    uint64_t until = seconds > 0 ? began + (uint64_t)(seconds * 1e9) : UINT64_MAX;
    struct samples latency = {0};
    char line[LINE_MAX_SIZE];
    while (before < until && (!load || done < load)) {
        size_t size = 0;
        step(&t, t.begin);
        for (uint64_t i = 0; i < batch && (!load || done < load); i++, done++) {
            struct deal e = deal_next(t.rows, t.count, &state);
            size = table_insert(&t, &e, line);
        }
        step(&t, t.commit);
        if (null_fd >= 0 && write(null_fd, line, size) != (ssize_t)size)
            die("write to %s: %s", null, strerror(errno));
        uint64_t after = now_ns();
        samples_add(&latency, after - before);
        before = after;
    }
    double took = (double)(now_ns() - began) / 1e9;
    printf("{\"events\":%llu,\"seconds\":%.4f,\"rate\":%.1f,", (unsigned long long)done, took, (double)done / took);
    samples_print(&latency, "commit");
    printf("}\n");
    sqlite3_finalize(t.begin);
    sqlite3_finalize(t.insert);
    sqlite3_finalize(t.commit);
    return sqlite3_close(t.db) == SQLITE_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
