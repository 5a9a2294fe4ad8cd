#include "fs/scratch.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

struct scratch_name {
    uint64_t index; // in the order of making; never used again
    uint64_t directory;
    struct scratch *file;
    struct scratch_name *next;
    size_t size;
    char text[];
};

struct scratch_shelf {
    struct scratch *files;
    struct scratch_name *names; // the oldest first
    uint64_t next_number, next_index;

    pthread_mutex_t lock;
    uint64_t *doomed; // (lock) names that have become documents
    size_t doomed_count, doomed_room;
    atomic_bool some_doomed;
};

struct scratch_shelf *scratch_open_shelf(void)
{
    struct scratch_shelf *shelf = calloc(1, sizeof *shelf);
    if (shelf)
        pthread_mutex_init(&shelf->lock, NULL);
    return shelf;
}

static void free_file(struct scratch_shelf *shelf, struct scratch *file)
{
    struct scratch **link = &shelf->files;
    while (*link != file)
        link = &(*link)->next;
    *link = file->next;
    bytes_free(&file->data);
    free(file);
}

static void free_name(struct scratch_shelf *shelf, struct scratch_name *name)
{
    struct scratch_name **link = &shelf->names;
    while (*link != name)
        link = &(*link)->next;
    *link = name->next;
    struct scratch *file = name->file;
    free(name);
    if (--file->names == 0 && !file->opens)
        free_file(shelf, file);
}

// Takes away the names that have become documents; the first thing that whoever looks at names does.
static void bury(struct scratch_shelf *shelf)
{
    if (!atomic_load(&shelf->some_doomed))
        return;
    pthread_mutex_lock(&shelf->lock);
    for (size_t i = 0; i < shelf->doomed_count; i++)
        for (struct scratch_name *n = shelf->names; n; n = n->next)
            if (n->index == shelf->doomed[i]) {
                free_name(shelf, n);
                break;
            }
    shelf->doomed_count = 0;
    atomic_store(&shelf->some_doomed, false);
    pthread_mutex_unlock(&shelf->lock);
}

void scratch_close_shelf(struct scratch_shelf *shelf)
{
    if (!shelf)
        return;
    while (shelf->names)
        free_name(shelf, shelf->names);
    while (shelf->files)
        free_file(shelf, shelf->files);
    pthread_mutex_destroy(&shelf->lock);
    free(shelf->doomed);
    free(shelf);
}

static bool is_name(const struct scratch_name *n, uint32_t tenant, uint64_t directory, struct slice name)
{
    return n->file->tenant == tenant && n->directory == directory &&
           slice_equal((struct slice){.at = n->text, .size = n->size}, name);
}

static struct scratch_name *find_name(
    struct scratch_shelf *shelf, uint32_t tenant, uint64_t directory, struct slice name)
{
    bury(shelf);
    struct scratch_name *n = shelf->names;
    while (n && !is_name(n, tenant, directory, name))
        n = n->next;
    return n;
}

struct scratch *scratch_find(struct scratch_shelf *shelf, uint32_t tenant, uint64_t directory, struct slice name)
{
    struct scratch_name *n = find_name(shelf, tenant, directory, name);
    return n ? n->file : NULL;
}

struct scratch *scratch_of(struct scratch_shelf *shelf, struct node node)
{
    bury(shelf);
    struct scratch *file = shelf->files;
    while (file && (file->tenant != node.tenant || file->number != node.number))
        file = file->next;
    return file;
}

bool scratch_name_from(struct scratch_shelf *shelf, uint32_t tenant, uint64_t directory, uint64_t *index,
    struct slice *name, struct scratch **file)
{
    bury(shelf);
    for (struct scratch_name *n = shelf->names; n; n = n->next)
        if (n->file->tenant == tenant && n->directory == directory && n->index >= *index) {
            *index = n->index;
            *name = (struct slice){.at = n->text, .size = n->size};
            *file = n->file;
            return true;
        }
    return false;
}

// A place for one more name of a tenant: free, or that of its oldest closed file.
static int make_room(struct scratch_shelf *shelf, uint32_t tenant)
{
    bury(shelf);
    struct scratch_name *oldest_closed = NULL;
    unsigned count = 0;
    for (struct scratch_name *n = shelf->names; n; n = n->next) {
        if (n->file->tenant != tenant)
            continue;
        count++;
        if (!oldest_closed && !n->file->opens)
            oldest_closed = n;
    }
    if (count < SCRATCH_FILES)
        return 0;
    if (!oldest_closed)
        return -ENOSPC;
    free_name(shelf, oldest_closed);
    return 0;
}

