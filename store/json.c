// Valid JSON text: members, strings and layout.
#include "store/json.h"
#include "store/json_text.h"
#include "store/utf8.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

// ---- tokens: `at` stands on the first byte, the result behind the last one

const char *json_string_end(const char *at, const char *end)
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
    while (at < end && *at != ',' && *at != '}' && *at != ']' && *at != ':' && !json_is_space(*at))
        at++;
    return at;
}

// Behind the object or array whose opening bracket stands at `at`.
static const char *container_end(const char *at, const char *end)
{
    int depth = 1;
    at++;
#ifdef __SSE2__
    while (end - at >= 16) {
        __m128i block = _mm_loadu_si128((const __m128i *)(const void *)at);
        __m128i folded = _mm_or_si128(block, _mm_set1_epi8(0x20)); // [ and ] become { and }, and no other byte does
        unsigned quotes = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(block, _mm_set1_epi8('"')));
        unsigned opens = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(folded, _mm_set1_epi8('{')));
        unsigned closes = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(folded, _mm_set1_epi8('}')));
        unsigned outside = quotes ? (quotes & -quotes) - 1 : 0xFFFF; // the bytes before the first string
        if ((opens | closes) & outside) {
            int closed = __builtin_popcount(closes & outside);
            if (closed >= depth)
                break;
            depth += __builtin_popcount(opens & outside) - closed;
        }
        at = quotes ? json_string_end(at + __builtin_ctz(quotes), end) : at + 16;
    }
#endif
    while (at < end) {
        char c = *at;
        if (c == '"') {
            at = json_string_end(at, end);
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

const char *json_value_end(const char *at, const char *end)
{
    if (at == end)
        return at;
    switch (*at) {
    case '{':
    case '[':
        return container_end(at, end);
    case '"':
        return json_string_end(at, end);
    default:
        return word_end(at, end);
    }
}

struct slice json_take(struct json_cursor *c)
{
    const char *at = json_space_end(c->at, c->end);
    c->at = json_value_end(at, c->end);
    return json_between(at, c->at);
}

bool json_take_key(struct json_cursor *c, struct slice *key)
{
    while (c->at < c->end && (json_is_space(*c->at) || *c->at == ','))
        c->at++;
    if (c->at == c->end)
        return false;
    if (*c->at != '"') {
        c->at++;
        return false;
    }
    *key = json_take(c);
    c->at = json_space_end(c->at, c->end);
    if (c->at < c->end)
        c->at++;
    return true;
}

bool json_find_element(struct json_cursor *c)
{
    while (c->at < c->end && (json_is_space(*c->at) || *c->at == ','))
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
    const char *at = json_space_end(value.at, value.at + value.size);
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
    c.at = json_space_end(c.at, c.end);
    if (c.at < c.end)
        c.at++;
    return c;
}

bool json_next_member(struct json_cursor *c, struct slice *key, struct slice *value)
{
    if (!json_take_key(c, key))
        return false;
    *value = json_take(c);
    return value->size > 0;
}

bool json_next_element(struct json_cursor *c, struct slice *value)
{
    if (!json_find_element(c))
        return false;
    *value = json_take(c);
    return value->size > 0;
}

size_t json_count(struct slice container)
{
    size_t count = 0;
    struct slice key, value;
    struct json_cursor c = json_enter(container);
    bool object = json_kind(container) == JSON_OBJECT;
    while (object ? json_next_member(&c, &key, &value) : json_next_element(&c, &value))
        count++;
    return count;
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

int json_string_compare(struct slice a, struct slice b)
{
    if (has_escapes(a) || has_escapes(b))
        return text_compare(text_of(a), text_of(b));
    return slice_compare(unquoted(a), unquoted(b));
}

bool json_string_equal(struct slice a, struct slice b)
{
    return slice_equal(a, b) || ((has_escapes(a) || has_escapes(b)) && text_compare(text_of(a), text_of(b)) == 0);
}

uint32_t json_string_hash(struct slice quoted)
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
        bytes_add_slice(out, json_between(t.at, plain_end));
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
            bytes_add_slice(out, json_between(run, at));
            if (c >= 0x80)
                bytes_add_text(out, "\xEF\xBF\xBD");
            else
                quote_control(out, *at);
            run = next;
        }
        at = next;
    }
    bytes_add_slice(out, json_between(run, end));
    bytes_add_char(out, '"');
}

// ---- layout

void json_minify(struct bytes *out, struct slice value)
{
    const char *end = value.at + value.size;
    const char *at = json_space_end(value.at, end);
    char *to = bytes_reserve(out, value.size);
    if (!to)
        return;
    for (const char *run = at; run < end; run = at = json_space_end(at, end)) {
        while (at < end && !json_is_space(*at))
            at = *at == '"' ? json_string_end(at, end) : at + 1;
        memcpy(to, run, (size_t)(at - run));
        to += at - run;
    }
    out->size = (size_t)(to - out->at);
}

// Indentation that grows with the depth would make a gigabyte of a megabyte of brackets: it ends here.
#define LEVEL_MAX 64

static void line_begin(struct bytes *out, size_t level)
{
    if (level > LEVEL_MAX)
        level = LEVEL_MAX;
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
    for (const char *at = json_space_end(value.at, end), *next; at < end; at = json_space_end(next, end)) {
        next = at + 1;
        switch (*at) {
        case '{':
        case '[':
            bytes_add_char(out, *at);
            next = json_space_end(next, end);
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
            next = json_value_end(at, end);
            bytes_add_slice(out, json_between(at, next));
        }
    }
}
