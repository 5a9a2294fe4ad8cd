#include "hooks/lake/removals.h"

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

static int read_all(struct removals *r, int fd)
{
    for (;;) {
        char *to = bytes_reserve(&r->lines, 65536);
        if (!to)
            return -ENOMEM;
        ssize_t size = read(fd, to, 65536);
        if (size < 0)
            return -errno;
        if (size == 0)
            return 0;
        r->lines.size += (size_t)size;
    }
}

int removals_open(struct removals *r, const char *journal, struct reason *why)
{
    *r = (struct removals){0};
    size_t size = strlen(journal) - strlen(SUFFIX_JOURNAL);
    snprintf(r->path, sizeof r->path, "%.*s" SUFFIX, (int)size, journal);
    int fd = open(r->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 0 : fails(r, -errno, why);
    int error = read_all(r, fd);
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

static int sync_directory(const char *path)
{
    char directory[512];
    snprintf(directory, sizeof directory, "%s", path);
    *strrchr(directory, '/') = '\0';
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int error = fsync(fd) ? -errno : 0;
    close(fd);
    return error;
}

static int write_file(const struct removals *r, const char *path)
{
    FILE *file = fopen(path, "we");
    if (!file)
        return -errno;
    bool written =
        fwrite(r->lines.at, 1, r->lines.size, file) == r->lines.size && !fflush(file) && !fsync(fileno(file));
    int error = written ? 0 : -errno;
    if (fclose(file) && !error)
        error = -errno;
    return error;
}

int removals_save(struct removals *r, struct reason *why)
{
    char fresh[520];
    if (!r->changed)
        return 0;
    snprintf(fresh, sizeof fresh, "%s.new", r->path);
    int error = write_file(r, fresh);
    if (!error && rename(fresh, r->path))
        error = -errno;
    if (!error)
        error = sync_directory(r->path);
    if (error)
        return fails(r, error, why);
    r->changed = false;
    return 0;
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
