// Calls that no careful program makes: hostile names, offsets, sizes, flags, documents and cuts, from several threads.
//     hostile MOUNT --seed X [--calls N] [--threads T]
// The tenant `wild` takes everything; in `calm` the same threads append good events, each cut into pieces by random
// write(2)s, whose tokens deal_THREAD:1, 2, 3 … must all be there afterwards. No call may take longer than CALL_S
// seconds. Prints how many calls were made and how many good events were written. What the calls answer is not judged
// here: the daemon must live and the identities must hold, which the caller checks.
#include "tests/bench/bench.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>

#define CALL_S     30
#define BUFFER     (3u << 20)
#define NAME_BYTES 255
#define PATH_BYTES 8192

struct caller {
    pthread_t thread;
    unsigned number;
    const char *mount;
    uint64_t random, calls, wanted, good;
    char *buffer;
    int calm; // the descriptor that the good events go to
    atomic_uint_fast64_t since;
    _Atomic(const char *) what;
};

static uint64_t pick(struct caller *c, uint64_t below)
{
    return random_next(&c->random) % below;
}

static const char *const words[] = {"append", "import", "stream", "follow", "rejected", "status.json", "spec.json",
    "log", "query", "find", "asof", "hooks", "events", "state.json", "rollback", "handlers", "webhooks", "metrics",
    "watches", "integrations", "deal_a1", "deal_0", "deal_b:2.c-d", "deal_", "_deal", "Deal_1", "deal_\xc3\xa9", ".",
    "..", "v1", "v0", "v01", "v99999999", "v18446744073709551616", "2026-01-15", "2026-13-45", "9999-12-31T23:59:59Z",
    "0000-00-00", "2026-01-15T24:00:00Z", "1h-ago", "0m-ago", "99999999999999999999d-ago", "-1d-ago", "evt_", "evt_x",
    "evt_UUUUUUUUUUUUU", "count", "entities.ndjson", "events.ndjson", "type=Deal.*", "type=*.Created", "type=", "=",
    ",", "type=%", "type=%zz", "type=%00", "limit=0", "limit=99999999999999999999", "order=desc,order=asc",
    "after=2026-01-15,before=2026-01-14", "a~(((((((((((((((", "a~(a*)*(a*)*(a*)*b", "a~[", "a>=1e400",
    "value<1e999999999999999999", "00000001.Deal.Created.json", "00000000.Deal.Created.json", "1.Deal.Created.json",
    "99999999.x.json", "00000001..json", "2026-01-15.ndjson", "9999-99-99.ndjson", "4913", ".state.json.swp",
    "state.json~", "wild", "calm", "a", "UPPER", "-x", "x.js", "Deal.closing.js", "\n", "\x01\x7f", "\xff\xfe",
    "%2e%2e%2f", "con", "nul", "lost+found", ".git", ".Trash-0", "desktop.ini"};

#define WORDS (sizeof words / sizeof *words)

static size_t name_put(struct caller *c, char *out)
{
    size_t size;
    switch (pick(c, 6)) {
    case 0: // noise
        size = 1 + pick(c, NAME_BYTES);
        for (size_t i = 0; i < size; i++)
            do
                out[i] = (char)(1 + pick(c, 255));
            while (out[i] == '/');
        return size;
    case 1: // long
        size = 180 + pick(c, 100);
        memcpy(out, "deal_", 5);
        memset(out + 5, 'a' + (int)pick(c, 26), size);
        return size;
    case 2: { // a word with one byte changed
        const char *word = words[pick(c, WORDS)];
        size = strlen(word);
        memcpy(out, word, size);
        do
            out[pick(c, size)] = (char)(1 + pick(c, 255));
        while (memchr(out, '/', size));
        return size;
    }
    case 3: { // two words
        const char *a = words[pick(c, WORDS)], *b = words[pick(c, WORDS)];
        return (size_t)sprintf(out, "%s,%s", a, b);
    }
    default:
        return (size_t)sprintf(out, "%s", words[pick(c, WORDS)]);
    }
}

