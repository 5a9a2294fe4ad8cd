// Attributes: whose a file is, how large, since when.
#pragma once

#include "fs/visit.h"

// For ever, in the kernel's seconds.
#define TIMEOUT_FOREVER_S 1e9

// Attributes of an inode and how long the kernel may keep them, in seconds. 0 or -errno.
int attr_get(struct visit *visit, struct stat *attr, double *timeout_s);
// The attributes that an event's file has.
void attr_event(const struct visit *visit, const struct event_place *place, struct stat *attr);
// The number of the visited inode as people see it: the same after a remount, also of a past.
uint64_t attr_inode(struct visit *visit);
// Sets the size and what follows from it; the times.
void attr_size(struct stat *attr, uint64_t size);
void attr_time(struct stat *attr, int64_t at_us);
// Permissions of what grows: nobody may write it.
mode_t attr_stream_mode(void);
// Uid, gid, link count and inode number; `mode` is cut to what the tenant allows.
void attr_common(const struct visit *visit, uint64_t id, mode_t mode, uint64_t size, int64_t at_us, struct stat *attr);
