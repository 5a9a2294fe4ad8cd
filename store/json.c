// Valid JSON text: found, compared and laid out without turning it into values.
#include "store/json.h"
#include "store/number.h"
#include "store/utf8.h"

#include <errno.h>
#include <stdlib.h>

// ---- tokens: `at` stands on the first byte, the result behind the last one

static inline bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static inline const char *space_end(const char *at, const char *end)
{
    while (at < end && is_space(*at))
        at++;
    return at;
}

static const char *string_end(const char *at, const char *end)
{
    const char *from = at + 1;
    while (from < end) {
        const char *quote = memchr(from, '"', (size_t)(end - from));
        if (!quote)
            return end;
        const char *behind = quote;
        while (behind > at + 1 && behind[-1] == '\\')
            behind--;
        from = quote + 1;
        if ((quote - behind) % 2 == 0)
            return from;
    }
    return end;
}

// A number, true, false or null.
static inline const char *word_end(const char *at, const char *end)
{
    while (at < end && *at != ',' && *at != '}' && *at != ']' && *at != ':' && !is_space(*at))
        at++;
    return at;
}

static const char *container_end(const char *at, const char *end)
{
    size_t depth = 0;
    while (at < end) {
        char c = *at;
        if (c == '"') {
            at = string_end(at, end);
            continue;
        }
        at++;
        if (c == '{' || c == '[')
            depth++;
        else if ((c == '}' || c == ']') && --depth == 0)
            return at;
    }
    return end;
}

static inline const char *value_end(const char *at, const char *end)
{
    if (at == end)
        return at;
    switch (*at) {
    case '{':
    case '[':
        return container_end(at, end);
    case '"':
        return string_end(at, end);
    default:
        return word_end(at, end);
    }
}

static inline struct slice slice_between(const char *at, const char *end)
{
    return (struct slice){.at = at, .size = (size_t)(end - at)};
}

// Takes the value that comes next; it is empty when there is none.
static inline struct slice value_take(struct json_cursor *c)
{
    const char *at = space_end(c->at, c->end);
    c->at = value_end(at, c->end);
    return slice_between(at, c->at);
}

// Takes a key and its colon; false, and `c` behind the object, when no member is left.
static inline bool key_take(struct json_cursor *c, struct slice *key)
{
    while (c->at < c->end && (is_space(*c->at) || *c->at == ','))
        c->at++;
    if (c->at == c->end)
        return false;
    if (*c->at != '"') {
        c->at++;
        return false;
    }
    *key = value_take(c);
    c->at = space_end(c->at, c->end);
    if (c->at < c->end)
        c->at++;
    return true;
}

// Goes to the next element; false, and `c` behind the array, when none is left.
static inline bool element_find(struct json_cursor *c)
{
    while (c->at < c->end && (is_space(*c->at) || *c->at == ','))
        c->at++;
    if (c->at == c->end)
        return false;
    if (*c->at != ']')
        return true;
    c->at++;
    return false;
}

enum json_kind json_kind(struct slice value)
{
    const char *at = space_end(value.at, value.at + value.size);
    switch (at < value.at + value.size ? *at : 'n') {
    case '{':
        return JSON_OBJECT;
    case '[':
        return JSON_ARRAY;
    case '"':
        return JSON_STRING;
    case 't':
        return JSON_TRUE;
    case 'f':
        return JSON_FALSE;
    case 'n':
        return JSON_NULL;
    default:
        return JSON_NUMBER;
    }
}

struct json_cursor json_enter(struct slice container)
{
    struct json_cursor c = {.at = container.at, .end = container.at + container.size};
    c.at = space_end(c.at, c.end);
    if (c.at < c.end)
        c.at++;
    return c;
}

bool json_next_member(struct json_cursor *c, struct slice *key, struct slice *value)
{
    if (!key_take(c, key))
        return false;
    *value = value_take(c);
    return value->size > 0;
}

bool json_next_element(struct json_cursor *c, struct slice *value)
{
    if (!element_find(c))
        return false;
    *value = value_take(c);
    return value->size > 0;
}

// ---- the text of strings

static inline bool has_escapes(struct slice quoted)
{
    return memchr(quoted.at, '\\', quoted.size);
}

