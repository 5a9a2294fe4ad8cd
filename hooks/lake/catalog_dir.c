#include "hooks/lake/catalog.h"

#include "hooks/lake/metadata.h"
#include "hooks/lake/uuid.h"
#include "store/when.h"

#include <errno.h>
#include <stdlib.h>

#define KEY_MAX 64
// Documents that may stand behind the one that the hint names, before it is taken for wrong.
#define WALK_MAX 100000u

struct dir_catalog {
    struct lake_catalog catalog;
    struct objects *objects;
};

static void document_key(char key[static KEY_MAX], uint64_t number)
{
    snprintf(key, KEY_MAX, "metadata/v%llu.metadata.json", (unsigned long long)number);
}

// ---- loading

// v<N>.metadata.json has the number N.
bool lake_document_number(struct slice key, uint64_t *number)
{
    static const char before[] = "metadata/v", after[] = ".metadata.json";
    size_t ends = sizeof before - 1 + sizeof after - 1;
    if (key.size <= ends || key.size > ends + 18 || memcmp(key.at, before, sizeof before - 1) ||
        memcmp(key.at + key.size - (sizeof after - 1), after, sizeof after - 1))
        return false;
    *number = 0;
    for (size_t i = sizeof before - 1; i < key.size - (sizeof after - 1); i++) {
        if (key.at[i] < '0' || key.at[i] > '9')
            return false;
        *number = *number * 10 + (uint64_t)(key.at[i] - '0');
    }
    return true;
}

static int see_document(void *context, struct slice key, uint64_t size_bytes, int64_t changed_at_us)
{
    uint64_t *last = context, number;
    (void)size_bytes, (void)changed_at_us;
    if (lake_document_number(key, &number) && number > *last)
        *last = number;
    return 0;
}

// The number that the hint says, or the largest that is there; 0: there is no document.
static int find_document(struct objects *objects, uint64_t *number, struct reason *why)
{
    BYTES_AUTO hint = {0};
    struct reason ignored = {0};
    char key[KEY_MAX];
    uint64_t size;
    *number = 0;
    int error = objects_get(objects, LAKE_HINT, &hint, &ignored);
    if (error && error != -ENOENT)
        return reason_set(why, error, "%s", ignored.text);
    bytes_add_char(&hint, '\0');
    char *end = hint.at;
    if (!error && !hint.failed && hint.at[0] >= '1' && hint.at[0] <= '9')
        *number = strtoull(hint.at, &end, 10);
    document_key(key, *number);
    // One that names what is not there, or nothing, is a hint no more.
    if (!*number || (*end && *end != '\n') || objects_size(objects, key, &size, &ignored) == -ENOENT) {
        *number = 0;
        error = objects_list(objects, "metadata/v", see_document, number, why);
        return error;
    }
    return 0;
}

static int dir_load(struct lake_catalog *catalog, struct lake_table *table, struct reason *why)
{
    struct objects *objects = ((struct dir_catalog *)catalog)->objects;
    struct bytes text = {0};
    uint64_t number;
    char key[KEY_MAX];
    int error = find_document(objects, &number, why);
    if (!error && !number)
        return reason_set(why, -ENOENT, "there is no table in %s", objects->root);
    document_key(key, number);
    if (!error)
        error = objects_get(objects, key, &text, why);
    // The hint may be behind.
    for (unsigned i = 0; !error && i < WALK_MAX; i++) {
        struct bytes next = {0};
        struct reason none = {0};
        document_key(key, number + 1);
        error = objects_get(objects, key, &next, &none);
        if (error) {
            bytes_free(&next);
            error = error == -ENOENT ? 0 : reason_set(why, error, "%s", none.text);
            break;
        }
        bytes_free(&text);
        text = next;
        number++;
    }
    if (!error)
        error = metadata_check(bytes_slice(&text), why);
    if (error) {
        bytes_free(&text);
        return error == -ENOENT ? -EIO : error;
    }
    bytes_free(&table->metadata);
    table->metadata = text;
    table->number = number;
    table->objects = objects;
    bytes_clear(&table->metadata_location);
    document_key(key, number);
    bytes_printf(&table->metadata_location, "%s/%s", objects->root, key);
    return table->metadata_location.failed ? -ENOMEM : 0;
}

