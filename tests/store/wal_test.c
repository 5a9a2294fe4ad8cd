// Damage in the write-ahead log that a kill or a power cut left: whoever opens the file is told when acknowledged
// commits would be gone, and never when nothing but an unfinished one is.
#include "store/sqlite/wal.h"

#include "tests/store/store_fixture.h"

#include <fcntl.h>
#include <sys/stat.h>

// ---- logs made by hand, as https://www.sqlite.org/fileformat2.html#walformat says, with small pages

#define PAGE   512u
#define FRAME  (24 + PAGE)
#define FRAMES 200u

struct log {
    unsigned char bytes[32 + FRAMES * FRAME];
    size_t size;   // of the file
    uint32_t salt; // of this round
    uint32_t sums[2];
    unsigned next; // frames of this round so far
    unsigned commits[FRAMES];
    unsigned commit_count; // acknowledged ones of this round: each ends before frame commits[i]
};

static char directory[96], path[128], log_path[140];

static void put_number(unsigned char *at, uint32_t number)
{
    for (int i = 0; i < 4; i++)
        at[i] = (unsigned char)(number >> (24 - 8 * i));
}

// The sums over little-endian words.
static void sum(uint32_t sums[2], const unsigned char *at, size_t size)
{
    for (size_t i = 0; i < size; i += 4) {
        uint32_t word =
            (uint32_t)at[i] | (uint32_t)at[i + 1] << 8 | (uint32_t)at[i + 2] << 16 | (uint32_t)at[i + 3] << 24;
        sums[i / 4 % 2] += word + sums[1 - i / 4 % 2];
    }
}

static void log_begin(struct log *log)
{
    unsigned char *h = log->bytes;
    log->salt++;
    log->next = log->commit_count = 0;
    put_number(h, 0x377f0682);
    put_number(h + 4, 3007000);
    put_number(h + 8, PAGE);
    put_number(h + 12, log->salt);
    put_number(h + 16, log->salt);
    put_number(h + 20, (uint32_t)chance(UINT32_MAX));
    log->sums[0] = log->sums[1] = 0;
    sum(log->sums, h, 24);
    put_number(h + 24, log->sums[0]);
    put_number(h + 28, log->sums[1]);
    if (log->size < 32)
        log->size = 32;
}

static void log_frame(struct log *log, bool commit)
{
    unsigned char *f = log->bytes + 32 + log->next++ * FRAME;
    put_number(f, 3 + (uint32_t)chance(50));
    put_number(f + 4, commit ? 60 + (uint32_t)chance(3) : 0);
    memcpy(f + 8, log->bytes + 16, 8);
    for (unsigned i = 0; i < PAGE; i++)
        f[24 + i] = (unsigned char)chance(256);
    sum(log->sums, f, 8);
    sum(log->sums, f + 24, PAGE);
    put_number(f + 16, log->sums[0]);
    put_number(f + 20, log->sums[1]);
    if (log->size < 32 + log->next * FRAME)
        log->size = 32 + log->next * FRAME;
}

enum outcome { ACKNOWLEDGED, FAILED, ROLLED_BACK };

static void log_transaction(struct log *log, unsigned frames, enum outcome outcome)
{
    uint32_t sums[2] = {log->sums[0], log->sums[1]};
    unsigned next = log->next;
    for (unsigned i = 1; i <= frames; i++)
        log_frame(log, i == frames && outcome != ROLLED_BACK);
    if (outcome == ACKNOWLEDGED) {
        log->commits[log->commit_count++] = log->next;
    } else {
        memcpy(log->sums, sums, sizeof sums);
        log->next = next;
    }
}

static void log_write(const struct log *log)
{
    FILE *file = fopen(log_path, "we");
    REQUIRE(!file);
    REQUIRE(fwrite(log->bytes, 1, log->size, file) != log->size);
    REQUIRE(fclose(file));
}

static int log_check(const struct log *log, struct reason *why)
{
    log_write(log);
    *why = (struct reason){0};
    return wal_check(path, why);
}

