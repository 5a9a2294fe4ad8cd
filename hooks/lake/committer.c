#include "hooks/lake/committer.h"

#include "hooks/lake/metadata.h"
#include "hooks/lake/place.h"
#include "hooks/lake/step.h"
#include "store/json.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>

#define KEY_MAX 96

// ---- which store, which table

// A store is known by the order of the letters in its ids, which is made by chance when it is, and which its backups
// have too. (That they have the same log is seen by the hashes.)
static int name_store(char store[static UUID_TEXT], const char *alphabet)
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    if (!EVP_Digest(alphabet, strlen(alphabet), hash, NULL, EVP_sha256(), NULL))
        return -EIO;
    uuid_print(store, hash);
    return 0;
}

int committer_open(struct committer *c, const struct lake_options *options, const char *store, const char *alphabet,
    const atomic_bool *stop, struct reason *why)
{
    *c = (struct committer){.options = options, .stop = stop, .journal.fd = -1};
    int error = name_store(c->store, alphabet);
    if (!error && store)
        error = journal_open(&c->journal, store, options->place, why);
    if (!error)
        error = place_open(&c->catalog, options, stop, why);
    if (error)
        committer_close(c);
    return error;
}

void committer_close(struct committer *c)
{
    lake_catalog_close(c->catalog);
    c->catalog = NULL;
    lake_table_clear(&c->table);
    layout_clear(&c->layout);
    journal_close(&c->journal);
}

static int create_table(struct committer *c, struct reason *why)
{
    BYTES_AUTO schema = {0};
    BYTES_AUTO properties = {0};
    layout_print(&schema, c->options->hash);
    bytes_printf(&properties,
        "{\"factfs.store\":\"%s\",\"write.parquet.compression-codec\":\"zstd\",\"schema.name-mapping.default\":",
        c->store);
    BYTES_AUTO mapping = {0};
    bytes_add_char(&mapping, '[');
    for (int i = 0; i < LAKE_COLUMNS; i++)
        bytes_printf(&mapping, "%s{\"field-id\":%d,\"names\":[\"%s\"]}", i ? "," : "", (int)lake_columns[i].id,
            lake_columns[i].name);
    bytes_add_char(&mapping, ']');
    json_quote(&properties, bytes_slice(&mapping));
    bytes_add_char(&properties, '}');
    if (schema.failed || properties.failed || mapping.failed)
        return -ENOMEM;
    lake_step("create");
    switch (lake_catalog_create(
        c->catalog, bytes_slice(&schema), SLICE(LAYOUT_PARTITION_SPEC), bytes_slice(&properties), &c->table, why)) {
    case COMMIT_DONE:
        return 0;
    case COMMIT_CONFLICT:
    case COMMIT_UNKNOWN:
        return lake_catalog_load(c->catalog, &c->table, why);
    case COMMIT_FAILED:
        break;
    }
    return reason_set(why, -EIO, "the table cannot be made");
}

int committer_recognise(struct committer *c, struct reason *why)
{
    BYTES_AUTO uuid = {0};
    BYTES_AUTO store = {0};
    metadata_text(committer_metadata(c), "table-uuid", &uuid);
    if (!metadata_property(committer_metadata(c), "factfs.store", &store))
        return reason_set(
            why, -EXDEV, "the table at %s was not made by factfs: nothing is written to it", c->options->place);
    if (!slice_is(bytes_slice(&store), c->store))
        return reason_set(why, -EXDEV,
            "the table at %s holds the events of another store (%.*s, this one is %s): refused", c->options->place,
            SLICE_ARG(bytes_slice(&store)), c->store);
    if (c->journal.table[0] && !slice_is(bytes_slice(&uuid), c->journal.table))
        return reason_set(why, -EXDEV,
            "another table (%.*s) stands at %s, in the place of this store's (%s): refused. If that is meant, remove "
            "%s",
            SLICE_ARG(bytes_slice(&uuid)), c->options->place, c->journal.table, c->journal.path);
    layout_clear(&c->layout);
    int error = layout_read(&c->layout, committer_metadata(c), why);
    bytes_add_char(&uuid, '\0');
    if (error || c->journal.fd < 0)
        return error;
    return uuid.failed ? -ENOMEM : uuid.size > UUID_TEXT ? -EIO : journal_set_table(&c->journal, uuid.at, why);
}

