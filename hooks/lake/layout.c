#include "hooks/lake/layout.h"

#include "hooks/lake/metadata.h"
#include "store/json.h"

#include <errno.h>

static const char *const type_names[] = {
    [LAKE_STRING] = "string", [LAKE_LONG] = "long", [LAKE_TIMESTAMPTZ] = "timestamptz"};

static bool read_type(struct slice type, enum lake_type *out)
{
    for (size_t i = 0; i < sizeof type_names / sizeof *type_names; i++)
        if (json_kind(type) == JSON_STRING && json_key_is(type, type_names[i])) {
            *out = (enum lake_type)i;
            return true;
        }
    return false;
}

static const struct lake_column *own_column(int64_t id)
{
    return id >= 1 && id <= LAKE_COLUMNS ? &lake_columns[id - 1] : NULL;
}

static int take_field(struct layout *s, struct slice field, struct reason *why)
{
    struct slice name, type, required = SLICE("false");
    int64_t id;
    enum lake_type kind;
    BYTES_AUTO text = {0};
    if (json_kind(field) != JSON_OBJECT || !metadata_number(field, "id", &id) || id < 1 || id > INT32_MAX ||
        !json_member(field, "name", &name) || json_kind(name) != JSON_STRING || !json_member(field, "type", &type))
        return reason_set(why, -ENOTSUP, "the table's schema has a field that cannot be read");
    json_member(field, "required", &required);
    const struct lake_column *own = own_column(id);
    if (!own && json_kind(required) == JSON_TRUE)
        return reason_set(
            why, -ENOTSUP, "the table has a column %.*s that must have a value, and no event has one", SLICE_ARG(name));
    if (!read_type(type, &kind) || s->count == LAKE_COLUMNS_MAX) {
        s->others = true;
        return 0;
    }
    if (own && own->type != kind)
        return reason_set(why, -ENOTSUP, "column %d of the table, %s, has another type now", (int)id, own->name);
    json_decode(&text, name);
    bytes_add_char(&text, '\0');
    struct slice kept = !text.failed ? arena_copy(&s->arena, bytes_slice(&text)) : (struct slice){0};
    if (!kept.at)
        return -ENOMEM;
    s->columns[s->count++] = (struct lake_column){.id = (int32_t)id,
        .name = kept.at,
        .type = kind,
        .required = json_kind(required) == JSON_TRUE,
        .bounded = !own || own->bounded};
    return 0;
}

int layout_read(struct layout *s, struct slice metadata, struct reason *why)
{
    struct slice fields, field;
    *s = (struct layout){0};
    if (!metadata_schema(metadata, &s->text) || !metadata_number(s->text, "schema-id", &s->id) ||
        !json_member(s->text, "fields", &fields) || json_kind(fields) != JSON_ARRAY)
        return reason_set(why, -ENOTSUP, "the table has no schema that can be read");
    struct json_cursor c = json_enter(fields);
    while (json_next_element(&c, &field)) {
        int error = take_field(s, field, why);
        if (error)
            return error;
    }
    for (int own = 0; own < LAKE_COLUMNS; own++) {
        size_t at = 0;
        while (at < s->count && s->columns[at].id != lake_columns[own].id)
            at++;
        if (at == s->count)
            return reason_set(why, -ENOTSUP, "the table has no column %s any more", lake_columns[own].name);
    }
    return 0;
}

void layout_clear(struct layout *s)
{
    arena_free(&s->arena);
}

const struct lake_column *layout_column(const struct layout *s, const char *name)
{
    for (size_t i = 0; i < s->count; i++)
        if (strcmp(s->columns[i].name, name) == 0)
            return &s->columns[i];
    return NULL;
}

static void add_field(struct bytes *out, int64_t id, const char *name, enum lake_type type, bool required)
{
    bytes_printf(out, "{\"id\":%lld,\"name\":\"%s\",\"required\":%s,\"type\":\"%s\"}", (long long)id, name,
        required ? "true" : "false", type_names[type]);
}

void layout_print(struct bytes *out, bool hash)
{
    bytes_add_text(out, "{\"type\":\"struct\",\"schema-id\":0,\"fields\":[");
    for (int i = 0; i < LAKE_COLUMNS; i++) {
        const struct lake_column *c = &lake_columns[i];
        bytes_add_text(out, i ? "," : "");
        add_field(out, c->id, c->name, c->type, c->required);
    }
    if (hash) {
        bytes_add_char(out, ',');
        add_field(out, LAKE_COLUMNS + 1, LAYOUT_HASH, LAKE_STRING, false);
    }
    bytes_add_text(out, "]}");
}

void layout_print_with_hash(struct bytes *out, const struct layout *s, int64_t last_column)
{
    struct slice fields, field;
    bytes_printf(out, "{\"type\":\"struct\",\"schema-id\":%lld,\"fields\":[", (long long)s->id + 1);
    json_member(s->text, "fields", &fields);
    struct json_cursor c = json_enter(fields);
    while (json_next_element(&c, &field)) {
        bytes_add_slice(out, field);
        bytes_add_char(out, ',');
    }
    add_field(out, last_column + 1, LAYOUT_HASH, LAKE_STRING, false);
    bytes_add_text(out, "]}");
}
