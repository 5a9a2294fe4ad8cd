#include "hooks/lake/flush.h"

#include "hooks/lake/metadata.h"
#include "hooks/lake/output.h"
#include "hooks/lake/stop.h"
#include "store/day.h"
#include "store/grow.h"
#include "store/history.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

// Read of the log at a time.
#define PIECE_BYTES  (1u << 20)
#define PIECE_EVENTS 4096u

// An event of a piece.
struct taken {
    size_t at, size; // of its line
    unsigned char hash[CHAIN_SIZE];
};

struct piece {
    struct bytes lines;
    struct taken *all;
    size_t count, room;
    uint64_t first; // position
};

// What a commit brings of a tenant.
struct part {
    char name[64];
    uint32_t number;
    uint64_t from;       // the last position that was there before
    uint64_t to;         // … that is in a file which is whole
    uint64_t written;    // … that was written
    uint64_t size_bytes; // of the log up to there
    unsigned char hash[CHAIN_SIZE];
};

struct flush {
    struct committer *committer;
    struct store *store;
    struct flush_result *result;
    struct reason *why;

    struct lake_column columns[LAKE_COLUMNS + 1];
    size_t column_count;
    struct bytes schema; // that the files bear: the table may be loaded anew meanwhile
    struct piece piece;
    struct bytes actor;

    struct commit commit;
    struct manifest_writer writer;
    struct manifest manifest; // that is new
    struct arena arena;       // of it
    struct part *parts;
    size_t part_count, part_room;
    bool begun; // there is a commit to be made

    struct output output; // the file that is being written

    int log_error; // of a tenant's log: it ends there, the others go on
    struct reason log_why;
};

// Of what follows, besides 0 and -errno, which end the flush: the tenant's log ends here, by `log_error`.
#define LOG_ENDS 1

// ---- a file

static int32_t day_since_1970(int64_t at_us)
{
    return (int32_t)day_of(at_us) - OUTPUT_DAY_1970;
}

static int end_file(struct flush *f, struct part *part)
{
    ARENA_AUTO arena = {0};
    struct manifest_entry entry = {.status = ENTRY_ADDED, .snapshot = NO_SNAPSHOT, .sequence = -1, .file_sequence = -1};
    int error = output_end(&f->output, &arena, &entry.file, f->why);
    if (error)
        return error;
    manifest_add(&f->writer, &entry);
    f->commit.added.files++;
    f->commit.added.rows += entry.file.rows;
    f->commit.added.bytes += entry.file.size_bytes;
    f->commit.partitions++;
    part->to = part->written;
    return 0;
}

// ---- the log

static int take_events(struct flush *f, struct reader *reader, uint64_t last)
{
    struct piece *p = &f->piece;
    struct event_row row;
    int error = engine_events_start(reader->engine, p->first);
    while (!error && p->count < PIECE_EVENTS && p->lines.size < PIECE_BYTES && p->first + p->count <= last) {
        int found = engine_events_next(reader->engine, &row);
        error = found == 1 ? 0 : found == 0 ? -EIO : found;
        if (!error && !GROW(p->all, p->count, p->room))
            error = -ENOMEM;
        if (error)
            break;
        struct taken *taken = &p->all[p->count++];
        *taken = (struct taken){.at = p->lines.size, .size = row.line.size};
        memcpy(taken->hash, row.hash, sizeof taken->hash);
        bytes_add_slice(&p->lines, row.line);
    }
    if (error)
        history_heard(reader, error);
    engine_events_end(reader->engine);
    return p->lines.failed ? -ENOMEM : error;
}

static int end_log(struct flush *f, const struct part *part, int error)
{
    if (error == -ENOMEM)
        return error;
    f->log_error = error;
    reason_set(&f->log_why, error, "event %" PRIu64 " of %s cannot be flushed: %s", part->written + 1, part->name,
        strerror(-error));
    return LOG_ENDS;
}

