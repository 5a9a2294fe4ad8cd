// One writer that appends many events in writes of a fixed size, whatever the lines end.
//     load APPEND --events N [--from I] [--block BYTES] [--entities K] [--seed X] [--import 1]
// --from: how many events stand already (from 0 on, every entity's first event comes first). --one ENTITY: all events
// are of that entity, which must exist unless --from is 0. --import 1: each brings an id as another store makes them,
// and a timestamp, a millisecond after the one before it. Prints events, bytes, seconds and rate.
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

// Puts an id and a timestamp into the line; the ids are in no order. Few cycles: the time of this program counts.
static size_t import_line(char *line, size_t size, uint64_t index, uint64_t seed)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    static char head[] = "\"id\":\"evt_............\",\"timestamp\":\"2025-01-01T00:00:00.000Z\",";
    static const size_t id_at = 10, time_at = 37, added = sizeof head - 1;
    uint64_t state = seed << 32 ^ index;
    uint64_t random = random_next(&state);
    for (size_t i = 0; i < 12; i++, random >>= 5)
        head[id_at + i] = letters[random & 63];
    if (index % 1000 == 0) {
        time_t second = (time_t)(1735689600 + index / 1000);
        struct tm day;
        strftime(head + time_at, 20, "%Y-%m-%dT%H:%M:%S", gmtime_r(&second, &day));
        head[time_at + 19] = '.';
    }
    text_put_number(head + time_at + 20, (uint32_t)(index % 1000), 3);
    memmove(line + 1 + added, line + 1, size - 1);
    memcpy(line + 1, head, added);
    return size + added;
}

int main(int argc, char **argv)
{
    if (argc < 2)
        die("usage: load APPEND --events N [--from I] [--block BYTES] [--entities K] [--one ENTITY] [--seed X] "
            "[--import 1]");
    uint64_t events = option_number(argc, argv, "--events", 0), from = option_number(argc, argv, "--from", 0);
    size_t block = option_number(argc, argv, "--block", 1048576);
    uint32_t entities = (uint32_t)option_number(argc, argv, "--entities", ENTITIES_DEFAULT);
    bool one = option_text(argc, argv, "--one") != NULL;
    uint32_t only = (uint32_t)option_number(argc, argv, "--one", 0);
    uint64_t seed = option_number(argc, argv, "--seed", 5);
    uint64_t state = seed * 1000003u + from;
    bool imports = option_number(argc, argv, "--import", 0) != 0;
    words_init();

    int fd = open(argv[1], O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        die("%s: %s", argv[1], strerror(errno));
    char *buffer = allocate(block + LINE_MAX_SIZE, 1);
    size_t size = 0;
    uint64_t bytes = 0, began = now_ns();
    for (uint64_t i = from; i < from + events; i++) {
        struct deal e = one ? deal_of(only, i == 0, random_next(&state)) : deal_next(i, entities, &state);
        size_t line = deal_line(buffer + size, &e);
        size += imports ? import_line(buffer + size, line, i, seed) : line;
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
