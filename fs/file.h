// An open file. What the kinds of files differ in is a table of functions; what they share is here.
//
// An open file is held by the kernel's handle and by each submission under way, so that it outlives a close that nobody
// waited for. Its functions run on the thread of the requests, those of a slow inode on the search's, but for release;
// what an answer from a writer's thread touches is the kind's to guard.
#pragma once

#include "fs/visit.h"

#include <stdatomic.h>

struct open_file;

// NULL members: read answers nothing, write -EPERM, flush, fsync and truncate 0, poll always ready.
struct file_kind {
    size_t size;     // of the kind's structure, which begins with struct open_file
    bool subscribes; // whoever has it open waits for events (status.h)
    // Sets up what the kind needs; fi->direct_io is set already. 0 or -errno.
    int (*open)(struct visit *visit, struct open_file *file, struct fuse_file_info *fi);
    // These answer the request, at once or later.
    void (*read)(fuse_req_t req, struct open_file *file, size_t size, uint64_t offset);
    void (*write)(fuse_req_t req, struct open_file *file, const char *from, size_t size, uint64_t offset);
    void (*flush)(fuse_req_t req, struct open_file *file);
    void (*fsync)(fuse_req_t req, struct open_file *file);
    void (*poll)(fuse_req_t req, struct open_file *file, struct fuse_pollhandle *handle);
    // Of an open document. 0 or -errno.
    int (*truncate)(struct open_file *file, uint64_t size);
    // Sets what of the attributes is this open file's own. NULL: they are those of the inode.
    void (*attr)(const struct open_file *file, struct stat *attr);
    // The kernel has closed it; submissions may be under way.
    void (*release)(struct open_file *file);
    // Nobody holds it any more; any thread.
    void (*close)(struct open_file *file);
};

struct open_file {
    const struct file_kind *kind;
    atomic_uint holders;
    struct mount *mount;
    struct tenant *tenant;
    struct view *view; // of a view's file
    struct node node;
    int flags;         // of open(2)
    struct bytes path; // below the tenant's directory, for `rejected`
    pid_t opener;
    bool named;                     // (file_asked) the opener has asked for its name since
    struct open_file *next, **link; // in a list of the mount while the kernel has it open
};

extern const struct file_kind append_kind, rollback_kind, state_kind, stream_kind, follow_kind, status_kind,
    scratch_kind, query_stream_kind, query_follow_kind, hook_file_kind, hook_log_kind, found_kind, day_kind,
    hook_text_kind, hook_report_kind, hook_order_kind;
// The kind of the visited inode's open files; NULL for what never changes, which needs no more than its inode.
const struct file_kind *file_kind_of(struct visit *visit);

static inline struct open_file *file_of(const struct fuse_file_info *fi)
{
    return (struct open_file *)(uintptr_t)fi->fh;
}

// Opens a file of a kind for the visited inode and puts it into fi->fh. 0 or -errno.
int file_open(struct visit *visit, const struct file_kind *kind, struct fuse_file_info *fi);
// The kernel has closed it, or never will: it is released and dropped.
void file_release(struct open_file *file);
struct open_file *file_hold(struct open_file *file);
void file_drop(struct open_file *file);

// The open document that a process asks about when it asks for the attributes of an inode; NULL: the inode itself.
//
// fstat(2) comes without the handle of what is open. So it is told from stat(2) by what comes before it: a path has to
// be looked up. Of `state.json`, and the files beside a hook, a process that has opened it and asks without a lookup
// (file_named) means the one that it opened last; of `status.json` each open file has an inode of its own.
struct open_file *file_asked(fuse_req_t req, const struct node *node);
// The process has looked the inode up.
void file_named(fuse_req_t req, uint64_t id);

// Visits the inode of an open file. 0 or -errno.
int file_visit(struct visit *visit, const struct open_file *file);

// A submission by the calling process (req NULL: by nobody who still waits) through a path below the tenant's
// directory. NULL when there is no memory.
struct submission *submission_by(fuse_req_t req, enum submission_kind kind, struct slice path);
// Turns a submission into a refusal with an input to show.
void submission_refuse(struct submission *s, int error, struct slice input);

// Lets a submission answer a request on an open file, which it holds until then; `size` is what a write is answered, 0
// for everything else. 0 or -ENOMEM. s->answer is file_answer then; whoever replaces it calls file_answer in the end.
struct pending_request {
    fuse_req_t req; // NULL: nobody waits
    struct open_file *file;
    size_t size;
};
int file_pend(struct submission *s, fuse_req_t req, struct open_file *file, size_t size);
void file_answer(struct submission *s);
static inline struct open_file *file_pending(const struct submission *s)
{
    return ((struct pending_request *)s->context)->file;
}
// Both at once: a submission that answers a request on an open file.
struct submission *file_submission(fuse_req_t req, struct open_file *file, enum submission_kind kind, size_t size);
