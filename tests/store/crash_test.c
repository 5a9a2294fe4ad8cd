// A writer that is killed at any moment: what was answered is there once, the log is whole, the index agrees with it.
#include "tests/store/log_check.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define ROUNDS 24

// What the child was told, shared with the parent.
struct told {
    atomic_uint submitted, answered, refused;
};

static struct fixture f;
static struct told *told;

static void count_answer(struct submission *s)
{
    if (s->error)
        told->refused++;
    else
        told->answered++;
    submission_free(s);
}

// Event n is the n-th of all, in the order in which it was submitted; each brings an id of its own, and every fifth
// submission is a batch that is refused.
static void submit_numbered(struct fixture *own, unsigned n)
{
    char text[1024];
    int size = snprintf(text, sizeof text,
        "{\"type\":\"was_%s\",\"target\":\"%s_%u\",\"id\":\"evt_n%u\",\"data\":{\"n\":%u,\"x\":\"%0*u\"}}",
        n % 3 ? "seen" : "heard", n % 2 ? "hot" : "cold", n % 2 ? 1 : n % 40, n, n, (int)(n * 31 % 700) + 1, n);
    struct submission *s = fixture_events(own, (struct slice){.at = text, .size = (size_t)size});
    s->answer = count_answer;
    told->submitted++;
    tenant_submit(own->tenant, s);
    if (n % 5 == 0) {
        s = fixture_events(own, SLICE("{\"type\":\"was_refused\",\"target\":\"hot_1\",\"id\":\"evt_no\"}"
                                      "{\"type\":\"Hot.Created\",\"target\":\"hot_1\"}"));
        s->answer = count_answer;
        tenant_submit(own->tenant, s);
    }
}

static void child(unsigned next, unsigned round)
{
    // Sometimes a few wait for each commit, sometimes many.
    unsigned ahead = round % 4 == 0 ? 1 : round % 4 == 1 ? 8 : 200;
    fixture_start(&f);
    unsigned first = next;
    for (;; next++) {
        submit_numbered(&f, next);
        while (next - first >= told->answered + ahead)
            usleep(20);
        // Closing is a moment to be killed in as well.
        if (round % 3 == 2 && (next - first) % 150 == 149) {
            fixture_stop(&f);
            fixture_start(&f);
        }
    }
}

// Everything that the log should say of the numbers 1 to `count`, and nothing else.
static void check_numbers(unsigned answered)
{
    uint64_t end = tenant_end(f.tenant).position;
    CHECK(end >= answered);
    for (unsigned n = 1; n <= end; n++) {
        char id[32];
        uint64_t position = 0;
        snprintf(id, sizeof id, "evt_n%u", n);
        CHECK_INT(history_position_of(&f.reader, slice_of(id), &position), 0);
        CHECK_INT(position, n);
        if (position != n)
            break;
    }
    uint64_t position;
    CHECK_INT(history_position_of(&f.reader, SLICE("evt_no"), &position), -ENOENT);
}

// The index against going through the log.
static void check_index(void)
{
    uint64_t end = tenant_end(f.tenant).position;
    static uint32_t versions[64];
    memset(versions, 0, sizeof versions);
    BYTES_AUTO hot = {0};
    for (uint64_t position = 1; position <= end; position++) {
        struct event_row row;
        struct chunk page;
        if (history_event(&f.reader, position, &row)) {
            CHECK_INT(position, 0);
            break;
        }
        uint64_t entity = row.entity;
        uint32_t version = row.version;
        bytes_add_slice(&hot, position % 2 ? row.line : SLICE(""));
        if (position % 2)
            bytes_add_char(&hot, '\n');
        CHECK_INT(version, ++versions[entity % 64]);
        CHECK_INT(history_page(&f.reader, entity, version, &page), 0);
        CHECK_INT(page.events[0].position, position);
    }
    CHECK(slice_equal(stream_of(&f, "hot_1"), bytes_slice(&hot)));
    CHECK_INT(version_of(&f, "hot_1"), (end + 1) / 2);
    if (end) {
        char n[32];
        snprintf(n, sizeof n, "\"n\":%llu,", (unsigned long long)(end - 1) / 2 * 2 + 1);
        CHECK(text_has(state_of(&f, "hot_1"), n));
    }
}

