// What events add up to (DESIGN.md §3), how a change is recorded (FILES.md A8, A9), the difference to a document and
// its layout (D1).
#include "store/state.h"
#include "store/when.h"
#include "tests/store/check.h"

#include <errno.h>

static struct bytes text;
static struct reason why;

static struct slice quoted(int error)
{
    return error ? slice_of(strerrorname_np(-error)) : bytes_slice(&text);
}

// ---- folding

static struct state *state;
static int64_t clock_us;

static void nothing(void)
{
    state_drop(state);
    state = NULL;
    clock_us = 0;
}

// The fields after one event more; each is a second after the last one.
static struct slice after(const char *type, const char *data)
{
    struct event event = {.type = slice_of(type),
        .target = SLICE("order_1"),
        .actor = state ? SLICE("user_late") : SLICE("user_first"),
        .data = slice_of(data),
        .at_us = clock_us += WHEN_US_PER_SECOND};
    struct state *next = NULL;
    int error = state_fold(NULL, state, &event, &next, NULL);
    if (error)
        return slice_of(strerrorname_np(-error));
    state_drop(state);
    state = next;
    return state->alive ? state->fields : SLICE("deleted");
}

static void first_is_the_state(void)
{
    static const char *const types[] = {"Order.Created", "Order.Closed", "was_placed", "shipped"};
    for (size_t i = 0; i < 4; i++) {
        nothing();
        CHECK_TEXT(after(types[i], "{\"a\":{\"after\":1},\"b\":\"x -> y\"}"), "{\"a\":{\"after\":1},\"b\":\"x -> y\"}");
        CHECK_INT(state->created_at_us, WHEN_US_PER_SECOND);
        CHECK_TEXT(state->created_by, "user_first");
        CHECK_TEXT(state->noun, i < 2 ? "Order" : "order");
    }
}

static void pascal_sets_after(void)
{
    nothing();
    after("Order.Created", "{\"a\":1,\"b\":2,\"c\":{\"x\":1}}");
    CHECK_TEXT(after("Order.Closed", "{\"b\":{\"before\":2,\"after\":3}}"), "{\"a\":1,\"b\":3,\"c\":{\"x\":1}}");
    CHECK_TEXT(after("Order.Closed", "{\"d\":{\"after\":[1.10]}}"), "{\"a\":1,\"b\":3,\"c\":{\"x\":1},\"d\":[1.10]}");
    CHECK_TEXT(after("Order.Closed", "{\"a\":{\"before\":1}}"), "{\"b\":3,\"c\":{\"x\":1},\"d\":[1.10]}");
    CHECK_TEXT(after("Order.Closed", "{\"a\":{\"after\":null}}"), "{\"b\":3,\"c\":{\"x\":1},\"d\":[1.10],\"a\":null}");
    CHECK_TEXT(after("Order.Closed", "{}"), "{\"b\":3,\"c\":{\"x\":1},\"d\":[1.10],\"a\":null}");
    CHECK_INT(state->created_at_us, WHEN_US_PER_SECOND);
    CHECK_TEXT(state->created_by, "user_first");
}

static void snake_merges(void)
{
    nothing();
    after("was_placed", "{\"a\":1,\"b\":{\"x\":1}}");
    CHECK_TEXT(after("was_paid", "{\"b\":{\"y\":2},\"c\":\"A -> B\"}"), "{\"a\":1,\"b\":{\"y\":2},\"c\":\"A -> B\"}");
    CHECK_TEXT(after("was_paid", "{\"a\":{\"before\":1,\"after\":2}}"),
        "{\"a\":{\"before\":1,\"after\":2},\"b\":{\"y\":2},\"c\":\"A -> B\"}");
}

