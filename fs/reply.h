// Answers that more than one kind of request has.
#pragma once

#include "fs/attr.h"

// Answers with an entry: finds its attributes, remembers that the kernel knows it.
void reply_entry(fuse_req_t req, struct visit *visit, uint64_t id, double entry_timeout_s);
// Answers a read of a text that is at hand: what of it stands at an offset.
void reply_part(fuse_req_t req, struct slice text, size_t size, uint64_t offset);
void reply_result(fuse_req_t req, int error);
