// The lake's files in a directory, and a catalog that is nothing but these files.
#include "hooks/lake/catalog.h"
#include "hooks/lake/layout.h"
#include "hooks/lake/metadata.h"
#include "store/json.h"
#include "tests/store/store_fixture.h"

static char path[96];
static struct objects *objects;
static struct reason why;

static struct slice content_of(const char *key)
{
    static struct bytes text;
    bytes_clear(&text);
    int error = objects_get(objects, key, &text, &why);
    return error ? error_text(error) : bytes_slice(&text);
}

// The names of all keys with a prefix, in order, and a space behind each.
static int note_key(void *context, struct slice key, uint64_t size_bytes, int64_t changed_at_us)
{
    char(*keys)[64] = context;
    (void)size_bytes;
    CHECK(changed_at_us > 0);
    int at = 0;
    while (keys[at][0])
        at++;
    snprintf(keys[at], 64, "%.*s ", SLICE_ARG(key));
    return 0;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

static struct slice keys_of(const char *prefix)
{
    static char text[2048];
    char keys[32][64] = {0};
    CHECK_INT(objects_list(objects, prefix, note_key, keys, &why), 0);
    size_t count = 0;
    while (keys[count][0])
        count++;
    qsort(keys, count, sizeof *keys, by_text);
    text[0] = '\0';
    for (size_t i = 0; i < count; i++)
        strcat(text, keys[i]);
    return slice_of(text);
}

static void put_and_get(void)
{
    CHECK_TEXT(content_of("a/b/c"), "ENOENT");
    CHECK_INT(objects_put(objects, "a/b/c", SLICE("one"), OBJECTS_ABSENT, &why), 0);
    CHECK_TEXT(content_of("a/b/c"), "one");
    CHECK_INT(objects_put(objects, "a/b/c", SLICE("two"), OBJECTS_ABSENT, &why), -EEXIST);
    CHECK_TEXT(content_of("a/b/c"), "one");
    CHECK_INT(objects_put(objects, "a/b/c", SLICE(""), 0, &why), 0);
    CHECK_TEXT(content_of("a/b/c"), "");
    CHECK_TEXT(content_of("a/b"), "ENOENT");
    CHECK_TEXT(content_of("a/b/c/d"), "ENOENT");
    CHECK_INT(objects_remove(objects, "a/b/c", &why), 0);
    CHECK_INT(objects_remove(objects, "a/b/c", &why), 0);
    CHECK_TEXT(content_of("a/b/c"), "ENOENT");
}

static void ranges(void)
{
    char part[4] = "";
    uint64_t size = 0;
    CHECK_INT(objects_put(objects, "range", SLICE("0123456789"), 0, &why), 0);
    CHECK_INT(objects_size(objects, "range", &size, &why), 0);
    CHECK_INT(size, 10);
    CHECK_INT(objects_get_range(objects, "range", 3, part, 4, &why), 0);
    CHECK(!memcmp(part, "3456", 4));
    CHECK_INT(objects_get_range(objects, "range", 7, part, 4, &why), -EIO);
    CHECK_INT(objects_get_range(objects, "none", 0, part, 1, &why), -ENOENT);
    CHECK_INT(objects_size(objects, "none", &size, &why), -ENOENT);
    objects_remove(objects, "range", &why);
}

static void uploads(void)
{
    struct upload *upload;
    CHECK_INT(upload_begin(objects, "up/load", &upload, &why), 0);
    CHECK_INT(upload_add(upload, "first ", 6, &why), 0);
    CHECK_TEXT(content_of("up/load"), "ENOENT");
    CHECK_INT(upload_add(upload, "second", 6, &why), 0);
    CHECK_INT(upload_finish(upload, OBJECTS_ABSENT, &why), 0);
    CHECK_TEXT(content_of("up/load"), "first second");
    CHECK_INT(upload_begin(objects, "up/load", &upload, &why), 0);
    CHECK_INT(upload_add(upload, "x", 1, &why), 0);
    CHECK_INT(upload_finish(upload, OBJECTS_ABSENT, &why), -EEXIST);
    CHECK_TEXT(content_of("up/load"), "first second");
    CHECK_INT(upload_begin(objects, "up/other", &upload, &why), 0);
    CHECK_INT(upload_add(upload, "x", 1, &why), 0);
    upload_abort(upload);
    CHECK_TEXT(keys_of(""), "up/load ");
    char parts[128];
    snprintf(parts, sizeof parts, "%s/.parts", path);
    CHECK_INT(rmdir(parts), 0); // nothing is left there
    REQUIRE(mkdir(parts, 0755));
    objects_remove(objects, "up/load", &why);
    objects_close(objects);
    REQUIRE(objects_dir_open(&objects, path, &why));
}

static void listing(void)
{
    static const char *const keys[] = {"m/v1.json", "m/v10.json", "m/w", "mm", "data/t=a/1", "data/t=b/2"};
    for (size_t i = 0; i < 6; i++)
        CHECK_INT(objects_put(objects, keys[i], SLICE("x"), 0, &why), 0);
    CHECK_TEXT(keys_of(""), "data/t=a/1 data/t=b/2 m/v1.json m/v10.json m/w mm ");
    CHECK_TEXT(keys_of("m/v"), "m/v1.json m/v10.json ");
    CHECK_TEXT(keys_of("m"), "m/v1.json m/v10.json m/w mm ");
    CHECK_TEXT(keys_of("data/t=b/"), "data/t=b/2 ");
    CHECK_TEXT(keys_of("none/"), "");
    for (size_t i = 0; i < 6; i++)
        objects_remove(objects, keys[i], &why);
}

static void keys_of_names(void)
{
    char uri[128];
    snprintf(uri, sizeof uri, "file://%s/a/b", path);
    const char *key = objects_key(objects, uri);
    CHECK(key && !strcmp(key, "a/b"));
    snprintf(uri, sizeof uri, "file://%sx/a", path);
    CHECK(!objects_key(objects, uri));
    CHECK(!objects_key(objects, "s3://bucket/a"));
}

static void odd_directories(void)
{
    struct objects *other;
    struct reason odd = {0};
    CHECK_INT(objects_dir_open(&other, "relative", &odd), -EINVAL);
    CHECK_INT(objects_dir_open(&other, "/tmp/100%", &odd), -EINVAL);
    CHECK_INT(objects_dir_open(&other, "/dev/null", &odd), -ENOTDIR);
}

// ---- the catalog

static struct lake_catalog *open_catalog(void)
{
    struct lake_catalog *catalog;
    struct objects *own;
    REQUIRE(objects_dir_open(&own, path, &why));
    REQUIRE(lake_catalog_dir_open(&catalog, own, &why));
    return catalog;
}

static enum commit_outcome set_property(struct lake_catalog *catalog, struct lake_table *table, const char *value)
{
    BYTES_AUTO updates = {0};
    bytes_printf(&updates, "[{\"action\":\"set-properties\",\"updates\":{\"p\":\"%s\"}}]", value);
    return lake_catalog_commit(catalog, SLICE("[]"), bytes_slice(&updates), table, &why);
}

static struct slice property_of(const struct lake_table *table)
{
    static struct bytes value;
    bytes_clear(&value);
    return metadata_property(bytes_slice(&table->metadata), "p", &value) ? bytes_slice(&value) : SLICE("nothing");
}

static void one_of_two_is_first(void)
{
    struct lake_catalog *one = open_catalog(), *two = open_catalog();
    struct lake_table mine = {0}, theirs = {0};
    BYTES_AUTO schema = {0};
    layout_print(&schema, false);
    CHECK_INT(lake_catalog_load(one, &mine, &why), -ENOENT);
    CHECK_INT(lake_catalog_create(one, bytes_slice(&schema), SLICE(LAYOUT_PARTITION_SPEC), SLICE("{}"), &mine, &why),
        COMMIT_DONE);
    CHECK_INT(lake_catalog_create(two, bytes_slice(&schema), SLICE(LAYOUT_PARTITION_SPEC), SLICE("{}"), &theirs, &why),
        COMMIT_CONFLICT);
    CHECK_INT(lake_catalog_load(two, &theirs, &why), 0);
    CHECK_INT(set_property(two, &theirs, "second"), COMMIT_DONE);
    CHECK_TEXT(property_of(&theirs), "second");
    CHECK_INT(set_property(one, &mine, "first"), COMMIT_CONFLICT);
    CHECK_TEXT(property_of(&mine), "nothing");
    CHECK_INT(lake_catalog_load(one, &mine, &why), 0);
    CHECK_TEXT(property_of(&mine), "second");
    CHECK_INT(set_property(one, &mine, "third"), COMMIT_DONE);
    CHECK_INT(mine.number, 3);
    // Readers paste it: a newline would be part of the name.
    CHECK_TEXT(content_of("metadata/version-hint.text"), "3");
    CHECK_TEXT(keys_of("metadata/"),
        "metadata/v1.metadata.json metadata/v2.metadata.json metadata/v3.metadata.json metadata/version-hint.text ");
    CHECK_INT(lake_catalog_commit(
                  one, SLICE("[{\"type\":\"assert-table-uuid\",\"uuid\":\"another\"}]"), SLICE("[]"), &mine, &why),
        COMMIT_CONFLICT);
    CHECK_INT(lake_catalog_commit(one, SLICE("[]"), SLICE("[{\"action\":\"unknown\"}]"), &mine, &why), COMMIT_FAILED);
    lake_table_clear(&mine);
    lake_table_clear(&theirs);
    lake_catalog_close(one);
    lake_catalog_close(two);
}

// Whoever died between the two has left the hint behind the document.
static void hints_that_are_old_or_wrong(void)
{
    static const char *const hints[] = {"1", "3", "3\n", "99", "x", "", "0", "-1", NULL};
    struct lake_catalog *catalog = open_catalog();
    struct lake_table table = {0};
    for (size_t i = 0; i < 9; i++) {
        if (hints[i])
            CHECK_INT(objects_put(objects, "metadata/version-hint.text", slice_of(hints[i]), 0, &why), 0);
        else
            CHECK_INT(objects_remove(objects, "metadata/version-hint.text", &why), 0);
        CHECK_INT(lake_catalog_load(catalog, &table, &why), 0);
        CHECK_INT(table.number, 3);
    }
    // By number, not by name.
    for (int i = 4; i <= 11; i++)
        CHECK_INT(set_property(catalog, &table, "more"), COMMIT_DONE);
    CHECK_INT(objects_remove(objects, "metadata/version-hint.text", &why), 0);
    CHECK_INT(lake_catalog_load(catalog, &table, &why), 0);
    CHECK_INT(table.number, 11);
    lake_table_clear(&table);
    lake_catalog_close(catalog);
}

static void a_document_that_is_damaged(void)
{
    struct lake_catalog *catalog = open_catalog();
    struct lake_table table = {0};
    CHECK_INT(objects_put(objects, "metadata/v12.metadata.json", SLICE("{\"format-version\":2"), 0, &why), 0);
    CHECK_INT(lake_catalog_load(catalog, &table, &why), -EIO);
    lake_table_clear(&table);
    lake_catalog_close(catalog);
}

int main(void)
{
    directory_make(path);
    REQUIRE(objects_dir_open(&objects, path, &why));
    TEST("a content is put, kept from who may not overwrite it, and removed", put_and_get);
    TEST("ranges are whole or an error", ranges);
    TEST("an upload shows nothing before it is finished, and leaves nothing when it is given up", uploads);
    TEST("keys are listed by what they begin with", listing);
    TEST("a full name below the root has a key, any other has none", keys_of_names);
    TEST("directories that readers would take for others are refused", odd_directories);
    TEST("of two who change the table at once one is first, and the other hears of it", one_of_two_is_first);
    TEST("a hint that is old, wrong or gone misleads nobody", hints_that_are_old_or_wrong);
    TEST("a document that is damaged is an error, not an empty table", a_document_that_is_damaged);
    objects_close(objects);
    BYTES_AUTO command = {0};
    bytes_printf(&command, "rm -rf %s", path);
    bytes_add_char(&command, '\0');
    REQUIRE(system(command.at));
    return check_end("directory_test");
}
