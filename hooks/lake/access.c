#include "hooks/lake/access.h"

#include "store/bytes.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_BYTES_MAX 65536

// The later one goes before.
static const struct {
    const char *name;
    enum access_name is;
} names[] = {
    {"AWS_ACCESS_KEY_ID", ACCESS_KEY_ID},
    {"AWS_SECRET_ACCESS_KEY", ACCESS_SECRET},
    {"AWS_SESSION_TOKEN", ACCESS_SESSION},
    {"AWS_DEFAULT_REGION", ACCESS_REGION},
    {"AWS_REGION", ACCESS_REGION},
    {"AWS_ENDPOINT_URL", ACCESS_ENDPOINT},
    {"AWS_ENDPOINT_URL_S3", ACCESS_ENDPOINT},
    {"FACTFS_LAKE_TOKEN", ACCESS_TOKEN},
    {"FACTFS_LAKE_CLIENT", ACCESS_CLIENT},
    {"FACTFS_LAKE_SCOPE", ACCESS_SCOPE},
    {"FACTFS_LAKE_TOKEN_URL", ACCESS_TOKEN_URL},
};
#define NAME_COUNT (sizeof names / sizeof *names)

int access_set(struct access *access, enum access_name name, const char *value)
{
    char *copy = value ? strdup(value) : NULL;
    if (value && !copy)
        return -ENOMEM;
    if (access->values[name])
        OPENSSL_cleanse(access->values[name], strlen(access->values[name]));
    free(access->values[name]);
    access->values[name] = copy;
    return 0;
}

void access_clear(struct access *access)
{
    for (size_t i = 0; i < ACCESS_NAMES; i++)
        access_set(access, i, NULL);
    *access = (struct access){0};
}

int access_copy(struct access *to, const struct access *from)
{
    int error = 0;
    *to = *from;
    memset(to->values, 0, sizeof to->values);
    for (size_t i = 0; !error && i < ACCESS_NAMES; i++)
        error = access_set(to, i, from->values[i]);
    if (error)
        access_clear(to);
    return error;
}

static int read_environment(struct access *access)
{
    int error = 0;
    for (size_t i = 0; !error && i < NAME_COUNT; i++) {
        const char *value = getenv(names[i].name);
        if (value && value[0])
            error = access_set(access, names[i].is, value);
    }
    return error;
}

// Takes white space off both ends, in place.
static char *trim(char *text)
{
    while (isspace((unsigned char)*text))
        text++;
    size_t size = strlen(text);
    while (size && isspace((unsigned char)text[size - 1]))
        text[--size] = '\0';
    return text;
}

static int read_line(struct access *access, char *line, const char *file, unsigned number, struct reason *why)
{
    line = trim(line);
    if (!line[0] || line[0] == '#')
        return 0;
    char *equals = strchr(line, '=');
    if (!equals)
        return reason_set(why, -EINVAL, "%s: line %u is not NAME=VALUE", file, number);
    *equals = '\0';
    const char *name = trim(line);
    for (size_t i = 0; i < NAME_COUNT; i++) {
        if (!strcmp(name, names[i].name))
            return access_set(access, names[i].is, trim(equals + 1));
    }
    // Not shown: it might be a secret.
    return reason_set(why, -EINVAL, "%s: line %u has a name that the lake does not know", file, number);
}

static int check_mode(int fd, const char *file, struct reason *why)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return reason_set(why, -errno, "%s: %s", file, strerror(errno));
    if (!S_ISREG(st.st_mode) || st.st_size > FILE_BYTES_MAX)
        return reason_set(why, -EINVAL, "%s is no file of lines NAME=VALUE", file);
    if (st.st_mode & (S_IRWXG | S_IRWXO))
        return reason_set(why, -EACCES, "%s can be read by others: chmod 600 %s", file, file);
    return 0;
}

static int read_lines(struct access *access, char *text, const char *file, struct reason *why)
{
    unsigned number = 1;
    int error = 0;
    for (char *line = text, *next; !error && line; line = next, number++) {
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        error = read_line(access, line, file, number, why);
    }
    return error;
}

static int read_file(struct access *access, const char *file, struct reason *why)
{
    char text[FILE_BYTES_MAX + 1];
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return reason_set(why, -errno, "%s: %s", file, strerror(errno));
    int error = check_mode(fd, file, why);
    ssize_t size = error ? 0 : read(fd, text, FILE_BYTES_MAX);
    if (size < 0)
        error = reason_set(why, -errno, "%s: %s", file, strerror(errno));
    close(fd);
    if (!error) {
        text[size] = '\0';
        error = read_lines(access, text, file, why);
    }
    OPENSSL_cleanse(text, sizeof text);
    return error;
}

int access_read(struct access *access, const char *file, struct reason *why)
{
    *access = (struct access){0};
    int error = read_environment(access);
    if (!error && file)
        error = read_file(access, file, why);
    if (error)
        access_clear(access);
    return error;
}
