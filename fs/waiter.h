// Those who wait for a stream to grow: reads of `follow` parked at its end, and polls. The notifier's thread answers
// them.
#pragma once

#include "fs/file.h"
#include "store/stream.h"

struct waiting;

// `wake` is called, from any thread and without a lock of this room, when waiting_answer should be.
int waiting_open(struct waiting **waiting, struct mount *mount, void (*wake)(void *context), void *context);
void waiting_close(struct waiting *waiting);
// Is anybody waiting? Then waiting_answer must be called after each commit.
bool waiting_any(struct waiting *waiting);
// Answers all that have what they wait for. The notifier's thread.
void waiting_answer(struct waiting *waiting);
// Answers all parked reads with EINTR, and from now on those that come: nobody else will.
void waiting_end(struct waiting *waiting);

// A read at the end of a stream, or a poll, that waits for more. Embedded in an open file.
struct waiter;

// How a log of its own kind is looked at, on the notifier's thread: whether it has grown past the waiter's offset, and
// what a read finds then. What fails to tell is ready, and fails in the read.
struct waiter_source {
    bool (*ready)(struct waiter *waiter, struct reader *reader);
    int (*read)(struct waiter *waiter, struct reader *reader, char *to, size_t *got);
};

struct waiter {
    const struct waiter_source *source; // NULL: the node's stream
    const struct filter *filter;        // of the source, as the next
    uint64_t at;                        // where the read begins in the file
    struct node node;                   // of the stream
    fuse_req_t req;                     // of a parked read
    struct fuse_pollhandle *poll;
    uint64_t offset; // where it waits; behind what was answered once it was
    size_t size;     // what it asked for
    struct stream_place place;
    bool interrupted;
    struct waiter *next, **link; // in the list while it waits
};
// Parks the read: it is answered when the stream has grown past its offset, or with EINTR when its caller is
// interrupted. 0, or, when nothing was parked and the handler must go on: -EAGAIN, the stream has grown meanwhile;
// -EINTR.
int waiter_park_read(struct waiting *waiting, struct reader *reader, struct waiter *waiter);
// Keeps the handle, in place of an older one, until the stream of a node grows past an offset.
void waiter_park_poll(struct waiting *waiting, struct waiter *waiter, const struct node *node,
    struct fuse_pollhandle *handle, uint64_t offset);

// What the open files of a log that grows begin with.
struct growing_file {
    struct open_file file;
    uint64_t read_end;        // of the last read
    struct waiter read, poll; // `read` is a parked one of `follow`
};
// May a read that found nothing wait? 0; -EAGAIN when the file was opened not to wait; -EBUSY while another one waits:
// one read waits at a time, as read(2) sees to.
int growing_may_wait(const struct growing_file *growing);
// The release of such a file (file_kind): nobody waits any more.
void growing_release(struct open_file *file);