static int add_name(struct scratch_shelf *shelf, struct scratch *file, uint64_t directory, struct slice name)
{
    struct scratch_name *n = calloc(1, sizeof *n + name.size);
    if (!n)
        return -ENOMEM;
    n->index = ++shelf->next_index;
    n->directory = directory;
    n->file = file;
    n->size = name.size;
    memcpy(n->text, name.at, name.size);
    struct scratch_name **last = &shelf->names;
    while (*last)
        last = &(*last)->next;
    *last = n;
    file->names++;
    return 0;
}

int scratch_make(
    struct scratch_shelf *shelf, uint32_t tenant, uint64_t directory, struct slice name, struct scratch **made)
{
    if (name.size > SCRATCH_NAME_BYTES)
        return -ENAMETOOLONG;
    int error = make_room(shelf, tenant);
    if (error)
        return error;
    struct scratch *file = calloc(1, sizeof *file);
    if (!file)
        return -ENOMEM;
    file->number = ++shelf->next_number;
    file->tenant = tenant;
    file->directory = directory;
    clock_gettime(CLOCK_REALTIME, &file->modified);
    file->changed = file->accessed = file->modified;
    file->next = shelf->files;
    shelf->files = file;
    error = add_name(shelf, file, directory, name);
    if (error) {
        free_file(shelf, file);
        return error;
    }
    *made = file;
    return 0;
}

int scratch_link(struct scratch_shelf *shelf, struct scratch *file, uint64_t directory, struct slice name)
{
    if (name.size > SCRATCH_NAME_BYTES)
        return -ENAMETOOLONG;
    if (find_name(shelf, file->tenant, directory, name))
        return -EEXIST;
    // The file itself must not be what makes room.
    scratch_opened(file);
    int error = make_room(shelf, file->tenant);
    if (!error)
        error = add_name(shelf, file, directory, name);
    scratch_closed(shelf, file);
    return error;
}

int scratch_unlink(struct scratch_shelf *shelf, uint32_t tenant, uint64_t directory, struct slice name)
{
    struct scratch_name *n = find_name(shelf, tenant, directory, name);
    if (!n)
        return -ENOENT;
    clock_gettime(CLOCK_REALTIME, &n->file->changed);
    free_name(shelf, n);
    return 0;
}

void scratch_opened(struct scratch *file)
{
    file->opens++;
}

void scratch_closed(struct scratch_shelf *shelf, struct scratch *file)
{
    if (--file->opens == 0 && !file->names)
        free_file(shelf, file);
}

uint64_t scratch_index(struct scratch_shelf *shelf, uint32_t tenant, uint64_t directory, struct slice name)
{
    struct scratch_name *n = find_name(shelf, tenant, directory, name);
    return n ? n->index : 0;
}

void scratch_doom(struct scratch_shelf *shelf, uint64_t index)
{
    pthread_mutex_lock(&shelf->lock);
    if (shelf->doomed_count == shelf->doomed_room) {
        size_t room = shelf->doomed_room ? shelf->doomed_room * 2 : 16;
        uint64_t *doomed = reallocarray(shelf->doomed, room, sizeof *doomed);
        if (doomed) {
            shelf->doomed = doomed;
            shelf->doomed_room = room;
        }
    }
    // Without memory the name stays, as litter that the limit of names will clear.
    if (shelf->doomed_count < shelf->doomed_room)
        shelf->doomed[shelf->doomed_count++] = index;
    atomic_store(&shelf->some_doomed, true);
    pthread_mutex_unlock(&shelf->lock);
}

int scratch_resize(struct scratch *file, uint64_t size)
{
    if (size > SCRATCH_BYTES)
        return -EFBIG;
    if (size > file->data.size) {
        char *gap = bytes_reserve(&file->data, (size_t)size - file->data.size);
        if (!gap) {
            file->data.failed = false;
            return -ENOMEM;
        }
        memset(gap, 0, (size_t)size - file->data.size);
    }
    file->data.size = (size_t)size;
    clock_gettime(CLOCK_REALTIME, &file->modified);
    file->changed = file->modified;
    return 0;
}

int scratch_write(struct scratch *file, const char *from, size_t size, uint64_t offset)
{
    if (offset > SCRATCH_BYTES || size > SCRATCH_BYTES - offset)
        return -EFBIG;
    uint64_t end = offset + size;
    int error = scratch_resize(file, end > file->data.size ? end : file->data.size);
    if (!error && size)
        memcpy(file->data.at + offset, from, size);
    return error;
}
