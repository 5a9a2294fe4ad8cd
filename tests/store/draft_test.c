// An event as it is written (FILES.md A1, A2, A5, A7, A10): what is accepted, what it becomes, what is refused.
#include "store/draft.h"
#include "store/when.h"
#include "tests/store/check.h"

#include <errno.h>

static struct arena arena;
static struct draft draft;
static struct reason why;

static bool imports;

static int read_as(const char *entity, struct slice value)
{
    struct draft_origin origin = {
        .tenant = SLICE("acme"), .entity = slice_of(entity), .actor = SLICE("user_root"), .imports = imports};
    draft = (struct draft){.line = 1};
    why.text[0] = '\0';
    return draft_read(&draft, value, &origin, &arena, &why);
}

// An event of contact_a that has these members too.
static int with(const char *members)
{
    char text[4096];
    snprintf(text, sizeof text, "{\"type\":\"Contact.Qualified\"%s%s}", *members ? "," : "", members);
    return read_as("contact_a", slice_of(text));
}

#define CHECK_TAKEN(members)                                                                                           \
    do {                                                                                                               \
        CHECK_INT(with(members), 0);                                                                                   \
        CHECK_TEXT(slice_of(why.text), "");                                                                            \
    } while (0)

// Refused, in words that hold `part`.
#define CHECK_REFUSED(members, part)                                                                                   \
    do {                                                                                                               \
        CHECK_INT(with(members), -EINVAL);                                                                             \
        if (!strstr(why.text, part))                                                                                   \
            CHECK_TEXT(slice_of(why.text), part);                                                                      \
    } while (0)

static void little(void)
{
    CHECK_TAKEN("");
    CHECK_TEXT(draft.type.text, "Contact.Qualified");
    CHECK_TEXT(draft.target, "contact_a");
    CHECK_TEXT(draft.actor, "user_root");
    CHECK_TEXT(draft.data, "{}");
    CHECK_INT(draft.metadata.size + draft.id.size + draft.version, 0);
    CHECK(!draft.guards_length);
}

static void all(void)
{
    CHECK_INT(
        read_as("",
            SLICE(" { \"metadata\" : { \"previous_length\" : 2, \"a\" : [ 1 ] } ,\n\"version\":3,\"tenant\":\"acme\","
                  "\"id\":\"evt_a-_Z9\",\"actor\":\"agent_1\",\"data\": { \"b\" : 1.10, \"a\":\"\\u00e9  x\" },"
                  "\"target\":\"contact_b\",\"type\":\"contact.qualified\" } ")),
        0);
    CHECK_TEXT(draft.type.text, "Contact.Qualified");
    CHECK_INT(draft.type.style, NAME_PASCAL);
    CHECK_TEXT(draft.target, "contact_b");
    CHECK_TEXT(draft.actor, "agent_1");
    CHECK_TEXT(draft.data, "{\"b\":1.10,\"a\":\"\\u00e9  x\"}");
    CHECK_TEXT(draft.metadata, "{\"previous_length\":2,\"a\":[1]}");
    CHECK_TEXT(draft.id, "evt_a-_Z9");
    CHECK_INT(draft.version, 3);
    CHECK(draft.guards_length && draft.previous_length == 2);
}

static void unknown_members(void)
{
    CHECK_REFUSED("\"dta\":{}", "dta");
    CHECK_REFUSED("\"Data\":{}", "Data");
    CHECK_REFUSED("\"timestamp\":\"2026-01-01T00:00:00Z\"", "timestamp");
    CHECK_REFUSED("\"position\":1", "position");
    CHECK_REFUSED("\"\":1", "\"\"");
    CHECK_TAKEN("\"d\\u0061ta\":{\"a\":1}");
    CHECK_TEXT(draft.data, "{\"a\":1}");
    CHECK_REFUSED("\"data\":{},\"d\\u0061ta\":{}", "twice");
    CHECK_REFUSED("\"data\":{\"a\":{\"b\":1,\"b\":2}}", "b");
    CHECK_REFUSED("\"metadata\":{\"a\":1,\"a\":1}", "a");
}

