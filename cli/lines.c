#include "cli/lines.h"

#include <errno.h>
#include <unistd.h>

#define READ_BYTES ((size_t)256 * 1024)

ssize_t lines_read(struct lines *l, int fd)
{
    if (l->at) {
        l->text.size -= l->at;
        memmove(l->text.at, l->text.at + l->at, l->text.size);
        l->at = 0;
    }
    l->seen = l->text.size;
    char *to = bytes_reserve(&l->text, READ_BYTES);
    if (!to)
        return -ENOMEM;
    ssize_t size;
    do
        size = read(fd, to, READ_BYTES);
    while (size < 0 && errno == EINTR);
    if (size < 0)
        return -errno;
    l->text.size += (size_t)size;
    return size;
}

bool lines_next(struct lines *l, struct slice *line)
{
    const char *start = l->text.at + l->at;
    const char *newline = memchr(l->text.at + l->seen, '\n', l->text.size - l->seen);
    if (!newline) {
        l->seen = l->text.size;
        return false;
    }
    *line = (struct slice){.at = start, .size = (size_t)(newline - start)};
    l->at = l->seen = (size_t)(newline - l->text.at) + 1;
    return true;
}

struct slice lines_rest(const struct lines *l)
{
    return (struct slice){.at = l->text.at + l->at, .size = l->text.size - l->at};
}

void lines_free(struct lines *l)
{
    bytes_free(&l->text);
}