int committer_load(struct committer *c, bool create, struct reason *why)
{
    struct reason missing = {0};
    int error = lake_catalog_load(c->catalog, &c->table, &missing);
    if (error == -ENOENT && create && c->journal.table[0])
        return reason_set(why, -EXDEV,
            "the table at %s is gone (%s): nothing is written. To begin a new one, remove %s", c->options->place,
            missing.text, c->journal.path);
    if (error == -ENOENT && create)
        error = create_table(c, why);
    else if (error)
        return reason_set(why, error, "%s", missing.text[0] ? missing.text : strerror(-error));
    return error ? error : committer_recognise(c, why);
}

int committer_position(const struct committer *c, const char *tenant, uint64_t *position, struct reason *why)
{
    char name[PROPERTY_MAX], *end;
    BYTES_AUTO text = {0};
    *position = 0;
    snprintf(name, sizeof name, POSITION_PROPERTY "%s", tenant);
    if (!metadata_property(committer_metadata(c), name, &text))
        return 0;
    bytes_add_char(&text, '\0');
    if (text.failed)
        return -ENOMEM;
    *position = strtoull(text.at, &end, 10);
    if (text.at[0] < '0' || text.at[0] > '9' || *end)
        return reason_set(why, -EIO, "the table's property %s is no position: %s", name, text.at);
    return 0;
}

// ---- what a snapshot consists of

// The content under a full name.
static int get_file(struct committer *c, struct slice uri, struct bytes *out, struct reason *why)
{
    BYTES_AUTO name = {0};
    bytes_add_slice(&name, uri);
    bytes_add_char(&name, '\0');
    if (name.failed)
        return -ENOMEM;
    const char *key = objects_key(c->table.objects, name.at);
    if (!key)
        return reason_set(why, -ENOTSUP, "%s lies outside of the table's place %s", name.at, c->table.objects->root);
    int error = objects_get(c->table.objects, key, out, why);
    // What the metadata names must be there.
    return error == -ENOENT ? -EIO : error;
}

int committer_list(struct committer *c, struct slice list, struct arena *arena, struct manifest **rows, size_t *count,
    struct reason *why)
{
    BYTES_AUTO file = {0};
    int error = get_file(c, list, &file, why);
    return error ? error : manifest_list_read(bytes_slice(&file), arena, rows, count, why);
}

int committer_manifests(
    struct committer *c, struct arena *arena, struct manifest **rows, size_t *count, struct reason *why)
{
    struct slice snapshot;
    BYTES_AUTO uri = {0};
    *rows = NULL;
    *count = 0;
    if (!metadata_snapshot(committer_metadata(c), metadata_current(committer_metadata(c)), &snapshot))
        return 0;
    if (!metadata_text(snapshot, "manifest-list", &uri))
        return reason_set(why, -ENOTSUP, "the table's snapshot has no list of manifests");
    return committer_list(c, bytes_slice(&uri), arena, rows, count, why);
}

int committer_manifest(
    struct committer *c, const struct manifest *row, manifest_visit *visit, void *context, struct reason *why)
{
    BYTES_AUTO file = {0};
    int error = get_file(c, row->path, &file, why);
    return error ? error : manifest_read(bytes_slice(&file), row, visit, context, why);
}

int committer_put(struct committer *c, const char *key, struct slice content, struct reason *why)
{
    int error = journal_key(&c->journal, key, why);
    lake_step("noted");
    if (!error)
        error = objects_put(c->table.objects, key, content, OBJECTS_ABSENT, why);
    lake_step("put");
    return error;
}

