#include "hooks/lake/manifest.h"

#include "hooks/lake/avro_reader.h"
#include "hooks/lake/manifest_schema.h"
#include "store/json.h"

#include <errno.h>
#include <stdio.h>

// ---- values that may be missing: the branch of the union, and the value

static void put_null(struct avro_writer *w)
{
    avro_number(w, 0);
}

static void put_number_or_null(struct avro_writer *w, int64_t n, bool known)
{
    avro_number(w, known);
    if (known)
        avro_number(w, n);
}

static void put_text_or_null(struct avro_writer *w, struct slice text)
{
    avro_number(w, text.at != NULL);
    if (text.at)
        avro_text(w, text);
}

// ---- writing a manifest

int manifest_begin(struct manifest_writer *w, const struct manifest_head *head)
{
    char id[24];
    snprintf(id, sizeof id, "%lld", (long long)head->schema_id);
    *w = (struct manifest_writer){.row.min_sequence = -1};
    const struct avro_pair pairs[] = {
        {"schema", head->schema},
        {"schema-id", slice_of(id)},
        {"partition-spec", head->partition_fields},
        {"partition-spec-id", SLICE("0")},
        {"format-version", SLICE("2")},
        {"content", SLICE("data")},
    };
    BYTES_AUTO schema = {0};
    manifest_schema_print(&schema);
    if (schema.failed)
        return -ENOMEM;
    return avro_begin(&w->avro, &w->file, bytes_slice(&schema), pairs, sizeof pairs / sizeof *pairs);
}

typedef int64_t number_of(const struct column_stats *column);

static int64_t size_of_column(const struct column_stats *column)
{
    return column->size_bytes;
}

static int64_t values_of(const struct column_stats *column)
{
    return column->values;
}

static int64_t nulls_of(const struct column_stats *column)
{
    return column->nulls;
}

static int64_t nans_of(const struct column_stats *column)
{
    return column->nans;
}

static void put_numbers(struct avro_writer *w, const struct data_file *file, number_of *number)
{
    int64_t count = 0;
    for (uint32_t i = 0; i < file->column_count; i++)
        count += number(&file->columns[i]) >= 0;
    avro_number(w, count > 0);
    if (!count)
        return;
    avro_number(w, count);
    for (uint32_t i = 0; i < file->column_count; i++)
        if (number(&file->columns[i]) >= 0) {
            avro_number(w, file->columns[i].id);
            avro_number(w, number(&file->columns[i]));
        }
    avro_number(w, 0);
}

static void put_bounds(struct avro_writer *w, const struct data_file *file, bool upper)
{
    int64_t count = 0;
    for (uint32_t i = 0; i < file->column_count; i++)
        count += (upper ? file->columns[i].upper : file->columns[i].lower).at != NULL;
    avro_number(w, count > 0);
    if (!count)
        return;
    avro_number(w, count);
    for (uint32_t i = 0; i < file->column_count; i++) {
        struct slice bound = upper ? file->columns[i].upper : file->columns[i].lower;
        if (!bound.at)
            continue;
        avro_number(w, file->columns[i].id);
        avro_text(w, bound);
    }
    avro_number(w, 0);
}

static void put_splits(struct avro_writer *w, const struct data_file *file)
{
    avro_number(w, file->split_count > 0);
    if (!file->split_count)
        return;
    avro_number(w, file->split_count);
    for (uint32_t i = 0; i < file->split_count; i++)
        avro_number(w, file->splits[i]);
    avro_number(w, 0);
}

static void put_file(struct avro_writer *w, const struct data_file *file)
{
    avro_number(w, file->content);
    avro_text(w, file->path);
    avro_text(w, file->format);
    put_text_or_null(w, file->tenant);
    put_number_or_null(w, file->day, file->has_day);
    avro_number(w, file->rows);
    avro_number(w, file->size_bytes);
    put_numbers(w, file, size_of_column);
    put_numbers(w, file, values_of);
    put_numbers(w, file, nulls_of);
    put_numbers(w, file, nans_of);
    put_bounds(w, file, false);
    put_bounds(w, file, true);
    put_null(w); // key_metadata
    put_splits(w, file);
    put_null(w); // equality_ids
    put_number_or_null(w, file->sort_order, file->sort_order >= 0);
}

static void count_entry(struct manifest *row, const struct manifest_entry *entry)
{
    int64_t *const files[] = {&row->existing_files, &row->added_files, &row->deleted_files};
    int64_t *const rows[] = {&row->existing_rows, &row->added_rows, &row->deleted_rows};
    ++*files[entry->status];
    *rows[entry->status] += entry->file.rows;
    if (entry->sequence >= 0 && (row->min_sequence < 0 || entry->sequence < row->min_sequence))
        row->min_sequence = entry->sequence;
}

