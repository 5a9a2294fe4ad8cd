// Readers that run beside writers and look for what must never be seen: half a line, a size ahead of the bytes that can
// be read, bytes that change after they were read, an event file that is not whole.
//     race TENANT_DIR --seconds S [--readers N] [--seed X]
// The writers (witness.c) use the entities tick_k00 … tick_k19 and order_k00 … order_k19. Prints what each kind of
// reader looked at; ends with a message and status 1 at the first thing that must not be.
#include "tests/bench/bench.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define TAIL_SIZE 65536
#define READ_SIZE (1u << 20)

struct reader {
    pthread_t thread;
    const char *tenant;
    uint64_t until, random;
    const char *kind;
    void (*look)(struct reader *r);
    uint64_t looks, bytes;
    char *buffer; // READ_SIZE bytes
    // of one growing file
    char path[4096];
    char tail[TAIL_SIZE];
    size_t tail_size;
    off_t checked; // bytes in front of this were seen
    int follow;
};

static void entity_pick(struct reader *r, char out[static 32])
{
    uint64_t random = random_next(&r->random);
    snprintf(out, 32, "%s_k%02u", random & 1 ? "tick" : "order", (unsigned)(random >> 8) % 20);
}

// Reads [at, at + size), which must be there.
static void read_exactly(const char *path, int fd, char *to, size_t size, off_t at)
{
    for (size_t done = 0; done < size;) {
        ssize_t got = pread(fd, to + done, size - done, at + (off_t)done);
        if (got < 0)
            die("read %s: %s", path, strerror(errno));
        if (got == 0)
            die("%s: its size promised %zu bytes at %lld, the read ended after %zu", path, size, (long long)at, done);
        done += (size_t)got;
    }
}

static void require_lines(const char *path, const char *text, size_t size)
{
    if (!size)
        return;
    if (text[0] != '{' || text[size - 1] != '\n')
        die("%s: half a line: begins with %.20s, ends with %.40s", path, text, text + (size > 40 ? size - 40 : 0));
    for (const char *at = text, *end; at < text + size; at = end + 1) {
        end = memchr(at, '\n', (size_t)(text + size - at));
        if (*at != '{' || end == at || end[-1] != '}')
            die("%s: not a line: %.*s", path, (int)(end - at < 200 ? end - at : 200), at);
    }
}

// What was read before must still be there; what is new must be whole lines up to the size, and behind it as well.
static void growing_check(struct reader *r, int fd, off_t size)
{
    char again[TAIL_SIZE];
    if (size < r->checked)
        die("%s: it shrank from %lld to %lld", r->path, (long long)r->checked, (long long)size);
    read_exactly(r->path, fd, again, r->tail_size, r->checked - (off_t)r->tail_size);
    if (memcmp(again, r->tail, r->tail_size) != 0)
        die("%s: the %zu bytes in front of %lld changed", r->path, r->tail_size, (long long)r->checked);
    size_t more = (size_t)(size - r->checked);
    if (more > READ_SIZE) { // the first look may skip: it begins behind a newline
        r->checked = size;
        r->tail_size = 0;
        return;
    }
    read_exactly(r->path, fd, r->buffer, more, r->checked);
    require_lines(r->path, r->buffer, more);
    r->bytes += more;
    r->tail_size = more < TAIL_SIZE ? more : TAIL_SIZE;
    memcpy(r->tail, r->buffer + more - r->tail_size, r->tail_size);
    r->checked = size;
    ssize_t beyond = pread(fd, r->buffer, READ_SIZE, size);
    if (beyond < 0)
        die("read %s: %s", r->path, strerror(errno));
    if (beyond < (ssize_t)READ_SIZE) // not cut by the buffer
        require_lines(r->path, r->buffer, (size_t)beyond);
}

static void growing_look(struct reader *r)
{
    int fd = open(r->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return; // nothing was written to it yet
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0)
        die("%s: %s", r->path, strerror(errno));
    growing_check(r, fd, st.st_size);
    close(fd);
}

static void look_stream(struct reader *r)
{
    if (!r->path[0])
        snprintf(r->path, sizeof r->path, "%s/stream", r->tenant);
    growing_look(r);
}

