#include "store/store.h"

#include "store/grow.h"
#include "store/stage.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

// Tenants that stay open although nobody uses them.
#define IDLE_TENANTS 6u

struct open_tenant {
    struct tenant *tenant;
    unsigned users;
    uint64_t used; // by a clock of uses
    struct open_tenant *next;
};

struct store {
    char *path;
    int lock_fd;
    struct catalog *catalog;
    char alphabet[SQID_ALPHABET_SIZE + 1];
    struct sqids sqids;
    tenant_observer *observer;
    void *context;
    const struct reactor *reactor;
    store_closing *closing; // (lock)
    void *closing_context;  // (lock)

    pthread_mutex_t lock; // of what follows, and of the catalog
    struct open_tenant *open;
    uint64_t uses;
    struct tenant_info *infos; // a copy of the catalog, by number: looked up at every request
    uint32_t info_count;
};

// ---- opening

static int make_directory(const char *path, struct reason *why)
{
    if (mkdir(path, 0700) == 0 || errno == EEXIST)
        return 0;
    return reason_set(why, -errno, "%s cannot be made: %s", path, strerror(errno));
}

static int take_lock(struct store *store, struct reason *why)
{
    char path[512];
    snprintf(path, sizeof path, "%s/lock", store->path);
    store->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (store->lock_fd < 0)
        return reason_set(why, -errno, "%s cannot be opened: %s", path, strerror(errno));
    if (flock(store->lock_fd, LOCK_EX | LOCK_NB))
        return reason_set(why, -EBUSY, "%s is in use by another factfs", store->path);
    return 0;
}

// A power cut while the store was made leaves the lock, or a catalog's journal without the catalog.
static bool may_be_ours(const char *name)
{
    static const char *const names[] = {".", "..", "lock", "lost+found", NULL};
    for (const char *const *n = names; *n; n++)
        if (!strcmp(name, *n))
            return true;
    return !strncmp(name, "catalog", strlen("catalog"));
}

// Whoever names a directory of something else has most likely mistyped; it is left as it is.
static int refuse_strangers(const char *path, struct reason *why)
{
    char catalog[512], staged[512];
    if (stage_is_renaming(path))
        return reason_set(why, -EINVAL, STAGE_REFUSED, path);
    snprintf(catalog, sizeof catalog, "%s/catalog", path);
    if (access(catalog, F_OK) == 0)
        return 0;
    snprintf(staged, sizeof staged, "%s/catalog" STAGE_NEW, path);
    if (access(staged, F_OK) == 0)
        return reason_set(why, -EINVAL, STAGE_REFUSED, path);
    DIR *dir = opendir(path);
    if (!dir)
        return reason_set(why, -errno, "%s cannot be opened: %s", path, strerror(errno));
    bool strange = false;
    for (struct dirent *entry; !strange && (entry = readdir(dir));)
        strange = !may_be_ours(entry->d_name);
    closedir(dir);
    return strange ? reason_set(why, -EINVAL, "%s is no store of factfs, and it is not empty", path) : 0;
}

int tenant_info_take(struct tenant_info *info, const struct tenant_row *row)
{
    if (row->name.size >= sizeof info->name)
        return -EIO;
    *info = (struct tenant_info){
        .number = row->number, .uid = row->uid, .gid = row->gid, .mode = row->mode, .made_at_us = row->made_at_us};
    memcpy(info->name, row->name.at, row->name.size);
    return 0;
}

void store_file(const char *store, const char *name, char path[static 512])
{
    snprintf(path, 512, "%s/%s.db", store, name);
}

static int copy_info(struct store *store, const struct tenant_row *row)
{
    if (!GROW_TO(store->infos, row->number, store->info_count))
        return -ENOMEM;
    return tenant_info_take(&store->infos[row->number], row);
}

static int load_catalog(struct store *store, struct reason *why)
{
    char path[512];
    snprintf(path, sizeof path, "%s/catalog", store->path);
    int error = sqids_shuffle(store->alphabet);
    if (!error)
        error = catalog_open(&store->catalog, path, ENGINE_CREATE, store->alphabet, why);
    if (!error)
        error = sqids_init(&store->sqids, store->alphabet, STORE_ID_LENGTH_MIN);
    struct tenant_row row = {0};
    while (!error && (error = catalog_from(store->catalog, row.number + 1, &row)) == 0)
        error = copy_info(store, &row);
    return error == -ENOENT ? 0 : error;
}

