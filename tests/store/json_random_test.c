// Valid texts with random changes: nothing crashes, pieces do not matter, and what is accepted keeps its meaning.
#include "store/json.h"
#include "tests/store/check.h"

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

static uint64_t random_next(void)
{
    static uint64_t state = 88172645463325252u;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

// Offset behind the first value; 0 when there is none.
static size_t first_value(struct slice text, size_t piece)
{
    struct json_scanner s;
    json_scanner_init(&s);
    for (size_t at = 0; at < text.size; at += piece) {
        size_t used, size = text.size - at < piece ? text.size - at : piece;
        COPY_AUTO copy = copy_of((struct slice){.at = text.at + at, .size = size});
        enum json_found found = json_scan(&s, copy.at, copy.size, &used, NULL);
        if (found != JSON_MORE)
            return found == JSON_VALUE ? at + used : 0;
    }
    return 0;
}

static void layout_changes_nothing(struct slice accepted)
{
    COPY_AUTO value = copy_of(accepted);
    BYTES_AUTO small = {0}, laid_out = {0}, again = {0};
    json_minify(&small, value);
    json_pretty(&laid_out, value, 0);
    json_minify(&again, bytes_slice(&laid_out));
    CHECK(slice_equal(bytes_slice(&small), bytes_slice(&again)));
    CHECK_INT(first_value(bytes_slice(&small), SIZE_MAX / 2), small.size);
    CHECK_INT(first_value(bytes_slice(&laid_out), SIZE_MAX / 2), laid_out.size);
    if (json_refuse_duplicates(value, NULL) == 0) {
        CHECK(json_equal(value, bytes_slice(&laid_out)));
        CHECK_INT(json_refuse_duplicates(bytes_slice(&small), NULL), 0);
    }
    if (json_kind(value) != JSON_OBJECT)
        return;
    struct json_cursor c = json_enter(value);
    for (struct slice key, v; json_next_member(&c, &key, &v);) {
        BYTES_AUTO text = {0}, array = {0};
        json_decode(&text, key);
        bytes_add_char(&array, '[');
        json_quote(&array, bytes_slice(&text));
        bytes_add_char(&array, ']');
        CHECK_INT(first_value(bytes_slice(&array), 7), array.size);
    }
}

static void random_bytes(void)
{
    static const char *const seeds[] = {
        "{\"n\":[12345678901234567890,1.10,1e400,-0],\"s\":\"\\u0000\\ud800 \\/  \\u00e9 "
        "\xC3\xA9\\\"\",\"e\":{},\"f\":[]}",
        "{\"type\":\"Contact.Qualified\",\"target\":\"contact_fX9bL5nRd\",\"data\":{\"stage\":{\"before\":\"Lead\"}}}",
        "{ \"a\" : [ 1 , -2.5e-3 , { \"b\" : \"\\u00e9\\ud83d\\ude00 \xE2\x82\xAC\xF0\x9F\x98\x80\" } ] , \"c\" : null "
        "}",
        "[[[[[]]],{\"a\":{\"a\":{}}}],\"\\\\\\\"\",true,false,null,0,10.01E+10]",
    };
    static const char alphabet[] = "{}[]\",:\\u0123e+-. \n\"\"\\truefalsn\xC3\xA9\xED\xF0\xFF";
    size_t accepted = 0;
    for (int round = 0; round < 60000; round++) {
        char text[256];
        const char *seed = seeds[round % (int)COUNT(seeds)];
        size_t size = strlen(seed);
        memcpy(text, seed, size);
        for (uint64_t changes = random_next() % 4; changes; changes--) {
            size_t at = random_next() % size;
            char c = alphabet[random_next() % (sizeof alphabet - 1)];
            switch (random_next() % 3) {
            case 0:
                text[at] = c;
                break;
            case 1:
                memmove(text + at, text + at + 1, --size - at);
                break;
            default:
                memmove(text + at + 1, text + at, size++ - at);
                text[at] = c;
            }
        }
        struct slice slice = {.at = text, .size = size};
        size_t end = first_value(slice, size);
        CHECK_INT(first_value(slice, 1), end);
        CHECK_INT(first_value(slice, 1 + random_next() % size), end);
        if (!end)
            continue;
        accepted++;
        layout_changes_nothing((struct slice){.at = text, .size = end});
    }
    CHECK(accepted > 1000);
}

int main(void)
{
    TEST("texts with random changes are read the same in any pieces, and what is accepted keeps its meaning",
        random_bytes);
    return check_end("json_random");
}
