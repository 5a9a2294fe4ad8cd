// The table's metadata: made, changed, and what is unknown in it kept.
#include "hooks/lake/manifest.h"
#include "hooks/lake/metadata.h"
#include "store/json.h"
#include "tests/store/check.h"

#include <errno.h>

// As another program may have left it: with spaces, members of its own, and numbers that no double holds.
static const char document[] =
    "{ \"format-version\" : 2, \"table-uuid\": \"u-1\", \"location\": \"file:///t\", \"last-sequence-number\": 3,\n"
    "  \"last-updated-ms\": 1000, \"last-column-id\": 2, \"x-own\": {\"n\": 9007199254740993, \"d\": 1.10},\n"
    "  \"schemas\": "
    "[{\"type\":\"struct\",\"schema-id\":0,\"fields\":[{\"id\":1,\"name\":\"a\",\"required\":true,\"type\":\"long\"}]}]"
    ",\n"
    "  \"current-schema-id\": 0, \"partition-specs\": [], \"default-spec-id\": 0, \"last-partition-id\": 999,\n"
    "  \"properties\": {\"theirs\": \"kept\", \"factfs.position.acme\": \"5\"},\n"
    "  \"current-snapshot-id\": 9223372036854775807,\n"
    "  \"refs\": {\"tag\": {\"snapshot-id\": 7, \"type\": \"tag\"}, \"main\": {\"snapshot-id\": 9223372036854775807, "
    "\"type\": \"branch\"}},\n"
    "  \"snapshots\": [{\"snapshot-id\":7,\"sequence-number\":2,\"timestamp-ms\":900,\"manifest-list\":\"l7\"},"
    "{\"snapshot-id\":9223372036854775807,\"sequence-number\":3,\"timestamp-ms\":1000,\"manifest-list\":\"l9\","
    "\"their\":1}],\n"
    "  \"snapshot-log\": "
    "[{\"snapshot-id\":7,\"timestamp-ms\":900},{\"snapshot-id\":9223372036854775807,\"timestamp-ms\":1000}],\n"
    "  \"metadata-log\": [] }";

static struct bytes changed;

// The document after the updates, or the name of the error.
static struct slice after(const char *updates)
{
    struct reason why = {0};
    bytes_clear(&changed);
    int error = metadata_apply(&changed, SLICE(document), SLICE("v1.json"), slice_of(updates), 2000, &why);
    if (error)
        return slice_of(strerrorname_np(-error));
    CHECK_INT(metadata_check(bytes_slice(&changed), &why), 0);
    return bytes_slice(&changed);
}

static struct slice member(struct slice object, const char *name)
{
    struct slice value = SLICE("nothing");
    json_member(object, name, &value);
    return value;
}

#define SNAPSHOT(id, sequence)                                                                                         \
    "{\"action\":\"add-snapshot\",\"snapshot\":{\"snapshot-id\":" id ",\"sequence-number\":" sequence                  \
    ",\"timestamp-ms\":1500,\"manifest-list\":\"l\"}}"
#define MAIN(id) "{\"action\":\"set-snapshot-ref\",\"ref-name\":\"main\",\"type\":\"branch\",\"snapshot-id\":" id "}"

static void a_snapshot_is_added(void)
{
    struct slice text = after("[" SNAPSHOT("9007199254740993", "4") "," MAIN("9007199254740993") "]"), snapshot;
    CHECK_TEXT(member(text, "current-snapshot-id"), "9007199254740993");
    CHECK_TEXT(member(text, "last-sequence-number"), "4");
    CHECK_TEXT(member(text, "last-updated-ms"), "2000");
    CHECK_TEXT(member(text, "metadata-log"), "[{\"timestamp-ms\":1000,\"metadata-file\":\"v1.json\"}]");
    CHECK_INT(json_count(member(text, "snapshots")), 3);
    CHECK_INT(json_count(member(text, "snapshot-log")), 3);
    CHECK_INT(metadata_current(text), 9007199254740993);
    CHECK(metadata_snapshot(text, 9007199254740993, &snapshot));
    // What is theirs is as it was.
    CHECK_TEXT(member(text, "x-own"), "{\"n\": 9007199254740993, \"d\": 1.10}");
    CHECK(metadata_snapshot(text, INT64_MAX, &snapshot));
    CHECK_TEXT(member(snapshot, "their"), "1");
    CHECK_TEXT(member(member(text, "refs"), "tag"), "{\"snapshot-id\": 7, \"type\": \"tag\"}");
    CHECK_TEXT(member(member(text, "refs"), "main"), "{\"snapshot-id\":9007199254740993,\"type\":\"branch\"}");
}

