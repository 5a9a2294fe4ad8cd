// `stream`, `rejected` and `follow`: logs that grow. A stream has its true size and ends; a read of `follow` at the end
// waits for the next event.
#include "fs/file.h"
#include "fs/reply.h"
#include "fs/stream.h"
#include "fs/waiter.h"

#include <errno.h>
#include <poll.h>

struct stream_file {
    struct growing_file growing; // its read_end is one in the stream
    struct stream_place place;
    uint64_t start; // follow: where the file begins in the stream
};

static int open_follow(struct visit *v, struct open_file *file, struct fuse_file_info *fi)
{
    struct stream_file *f = (struct stream_file *)file;
    (void)fi;
    int error = stream_end(v->reader, &v->node, &f->start);
    f->growing.read_end = f->start;
    return error;
}

// Reads into the desk's answer. 0 or -errno.
static int read_some(struct visit *v, struct stream_file *f, size_t size, uint64_t offset, size_t *got)
{
    char *to = reply_room(v, size);
    *got = 0;
    if (!to)
        return -ENOMEM;
    int error = stream_read(v->reader, &v->node, &f->place, offset, to, size, got);
    f->growing.read_end = offset + *got;
    return error;
}

static void read_stream(fuse_req_t req, struct open_file *file, size_t size, uint64_t offset)
{
    VISIT v = {0};
    size_t got = 0;
    int error = file_visit(&v, file);
    if (!error)
        error = read_some(&v, (struct stream_file *)file, size, offset, &got);
    reply_read(req, &v, error, got);
}

static void read_follow(fuse_req_t req, struct open_file *file, size_t size, uint64_t offset)
{
    struct stream_file *f = (struct stream_file *)file;
    VISIT v = {0};
    size_t got = 0;
    int error = file_visit(&v, file);
    while (!error) {
        error = read_some(&v, f, size, f->start + offset, &got);
        if (!error && !got && size)
            error = growing_may_wait(&f->growing);
        if (error || got || !size)
            break;
        f->growing.read =
            (struct waiter){.node = v.node, .req = req, .offset = f->start + offset, .size = size, .place = f->place};
        int parked = waiter_park_read(file->mount->waiting, v.reader, &f->growing.read);
        if (!parked)
            return;
        // Grown meanwhile: read on.
        error = parked == -EAGAIN ? 0 : parked;
    }
    reply_read(req, &v, error, got);
}

// Where the descriptor stands: behind the last read, be it one that was parked.
static uint64_t standing(const struct stream_file *f)
{
    const struct growing_file *g = &f->growing;
    return g->read.offset > g->read_end ? g->read.offset : g->read_end;
}

static void poll_stream(fuse_req_t req, struct open_file *file, struct fuse_pollhandle *handle)
{
    struct stream_file *f = (struct stream_file *)file;
    VISIT v = {0};
    uint64_t end;
    int error = file_visit(&v, file);
    if (!error)
        error = stream_end(v.reader, &v.node, &end);
    if (error) {
        reply_poll_error(req, handle, error);
        return;
    }
    if (handle) {
        waiter_park_poll(file->mount->waiting, &f->growing.poll, &v.node, handle, end);
        // It may have grown before it was parked.
        stream_end(v.reader, &v.node, &end);
    }
    fuse_reply_poll(req, end > standing(f) ? POLLIN | POLLRDNORM : 0);
}

const struct file_kind stream_kind = {
    .size = sizeof(struct stream_file),
    .subscribes = true,
    .read = read_stream,
    .poll = poll_stream,
    .release = growing_release,
};

const struct file_kind follow_kind = {
    .size = sizeof(struct stream_file),
    .subscribes = true,
    .open = open_follow,
    .read = read_follow,
    .poll = poll_stream,
    .release = growing_release,
};
