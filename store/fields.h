// The members of an object in their order, to find, set and remove by name: an object in the making. Keys and values
// are slices of texts that must outlive it. Small objects are searched along, large ones by a hash table.
#pragma once

#include "store/bytes.h"

struct field {
    struct slice key;   // quoted, as written
    struct slice value; // .at NULL: removed
};

#define FIELDS_SMALL 24

struct fields {
    struct field *all;
    uint32_t count; // with the removed ones
    uint32_t room;
    uint32_t *slots; // index + 1, or 0; NULL while small
    uint32_t slot_count;
    struct field small[FIELDS_SMALL];
};

// Reads a valid object without duplicate keys. 0 or -ENOMEM.
int fields_read(struct fields *f, struct slice object);
void fields_free(struct fields *f);
#define FIELDS_AUTO __attribute__((cleanup(fields_free))) struct fields

// NULL when there is none of that name.
struct field *fields_find(const struct fields *f, struct slice key);
// Replaces the value in its place, or adds the member at the end. 0 or -ENOMEM.
int fields_set(struct fields *f, struct slice key, struct slice value);
void fields_remove(struct fields *f, struct slice key);
// Appends the object without white space.
void fields_print(const struct fields *f, struct bytes *out);
