#include "fs/day.h"

#include "fs/file.h"
#include "fs/reply.h"
#include "store/day.h"
#include "store/stream.h"

#include <errno.h>

int day_lookup(struct visit *v, struct slice name, uint64_t *id, double *timeout_s)
{
    struct day_part part;
    uint32_t day;
    int error = day_read_name(name, &day) ? -ENOENT : day_find(v->reader, day, &part);
    if (error)
        return error;
    *id = node_id(NODE_DAY, v->node.tenant, day);
    *timeout_s = TIMEOUT_FOREVER_S;
    return 0;
}

int day_next(struct visit *v, uint64_t offset, struct tree_entry *entry)
{
    uint32_t day;
    int error = day_from(v->reader, offset, &day);
    if (error)
        return error == -ENOENT ? 0 : error;
    day_name(entry->text, day);
    entry->id = 0;
    entry->next = day + 1;
    entry->name = (struct slice){.at = entry->text, .size = DAY_NAME_SIZE};
    entry->attr = (struct stat){.st_ino = node_id(NODE_DAY, v->node.tenant, day), .st_mode = S_IFREG};
    return 1;
}

int day_attr(struct visit *v, struct stat *attr, double *timeout_s)
{
    struct day_part part = {0};
    bool directory = v->node.kind == NODE_LOG;
    int64_t at_us = tenant_end(v->tenant).at_us;
    // The directory is as old as its latest day.
    int error = day_find(v->reader, directory ? day_of(at_us) : (uint32_t)v->node.number, &part);
    if (error && !(directory && error == -ENOENT))
        return error == -ENOENT ? -ESTALE : error;
    uint64_t id = node_id_of(&v->node);
    *timeout_s = part.closed ? TIMEOUT_FOREVER_S : 0;
    if (directory)
        attr_common(v, id, S_IFDIR | 0555, 4096, part.first_at_us, attr);
    else
        attr_common(v, id, S_IFREG | attr_stream_mode(), part.size_bytes, part.last_at_us, attr);
    return 0;
}

// ---- the open file

struct day_file {
    struct open_file file;
    struct day_part part; // as it was when the file was opened
    struct stream_place place;
};

static int open_day(struct visit *v, struct open_file *file, struct fuse_file_info *fi)
{
    struct day_file *f = (struct day_file *)file;
    int error = day_find(v->reader, (uint32_t)v->node.number, &f->part);
    // A closed day stays in the page cache.
    fi->direct_io = !f->part.closed;
    fi->keep_cache = f->part.closed;
    return error;
}

static void read_day(fuse_req_t req, struct open_file *file, size_t size, uint64_t offset)
{
    struct day_file *f = (struct day_file *)file;
    VISIT v = {0};
    size_t got = 0;
    int error = file_visit(&v, file);
    if (!error && !f->part.closed)
        error = day_find(v.reader, (uint32_t)file->node.number, &f->part);
    uint64_t left = offset < f->part.size_bytes ? f->part.size_bytes - offset : 0;
    char *to = reply_room(&v, size);
    if (!error && !to)
        error = -ENOMEM;
    if (!error)
        error =
            stream_read_log(v.reader, &f->place, f->part.offset + offset, to, left < size ? (size_t)left : size, &got);
    reply_read(req, &v, error, got);
}

const struct file_kind day_kind = {
    .size = sizeof(struct day_file),
    .open = open_day,
    .read = read_day,
};
