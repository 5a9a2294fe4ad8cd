// The index by entity, brought up to the log in sweeps: at any point of one it answers as going through the log does.
#include "tests/store/log_check.h"
#include "tests/store/log_model.h"

static struct fixture f;

static char *file_of(const struct fixture *in)
{
    static char path[200];
    snprintf(path, sizeof path, "%s/acme.db", in->path);
    return path;
}

// How far the index on disk is whole.
static uint64_t mark_of(const struct fixture *in)
{
    struct engine *engine;
    struct reason why;
    uint64_t mark;
    REQUIRE(engine_open(&engine, file_of(in), ENGINE_READ, &why));
    REQUIRE(engine_mark(engine, &mark));
    engine_close(engine);
    return mark;
}

// The rows themselves, of some entities, against the model.
static void check_rows(const struct fixture *in, const struct model *m, uint32_t step)
{
    struct engine *engine;
    struct reason why;
    REQUIRE(engine_open(&engine, file_of(in), ENGINE_READ, &why));
    for (uint32_t entity = 0; entity < MODEL_ENTITIES; entity += step) {
        const struct model_entity *e = &m->entities[entity];
        uint64_t id, offset = 0;
        int error = engine_entity_of_name(engine, slice_of(model_name(entity)), &id);
        CHECK_INT(error, e->count ? 0 : -ENOENT);
        for (uint32_t version = 1; !error && version <= e->count; version++) {
            struct chunk chunk;
            const struct model_event *at = &m->events[e->positions[version - 1] - 1];
            error = engine_chunk(engine, id, version, &chunk);
            CHECK_INT(error, 0);
            uint32_t i = (version - 1) % CHUNK_EVENTS;
            CHECK_INT(chunk.first, version - i);
            CHECK_INT(chunk.count, e->count - chunk.first < CHUNK_EVENTS ? e->count - chunk.first + 1 : CHUNK_EVENTS);
            CHECK_INT(chunk.goes_on, chunk.first + chunk.count - 1 < e->count);
            if (i == 0)
                CHECK_INT(chunk.offset, offset);
            CHECK_INT(chunk.events[i].position, e->positions[version - 1]);
            CHECK_INT(chunk.events[i].size_bytes, at->size_bytes);
            offset += at->size_bytes;
        }
    }
    engine_close(engine);
}

static uint64_t begun(const struct model *m)
{
    uint64_t count = 0;
    for (uint32_t entity = 0; entity < MODEL_ENTITIES; entity++)
        count += m->entities[entity].count > 0;
    return count;
}

// ---- a few events at a time

static void often(void)
{
    struct model m = {.keeps_texts = true};
    for (int i = 0; i < 60; i++) {
        model_append(&f, &m, 1 + (unsigned)chance(40));
        CHECK(mark_of(&f) < m.count);
        model_scan(&f, &m);
        fixture_reopen(&f);
        CHECK_INT(mark_of(&f), m.count);
        CHECK_INT(tenant_end(f.tenant).entities, begun(&m));
        model_ask(&f, &m, 3);
        if (i % 20 == 0)
            check_rows(&f, &m, 1);
    }
    check_rows(&f, &m, 1);
    CHECK(m.entities[0].count > 300);
    model_free(&m);
}

// ---- rest

// Of a file that does not say how many there are up to the mark, with and without events behind it.
static void uncounted(void)
{
    struct fixture old = {0};
    struct model m = {0};
    fixture_open(&old);
    model_append(&old, &m, 200);
    fixture_reopen(&old);
    model_append(&old, &m, 200);
    CHECK_INT(event(&old, "thing_refused", "Thing.Updated", "{}"), -ENOENT);
    struct fixture copy = {0};
    directory_make(copy.path);
    directory_copy(old.path, copy.path);
    char command[300];
    snprintf(command, sizeof command, "sqlite3 '%s' 'DELETE FROM mark WHERE one = 3'", file_of(&copy));
    CHECK_INT(system(command), 0);
    fixture_start(&copy);
    CHECK_INT(tenant_end(copy.tenant).entities, begun(&m));
    fixture_reopen(&copy);
    CHECK_INT(tenant_end(copy.tenant).entities, begun(&m));
    CHECK_INT(event(&copy, "other_new", "Other.Created", "{}"), 0);
    CHECK_INT(tenant_end(copy.tenant).entities, begun(&m) + 1);
    fixture_close(&copy);
    fixture_close(&old);
    model_free(&m);
}

static bool index_is_whole(struct fixture *in, const struct model *m)
{
    return mark_of(in) == m->count;
}

static void a_rest(void)
{
    struct fixture resting = {0};
    struct model m = {0};
    fixture_open(&resting);
    atomic_store(&resting.tenant->rest_ns, INT64_C(1000000));
    model_append(&resting, &m, 3000);
    time_t end = time(NULL) + 30;
    while (!index_is_whole(&resting, &m) && time(NULL) < end)
        nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
    CHECK(index_is_whole(&resting, &m));
    model_scan(&resting, &m);
    check_rows(&resting, &m, 1);
    // It goes on as before.
    model_append(&resting, &m, 100);
    model_scan(&resting, &m);
    model_ask(&resting, &m, 10);
    fixture_close(&resting);
    model_free(&m);
}

