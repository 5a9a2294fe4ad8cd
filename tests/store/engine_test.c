// The rows on disk: transactions, what readers see, damage in any column, limits, and how the files grow.
#include "tests/store/log_check.h"

#include <sqlite3.h>
#include <sys/stat.h>

static char directory[96], path[200];
static struct engine *writer, *reader;
static struct reason why;

static void open_both(void)
{
    REQUIRE(engine_open(&writer, path, ENGINE_CREATE, &why));
    REQUIRE(engine_open(&reader, path, ENGINE_READ, &why));
}

static void close_both(void)
{
    engine_close(reader);
    engine_close(writer);
}

static struct event_row row_of(uint64_t position, const char *line)
{
    return (struct event_row){.position = position,
        .entity = 1 + position % 3,
        .version = (uint32_t)position,
        .type = 1,
        .offset = (position - 1) * 10,
        .at_us = (int64_t)position * 1000,
        .hash = {(unsigned char)position},
        .line = slice_of(line)};
}

static struct slice line_at(struct engine *engine, uint64_t position)
{
    static struct event_row row;
    int error = engine_event(engine, position, &row);
    return error ? slice_of(strerrorname_np(-error)) : row.line;
}

static void transactions(void)
{
    struct event_row row = row_of(1, "one");
    CHECK_INT(engine_last_event(reader, &row), -ENOENT);
    row = row_of(1, "one");
    CHECK_INT(engine_begin(writer), 0);
    CHECK(engine_in_transaction(writer));
    CHECK_INT(engine_put_event(writer, &row), 0);
    CHECK_TEXT(line_at(writer, 1), "one");
    CHECK_TEXT(line_at(reader, 1), "ENOENT");
    engine_rollback(writer);
    CHECK(!engine_in_transaction(writer));
    CHECK_TEXT(line_at(writer, 1), "ENOENT");
    CHECK_INT(engine_begin(writer), 0);
    CHECK_INT(engine_put_event(writer, &row), 0);
    CHECK_TEXT(line_at(reader, 1), "ENOENT");
    CHECK_INT(engine_commit(writer), 0);
    CHECK_TEXT(line_at(reader, 1), "one");
    // The log is never written over.
    CHECK_INT(engine_begin(writer), 0);
    row = row_of(1, "other");
    CHECK_INT(engine_put_event(writer, &row), -EIO);
    CHECK(engine_error(writer)[0]);
    engine_rollback(writer);
    engine_rollback(writer);
    CHECK_TEXT(line_at(reader, 1), "one");
}

static void one_after_the_other(void)
{
    struct event_row row;
    CHECK_INT(engine_begin(writer), 0);
    for (uint64_t position = 2; position <= 100; position++) {
        char line[16];
        snprintf(line, sizeof line, "line %d", (int)position);
        row = row_of(position, line);
        CHECK_INT(engine_put_event(writer, &row), 0);
    }
    CHECK_INT(engine_commit(writer), 0);
    CHECK_INT(engine_events_start(reader, 90), 0);
    for (uint64_t position = 90; position <= 100; position++) {
        CHECK_INT(engine_events_next(reader, &row), 1);
        CHECK_INT(row.position, position);
        CHECK_INT(row.hash[0], position);
    }
    CHECK_INT(engine_events_next(reader, &row), 0);
    engine_events_end(reader);
    CHECK_INT(engine_last_event(reader, &row), 0);
    CHECK_INT(row.position, 100);
    uint64_t offset;
    int64_t at_us;
    CHECK_INT(engine_event_place(reader, 50, &offset, &at_us), 0);
    CHECK(offset == 490 && at_us == 50000);
}