// Only an import brings data that is no pair (FILES.md H1).
static void imported_changes(void)
{
    nothing();
    after("Order.Created", "{\"s\":\"Lead\",\"n\":1}");
    CHECK_TEXT(after("Order.Closed", "{\"s\":\"Lead -> Won\",\"n\":\"1 -> 2\",\"new\":\"a -> b\"}"),
        "{\"s\":\"Won\",\"n\":\"1 -> 2\",\"new\":\"a -> b\"}");
    CHECK_TEXT(
        after("Order.Closed", "{\"s\":\"not it -> Lost\",\"n\":7}"), "{\"s\":\"Lost\",\"n\":7,\"new\":\"a -> b\"}");
    CHECK_TEXT(after("Order.Closed", "{\"s\":{\"before\":\"x\",\"after\":\"y -> z\"},\"new\":\"a -> b -> c\"}"),
        "{\"s\":\"y -> z\",\"n\":7,\"new\":\"a -> b -> c\"}");
    CHECK_TEXT(after("Order.Closed", "{\"s\":\"y \xe2\x86\x92 w\",\"new\":{},\"n\":{\"before\":0}}"),
        "{\"s\":\"w\",\"new\":{}}");
}

static void own_names_count_for_nothing(void)
{
    nothing();
    CHECK_TEXT(after("Order.Created", "{\"$type\":\"Order\",\"a\":{\"$b\":1},\"\\u0024c\":2}"), "{\"a\":{\"$b\":1}}");
    CHECK_TEXT(after("Order.Closed", "{\"$version\":{\"after\":3},\"b\":{\"after\":2}}"), "{\"a\":{\"$b\":1},\"b\":2}");
    CHECK_TEXT(after("was_paid", "{\"$x\":1,\"c\":\"$\"}"), "{\"a\":{\"$b\":1},\"b\":2,\"c\":\"$\"}");
}

static void begun_by_its_end(void)
{
    nothing();
    CHECK_TEXT(after("Order.Deleted", "{\"reason\":\"gone\"}"), "deleted");
    CHECK_INT(state->created_at_us, WHEN_US_PER_SECOND);
    CHECK_TEXT(state->created_by, "user_first");
    CHECK_TEXT(after("Order.Closed", "{\"a\":1}"), "{\"a\":1}");
}

static void deleted_and_made_again(void)
{
    nothing();
    after("Order.Created", "{\"a\":1}");
    CHECK_TEXT(after("Order.Deleted", "{\"reason\":\"gone\"}"), "deleted");
    CHECK_TEXT(after("Order.Created", "{\"b\":2}"), "{\"b\":2}");
    CHECK_INT(state->created_at_us, 3 * WHEN_US_PER_SECOND);
    CHECK_TEXT(state->created_by, "user_late");
    CHECK_TEXT(after("Order.Closed", "{\"b\":{\"before\":2}}"), "{}");
    CHECK_TEXT(after("Order.Deleted", "{}"), "deleted");
}

// ---- changes

// What is recorded of a change of {"s":"Lead","n":1.0,"o":{"x":1,"y":2},"z":null}.
static struct slice recorded(const char *data)
{
    struct state *now = state_make(
        true, 0, SLICE("a"), SLICE("Contact"), SLICE("{\"s\":\"Lead\",\"n\":1.0,\"o\":{\"x\":1,\"y\":2},\"z\":null}"));
    bytes_clear(&text);
    why.text[0] = '\0';
    int error = state_record_change(now, slice_of(data), &text, &why);
    state_drop(now);
    return quoted(error);
}

static void plain_values(void)
{
    CHECK_TEXT(recorded("{}"), "{}");
    CHECK_TEXT(recorded("{\"s\":\"Won\"}"), "{\"s\":{\"before\":\"Lead\",\"after\":\"Won\"}}");
    CHECK_TEXT(
        recorded("{\"n\":2,\"s\":3}"), "{\"n\":{\"before\":1.0,\"after\":2},\"s\":{\"before\":\"Lead\",\"after\":3}}");
    CHECK_TEXT(recorded("{\"new\":[1]}"), "{\"new\":{\"after\":[1]}}");
    CHECK_TEXT(recorded("{\"o\":{}}"), "{\"o\":{\"before\":{\"x\":1,\"y\":2},\"after\":{}}}");
    CHECK_TEXT(recorded("{\"o\":{\"before\":1,\"x\":2}}"),
        "{\"o\":{\"before\":{\"x\":1,\"y\":2},\"after\":{\"before\":1,\"x\":2}}}");
    CHECK_TEXT(recorded("{\"z\":false}"), "{\"z\":{\"before\":null,\"after\":false}}");
}

