// Compaction: rows stay what they are, whatever happens to files and to the process.
// What DuckDB and PyIceberg say of a compacted table is in compact.bats.
#include "hooks/lake/compact.h"
#include "hooks/lake/parquet_read.h"
#include "hooks/lake/plan.h"
#include "hooks/lake/step.h"
#include "tests/lake/table.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define TODAY 20454 // 2026-01-01

static const int64_t noon_us = TODAY * TABLE_DAY_US + TABLE_DAY_US / 2;

static const char *directory(void)
{
    static char path[64];
    snprintf(path, sizeof path, "/tmp/compact-test-%d", (int)getpid());
    return path;
}

// ---- what is in the table, read by its manifests, file by file

struct seen {
    struct table *table;
    struct parquet_reader *reader;
    size_t files, unreadable;
    uint64_t rows, sum, expected;
    bool in_order; // within each file
};

struct file_of {
    struct objects *objects;
    const char *key;
};

static int read_file(void *context, uint64_t offset, char *to, size_t size)
{
    struct file_of *file = context;
    return objects_get_range(file->objects, file->key, offset, to, size, NULL);
}

static uint64_t sum_of(const struct lake_value *row)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < LAKE_COLUMNS; i++) {
        uint64_t value = row[i].is_null ? 7 : (uint64_t)row[i].number + (row[i].text.at ? slice_hash(row[i].text) : 0);
        sum = (sum ^ value) * UINT64_C(0x9e3779b97f4a7c15);
    }
    return sum;
}

static int see_file(void *context, const struct manifest_entry *entry)
{
    struct seen *s = context;
    struct lake_value row[LAKE_COLUMNS], expected[LAKE_COLUMNS];
    struct rows rows;
    struct reason why = {0};
    char path[512];
    if (entry->status == ENTRY_DELETED)
        return 0;
    snprintf(path, sizeof path, "%.*s", SLICE_ARG(entry->file.path));
    struct objects *objects = s->table->committer.table.objects;
    struct file_of file = {.objects = objects, .key = objects_key(objects, path)};
    struct parquet_source source = {
        .read = read_file, .context = &file, .size_bytes = (uint64_t)entry->file.size_bytes};
    int found = parquet_read(s->reader, source, &why);
    int64_t before = 0;
    s->files++;
    while (!found && (found = parquet_next(s->reader, row, &why)) == 1) {
        table_row(&rows, (uint64_t)row[LAKE_POSITION].number, entry->file.tenant, entry->file.day, expected);
        s->rows++;
        s->sum += sum_of(row);
        s->expected += sum_of(expected);
        s->in_order = s->in_order && row[LAKE_POSITION].number > before;
        before = row[LAKE_POSITION].number;
        found = 0;
    }
    s->unreadable += found < 0;
    return 0;
}

static struct seen look(struct table *t)
{
    ARENA_AUTO arena = {0};
    struct manifest *rows;
    size_t count;
    struct reason why = {0};
    struct seen s = {.table = t, .in_order = true};
    CHECK_INT(parquet_reader_open(&s.reader, lake_columns, LAKE_COLUMNS), 0);
    table_expect(committer_load(&t->committer, false, &why), &why);
    table_expect(committer_manifests(&t->committer, &arena, &rows, &count, &why), &why);
    for (size_t i = 0; i < count; i++)
        table_expect(committer_manifest(&t->committer, &rows[i], see_file, &s, &why), &why);
    parquet_reader_free(s.reader);
    return s;
}

// All rows are there, each as it was written, in so many files.
static void check_rows(struct table *t, uint64_t rows, size_t files)
{
    struct seen s = look(t);
    CHECK_INT(s.rows, rows);
    CHECK_INT(s.files, files);
    CHECK_INT(s.unreadable, 0);
    CHECK(s.sum == s.expected);
    CHECK(s.in_order);
}

static size_t count_files(const char *below)
{
    char command[160];
    size_t count = 0;
    snprintf(command, sizeof command, "find %s/%s -type f | wc -l", directory(), below);
    FILE *pipe = popen(command, "r");
    CHECK(pipe && fscanf(pipe, "%zu", &count) == 1);
    if (pipe)
        pclose(pipe);
    return count;
}

