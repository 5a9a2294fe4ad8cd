// A table in a REST catalog: over the one of the strict stub (stub_catalog.py), whose answers are lost on demand, and
// over the one that Iceberg tests its own clients with, if tests/lake/servers has it: on local files and over
// versitygw.
#include "hooks/lake/catalog_rest.h"

#include "hooks/lake/objects_s3.h"
#include "store/json.h"
#include "store/when.h"
#include "tests/lake/servers.h"

#include <errno.h>

#define SCHEMA                                                                                                         \
    "{\"type\":\"struct\",\"schema-id\":0,\"fields\":[{\"id\":1,\"name\":\"id\",\"required\":true,\"type\":"           \
    "\"string\"}]}"
#define SPEC                                                                                                           \
    "{\"spec-id\":0,\"fields\":[{\"source-id\":1,\"field-id\":1000,\"name\":\"id\",\"transform\":\"identity\"}]}"
#define PROPERTIES "{\"format-version\":\"2\",\"factfs.position.acme\":\"0\"}"

static struct server stub;
static char uri[128]; // of the catalog that is asked
static struct access access_of;
static struct lake_catalog *catalog;
static struct lake_table table;

static struct lake_catalog *open_at(const char *name, const char *warehouse, const struct access *access)
{
    struct lake_catalog *opened = NULL;
    struct rest_place place = {.uri = uri, .warehouse = warehouse, .table = name};
    CHECK_INT(lake_catalog_rest_open(&opened, &place, access, NULL), 0);
    return opened;
}

static enum commit_outcome create(struct lake_catalog *c, struct lake_table *t)
{
    struct reason why = {0};
    enum commit_outcome outcome = lake_catalog_create(c, SLICE(SCHEMA), SLICE(SPEC), SLICE(PROPERTIES), t, &why);
    CHECK((outcome == COMMIT_DONE) == !why.text[0]);
    return outcome;
}

static void text_at(struct bytes *out, const char *member, const char *name)
{
    struct slice within = bytes_slice(&table.metadata), value;
    if (member && !json_member(within, member, &within))
        return;
    if (json_member(within, name, &value))
        bytes_add_slice(out, value);
}

#define CHECK_MEMBER(member, name, expected)                                                                           \
    do {                                                                                                               \
        BYTES_AUTO text_ = {0};                                                                                        \
        text_at(&text_, member, name);                                                                                 \
        CHECK_TEXT(bytes_slice(&text_), expected);                                                                     \
    } while (0)

static void a_table_is_made_once(void)
{
    struct lake_table again = {0};
    struct reason why = {0};
    catalog = open_at("lake.raw.events", "w", &access_of);
    CHECK_INT(lake_catalog_load(catalog, &table, &why), -ENOENT);
    CHECK_INT(create(catalog, &table), COMMIT_DONE);
    CHECK_MEMBER(NULL, "location", "\"s3://lake/warehouse/lake/raw/events\"");
    CHECK_MEMBER("properties", "factfs.position.acme", "\"0\"");
    CHECK_TEXT(slice_of(table.objects->root), "s3://lake/warehouse/lake/raw/events");
    CHECK_INT(create(catalog, &again), COMMIT_CONFLICT);
    CHECK_INT(lake_catalog_load(catalog, &again, NULL), 0);
    CHECK(slice_equal(bytes_slice(&again.metadata), bytes_slice(&table.metadata)));
    table.objects = again.objects;
    lake_table_clear(&again);
    CHECK_INT(stub_count(&stub, "/namespaces/lake%2Eraw/tables/events"), 2);
    CHECK_INT(stub_count(&stub, "never/ask"), 0);
}

// Commits a snapshot of this id, and a property that counts.
static enum commit_outcome commit_with(const char *uuid, const char *snapshot, unsigned sequence)
{
    BYTES_AUTO requirements = {0}, updates = {0};
    struct reason why = {0};
    bytes_printf(&requirements, "[{\"type\":\"assert-table-uuid\",\"uuid\":%s}]", uuid);
    bytes_printf(&updates,
        "[{\"action\":\"add-snapshot\",\"snapshot\":{\"snapshot-id\":%s,\"sequence-number\":%u,\"timestamp-ms\":1}},"
        "{\"action\":\"set-snapshot-ref\",\"ref-name\":\"main\",\"type\":\"branch\",\"snapshot-id\":%s},"
        "{\"action\":\"set-properties\",\"updates\":{\"factfs.position.acme\":\"%u\"}}]",
        snapshot, sequence, snapshot, sequence);
    enum commit_outcome outcome =
        lake_catalog_commit(catalog, bytes_slice(&requirements), bytes_slice(&updates), &table, &why);
    CHECK((outcome == COMMIT_DONE) == !why.text[0]);
    return outcome;
}

