// System calls that a shell cannot make or whose answers it hides, as words of a command line:
//     calls open acme/append w write '{"type":' dup-close write '"x"}' close
// makes one call after the other and prints a line for each: its name and `ok`, a number or the name of the errno.
// What a read finds is printed as it is. With -q only one word for all: `ok`, or the first errno (the rest is not run).
// A process has four slots for descriptors; calls without a path use the one chosen with `slot` (0 at first).
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#define SLOTS 4

static int slots[SLOTS] = {-1, -1, -1, -1};
static unsigned slot;
static DIR *directory;
static long told;
static bool quiet;

static long result_of(long returned)
{
    return returned < 0 ? -errno : returned;
}

static void print(const char *text, size_t size)
{
    if (!quiet)
        fwrite(text, 1, size, stdout);
}

static int flags_of(const char *letters)
{
    int flags = strchr(letters, '+') ? O_RDWR : strchr(letters, 'w') ? O_WRONLY : O_RDONLY;
    static const struct {
        char letter;
        int flag;
    } more[] = {{'a', O_APPEND}, {'t', O_TRUNC}, {'c', O_CREAT}, {'x', O_EXCL}, {'n', O_NONBLOCK}, {'s', O_SYNC}};
    for (size_t i = 0; i < sizeof more / sizeof *more; i++)
        if (strchr(letters, more[i].letter))
            flags |= more[i].flag;
    return flags | O_CLOEXEC;
}

static long number_of(const char *text)
{
    return strtol(text, NULL, 0);
}

// ---- descriptors

static long step_open(char **args)
{
    slots[slot] = open(args[0], flags_of(args[1]), 0666);
    return slots[slot] < 0 ? -errno : 0;
}

static long step_slot(char **args)
{
    slot = (unsigned)number_of(args[0]) % SLOTS;
    return 0;
}

static long step_close(char **args)
{
    (void)args;
    return result_of(close(slots[slot]));
}

static long step_dup_close(char **args)
{
    (void)args;
    return result_of(close(dup(slots[slot])));
}

static long step_child_close(char **args)
{
    (void)args;
    pid_t child = fork();
    if (child == 0)
        _exit(close(slots[slot]) < 0 ? errno : 0);
    int status;
    if (child < 0 || waitpid(child, &status, 0) < 0)
        return -errno;
    return -WEXITSTATUS(status);
}

static long step_fsync(char **args)
{
    (void)args;
    return result_of(fsync(slots[slot]));
}

static long step_ftruncate(char **args)
{
    return result_of(ftruncate(slots[slot], number_of(args[0])));
}

static long step_seek(char **args)
{
    return result_of(lseek(slots[slot], number_of(args[0]), SEEK_SET));
}

static long step_size(char **args)
{
    (void)args;
    struct stat st;
    return fstat(slots[slot], &st) < 0 ? -errno : (long)st.st_size;
}

// ---- writing

// 0 for a whole write, else how short it was cut.
static long written(long result, size_t wanted)
{
    return result == (long)wanted ? 0 : result;
}

static long step_write(char **args)
{
    size_t size = strlen(args[0]);
    return written(result_of(write(slots[slot], args[0], size)), size);
}

static long step_pwrite(char **args)
{
    size_t size = strlen(args[1]);
    return written(result_of(pwrite(slots[slot], args[1], size, number_of(args[0]))), size);
}

struct file {
    char *at;
    size_t size;
};

static struct file file_read(const char *path)
{
    struct file file = {0};
    FILE *from = fopen(path, "r");
    struct stat st;
    if (!from || fstat(fileno(from), &st) < 0 || !(file.at = malloc((size_t)st.st_size + 1))) {
        fprintf(stderr, "calls: %s: %s\n", path, strerror(errno));
        exit(2);
    }
    file.size = fread(file.at, 1, (size_t)st.st_size, from);
    fclose(from);
    return file;
}

// The whole file by one write(2).
static long step_write_file(char **args)
{
    struct file file = file_read(args[0]);
    long result = written(result_of(write(slots[slot], file.at, file.size)), file.size);
    free(file.at);
    return result;
}

// The whole file by as many write(2) as are needed, each of at most `size` bytes; stops at the first error.
static long write_pieces(const char *path, size_t size)
{
    struct file file = file_read(path);
    long result = 0;
    for (size_t done = 0; done < file.size; done += (size_t)result) {
        size_t rest = file.size - done;
        result = result_of(write(slots[slot], file.at + done, rest < size ? rest : size));
        if (result <= 0)
            break;
    }
    free(file.at);
    return result < 0 ? result : 0;
}

