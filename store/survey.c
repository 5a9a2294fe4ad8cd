#include "store/survey.h"

#include "store/grow.h"
#include "store/stage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

// A store that was never mounted, as a backup is, has no file to lock: then nobody has it either.
static int take_lock(struct survey *s, struct reason *why)
{
    char path[512];
    snprintf(path, sizeof path, "%s/lock", s->path);
    s->mode = ENGINE_AT_REST;
    s->lock_fd = open(path, O_RDONLY | O_CLOEXEC);
    if (s->lock_fd < 0)
        return errno == ENOENT ? 0 : reason_set(why, -errno, "%s cannot be opened: %s", path, strerror(errno));
    if (flock(s->lock_fd, LOCK_SH | LOCK_NB) == 0)
        return 0;
    int error = -errno;
    close(s->lock_fd);
    s->lock_fd = -1;
    s->mode = ENGINE_BESIDE;
    return error == -EWOULDBLOCK ? 0 : reason_set(why, error, "%s cannot be locked: %s", path, strerror(-error));
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct tenant_info *)a)->name, ((const struct tenant_info *)b)->name);
}

static int add_tenant(struct survey *s, const struct tenant_row *row)
{
    if (!GROW(s->tenants, s->count, s->room))
        return -ENOMEM;
    int error = tenant_info_take(&s->tenants[s->count], row);
    s->count += !error;
    return error;
}

int survey_read(struct survey *s, const char *path, enum engine_mode mode, struct reason *why)
{
    struct catalog *catalog;
    int error = catalog_open(&catalog, path, mode, s->alphabet, why);
    if (error)
        return error;
    s->count = 0;
    struct tenant_row row = {0};
    while (!error && (error = catalog_from(catalog, row.number + 1, &row)) == 0)
        error = add_tenant(s, &row);
    catalog_close(catalog);
    if (error == -ENOENT)
        error = sqids_init(&s->sqids, s->alphabet, STORE_ID_LENGTH_MIN);
    if (!error && s->count)
        qsort(s->tenants, s->count, sizeof *s->tenants, by_name);
    return error ? reason_set(why, error, "%s cannot be read: %s", path, strerror(-error)) : 0;
}

static int read_catalog(struct survey *s, struct reason *why)
{
    char path[512];
    if (stage_is_renaming(s->path))
        return reason_set(why, -EINVAL, STAGE_REFUSED, s->path);
    snprintf(path, sizeof path, "%s/catalog", s->path);
    if (access(path, F_OK))
        return reason_set(why, -ENOENT, "%s is no store of factfs: it has no catalog", s->path);
    return survey_read(s, path, s->mode, why);
}

int survey_open(struct survey *s, const char *path, struct reason *why)
{
    *s = (struct survey){.lock_fd = -1, .alphabet = SQID_DEFAULT_ALPHABET};
    if ((size_t)snprintf(s->path, sizeof s->path, "%s", path) >= sizeof s->path)
        return reason_set(why, -ENAMETOOLONG, "%s: the name is too long", path);
    int error = take_lock(s, why);
    if (!error)
        error = read_catalog(s, why);
    if (error)
        survey_close(s);
    return error;
}

void survey_close(struct survey *s)
{
    if (s->lock_fd >= 0)
        close(s->lock_fd);
    free(s->tenants);
    *s = (struct survey){.lock_fd = -1};
}

int survey_check(const struct survey *s, struct reason *why)
{
    char path[512], alphabet[SQID_ALPHABET_SIZE + 1] = SQID_DEFAULT_ALPHABET;
    struct catalog *catalog;
    snprintf(path, sizeof path, "%s/catalog", s->path);
    int error = catalog_open(&catalog, path, s->mode, alphabet, why);
    if (error)
        return error;
    error = catalog_check(catalog, why);
    catalog_close(catalog);
    return error;
}

const struct tenant_info *survey_find(const struct survey *s, const char *name)
{
    for (uint32_t i = 0; i < s->count; i++)
        if (strcmp(s->tenants[i].name, name) == 0)
            return &s->tenants[i];
    return NULL;
}

void survey_file(const struct survey *s, const char *name, char path[static 512])
{
    store_file(s->path, name, path);
}