static int run_at(struct table *t, int64_t now_us, struct compact_result *result)
{
    struct compactor compactor = {0};
    struct reason why = {0};
    *result = (struct compact_result){0};
    int error = compact_run(&compactor, &t->committer, now_us, result, &why);
    table_expect(error, &why);
    return error;
}

// ---- what is worth it

static void a_day_that_goes_on_waits_for_eight_files(void)
{
    struct table t;
    struct compact_result result;
    table_open(&t, directory());
    for (int i = 0; i < 7; i++)
        table_append(&t, "acme", TODAY, 100);
    run_at(&t, noon_us, &result);
    CHECK_INT(result.files_before, 0);
    check_rows(&t, 700, 7);
    table_append(&t, "acme", TODAY, 100);
    table_append(&t, "other", TODAY, 100);
    run_at(&t, noon_us, &result);
    CHECK_INT(result.files_before, 8);
    CHECK_INT(result.files_after, 1);
    CHECK_INT(result.rows, 800);
    CHECK_INT(result.partitions, 1);
    check_rows(&t, 900, 2);
    run_at(&t, noon_us, &result);
    CHECK_INT(result.files_before, 0);
    table_remove(&t);
}

static void a_day_that_is_over_becomes_one_file(void)
{
    struct table t;
    struct compact_result result;
    table_open(&t, directory());
    table_append(&t, "acme", TODAY - 1, 10);
    table_append(&t, "acme", TODAY, 10);
    table_append(&t, "acme", TODAY - 1, 10);
    table_append(&t, "beta", TODAY - 1, 10);
    table_append(&t, "beta", TODAY - 1, 10);
    // Within two hours of midnight more may come.
    run_at(&t, TODAY * TABLE_DAY_US + PLAN_OVER_US - 1, &result);
    CHECK_INT(result.files_before, 0);
    run_at(&t, TODAY * TABLE_DAY_US + PLAN_OVER_US, &result);
    CHECK_INT(result.files_before, 4);
    CHECK_INT(result.files_after, 2);
    CHECK_INT(result.partitions, 2);
    check_rows(&t, 50, 3);
    table_remove(&t);
}

static void a_commit_takes_a_hundred_tenants_and_days(void)
{
    struct table t;
    struct compact_result result;
    char tenant[16];
    table_open(&t, directory());
    for (int pass = 0; pass < 2; pass++) {
        table_begin(&t);
        for (int i = 0; i < 103; i++) {
            snprintf(tenant, sizeof tenant, "t%d", i);
            table_file(&t, tenant, TODAY - 1, 1);
        }
        table_commit(&t);
    }
    run_at(&t, noon_us, &result);
    CHECK_INT(result.partitions, 100);
    CHECK(result.more);
    check_rows(&t, 206, 106);
    run_at(&t, noon_us, &result);
    CHECK_INT(result.partitions, 3);
    CHECK(!result.more);
    check_rows(&t, 206, 103);
    table_remove(&t);
}

static void many_manifests_become_one(void)
{
    struct table t;
    struct compact_result result;
    table_open(&t, directory());
    for (int i = 0; i < 99; i++)
        table_append(&t, "acme", TODAY - 1 - i, 1);
    run_at(&t, noon_us, &result);
    CHECK_INT(result.manifests_after, 0); // nothing was committed
    table_append(&t, "acme", TODAY - 100, 1);
    run_at(&t, noon_us, &result);
    CHECK_INT(result.manifests_before, 100);
    CHECK_INT(result.manifests_after, 1);
    CHECK_INT(result.files_before, 0);
    check_rows(&t, 100, 100);
    table_remove(&t);
}

static size_t count_manifests(struct table *t, int64_t *gone)
{
    ARENA_AUTO arena = {0};
    struct manifest *rows;
    size_t count;
    CHECK_INT(committer_manifests(&t->committer, &arena, &rows, &count, NULL), 0);
    *gone = 0;
    for (size_t i = 0; i < count; i++) {
        *gone += rows[i].deleted_files;
        CHECK(manifest_is_live(&rows[i]) == !rows[i].deleted_files);
    }
    return count;
}

