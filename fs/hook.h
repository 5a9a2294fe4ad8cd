// The tree below hooks/: a folder for each kind of hook that the store knows (store/hook.h), in it the hooks of the
// tenant, and scratch files beside them. A hook that is being made is a scratch file with the name of a hook: listed
// with what was written so far, without effect, until it is closed, synced, or renamed onto its name.
#pragma once

#include "fs/scratch.h"
#include "fs/tree.h"
#include "store/hook.h"

// The kinds that there are, counted from 0: NULL behind the last. The index of one of them.
const struct hook_kind *hook_kind_at(const struct visit *visit, uint64_t index);
uint64_t hook_kind_index(const struct visit *visit, const struct hook_kind *kind);
// The kind of hooks in the visited folder; NULL when it is none.
const struct hook_kind *hook_kind_here(const struct visit *visit);
// May a file of this name be created in the visited folder? 1: as a hook; 0: as a scratch file; -EACCES.
int hook_can_create(const struct visit *visit, struct slice name);

// The inode of a name in hooks/ or in one of its folders, scratch files aside. 0, -ENOENT or -errno.
int hook_lookup(struct visit *visit, struct slice name, uint64_t *id);
// The entry at or behind an offset (0: the first) of hooks/ or of one of its folders, scratch files aside: 1, 0 behind
// the last, or -errno. entry->next counts from the same 0.
int hook_next(struct visit *visit, uint64_t offset, struct tree_entry *entry);
int hook_attr(struct visit *visit, struct stat *attr);
// The visited hook: its row lives until the next call. 0, -ENOENT when it is gone, or -errno.
int hook_row(struct visit *visit, struct hook_row *row);
// Appends the path below the tenant's directory: `hooks/handlers/`, and the name of a hook.
void hook_path(struct visit *visit, struct bytes *out);
// The folder that a hook, or a scratch file by its directory, is in.
uint64_t hook_folder_id(const struct visit *visit, const struct hook_kind *kind);

// What the calling process asks of a hook of the visited folder; answer and context are the caller's to set. The slices
// are copied. NULL when there is no memory.
struct submission *hook_submission(fuse_req_t req, const struct visit *folder, enum hook_act act, struct slice name,
    struct slice new_name, struct slice text);