// The next events, at least one. What was read before damage is taken first.
static int read_piece(struct flush *f, struct part *part, struct reader *reader, uint64_t last)
{
    bytes_clear(&f->piece.lines);
    f->piece.count = 0;
    f->piece.first = part->written + 1;
    int error = take_events(f, reader, last);
    return error && (!f->piece.count || error == -ENOMEM) ? end_log(f, part, error) : 0;
}

static int add_event(struct flush *f, struct part *part, const struct taken *taken, uint64_t position)
{
    struct event event;
    struct lake_value row[LAKE_COLUMNS + 1];
    char hash[CHAIN_TEXT];
    struct slice line = {.at = f->piece.lines.at + taken->at, .size = taken->size};
    int error = envelope_read(line, &event, &f->actor);
    if (error)
        return end_log(f, part, error);
    struct output *output = &f->output;
    int32_t day = day_since_1970(event.at_us);
    if (output->upload && (output->day != day || parquet_size(output->parquet) >= FLUSH_FILE_BYTES))
        error = end_file(f, part);
    if (!error && !output->upload)
        error = output_begin(output, slice_of(part->name), day, f->why);
    if (error)
        return error;
    lake_row(row, &event, slice_of(part->name), position);
    if (f->column_count > LAKE_COLUMNS) {
        chain_print(hash, taken->hash);
        row[LAKE_COLUMNS] = (struct lake_value){.text = slice_of(hash)};
    }
    error = parquet_add(output->parquet, row, &f->log_why);
    if (error == -EINVAL || error == -EILSEQ || error == -EFBIG)
        return end_log(f, part, error);
    if (error)
        return reason_set(f->why, error, "%s", f->log_why.text);
    part->written = position;
    part->size_bytes += taken->size + 1;
    memcpy(part->hash, taken->hash, sizeof part->hash);
    return 0;
}

static int add_piece(struct flush *f, struct part *part)
{
    int error = 0;
    for (size_t i = 0; !error && i < f->piece.count && f->commit.added.files < FLUSH_FILES_MAX; i++)
        error = add_event(f, part, &f->piece.all[i], f->piece.first + i);
    return error;
}

// ---- a tenant

static int begin_commit(struct flush *f)
{
    int error = commit_begin(f->committer, &f->commit, "append", f->why);
    f->begun = !error;
    return error ? error : committer_begin_manifest(f->committer, &f->writer);
}

// The log must be the one that the table has the beginning of.
static int check_log(struct flush *f, struct reader *reader, struct part *part, uint64_t end)
{
    char name[PROPERTY_MAX], own[CHAIN_TEXT];
    struct event_row row;
    BYTES_AUTO hash = {0};
    if (part->from > end)
        return reason_set(f->why, -ENXIO,
            "the table has %" PRIu64 " events of %s, and the log has %" PRIu64 ": refused, as it may be another log",
            part->from, part->name, end);
    if (!part->from)
        return 0;
    int error = history_event(reader, part->from, &row);
    if (error)
        return error;
    snprintf(name, sizeof name, HASH_PROPERTY "%s", part->name);
    chain_print(own, row.hash);
    if (metadata_property(committer_metadata(f->committer), name, &hash) && !slice_is(bytes_slice(&hash), own))
        return reason_set(f->why, -ENXIO,
            "event %" PRIu64 " of %s is another one in the table than in the log: refused", part->from, part->name);
    part->size_bytes = row.offset + row.line.size + 1;
    memcpy(part->hash, row.hash, sizeof part->hash);
    return 0;
}

static int add_tenant(struct flush *f, struct part *part, struct reader *reader, uint64_t end)
{
    int error = 0;
    while (!error && part->written < end && f->commit.added.files < FLUSH_FILES_MAX) {
        error = stop_is_set(f->committer->stop) ? -ECANCELED : read_piece(f, part, reader, end);
        if (!error)
            error = add_piece(f, part);
    }
    if (!f->output.upload)
        return error;
    // What came before damage in the log is as good as anything.
    if (error >= 0) {
        int ended = end_file(f, part);
        return ended ? ended : error;
    }
    output_drop(&f->output);
    return error;
}