static long step_write_all(char **args)
{
    return write_pieces(args[0], SIZE_MAX);
}

static long step_write_pieces(char **args)
{
    return write_pieces(args[0], (size_t)number_of(args[1]));
}

// ---- reading

static long step_read(char **args)
{
    size_t room = (size_t)number_of(args[0]);
    char *text = malloc(room);
    long got = text ? result_of(read(slots[slot], text, room)) : -ENOMEM;
    if (got > 0)
        print(text, (size_t)got);
    free(text);
    return got;
}

static long step_drain(char **args)
{
    (void)args;
    static char text[65536];
    long got;
    while ((got = result_of(read(slots[slot], text, sizeof text))) > 0)
        print(text, (size_t)got);
    return got;
}

static long map(int flags)
{
    struct stat st;
    if (fstat(slots[slot], &st) < 0)
        return -errno;
    char *at = mmap(NULL, (size_t)st.st_size, PROT_READ, flags, slots[slot], 0);
    if (at == MAP_FAILED)
        return -errno;
    print(at, (size_t)st.st_size);
    munmap(at, (size_t)st.st_size);
    return 0;
}

static long step_map_shared(char **args)
{
    (void)args;
    return map(MAP_SHARED);
}

static long step_map_private(char **args)
{
    (void)args;
    return map(MAP_PRIVATE);
}

// 1 when bytes wait, 0 when none came in time.
static long step_poll(char **args)
{
    struct pollfd wait = {.fd = slots[slot], .events = POLLIN};
    return result_of(poll(&wait, 1, (int)number_of(args[0])));
}

static long step_epoll(char **args)
{
    int set = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN};
    if (set < 0 || epoll_ctl(set, EPOLL_CTL_ADD, slots[slot], &event) < 0)
        return -errno;
    long result = result_of(epoll_wait(set, &event, 1, (int)number_of(args[0])));
    close(set);
    return result;
}

// ---- directories

static long step_opendir(char **args)
{
    directory = opendir(args[0]);
    return directory ? 0 : -errno;
}

// Prints the next `count` names, a line each; 0 means all that are left.
static long step_entries(char **args)
{
    struct dirent *entry;
    errno = 0;
    for (long count = number_of(args[0]); (entry = readdir(directory)); count--) {
        print(entry->d_name, strlen(entry->d_name));
        print("\n", 1);
        if (count == 1)
            break;
    }
    return -errno;
}

static long step_tell(char **args)
{
    (void)args;
    told = telldir(directory);
    return told < 0 ? -errno : 0;
}

static long step_seekdir(char **args)
{
    (void)args;
    seekdir(directory, told);
    return 0;
}

static long step_rewinddir(char **args)
{
    (void)args;
    rewinddir(directory);
    return 0;
}

// ---- paths

static long step_truncate(char **args)
{
    return result_of(truncate(args[0], number_of(args[1])));
}

static long step_unlink(char **args)
{
    return result_of(unlink(args[0]));
}

static long step_rmdir(char **args)
{
    return result_of(rmdir(args[0]));
}

static long step_mkdir(char **args)
{
    return result_of(mkdir(args[0], 0777));
}

static long step_rename(char **args)
{
    return result_of(rename(args[0], args[1]));
}

static long step_exchange(char **args)
{
    return result_of(renameat2(AT_FDCWD, args[0], AT_FDCWD, args[1], RENAME_EXCHANGE));
}

static long step_rename_new(char **args)
{
    return result_of(renameat2(AT_FDCWD, args[0], AT_FDCWD, args[1], RENAME_NOREPLACE));
}

static long step_link(char **args)
{
    return result_of(link(args[0], args[1]));
}

static long step_symlink(char **args)
{
    return result_of(symlink(args[0], args[1]));
}

static long step_fifo(char **args)
{
    return result_of(mkfifo(args[0], 0666));
}

static long step_chmod(char **args)
{
    return result_of(chmod(args[0], (mode_t)strtoul(args[1], NULL, 8)));
}

static long step_chown(char **args)
{
    return result_of(chown(args[0], (uid_t)number_of(args[1]), (gid_t)number_of(args[2])));
}

