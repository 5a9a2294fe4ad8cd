#include "cli/source.h"

#include "cli/command.h"
#include "store/bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_directory_at(int directory, const char *name)
{
    struct stat about;
    return fstatat(directory, name, &about, 0) == 0 && S_ISDIR(about.st_mode);
}

int source_open(struct source *source, const char *command, const char *path)
{
    *source = (struct source){.name = path, .fd = -1};
    if (strcmp(path, "-") == 0) {
        source->name = "standard input";
        source->fd = STDIN_FILENO;
        return 0;
    }
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat about;
    if (fd < 0 || fstat(fd, &about) < 0) {
        int error = errno;
        command_complain(command, path, strerror(error));
        return -error;
    }
    if (!S_ISDIR(about.st_mode)) {
        BYTES_AUTO beside = {0};
        const char *slash = strrchr(path, '/');
        const char *name = slash ? slash + 1 : path;
        bytes_printf(&beside, "%.*sevents", (int)(name - path), path);
        bytes_add_char(&beside, '\0');
        source->one_entity = !beside.failed && (strcmp(name, "stream") == 0 || strcmp(name, "follow") == 0) &&
                             is_directory_at(AT_FDCWD, beside.at);
        source->fd = fd;
        return 0;
    }
    source->one_entity = is_directory_at(fd, "events");
    source->fd = openat(fd, "stream", O_RDONLY | O_CLOEXEC);
    int error = source->fd < 0 ? errno : 0;
    close(fd);
    if (error == ENOENT)
        fprintf(stderr, "factfs %s: %s is neither a tenant nor an entity: there is no stream in it\n", command, path);
    else if (error)
        fprintf(stderr, "factfs %s: %s/stream: %s\n", command, path, strerror(error));
    return -error;
}
