#include "hooks/lake/metadata.h"

#include "hooks/lake/manifest.h"
#include "store/arena.h"
#include "store/fields.h"
#include "store/json.h"

#include <errno.h>
#include <stdlib.h>

// ---- reading

static bool number_of(struct slice value, int64_t *number)
{
    char text[24], *end;
    if (!value.size || value.size >= sizeof text || json_kind(value) != JSON_NUMBER)
        return false;
    memcpy(text, value.at, value.size);
    text[value.size] = '\0';
    errno = 0;
    *number = strtoll(text, &end, 10);
    return !*end && !errno;
}

bool metadata_number(struct slice object, const char *member, int64_t *number)
{
    struct slice value;
    return json_member(object, member, &value) && number_of(value, number);
}

bool metadata_text(struct slice object, const char *member, struct bytes *out)
{
    struct slice value;
    if (!json_member(object, member, &value) || json_kind(value) != JSON_STRING)
        return false;
    json_decode(out, value);
    return true;
}

static bool has_kind(struct slice object, const char *member, enum json_kind kind, struct slice *value)
{
    return json_member(object, member, value) && json_kind(*value) == kind;
}

int64_t metadata_current(struct slice text)
{
    int64_t id;
    return metadata_number(text, "current-snapshot-id", &id) ? id : NO_SNAPSHOT;
}

// The element of an array of objects whose member has this number.
static bool find_by_number(
    struct slice text, const char *array, const char *member, int64_t number, struct slice *found)
{
    struct slice all;
    int64_t n;
    if (!has_kind(text, array, JSON_ARRAY, &all))
        return false;
    struct json_cursor c = json_enter(all);
    while (json_next_element(&c, found))
        if (json_kind(*found) == JSON_OBJECT && metadata_number(*found, member, &n) && n == number)
            return true;
    return false;
}

bool metadata_snapshot(struct slice text, int64_t id, struct slice *snapshot)
{
    return id != NO_SNAPSHOT && find_by_number(text, "snapshots", "snapshot-id", id, snapshot);
}

int64_t metadata_total(struct slice snapshot, const char *name)
{
    struct slice summary;
    BYTES_AUTO text = {0};
    if (!snapshot.at || !has_kind(snapshot, "summary", JSON_OBJECT, &summary) || !metadata_text(summary, name, &text))
        return 0;
    bytes_add_char(&text, '\0');
    return text.failed ? 0 : strtoll(text.at, NULL, 10);
}

bool metadata_schema(struct slice text, struct slice *schema)
{
    int64_t id;
    return metadata_number(text, "current-schema-id", &id) && find_by_number(text, "schemas", "schema-id", id, schema);
}

bool metadata_property(struct slice text, const char *name, struct bytes *out)
{
    struct slice properties;
    return has_kind(text, "properties", JSON_OBJECT, &properties) && metadata_text(properties, name, out);
}

int metadata_check(struct slice text, struct reason *why)
{
    struct json_scanner scanner;
    size_t used;
    int64_t version, number;
    struct slice schema;
    BYTES_AUTO uuid = {0};
    json_scanner_init(&scanner);
    if (json_scan(&scanner, text.at, text.size, &used, why) != JSON_VALUE || json_kind(text) != JSON_OBJECT)
        return reason_set(why, -EIO, "the table's metadata is no object of JSON");
    for (size_t i = used; i < text.size; i++)
        if (text.at[i] != ' ' && text.at[i] != '\n' && text.at[i] != '\r' && text.at[i] != '\t')
            return reason_set(why, -EIO, "the table's metadata goes on behind its end");
    int error = json_refuse_duplicates(text, why);
    if (error)
        return error == -ENOMEM ? error : -EIO;
    if (!metadata_number(text, "format-version", &version) || version != 2)
        return reason_set(why, -ENOTSUP, "the table is not of Iceberg's format version 2");
    if (!metadata_text(text, "table-uuid", &uuid) || !metadata_number(text, "last-sequence-number", &number) ||
        !metadata_number(text, "last-updated-ms", &number) || !metadata_schema(text, &schema))
        return reason_set(why, -EIO, "the table's metadata lacks what every table has");
    return uuid.failed ? -ENOMEM : 0;
}

// ---- a new table

