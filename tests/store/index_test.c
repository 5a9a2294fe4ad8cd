// The index by type and actor on disk: made from the log of an old file while the tenant serves, after a kill in the
// midst of a segment, and with any byte of the file changed.
#include "store/result.h"
#include "tests/store/query_model.h"

static uint64_t number_of(const char *directory, const char *text)
{
    char path[200];
    sqlite3 *db;
    sqlite3_stmt *statement;
    snprintf(path, sizeof path, "%s/acme.db", directory);
    REQUIRE(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL));
    REQUIRE(sqlite3_prepare_v2(db, text, -1, &statement, NULL));
    REQUIRE(sqlite3_step(statement) != SQLITE_ROW);
    uint64_t number = (uint64_t)sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return number;
}

static uint64_t posted_of(struct fixture *in)
{
    pthread_mutex_lock(&in->tenant->lock);
    uint64_t posted = in->tenant->index.posted;
    pthread_mutex_unlock(&in->tenant->lock);
    return posted;
}

// How the answers to a filter were: right, wrong, or an error that says so.
struct answers {
    unsigned right, wrong, refused;
};

static void ask(struct fixture *in, const struct known_log *log, struct answers *answers)
{
    static bool seen[1 << 16];
    struct known_filter k;
    FILTER_AUTO filter;
    known_filter_make(log, &k);
    REQUIRE(filter_parse(&filter, FILTER_QUERY, slice_of(k.text), NULL));
    struct query query;
    query_init(&query, &in->reader, &filter);
    uint64_t first, last, next, end = tenant_end(in->tenant).position;
    const struct query_match *matches;
    size_t count = 0;
    bool right = end == log->count;
    int error = query_bounds(&query, &first, &last);
    last = last < end ? last : end;
    memset(seen, 0, sizeof seen);
    if (!error && first <= last)
        error = query_window(&query, first, last, &matches, &count, &next);
    for (size_t i = 0; !error && i < count; i++) {
        const struct known_event *e = &log->events[matches[i].position - 1];
        seen[matches[i].position] = true;
        right = right && (matches[i].damaged || (known_matches(&k, e) && matches[i].size_bytes == e->size_bytes));
    }
    for (uint64_t position = 1; !error && position <= end; position++)
        right = right && (seen[position] || !known_matches(&k, &log->events[position - 1]));
    if (error)
        answers->refused += error == -EIO;
    if (error ? error != -EIO : !right)
        printf("#   %s: %d\n", k.text, error);
    answers->right += !error && right;
    answers->wrong += error ? error != -EIO : !right;
    query_close(&query);
}

static void check_right(struct fixture *in, const struct known_log *log, unsigned times)
{
    struct answers answers = {0};
    for (unsigned i = 0; i < times; i++)
        ask(in, log, &answers);
    CHECK_INT(answers.right, times);
}

static void fill(struct fixture *in, struct known_log *log, unsigned events)
{
    uint64_t from = log->count + 1;
    for (unsigned left = events, batch; left; left -= batch) {
        batch = left < 500 ? left : 500;
        known_append(in, log, batch);
    }
    known_scan(in, log, from);
}

// ---- a file of format 1

static uint64_t count_of(struct fixture *in, const char *text)
{
    FILTER_AUTO filter;
    struct result result;
    REQUIRE(filter_parse(&filter, FILTER_QUERY, slice_of(text), NULL));
    result_ascend(&result, &filter, 1);
    CHECK_INT(result_look(&result, &in->reader, tenant_end(in->tenant).position, UINT64_MAX), 0);
    uint64_t count = result.count;
    result_close(&result);
    return count;
}