static void pairs(void)
{
    CHECK_TEXT(
        recorded("{\"s\":{\"before\":\"Lead\",\"after\":\"Won\"}}"), "{\"s\":{\"before\":\"Lead\",\"after\":\"Won\"}}");
    CHECK_TEXT(recorded("{\"s\":{\"after\":\"a -> b\"}}"), "{\"s\":{\"before\":\"Lead\",\"after\":\"a -> b\"}}");
    CHECK_TEXT(recorded("{\"s\":{\"after\":{\"after\":1}}}"), "{\"s\":{\"before\":\"Lead\",\"after\":{\"after\":1}}}");
    CHECK_TEXT(recorded("{\"s\":{\"before\":\"Lead\"}}"), "{\"s\":{\"before\":\"Lead\"}}");
    CHECK_TEXT(recorded("{\"new\":{\"before\":null,\"after\":1}}"), "{\"new\":{\"after\":1}}");
    CHECK_TEXT(recorded("{\"new\":{\"before\":null}}"), "{}");
    CHECK_TEXT(recorded("{\"z\":{\"before\":null,\"after\":1}}"), "{\"z\":{\"before\":null,\"after\":1}}");
}

static void by_value(void)
{
    CHECK_TEXT(recorded("{\"n\":{\"before\":10e-1,\"after\":2}}"), "{\"n\":{\"before\":1.0,\"after\":2}}");
    CHECK_TEXT(recorded("{\"o\":{\"before\":{\"y\":2.0,\"\\u0078\":1},\"after\":2}}"),
        "{\"o\":{\"before\":{\"x\":1,\"y\":2},\"after\":2}}");
    CHECK_TEXT(
        recorded("{\"s\":{\"before\":\"\\u004cead\",\"after\":2}}"), "{\"s\":{\"before\":\"Lead\",\"after\":2}}");
    CHECK_TEXT(recorded("{\"\\u0073\":\"Won\"}"), "{\"\\u0073\":{\"before\":\"Lead\",\"after\":\"Won\"}}");
}

static void stale(void)
{
    static const char *const all[] = {
        "{\"s\":{\"before\":\"Won\",\"after\":1}}",
        "{\"s\":{\"before\":null,\"after\":1}}",
        "{\"s\":{\"before\":\"Won\"}}",
        "{\"new\":{\"before\":0,\"after\":1}}",
        "{\"new\":{\"before\":\"\"}}",
        "{\"z\":{\"before\":0,\"after\":1}}",
        "{\"n\":{\"before\":1.0000000000000000001,\"after\":1}}",
        "{\"o\":{\"before\":{\"x\":1},\"after\":1}}",
        "{\"new\":1,\"s\":{\"before\":\"Won\",\"after\":1}}",
        "{\"s\":\"Won -> Lost\"}",
        "{\"s\":\"lead -> Won\"}",
        "{\"s\":\" -> Won\"}",
        "{\"s\":\"Won \xe2\x86\x92 Lost\"}",
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        CHECK_TEXT(recorded(all[i]), "ESTALE");
        CHECK(why.text[0]);
    }
}

static void arrows(void)
{
    const char *won = "{\"s\":{\"before\":\"Lead\",\"after\":\"Won\"}}";
    CHECK_TEXT(recorded("{\"s\":\"Lead -> Won\"}"), won);
    CHECK_TEXT(recorded("{\"s\":\"Lead \xe2\x86\x92 Won\"}"), won);
    CHECK_TEXT(recorded("{\"s\":\"\\u004cead -> Won\"}"), won);
    CHECK_TEXT(recorded("{\"s\":\"Lead -> \"}"), "{\"s\":{\"before\":\"Lead\",\"after\":\"\"}}");
    CHECK_TEXT(
        recorded("{\"s\":\"Lead -> W\\\"o\\u006e\"}"), "{\"s\":{\"before\":\"Lead\",\"after\":\"W\\\"o\\u006e\"}}");
}

