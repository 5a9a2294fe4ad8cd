// Writers that keep a ledger of what the store acknowledged, for whoever counts afterwards.
//     witness TENANT_DIR LEDGER_DIR --round R [--writers N] [--seconds S] [--bytes PAD] [--go-on 1]
// Writer W appends events whose data holds "token":"W-R-N" with N = 1, 2, 3 …, one to five in a write(2), some of them
// as an array, to entities that all writers share; some are Pascal-case events, which the store turns into changes,
// some are snake_case. LEDGER_DIR/W gets a line of text before and after each write, written at once but never synced:
//     B N COUNT              about to write the events N … N + COUNT - 1
//     A N COUNT [POSITION…]  they are acknowledged; odd writers read their receipts and note the positions
//     E N COUNT ERRNO        they are refused, or the daemon is gone
// A writer ends at the first refusal; with --go-on it goes on after ENOSPC. Prints `ready` once all have opened
// `append`.
#include "tests/bench/bench.h"

#include <fcntl.h>
#include <sys/stat.h>

#define BATCH_MAX 5
#define ENTITIES  20
#define PAD_MAX   65536u

struct writer {
    pthread_t thread;
    pthread_barrier_t *start;
    const char *tenant, *ledger;
    unsigned number;
    uint64_t round, until, random;
    size_t pad;
    bool go_on;
};

static void ledger_add(int fd, const char *line, size_t size)
{
    if (write(fd, line, size) != (ssize_t)size)
        die("ledger: %s", strerror(errno));
}

static size_t event_put(char *out, struct writer *w, uint64_t n)
{
    uint64_t r = random_next(&w->random);
    bool pascal = r & 1;
    size_t pad = w->pad ? (size_t)(r >> 32) % w->pad : 0;
    int head = sprintf(out, "{\"type\":\"%s\",\"target\":\"%s_k%02u\",\"data\":{\"token\":\"%u-%llu-%llu\",\"pad\":\"",
        pascal ? "Tick.Counted" : "was_counted", pascal ? "tick" : "order", (unsigned)(r >> 8) % ENTITIES, w->number,
        (unsigned long long)w->round, (unsigned long long)n);
    char *at = out + head;
    memset(at, 'a' + (int)((r >> 16) % 26), pad);
    at += pad;
    return (size_t)(TEXT_PUT(at, "\"}}") - out);
}

// Reads one receipt an event and notes the positions; an error receipt, or none, is a failure.
static int receipts_read(int fd, uint64_t count, char *out)
{
    char text[BATCH_MAX * 512];
    size_t size = 0;
    uint64_t lines = 0;
    while (lines < count) {
        ssize_t got = read(fd, text + size, sizeof text - 1 - size);
        if (got <= 0)
            return got < 0 ? -errno : -ENODATA;
        for (ssize_t i = 0; i < got; i++)
            lines += text[size + (size_t)i] == '\n';
        size += (size_t)got;
    }
    text[size] = '\0';
    char *at = text;
    for (uint64_t i = 0; i < count; i++) {
        char *position = strstr(at, "\"position\":");
        if (!position)
            die("no position in the receipt: %s", at);
        out += sprintf(out, " %llu", strtoull(position + strlen("\"position\":"), NULL, 10));
        at = position + 1;
    }
    *out = '\0';
    return 0;
}

static void *writer_run(void *argument)
{
    struct writer *w = argument;
    bool receipts = w->number % 2;
    char path[4096], entry[256], positions[BATCH_MAX * 24];
    snprintf(path, sizeof path, "%s/append", w->tenant);
    int fd = open(path, (receipts ? O_RDWR : O_WRONLY) | O_CLOEXEC);
    if (fd < 0)
        die("%s: %s", path, strerror(errno));
    snprintf(path, sizeof path, "%s/%u", w->ledger, w->number);
    int ledger = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (ledger < 0)
        die("%s: %s", path, strerror(errno));
    char *buffer = allocate(BATCH_MAX, PAD_MAX + 512);
    pthread_barrier_wait(w->start);

    for (uint64_t n = 1, count; now_ns() < w->until; n += count) {
        uint64_t r = random_next(&w->random);
        count = r % 4 ? 1 : 1 + (r >> 8) % BATCH_MAX;
        bool array = (r >> 16) % 4 == 0;
        size_t size = 0;
        for (uint64_t i = 0; i < count; i++) {
            if (array)
                buffer[size++] = i ? ',' : '[';
            size += event_put(buffer + size, w, n + i);
            if (!array)
                buffer[size++] = '\n';
        }
        if (array) {
            buffer[size++] = ']';
            buffer[size++] = '\n';
        }
        ledger_add(
            ledger, entry, (size_t)sprintf(entry, "B %llu %llu\n", (unsigned long long)n, (unsigned long long)count));
        ssize_t written = write(fd, buffer, size);
        int error = written < 0 ? errno : 0;
        if (!error && written != (ssize_t)size)
            die("a write of %zu bytes was cut to %zd", size, written);
        positions[0] = '\0';
        // The write is acknowledged even if the daemon dies before the receipts are read.
        if (!error && receipts && receipts_read(fd, count, positions) < 0)
            positions[0] = '\0';
        if (!error) {
            ledger_add(ledger, entry,
                (size_t)snprintf(entry, sizeof entry, "A %llu %llu%s\n", (unsigned long long)n,
                    (unsigned long long)count, positions));
            continue;
        }
        ledger_add(ledger, entry,
            (size_t)sprintf(entry, "E %llu %llu %d\n", (unsigned long long)n, (unsigned long long)count, error));
        if (!w->go_on || error != ENOSPC)
            break;
        char drain[4096]; // the receipts of what was refused
        while (receipts && read(fd, drain, sizeof drain) > 0)
            ;
        sleep_ns(5000000);
    }
    free(buffer);
    close(ledger);
    close(fd);
    return NULL;
}

int main(int argc, char **argv)
{
    if (argc < 3)
        die("usage: witness TENANT_DIR LEDGER_DIR --round R [--writers N] [--seconds S] [--bytes PAD] [--go-on 1]");
    unsigned count = (unsigned)option_number(argc, argv, "--writers", 8);
    uint64_t round = option_number(argc, argv, "--round", 1), pad = option_number(argc, argv, "--bytes", 300);
    uint64_t until = now_ns() + (uint64_t)(option_seconds(argc, argv, "--seconds", 30) * 1e9);
    if (pad > PAD_MAX)
        die("--bytes is at most %u", PAD_MAX);
    pthread_barrier_t start;
    pthread_barrier_init(&start, NULL, count + 1);
    struct writer *writers = allocate(count, sizeof *writers);
    for (unsigned i = 0; i < count; i++) {
        writers[i] = (struct writer){.start = &start,
            .tenant = argv[1],
            .ledger = argv[2],
            .number = i,
            .round = round,
            .until = until,
            .random = round * 1000003u + i,
            .pad = pad,
            .go_on = option_number(argc, argv, "--go-on", 0)};
        if (pthread_create(&writers[i].thread, NULL, writer_run, &writers[i]))
            die("no thread");
    }
    pthread_barrier_wait(&start);
    printf("ready\n");
    fflush(stdout);
    for (unsigned i = 0; i < count; i++)
        pthread_join(writers[i].thread, NULL);
    free(writers);
    return EXIT_SUCCESS;
}
