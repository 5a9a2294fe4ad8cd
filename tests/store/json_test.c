// Valid text: members, strings, layout, equality, duplicate keys.
#include "store/json.h"
#include "tests/store/check.h"

#include <errno.h>
#include <time.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

// A copy of just its size, so that a sanitizer sees a read past it.
static struct slice copy_of(struct slice s)
{
    char *copy = malloc(s.size ? s.size : 1);
    memcpy(copy, s.at, s.size);
    return (struct slice){.at = copy, .size = s.size};
}

static void slice_free(struct slice *s)
{
    free((void *)(uintptr_t)s->at);
}

#define COPY_AUTO __attribute__((cleanup(slice_free))) struct slice

static void kinds(void)
{
    CHECK_INT(json_kind(SLICE("{}")), JSON_OBJECT);
    CHECK_INT(json_kind(SLICE(" [1]")), JSON_ARRAY);
    CHECK_INT(json_kind(SLICE("\n\t\"a\"")), JSON_STRING);
    CHECK_INT(json_kind(SLICE("-1")), JSON_NUMBER);
    CHECK_INT(json_kind(SLICE("0")), JSON_NUMBER);
    CHECK_INT(json_kind(SLICE("true")), JSON_TRUE);
    CHECK_INT(json_kind(SLICE("false")), JSON_FALSE);
    CHECK_INT(json_kind(SLICE("null")), JSON_NULL);
}

struct pair {
    const char *key, *value;
};

static void has_members(const char *object, const struct pair *expected, size_t count)
{
    COPY_AUTO text = copy_of(slice_of(object));
    struct json_cursor c = json_enter(text);
    struct slice key, value;
    size_t seen = 0;
    for (; json_next_member(&c, &key, &value) && seen < count; seen++) {
        CHECK_TEXT(key, expected[seen].key);
        CHECK_TEXT(value, expected[seen].value);
    }
    CHECK_INT(seen, count);
    CHECK(!json_next_member(&c, &key, &value));
}

static void members(void)
{
    has_members("{}", NULL, 0);
    has_members(" { \n} ", NULL, 0);
    has_members("{\"a\":1}", (struct pair[]){{"\"a\"", "1"}}, 1);
    static const struct pair several[] = {
        {"\"a\\\"}\"", "-1.50e+3"},
        {"\"\"", "{\"x\":[1,{\"y\":\"}]\\\\\"}]}"},
        {"\"\\\\\"", "[ [ ] , \"]\" ]"},
        {"\"k\"", "\" , \\\" : \""},
        {"\"a\\\"}\"", "null"},
    };
    has_members("{\"a\\\"}\":-1.50e+3,\"\":{\"x\":[1,{\"y\":\"}]\\\\\"}]},\"\\\\\":[ [ ] , \"]\" ],\"k\":\" , \\\" : "
                "\",\"a\\\"}\":null}",
        several, COUNT(several));
    has_members(
        "  {  \"a\\\"}\"\t:\n-1.50e+3  ,\r\n\"\" : {\"x\":[1,{\"y\":\"}]\\\\\"}]}\n,\"\\\\\"  :  [ [ ] , \"]\" ] , "
        "\"k\" : \" , \\\" : \"   ,  \"a\\\"}\" : null  } \n",
        several, COUNT(several));
}

// Brackets and strings in every place of the blocks that a nested value is stepped over by.
static void nested_values_of_any_length(void)
{
    static const char *const pieces[] = {"1,", "[],", "{\"a\":[]},", "\"]\",", "\"\\\"}\",", "[[[\"[\"]]],", "  "};
    for (size_t i = 0; i < COUNT(pieces); i++) {
        for (size_t j = 0; j < COUNT(pieces); j++) {
            BYTES_AUTO value = {0};
            for (int length = 0; length < 20; length++) {
                bytes_clear(&value);
                bytes_add_text(&value, "[[");
                for (int k = 0; k < length; k++)
                    bytes_add_text(&value, pieces[k % 3 ? i : j]);
                bytes_add_text(&value, "0]]");
                BYTES_AUTO object = {0};
                bytes_printf(&object, "{\"a\":%.*s,\"b\":2}", SLICE_ARG(value));
                COPY_AUTO text = copy_of(bytes_slice(&object));
                struct slice found = {0};
                CHECK(json_member(text, "a", &found) && slice_equal(found, bytes_slice(&value)));
                CHECK(json_member(text, "b", &found) && slice_is(found, "2"));
            }
        }
    }
}