// ---- changing

static enum commit_outcome outcome_of(int error)
{
    switch (error) {
    case 0:
        return COMMIT_DONE;
    case -EEXIST:
        return COMMIT_CONFLICT;
    case -EINPROGRESS:
        return COMMIT_UNKNOWN;
    default:
        return COMMIT_FAILED;
    }
}

// Puts a document in force, if it is the first with its number. Takes the text.
static enum commit_outcome put_document(
    struct objects *objects, uint64_t number, struct bytes *text, struct lake_table *table, struct reason *why)
{
    char key[KEY_MAX], hint[24];
    struct reason hidden = {0};
    document_key(key, number);
    int error = text->failed ? -ENOMEM : objects_put(objects, key, bytes_slice(text), OBJECTS_ABSENT, why);
    if (error) {
        bytes_free(text);
        return outcome_of(error);
    }
    bytes_free(&table->metadata);
    table->metadata = *text;
    table->number = number;
    table->objects = objects;
    bytes_clear(&table->metadata_location);
    bytes_printf(&table->metadata_location, "%s/%s", objects->root, key);
    // No newline: readers paste it into a name. Whoever loads the table walks on from an old one, so it may fail.
    snprintf(hint, sizeof hint, "%llu", (unsigned long long)number);
    if (objects_put(objects, LAKE_HINT, slice_of(hint), 0, &hidden))
        fprintf(stderr, "factfs: lake: readers see the state before, until the next flush: %s\n", hidden.text);
    return COMMIT_DONE;
}

static enum commit_outcome dir_create(struct lake_catalog *catalog, struct slice schema, struct slice partition_spec,
    struct slice properties, struct lake_table *table, struct reason *why)
{
    struct objects *objects = ((struct dir_catalog *)catalog)->objects;
    struct bytes text = {0};
    char uuid[UUID_TEXT];
    int error = uuid_make(uuid);
    struct metadata_start start = {
        .uuid = uuid,
        .location = slice_of(objects->root),
        .schema = schema,
        .partition_spec = partition_spec,
        .properties = properties,
        .now_ms = when_now_us() / 1000,
    };
    if (!error)
        error = metadata_make(&text, &start);
    if (!error)
        return put_document(objects, 1, &text, table, why);
    bytes_free(&text);
    reason_set(why, error, "no table can be made: %s", strerror(-error));
    return COMMIT_FAILED;
}

static enum commit_outcome dir_commit(struct lake_catalog *catalog, struct slice requirements, struct slice updates,
    struct lake_table *table, struct reason *why)
{
    struct objects *objects = ((struct dir_catalog *)catalog)->objects;
    struct bytes text = {0};
    struct slice before = bytes_slice(&table->metadata);
    int error = metadata_require(before, requirements, why);
    if (error)
        return error == -ESTALE ? COMMIT_CONFLICT : COMMIT_FAILED;
    error = metadata_apply(&text, before, bytes_slice(&table->metadata_location), updates, when_now_us() / 1000, why);
    if (!error)
        return put_document(objects, table->number + 1, &text, table, why);
    bytes_free(&text);
    reason_set(why, error, "the table cannot be changed: %s", strerror(-error));
    return COMMIT_FAILED;
}

static void dir_close(struct lake_catalog *catalog)
{
    struct dir_catalog *c = (struct dir_catalog *)catalog;
    objects_close(c->objects);
    free(c);
}

static const struct lake_catalog_kind dir_kind = {
    .load = dir_load,
    .create = dir_create,
    .commit = dir_commit,
    .close = dir_close,
};

int lake_catalog_dir_open(struct lake_catalog **catalog, struct objects *objects, struct reason *why)
{
    struct dir_catalog *c = calloc(1, sizeof *c);
    if (!c) {
        objects_close(objects);
        return reason_set(why, -ENOMEM, "there is no memory");
    }
    *c = (struct dir_catalog){.catalog.kind = &dir_kind, .objects = objects};
    *catalog = &c->catalog;
    return 0;
}