static void old_file(void)
{
    static char dump[1 << 16];
    struct fixture f = {0};
    fixture_open(&f);
    fixture_stop(&f);
    FILE *file = fopen("tests/store/format_1.sql", "re");
    REQUIRE(!file);
    dump[fread(dump, 1, sizeof dump - 1, file)] = '\0';
    fclose(file);
    char path[200];
    snprintf(path, sizeof path, "%s/acme.db", f.path);
    REQUIRE(unlink(path));
    file_sql(f.path, "acme.db", dump);

    fixture_start(&f);
    CHECK_INT(tenant_end(f.tenant).position, 8);
    CHECK_INT(number_of(f.path, "PRAGMA user_version"), ENGINE_FORMAT);
    CHECK_INT(count_of(&f, "type=Deal.*"), 5);
    CHECK_INT(count_of(&f, "type=Deal.Cancelled"), 1);
    CHECK_INT(count_of(&f, "actor=Doe%2C Jane"), 3);
    CHECK_INT(count_of(&f, "type=order.was_placed,entity=order_2"), 1);
    CHECK_INT(event(&f, "deal_1", "Deal.Noted", "{}"), 0);
    CHECK_INT(count_of(&f, "type=Deal.*"), 6);
    CHECK_TEXT(state_of(&f, "deal_1"), "{\"n\":7}");
    fixture_close(&f);
}

// What an upgrade leaves: tables without rows.
static const char no_index[] = "DELETE FROM term; DELETE FROM posting; UPDATE mark SET position = 0 WHERE one = 2";

static void caught_up(void)
{
    struct fixture f = {0};
    struct known_log log = {.actors = 40};
    fixture_open(&f);
    fill(&f, &log, 30000);
    fixture_stop(&f);
    uint64_t rows = number_of(f.path, "SELECT count(*) FROM posting"),
             terms = number_of(f.path, "SELECT count(*) FROM term");
    CHECK(rows > 100 && terms > 40);
    file_sql(f.path, "acme.db", no_index);

    fixture_start(&f);
    CHECK_INT(posted_of(&f), 0);
    check_right(&f, &log, 10);
    // Commits go on meanwhile, and take a part of it with them.
    for (int i = 0; i < 10; i++) {
        fill(&f, &log, 500);
        check_right(&f, &log, 3);
    }
    CHECK(posted_of(&f) > 0 && posted_of(&f) < 30000);
    atomic_store(&f.tenant->rest_ns, 1000000);
    fill(&f, &log, 1);
    while (posted_of(&f) != log.count / SEGMENT_EVENTS * SEGMENT_EVENTS)
        check_right(&f, &log, 1);
    check_right(&f, &log, 60);
    fixture_stop(&f);
    CHECK(number_of(f.path, "SELECT count(*) FROM posting") >= rows);
    CHECK_INT(number_of(f.path, "SELECT count(*) FROM term"), terms);
    CHECK_INT(
        number_of(f.path, "SELECT sum(count) FROM term WHERE kind = 1"), log.count / SEGMENT_EVENTS * SEGMENT_EVENTS);
    fixture_start(&f);
    check_right(&f, &log, 60);
    fixture_close(&f);
    free(log.events);
}

// ---- a kill

// Each term of a segment is written once, though a kill came between.
static void killed(void)
{
    struct fixture f = {0};
    struct known_log log = {.actors = 1000000};
    fixture_open(&f);
    fill(&f, &log, SEGMENT_EVENTS - 96);
    bool half = false;
    for (int i = 0; i < 40; i++) {
        fill(&f, &log, 60);
        // What a kill leaves: the files as they are.
        struct fixture copy = {0};
        directory_make(copy.path);
        directory_copy(f.path, copy.path);
        uint64_t rows = number_of(copy.path, "SELECT count(*) FROM posting");
        half = half || (rows && posted_of(&f) == 0);
        fixture_start(&copy);
        check_right(&copy, &log, 5);
        atomic_store(&copy.tenant->rest_ns, 1000000);
        struct known_log more = {.actors = 3, .count = log.count, .room = log.count};
        more.events = malloc(log.count * sizeof *more.events);
        memcpy(more.events, log.events, log.count * sizeof *more.events);
        fill(&copy, &more, 1);
        while (posted_of(&copy) != more.count / SEGMENT_EVENTS * SEGMENT_EVENTS)
            usleep(1000);
        check_right(&copy, &more, 5);
        fixture_close(&copy);
        free(more.events);
        if (half && posted_of(&f))
            break;
    }
    CHECK(half);
    CHECK_INT(posted_of(&f), SEGMENT_EVENTS);
    fixture_close(&f);
    free(log.events);
}