// Kills the child a moment after it has submitted so much; it must have lived until then.
static void kill_after(pid_t pid, unsigned submitted, unsigned moment_us)
{
    int status = 0;
    pid_t ended = 0;
    while (told->submitted <= submitted && !ended)
        ended = waitpid(pid, &status, WNOHANG), usleep(50);
    usleep((unsigned)chance(moment_us));
    if (ended) {
        CHECK_INT(status, 0);
        REQUIRE(ended);
    }
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
}

static void killed(void)
{
    unsigned next = 1;
    for (unsigned round = 0; round < ROUNDS; round++) {
        told->submitted = told->answered = told->refused = 0;
        fflush(stdout);
        pid_t pid = fork();
        if (pid == 0)
            child(next, round);
        kill_after(pid, (unsigned)chance(round % 3 ? 400 : 40), 300);
        unsigned answered = told->answered, submitted = told->submitted;
        fixture_start(&f);
        uint64_t end = tenant_end(f.tenant).position;
        CHECK(end >= next - 1 + answered && end <= next - 1 + submitted);
        check_log(&f);
        check_numbers(next - 1 + answered);
        check_index();
        next = (unsigned)end + 1;
        // And it goes on, as if nothing had been.
        if (round % 2) {
            told->answered = 0;
            submit_numbered(&f, next++);
        }
        fixture_stop(&f);
        if (round % 2)
            CHECK_INT(told->answered, 1);
    }
    CHECK(next > 500);
}

// Killed while the store and its tenants are being made and removed: what was made is there, what was removed is not.
static void make_and_remove(void)
{
    fixture_start(&f);
    for (unsigned n = 1;; n++) {
        struct tenant_info info = {.mode = 0755};
        struct tenant *tenant;
        snprintf(info.name, sizeof info.name, "t-%u", n);
        if (store_make(f.store, &info))
            _exit(1);
        told->submitted = n;
        if (store_get(f.store, info.number, &tenant))
            _exit(2);
        store_put(f.store, tenant);
        if (n > 3) {
            snprintf(info.name, sizeof info.name, "t-%u", n - 3);
            if (store_remove(f.store, info.name))
                _exit(3);
            told->answered = n - 3;
        }
    }
}

static void killed_while_making(void)
{
    for (int round = 0; round < 5; round++) {
        struct tenant_info info;
        told->submitted = told->answered = 0;
        fflush(stdout);
        pid_t pid = fork();
        if (pid == 0)
            make_and_remove();
        kill_after(pid, 1 + (unsigned)chance(15), 200);
        unsigned made = told->submitted, gone = told->answered;
        fixture_start(&f);
        for (unsigned n = 1; n <= made + 1; n++) {
            struct tenant *tenant;
            char name[32];
            snprintf(name, sizeof name, "t-%u", n);
            bool there = store_find(f.store, slice_of(name), &info) == 0;
            // The one that was next in either may be.
            CHECK(there == (n > gone && n <= made) || n == gone + 1 || n == made + 1);
            if (!there)
                continue;
            CHECK_INT(store_get(f.store, info.number, &tenant), 0);
            CHECK_INT(tenant_end(tenant).position, 0);
            store_put(f.store, tenant);
            CHECK_INT(store_remove(f.store, name), 0);
        }
        fixture_stop(&f);
    }
}

int main(void)
{
    told = mmap(NULL, sizeof *told, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    REQUIRE(told == MAP_FAILED);
    directory_make(f.path);
    TEST("a writer killed at any moment: answered events are there once, log and index whole", killed);
    TEST("killed while tenants are made and removed: they are there or not", killed_while_making);
    directory_remove(f.path);
    fixture_free_texts(&f);
    return check_end("crash");
}
