// Small files that are read whole, and replaced so that a kill or a power cut leaves the old content or the new one.
// No state; any thread. Results: 0 or -errno.
#pragma once

#include "store/bytes.h"

// Writes all of it, on from where the file stands.
int file_write(int fd, struct slice text);
// Appends what is left of the file.
int file_read(int fd, struct bytes *out);
// Syncs a directory; `path` begins at the directory `at`, or is whole (AT_FDCWD). "" is `at` itself.
int file_sync_directory(int at, const char *path);
// Puts the text in the place of the file at `path`, by way of PATH.new beside it; on stable storage when it returns 0.
int file_replace(const char *path, struct slice text);
