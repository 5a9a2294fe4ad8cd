#include "cli/tenants.h"

#include "cli/command.h"
#include "store/grow.h"
#include "store/name.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <mntent.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static bool has(const char *directory, const char *name)
{
    char path[PATH_MAX];
    return snprintf(path, sizeof path, "%s/%s", directory, name) < PATH_MAX && access(path, F_OK) == 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct tenant_path *)a)->name, ((const struct tenant_path *)b)->name);
}

static int add_one(struct tenants *tenants, const char *path)
{
    char *copy = GROW(tenants->all, tenants->count, tenants->room) ? strdup(path) : NULL;
    if (!copy)
        return -ENOMEM;
    const char *slash = strrchr(copy, '/');
    tenants->all[tenants->count++] = (struct tenant_path){.path = copy, .name = slash ? slash + 1 : copy};
    return 0;
}

static int add_mount(struct tenants *tenants, const char *mount)
{
    char path[PATH_MAX];
    size_t before = tenants->count;
    int error = 0;
    DIR *directory = opendir(mount);
    if (!directory)
        return -errno;
    for (struct dirent *entry; !error && (entry = readdir(directory));)
        if (name_is_tenant(slice_of(entry->d_name)) &&
            snprintf(path, sizeof path, "%s/%s", mount, entry->d_name) < PATH_MAX)
            error = add_one(tenants, path);
    closedir(directory);
    if (tenants->count > before)
        qsort(tenants->all + before, tenants->count - before, sizeof *tenants->all, by_name);
    return error;
}

// Where a file system of a type, with this source or at this place, is mounted; the last one is what is seen.
static bool find_mount(const char *source, const char *place, char found[static PATH_MAX])
{
    FILE *mounts = setmntent("/proc/self/mounts", "re");
    bool any = false;
    for (struct mntent *entry; mounts && (entry = getmntent(mounts));) {
        if (strcmp(entry->mnt_type, "fuse.factfs") != 0)
            continue;
        if (strcmp(source ? entry->mnt_fsname : entry->mnt_dir, source ? source : place) == 0)
            any = snprintf(found, PATH_MAX, "%s", entry->mnt_dir) < PATH_MAX;
    }
    if (mounts)
        endmntent(mounts);
    return any;
}

int tenants_add(struct tenants *tenants, const char *command, const char *path)
{
    char whole[PATH_MAX], mount[PATH_MAX];
    int error = realpath(path, whole) ? 0 : -errno;
    if (error) {
        command_complain(command, path, strerror(-error));
        return error;
    }
    bool store = has(whole, "catalog");
    if (store && !find_mount(whole, NULL, mount))
        return -ENOTCONN;
    if (store || find_mount(NULL, whole, mount))
        error = add_mount(tenants, mount);
    else
        error = has(whole, "status.json") && has(whole, "append") ? add_one(tenants, whole) : -ENOENT;
    if (error == -ENOENT)
        command_complain(command, path, "no store, no mount of one, and no tenant in a mount");
    else if (error)
        command_complain(command, path, strerror(-error));
    return error;
}

void tenants_free(struct tenants *tenants)
{
    for (size_t i = 0; i < tenants->count; i++)
        free(tenants->all[i].path);
    free(tenants->all);
    *tenants = (struct tenants){0};
}
