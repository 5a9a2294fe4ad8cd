#include "store/backup.h"

#include "store/stage.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define BYTES_AT_ONCE ((size_t)1 << 20)

struct job {
    struct survey survey; // of where it comes from
    struct stage stage;   // where it goes
    const struct backup_progress *progress;
    struct backup_made *made;
    const char *tenant;
    uint64_t done, total; // bytes; `done` of the files before this one
};

static void show(void *context, uint64_t copied)
{
    struct job *job = context;
    if (job->progress->show)
        job->progress->show(job->progress->context, job->tenant, job->done + copied, job->total);
}

static uint64_t size_of(const char *path)
{
    struct stat st;
    return stat(path, &st) ? 0 : (uint64_t)st.st_size;
}

// The owner and the mode of the file, as far as this user may give them.
static void keep_owner(const char *from, const char *to)
{
    struct stat st;
    if (stat(from, &st) || chmod(to, st.st_mode & 07777) || geteuid() != 0)
        return;
    if (chown(to, st.st_uid, st.st_gid))
        return; // a file system without owners
}

// Can it be opened, and does its log end in an event that can be read?
static int check_ends(const char *path, struct reason *why)
{
    struct engine *engine;
    struct event_row row = {0};
    uint64_t mark;
    int error = engine_open(&engine, path, ENGINE_AT_REST, why);
    if (error)
        return error;
    error = engine_last_event(engine, &row);
    if (error == -ENOENT)
        error = 0;
    if (!error)
        error = engine_mark(engine, &mark);
    if (!error && mark > row.position)
        error = reason_set(why, -EIO, "%s is damaged: its index is ahead of its log", path);
    if (error)
        reason_set(why, error, "%s: %s", path, engine_error(engine));
    engine_close(engine);
    return error;
}

// Adds one copied file to the stage.
static int add_file(struct job *job, const char *from, const char *to, const char *name, struct reason *why)
{
    keep_owner(from, to);
    uint64_t size = size_of(to);
    job->done += size;
    job->made->bytes += size;
    return stage_add(&job->stage, name, why);
}

// ---- backup

static int back_up_tenant(struct job *job, const struct tenant_info *tenant, struct reason *why)
{
    char from[512], to[512], name[80];
    struct engine *engine;
    struct copy_progress progress = {.copied = show, .context = job};
    survey_file(&job->survey, tenant->name, from);
    snprintf(name, sizeof name, "%s.db", tenant->name);
    stage_file(&job->stage, name, to);
    // A tenant that nobody used yet has no file.
    if (access(from, F_OK))
        return 0;
    job->tenant = tenant->name;
    int error = engine_open(&engine, from, job->survey.mode, why);
    if (error)
        return error;
    error = engine_copy(engine, to, &progress, why);
    engine_close(engine);
    if (!error)
        error = check_ends(to, why);
    job->made->tenants += !error;
    return error ? error : add_file(job, from, to, name, why);
}

// First, so that it names no tenant that the backup does not have.
static int back_up_catalog(struct job *job, char copy[static 512], struct reason *why)
{
    char from[512];
    struct catalog *catalog;
    snprintf(from, sizeof from, "%s/catalog", job->survey.path);
    stage_file(&job->stage, "catalog", copy);
    int error = catalog_open(&catalog, from, job->survey.mode, job->survey.alphabet, why);
    if (error)
        return error;
    error = catalog_copy(catalog, copy, why);
    catalog_close(catalog);
    keep_owner(from, copy);
    return error ? error : survey_read(&job->survey, copy, ENGINE_AT_REST, why);
}

// ---- restore

static int copy_bytes(struct job *job, int from, int to)
{
    for (uint64_t copied = 0;;) {
        ssize_t got = copy_file_range(from, NULL, to, NULL, BYTES_AT_ONCE, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got < 0 ? -errno : 0;
        copied += (uint64_t)got;
        show(job, copied);
    }
}

static int copy_file(struct job *job, const char *from, const char *to, struct reason *why)
{
    int in = open(from, O_RDONLY | O_CLOEXEC), out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    int error = in < 0 || out < 0 ? -errno : copy_bytes(job, in, out);
    if (in >= 0)
        close(in);
    if (out >= 0 && close(out) && !error)
        error = -errno;
    return error ? reason_set(why, error, "%s cannot be copied to %s: %s", from, to, strerror(-error)) : 0;
}

// A backup that was mounted and killed has logs beside its files.
static bool has_log(const char *path)
{
    char log[520];
    snprintf(log, sizeof log, "%s-wal", path);
    return size_of(log) > 0;
}

static int restore_tenant(struct job *job, const struct tenant_info *tenant, struct reason *why)
{
    char from[512], to[512], name[80];
    survey_file(&job->survey, tenant->name, from);
    // Only of a file that is the whole truth, and stays so, the bytes can be copied.
    if (job->survey.mode != ENGINE_AT_REST || has_log(from) || access(from, F_OK))
        return back_up_tenant(job, tenant, why);
    snprintf(name, sizeof name, "%s.db", tenant->name);
    stage_file(&job->stage, name, to);
    job->tenant = tenant->name;
    int error = check_ends(from, why);
    if (!error)
        error = copy_file(job, from, to, why);
    if (!error)
        error = check_ends(to, why);
    job->made->tenants += !error;
    return error ? error : add_file(job, from, to, name, why);
}

// ---- both

static int copy_store(struct job *job, bool restores, struct reason *why)
{
    char catalog[512], path[512];
    int error = back_up_catalog(job, catalog, why);
    for (uint32_t i = 0; !error && i < job->survey.count; i++) {
        survey_file(&job->survey, job->survey.tenants[i].name, path);
        job->total += size_of(path);
    }
    for (uint32_t i = 0; !error && i < job->survey.count; i++)
        error = (restores ? restore_tenant : back_up_tenant)(job, &job->survey.tenants[i], why);
    return error ? error : stage_add(&job->stage, "catalog", why);
}

static int run(const char *from, const char *to, bool restores, const struct backup_progress *progress,
    struct backup_made *made, struct reason *why)
{
    struct job job = {.progress = progress, .made = made};
    *made = (struct backup_made){0};
    // Of a backup that was cut off while it took its names, the rest of the names is given first.
    struct stage ended = {.dir_fd = -1, .lock_fd = -1};
    int error = restores && stage_is_renaming(from) ? stage_open(&ended, from, false, why) : 0;
    stage_close(&ended);
    if (!error)
        error = survey_open(&job.survey, from, why);
    if (error)
        return error;
    error = stage_open(&job.stage, to, restores, why);
    if (!error && restores && job.stage.finished) {
        made->finished = true;
    } else if (!error) {
        error = copy_store(&job, restores, why);
        if (!error)
            error = stage_commit(&job.stage, why);
        else
            stage_abandon(&job.stage);
    }
    stage_close(&job.stage);
    survey_close(&job.survey);
    return error ? reason_set(why, error, "%s", strerror(-error)) : 0;
}

int backup_make(const char *store, const char *directory, const struct backup_progress *progress,
    struct backup_made *made, struct reason *why)
{
    return run(store, directory, false, progress, made, why);
}

int backup_restore(const char *directory, const char *store, const struct backup_progress *progress,
    struct backup_made *made, struct reason *why)
{
    return run(directory, store, true, progress, made, why);
}
