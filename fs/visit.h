// A mounted store: what all request handlers share.
//
// Threads: one takes requests from the kernel and answers all that needs no commit (this room's handlers run there, but
// for what may read much, search.h); each open tenant's writer answers what it committed; the notifier tells the kernel
// what changed and answers reads of `follow`. No handler waits for anything.
#pragma once

#include "fs/known.h"
#include "fs/node.h"
#include "fs/view.h"
#include "store/exporter.h"
#include "store/history.h"
#include "store/store.h"

#include <fuse_lowlevel.h>
#include <pthread.h>
#include <sys/stat.h>

struct notifier;
struct waiting;
struct search;
struct scratch_shelf;
struct following;
struct open_file;
struct found_text;

// The document that was shown last.
struct shown {
    uint32_t tenant;
    uint64_t entity;
    uint32_t version;
    struct bytes text;
};

// What a thread on which handlers run has to itself.
struct desk {
    enum tenant_reader reader;
    struct bytes answer;      // what the running handler builds
    struct shown shown;       // (document.h)
    struct found_text *found; // (found.h)
};

// A process that has moved a document to a backup name, as `cp -b` does before it creates the new one: for it the name
// is free until it has created it, though the document stays.
struct moved_away {
    pid_t process; // 0: nobody
    uint64_t id;   // of the document's inode
};

// Names that were refused lately (refuse.h).
#define REFUSED_MAX 64u
struct refused {
    uint64_t hash; // of tenant and path
    int64_t at_ns; // 0: none
};

struct mount {
    struct store *store;
    struct fuse_session *session;
    const char *point; // absolute
    struct known *known;
    struct views *views;
    struct notifier *notifier;
    struct following *following;     // (store/follower.h)
    const struct exporter *exporter; // (store/exporter.h) NULL: there is none
    void *exporting;                 // its `self`
    struct exporter_source told;     // what it asks
    struct waiting *waiting;
    struct search *search;
    pthread_mutex_t files_lock;
    struct open_file *files; // (files_lock) that the kernel has open
    struct desk desk;        // of the thread of the requests, as what follows
    struct scratch_shelf *scratch;
    struct open_file *documents; // that the kernel has open, with attributes of their own
    uint32_t fresh;              // counts lookups of `append` and `status.json`
    int64_t since_us;            // when it began to serve
    struct bytes status;         // (status.h)
    struct moved_away moved_away;
    struct refused refused[REFUSED_MAX]; // in a circle
    unsigned next_refused;
    void (*serving)(void *context); // called once the kernel has been answered for the first time
    void *serving_context;
};

// An inode and what it takes to answer for it. `VISIT v = {0};` ends by itself.
struct visit {
    struct mount *mount;
    struct desk *desk; // of the running thread
    fuse_req_t req;    // that visit_begin was called for; else NULL
    struct node node;
    struct view *view;          // of a view's inode; held until visit_end, as the next
    struct view *found;         // that the visit's lookup answered an inode of
    struct submission *refusal; // why the name that it looked up is none (refuse.h)
    struct tenant_info info;    // of its tenant
    struct tenant *tenant;      // in use until visit_end
    struct reader *reader;
};
// 0 or -errno. For the root no tenant is opened.
int visit_begin(struct visit *visit, fuse_req_t req, fuse_ino_t id);
int visit_node(struct visit *visit, struct mount *mount, struct node node);
// … with the tenant alone, and no node.
int visit_tenant(struct visit *visit, struct mount *mount, uint32_t tenant);
void visit_end(struct visit *visit);
// The same visit for an inode that it found, of the same tenant or the same view. Lives no longer, and has no end of
// its own.
struct visit visit_child(const struct visit *visit, uint64_t id);

// The thread that calls has a desk of its own from now on; others share the mount's, which is the requests'.
void desk_use(struct desk *desk);
void desk_clear(struct desk *desk);
#define VISIT __attribute__((cleanup(visit_end))) struct visit

static inline struct mount *mount_of(fuse_req_t req)
{
    return fuse_req_userdata(req);
}