static void keep(struct bytes *kept, struct slice text)
{
    bytes_clear(kept);
    bytes_add_slice(kept, text);
}

static void widen(struct manifest_writer *w, const struct data_file *file)
{
    if (!file->tenant.at)
        w->ranges[0].has_null = true;
    else {
        if (!w->tenants[0].at || slice_compare(file->tenant, bytes_slice(&w->tenants[0])) < 0)
            keep(&w->tenants[0], file->tenant);
        if (!w->tenants[1].at || slice_compare(file->tenant, bytes_slice(&w->tenants[1])) > 0)
            keep(&w->tenants[1], file->tenant);
    }
    if (!file->has_day)
        w->ranges[1].has_null = true;
    else {
        bool first = !w->ranges[1].lower.at;
        if (first || file->day < w->least_day)
            w->least_day = file->day;
        if (first || file->day > w->greatest_day)
            w->greatest_day = file->day;
        w->ranges[1].lower = (struct slice){.at = w->days[0], .size = 4};
        w->ranges[1].upper = (struct slice){.at = w->days[1], .size = 4};
    }
}

void manifest_add(struct manifest_writer *w, const struct manifest_entry *entry)
{
    avro_number(&w->avro, entry->status);
    put_number_or_null(&w->avro, entry->snapshot, entry->snapshot >= 0);
    put_number_or_null(&w->avro, entry->sequence, entry->sequence >= 0);
    put_number_or_null(&w->avro, entry->file_sequence, entry->file_sequence >= 0);
    put_file(&w->avro, &entry->file);
    avro_record(&w->avro);
    count_entry(&w->row, entry);
    widen(w, &entry->file);
}

int manifest_end(struct manifest_writer *w)
{
    int error = avro_end(&w->avro);
    if (error || w->tenants[0].failed || w->tenants[1].failed)
        return -ENOMEM;
    for (int i = 0; i < 4; i++) {
        w->days[0][i] = (char)((uint32_t)w->least_day >> 8 * i);
        w->days[1][i] = (char)((uint32_t)w->greatest_day >> 8 * i);
    }
    w->ranges[0].has_nan = w->ranges[1].has_nan = -1;
    if (w->tenants[0].at) {
        w->ranges[0].lower = bytes_slice(&w->tenants[0]);
        w->ranges[0].upper = bytes_slice(&w->tenants[1]);
    }
    w->row.size_bytes = (int64_t)w->file.size;
    w->row.partitions = w->ranges;
    w->row.partition_count = 2;
    return 0;
}

void manifest_writer_clear(struct manifest_writer *w)
{
    bytes_free(&w->file);
    bytes_free(&w->avro.block);
    bytes_free(&w->tenants[0]);
    bytes_free(&w->tenants[1]);
}

// ---- reading a manifest

struct columns {
    struct arena *arena;
    struct column_stats *all;
    uint32_t count, room;
};

static struct column_stats *column_of(struct columns *c, int64_t id)
{
    for (uint32_t i = 0; i < c->count; i++)
        if (c->all[i].id == id)
            return &c->all[i];
    if (c->count == c->room) {
        uint32_t room = c->room ? c->room * 2 : 16;
        struct column_stats *all = arena_get(c->arena, room * sizeof *all);
        if (!all)
            return NULL;
        if (c->count)
            memcpy(all, c->all, c->count * sizeof *all);
        c->all = all;
        c->room = room;
    }
    c->all[c->count] =
        (struct column_stats){.id = (int32_t)id, .size_bytes = -1, .values = -1, .nulls = -1, .nans = -1};
    return &c->all[c->count++];
}

// What a map of a data file says, by its field: where it goes in a column's stats.
static int take_map(struct columns *c, const struct avro_value *file, int field, int key_id, size_t place, bool text)
{
    const struct avro_value *map = avro_field(file, field);
    for (uint32_t i = 0; map && map->kind == AVRO_ARRAY && i < map->count; i++) {
        const struct avro_value *pair = &map->parts[i], *value = avro_field(pair, key_id + 1);
        struct column_stats *column = column_of(c, avro_field_number(pair, key_id, -1));
        if (!column)
            return -ENOMEM;
        char *to = (char *)column + place;
        if (value && text && value->kind == AVRO_TEXT)
            memcpy(to, &value->text, sizeof value->text);
        if (value && !text && value->kind == AVRO_NUMBER)
            memcpy(to, &value->number, sizeof value->number);
    }
    return 0;
}

