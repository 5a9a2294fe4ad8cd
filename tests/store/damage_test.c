// One byte of a tenant's file changed while it was closed: what is answered is as it was, or EIO; nothing wrong is ever
// served, and what is sound can be read and written.
#include "tests/store/log_model.h"

static struct fixture sound;
static struct model m = {.keeps_texts = true, .damaged = true};
static unsigned flips = 120;

static unsigned unopened, unlisted, unwritten;

static void write_some(struct fixture *f)
{
    char name[32];
    for (int i = 0; i < 5; i++) {
        snprintf(name, sizeof name, i ? "thing_%u" : "fresh_%u", (unsigned)chance(MODEL_ENTITIES));
        int error = event(f, name, "was_written", "{'n':7}");
        CHECK(error == 0 || error == -EIO || error == -ENOENT);
        unwritten += error == -EIO;
        if (!error)
            CHECK(text_has(state_of(f, name), json_of("'n':7")));
    }
}

static void list_all(struct fixture *f)
{
    uint64_t id, from = 0;
    char name[NAME_ENTITY_MAX + 1];
    size_t size;
    int error;
    while (!(error = history_entity_from(&f->reader, from, &id, name, &size))) {
        name[size] = '\0';
        unsigned long number = strncmp(name, "thing_", 6) ? MODEL_ENTITIES : strtoul(name + 6, NULL, 10);
        CHECK(number < MODEL_ENTITIES && m.entities[number].count);
        from = id + 1;
    }
    CHECK(error == -ENOENT || error == -EIO);
    unlisted += error == -EIO;
}

static void any_byte(void)
{
    struct fixture f = {0};
    directory_make(f.path);
    for (unsigned i = 0; i < flips; i++) {
        char path[200];
        uint64_t seed = chance_state;
        directory_copy(sound.path, f.path);
        snprintf(path, sizeof path, "%s/acme.db", f.path);
        off_t at = file_flip(path, true);
        bool ok = check_ok;
        check_ok = true;
        int error = fixture_try(&f);
        if (error) {
            CHECK(error == -EIO || error == -EINVAL);
            unopened++;
        } else {
            list_all(&f);
            model_ask(&f, &m, 15);
            write_some(&f);
            fixture_stop(&f);
        }
        if (!check_ok)
            printf("# byte %lld of page %lld, seed %llu\n", (long long)at % 8192, (long long)at / 8192 + 1,
                (unsigned long long)seed);
        check_ok &= ok;
    }
    directory_remove(f.path);
    fixture_free_texts(&f);
}

// Changes a byte of the only place in the file that holds a text.
static void flip_text(const char *path, const char *text)
{
    struct stat file;
    int fd = open(path, O_RDWR | O_CLOEXEC);
    REQUIRE(fd < 0 || fstat(fd, &file));
    char *all = malloc((size_t)file.st_size), *at = NULL;
    REQUIRE(read(fd, all, (size_t)file.st_size) != file.st_size);
    at = memmem(all, (size_t)file.st_size, text, strlen(text));
    REQUIRE(!at);
    char byte = (char)(at[strlen(text) - 1] ^ 1);
    REQUIRE(pwrite(fd, &byte, 1, at - all + (off_t)strlen(text) - 1) != 1);
    close(fd);
    free(all);
}