static void small_rows(void)
{
    uint64_t number;
    uint32_t type;
    struct slice name, folded, spelling, content;
    CHECK_INT(engine_begin(writer), 0);
    CHECK_INT(engine_put_entity(writer, 7, SLICE("contact_g")), 0);
    CHECK_INT(engine_put_entity(writer, 9, SLICE("contact_i")), 0);
    CHECK_INT(engine_put_name(writer, SLICE("contact_g"), 7), 0);
    CHECK_INT(engine_put_type(writer, 1, SLICE("contact.wentout"), SLICE("Contact.WentOut")), 0);
    CHECK_INT(engine_put_given(writer, SLICE("evt_a"), 5, SLICE("\0hash")), 0);
    CHECK_INT(engine_put_claimed(writer, 12), 0);
    CHECK_INT(engine_put_claimed(writer, 12), 0);
    CHECK_INT(engine_put_claimed(writer, 11), 0);
    CHECK_INT(engine_put_mark(writer, 3), 0);
    CHECK_INT(engine_commit(writer), 0);
    CHECK_INT(engine_entity_of_name(reader, SLICE("contact_g"), &number), 0);
    CHECK_INT(number, 7);
    CHECK_INT(engine_entity_of_name(reader, SLICE("contact_i"), &number), -ENOENT);
    CHECK_INT(engine_entity_from(reader, 8, &number, &name), 0);
    CHECK_INT(number, 9);
    CHECK_TEXT(name, "contact_i");
    CHECK_INT(engine_entity_from(reader, 10, &number, &name), -ENOENT);
    CHECK_INT(engine_last_entity(reader, &number), 0);
    CHECK_INT(number, 9);
    CHECK_INT(engine_type_from(reader, 1, &type, &folded, &spelling), 0);
    CHECK_TEXT(spelling, "Contact.WentOut");
    CHECK_INT(engine_type_from(reader, 2, &type, &folded, &spelling), -ENOENT);
    CHECK_INT(engine_given(reader, SLICE("evt_a"), &number, &content), 0);
    CHECK(number == 5 && content.size == 5 && !memcmp(content.at, "\0hash", 5));
    CHECK_INT(engine_given(reader, SLICE("evt_b"), &number, NULL), -ENOENT);
    CHECK_INT(engine_claimed(reader, 11), 0);
    CHECK_INT(engine_claimed(reader, 13), -ENOENT);
    CHECK_INT(engine_last_claimed(reader, &number), 0);
    CHECK_INT(number, 12);
    CHECK_INT(engine_mark(reader, &number), 0);
    CHECK_INT(number, 3);
    CHECK_INT(engine_entities(reader, &number), -ENOENT);
    CHECK_INT(engine_put_entities(writer, 1), 0);
    CHECK_INT(engine_put_entities(writer, 2), 0);
    CHECK_INT(engine_entities(reader, &number), 0);
    CHECK_INT(number, 2);
    CHECK_INT(engine_count_entities(reader, &number), 0);
    CHECK_INT(number, 2);
    CHECK_INT(engine_mark(reader, &number), 0);
    CHECK_INT(number, 3);
    CHECK_INT(engine_begin(writer), 0);
    CHECK_INT(engine_drop_given(writer, SLICE("evt_a")), 0);
    CHECK_INT(engine_commit(writer), 0);
    CHECK_INT(engine_given(reader, SLICE("evt_a"), &number, &content), -ENOENT);
}

static void chunks_and_snapshots(void)
{
    struct chunk chunk = {.entity = 4, .first = 17, .count = 2, .offset = 99}, found;
    chunk.events[0] = (struct event_place){.position = 5, .at_us = 1, .size_bytes = 10, .type = 1};
    chunk.events[1] = (struct event_place){.position = 8, .at_us = 2, .size_bytes = 20, .type = 1};
    struct snapshot_row row = {.version = 64,
        .created_at_us = 5,
        .created_by = SLICE("me"),
        .noun = SLICE("Contact"),
        .alive = true,
        .fields = SLICE("{\"a\":1}")};
    struct snapshot_row gone = {.version = 128, .created_by = SLICE(""), .noun = SLICE("Contact"), .fields = SLICE("")};
    CHECK_INT(engine_begin(writer), 0);
    CHECK_INT(engine_put_chunk(writer, &chunk), 0);
    chunk.first = 1;
    CHECK_INT(engine_put_chunk(writer, &chunk), 0);
    CHECK_INT(engine_put_snapshot(writer, 4, &row), 0);
    CHECK_INT(engine_put_snapshot(writer, 4, &gone), 0);
    CHECK_INT(engine_commit(writer), 0);
    CHECK_INT(engine_chunk(reader, 4, 18, &found), 0);
    CHECK(found.first == 17 && found.count == 2 && found.offset == 99 && found.events[1].position == 8);
    CHECK_INT(engine_last_chunk(reader, 4, &found), 0);
    CHECK_INT(found.first, 17);
    CHECK_INT(engine_chunk(reader, 4, 2, &found), 0);
    CHECK_INT(engine_chunk(reader, 4, 3, &found), -ENOENT);
    CHECK_INT(engine_chunk(reader, 4, 19, &found), -ENOENT);
    CHECK_INT(engine_last_chunk(reader, 3, &found), -ENOENT);
    CHECK_INT(engine_chunk(reader, 5, 1, &found), -ENOENT);
    CHECK_INT(engine_snapshot(reader, 4, 127, &row), 0);
    CHECK(row.version == 64 && row.alive && row.created_at_us == 5);
    CHECK_TEXT(row.fields, "{\"a\":1}");
    CHECK_TEXT(row.created_by, "me");
    CHECK_INT(engine_snapshot(reader, 4, 99999999, &row), 0);
    CHECK(row.version == 128 && !row.alive && row.fields.size == 0);
    CHECK_INT(engine_snapshot(reader, 4, 63, &row), -ENOENT);
    CHECK_INT(engine_snapshot(reader, 5, 99999999, &row), -ENOENT);
}