static void tenants(void)
{
    CHECK_TAKEN("\"tenant\":\"acme\"");
    CHECK_REFUSED("\"tenant\":\"other\"", "other");
    CHECK_REFUSED("\"tenant\":null", "tenant");
}

static void targets(void)
{
    CHECK_TAKEN("\"target\":\"contact_a\"");
    CHECK_REFUSED("\"target\":\"contact_b\"", "contact_b");
    CHECK_INT(read_as("", SLICE("{\"type\":\"Contact.Created\"}")), -EINVAL);
    CHECK(strstr(why.text, "target"));
    CHECK_INT(read_as("", SLICE("{\"type\":\"Contact.Created\",\"target\":\"contact\"}")), -EINVAL);
    CHECK_INT(read_as("", SLICE("{\"type\":\"Contact.Created\",\"target\":\"contact_a/b\"}")), -EINVAL);
    CHECK_INT(read_as("", SLICE("{\"type\":\"Contact.Created\",\"target\":\"contact_\\u0000\"}")), -EINVAL);
    CHECK_INT(read_as("", SLICE("{\"type\":\"Contact.Created\",\"target\":7}")), -EINVAL);
    CHECK_INT(read_as("", SLICE("{\"type\":\"Contact.Created\",\"target\":\"cont\\u0061ct_a\"}")), 0);
    CHECK_TEXT(draft.target, "contact_a");
}

static struct slice type_of(const char *entity, const char *type)
{
    char text[1024];
    snprintf(text, sizeof text, "{\"type\":\"%s\"}", type);
    return read_as(entity, slice_of(text)) ? SLICE("refused") : draft.type.text;
}

