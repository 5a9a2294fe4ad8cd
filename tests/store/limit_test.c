// An entity has at most 99,999,999 versions: beyond them the names of events would not sort (A12).
#include "tests/store/store_fixture.h"

static struct fixture f;

// The first version of the index's last row that the limit allows: the rows before it are as if they were there.
#define NEAR (NAME_VERSION_MAX - 14)

// An entity whose first event is told to be its version NEAR.
static void near(const char *name)
{
    CHECK_INT(event(&f, name, "Thing.Created", "{'n':0}"), 0);
    pthread_mutex_lock(&f.tenant->lock);
    entities_find(&f.tenant->entities, slice_of(name))->head.version = NEAR;
    pthread_mutex_unlock(&f.tenant->lock);
    CHECK_INT(version_of(&f, name), NEAR);
}

static void refuses_beyond(void)
{
    near("thing_a");
    for (uint32_t version = NEAR + 1; version <= NAME_VERSION_MAX; version++)
        CHECK_INT(event(&f, "thing_a", "Thing.Counted", "{'n':1}"), 0);
    CHECK_INT(version_of(&f, "thing_a"), NAME_VERSION_MAX);
    uint64_t before = tenant_end(f.tenant).position;
    CHECK_INT(event(&f, "thing_a", "Thing.Counted", "{'n':2}"), -EMSGSIZE);
    CHECK(strstr(f.why, "99999999") && strstr(f.why, "thing_a"));
    CHECK_INT(event(&f, "thing_a", "Thing.Deleted", "{}"), -EMSGSIZE);
    CHECK_INT(write_document(&f, "thing_a", NAME_VERSION_MAX, "{\"n\":3}"), -EMSGSIZE);
    CHECK_INT(tenant_end(f.tenant).position, before);
    CHECK_INT(version_of(&f, "thing_a"), NAME_VERSION_MAX);
    CHECK_TEXT(state_of(&f, "thing_a"), "{\"n\":1}");
}

static void refuses_a_batch(void)
{
    near("thing_b");
    for (uint32_t version = NEAR + 1; version < NAME_VERSION_MAX; version++)
        CHECK_INT(event(&f, "thing_b", "Thing.Counted", "{}"), 0);
    uint64_t before = tenant_end(f.tenant).position;
    CHECK_INT(append(&f, "[{'type':'Thing.Counted','target':'thing_b'},{'type':'Thing.Created','target':'thing_c'},"
                         "{'type':'Thing.Counted','target':'thing_b'}]"),
        -EMSGSIZE);
    CHECK_INT(f.line, 3);
    CHECK_INT(tenant_end(f.tenant).position, before);
    CHECK_INT(version_of(&f, "thing_b"), NAME_VERSION_MAX - 1);
    CHECK_INT(event(&f, "thing_b", "Thing.Counted", "{}"), 0);
    CHECK_INT(version_of(&f, "thing_b"), NAME_VERSION_MAX);
}

static void others_go_on(void)
{
    CHECK_INT(event(&f, "thing_c", "Thing.Created", "{}"), 0);
    fixture_reopen(&f);
    CHECK_INT(version_of(&f, "thing_a"), NAME_VERSION_MAX);
    CHECK_TEXT(state_of(&f, "thing_a"), "{\"n\":1}");
    CHECK_INT(event(&f, "thing_a", "Thing.Counted", "{'n':2}"), -EMSGSIZE);
    CHECK_INT(event(&f, "thing_c", "Thing.Counted", "{}"), 0);
}

int main(void)
{
    fixture_open(&f);
    TEST("the event behind version 99,999,999 is refused with EMSGSIZE and adds nothing", refuses_beyond);
    TEST("a batch that would pass the limit is refused as a whole", refuses_a_batch);
    TEST("others go on, and the limit holds when the tenant is opened again", others_go_on);
    fixture_close(&f);
    return check_end("limit");
}
