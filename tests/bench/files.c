// Reads every file of a directory once, in the order of the names: open, read, close.
//     files DIR
// The names are read before the clock starts. Prints files, bytes and seconds.
#include "bench.h"

#include <dirent.h>
#include <fcntl.h>

static int name_compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static uint64_t file_read(int dir, const char *name)
{
    static char buffer[131072];
    int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        die("open %s: %s", name, strerror(errno));
    uint64_t total = 0;
    ssize_t got;
    while ((got = read(fd, buffer, sizeof buffer)) > 0)
        total += (uint64_t)got;
    if (got < 0)
        die("read %s: %s", name, strerror(errno));
    close(fd);
    return total;
}

int main(int argc, char **argv)
{
    DIR *dir = argc == 2 ? opendir(argv[1]) : NULL;
    if (!dir)
        die("usage: files DIR (%s)", strerror(errno));
    char **names = NULL;
    size_t count = 0, room = 0;
    for (struct dirent *entry; (entry = readdir(dir));) {
        if (entry->d_name[0] == '.')
            continue;
        if (count == room) {
            room = room ? room * 2 : 4096;
            names = realloc(names, room * sizeof *names);
        }
        if (!names || !(names[count++] = strdup(entry->d_name)))
            die("out of memory");
    }
    if (!count)
        die("%s: no files", argv[1]);
    qsort(names, count, sizeof *names, name_compare);

    uint64_t bytes = 0, began = now_ns();
    for (size_t i = 0; i < count; i++)
        bytes += file_read(dirfd(dir), names[i]);
    printf("{\"files\":%zu,\"bytes\":%llu,\"seconds\":%.6f}\n", count, (unsigned long long)bytes,
        (double)(now_ns() - began) / 1e9);
    closedir(dir);
    return EXIT_SUCCESS;
}
