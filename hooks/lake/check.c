#include "hooks/lake/check.h"

#include "hooks/lake/metadata.h"
#include "hooks/lake/parquet_read.h"
#include "store/grow.h"
#include "store/json.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

// A data file that the table has now; texts in the arena.
struct live_file {
    const char *path, *tenant;
    uint64_t rows;
};

struct checking {
    struct check *check;
    struct arena arena;
    struct live_file *files; // by their tenants
    size_t file_count, file_room;
    struct lake_column columns[LAKE_COLUMNS + 1];
    size_t column_count;
    struct parquet_reader *parquet;

    // of the tenant that is looked at
    struct engine *engine;
    unsigned char *seen; // a bit a position
    struct bytes line;
};

// ---- which files there are

static const char *keep_text(struct checking *c, struct slice text)
{
    char *kept = arena_get(&c->arena, text.size + 1);
    if (!kept)
        return NULL;
    if (text.size)
        memcpy(kept, text.at, text.size);
    kept[text.size] = '\0';
    return kept;
}

static int take_file(void *context, const struct manifest_entry *entry)
{
    struct checking *c = context;
    if (entry->status == ENTRY_DELETED)
        return 0;
    if (!GROW(c->files, c->file_count, c->file_room))
        return -ENOMEM;
    struct live_file *file = &c->files[c->file_count];
    *file = (struct live_file){.path = keep_text(c, entry->file.path),
        .tenant = keep_text(c, entry->file.tenant.at ? entry->file.tenant : SLICE("")),
        .rows = (uint64_t)entry->file.rows};
    if (!file->path || !file->tenant)
        return -ENOMEM;
    if (entry->file.content != FILE_DATA)
        return -ENOTSUP; // somebody has deleted rows
    c->file_count++;
    return 0;
}

static int by_tenant(const void *a, const void *b)
{
    return strcmp(((const struct live_file *)a)->tenant, ((const struct live_file *)b)->tenant);
}

static int list_files(struct checking *c, struct reason *why)
{
    struct manifest *rows;
    size_t count;
    struct committer *committer = c->check->committer;
    int error = committer_manifests(committer, &c->arena, &rows, &count, why);
    for (size_t i = 0; !error && i < count; i++)
        error = committer_manifest(committer, &rows[i], take_file, c, why);
    if (!error && c->file_count)
        qsort(c->files, c->file_count, sizeof *c->files, by_tenant);
    return error;
}

// ---- rows

struct range_source {
    struct objects *objects;
    const char *key;
    struct reason *why;
};

static int read_range(void *context, uint64_t offset, char *to, size_t size)
{
    const struct range_source *s = context;
    return objects_get_range(s->objects, s->key, offset, to, size, s->why);
}

static struct slice text_of(const struct lake_value *row, enum lake_column_at at)
{
    return row[at].is_null ? SLICE("") : row[at].text;
}

static void print_row(struct bytes *out, const struct lake_value *row)
{
    struct event event = {
        .id = text_of(row, LAKE_ID),
        .type = text_of(row, LAKE_EVENT_TYPE),
        .target = text_of(row, LAKE_TARGET),
        .actor = text_of(row, LAKE_ACTOR),
        .at_us = row[LAKE_TIMESTAMP].number,
        .data = text_of(row, LAKE_DATA),
        .metadata = text_of(row, LAKE_METADATA),
        .version = (uint32_t)row[LAKE_VERSION].number,
    };
    bytes_clear(out);
    envelope_print(out, &event, text_of(row, LAKE_TENANT));
}

static bool hash_fits(const struct lake_value *value, const unsigned char hash[static CHAIN_SIZE])
{
    if (value->is_null)
        return true;
    char text[CHAIN_TEXT];
    chain_print(text, hash);
    return slice_is(value->text, text);
}

// 0, or -errno when it cannot be looked at; what is wrong goes to `found`.
static int check_row(
    struct checking *c, struct check_tenant *found, const struct live_file *file, const struct lake_value *row)
{
    struct event_row event;
    uint64_t position = (uint64_t)row[LAKE_POSITION].number;
    found->rows++;
    if (position < 1 || position > found->position) {
        reason_set(&found->wrong, 0, "%s has position %" PRIu64 ", which the table says it does not have", file->path,
            position);
        return 0;
    }
    if (c->seen[position / 8] >> position % 8 & 1) {
        reason_set(&found->wrong, 0, "event %" PRIu64 " is in the table twice, once more in %s", position, file->path);
        return 0;
    }
    c->seen[position / 8] |= (unsigned char)(1u << position % 8);
    int error = engine_event(c->engine, position, &event);
    if (error)
        return reason_set(&found->wrong, error == -EIO || error == -ENOENT ? 0 : error,
            "event %" PRIu64 " cannot be read in the log: %s", position, engine_error(c->engine));
    print_row(&c->line, row);
    if (c->line.failed)
        return -ENOMEM;
    if (!slice_equal(bytes_slice(&c->line), event.line))
        reason_set(&found->wrong, 0, "event %" PRIu64 " is another one in %s than in the log", position, file->path);
    if (c->column_count > LAKE_COLUMNS && !hash_fits(&row[LAKE_COLUMNS], event.hash))
        reason_set(&found->wrong, 0, "event %" PRIu64 " has another hash in %s than in the log", position, file->path);
    return 0;
}