static void what_is_gone_is_told_by_one_snapshot(void)
{
    struct table t;
    struct compact_result result;
    int64_t gone;
    table_open(&t, directory());
    for (int i = 0; i < 3; i++)
        table_append(&t, "acme", TODAY - 1, 1);
    run_at(&t, noon_us, &result);
    CHECK_INT(count_manifests(&t, &gone), 2);
    CHECK_INT(gone, 3);
    for (int i = 0; i < 2; i++)
        table_append(&t, "acme", TODAY - 2, 1);
    run_at(&t, noon_us, &result);
    CHECK_INT(result.files_before, 2);
    CHECK_INT(count_manifests(&t, &gone), 2); // of what is there, the older file too, and of what is gone
    CHECK_INT(gone, 2);
    check_rows(&t, 5, 2);
    table_remove(&t);
}

static void files_end_at_the_size_that_is_wanted(void)
{
    struct table t;
    struct merge merge;
    MERGED_AUTO merged = {0};
    struct merge_file files[6];
    struct reason why = {0};
    ARENA_AUTO kept = {0};
    table_open(&t, directory());
    for (int i = 0; i < 6; i++) {
        struct output output = {.committer = &t.committer, .parquet = t.parquet};
        struct data_file file;
        struct rows rows;
        struct lake_value row[LAKE_COLUMNS];
        table_expect(output_begin(&output, SLICE("acme"), TODAY, &why), &why);
        files[i] = (struct merge_file){.position = (int64_t)t.position + 1, .rows = 5000};
        for (int k = 0; k < 5000; k++) {
            table_row(&rows, ++t.position, SLICE("acme"), TODAY, row);
            table_expect(parquet_add(t.parquet, row, &why), &why);
        }
        table_expect(output_end(&output, &kept, &file, &why), &why);
        files[i].path = file.path;
        files[i].size_bytes = file.size_bytes;
    }
    table_expect(merge_open(&merge, &t.committer, &why), &why);
    table_expect(merge_run(&merge, SLICE("acme"), TODAY, files, 6, 2, 1 << 20, &merged, &why), &why);
    CHECK(merged.count > 1);
    int64_t rows = 0;
    for (size_t i = 0; i < merged.count; i++) {
        rows += merged.files[i].rows;
        CHECK(merged.files[i].rows > 0);
    }
    CHECK_INT(rows, 30000);
    merge_close(&merge);
    table_remove(&t);
}

// ---- files that cannot be merged

struct left {
    int count;
    char path[512], why[320];
};

static void note_left(void *context, struct slice path, const char *why)
{
    struct left *left = context;
    left->count++;
    snprintf(left->path, sizeof left->path, "%.*s", SLICE_ARG(path));
    snprintf(left->why, sizeof left->why, "%s", why);
}

// Where the file of the table's nth entry lies.
static int find_nth(void *context, const struct manifest_entry *entry)
{
    struct left *found = context;
    if (entry->status != ENTRY_DELETED && found->count-- == 0)
        snprintf(found->path, sizeof found->path, "%.*s", SLICE_ARG(entry->file.path));
    return 0;
}

static void nth_file(struct table *t, int n, char path[static 512])
{
    ARENA_AUTO arena = {0};
    struct manifest *rows;
    size_t count;
    struct left found = {.count = n};
    CHECK_INT(committer_manifests(&t->committer, &arena, &rows, &count, NULL), 0);
    for (size_t i = 0; i < count; i++)
        CHECK_INT(committer_manifest(&t->committer, &rows[i], find_nth, &found, NULL), 0);
    CHECK(strncmp(found.path, "file://", 7) == 0);
    memmove(path, found.path + 7, sizeof found.path - 7);
}

static void change_byte(const char *path, off_t at)
{
    char byte;
    int fd = open(path, O_RDWR | O_CLOEXEC);
    CHECK(fd >= 0 && pread(fd, &byte, 1, at) == 1);
    byte ^= 1;
    CHECK(pwrite(fd, &byte, 1, at) == 1);
    close(fd);
}