static void what_cannot_be_is_refused(void)
{
    CHECK_TEXT(after("[" SNAPSHOT("8", "3") "]"), "EINVAL"); // a sequence number that is there already
    CHECK_TEXT(after("[" SNAPSHOT("7", "4") "]"), "EINVAL"); // a snapshot that is there already
    CHECK_TEXT(after("[" MAIN("8") "]"), "EINVAL");          // a snapshot that is not there
    CHECK_TEXT(after("[{\"action\":\"remove-snapshots\",\"snapshot-ids\":[9223372036854775807]}]"), "EINVAL");
    CHECK_TEXT(after("[{\"action\":\"set-current-schema\",\"schema-id\":4}]"), "EINVAL");
    CHECK_TEXT(after("[{\"action\":\"set-location\",\"location\":\"x\"}]"), "EOPNOTSUPP"); // ENOTSUP
    CHECK_TEXT(after("[{}]"), "EINVAL");
}

static void properties_are_set_and_removed(void)
{
    BYTES_AUTO value = {0};
    struct slice text =
        after("[{\"action\":\"set-properties\",\"updates\":{\"factfs.position.acme\":\"17\",\"new\":\"\\u00e9\"}},"
              "{\"action\":\"remove-properties\",\"removals\":[\"theirs\",\"never there\"]}]");
    CHECK_TEXT(member(text, "properties"), "{\"factfs.position.acme\":\"17\",\"new\":\"\\u00e9\"}");
    CHECK(metadata_property(text, "new", &value));
    CHECK_TEXT(bytes_slice(&value), "é");
    CHECK(!metadata_property(text, "theirs", &value));
}

static void snapshots_are_removed(void)
{
    struct slice text = after("[{\"action\":\"remove-snapshots\",\"snapshot-ids\":[7]}]"), snapshot;
    CHECK(!metadata_snapshot(text, 7, &snapshot));
    CHECK(metadata_snapshot(text, INT64_MAX, &snapshot));
    CHECK_INT(json_count(member(text, "snapshot-log")), 1);
}

static void a_schema_is_added(void)
{
    struct slice schema, text = after("[{\"action\":\"add-schema\",\"last-column-id\":5,\"schema\":{\"type\":"
                                      "\"struct\",\"schema-id\":9,\"fields\":["
                                      "{\"id\":1,\"name\":\"a\",\"required\":true,\"type\":\"long\"},{\"id\":5,"
                                      "\"name\":\"b\",\"required\":false,\"type\":\"string\"}]}},"
                                      "{\"action\":\"set-current-schema\",\"schema-id\":-1}]");
    CHECK_TEXT(member(text, "current-schema-id"), "1");
    CHECK_TEXT(member(text, "last-column-id"), "5");
    CHECK_INT(json_count(member(text, "schemas")), 2);
    CHECK(metadata_schema(text, &schema));
    CHECK_TEXT(member(schema, "schema-id"), "1");
    CHECK_INT(json_count(member(schema, "fields")), 2);
}

static int holds(const char *requirement)
{
    struct reason why = {0};
    BYTES_AUTO list = {0};
    bytes_printf(&list, "[%s]", requirement);
    return metadata_require(SLICE(document), bytes_slice(&list), &why);
}

static void requirements_are_looked_at(void)
{
    CHECK_INT(holds("{\"type\":\"assert-table-uuid\",\"uuid\":\"u-1\"}"), 0);
    CHECK_INT(holds("{\"type\":\"assert-table-uuid\",\"uuid\":\"u-2\"}"), -ESTALE);
#define REF "{\"type\":\"assert-ref-snapshot-id\",\"ref\":\"main\",\"snapshot-id\":"
    CHECK_INT(holds(REF "9223372036854775807}"), 0);
    CHECK_INT(holds(REF "9223372036854775806}"), -ESTALE); // the same as a double
    CHECK_INT(holds(REF "null}"), -ESTALE);
    CHECK_INT(holds("{\"type\":\"assert-current-schema-id\",\"current-schema-id\":0}"), 0);
    CHECK_INT(holds("{\"type\":\"assert-current-schema-id\",\"current-schema-id\":1}"), -ESTALE);
    CHECK_INT(holds("{\"type\":\"assert-last-assigned-field-id\",\"last-assigned-field-id\":2}"), 0);
    CHECK_INT(holds("{\"type\":\"assert-last-assigned-field-id\",\"last-assigned-field-id\":3}"), -ESTALE);
    CHECK_INT(holds("{\"type\":\"assert-create\"}"), -ESTALE);
    CHECK_INT(holds("{\"type\":\"assert-default-spec-id\",\"default-spec-id\":0}"), -ENOTSUP);
}