int metadata_make(struct bytes *out, const struct metadata_start *start)
{
    struct slice fields, field;
    int64_t id, last_column = 0, last_partition = 999;
    if (!has_kind(start->schema, "fields", JSON_ARRAY, &fields))
        return -EINVAL;
    struct json_cursor c = json_enter(fields);
    while (json_next_element(&c, &field))
        if (metadata_number(field, "id", &id) && id > last_column)
            last_column = id;
    if (!has_kind(start->partition_spec, "fields", JSON_ARRAY, &fields))
        return -EINVAL;
    c = json_enter(fields);
    while (json_next_element(&c, &field))
        if (metadata_number(field, "field-id", &id) && id > last_partition)
            last_partition = id;
    bytes_printf(out, "{\"format-version\":2,\"table-uuid\":\"%s\",\"location\":", start->uuid);
    json_quote(out, start->location);
    bytes_printf(out, ",\"last-sequence-number\":0,\"last-updated-ms\":%lld,\"last-column-id\":%lld,\"schemas\":[",
        (long long)start->now_ms, (long long)last_column);
    bytes_add_slice(out, start->schema);
    bytes_add_text(out, "],\"current-schema-id\":0,\"partition-specs\":[");
    bytes_add_slice(out, start->partition_spec);
    bytes_printf(out,
        "],\"default-spec-id\":0,\"last-partition-id\":%lld,\"sort-orders\":[{\"order-id\":0,\"fields\":[]}],"
        "\"default-sort-order-id\":0,\"properties\":",
        (long long)last_partition);
    bytes_add_slice(out, start->properties);
    bytes_add_text(out, ",\"refs\":{},\"snapshots\":[],\"statistics\":[],\"snapshot-log\":[],\"metadata-log\":[]}");
    return out->failed ? -ENOMEM : 0;
}

// ---- requirements

static bool is_number(struct slice text, const char *member, struct slice asserted, const char *as)
{
    int64_t is, must;
    return metadata_number(text, member, &is) && metadata_number(asserted, as, &must) && is == must;
}

static bool same_text(struct slice text, const char *member, struct slice asserted, const char *as)
{
    struct slice is, must;
    return has_kind(text, member, JSON_STRING, &is) && has_kind(asserted, as, JSON_STRING, &must) &&
           json_string_equal(is, must);
}

static bool ref_holds(struct slice text, struct slice asserted)
{
    struct slice ref, must;
    int64_t id;
    if (!has_kind(asserted, "ref", JSON_STRING, &ref) || !json_key_is(ref, "main") ||
        !json_member(asserted, "snapshot-id", &must))
        return false;
    if (json_kind(must) == JSON_NULL)
        return metadata_current(text) == NO_SNAPSHOT;
    return number_of(must, &id) && metadata_current(text) == id;
}

// 1: it holds, 0: it does not, -ENOTSUP.
static int holds(struct slice text, struct slice kind, struct slice asserted)
{
    if (json_key_is(kind, "assert-create"))
        return 0;
    if (json_key_is(kind, "assert-table-uuid"))
        return same_text(text, "table-uuid", asserted, "uuid");
    if (json_key_is(kind, "assert-ref-snapshot-id"))
        return ref_holds(text, asserted);
    if (json_key_is(kind, "assert-current-schema-id"))
        return is_number(text, "current-schema-id", asserted, "current-schema-id");
    if (json_key_is(kind, "assert-last-assigned-field-id"))
        return is_number(text, "last-column-id", asserted, "last-assigned-field-id");
    return -ENOTSUP;
}

int metadata_require(struct slice text, struct slice requirements, struct reason *why)
{
    struct json_cursor c = json_enter(requirements);
    for (struct slice asserted, kind; json_next_element(&c, &asserted);) {
        int found = has_kind(asserted, "type", JSON_STRING, &kind) ? holds(text, kind, asserted) : -ENOTSUP;
        if (found != 1)
            return reason_set(why, found ? found : -ESTALE, "the table has changed: %.*s", SLICE_ARG(kind));
    }
    return 0;
}

// ---- updates

struct edit {
    struct fields fields; // of the document
    struct arena arena;   // what is new in it
    struct slice text;    // as it was
    int64_t now_ms;
    int64_t last_schema; // that was added, or -1
    struct reason *why;
};

