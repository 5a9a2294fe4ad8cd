#include "cli/object.h"

#include "store/json.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define READ_BYTES ((size_t)256 * 1024)

static int read_file(const char *path, struct bytes *text)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int error = 0;
    for (ssize_t size = 1; !error && size;) {
        char *at = bytes_reserve(text, READ_BYTES);
        size = at ? read(fd, at, READ_BYTES) : 0;
        if (!at)
            error = -ENOMEM;
        else if (size < 0)
            error = -errno;
        else
            text->size += (size_t)size;
    }
    close(fd);
    return error;
}

int object_read(const char *command, const char *path, struct bytes *text)
{
    struct json_scanner scanner;
    size_t before = text->size, used;
    struct reason why = {0};
    int error = read_file(path, text);
    if (error)
        return error;
    json_scanner_init(&scanner);
    if (json_scan(&scanner, text->at + before, text->size - before, &used, &why) != JSON_VALUE ||
        json_kind((struct slice){.at = text->at + before, .size = used}) != JSON_OBJECT) {
        fprintf(stderr, "factfs %s: %s holds no object\n", command, path);
        return -EBADMSG;
    }
    text->size = before + used;
    return 0;
}
