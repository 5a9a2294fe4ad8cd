// A mounted store: what all request handlers share.
//
// Threads: one takes requests from the kernel and answers all that needs no commit (this room's handlers run there);
// each open tenant's writer answers what it committed; the notifier tells the kernel what changed and answers reads of
// `follow`. No handler waits for anything.
#pragma once

#include "fs/known.h"
#include "fs/node.h"
#include "store/history.h"
#include "store/store.h"

#include <fuse_lowlevel.h>
#include <sys/stat.h>

struct notifier;
struct scratch_shelf;

// The document that was shown last.
struct shown {
    uint32_t tenant;
    uint64_t entity;
    uint32_t version;
    struct bytes text;
};

struct mount {
    struct store *store;
    struct fuse_session *session;
    const char *point; // absolute
    struct known *known;
    struct notifier *notifier;
    struct scratch_shelf *scratch;
    uint32_t fresh;                 // counts lookups of `append`
    struct bytes answer;            // what the running handler builds
    struct shown shown;             // (document.h)
    void (*serving)(void *context); // called once the kernel has been answered for the first time
    void *serving_context;
};

struct mount_options {
    const char *store;
    const char *point;
    const char *kernel_options; // for libfuse, comma-separated; NULL: none
    void (*serving)(void *context);
    void *serving_context;
};

// Mounts and serves until unmounted or told to stop by SIGTERM, SIGINT or SIGHUP; then everything submitted is
// committed and answered. 0, or -errno with the reason when it could not begin. Blocks these signals for the process.
int mount_serve(const struct mount_options *options, struct reason *why);

// ---- what every handler begins with

// An inode and what it takes to answer for it; ends by itself with VISIT.
struct visit {
    struct mount *mount;
    struct node node;
    struct tenant_info info; // of its tenant
    struct tenant *tenant;   // in use until visit_end
    struct reader *reader;
};
// 0 or -errno. For the root no tenant is opened.
int visit_begin(struct visit *visit, fuse_req_t req, fuse_ino_t id);
int visit_tenant(struct visit *visit, struct mount *mount, uint32_t tenant);
void visit_end(struct visit *visit);
#define VISIT __attribute__((cleanup(visit_end))) struct visit

static inline struct mount *mount_of(fuse_req_t req)
{
    return fuse_req_userdata(req);
}

// Attributes of an inode and how long the kernel may keep them, in seconds. 0 or -errno.
int attr_get(struct visit *visit, struct stat *attr, double *timeout_s);
// The attributes that an event's file has.
void attr_event(const struct visit *visit, const struct event_place *place, struct stat *attr);
// Uid, gid, link count and inode number; `mode` is cut to what the tenant allows.
void attr_common(const struct visit *visit, uint64_t id, mode_t mode, uint64_t size, int64_t at_us, struct stat *attr);

// Answers with an entry: finds its attributes, remembers that the kernel knows it.
void reply_entry(fuse_req_t req, struct visit *visit, uint64_t id, double entry_timeout_s);
void reply_result(fuse_req_t req, int error);
#define TIMEOUT_FOREVER_S 1e9

// `user_<login>` of a user.
struct slice caller_actor(uid_t uid);