static unsigned sequence;

static enum commit_outcome commit_next(const char *fault)
{
    BYTES_AUTO uuid = {0};
    char snapshot[24];
    text_at(&uuid, NULL, "table-uuid");
    bytes_add_char(&uuid, '\0');
    // Beyond 2^53: a double would not keep it.
    snprintf(snapshot, sizeof snapshot, "%llu", 9007199254740993ull + ++sequence);
    stub_fault(&stub, fault);
    stub_forget_requests(&stub);
    enum commit_outcome outcome = commit_with(uuid.at, snapshot, sequence);
    stub_fault(&stub, NULL);
    if (outcome == COMMIT_DONE)
        CHECK_MEMBER(NULL, "current-snapshot-id", snapshot);
    return outcome;
}

static void a_commit_moves_the_table_on(void)
{
    BYTES_AUTO before = {0};
    CHECK_INT(commit_next(NULL), COMMIT_DONE);
    CHECK_MEMBER("properties", "factfs.position.acme", "\"1\"");
    bytes_add_slice(&before, bytes_slice(&table.metadata));
    CHECK_INT(commit_with("\"another\"", "17", 99), COMMIT_CONFLICT);
    CHECK(slice_equal(bytes_slice(&before), bytes_slice(&table.metadata)));
    CHECK_INT(lake_catalog_load(catalog, &table, NULL), 0);
    CHECK(slice_equal(bytes_slice(&before), bytes_slice(&table.metadata)));
}

static size_t count_snapshots(void)
{
    struct slice all;
    CHECK_INT(lake_catalog_load(catalog, &table, NULL), 0);
    CHECK(json_member(bytes_slice(&table.metadata), "snapshots", &all));
    return json_count(all);
}

static void a_lost_answer_is_asked_for_by_its_key(void)
{
    static const char *const kinds[] = {"500", "500-after", "502-after", "html503", "504", "cut", "cut-after", "hang",
        "hang-after", "half", "html200", "429"};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        char fault[64];
        size_t before = count_snapshots();
        snprintf(fault, sizeof fault, "%s 1 POST tables/events", kinds[i]);
        enum commit_outcome outcome = commit_next(fault);
        if (outcome != COMMIT_DONE)
            printf("#   %s: %d\n", kinds[i], outcome);
        CHECK_INT(outcome, COMMIT_DONE);
        CHECK_INT(stub_count(&stub, "POST"), 2);
        CHECK_INT(count_snapshots(), before + 1);
    }
    CHECK_INT(commit_next("500-after 99 POST tables/events"), COMMIT_UNKNOWN);
    count_snapshots();
    CHECK_INT(commit_next("cut-after 1 POST tables/events\n409 1 POST tables/events"), COMMIT_UNKNOWN);
    count_snapshots();
}

static void without_keys_it_is_unknown_at_once(void)
{
    static const struct {
        const char *kind;
        bool is_done;
    } faults[] = {{"500", false}, {"500-after", true}, {"html502", false}, {"503", false}, {"504-after", true},
        {"cut", false}, {"cut-after", true}, {"hang-after", true}, {"half", true}, {"html200", false}};
    server_write(&stub, "no-idempotency", "");
    lake_catalog_close(catalog);
    catalog = open_at("lake.raw.events", "w", &access_of);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        char fault[64];
        size_t before = count_snapshots();
        snprintf(fault, sizeof fault, "%s 9 POST tables/events", faults[i].kind);
        enum commit_outcome outcome = commit_next(fault);
        if (outcome != COMMIT_UNKNOWN || stub_count(&stub, "POST") != 1)
            printf("#   %s: %d\n", faults[i].kind, outcome);
        CHECK_INT(outcome, COMMIT_UNKNOWN);
        CHECK_INT(stub_count(&stub, "POST"), 1);
        CHECK_INT(count_snapshots(), before + faults[i].is_done);
    }
    CHECK_INT(commit_next("429 2 POST tables/events"), COMMIT_DONE);
    server_write(&stub, "no-idempotency", NULL);
}

