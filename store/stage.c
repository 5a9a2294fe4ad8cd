#include "store/stage.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_MAX_SIZE 128

static bool ends_in(const char *name, const char *end)
{
    size_t size = strlen(name), end_size = strlen(end);
    return size > end_size && strcmp(name + size - end_size, end) == 0;
}

static bool is_listed(const struct bytes *names, const char *name)
{
    size_t size = strlen(name);
    for (size_t at = 0; at + size < names->size; at += strcspn(names->at + at, "\n") + 1)
        if (memcmp(names->at + at, name, size) == 0 && names->at[at + size] == '\n')
            return true;
    return false;
}

static bool is_database(const char *name)
{
    return ends_in(name, ".db") || strcmp(name, "catalog") == 0;
}

// What a store or a backup may hold besides its new files.
static bool is_ours(const char *name)
{
    static const char *const names[] = {
        "lock", "lost+found", STAGE_RENAMING, "catalog", "catalog-wal", "catalog-shm", NULL};
    for (const char *const *n = names; *n; n++)
        if (strcmp(name, *n) == 0)
            return true;
    return ends_in(name, ".db") || ends_in(name, ".db-wal") || ends_in(name, ".db-shm") || ends_in(name, STAGE_NEW);
}

// Calls `visit` for each name in the directory until one answers an error.
static int each_name(
    struct stage *s, int (*visit)(struct stage *, const char *name, struct reason *), struct reason *why)
{
    int fd = openat(s->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), error = 0;
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (!dir)
        return reason_set(why, -errno, "%s cannot be read: %s", s->path, strerror(errno));
    for (struct dirent *entry; !error && (entry = readdir(dir));)
        if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
            error = visit(s, entry->d_name, why);
    closedir(dir);
    return error;
}

static int remove_name(struct stage *s, const char *name, struct reason *why)
{
    if (unlinkat(s->dir_fd, name, 0) == 0 || errno == ENOENT)
        return 0;
    return reason_set(why, -errno, "%s/%s cannot be removed: %s", s->path, name, strerror(errno));
}

static int remove_new(struct stage *s, const char *name, struct reason *why)
{
    return ends_in(name, STAGE_NEW) ? remove_name(s, name, why) : 0;
}

static int refuse_any(struct stage *s, const char *name, struct reason *why)
{
    if (!strcmp(name, "lock") || !strcmp(name, "lost+found"))
        return 0;
    return reason_set(why, -ENOTEMPTY, "%s is not empty: it holds %s", s->path, name);
}

static int refuse_strange(struct stage *s, const char *name, struct reason *why)
{
    if (is_ours(name))
        return 0;
    return reason_set(why, -ENOTEMPTY, "%s holds %s, and is no backup of factfs", s->path, name);
}

static int sync_directory(struct stage *s, struct reason *why)
{
    return fsync(s->dir_fd) ? reason_set(why, -errno, "%s cannot be synced: %s", s->path, strerror(errno)) : 0;
}

// ---- renaming

// The log of an old file must not be taken for that of the new one, nor an old file for one that belongs to the new.
static int remove_unlisted(struct stage *s, const char *name, struct reason *why)
{
    bool beside = ends_in(name, "-wal") || ends_in(name, "-shm");
    return beside || (is_database(name) && !is_listed(&s->names, name)) ? remove_name(s, name, why) : 0;
}

// What is named already was so before a kill.
static int rename_all(struct stage *s, struct reason *why)
{
    int error = each_name(s, remove_unlisted, why);
    for (size_t at = 0; !error && at < s->names.size;) {
        char name[NAME_MAX_SIZE], from[NAME_MAX_SIZE + sizeof STAGE_NEW];
        size_t size = strcspn(s->names.at + at, "\n");
        snprintf(name, sizeof name, "%.*s", (int)size, s->names.at + at);
        snprintf(from, sizeof from, "%s" STAGE_NEW, name);
        if (renameat(s->dir_fd, from, s->dir_fd, name) && errno != ENOENT)
            error = reason_set(why, -errno, "%s/%s cannot be renamed: %s", s->path, from, strerror(errno));
        at += size + 1;
    }
    if (!error)
        error = sync_directory(s, why);
    if (!error)
        error = remove_name(s, STAGE_RENAMING, why);
    return error ? error : sync_directory(s, why);
}

// The list counts once its last line says that it is whole.
static const char list_end[] = "end\n";

