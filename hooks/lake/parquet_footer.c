#include "hooks/lake/parquet_footer.h"

#include <errno.h>

enum { FILE_COLUMNS = 2, FILE_ROWS, FILE_GROUPS };
enum { ELEMENT_TYPE = 1, ELEMENT_REPETITION = 3, ELEMENT_NAME, ELEMENT_CHILDREN, ELEMENT_CONVERTED };
enum { ELEMENT_FIELD_ID = 9, ELEMENT_LOGICAL };
enum { GROUP_COLUMNS = 1, GROUP_ROWS = 3 };
enum { CHUNK_FILE = 1, CHUNK_META = 3 };
enum { META_TYPE = 1, META_CODEC = 4, META_VALUES, META_SIZE = 7, META_DATA_OFFSET = 9, META_DICTIONARY_OFFSET = 11 };
enum { LOGICAL_TIMESTAMP = 8, TIMESTAMP_UTC = 1, TIMESTAMP_UNIT, UNIT_MICROS = 2 };

static int damaged(const struct footer *f, struct reason *why)
{
    return reason_set(why, -EIO, "at byte %llu: the footer is damaged", (unsigned long long)f->end);
}

// ---- columns

struct element {
    int64_t type, repetition, children, id;
    int64_t converted;
    bool is_utc_micros; // by its logical type
    struct slice name;
};

static bool read_unit(struct thrift_in *in)
{
    bool micros = false;
    thrift_enter(in);
    for (struct thrift_field field; thrift_next(in, &field);) {
        micros |= field.id == UNIT_MICROS;
        thrift_skip(in, field.type);
    }
    return micros;
}

static bool read_timestamp(struct thrift_in *in)
{
    bool utc = false, micros = false;
    thrift_enter(in);
    for (struct thrift_field field; thrift_next(in, &field);)
        if (field.id == TIMESTAMP_UTC)
            utc = thrift_number(in, field.type);
        else if (field.id == TIMESTAMP_UNIT && field.type == THRIFT_STRUCT)
            micros = read_unit(in);
        else
            thrift_skip(in, field.type);
    return utc && micros;
}

static bool read_logical(struct thrift_in *in)
{
    bool utc_micros = false;
    thrift_enter(in);
    for (struct thrift_field field; thrift_next(in, &field);)
        if (field.id == LOGICAL_TIMESTAMP && field.type == THRIFT_STRUCT)
            utc_micros = read_timestamp(in);
        else
            thrift_skip(in, field.type);
    return utc_micros;
}

static struct element read_element(struct thrift_in *in)
{
    struct element e = {.type = -1, .repetition = -1, .id = -1, .converted = -1, .name = SLICE("")};
    thrift_enter(in);
    for (struct thrift_field field; thrift_next(in, &field);)
        switch (field.id) {
        case ELEMENT_TYPE:
            e.type = thrift_number(in, field.type);
            break;
        case ELEMENT_REPETITION:
            e.repetition = thrift_number(in, field.type);
            break;
        case ELEMENT_NAME:
            e.name = thrift_read_text(in, field.type);
            break;
        case ELEMENT_CHILDREN:
            e.children = thrift_number(in, field.type);
            break;
        case ELEMENT_CONVERTED:
            e.converted = thrift_number(in, field.type);
            break;
        case ELEMENT_FIELD_ID:
            e.id = thrift_number(in, field.type);
            break;
        case ELEMENT_LOGICAL:
            if (field.type == THRIFT_STRUCT) {
                e.is_utc_micros = read_logical(in);
                break;
            }
            // fall through
        default:
            thrift_skip(in, field.type);
        }
    return e;
}

static int refuse(const struct element *e, const char *what, struct reason *why)
{
    int shown = e->name.size < 40 ? (int)e->name.size : 40;
    return reason_set(why, -ENOTSUP, "column %.*s %s", shown, e->name.at, what);
}

static bool has_type(const struct element *e, enum lake_type type)
{
    if (e->type != (int64_t)parquet_physical(type))
        return false;
    return type != LAKE_TIMESTAMPTZ || e->is_utc_micros || e->converted == PARQUET_TIMESTAMP_MICROS;
}

