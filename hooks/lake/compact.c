#include "hooks/lake/compact.h"

#include "hooks/lake/merge.h"
#include "hooks/lake/plan.h"
#include "hooks/lake/step.h"
#include "store/grow.h"

#include <errno.h>
#include <stdlib.h>

struct compaction {
    struct compactor *compactor;
    struct committer *committer;
    struct compact_result *result;
    struct reason *why;

    struct arena arena;    // of the rows
    struct manifest *rows; // the table's manifests
    size_t row_count;
    bool *rewritten; // of each, whether its entries go to new ones

    struct plan plan;
    struct merge merge;
    struct merged merged;  // files that are new
    struct slice *removed; // paths of those that they replace, in order
    size_t removed_count, removed_room;

    struct commit commit;
    // Files that are gone have manifests of their own: readers need not look at those, and the next commit drops them.
    struct manifest_writer live, gone;
    struct manifest *made; // manifests that are new
    size_t made_count, made_room;
};

// ---- files that are left

static bool is_left(void *context, struct slice path)
{
    const struct compactor *compactor = context;
    uint64_t hash = slice_hash(path);
    for (size_t i = 0; i < compactor->left_count; i++)
        if (compactor->left[i] == hash)
            return true;
    return false;
}

static void leave(void *context, struct slice path, const char *why)
{
    struct compaction *c = context;
    c->result->left++;
    if (c->compactor->left_count < COMPACT_LEFT_MAX)
        c->compactor->left[c->compactor->left_count++] = slice_hash(path);
    if (c->result->on_left)
        c->result->on_left(c->result->context, path, why);
}

// ---- merging

static int remove_files(struct compaction *c, const struct plan_partition *p)
{
    for (size_t i = 0; i < p->count; i++) {
        const struct merge_file *file = &p->files[i];
        if (file->left)
            continue;
        if (!GROW(c->removed, c->removed_count, c->removed_room))
            return -ENOMEM;
        c->removed[c->removed_count++] = file->path;
        c->rewritten[file->manifest] = true;
        c->commit.removed.files++;
        c->commit.removed.rows += file->rows;
        c->commit.removed.bytes += file->size_bytes;
    }
    return 0;
}

static int merge_partition(struct compaction *c, struct plan_partition *p)
{
    size_t before = c->merged.count;
    int error =
        merge_run(&c->merge, p->tenant, p->day, p->files, p->count, plan_least(p), plan_target(p), &c->merged, c->why);
    if (error || c->merged.count == before)
        return error;
    for (size_t i = before; i < c->merged.count; i++) {
        c->commit.added.files++;
        c->commit.added.rows += c->merged.files[i].rows;
        c->commit.added.bytes += c->merged.files[i].size_bytes;
    }
    c->commit.partitions++;
    return remove_files(c, p);
}

static int by_text(const void *a, const void *b)
{
    return slice_compare(*(const struct slice *)a, *(const struct slice *)b);
}

static int merge_all(struct compaction *c)
{
    if (!c->plan.chosen)
        return 0;
    int error = merge_open(&c->merge, c->committer, c->why);
    c->merge.left = leave;
    c->merge.context = c;
    for (size_t i = 0; !error && i < c->plan.count; i++)
        if (c->plan.all[i].is_chosen)
            error = merge_partition(c, &c->plan.all[i]);
    if (c->removed_count)
        qsort(c->removed, c->removed_count, sizeof *c->removed, by_text);
    return error;
}

// ---- manifests

static bool is_begun(const struct manifest_writer *writer)
{
    return writer->file.at != NULL;
}

static int end_manifest(struct compaction *c, struct manifest_writer *writer)
{
    if (!GROW(c->made, c->made_count, c->made_room))
        return -ENOMEM;
    int error = committer_end_manifest(
        c->committer, &c->commit, c->made_count, writer, &c->arena, &c->made[c->made_count], c->why);
    lake_step("manifest there");
    c->made_count += !error;
    return error;
}

static int add_entry(struct compaction *c, const struct manifest_entry *entry)
{
    struct manifest_writer *writer = entry->status == ENTRY_DELETED ? &c->gone : &c->live;
    int error = is_begun(writer) ? 0 : committer_begin_manifest(c->committer, writer);
    if (error)
        return error;
    manifest_add(writer, entry);
    return writer->file.size + writer->avro.block.size >= COMPACT_MANIFEST_BYTES ? end_manifest(c, writer) : 0;
}

// An entry of a manifest that is rewritten.
static int carry_entry(void *context, const struct manifest_entry *old)
{
    struct compaction *c = context;
    struct manifest_entry entry = *old;
    if (old->status == ENTRY_DELETED)
        return 0;
    bool is_removed =
        c->removed_count && bsearch(&old->file.path, c->removed, c->removed_count, sizeof *c->removed, by_text);
    entry.status = is_removed ? ENTRY_DELETED : ENTRY_EXISTING;
    if (is_removed)
        entry.snapshot = c->commit.snapshot;
    return add_entry(c, &entry);
}

static int add_merged(struct compaction *c)
{
    int error = 0;
    for (size_t i = 0; !error && i < c->merged.count; i++) {
        struct manifest_entry entry = {.status = ENTRY_ADDED,
            .snapshot = NO_SNAPSHOT,
            .sequence = -1,
            .file_sequence = -1,
            .file = c->merged.files[i]};
        error = add_entry(c, &entry);
    }
    return error;
}