static int write_list(struct stage *s, struct reason *why)
{
    int fd = openat(s->dir_fd, STAGE_RENAMING STAGE_NEW, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    bool written = fd >= 0 && write(fd, s->names.at, s->names.size) == (ssize_t)s->names.size &&
                   write(fd, list_end, sizeof list_end - 1) == (ssize_t)sizeof list_end - 1 && fsync(fd) == 0;
    int error = written ? 0 : errno ? -errno : -EIO;
    if (fd >= 0)
        close(fd);
    if (!error && renameat(s->dir_fd, STAGE_RENAMING STAGE_NEW, s->dir_fd, STAGE_RENAMING))
        error = -errno;
    if (error)
        return reason_set(why, error, "%s/" STAGE_RENAMING " cannot be written: %s", s->path, strerror(-error));
    return sync_directory(s, why);
}

static int read_list(struct stage *s, bool *there, struct reason *why)
{
    int fd = openat(s->dir_fd, STAGE_RENAMING, O_RDONLY | O_CLOEXEC), error = 0;
    *there = fd >= 0;
    if (fd < 0)
        return errno == ENOENT ? 0 : reason_set(why, -errno, "%s/" STAGE_RENAMING ": %s", s->path, strerror(errno));
    ssize_t got;
    do {
        char *to = bytes_reserve(&s->names, 65536);
        got = to ? read(fd, to, 65536) : -1;
        s->names.size += got > 0 ? (size_t)got : 0;
    } while (got > 0);
    close(fd);
    size_t end = sizeof list_end - 1;
    if (got < 0 || s->names.size < end || memcmp(s->names.at + s->names.size - end, list_end, end) != 0)
        error = reason_set(why, -EIO, "%s/" STAGE_RENAMING " cannot be read", s->path);
    s->names.size -= error ? 0 : end;
    return error;
}

bool stage_is_renaming(const char *path)
{
    char renaming[512];
    snprintf(renaming, sizeof renaming, "%s/" STAGE_RENAMING, path);
    return access(renaming, F_OK) == 0;
}

// ---- opening

static int open_directory(struct stage *s, const char *path, struct reason *why)
{
    if ((size_t)snprintf(s->path, sizeof s->path, "%s", path) >= sizeof s->path)
        return reason_set(why, -ENAMETOOLONG, "%s: the name is too long", path);
    if (mkdir(path, 0700) && errno != EEXIST)
        return reason_set(why, -errno, "%s cannot be made: %s", path, strerror(errno));
    s->dir_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return s->dir_fd < 0 ? reason_set(why, -errno, "%s cannot be opened: %s", path, strerror(errno)) : 0;
}

static int take_lock(struct stage *s, struct reason *why)
{
    s->lock_fd = openat(s->dir_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (s->lock_fd < 0)
        return reason_set(why, -errno, "%s/lock cannot be opened: %s", s->path, strerror(errno));
    return flock(s->lock_fd, LOCK_EX | LOCK_NB) ? reason_set(why, -EBUSY, "%s is in use by another factfs", s->path)
                                                : 0;
}

int stage_open(struct stage *s, const char *path, bool empty, struct reason *why)
{
    *s = (struct stage){.dir_fd = -1, .lock_fd = -1};
    int error = open_directory(s, path, why);
    // Before the lock: nothing is to be left in a stranger's directory.
    if (!error)
        error = each_name(s, refuse_strange, why);
    if (!error)
        error = take_lock(s, why);
    if (!error)
        error = read_list(s, &s->finished, why);
    if (!error)
        error = s->finished ? rename_all(s, why) : each_name(s, remove_new, why);
    bytes_clear(&s->names);
    if (!error && empty && !s->finished)
        error = each_name(s, refuse_any, why);
    if (error)
        stage_close(s);
    return error;
}

void stage_close(struct stage *s)
{
    if (s->dir_fd >= 0)
        close(s->dir_fd);
    if (s->lock_fd >= 0)
        close(s->lock_fd);
    bytes_free(&s->names);
    s->dir_fd = s->lock_fd = -1;
}

void stage_file(const struct stage *s, const char *name, char path[static 512])
{
    snprintf(path, 512, "%s/%s" STAGE_NEW, s->path, name);
}

int stage_add(struct stage *s, const char *name, struct reason *why)
{
    char file[NAME_MAX_SIZE];
    snprintf(file, sizeof file, "%s" STAGE_NEW, name);
    int fd = openat(s->dir_fd, file, O_RDONLY | O_CLOEXEC);
    int error = fd < 0 || fsync(fd) ? -errno : 0;
    if (fd >= 0)
        close(fd);
    if (error)
        return reason_set(why, error, "%s/%s cannot be synced: %s", s->path, file, strerror(-error));
    bytes_printf(&s->names, "%s\n", name);
    return s->names.failed ? -ENOMEM : 0;
}

int stage_commit(struct stage *s, struct reason *why)
{
    int error = write_list(s, why);
    return error ? error : rename_all(s, why);
}

void stage_abandon(struct stage *s)
{
    each_name(s, remove_new, NULL);
}
