// The ids of imports in memory: found by hash until a sweep has written them; and the set that knows what is not there.
#include "store/bloom.h"
#include "store/ids.h"
#include "tests/store/check.h"

#include <stdlib.h>

static uint64_t state = 1;

static uint64_t random_hash(void)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return state ^ state >> 29;
}

// Few different hashes, and few different slots.
static uint64_t hash_of(uint64_t position)
{
    return position % 5 == 0 ? 7 : (position * 0x9e3779b97f4a7c15u) << 20 | position % 3;
}

static uint64_t expected(uint64_t hash, uint64_t below, uint64_t last)
{
    for (uint64_t p = below > last + 1 ? last : below - 1; p; p--)
        if (hash_of(p) == hash)
            return p;
    return 0;
}

static void all_found(const struct ids *ids, uint64_t last)
{
    for (uint64_t p = 1; p <= last; p++) {
        CHECK_INT(ids_find(ids, hash_of(p), p + 1), p);
        CHECK_INT(ids_find(ids, hash_of(p), p), expected(hash_of(p), p, last));
    }
    CHECK_INT(ids_find(ids, 7, UINT64_MAX), expected(7, last + 1, last));
    CHECK_INT(ids_find(ids, 12345, UINT64_MAX), 0);
}

static void found_and_forgotten(void)
{
    struct ids ids = {0};
    CHECK_INT(ids_find(&ids, 7, UINT64_MAX), 0);
    for (uint64_t p = 1; p <= 1000; p++)
        CHECK_INT(ids_add(&ids, hash_of(p), p), 0);
    all_found(&ids, 1000);
    ids_truncate(&ids, 1000);
    all_found(&ids, 1000);
    ids_truncate(&ids, 613);
    all_found(&ids, 613);
    CHECK_INT(ids_find(&ids, hash_of(614), UINT64_MAX), expected(hash_of(614), 614, 613));
    for (uint64_t p = 614; p <= 900; p++)
        CHECK_INT(ids_add(&ids, hash_of(p), p), 0);
    all_found(&ids, 900);
    ids_truncate(&ids, 0);
    CHECK_INT(ids_find(&ids, 7, UINT64_MAX), 0);
    ids_free(&ids);
}

static void swept(void)
{
    struct ids ids = {0};
    struct id_place *copy = NULL;
    size_t count = 99;
    CHECK_INT(ids_sweep(&ids, 10, &copy, &count), 0);
    CHECK_INT(count, 0);
    free(copy);
    for (uint64_t p = 1; p <= 800; p++)
        CHECK_INT(ids_add(&ids, hash_of(p), p), 0);
    size_t bytes = ids_bytes(&ids);
    CHECK_INT(ids_sweep(&ids, 500, &copy, &count), 0);
    CHECK_INT(count, 500);
    all_found(&ids, 800);
    ids_sort(copy, count);
    for (size_t i = 1; i < count; i++)
        CHECK((int64_t)copy[i - 1].hash <= (int64_t)copy[i].hash);
    free(copy);
    // What was undone meanwhile is not what is being swept.
    ids_truncate(&ids, 700);
    all_found(&ids, 700);
    ids_drop_swept(&ids);
    CHECK_INT(ids_find(&ids, hash_of(499), UINT64_MAX), 0);
    CHECK_INT(ids_find(&ids, hash_of(501), UINT64_MAX), 501);
    CHECK(ids_bytes(&ids) < bytes);
    ids_free(&ids);
}

static void never_wrong(void)
{
    struct bloom bloom = {0};
    CHECK_INT(bloom_make(&bloom), 0);
    unsigned perhaps = 0;
    for (unsigned i = 0; i < 100000; i++)
        perhaps += bloom_may_have(&bloom, random_hash());
    CHECK_INT(perhaps, 0);
    state = 1;
    for (unsigned i = 0; i < 1000000; i++)
        bloom_add(&bloom, random_hash());
    for (unsigned i = 0; i < 1000000; i++)
        perhaps += bloom_may_have(&bloom, random_hash());
    // One in two hundred would still spare nearly all searches.
    CHECK(perhaps < 5000);
    state = 1;
    for (unsigned i = 0; i < 1000000; i++)
        if (!bloom_may_have(&bloom, random_hash()))
            CHECK(false);
    bloom_free(&bloom);
}

int main(void)
{
    TEST("ids are found by hash, the latest below a position first, and the latest can be forgotten",
        found_and_forgotten);
    TEST("what a sweep takes is found until it has ended", swept);
    TEST("the set never denies what is in it, and denies nearly everything else", never_wrong);
    return check_end("ids");
}
