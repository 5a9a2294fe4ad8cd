#include "hooks/lake/parquet_write.h"

#include "hooks/lake/parquet_chunk.h"
#include "store/grow.h"
#include "store/utf8.h"

#include <errno.h>

// A row group is full with this much in memory.
#define GROUP_BYTES (16u << 20)
#define ZSTD_LEVEL  3
#define FORMAT      1
#define TYPE_STRING 1 // of LogicalType
#define TYPE_MOMENT 8
#define UNIT_MICROS 2 // of TimeUnit
#define CREATED_BY  "factfs version " FACTFS_VERSION " (build " FACTFS_VERSION ")"
#define SCHEMA_KEY  "iceberg.schema"

enum { FILE_FORMAT = 1, FILE_COLUMNS, FILE_ROWS, FILE_GROUPS, FILE_KEY_VALUES, FILE_CREATED_BY, FILE_ORDERS };
enum { ELEMENT_TYPE = 1, ELEMENT_REPETITION = 3, ELEMENT_NAME, ELEMENT_CHILDREN, ELEMENT_CONVERTED };
enum { ELEMENT_FIELD_ID = 9, ELEMENT_LOGICAL };
enum { GROUP_COLUMNS = 1, GROUP_PLAIN_SIZE, GROUP_ROWS, GROUP_OFFSET = 5, GROUP_SIZE, GROUP_ORDINAL };
enum { CHUNK_OFFSET = 2, CHUNK_META };
enum { META_TYPE = 1, META_ENCODINGS, META_PATH, META_CODEC, META_VALUES, META_PLAIN_SIZE, META_SIZE };
enum { META_DATA_OFFSET = 9, META_DICTIONARY_OFFSET = 11, META_STATISTICS, META_PAGES };
enum { STATISTICS_NULLS = 3, STATISTICS_MAX = 5, STATISTICS_MIN, STATISTICS_MAX_EXACT, STATISTICS_MIN_EXACT };
enum { PAGES_TYPE = 1, PAGES_ENCODING, PAGES_COUNT };

// A column, and what of it was written before the row group that fills.
struct written {
    struct parquet_chunk chunk;
    uint64_t size_bytes, values, nulls;
    struct bounds bounds;
};

struct parquet_writer {
    const struct lake_column *columns;
    size_t count;
    struct parquet_options options;
    struct press press;
    struct written written[LAKE_COLUMNS_MAX];

    // ---- the file
    struct parquet_sink sink;
    uint64_t offset; // where the next byte goes
    uint64_t rows;   // of row groups that are written
    uint64_t group_rows;
    struct bytes groups; // what the footer says of those
    uint64_t *splits;
    size_t split_count, split_room;
};

void parquet_facts_free(struct parquet_facts *facts)
{
    free(facts->splits);
    *facts = (struct parquet_facts){0};
}

int parquet_writer_open(struct parquet_writer **opened, const struct lake_column *columns, size_t count,
    const struct parquet_options *options)
{
    if (!count || count > LAKE_COLUMNS_MAX)
        return -EINVAL;
    struct parquet_writer *w = calloc(1, sizeof *w);
    if (!w)
        return -ENOMEM;
    *w = (struct parquet_writer){.columns = columns, .options = *options};
    w->press = (struct press){
        .zstd = ZSTD_createCCtx(), .level = options->level ? options->level : ZSTD_LEVEL, .is_fixed = options->level};
    int error = w->press.zstd ? 0 : -ENOMEM;
    for (; !error && w->count < count; w->count++)
        error = parquet_chunk_open(&w->written[w->count].chunk, &columns[w->count]);
    if (error) {
        parquet_writer_free(w);
        return error;
    }
    *opened = w;
    return 0;
}

void parquet_writer_free(struct parquet_writer *w)
{
    if (!w)
        return;
    for (size_t i = 0; i < w->count; i++) {
        parquet_chunk_close(&w->written[i].chunk);
        bounds_free(&w->written[i].bounds);
    }
    ZSTD_freeCCtx(w->press.zstd);
    bytes_free(&w->press.body);
    bytes_free(&w->press.packed);
    bytes_free(&w->groups);
    free(w->splits);
    free(w);
}

static int sink(struct parquet_writer *w, struct slice bytes)
{
    if (!bytes.size)
        return 0;
    w->offset += bytes.size;
    return w->sink.write(w->sink.context, bytes);
}

