// The files of the lake in a directory. A file is written below ROOT/.parts/ and synced, and then linked to its name:
// link(2) never takes a name that is taken. What a kill leaves in .parts/ goes after a day.
#include "hooks/lake/objects.h"

#include "hooks/lake/file.h"
#include "store/when.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define PARTS        ".parts"
#define PART_NAME    24
#define WRITE_BEHIND ((off_t)1 << 20)
#define PART_AGE_S   86400
#define GET_MAX      ((off_t)1 << 30)
#define KEY_MAX      1024
#define LEVELS_MAX   32

struct directory {
    struct objects objects;
    int fd, parts_fd;
};

struct dir_upload {
    struct upload upload;
    int fd;
    off_t size, begun; // written; of which the kernel has been told to write to disk
    char part[PART_NAME];
    char key[KEY_MAX];
};

static struct directory *directory_of(struct objects *objects)
{
    return (struct directory *)objects;
}

static int fails(struct reason *why, int error, const char *what, const char *key)
{
    return reason_set(why, error, "%s cannot be %s: %s", key, what, strerror(-error));
}

// ---- writing

static int open_part(struct directory *d, char name[static PART_NAME])
{
    uint64_t number;
    if (getrandom(&number, sizeof number, 0) != sizeof number)
        return -EIO;
    snprintf(name, PART_NAME, "%016llx", (unsigned long long)number);
    int fd = openat(d->parts_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    return fd < 0 ? -errno : fd;
}

// The directory that a key lies in: "" for the root.
static void parent_of(const char *key, char parent[static KEY_MAX])
{
    const char *slash = strrchr(key, '/');
    snprintf(parent, KEY_MAX, "%.*s", slash ? (int)(slash - key) : 0, key);
}

// Makes the directories above a key, each durable before what lies in it.
static int make_parents(struct directory *d, const char *key)
{
    char path[KEY_MAX], parent[KEY_MAX];
    for (const char *slash = key; (slash = strchr(slash, '/')); slash++) {
        snprintf(path, sizeof path, "%.*s", (int)(slash - key), key);
        if (mkdirat(d->fd, path, 0755)) {
            if (errno != EEXIST)
                return -errno;
            continue;
        }
        parent_of(path, parent);
        int error = file_sync_directory(d->fd, parent);
        if (error)
            return error;
    }
    return 0;
}

static int give_name(struct directory *d, const char *part, const char *key, enum objects_flags flags)
{
    if (!(flags & OBJECTS_ABSENT))
        return renameat(d->parts_fd, part, d->fd, key) ? -errno : 0;
    return linkat(d->parts_fd, part, d->fd, key, 0) ? -errno : 0;
}

// What was written takes its name. The part is closed, and is gone in any case.
static int finish_part(
    struct directory *d, int fd, const char *part, const char *key, enum objects_flags flags, struct reason *why)
{
    char parent[KEY_MAX];
    int error = fsync(fd) ? -errno : 0;
    if (close(fd) && !error)
        error = -errno;
    if (!error)
        error = make_parents(d, key);
    if (!error)
        error = give_name(d, part, key, flags);
    unlinkat(d->parts_fd, part, 0);
    if (error)
        return error == -EEXIST ? reason_set(why, error, "%s is there already", key)
                                : fails(why, error, "written", key);
    parent_of(key, parent);
    // It has its name, but a power cut might take it.
    if (file_sync_directory(d->fd, parent))
        return reason_set(why, -EINPROGRESS, "the directory of %s cannot be synced", key);
    return 0;
}

static int dir_begin(struct objects *objects, const char *key, struct upload **upload, struct reason *why)
{
    struct directory *d = directory_of(objects);
    struct dir_upload *u = calloc(1, sizeof *u);
    if (!u)
        return -ENOMEM;
    u->upload.objects = objects;
    if ((size_t)snprintf(u->key, sizeof u->key, "%s", key) >= sizeof u->key) {
        free(u);
        return fails(why, -ENAMETOOLONG, "written", key);
    }
    u->fd = open_part(d, u->part);
    if (u->fd < 0) {
        int error = u->fd;
        free(u);
        return fails(why, error, "written", key);
    }
    *upload = &u->upload;
    return 0;
}

static int dir_add(struct upload *upload, const void *from, size_t size, struct reason *why)
{
    struct dir_upload *u = (struct dir_upload *)upload;
    int error = file_write(u->fd, (struct slice){.at = from, .size = size});
    if (error)
        return fails(why, error, "written", u->key);
    u->size += (off_t)size;
    // A large file is not left to the sync at its end, which all commits of the store would have to wait for.
    if (u->size - u->begun >= WRITE_BEHIND) {
        sync_file_range(u->fd, u->begun, u->size - u->begun, SYNC_FILE_RANGE_WRITE);
        u->begun = u->size;
    }
    return 0;
}

static int dir_finish(struct upload *upload, enum objects_flags flags, struct reason *why)
{
    struct dir_upload *u = (struct dir_upload *)upload;
    int error = finish_part(directory_of(upload->objects), u->fd, u->part, u->key, flags, why);
    free(u);
    return error;
}

static void dir_abort(struct upload *upload)
{
    struct dir_upload *u = (struct dir_upload *)upload;
    close(u->fd);
    unlinkat(directory_of(upload->objects)->parts_fd, u->part, 0);
    free(u);
}

static int dir_put(
    struct objects *objects, const char *key, struct slice content, enum objects_flags flags, struct reason *why)
{
    struct upload *upload;
    int error = dir_begin(objects, key, &upload, why);
    if (error)
        return error;
    error = dir_add(upload, content.at, content.size, why);
    if (!error)
        return dir_finish(upload, flags, why);
    dir_abort(upload);
    return error;
}

static int dir_remove(struct objects *objects, const char *key, struct reason *why)
{
    if (unlinkat(directory_of(objects)->fd, key, 0) && errno != ENOENT && errno != ENOTDIR)
        return fails(why, -errno, "removed", key);
    return 0;
}

// ---- reading

static int open_key(struct objects *objects, const char *key, struct stat *about, struct reason *why)
{
    int fd = openat(directory_of(objects)->fd, key, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fails(why, errno == ENOTDIR ? -ENOENT : -errno, "opened", key);
    int error = fstat(fd, about) ? -errno : S_ISREG(about->st_mode) ? 0 : -ENOENT;
    if (!error)
        return fd;
    close(fd);
    return fails(why, error, "opened", key);
}

static int read_all(int fd, char *to, size_t size, off_t offset)
{
    while (size) {
        ssize_t got = pread(fd, to, size, offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got < 0 ? -errno : -EIO;
        to += got;
        size -= (size_t)got;
        offset += got;
    }
    return 0;
}

static int dir_get(struct objects *objects, const char *key, struct bytes *out, struct reason *why)
{
    struct stat about;
    int fd = open_key(objects, key, &about, why);
    if (fd < 0)
        return fd;
    size_t size = (size_t)about.st_size;
    char *to = about.st_size <= GET_MAX ? bytes_reserve(out, size) : NULL;
    int error = to ? read_all(fd, to, size, 0) : about.st_size > GET_MAX ? -EFBIG : -ENOMEM;
    close(fd);
    if (error)
        return fails(why, error, "read", key);
    out->size += size;
    return 0;
}

static int dir_get_range(
    struct objects *objects, const char *key, uint64_t offset, void *to, size_t size, struct reason *why)
{
    struct stat about;
    int fd = open_key(objects, key, &about, why);
    if (fd < 0)
        return fd;
    int error = read_all(fd, to, size, (off_t)offset);
    close(fd);
    return error ? fails(why, error, "read", key) : 0;
}

static int dir_size(struct objects *objects, const char *key, uint64_t *size_bytes, struct reason *why)
{
    struct stat about;
    int fd = open_key(objects, key, &about, why);
    if (fd < 0)
        return fd;
    close(fd);
    *size_bytes = (uint64_t)about.st_size;
    return 0;
}

// ---- listing

struct listing {
    const char *prefix;
    objects_visit *visit;
    void *context;
    struct reason *why;
};

static int list_directory(int parent_fd, const char *name, const char *path, unsigned level, struct listing *l);

static bool begins_alike(const char *key, const char *prefix)
{
    while (*key && *prefix && *key == *prefix)
        key++, prefix++;
    return !*key || !*prefix;
}

static int list_entry(int fd, const char *name, const char *path, unsigned level, struct listing *l)
{
    char key[KEY_MAX];
    struct stat about;
    if ((size_t)snprintf(key, sizeof key, "%s%s%s", path, *path ? "/" : "", name) >= sizeof key ||
        !begins_alike(key, l->prefix))
        return 0;
    // What is removed meanwhile is not there.
    if (fstatat(fd, name, &about, AT_SYMLINK_NOFOLLOW))
        return errno == ENOENT ? 0 : -errno;
    if (S_ISDIR(about.st_mode))
        return list_directory(fd, name, key, level + 1, l);
    if (!S_ISREG(about.st_mode) || strncmp(key, l->prefix, strlen(l->prefix)) != 0)
        return 0;
    int64_t changed_at_us = about.st_mtim.tv_sec * WHEN_US_PER_SECOND + about.st_mtim.tv_nsec / 1000;
    return l->visit(l->context, slice_of(key), (uint64_t)about.st_size, changed_at_us);
}

static int list_directory(int parent_fd, const char *name, const char *path, unsigned level, struct listing *l)
{
    if (level > LEVELS_MAX)
        return -ELOOP;
    int fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (!dir)
        return errno == ENOENT ? 0 : -errno;
    int error = 0;
    for (struct dirent *entry; !error && (entry = readdir(dir));)
        if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..") && (level || strcmp(entry->d_name, PARTS)))
            error = list_entry(fd, entry->d_name, path, level, l);
    closedir(dir);
    return error;
}

static int dir_list(
    struct objects *objects, const char *prefix, objects_visit *visit, void *context, struct reason *why)
{
    struct listing l = {.prefix = prefix, .visit = visit, .context = context, .why = why};
    int error = list_directory(directory_of(objects)->fd, ".", "", 0, &l);
    return error ? reason_set(why, error, "%s cannot be listed: %s", objects->root, strerror(-error)) : 0;
}

// ---- opening

static void dir_close(struct objects *objects)
{
    struct directory *d = directory_of(objects);
    if (d->fd >= 0)
        close(d->fd);
    if (d->parts_fd >= 0)
        close(d->parts_fd);
    free(objects->root);
    free(d);
}

static const struct objects_kind directory_kind = {
    .put = dir_put,
    .get = dir_get,
    .get_range = dir_get_range,
    .size = dir_size,
    .list = dir_list,
    .remove = dir_remove,
    .begin = dir_begin,
    .add = dir_add,
    .finish = dir_finish,
    .abort = dir_abort,
    .close = dir_close,
};

static void remove_old_parts(struct directory *d)
{
    int fd = openat(d->parts_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    struct stat about;
    if (!dir)
        return;
    time_t old_s = time(NULL) - PART_AGE_S;
    for (struct dirent *entry; (entry = readdir(dir));)
        if (entry->d_name[0] != '.' && fstatat(fd, entry->d_name, &about, 0) == 0 && about.st_mtime < old_s)
            unlinkat(fd, entry->d_name, 0);
    closedir(dir);
}

// Makes the last of the directories, and opens it.
static int open_root(struct directory *d, const char *path)
{
    if (mkdir(path, 0755) && errno != EEXIST)
        return -errno;
    d->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (d->fd < 0 || (mkdirat(d->fd, PARTS, 0755) && errno != EEXIST))
        return -errno;
    d->parts_fd = openat(d->fd, PARTS, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return d->parts_fd < 0 ? -errno : 0;
}

int objects_dir_open(struct objects **objects, const char *path, struct reason *why)
{
    // Some readers take %41 for a letter and what is behind # or ? for something else, and some do not.
    if (path[0] != '/' || strpbrk(path, "%#?\"\n"))
        return reason_set(why, -EINVAL, "%s: a lake's directory is an absolute path without any of %%#?\"", path);
    struct directory *d = calloc(1, sizeof *d);
    if (!d)
        return -ENOMEM;
    size_t size = strlen(path);
    while (size > 1 && path[size - 1] == '/')
        size--;
    *d = (struct directory){.objects.kind = &directory_kind, .fd = -1, .parts_fd = -1};
    int error = asprintf(&d->objects.root, "file://%.*s", (int)size, path) < 0 ? -ENOMEM : 0;
    if (error)
        d->objects.root = NULL;
    if (!error)
        error = open_root(d, path);
    if (error) {
        dir_close(&d->objects);
        return reason_set(why, error, "the lake's directory %s cannot be used: %s", path, strerror(-error));
    }
    remove_old_parts(d);
    *objects = &d->objects;
    return 0;
}
