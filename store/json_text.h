// Private to json*.c: tokens and strings of valid text. Nothing reads past `end`.
#pragma once

#include "store/json.h"

static inline bool json_is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static inline const char *json_space_end(const char *at, const char *end)
{
    while (at < end && json_is_space(*at))
        at++;
    return at;
}

static inline struct slice json_between(const char *at, const char *end)
{
    return (struct slice){.at = at, .size = (size_t)(end - at)};
}

// Behind the string, or the value, that begins at `at`.
const char *json_string_end(const char *at, const char *end);
const char *json_value_end(const char *at, const char *end);

// Takes the value that comes next; it is empty when there is none.
struct slice json_take(struct json_cursor *c);
// Takes a key and its colon; false, and `c` behind the object, when no member is left.
bool json_take_key(struct json_cursor *c, struct slice *key);
// Goes to the next element; false, and `c` behind the array, when none is left.
bool json_find_element(struct json_cursor *c);

// -1, 0, 1 by the decoded texts of two quoted strings, byte by byte.
int json_string_compare(struct slice a, struct slice b);
// The same for strings of the same text, escapes aside.
uint32_t json_string_hash(struct slice quoted);