static void last_event(void)
{
    struct fixture f = {0};
    char path[200];
    fixture_open(&f);
    snprintf(path, sizeof path, "%s/acme.db", f.path);
    CHECK_INT(event(&f, "order_1", "was_seen", "{'n':1}"), 0);
    CHECK_INT(event(&f, "order_2", "was_seen", "{'n':2}"), 0);
    CHECK_INT(event(&f, "order_1", "was_seen", "{'mark':'here'}"), 0);
    uint64_t size = tenant_end(f.tenant).size_bytes;
    fixture_stop(&f);
    flip_text(path, "\"mark\":\"here");
    quiet(true);
    fixture_start(&f);
    CHECK_INT(tenant_end(f.tenant).position, 3);
    CHECK_INT(tenant_end(f.tenant).size_bytes, size);
    CHECK_TEXT(line_of(&f, 3), "EIO");
    CHECK_TEXT(state_of(&f, "order_1"), "EIO");
    CHECK_JSON(state_at(&f, "order_1", 1), "{'n':1}");
    CHECK_JSON(state_of(&f, "order_2"), "{'n':2}");
    CHECK_INT(event(&f, "order_1", "was_seen", "{}"), -EIO);
    CHECK_INT(event(&f, "order_2", "was_seen", "{'n':3}"), 0);
    CHECK_JSON(state_of(&f, "order_2"), "{'n':3}");
    CHECK_INT(tenant_end(f.tenant).position, 4);
    char block[2000];
    size_t got;
    struct stream_place place = {0};
    CHECK_INT(stream_read_log(&f.reader, &place, size, block, sizeof block, &got), 0);
    CHECK_INT(got, tenant_end(f.tenant).size_bytes - size);
    CHECK_INT(stream_read_log(&f.reader, &place, size - 5, block, sizeof block, &got), -EIO);
    CHECK_INT(stream_read_log(&f.reader, &place, 0, block, sizeof block, &got), 0);
    CHECK_INT(count_lines((struct slice){.at = block, .size = got}), 2);
    quiet(false);
    fixture_close(&f);
}

// What opens a tenant of 40 events of one entity, changed by SQL at rest.
static int open_changed(const char *sql)
{
    struct fixture f = {0};
    fixture_open(&f);
    for (int i = 0; i < 40; i++)
        REQUIRE(event(&f, "order_1", "was_seen", "{}"));
    fixture_stop(&f);
    file_sql(f.path, "acme.db", sql);
    quiet(true);
    int error = fixture_try(&f);
    quiet(false);
    if (!error)
        fixture_stop(&f);
    directory_remove(f.path);
    fixture_free_texts(&f);
    return error;
}

static void ends_that_differ(void)
{
    CHECK_INT(open_changed("SELECT 1"), 0);
    CHECK_INT(open_changed("DELETE FROM event WHERE position > 38; UPDATE mark SET position = 38 WHERE one = 2"), -EIO);
    CHECK_INT(open_changed("UPDATE mark SET position = 35 WHERE one = 1"), 0);
    // The last chunk, versions 33 to 40, is gone; the log says nothing of 33 to 35 then.
    CHECK_INT(open_changed("UPDATE mark SET position = 35 WHERE one = 1;"
                           "DELETE FROM chunk WHERE key = (SELECT max(key) FROM chunk)"),
        -EIO);
}

static void most_is_sound(void)
{
    printf("#   %u of %u did not open, %u lists and %u of %u writes failed, %llu of %llu answers were EIO\n", unopened,
        flips, unlisted, unwritten, 5 * flips, (unsigned long long)m.lost, (unsigned long long)(m.lost + m.right));
    CHECK(unopened < flips / 20);
    CHECK(m.lost < m.right / 50);
    CHECK(unwritten < flips / 10);
}

int main(int count, char **arguments)
{
    if (count > 1)
        flips = (unsigned)strtoul(arguments[1], NULL, 10);
    if (count > 2)
        chance_state = strtoull(arguments[2], NULL, 10);
    uint64_t seed = chance_state;
    chance_state = 88172645463325252u;
    fixture_open(&sound);
    while (m.count < 4000)
        model_append(&sound, &m, 100);
    model_scan(&sound, &m);
    fixture_stop(&sound);
    chance_state = seed;
    quiet(true);
    TEST("any byte that changed while the tenant was closed", any_byte);
    quiet(false);
    TEST("a damaged last event keeps nothing else from being read and written", last_event);
    TEST("a log that ends before its index, or goes on behind its end, is not written on", ends_that_differ);
    TEST("what is sound can be read and written", most_is_sound);
    directory_remove(sound.path);
    fixture_free_texts(&sound);
    model_free(&m);
    return check_end("damage");
}
