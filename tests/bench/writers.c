// Writers that append one event a write(2), each on a descriptor that it opened itself.
//     writers APPEND --writers N --seconds S [--entities K] [--seed X]
// The entities must exist. Prints events, seconds, rate and the latency of a write.
#include "bench.h"

#include <fcntl.h>

struct writer {
    pthread_t thread;
    const char *path;
    pthread_barrier_t *start;
    const uint64_t *until;
    uint64_t seed;
    uint32_t entities;
    struct samples latency;
};

static void *writer_run(void *argument)
{
    struct writer *w = argument;
    int fd = open(w->path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        die("%s: %s", w->path, strerror(errno));
    char line[LINE_MAX_SIZE];
    pthread_barrier_wait(w->start); // all are open
    pthread_barrier_wait(w->start); // the end is set
    for (uint64_t before = now_ns(); before < *w->until;) {
        struct deal e = deal_next(UINT64_MAX, w->entities, &w->seed);
        size_t size = deal_line(line, &e);
        line[size++] = '\n';
        ssize_t written = write(fd, line, size);
        if (written != (ssize_t)size)
            die("write to %s: %s", w->path, written < 0 ? strerror(errno) : "short");
        uint64_t after = now_ns();
        samples_add(&w->latency, after - before);
        before = after;
    }
    close(fd);
    return NULL;
}

int main(int argc, char **argv)
{
    if (argc < 2)
        die("usage: writers APPEND --writers N --seconds S [--entities K] [--seed X]");
    unsigned count = (unsigned)option_number(argc, argv, "--writers", 1);
    double seconds = option_seconds(argc, argv, "--seconds", 1);
    uint64_t seed = option_number(argc, argv, "--seed", 1);
    words_init();

    pthread_barrier_t start;
    pthread_barrier_init(&start, NULL, count + 1);
    uint64_t until = 0;
    struct writer *writers = allocate(count, sizeof *writers);
    for (unsigned i = 0; i < count; i++) {
        writers[i] = (struct writer){.path = argv[1],
            .start = &start,
            .until = &until,
            .seed = seed * 1000003u + i,
            .entities = (uint32_t)option_number(argc, argv, "--entities", ENTITIES_DEFAULT)};
        int error = pthread_create(&writers[i].thread, NULL, writer_run, &writers[i]);
        if (error)
            die("thread: %s", strerror(error));
    }
    pthread_barrier_wait(&start);
    uint64_t began = now_ns();
    until = began + (uint64_t)(seconds * 1e9);
    pthread_barrier_wait(&start);

    struct samples all = {0};
    for (unsigned i = 0; i < count; i++) {
        pthread_join(writers[i].thread, NULL);
        for (size_t k = 0; k < writers[i].latency.count; k++)
            samples_add(&all, writers[i].latency.ns[k]);
    }
    double took = (double)(now_ns() - began) / 1e9;
    printf("{\"events\":%zu,\"seconds\":%.4f,\"rate\":%.1f,", all.count, took, (double)all.count / took);
    samples_print(&all, "write");
    printf("}\n");
    return EXIT_SUCCESS;
}
