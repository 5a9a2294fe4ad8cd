// Scratch files: what programs write beside a document before they rename it into place, and the copies they keep of it
// (FILES.md D4). Private memory of the daemon, in the directory of an entity or a tenant, gone when unlinked, renamed
// onto a document, or at unmount.
//
// A file has an inode (data, mode, times, what the document beside it was when it was last opened for writing) and one
// or more names. At most SCRATCH_FILES names a tenant: the oldest closed file makes room. Used by the thread of the
// requests alone.
#pragma once

#include "fs/node.h"
#include "store/bytes.h"

#include <sys/stat.h>

#define SCRATCH_FILES      64
#define SCRATCH_BYTES      (size_t)(16 << 20)
#define SCRATCH_NAME_BYTES 255

struct scratch {
    uint64_t number;
    uint32_t tenant;
    uint64_t directory; // the entity whose directory it was made in; 0: the tenant's
    uint64_t base;      // what it is made of, if it becomes the document beside it (document_now)
    mode_t mode;        // permission bits as asked for
    uid_t uid;
    gid_t gid;
    struct timespec modified, changed, accessed;
    struct bytes data;
    // Made with the name of a hook: what it becomes when it is closed (hook.h); empty: nothing.
    char hook[SCRATCH_NAME_BYTES + 1];
    bool unjudged; // written since it was last judged as that
    bool judged;
    unsigned names, opens;
    struct scratch *next;
};

struct scratch_shelf;

struct scratch_shelf *scratch_open_shelf(void);
void scratch_close_shelf(struct scratch_shelf *shelf);

// The file of a name in a directory (entity 0: the tenant's); NULL when there is none.
struct scratch *scratch_find(struct scratch_shelf *shelf, uint32_t tenant, uint64_t directory, struct slice name);
struct scratch *scratch_of(struct scratch_shelf *shelf, struct node node);
// The name that stands at or behind an index in a directory's listing; false behind the last. *index becomes its own.
bool scratch_name_from(struct scratch_shelf *shelf, uint32_t tenant, uint64_t directory, uint64_t *index,
    struct slice *name, struct scratch **file);

// Makes an empty file. -ENOSPC when the tenant has SCRATCH_FILES open ones, -ENAMETOOLONG, -ENOMEM.
int scratch_make(
    struct scratch_shelf *shelf, uint32_t tenant, uint64_t directory, struct slice name, struct scratch **file);
// Gives a file one more name. -EEXIST, or as above.
int scratch_link(struct scratch_shelf *shelf, struct scratch *file, uint64_t directory, struct slice name);
// Takes a name away, and the file with its last name when nobody has it open. -ENOENT.
int scratch_unlink(struct scratch_shelf *shelf, uint32_t tenant, uint64_t directory, struct slice name);
// Marks the name of a file as gone, from any thread: it has become a document. Whoever looks next does not see it any
// more.
void scratch_doom(struct scratch_shelf *shelf, uint64_t index);
// The number of a name, for scratch_doom; 0 when there is none.
uint64_t scratch_index(struct scratch_shelf *shelf, uint32_t tenant, uint64_t directory, struct slice name);
// It is made of the document beside it as it is now, from here on.
struct visit;
void scratch_guard(struct visit *visit, struct scratch *file);
// Somebody opened or closed it.
void scratch_opened(struct scratch *file);
void scratch_closed(struct scratch_shelf *shelf, struct scratch *file);

// Puts bytes at an offset, or cuts or fills up to a size. -EFBIG past SCRATCH_BYTES, -ENOMEM.
int scratch_write(struct scratch *file, const char *from, size_t size, uint64_t offset);
int scratch_resize(struct scratch *file, uint64_t size);
