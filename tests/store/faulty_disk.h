// A disk on which writes and syncs fail when a test says so: SQLite's VFS, with each file wrapped.
#pragma once

#include "tests/store/store_fixture.h"

#include <sqlite3.h>

enum disk_fault { DISK_FULL, DISK_BROKEN };

static atomic_long disk_until_fault; // writes (and syncs, of a broken one) from now to the one that fails; 0: none does
static atomic_bool disk_stays_faulty;
static enum disk_fault disk_fault;

struct disk_file {
    sqlite3_file base;
    sqlite3_file *real;
};

static inline void disk_fail_at(long operation, enum disk_fault fault, bool stays)
{
    disk_fault = fault;
    disk_stays_faulty = stays;
    disk_until_fault = operation;
}

static inline bool disk_fails(void)
{
    if (disk_until_fault <= 0)
        return false;
    if (disk_until_fault == 1)
        return disk_stays_faulty || atomic_exchange(&disk_until_fault, 0) == 1;
    disk_until_fault--;
    return false;
}

#define REAL(file) ((struct disk_file *)(file))->real

static inline int disk_write(sqlite3_file *file, const void *from, int size, sqlite3_int64 offset)
{
    if (!disk_fails())
        return REAL(file)->pMethods->xWrite(REAL(file), from, size, offset);
    if (disk_fault == DISK_FULL)
        return SQLITE_FULL;
    // Half of it arrives.
    REAL(file)->pMethods->xWrite(REAL(file), from, size / 2, offset);
    return SQLITE_IOERR_WRITE;
}

// What was written may be there all the same.
static inline int disk_sync(sqlite3_file *file, int flags)
{
    return disk_fault == DISK_BROKEN && disk_fails() ? SQLITE_IOERR_FSYNC
                                                     : REAL(file)->pMethods->xSync(REAL(file), flags);
}

static inline int disk_close(sqlite3_file *file)
{
    int result = REAL(file)->pMethods ? REAL(file)->pMethods->xClose(REAL(file)) : SQLITE_OK;
    free(REAL(file));
    return result;
}

static inline int disk_read(sqlite3_file *file, void *to, int size, sqlite3_int64 offset)
{
    return REAL(file)->pMethods->xRead(REAL(file), to, size, offset);
}

static inline int disk_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    return REAL(file)->pMethods->xTruncate(REAL(file), size);
}

static inline int disk_size(sqlite3_file *file, sqlite3_int64 *size)
{
    return REAL(file)->pMethods->xFileSize(REAL(file), size);
}

static inline int disk_lock(sqlite3_file *file, int level)
{
    return REAL(file)->pMethods->xLock(REAL(file), level);
}

static inline int disk_unlock(sqlite3_file *file, int level)
{
    return REAL(file)->pMethods->xUnlock(REAL(file), level);
}

static inline int disk_check_lock(sqlite3_file *file, int *held)
{
    return REAL(file)->pMethods->xCheckReservedLock(REAL(file), held);
}

static inline int disk_control(sqlite3_file *file, int operation, void *argument)
{
    return REAL(file)->pMethods->xFileControl(REAL(file), operation, argument);
}

static inline int disk_sector(sqlite3_file *file)
{
    return REAL(file)->pMethods->xSectorSize(REAL(file));
}

static inline int disk_traits(sqlite3_file *file)
{
    return REAL(file)->pMethods->xDeviceCharacteristics(REAL(file));
}

static inline int disk_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **at)
{
    return REAL(file)->pMethods->xShmMap(REAL(file), page, size, extend, at);
}

static inline int disk_shm_lock(sqlite3_file *file, int offset, int count, int flags)
{
    return REAL(file)->pMethods->xShmLock(REAL(file), offset, count, flags);
}

static inline void disk_shm_barrier(sqlite3_file *file)
{
    REAL(file)->pMethods->xShmBarrier(REAL(file));
}

static inline int disk_shm_unmap(sqlite3_file *file, int remove)
{
    return REAL(file)->pMethods->xShmUnmap(REAL(file), remove);
}

static const sqlite3_io_methods disk_methods = {
    .iVersion = 2,
    .xClose = disk_close,
    .xRead = disk_read,
    .xWrite = disk_write,
    .xTruncate = disk_truncate,
    .xSync = disk_sync,
    .xFileSize = disk_size,
    .xLock = disk_lock,
    .xUnlock = disk_unlock,
    .xCheckReservedLock = disk_check_lock,
    .xFileControl = disk_control,
    .xSectorSize = disk_sector,
    .xDeviceCharacteristics = disk_traits,
    .xShmMap = disk_shm_map,
    .xShmLock = disk_shm_lock,
    .xShmBarrier = disk_shm_barrier,
    .xShmUnmap = disk_shm_unmap,
};

static inline int disk_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out)
{
    sqlite3_vfs *real = vfs->pAppData;
    REAL(file) = calloc(1, (size_t)real->szOsFile);
    int result = real->xOpen(real, name, REAL(file), flags, out);
    file->pMethods = result == SQLITE_OK ? &disk_methods : NULL;
    if (result != SQLITE_OK)
        free(REAL(file));
    return result;
}

// From here on every file that SQLite opens is on this disk.
static inline void disk_install(void)
{
    static sqlite3_vfs vfs;
    sqlite3_vfs *real = sqlite3_vfs_find(NULL);
    vfs = *real;
    vfs.zName = "faulty";
    vfs.pAppData = real;
    vfs.szOsFile = sizeof(struct disk_file);
    vfs.xOpen = disk_open;
    vfs.pNext = NULL;
    sqlite3_vfs_register(&vfs, 1);
}