static int bad(struct edit *e, const char *what)
{
    return reason_set(e->why, -EINVAL, "the table's metadata cannot be changed: %s", what);
}

// Takes the bytes.
static int set(struct edit *e, struct slice quoted_key, struct bytes *value)
{
    struct slice kept = !value->failed ? arena_copy(&e->arena, bytes_slice(value)) : (struct slice){0};
    bytes_free(value);
    return kept.at ? fields_set(&e->fields, quoted_key, kept) : -ENOMEM;
}

static int set_number(struct edit *e, struct slice quoted_key, int64_t number)
{
    struct bytes value = {0};
    bytes_printf(&value, "%lld", (long long)number);
    return set(e, quoted_key, &value);
}

static struct slice get(const struct edit *e, struct slice quoted_key, struct slice otherwise)
{
    const struct field *field = fields_find(&e->fields, quoted_key);
    return field && field->value.at && json_kind(field->value) == json_kind(otherwise) ? field->value : otherwise;
}

// The array with an element more at its end, and only the last `most` of them.
static int append(struct edit *e, struct slice quoted_key, struct slice element, size_t most)
{
    struct slice all = get(e, quoted_key, SLICE("[]")), old;
    struct bytes value = {0};
    size_t count = json_count(all), dropped = count >= most ? count + 1 - most : 0;
    struct json_cursor c = json_enter(all);
    bytes_add_char(&value, '[');
    for (size_t i = 0; json_next_element(&c, &old); i++)
        if (i >= dropped) {
            bytes_add_slice(&value, old);
            bytes_add_char(&value, ',');
        }
    bytes_add_slice(&value, element);
    bytes_add_char(&value, ']');
    return set(e, quoted_key, &value);
}

static bool has_snapshot(const struct edit *e, int64_t id)
{
    struct slice snapshot;
    int64_t n;
    struct json_cursor c = json_enter(get(e, SLICE("\"snapshots\""), SLICE("[]")));
    while (json_next_element(&c, &snapshot))
        if (metadata_number(snapshot, "snapshot-id", &n) && n == id)
            return true;
    return false;
}

static int add_snapshot(struct edit *e, struct slice update)
{
    struct slice snapshot;
    int64_t id, sequence, last, at_ms;
    if (!has_kind(update, "snapshot", JSON_OBJECT, &snapshot) ||
        !metadata_number(snapshot, "sequence-number", &sequence) ||
        !metadata_number(snapshot, "timestamp-ms", &at_ms) ||
        !number_of(get(e, SLICE("\"last-sequence-number\""), SLICE("0")), &last) || sequence <= last)
        return bad(e, "the snapshot's sequence number or moment is wrong");
    if (!metadata_number(snapshot, "snapshot-id", &id) || has_snapshot(e, id))
        return bad(e, "the snapshot is there already");
    if (at_ms > e->now_ms)
        e->now_ms = at_ms;
    int error = append(e, SLICE("\"snapshots\""), snapshot, SIZE_MAX);
    return error ? error : set_number(e, SLICE("\"last-sequence-number\""), sequence);
}

static int set_ref(struct edit *e, struct slice update)
{
    struct slice name, snapshots = get(e, SLICE("\"snapshots\""), SLICE("[]")), snapshot;
    struct bytes ref = {0}, refs = {0}, entry = {0};
    int64_t id, n, at_ms = 0;
    bool known = false;
    if (!has_kind(update, "ref-name", JSON_STRING, &name) || !json_key_is(name, "main") ||
        !metadata_number(update, "snapshot-id", &id))
        return bad(e, "only the branch main is moved");
    struct json_cursor c = json_enter(snapshots);
    while (!known && json_next_element(&c, &snapshot))
        known = metadata_number(snapshot, "snapshot-id", &n) && n == id &&
                metadata_number(snapshot, "timestamp-ms", &at_ms);
    if (!known)
        return bad(e, "main would name a snapshot that is not there");
    FIELDS_AUTO others = {0};
    int error = fields_read(&others, get(e, SLICE("\"refs\""), SLICE("{}")));
    bytes_printf(&ref, "{\"snapshot-id\":%lld,\"type\":\"branch\"}", (long long)id);
    if (!error)
        error = fields_set(&others, SLICE("\"main\""), bytes_slice(&ref));
    fields_print(&others, &refs);
    refs.failed = refs.failed || ref.failed;
    if (error)
        bytes_free(&refs);
    else
        error = set(e, SLICE("\"refs\""), &refs);
    bytes_free(&ref);
    if (!error)
        error = set_number(e, SLICE("\"current-snapshot-id\""), id);
    bytes_printf(&entry, "{\"timestamp-ms\":%lld,\"snapshot-id\":%lld}", (long long)at_ms, (long long)id);
    if (!error)
        error = append(e, SLICE("\"snapshot-log\""), bytes_slice(&entry), SIZE_MAX);
    bytes_free(&entry);
    return error;
}