static void a_refusal_is_certain(void)
{
    struct reason why = {0};
    CHECK_INT(commit_next("400 1 POST tables/events"), COMMIT_FAILED);
    CHECK_INT(commit_next("403 1 POST tables/events"), COMMIT_FAILED);
    CHECK_INT(commit_next("html404 1 POST tables/events"), COMMIT_FAILED);
    stub_fault(&stub, "html404 1 GET tables/events");
    CHECK_INT(lake_catalog_load(catalog, &table, &why), -EIO); // a page of a proxy does not say that there is no table
    stub_fault(&stub, "500 1 GET tables/events\ncut 1 GET tables/events\nhalf 1 GET tables/events");
    CHECK_INT(lake_catalog_load(catalog, &table, NULL), 0);
    stub_fault(&stub, "500 99 GET tables/events");
    CHECK_INT(lake_catalog_load(catalog, &table, NULL), -EIO);
    stub_fault(&stub, NULL);
    CHECK_INT(lake_catalog_load(catalog, &table, NULL), 0);
}

static void the_files_are_reached_with_the_keys_handed_out(void)
{
    struct access without;
    struct lake_table other = {0};
    BYTES_AUTO content = {0};
    uint64_t size;
    CHECK_INT(access_copy(&without, &access_of), 0);
    access_set(&without, ACCESS_KEY_ID, NULL);
    access_set(&without, ACCESS_SECRET, NULL);
    server_write(&stub, "session", "vended=token");
    struct lake_catalog *c = open_at("lake.raw.events", "w", &without);
    CHECK_INT(lake_catalog_load(c, &other, NULL), 0);
    CHECK_INT(objects_put(other.objects, "data/x", SLICE("x"), OBJECTS_ABSENT, NULL), 0);
    CHECK_INT(objects_get(other.objects, "data/x", &content, NULL), 0);
    server_write(&stub, "session", NULL);
    server_write(&stub, "no-vending", "");
    CHECK_INT(lake_catalog_load(c, &other, NULL), -EACCES);
    server_write(&stub, "no-vending", NULL);
    CHECK_INT(lake_catalog_load(c, &other, NULL), 0);
    lake_catalog_close(c);
    // Keys that were configured with a session do not lend it to those that are handed out without one.
    access_set(&without, ACCESS_SESSION, "mine");
    c = open_at("lake.raw.events", "w", &without);
    CHECK_INT(lake_catalog_load(c, &other, NULL), 0);
    CHECK_INT(objects_size(other.objects, "data/x", &size, NULL), 0);
    lake_catalog_close(c);
    access_clear(&without);

    server_write(&stub, "no-vending", "");
    c = open_at("lake.raw.events", "w", &access_of);
    CHECK_INT(lake_catalog_load(c, &other, NULL), 0);
    CHECK_INT(objects_get(other.objects, "data/x", &content, NULL), 0);
    CHECK_TEXT(bytes_slice(&content), "xx");
    server_write(&stub, "no-vending", NULL);
    lake_catalog_close(c);
    lake_table_clear(&other);
}

static void a_client_gets_a_token_and_another_one(void)
{
    struct access client;
    struct lake_table t = {0};
    struct reason why = {0};
    CHECK_INT(access_copy(&client, &access_of), 0);
    access_set(&client, ACCESS_TOKEN, NULL);
    access_set(&client, ACCESS_CLIENT, "stub:stubsecret");
    struct lake_catalog *c = open_at("lake.raw.events", "w", &client);
    stub_forget_requests(&stub);
    stub_fault(&stub, "cut-after 1 POST oauth\n500 1 POST oauth");
    CHECK_INT(lake_catalog_load(c, &t, NULL), 0);
    CHECK_INT(stub_count(&stub, "oauth"), 3);
    stub_fault(&stub, "419 1 GET tables");
    CHECK_INT(lake_catalog_load(c, &t, NULL), 0);
    CHECK_INT(stub_count(&stub, "oauth"), 4);
    stub_fault(&stub, "401 2 GET tables");
    CHECK_INT(lake_catalog_load(c, &t, &why), -EACCES);
    stub_fault(&stub, NULL);
    lake_catalog_close(c);

    access_set(&client, ACCESS_CLIENT, "stub:not-this-one");
    c = open_at("lake.raw.events", "w", &client);
    CHECK_INT(lake_catalog_load(c, &t, &why), -EACCES);
    CHECK(!strstr(why.text, "not-this-one"));
    lake_catalog_close(c);
    access_set(&client, ACCESS_CLIENT, NULL);
    access_set(&client, ACCESS_TOKEN, "a-wrong-token");
    c = open_at("lake.raw.events", "w", &client);
    why = (struct reason){0};
    CHECK_INT(lake_catalog_load(c, &t, &why), -EACCES);
    CHECK(why.text[0] && !strstr(why.text, "a-wrong-token"));
    lake_catalog_close(c);
    access_clear(&client);
    lake_table_clear(&t);
}

