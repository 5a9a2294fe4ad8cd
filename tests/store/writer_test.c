// Many who write and read at once: each write is answered once and is there, nothing is seen by halves.
#include "tests/store/log_check.h"

#define WRITERS 8
#define WRITES  600
#define READERS 2

static struct fixture f;
// Threads count what they see; the tests check the counts.
static atomic_uint answers, wrong;
static atomic_bool done;

static void post(struct submission *s)
{
    answers++;
    sem_post(s->context);
}

// Appends and waits, as a thread of its own does; the error.
static int append_and_wait(struct fixture *own, sem_t *answered, const char *text)
{
    struct submission *s = fixture_events(own, slice_of(text));
    if (!s)
        return own->error;
    s->answer = post;
    s->context = answered;
    tenant_submit(f.tenant, s);
    while (sem_wait(answered))
        ;
    int error = s->error;
    submission_free(s);
    return error;
}

static void run(unsigned count, void *(*function)(void *))
{
    pthread_t threads[WRITERS];
    for (unsigned i = 0; i < count; i++)
        REQUIRE(pthread_create(&threads[i], NULL, function, (void *)(uintptr_t)i));
    for (unsigned i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
}

// ---- reading while others write

static void *write_lines(void *argument)
{
    unsigned me = (unsigned)(uintptr_t)argument;
    struct fixture own = {0};
    sem_t answered;
    sem_init(&answered, 0, 0);
    for (unsigned i = 0; i < WRITES; i++) {
        char text[1024];
        snprintf(text, sizeof text,
            "{\"type\":\"was_written\",\"target\":\"own_%u\",\"data\":{\"n\":%u,\"x\":\"%0*u\"}}"
            "{\"type\":\"was_shared\",\"target\":\"shared_1\",\"data\":{\"by\":%u}}",
            me, i, (int)(i * 7 % 500) + 1, i, me);
        REQUIRE(append_and_wait(&own, &answered, text));
    }
    sem_destroy(&answered);
    fixture_free_texts(&own);
    return NULL;
}

// Whole lines from here to where the log ended when it was asked: not one byte less.
static uint64_t read_to_end(
    struct reader *reader, struct stream_place *place, uint64_t from, uint64_t end, bool entity, uint64_t id)
{
    static _Thread_local struct bytes text;
    bytes_clear(&text);
    while (from + text.size < end) {
        size_t got = 0, size = 777;
        char *to = bytes_reserve(&text, size);
        int error = entity ? stream_read_entity(reader, id, place, from + text.size, to, size, &got)
                           : stream_read_log(reader, place, from + text.size, to, size, &got);
        if (error || !got) {
            wrong++;
            return from;
        }
        text.size += got;
    }
    // What was read may go on behind the end of then, but up to there it is whole.
    size_t size = end - from;
    wrong += size && (memcmp(text.at, "{\"id\":", 6) != 0 || memcmp(text.at + size - 2, "}\n", 2) != 0);
    for (size_t at = 0; at < size;) {
        char *newline = memchr(text.at + at, '\n', size - at);
        wrong += !newline || memcmp(text.at + at, "{\"id\":", 6) != 0;
        at = newline ? (size_t)(newline - text.at) + 1 : size;
    }
    bytes_free(&text);
    return end;
}

static void *read_lines(void *argument)
{
    (void)argument;
    struct reader reader;
    struct reason why;
    struct stream_place log = {0}, entity = {0};
    uint64_t log_at = 0, entity_at = 0, rounds = 0;
    REQUIRE(reader_open(&reader, f.tenant, &why));
    for (bool last = false; !last; rounds++) {
        last = done;
        struct log_end end = tenant_end(f.tenant);
        log_at = read_to_end(&reader, &log, log_at, end.size_bytes, false, 0);
        struct event_row row;
        wrong += end.position && history_event(&reader, end.position, &row) != 0;
        struct head head;
        struct chunk page;
        STATE_AUTO state = NULL;
        if (history_head(&reader, SLICE("shared_1"), &head) == 0 && head.version) {
            entity_at = read_to_end(&reader, &entity, entity_at, head.size_bytes, true, head.id);
            wrong += history_page(&reader, head.id, head.version, &page) != 0 ||
                     page.events[0].position != head.last_position;
            wrong += history_state(&reader, head.id, head.version, &state) != 0;
            uint32_t version;
            wrong += history_version_at(&reader, head.id, head.last_position, &version) != 0 || version != head.version;
        }
    }
    wrong += rounds < 2 || log_at != tenant_end(f.tenant).size_bytes;
    reader_close(&reader);
    return NULL;
}

static void readers_and_writers(void)
{
    pthread_t readers[READERS];
    done = false;
    answers = 0;
    for (int i = 0; i < READERS; i++)
        REQUIRE(pthread_create(&readers[i], NULL, read_lines, NULL));
    run(WRITERS, write_lines);
    done = true;
    for (int i = 0; i < READERS; i++)
        pthread_join(readers[i], NULL);
    CHECK_INT(wrong, 0);
    CHECK_INT(answers, WRITERS * WRITES);
    CHECK_INT(tenant_end(f.tenant).position, WRITERS * WRITES * 2);
    CHECK_INT(version_of(&f, "shared_1"), WRITERS * WRITES);
    // Each writer's events are in the order in which it wrote them.
    for (unsigned i = 0; i < WRITERS; i++) {
        char name[32], state[32];
        snprintf(name, sizeof name, "own_%u", i);
        CHECK_INT(version_of(&f, name), WRITES);
        for (uint32_t version = 1; version <= WRITES; version += 13) {
            snprintf(state, sizeof state, "\"n\":%u,", version - 1);
            CHECK(text_has(state_at(&f, name, version), state));
        }
    }
    check_log(&f);
}

// ---- writers against each other

static atomic_uint won, lost, other;

static void *count_up(void *argument)
{
    unsigned me = (unsigned)(uintptr_t)argument;
    struct fixture own = {0};
    struct reader reader;
    struct reason why;
    sem_t answered;
    sem_init(&answered, 0, 0);
    REQUIRE(reader_open(&reader, f.tenant, &why));
    for (unsigned i = 0; i < 60; i++) {
        STATE_AUTO state = NULL;
        struct head head;
        char text[256];
        REQUIRE(history_head(&reader, SLICE("counter_1"), &head));
        REQUIRE(history_state(&reader, head.id, head.version, &state));
        struct slice n = member_of(state->fields, "n");
        unsigned value = (unsigned)strtoul(n.at, NULL, 10);
        snprintf(text, sizeof text,
            me % 2
                ? "{\"type\":\"Counter.Raised\",\"target\":\"counter_1\",\"data\":{\"n\":{\"before\":%u,\"after\":%u}}}"
                : "{\"type\":\"Counter.Raised\",\"target\":\"counter_1\",\"data\":{\"n\":{\"before\":%u,\"after\":%u}},"
                  "\"version\":%u}",
            value, value + 1, head.version + 1);
        int error = append_and_wait(&own, &answered, text);
        won += error == 0;
        lost += error == -ESTALE;
        other += error != 0 && error != -ESTALE;
    }
    reader_close(&reader);
    sem_destroy(&answered);
    fixture_free_texts(&own);
    return NULL;
}

static void only_one_wins(void)
{
    CHECK_INT(event(&f, "counter_1", "Counter.Created", "{'n':0}"), 0);
    run(WRITERS, count_up);
    char state[32];
    snprintf(state, sizeof state, "{'n':%u}", won);
    CHECK_JSON(state_of(&f, "counter_1"), state);
    CHECK_INT(version_of(&f, "counter_1"), won + 1);
    CHECK_INT(won + lost, WRITERS * 60);
    CHECK_INT(other, 0);
    CHECK(won >= 60);
}

static void *same_ids(void *argument)
{
    (void)argument;
    struct fixture own = {0};
    sem_t answered;
    sem_init(&answered, 0, 0);
    for (unsigned i = 0; i < 60; i++) {
        char text[256];
        snprintf(text, sizeof text,
            "{\"type\":\"was_tried\",\"target\":\"tried_%u\",\"id\":\"evt_try_%u\",\"data\":{\"n\":%u}}", i % 7, i, i);
        other += append_and_wait(&own, &answered, text) != 0;
    }
    sem_destroy(&answered);
    fixture_free_texts(&own);
    return NULL;
}

static void each_id_once(void)
{
    uint64_t before = tenant_end(f.tenant).position;
    other = 0;
    run(WRITERS, same_ids);
    CHECK_INT(other, 0);
    CHECK_INT(tenant_end(f.tenant).position, before + 60);
}

// ---- all that happens to a tenant, at once

static void *reserve_and_ask(void *argument)
{
    unsigned me = (unsigned)(uintptr_t)argument;
    struct reader reader;
    struct reason why;
    REQUIRE(reader_open(&reader, f.tenant, &why));
    for (unsigned i = 0; !done; i++) {
        char name[NAME_ENTITY_MAX];
        uint64_t id, from = 0, found;
        size_t size;
        struct log_end end = tenant_end(f.tenant);
        snprintf(name, sizeof name, "reserved_%u", (i + me) % 40);
        if (tenant_reserve(f.tenant, slice_of(name), &id) == 0 && i % 3)
            tenant_unreserve(f.tenant, id);
        tenant_is_past(f.tenant, when_now_us() - 10);
        for (int k = 0; k < 5 && history_entity_from(&reader, from, &found, name, &size) == 0; k++) {
            struct chunk page;
            // A reservation may be gone by now.
            if (history_head_of(&reader, found, &(struct head){0}) == 0)
                history_page(&reader, found, 1, &page);
            from = found + 1;
        }
        wrong += history_type(&reader, 1).size == 0;
        static _Thread_local char block[500];
        struct stream_place place = {0};
        size_t got;
        wrong += stream_read_rejected(&reader, &place, 0, block, sizeof block, &got) != 0;
        wrong += tenant_end(f.tenant).position < end.position;
    }
    reader_close(&reader);
    return NULL;
}

static void *write_anything(void *argument)
{
    unsigned me = (unsigned)(uintptr_t)argument;
    struct fixture own = {0};
    sem_t answered;
    sem_init(&answered, 0, 0);
    for (unsigned i = 0; i < 200; i++) {
        char text[256];
        snprintf(text, sizeof text, "{\"type\":\"%s%u\",\"target\":\"reserved_%u\"}",
            i % 5 ? "was_" : "Reserved.Updated", i % 5 ? i % 30 : me, (i * 7 + me) % 40);
        int error = append_and_wait(&own, &answered, text);
        wrong += error != 0 && error != -ENOENT;
    }
    sem_destroy(&answered);
    fixture_free_texts(&own);
    return NULL;
}

static void everything_at_once(void)
{
    pthread_t askers[READERS];
    done = false;
    for (uintptr_t i = 0; i < READERS; i++)
        REQUIRE(pthread_create(&askers[i], NULL, reserve_and_ask, (void *)i));
    run(4, write_anything);
    done = true;
    for (int i = 0; i < READERS; i++)
        pthread_join(askers[i], NULL);
    CHECK_INT(wrong, 0);
    check_log(&f);
    fixture_reopen(&f);
    check_log(&f);
}

int main(void)
{
    fixture_open(&f);
    TEST("eight writers and two readers: each write once and in its order, no line by halves", readers_and_writers);
    TEST("of those who change the same version one wins", only_one_wins);
    TEST("eight who write the same ids write each event once", each_id_once);
    TEST("reservations, listings, moments and refusals among writes", everything_at_once);
    fixture_close(&f);
    return check_end("writer");
}
