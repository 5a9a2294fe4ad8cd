// An object in the making: members found by name, set, removed, printed in their order.
#include "store/fields.h"
#include "tests/store/check.h"

static struct slice printed(const struct fields *f)
{
    static struct bytes text;
    bytes_clear(&text);
    fields_print(f, &text);
    return bytes_slice(&text);
}

static struct slice value_of(const struct fields *f, const char *key)
{
    struct field *field = fields_find(f, slice_of(key));
    return field ? field->value : SLICE("none");
}

static void order_is_kept(void)
{
    FIELDS_AUTO f = {0};
    CHECK_INT(fields_read(&f, SLICE("{ \"b\" : 1.10 , \"a\" : {\"x\":[1,2]} , \"\" : null }")), 0);
    CHECK_TEXT(printed(&f), "{\"b\":1.10,\"a\":{\"x\":[1,2]},\"\":null}");
    CHECK_TEXT(value_of(&f, "\"\""), "null");
    CHECK_TEXT(value_of(&f, "\"x\""), "none");
}

static void empty(void)
{
    FIELDS_AUTO f = {0};
    CHECK_INT(fields_read(&f, SLICE("{ }")), 0);
    CHECK_TEXT(printed(&f), "{}");
    fields_remove(&f, SLICE("\"a\""));
    CHECK_INT(fields_set(&f, SLICE("\"a\""), SLICE("1")), 0);
    CHECK_TEXT(printed(&f), "{\"a\":1}");
    fields_remove(&f, SLICE("\"a\""));
    CHECK_TEXT(printed(&f), "{}");
}

static void set_in_place(void)
{
    FIELDS_AUTO f = {0};
    CHECK_INT(fields_read(&f, SLICE("{\"a\":1,\"b\":2,\"c\":3}")), 0);
    CHECK_INT(fields_set(&f, SLICE("\"b\""), SLICE("\"two\"")), 0);
    CHECK_TEXT(printed(&f), "{\"a\":1,\"b\":\"two\",\"c\":3}");
}

static void comes_back_last(void)
{
    FIELDS_AUTO f = {0};
    CHECK_INT(fields_read(&f, SLICE("{\"a\":1,\"b\":2,\"c\":3}")), 0);
    fields_remove(&f, SLICE("\"a\""));
    fields_remove(&f, SLICE("\"a\""));
    CHECK_TEXT(printed(&f), "{\"b\":2,\"c\":3}");
    CHECK_TEXT(value_of(&f, "\"a\""), "none");
    CHECK_INT(fields_set(&f, SLICE("\"a\""), SLICE("4")), 0);
    CHECK_TEXT(printed(&f), "{\"b\":2,\"c\":3,\"a\":4}");
}

static void escapes_aside(void)
{
    FIELDS_AUTO f = {0};
    CHECK_INT(fields_read(&f, SLICE("{\"\\u0061\":1,\"\xc3\xa9\":2}")), 0);
    CHECK_TEXT(value_of(&f, "\"a\""), "1");
    CHECK_TEXT(value_of(&f, "\"\\u00e9\""), "2");
    CHECK_INT(fields_set(&f, SLICE("\"a\""), SLICE("3")), 0);
    CHECK_TEXT(printed(&f), "{\"\\u0061\":3,\"\xc3\xa9\":2}");
}

// A list that is searched along: what a table of any size must agree with.
struct model {
    unsigned keys[4096];
    unsigned values[4096];
    unsigned count;
};

static void model_remove(struct model *m, unsigned key)
{
    for (unsigned i = 0; i < m->count; i++)
        if (m->keys[i] == key) {
            memmove(m->keys + i, m->keys + i + 1, (m->count - i - 1) * sizeof *m->keys);
            memmove(m->values + i, m->values + i + 1, (m->count - i - 1) * sizeof *m->values);
            m->count--;
        }
}

static void model_set(struct model *m, unsigned key, unsigned value)
{
    for (unsigned i = 0; i < m->count; i++)
        if (m->keys[i] == key) {
            m->values[i] = value;
            return;
        }
    m->keys[m->count] = key;
    m->values[m->count++] = value;
}

static void as_a_list(unsigned keys)
{
    static char texts[2000][8], numbers[2000][8];
    struct model m = {.count = 0};
    FIELDS_AUTO f = {0};
    uint64_t random = keys;
    BYTES_AUTO expected = {0};
    for (unsigned i = 0; i < 2000; i++) {
        snprintf(texts[i], sizeof texts[i], "\"%u\"", i);
        snprintf(numbers[i], sizeof numbers[i], "%u", i);
    }
    CHECK_INT(fields_read(&f, SLICE("{}")), 0);
    for (unsigned i = 0; i < 3000; i++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        unsigned key = (unsigned)(random >> 33) % keys, value = (unsigned)(random >> 20) % 2000;
        if (random >> 63) {
            fields_remove(&f, slice_of(texts[key]));
            model_remove(&m, key);
        } else {
            CHECK_INT(fields_set(&f, slice_of(texts[key]), slice_of(numbers[value])), 0);
            model_set(&m, key, value);
        }
    }
    for (unsigned i = 0; i < m.count; i++)
        bytes_printf(&expected, "%c\"%u\":%u", i ? ',' : '{', m.keys[i], m.values[i]);
    bytes_add_text(&expected, "}");
    CHECK(slice_equal(printed(&f), bytes_slice(&expected)));
}

static void small_and_large(void)
{
    for (unsigned keys = 2; keys < 2000; keys = keys < 30 ? keys + 1 : keys * 2)
        as_a_list(keys);
}

int main(void)
{
    TEST("members keep their order and their text", order_is_kept);
    TEST("an empty object can be filled and emptied", empty);
    TEST("a member that is set stays in its place", set_in_place);
    TEST("a member that comes back comes last", comes_back_last);
    TEST("names are the same whatever escapes they are written with", escapes_aside);
    TEST("any number of members behaves as a list", small_and_large);
    return check_end("fields");
}