// ---- many events

static struct fixture large;
static struct model all;

// The machine is switched off now: a copy is opened, asked, and written to.
static void switched_off(void)
{
    struct fixture copy = {0};
    directory_make(copy.path);
    directory_copy(large.path, copy.path);
    fixture_start(&copy);
    CHECK_INT(tenant_end(copy.tenant).position, all.count);
    CHECK_INT(tenant_end(copy.tenant).entities, begun(&all));
    model_ask(&copy, &all, 20);
    uint32_t version = version_of(&copy, model_name(0));
    CHECK_INT(version, all.entities[0].count);
    const char *type = all.entities[0].alive ? "was_touched" : "Thing.Created";
    CHECK_INT(event(&copy, model_name(0), type, "{}"), 0);
    CHECK_INT(version_of(&copy, model_name(0)), version + 1);
    fixture_reopen(&copy);
    CHECK_INT(version_of(&copy, model_name(0)), version + 1);
    CHECK_INT(mark_of(&copy), all.count + 1);
    fixture_close(&copy);
}

static void many(void)
{
    fixture_open(&large);
    // Here each commit sweeps, and nothing else: not the rest of a writer that waits while the log is read.
    atomic_store(&large.tenant->rest_ns, INT64_C(3600000000000));
    // The 262,144th event starts a sweep; each commit from then on writes a part of it.
    while (all.count < 262144)
        model_append(&large, &all, 8192);
    CHECK_INT(mark_of(&large), 0);
    model_scan(&large, &all);
    size_t held = tenant_memory(large.tenant);
    unsigned commits = 0;
    for (; mark_of(&large) == 0 && commits < 2000; commits++) {
        model_append(&large, &all, 1 + (unsigned)chance(100));
        if (commits % 20 == 3) {
            model_scan(&large, &all);
            model_ask(&large, &all, 4);
        }
        if (commits == 30) {
            model_scan(&large, &all);
            switched_off();
        }
    }
    CHECK(commits > 30 && commits < 2000);
    CHECK(mark_of(&large) >= 262144 && mark_of(&large) <= all.count);
    CHECK(tenant_memory(large.tenant) < held / 2);
    model_scan(&large, &all);
    model_ask(&large, &all, 30);
}

static void many_again(void)
{
    CHECK_INT(tenant_end(large.tenant).entities, begun(&all));
    fixture_reopen(&large);
    CHECK_INT(mark_of(&large), all.count);
    CHECK_INT(tenant_end(large.tenant).entities, begun(&all));
    check_rows(&large, &all, 37);
    model_ask(&large, &all, 30);
    model_append(&large, &all, 3000);
    model_scan(&large, &all);
    model_ask(&large, &all, 30);
    check_log(&large);
    fixture_close(&large);
    model_free(&all);
}

// ---- many entities

#define ITEMS 250000u

static void many_entities(void)
{
    BYTES_AUTO text = {0};
    struct fixture many_of = {0};
    size_t most = 0;
    fixture_open(&many_of);
    for (unsigned item = 0; item < ITEMS; item++) {
        bytes_printf(&text, "{\"type\":\"was_made\",\"target\":\"item_%u\",\"data\":{\"n\":%u}}", item, item);
        if (item % 5000 == 4999) {
            REQUIRE(append_slice(&many_of, bytes_slice(&text)));
            bytes_clear(&text);
            if (tenant_memory(many_of.tenant) > most)
                most = tenant_memory(many_of.tenant);
        }
    }
    // Memory has a bound, whatever was written, also while batches come one after the other.
    CHECK(most < (size_t)56 << 20);
    for (int i = 0; i < 300; i++)
        REQUIRE(event(&many_of, "item_0", "was_seen", "{}"));
    CHECK(tenant_memory(many_of.tenant) < (size_t)40 << 20);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 300; i++) {
            char name[32], state[64];
            unsigned item = 1 + (unsigned)chance(ITEMS - 1);
            snprintf(name, sizeof name, "item_%u", item);
            uint32_t version = version_of(&many_of, name);
            CHECK(version >= 1);
            CHECK_INT(event(&many_of, name, "was_seen", "{'v':0}"), 0);
            CHECK_INT(version_of(&many_of, name), version + 1);
            snprintf(state, sizeof state, "{'n':%u,'v':0}", item);
            CHECK_JSON(state_of(&many_of, name), state);
            snprintf(state, sizeof state, "{'n':%u}", item);
            CHECK_JSON(state_at(&many_of, name, 1), state);
        }
        fixture_reopen(&many_of);
    }
    CHECK_INT(tenant_end(many_of.tenant).position, ITEMS + 300 + 600);
    fixture_close(&many_of);
}

int main(void)
{
    fixture_open(&f);
    TEST("a tenant at rest has all of its index on disk, and goes on afterwards", a_rest);
    TEST("a few events and a sweep, again and again", often);
    TEST("a file that does not say how many entities it has is counted once", uncounted);
    TEST("a sweep of 262,144 events, asked and switched off in the midst of it", many);
    TEST("closed and opened again the index is whole", many_again);
    TEST("entities that were forgotten come back from the index", many_entities);
    fixture_close(&f);
    return check_end("sweep");
}
