// An open scratch file: a regular file in the daemon's memory.
#include "fs/scratch.h"

#include "fs/file.h"
#include "fs/reply.h"

#include <errno.h>

struct scratch_handle {
    struct open_file file;
    struct scratch *scratch;
};

static struct scratch *scratch_file_of(struct open_file *file)
{
    return ((struct scratch_handle *)file)->scratch;
}

// The version of the entity beside it: the guard of what is written (D3).
static void guard(struct visit *v, struct scratch *scratch)
{
    struct head head;
    if (scratch->directory && history_head_of(v->reader, scratch->directory, &head) == 0)
        scratch->base_version = head.version;
}

static int open_scratch(struct visit *v, struct open_file *file, struct fuse_file_info *fi)
{
    struct scratch_handle *h = (struct scratch_handle *)file;
    h->scratch = scratch_of(v->mount->scratch, v->node);
    if (!h->scratch)
        return -ESTALE;
    // The page cache, so that it can be mapped.
    fi->direct_io = 0;
    scratch_opened(h->scratch);
    if ((fi->flags & O_ACCMODE) != O_RDONLY)
        guard(v, h->scratch);
    return fi->flags & O_TRUNC ? scratch_resize(h->scratch, 0) : 0;
}

static void read_scratch(fuse_req_t req, struct open_file *file, size_t size, uint64_t offset)
{
    reply_part(req, bytes_slice(&scratch_file_of(file)->data), size, offset);
}

static void write_scratch(fuse_req_t req, struct open_file *file, const char *from, size_t size, uint64_t offset)
{
    int error = scratch_write(scratch_file_of(file), from, size, offset);
    if (error)
        fuse_reply_err(req, -error);
    else
        fuse_reply_write(req, size);
}

static void release_scratch(struct open_file *file)
{
    struct scratch_handle *h = (struct scratch_handle *)file;
    scratch_closed(file->mount->scratch, h->scratch);
    h->scratch = NULL;
}

const struct file_kind scratch_kind = {
    .size = sizeof(struct scratch_handle),
    .open = open_scratch,
    .read = read_scratch,
    .write = write_scratch,
    .release = release_scratch,
};