static void types(void)
{
    CHECK_TEXT(type_of("contact_a", "contact.rolledout"), "Contact.Rolledout");
    CHECK_TEXT(type_of("contact_a", "Contact.RolledOut"), "Contact.RolledOut");
    CHECK_TEXT(type_of("contact_a", "CONTACT.created"), "CONTACT.Created");
    CHECK_TEXT(type_of("order_1", "order.was_placed"), "was_placed");
    CHECK_TEXT(type_of("order_1", "was_placed"), "was_placed");
    CHECK_TEXT(type_of("order_1", "shipped"), "shipped");
    CHECK_TEXT(type_of("contact_a", "order.was_placed"), "refused");
    CHECK_TEXT(type_of("contact_a", "Deal.Closed"), "refused");
    CHECK(strstr(why.text, "Deal") && strstr(why.text, "contact"));
    static const char *const bad[] = {"", "Contact", "Contact.", ".Created", "Contact.Created.x", "Contact Created",
        "Contact.Cre/ated", "was-placed", "_placed", "Contact.\\u0000", "Contact.Cr\\u00e9ated", "1.x"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK_TEXT(type_of("contact_a", bad[i]), "refused");
    char entity[220], type[220];
    memset(entity, 'a', sizeof entity);
    memset(type, 'a', sizeof type);
    memcpy(entity + 90, "_1", 3);
    type[90] = '.';
    type[200] = '\0';
    CHECK_INT(type_of(entity, type).size, 200);
    type[200] = 'a';
    type[201] = '\0';
    CHECK_TEXT(type_of(entity, type), "refused");
    CHECK_INT(read_as("contact_a", SLICE("{\"data\":{}}")), -EINVAL);
    CHECK_INT(read_as("contact_a", SLICE("{\"type\":null}")), -EINVAL);
}

static void actors(void)
{
    CHECK_TAKEN("\"actor\":\"J\xc3\xb6rg \\\"x\\\"\"");
    CHECK_TEXT(draft.actor, "J\xc3\xb6rg \"x\"");
    CHECK_TAKEN("\"metadata\":{\"actor\":{\"type\":\"agent\",\"id\":\"7\"}}");
    CHECK_TEXT(draft.actor, "agent_7");
    CHECK_TEXT(draft.metadata, "{\"actor\":{\"type\":\"agent\",\"id\":\"7\"}}");
    CHECK_TAKEN("\"actor\":\"agent_7\",\"metadata\":{\"actor\":{\"id\":\"7\",\"type\":\"agent\"}}");
    CHECK_REFUSED("\"actor\":\"agent_8\",\"metadata\":{\"actor\":{\"type\":\"agent\",\"id\":\"7\"}}", "agent_8");
    CHECK_REFUSED("\"actor\":\"\"", "actor");
    CHECK_REFUSED("\"actor\":\"a/b\"", "actor");
    CHECK_REFUSED("\"actor\":\"a\\nb\"", "actor");
    CHECK_REFUSED("\"actor\":\"a\\u0000\"", "actor");
    CHECK_REFUSED("\"actor\":\"\\ud800\"", "actor");
    CHECK_REFUSED("\"actor\":null", "actor");
    CHECK_REFUSED("\"metadata\":{\"actor\":{\"type\":\"agent\"}}", "metadata.actor");
    CHECK_REFUSED("\"metadata\":{\"actor\":{\"type\":\"agent\",\"id\":7}}", "metadata.actor");
    CHECK_REFUSED("\"metadata\":{\"actor\":{\"type\":\"a/b\",\"id\":\"7\"}}", "actor");
    char members[300] = "\"actor\":\"";
    memset(members + 9, 'a', 201);
    strcpy(members + 9 + 200, "\"");
    CHECK_TAKEN(members);
    strcpy(members + 9 + 201, "\"");
    members[9 + 200] = 'a';
    CHECK_REFUSED(members, "actor");
}

static void ids(void)
{
    CHECK_TAKEN("\"id\":\"evt_1234567890123456789012345678901234567890123456789012345678901234\"");
    CHECK_REFUSED("\"id\":\"evt_12345678901234567890123456789012345678901234567890123456789012345\"", "id");
    static const char *const bad[] = {"\"id\":\"\"", "\"id\":\"evt_\"", "\"id\":\"Evt_a\"", "\"id\":\"abc\"",
        "\"id\":\"evt_a.b\"", "\"id\":\"evt_a:b\"", "\"id\":\"evt_\\u00e9\"", "\"id\":7", "\"id\":null"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK_REFUSED(bad[i], "id");
}

static void guards(void)
{
    CHECK_TAKEN("\"version\":1");
    CHECK_TAKEN("\"version\":99999999");
    CHECK_TAKEN("\"metadata\":{\"previous_length\":0}");
    CHECK(draft.guards_length && draft.previous_length == 0);
    static const char *const bad[] = {
        "0", "-1", "01", "1.0", "1e2", "\"1\"", "null", "4294967297", "18446744073709551617"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char members[64];
        snprintf(members, sizeof members, "\"version\":%s", bad[i]);
        CHECK_REFUSED(members, "version");
        snprintf(members, sizeof members, "\"metadata\":{\"previous_length\":%s}", bad[i]);
        if (i)
            CHECK_REFUSED(members, "previous_length");
    }
}

static void data(void)
{
    CHECK_TAKEN("\"data\":{\"n\":12345678901234567890,\"m\":1.10,\"e\":1e400,\"s\":\"\\u00e9\\u0000\\ud800\",\"\":1}");
    CHECK_TEXT(
        draft.data, "{\"n\":12345678901234567890,\"m\":1.10,\"e\":1e400,\"s\":\"\\u00e9\\u0000\\ud800\",\"\":1}");
    CHECK_TAKEN("\"data\":{\"a\":{\"$b\":1},\"c$\":2}");
    CHECK_REFUSED("\"data\":{\"a\":1,\"$version\":2}", "$version");
    CHECK_REFUSED("\"data\":{\"\\u0024x\":2}", "$");
    CHECK_REFUSED("\"data\":{\"$\":2}", "$");
    CHECK_REFUSED("\"data\":[]", "data");
    CHECK_REFUSED("\"data\":null", "data");
    CHECK_REFUSED("\"metadata\":\"x\"", "metadata");
    CHECK_TAKEN("\"metadata\":{\"$x\":1}");
    CHECK_INT(read_as("contact_a", SLICE("[]")), -EINVAL);
    CHECK_INT(read_as("contact_a", SLICE("{}")), -EINVAL);
}

// Nothing past the text is read: each is a copy of just its size.
static void any_kind(void)
{
    static const char *const values[] = {
        "null", "true", "1", "\"\"", "\"x\"", "[]", "{}", "[{}]", "{\"a\":1}", "\"\\u0000\""};
    static const char *const members[] = {"type", "target", "data", "actor", "metadata", "id", "version", "tenant"};
    for (size_t m = 0; m < 8; m++)
        for (size_t v = 0; v < 10; v++) {
            char text[128];
            int size = snprintf(text, sizeof text, "{\"%s\":%s%s}", members[m], values[v],
                m == 0 ? "" : ",\"type\":\"Contact.Qualified\"");
            char *copy = malloc((size_t)size);
            memcpy(copy, text, (size_t)size);
            int error = read_as("contact_a", (struct slice){.at = copy, .size = (size_t)size});
            free(copy);
            CHECK(error == 0 || (error == -EINVAL && why.text[0]));
        }
}

static void imported(void)
{
    imports = true;
    CHECK_REFUSED("", "timestamp is missing");
    CHECK_REFUSED("\"timestamp\":7", "timestamp must be a string");
    CHECK_REFUSED("\"timestamp\":\"9999-12-31\"", "9999-12-30");
    CHECK_REFUSED("\"timestamp\":\"1970-01-02\",\"time\":1", "time");
    CHECK_REFUSED("\"timestamp\":\"1970-01-02\",\"id\":\"a b\"", "1 to 128");
    CHECK_REFUSED("\"timestamp\":\"1970-01-02\",\"version\":0", "from 1");
    CHECK_REFUSED("\"timestamp\":\"1970-01-02\",\"data\":{\"a\":1,\"a\":2}", "a");
    CHECK_REFUSED(
        "\"timestamp\":\"1970-01-02\",\"actor\":\"b\",\"metadata\":{\"actor\":{\"type\":\"a\",\"id\":\"1\"}}", "a_1");
    CHECK_TAKEN(
        "\"timestamp\":\"1970-01-02\",\"id\":\"urn:x.y\",\"tenant\":\"other\",\"data\":{\"$a\": 1},\"metadata\":{"
        "\"previous_length\":\"x\",\"actor\":\"b\"}");
    CHECK_INT(draft.at_us, 24 * 3600 * WHEN_US_PER_SECOND);
    CHECK_TEXT(draft.id, "urn:x.y");
    CHECK_TEXT(draft.data, "{\"$a\":1}");
    CHECK_TEXT(draft.actor, "user_root");
    CHECK(!draft.guards_length);
    CHECK_TAKEN("\"timestamp\":\"1970-01-02\",\"metadata\":{\"actor\":{\"type\":\"a\",\"id\":\"1\"}}");
    CHECK_TEXT(draft.actor, "a_1");
    CHECK_TAKEN("\"timestamp\":\"1970-01-02\",\"actor\":\"b\",\"metadata\":{\"actor\":{\"type\":1,\"id\":2}}");
    CHECK_TEXT(draft.actor, "b");
    imports = false;
}

int main(void)
{
    TEST("type is all that must be given on an entity's append", little);
    TEST("all members are taken, white space aside", all);
    TEST("an unknown member is refused by name", unknown_members);
    TEST("tenant may only be the own", tenants);
    TEST("a target must be an entity id, and the path's own", targets);
    TEST("types take their stored spelling and must fit the entity", types);
    TEST("an actor is printable text and agrees with metadata.actor", actors);
    TEST("given ids are evt_ and 1 to 64 of their characters", ids);
    TEST("version and previous_length are whole numbers", guards);
    TEST("data is an object without own names that begin with $, kept as written", data);
    TEST("an imported event brings its moment and what append refuses", imported);
    TEST("members of any other kind are refused in words", any_kind);
    arena_free(&arena);
    return check_end("draft");
}
