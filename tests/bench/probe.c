// How long a reader waits for one small file: stat, and open + read + close as `cat` does.
//     probe state TENANT_DIR --seconds S [--entities K] [--pause US]   state.json of random entities, one every US
//     probe once PATH…                                                one read of each path, in this order
// Prints percentiles, or for `once` the microseconds of each path.
#include "bench.h"

#include <fcntl.h>
#include <sys/stat.h>

static uint64_t timed_stat(const char *path)
{
    struct stat st;
    uint64_t before = now_ns();
    if (stat(path, &st) < 0)
        die("stat %s: %s", path, strerror(errno));
    return now_ns() - before;
}

static uint64_t timed_cat(const char *path)
{
    static char buffer[131072];
    uint64_t before = now_ns();
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        die("open %s: %s", path, strerror(errno));
    size_t total = 0;
    ssize_t got;
    while ((got = read(fd, buffer, sizeof buffer)) > 0)
        total += (size_t)got;
    if (got < 0 || !total)
        die("read %s: %s", path, got < 0 ? strerror(errno) : "it is empty");
    close(fd);
    return now_ns() - before;
}

int main(int argc, char **argv)
{
    if (argc < 3)
        die("usage: probe state TENANT_DIR --seconds S | probe once PATH…");
    if (strcmp(argv[1], "once") == 0) {
        for (int i = 2; i < argc; i++)
            printf("%s%.1f", i == 2 ? "[" : ",", (double)timed_cat(argv[i]) / 1e3);
        printf("]\n");
        return EXIT_SUCCESS;
    }
    uint32_t entities = (uint32_t)option_number(argc, argv, "--entities", ENTITIES_DEFAULT);
    uint64_t pause_ns = option_number(argc, argv, "--pause", 500) * 1000,
             state = option_number(argc, argv, "--seed", 1);
    uint64_t until = now_ns() + (uint64_t)(option_seconds(argc, argv, "--seconds", 1) * 1e9);
    struct samples stats = {0}, cats = {0};
    while (now_ns() < until) {
        char path[4096];
        uint32_t a = (uint32_t)(random_next(&state) % entities), b = (uint32_t)(random_next(&state) % entities);
        snprintf(path, sizeof path, "%s/deal_k%05u/state.json", argv[2], a);
        samples_add(&stats, timed_stat(path));
        snprintf(path, sizeof path, "%s/deal_k%05u/state.json", argv[2], b);
        samples_add(&cats, timed_cat(path));
        sleep_ns(pause_ns);
    }
    printf("{");
    samples_print(&stats, "stat");
    printf(",");
    samples_print(&cats, "cat");
    printf("}\n");
    return EXIT_SUCCESS;
}