// A power cut: any of the sectors that were written from `offset` on are as they were before, or garbage.
static void log_tear(struct log *log, const struct log *before, size_t offset)
{
    for (size_t at = offset; at < log->size;) {
        size_t end = at / 512 * 512 + 512 < log->size ? at / 512 * 512 + 512 : log->size;
        uint64_t fate = chance(4);
        for (size_t i = at; fate >= 2 && i < end; i++)
            log->bytes[i] = fate == 2 || i < before->size ? before->bytes[i] : (unsigned char)chance(256);
        at = end;
    }
}

// A log with a past: rounds, failed and undone transactions, and at its end perhaps one that a power cut tore.
static void log_random(struct log *log)
{
    *log = (struct log){.salt = (uint32_t)chance(1000)};
    for (uint64_t rounds = 1 + chance(3); rounds; rounds--) {
        log_begin(log);
        for (uint64_t steps = chance(30); steps && log->next < FRAMES - 10; steps--)
            log_transaction(log, 1 + (unsigned)chance(5), chance(4) ? ACKNOWLEDGED : chance(2) ? FAILED : ROLLED_BACK);
    }
    if (chance(2)) {
        static struct log before;
        before = *log;
        log_transaction(log, 1 + (unsigned)chance(6), FAILED);
        log_tear(log, &before, 32 + log->next * FRAME);
    }
}

static void legal_logs(void)
{
    static struct log log;
    struct reason why;
    for (unsigned i = 0; i < 3000; i++) {
        uint64_t seed = chance_state;
        log_random(&log);
        int error = log_check(&log, &why);
        CHECK_INT(error, 0);
        if (error)
            printf("#   seed %llu: %s\n", (unsigned long long)seed, why.text);
    }
}

static bool across_sectors(unsigned frame)
{
    size_t at = 32 + frame * FRAME;
    return at / 512 != (at + 23) / 512;
}

static void damaged_logs(void)
{
    static struct log log;
    struct reason why;
    unsigned refused = 0;
    for (unsigned i = 0; i < 3000; i++) {
        uint64_t seed = chance_state;
        do
            log_random(&log);
        while (log.commit_count < 2);
        unsigned last_but_one = log.commits[log.commit_count - 2];
        size_t at = 32 + chance(last_but_one * FRAME);
        log.bytes[at] ^= (unsigned char)(1u << chance(8));
        unsigned frame = (unsigned)((at - 32) / FRAME);
        int error = log_check(&log, &why);
        if (frame == last_but_one - 1 && across_sectors(frame)) {
            CHECK(error == 0 || error == -EIO);
            continue;
        }
        refused++;
        CHECK_INT(error, -EIO);
        char expected[64];
        snprintf(expected, sizeof expected, "acme.db-wal is damaged at frame %u;", frame + 1);
        CHECK(text_has(slice_of(why.text), expected));
        if (error != -EIO || !text_has(slice_of(why.text), expected))
            printf("#   seed %llu: byte %zu: %s\n", (unsigned long long)seed, at, why.text);
    }
    CHECK(refused > 2500);
}

static void no_frames(void)
{
    static struct log log;
    struct reason why = {0};
    unlink(log_path);
    CHECK_INT(wal_check(path, &why), 0);
    log = (struct log){0};
    CHECK_INT(log_check(&log, &why), 0);
    log_begin(&log);
    for (log.size = 0; log.size <= 32 + 24; log.size++)
        CHECK_INT(log_check(&log, &why), 0);
    log.size = 32;
    for (unsigned i = 0; i < 32; i++) {
        log.bytes[i] ^= 0x55;
        CHECK_INT(log_check(&log, &why), 0);
    }
    memset(log.bytes, 0, sizeof log.bytes);
    log.size = sizeof log.bytes;
    CHECK_INT(log_check(&log, &why), 0);
}