static void tell(const struct flush *f, const struct part *part)
{
    struct flush_tenant tenant = {
        .number = part->number, .position = part->to, .size_bytes = part->to ? part->size_bytes : 0};
    if (f->result->tenant)
        f->result->tenant(f->result->context, &tenant);
}

// What of the open tenant is not in the table yet comes into the commit. 0, LOG_ENDS or -errno.
static int add_part(struct flush *f, struct part *part, struct tenant *tenant)
{
    struct reader *reader;
    uint64_t end = tenant_end(tenant).position;
    int error = committer_position(f->committer, part->name, &part->from, f->why);
    part->to = part->written = part->from;
    if (error || (!part->from && !end))
        return error;
    error = history_reader(tenant, TENANT_READER_LAKE, &reader);
    if (!error)
        error = check_log(f, reader, part, end);
    if (error == -EIO)
        return end_log(f, part, error);
    if (error || part->from == end)
        return error;
    error = f->begun ? 0 : begin_commit(f);
    return error ? error : add_tenant(f, part, reader, end);
}

// *more: the commit is full, and has not all of the tenant.
static int flush_tenant(struct flush *f, uint32_t number, bool *more)
{
    struct tenant *tenant;
    int error = store_get(f->store, number, &tenant);
    if (error == -ENOENT)
        return 0; // it was removed, empty
    if (error)
        return end_log(f, &(struct part){.name = "a tenant that cannot be opened"}, error) < 0 ? error : 0;
    if (!GROW(f->parts, f->part_count, f->part_room)) {
        store_put(f->store, tenant);
        return -ENOMEM;
    }
    struct part *part = &f->parts[f->part_count];
    *part = (struct part){.number = number};
    memcpy(part->name, tenant->name, sizeof part->name);
    error = add_part(f, part, tenant);
    *more = !error && part->to < tenant_end(tenant).position && f->commit.added.files >= FLUSH_FILES_MAX;
    if (error >= 0 && part->to == part->from)
        tell(f, part);
    f->part_count += part->to > part->from;
    store_put(f->store, tenant);
    return error < 0 ? error : 0;
}

// ---- the commit

// All parts or none are in the table.
static int positions_hold(void *context, struct committer *c, struct reason *why)
{
    struct flush *f = context;
    size_t there = 0;
    for (size_t i = 0; i < f->part_count; i++) {
        uint64_t position;
        int error = committer_position(c, f->parts[i].name, &position, why);
        if (error)
            return error;
        if (position != f->parts[i].from && position < f->parts[i].to)
            return reason_set(why, -ESTALE, "somebody else has flushed %s", f->parts[i].name);
        there += position >= f->parts[i].to;
    }
    if (there && there < f->part_count)
        return reason_set(why, -ESTALE, "somebody else has flushed some tenants");
    return there > 0;
}

static int add_manifest(void *context, const struct manifest *old, size_t old_count, struct arena *arena,
    struct manifest **rows, size_t *count, struct reason *why)
{
    struct flush *f = context;
    (void)why;
    *count = 0;
    *rows = arena_get(arena, (old_count + 1) * sizeof **rows);
    if (!*rows)
        return -ENOMEM;
    for (size_t i = 0; i < old_count; i++)
        if (manifest_is_live(&old[i]))
            (*rows)[(*count)++] = old[i];
    (*rows)[(*count)++] = f->manifest;
    return 0;
}