static inline struct slice unquoted(struct slice quoted)
{
    return quoted.size < 2 ? SLICE("") : (struct slice){.at = quoted.at + 1, .size = quoted.size - 2};
}

static unsigned hex_read(const char *at)
{
    unsigned value = 0;
    for (int i = 0; i < 4; i++) {
        unsigned c = (uint8_t)at[i];
        value = value << 4 | ((c <= '9' ? c - '0' : (c | 0x20u) - 'a' + 10) & 0xF);
    }
    return value;
}

// Surrogates, too: a lone one becomes its three bytes.
static uint8_t utf8_write(uint32_t code, char out[static 4])
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    uint8_t size = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (int i = size - 1; i > 0; i--, code >>= 6)
        out[i] = (char)(0x80 | (code & 0x3F));
    out[0] = (char)(code | (0xF00u >> size & 0xFF));
    return size;
}

// The text of a string, byte by byte. A unit is what one escape, or one byte without, stands for.
struct text {
    const char *at, *end;
    char unit[4];
    uint8_t from, size;
};

static struct text text_of(struct slice quoted)
{
    struct slice inner = unquoted(quoted);
    return (struct text){.at = inner.at, .end = inner.at + inner.size};
}

// Reads the escape that `at` stands on into `unit`.
static void escape_read(struct text *t)
{
    t->from = 0;
    t->size = 1;
    if (t->end - t->at < 2) {
        t->unit[0] = *t->at++;
        return;
    }
    char c = t->at[1];
    if (c != 'u' || t->end - t->at < 6) {
        t->at += 2;
        t->unit[0] = c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : c == 'b' ? '\b' : c == 'f' ? '\f' : c;
        return;
    }
    uint32_t code = hex_read(t->at + 2);
    t->at += 6;
    if (code >> 10 == 0xD800 >> 10 && t->end - t->at >= 6 && t->at[0] == '\\' && t->at[1] == 'u') {
        uint32_t low = hex_read(t->at + 2);
        if (low >> 10 == 0xDC00 >> 10) {
            code = 0x10000 + ((code & 0x3FF) << 10 | (low & 0x3FF));
            t->at += 6;
        }
    }
    t->size = utf8_write(code, t->unit);
}

// The next byte, or -1 at the end.
static int text_next(struct text *t)
{
    if (t->from < t->size)
        return (uint8_t)t->unit[t->from++];
    if (t->at == t->end)
        return -1;
    if (*t->at != '\\')
        return (uint8_t)*t->at++;
    escape_read(t);
    return (uint8_t)t->unit[t->from++];
}

// The order of the decoded texts, byte by byte.
static int text_compare(struct text a, struct text b)
{
    int x, y;
    do {
        x = text_next(&a);
        y = text_next(&b);
    } while (x == y && x >= 0);
    return (x > y) - (x < y);
}

static int string_compare(struct slice a, struct slice b)
{
    if (has_escapes(a) || has_escapes(b))
        return text_compare(text_of(a), text_of(b));
    a = unquoted(a);
    b = unquoted(b);
    int order = memcmp(a.at, b.at, a.size < b.size ? a.size : b.size);
    return order ? order : (a.size > b.size) - (a.size < b.size);
}

bool json_string_equal(struct slice a, struct slice b)
{
    return slice_equal(a, b) || ((has_escapes(a) || has_escapes(b)) && text_compare(text_of(a), text_of(b)) == 0);
}

bool json_key_is(struct slice key, const char *name)
{
    if (!has_escapes(key))
        return slice_is(unquoted(key), name);
    struct text t = text_of(key);
    for (int c; (c = text_next(&t)) >= 0; name++)
        if (!*name || c != (uint8_t)*name)
            return false;
    return !*name;
}

bool json_member(struct slice object, const char *name, struct slice *value)
{
    struct json_cursor c = json_enter(object);
    for (struct slice key, v; json_next_member(&c, &key, &v);) {
        if (json_key_is(key, name)) {
            *value = v;
            return true;
        }
    }
    return false;
}

