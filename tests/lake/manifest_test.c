// Manifests and lists of them come back as they were written. (That others read them: tests/mount/lake.bats.)
#include "hooks/lake/manifest.h"
#include "tests/store/check.h"

#include <errno.h>

#define SCHEMA "{\"type\":\"struct\",\"schema-id\":4,\"fields\":[]}"

static const struct column_stats columns[] = {
    {.id = 1, .size_bytes = 100, .values = 10, .nulls = 0, .nans = -1, .lower = SLICE("a"), .upper = SLICE("zé")},
    {.id = 6, .size_bytes = 7, .values = -1, .nulls = 3, .nans = 2},
    {.id = 10, .size_bytes = -1, .values = 10, .nulls = -1, .nans = -1, .lower = SLICE("\1\0\0\0\0\0\0\0")},
};
static const int64_t splits[] = {4, INT64_C(1) << 40};

static const struct manifest_entry added = {
    .status = ENTRY_ADDED,
    .snapshot = NO_SNAPSHOT,
    .sequence = -1,
    .file_sequence = -1,
    .file = {.path = SLICE("file:///t/data/1.parquet"),
        .format = SLICE("PARQUET"),
        .tenant = SLICE("acme"),
        .day = -3,
        .has_day = true,
        .rows = 10,
        .size_bytes = INT64_C(5) << 32,
        .columns = columns,
        .column_count = 3,
        .splits = splits,
        .split_count = 2,
        .sort_order = 0},
};
static const struct manifest_entry deleted = {
    .status = ENTRY_DELETED,
    .snapshot = INT64_MAX,
    .sequence = 8,
    .file_sequence = 7,
    .file = {.path = SLICE("x"),
        .format = SLICE("PARQUET"),
        .tenant = SLICE("zoo"),
        .day = 20000,
        .has_day = true,
        .rows = 3,
        .sort_order = -1},
};
static const struct manifest_entry without_partition = {
    .status = ENTRY_EXISTING,
    .snapshot = 5,
    .sequence = 6,
    .file_sequence = 6,
    .file = {.path = SLICE("y"), .format = SLICE("PARQUET"), .rows = 1, .sort_order = -1},
};

static struct bytes file;
static struct manifest row;

static bool same_slice(struct slice a, struct slice b)
{
    return (a.at != NULL) == (b.at != NULL) && (!a.at || slice_equal(a, b));
}

static void check_file(const struct data_file *f, const struct data_file *expected)
{
    CHECK(slice_equal(f->path, expected->path) && slice_equal(f->format, expected->format));
    CHECK(same_slice(f->tenant, expected->tenant));
    CHECK(f->has_day == expected->has_day && f->day == expected->day);
    CHECK_INT(f->rows, expected->rows);
    CHECK_INT(f->size_bytes, expected->size_bytes);
    CHECK_INT(f->sort_order, expected->sort_order);
    CHECK_INT(f->split_count, expected->split_count);
    for (uint32_t i = 0; i < f->split_count; i++)
        CHECK_INT(f->splits[i], expected->splits[i]);
    CHECK_INT(f->column_count, expected->column_count);
    for (uint32_t i = 0; i < f->column_count; i++) {
        const struct column_stats *e = expected->columns, *c = &f->columns[i];
        while (e->id != c->id)
            e++;
        CHECK(c->size_bytes == e->size_bytes && c->values == e->values && c->nulls == e->nulls && c->nans == e->nans);
        CHECK(same_slice(c->lower, e->lower) && same_slice(c->upper, e->upper));
    }
}

static int see_entry(void *context, const struct manifest_entry *entry)
{
    unsigned *number = context;
    const struct manifest_entry *expected = *number == 0 ? &added : *number == 1 ? &deleted : &without_partition;
    CHECK_INT(entry->status, expected->status);
    // The first inherits what the list says.
    CHECK_INT(entry->snapshot, *number ? expected->snapshot : 77);
    CHECK_INT(entry->sequence, *number ? expected->sequence : 9);
    CHECK_INT(entry->file_sequence, *number ? expected->file_sequence : 9);
    check_file(&entry->file, &expected->file);
    ++*number;
    return 0;
}

