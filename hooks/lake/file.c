#include "hooks/lake/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define PIECE 65536u

int file_write(int fd, struct slice text)
{
    while (text.size) {
        ssize_t written = write(fd, text.at, text.size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return -errno;
        text.at += written;
        text.size -= (size_t)written;
    }
    return 0;
}

int file_read(int fd, struct bytes *out)
{
    for (;;) {
        char *to = bytes_reserve(out, PIECE);
        if (!to)
            return -ENOMEM;
        ssize_t got = read(fd, to, PIECE);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got < 0 ? -errno : 0;
        out->size += (size_t)got;
    }
}

int file_sync_directory(int at, const char *path)
{
    int fd = openat(at, *path ? path : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int error = fsync(fd) ? -errno : 0;
    close(fd);
    return error;
}

static int write_new(const char *path, struct slice text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    int error = file_write(fd, text);
    if (!error && fsync(fd))
        error = -errno;
    if (close(fd) && !error)
        error = -errno;
    return error;
}

int file_replace(const char *path, struct slice text)
{
    char fresh[520], directory[512];
    const char *slash = strrchr(path, '/');
    if ((size_t)snprintf(fresh, sizeof fresh, "%s.new", path) >= sizeof fresh)
        return -ENAMETOOLONG;
    snprintf(directory, sizeof directory, "%.*s", slash ? (int)(slash - path) : 0, path);
    int error = write_new(fresh, text);
    if (!error && rename(fresh, path))
        error = -errno;
    return error ? error : file_sync_directory(AT_FDCWD, directory);
}