int store_open(struct store **opened, const char *path, tenant_observer *observer, void *context, struct reason *why)
{
    int error = make_directory(path, why);
    if (!error)
        error = refuse_strangers(path, why);
    if (error)
        return error;
    struct store *store = calloc(1, sizeof *store);
    if (!store)
        return -ENOMEM;
    store->lock_fd = -1;
    store->observer = observer;
    store->context = context;
    pthread_mutex_init(&store->lock, NULL);
    store->path = realpath(path, NULL);
    error = store->path ? take_lock(store, why) : -errno;
    if (!error)
        error = load_catalog(store, why);
    if (error) {
        store_close(store);
        return reason_set(why, error, "%s cannot be opened: %s", path, strerror(-error));
    }
    *opened = store;
    return 0;
}

void store_close(struct store *store)
{
    for (struct open_tenant *o = store->open, *next; o; o = next) {
        next = o->next;
        tenant_close(o->tenant);
        free(o);
    }
    catalog_close(store->catalog);
    if (store->lock_fd >= 0)
        close(store->lock_fd);
    pthread_mutex_destroy(&store->lock);
    free(store->infos);
    free(store->path);
    free(store);
}

void store_set_reactor(struct store *store, const struct reactor *reactor)
{
    store->reactor = reactor;
}

const struct reactor *store_reactor(const struct store *store)
{
    return store->reactor;
}

void store_set_closing(struct store *store, store_closing *closing, void *context)
{
    pthread_mutex_lock(&store->lock);
    store->closing = closing;
    store->closing_context = context;
    pthread_mutex_unlock(&store->lock);
}

const char *store_path(const struct store *store)
{
    return store->path;
}

const char *store_alphabet(const struct store *store)
{
    return store->alphabet;
}

// ---- the catalog

static void remove_file(const struct store *store, const char *name)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    char path[512], file[520];
    store_file(store->path, name, path);
    for (int i = 0; i < 3; i++) {
        snprintf(file, sizeof file, "%s%s", path, suffixes[i]);
        unlink(file);
    }
}

static struct tenant_row row_of(const struct tenant_info *info)
{
    return (struct tenant_row){.number = info->number,
        .name = slice_of(info->name),
        .uid = info->uid,
        .gid = info->gid,
        .mode = info->mode,
        .made_at_us = info->made_at_us};
}

int store_make(struct store *store, struct tenant_info *info)
{
    info->made_at_us = when_now_us();
    struct tenant_row row = row_of(info);
    pthread_mutex_lock(&store->lock);
    int error = catalog_add(store->catalog, &row);
    if (!error) {
        // What an earlier tenant of this name may have left when the daemon was killed in the midst of its removal.
        remove_file(store, info->name);
        row.name = slice_of(info->name);
        error = copy_info(store, &row);
    }
    pthread_mutex_unlock(&store->lock);
    info->number = row.number;
    return error;
}

int store_info(struct store *store, uint32_t number, struct tenant_info *info)
{
    pthread_mutex_lock(&store->lock);
    bool found = number && number < store->info_count && store->infos[number].number;
    if (found)
        *info = store->infos[number];
    pthread_mutex_unlock(&store->lock);
    return found ? 0 : -ENOENT;
}

int store_find(struct store *store, struct slice name, struct tenant_info *info)
{
    struct tenant_row row;
    pthread_mutex_lock(&store->lock);
    int error = catalog_of_name(store->catalog, name, &row);
    if (!error)
        *info = store->infos[row.number];
    pthread_mutex_unlock(&store->lock);
    return error;
}

int store_from(struct store *store, uint32_t from, struct tenant_info *info)
{
    int error = -ENOENT;
    pthread_mutex_lock(&store->lock);
    for (uint32_t number = from; error && number < store->info_count; number++)
        if (store->infos[number].number) {
            *info = store->infos[number];
            error = 0;
        }
    pthread_mutex_unlock(&store->lock);
    return error;
}

// ---- open tenants