int parquet_begin(struct parquet_writer *w, struct parquet_sink to)
{
    w->sink = to;
    w->offset = w->rows = w->group_rows = 0;
    w->split_count = 0;
    bytes_clear(&w->groups);
    for (size_t i = 0; i < w->count; i++) {
        struct written *column = &w->written[i];
        parquet_chunk_begin_file(&column->chunk);
        column->size_bytes = column->values = column->nulls = 0;
        bounds_clear(&column->bounds);
    }
    return sink(w, SLICE(PARQUET_MAGIC));
}

uint64_t parquet_size(const struct parquet_writer *w)
{
    uint64_t size = w->offset;
    for (size_t i = 0; i < w->count; i++)
        size += parquet_chunk_size(&w->written[i].chunk);
    return size;
}

// ---- row groups

static void put_bound(struct thrift_out *t, int id, const struct bound *bound)
{
    if (bound->is_known)
        thrift_text(t, id, (struct slice){.at = bound->at, .size = bound->size});
}

static void put_statistics(struct thrift_out *t, const struct parquet_chunk *c)
{
    struct bound lower = bounds_lower(&c->bounds, c->column), upper = bounds_upper(&c->bounds, c->column);
    thrift_struct(t, META_STATISTICS);
    thrift_i64(t, STATISTICS_NULLS, (int64_t)c->nulls);
    put_bound(t, STATISTICS_MAX, &upper);
    put_bound(t, STATISTICS_MIN, &lower);
    if (upper.is_known)
        thrift_bool(t, STATISTICS_MAX_EXACT, upper.is_exact);
    if (lower.is_known)
        thrift_bool(t, STATISTICS_MIN_EXACT, lower.is_exact);
    thrift_end(t);
}

static void put_page_count(
    struct thrift_out *t, enum parquet_page_type type, enum parquet_encoding encoding, uint32_t count)
{
    if (!count)
        return;
    thrift_begin(t);
    thrift_i32(t, PAGES_TYPE, type);
    thrift_i32(t, PAGES_ENCODING, encoding);
    thrift_i32(t, PAGES_COUNT, (int32_t)count);
    thrift_end(t);
}

static void put_encodings(struct thrift_out *t, const struct parquet_chunk *c)
{
    bool entries = c->entry_pages, plain = c->plain_pages;
    thrift_list(t, META_ENCODINGS, THRIFT_I32, 1u + entries + plain);
    thrift_element_number(t, PARQUET_RLE);
    if (plain)
        thrift_element_number(t, PARQUET_PLAIN);
    if (entries)
        thrift_element_number(t, PARQUET_PLAIN_DICTIONARY);
}

static void put_chunk(struct thrift_out *t, const struct parquet_chunk *c, uint64_t offset)
{
    thrift_begin(t);
    thrift_i64(t, CHUNK_OFFSET, (int64_t)offset);
    thrift_struct(t, CHUNK_META);
    thrift_i32(t, META_TYPE, (int32_t)parquet_physical(c->column->type));
    put_encodings(t, c);
    thrift_list(t, META_PATH, THRIFT_TEXT, 1);
    thrift_element_text(t, slice_of(c->column->name));
    thrift_i32(t, META_CODEC, PARQUET_ZSTD);
    thrift_i64(t, META_VALUES, (int64_t)c->rows);
    thrift_i64(t, META_PLAIN_SIZE, (int64_t)c->plain_size);
    thrift_i64(t, META_SIZE, (int64_t)(c->dictionary_page.size + c->pages.size));
    thrift_i64(t, META_DATA_OFFSET, (int64_t)(offset + c->dictionary_page.size));
    if (c->dictionary_page.size)
        thrift_i64(t, META_DICTIONARY_OFFSET, (int64_t)offset);
    put_statistics(t, c);
    thrift_list(t, META_PAGES, THRIFT_STRUCT, (size_t)2 * !!c->entry_pages + !!c->plain_pages);
    put_page_count(t, PARQUET_DICTIONARY_PAGE, PARQUET_PLAIN_DICTIONARY, !!c->entry_pages);
    put_page_count(t, PARQUET_DATA_PAGE, PARQUET_PLAIN_DICTIONARY, c->entry_pages);
    put_page_count(t, PARQUET_DATA_PAGE, PARQUET_PLAIN, c->plain_pages);
    thrift_end(t);
    thrift_end(t);
}

