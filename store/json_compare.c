// Valid JSON text side by side: equality, and keys that are there twice.
#include "store/json.h"
#include "store/json_text.h"
#include "store/number.h"

#include <errno.h>
#include <stdlib.h>

// ---- equality

static bool value_equal(struct json_cursor *a, struct json_cursor *b);

struct member {
    struct slice key, value;
};

static int member_compare(const void *a, const void *b)
{
    return json_string_compare(((const struct member *)a)->key, ((const struct member *)b)->key);
}

// The members from here on, in the order of their keys.
static size_t members_sort(struct json_cursor *c, struct bytes *list)
{
    for (struct member m; json_next_member(c, &m.key, &m.value);)
        bytes_add(list, &m, sizeof m);
    size_t count = list->size / sizeof(struct member);
    if (count)
        qsort(list->at, count, sizeof(struct member), member_compare);
    return count;
}

static bool sorted_equal(const struct bytes *a, const struct bytes *b, size_t count)
{
    const struct member *x = (const void *)a->at, *y = (const void *)b->at;
    for (size_t i = 0; i < count; i++)
        if (member_compare(&x[i], &y[i]) != 0 || !json_equal(x[i].value, y[i].value))
            return false;
    return true;
}

// For when there is no memory to sort in: slow, but right.
static bool searched_equal(struct json_cursor a, struct json_cursor b)
{
    for (struct slice key, value; json_next_member(&a, &key, &value);) {
        struct json_cursor c = b;
        struct slice other_key, other;
        bool found = false;
        while (!found && json_next_member(&c, &other_key, &other))
            found = json_string_equal(key, other_key);
        if (!found || !json_equal(value, other))
            return false;
    }
    return true;
}

static size_t members_count(struct json_cursor c)
{
    size_t count = 0;
    for (struct slice key, value; json_next_member(&c, &key, &value);)
        count++;
    return count;
}

// The members from here on, whatever their order. Leaves both behind their objects.
static bool members_equal(struct json_cursor *a, struct json_cursor *b)
{
    BYTES_AUTO sorted_a = {0}, sorted_b = {0};
    struct json_cursor from_a = *a, from_b = *b;
    size_t count = members_sort(a, &sorted_a), count_b = members_sort(b, &sorted_b);
    if (sorted_a.failed || sorted_b.failed)
        return members_count(from_a) == members_count(from_b) && searched_equal(from_a, from_b);
    return count == count_b && sorted_equal(&sorted_a, &sorted_b, count);
}

// As long as both have their members in the same order, each is read once.
static bool object_equal(struct json_cursor *a, struct json_cursor *b)
{
    for (;;) {
        struct json_cursor from_a = *a, from_b = *b;
        struct slice key, other;
        bool more = json_take_key(a, &key);
        if (more != json_take_key(b, &other))
            return false;
        if (!more)
            return true;
        if (!json_string_equal(key, other)) {
            *a = from_a;
            *b = from_b;
            return members_equal(a, b);
        }
        if (!value_equal(a, b))
            return false;
    }
}

static bool array_equal(struct json_cursor *a, struct json_cursor *b)
{
    for (;;) {
        bool more = json_find_element(a);
        if (more != json_find_element(b))
            return false;
        if (!more)
            return true;
        if (!value_equal(a, b))
            return false;
    }
}

// Takes a value from both; when they are equal, both stand behind it.
static bool value_equal(struct json_cursor *a, struct json_cursor *b)
{
    a->at = json_space_end(a->at, a->end);
    b->at = json_space_end(b->at, b->end);
    enum json_kind kind = json_kind(json_between(a->at, a->end));
    if (kind != json_kind(json_between(b->at, b->end)) || a->at == a->end || b->at == b->end)
        return false;
    if (kind == JSON_OBJECT || kind == JSON_ARRAY) {
        a->at++;
        b->at++;
        return kind == JSON_OBJECT ? object_equal(a, b) : array_equal(a, b);
    }
    struct slice x = json_take(a), y = json_take(b);
    return slice_equal(x, y) || (kind == JSON_STRING && json_string_equal(x, y)) ||
           (kind == JSON_NUMBER && number_compare(x, y) == 0);
}

bool json_equal(struct slice a, struct slice b)
{
    struct json_cursor x = {.at = a.at, .end = a.at + a.size}, y = {.at = b.at, .end = b.at + b.size};
    return value_equal(&x, &y);
}

// ---- duplicates

// The keys of all open objects, those of the innermost last, so that one walk through the text is enough.
struct key {
    struct slice quoted;
    uint32_t hash;
};
enum { KEYS_AT_HAND = 64, FEW_KEYS = 32 };
struct keys {
    struct key *at;
    size_t count, room;
    struct key *allocated;
    struct key at_hand[KEYS_AT_HAND];
};

static void keys_free(struct keys *k)
{
    free(k->allocated);
}

static bool keys_add(struct keys *k, struct slice quoted)
{
    if (k->count == k->room) {
        struct key *more = reallocarray(k->allocated, k->room, 2 * sizeof *more);
        if (!more)
            return false;
        if (!k->allocated)
            memcpy(more, k->at_hand, sizeof k->at_hand);
        k->at = k->allocated = more;
        k->room *= 2;
    }
    k->at[k->count++] = (struct key){.quoted = quoted, .hash = json_string_hash(quoted)};
    return true;
}

// By hash first, as that is quick; a hash that somebody has made collide costs no more than a comparison of text.
static int key_compare(const void *a, const void *b)
{
    const struct key *x = a, *y = b;
    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    return json_string_compare(x->quoted, y->quoted);
}

// One of the keys that is there twice, or NULL. May change their order.
static const struct key *keys_twice(struct key *keys, size_t count)
{
    if (count <= FEW_KEYS) {
        for (size_t i = 1; i < count; i++)
            for (size_t j = 0; j < i; j++)
                if (keys[i].hash == keys[j].hash && json_string_equal(keys[i].quoted, keys[j].quoted))
                    return &keys[i];
        return NULL;
    }
    qsort(keys, count, sizeof *keys, key_compare);
    for (size_t i = 1; i < count; i++)
        if (key_compare(&keys[i - 1], &keys[i]) == 0)
            return &keys[i];
    return NULL;
}

int json_refuse_duplicates(struct slice value, struct reason *why)
{
    __attribute__((cleanup(keys_free))) struct keys keys;
    keys.at = keys.at_hand;
    keys.count = 0;
    keys.room = KEYS_AT_HAND;
    keys.allocated = NULL;
    size_t first[JSON_DEPTH_MAX + 1]; // of the keys of each level
    size_t depth = 0;

    const char *end = value.at + value.size;
    for (const char *at = value.at; at < end;) {
        if (*at == '"') {
            struct slice string = json_between(at, json_string_end(at, end));
            at = json_space_end(at + string.size, end);
            if (at < end && *at == ':' && !keys_add(&keys, string))
                return reason_set(why, -ENOMEM, "no memory for the keys of an object");
            continue;
        }
        if ((*at == '{' || *at == '[') && depth < JSON_DEPTH_MAX) {
            first[depth++] = keys.count;
        } else if ((*at == '}' || *at == ']') && depth) {
            depth--;
            const struct key *twice = keys_twice(keys.at + first[depth], keys.count - first[depth]);
            if (twice) {
                int shown = twice->quoted.size < 200 ? (int)twice->quoted.size : 200;
                return reason_set(why, -EINVAL, "key %.*s twice in one object", shown, twice->quoted.at);
            }
            keys.count = first[depth];
        }
        at++;
    }
    return 0;
}
