#include "store/fields.h"

#include "store/json.h"

#include <errno.h>
#include <stdlib.h>

// Of the key's text, escapes decoded.
static uint32_t hash_key(struct slice key)
{
    BYTES_AUTO decoded = {0};
    struct slice text = {.at = key.at + 1, .size = key.size - 2};
    if (memchr(text.at, '\\', text.size)) {
        json_decode(&decoded, key);
        text = bytes_slice(&decoded);
    }
    return (uint32_t)slice_hash(text);
}

static bool same_key(struct slice a, struct slice b)
{
    if (slice_equal(a, b))
        return true;
    return (memchr(a.at, '\\', a.size) || memchr(b.at, '\\', b.size)) && json_string_equal(a, b);
}

static void put_slot(struct fields *f, uint32_t index)
{
    uint32_t slot = hash_key(f->all[index].key) & (f->slot_count - 1);
    while (f->slots[slot])
        slot = (slot + 1) & (f->slot_count - 1);
    f->slots[slot] = index + 1;
}

static int grow(struct fields *f)
{
    uint32_t room = f->room * 2;
    struct field *all = realloc(f->all == f->small ? NULL : f->all, room * sizeof *all);
    if (!all)
        return -ENOMEM;
    if (f->all == f->small)
        memcpy(all, f->small, sizeof f->small);
    f->all = all;
    f->room = room;
    uint32_t slot_count = 64;
    while (slot_count < room * 2)
        slot_count *= 2;
    free(f->slots);
    f->slots = calloc(slot_count, sizeof *f->slots);
    if (!f->slots)
        return -ENOMEM;
    f->slot_count = slot_count;
    for (uint32_t i = 0; i < f->count; i++)
        if (f->all[i].value.at)
            put_slot(f, i);
    return 0;
}

static int add(struct fields *f, struct slice key, struct slice value)
{
    if (f->count == f->room) {
        int error = grow(f);
        if (error)
            return error;
    }
    f->all[f->count] = (struct field){.key = key, .value = value};
    if (f->slots)
        put_slot(f, f->count);
    f->count++;
    return 0;
}

int fields_read(struct fields *f, struct slice object)
{
    f->all = f->small;
    f->count = 0;
    f->room = FIELDS_SMALL;
    f->slots = NULL;
    f->slot_count = 0;
    struct json_cursor c = json_enter(object);
    for (struct slice key, value; json_next_member(&c, &key, &value);) {
        int error = add(f, key, value);
        if (error)
            return error;
    }
    return 0;
}

void fields_free(struct fields *f)
{
    if (f->all != f->small)
        free(f->all);
    free(f->slots);
    f->all = NULL;
    f->slots = NULL;
}

struct field *fields_find(const struct fields *f, struct slice key)
{
    if (!f->slots) {
        for (uint32_t i = 0; i < f->count; i++)
            if (f->all[i].value.at && same_key(f->all[i].key, key))
                return &f->all[i];
        return NULL;
    }
    uint32_t slot = hash_key(key) & (f->slot_count - 1);
    for (; f->slots[slot]; slot = (slot + 1) & (f->slot_count - 1)) {
        struct field *field = &f->all[f->slots[slot] - 1];
        if (field->value.at && same_key(field->key, key))
            return field;
    }
    return NULL;
}

int fields_set(struct fields *f, struct slice key, struct slice value)
{
    struct field *field = fields_find(f, key);
    if (!field)
        return add(f, key, value);
    field->value = value;
    return 0;
}

void fields_remove(struct fields *f, struct slice key)
{
    struct field *field = fields_find(f, key);
    if (field)
        field->value.at = NULL;
}

void fields_print(const struct fields *f, struct bytes *out)
{
    char separator = '{';
    for (uint32_t i = 0; i < f->count; i++) {
        const struct field *field = &f->all[i];
        if (!field->value.at)
            continue;
        bytes_add_char(out, separator);
        bytes_add_slice(out, field->key);
        bytes_add_char(out, ':');
        bytes_add_slice(out, field->value);
        separator = ',';
    }
    bytes_add_text(out, separator == '{' ? "{}" : "}");
}
