// The entities in memory: found by name and by id, in the order of their use, with places that the index lacks.
#include "store/entity.h"
#include "tests/store/check.h"

#define MANY 5000u

static char *name_of(unsigned n)
{
    static char text[32];
    snprintf(text, sizeof text, "contact_%u", n);
    return text;
}

static void found_both_ways(void)
{
    struct entities set = {0};
    CHECK(!entities_find(&set, SLICE("contact_1")));
    CHECK(!entities_find_id(&set, 1));
    for (unsigned n = 1; n <= MANY; n++)
        CHECK(entities_add(&set, slice_of(name_of(n)), &(struct head){.id = n * 7}));
    for (unsigned n = 3; n <= MANY; n += 3)
        entities_remove(&set, entities_find(&set, slice_of(name_of(n))));
    CHECK_INT(set.count, MANY - MANY / 3);
    for (unsigned n = 1; n <= MANY; n++) {
        struct entity *e = entities_find(&set, slice_of(name_of(n)));
        CHECK(n % 3 ? e && e->head.id == n * 7 : !e);
        CHECK(entities_find_id(&set, n * 7) == e);
        CHECK(!entities_find_id(&set, n * 7 + 1));
    }
    CHECK(!entities_find(&set, SLICE("contact_")));
    entities_free(&set);
    CHECK_INT(set.count, 0);
}

static void by_use(void)
{
    struct entities set = {0};
    struct entity *e[4];
    for (unsigned n = 0; n < 4; n++)
        e[n] = entities_add(&set, slice_of(name_of(n)), &(struct head){.id = n + 1});
    entities_use(&set, e[0]);
    entities_use(&set, e[2]);
    entities_use(&set, e[2]);
    static const unsigned oldest_first[] = {1, 3, 0, 2};
    struct entity *at = set.oldest;
    for (unsigned i = 0; i < 4; i++, at = at ? at->newer : NULL)
        CHECK(at == e[oldest_first[i]]);
    CHECK(set.newest == e[2] && !e[2]->newer && !e[1]->older);
    entities_remove(&set, e[1]);
    entities_remove(&set, e[2]);
    CHECK(set.oldest == e[3] && set.newest == e[0] && e[3]->newer == e[0] && e[0]->older == e[3]);
    entities_remove(&set, e[3]);
    entities_remove(&set, e[0]);
    CHECK(!set.oldest && !set.newest && !set.bytes && !set.count);
    entities_free(&set);
}

static void counts_what_it_holds(void)
{
    struct entities set = {0};
    struct entity *e = entities_add(&set, SLICE("contact_a"), &(struct head){.id = 1});
    size_t bare = set.bytes;
    char fields[10000];
    memset(fields, ' ', sizeof fields);
    e->state = state_make(true, 0, SLICE("a"), SLICE("Contact"), (struct slice){.at = fields, .size = sizeof fields});
    entities_use(&set, e);
    CHECK(set.bytes >= bare + sizeof fields);
    state_drop(e->state);
    e->state = NULL;
    CHECK_INT(entity_reserve_pending(e, 1000), 0);
    entities_use(&set, e);
    CHECK(set.bytes >= bare + 1000 * sizeof(struct event_place) && set.bytes < bare + 100000);
    entities_free(&set);
}

static void places(void)
{
    struct entities set = {0};
    struct entity *e = entities_add(&set, SLICE("contact_a"), &(struct head){.id = 1});
    CHECK(!entity_pinned(e));
    for (uint32_t version = 1; version <= 100; version++) {
        CHECK_INT(entity_reserve_pending(e, 1), 0);
        entity_add_pending(e, &(struct event_place){.position = version * 10});
        e->head.version = version;
    }
    e->named = true;
    CHECK(entity_pinned(e));
    CHECK_INT(entity_pending_first(e), 1);
    entity_drop_pending(e, 60);
    CHECK_INT(entity_pending_first(e), 61);
    CHECK_INT(e->pending[0].position, 610);
    CHECK_INT(e->pending[e->pending_count - 1].position, 1000);
    entity_drop_pending(e, 40);
    CHECK(!e->pending_count && !entity_pinned(e));
    CHECK_INT(entity_pending_first(e), 101);
    entities_free(&set);
}

static void must_stay(void)
{
    struct entities set = {0};
    struct entity *e = entities_add(&set, SLICE("contact_a"), &(struct head){.id = 1});
    e->reserved = true;
    CHECK(entity_pinned(e));
    e->reserved = false;
    e->touched = true;
    CHECK(entity_pinned(e));
    e->touched = false;
    e->head.version = 1;
    CHECK(entity_pinned(e));
    e->named = true;
    CHECK(!entity_pinned(e));
    entities_free(&set);
}

int main(void)
{
    TEST("thousands are found by name and by id until they are removed", found_both_ways);
    TEST("they stand in the order of their use", by_use);
    TEST("the memory of states and places is counted", counts_what_it_holds);
    TEST("places are given up from the front", places);
    TEST("what the index on disk lacks, a reservation and a transaction keep one in memory", must_stay);
    return check_end("entity");
}