// A file that cannot be read is something that does not fit.
static int check_file(struct checking *c, struct check_tenant *found, const struct live_file *file)
{
    struct objects *objects = c->check->committer->table.objects;
    struct reason why = {0};
    struct range_source source = {.objects = objects, .key = objects_key(objects, file->path), .why = &why};
    uint64_t size, rows = 0;
    found->files++;
    if (!source.key)
        return reason_set(&found->wrong, 0, "%s lies outside of the table's place", file->path);
    int error = objects_size(objects, source.key, &size, &why);
    if (!error)
        error = parquet_read(
            c->parquet, (struct parquet_source){.read = read_range, .context = &source, .size_bytes = size}, &why);
    struct lake_value row[LAKE_COLUMNS + 1];
    for (int got; !error && (got = parquet_next(c->parquet, row, &why)) != 0; rows++) {
        error = got < 0 ? got : 0;
        if (!error)
            error = check_row(c, found, file, row);
    }
    if (error == -ENOMEM)
        return error;
    if (error)
        return reason_set(&found->wrong, 0, "%s: %s", file->path, why.text[0] ? why.text : strerror(-error));
    if (rows != file->rows)
        reason_set(
            &found->wrong, 0, "%s has %" PRIu64 " rows, its manifest says %" PRIu64, file->path, rows, file->rows);
    return 0;
}

// ---- tenants

static int check_events(struct checking *c, struct check_tenant *found, const char *path)
{
    struct event_row last = {0};
    struct reason why = {0};
    int error = engine_open(&c->engine, path, c->check->survey->mode, &why);
    if (error)
        return reason_set(&found->wrong, 0, "%s", why.text);
    c->seen = calloc(1, found->position / 8 + 1);
    error = c->seen ? engine_last_event(c->engine, &last) : -ENOMEM;
    // A damaged one is found again when its row is looked at.
    if (error == -ENOENT || error == -EIO)
        error = 0;
    found->end = last.position;
    if (!error && found->position > found->end)
        reason_set(&found->wrong, 0, "the table has more than the log, which ends at %" PRIu64, found->end);
    for (size_t i = 0; !error && i < c->file_count; i++)
        if (strcmp(c->files[i].tenant, found->name) == 0)
            error = check_file(c, found, &c->files[i]);
    for (uint64_t p = 1; !error && p <= found->position && !found->wrong.text[0]; p++)
        if (!(c->seen[p / 8] >> p % 8 & 1))
            reason_set(&found->wrong, 0, "event %" PRIu64 " is not in the table", p);
    free(c->seen);
    c->seen = NULL;
    engine_close(c->engine);
    return error;
}

static int check_tenant(struct checking *c, const struct tenant_info *info, struct reason *why)
{
    char path[512];
    struct check_tenant found = {.name = info->name};
    survey_file(c->check->survey, info->name, path);
    int error = committer_position(c->check->committer, info->name, &found.position, why);
    if (!error)
        error = check_events(c, &found, path);
    if (error)
        return reason_set(why, error, "%s: %s", info->name, strerror(-error));
    c->check->whole = c->check->whole && !found.wrong.text[0];
    c->check->tenant(c->check->context, &found);
    return 0;
}

// Files of tenants that the store does not have.
static void check_strangers(struct checking *c)
{
    for (size_t i = 0; i < c->file_count; i++) {
        if ((i && strcmp(c->files[i].tenant, c->files[i - 1].tenant) == 0) ||
            survey_find(c->check->survey, c->files[i].tenant))
            continue;
        struct check_tenant found = {.name = c->files[i].tenant};
        reason_set(&found.wrong, 0, "the table has events of it, and the store has no such tenant");
        c->check->whole = false;
        c->check->tenant(c->check->context, &found);
    }
}

static int open_reader(struct checking *c)
{
    const struct lake_column *hash = layout_column(&c->check->committer->layout, LAYOUT_HASH);
    memcpy(c->columns, lake_columns, sizeof lake_columns);
    c->column_count = LAKE_COLUMNS;
    if (hash && hash->type == LAKE_STRING)
        c->columns[c->column_count++] = *hash;
    return parquet_reader_open(&c->parquet, c->columns, c->column_count);
}

int check_run(struct check *check, struct reason *why)
{
    struct checking c = {.check = check};
    check->whole = true;
    int error = open_reader(&c);
    if (!error)
        error = list_files(&c, why);
    for (uint32_t i = 0; !error && i < check->survey->count; i++)
        error = check_tenant(&c, &check->survey->tenants[i], why);
    if (!error)
        check_strangers(&c);
    parquet_reader_free(c.parquet);
    arena_free(&c.arena);
    bytes_free(&c.line);
    free(c.files);
    return error;
}
