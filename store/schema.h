// A JSON Schema, as much of it as says what a payload must look like:
//
//     type (also several), enum, const                         of any value
//     properties, required, additionalProperties, minProperties, maxProperties
//     items, minItems, maxItems
//     minimum, maximum, exclusiveMinimum, exclusiveMaximum     exact decimals
//     minLength, maxLength (in characters), pattern, format (date-time date email uri uuid)
//
// `pattern` is a POSIX expression (pattern.h) beside which \d \w \s and (?:…) mean what JSON Schema wants. title,
// description, default, examples, deprecated, readOnly, writeOnly, $schema, $id, $comment and names that begin with x-
// say nothing about validity. Any other keyword would change what is valid, so a schema that has one is refused.
//
// A schema points into the arena it was read with and changes no more, but for its patterns: one thread at a time
// checks.
#pragma once

#include "store/arena.h"
#include "store/where.h"

struct schema;

// What the schemas of one document share while they are read.
struct schema_reader {
    struct arena *arena;
    struct pattern **patterns; // to be freed with the arena (schema_free_patterns)
    uint32_t pattern_count, pattern_room;
};

// Patterns in all the schemas of one document, at most: each takes some 40 KiB.
#define SCHEMA_PATTERNS_MAX 200u

// Reads a schema out of valid JSON without duplicate keys. 0, -EINVAL with the reason, which begins with the path, or
// -ENOMEM.
int schema_read(const struct schema **schema, struct slice value, const struct where *at, struct schema_reader *reader,
    struct reason *why);
void schema_free_patterns(struct schema_reader *reader);

// Is a value valid? 0, -EINVAL with the reason (`data.items[0].sku: …`), -EMSGSIZE when to find out would take too many
// steps, or -ENOMEM.
int schema_check(const struct schema *schema, struct slice value, const struct where *at, struct reason *why);
