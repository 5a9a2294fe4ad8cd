// Format of /proc/PID/fdinfo/FD: proc(5), Documentation/filesystems/proc.rst of Linux, 3.8.
#include "fs/watches.h"

#include "store/grow.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static void add(struct watches *w, uint64_t id)
{
    if (GROW(w->ids, w->count, w->room))
        w->ids[w->count++] = id;
}

// A number in hexadecimal behind a word of a line.
static bool number_behind(const char *line, const char *word, uint64_t *number)
{
    const char *at = strstr(line, word);
    if (!at)
        return false;
    *number = strtoull(at + strlen(word), NULL, 16);
    return true;
}

// The kernel prints a device with 12 bits of major and 20 of minor.
static void look_at_marks(struct watches *w, int process, const char *fd, uint64_t device)
{
    char path[64], line[512];
    snprintf(path, sizeof path, "fdinfo/%.20s", fd);
    int info = openat(process, path, O_RDONLY | O_CLOEXEC);
    FILE *file = info < 0 ? NULL : fdopen(info, "r");
    if (!file) {
        if (info >= 0)
            close(info);
        return;
    }
    uint64_t inode, of;
    while (fgets(line, sizeof line, file))
        if (number_behind(line, " ino:", &inode) && number_behind(line, " sdev:", &of) && of == device)
            add(w, inode);
    fclose(file);
}

static void look_at_process(struct watches *w, int proc, const char *pid, uint64_t device)
{
    int process = openat(proc, pid, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int fds = process < 0 ? -1 : openat(process, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = fds < 0 ? NULL : fdopendir(fds);
    if (!directory && fds >= 0)
        close(fds);
    for (struct dirent *entry; directory && (entry = readdir(directory));) {
        char target[32];
        ssize_t size = readlinkat(fds, entry->d_name, target, sizeof target - 1);
        if (size <= 0)
            continue;
        target[size] = '\0';
        if (!strncmp(target, "anon_inode:inotify", 18) || !strncmp(target, "anon_inode:[fanotify]", 21))
            look_at_marks(w, process, entry->d_name, device);
    }
    if (directory)
        closedir(directory);
    if (process >= 0)
        close(process);
}

static int by_id(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

void watches_look(struct watches *w, dev_t device)
{
    uint64_t shown = (uint64_t)major(device) << 20 | minor(device);
    w->count = 0;
    DIR *proc = opendir("/proc");
    for (struct dirent *entry; proc && (entry = readdir(proc));)
        if (isdigit((unsigned char)entry->d_name[0]))
            look_at_process(w, dirfd(proc), entry->d_name, shown);
    if (proc)
        closedir(proc);
    if (w->count)
        qsort(w->ids, w->count, sizeof *w->ids, by_id);
}

bool watches_has(const struct watches *w, uint64_t id)
{
    return w->count && bsearch(&id, w->ids, w->count, sizeof *w->ids, by_id);
}

void watches_free(struct watches *w)
{
    free(w->ids);
    *w = (struct watches){0};
}