static void look_entity_stream(struct reader *r)
{
    char entity[32];
    entity_pick(r, entity);
    if (!r->path[0])
        snprintf(r->path, sizeof r->path, "%s/%s/stream", r->tenant, entity);
    growing_look(r);
}

static void look_log(struct reader *r)
{
    char path[4096], newest[256] = "";
    snprintf(path, sizeof path, "%s/log", r->tenant);
    DIR *dir = opendir(path);
    if (!dir && errno == ENOENT)
        return;
    if (!dir)
        die("%s: %s", path, strerror(errno));
    for (struct dirent *entry; (entry = readdir(dir));)
        if (isdigit((unsigned char)entry->d_name[0]) && strcmp(entry->d_name, newest) > 0)
            snprintf(newest, sizeof newest, "%s", entry->d_name);
    closedir(dir);
    if (!newest[0])
        return;
    char now[4096];
    if (snprintf(now, sizeof now, "%s/log/%s", r->tenant, newest) >= (int)sizeof now)
        die("%s: too long", r->tenant);
    if (strcmp(now, r->path) != 0) { // a new day
        strcpy(r->path, now);
        r->checked = 0;
        r->tail_size = 0;
    }
    growing_look(r);
}

// The size that stat(2) saw, maybe from the kernel's cache, is never ahead of what can be read.
static void look_size(struct reader *r)
{
    if (!r->path[0])
        snprintf(r->path, sizeof r->path, "%s/stream", r->tenant);
    struct stat st;
    if (stat(r->path, &st) < 0)
        die("stat %s: %s", r->path, strerror(errno));
    if (st.st_size < r->checked)
        die("%s: stat saw %lld after %lld", r->path, (long long)st.st_size, (long long)r->checked);
    r->checked = st.st_size;
    if (!st.st_size)
        return;
    int fd = open(r->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        die("open %s: %s", r->path, strerror(errno));
    char last;
    read_exactly(r->path, fd, &last, 1, st.st_size - 1);
    if (last != '\n')
        die("%s: the byte at the end that stat saw (%lld) is %02x", r->path, (long long)st.st_size, (unsigned)last);
    r->bytes++;
    close(fd);
}

// One value of JSON in braces, as far as brackets and strings tell.
static bool is_one_object(const char *text, size_t size)
{
    int depth = 0;
    bool string = false;
    for (size_t i = 0; i < size; i++) {
        if (string) {
            i += text[i] == '\\';
            string = text[i] != '"';
        } else if (text[i] == '"') {
            string = true;
        } else if (text[i] == '{' || text[i] == '[') {
            depth++;
        } else if (text[i] == '}' || text[i] == ']') {
            if (--depth == 0)
                return i + 2 == size && text[i + 1] == '\n';
        }
    }
    return false;
}

// Reads to the end, which must be where the size says.
static size_t read_whole(struct reader *r, const char *path, int fd)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        die("fstat %s: %s", path, strerror(errno));
    size_t size = 0;
    ssize_t got;
    while ((got = read(fd, r->buffer + size, READ_SIZE - size)) > 0)
        size += (size_t)got;
    if (got < 0)
        die("read %s: %s", path, strerror(errno));
    if (size != (size_t)st.st_size)
        die("%s: its size is %lld, the read gave %zu bytes", path, (long long)st.st_size, size);
    r->bytes += size;
    return size;
}

static void look_state(struct reader *r)
{
    char entity[32], path[4200];
    entity_pick(r, entity);
    snprintf(path, sizeof path, "%s/%s/state.json", r->tenant, entity);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return;
    if (fd < 0)
        die("open %s: %s", path, strerror(errno));
    size_t size = read_whole(r, path, fd);
    if (!size || r->buffer[0] != '{' || !is_one_object(r->buffer, size))
        die("%s: not a whole object: %.*s", path, (int)(size < 400 ? size : 400), r->buffer);
    close(fd);
}