static int take_columns(const struct avro_value *file, struct arena *arena, struct data_file *out)
{
    static const struct {
        int field, key_id;
        size_t place;
        bool text;
    } maps[] = {
        {108, 117, offsetof(struct column_stats, size_bytes), false},
        {109, 119, offsetof(struct column_stats, values), false},
        {110, 121, offsetof(struct column_stats, nulls), false},
        {137, 138, offsetof(struct column_stats, nans), false},
        {125, 126, offsetof(struct column_stats, lower), true},
        {128, 129, offsetof(struct column_stats, upper), true},
    };
    struct columns c = {.arena = arena};
    int error = 0;
    for (size_t i = 0; !error && i < sizeof maps / sizeof *maps; i++)
        error = take_map(&c, file, maps[i].field, maps[i].key_id, maps[i].place, maps[i].text);
    out->columns = c.all;
    out->column_count = c.count;
    return error;
}

static int take_splits(const struct avro_value *file, struct arena *arena, struct data_file *out)
{
    const struct avro_value *splits = avro_field(file, 132);
    if (!splits || splits->kind != AVRO_ARRAY || !splits->count)
        return 0;
    int64_t *all = arena_get(arena, splits->count * sizeof *all);
    if (!all)
        return -ENOMEM;
    for (uint32_t i = 0; i < splits->count; i++)
        all[i] = splits->parts[i].number;
    out->splits = all;
    out->split_count = splits->count;
    return 0;
}

static int take_file(const struct avro_value *file, struct arena *arena, struct data_file *out)
{
    const struct avro_value *partition = avro_field(file, 102), *tenant = avro_field(partition, 1000);
    const struct avro_value *day = avro_field(partition, 1001);
    *out = (struct data_file){
        .content = (enum file_content)avro_field_number(file, 134, FILE_DATA),
        .path = avro_field_text(file, 100),
        .format = avro_field_text(file, 101),
        .tenant = tenant && tenant->kind == AVRO_TEXT ? tenant->text : (struct slice){0},
        .has_day = day && day->kind == AVRO_NUMBER,
        .day = day ? (int32_t)day->number : 0,
        .rows = avro_field_number(file, 103, 0),
        .size_bytes = avro_field_number(file, 104, 0),
        .sort_order = avro_field_number(file, 140, -1),
    };
    int error = take_columns(file, arena, out);
    return error ? error : take_splits(file, arena, out);
}

static int take_entry(
    const struct avro_value *record, const struct manifest *row, struct arena *arena, struct manifest_entry *entry)
{
    int64_t status = avro_field_number(record, 0, -1);
    const struct avro_value *file = avro_field(record, 2);
    if (status < ENTRY_EXISTING || status > ENTRY_DELETED || !file)
        return -EIO;
    *entry = (struct manifest_entry){
        .status = (enum entry_status)status,
        .snapshot = avro_field_number(record, 1, row->snapshot),
        .sequence = avro_field_number(record, 3, row->sequence),
    };
    entry->file_sequence = avro_field_number(record, 4, entry->sequence);
    return take_file(file, arena, &entry->file);
}

int manifest_read(
    struct slice file, const struct manifest *row, manifest_visit *visit, void *context, struct reason *why)
{
    AVRO_READER_AUTO reader;
    const struct avro_value *record;
    int error = avro_reader_open(&reader, file, why);
    for (int found; !error && (found = avro_next(&reader, &record, why)) != 0;) {
        ARENA_AUTO arena = {0};
        struct manifest_entry entry;
        error = found < 0 ? found : take_entry(record, row, &arena, &entry);
        if (!error)
            error = visit(context, &entry);
    }
    return error ? reason_set(why, error, "the manifest %.*s cannot be read", SLICE_ARG(row->path)) : 0;
}

// ---- lists

static void put_range(struct avro_writer *w, const struct partition_range *range)
{
    avro_bool(w, range->has_null);
    avro_number(w, range->has_nan >= 0);
    if (range->has_nan >= 0)
        avro_bool(w, range->has_nan);
    put_text_or_null(w, range->lower);
    put_text_or_null(w, range->upper);
}

static void put_manifest(struct avro_writer *w, const struct manifest *row)
{
    avro_text(w, row->path);
    avro_number(w, row->size_bytes);
    avro_number(w, row->spec);
    avro_number(w, row->content);
    avro_number(w, row->sequence);
    avro_number(w, row->min_sequence);
    avro_number(w, row->snapshot);
    avro_number(w, row->added_files);
    avro_number(w, row->existing_files);
    avro_number(w, row->deleted_files);
    avro_number(w, row->added_rows);
    avro_number(w, row->existing_rows);
    avro_number(w, row->deleted_rows);
    avro_number(w, row->partition_count > 0);
    if (row->partition_count) {
        avro_number(w, row->partition_count);
        for (uint32_t i = 0; i < row->partition_count; i++)
            put_range(w, &row->partitions[i]);
        avro_number(w, 0);
    }
    put_null(w); // key_metadata
    avro_record(w);
}