static void check_left(const char *said, void (*harm)(const char *path))
{
    struct table t;
    struct compactor compactor = {0};
    struct left left = {0};
    struct reason why = {0};
    char path[512];
    table_open(&t, directory());
    for (int i = 0; i < 5; i++)
        table_append(&t, "acme", TODAY - 1, 20000);
    nth_file(&t, 2, path);
    harm(path);
    struct compact_result result = {.on_left = note_left, .context = &left};
    table_expect(compact_run(&compactor, &t.committer, noon_us, &result, &why), &why);
    CHECK_INT(left.count, 1);
    CHECK(strstr(left.path, path));
    if (!strstr(left.why, said))
        printf("#   %s\n", left.why);
    CHECK(strstr(left.why, said));
    CHECK_INT(result.files_before, 4);
    CHECK_INT(result.files_after, 1);
    struct seen s = look(&t);
    CHECK_INT(s.files, 2);
    CHECK_INT(s.unreadable, 1);
    CHECK(s.sum == s.expected && s.rows >= 80000);
    // Nothing that was begun with it lies about: 5 files and the new one.
    CHECK_INT(count_files("lake/data"), access(path, F_OK) ? 5 : 6);
    // It is not tried again and again.
    left.count = 0;
    result = (struct compact_result){.on_left = note_left, .context = &left};
    table_expect(compact_run(&compactor, &t.committer, noon_us, &result, &why), &why);
    CHECK_INT(left.count + (int)result.files_before, 0);
    table_remove(&t);
}

static void harm_page(const char *path)
{
    struct stat st;
    CHECK_INT(stat(path, &st), 0);
    change_byte(path, st.st_size / 2);
}

static void harm_footer(const char *path)
{
    struct stat st;
    CHECK_INT(stat(path, &st), 0);
    change_byte(path, st.st_size - 1);
}

static void harm_by_removing(const char *path)
{
    CHECK_INT(unlink(path), 0);
}

static void harm_by_cutting(const char *path)
{
    CHECK_INT(truncate(path, 1000), 0);
}

static void damaged_files_are_named_and_left(void)
{
    check_left("the page's checksum does not hold", harm_page);
    check_left("a Parquet file ends otherwise", harm_footer);
    check_left("No such file or directory", harm_by_removing);
    check_left("cannot be read: Input/output error", harm_by_cutting);
}

// ---- columns besides our own

// A file with one column more, of this id.
static void append_with(struct table *t, int32_t id, const char *text)
{
    struct lake_column columns[LAKE_COLUMNS + 1];
    struct parquet_writer *usual = t->parquet;
    struct output output = {.committer = &t->committer};
    struct manifest_entry entry = {.status = ENTRY_ADDED, .snapshot = NO_SNAPSHOT, .sequence = -1, .file_sequence = -1};
    struct lake_value row[LAKE_COLUMNS + 1];
    struct rows rows;
    struct reason why = {0};
    memcpy(columns, lake_columns, sizeof lake_columns);
    columns[LAKE_COLUMNS] = (struct lake_column){.id = id, .name = "hash", .type = LAKE_STRING};
    CHECK_INT(parquet_writer_open(&output.parquet, columns, LAKE_COLUMNS + 1, &(struct parquet_options){0}), 0);
    table_begin(t);
    table_expect(output_begin(&output, SLICE("acme"), TODAY - 1, &why), &why);
    table_row(&rows, ++t->position, SLICE("acme"), TODAY - 1, row);
    row[LAKE_COLUMNS] = (struct lake_value){.text = slice_of(text)};
    table_expect(parquet_add(output.parquet, row, &why), &why);
    table_expect(output_end(&output, &t->arena, &entry.file, &why), &why);
    manifest_add(&t->manifest, &entry);
    table_commit(t);
    parquet_writer_free(output.parquet);
    t->parquet = usual;
}