// Versions 1 … n, each once, and some of the newest files whole, by read(2) and by mmap(2).
static void look_events(struct reader *r)
{
    char entity[32], path[4200];
    entity_pick(r, entity);
    snprintf(path, sizeof path, "%s/%s/events", r->tenant, entity);
    DIR *dir = opendir(path);
    if (!dir && errno == ENOENT)
        return;
    if (!dir)
        die("%s: %s", path, strerror(errno));
    uint64_t seen = 0;
    char last[4][256] = {""};
    for (struct dirent *entry; (entry = readdir(dir));) {
        if (entry->d_name[0] == '.')
            continue;
        if (strtoull(entry->d_name, NULL, 10) != ++seen)
            die("%s: %s stands at place %llu", path, entry->d_name, (unsigned long long)seen);
        strcpy(last[seen % 4], entry->d_name);
    }
    for (size_t i = 0; i < 4 && last[i][0]; i++) {
        int fd = openat(dirfd(dir), last[i], O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            die("open %s/%s: %s", path, last[i], strerror(errno));
        size_t size = read_whole(r, last[i], fd);
        require_lines(last[i], r->buffer, size);
        if (memchr(r->buffer, '\n', size) != r->buffer + size - 1)
            die("%s/%s: more than one line", path, last[i]);
        void *map = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
        if (map == MAP_FAILED)
            die("mmap %s/%s: %s", path, last[i], strerror(errno));
        if (memcmp(map, r->buffer, size) != 0)
            die("%s/%s: mmap and read differ", path, last[i]);
        munmap(map, size);
        close(fd);
    }
    closedir(dir);
}

// A subscriber that polls: each read is whole lines. Its buffer holds more than a commit.
static void look_follow(struct reader *r)
{
    if (r->follow <= 0) {
        snprintf(r->path, sizeof r->path, "%s/follow", r->tenant);
        r->follow = open(r->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        if (r->follow < 0)
            die("open %s: %s", r->path, strerror(errno));
    }
    struct pollfd waits = {.fd = r->follow, .events = POLLIN};
    if (poll(&waits, 1, 100) == 0)
        return;
    ssize_t got = read(r->follow, r->buffer, READ_SIZE);
    if (got < 0 && errno != EAGAIN)
        die("read %s: %s", r->path, strerror(errno));
    if (got == 0)
        die("%s: a read ended, though follow has no end", r->path);
    if (got > 0 && got < (ssize_t)READ_SIZE) {
        require_lines(r->path, r->buffer, (size_t)got);
        r->bytes += (uint64_t)got;
    }
}

static const struct {
    const char *name;
    void (*look)(struct reader *r);
} kinds[] = {
    {"stream", look_stream},
    {"entity_stream", look_entity_stream},
    {"events", look_events},
    {"state", look_state},
    {"log", look_log},
    {"size", look_size},
    {"follow", look_follow},
};

#define KINDS (sizeof kinds / sizeof *kinds)

static void *reader_run(void *argument)
{
    struct reader *r = argument;
    for (; now_ns() < r->until; r->looks++)
        r->look(r);
    if (r->follow > 0)
        close(r->follow);
    free(r->buffer);
    return NULL;
}

int main(int argc, char **argv)
{
    if (argc < 2)
        die("usage: race TENANT_DIR --seconds S [--readers N] [--seed X]");
    unsigned count = (unsigned)option_number(argc, argv, "--readers", 8);
    uint64_t seed = option_number(argc, argv, "--seed", 1);
    uint64_t until = now_ns() + (uint64_t)(option_seconds(argc, argv, "--seconds", 5) * 1e9);
    struct reader *readers = allocate(count, sizeof *readers);
    for (unsigned i = 0; i < count; i++) {
        readers[i] = (struct reader){.tenant = argv[1],
            .until = until,
            .random = seed * 1000003u + i,
            .kind = kinds[i % KINDS].name,
            .look = kinds[i % KINDS].look,
            .buffer = allocate(READ_SIZE, 1)};
        if (pthread_create(&readers[i].thread, NULL, reader_run, &readers[i]))
            die("no thread");
    }
    uint64_t looks = 0, bytes = 0;
    printf("{");
    for (unsigned i = 0; i < count; i++) {
        pthread_join(readers[i].thread, NULL);
        if (i < KINDS)
            printf("\"%s\":%llu,", readers[i].kind, (unsigned long long)readers[i].looks);
        looks += readers[i].looks;
        bytes += readers[i].bytes;
    }
    printf("\"looks\":%llu,\"bytes\":%llu}\n", (unsigned long long)looks, (unsigned long long)bytes);
    free(readers);
    return EXIT_SUCCESS;
}