// Python's json.dumps writes the one as \u2192, Go's encoding/json the other as -\u003e.
static void escaped_arrows(void)
{
    const char *won = "{\"s\":{\"before\":\"Lead\",\"after\":\"Won\"}}";
    CHECK_TEXT(recorded("{\"s\":\"Lead \\u2192 Won\"}"), won);
    CHECK_TEXT(recorded("{\"s\":\"Lead -\\u003e Won\"}"), won);
    CHECK_TEXT(recorded("{\"s\":\"Lead -\\u003E Won\"}"), won);
    CHECK_TEXT(recorded("{\"s\":\"Won \\u2192 Lost\"}"), "ESTALE");
    CHECK_TEXT(
        recorded("{\"s\":\"Lead \\\\u2192 Won\"}"), "{\"s\":{\"before\":\"Lead\",\"after\":\"Lead \\\\u2192 Won\"}}");
}

static void no_arrows(void)
{
    static const char *const texts[] = {"a -> b -> c", "Lead -> b \xe2\x86\x92 c", "Lead->Won", "Lead ->Won",
        "Lead-> Won", "-> Won", "Lead ->", " -> -> "};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char written[64], expected[96];
        snprintf(written, sizeof written, "{\"s\":\"%s\"}", texts[i]);
        snprintf(expected, sizeof expected, "{\"s\":{\"before\":\"Lead\",\"after\":\"%s\"}}", texts[i]);
        CHECK_TEXT(recorded(written), expected);
    }
    CHECK_TEXT(recorded("{\"new\":\"Lead -> Won\"}"), "{\"new\":{\"after\":\"Lead -> Won\"}}");
    CHECK_TEXT(recorded("{\"n\":\"1.0 -> 2\"}"), "{\"n\":{\"before\":1.0,\"after\":\"1.0 -> 2\"}}");
    CHECK_TEXT(
        recorded("{\"o\":{\"x\":\"a -> b\"}}"), "{\"o\":{\"before\":{\"x\":1,\"y\":2},\"after\":{\"x\":\"a -> b\"}}}");
}

// ---- documents

static struct slice difference(const char *now, const char *document, unsigned count)
{
    struct state *from = state_make(true, 0, SLICE("a"), SLICE("Contact"), slice_of(now));
    unsigned changes = 99;
    bytes_clear(&text);
    int error = state_difference(from, slice_of(document), &text, &changes);
    state_drop(from);
    CHECK_INT(changes, count);
    return quoted(error);
}

static void documents(void)
{
    const char *now = "{\"a\":1,\"b\":\"x\",\"c\":{\"d\":[1]}}";
    CHECK_TEXT(difference(now, "{\"c\":{\"d\":[1.0]},\"\\u0062\":\"\\u0078\",\"a\":10e-1}", 0), "{}");
    CHECK_TEXT(difference(now, "{\"a\":2,\"b\":\"x\",\"c\":{\"d\":[1]}}", 1), "{\"a\":{\"before\":1,\"after\":2}}");
    CHECK_TEXT(difference(now, "{\"c\":{\"d\":[1]},\"e\":null}", 3),
        "{\"a\":{\"before\":1},\"b\":{\"before\":\"x\"},\"e\":{\"after\":null}}");
    CHECK_TEXT(difference(now, "{\"a\":{\"after\":5},\"b\":\"x -> y\",\"c\":{\"d\":[1]}}", 2),
        "{\"a\":{\"before\":1,\"after\":{\"after\":5}},\"b\":{\"before\":\"x\",\"after\":\"x -> y\"}}");
    CHECK_TEXT(difference("{}", "{\"$id\":1,\"$version\":9,\"\\u0024x\":1}", 0), "{}");
}