static void another_warehouse_is_no_missing_table(void)
{
    struct lake_table t = {0};
    struct lake_catalog *c = open_at("lake.raw.events", "v", &access_of);
    CHECK_INT(lake_catalog_load(c, &t, NULL), -EIO);
    lake_catalog_close(c);
}

static void a_table_of_another_version_is_refused(void)
{
    struct lake_table t = {0};
    struct reason why = {0};
    struct lake_catalog *c = open_at("lake.raw.third", "w", &access_of);
    CHECK_INT(lake_catalog_create(c, SLICE(SCHEMA), SLICE(SPEC), SLICE("{\"format-version\":\"3\"}"), &t, NULL),
        COMMIT_UNKNOWN);
    CHECK_INT(lake_catalog_load(c, &t, &why), -ENOTSUP);
    CHECK(strstr(why.text, "version 2"));
    lake_catalog_close(c);
    lake_table_clear(&t);
}

static void what_is_no_name_is_refused(void)
{
    static const char *const names[] = {"", "events", ".events", "lake.", "a..events"};
    static const char *const uris[] = {"", "host", "ftp://host", "https://user:pw@host", "https://host/?x"};
    struct lake_catalog *c;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct rest_place place = {.uri = "https://host", .table = names[i]};
        CHECK_INT(lake_catalog_rest_open(&c, &place, &access_of, NULL), -EINVAL);
    }
    for (size_t i = 0; i < sizeof uris / sizeof *uris; i++) {
        struct rest_place place = {.uri = uris[i], .table = "a.b"};
        CHECK_INT(lake_catalog_rest_open(&c, &place, &access_of, NULL), -EINVAL);
    }
}

static void make_bucket(void)
{
    struct objects *all;
    if (objects_s3_open(&all, "s3://lake", &access_of, NULL) || objects_put(all, "", SLICE(""), 0, NULL))
        abort();
    objects_close(all);
}

static void test_stub(void)
{
    stub_start(&stub);
    stub_access(&stub, &access_of);
    access_set(&access_of, ACCESS_TOKEN, "fixed");
    snprintf(uri, sizeof uri, "%s/rest/", stub.address);
    make_bucket();
    TEST("a table is made once, below the namespace and the prefix that the catalog names", a_table_is_made_once);
    TEST("a commit moves the table on, one whose requirement fails is a conflict", a_commit_moves_the_table_on);
    TEST(
        "a lost answer is asked for again by its key, and the commit done once", a_lost_answer_is_asked_for_by_its_key);
    TEST("without such keys a lost answer is unknown at once", without_keys_it_is_unknown_at_once);
    TEST("a refusal is certain, and a page of HTML says nothing of the table", a_refusal_is_certain);
    TEST("the table's files are reached with the keys that are handed out, or one's own",
        the_files_are_reached_with_the_keys_handed_out);
    TEST("a client asks for a token, and for another one when it has ended", a_client_gets_a_token_and_another_one);
    TEST("another warehouse is not taken for a missing table", another_warehouse_is_no_missing_table);
    TEST("a table of another version of Iceberg's format is refused", a_table_of_another_version_is_refused);
    TEST("what is no name or address is refused", what_is_no_name_is_refused);
    lake_catalog_close(catalog);
    lake_table_clear(&table);
    access_clear(&access_of);
    server_stop(&stub);
}

// ---- Iceberg's own

