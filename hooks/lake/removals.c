#include "hooks/lake/removals.h"

#include "hooks/lake/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SUFFIX_JOURNAL ".journal"
#define SUFFIX         ".removals"

static int fails(const struct removals *r, int error, struct reason *why)
{
    return reason_set(why, error, "%s: %s", r->path, strerror(-error));
}

int removals_open(struct removals *r, const char *journal, struct reason *why)
{
    *r = (struct removals){0};
    size_t size = strlen(journal) - strlen(SUFFIX_JOURNAL);
    snprintf(r->path, sizeof r->path, "%.*s" SUFFIX, (int)size, journal);
    int fd = open(r->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 0 : fails(r, -errno, why);
    int error = file_read(fd, &r->lines);
    close(fd);
    return error ? fails(r, error, why) : 0;
}

void removals_close(struct removals *r)
{
    bytes_free(&r->lines);
}

int removals_add(struct removals *r, int64_t at_us, struct slice key)
{
    bytes_printf(&r->lines, "%lld %.*s\n", (long long)at_us, SLICE_ARG(key));
    r->changed = true;
    return r->lines.failed ? -ENOMEM : 0;
}

int removals_save(struct removals *r, struct reason *why)
{
    if (!r->changed)
        return 0;
    int error = file_replace(r->path, bytes_slice(&r->lines));
    r->changed = error != 0;
    return error ? fails(r, error, why) : 0;
}

bool removals_next(struct removal *at)
{
    while (at->rest.size) {
        const char *end = memchr(at->rest.at, '\n', at->rest.size);
        size_t size = end ? (size_t)(end - at->rest.at) : at->rest.size;
        const char *space = memchr(at->rest.at, ' ', size);
        at->line = (struct slice){.at = at->rest.at, .size = size};
        at->rest.at += size + (end != NULL);
        at->rest.size -= size + (end != NULL);
        if (!end || !space)
            continue; // a line that was cut off
        at->at_us = strtoll(at->line.at, NULL, 10);
        at->key = (struct slice){.at = space + 1, .size = (size_t)(at->line.at + size - space) - 1};
        return true;
    }
    return false;
}
