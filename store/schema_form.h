// What a schema that was read consists of. Private to schema.c, which reads it, and schema_check.c, which checks by it.
#pragma once

#include "store/format.h"
#include "store/schema.h"

enum type { TYPE_NULL, TYPE_BOOLEAN, TYPE_OBJECT, TYPE_ARRAY, TYPE_NUMBER, TYPE_STRING, TYPE_INTEGER, TYPES };

extern const char *const schema_type_names[TYPES];

struct property {
    struct slice name;           // plain
    const struct schema *schema; // NULL: it is only required
    bool required;
};

struct limits {
    uint64_t min, max;
};

struct schema {
    bool nothing;   // `false`
    unsigned types; // a bit each; 0: any
    const struct slice *choices;
    uint32_t choice_count;                       // enum
    struct slice constant;                       // .at NULL: none
    struct slice minimum, maximum, above, below; // .at NULL: none
    struct limits length, items_count, members_count;
    struct pattern *pattern;
    struct slice pattern_text;
    enum format format;
    const struct property *properties; // sorted by name
    uint32_t property_count, required_count;
    const struct schema *additional; // NULL: anything
    const struct schema *items;      // NULL: anything
};