static void elements(void)
{
    static const char *const expected[] = {"1", "\"a,]\"", "[2,[3]]", "{\"b\":[]}", "true", "null"};
    static const char *const arrays[] = {
        "[1,\"a,]\",[2,[3]],{\"b\":[]},true,null]",
        " [ 1 , \"a,]\"\n,\t[2,[3]] ,{\"b\":[]} , true , null ] ",
    };
    for (size_t i = 0; i < COUNT(arrays); i++) {
        COPY_AUTO text = copy_of(slice_of(arrays[i]));
        struct json_cursor c = json_enter(text);
        size_t seen = 0;
        for (struct slice value; json_next_element(&c, &value) && seen < COUNT(expected); seen++)
            CHECK_TEXT(value, expected[seen]);
        CHECK_INT(seen, COUNT(expected));
    }
    struct json_cursor c = json_enter(SLICE("[ ]"));
    struct slice value;
    CHECK(!json_next_element(&c, &value));
}

static void member_by_name(void)
{
    struct slice object =
        SLICE("{\"a\":{\"b\":1},\"\\u0062\":2,\"\\u00e9\\n\":3,\"\\ud83d\\ude00\":4,\"c\\u0000d\":5}");
    struct slice value;
    CHECK(json_member(object, "b", &value) && slice_is(value, "2"));
    CHECK(json_member(object, "\xC3\xA9\n", &value) && slice_is(value, "3"));
    CHECK(json_member(object, "\xF0\x9F\x98\x80", &value) && slice_is(value, "4"));
    value = SLICE("untouched");
    CHECK(!json_member(object, "c", &value));
    CHECK(!json_member(object, "", &value));
    CHECK(!json_member(object, "\\u0062", &value));
    CHECK_TEXT(value, "untouched");
    CHECK(json_key_is(SLICE("\"\""), ""));
    CHECK(json_key_is(SLICE("\"\\\\\""), "\\"));
    CHECK(!json_key_is(SLICE("\"type\""), "typ"));
    CHECK(!json_key_is(SLICE("\"typ\""), "type"));
    CHECK(!json_key_is(SLICE("\"typ\\u0065\""), "typ"));
    CHECK(!json_key_is(SLICE("\"ty\\u0070\""), "type"));
}

// ---- strings