static int set_properties(struct edit *e, struct slice update)
{
    struct slice updates, key, value;
    struct bytes all = {0};
    if (!has_kind(update, "updates", JSON_OBJECT, &updates))
        return bad(e, "there are no properties to set");
    FIELDS_AUTO properties = {0};
    int error = fields_read(&properties, get(e, SLICE("\"properties\""), SLICE("{}")));
    struct json_cursor c = json_enter(updates);
    while (!error && json_next_member(&c, &key, &value))
        error = fields_set(&properties, key, value);
    fields_print(&properties, &all);
    if (!error)
        return set(e, SLICE("\"properties\""), &all);
    bytes_free(&all);
    return error;
}

static int remove_properties(struct edit *e, struct slice update)
{
    struct slice removals, key;
    struct bytes all = {0};
    if (!has_kind(update, "removals", JSON_ARRAY, &removals))
        return bad(e, "there are no properties to remove");
    FIELDS_AUTO properties = {0};
    int error = fields_read(&properties, get(e, SLICE("\"properties\""), SLICE("{}")));
    struct json_cursor c = json_enter(removals);
    while (!error && json_next_element(&c, &key))
        if (json_kind(key) == JSON_STRING)
            fields_remove(&properties, key);
    fields_print(&properties, &all);
    if (!error)
        return set(e, SLICE("\"properties\""), &all);
    bytes_free(&all);
    return error;
}

// The id that a schema brings does not count: it gets the next one.
static int add_schema(struct edit *e, struct slice update)
{
    struct slice schema, other, field, fields;
    struct bytes id = {0}, text = {0};
    int64_t n, last_column = 0;
    if (!has_kind(update, "schema", JSON_OBJECT, &schema) || !has_kind(schema, "fields", JSON_ARRAY, &fields))
        return bad(e, "there is no schema to add");
    struct json_cursor c = json_enter(get(e, SLICE("\"schemas\""), SLICE("[]")));
    e->last_schema = 0;
    while (json_next_element(&c, &other))
        if (metadata_number(other, "schema-id", &n) && n >= e->last_schema)
            e->last_schema = n + 1;
    number_of(get(e, SLICE("\"last-column-id\""), SLICE("0")), &last_column);
    c = json_enter(fields);
    while (json_next_element(&c, &field))
        if (metadata_number(field, "id", &n) && n > last_column)
            last_column = n;
    FIELDS_AUTO members = {0};
    int error = fields_read(&members, schema);
    bytes_printf(&id, "%lld", (long long)e->last_schema);
    if (!error)
        error = id.failed ? -ENOMEM : fields_set(&members, SLICE("\"schema-id\""), bytes_slice(&id));
    fields_print(&members, &text);
    if (!error)
        error = text.failed ? -ENOMEM : append(e, SLICE("\"schemas\""), bytes_slice(&text), SIZE_MAX);
    bytes_free(&id);
    bytes_free(&text);
    return error ? error : set_number(e, SLICE("\"last-column-id\""), last_column);
}

static int set_schema(struct edit *e, struct slice update)
{
    struct slice other;
    int64_t id, n;
    if (!metadata_number(update, "schema-id", &id))
        return bad(e, "there is no schema to take");
    if (id == -1)
        id = e->last_schema;
    struct json_cursor c = json_enter(get(e, SLICE("\"schemas\""), SLICE("[]")));
    while (json_next_element(&c, &other))
        if (metadata_number(other, "schema-id", &n) && n == id)
            return set_number(e, SLICE("\"current-schema-id\""), id);
    return bad(e, "that schema is not there");
}

