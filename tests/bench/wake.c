// From an append to the reader that inotify wakes: one thread watches TENANT_DIR/stream for IN_MODIFY and reads what is
// new, the other appends one event and waits until the watcher has it.
//     wake TENANT_DIR --samples N [--entities K] [--pause US]
// Prints microseconds from before write(2) to the watcher's return from read(2) of the inotify descriptor ("woken") and
// to its holding the new line ("held"); from write(2)'s return to the wake-up ("after"; 0 when the watcher was first);
// and how many events woke nobody within a second ("lost").
#include "bench.h"

#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#define LOST_NS 1000000000u

struct watcher {
    const char *path;
    pthread_t thread;
    atomic_bool ready, stop;
    atomic_uint_fast64_t bytes; // read so far, behind the end at the start
    uint64_t woken_at, held_at; // of the last line; published by `bytes`
};

static void *watcher_run(void *argument)
{
    struct watcher *w = argument;
    int stream = open(w->path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (stream < 0 || fstat(stream, &st) < 0)
        die("%s: %s", w->path, strerror(errno));
    int notify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (notify < 0 || inotify_add_watch(notify, w->path, IN_MODIFY) < 0)
        die("inotify on %s: %s", w->path, strerror(errno));
    off_t at = st.st_size;
    static char buffer[65536];
    char events[4096];
    struct pollfd waits = {.fd = notify, .events = POLLIN};
    atomic_store(&w->ready, true);
    while (!atomic_load(&w->stop)) {
        if (poll(&waits, 1, 100) <= 0 || read(notify, events, sizeof events) <= 0)
            continue;
        uint64_t woken_at = now_ns();
        ssize_t got = pread(stream, buffer, sizeof buffer, at);
        if (got < 0)
            die("read %s: %s", w->path, strerror(errno));
        if (got == 0)
            continue;
        at += got;
        w->woken_at = woken_at;
        w->held_at = now_ns();
        atomic_fetch_add(&w->bytes, (uint64_t)got);
    }
    close(notify);
    close(stream);
    return NULL;
}

// True once the watcher has read more than `bytes`.
static bool watcher_reached(struct watcher *w, uint64_t bytes, uint64_t until)
{
    while (atomic_load(&w->bytes) <= bytes) {
        if (now_ns() > until)
            return false;
        sleep_ns(50000);
    }
    return true;
}

int main(int argc, char **argv)
{
    if (argc < 2)
        die("usage: wake TENANT_DIR --samples N [--entities K] [--pause US]");
    uint64_t wanted = option_number(argc, argv, "--samples", 2000), state = option_number(argc, argv, "--seed", 9);
    uint64_t pause_ns = option_number(argc, argv, "--pause", 1000) * 1000;
    uint32_t entities = (uint32_t)option_number(argc, argv, "--entities", ENTITIES_DEFAULT);
    words_init();
    char append[4096], stream[4096];
    snprintf(append, sizeof append, "%s/append", argv[1]);
    snprintf(stream, sizeof stream, "%s/stream", argv[1]);
    int fd = open(append, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        die("%s: %s", append, strerror(errno));

    struct watcher w = {.path = stream};
    if (pthread_create(&w.thread, NULL, watcher_run, &w))
        die("no thread");
    while (!atomic_load(&w.ready))
        sleep_ns(1000000);

    struct samples woken = {0}, held = {0}, after = {0}, writes = {0};
    uint64_t lost = 0;
    for (uint64_t i = 0; i < wanted; i++) {
        struct deal e = deal_next(UINT64_MAX, entities, &state);
        char line[LINE_MAX_SIZE];
        size_t size = deal_line(line, &e);
        line[size++] = '\n';
        sleep_ns(pause_ns + random_next(&state) % pause_ns);
        uint64_t bytes = atomic_load(&w.bytes), before = now_ns();
        if (write(fd, line, size) != (ssize_t)size)
            die("write to %s: %s", append, strerror(errno));
        uint64_t written = now_ns();
        samples_add(&writes, written - before);
        if (!watcher_reached(&w, bytes, written + LOST_NS)) {
            lost++;
            continue;
        }
        samples_add(&woken, w.woken_at - before);
        samples_add(&held, w.held_at - before);
        samples_add(&after, w.woken_at > written ? w.woken_at - written : 0);
    }
    atomic_store(&w.stop, true);
    pthread_join(w.thread, NULL);
    printf("{\"lost\":%llu,", (unsigned long long)lost);
    samples_print(&writes, "write");
    printf(",");
    samples_print(&woken, "woken");
    printf(",");
    samples_print(&held, "held");
    printf(",");
    samples_print(&after, "after");
    printf("}\n");
    return EXIT_SUCCESS;
}
