// One bit changed of what searches find the rows of an entity by, which has no checksum: the keys in the page above
// them, and the places and keys in their own. What is answered is as it was, or EIO, and the proof of the file finds
// the damage; what other searches find is not refused.
#include "store/proof.h"

#include "store/survey.h"
#include "tests/store/store_fixture.h"

#define PAGE_BYTES 8192
#define ENTITIES   9
#define VERSIONS   144
// The types of pages: of keys that lead to rows, and of rows.
#define INTERIOR_TABLE 5
#define LEAF_TABLE     13

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
    char padding[501] = "";
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

struct trial {
    struct fixture f; // a copy of the store
    char path[200];   // of its file
    off_t page;       // where it begins
    unsigned char bytes[PAGE_BYTES];
};

static void begin(struct trial *t, off_t page)
{
    t->page = page;
    int fd = open(t->path, O_RDONLY | O_CLOEXEC);
    REQUIRE(pread(fd, t->bytes, PAGE_BYTES, page) != PAGE_BYTES);
    close(fd);
}

static void open_trial(struct trial *t, const char *table)
{
    directory_make(t->f.path);
    directory_copy(sound.path, t->f.path);
    snprintf(t->path, sizeof t->path, "%s/acme.db", t->f.path);
    begin(t, root_of(t->path, table));
    CHECK_INT(t->bytes[0], INTERIOR_TABLE);
    right = refused = 0;
}

static void close_trial(struct trial *t)
{
    printf("#   %u answers right, %u EIO\n", right, refused);
    CHECK(refused && refused < 2 * right);
    directory_remove(t->f.path);
    fixture_free_texts(&t->f);
}

static void flip(struct trial *t, off_t at, unsigned bit)
{
    directory_copy(sound.path, t->f.path);
    int fd = open(t->path, O_RDWR | O_CLOEXEC);
    flip_bit(fd, t->page + at, bit);
    close(fd);
    bool ok = check_ok;
    check_ok = true;
    ask_damaged(&t->f, t->path);
    if (!check_ok)
        printf("# byte %lld of the page, bit %u\n", (long long)at, bit);
    check_ok &= ok;
}

static off_t number_at(const struct trial *t, off_t at)
{
    return t->bytes[at] << 8 | t->bytes[at + 1];
}

// Each bit of the cells, one after the other: the number of the page below, and the last key in it.
static void each_bit_above(const char *table)
{
    struct trial t = {0};
    open_trial(&t, table);
    for (off_t at = number_at(&t, 5); at < PAGE_BYTES; at++)
        for (unsigned bit = 0; bit < 8; bit++)
            flip(&t, at, bit);
    close_trial(&t);
}

static void chunks(void)
{
    each_bit_above("chunk");
}

static void snapshots(void)
{
    each_bit_above("snapshot");
}

// A bit of each byte of the first page of rows that is not of a row's own: how many there are, where each begins, its
// size and its key.
static void chunk_rows(void)
{
    struct trial t = {0};
    open_trial(&t, "chunk");
    off_t cell = number_at(&t, 12);
    begin(&t, ((off_t)t.bytes[cell + 2] << 8 | t.bytes[cell + 3]) * PAGE_BYTES - PAGE_BYTES);
    CHECK_INT(t.bytes[0], LEAF_TABLE);
    off_t rows = number_at(&t, 3);
    for (off_t at = 0; at < 8 + 2 * rows; at++)
        flip(&t, at, (unsigned)chance(8));
    for (off_t row = 0; row < rows; row += 2)
        for (off_t at = 0; at < 7; at++)
            flip(&t, number_at(&t, 8 + 2 * row) + at, (unsigned)chance(8));
    close_trial(&t);
}

int main(void)
{
    fill();
    struct reason why;
    REQUIRE(survey_open(&survey, sound.path, &why));
    quiet(true);
    TEST("a damaged key above the index by entity never lets an entity be as it was earlier", chunks);
    TEST("a damaged key above the snapshots never lets another state be folded on", snapshots);
    TEST("a damaged key, place or count of its rows does not either", chunk_rows);
    quiet(false);
    survey_close(&survey);
    directory_remove(sound.path);
    fixture_free_texts(&sound);
    return check_end("misled");
}