// ---- manifests that are new

int committer_begin_manifest(const struct committer *c, struct manifest_writer *writer)
{
    struct manifest_head head = {
        .schema = c->layout.text,
        .schema_id = c->layout.id,
        .partition_fields = SLICE(LAYOUT_PARTITION_FIELDS),
    };
    return manifest_begin(writer, &head);
}

// What the row points to is the writer's.
static int keep_row(struct manifest *row, struct slice path, struct arena *arena)
{
    struct partition_range *ranges = arena_get(arena, row->partition_count * sizeof *ranges);
    row->path = arena_copy(arena, path);
    if (!ranges || !row->path.at)
        return -ENOMEM;
    for (uint32_t i = 0; i < row->partition_count; i++) {
        ranges[i] = row->partitions[i];
        if (ranges[i].lower.at)
            ranges[i].lower = arena_copy(arena, ranges[i].lower);
        if (ranges[i].upper.at)
            ranges[i].upper = arena_copy(arena, ranges[i].upper);
    }
    row->partitions = ranges;
    return 0;
}

int committer_end_manifest(struct committer *c, const struct commit *commit, size_t number,
    struct manifest_writer *writer, struct arena *arena, struct manifest *row, struct reason *why)
{
    char key[KEY_MAX];
    BYTES_AUTO uri = {0};
    int error = manifest_end(writer);
    snprintf(key, sizeof key, "metadata/%s-m%zu.avro", commit->id, number);
    bytes_printf(&uri, "%s/%s", c->table.objects->root, key);
    if (!error)
        error = uri.failed ? -ENOMEM : committer_put(c, key, bytes_slice(&writer->file), why);
    if (!error) {
        *row = writer->row;
        row->snapshot = commit->snapshot;
        row->sequence = -1;
        error = keep_row(row, bytes_slice(&uri), arena);
    }
    manifest_writer_clear(writer);
    return error;
}

// ---- changes without a snapshot

int committer_change(struct committer *c, struct slice requirements, struct slice updates, struct reason *why)
{
    switch (lake_catalog_commit(c->catalog, requirements, updates, &c->table, why)) {
    case COMMIT_DONE:
        return committer_recognise(c, why);
    case COMMIT_CONFLICT:
    case COMMIT_UNKNOWN:
        return reason_set(why, -EAGAIN, "the table was changed meanwhile");
    case COMMIT_FAILED:
        break;
    }
    return reason_set(why, -EIO, "the table cannot be changed");
}

static bool lacks_hash(struct committer *c)
{
    return c->options->hash && !layout_column(&c->layout, LAYOUT_HASH);
}

int committer_evolve(struct committer *c, struct reason *why)
{
    BYTES_AUTO requirements = {0};
    BYTES_AUTO updates = {0};
    int64_t last_column = 0;
    if (!lacks_hash(c))
        return 0;
    metadata_number(committer_metadata(c), "last-column-id", &last_column);
    bytes_printf(&requirements,
        "[{\"type\":\"assert-table-uuid\",\"uuid\":\"%s\"},"
        "{\"type\":\"assert-current-schema-id\",\"current-schema-id\":%lld},"
        "{\"type\":\"assert-last-assigned-field-id\",\"last-assigned-field-id\":%lld}]",
        c->journal.table, (long long)c->layout.id, (long long)last_column);
    bytes_add_text(&updates, "[{\"action\":\"add-schema\",\"schema\":");
    layout_print_with_hash(&updates, &c->layout, last_column);
    bytes_printf(&updates, ",\"last-column-id\":%lld},{\"action\":\"set-current-schema\",\"schema-id\":-1}]",
        (long long)last_column + 1);
    if (requirements.failed || updates.failed)
        return -ENOMEM;
    lake_step("evolving");
    // What became of it the next flush sees: done twice, it would be refused.
    return committer_change(c, bytes_slice(&requirements), bytes_slice(&updates), why);
}
