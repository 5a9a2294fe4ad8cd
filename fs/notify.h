// Tells the kernel, and through it everybody who watches, what was committed.
//
//     writer: notifier_committed ─▶ stale attributes are dropped at once, so that whoever was answered sees the new
//     ones
//                                └▶ queue ─▶ notifier thread: inotify events, poll, parked reads of `follow`
//
// inotify has no way in from a FUSE server, so the notifier does on its own mount what causes the event: it opens and
// closes a stream and sets its mtime (IN_MODIFY, IN_CLOSE_WRITE), creates an event's file and an entity's directory,
// which are there already (IN_CREATE). Only for inodes that the kernel knows. The queue is bounded: who falls behind
// loses single names, as with inotify's own queue, never the growth of a stream.
#pragma once

#include "fs/visit.h"

struct notifier;

// Forks the herald: before the process has threads, or descriptors that it must not have.
int notifier_open(struct notifier **notifier, struct mount *mount);
// Starts the thread; the mount must be served from then on until notifier_stop.
int notifier_start(struct notifier *notifier);
// Ends the thread, which may be within a call on the mount: it must still be served, or gone.
void notifier_stop(struct notifier *notifier);
void notifier_close(struct notifier *notifier);

// The observer of every tenant (tenant_observer).
void notifier_committed(
    void *mount, struct tenant *tenant, const struct committed *changes, size_t count, bool rejected);
// Somebody who waits must be looked at (waiter.h). Any thread.
void notifier_wake(void *notifier);
// The table of views fills: the kernel must forget those that nobody uses. Any thread.
void notifier_press(void *notifier);
// Owner or mode of a tenant changed: what the kernel has of it is no longer true. From a request handler.
void notifier_tenant_changed(struct notifier *notifier, const struct tenant_info *info);

// Is this request one that the herald makes?
bool notifier_is_caller(struct notifier *notifier, fuse_req_t req);
// Does it look a name up only to create it? Then the name is not there yet.
bool notifier_creates(struct notifier *notifier, fuse_req_t req, fuse_ino_t parent, struct slice name);