static bool has_number(struct slice array, int64_t number)
{
    struct slice element;
    int64_t n;
    struct json_cursor c = json_enter(array);
    while (json_next_element(&c, &element))
        if (number_of(element, &n) && n == number)
            return true;
    return false;
}

// The elements whose snapshot is not among those removed. `after_last`: only those behind the last that is, since a log
// with a gap would tell of moments what was not so.
static int keep_others(struct edit *e, struct slice quoted_key, struct slice removed, bool after_last)
{
    struct slice all = get(e, quoted_key, SLICE("[]")), element;
    struct bytes kept = {0};
    int64_t id;
    bytes_add_char(&kept, '[');
    struct json_cursor c = json_enter(all);
    while (json_next_element(&c, &element)) {
        if (!metadata_number(element, "snapshot-id", &id) || !has_number(removed, id)) {
            bytes_add_text(&kept, kept.size > 1 ? "," : "");
            bytes_add_slice(&kept, element);
        } else if (after_last) {
            bytes_clear(&kept);
            bytes_add_char(&kept, '[');
        }
    }
    bytes_add_char(&kept, ']');
    return set(e, quoted_key, &kept);
}

static int remove_snapshots(struct edit *e, struct slice update)
{
    struct slice removed;
    int64_t current = NO_SNAPSHOT;
    number_of(get(e, SLICE("\"current-snapshot-id\""), SLICE("-1")), &current);
    if (!has_kind(update, "snapshot-ids", JSON_ARRAY, &removed) || has_number(removed, current))
        return bad(e, "the current snapshot cannot go");
    int error = keep_others(e, SLICE("\"snapshots\""), removed, false);
    return error ? error : keep_others(e, SLICE("\"snapshot-log\""), removed, true);
}

static const struct {
    const char *action;
    int (*apply)(struct edit *, struct slice update);
} actions[] = {
    {"add-snapshot", add_snapshot},
    {"set-snapshot-ref", set_ref},
    {"set-properties", set_properties},
    {"remove-properties", remove_properties},
    {"add-schema", add_schema},
    {"set-current-schema", set_schema},
    {"remove-snapshots", remove_snapshots},
};

static int apply_one(struct edit *e, struct slice update)
{
    struct slice action;
    if (json_kind(update) != JSON_OBJECT || !has_kind(update, "action", JSON_STRING, &action))
        return bad(e, "an update says nothing");
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
        if (json_key_is(action, actions[i].action))
            return actions[i].apply(e, update);
    return reason_set(e->why, -ENOTSUP, "the table's metadata cannot be changed by %.*s", SLICE_ARG(action));
}

static int log_document(struct edit *e, struct slice name, int64_t at_ms)
{
    struct bytes entry = {0};
    bytes_printf(&entry, "{\"timestamp-ms\":%lld,\"metadata-file\":", (long long)at_ms);
    json_quote(&entry, name);
    bytes_add_char(&entry, '}');
    int error = entry.failed ? -ENOMEM : append(e, SLICE("\"metadata-log\""), bytes_slice(&entry), METADATA_LOG_MAX);
    bytes_free(&entry);
    return error;
}

int metadata_apply(
    struct bytes *out, struct slice text, struct slice name, struct slice updates, int64_t now_ms, struct reason *why)
{
    struct edit e = {.text = text, .now_ms = now_ms, .last_schema = -1, .why = why};
    int64_t before_ms = 0;
    metadata_number(text, "last-updated-ms", &before_ms);
    // The clock may have been set back.
    if (e.now_ms < before_ms)
        e.now_ms = before_ms;
    int error = fields_read(&e.fields, text);
    struct json_cursor c = json_enter(updates);
    for (struct slice update; !error && json_next_element(&c, &update);)
        error = apply_one(&e, update);
    if (!error)
        error = log_document(&e, name, before_ms);
    if (!error)
        error = set_number(&e, SLICE("\"last-updated-ms\""), e.now_ms);
    if (!error)
        fields_print(&e.fields, out);
    fields_free(&e.fields);
    arena_free(&e.arena);
    return error ? error : out->failed ? -ENOMEM : 0;
}