static void decodes(void)
{
    static const struct pair cases[] = {
        {"\"\"", ""},
        {"\"plain\"", "plain"},
        {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t"},
        {"\"a\\u0041b\\u00e9\\u20AC\"", "aAb\xC3\xA9\xE2\x82\xAC"},
        {"\"\\uD83D\\uDE00!\"", "\xF0\x9F\x98\x80!"},
        {"\"\\uDBFF\\uDFFF\\uD800\\uDC00\"", "\xF4\x8F\xBF\xBF\xF0\x90\x80\x80"},
        {"\"\\uD800\"", "\xED\xA0\x80"},
        {"\"\\uD800x\\uDFFF\"", "\xED\xA0\x80x\xED\xBF\xBF"},
        {"\"\\uDC00\\uD800\"", "\xED\xB0\x80\xED\xA0\x80"},
        {"\"\\uD800\\uD83D\\uDE00\"", "\xED\xA0\x80\xF0\x9F\x98\x80"},
        {"\"\\uD800\\n\"", "\xED\xA0\x80\n"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        COPY_AUTO quoted = copy_of(slice_of(cases[i].key));
        BYTES_AUTO text = {0};
        json_decode(&text, quoted);
        CHECK_TEXT(bytes_slice(&text), cases[i].value);
    }
    BYTES_AUTO zero = {0};
    json_decode(&zero, SLICE("\"a\\u0000b\""));
    CHECK(slice_equal(bytes_slice(&zero), SLICE("a\0b")));
}

static void quotes(void)
{
    static const struct {
        struct slice text;
        const char *quoted;
    } cases[] = {
        {{"", 0}, "\"\""},
        {{"plain/", 6}, "\"plain/\""},
        {{"\"\\\b\f\n\r\t", 7}, "\"\\\"\\\\\\b\\f\\n\\r\\t\""},
        {{"\0\x1F\x7F", 3}, "\"\\u0000\\u001f\x7F\""},
        {{"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80", 9}, "\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\""},
        {{"a\xFFz", 3}, "\"a\xEF\xBF\xBDz\""},
        {{"\xE9t\xE9", 3}, "\"\xEF\xBF\xBDt\xEF\xBF\xBD\""},
        {{"\xE2\x82", 2}, "\"\xEF\xBF\xBD\""},
        {{"\xC3\"", 2}, "\"\xEF\xBF\xBD\\\"\""},
        {{"\xC0\xAF", 2}, "\"\xEF\xBF\xBD\xEF\xBF\xBD\""},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        COPY_AUTO text = copy_of(cases[i].text);
        BYTES_AUTO quoted = {0};
        json_quote(&quoted, text);
        CHECK_TEXT(bytes_slice(&quoted), cases[i].quoted);
    }
}

static void equal_strings(void)
{
    static const struct pair same[] = {
        {"\"a\"", "\"a\""},
        {"\"a\"", "\"\\u0061\""},
        {"\"\\u00e9\"", "\"\\u00E9\""},
        {"\"\xC3\xA9\"", "\"\\u00E9\""},
        {"\"\\n\"", "\"\\u000a\""},
        {"\"/\"", "\"\\/\""},
        {"\"\xF0\x9F\x98\x80\"", "\"\\ud83d\\ude00\""},
        {"\"\\ud800\"", "\"\\uD800\""},
    };
    static const struct pair other[] = {
        {"\"a\"", "\"A\""},
        {"\"a\"", "\"ab\""},
        {"\"\\u0061\"", "\"ab\""},
        {"\"\"", "\"\\u0000\""},
        {"\"\\ud800\"", "\"\\ud801\""},
        {"\"\\ud800\"", "\"\xEF\xBF\xBD\""},
        {"\"\\\\n\"", "\"\\n\""},
        {"\"\\\\u0061\"", "\"a\""},
        {"\"\xC3\xA9\"", "\"e\xCC\x81\""},
    };
    for (size_t i = 0; i < COUNT(same); i++) {
        CHECK(json_string_equal(slice_of(same[i].key), slice_of(same[i].value)));
        CHECK(json_string_equal(slice_of(same[i].value), slice_of(same[i].key)));
    }
    for (size_t i = 0; i < COUNT(other); i++) {
        CHECK(!json_string_equal(slice_of(other[i].key), slice_of(other[i].value)));
        CHECK(!json_string_equal(slice_of(other[i].value), slice_of(other[i].key)));
    }
}

// ---- layout

static const char as_written[] =
    "{\"n\":[12345678901234567890,1.10,1e400,-0,0.0,1E+05],\"s\":\"\\u0000\\ud800 \\/  \\u00e9 "
    "\xC3\xA9\\\"\",\"e\":{},\"f\":[],\"l\":[true,false,null]}";

static void minifies(void)
{
    static const struct pair cases[] = {
        {"{}", "{}"},
        {" [ ] \n", "[]"},
        {" 1.10\n", "1.10"},
        {" \" a \\\" b \" ", "\" a \\\" b \""},
        {"\"ends in a backslash \\\\\" ", "\"ends in a backslash \\\\\""},
        {"{ \"a b\" :\t1 ,\r\n \"c\" : [ 1 , \"  \" , { } ] }", "{\"a b\":1,\"c\":[1,\"  \",{}]}"},
        {as_written, as_written},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        COPY_AUTO text = copy_of(slice_of(cases[i].key));
        BYTES_AUTO out = {0};
        json_minify(&out, text);
        CHECK_TEXT(bytes_slice(&out), cases[i].value);
    }
    BYTES_AUTO out = {0};
    bytes_add_text(&out, "before ");
    json_minify(&out, SLICE(" [ 1 ] "));
    json_minify(&out, SLICE("[2]"));
    CHECK_TEXT(bytes_slice(&out), "before [1][2]");
}

static void pretty(void)
{
    static const struct {
        const char *text;
        unsigned level;
        const char *laid_out;
    } cases[] = {
        {"{}", 0, "{}"},
        {"[ \n ]", 3, "[]"},
        {"{\"a\":1}", 0,
            "{\n"
            "  \"a\": 1\n"
            "}"},
        {"[1,[],{},[2]]", 0,
            "[\n"
            "  1,\n"
            "  [],\n"
            "  {},\n"
            "  [\n"
            "    2\n"
            "  ]\n"
            "]"},
        {" { \"a\" : [ { \"b\" : \"x:,{ \\\" y\" } ] , \"c\" : null } ", 0,
            "{\n"
            "  \"a\": [\n"
            "    {\n"
            "      \"b\": \"x:,{ \\\" y\"\n"
            "    }\n"
            "  ],\n"
            "  \"c\": null\n"
            "}"},
        {"{\"a\":{\"b\":1}}", 1,
            "{\n"
            "    \"a\": {\n"
            "      \"b\": 1\n"
            "    }\n"
            "  }"},
        {" \"text\" ", 2, "\"text\""},
        {as_written, 0,
            "{\n"
            "  \"n\": [\n"
            "    12345678901234567890,\n"
            "    1.10,\n"
            "    1e400,\n"
            "    -0,\n"
            "    0.0,\n"
            "    1E+05\n"
            "  ],\n"
            "  \"s\": \"\\u0000\\ud800 \\/  \\u00e9 \xC3\xA9\\\"\",\n"
            "  \"e\": {},\n"
            "  \"f\": [],\n"
            "  \"l\": [\n"
            "    true,\n"
            "    false,\n"
            "    null\n"
            "  ]\n"
            "}"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        COPY_AUTO text = copy_of(slice_of(cases[i].text));
        BYTES_AUTO out = {0};
        json_pretty(&out, text, cases[i].level);
        CHECK_TEXT(bytes_slice(&out), cases[i].laid_out);
    }
}

// ---- equality

static void equals(const char *a, const char *b, bool expected)
{
    COPY_AUTO x = copy_of(slice_of(a));
    COPY_AUTO y = copy_of(slice_of(b));
    if (json_equal(x, y) == expected && json_equal(y, x) == expected)
        return;
    check_ok = false;
    printf("#   %s and %s are %s\n", a, b, expected ? "not equal" : "equal");
}

static void equal_values(void)
{
    static const struct pair same[] = {
        {"1", "1.0"},
        {"[1,1]", "[10e-1,0.1e1]"},
        {"-0", "0"},
        {"1e400", "10e399"},
        {"\"a\"", " \"\\u0061\" "},
        {"true", " true"},
        {"{}", "{ }"},
        {"[]", " [\n]"},
        {"[1,\"a\",null]", "[ 1.0 , \"\\u0061\" , null ]"},
        {"{\"a\":1,\"b\":2}", "{\"b\":2,\"a\":1}"},
        {"{\"a\":1,\"b\":{\"c\":[1],\"d\":2},\"e\":3}", "{\"e\":3,\"b\":{\"d\":2.0,\"c\":[1]},\"\\u0061\":1}"},
        {"[{\"a\":1,\"b\":2},3]", "[{\"b\":2,\"a\":1},3]"},
        {"{\"x\":{\"a\":1,\"b\":2},\"y\":3}", "{\"x\":{\"b\":2,\"a\":1},\"y\":3}"},
    };
    static const struct pair other[] = {
        {"12345678901234567890", "12345678901234567891"},
        {"0", "null"},
        {"0", "\"0\""},
        {"0", "false"},
        {"true", "false"},
        {"null", "false"},
        {"{}", "[]"},
        {"[]", "[null]"},
        {"[1,2]", "[2,1]"},
        {"[1,2]", "[1]"},
        {"[[1],2]", "[[1,2]]"},
        {"{\"a\":1}", "{\"a\":2}"},
        {"{\"a\":1}", "{\"b\":1}"},
        {"{\"a\":1}", "{}"},
        {"{\"a\":1,\"b\":2}", "{\"a\":1}"},
        {"{\"a\":1,\"b\":2}", "{\"b\":1,\"a\":2}"},
        {"{\"a\":1,\"b\":2}", "{\"b\":2,\"c\":1}"},
        {"{\"a\":1,\"b\":2,\"c\":3}", "{\"a\":1,\"c\":3,\"d\":2}"},
        {"{\"b\":2,\"a\":1}", "{\"a\":1,\"b\":2,\"c\":3}"},
        {"{\"a\":{\"b\":1}}", "{\"a\":{\"b\":1,\"c\":1}}"},
    };
    for (size_t i = 0; i < COUNT(same); i++)
        equals(same[i].key, same[i].value, true);
    for (size_t i = 0; i < COUNT(other); i++)
        equals(other[i].key, other[i].value, false);
    equals(as_written, as_written, true);
}

// {"key0":0,"key1":1…}, or from the last to the first; one key may be spelled with an escape.
static void object_fill(struct bytes *out, size_t count, bool backwards, size_t escaped)
{
    bytes_clear(out);
    for (size_t i = 0; i < count; i++) {
        size_t n = backwards ? count - 1 - i : i;
        bytes_printf(out, "%c\"%s%zu\":%zu", i ? ',' : '{', n == escaped ? "\\u006bey" : "key", n, n);
    }
    bytes_add_char(out, '}');
}

static void big_objects_in_another_order(void)
{
    BYTES_AUTO a = {0}, b = {0};
    static const size_t counts[] = {2, 31, 32, 33, 1000, 100000};
    for (size_t i = 0; i < COUNT(counts); i++) {
        object_fill(&a, counts[i], false, SIZE_MAX);
        object_fill(&b, counts[i], true, counts[i] / 2);
        CHECK(json_equal(bytes_slice(&a), bytes_slice(&b)));
        // The first value becomes another one.
        *((char *)memchr(a.at, ':', a.size) + 1) = '5';
        CHECK(!json_equal(bytes_slice(&a), bytes_slice(&b)));
        CHECK(!json_equal(bytes_slice(&b), bytes_slice(&a)));
    }
}

// Each level in another order around a long array: it takes no memory or time beyond one step over the inner text a
// level.
static void deep_objects_in_another_order(void)
{
    BYTES_AUTO a = {0}, b = {0};
    for (int level = 0; level < 999; level++) {
        bytes_add_text(&a, "{\"x\":");
        bytes_add_text(&b, "{\"y\":1,\"x\":");
    }
    for (int i = 0; i < 100000; i++) {
        bytes_add_text(&a, i ? ",1" : "[1");
        bytes_add_text(&b, i ? ",1" : "[1");
    }
    bytes_add_text(&a, "]");
    bytes_add_text(&b, "]");
    for (int level = 0; level < 999; level++) {
        bytes_add_text(&a, ",\"y\":1}");
        bytes_add_text(&b, "}");
    }
    CHECK(json_equal(bytes_slice(&a), bytes_slice(&b)));
}

// ---- duplicates

static void duplicates(void)
{
    static const char *const without[] = {
        "{}",
        "[]",
        "1",
        "{\"a\":1,\"A\":1,\"\":1}",
        "{\"a\":{\"a\":{\"a\":1}},\"b\":[{\"a\":1},{\"a\":1}]}",
        "{\"a\":\"a\",\"b\":\"a\",\"c\":[\"a\",\"b\",\"a\"]}",
        "{\"a\":{\"b\":1},\"b\":{\"a\":1}}",
        "{\"\\ud800\":1,\"\\ud801\":1,\"\xEF\xBF\xBD\":1}",
        "{\"a\\u0000\":1,\"a\":2}",
        "{\"\xC3\xA9\":1,\"e\xCC\x81\":1}",
    };
    for (size_t i = 0; i < COUNT(without); i++) {
        COPY_AUTO text = copy_of(slice_of(without[i]));
        struct reason why = {0};
        CHECK_INT(json_refuse_duplicates(text, &why), 0);
        CHECK_TEXT(slice_of(why.text), "");
    }
    static const struct pair with[] = {
        {"{\"a\":1,\"a\":1}", "\"a\""},
        {" { \"a\" : 1 , \"b\" : 2 , \"a\" : 3 } ", "\"a\""},
        {"{\"\":1,\"\":2}", "\"\""},
        {"{\"ab\":1,\"a\\u0062\":2}", "\"a"},
        {"{\"\xC3\xA9\":1,\"\\u00E9\":2}", "key"},
        {"{\"/\":1,\"\\/\":2}", "/\""},
        {"{\"\xF0\x9F\x98\x80\":1,\"\\ud83d\\ude00\":2}", "key"},
        {"[1,{\"x\":[{\"deep\":1,\"b\":{},\"deep\":1}]}]", "\"deep\""},
        {"{\"a\":{\"b\":1},\"c\":{\"a\":1},\"a\":1}", "\"a\""},
    };
    for (size_t i = 0; i < COUNT(with); i++) {
        COPY_AUTO text = copy_of(slice_of(with[i].key));
        struct reason why = {0};
        CHECK_INT(json_refuse_duplicates(text, &why), -EINVAL);
        if (!strstr(why.text, with[i].value)) {
            check_ok = false;
            printf("#   %s: %s\n", with[i].key, why.text);
        }
        CHECK_INT(json_refuse_duplicates(text, NULL), -EINVAL);
    }
}

static void duplicates_among_many(void)
{
    BYTES_AUTO text = {0};
    static const size_t counts[] = {1, 31, 32, 33, 63, 64, 65, 1000, 100000};
    clock_t begin = clock();
    for (size_t i = 0; i < COUNT(counts); i++) {
        object_fill(&text, counts[i], false, SIZE_MAX);
        CHECK_INT(json_refuse_duplicates(bytes_slice(&text), NULL), 0);
        for (size_t twice = 0; twice < counts[i]; twice += 1 + counts[i] / 3) {
            struct reason why = {0};
            text.size--;
            bytes_printf(&text, ",\"\\u006Bey%zu\":0}", twice);
            CHECK_INT(json_refuse_duplicates(bytes_slice(&text), &why), -EINVAL);
            char number[24];
            snprintf(number, sizeof number, "ey%zu\"", twice);
            CHECK(strstr(why.text, number));
            object_fill(&text, counts[i], false, SIZE_MAX);
        }
    }
    // To compare 100000 keys each with each takes far longer, even on a fast machine.
    CHECK((clock() - begin) / CLOCKS_PER_SEC < 10);
}

static void a_long_key_in_the_reason(void)
{
    BYTES_AUTO text = {0};
    for (int i = 0; i < 2; i++) {
        bytes_add_text(&text, i ? ",\"" : "{\"");
        for (int j = 0; j < 10000; j++)
            bytes_add_char(&text, 'k');
        bytes_add_text(&text, "\":1");
    }
    bytes_add_text(&text, "}");
    struct reason why = {0};
    CHECK_INT(json_refuse_duplicates(bytes_slice(&text), &why), -EINVAL);
    CHECK(strstr(why.text, "kkkk") && strstr(why.text, "twice"));
}

static void pretty_of_the_deep(void)
{
    // 900 levels: each opens a line of at most 128 blanks and one bracket, and so it closes.
    enum { LEVELS = 900 };
    BYTES_AUTO text = {0};
    BYTES_AUTO shown = {0};
    for (int i = 0; i < LEVELS; i++)
        bytes_add_char(&text, '[');
    bytes_add_char(&text, '1');
    for (int i = 0; i < LEVELS; i++)
        bytes_add_char(&text, ']');
    json_pretty(&shown, bytes_slice(&text), 0);
    CHECK(!shown.failed);
    CHECK(shown.size < 2 * LEVELS * 130 + 130);
    // Nothing but blanks was added.
    BYTES_AUTO again = {0};
    json_minify(&again, bytes_slice(&shown));
    CHECK(slice_equal(bytes_slice(&again), bytes_slice(&text)));
}

int main(void)
{
    TEST("the kind of a value is seen by its first byte", kinds);
    TEST("members come in their order, as written, without the white space around them", members);
    TEST("the member behind a nested value is found, however long that is", nested_values_of_any_length);
    TEST("elements come in their order", elements);
    TEST("a member is found by its decoded name", member_by_name);
    TEST("escapes decode to UTF-8, a lone surrogate to its three bytes", decodes);
    TEST("any bytes become a quoted string", quotes);
    TEST("strings are equal by their text, escapes aside", equal_strings);
    TEST("minified text keeps every number and string as written", minifies);
    TEST("pretty text is laid out as by jq", pretty);
    TEST("values are equal by exact number, decoded text and members in any order", equal_values);
    TEST("objects of any size are equal in any order", big_objects_in_another_order);
    TEST("a thousand levels, each in another order, are compared in good time", deep_objects_in_another_order);
    TEST("a key that is twice in one object is refused and named, escapes aside", duplicates);
    TEST("a key that is twice among many is found without comparing each with each", duplicates_among_many);
    TEST("a long key is cut in the reason", a_long_key_in_the_reason);
    TEST("what is nested deeply is indented no further than 64 levels", pretty_of_the_deep);
    return check_end("json");
}
