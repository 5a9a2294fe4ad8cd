// The threads on which requests run that may read much: one for filters over all entities, one for those over events
// and for the long listing of a past. The thread of the requests hands them over and goes on at once; on each they run
// one after the other, with a reading connection and buffers of its own, by the very handlers that every request has,
// and are answered from there. What belongs to an inode is touched by its thread alone.
//
// A handler that may be asked of a slow inode begins so:
//
//     static void on_getattr(fuse_req_t req, fuse_ino_t id, struct fuse_file_info *fi)
//     {
//         if (search_takes(&(struct search_call){.run = getattr_later, .req = req, .id = id, .fi = fi}))
//             return;
//
// and `getattr_later` calls on_getattr with what was kept; search_takes answers false on these threads. Whoever reads
// in a long loop asks search_ends() now and then and gives up with -EINTR when it is true.
#pragma once

#include "fs/visit.h"

struct search;

// `fi` and `name` are copied; `fi` may be NULL. An open file of fi is held until the handler has run.
struct search_call {
    void (*run)(const struct search_call *call);
    fuse_req_t req;
    fuse_ino_t id;
    struct fuse_file_info *fi;
    struct fuse_pollhandle *poll;
    const char *name;
    size_t size;
    off_t offset;
};

int search_open(struct search **search);
int search_start(struct search *search);
// From now on whatever runs long ends with EINTR.
void search_hurry(struct search *search);
// Ends the threads when all that waits is answered, hurrying. After the last request was taken.
void search_stop(struct search *search);
void search_close(struct search *search);

// Takes the request if its inode is slow (node_is_slow, of call->id), this is none of these threads, and the caller
// is not the herald, whom nobody may keep waiting: it is told what was last known.
bool search_takes(const struct search_call *call);
// The same whatever the inode.
bool search_takes_any(const struct search_call *call);
// Should the request that runs on this thread be given up? Its caller was interrupted, or the daemon ends. Also answers
// those who were interrupted while they wait. False on any other thread. Costs a microsecond or less.
bool search_ends(void);