// Sets both times to one second after 1970 began.
static long step_touch(char **args)
{
    struct timespec times[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
    return result_of(utimensat(AT_FDCWD, args[0], times, 0));
}

static long step_setxattr(char **args)
{
    return result_of(setxattr(args[0], args[1], args[2], strlen(args[2]), 0));
}

static long step_getxattr(char **args)
{
    char value[256];
    long size = result_of(getxattr(args[0], args[1], value, sizeof value));
    if (size > 0) {
        print(value, (size_t)size);
        print("\n", 1);
    }
    return size < 0 ? size : 0;
}

static long step_removexattr(char **args)
{
    return result_of(removexattr(args[0], args[1]));
}

// ---- others

static long step_run(char **args)
{
    fflush(stdout);
    return system(args[0]);
}

// Runs the command later, beside the steps that follow.
static long step_later(char **args)
{
    fflush(stdout);
    pid_t child = fork();
    if (child != 0)
        return child < 0 ? -errno : 0;
    poll(NULL, 0, (int)number_of(args[0]));
    _exit(system(args[1]) ? 1 : 0);
}

static const struct step {
    const char *name;
    int args;
    long (*run)(char **args);
} steps[] = {
    {"open", 2, step_open}, // PATH LETTERS: r, w, + (both), a(ppend) t(runcate) c(reate) x(exclusive) n(onblock) s(ync)
    {"slot", 1, step_slot},
    {"close", 0, step_close},
    {"dup-close", 0, step_dup_close},
    {"child-close", 0, step_child_close},
    {"fsync", 0, step_fsync},
    {"ftruncate", 1, step_ftruncate},
    {"seek", 1, step_seek},
    {"size", 0, step_size},
    {"write", 1, step_write},
    {"pwrite", 2, step_pwrite},
    {"write-file", 1, step_write_file},
    {"write-all", 1, step_write_all},
    {"write-pieces", 2, step_write_pieces},
    {"read", 1, step_read},
    {"drain", 0, step_drain},
    {"map-shared", 0, step_map_shared},
    {"map-private", 0, step_map_private},
    {"poll", 1, step_poll},
    {"epoll", 1, step_epoll},
    {"opendir", 1, step_opendir},
    {"entries", 1, step_entries},
    {"tell", 0, step_tell},
    {"seekdir", 0, step_seekdir}, // to where `tell` was
    {"rewinddir", 0, step_rewinddir},
    {"truncate", 2, step_truncate},
    {"unlink", 1, step_unlink},
    {"rmdir", 1, step_rmdir},
    {"mkdir", 1, step_mkdir},
    {"rename", 2, step_rename},
    {"exchange", 2, step_exchange},
    {"rename-new", 2, step_rename_new},
    {"link", 2, step_link},
    {"symlink", 2, step_symlink},
    {"fifo", 1, step_fifo},
    {"chmod", 2, step_chmod},
    {"chown", 3, step_chown},
    {"touch", 1, step_touch},
    {"setxattr", 3, step_setxattr},
    {"getxattr", 2, step_getxattr},
    {"removexattr", 2, step_removexattr},
    {"run", 1, step_run},
    {"later", 2, step_later},
};

static const struct step *step_named(const char *name)
{
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        if (strcmp(steps[i].name, name) == 0)
            return &steps[i];
    return NULL;
}

static void report(const char *name, long result)
{
    if (result < 0)
        printf("%s %s\n", name, strerrorname_np((int)-result));
    else if (result == 0)
        printf("%s %s\n", name, strcmp(name, "read") == 0 ? "end" : "ok");
    else
        printf("%s %ld\n", name, result);
}

int main(int argc, char **argv)
{
    int at = 1;
    quiet = at < argc && strcmp(argv[at], "-q") == 0;
    at += quiet;
    while (at < argc) {
        const struct step *step = step_named(argv[at]);
        if (!step || at + step->args >= argc) {
            fprintf(stderr, "calls: %s: %s\n", argv[at], step ? "words are missing" : "no such call");
            return 2;
        }
        long result = step->run(argv + at + 1);
        if (quiet && result < 0)
            return puts(strerrorname_np((int)-result)) < 0;
        // What was found speaks for itself; only the end of a read or an error takes a line.
        bool spoken = (step->run == step_read && result > 0) ||
                      ((step->run == step_drain || step->run == step_entries) && result == 0);
        if (!quiet && !spoken)
            report(step->name, result);
        at += 1 + step->args;
    }
    return quiet ? puts("ok") < 0 : 0;
}