// Notes what the footer says of the row group that begins at `offset`.
static int describe_group(struct parquet_writer *w, uint64_t offset)
{
    struct thrift_out t = {.to = &w->groups};
    uint64_t plain_size = 0, size = 0, at = offset;
    if (!GROW(w->splits, w->split_count, w->split_room))
        return -ENOMEM;
    thrift_begin(&t);
    thrift_list(&t, GROUP_COLUMNS, THRIFT_STRUCT, w->count);
    for (size_t i = 0; i < w->count; i++) {
        const struct parquet_chunk *c = &w->written[i].chunk;
        put_chunk(&t, c, at);
        at += c->dictionary_page.size + c->pages.size;
        plain_size += c->plain_size;
    }
    size = at - offset;
    thrift_i64(&t, GROUP_PLAIN_SIZE, (int64_t)plain_size);
    thrift_i64(&t, GROUP_ROWS, (int64_t)w->group_rows);
    thrift_i64(&t, GROUP_OFFSET, (int64_t)offset);
    thrift_i64(&t, GROUP_SIZE, (int64_t)size);
    thrift_i16(&t, GROUP_ORDINAL, (int16_t)w->split_count);
    thrift_end(&t);
    w->splits[w->split_count++] = offset;
    return w->groups.failed ? -ENOMEM : 0;
}

// Adds the row group's columns to what is known of the file's.
static void count_group(struct parquet_writer *w)
{
    for (size_t i = 0; i < w->count; i++) {
        struct written *column = &w->written[i];
        struct parquet_chunk *c = &column->chunk;
        column->size_bytes += c->dictionary_page.size + c->pages.size;
        column->values += c->rows;
        column->nulls += c->nulls;
        bounds_join(&column->bounds, c->column, &c->bounds);
        parquet_chunk_begin_group(c);
    }
    w->rows += w->group_rows;
    w->group_rows = 0;
}

static int end_group(struct parquet_writer *w)
{
    int error = 0;
    for (size_t i = 0; i < w->count && !error; i++)
        error = parquet_chunk_end(&w->written[i].chunk, &w->press);
    if (!error)
        error = describe_group(w, w->offset);
    for (size_t i = 0; i < w->count && !error; i++) {
        error = sink(w, bytes_slice(&w->written[i].chunk.dictionary_page));
        if (!error)
            error = sink(w, bytes_slice(&w->written[i].chunk.pages));
    }
    if (!error)
        count_group(w);
    return error;
}

// ---- rows

static int check_value(const struct lake_column *column, const struct lake_value *value, struct reason *why)
{
    if (value->is_null)
        return column->required ? reason_set(why, -EINVAL, "column %s must have a value", column->name) : 0;
    if (column->type != LAKE_STRING)
        return 0;
    if (value->text.size > PARQUET_VALUE_MAX)
        return reason_set(why, -EFBIG, "column %s: a text of %zu bytes", column->name, value->text.size);
    if (!utf8_holds(value->text.at, value->text.size))
        return reason_set(why, -EILSEQ, "column %s: a text that is not UTF-8", column->name);
    return 0;
}

int parquet_add(struct parquet_writer *w, const struct lake_value *row, struct reason *why)
{
    for (size_t i = 0; i < w->count; i++) {
        int error = check_value(&w->columns[i], &row[i], why);
        if (error)
            return error;
    }
    size_t held = 0;
    for (size_t i = 0; i < w->count; i++) {
        struct parquet_chunk *c = &w->written[i].chunk;
        int error = parquet_chunk_add(c, &row[i], &w->press);
        if (error)
            return error;
        held += parquet_chunk_size(c);
    }
    w->group_rows++;
    return held >= GROUP_BYTES ? end_group(w) : 0;
}

// ---- the footer