static int see_hash(void *context, const struct manifest_entry *entry)
{
    struct seen *s = context;
    struct lake_value row[LAKE_COLUMNS_MAX];
    char path[512];
    if (entry->status == ENTRY_DELETED)
        return 0;
    snprintf(path, sizeof path, "%.*s", SLICE_ARG(entry->file.path));
    struct objects *objects = s->table->committer.table.objects;
    struct file_of file = {.objects = objects, .key = objects_key(objects, path)};
    struct parquet_source source = {
        .read = read_file, .context = &file, .size_bytes = (uint64_t)entry->file.size_bytes};
    CHECK_INT(parquet_read(s->reader, source, NULL), 0);
    s->files++;
    while (parquet_next(s->reader, row, NULL) == 1)
        s->sum = s->sum * 10 + (row[LAKE_COLUMNS].is_null ? 9 : (uint64_t)(row[LAKE_COLUMNS].text.at[0] - '0'));
    return 0;
}

static void a_column_that_came_half_way_keeps_its_values(void)
{
    struct table t;
    struct compact_result result;
    struct reason why = {0};
    table_open(&t, directory());
    table_append(&t, "acme", TODAY - 1, 2);
    t.options.hash = true;
    table_expect(committer_evolve(&t.committer, &why), &why);
    append_with(&t, LAKE_COLUMNS + 1, "1");
    append_with(&t, LAKE_COLUMNS + 1, "2");
    run_at(&t, noon_us, &result);
    CHECK_INT(result.files_before, 3);
    ARENA_AUTO arena = {0};
    struct manifest *rows;
    size_t count;
    struct seen s = {.table = &t};
    CHECK_INT(parquet_reader_open(&s.reader, t.committer.layout.columns, t.committer.layout.count), 0);
    CHECK_INT(committer_manifests(&t.committer, &arena, &rows, &count, NULL), 0);
    for (size_t i = 0; i < count; i++)
        CHECK_INT(committer_manifest(&t.committer, &rows[i], see_hash, &s, NULL), 0);
    CHECK_INT(s.files, 1);
    CHECK_INT(s.sum, 9912); // null, null, 1, 2
    parquet_reader_free(s.reader);
    table_remove(&t);
}

static void a_column_of_others_leaves_the_file(void)
{
    struct table t;
    struct compactor compactor = {0};
    struct left left = {0};
    struct reason why = {0};
    table_open(&t, directory());
    table_append(&t, "acme", TODAY - 1, 1);
    append_with(&t, 77, "x");
    table_append(&t, "acme", TODAY - 1, 1);
    struct compact_result result = {.on_left = note_left, .context = &left};
    table_expect(compact_run(&compactor, &t.committer, noon_us, &result, &why), &why);
    CHECK_INT(left.count, 1);
    CHECK_TEXT(slice_of(left.why), "it has a column hash that is kept by others");
    CHECK_INT(result.files_before, 2);
    check_rows(&t, 3, 2);
    table_remove(&t);
}

// ---- others who change the table

static struct table *other;
static const char *other_step;
static int other_times;
static void (*other_does)(struct table *);

static void meanwhile(const char *step)
{
    if (!other_times || strcmp(step, other_step) != 0)
        return;
    other_times--;
    void (*at_step)(const char *) = lake_at_step;
    lake_at_step = NULL;
    struct reason why = {0};
    table_expect(committer_load(&other->committer, false, &why), &why);
    other_does(other);
    lake_at_step = at_step;
}

static void append_one(struct table *t)
{
    table_append(t, "acme", TODAY, 10);
}

static void compact_it(struct table *t)
{
    struct compact_result result;
    run_at(t, noon_us, &result);
    CHECK_INT(result.files_before, 2);
}

// Another committer with a journal of its own on the same table.
static void open_other(struct table *mine, struct table *t)
{
    struct reason why = {0};
    *t = *mine;
    t->position = 1000000;
    snprintf(t->store, sizeof t->store, "%s/other", directory());
    CHECK_INT(mkdir(t->store, 0700), 0);
    table_expect(committer_open(&t->committer, &t->options, t->store, "abc", NULL, &why), &why);
    table_expect(committer_load(&t->committer, true, &why), &why);
    CHECK_INT(parquet_writer_open(&t->parquet, lake_columns, LAKE_COLUMNS, &(struct parquet_options){0}), 0);
}

