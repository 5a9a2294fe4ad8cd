// The lines of a text, as it is read piece by piece from a file, a pipe or a stream. One thread.
#pragma once

#include "store/bytes.h"

#include <sys/types.h>

struct lines { // {0} at first
    struct bytes text;
    size_t at;   // of the next line
    size_t seen; // up to here there is no newline behind `at`
};

// Reads on; the lines before are gone then. How many bytes came, 0 at the end, or -errno.
ssize_t lines_read(struct lines *lines, int fd);
// The next whole line, without its newline; false when more must be read.
bool lines_next(struct lines *lines, struct slice *line);
// What stands behind the last newline.
struct slice lines_rest(const struct lines *lines);
void lines_free(struct lines *lines);
#define LINES_AUTO __attribute__((cleanup(lines_free))) struct lines
