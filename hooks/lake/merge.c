#include "hooks/lake/merge.h"

#include "hooks/lake/step.h"
#include "hooks/lake/stop.h"
#include "store/day.h"
#include "store/grow.h"

#include <errno.h>
#include <inttypes.h>

// Rows between two looks at whether to stop.
#define ROWS_A_LOOK 4096u

// Besides 0 and -errno: the file cannot be merged.
#define FILE_LEFT 1

void merged_clear(struct merged *merged)
{
    arena_free(&merged->arena);
    free(merged->files);
    *merged = (struct merged){0};
}

int merge_open(struct merge *m, struct committer *c, struct reason *why)
{
    const struct layout *layout = &c->layout;
    *m = (struct merge){.committer = c, .output.committer = c};
    bytes_add_slice(&m->schema, layout->text);
    for (size_t i = 0; i < layout->count; i++) {
        struct lake_column column = layout->columns[i];
        if (column.id == lake_columns[LAKE_TENANT].id)
            m->tenant_at = i;
        if (column.id == lake_columns[LAKE_TIMESTAMP].id)
            m->timestamp_at = i;
        m->columns[m->column_count++] = column;
    }
    struct parquet_options options = {.schema = bytes_slice(&m->schema)};
    int error = m->schema.failed ? -ENOMEM : 0;
    if (!error)
        error = parquet_writer_open(&m->output.parquet, m->columns, m->column_count, &options);
    if (!error)
        error = parquet_reader_open(&m->reader, m->columns, m->column_count);
    return error ? reason_set(why, error, "compaction cannot begin: %s", strerror(-error)) : 0;
}

void merge_close(struct merge *m)
{
    output_drop(&m->output);
    parquet_writer_free(m->output.parquet);
    parquet_reader_free(m->reader);
    bytes_free(&m->schema);
}

// ---- one file

struct source {
    struct merge *merge;
    const char *key;
    struct reason *why;
};

static int read_range(void *context, uint64_t offset, char *to, size_t size)
{
    struct source *s = context;
    s->merge->source_error = objects_get_range(s->merge->committer->table.objects, s->key, offset, to, size, s->why);
    return s->merge->source_error;
}

// Is it a fault of the file, which will not go by itself?
static bool is_of_the_file(const struct merge *m, int error)
{
    if (m->source_error)
        return m->source_error == -ENOENT || m->source_error == -EIO;
    return error == -EIO || error == -ENOTSUP || error == -EILSEQ || error == -EINVAL || error == -EFBIG;
}

// What is being done, so that it need not be handed down piece by piece.
struct job {
    struct slice tenant;
    int32_t day;
    uint64_t target;
    struct merged *merged;
    size_t before; // files that are there of others
};

static int end_file(struct merge *m, struct merged *merged, struct reason *why)
{
    if (!GROW(merged->files, merged->count, merged->room))
        return -ENOMEM;
    int error = output_end(&m->output, &merged->arena, &merged->files[merged->count], why);
    merged->count += !error;
    return error;
}

// A row is about to be written: ends the file that is large enough, begins one when there is none.
static int begin_or_end(struct merge *m, const struct job *job, struct reason *why)
{
    bool is_full = m->output.upload && parquet_size(m->output.parquet) >= job->target;
    int error = is_full ? end_file(m, job->merged, why) : 0;
    return error || m->output.upload ? error : output_begin(&m->output, job->tenant, job->day, why);
}

static int check_row(const struct merge *m, const struct lake_value *row, const struct job *job, struct reason *why)
{
    if (!slice_equal(row[m->tenant_at].text, job->tenant))
        return reason_set(why, -EINVAL, "it has rows of %.*s", SLICE_ARG(row[m->tenant_at].text));
    if ((int32_t)day_of(row[m->timestamp_at].number) - OUTPUT_DAY_1970 != job->day)
        return reason_set(why, -EINVAL, "it has rows of another day");
    return 0;
}

static int add_row(struct merge *m, const struct lake_value *row, struct reason *file_why, struct reason *why)
{
    int error = parquet_add(m->output.parquet, row, file_why);
    bool is_of_the_row = error == -EINVAL || error == -EILSEQ || error == -EFBIG;
    return !error || is_of_the_row ? error : reason_set(why, error, "a file cannot be written: %s", strerror(-error));
}