// Whatever column of a row somebody changes, it is no longer believed.
static void any_column(void)
{
    static const struct {
        const char *change;
        enum { EVENT, CHUNK, SNAPSHOT, NAME, ENTITY } what;
    } changes[] = {
        {"UPDATE event SET line = 'one.' WHERE position = 1", EVENT},
        {"UPDATE event SET entity = entity + 1 WHERE position = 1", EVENT},
        {"UPDATE event SET version = version + 1 WHERE position = 1", EVENT},
        {"UPDATE event SET offset = offset + 1 WHERE position = 1", EVENT},
        {"UPDATE event SET at = at + 1 WHERE position = 1", EVENT},
        {"UPDATE event SET type = type + 1 WHERE position = 1", EVENT},
        {"UPDATE event SET sum = sum + 1 WHERE position = 1", EVENT},
        {"UPDATE event SET hash = zeroblob(32) WHERE position = 1", EVENT},
        {"UPDATE event SET hash = zeroblob(31) WHERE position = 1", EVENT},
        {"UPDATE event SET hash = NULL WHERE position = 1", EVENT},
        {"UPDATE event SET line = NULL WHERE position = 1", EVENT},
        {"UPDATE chunk SET offset = offset + 1", CHUNK},
        {"UPDATE chunk SET events = zeroblob(20)", CHUNK},
        {"UPDATE chunk SET events = NULL", CHUNK},
        {"UPDATE chunk SET key = key + (1 << 27) * 7", CHUNK},
        {"UPDATE snapshot SET fields = '{}'", SNAPSHOT},
        {"UPDATE snapshot SET alive = 0", SNAPSHOT},
        {"UPDATE snapshot SET noun = 'Contac', fields = 't' || fields", SNAPSHOT},
        {"UPDATE snapshot SET created_at = created_at + 2", SNAPSHOT},
        {"UPDATE snapshot SET created_by = 'you'", SNAPSHOT},
        {"UPDATE name SET entity = entity + 1", NAME},
        {"UPDATE name SET name = 'contact_f'", NAME},
        {"UPDATE name SET name = 'contact_h'", NAME},
        {"UPDATE entity SET name = 'contact_x' WHERE id = 7", ENTITY},
    };
    char sound[220];
    snprintf(sound, sizeof sound, "%s.sound", path);
    close_both();
    file_copy(path, sound);
    open_both();
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        sqlite3 *db;
        struct event_row event;
        struct chunk chunk;
        struct snapshot_row snapshot;
        struct slice name;
        uint64_t entity;
        REQUIRE(sqlite3_open(path, &db));
        REQUIRE(sqlite3_exec(db, changes[i].change, NULL, NULL, NULL));
        int error = 0;
        switch (changes[i].what) {
        case EVENT:
            error = engine_event(reader, 1, &event);
            break;
        case CHUNK:
            error = engine_chunk(reader, i == 14 ? 11 : 4, 1, &chunk);
            break;
        case SNAPSHOT:
            error = engine_snapshot(reader, 4, 64, &snapshot);
            break;
        case NAME:
            error = engine_entity_of_name(reader, SLICE("contact_g"), &entity);
            break;
        case ENTITY:
            error = engine_name_of_entity(reader, 7, &name);
        }
        if (error != -EIO)
            printf("#   %s\n", changes[i].change);
        CHECK_INT(error, -EIO);
        sqlite3_close(db);
        close_both();
        file_copy(sound, path);
        open_both();
    }
}

