// A SQLite VFS on which the power can fail. What a process reads is always what it wrote; what survives the cut is what
// was synced, and of the rest whatever chance keeps: whole writes, some sectors of a write, a longer file full of
// noise, a new file or no file.
//
// The files are real ones under the unix VFS. For each, the writes since its last sync are kept in memory with the
// bytes that they replaced; at the cut they are undone, some are done again, and the process ends with CUT_STATUS.
// Syncs reach no disk, so a thousand cuts take seconds. A new file's entry in its directory survives once the directory
// was synced: by SQLite after it made a journal or a write-ahead log, or by the program itself through fsync(2) on the
// directory, which this header replaces.
//
// One VFS a process, registered as the default before the first database is opened; any thread may then use it. Files
// that do not go through SQLite are not followed.
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CUT_STATUS 77
#define CUT_SECTOR 512

// One change of a file that was not synced yet, and what is needed to undo it.
struct cut_change {
    bool truncate;
    int64_t at;          // where the bytes begin; of a truncation the new size
    int64_t size;        // of `now`
    int64_t size_before; // of the file
    int64_t lost;        // how many bytes of `before` there are
    uint8_t *now, *before;
};

struct cut_disk {
    char *path;
    struct cut_change *changes;
    size_t count, room;
    bool entry_durable; // a cut leaves the file where it is
    bool syncs_entries; // its first sync also syncs its directory, as the unix VFS does for a journal that it made
    bool deleted;
    uint8_t *ghost; // what it held when it was deleted, until the directory is synced
    int64_t ghost_size;
    struct cut_disk *next;
};

struct cut_file {
    sqlite3_file base;
    struct cut_disk *disk; // NULL for a temporary file
    sqlite3_file *lower;   // behind this struct
};

static struct {
    pthread_mutex_t lock;
    sqlite3_vfs *lower;
    sqlite3_vfs vfs;
    struct cut_disk *disks;
    uint64_t random;
    uint64_t operations; // so far
    uint64_t cut_at;     // the operation at which the power fails; 0: never
} cut = {.lock = PTHREAD_MUTEX_INITIALIZER};

// ---- chance

