// One bit changed in the page from which searches find the rows of an entity: its keys have no checksum. What is
// answered is as it was, or EIO, and the proof of the file finds the damage; what other searches find is not refused.
#include "store/proof.h"

#include "store/survey.h"
#include "tests/store/store_fixture.h"

#define PAGE_BYTES     8192
#define ENTITIES       9
#define VERSIONS       144
#define INTERIOR_TABLE 5 // the type of a page of keys that lead to rows

static struct fixture sound; // at rest, untouched
static struct survey survey;
static unsigned right, refused;

static const char *name_of(unsigned entity)
{
    static char name[32];
    snprintf(name, sizeof name, "thing_%u", entity);
    return name;
}

static void fill(void)
{
    char padding[801] = "";
    memset(padding, 'x', sizeof padding - 1);
    fixture_open(&sound);
    for (unsigned version = 1; version <= VERSIONS; version++)
        for (unsigned entity = 0; entity < ENTITIES; entity++)
            REQUIRE(append_of(&sound, "{'type':'was_counted','target':'%s','data':{'n':'%u.%u','padding':'%s'}}",
                name_of(entity), entity, version, padding));
    fixture_stop(&sound);
}

// ---- what is asked

static void check_state(struct fixture *f, unsigned entity, uint32_t version)
{
    char expected[32];
    snprintf(expected, sizeof expected, "{\"n\":\"%u.%u\",", entity, version == ALL ? VERSIONS : version);
    struct slice state = state_at(f, name_of(entity), version);
    bool is_right = text_has(state, expected);
    if (!is_right)
        CHECK_TEXT(state, "EIO");
    right += is_right;
    refused += !is_right;
}

static void check_append(struct fixture *f, unsigned entity)
{
    int error = event(f, name_of(entity), "was_counted", "{'n':'new'}");
    CHECK(error == 0 || error == -EIO);
    if (!error)
        CHECK_INT(version_of(f, name_of(entity)), VERSIONS + 1);
}

static void ask_all(struct fixture *f)
{
    for (unsigned entity = 0; entity < ENTITIES; entity++) {
        check_state(f, entity, ALL);
        check_state(f, entity, 1 + (uint32_t)chance(VERSIONS));
    }
    check_append(f, (unsigned)chance(ENTITIES));
}

static int prove(const char *path)
{
    struct proof proof;
    struct proof_subject subject = {
        .path = path, .mode = ENGINE_AT_REST, .number = survey.tenants[0].number, .sqids = &survey.sqids};
    return proof_make(&subject, &proof);
}

// ---- the page

static off_t root_of(const char *path, const char *table)
{
    sqlite3 *db;
    sqlite3_stmt *s;
    REQUIRE(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL));
    REQUIRE(sqlite3_prepare_v2(db, "SELECT rootpage FROM sqlite_schema WHERE name = ?1", -1, &s, NULL));
    sqlite3_bind_text(s, 1, table, -1, SQLITE_STATIC);
    REQUIRE(sqlite3_step(s) != SQLITE_ROW);
    off_t page = sqlite3_column_int(s, 0);
    sqlite3_finalize(s);
    sqlite3_close(db);
    return (page - 1) * PAGE_BYTES;
}

static void flip_bit(int fd, off_t at, unsigned bit)
{
    unsigned char byte;
    REQUIRE(pread(fd, &byte, 1, at) != 1);
    byte ^= (unsigned char)(1u << bit);
    REQUIRE(pwrite(fd, &byte, 1, at) != 1);
}

static void ask_damaged(struct fixture *f, const char *path)
{
    unsigned refused_before = refused;
    int found = prove(path);
    if (fixture_try(f)) {
        CHECK_INT(found, -EIO);
        return;
    }
    ask_all(f);
    fixture_stop(f);
    if (refused > refused_before)
        CHECK_INT(found, -EIO);
}

// Each bit of the cells, one after the other: the number of the page below, and the last key in it.
static void each_bit(const char *table)
{
    struct fixture f = {0};
    char path[200];
    unsigned char page[PAGE_BYTES];
    directory_make(f.path);
    directory_copy(sound.path, f.path);
    snprintf(path, sizeof path, "%s/acme.db", f.path);
    off_t root = root_of(path, table);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    REQUIRE(pread(fd, page, PAGE_BYTES, root) != PAGE_BYTES);
    close(fd);
    CHECK_INT(page[0], INTERIOR_TABLE);
    right = refused = 0;
    for (off_t at = page[5] << 8 | page[6]; check_ok && at < PAGE_BYTES; at++)
        for (unsigned bit = 0; bit < 8; bit++) {
            directory_copy(sound.path, f.path);
            fd = open(path, O_RDWR | O_CLOEXEC);
            flip_bit(fd, root + at, bit);
            close(fd);
            ask_damaged(&f, path);
            if (!check_ok)
                printf("# byte %lld of the page, bit %u\n", (long long)at, bit);
        }
    printf("#   %u answers right, %u EIO\n", right, refused);
    CHECK(refused && refused < 2 * right);
    directory_remove(f.path);
    fixture_free_texts(&f);
}

static void chunks(void)
{
    each_bit("chunk");
}

static void snapshots(void)
{
    each_bit("snapshot");
}

int main(void)
{
    fill();
    struct reason why;
    REQUIRE(survey_open(&survey, sound.path, &why));
    quiet(true);
    TEST("a damaged key above the index by entity never lets an entity be as it was earlier", chunks);
    TEST("a damaged key above the snapshots never lets another state be folded on", snapshots);
    quiet(false);
    survey_close(&survey);
    directory_remove(sound.path);
    fixture_free_texts(&sound);
    return check_end("misled");
}