static void change_file(const char *sql)
{
    sqlite3 *db;
    REQUIRE(sqlite3_open(path, &db));
    REQUIRE(sqlite3_exec(db, sql, NULL, NULL, NULL));
    sqlite3_close(db);
}

static struct slice kept_of(uint64_t hook)
{
    static struct slice text;
    int error = engine_kept(reader, hook, &text);
    return error ? slice_of(strerrorname_np(-error)) : text;
}

static void kept_of_hooks(void)
{
    struct hook_row row = {.number = 3, .folder = SLICE("watches"), .name = SLICE("a.json"), .text = SLICE("{}")};
    CHECK_TEXT(kept_of(3), "ENOENT");
    CHECK_INT(engine_begin(writer), 0);
    CHECK_INT(engine_put_hook(writer, &row), 0);
    CHECK_INT(engine_put_kept(writer, 3, SLICE("old")), 0);
    CHECK_INT(engine_put_kept(writer, 3, SLICE("new")), 0);
    CHECK_INT(engine_put_kept(writer, 4, SLICE("of another")), 0);
    CHECK_INT(engine_commit(writer), 0);
    CHECK_TEXT(kept_of(3), "new");
    CHECK_TEXT(kept_of(4), "of another");
    change_file("UPDATE kept SET text = 'net' WHERE hook = 3");
    CHECK_TEXT(kept_of(3), "EIO");
    CHECK_INT(engine_begin(writer), 0);
    CHECK_INT(engine_drop_hook(writer, 3), 0);
    CHECK_INT(engine_commit(writer), 0);
    CHECK_TEXT(kept_of(3), "ENOENT");
    CHECK_TEXT(kept_of(4), "of another");
}

// As a file of the version before has it.
static void imported_ranges(void)
{
    uint64_t first, last;
    CHECK_INT(engine_brought(reader, 1, &first, &last), -ENOENT);
    CHECK_INT(engine_put_brought(writer, 1, 3), 0);
    CHECK_INT(engine_put_brought(writer, 4, 4), 0);
    CHECK_INT(engine_put_brought(writer, 6, 9), 0);
    CHECK_INT(engine_brought(reader, 1, &first, &last), 0);
    CHECK(first == 1 && last == 4);
    CHECK_INT(engine_brought(reader, 4, &first, &last), 0);
    CHECK(first == 1 && last == 4);
    CHECK_INT(engine_brought(reader, 5, &first, &last), 0);
    CHECK(first == 6 && last == 9);
    CHECK_INT(engine_brought(reader, 10, &first, &last), -ENOENT);
    close_both();
    change_file("UPDATE brought SET first = 2 WHERE last = 4");
    open_both();
    CHECK_INT(engine_brought(reader, 1, &first, &last), -EIO);
}

static void later_tables(void)
{
    close_both();
    change_file("DROP TABLE kept");
    open_both();
    CHECK_TEXT(kept_of(4), "ENOENT");
    CHECK_INT(engine_put_kept(writer, 4, SLICE("anew")), 0);
    CHECK_TEXT(kept_of(4), "anew");
}

// ---- limits

