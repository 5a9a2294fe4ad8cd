#include "fs/waiter.h"

#include "fs/stream.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

struct waiting {
    struct mount *mount;
    void (*wake)(void *context);
    void *context;
    pthread_mutex_t lock;
    struct waiter *first; // (lock)
    bool ended;           // (lock)
};

int waiting_open(struct waiting **opened, struct mount *mount, void (*wake)(void *context), void *context)
{
    struct waiting *waiting = calloc(1, sizeof *waiting);
    if (!waiting)
        return -ENOMEM;
    waiting->mount = mount;
    waiting->wake = wake;
    waiting->context = context;
    pthread_mutex_init(&waiting->lock, NULL);
    *opened = waiting;
    return 0;
}

void waiting_close(struct waiting *waiting)
{
    if (!waiting)
        return;
    pthread_mutex_destroy(&waiting->lock);
    free(waiting);
}

bool waiting_any(struct waiting *waiting)
{
    pthread_mutex_lock(&waiting->lock);
    bool any = waiting->first != NULL;
    pthread_mutex_unlock(&waiting->lock);
    return any;
}

static void unlink_waiter(struct waiter *w)
{
    *w->link = w->next;
    if (w->next)
        w->next->link = w->link;
    w->link = NULL;
}

static void link_waiter(struct waiting *waiting, struct waiter *w)
{
    w->next = waiting->first;
    w->link = &waiting->first;
    if (waiting->first)
        waiting->first->link = &w->next;
    waiting->first = w;
}

static void interrupted(fuse_req_t req, void *data)
{
    // Only marks it: libfuse is still using the request.
    struct waiter *w = data;
    struct waiting *waiting = mount_of(req)->waiting;
    pthread_mutex_lock(&waiting->lock);
    w->interrupted = true;
    pthread_mutex_unlock(&waiting->lock);
    waiting->wake(waiting->context);
}

int waiter_park_read(struct waiting *waiting, struct reader *reader, struct waiter *w)
{
    uint64_t end = 0;
    fuse_req_interrupt_func(w->req, interrupted, w);
    pthread_mutex_lock(&waiting->lock);
    int error = w->interrupted || waiting->ended ? -EINTR : 0;
    if (!error && !w->source)
        error = stream_end(reader, &w->node, &end);
    if (!error && !w->source && end > w->offset)
        error = -EAGAIN;
    // Whether what came meanwhile is any of it, the notifier finds out.
    bool wake = !error && w->source && tenant_end(reader->tenant).position > w->offset;
    if (!error)
        link_waiter(waiting, w);
    pthread_mutex_unlock(&waiting->lock);
    if (error)
        fuse_req_interrupt_func(w->req, NULL, NULL);
    if (wake)
        waiting->wake(waiting->context);
    return error;
}

void waiter_park_poll(
    struct waiting *waiting, struct waiter *w, const struct node *node, struct fuse_pollhandle *handle, uint64_t offset)
{
    pthread_mutex_lock(&waiting->lock);
    struct fuse_pollhandle *older = w->poll;
    w->node = *node;
    w->poll = handle;
    w->offset = offset;
    if (!w->link)
        link_waiter(waiting, w);
    pthread_mutex_unlock(&waiting->lock);
    if (older)
        fuse_pollhandle_destroy(older);
}

static bool is_parked(struct waiting *waiting, const struct waiter *w)
{
    pthread_mutex_lock(&waiting->lock);
    bool parked = w->link != NULL;
    pthread_mutex_unlock(&waiting->lock);
    return parked;
}

static void remove_waiter(struct waiting *waiting, struct waiter *w)
{
    pthread_mutex_lock(&waiting->lock);
    if (w->link)
        unlink_waiter(w);
    struct fuse_pollhandle *handle = w->poll;
    w->poll = NULL;
    pthread_mutex_unlock(&waiting->lock);
    if (handle)
        fuse_pollhandle_destroy(handle);
}

static void answer_read(struct reader *reader, struct waiter *w)
{
    fuse_req_t req = w->req;
    BYTES_AUTO text = {0};
    size_t got = 0;
    if (w->interrupted) {
        fuse_reply_err(req, EINTR);
        return;
    }
    int error = bytes_reserve(&text, w->size) ? 0 : -ENOMEM;
    if (!error)
        error = w->source ? w->source->read(w, reader, text.at, &got)
                          : stream_read(reader, &w->node, &w->place, w->offset, text.at, w->size, &got);
    if (!w->source)
        w->offset += got;
    if (error)
        fuse_reply_err(req, -error);
    else
        fuse_reply_buf(req, text.at, got);
}

static bool has_grown(struct waiter *w, struct reader *reader, uint64_t *end)
{
    return w->source ? w->source->ready(w, reader) : stream_end(reader, &w->node, end) == 0 && *end > w->offset;
}

// Takes the next waiter that has what it waits for out of the list; a poll is only told.
static struct waiter *next_ready(struct waiting *waiting, struct tenant **tenant, struct reader **reader)
{
    for (struct waiter *w = waiting->first, *next; w; w = next) {
        uint64_t end = 0;
        next = w->next;
        if (store_get(waiting->mount->store, w->node.tenant, tenant))
            continue;
        bool ready = history_reader(*tenant, TENANT_READER_NOTIFIER, reader) == 0 &&
                     (w->interrupted || has_grown(w, *reader, &end));
        if (ready && w->poll && !w->req) {
            fuse_lowlevel_notify_poll(w->poll);
            if (!w->source)
                w->offset = end;
        } else if (ready) {
            unlink_waiter(w);
            return w;
        }
        store_put(waiting->mount->store, *tenant);
    }
    return NULL;
}

void waiting_answer(struct waiting *waiting)
{
    struct tenant *tenant;
    struct reader *reader;
    for (;;) {
        pthread_mutex_lock(&waiting->lock);
        struct waiter *w = next_ready(waiting, &tenant, &reader);
        pthread_mutex_unlock(&waiting->lock);
        if (!w)
            return;
        answer_read(reader, w);
        store_put(waiting->mount->store, tenant);
    }
}

void waiting_end(struct waiting *waiting)
{
    pthread_mutex_lock(&waiting->lock);
    waiting->ended = true;
    for (struct waiter *w = waiting->first, *next; w; w = next) {
        next = w->next;
        if (!w->req)
            continue;
        unlink_waiter(w);
        fuse_reply_err(w->req, EINTR);
    }
    pthread_mutex_unlock(&waiting->lock);
}

int growing_may_wait(const struct growing_file *g)
{
    if (g->file.flags & O_NONBLOCK)
        return -EAGAIN;
    return is_parked(g->file.mount->waiting, &g->read) ? -EBUSY : 0;
}

void growing_release(struct open_file *file)
{
    struct growing_file *g = (struct growing_file *)file;
    remove_waiter(file->mount->waiting, &g->read);
    remove_waiter(file->mount->waiting, &g->poll);
}