static struct open_tenant *find_open(struct store *store, uint32_t number)
{
    struct open_tenant *o = store->open;
    while (o && o->tenant->number != number)
        o = o->next;
    return o;
}

int store_change(struct store *store, const struct tenant_info *info)
{
    struct tenant_row row = row_of(info);
    pthread_mutex_lock(&store->lock);
    int error = catalog_change(store->catalog, &row);
    if (!error)
        error = copy_info(store, &row);
    struct open_tenant *o = find_open(store, info->number);
    if (!error && o)
        atomic_store(&o->tenant->owner, info->uid);
    pthread_mutex_unlock(&store->lock);
    return error;
}

static void close_open(struct store *store, struct open_tenant *closed)
{
    struct open_tenant **link = &store->open;
    while (*link != closed)
        link = &(*link)->next;
    *link = closed->next;
    if (store->closing)
        store->closing(store->closing_context, closed->tenant);
    tenant_close(closed->tenant);
    free(closed);
}

// Closes the longest unused of the tenants that nobody uses, until there are not too many of them.
static void close_idle(struct store *store)
{
    struct open_tenant *oldest;
    unsigned idle;
    do {
        oldest = NULL;
        idle = 0;
        for (struct open_tenant *o = store->open; o; o = o->next) {
            if (o->users || atomic_load(&o->tenant->awaits))
                continue;
            idle++;
            if (!oldest || o->used < oldest->used)
                oldest = o;
        }
        if (idle > IDLE_TENANTS)
            close_open(store, oldest);
    } while (idle > IDLE_TENANTS);
}

static int open_one(struct store *store, const struct tenant_info *info, struct open_tenant **opened)
{
    char path[512];
    struct reason why = {0};
    store_file(store->path, info->name, path);
    struct open_tenant *o = calloc(1, sizeof *o);
    if (!o)
        return -ENOMEM;
    struct tenant_options options = {
        .number = info->number,
        .name = info->name,
        .path = path,
        .create = true,
        .owner = info->uid,
        .sqids = &store->sqids,
        .observer = store->observer,
        .observer_context = store->context,
        .reactor = store->reactor,
    };
    int error = tenant_open(&o->tenant, &options, &why);
    if (error) {
        fprintf(stderr, "factfs: %s\n", why.text);
        free(o);
        return error;
    }
    o->next = store->open;
    store->open = o;
    *opened = o;
    return 0;
}

static int get(struct store *store, uint32_t number, bool opens, struct tenant **tenant)
{
    int error = 0;
    pthread_mutex_lock(&store->lock);
    struct open_tenant *o = find_open(store, number);
    if (!o) {
        if (opens && number && number < store->info_count && store->infos[number].number) {
            close_idle(store);
            error = open_one(store, &store->infos[number], &o);
        } else {
            error = -ENOENT;
        }
    }
    if (o) {
        o->users++;
        if (opens)
            o->used = ++store->uses;
        *tenant = o->tenant;
    }
    pthread_mutex_unlock(&store->lock);
    return error;
}

int store_get(struct store *store, uint32_t number, struct tenant **tenant)
{
    return get(store, number, true, tenant);
}

int store_get_open(struct store *store, uint32_t number, struct tenant **tenant)
{
    return get(store, number, false, tenant);
}

void store_put(struct store *store, struct tenant *tenant)
{
    pthread_mutex_lock(&store->lock);
    find_open(store, tenant->number)->users--;
    pthread_mutex_unlock(&store->lock);
}

int store_remove(struct store *store, const char *name)
{
    struct tenant_info info;
    struct tenant *tenant;
    int error = store_find(store, slice_of(name), &info);
    if (!error)
        error = store_get(store, info.number, &tenant);
    if (error)
        return error;
    pthread_mutex_lock(&store->lock);
    // From here on nobody else can begin to use it, so nothing more can be recorded.
    struct open_tenant *o = find_open(store, info.number);
    o->users--;
    if (tenant_end(tenant).position)
        error = -ENOTEMPTY;
    else if (o->users)
        error = -EBUSY;
    if (!error)
        error = catalog_remove(store->catalog, info.number);
    if (!error) {
        close_open(store, o);
        store->infos[info.number] = (struct tenant_info){0};
        remove_file(store, info.name);
    }
    pthread_mutex_unlock(&store->lock);
    return error;
}
