// The history, asked in every way, against going through the whole log.
#include "tests/store/log_check.h"
#include "tests/store/log_model.h"

static struct fixture f;
static struct model m = {.keeps_texts = true};

static void random_log(void)
{
    while (m.count < 12000) {
        for (int i = 0; i < 6; i++)
            model_append(&f, &m, chance(3) ? 1 + (unsigned)chance(20) : 1 + (unsigned)chance(400));
        model_scan(&f, &m);
        model_ask(&f, &m, 30);
        if (chance(2)) {
            fixture_reopen(&f);
            model_ask(&f, &m, 60);
        }
    }
    CHECK(m.entities[0].count > 4000);
    model_ask(&f, &m, 500);
    fixture_reopen(&f);
    model_ask(&f, &m, 500);
}

static void every_version(void)
{
    for (uint32_t entity = 0; entity < 3; entity++) {
        const struct model_entity *e = &m.entities[entity];
        for (uint32_t version = 1; version <= e->count; version += entity ? 1 : 7)
            CHECK_TEXT(state_at(&f, model_name(entity), version), m.events[e->positions[version - 1] - 1].state);
        CHECK_TEXT(state_at(&f, model_name(entity), e->count + 1), "ENOENT");
        CHECK_TEXT(state_at(&f, model_name(entity), 0), "ENOENT");
    }
}

static void whole_streams(void)
{
    check_log(&f);
    for (uint32_t entity = 0; entity < MODEL_ENTITIES; entity++) {
        if (m.entities[entity].count)
            CHECK(slice_equal(stream_of(&f, model_name(entity)), bytes_slice(&m.streams[entity])));
    }
}

static void when_says(void)
{
    char when[64];
    bool forever;
    for (int i = 0; i < 300; i++) {
        uint64_t position = 1 + chance(m.count);
        uint32_t entity = chance(2) ? m.events[position - 1].entity : (uint32_t)chance(4);
        const struct model_entity *e = &m.entities[entity];
        long expected = 0, count = e->count;
        if (!count)
            continue;
        while (expected < count && e->positions[expected] <= position)
            expected++;
        snprintf(when, sizeof when, "%s", m.events[position - 1].id);
        CHECK_INT(resolve(&f, model_name(entity), when, &forever), expected ? expected : -ENOENT);
        CHECK(!expected || forever);

        int64_t at_us = m.events[position - 1].at_us;
        size_t size = when_print(when, at_us);
        when[size] = '\0';
        while (expected < count && m.events[e->positions[expected] - 1].at_us <= at_us)
            expected++;
        CHECK_INT(resolve(&f, model_name(entity), when, &forever), expected ? expected : -ENOENT);
        // At the moment of the last event an import may bring another one.
        CHECK(!expected || forever == (at_us < tenant_end(f.tenant).at_us));

        long version = 1 + (long)chance(e->count + 3);
        snprintf(when, sizeof when, "v%ld", version);
        CHECK_INT(resolve(&f, model_name(entity), when, &forever), version <= count ? version : -ENOENT);
    }
}

static void at_the_edge(void)
{
    char when[64];
    bool forever = true;
    CHECK_INT(event(&f, "edge_1", "was_made", "{}"), 0);
    int64_t at_us = moment_of(&f, tenant_end(f.tenant).position);
    // After the last event an import may still fill the past.
    while (when_now_us() <= at_us + 1)
        ;
    when[when_print(when, at_us + 1)] = '\0';
    CHECK_INT(resolve(&f, "edge_1", when, &forever), 1);
    CHECK(!forever);
    when[when_print(when, at_us - 1)] = '\0';
    CHECK_INT(resolve(&f, "edge_1", when, &forever), -ENOENT);
    CHECK_INT(resolve(&f, "edge_1", "1d-ago", &forever), -ENOENT);
    CHECK_INT(resolve(&f, "edge_1", "evt_none", &forever), -ENOENT);
    CHECK_INT(resolve(&f, "edge_2", "v1", &forever), -ENOENT);
    const struct model_event *first = &m.events[0];
    CHECK_INT(resolve(&f, model_name(first->entity), "2001-01-01", &forever), -ENOENT);
    CHECK_INT(resolve(&f, "edge_1", first->id, &forever), -ENOENT);
}

static void outside(void)
{
    struct event_row row;
    struct chunk page;
    struct head head;
    uint64_t id = entity_id(&f, model_name(0)), end = tenant_end(f.tenant).position;
    size_t got = 99;
    char block[16];
    struct stream_place place = {0};
    CHECK_INT(history_event(&f.reader, 0, &row), -ENOENT);
    CHECK_INT(history_event(&f.reader, end + 1, &row), -ENOENT);
    CHECK_INT(history_event(&f.reader, UINT64_MAX, &row), -ENOENT);
    CHECK_INT(history_page(&f.reader, id, 0, &page), -ENOENT);
    CHECK_INT(history_page(&f.reader, id, m.entities[0].count + 1, &page), -ENOENT);
    CHECK_INT(history_page(&f.reader, id, UINT32_MAX - 1, &page), -ENOENT);
    CHECK_INT(history_page(&f.reader, id + 1000000, 1, &page), -ENOENT);
    CHECK_INT(history_head_of(&f.reader, id + 1000000, &head), -ENOENT);
    CHECK_INT(history_head_of(&f.reader, 0, &head), -ENOENT);
    CHECK_INT(history_head(&f.reader, SLICE("thing_"), &head), -ENOENT);
    CHECK_INT(history_head(&f.reader, SLICE(""), &head), -ENOENT);
    CHECK_INT(stream_read_log(&f.reader, &place, tenant_end(f.tenant).size_bytes, block, 16, &got), 0);
    CHECK_INT(got, 0);
    CHECK_INT(stream_read_log(&f.reader, &place, UINT64_MAX - 5, block, 16, &got), 0);
    CHECK_INT(got, 0);
    CHECK_INT(stream_read_log(&f.reader, &place, 0, block, 0, &got), 0);
    CHECK_INT(got, 0);
    CHECK_INT(stream_read_entity(&f.reader, id, &place, UINT64_MAX - 5, block, 16, &got), 0);
    CHECK_INT(got, 0);
    CHECK_TEXT(history_type(&f.reader, 0), "");
    CHECK_TEXT(history_type(&f.reader, 70000), "");
}

int main(void)
{
    fixture_open(&f);
    TEST("a random log answers as going through it does, opened again or not", random_log);
    TEST("the state at every version is what its events add up to", every_version);
    TEST("the log is whole, and each entity's stream is its lines", whole_streams);
    TEST("WHEN is a version, a moment with all its events, or just after an event", when_says);
    TEST("before the first event and behind the last", at_the_edge);
    TEST("what is not there is ENOENT, and a stream ends at its end", outside);
    fixture_close(&f);
    model_free(&m);
    return check_end("history");
}
