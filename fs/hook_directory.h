// The directory that stands beside a hook, as its kind says (struct hook_kind, store/hook.h): hooks/webhooks/NAME/ with
// `deliveries`, hooks/metrics/NAME/ with `value`. A kind may have directories without a document, for what is built in.
//
// A file in it answers what the kind's own function says, as it is when it is opened, or what the follower is asked
// (store/follower.h). The latter have no size before they are read, like those of /proc.
#pragma once

#include "fs/file.h"
#include "fs/tree.h"
#include "store/hook.h"

// Of the visited directory, or a file in it.
struct hook_beside {
    const struct hook_kind *kind;
    const struct hook_file *file; // NULL: the directory itself
    struct slice stem;            // of the hook; lives until the next call on the visit's reader
    int64_t at_us;                // when it was made; 0: it is built in
};
// 0, -ENOENT when the hook is gone, or -errno.
int hook_directory_here(struct visit *visit, struct hook_beside *beside);

// The inode of a built-in directory in a folder, by any spelling of its name. 0 or -ENOENT.
int hook_directory_built_in(const struct visit *visit, const struct hook_kind *kind, struct slice name, uint64_t *id);
// The entry of the first one with a number of at least `from`, as hook_next; those that have a document aside.
int hook_directory_next_built_in(
    struct visit *visit, const struct hook_kind *kind, uint64_t from, struct tree_entry *entry);

// As tree_lookup and tree_next, in such a directory.
int hook_directory_lookup(struct visit *visit, struct slice name, uint64_t *id);
int hook_directory_next(struct visit *visit, uint64_t offset, struct tree_entry *entry);

// The inode of the folder that it is in.
uint64_t hook_directory_parent(struct visit *visit);
int hook_directory_attr(struct visit *visit, struct stat *attr);
// The kind of open files of the visited file; NULL when its hook is gone.
const struct file_kind *hook_directory_file_kind(struct visit *visit);
// Is the visited inode a file beside a hook that is written?
bool hook_directory_takes_writes(struct visit *visit);
// The size of the text that a file whose kind makes it would have now (hook_text.c). 0 or -errno.
int hook_text_measure(struct visit *visit, const struct hook_beside *beside, uint64_t *size);
// Appends `webhooks/NAME`, and the name of the file in it.
void hook_directory_path(struct visit *visit, struct bytes *out);