// A path below `wild`, or seldom below the mount itself; never into `calm`, except to read.
static void path_put(struct caller *c, char out[static PATH_BYTES], bool read)
{
    size_t size = (size_t)sprintf(out, "%s/%s", c->mount, read && pick(c, 3) == 0 ? "calm" : "wild");
    for (uint64_t i = 0, depth = pick(c, 5); i < depth; i++) {
        out[size++] = '/';
        // The directories that exist lead deeper than chance does.
        static const char *const ways[] = {
            "deal_a1", "asof", "query", "find", "hooks", "log", "events", "v1", "type=Deal.*"};
        size += pick(c, 2) ? (size_t)sprintf(out + size, "%s", ways[pick(c, 9)]) : name_put(c, out + size);
    }
    out[size] = '\0';
    // `..` must not lead out of the tenant.
    for (char *dots; (dots = strstr(out, "/.."));)
        dots[1] = 'x';
    if (!read && strncmp(out + strlen(c->mount), "/calm", 5) == 0)
        memcpy(out + strlen(c->mount), "/wild", 5);
}

static off_t offset_pick(struct caller *c)
{
    switch (pick(c, 5)) {
    case 0:
        return (off_t)pick(c, 4096);
    case 1:
        return (off_t)(INT64_MAX - (int64_t)pick(c, 70000));
    case 2:
        return (off_t)(1ull << (10 + pick(c, 52)));
    case 3:
        return (off_t)random_next(&c->random);
    default:
        return 0;
    }
}

static size_t size_pick(struct caller *c)
{
    switch (pick(c, 8)) {
    case 0:
        return 0;
    case 1:
        return BUFFER - pick(c, 3);
    case 2:
        return (1u << 20) + pick(c, 3) - 1;
    default:
        return pick(c, 5000);
    }
}

static size_t event_put(struct caller *c, char *out)
{
    return (size_t)sprintf(out,
        "{\"type\":\"Deal.Noted\",\"target\":\"deal_a%llu\",\"data\":{\"a\":%llu,\"b\":[1,{\"c\":null}]}}\n",
        (unsigned long long)pick(c, 4), (unsigned long long)pick(c, 1000));
}

// Fills the buffer with a document that is almost right, or deep, or noise.
static size_t document_put(struct caller *c)
{
    char *out = c->buffer;
    size_t size = 0;
    switch (pick(c, 7)) {
    case 0: // noise
        size = size_pick(c);
        for (size_t i = 0; i < size && i < 65536; i++)
            out[i] = (char)pick(c, 256);
        return size;
    case 1: // depth
        size = 900 + pick(c, 300);
        memset(out, pick(c, 2) ? '[' : '{', size);
        return size;
    case 2: // an array that is not closed, or too long
        out[size++] = '[';
        for (uint64_t i = 0, count = pick(c, 50); i < count; i++) {
            size += event_put(c, out + size);
            out[size - 1] = ',';
        }
        out[size - 1] = pick(c, 2) ? ']' : ',';
        return size;
    case 3: // one large value
        size = (size_t)sprintf(out, "{\"type\":\"Deal.Noted\",\"target\":\"deal_a1\",\"data\":{\"x\":\"");
        memset(out + size, 'x', (1u << 20) - 200 + pick(c, 400));
        size += (1u << 20) - 200 + pick(c, 400);
        size += (size_t)sprintf(out + size, "\"}}\n");
        return size;
    case 4: // good events
        for (uint64_t i = 0, count = 1 + pick(c, 20); i < count; i++)
            size += event_put(c, out + size);
        return size;
    default: // good events with bytes changed
        for (uint64_t i = 0, count = 1 + pick(c, 4); i < count; i++)
            size += event_put(c, out + size);
        for (uint64_t i = 0, count = 1 + pick(c, 3); i < count; i++)
            out[pick(c, size)] = (char)pick(c, 256);
        return size;
    }
}

static int open_wild(struct caller *c, const char *path, int access)
{
    static const int flags[] = {
        O_CREAT, O_EXCL, O_TRUNC, O_APPEND, O_DIRECT, O_SYNC, O_NOFOLLOW, O_NOATIME, O_DIRECTORY};
    int all = access | O_NONBLOCK | O_CLOEXEC | O_NOCTTY; // without O_NONBLOCK a read of `follow` waits, and rightly
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        if (access == O_RDONLY ? i >= 4 && pick(c, 8) == 0 : pick(c, 5) == 0)
            all |= flags[i];
    return open(path, all, 0600 + (mode_t)pick(c, 0200));
}

// ---- the calls

static void call_read(struct caller *c, char *path)
{
    path_put(c, path, true);
    int fd = open_wild(c, path, O_RDONLY);
    if (fd < 0)
        return;
    for (uint64_t i = 0, count = 1 + pick(c, 4); i < count; i++)
        if (pread(fd, c->buffer, size_pick(c), offset_pick(c)) < 0)
            lseek(fd, offset_pick(c), (int)pick(c, 5));
    struct pollfd waits = {.fd = fd, .events = POLLIN | POLLOUT | POLLPRI};
    poll(&waits, 1, 0);
    if (read(fd, c->buffer, size_pick(c)) < 0)
        fsync(fd);
    close(fd);
}

