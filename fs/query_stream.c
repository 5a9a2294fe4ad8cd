#include "fs/query_stream.h"

#include "fs/query.h"
#include "fs/reply.h"
#include "fs/search.h"
#include "fs/waiter.h"

#include <errno.h>
#include <poll.h>

struct query_file {
    struct growing_file growing;

    // follow: what matches from when it was opened on. The search's thread and the notifier's read it, and set where
    // the last read ended.
    pthread_mutex_t lock;
    struct result result; // (lock)
};

static struct query_file *file_of_read(struct waiter *w)
{
    return (struct query_file *)((char *)w - offsetof(struct query_file, growing.read));
}

// Reads into the desk's answer. 0 or -errno.
static int read_result(struct visit *v, struct result *result, size_t size, uint64_t offset, size_t *got)
{
    char *to = reply_room(v, size);
    *got = 0;
    return to ? result_read(result, v->reader, offset, UINT64_MAX, to, size, got) : -ENOMEM;
}

static void read_stream(fuse_req_t req, struct open_file *file, size_t size, uint64_t offset)
{
    struct query_file *f = (struct query_file *)file;
    VISIT v = {0};
    size_t got = 0;
    int error = file_visit(&v, file);
    if (!error)
        error = query_look(&v);
    if (!error)
        error = read_result(&v, query_stream(v.view), size, offset, &got);
    f->growing.read_end = offset + got;
    reply_read(req, &v, error, got);
}

// ---- follow

static const struct waiter_source result_source;

static int open_stream(struct visit *v, struct open_file *file, struct fuse_file_info *fi)
{
    struct query_file *f = (struct query_file *)file;
    (void)fi;
    f->growing.poll = (struct waiter){.source = &result_source, .filter = v->view->filter};
    return 0;
}

static int open_follow(struct visit *v, struct open_file *file, struct fuse_file_info *fi)
{
    struct query_file *f = (struct query_file *)file;
    pthread_mutex_init(&f->lock, NULL);
    result_ascend(&f->result, v->view->filter, tenant_end(v->tenant).position + 1);
    f->result.ends = search_ends;
    return open_stream(v, file, fi);
}

static void close_follow(struct open_file *file)
{
    struct query_file *f = (struct query_file *)file;
    result_close(&f->result);
    pthread_mutex_destroy(&f->lock);
}

// How far a waiter has looked is its offset, a position.
static bool has_come_for(struct waiter *w, struct reader *reader)
{
    bool any;
    uint64_t end = tenant_end(reader->tenant).position;
    if (w->offset >= end)
        return false;
    bool has = result_any(reader, w->filter, w->offset, end, &any) || any;
    if (!has || w->poll)
        w->offset = end;
    return has;
}

static int read_parked(struct waiter *w, struct reader *reader, char *to, size_t *got)
{
    struct query_file *f = file_of_read(w);
    pthread_mutex_lock(&f->lock);
    int error = result_look(&f->result, reader, tenant_end(reader->tenant).position, UINT64_MAX);
    if (!error)
        error = result_read(&f->result, reader, w->at, UINT64_MAX, to, w->size, got);
    f->growing.read_end = w->at + *got;
    pthread_mutex_unlock(&f->lock);
    return error;
}

static const struct waiter_source result_source = {.ready = has_come_for, .read = read_parked};

static void read_follow(fuse_req_t req, struct open_file *file, size_t size, uint64_t offset)
{
    struct query_file *f = (struct query_file *)file;
    VISIT v = {0};
    size_t got = 0;
    uint64_t scanned = 0;
    int error = file_visit(&v, file);
    if (!error) {
        pthread_mutex_lock(&f->lock);
        error = result_look(&f->result, v.reader, tenant_end(v.tenant).position, UINT64_MAX);
        if (!error)
            error = read_result(&v, &f->result, size, offset, &got);
        f->growing.read_end = offset + got;
        scanned = f->result.scanned;
        pthread_mutex_unlock(&f->lock);
    }
    if (!error && !got && size)
        error = growing_may_wait(&f->growing);
    if (!error && !got && size) {
        f->growing.read = (struct waiter){.node = v.node,
            .req = req,
            .source = &result_source,
            .filter = v.view->filter,
            .offset = scanned,
            .at = offset,
            .size = size};
        error = waiter_park_read(file->mount->waiting, v.reader, &f->growing.read);
        if (!error)
            return;
    }
    reply_read(req, &v, error, got);
}

// ---- poll

static void poll_query(fuse_req_t req, struct open_file *file, struct fuse_pollhandle *handle)
{
    struct query_file *f = (struct query_file *)file;
    bool follows = file->node.kind == NODE_QUERY_FOLLOW;
    VISIT v = {0};
    int error = file_visit(&v, file);
    if (error) {
        reply_poll_error(req, handle, error);
        return;
    }
    if (handle)
        waiter_park_poll(file->mount->waiting, &f->growing.poll, &v.node, handle, tenant_end(v.tenant).position);
    // What came before it was parked is seen here.
    uint64_t bytes, read_end;
    if (follows) {
        pthread_mutex_lock(&f->lock);
        error = result_look(&f->result, v.reader, tenant_end(v.tenant).position, UINT64_MAX);
        bytes = f->result.bytes;
        read_end = f->growing.read_end;
        pthread_mutex_unlock(&f->lock);
    } else {
        error = query_look(&v);
        bytes = query_stream(v.view)->bytes;
        read_end = f->growing.read_end;
    }
    if (error)
        fuse_reply_err(req, -error);
    else
        fuse_reply_poll(req, bytes > read_end ? POLLIN | POLLRDNORM : 0);
}

const struct file_kind query_stream_kind = {
    .size = sizeof(struct query_file),
    .subscribes = true,
    .open = open_stream,
    .read = read_stream,
    .poll = poll_query,
    .release = growing_release,
};

const struct file_kind query_follow_kind = {
    .size = sizeof(struct query_file),
    .subscribes = true,
    .open = open_follow,
    .read = read_follow,
    .poll = poll_query,
    .release = growing_release,
    .close = close_follow,
};
