// JSON as bytes. Payloads are never turned into values: they are found, checked, compared and laid out as text, so that
// every number and string comes back exactly as it was written.
//
// Two halves. The scanner reads text that nobody has checked yet, in pieces as they come, and says where each value
// ends. All other functions read text that the scanner has accepted (the word `valid` below) and need no error
// handling. Nothing here keeps state outside its arguments: any thread may call. Format: RFC 8259; UTF-8 by RFC 3629
// (no overlong forms, no surrogates, at most U+10FFFF).
#pragma once

#include "store/bytes.h"
#include "store/reason.h"

#define JSON_DEPTH_MAX 1000

// ---- the scanner

enum json_found {
    JSON_MORE,  // all bytes were taken; the value (or the white space before one) goes on
    JSON_VALUE, // a value ended within the bytes
    JSON_WRONG, // no continuation of this can be a sequence of objects and arrays in JSON
};

// Where a scanner stands between two bytes. At the top level only objects and arrays are accepted.
struct json_scanner {
    uint16_t depth;      // open objects and arrays
    uint8_t state;       // what may come next (private to json.c)
    uint8_t rest;        // bytes still to come of a UTF-8 sequence, hex digits of \u, or letters of a literal
    uint8_t low, high;   // bounds of the next UTF-8 byte
    const char *literal; // the rest of true, false or null
    uint8_t object[JSON_DEPTH_MAX / 8 + 1]; // one bit a level: is it an object?
};

void json_scanner_init(struct json_scanner *s);
// Reads on until a value ends or the bytes do. *used is how many bytes were taken: with JSON_VALUE up to and including
// the last byte of the value, so that the next call goes on behind it; with JSON_WRONG the index of the offending byte.
// The scanner is ready for the next value after JSON_VALUE; after JSON_WRONG it must be initialised again.
// Refuses in words (`why`): a byte that cannot stand there, bad UTF-8, a control character in a string, a bad escape or
// number, a byte order mark, more than JSON_DEPTH_MAX levels.
enum json_found json_scan(struct json_scanner *s, const char *text, size_t size, size_t *used, struct reason *why);
// True between values: nothing but white space has been read since the last one.
bool json_scanner_idle(const struct json_scanner *s);

// ---- valid text: one value, with or without white space around and inside it

enum json_kind { JSON_OBJECT, JSON_ARRAY, JSON_STRING, JSON_NUMBER, JSON_TRUE, JSON_FALSE, JSON_NULL };

enum json_kind json_kind(struct slice value);

// Goes through the members of an object or the elements of an array in their order.
//     struct json_cursor c = json_enter(object);
//     for (struct slice key, value; json_next_member(&c, &key, &value);) …
// `key` keeps its quotes and escapes; `value` has no white space around it. Slices point into the text.
struct json_cursor {
    const char *at;
    const char *end;
};
struct json_cursor json_enter(struct slice container);
bool json_next_member(struct json_cursor *c, struct slice *key, struct slice *value);
bool json_next_element(struct json_cursor *c, struct slice *value);

// How many members or elements it has.
size_t json_count(struct slice container);

// Finds a member by its decoded name; false when there is none.
bool json_member(struct slice object, const char *name, struct slice *value);
// Is the quoted key this name (escapes decoded)?
bool json_key_is(struct slice key, const char *name);
// Do two quoted strings hold the same text, escapes aside? (A lone surrogate equals only itself.)
bool json_string_equal(struct slice a, struct slice b);
// Appends the text of a quoted string, escapes decoded, as UTF-8 (a lone surrogate as its three bytes).
void json_decode(struct bytes *out, struct slice quoted);
// Appends plain text as a quoted string: `"`, `\` and control characters are escaped, and bytes that are not UTF-8
// become U+FFFD.
void json_quote(struct bytes *out, struct slice text);

// Appends the value without the white space outside of its strings.
void json_minify(struct bytes *out, struct slice value);
// Appends the value as `jq .` lays it out (two spaces a level, up to 64 levels; a member a line, `"key": value`, {} and
// [] when empty), numbers and strings as written; `level` is the indentation that the value stands in; no newline at
// the end.
void json_pretty(struct bytes *out, struct slice value, unsigned level);

// The same value? Numbers as exact decimals (1 = 1.0 = 10e-1), strings with escapes decoded, objects whatever the order
// of their members (each key once, as json_refuse_duplicates sees to).
bool json_equal(struct slice a, struct slice b);
// Refuses (-EINVAL, naming the key) a value in which some object, at any level, has the same key twice. -ENOMEM when an
// object has more keys than there is memory to compare them in.
int json_refuse_duplicates(struct slice value, struct reason *why);