static void put_column(struct thrift_out *t, const struct lake_column *column)
{
    bool is_string = column->type == LAKE_STRING, is_moment = column->type == LAKE_TIMESTAMPTZ;
    thrift_begin(t);
    thrift_i32(t, ELEMENT_TYPE, (int32_t)parquet_physical(column->type));
    thrift_i32(t, ELEMENT_REPETITION, column->required ? PARQUET_REQUIRED : PARQUET_OPTIONAL);
    thrift_text(t, ELEMENT_NAME, slice_of(column->name));
    if (is_string || is_moment)
        thrift_i32(t, ELEMENT_CONVERTED, is_string ? PARQUET_UTF8 : PARQUET_TIMESTAMP_MICROS);
    thrift_i32(t, ELEMENT_FIELD_ID, column->id);
    if (is_string || is_moment) {
        thrift_struct(t, ELEMENT_LOGICAL);
        thrift_struct(t, is_string ? TYPE_STRING : TYPE_MOMENT);
        if (is_moment) {
            thrift_bool(t, 1, true); // isAdjustedToUTC
            thrift_struct(t, 2);     // unit
            thrift_struct(t, UNIT_MICROS);
            thrift_end(t);
            thrift_end(t);
        }
        thrift_end(t);
        thrift_end(t);
    }
    thrift_end(t);
}

static void put_columns(struct thrift_out *t, const struct parquet_writer *w)
{
    thrift_list(t, FILE_COLUMNS, THRIFT_STRUCT, 1 + w->count);
    thrift_begin(t);
    thrift_text(t, ELEMENT_NAME, SLICE("table"));
    thrift_i32(t, ELEMENT_CHILDREN, (int32_t)w->count);
    thrift_end(t);
    for (size_t i = 0; i < w->count; i++)
        put_column(t, &w->columns[i]);
}

static void put_schema(struct thrift_out *t, struct slice schema)
{
    if (!schema.size)
        return;
    thrift_list(t, FILE_KEY_VALUES, THRIFT_STRUCT, 1);
    thrift_begin(t);
    thrift_text(t, 1, SLICE(SCHEMA_KEY));
    thrift_text(t, 2, schema);
    thrift_end(t);
}

// That least and greatest values are by the order of their type: readers would pass them over otherwise.
static void put_orders(struct thrift_out *t, size_t count)
{
    thrift_list(t, FILE_ORDERS, THRIFT_STRUCT, count);
    for (size_t i = 0; i < count; i++) {
        thrift_begin(t);
        thrift_struct(t, 1);
        thrift_end(t);
        thrift_end(t);
    }
}

static int put_footer(struct parquet_writer *w)
{
    BYTES_AUTO footer = {0};
    struct thrift_out t = {.to = &footer};
    thrift_begin(&t);
    thrift_i32(&t, FILE_FORMAT, FORMAT);
    put_columns(&t, w);
    thrift_i64(&t, FILE_ROWS, (int64_t)w->rows);
    thrift_list(&t, FILE_GROUPS, THRIFT_STRUCT, w->split_count);
    bytes_add_slice(&footer, bytes_slice(&w->groups));
    put_schema(&t, w->options.schema);
    thrift_text(&t, FILE_CREATED_BY, SLICE(CREATED_BY));
    put_orders(&t, w->count);
    thrift_end(&t);
    char size[4];
    parquet_put32(size, (uint32_t)footer.size);
    bytes_add(&footer, size, sizeof size);
    bytes_add_text(&footer, PARQUET_MAGIC);
    return footer.failed ? -ENOMEM : sink(w, bytes_slice(&footer));
}

static void tell(const struct parquet_writer *w, struct parquet_facts *facts)
{
    facts->rows = w->rows;
    facts->size_bytes = w->offset;
    facts->column_count = w->count;
    for (size_t i = 0; i < w->count; i++) {
        const struct written *column = &w->written[i];
        facts->columns[i] = (struct parquet_column_facts){
            .id = w->columns[i].id,
            .size_bytes = column->size_bytes,
            .values = column->values,
            .nulls = column->nulls,
            .lower = bounds_lower(&column->bounds, &w->columns[i]),
            .upper = bounds_upper(&column->bounds, &w->columns[i]),
        };
    }
}

int parquet_end(struct parquet_writer *w, struct parquet_facts *facts)
{
    int error = w->group_rows ? end_group(w) : 0;
    if (!error)
        error = put_footer(w);
    if (error)
        return error;
    tell(w, facts);
    facts->splits = w->splits;
    facts->split_count = w->split_count;
    facts->split_room = w->split_room;
    w->splits = NULL;
    w->split_count = w->split_room = 0;
    return 0;
}