static int add_column(struct footer *f, const struct element *e, struct reason *why)
{
    if (f->column_count == LAKE_COLUMNS_MAX)
        return reason_set(why, -ENOTSUP, "more than %d columns", LAKE_COLUMNS_MAX);
    if (e->children || e->repetition < PARQUET_REQUIRED || e->repetition > PARQUET_OPTIONAL)
        return refuse(e, "has values within values", why);
    if (e->id < 0)
        return refuse(e, "has no field id", why);
    int *place = &f->places[f->column_count++];
    *place = -1;
    for (size_t i = 0; i < f->wanted_count; i++)
        if (f->wanted[i].id == e->id)
            *place = (int)i;
    if (*place < 0) {
        if (!f->foreign[0])
            snprintf(f->foreign, sizeof f->foreign, "%.*s", (int)(e->name.size < 63 ? e->name.size : 63), e->name.at);
        return 0;
    }
    struct footer_column *column = &f->columns[*place];
    if (column->is_there)
        return refuse(e, "has the field id of another", why);
    if (!has_type(e, f->wanted[*place].type))
        return refuse(e, "has another type than the table's", why);
    *column = (struct footer_column){.is_there = true, .is_optional = e->repetition == PARQUET_OPTIONAL};
    return 0;
}

static int read_columns(struct footer *f, struct thrift_in *in, enum thrift_type type, struct reason *why)
{
    enum thrift_type element;
    size_t count = thrift_read_list(in, type, &element);
    if (!count || element != THRIFT_STRUCT)
        return damaged(f, why);
    struct element root = read_element(in);
    if (in->failed || root.children != (int64_t)count - 1)
        return root.children < (int64_t)count - 1 && !in->failed ? refuse(&root, "has values within values", why)
                                                                 : damaged(f, why);
    for (size_t i = 1; i < count; i++) {
        struct element e = read_element(in);
        int error = in->failed ? damaged(f, why) : add_column(f, &e, why);
        if (error)
            return error;
    }
    return 0;
}

static int check_columns(const struct footer *f, struct reason *why)
{
    for (size_t i = 0; i < f->wanted_count; i++)
        if (f->wanted[i].required && !f->columns[i].is_there)
            return reason_set(why, -ENOTSUP, "column %s is missing", f->wanted[i].name);
    return 0;
}

// ---- row groups

static int read_meta(
    const struct footer *f, struct thrift_in *in, size_t at, struct footer_chunk *chunk, struct reason *why)
{
    int64_t type = -1, codec = -1, values = -1, size = -1, data = -1, dictionary = 0;
    thrift_enter(in);
    for (struct thrift_field field; thrift_next(in, &field);) {
        int64_t *into = field.id == META_TYPE                ? &type
                        : field.id == META_CODEC             ? &codec
                        : field.id == META_VALUES            ? &values
                        : field.id == META_SIZE              ? &size
                        : field.id == META_DATA_OFFSET       ? &data
                        : field.id == META_DICTIONARY_OFFSET ? &dictionary
                                                             : NULL;
        if (into)
            *into = thrift_number(in, field.type);
        else
            thrift_skip(in, field.type);
    }
    int place = f->places[at];
    if (place < 0)
        return 0;
    const char *name = f->wanted[place].name;
    int64_t offset = dictionary > 0 && dictionary < data ? dictionary : data;
    if (in->failed || type != (int64_t)parquet_physical(f->wanted[place].type) || values < 0 || size < 0 ||
        offset < (int64_t)PARQUET_MAGIC_SIZE || (uint64_t)offset > f->end || (uint64_t)size > f->end - (uint64_t)offset)
        return damaged(f, why);
    if (codec != PARQUET_ZSTD && codec != PARQUET_UNCOMPRESSED)
        return reason_set(why, -ENOTSUP, "column %s is compressed by another way than zstd", name);
    *chunk = (struct footer_chunk){
        .offset = (uint64_t)offset,
        .size_bytes = (uint64_t)size,
        .values = (uint64_t)values,
        .codec = (enum parquet_codec)codec,
    };
    return 0;
}