static void call_list(struct caller *c, char *path)
{
    path_put(c, path, true);
    DIR *dir = opendir(path);
    if (!dir)
        return;
    for (uint64_t i = 0, count = pick(c, 200); i < count; i++) {
        if (pick(c, 10) == 0)
            seekdir(dir, (long)offset_pick(c));
        else if (pick(c, 50) == 0)
            rewinddir(dir);
        else
            readdir(dir);
    }
    closedir(dir);
}

static void call_write(struct caller *c, char *path)
{
    static const char *const targets[] = {"append", "append", "import", "deal_a1/append", "deal_a1/state.json",
        "deal_a2/rollback", "spec.json", "hooks/metrics/m.json", "deal_a1/.state.json.tmp"};
    if (pick(c, 4) == 0)
        path_put(c, path, false);
    else
        sprintf(path, "%s/wild/%s", c->mount, targets[pick(c, sizeof targets / sizeof *targets)]);
    int fd = open_wild(c, path, pick(c, 2) ? O_WRONLY : O_RDWR);
    if (fd < 0)
        return;
    for (uint64_t i = 0, count = 1 + pick(c, 3); i < count; i++) {
        size_t size = document_put(c), cut = size ? pick(c, size) : 0;
        // In two pieces, or at a wild offset.
        if (pick(c, 2) ? pwrite(fd, c->buffer, size, offset_pick(c)) < 0
                       : write(fd, c->buffer, cut) < 0 || write(fd, c->buffer + cut, size - cut) < 0)
            fsync(fd);
    }
    if (pick(c, 3) == 0 && ftruncate(fd, offset_pick(c)) < 0)
        posix_fallocate(fd, offset_pick(c), (off_t)size_pick(c));
    if (read(fd, c->buffer, size_pick(c)) < 0)
        flock(fd, LOCK_SH | LOCK_NB);
    close(fd);
}

static void call_attributes(struct caller *c, char *path)
{
    path_put(c, path, false);
    char name[64], value[256] = "x";
    snprintf(name, sizeof name, "%s%s", (const char *[]){"user.", "security.", "system.", "trusted.", ""}[pick(c, 5)],
        words[pick(c, WORDS)]);
    struct stat st;
    struct statvfs fs;
    int seen = 0;
    seen += lstat(path, &st) + statvfs(path, &fs) + access(path, (int)pick(c, 8));
    seen += (int)getxattr(path, pick(c, 2) ? "user.factfs.hash" : name, value, pick(c, sizeof value));
    seen += (int)listxattr(path, value, pick(c, sizeof value)) + setxattr(path, name, value, pick(c, 200), 0);
    seen += removexattr(path, name) + chmod(path, (mode_t)pick(c, 010000)) + truncate(path, offset_pick(c));
    seen += utimensat(AT_FDCWD, path, NULL, 0);
    (void)seen;
}

static void call_tree(struct caller *c, char *path)
{
    char other[PATH_BYTES];
    path_put(c, path, false);
    path_put(c, other, false);
    int seen = 0;
    switch (pick(c, 9)) {
    case 0:
        seen = mkdir(path, (mode_t)pick(c, 01000));
        break;
    case 1:
        seen = rmdir(path);
        break;
    case 2:
        seen = unlink(path);
        break;
    case 3:
    case 4:
        seen = rename(path, other);
        break;
    case 5:
        seen = link(path, other);
        break;
    case 6:
        seen = symlink(other, path);
        break;
    case 7:
        seen = mknod(path, (mode_t)(pick(c, 16) << 12 | 0600), 0);
        break;
    default:
        seen = renameat2(AT_FDCWD, path, AT_FDCWD, other, (unsigned)pick(c, 8));
    }
    (void)seen;
}

static void call_control(struct caller *c, char *path)
{
    path_put(c, path, true);
    int fd = open_wild(c, path, O_RDONLY);
    if (fd < 0)
        return;
    if (ioctl(fd, (unsigned long)random_next(&c->random), c->buffer) < 0)
        posix_fadvise(fd, offset_pick(c), (off_t)size_pick(c), (int)pick(c, 6));
    off_t at = offset_pick(c);
    if (copy_file_range(fd, &at, fd, NULL, size_pick(c), 0) < 0)
        fdatasync(fd);
    close(fd);
}

