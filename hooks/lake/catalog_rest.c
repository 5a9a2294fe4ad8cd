#include "hooks/lake/catalog_rest.h"

#include "hooks/lake/metadata.h"
#include "hooks/lake/objects_s3.h"
#include "hooks/lake/rest.h"
#include "hooks/lake/uri.h"
#include "store/json.h"

#include <errno.h>
#include <stdlib.h>

struct rest_catalog {
    struct lake_catalog catalog;
    struct rest rest;
    char *name;  // `A.B.TABLE`
    char *table; // its last part, within `name`
    struct objects *objects;
};

static struct rest_catalog *at_rest(struct lake_catalog *catalog)
{
    return (struct rest_catalog *)catalog;
}

static bool take_string(struct slice object, const char *name, struct bytes *out)
{
    struct slice value;
    if (!json_member(object, name, &value) || json_kind(value) != JSON_STRING)
        return false;
    bytes_clear(out);
    json_decode(out, value);
    bytes_add_char(out, '\0');
    return true;
}

// ---- names

// The levels of the table's namespace, each a JSON string: `"A","B"`, up to the first `levels` of them.
static void add_levels(struct bytes *out, const struct rest_catalog *c, unsigned levels)
{
    const char *at = c->name;
    for (unsigned i = 0; i < levels && at < c->table; i++) {
        const char *dot = strchr(at, '.');
        if (i)
            bytes_add_char(out, ',');
        json_quote(out, (struct slice){.at = at, .size = (size_t)(dot - at)});
        at = dot + 1;
    }
}

static unsigned count_levels(const struct rest_catalog *c)
{
    unsigned count = 0;
    for (const char *at = c->name; at < c->table; at++)
        count += *at == '.';
    return count;
}

// `/namespaces/A%1FB/tables`
static void add_tables_path(struct bytes *out, const struct rest_catalog *c)
{
    bytes_add_text(out, "/namespaces/");
    for (const char *at = c->name; at < c->table;) {
        const char *dot = strchr(at, '.');
        if (at > c->name)
            bytes_add_slice(out, bytes_slice(&c->rest.separator));
        uri_encode(out, (struct slice){.at = at, .size = (size_t)(dot - at)});
        at = dot + 1;
    }
    bytes_add_text(out, "/tables");
}

static void add_table_path(struct bytes *out, const struct rest_catalog *c)
{
    add_tables_path(out, c);
    bytes_add_char(out, '/');
    uri_encode(out, slice_of(c->table));
}

// ---- the table's files

static const struct {
    const char *name;
    enum access_name is;
} key_names[] = {
    {"s3.session-token", ACCESS_SESSION},
    {"s3.secret-access-key", ACCESS_SECRET},
    {"s3.access-key-id", ACCESS_KEY_ID},
    {"client.region", ACCESS_REGION},
    {"s3.region", ACCESS_REGION},
    {"s3.endpoint", ACCESS_ENDPOINT},
};

// Keys that come without a session are without one.
static int take_keys(struct access *access, struct slice config)
{
    BYTES_AUTO value = {0};
    struct slice unused;
    int error = json_member(config, "s3.access-key-id", &unused) ? access_set(access, ACCESS_SESSION, NULL) : 0;
    for (size_t i = 0; !error && i < sizeof key_names / sizeof *key_names; i++) {
        if (take_string(config, key_names[i].name, &value))
            error = value.failed ? -ENOMEM : access_set(access, key_names[i].is, value.at);
    }
    return error;
}

// Of the credentials that are for a prefix of the location, those for the longest one.
static bool find_credentials(struct slice answer, const char *location, struct slice *found)
{
    struct slice all, one, config;
    BYTES_AUTO prefix = {0};
    size_t longest = 0;
    bool is_found = false;
    if (!json_member(answer, "storage-credentials", &all) || json_kind(all) != JSON_ARRAY)
        return false;
    for (struct json_cursor c = json_enter(all); json_next_element(&c, &one);) {
        if (json_kind(one) != JSON_OBJECT || !take_string(one, "prefix", &prefix) || prefix.failed ||
            !json_member(one, "config", &config) || json_kind(config) != JSON_OBJECT)
            continue;
        if (strncmp(location, prefix.at, prefix.size - 1) == 0 && prefix.size > longest) {
            longest = prefix.size;
            *found = config;
            is_found = true;
        }
    }
    return is_found;
}

