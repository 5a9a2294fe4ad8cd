// A table of the lake in a directory of its own, filled with files of rows that are known, without a store: for tests
// and measurements of what changes the table.
#pragma once

#include "hooks/lake/output.h"
#include "tests/lake/rows.h"
#include "tests/store/check.h"

#include <errno.h>
#include <unistd.h>

#define TABLE_DAY_US INT64_C(86400000000)

struct table {
    char directory[64], place[96], store[96];
    struct lake_options options;
    struct committer committer;
    struct parquet_writer *parquet;
    uint64_t position; // of the last row
    // of the commit that is being made
    struct arena arena;
    struct commit commit;
    struct manifest_writer manifest;
    char manifest_key[OUTPUT_KEY_MAX];
};

static inline void table_expect(int error, const struct reason *why)
{
    if (error)
        printf("#   %s (%s)\n", why->text, strerror(-error));
    CHECK_INT(error, 0);
}

// Opens the table in a directory, which is made if there is none.
static inline void table_open(struct table *t, const char *directory)
{
    struct reason why = {0};
    *t = (struct table){.options = lake_options_usual()};
    snprintf(t->directory, sizeof t->directory, "%s", directory);
    snprintf(t->place, sizeof t->place, "%s/lake", directory);
    snprintf(t->store, sizeof t->store, "%s/store", directory);
    snprintf(t->options.place, sizeof t->options.place, "%s", t->place);
    char command[256];
    snprintf(command, sizeof command, "mkdir -p %s %s", t->place, t->store);
    CHECK_INT(system(command), 0);
    table_expect(committer_open(&t->committer, &t->options, t->store, "abc", NULL, &why), &why);
    table_expect(committer_load(&t->committer, true, &why), &why);
    CHECK_INT(parquet_writer_open(&t->parquet, lake_columns, LAKE_COLUMNS, &(struct parquet_options){0}), 0);
}

static inline void table_close(struct table *t)
{
    parquet_writer_free(t->parquet);
    committer_close(&t->committer);
}

static inline void table_remove(struct table *t)
{
    char command[128];
    table_close(t);
    snprintf(command, sizeof command, "rm -rf %s", t->directory);
    CHECK_INT(system(command), 0);
}

// ---- a commit of files

static inline int table_holds(void *context, struct committer *committer, struct reason *why)
{
    (void)context, (void)committer, (void)why;
    return 0;
}

static inline int table_list(void *context, const struct manifest *old, size_t old_count, struct arena *arena,
    struct manifest **rows, size_t *count, struct reason *why)
{
    struct table *t = context;
    struct bytes uri = {0};
    (void)why;
    bytes_printf(&uri, "%s/%s", t->committer.table.objects->root, t->manifest_key);
    *count = 0;
    *rows = arena_get(arena, (old_count + 1) * sizeof **rows);
    for (size_t i = 0; i < old_count; i++)
        if (manifest_is_live(&old[i]))
            (*rows)[(*count)++] = old[i];
    struct manifest *own = &(*rows)[(*count)++];
    *own = t->manifest.row;
    own->path = arena_copy(arena, bytes_slice(&uri));
    own->snapshot = t->commit.snapshot;
    own->sequence = -1;
    bytes_free(&uri);
    return 0;
}

static inline void table_begin(struct table *t)
{
    struct reason why = {0};
    struct manifest_head head = {.schema = t->committer.layout.text,
        .schema_id = t->committer.layout.id,
        .partition_fields = SLICE(LAYOUT_PARTITION_FIELDS)};
    table_expect(commit_begin(&t->committer, &t->commit, "append", &why), &why);
    CHECK_INT(manifest_begin(&t->manifest, &head), 0);
}

// The row at a position: all that it says follows from that, but for its tenant and day.
static inline void table_row(
    struct rows *rows, uint64_t position, struct slice tenant, int32_t day, struct lake_value row[LAKE_COLUMNS])
{
    *rows = (struct rows){.seed = position * 977, .position = position - 1};
    rows_next(rows, row);
    row[LAKE_TENANT].text = tenant;
    row[LAKE_TIMESTAMP].number = day * TABLE_DAY_US + (int64_t)(position % 80000) * 1000000;
}

// Adds a file of so many rows to the commit.
static inline void table_file(struct table *t, const char *tenant, int32_t day, uint64_t count)
{
    struct output output = {.committer = &t->committer, .parquet = t->parquet};
    struct reason why = {0};
    struct manifest_entry entry = {.status = ENTRY_ADDED, .snapshot = NO_SNAPSHOT, .sequence = -1, .file_sequence = -1};
    struct rows rows;
    struct lake_value row[LAKE_COLUMNS];
    table_expect(output_begin(&output, slice_of(tenant), day, &why), &why);
    for (uint64_t i = 0; i < count; i++) {
        table_row(&rows, ++t->position, slice_of(tenant), day, row);
        table_expect(parquet_add(t->parquet, row, &why), &why);
    }
    table_expect(output_end(&output, &t->arena, &entry.file, &why), &why);
    manifest_add(&t->manifest, &entry);
    t->commit.added.files++;
    t->commit.added.rows += entry.file.rows;
    t->commit.added.bytes += entry.file.size_bytes;
}

static inline void table_commit(struct table *t)
{
    struct reason why = {0};
    t->commit.holds = table_holds;
    t->commit.list = table_list;
    t->commit.context = t;
    CHECK_INT(manifest_end(&t->manifest), 0);
    snprintf(t->manifest_key, sizeof t->manifest_key, "metadata/%s-m0.avro", t->commit.id);
    table_expect(committer_put(&t->committer, t->manifest_key, bytes_slice(&t->manifest.file), &why), &why);
    table_expect(committer_commit(&t->committer, &t->commit, &why), &why);
    table_expect(committer_settle(&t->committer, &why), &why);
    manifest_writer_clear(&t->manifest);
    commit_clear(&t->commit);
    arena_free(&t->arena);
    t->arena = (struct arena){0};
}

static inline void table_append(struct table *t, const char *tenant, int32_t day, uint64_t count)
{
    table_begin(t);
    table_file(t, tenant, day, count);
    table_commit(t);
}