static inline uint64_t cut_random(uint64_t below)
{
    uint64_t z = (cut.random += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (z ^ (z >> 31)) % below;
}

static inline void *cut_allocate(size_t size)
{
    void *memory = malloc(size ? size : 1);
    if (!memory)
        abort();
    return memory;
}

// ---- the cut: everything below runs with the lock held, and the lock is never given back

static inline void cut_put(int fd, const uint8_t *bytes, int64_t size, int64_t at)
{
    if (size && pwrite(fd, bytes, (size_t)size, at) != size)
        abort();
}

static inline void cut_undo(int fd, const struct cut_change *c)
{
    cut_put(fd, c->before, c->lost, c->at);
    if (ftruncate(fd, c->size_before) < 0)
        abort();
}

static inline void cut_redo_torn(int fd, const struct cut_change *c)
{
    for (int64_t at = 0; at < c->size;) {
        int64_t end = (c->at + at) / CUT_SECTOR * CUT_SECTOR + CUT_SECTOR - c->at;
        end = end < c->size ? end : c->size;
        if (cut_random(2))
            cut_put(fd, c->now + at, end - at, c->at + at);
        at = end;
    }
}

static inline void cut_grow_with_noise(int fd, int64_t from, int64_t to)
{
    uint8_t noise[CUT_SECTOR];
    for (int64_t at = from; at < to; at += CUT_SECTOR) {
        for (size_t i = 0; i < sizeof noise; i++)
            noise[i] = (uint8_t)cut_random(256);
        cut_put(fd, noise, to - at < CUT_SECTOR ? to - at : CUT_SECTOR, at);
    }
}

enum cut_mode { CUT_KEEP_NONE, CUT_KEEP_FIRST, CUT_KEEP_ANY, CUT_KEEP_TORN, CUT_KEEP_ALL, CUT_MODES };

static inline void cut_disk_fail(struct cut_disk *d, enum cut_mode mode)
{
    int fd = open(d->path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return;
    struct stat st;
    if (fstat(fd, &st) < 0)
        abort();
    for (size_t i = d->count; i-- > 0;)
        cut_undo(fd, &d->changes[i]);
    size_t first = d->count ? cut_random(d->count + 1) : 0;
    for (size_t i = 0; i < d->count; i++) {
        const struct cut_change *c = &d->changes[i];
        bool keep = mode == CUT_KEEP_ALL || (mode == CUT_KEEP_FIRST && i < first) ||
                    (mode >= CUT_KEEP_ANY && mode <= CUT_KEEP_TORN && cut_random(2));
        bool torn = (mode == CUT_KEEP_FIRST && i == first) || (mode == CUT_KEEP_TORN && cut_random(2));
        if (c->truncate && keep && ftruncate(fd, c->at) < 0)
            abort();
        if (c->truncate)
            continue;
        if (torn)
            cut_redo_torn(fd, c);
        else if (keep)
            cut_put(fd, c->now, c->size, c->at);
    }
    struct stat kept;
    if (fstat(fd, &kept) < 0)
        abort();
    if (kept.st_size < st.st_size && cut_random(3) == 0)
        cut_grow_with_noise(fd, kept.st_size, st.st_size);
    else if (kept.st_size < st.st_size && cut_random(2) && ftruncate(fd, st.st_size) < 0)
        abort();
    close(fd);
}

static inline void cut_entry_fail(struct cut_disk *d)
{
    if (!d->deleted && !d->entry_durable && cut_random(2))
        unlink(d->path);
    if (!d->ghost || cut_random(2))
        return;
    int fd = open(d->path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        abort();
    cut_put(fd, d->ghost, d->ghost_size, 0);
    close(fd);
}

__attribute__((noreturn)) static inline void cut_now(void)
{
    enum cut_mode mode = (enum cut_mode)cut_random(CUT_MODES);
    for (struct cut_disk *d = cut.disks; d; d = d->next) {
        if (!d->deleted)
            cut_disk_fail(d, mode);
        cut_entry_fail(d);
        char shm[4096];
        snprintf(shm, sizeof shm, "%s-shm", d->path);
        unlink(shm); // shared memory does not outlive the machine
    }
    _exit(CUT_STATUS);
}

// Counts an operation; true when the power fails during it.
static inline bool cut_counted(void)
{
    return ++cut.operations == cut.cut_at;
}

// ---- what was not synced yet

static inline void cut_disk_forget(struct cut_disk *d)
{
    for (size_t i = 0; i < d->count; i++) {
        free(d->changes[i].now);
        free(d->changes[i].before);
    }
    d->count = 0;
}

static inline void cut_disk_bury(struct cut_disk *d)
{
    free(d->ghost);
    d->ghost = NULL;
}

static inline struct cut_disk *cut_disk_find(const char *path)
{
    for (struct cut_disk *d = cut.disks; d; d = d->next)
        if (strcmp(d->path, path) == 0)
            return d;
    struct cut_disk *d = cut_allocate(sizeof *d);
    *d = (struct cut_disk){.path = strdup(path), .entry_durable = true, .next = cut.disks};
    return cut.disks = d;
}

static inline struct cut_change *cut_disk_add(struct cut_disk *d)
{
    if (d->count == d->room) {
        d->room = d->room ? d->room * 2 : 64;
        d->changes = realloc(d->changes, d->room * sizeof *d->changes);
        if (!d->changes)
            abort();
    }
    struct cut_change *c = &d->changes[d->count++];
    *c = (struct cut_change){0};
    return c;
}

// Notes what stands in [at, at + size) of the file now.
static inline int cut_change_note(struct cut_change *c, sqlite3_file *lower, int64_t at, int64_t size)
{
    int result = lower->pMethods->xFileSize(lower, (sqlite3_int64 *)&c->size_before);
    if (result != SQLITE_OK)
        return result;
    c->at = at;
    c->lost = at >= c->size_before ? 0 : size < c->size_before - at ? size : c->size_before - at;
    c->before = cut_allocate((size_t)c->lost);
    return c->lost ? lower->pMethods->xRead(lower, c->before, (int)c->lost, at) : SQLITE_OK;
}

static inline void cut_sync_entries(const char *directory)
{
    size_t size = strlen(directory);
    for (struct cut_disk *d = cut.disks; d; d = d->next) {
        if (strncmp(d->path, directory, size) != 0 || d->path[size] != '/' || strchr(d->path + size + 1, '/'))
            continue;
        d->entry_durable = true;
        cut_disk_bury(d);
    }
}

static inline void cut_sync_entries_beside(const char *path)
{
    char directory[4096];
    snprintf(directory, sizeof directory, "%.*s", (int)(strrchr(path, '/') - path), path);
    cut_sync_entries(directory);
}

// ---- a file

#define CUT_LOWER(file) (((struct cut_file *)(file))->lower)

static inline int cut_close(sqlite3_file *file)
{
    return CUT_LOWER(file)->pMethods->xClose(CUT_LOWER(file));
}

static inline int cut_read(sqlite3_file *file, void *to, int size, sqlite3_int64 at)
{
    return CUT_LOWER(file)->pMethods->xRead(CUT_LOWER(file), to, size, at);
}

static inline int cut_write(sqlite3_file *file, const void *from, int size, sqlite3_int64 at)
{
    sqlite3_file *lower = CUT_LOWER(file);
    struct cut_disk *d = ((struct cut_file *)file)->disk;
    if (!d)
        return lower->pMethods->xWrite(lower, from, size, at);
    pthread_mutex_lock(&cut.lock);
    struct cut_change *c = cut_disk_add(d);
    int result = cut_change_note(c, lower, at, size);
    c->size = size;
    c->now = cut_allocate((size_t)size);
    memcpy(c->now, from, (size_t)size);
    if (result == SQLITE_OK)
        result = lower->pMethods->xWrite(lower, from, size, at);
    if (cut_counted())
        cut_now();
    pthread_mutex_unlock(&cut.lock);
    return result;
}

static inline int cut_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    sqlite3_file *lower = CUT_LOWER(file);
    struct cut_disk *d = ((struct cut_file *)file)->disk;
    if (!d)
        return lower->pMethods->xTruncate(lower, size);
    pthread_mutex_lock(&cut.lock);
    struct cut_change *c = cut_disk_add(d);
    int result = cut_change_note(c, lower, size, INT32_MAX);
    c->truncate = true;
    if (result == SQLITE_OK)
        result = lower->pMethods->xTruncate(lower, size);
    if (cut_counted())
        cut_now();
    pthread_mutex_unlock(&cut.lock);
    return result;
}

static inline int cut_sync(sqlite3_file *file, int flags)
{
    (void)flags;
    struct cut_disk *d = ((struct cut_file *)file)->disk;
    if (!d)
        return SQLITE_OK;
    pthread_mutex_lock(&cut.lock);
    bool fails = cut_counted();
    if (fails && cut_random(2))
        cut_now();
    cut_disk_forget(d);
    if (d->syncs_entries)
        cut_sync_entries_beside(d->path);
    d->syncs_entries = false;
    if (fails)
        cut_now();
    pthread_mutex_unlock(&cut.lock);
    return SQLITE_OK;
}

static inline int cut_file_size(sqlite3_file *file, sqlite3_int64 *size)
{
    return CUT_LOWER(file)->pMethods->xFileSize(CUT_LOWER(file), size);
}

static inline int cut_lock_file(sqlite3_file *file, int level)
{
    return CUT_LOWER(file)->pMethods->xLock(CUT_LOWER(file), level);
}

static inline int cut_unlock_file(sqlite3_file *file, int level)
{
    return CUT_LOWER(file)->pMethods->xUnlock(CUT_LOWER(file), level);
}

static inline int cut_check_lock(sqlite3_file *file, int *held)
{
    return CUT_LOWER(file)->pMethods->xCheckReservedLock(CUT_LOWER(file), held);
}

static inline int cut_control(sqlite3_file *file, int what, void *argument)
{
    return CUT_LOWER(file)->pMethods->xFileControl(CUT_LOWER(file), what, argument);
}

static inline int cut_sector_size(sqlite3_file *file)
{
    return CUT_LOWER(file)->pMethods->xSectorSize(CUT_LOWER(file));
}

static inline int cut_characteristics(sqlite3_file *file)
{
    (void)file;
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

static inline int cut_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **at)
{
    return CUT_LOWER(file)->pMethods->xShmMap(CUT_LOWER(file), page, size, extend, at);
}

static inline int cut_shm_lock(sqlite3_file *file, int offset, int count, int flags)
{
    return CUT_LOWER(file)->pMethods->xShmLock(CUT_LOWER(file), offset, count, flags);
}

static inline void cut_shm_barrier(sqlite3_file *file)
{
    CUT_LOWER(file)->pMethods->xShmBarrier(CUT_LOWER(file));
}

static inline int cut_shm_unmap(sqlite3_file *file, int delete)
{
    return CUT_LOWER(file)->pMethods->xShmUnmap(CUT_LOWER(file), delete);
}

// Version 2: without xFetch SQLite maps nothing, so every read and write passes here.
static const sqlite3_io_methods cut_methods = {
    .iVersion = 2,
    .xClose = cut_close,
    .xRead = cut_read,
    .xWrite = cut_write,
    .xTruncate = cut_truncate,
    .xSync = cut_sync,
    .xFileSize = cut_file_size,
    .xLock = cut_lock_file,
    .xUnlock = cut_unlock_file,
    .xCheckReservedLock = cut_check_lock,
    .xFileControl = cut_control,
    .xSectorSize = cut_sector_size,
    .xDeviceCharacteristics = cut_characteristics,
    .xShmMap = cut_shm_map,
    .xShmLock = cut_shm_lock,
    .xShmBarrier = cut_shm_barrier,
    .xShmUnmap = cut_shm_unmap,
};

// ---- the file system

static inline int cut_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *file, int flags, int *out_flags)
{
    (void)vfs;
    struct cut_file *f = (struct cut_file *)file;
    *f = (struct cut_file){.lower = (sqlite3_file *)(f + 1)};
    bool followed = path && !(flags & SQLITE_OPEN_DELETEONCLOSE);
    pthread_mutex_lock(&cut.lock);
    bool existed = followed && access(path, F_OK) == 0;
    int result = cut.lower->xOpen(cut.lower, path, f->lower, flags, out_flags);
    if (result == SQLITE_OK && followed) {
        f->disk = cut_disk_find(path);
        if (!existed) {
            cut_disk_forget(f->disk);
            cut_disk_bury(f->disk);
            f->disk->deleted = false;
            f->disk->entry_durable = false;
            f->disk->syncs_entries = flags & (SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL);
        }
        if (!existed && cut_counted())
            cut_now();
    }
    pthread_mutex_unlock(&cut.lock);
    f->base.pMethods = f->lower->pMethods ? &cut_methods : NULL;
    return result;
}

static inline int cut_delete(sqlite3_vfs *vfs, const char *path, int sync_directory)
{
    (void)vfs;
    pthread_mutex_lock(&cut.lock);
    struct cut_disk *d = cut_disk_find(path);
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && fstat(fd, &st) == 0) {
        cut_disk_bury(d);
        d->deleted = true;
        d->ghost = cut_allocate((size_t)st.st_size);
        d->ghost_size = pread(fd, d->ghost, (size_t)st.st_size, 0);
        cut_disk_forget(d);
    }
    if (fd >= 0)
        close(fd);
    int result = cut.lower->xDelete(cut.lower, path, 0);
    if (cut_counted())
        cut_now();
    if (sync_directory)
        cut_sync_entries_beside(path);
    pthread_mutex_unlock(&cut.lock);
    return result;
}

