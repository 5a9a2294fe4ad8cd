// A tenant: its end, its clock (FILES.md E2), entities that are reserved, refusals that are kept, and its observer.
#include "tests/store/store_fixture.h"

#include <sys/syscall.h>

static struct fixture f;

// The clock of this program, which can step.
static _Atomic int64_t step_us;

int clock_gettime(clockid_t clock, struct timespec *time)
{
    int result = (int)syscall(SYS_clock_gettime, clock, time);
    if (clock != CLOCK_REALTIME || !step_us)
        return result;
    int64_t ns = time->tv_sec * INT64_C(1000000000) + time->tv_nsec + step_us * 1000;
    *time = (struct timespec){.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
    return result;
}

// ---- the observer

static struct {
    unsigned calls, refused;
    struct committed changes[64];
    size_t count;
    uint64_t position;
} seen;

static void observe(void *context, struct tenant *tenant, const struct committed *changes, size_t count, bool rejected)
{
    seen.calls++;
    seen.refused += rejected;
    for (size_t i = 0; i < count && seen.count < 64; i++)
        seen.changes[seen.count++] = changes[i];
    seen.position = tenant_end(tenant).position;
    *(struct tenant **)context = tenant;
}

static void observed(void)
{
    memset(&seen, 0, sizeof seen);
    CHECK_INT(append(&f, "{'type':'was_seen','target':'order_1'}{'type':'was_seen','target':'order_2'}"
                         "{'type':'was_seen','target':'order_1'}"),
        0);
    CHECK_INT(seen.calls, 1);
    CHECK_INT(seen.refused, 0);
    CHECK_INT(seen.position, tenant_end(f.tenant).position);
    CHECK_INT(seen.count, 2);
    CHECK(*(struct tenant **)f.observer_context == f.tenant);
    for (size_t i = 0; i < 2; i++) {
        bool first = seen.changes[i].entity == entity_id(&f, "order_1");
        CHECK(first || seen.changes[i].entity == entity_id(&f, "order_2"));
        CHECK_INT(seen.changes[i].first_version, 1);
        CHECK_INT(seen.changes[i].last_version, first ? 2 : 1);
    }
    CHECK_INT(append(&f, "{'type':'was_seen','target':'order_1'}{'type':'was_seen','target':'order_1'}"), 0);
    CHECK_INT(seen.changes[2].first_version, 3);
    CHECK_INT(seen.changes[2].last_version, 4);
    CHECK_INT(append(&f, "{'type':'was_seen','target':'order_1'}{'type':'Order.Created','target':'order_1'}"), -EEXIST);
    CHECK_INT(seen.calls, 3);
    CHECK_INT(seen.count, 3);
    CHECK_INT(seen.refused, 1);
}

// ---- the end

static void end_is_remembered(void)
{
    CHECK_INT(event(&f, "order_3", "was_seen", "{'a':1}"), 0);
    struct log_end end = tenant_end(f.tenant);
    CHECK_INT(end.at_us, moment_of(&f, end.position));
    CHECK_INT(end.entities_at_us, end.at_us);
    CHECK_INT(event(&f, "order_3", "was_seen", "{'a':1}"), 0);
    CHECK_INT(tenant_end(f.tenant).entities_at_us, end.at_us);
    end = tenant_end(f.tenant);
    CHECK_INT(end.size_bytes, stream_of(&f, NULL).size);
    CHECK_INT(end.rejected_bytes, rejected_of(&f).size);
    fixture_reopen(&f);
    struct log_end again = tenant_end(f.tenant);
    CHECK(again.position == end.position && again.size_bytes == end.size_bytes && again.at_us == end.at_us &&
          again.entities_at_us == end.entities_at_us && again.rejected_bytes == end.rejected_bytes);
}

// ---- reservations

static void reserved(void)
{
    uint64_t id = 0, again = 0, found;
    char name[NAME_ENTITY_MAX];
    size_t size;
    struct head head;
    CHECK_INT(tenant_reserve(f.tenant, SLICE("contact_r"), &id), 0);
    CHECK_INT(tenant_reserve(f.tenant, SLICE("contact_r"), &again), -EEXIST);
    CHECK_INT(again, id);
    CHECK_INT(history_head(&f.reader, SLICE("contact_r"), &head), 0);
    CHECK(head.id == id && head.version == 0 && head.size_bytes == 0);
    CHECK_INT(history_head_of(&f.reader, id, &head), 0);
    CHECK_INT(history_entity_from(&f.reader, id, &found, name, &size), 0);
    CHECK_INT(found, id);
    CHECK_TEXT(((struct slice){.at = name, .size = size}), "contact_r");
    CHECK_INT(history_entity_from(&f.reader, id + 1, &found, name, &size), -ENOENT);
    CHECK_TEXT(state_of(&f, "contact_r"), "ENOENT");
    CHECK_TEXT(stream_of(&f, "contact_r"), "");
    bool forever;
    CHECK_INT(resolve(&f, "contact_r", "v1", &forever), -ENOENT);
    // A refused event leaves it as it is; an accepted one has its place.
    CHECK_INT(event(&f, "contact_r", "Contact.Updated", "{}"), -ENOENT);
    CHECK_INT(history_head(&f.reader, SLICE("contact_r"), &head), 0);
    CHECK_INT(event(&f, "contact_r", "Contact.Created", "{'a':1}"), 0);
    CHECK_INT(entity_id(&f, "contact_r"), id);
    CHECK_INT(tenant_reserve(f.tenant, SLICE("contact_r"), &again), -EEXIST);
    CHECK_INT(tenant_unreserve(f.tenant, id), -ENOTEMPTY);
    CHECK_JSON(state_of(&f, "contact_r"), "{'a':1}");
}

static void taken_back(void)
{
    uint64_t id, found;
    char name[NAME_ENTITY_MAX];
    size_t size;
    struct head head;
    CHECK_INT(tenant_reserve(f.tenant, SLICE("contact_s"), &id), 0);
    CHECK_INT(tenant_unreserve(f.tenant, id), 0);
    CHECK_INT(tenant_unreserve(f.tenant, id), -ENOENT);
    CHECK_INT(history_head(&f.reader, SLICE("contact_s"), &head), -ENOENT);
    CHECK_INT(tenant_reserve(f.tenant, SLICE("contact_s"), &id), 0);
    fixture_reopen(&f);
    CHECK_INT(history_head(&f.reader, SLICE("contact_s"), &head), -ENOENT);
    CHECK_INT(history_entity_from(&f.reader, id, &found, name, &size), -ENOENT);
}

static void in_order(void)
{
    uint64_t id, from = 0, last = 0, count = 0;
    char name[NAME_ENTITY_MAX];
    size_t size;
    for (int i = 0; i < 60; i++) {
        snprintf(name, sizeof name, "lead_%d", i);
        if (i % 3)
            CHECK_INT(tenant_reserve(f.tenant, slice_of(name), &id), 0);
        if (i % 3 != 1)
            CHECK_INT(event(&f, name, "was_seen", "{}"), 0);
    }
    while (history_entity_from(&f.reader, from, &id, name, &size) == 0) {
        CHECK(id > last || !count);
        count += size > 5 && !memcmp(name, "lead_", 5);
        last = id;
        from = id + 1;
        char own[NAME_ENTITY_MAX];
        size_t own_size;
        CHECK_INT(history_name(&f.reader, id, own, &own_size), 0);
        CHECK(own_size == size && !memcmp(own, name, size));
    }
    CHECK_INT(count, 60);
}

static void so_many(void)
{
    uint64_t id;
    char name[32];
    int made = 0, error = 0;
    fixture_reopen(&f);
    while (made < 100000 && !error) {
        snprintf(name, sizeof name, "many_%d", made);
        error = tenant_reserve(f.tenant, slice_of(name), &id);
        made += !error;
    }
    CHECK_INT(error, -ENOSPC);
    CHECK(made >= 1000);
    CHECK_INT(event(&f, "many_0", "was_seen", "{}"), 0);
    CHECK_INT(tenant_reserve(f.tenant, slice_of(name), &id), 0);
    fixture_reopen(&f);
    CHECK_INT(tenant_reserve(f.tenant, slice_of(name), &id), 0);
}

// ---- the clock

static void past_and_future(void)
{
    CHECK_INT(event(&f, "order_1", "was_seen", "{}"), 0);
    int64_t now_us = when_now_us();
    CHECK(tenant_is_past(f.tenant, 0));
    CHECK(tenant_is_past(f.tenant, tenant_end(f.tenant).at_us - 1));
    CHECK(!tenant_is_past(f.tenant, now_us + 60 * WHEN_US_PER_SECOND));
    CHECK(!tenant_is_past(f.tenant, INT64_MAX));
    while (when_now_us() <= now_us)
        ;
    CHECK(tenant_is_past(f.tenant, now_us));
    bool forever;
    CHECK_INT(resolve(&f, "order_1", "2999-01-01", &forever), -ENOENT);
    CHECK_INT(resolve(&f, "order_1", "1999-01-01", &forever), -ENOENT);
}

// A moment that somebody was told to be past has all its events, whatever is being committed.
static atomic_bool stop;

static void *ask_the_clock(void *argument)
{
    enum { KEPT = 20000 };
    static int64_t moments[KEPT];
    static uint64_t positions[KEPT];
    struct fixture *own = argument;
    struct reader reader;
    unsigned count = 0;
    REQUIRE(reader_open(&reader, own->tenant, NULL));
    while (!stop) {
        int64_t at_us = when_now_us() - (int64_t)(count % 3);
        unsigned i = count % KEPT;
        if (!tenant_is_past(own->tenant, at_us))
            continue;
        moments[i] = at_us;
        REQUIRE(history_position_at(&reader, at_us, &positions[i]));
        count++;
    }
    uint64_t wrong = 0;
    for (unsigned i = 0; i < count && i < KEPT; i++) {
        uint64_t position;
        REQUIRE(history_position_at(&reader, moments[i], &position));
        wrong += position != positions[i];
    }
    reader_close(&reader);
    own->version = count;
    return (void *)(uintptr_t)wrong;
}

static void told_past(void)
{
    struct fixture asking = {.tenant = f.tenant};
    pthread_t thread;
    void *wrong;
    stop = false;
    pthread_create(&thread, NULL, ask_the_clock, &asking);
    for (int i = 0; i < 600; i++)
        CHECK_INT(event(&f, "order_clock", "was_seen", "{}"), 0);
    stop = true;
    pthread_join(thread, &wrong);
    CHECK(asking.version > 50);
    CHECK_INT((uintptr_t)wrong, 0);
}

static void later_than_told(void)
{
    for (int i = 0; i < 200; i++) {
        int64_t at_us = when_now_us() - 1;
        bool past = tenant_is_past(f.tenant, at_us);
        CHECK_INT(event(&f, "order_clock", "was_seen", "{}"), 0);
        CHECK(!past || moment_of(&f, tenant_end(f.tenant).position) > at_us);
    }
}

static void clock_steps_back(void)
{
    for (int round = 0; round < 3; round++) {
        int64_t now_us = when_now_us();
        CHECK(tenant_is_past(f.tenant, now_us - 1));
        step_us -= 3600 * WHEN_US_PER_SECOND;
        // What was told to be past stays so, and what comes is later.
        CHECK(!tenant_is_past(f.tenant, now_us));
        CHECK_INT(event(&f, "order_clock", "was_seen", "{}"), 0);
        int64_t at_us = moment_of(&f, tenant_end(f.tenant).position);
        CHECK(at_us >= now_us);
        CHECK(tenant_is_past(f.tenant, at_us - 1));
        CHECK(!tenant_is_past(f.tenant, at_us));
        CHECK_INT(event(&f, "order_clock", "was_seen", "{}"), 0);
        CHECK(moment_of(&f, tenant_end(f.tenant).position) > at_us);
        CHECK(tenant_is_past(f.tenant, at_us));
        if (round == 1)
            fixture_reopen(&f);
        step_us += 3600 * WHEN_US_PER_SECOND;
        while (when_now_us() <= tenant_end(f.tenant).at_us)
            ;
    }
}

// ---- refusals

static void only_the_latest(void)
{
    enum { MANY = 2600 };
    sem_t answered;
    sem_init(&answered, 0, 0);
    static char input[5000];
    memset(input, 'x', sizeof input - 1);
    struct submission *all[MANY];
    for (int i = 0; i < MANY; i++) {
        all[i] = submission_new(SUBMIT_REFUSAL);
        all[i]->error = -EINVAL;
        reason_set(&all[i]->why, 0, "refused %d", i);
        all[i]->path = SLICE("append");
        all[i]->input = slice_of(input);
        all[i]->answer = fixture_post;
        all[i]->context = &answered;
        tenant_submit(f.tenant, all[i]);
    }
    for (int i = 0; i < MANY; i++)
        sem_wait(&answered);
    for (int i = 0; i < MANY; i++)
        submission_free(all[i]);
    sem_destroy(&answered);
    uint64_t before = tenant_end(f.tenant).rejected_bytes;
    CHECK(before > (uint64_t)MANY * 4096);
    fixture_reopen(&f);
    uint64_t size = tenant_end(f.tenant).rejected_bytes, offset = 0;
    CHECK(size < before && size > UINT64_C(1) << 20);
    struct stream_place place = {0};
    static char block[10007];
    BYTES_AUTO text = {0};
    for (size_t got = 1; got; offset += got) {
        CHECK_INT(stream_read_rejected(&f.reader, &place, offset, block, sizeof block, &got), 0);
        bytes_add(&text, block, got);
    }
    CHECK_INT(offset, size);
    CHECK(!memcmp(text.at, "{\"time\":", 8) && text.at[text.size - 1] == '\n');
    CHECK(text_has(bytes_slice(&text), "refused 2599") && !text_has(bytes_slice(&text), "refused 1\""));
    for (int i = 0; i < 200; i++) {
        size_t got, at = chance(size), want = 1 + chance(9000);
        struct stream_place fresh = {0};
        CHECK_INT(stream_read_rejected(&f.reader, i % 2 ? &fresh : &place, at, block, want, &got), 0);
        CHECK_INT(got, size - at < want ? size - at : want);
        CHECK(!memcmp(block, text.at + at, got));
    }
    CHECK_INT(event(&f, "order_1", "Order.Created", "{}"), -EEXIST);
    CHECK(tenant_end(f.tenant).rejected_bytes > size);
}

int main(void)
{
    struct tenant *context = NULL;
    f.observer = observe;
    f.observer_context = &context;
    fixture_open(&f);
    TEST("the observer hears of each commit once, when it can be read and before it is answered", observed);
    TEST("where the log ends is remembered", end_is_remembered);
    TEST("a reserved entity is shown until its first event and keeps its number", reserved);
    TEST("a reservation can be taken back, and ends with the mount", taken_back);
    TEST("entities are listed once each, in their order, reserved ones too", in_order);
    TEST("there are not more reservations than so many", so_many);
    TEST("now and what comes is not past", past_and_future);
    TEST("a moment told to be past has all its events", told_past);
    TEST("an event is later than any moment told to be past", later_than_told);
    TEST("a clock that stepped back does not take the moments back", clock_steps_back);
    TEST("rejected forgets its oldest lines when it is opened", only_the_latest);
    fixture_close(&f);
    return check_end("tenant");
}