int manifest_list_write(
    struct bytes *out, const struct manifest_list_head *head, const struct manifest *all, size_t count)
{
    struct avro_writer w;
    char snapshot[24], parent[24], sequence[24];
    snprintf(snapshot, sizeof snapshot, "%lld", (long long)head->snapshot);
    snprintf(parent, sizeof parent, "%lld", (long long)head->parent);
    snprintf(sequence, sizeof sequence, "%lld", (long long)head->sequence);
    const struct avro_pair pairs[] = {
        {"snapshot-id", slice_of(snapshot)},
        {"parent-snapshot-id", head->parent == NO_SNAPSHOT ? SLICE("null") : slice_of(parent)},
        {"sequence-number", slice_of(sequence)},
        {"format-version", SLICE("2")},
    };
    BYTES_AUTO schema = {0};
    manifest_schema_print_list(&schema);
    if (schema.failed)
        return -ENOMEM;
    int error = avro_begin(&w, out, bytes_slice(&schema), pairs, sizeof pairs / sizeof *pairs);
    for (size_t i = 0; !error && i < count; i++)
        put_manifest(&w, &all[i]);
    return error ? error : avro_end(&w);
}

static int take_ranges(const struct avro_value *record, struct arena *arena, struct manifest *row)
{
    const struct avro_value *ranges = avro_field(record, 507);
    if (!ranges || ranges->kind != AVRO_ARRAY || !ranges->count)
        return 0;
    struct partition_range *all = arena_get(arena, ranges->count * sizeof *all);
    if (!all)
        return -ENOMEM;
    for (uint32_t i = 0; i < ranges->count; i++) {
        const struct avro_value *has_null = avro_field(&ranges->parts[i], 509);
        const struct avro_value *has_nan = avro_field(&ranges->parts[i], 518);
        const struct avro_value *lower = avro_field(&ranges->parts[i], 510);
        const struct avro_value *upper = avro_field(&ranges->parts[i], 511);
        all[i] = (struct partition_range){.has_null = has_null && has_null->number,
            .has_nan = has_nan ? has_nan->number != 0 : -1,
            .lower = lower ? arena_copy(arena, lower->text) : (struct slice){0},
            .upper = upper ? arena_copy(arena, upper->text) : (struct slice){0}};
    }
    row->partitions = all;
    row->partition_count = ranges->count;
    return 0;
}

static int take_manifest(const struct avro_value *record, struct arena *arena, struct manifest *row)
{
    *row = (struct manifest){
        .path = arena_copy(arena, avro_field_text(record, 500)),
        .size_bytes = avro_field_number(record, 501, 0),
        .spec = (int32_t)avro_field_number(record, 502, 0),
        .content = (int32_t)avro_field_number(record, 517, 0),
        .sequence = avro_field_number(record, 515, 0),
        .min_sequence = avro_field_number(record, 516, 0),
        .snapshot = avro_field_number(record, 503, NO_SNAPSHOT),
        .added_files = avro_field_number(record, 504, 0),
        .existing_files = avro_field_number(record, 505, 0),
        .deleted_files = avro_field_number(record, 506, 0),
        .added_rows = avro_field_number(record, 512, 0),
        .existing_rows = avro_field_number(record, 513, 0),
        .deleted_rows = avro_field_number(record, 514, 0),
    };
    return row->path.at ? take_ranges(record, arena, row) : -ENOMEM;
}

int manifest_list_read(struct slice file, struct arena *arena, struct manifest **all, size_t *count, struct reason *why)
{
    AVRO_READER_AUTO reader;
    const struct avro_value *record;
    size_t room = 0;
    *all = NULL;
    *count = 0;
    int error = avro_reader_open(&reader, file, why);
    for (int found; !error && (found = avro_next(&reader, &record, why)) != 0;) {
        if (found > 0 && *count == room) {
            room = room ? room * 2 : 64;
            struct manifest *more = arena_get(arena, room * sizeof *more);
            if (!more)
                return -ENOMEM;
            if (*count)
                memcpy(more, *all, *count * sizeof *more);
            *all = more;
        }
        error = found < 0 ? found : take_manifest(record, arena, &(*all)[*count]);
        *count += !error;
    }
    return error;
}