void json_decode(struct bytes *out, struct slice quoted)
{
    for (struct text t = text_of(quoted); t.at < t.end;) {
        const char *backslash = memchr(t.at, '\\', (size_t)(t.end - t.at));
        const char *plain_end = backslash ? backslash : t.end;
        bytes_add_slice(out, slice_between(t.at, plain_end));
        t.at = plain_end;
        if (backslash) {
            escape_read(&t);
            bytes_add(out, t.unit, t.size);
        }
    }
}

static void quote_control(struct bytes *out, char c)
{
    const char *shorts = "\bb\ff\nn\rr\tt\"\"\\\\";
    for (const char *s = shorts; *s; s += 2) {
        if (*s == c) {
            bytes_add(out, (char[]){'\\', s[1]}, 2);
            return;
        }
    }
    bytes_printf(out, "\\u%04x", (uint8_t)c);
}

// Behind the bytes of one character above ASCII, or behind the bytes that began as one. Tells which.
static const char *character_end(const char *at, const char *end, bool *whole)
{
    uint8_t low, high, rest = utf8_lead((uint8_t)*at++, &low, &high);
    *whole = rest > 0;
    for (; rest; rest--, low = 0x80, high = 0xBF) {
        if (at == end || (uint8_t)*at < low || (uint8_t)*at > high) {
            *whole = false;
            return at;
        }
        at++;
    }
    return at;
}

void json_quote(struct bytes *out, struct slice text)
{
    const char *end = text.at + text.size;
    const char *run = text.at; // what is not yet added
    bytes_add_char(out, '"');
    for (const char *at = text.at; at < end;) {
        uint8_t c = (uint8_t)*at;
        const char *next = at + 1;
        bool whole = c >= ' ' && c != '"' && c != '\\';
        if (c >= 0x80)
            next = character_end(at, end, &whole);
        if (!whole) {
            bytes_add_slice(out, slice_between(run, at));
            if (c >= 0x80)
                bytes_add_text(out, "\xEF\xBF\xBD");
            else
                quote_control(out, *at);
            run = next;
        }
        at = next;
    }
    bytes_add_slice(out, slice_between(run, end));
    bytes_add_char(out, '"');
}

// ---- layout

void json_minify(struct bytes *out, struct slice value)
{
    const char *end = value.at + value.size;
    const char *at = space_end(value.at, end);
    const char *run = at; // what is not yet added
    bytes_reserve(out, value.size);
    while (at < end) {
        if (*at == '"') {
            at = string_end(at, end);
        } else if (is_space(*at)) {
            bytes_add_slice(out, slice_between(run, at));
            run = at = space_end(at, end);
        } else {
            at++;
        }
    }
    bytes_add_slice(out, slice_between(run, end));
}

static void line_begin(struct bytes *out, size_t level)
{
    char *to = bytes_reserve(out, 1 + 2 * level);
    if (!to)
        return;
    to[0] = '\n';
    memset(to + 1, ' ', 2 * level);
    out->size += 1 + 2 * level;
}

void json_pretty(struct bytes *out, struct slice value, unsigned level)
{
    const char *end = value.at + value.size;
    for (const char *at = space_end(value.at, end), *next; at < end; at = space_end(next, end)) {
        next = at + 1;
        switch (*at) {
        case '{':
        case '[':
            bytes_add_char(out, *at);
            next = space_end(next, end);
            if (next < end && (*next == '}' || *next == ']'))
                bytes_add_char(out, *next++);
            else
                line_begin(out, ++level);
            break;
        case '}':
        case ']':
            line_begin(out, level ? --level : 0);
            bytes_add_char(out, *at);
            break;
        case ',':
            bytes_add_char(out, ',');
            line_begin(out, level);
            break;
        case ':':
            bytes_add_text(out, ": ");
            break;
        default:
            next = value_end(at, end);
            bytes_add_slice(out, slice_between(at, next));
        }
    }
}

// ---- equality

static bool value_equal(struct json_cursor *a, struct json_cursor *b);

static bool slices_equal(struct slice a, struct slice b)
{
    struct json_cursor x = {.at = a.at, .end = a.at + a.size}, y = {.at = b.at, .end = b.at + b.size};
    return value_equal(&x, &y);
}

struct member {
    struct slice key, value;
};

static int member_compare(const void *a, const void *b)
{
    return string_compare(((const struct member *)a)->key, ((const struct member *)b)->key);
}