static void counted(void)
{
    static struct log log;
    struct reason why;
    log = (struct log){0};
    log_begin(&log);
    for (int i = 0; i < 5; i++)
        log_transaction(&log, 3, ACKNOWLEDGED);
    // The first page of the second commit: this one, the third and the fourth are proven by what follows them.
    log.bytes[32 + 3 * FRAME + 100] ^= 1;
    CHECK_INT(log_check(&log, &why), -EIO);
    CHECK(
        text_has(slice_of(why.text), "acme.db-wal is damaged at frame 4; 3 or more acknowledged commits stand behind"));
    CHECK(text_has(slice_of(why.text), "cut it to 1640 bytes")); // 32 + 3 * 536
}

// ---- a log that somebody writes

static atomic_bool stop;
static unsigned looks;

static void *look_on(void *file)
{
    for (; !stop; looks++) {
        struct reason why = {0};
        CHECK_INT(wal_check(file, &why), 0);
        if (why.text[0])
            printf("#   look %u: %s\n", looks, why.text);
    }
    return NULL;
}

static pthread_t looker;

static void look_on_begin(char *file)
{
    stop = false;
    looks = 0;
    REQUIRE(pthread_create(&looker, NULL, look_on, file));
}

static void look_on_end(void)
{
    stop = true;
    pthread_join(looker, NULL);
    CHECK(looks > 10);
}

// Each frame is a commit, written as soon as the one before; each round over the one before.
static void written_log(void)
{
    static struct log log;
    log = (struct log){0};
    log_begin(&log);
    log_write(&log);
    int fd = open(log_path, O_WRONLY | O_CLOEXEC);
    look_on_begin(path);
    for (unsigned round = 0; round < 400; round++) {
        log_begin(&log);
        while (log.next < FRAMES)
            log_frame(&log, true);
        REQUIRE(pwrite(fd, log.bytes, 32, 0) != 32);
        for (size_t i = 0; i < FRAMES; i++)
            REQUIRE(pwrite(fd, log.bytes + 32 + i * FRAME, FRAME, (off_t)(32 + i * FRAME)) != (ssize_t)FRAME);
    }
    look_on_end();
    close(fd);
}

// ---- logs of a store

static struct fixture f;
static char killed[96]; // what a kill left when all was acknowledged

static void kill_image(struct fixture *copy)
{
    directory_make(copy->path);
    directory_copy(killed, copy->path);
}

static void flip_byte(const char *file, off_t at, unsigned char with)
{
    unsigned char byte;
    int fd = open(file, O_RDWR | O_CLOEXEC);
    REQUIRE(fd < 0 || pread(fd, &byte, 1, at) != 1);
    byte ^= with;
    REQUIRE(pwrite(fd, &byte, 1, at) != 1);
    close(fd);
}

// How many events acme has; or -errno.
static long events_of(struct fixture *copy)
{
    struct reason why = {0};
    struct tenant_info info;
    struct tenant *tenant;
    int error = store_open(&copy->store, copy->path, NULL, NULL, &why);
    if (error)
        return error;
    REQUIRE(store_find(copy->store, SLICE("acme"), &info));
    error = store_get(copy->store, info.number, &tenant);
    long events = error;
    if (!error) {
        events = (long)tenant_end(tenant).position;
        store_put(copy->store, tenant);
    }
    store_close(copy->store);
    return events;
}

// Opens a copy of the store in which a byte of a file is another. What events_of says.
static long flipped(const char *file, off_t at, unsigned char with)
{
    struct fixture copy = {0};
    char name[256];
    kill_image(&copy);
    snprintf(name, sizeof name, "%s/%s", copy.path, file);
    flip_byte(name, at, with);
    quiet(true);
    long events = events_of(&copy);
    quiet(false);
    directory_remove(copy.path);
    return events;
}

static off_t size_of(const char *file)
{
    char name[256];
    struct stat st;
    snprintf(name, sizeof name, "%s/%s", killed, file);
    REQUIRE(stat(name, &st));
    return st.st_size;
}

#define EVENTS 40

static void store_begin(void)
{
    fixture_open(&f);
    for (int i = 0; i < EVENTS; i++)
        REQUIRE(append_of(&f, "{'type':'was_seen','target':'order_%d','data':{'n':%d}}", i % 7, i));
    directory_make(killed);
    directory_copy(f.path, killed);
}