static int open_bucket(
    struct objects **objects, struct rest_catalog *c, const char *location, struct slice answer, struct reason *why)
{
    struct access access;
    struct slice config;
    int error = access_copy(&access, &c->rest.access);
    if (!error && json_member(answer, "config", &config) && json_kind(config) == JSON_OBJECT)
        error = take_keys(&access, config);
    if (!error && find_credentials(answer, location, &config))
        error = take_keys(&access, config);
    if (!error)
        error = objects_s3_open(objects, location, &access, why);
    access_clear(&access);
    return error;
}

static int open_objects(struct rest_catalog *c, struct slice metadata, struct slice answer, struct reason *why)
{
    BYTES_AUTO location = {0};
    struct objects *objects = NULL;
    int error;
    if (!take_string(metadata, "location", &location) || location.failed)
        return reason_set(why, -EIO, "catalog: a table without a location");
    if (!strncmp(location.at, "s3://", 5))
        error = open_bucket(&objects, c, location.at, answer, why);
    else if (!strncmp(location.at, "file:///", 8))
        error = objects_dir_open(&objects, location.at + 7, why);
    else
        return reason_set(
            why, -ENOTSUP, "catalog: the table lies at %.100s, which is neither s3:// nor file:///", location.at);
    if (error)
        return error;
    objects_close(c->objects);
    c->objects = objects;
    return 0;
}

// ---- what the catalog says of it

// Takes the metadata out of an answer; nothing of `table` is changed when there is none.
static int take_metadata(const struct rest_catalog *c, struct lake_table *table, struct reason *why)
{
    struct slice answer = bytes_slice(&c->rest.answer.body), metadata;
    BYTES_AUTO text = {0}, location = {0};
    if (!answer.size || !json_member(answer, "metadata", &metadata) || json_kind(metadata) != JSON_OBJECT)
        return reason_set(why, -EIO, "catalog: an answer without the table's metadata");
    int error = metadata_check(metadata, why);
    if (error)
        return error;
    bytes_add_slice(&text, metadata);
    if (take_string(answer, "metadata-location", &location))
        location.size--;
    if (text.failed || location.failed)
        return -ENOMEM;
    bytes_clear(&table->metadata);
    bytes_add_slice(&table->metadata, metadata);
    bytes_clear(&table->metadata_location);
    bytes_add_slice(&table->metadata_location, bytes_slice(&location));
    return table->metadata.failed || table->metadata_location.failed ? -ENOMEM : 0;
}

static int take_table(struct rest_catalog *c, struct lake_table *table, struct reason *why)
{
    int error = take_metadata(c, table, why);
    if (!error)
        error = open_objects(c, bytes_slice(&table->metadata), bytes_slice(&c->rest.answer.body), why);
    if (!error)
        table->objects = c->objects;
    return error;
}

static int load(struct lake_catalog *catalog, struct lake_table *table, struct reason *why)
{
    struct rest_catalog *c = at_rest(catalog);
    BYTES_AUTO path = {0};
    int error = rest_configure(&c->rest, why);
    if (error)
        return error;
    add_table_path(&path, c);
    if (path.failed)
        return -ENOMEM;
    struct rest_request request = {.method = "GET", .path = bytes_slice(&path), .wants_keys = true};
    error = rest_send(&c->rest, &request, why);
    if (error)
        return error;
    if (c->rest.answer.status / 100 != 2)
        return rest_refused(&c->rest, &request, why);
    return take_table(c, table, why);
}

// What a request that changes something came to.
static enum commit_outcome outcome_of(
    struct rest_catalog *c, const struct rest_request *request, int error, struct reason *why)
{
    if (error == -EINPROGRESS)
        return COMMIT_UNKNOWN;
    if (error)
        return COMMIT_FAILED;
    if (c->rest.answer.status / 100 == 2)
        return COMMIT_DONE;
    rest_refused(&c->rest, request, why);
    return c->rest.answer.status == 409 ? COMMIT_CONFLICT : COMMIT_FAILED;
}

static enum commit_outcome post(
    struct rest_catalog *c, const struct bytes *path, const struct bytes *body, bool wants_keys, struct reason *why)
{
    char key[UUID_TEXT];
    if (path->failed || body->failed)
        return COMMIT_FAILED;
    int error = rest_configure(&c->rest, why);
    if (!error && c->rest.keeps_keys)
        error = rest_make_key(key);
    if (error)
        return COMMIT_FAILED;
    struct rest_request request = {.method = "POST",
        .path = bytes_slice(path),
        .body = bytes_slice(body),
        .idempotency_key = c->rest.keeps_keys ? key : NULL,
        .wants_keys = wants_keys};
    error = rest_send(&c->rest, &request, why);
    return outcome_of(c, &request, error, why);
}

