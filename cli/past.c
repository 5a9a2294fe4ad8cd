#include "cli/past.h"

#include "cli/command.h"
#include "cli/object.h"
#include "store/grow.h"
#include "store/name.h"
#include "store/when.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static int complain(const struct past *p, const char *path, int error)
{
    command_complain(p->command, path, strerror(-error));
    return error;
}

static bool is_directory(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 && S_ISDIR(about.st_mode);
}

__attribute__((format(printf, 2, 3))) static int join(char out[static PATH_MAX], const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int size = vsnprintf(out, PATH_MAX, format, args);
    va_end(args);
    return size < 0 || size >= PATH_MAX ? -ENAMETOOLONG : 0;
}

// Cuts the last part off and returns it; NULL when there is none.
static const char *cut_last(char *path)
{
    char *slash = strrchr(path, '/');
    if (!slash || slash == path)
        return NULL;
    *slash = '\0';
    return slash + 1;
}

// Finds the entity: ENTITY itself, ENTITY/asof/WHEN, or TENANT/asof/WHEN/ENTITY.
static int find_entity(struct past *p)
{
    char inside[PATH_MAX], above[PATH_MAX];
    int error = join(inside, "%s/asof", p->place);
    if (error)
        return error;
    if (is_directory(inside))
        return join(p->entity, "%s", p->place);
    memcpy(above, p->place, sizeof above);
    const char *last = cut_last(above);
    char *slash = strrchr(above, '/');
    if (slash && strcmp(slash, "/asof") == 0) {
        *slash = '\0';
        return join(p->entity, "%s", above);
    }
    const char *when = last ? cut_last(above) : NULL;
    slash = when ? strrchr(above, '/') : NULL;
    if (!slash || strcmp(slash, "/asof") != 0)
        return -ENOENT;
    *slash = '\0';
    return join(p->entity, "%s/%s", above, last);
}

int past_open(struct past *p, const char *command, const char *path)
{
    *p = (struct past){.command = command, .path = path};
    // Not realpath(3) of the whole: a state.json may be gone.
    char named[PATH_MAX];
    int error = join(named, "%s", path);
    char *slash = strrchr(named, '/');
    if (!error && strcmp(slash ? slash + 1 : named, "state.json") == 0)
        strcpy(slash ? slash + 1 : named, ".");
    if (!error && !realpath(named, p->place))
        error = -errno;
    if (error)
        return complain(p, path, error);
    char inside[PATH_MAX];
    error = join(inside, "%s/events", p->place);
    if (!error)
        error = is_directory(inside) ? find_entity(p) : -ENOENT;
    if (error == -ENOENT)
        fprintf(stderr, "factfs %s: %s is no entity of a mount: there are no events/ and asof/ in it\n", command, path);
    else if (error)
        complain(p, path, error);
    return error;
}

int past_state(const struct past *p, const char *when, struct bytes *document)
{
    char directory[PATH_MAX], path[PATH_MAX];
    struct when parsed;
    bool now = when && strcmp(when, "now") == 0;
    if (when && !now && when_parse(slice_of(when), &parsed)) {
        fprintf(
            stderr, "factfs %s: %s is no moment, version, event or time ago, as asof/ takes them\n", p->command, when);
        return -EINVAL;
    }
    int error = !when ? join(directory, "%s", p->place)
                : now ? join(directory, "%s", p->entity)
                      : join(directory, "%s/asof/%s", p->entity, when);
    if (!error)
        error = join(path, "%s/state.json", directory);
    if (!error)
        error = object_read(p->command, path, document);
    if (error != -ENOENT)
        return !error || error == -EBADMSG ? error : complain(p, path, error);
    // Deleted; or there is no such past.
    if (is_directory(directory))
        return 0;
    fprintf(stderr, "factfs %s: %s has no state at %s: nothing had happened then, or it is not yet past\n", p->command,
        p->path, when ? when : "that time");
    return -ENOENT;
}

static int by_version(const void *a, const void *b)
{
    const struct past_event *x = a, *y = b;
    return (x->version > y->version) - (x->version < y->version);
}

int past_events(const struct past *p, struct past_event **events, size_t *count)
{
    char path[PATH_MAX];
    size_t room = 0;
    int error = join(path, "%s/events", p->place);
    DIR *directory = error ? NULL : opendir(path);
    if (!directory)
        return complain(p, path, error ? error : -errno);
    *events = NULL;
    *count = 0;
    for (struct dirent *entry; !error && (entry = readdir(directory));) {
        struct slice type;
        struct past_event event;
        if (name_read_event_file(slice_of(entry->d_name), &event.version, &type))
            continue;
        memcpy(event.name, entry->d_name, strlen(entry->d_name) + 1);
        if (!GROW(*events, *count, room))
            error = -ENOMEM;
        else
            (*events)[(*count)++] = event;
    }
    closedir(directory);
    if (error)
        return complain(p, path, error);
    if (*count)
        qsort(*events, *count, sizeof **events, by_version);
    return 0;
}

int past_event_read(const struct past *p, const struct past_event *event, struct bytes *line)
{
    char path[PATH_MAX];
    int error = join(path, "%s/events/%s", p->entity, event->name);
    if (!error)
        error = object_read(p->command, path, line);
    return !error || error == -EBADMSG ? error : complain(p, path, error);
}