static enum commit_outcome commit_at(const char *parent, int64_t snapshot, int sequence_number)
{
    BYTES_AUTO requirements = {0}, updates = {0}, uuid = {0};
    struct reason why = {0};
    text_at(&uuid, NULL, "table-uuid");
    bytes_printf(&requirements,
        "[{\"type\":\"assert-table-uuid\",\"uuid\":%.*s},{\"type\":\"assert-ref-snapshot-id\",\"ref\":\"main\","
        "\"snapshot-id\":%s}]",
        SLICE_ARG(bytes_slice(&uuid)), parent);
    bytes_printf(&updates,
        "[{\"action\":\"add-snapshot\",\"snapshot\":{\"snapshot-id\":%lld,\"sequence-number\":%d,\"timestamp-ms\":%lld,"
        "\"manifest-list\":\"file:///nowhere\",\"schema-id\":0,\"summary\":{\"operation\":\"append\"}}},"
        "{\"action\":\"set-snapshot-ref\",\"ref-name\":\"main\",\"type\":\"branch\",\"snapshot-id\":%lld},"
        "{\"action\":\"set-properties\",\"updates\":{\"factfs.position.acme\":\"%d\"}}]",
        (long long)snapshot, sequence_number, (long long)when_now_us() / 1000, (long long)snapshot, sequence_number);
    enum commit_outcome outcome =
        lake_catalog_commit(catalog, bytes_slice(&requirements), bytes_slice(&updates), &table, &why);
    if ((outcome == COMMIT_DONE) != !why.text[0])
        printf("#   %d: %s\n", outcome, why.text);
    CHECK((outcome == COMMIT_DONE) == !why.text[0]);
    return outcome;
}

static void the_fixture_takes_commits(void)
{
    struct lake_table again = {0};
    BYTES_AUTO content = {0};
    catalog = open_at("lake.raw.events", NULL, &access_of);
    CHECK_INT(lake_catalog_load(catalog, &table, NULL), -ENOENT);
    CHECK_INT(create(catalog, &table), COMMIT_DONE);
    CHECK_INT(create(catalog, &again), COMMIT_CONFLICT);
    CHECK_MEMBER(NULL, "format-version", "2");
    CHECK_INT(commit_at("null", 9007199254740993, 1), COMMIT_DONE);
    CHECK_MEMBER(NULL, "current-snapshot-id", "9007199254740993");
    CHECK_INT(commit_at("null", 17, 2), COMMIT_CONFLICT);
    CHECK_INT(commit_at("9007199254740993", 9007199254740995, 2), COMMIT_DONE);
    CHECK_INT(lake_catalog_commit(
                  catalog, SLICE("[]"), SLICE("[{\"action\":\"no-such-action\"}]"), &table, &(struct reason){0}),
        COMMIT_UNKNOWN); // it answers 500, with HTML
    CHECK_INT(lake_catalog_load(catalog, &table, NULL), 0);
    CHECK_MEMBER(NULL, "current-snapshot-id", "9007199254740995");
    CHECK_MEMBER("properties", "factfs.position.acme", "\"2\"");
    CHECK_INT(objects_put(table.objects, "data/x", SLICE("here"), OBJECTS_ABSENT, NULL), 0);
    CHECK_INT(objects_get(table.objects, "data/x", &content, NULL), 0);
    CHECK_TEXT(bytes_slice(&content), "here");
    lake_catalog_close(catalog);
    lake_table_clear(&table);
    lake_table_clear(&again);
}

static void test_fixture(const struct server *gateway, const char *name)
{
    char jars[PATH_MAX];
    struct server fixture;
    if (!server_find("rest-fixture", name, jars))
        return;
    fixture_start(&fixture, jars, gateway);
    snprintf(uri, sizeof uri, "%s", fixture.address);
    TEST(name, the_fixture_takes_commits);
    server_stop(&fixture);
}

// The fixture hands out keys, but names no endpoint.
static void test_fixture_over_s3(void)
{
    static const char name[] = "Iceberg's fixture over versitygw: the keys are handed out, the endpoint is configured";
    char path[PATH_MAX];
    struct server gateway;
    if (!server_find("versitygw", name, path))
        return;
    versitygw_start(&gateway, path);
    versitygw_access(&gateway, &access_of);
    make_bucket();
    access_set(&access_of, ACCESS_KEY_ID, NULL);
    access_set(&access_of, ACCESS_SECRET, NULL);
    test_fixture(&gateway, name);
    access_clear(&access_of);
    server_stop(&gateway);
}

int main(void)
{
    test_stub();
    test_fixture(NULL, "Iceberg's fixture makes the table, takes commits, and refuses those that come too late");
    test_fixture_over_s3();
    return check_end("catalog_rest");
}