static int read_chunk(
    const struct footer *f, struct thrift_in *in, size_t at, struct footer_chunk *chunk, struct reason *why)
{
    int error = 0;
    bool has_meta = false;
    thrift_enter(in);
    for (struct thrift_field field; !error && thrift_next(in, &field);)
        if (field.id == CHUNK_META && field.type == THRIFT_STRUCT) {
            has_meta = true;
            error = read_meta(f, in, at, chunk, why);
        } else if (field.id == CHUNK_FILE)
            error = reason_set(why, -ENOTSUP, "a column stands in another file");
        else
            thrift_skip(in, field.type);
    return error || (has_meta && !in->failed) ? error : damaged(f, why);
}

static int read_chunks(
    const struct footer *f, struct thrift_in *in, enum thrift_type type, struct footer_group *group, struct reason *why)
{
    enum thrift_type element;
    struct footer_chunk unwanted;
    size_t count = thrift_read_list(in, type, &element);
    if (count != f->column_count || element != THRIFT_STRUCT)
        return damaged(f, why);
    int error = 0;
    for (size_t i = 0; i < count && !error; i++)
        error = read_chunk(f, in, i, f->places[i] < 0 ? &unwanted : &group->chunks[f->places[i]], why);
    return error;
}

static int read_group(const struct footer *f, struct thrift_in *in, struct footer_group *group, struct reason *why)
{
    int64_t rows = -1;
    int error = 0;
    bool has_columns = false;
    thrift_enter(in);
    for (struct thrift_field field; !error && thrift_next(in, &field);)
        if (field.id == GROUP_COLUMNS) {
            has_columns = true;
            error = read_chunks(f, in, field.type, group, why);
        } else if (field.id == GROUP_ROWS)
            rows = thrift_number(in, field.type);
        else
            thrift_skip(in, field.type);
    if (error)
        return error;
    if (in->failed || !has_columns || rows < 0)
        return damaged(f, why);
    for (size_t i = 0; i < f->wanted_count; i++)
        if (f->columns[i].is_there && group->chunks[i].values != (uint64_t)rows)
            return damaged(f, why);
    group->rows = (uint64_t)rows;
    return 0;
}

int footer_next(struct footer *f, struct footer_group *group, struct reason *why)
{
    if (!f->groups_left)
        return 0;
    f->groups_left--;
    int error = read_group(f, &f->groups, group, why);
    return error ? error : 1;
}

// Goes through all row groups once, so that a file that is damaged there is refused before any row of it is answered.
static int check_groups(const struct footer *f, struct reason *why)
{
    struct footer again = *f;
    struct footer_group group;
    uint64_t rows = 0;
    int found;
    while ((found = footer_next(&again, &group, why)) > 0)
        if (__builtin_add_overflow(rows, group.rows, &rows))
            return damaged(f, why);
    return found < 0 ? found : rows == f->rows ? 0 : damaged(f, why);
}

int footer_read(struct footer *f, struct slice text, uint64_t begins_at, const struct lake_column *wanted, size_t count,
    struct reason *why)
{
    *f = (struct footer){.wanted = wanted, .wanted_count = count, .end = begins_at};
    struct thrift_in in = {.at = text.at, .end = text.at + text.size};
    enum thrift_type element;
    int error = 0;
    int64_t rows = -1;
    bool has_groups = false;
    thrift_enter(&in);
    for (struct thrift_field field; !error && thrift_next(&in, &field);)
        if (field.id == FILE_COLUMNS && !f->column_count)
            error = read_columns(f, &in, field.type, why);
        else if (field.id == FILE_GROUPS && field.type == THRIFT_LIST && !has_groups) {
            has_groups = true;
            f->groups = in;
            f->groups_left = thrift_read_list(&f->groups, field.type, &element);
            if (f->groups_left && element != THRIFT_STRUCT)
                return damaged(f, why);
            thrift_skip(&in, field.type);
        } else if (field.id == FILE_ROWS)
            rows = thrift_number(&in, field.type);
        else
            thrift_skip(&in, field.type);
    if (error)
        return error;
    if (in.failed || !f->column_count || !has_groups || rows < 0)
        return damaged(f, why);
    f->rows = (uint64_t)rows;
    error = check_columns(f, why);
    return error ? error : check_groups(f, why);
}