static void a_manifest_comes_back(void)
{
    MANIFEST_AUTO w;
    struct reason why = {0};
    unsigned number = 0;
    struct manifest_head head = {.schema = SLICE(SCHEMA), .schema_id = 4, .partition_fields = SLICE("[]")};
    CHECK_INT(manifest_begin(&w, &head), 0);
    manifest_add(&w, &added);
    manifest_add(&w, &deleted);
    manifest_add(&w, &without_partition);
    CHECK_INT(manifest_end(&w), 0);
    CHECK(w.row.added_files == 1 && w.row.deleted_files == 1 && w.row.existing_files == 1);
    CHECK(w.row.added_rows == 10 && w.row.deleted_rows == 3 && w.row.existing_rows == 1);
    CHECK_INT(w.row.size_bytes, w.file.size);
    CHECK_INT(w.row.min_sequence, 6);
    CHECK_INT(w.row.partition_count, 2);
    CHECK_TEXT(w.row.partitions[0].lower, "acme");
    CHECK_TEXT(w.row.partitions[0].upper, "zoo");
    CHECK(w.row.partitions[0].has_null && w.row.partitions[1].has_null);
    CHECK(w.row.partitions[1].lower.size == 4 && !memcmp(w.row.partitions[1].lower.at, "\xfd\xff\xff\xff", 4));
    CHECK(w.row.partitions[1].upper.size == 4 && !memcmp(w.row.partitions[1].upper.at, "\x20\x4e\0\0", 4));
    bytes_add_slice(&file, bytes_slice(&w.file));
    row = (struct manifest){.path = SLICE("m"), .snapshot = 77, .sequence = 9};
    CHECK_INT(manifest_read(bytes_slice(&file), &row, see_entry, &number, &why), 0);
    CHECK_INT(number, 3);
}

static void a_list_comes_back(void)
{
    static const struct partition_range ranges[] = {
        {.has_null = true, .has_nan = -1}, {.has_nan = 1, .lower = SLICE("a"), .upper = SLICE("")}};
    const struct manifest rows[] = {{.path = SLICE("one"),
                                        .size_bytes = 1,
                                        .spec = 2,
                                        .content = 1,
                                        .sequence = 3,
                                        .min_sequence = 4,
                                        .snapshot = INT64_MAX,
                                        .added_files = 5,
                                        .existing_files = 6,
                                        .deleted_files = 7,
                                        .added_rows = 8,
                                        .existing_rows = 9,
                                        .deleted_rows = 10,
                                        .partitions = ranges,
                                        .partition_count = 2},
        {.path = SLICE("two")}};
    BYTES_AUTO out = {0};
    ARENA_AUTO arena = {0};
    struct manifest *all;
    size_t count;
    struct reason why = {0};
    struct manifest_list_head head = {.snapshot = 1, .parent = NO_SNAPSHOT, .sequence = 3};
    CHECK_INT(manifest_list_write(&out, &head, rows, 2), 0);
    CHECK_INT(manifest_list_read(bytes_slice(&out), &arena, &all, &count, &why), 0);
    CHECK_INT(count, 2);
    CHECK_TEXT(all[0].path, "one");
    CHECK(all[0].size_bytes == 1 && all[0].spec == 2 && all[0].content == 1 && all[0].sequence == 3);
    CHECK(all[0].min_sequence == 4 && all[0].snapshot == INT64_MAX && all[0].added_files == 5);
    CHECK(all[0].existing_files == 6 && all[0].deleted_files == 7 && all[0].added_rows == 8);
    CHECK(all[0].existing_rows == 9 && all[0].deleted_rows == 10 && all[0].partition_count == 2);
    CHECK(all[0].partitions[0].has_null && all[0].partitions[0].has_nan == -1 && !all[0].partitions[0].lower.at);
    CHECK(!all[0].partitions[1].has_null && all[0].partitions[1].has_nan == 1);
    CHECK_TEXT(all[0].partitions[1].lower, "a");
    CHECK(all[0].partitions[1].upper.at && !all[0].partitions[1].upper.size);
    CHECK_TEXT(all[1].path, "two");
    CHECK_INT(all[1].partition_count, 0);
}

static int ignore_entry(void *context, const struct manifest_entry *entry)
{
    (void)context, (void)entry;
    return 0;
}

static void damage_does_no_harm(void)
{
    for (size_t at = 0; at < file.size; at++) {
        struct reason why = {0};
        char was = file.at[at];
        file.at[at] = (char)(was ^ 1 << at % 8);
        int error = manifest_read(bytes_slice(&file), &row, ignore_entry, NULL, &why);
        CHECK(error == 0 || error == -EIO);
        CHECK(!error || why.text[0]);
        file.at[at] = was;
    }
}

int main(void)
{
    TEST("a manifest's entries come back, and inherit what they do not say", a_manifest_comes_back);
    TEST("the rows of a list come back", a_list_comes_back);
    TEST("no flipped bit does harm", damage_does_no_harm);
    bytes_free(&file);
    return check_end("manifest_test");
}
