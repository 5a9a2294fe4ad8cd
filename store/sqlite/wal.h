// The write-ahead log that a kill or a power cut left beside a file, looked at before SQLite reads it.
//
// SQLite takes the log to end at the first frame that does not fit its checksum: so it looks when a commit was cut off.
// A damaged frame looks the same, and what stands behind it would be gone without a word. What tells them apart: SQLite
// writes a frame behind a commit only once that commit is on stable storage. So where, behind the gap, a commit stands
// that another frame continues, something acknowledged would be lost. A cut-off commit cannot look like this, in
// whatever order its sectors reached the disk: its mark is on its last frame. Nor can what a failed commit left, which
// the next one wrote over from its beginning.
//
//     header   magic, version, page size, checkpoint, salt, salt, sum, sum      of the 24 bytes before
//     frame    page, size, salt, salt, sum, sum, then a page                     size: not 0 at the end of a commit
// All are big-endian numbers of 4 bytes. The sums of a frame continue those before it, over page, size and the page's
// bytes. The log is written from its beginning again once it was moved into the file; frames of an earlier round stay
// behind and have other salts.
//
// What stays unseen: damage in the last commit, which could be one that was cut off; and in the last frame of the one
// before, where that frame's header lies across two sectors.
// Private to the SQLite engine.
#pragma once

#include "store/reason.h"

// What PRAGMA page_size gives each file.
#define WAL_PAGE_SIZE 8192

// 0 when SQLite will find every commit in the log of the file at `path`, or there is none; -EIO, and where it is
// damaged and what to do, when it will not. Any thread, also while the file is in use.
int wal_check(const char *path, struct reason *why);
// For the writer, before it opens the file: checks, and puts the log on stable storage. A commit whose writer was
// killed before its sync is one from now on.
int wal_settle(const char *path, struct reason *why);
