// A copy of a file, page by page, as of one moment.
#include "store/sqlite/rows.h"
#include "store/sqlite/wal.h"

#include <unistd.h>

#define PAGES_AT_ONCE 512

static int to_errno(struct connection *c, sqlite3 *target, int result)
{
    if (result == SQLITE_FULL || (result != SQLITE_DONE && sqlite3_system_errno(target) == ENOSPC))
        return -ENOSPC;
    return connection_result(c, result);
}

static int copy_pages(struct connection *c, sqlite3 *target, const struct copy_progress *progress)
{
    sqlite3_backup *backup = sqlite3_backup_init(target, "main", c->db, "main");
    if (!backup)
        return to_errno(c, target, sqlite3_errcode(target));
    int result;
    do {
        result = sqlite3_backup_step(backup, PAGES_AT_ONCE);
        uint64_t pages = (uint64_t)(sqlite3_backup_pagecount(backup) - sqlite3_backup_remaining(backup));
        if (progress && progress->copied)
            progress->copied(progress->context, pages * WAL_PAGE_SIZE);
    } while (result == SQLITE_OK);
    int error = to_errno(c, target, result);
    int finished = sqlite3_backup_finish(backup);
    return error ? error : to_errno(c, target, finished);
}

int connection_copy(struct connection *c, const char *to, const struct copy_progress *progress, struct reason *why)
{
    sqlite3 *target = NULL;
    if (unlink(to) && errno != ENOENT)
        return reason_set(why, -errno, "%s cannot be replaced: %s", to, strerror(errno));
    int error = connection_keep_private(to, true);
    if (error)
        return reason_set(why, error, "%s cannot be made: %s", to, strerror(-error));
    // One read transaction over all steps: what is committed meanwhile does not begin the copy anew.
    error = connection_execute(c, "BEGIN; SELECT count(*) FROM sqlite_schema");
    if (!error)
        error = to_errno(c, target,
            sqlite3_open_v2(to, &target, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL));
    // Until it is whole it is nobody's; whoever asked for it syncs it then.
    if (!error)
        error = to_errno(
            c, target, sqlite3_exec(target, "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF", NULL, NULL, NULL));
    if (!error)
        error = copy_pages(c, target, progress);
    sqlite3_close(target);
    connection_execute(c, "ROLLBACK");
    if (error == -ENOSPC)
        return reason_set(why, error, "%s cannot be written: no space left", to);
    return error ? reason_set(why, error, "%s cannot be written: %s", to, c->error) : 0;
}

int engine_copy(struct engine *e, const char *to, const struct copy_progress *progress, struct reason *why)
{
    return connection_copy(&e->connection, to, progress, why);
}
