// What a filter of query/ finds, as files. `stream` grows with the log and knows neither limit nor order.
// `events.ndjson` and `count` are of one state of the result: their inodes' number says which, the position of the last
// event in it, so that whoever has one open reads it whole, with its size, whatever happens meanwhile; the next lookup
// gives another.
//
//     lookup ─▶ how far the log has been looked at ─▶ the state as of now ─▶ its inode
//
// What was looked at is remembered with the view (store/result.h). It belongs to the search's thread, on which all of
// this runs; others get what was last known.
#pragma once

#include "fs/visit.h"

struct query_memory; // of a view
void query_memory_free(struct query_memory *memory);

// The directory of a filter, or a link to it when the name is not the filter's normal form. 0, -ENOENT for no filter
// (which is said in `rejected`), or -errno.
int query_lookup(struct visit *visit, struct slice name, uint64_t *id, double *entry_timeout_s);
// The number of the inode of `events.ndjson` and `count` as things stand.
int query_state(struct visit *visit, uint64_t *number);
// Size and time of the visited file.
int query_measure(struct visit *visit, uint64_t *size, int64_t *at_us);
// The text of a visited `events.ndjson` or `count` from an offset on, in the desk's answer.
int query_read(struct visit *visit, size_t size, uint64_t offset);
// What the inode of a view's file or directory is shown as: the same as long as it means the same.
uint64_t query_shown(const struct visit *visit);

// Has the stream grown since this was last asked? For the notifier's thread alone.
bool query_grew(struct view *view, struct reader *reader);