// A clock that was set back, and a log that is long.
static void time_goes_forward_and_the_log_has_an_end(void)
{
    BYTES_AUTO text = {0};
    struct reason why = {0};
    bytes_add_slice(&text, SLICE(document));
    for (int i = 0; i < METADATA_LOG_MAX + 5 && check_ok; i++) {
        char name[16];
        BYTES_AUTO next = {0};
        snprintf(name, sizeof name, "v%d", i);
        CHECK_INT(metadata_apply(&next, bytes_slice(&text), slice_of(name), SLICE("[]"), 10, &why), 0);
        CHECK_TEXT(member(bytes_slice(&next), "last-updated-ms"), "1000");
        bytes_clear(&text);
        bytes_add_slice(&text, bytes_slice(&next));
    }
    struct slice log = member(bytes_slice(&text), "metadata-log"), first;
    CHECK_INT(json_count(log), METADATA_LOG_MAX);
    struct json_cursor c = json_enter(log);
    CHECK(json_next_element(&c, &first));
    CHECK_TEXT(member(first, "metadata-file"), "\"v5\"");
}

static int check(const char *text)
{
    struct reason why = {0};
    return metadata_check(slice_of(text), &why);
}

static void what_is_no_document_is_refused(void)
{
    CHECK_INT(check(document), 0);
    CHECK_INT(check(""), -EIO);
    CHECK_INT(check("[]"), -EIO);
    CHECK_INT(check("{\"format-version\":2}"), -EIO);
    CHECK_INT(check("{\"format-version\":2,\"format-version\":2}"), -EIO);
    CHECK_INT(check("{\"format-version\":3,\"table-uuid\":\"u\"}"), -ENOTSUP);
    BYTES_AUTO twice = {0};
    bytes_printf(&twice, "%s%s", document, document);
    bytes_add_char(&twice, '\0');
    CHECK_INT(check(twice.at), -EIO);
}

static void a_table_is_made(void)
{
    BYTES_AUTO out = {0};
    struct reason why = {0};
    struct metadata_start start = {.uuid = "u",
        .location = SLICE("file:///a \"b\""),
        .schema = SLICE("{\"type\":\"struct\",\"schema-id\":0,\"fields\":[{\"id\":3,\"name\":\"a\",\"required\":true,"
                        "\"type\":\"long\"}]}"),
        .partition_spec = SLICE("{\"spec-id\":0,\"fields\":[{\"source-id\":3,\"field-id\":1000,\"name\":\"a\","
                                "\"transform\":\"identity\"}]}"),
        .properties = SLICE("{\"p\":\"q\"}"),
        .now_ms = 5};
    CHECK_INT(metadata_make(&out, &start), 0);
    struct slice text = bytes_slice(&out);
    CHECK_INT(metadata_check(text, &why), 0);
    CHECK_INT(metadata_current(text), NO_SNAPSHOT);
    CHECK_TEXT(member(text, "last-column-id"), "3");
    CHECK_TEXT(member(text, "last-partition-id"), "1000");
    CHECK_TEXT(member(text, "location"), "\"file:///a \\\"b\\\"\"");
    CHECK_TEXT(member(text, "current-snapshot-id"), "nothing");
}

int main(void)
{
    TEST("a snapshot is added, and what others have written stays, numbers exact", a_snapshot_is_added);
    TEST("changes that cannot be, or are not known, are refused", what_cannot_be_is_refused);
    TEST("properties are set and removed", properties_are_set_and_removed);
    TEST("snapshots are removed, and the log begins behind them", snapshots_are_removed);
    TEST("a schema is added under the next number", a_schema_is_added);
    TEST("requirements hold or do not, to the last digit", requirements_are_looked_at);
    TEST("time never goes back, and the log of documents has an end", time_goes_forward_and_the_log_has_an_end);
    TEST("what is no document, or one of another version, is refused", what_is_no_document_is_refused);
    TEST("a new table has what every table has, and no snapshot", a_table_is_made);
    bytes_free(&changed);
    return check_end("metadata_test");
}