static void others_append_meanwhile(void)
{
    struct table mine, theirs;
    struct compact_result result;
    table_open(&mine, directory());
    table_append(&mine, "acme", TODAY - 1, 10);
    table_append(&mine, "acme", TODAY - 1, 10);
    open_other(&mine, &theirs);
    other = &theirs;
    other_step = "committing";
    other_times = 2;
    other_does = append_one;
    lake_at_step = meanwhile;
    run_at(&mine, noon_us, &result);
    lake_at_step = NULL;
    CHECK_INT(other_times, 0);
    CHECK_INT(result.files_before, 2);
    check_rows(&mine, 40, 3);
    table_close(&theirs);
    table_remove(&mine);
}

static void others_compact_meanwhile(void)
{
    struct table mine, theirs;
    struct compactor compactor = {0};
    struct compact_result result = {0};
    struct reason why = {0};
    table_open(&mine, directory());
    table_append(&mine, "acme", TODAY - 1, 10);
    table_append(&mine, "acme", TODAY - 1, 10);
    open_other(&mine, &theirs);
    other = &theirs;
    other_step = "committing";
    other_times = 1;
    other_does = compact_it;
    lake_at_step = meanwhile;
    CHECK_INT(compact_run(&compactor, &mine.committer, noon_us, &result, &why), -ESTALE);
    lake_at_step = NULL;
    CHECK_TEXT(slice_of(why.text), "others have changed the files of the table");
    check_rows(&mine, 20, 1);
    CHECK_INT(count_files("lake/data"), 3); // what was written for nothing is gone
    table_close(&theirs);
    table_remove(&mine);
}

// ---- kills

static int kill_at, steps;

static void die(const char *step)
{
    (void)step;
    if (++steps == kill_at)
        _exit(9);
}

static void killed_at_each_step(void)
{
    int died = 0, status = 0;
    for (kill_at = 1; kill_at < 200; kill_at++) {
        struct table t;
        struct compact_result result;
        table_open(&t, directory());
        for (int i = 0; i < 3; i++) {
            table_append(&t, "acme", TODAY - 1, 30);
            table_append(&t, "beta", TODAY - 1, 30);
        }
        fflush(stdout);
        pid_t child = fork();
        if (child == 0) {
            struct compactor compactor = {0};
            struct reason why = {0};
            result = (struct compact_result){0};
            lake_at_step = die;
            steps = 0;
            _exit(compact_run(&compactor, &t.committer, noon_us, &result, &why) ? 1 : 0);
        }
        CHECK(child > 0 && waitpid(child, &status, 0) == child);
        // The next daemon.
        table_close(&t);
        table_open(&t, directory());
        run_at(&t, noon_us, &result);
        check_rows(&t, 180, 2);
        // Old and new files, and nothing besides.
        CHECK_INT(count_files("lake/data"), 8);
        table_remove(&t);
        if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
            break;
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 9);
        died++;
    }
    printf("# killed at %d steps\n", died);
    CHECK(died > 10 && kill_at < 200);
}

int main(void)
{
    TEST("a day that goes on is merged when it has eight small files", a_day_that_goes_on_waits_for_eight_files);
    TEST("a day that is over becomes one file, two hours after its end", a_day_that_is_over_becomes_one_file);
    TEST("one commit takes a hundred tenants and days, the next the rest", a_commit_takes_a_hundred_tenants_and_days);
    TEST("a hundred manifests become one", many_manifests_become_one);
    TEST(
        "files that are gone stand in a manifest of their own, for one snapshot", what_is_gone_is_told_by_one_snapshot);
    TEST("a merged file ends at the size that is wanted", files_end_at_the_size_that_is_wanted);
    TEST("a file that is damaged, cut or missing is named and left, and nothing else is lost",
        damaged_files_are_named_and_left);
    TEST("a column that came half way keeps its values", a_column_that_came_half_way_keeps_its_values);
    TEST("a file with a column that the table does not have is left", a_column_of_others_leaves_the_file);
    TEST("others append meanwhile: both stand", others_append_meanwhile);
    TEST("others compact meanwhile: this one is given up, and leaves nothing behind", others_compact_meanwhile);
    TEST("killed at each step, the next run has every row once and no file too many", killed_at_each_step);
    return check_end("compact");
}
