// The tree of names: which names a directory has and what they stand for.
#pragma once

#include "fs/attr.h"

// The inode of a name in the visited directory and how long the kernel may remember it, in seconds. The name of a new
// `append` is a fresh inode. 0 or -ENOENT, -ENAMETOOLONG, -errno.
int tree_lookup(struct visit *visit, struct slice name, uint64_t *id, double *entry_timeout_s);

// Does the directory have a fixed entry of this name, now or as a future part of the tree?
bool tree_is_reserved(enum node_kind directory, struct slice name);

// Is this the name of the document that the directory holds?
bool tree_is_document(enum node_kind directory, struct slice name);

// One entry of a directory.
struct tree_entry {
    uint64_t id;   // 0: the kernel gets no attributes with it
    uint64_t next; // where the listing goes on behind it
    double entry_timeout_s;
    struct slice name; // lives until the next call
    struct stat attr;  // st_ino and the type at least
    double attr_timeout_s;
    char text[NAME_EVENT_FILE_MAX];
    struct chunk page; // of events, to go on without asking again
    struct find *find; // of what is found, likewise
};
void tree_entry_end(struct tree_entry *entry);
#define ENTRY __attribute__((cleanup(tree_entry_end))) struct tree_entry
// The entry at or behind `offset` (0: the first): 1, 0 behind the last, or -errno.
int tree_next(struct visit *visit, uint64_t offset, struct tree_entry *entry);

// The path of an inode below its tenant's directory (`contact_x/append`), for people.
void tree_path(struct visit *visit, struct bytes *out);