// From here on the power fails at the `cut_at`-th write, truncation, sync, creation or deletion (0: never).
static inline void cut_vfs_register(uint64_t seed, uint64_t cut_at)
{
    cut.random = seed;
    cut.cut_at = cut_at;
    cut.lower = sqlite3_vfs_find(NULL);
    cut.vfs = *cut.lower;
    cut.vfs.zName = "cut";
    cut.vfs.pNext = NULL;
    cut.vfs.szOsFile = (int)sizeof(struct cut_file) + cut.lower->szOsFile;
    cut.vfs.xOpen = cut_open;
    cut.vfs.xDelete = cut_delete;
    if (sqlite3_vfs_register(&cut.vfs, 1) != SQLITE_OK)
        abort();
}

// Everything that was written counts as synced. Only while no file is open.
static inline void cut_vfs_forget(void)
{
    for (struct cut_disk *d; (d = cut.disks);) {
        cut.disks = d->next;
        cut_disk_forget(d);
        cut_disk_bury(d);
        free(d->changes);
        free(d->path);
        free(d);
    }
}

// ---- fsync(2) of the whole process: of a directory it makes the entries last, of all else it does nothing

int fsync(int fd)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return -1;
    if (!S_ISDIR(st.st_mode))
        return 0;
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t size = readlink(link, path, sizeof path - 1);
    if (size < 0)
        return -1;
    path[size] = '\0';
    pthread_mutex_lock(&cut.lock);
    if (cut_counted())
        cut_now();
    cut_sync_entries(path);
    pthread_mutex_unlock(&cut.lock);
    return 0;
}

int fdatasync(int fd)
{
    return fsync(fd);
}