static void last_version(void)
{
    struct fixture f = {0};
    char file[200];
    struct engine *engine;
    enum { LIMIT = 99999999 };
    fixture_open(&f);
    CHECK_INT(event(&f, "contact_first", "Contact.Updated", "{}"), -ENOENT);
    fixture_stop(&f);
    // An entity that has one event less than it can have.
    snprintf(file, sizeof file, "%s/acme.db", f.path);
    REQUIRE(engine_open(&engine, file, ENGINE_WRITE, &why));
    struct event_row row = {
        .position = 1, .entity = 1, .version = LIMIT - 1, .type = 1, .at_us = 5, .line = SLICE("{}")};
    struct chunk chunk = {.entity = 1, .first = chunk_first(LIMIT - 1), .offset = 1000};
    while (chunk.first + chunk.count < LIMIT)
        chunk.events[chunk.count++] =
            (struct event_place){.position = 1 + chunk.count, .at_us = 5, .size_bytes = 3, .type = 1};
    struct chunk first = {
        .entity = 1, .first = 1, .count = 1, .events = {{.position = 1, .at_us = 5, .size_bytes = 3}}};
    struct snapshot_row snapshot = {.version = LIMIT - 1,
        .created_by = SLICE("me"),
        .noun = SLICE("Contact"),
        .alive = true,
        .fields = SLICE("{\"a\":1}")};
    REQUIRE(engine_begin(engine));
    REQUIRE(engine_put_event(engine, &row));
    REQUIRE(engine_put_entity(engine, 1, SLICE("contact_full")));
    REQUIRE(engine_put_name(engine, SLICE("contact_full"), 1));
    REQUIRE(engine_put_type(engine, 1, SLICE("contact.created"), SLICE("Contact.Created")));
    REQUIRE(engine_put_chunk(engine, &first));
    REQUIRE(engine_put_chunk(engine, &chunk));
    REQUIRE(engine_put_snapshot(engine, 1, &snapshot));
    REQUIRE(engine_put_mark(engine, 1));
    REQUIRE(engine_commit(engine));
    engine_close(engine);
    fixture_start(&f);
    CHECK_INT(version_of(&f, "contact_full"), LIMIT - 1);
    CHECK_INT(append(&f, "{'type':'Contact.Updated','target':'contact_full','data':{'b':1}}"
                         "{'type':'Contact.Updated','target':'contact_full','data':{'b':2}}"),
        -EMSGSIZE);
    CHECK(strstr(f.why, "99999999"));
    CHECK_INT(append(&f, "{'type':'Contact.Updated','target':'contact_full','data':{'b':1},'version':99999999}"), 0);
    CHECK_JSON(state_of(&f, "contact_full"), "{'a':1,'b':1}");
    CHECK_INT(event(&f, "contact_full", "Contact.Updated", "{'b':2}"), -EMSGSIZE);
    CHECK_INT(write_document(&f, "contact_full", LIMIT, "{'b':2}"), -EMSGSIZE);
    CHECK_INT(write_document(&f, "contact_full", LIMIT, "{'a':1,'b':1}"), 0);
    CHECK_INT(event(&f, "contact_other", "Contact.Created", "{}"), 0);
    fixture_reopen(&f);
    CHECK_INT(version_of(&f, "contact_full"), LIMIT);
    CHECK_JSON(state_of(&f, "contact_full"), "{'a':1,'b':1}");
    CHECK_INT(event(&f, "contact_full", "Contact.Updated", "{'b':2}"), -EMSGSIZE);
    fixture_close(&f);
}

static void write_ahead_log_is_bounded(void)
{
    struct fixture f = {0};
    struct stat wal;
    char file[200];
    BYTES_AUTO text = {0};
    fixture_open(&f);
    for (int i = 0; i < 50; i++)
        bytes_printf(&text, "{\"type\":\"was_seen\",\"target\":\"order_%d\",\"data\":{\"x\":\"%020000d\"}}", i, i);
    // Each is about a mebibyte; a reader stands by all the time.
    for (int i = 0; i < 64; i++) {
        CHECK_INT(append_slice(&f, bytes_slice(&text)), 0);
        CHECK_INT(line_of(&f, 1).size > 20000, 1);
    }
    snprintf(file, sizeof file, "%s/acme.db-wal", f.path);
    CHECK_INT(stat(file, &wal), 0);
    CHECK(wal.st_size < 24 << 20);
    fixture_close(&f);
}

int main(void)
{
    directory_make(directory);
    snprintf(path, sizeof path, "%s/rows.db", directory);
    open_both();
    TEST("what is written is seen once it is committed, and never written over", transactions);
    TEST("events come one after the other", one_after_the_other);
    TEST("names, types, ids, claims and the mark", small_rows);
    TEST("the chunk of a version and the last one, the snapshot before a version", chunks_and_snapshots);
    TEST("damage in any column is told", any_column);
    TEST("what is kept of a hook goes with it", kept_of_hooks);
    TEST("what imports brought is kept as ranges, which grow together where they touch", imported_ranges);
    TEST("a file without the latest tables gets them when its writer opens it", later_tables);
    close_both();
    directory_remove(directory);
    TEST("an entity has 99,999,999 events at most, and the next is EMSGSIZE", last_version);
    TEST("the write-ahead log does not grow with the log", write_ahead_log_is_bounded);
    return check_end("engine");
}