static void members_sort(struct json_cursor c, struct member *members, size_t count)
{
    for (size_t i = 0; i < count; i++)
        json_next_member(&c, &members[i].key, &members[i].value);
    qsort(members, count, sizeof *members, member_compare);
}

static bool members_equal_sorted(struct json_cursor a, struct json_cursor b, struct member *x, size_t count)
{
    struct member *y = x + count;
    members_sort(a, x, count);
    members_sort(b, y, count);
    for (size_t i = 0; i < count; i++)
        if (member_compare(&x[i], &y[i]) != 0 || !slices_equal(x[i].value, y[i].value))
            return false;
    return true;
}

static bool members_equal_searched(struct json_cursor a, struct json_cursor b)
{
    for (struct slice key, value; json_next_member(&a, &key, &value);) {
        struct json_cursor c = b;
        struct slice other_key, other;
        bool found = false;
        while (!found && json_next_member(&c, &other_key, &other))
            found = json_string_equal(key, other_key);
        if (!found || !slices_equal(value, other))
            return false;
    }
    return true;
}

static size_t members_count(struct json_cursor *c)
{
    size_t count = 0;
    for (struct slice key, value; json_next_member(c, &key, &value);)
        count++;
    return count;
}

// The members from here on, whatever their order; the keys of each object differ. Leaves both behind their objects.
static bool members_equal(struct json_cursor *a, struct json_cursor *b)
{
    enum { FEW = 32 };
    struct json_cursor from_a = *a, from_b = *b;
    size_t count = members_count(a);
    if (members_count(b) != count)
        return false;
    // When memory is short, many members are searched like few: slow, but right.
    struct member *members = count > FEW ? reallocarray(NULL, count, 2 * sizeof *members) : NULL;
    if (!members)
        return members_equal_searched(from_a, from_b);
    bool equal = members_equal_sorted(from_a, from_b, members, count);
    free(members);
    return equal;
}

// As long as both have their members in the same order, each is read once.
static bool object_equal(struct json_cursor *a, struct json_cursor *b)
{
    for (;;) {
        struct json_cursor from_a = *a, from_b = *b;
        struct slice key, other;
        bool more = key_take(a, &key);
        if (more != key_take(b, &other))
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
        bool more = element_find(a);
        if (more != element_find(b))
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
    a->at = space_end(a->at, a->end);
    b->at = space_end(b->at, b->end);
    enum json_kind kind = json_kind(slice_between(a->at, a->end));
    if (kind != json_kind(slice_between(b->at, b->end)) || a->at == a->end || b->at == b->end)
        return false;
    if (kind == JSON_OBJECT || kind == JSON_ARRAY) {
        a->at++;
        b->at++;
        return kind == JSON_OBJECT ? object_equal(a, b) : array_equal(a, b);
    }
    struct slice x = value_take(a), y = value_take(b);
    return slice_equal(x, y) || (kind == JSON_STRING && json_string_equal(x, y)) ||
           (kind == JSON_NUMBER && number_compare(x, y) == 0);
}

bool json_equal(struct slice a, struct slice b)
{
    return slices_equal(a, b);
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

static uint32_t key_hash(struct slice quoted)
{
    uint32_t hash = 2166136261u; // FNV-1a
    if (has_escapes(quoted)) {
        struct text t = text_of(quoted);
        for (int c; (c = text_next(&t)) >= 0;)
            hash = (hash ^ (uint32_t)c) * 16777619u;
        return hash;
    }
    struct slice inner = unquoted(quoted);
    for (size_t i = 0; i < inner.size; i++)
        hash = (hash ^ (uint8_t)inner.at[i]) * 16777619u;
    return hash;
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
    k->at[k->count++] = (struct key){.quoted = quoted, .hash = key_hash(quoted)};
    return true;
}

// By hash first, as that is quick; a hash that somebody has made collide costs no more than a comparison of text.
static int key_compare(const void *a, const void *b)
{
    const struct key *x = a, *y = b;
    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    return string_compare(x->quoted, y->quoted);
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
            struct slice string = slice_between(at, string_end(at, end));
            at = space_end(at + string.size, end);
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
