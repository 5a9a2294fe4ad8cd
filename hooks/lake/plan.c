#include "hooks/lake/plan.h"

#include "hooks/lake/parquet.h"
#include "store/grow.h"
#include "store/name.h"

#include <errno.h>
#include <stdlib.h>

#define DAY_US (86400 * INT64_C(1000000))

void plan_clear(struct plan *plan)
{
    for (size_t i = 0; i < plan->count; i++)
        free(plan->all[i].files);
    free(plan->all);
    free(plan->slots);
    arena_free(&plan->arena);
    *plan = (struct plan){0};
}

// ---- partitions

static size_t slot_of(const struct plan *plan, struct slice tenant, int32_t day)
{
    size_t slot =
        (slice_hash(tenant) ^ (uint64_t)(uint32_t)day * UINT64_C(0x9e3779b97f4a7c15)) & (plan->slot_count - 1);
    for (uint32_t at; (at = plan->slots[slot]) != 0; slot = (slot + 1) & (plan->slot_count - 1))
        if (plan->all[at - 1].day == day && slice_equal(plan->all[at - 1].tenant, tenant))
            break;
    return slot;
}

static bool make_slots(struct plan *plan)
{
    if (plan->count * 2 < plan->slot_count)
        return true;
    size_t count = plan->slot_count ? plan->slot_count * 2 : 256;
    uint32_t *slots = calloc(count, sizeof *slots);
    if (!slots)
        return false;
    free(plan->slots);
    plan->slots = slots;
    plan->slot_count = count;
    for (size_t i = 0; i < plan->count; i++)
        plan->slots[slot_of(plan, plan->all[i].tenant, plan->all[i].day)] = (uint32_t)i + 1;
    return true;
}

static struct plan_partition *find(const struct plan *plan, const struct data_file *file)
{
    uint32_t at = plan->slot_count ? plan->slots[slot_of(plan, file->tenant, file->day)] : 0;
    return at ? &plan->all[at - 1] : NULL;
}

static struct plan_partition *find_or_add(struct plan *plan, const struct data_file *file, int64_t now_us)
{
    struct plan_partition *found = find(plan, file);
    if (found)
        return found;
    if (!make_slots(plan) || !GROW(plan->all, plan->count, plan->room))
        return NULL;
    struct slice tenant = arena_copy(&plan->arena, file->tenant);
    if (!tenant.at)
        return NULL;
    plan->all[plan->count] = (struct plan_partition){
        .tenant = tenant, .day = file->day, .is_over = now_us >= (file->day + INT64_C(1)) * DAY_US + PLAN_OVER_US};
    plan->slots[slot_of(plan, tenant, file->day)] = (uint32_t)plan->count + 1;
    return &plan->all[plan->count++];
}

// ---- files

struct pass {
    struct plan *plan;
    int64_t now_us;
    plan_is_left *is_left;
    void *context;
    size_t manifest; // that is read
};

// Can it be merged at all, by what the manifest says of it?
static bool is_ours(const struct pass *pass, const struct manifest_entry *entry)
{
    const struct data_file *file = &entry->file;
    return entry->status != ENTRY_DELETED && file->content == FILE_DATA && slice_is(file->format, "PARQUET") &&
           file->tenant.at && name_is_tenant(file->tenant) && file->has_day && file->rows >= 0 &&
           file->size_bytes > 0 && file->size_bytes < PLAN_OVER_SMALL && !pass->is_left(pass->context, file->path);
}

static bool is_small(const struct plan_partition *p, const struct data_file *file)
{
    return file->size_bytes < (p->is_over ? PLAN_OVER_SMALL : PLAN_SMALL);
}

static int count_file(void *context, const struct manifest_entry *entry)
{
    struct pass *pass = context;
    if (!is_ours(pass, entry))
        return 0;
    struct plan_partition *p = find_or_add(pass->plan, &entry->file, pass->now_us);
    if (!p)
        return -ENOMEM;
    if (is_small(p, &entry->file)) {
        p->small++;
        p->small_bytes += entry->file.size_bytes;
    }
    return 0;
}

static int64_t first_position(const struct data_file *file)
{
    for (uint32_t i = 0; i < file->column_count; i++) {
        const struct column_stats *c = &file->columns[i];
        if (c->id == lake_columns[LAKE_POSITION].id && c->lower.at && c->lower.size == 8)
            return (int64_t)parquet_get64(c->lower.at);
    }
    return INT64_MAX;
}

static int take_file(void *context, const struct manifest_entry *entry)
{
    struct pass *pass = context;
    struct plan *plan = pass->plan;
    struct plan_partition *p = is_ours(pass, entry) ? find(plan, &entry->file) : NULL;
    if (!p || !p->is_chosen || !is_small(p, &entry->file))
        return 0;
    struct slice path = arena_copy(&plan->arena, entry->file.path);
    if (!path.at || !GROW(p->files, p->count, p->room))
        return -ENOMEM;
    p->files[p->count++] = (struct merge_file){
        .path = path,
        .rows = entry->file.rows,
        .size_bytes = entry->file.size_bytes,
        .position = first_position(&entry->file),
        .manifest = pass->manifest,
    };
    plan->file_count++;
    return 0;
}

static int by_position(const void *a, const void *b)
{
    const struct merge_file *x = a, *y = b;
    if (x->position != y->position)
        return x->position < y->position ? -1 : 1;
    return slice_compare(x->path, y->path);
}

// ---- choosing

static void choose(struct plan *plan)
{
    int64_t bytes = 0;
    size_t files = 0;
    for (size_t i = 0; i < plan->count; i++) {
        struct plan_partition *p = &plan->all[i];
        if (p->small < plan_least(p))
            continue;
        bool is_first = !plan->chosen;
        if (plan->chosen == PLAN_PARTITIONS_MAX ||
            (!is_first && (bytes + p->small_bytes > PLAN_BYTES_MAX || files + p->small > PLAN_FILES_MAX))) {
            plan->more = true;
            continue;
        }
        p->is_chosen = true;
        plan->chosen++;
        bytes += p->small_bytes;
        files += p->small;
    }
}

static int read_all(struct pass *pass, struct committer *c, const struct manifest *rows, size_t count,
    manifest_visit *visit, struct reason *why)
{
    int error = 0;
    for (size_t i = 0; !error && i < count; i++) {
        pass->manifest = i;
        if (!rows[i].content && !rows[i].spec && manifest_is_live(&rows[i]))
            error = committer_manifest(c, &rows[i], visit, pass, why);
    }
    return error;
}

int plan_make(struct plan *plan, struct committer *c, const struct manifest *rows, size_t row_count, int64_t now_us,
    plan_is_left *is_left, void *context, struct reason *why)
{
    *plan = (struct plan){0};
    struct pass pass = {.plan = plan, .now_us = now_us, .is_left = is_left, .context = context};
    int error = read_all(&pass, c, rows, row_count, count_file, why);
    if (error)
        return error;
    choose(plan);
    if (plan->chosen)
        error = read_all(&pass, c, rows, row_count, take_file, why);
    for (size_t i = 0; i < plan->count; i++)
        if (plan->all[i].count)
            qsort(plan->all[i].files, plan->all[i].count, sizeof *plan->all[i].files, by_position);
    return error;
}