// The entries of all manifests that change, with those of the new files, go to new manifests.
static int write_manifests(struct compaction *c)
{
    int error = 0;
    for (size_t i = 0; !error && i < c->row_count; i++)
        if (c->rewritten[i])
            error = committer_manifest(c->committer, &c->rows[i], carry_entry, c, c->why);
    if (!error)
        error = add_merged(c);
    if (!error && is_begun(&c->live))
        error = end_manifest(c, &c->live);
    return error || !is_begun(&c->gone) ? error : end_manifest(c, &c->gone);
}

// Manifests of some files each are made few: when there are many, and the smallest ones whenever files are merged.
static void choose_manifests(struct compaction *c)
{
    bool many = c->row_count >= COMPACT_MANIFESTS;
    int64_t below = (int64_t)(many ? COMPACT_MANIFEST_BYTES : COMPACT_MANIFEST_SMALL);
    for (size_t i = 0; i < c->row_count; i++)
        if (!c->rows[i].content && !c->rows[i].spec && c->rows[i].size_bytes < below)
            c->rewritten[i] = true;
}

// ---- the commit

static int always_holds(void *context, struct committer *committer, struct reason *why)
{
    (void)context, (void)committer, (void)why;
    return 0;
}

static bool is_rewritten(const struct compaction *c, const struct manifest *row)
{
    for (size_t i = 0; i < c->row_count; i++)
        if (c->rewritten[i] && slice_equal(c->rows[i].path, row->path))
            return true;
    return false;
}

static int list_manifests(void *context, const struct manifest *old, size_t old_count, struct arena *arena,
    struct manifest **rows, size_t *count, struct reason *why)
{
    struct compaction *c = context;
    size_t wanted = 0, found = 0;
    for (size_t i = 0; i < c->row_count; i++)
        wanted += c->rewritten[i];
    *count = 0;
    *rows = arena_get(arena, (old_count + c->made_count) * sizeof **rows);
    if (!*rows)
        return -ENOMEM;
    for (size_t i = 0; i < old_count; i++) {
        if (old[i].content && manifest_is_live(&old[i]))
            return reason_set(why, -ESTALE, "others have deleted rows of the table");
        if (is_rewritten(c, &old[i]))
            found++;
        else if (manifest_is_live(&old[i]))
            (*rows)[(*count)++] = old[i];
    }
    if (found != wanted)
        return reason_set(why, -ESTALE, "others have changed the files of the table");
    for (size_t i = 0; i < c->made_count; i++)
        (*rows)[(*count)++] = c->made[i];
    c->result->manifests_before = old_count;
    c->result->manifests_after = *count;
    return 0;
}

static int commit_all(struct compaction *c)
{
    c->commit.holds = always_holds;
    c->commit.list = list_manifests;
    c->commit.context = c;
    int error = committer_commit(c->committer, &c->commit, c->why);
    if (error)
        return error;
    c->result->partitions = c->commit.partitions;
    c->result->rows = (uint64_t)c->commit.added.rows;
    c->result->files_before = (uint64_t)c->commit.removed.files;
    c->result->files_after = (uint64_t)c->commit.added.files;
    c->result->bytes_before = (uint64_t)c->commit.removed.bytes;
    c->result->bytes_after = (uint64_t)c->commit.added.bytes;
    return 0;
}

// ---- the whole

static bool has_deletes(const struct compaction *c)
{
    for (size_t i = 0; i < c->row_count; i++)
        if (c->rows[i].content && manifest_is_live(&c->rows[i]))
            return true;
    return false;
}

static int make_plan(struct compaction *c, int64_t now_us)
{
    int error = committer_manifests(c->committer, &c->arena, &c->rows, &c->row_count, c->why);
    if (error || has_deletes(c))
        return error; // rows that others have deleted would come back: such a table is left as it is
    c->rewritten = calloc(c->row_count + 1, sizeof *c->rewritten);
    if (!c->rewritten)
        return -ENOMEM;
    error = plan_make(&c->plan, c->committer, c->rows, c->row_count, now_us, is_left, c->compactor, c->why);
    c->result->more = c->plan.more;
    return error;
}

static int change_table(struct compaction *c)
{
    bool few = !c->rewritten || c->row_count < COMPACT_MANIFESTS;
    if (few && !c->plan.chosen)
        return 0;
    int error = commit_begin(c->committer, &c->commit, "replace", c->why);
    if (!error)
        error = merge_all(c);
    if (error || (few && !c->merged.count))
        return error;
    choose_manifests(c);
    error = write_manifests(c);
    return error ? error : commit_all(c);
}

static void end_compaction(struct compaction *c)
{
    merge_close(&c->merge);
    merged_clear(&c->merged);
    plan_clear(&c->plan);
    manifest_writer_clear(&c->live);
    manifest_writer_clear(&c->gone);
    commit_clear(&c->commit);
    free(c->rewritten);
    free(c->removed);
    free(c->made);
    arena_free(&c->arena);
}

int compact_run(struct compactor *compactor, struct committer *committer, int64_t now_us, struct compact_result *result,
    struct reason *why)
{
    struct compaction c = {.compactor = compactor, .committer = committer, .result = result, .why = why};
    int error = committer_load(committer, false, why);
    if (!error)
        error = committer_settle(committer, why);
    if (!error)
        error = make_plan(&c, now_us);
    if (!error)
        error = change_table(&c);
    end_compaction(&c);
    // What was written for nothing goes, and what is there is no more in question.
    struct reason settling = {0};
    int settled = error && error != -ESTALE ? 0 : committer_settle(committer, &settling);
    if (!error && settled)
        return reason_set(why, settled, "%s", settling.text);
    return error ? reason_set(why, error, "%s", strerror(-error)) : 0;
}
