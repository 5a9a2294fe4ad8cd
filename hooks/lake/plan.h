// Which files of the table are worth merging: of a tenant and a day that is over all that are small, of one that goes
// on those that are very small, once there are some of them. Read from the manifests in two passes, so that no more is
// in memory than a count for each tenant and day, and the files of those that are chosen. One thread.
#pragma once

#include "hooks/lake/committer.h"
#include "hooks/lake/merge.h"

// A day is over some time behind its midnight: what was written late is in the table by then.
#define PLAN_OVER_US (2 * 3600 * INT64_C(1000000))
// Of a day that is over: two files or more of less than this become files of that.
#define PLAN_OVER_SMALL  ((int64_t)128 << 20)
#define PLAN_OVER_LEAST  2u
#define PLAN_OVER_TARGET ((uint64_t)512 << 20)
// Of one that goes on.
#define PLAN_SMALL  ((int64_t)32 << 20)
#define PLAN_LEAST  8u
#define PLAN_TARGET ((uint64_t)128 << 20)
// No more at a time: appends are flushed by the same thread.
#define PLAN_PARTITIONS_MAX 100u
#define PLAN_FILES_MAX      65536u
#define PLAN_BYTES_MAX      ((int64_t)1 << 30)

struct plan_partition {
    struct slice tenant;
    int32_t day;
    bool is_over;
    bool is_chosen;
    uint32_t small; // files that are worth merging
    int64_t small_bytes;
    struct merge_file *files; // of one that is chosen; by position
    size_t count, room;
};

struct plan {
    struct arena arena;
    struct plan_partition *all;
    size_t count, room;
    uint32_t *slots; // hash table of places in `all` + 1
    size_t slot_count;
    size_t chosen, file_count;
    bool more; // there is more to do than this
};

// Is it a file that is to stay as it is?
typedef bool plan_is_left(void *context, struct slice path);

// Of the manifests of the table, as the list of the snapshot has them. 0 or -errno with the reason.
int plan_make(struct plan *plan, struct committer *committer, const struct manifest *rows, size_t row_count,
    int64_t now_us, plan_is_left *is_left, void *context, struct reason *why);
void plan_clear(struct plan *plan);
#define PLAN_AUTO __attribute__((cleanup(plan_clear))) struct plan

static inline size_t plan_least(const struct plan_partition *p)
{
    return p->is_over ? PLAN_OVER_LEAST : PLAN_LEAST;
}

static inline uint64_t plan_target(const struct plan_partition *p)
{
    return p->is_over ? PLAN_OVER_TARGET : PLAN_TARGET;
}