// A good event, cut into pieces; each piece must be taken whole.
static void call_good(struct caller *c, char *path)
{
    (void)path;
    size_t size = (size_t)sprintf(c->buffer,
        "{\"type\":\"was_counted\",\"target\":\"deal_%u\",\"data\":{\"token\":%llu,\"text\":\"\xc3\xa9\\u00e9 "
        "{[\\\"\",\"pad\":\"",
        c->number, (unsigned long long)++c->good);
    size_t pad = pick(c, 40) ? pick(c, 300) : pick(c, 900000);
    memset(c->buffer + size, 'p', pad);
    size += pad;
    size += (size_t)sprintf(c->buffer + size, "\"}}\n");
    for (size_t at = 0; at < size;) {
        size_t piece = pick(c, 3) ? 1 + pick(c, size - at) : size - at < 7 ? size - at : 1 + pick(c, 7);
        ssize_t written = pick(c, 2) ? write(c->calm, c->buffer + at, piece)
                                     : pwrite(c->calm, c->buffer + at, piece, offset_pick(c) & INT64_MAX >> 1);
        if (written != (ssize_t)piece)
            die("a piece of a good event (%zu bytes at %zu of %zu) was not taken: %s", piece, at, size,
                written < 0 ? strerror(errno) : "short");
        at += piece;
    }
}

static const struct {
    const char *name;
    void (*call)(struct caller *c, char *path);
} calls[] = {
    {"read", call_read},
    {"list", call_list},
    {"write", call_write},
    {"attributes", call_attributes},
    {"tree", call_tree},
    {"control", call_control},
    {"good", call_good},
};

#define CALLS (sizeof calls / sizeof *calls)

static void *caller_run(void *argument)
{
    struct caller *c = argument;
    char path[PATH_BYTES];
    while (c->calls < c->wanted) {
        size_t which = pick(c, CALLS);
        atomic_store(&c->what, calls[which].name);
        atomic_store(&c->since, now_ns());
        calls[which].call(c, path);
        atomic_store(&c->since, 0);
        c->calls++;
    }
    if (close(c->calm) < 0)
        die("close of calm/append: %s", strerror(errno));
    free(c->buffer);
    return NULL;
}

int main(int argc, char **argv)
{
    if (argc < 2)
        die("usage: hostile MOUNT --seed X [--calls N] [--threads T]");
    uint64_t seed = option_number(argc, argv, "--seed", (uint64_t)time(NULL));
    uint64_t wanted = option_number(argc, argv, "--calls", 10000);
    unsigned count = (unsigned)option_number(argc, argv, "--threads", 4);
    fprintf(stderr, "# hostile: seed %llu\n", (unsigned long long)seed);
    char path[PATH_BYTES];
    struct caller *callers = allocate(count, sizeof *callers);
    snprintf(path, sizeof path, "%s/calm/append", argv[1]);
    for (unsigned i = 0; i < count; i++) {
        callers[i].number = i;
        callers[i].mount = argv[1];
        callers[i].random = seed * 1000003u + i;
        callers[i].wanted = wanted / count;
        callers[i].buffer = allocate(BUFFER + 4096, 1);
        callers[i].calm = open(path, O_WRONLY | O_CLOEXEC);
        if (callers[i].calm < 0)
            die("%s: %s", path, strerror(errno));
    }
    for (unsigned i = 0; i < count; i++)
        if (pthread_create(&callers[i].thread, NULL, caller_run, &callers[i]))
            die("no thread");

    uint64_t made = 0, good = 0;
    for (unsigned i = 0; i < count; i++) {
        struct timespec until;
        for (;;) {
            clock_gettime(CLOCK_REALTIME, &until);
            until.tv_sec++;
            if (pthread_timedjoin_np(callers[i].thread, NULL, &until) == 0)
                break;
            for (unsigned k = 0; k < count; k++) {
                uint64_t since = atomic_load(&callers[k].since), now = now_ns();
                if (since && now > since && now - since > CALL_S * 1000000000ull)
                    die("seed %llu: a call (%s) hangs", (unsigned long long)seed, atomic_load(&callers[k].what));
            }
        }
        made += callers[i].calls;
        good += callers[i].good;
    }
    printf("{\"seed\":%llu,\"calls\":%llu,\"good\":%llu}\n", (unsigned long long)seed, (unsigned long long)made,
        (unsigned long long)good);
    free(callers);
    return EXIT_SUCCESS;
}
