// One writer that appends many events in writes of a fixed size, whatever the lines end.
//     load APPEND --events N [--from I] [--block BYTES] [--entities K] [--seed X]
// --from: how many events stand already (from 0 on, every entity's first event comes first). --one ENTITY: all events
// are of that entity, which must exist unless --from is 0. Prints events, bytes, seconds and rate.
#include "bench.h"

#include <fcntl.h>

static void write_all(int fd, const char *path, const char *from, size_t size)
{
    while (size) {
        ssize_t written = write(fd, from, size);
        if (written <= 0)
            die("write to %s: %s", path, written < 0 ? strerror(errno) : "nothing taken");
        from += written;
        size -= (size_t)written;
    }
}

int main(int argc, char **argv)
{
    if (argc < 2)
        die("usage: load APPEND --events N [--from I] [--block BYTES] [--entities K] [--one ENTITY] [--seed X]");
    uint64_t events = option_number(argc, argv, "--events", 0), from = option_number(argc, argv, "--from", 0);
    size_t block = option_number(argc, argv, "--block", 1048576);
    uint32_t entities = (uint32_t)option_number(argc, argv, "--entities", ENTITIES_DEFAULT);
    bool one = option_text(argc, argv, "--one") != NULL;
    uint32_t only = (uint32_t)option_number(argc, argv, "--one", 0);
    uint64_t state = option_number(argc, argv, "--seed", 5) * 1000003u + from;
    words_init();

    int fd = open(argv[1], O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        die("%s: %s", argv[1], strerror(errno));
    char *buffer = allocate(block + LINE_MAX_SIZE, 1);
    size_t size = 0;
    uint64_t bytes = 0, began = now_ns();
    for (uint64_t i = from; i < from + events; i++) {
        struct deal e = one ? deal_of(only, i == 0, random_next(&state)) : deal_next(i, entities, &state);
        size += deal_line(buffer + size, &e);
        buffer[size++] = '\n';
        if (size < block)
            continue;
        write_all(fd, argv[1], buffer, block);
        bytes += block;
        size -= block;
        memmove(buffer, buffer + block, size);
    }
    write_all(fd, argv[1], buffer, size);
    bytes += size;
    if (close(fd) < 0)
        die("close %s: %s", argv[1], strerror(errno));
    double took = (double)(now_ns() - began) / 1e9;
    printf("{\"events\":%llu,\"bytes\":%llu,\"seconds\":%.4f,\"rate\":%.1f}\n", (unsigned long long)events,
        (unsigned long long)bytes, took, (double)events / took);
    return EXIT_SUCCESS;
}
