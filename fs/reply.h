// Answers that more than one kind of request has.
#pragma once

#include "fs/attr.h"

// Answers with an entry: finds its attributes, remembers that the kernel knows it.
void reply_entry(fuse_req_t req, struct visit *visit, uint64_t id, double entry_timeout_s);
// The kernel is given this inode once more, or takes it back. `asked` as in known_add.
void reply_know(struct mount *mount, uint64_t id, bool asked);
void reply_forget(struct mount *mount, uint64_t id, uint64_t count);
// Answers a read of a text that is at hand: what of it stands at an offset.
void reply_part(fuse_req_t req, struct slice text, size_t size, uint64_t offset);
// Room in the desk's answer for what a read copies; NULL when there is no memory.
char *reply_room(const struct visit *visit, size_t size);
// Answers a read with the first bytes of the desk's answer, or with an error.
void reply_read(fuse_req_t req, const struct visit *visit, int error, size_t got);
// Answers a poll with an error; nobody keeps its handle, which may be NULL.
void reply_poll_error(fuse_req_t req, struct fuse_pollhandle *handle, int error);
void reply_result(fuse_req_t req, int error);