static void name_positions(struct flush *f)
{
    for (size_t i = 0; i < f->part_count; i++) {
        const struct part *part = &f->parts[i];
        char hash[CHAIN_TEXT];
        chain_print(hash, part->hash);
        const char *comma = i ? "," : "";
        bytes_printf(&f->commit.properties,
            "%s\"" POSITION_PROPERTY "%s\":\"%" PRIu64 "\",\"" HASH_PROPERTY "%s\":\"%s\"", comma, part->name, part->to,
            part->name, hash);
        bytes_printf(&f->commit.summary,
            "%s\"factfs.from.%s\":\"%" PRIu64 "\",\"" POSITION_PROPERTY "%s\":\"%" PRIu64 "\"", comma, part->name,
            part->from + 1, part->name, part->to);
    }
}

static int commit_parts(struct flush *f)
{
    struct committer *c = f->committer;
    name_positions(f);
    f->commit.holds = positions_hold;
    f->commit.list = add_manifest;
    f->commit.context = f;
    int error = committer_end_manifest(c, &f->commit, 0, &f->writer, &f->arena, &f->manifest, f->why);
    if (!error)
        error = committer_commit(c, &f->commit, f->why);
    if (error)
        return error;
    f->result->files += (uint64_t)f->commit.added.files;
    f->result->rows += (uint64_t)f->commit.added.rows;
    f->result->bytes += (uint64_t)f->commit.added.bytes;
    for (size_t i = 0; i < f->part_count; i++)
        tell(f, &f->parts[i]);
    return 0;
}

static void end_commit(struct flush *f)
{
    commit_clear(&f->commit);
    manifest_writer_clear(&f->writer);
    arena_free(&f->arena);
    f->commit = (struct commit){0};
    f->part_count = 0;
    f->begun = false;
}

// ---- the whole

static int open_flush(struct flush *f)
{
    const struct layout *layout = &f->committer->layout;
    const struct lake_column *hash = layout_column(layout, LAYOUT_HASH);
    memcpy(f->columns, lake_columns, sizeof lake_columns);
    f->column_count = LAKE_COLUMNS;
    if (hash && f->committer->options->hash && hash->type == LAKE_STRING)
        f->columns[f->column_count++] = *hash;
    bytes_add_slice(&f->schema, layout->text);
    struct parquet_options options = {.schema = bytes_slice(&f->schema)};
    if (f->schema.failed)
        return -ENOMEM;
    return parquet_writer_open(&f->output.parquet, f->columns, f->column_count, &options);
}

static void close_flush(struct flush *f)
{
    output_drop(&f->output);
    parquet_writer_free(f->output.parquet);
    end_commit(f);
    free(f->parts);
    free(f->piece.all);
    bytes_free(&f->piece.lines);
    bytes_free(&f->actor);
    bytes_free(&f->schema);
}

// As many tenants as one commit takes, from *next on.
static int flush_some(struct flush *f, const uint32_t *tenants, size_t count, size_t *next)
{
    int error = 0;
    while (!error && *next < count && f->commit.added.files < FLUSH_FILES_MAX) {
        bool more = false;
        error = flush_tenant(f, tenants[*next], &more);
        *next += !more;
    }
    if (!error && f->part_count)
        error = commit_parts(f);
    end_commit(f);
    return error;
}

int flush_run(struct committer *c, struct store *store, const uint32_t *tenants, size_t count,
    struct flush_result *result, struct reason *why)
{
    struct flush f = {.committer = c, .output.committer = c, .store = store, .result = result, .why = why};
    size_t next = 0;
    int error = committer_load(c, true, why);
    if (!error)
        error = committer_settle(c, why);
    if (!error)
        error = committer_evolve(c, why);
    if (!error)
        error = open_flush(&f);
    while (!error && next < count)
        error = flush_some(&f, tenants, count, &next);
    close_flush(&f);
    if (!error)
        error = committer_settle(c, why);
    if (error)
        return reason_set(why, error, "%s", strerror(-error));
    return f.log_error ? reason_set(why, f.log_error, "%s", f.log_why.text) : 0;
}

void flush_print(struct bytes *out, const struct flush_result *r)
{
    bytes_printf(out, "%" PRIu64 " events in %" PRIu64 " files, %" PRIu64 " bytes\n", r->rows, r->files, r->bytes);
}