// ---- changes

static enum commit_outcome make_namespaces(struct rest_catalog *c, struct reason *why)
{
    enum commit_outcome outcome = COMMIT_DONE;
    for (unsigned level = 1; outcome == COMMIT_DONE && level <= count_levels(c); level++) {
        BYTES_AUTO path = {0}, body = {0};
        struct reason said = {0};
        bytes_add_text(&path, "/namespaces");
        bytes_add_text(&body, "{\"namespace\":[");
        add_levels(&body, c, level);
        bytes_add_text(&body, "],\"properties\":{}}");
        outcome = post(c, &path, &body, false, &said);
        if (outcome == COMMIT_CONFLICT)
            outcome = COMMIT_DONE;
        if (outcome != COMMIT_DONE)
            reason_set(why, 0, "%s", said.text);
    }
    return outcome;
}

static enum commit_outcome create(struct lake_catalog *catalog, struct slice schema, struct slice partition_spec,
    struct slice properties, struct lake_table *table, struct reason *why)
{
    struct rest_catalog *c = at_rest(catalog);
    BYTES_AUTO path = {0}, body = {0};
    int error = rest_configure(&c->rest, why);
    enum commit_outcome outcome = error ? COMMIT_FAILED : make_namespaces(c, why);
    if (outcome != COMMIT_DONE)
        return outcome;
    add_tables_path(&path, c);
    bytes_add_text(&body, "{\"name\":");
    json_quote(&body, slice_of(c->table));
    bytes_printf(&body, ",\"schema\":%.*s,\"partition-spec\":%.*s,\"stage-create\":false,\"properties\":%.*s}",
        SLICE_ARG(schema), SLICE_ARG(partition_spec), SLICE_ARG(properties));
    outcome = post(c, &path, &body, true, why);
    if (outcome != COMMIT_DONE)
        return outcome;
    return take_table(c, table, why) ? COMMIT_UNKNOWN : COMMIT_DONE;
}

static enum commit_outcome commit(struct lake_catalog *catalog, struct slice requirements, struct slice updates,
    struct lake_table *table, struct reason *why)
{
    struct rest_catalog *c = at_rest(catalog);
    BYTES_AUTO path = {0}, body = {0};
    if (rest_configure(&c->rest, why))
        return COMMIT_FAILED;
    add_table_path(&path, c);
    bytes_printf(&body, "{\"requirements\":%.*s,\"updates\":%.*s}", SLICE_ARG(requirements), SLICE_ARG(updates));
    enum commit_outcome outcome = post(c, &path, &body, false, why);
    if (outcome != COMMIT_DONE)
        return outcome;
    return take_metadata(c, table, why) ? COMMIT_UNKNOWN : COMMIT_DONE;
}

// ---- the catalog

static void close_catalog(struct lake_catalog *catalog)
{
    struct rest_catalog *c = at_rest(catalog);
    rest_close(&c->rest);
    objects_close(c->objects);
    free(c->name);
    free(c);
}

static const struct lake_catalog_kind by_rest = {
    .load = load,
    .create = create,
    .commit = commit,
    .close = close_catalog,
};

// Names with a dot at either end, or two in a row, have a level that is empty.
static bool is_table_name(const char *name)
{
    size_t size = strlen(name);
    return strchr(name, '.') && name[0] != '.' && name[size - 1] != '.' && !strstr(name, "..");
}

int lake_catalog_rest_open(
    struct lake_catalog **catalog, const struct rest_place *place, const struct access *access, struct reason *why)
{
    if (!is_table_name(place->table))
        return reason_set(why, -EINVAL, "%s is not NAMESPACE.TABLE", place->table);
    struct rest_catalog *c = calloc(1, sizeof *c);
    char *name = strdup(place->table);
    if (!c || !name) {
        free(c);
        free(name);
        return -ENOMEM;
    }
    c->catalog.kind = &by_rest;
    c->name = name;
    c->table = strrchr(name, '.') + 1;
    int error = rest_open(&c->rest, place->uri, place->warehouse, access, why);
    if (error) {
        free(name);
        free(c);
        return error;
    }
    *catalog = &c->catalog;
    return 0;
}