static int add_rows(
    struct merge *m, const struct job *job, const struct merge_file *file, struct reason *file_why, struct reason *why)
{
    struct lake_value row[LAKE_COLUMNS_MAX];
    const char *foreign = parquet_foreign(m->reader);
    if (foreign)
        return reason_set(file_why, -ENOTSUP, "it has a column %s that is kept by others", foreign);
    if (parquet_rows(m->reader) != (uint64_t)file->rows)
        return reason_set(file_why, -EIO, "it has %" PRIu64 " rows, and the manifest says %" PRId64,
            parquet_rows(m->reader), file->rows);
    int found;
    for (uint64_t count = 0; (found = parquet_next(m->reader, row, file_why)) > 0; count++) {
        if (count % ROWS_A_LOOK == 0) {
            if (stop_is_set(m->committer->stop))
                return -ECANCELED;
            int error = begin_or_end(m, job, why);
            if (error)
                return reason_set(why, error, "a file cannot be written: %s", strerror(-error));
        }
        int error = check_row(m, row, job, file_why);
        if (!error)
            error = add_row(m, row, file_why, why);
        if (error)
            return error;
    }
    return found;
}

// 0, FILE_LEFT, or -errno.
static int add_file(struct merge *m, const struct job *job, struct merge_file *file, struct reason *why)
{
    struct reason file_why = {0};
    BYTES_AUTO path = {0};
    bytes_add_slice(&path, file->path);
    bytes_add_char(&path, '\0');
    if (path.failed)
        return -ENOMEM;
    struct source s = {.merge = m, .key = objects_key(m->committer->table.objects, path.at), .why = &file_why};
    m->source_error = 0;
    struct parquet_source source = {.read = read_range, .context = &s, .size_bytes = (uint64_t)file->size_bytes};
    int error = s.key ? parquet_read(m->reader, source, &file_why)
                      : reason_set(&file_why, -ENOTSUP, "it lies outside of the table");
    if (!error)
        error = add_rows(m, job, file, &file_why, why);
    if (!error || error == -ECANCELED || why->text[0])
        return error;
    if (!is_of_the_file(m, error))
        return reason_set(why, error, "%s: %s", path.at, file_why.text[0] ? file_why.text : strerror(-error));
    file->left = true;
    if (m->left)
        m->left(m->context, file->path, file_why.text);
    return FILE_LEFT;
}

// ---- all

static void drop_all(struct merge *m, const struct job *job)
{
    struct merged *merged = job->merged;
    output_drop(&m->output);
    for (size_t i = job->before; i < merged->count; i++) {
        BYTES_AUTO path = {0};
        bytes_add_slice(&path, merged->files[i].path);
        bytes_add_char(&path, '\0');
        const char *key = path.failed ? NULL : objects_key(m->committer->table.objects, path.at);
        // It is in the journal, too; but once the commit is in, nothing that stands there is removed.
        if (key)
            objects_remove(m->committer->table.objects, key, NULL);
    }
    merged->count = job->before;
}

static size_t count_good(const struct merge_file *files, size_t count)
{
    size_t good = 0;
    for (size_t i = 0; i < count; i++)
        good += !files[i].left;
    return good;
}

// Tries it with those files that are not left. 0, FILE_LEFT, or -errno.
static int try_once(struct merge *m, const struct job *job, struct merge_file *files, size_t count, struct reason *why)
{
    int error = 0;
    for (size_t i = 0; i < count && !error; i++)
        if (!files[i].left)
            error = add_file(m, job, &files[i], why);
    return error || !m->output.upload ? error : end_file(m, job->merged, why);
}

static int check_count(const struct job *job, const struct merge_file *files, size_t count, struct reason *why)
{
    int64_t before = 0, after = 0;
    for (size_t i = 0; i < count; i++)
        before += files[i].left ? 0 : files[i].rows;
    for (size_t i = job->before; i < job->merged->count; i++)
        after += job->merged->files[i].rows;
    return before == after
               ? 0
               : reason_set(why, -EIO, "%" PRId64 " rows were read, and %" PRId64 " written: compaction is given up",
                     before, after);
}

int merge_run(struct merge *m, struct slice tenant, int32_t day, struct merge_file *files, size_t count, size_t least,
    uint64_t target, struct merged *merged, struct reason *why)
{
    struct job job = {.tenant = tenant, .day = day, .target = target, .merged = merged, .before = merged->count};
    int error = FILE_LEFT;
    while (error == FILE_LEFT && count_good(files, count) >= least) {
        error = try_once(m, &job, files, count, why);
        if (!error)
            error = check_count(&job, files, count, why);
        if (error)
            drop_all(m, &job);
        lake_step("merged");
    }
    return error == FILE_LEFT ? 0 : error;
}
