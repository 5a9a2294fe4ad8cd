#include "hooks/lake/output.h"

#include "hooks/lake/step.h"
#include "store/day.h"

#include <errno.h>

static int write_part(void *context, struct slice bytes)
{
    struct output *o = context;
    return upload_add(o->upload, bytes.at, bytes.size, o->why);
}

int output_begin(struct output *o, struct slice tenant, int32_t day, struct reason *why)
{
    char uuid[UUID_TEXT], date[DAY_NAME_SIZE];
    struct committer *c = o->committer;
    o->why = why;
    o->tenant = tenant;
    o->day = day;
    int error = uuid_make(uuid);
    if (error)
        return error;
    day_name(date, (uint32_t)(day + OUTPUT_DAY_1970));
    snprintf(o->key, sizeof o->key, "data/tenant=%.*s/timestamp_day=%.10s/%s.parquet", SLICE_ARG(tenant), date, uuid);
    error = journal_key(&c->journal, o->key, why);
    lake_step("file noted");
    if (!error)
        error = upload_begin(c->table.objects, o->key, &o->upload, why);
    if (!error)
        error = parquet_begin(o->parquet, (struct parquet_sink){.write = write_part, .context = o});
    lake_step("file begun");
    return error;
}

void output_drop(struct output *o)
{
    upload_abort(o->upload);
    o->upload = NULL;
}

// ---- what a manifest says of it

static struct slice copy_bound(struct arena *arena, const struct bound *bound)
{
    if (!bound->is_known)
        return (struct slice){0};
    return arena_copy(arena, (struct slice){.at = bound->at, .size = bound->size});
}

static int describe(
    const struct output *o, const struct parquet_facts *facts, struct arena *arena, struct data_file *file)
{
    struct column_stats *columns = arena_get(arena, facts->column_count * sizeof *columns);
    int64_t *splits = arena_get(arena, (facts->split_count + 1) * sizeof *splits);
    BYTES_AUTO uri = {0};
    bytes_printf(&uri, "%s/%s", o->committer->table.objects->root, o->key);
    *file = (struct data_file){
        .path = arena_copy(arena, bytes_slice(&uri)),
        .format = SLICE("PARQUET"),
        .tenant = arena_copy(arena, o->tenant),
        .day = o->day,
        .has_day = true,
        .rows = (int64_t)facts->rows,
        .size_bytes = (int64_t)facts->size_bytes,
        .columns = columns,
        .column_count = (uint32_t)facts->column_count,
        .splits = splits,
        .split_count = (uint32_t)facts->split_count,
    };
    if (uri.failed || !columns || !splits || !file->path.at || !file->tenant.at)
        return -ENOMEM;
    for (size_t i = 0; i < facts->column_count; i++) {
        const struct parquet_column_facts *c = &facts->columns[i];
        columns[i] = (struct column_stats){
            .id = c->id,
            .size_bytes = (int64_t)c->size_bytes,
            .values = (int64_t)c->values,
            .nulls = (int64_t)c->nulls,
            .nans = -1,
            .lower = copy_bound(arena, &c->lower),
            .upper = copy_bound(arena, &c->upper),
        };
    }
    for (size_t i = 0; i < facts->split_count; i++)
        splits[i] = (int64_t)facts->splits[i];
    return 0;
}

int output_end(struct output *o, struct arena *arena, struct data_file *file, struct reason *why)
{
    PARQUET_FACTS_AUTO facts = {0};
    o->why = why;
    int error = parquet_end(o->parquet, &facts);
    if (error) {
        output_drop(o);
        return error;
    }
    lake_step("file written");
    error = upload_finish(o->upload, OBJECTS_ABSENT, why);
    o->upload = NULL;
    lake_step("file there");
    return error ? error : describe(o, &facts, arena, file);
}