// ---- damage

static void any_byte(void)
{
    struct fixture sound = {0}, f = {0};
    struct known_log log = {.actors = 300};
    struct answers answers = {0};
    fixture_open(&sound);
    fill(&sound, &log, 13000);
    fixture_stop(&sound);
    // The log's lines are most of the file; it is the index that is tried here.
    file_sql(sound.path, "acme.db", "VACUUM");
    directory_make(f.path);
    unsigned opened = 0;
    for (int i = 0; i < 60; i++) {
        directory_copy(sound.path, f.path);
        char path[200];
        snprintf(path, sizeof path, "%s/acme.db", f.path);
        file_flip(path, false);
        quiet(true);
        if (fixture_try(&f) == 0) {
            opened++;
            for (int k = 0; k < 6; k++)
                ask(&f, &log, &answers);
            fixture_stop(&f);
        }
        quiet(false);
    }
    CHECK(opened > 50);
    CHECK_INT(answers.wrong, 0);
    CHECK(answers.right > 200);
    printf("#   %u right, %u said to be damaged\n", answers.right, answers.refused);
    directory_remove(f.path);
    fixture_start(&sound);
    fixture_close(&sound);
    free(log.events);
}

// Rows that are gone or changed are noticed by those around them.
static void index_rows(void)
{
    static const char *const changes[] = {
        "DELETE FROM posting WHERE key = (SELECT id << 32 FROM term WHERE text = 'deal.opened')",
        "DELETE FROM posting WHERE key = (SELECT (id << 32) + 1 FROM term WHERE text = 'deal.opened')",
        "DELETE FROM posting WHERE key = (SELECT (id << 32) + 2 FROM term WHERE text = 'deal.opened')",
        "UPDATE posting SET events = x'00' || events WHERE key = (SELECT id << 32 FROM term WHERE text = "
        "'deal.opened')",
        "UPDATE term SET count = count - 1 WHERE text = 'deal.opened'",
        "UPDATE term SET id = id + 1 WHERE text = 'deal.opened'",
        "UPDATE term SET text = 'deal.openee' WHERE text = 'deal.opened'",
    };
    struct fixture sound = {0};
    struct known_log log = {.actors = 30};
    fixture_open(&sound);
    fill(&sound, &log, 3 * SEGMENT_EVENTS + 100);
    FILTER_AUTO filter, other;
    REQUIRE(filter_parse(&filter, FILTER_QUERY, SLICE("type=Deal.Opened"), NULL));
    REQUIRE(filter_parse(&other, FILTER_QUERY, SLICE("type=Deal.Closed"), NULL));
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        struct fixture f = {0};
        fixture_copy(&sound, &f);
        fixture_stop(&f);
        file_sql(f.path, "acme.db", changes[i]);
        fixture_start(&f);
        struct result result, beside;
        quiet(true);
        result_ascend(&result, &filter, 1);
        int error = result_look(&result, &f.reader, log.count, UINT64_MAX);
        result_ascend(&beside, &other, 1);
        CHECK_INT(result_look(&beside, &f.reader, log.count, UINT64_MAX), 0);
        quiet(false);
        if (error != -EIO)
            printf("#   %s\n", changes[i]);
        CHECK_INT(error, -EIO);
        result_close(&result);
        result_close(&beside);
        fixture_close(&f);
    }
    fixture_close(&sound);
    free(log.events);
}

int main(void)
{
    TEST("a file of format 1 is brought to the newest format, and queried", old_file);
    TEST("an index that is missing is made from the log, while the tenant serves", caught_up);
    TEST("a kill within a segment loses and doubles nothing in the index", killed);
    TEST("rows of the index that are gone or changed are an I/O error, and no other", index_rows);
    TEST("with any byte changed a query is right or an I/O error", any_byte);
    return check_end("index");
}