static void store_killed(void)
{
    struct fixture copy = {0};
    kill_image(&copy);
    CHECK_INT(events_of(&copy), EVENTS);
    directory_remove(copy.path);
}

static void store_frames(void)
{
    off_t size = size_of("acme.db-wal"), stride = 24 + WAL_PAGE_SIZE;
    CHECK(size > EVENTS * stride);
    unsigned refused = 0, opened = 0;
    for (off_t at = 32; at < size; at += stride) {
        // In its header, and in its page.
        off_t places[] = {at + (off_t)chance(24), at + 24 + (off_t)chance(WAL_PAGE_SIZE)};
        for (int i = 0; i < 2; i++) {
            long events = flipped("acme.db-wal", places[i], (unsigned char)(1 + chance(255)));
            CHECK(events == -EIO || events >= EVENTS - 1);
            if (events != -EIO && events < EVENTS - 1)
                printf("#   byte %lld of %lld: %ld events\n", (long long)places[i], (long long)size, events);
            refused += events == -EIO;
            opened += events >= 0;
        }
    }
    CHECK(refused > 10 * opened && opened > 0);
}

static void store_header(void)
{
    for (off_t at = 0; at < 32; at++)
        CHECK_INT(flipped("acme.db-wal", at, (unsigned char)(1u << chance(8))), -EIO);
    CHECK_INT(flipped("catalog-wal", 5, 1), -EIO);
    CHECK_INT(flipped("catalog-wal", 32 + 100, 1), -EIO);
}

static void store_cut(void)
{
    struct fixture copy = {0};
    struct reason why = {0};
    char file[200], log[210];
    kill_image(&copy);
    snprintf(file, sizeof file, "%s/acme.db", copy.path);
    snprintf(log, sizeof log, "%s-wal", file);
    flip_byte(log, size_of("acme.db-wal") / 2, 4);
    CHECK_INT(wal_check(file, &why), -EIO);
    const char *told = strstr(why.text, "cut it to ");
    REQUIRE(!told);
    REQUIRE(truncate(log, strtol(told + strlen("cut it to "), NULL, 10)));
    long events = events_of(&copy);
    CHECK(events > 0 && events < EVENTS - 2);
    directory_remove(copy.path);
}

// The log is begun anew after 16 MiB, and so a few times here.
static void store_in_use(void)
{
    char file[200], *text = malloc(300001);
    snprintf(file, sizeof file, "%s/acme.db", f.path);
    memset(text, 'x', 300000);
    text[300000] = '\0';
    look_on_begin(file);
    for (int i = 0; i < 200; i++)
        REQUIRE(append_of(&f, "{'type':'was_seen','target':'order_1','data':{'text':'%s'}}", text));
    look_on_end();
    free(text);
}

int main(int count, char **arguments)
{
    if (count > 1)
        chance_state = strtoull(arguments[1], NULL, 10);
    directory_make(directory);
    snprintf(path, sizeof path, "%s/acme.db", directory);
    snprintf(log_path, sizeof log_path, "%s-wal", path);
    TEST("what kills, power cuts, failed and undone commits leave is accepted", legal_logs);
    TEST("a flipped byte before the last commit but one is told, and the frame named", damaged_logs);
    TEST("a log without frames is accepted, whatever its header is", no_frames);
    TEST("how many commits are behind, and where to cut", counted);
    TEST("a log that somebody writes is never taken for damaged", written_log);
    directory_remove(directory);
    store_begin();
    TEST("a store that was killed opens with all its events", store_killed);
    TEST("a store with a flipped byte in its log is refused, or lacks the last event at most", store_frames);
    TEST("a flipped byte in the header of the log of a tenant or the catalog is told", store_header);
    TEST("cut where the message says, the tenant opens with what was before", store_cut);
    TEST("the log of a store that is written to is never taken for damaged", store_in_use);
    fixture_close(&f);
    directory_remove(killed);
    return check_end("wal");
}
