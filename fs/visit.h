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
struct waiting;
struct scratch_shelf;
struct open_file;

// The document that was shown last.
struct shown {
    uint32_t tenant;
    uint64_t entity;
    uint32_t version;
    struct bytes text;
};

// A process that has moved a document to a backup name, as `cp -b` does before it creates the new one: for it the name
// is free until it has created it, though the document stays.
struct moved_away {
    pid_t process; // 0: nobody
    uint32_t tenant;
    uint64_t entity;
};

struct mount {
    struct store *store;
    struct fuse_session *session;
    const char *point; // absolute
    struct known *known;
    struct notifier *notifier;
    struct waiting *waiting;
    struct scratch_shelf *scratch;
    struct open_file *files; // that the kernel has open; the thread of the requests alone
    uint32_t fresh;          // counts lookups of `append`
    struct bytes answer;     // what the running handler builds
    struct shown shown;      // (document.h)
    struct moved_away moved_away;
    void (*serving)(void *context); // called once the kernel has been answered for the first time
    void *serving_context;
};

// An inode and what it takes to answer for it. `VISIT v = {0};` ends by itself.
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