static void own_members_fall_away(void)
{
    bytes_clear(&text);
    state_without_meta(SLICE("{ \"$id\":1,\"a\":1.10, \"\\u0024b\":2,\"$\":3,\"b$\":4 }"), &text);
    CHECK_TEXT(bytes_slice(&text), "{\"a\":1.10,\"b$\":4}");
    bytes_clear(&text);
    state_without_meta(SLICE("{\"$id\":1}"), &text);
    CHECK_TEXT(bytes_slice(&text), "{}");
}

static void shown(void)
{
    struct state *s = state_make(true, 1500000, SLICE("user \"x\""), SLICE("Contact"),
        SLICE("{\"n\":1.10,\"big\":12345678901234567890,\"o\":{\"x\":[],\"y\":[1,{}]},\"s\":\"\\u00e9\"}"));
    bytes_clear(&text);
    state_show(s, SLICE("contact_a"), 7, 60000000, &text);
    CHECK_TEXT(bytes_slice(&text), "{\n"
                                   "  \"$id\": \"contact_a\",\n"
                                   "  \"$type\": \"Contact\",\n"
                                   "  \"$version\": 7,\n"
                                   "  \"$createdAt\": \"1970-01-01T00:00:01.500Z\",\n"
                                   "  \"$updatedAt\": \"1970-01-01T00:01:00Z\",\n"
                                   "  \"$createdBy\": \"user \\\"x\\\"\",\n"
                                   "  \"n\": 1.10,\n"
                                   "  \"big\": 12345678901234567890,\n"
                                   "  \"o\": {\n"
                                   "    \"x\": [],\n"
                                   "    \"y\": [\n"
                                   "      1,\n"
                                   "      {}\n"
                                   "    ]\n"
                                   "  },\n"
                                   "  \"s\": \"\\u00e9\"\n"
                                   "}\n");
    state_drop(s);
    s = state_make(true, 0, SLICE("a"), SLICE("Contact"), SLICE("{}"));
    bytes_clear(&text);
    state_show(s, SLICE("contact_a"), 1, 0, &text);
    CHECK(memmem(text.at, text.size, "\"$createdBy\": \"a\"\n}\n", 20));
    state_drop(s);
}

static void shared(void)
{
    struct state *s = state_make(true, 5, SLICE("a"), SLICE("Contact"), SLICE("{\"a\":1}"));
    struct state *same = state_hold(s);
    state_drop(s);
    CHECK_TEXT(same->fields, "{\"a\":1}");
    state_drop(same);
    state_drop(NULL);
    CHECK(!state_hold(NULL));
}

int main(void)
{
    TEST("the data of a first event is the state, whatever its type", first_is_the_state);
    TEST("a Noun.Verb event sets each field to its after; without one the field goes", pascal_sets_after);
    TEST("a snake_case event merges its data as it is", snake_merges);
    TEST("what was deleted and created again begins anew", deleted_and_made_again);
    TEST(
        "an imported change is read by its arrow, its pair or as the new value, whatever was before", imported_changes);
    TEST("members that begin with $ are no part of a state", own_names_count_for_nothing);
    TEST("an entity whose first event deletes it has no state", begun_by_its_end);
    TEST("a plain value is recorded with what was before", plain_values);
    TEST("an object of nothing but before and after is a change", pairs);
    TEST("a before holds by value: exact decimals, escapes and order aside", by_value);
    TEST("a before that does not hold is stale", stale);
    TEST("A -> B changes a string that is A", arrows);
    TEST("an arrow is one however it is escaped", escaped_arrows);
    TEST("other arrows are text", no_arrows);
    TEST("a document is told from the state by value", documents);
    TEST("members that begin with $ fall away", own_members_fall_away);
    TEST("a state is laid out for people", shown);
    TEST("a state lives as long as its last holder", shared);
    nothing();
    bytes_free(&text);
    return check_end("state");
}
