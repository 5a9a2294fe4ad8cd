// Queries by the index, by histories and by the log: whatever finds the events, they are those that a comparison of all
// of them finds.
#include "store/result.h"
#include "tests/store/query_model.h"

static struct fixture f;
static struct known_log known;

// Goes through the log in windows of some size, and counts; skips what the query says holds nothing.
static void check_filter(struct fixture *in, const struct known_log *log, const struct known_filter *k, uint64_t step)
{
    FILTER_AUTO filter;
    struct reason why = {0};
    int error = filter_parse(&filter, FILTER_QUERY, slice_of(k->text), &why);
    if (error)
        printf("#   %s: %s\n", k->text, why.text);
    REQUIRE(error);
    struct query query;
    query_init(&query, &in->reader, &filter);
    uint64_t first, last, end = tenant_end(in->tenant).position, expected = 1;
    CHECK_INT(query_bounds(&query, &first, &last), 0);
    if (last > end)
        last = end;
    bool right = true;
    for (uint64_t at = first; at <= last && right;) {
        uint64_t to = at + step - 1 < last ? at + step - 1 : last, next;
        const struct query_match *matches;
        size_t count;
        error = query_window(&query, at, to, &matches, &count, &next);
        CHECK_INT(error, 0);
        right = !error && next > to;
        for (size_t i = 0; right && i < count; i++, expected++) {
            while (expected <= log->count && !known_matches(k, &log->events[expected - 1]))
                expected++;
            right = matches[i].position == expected && !matches[i].damaged &&
                    matches[i].size_bytes == log->events[expected - 1].size_bytes;
        }
        at = next;
        if (next == UINT64_MAX)
            break;
    }
    while (right && expected <= log->count)
        right = !known_matches(k, &log->events[expected++ - 1]);
    if (!right)
        printf("#   %s in steps of %llu, seed %llu\n", k->text, (unsigned long long)step,
            (unsigned long long)chance_state);
    CHECK(right);
    query_close(&query);
}

static void check_random(struct fixture *in, const struct known_log *log, int filters)
{
    for (int i = 0; i < filters; i++) {
        struct known_filter k;
        known_filter_make(log, &k);
        check_filter(in, log, &k, chance(2) ? QUERY_WINDOW : 1 + chance(10000));
    }
}

static void grow(unsigned events)
{
    uint64_t from = known.count + 1;
    for (unsigned left = events; left;) {
        unsigned batch = left < 700 ? left : 1 + (unsigned)chance(700);
        known_append(&f, &known, batch);
        left -= batch;
    }
    known_scan(&f, &known, from);
}

static uint64_t posted_of(struct fixture *in)
{
    pthread_mutex_lock(&in->tenant->lock);
    uint64_t posted = in->tenant->index.posted;
    pthread_mutex_unlock(&in->tenant->lock);
    return posted;
}

static void in_memory(void)
{
    grow(1500);
    check_random(&f, &known, 200);
}

static void on_disk(void)
{
    grow(30000);
    CHECK(posted_of(&f) >= 28672 - SEGMENT_EVENTS);
    check_random(&f, &known, 300);
}

static void reopened(void)
{
    for (int i = 0; i < 4; i++) {
        fixture_reopen(&f);
        check_random(&f, &known, 40);
        grow(1000 + (unsigned)chance(3000));
        check_random(&f, &known, 40);
    }
}

static void at_the_edge(void)
{
    grow((unsigned)(SEGMENT_EVENTS - known.count % SEGMENT_EVENTS));
    check_random(&f, &known, 40);
    fixture_reopen(&f);
    check_random(&f, &known, 40);
    grow(1);
    check_random(&f, &known, 40);
}

static void many_actors(void)
{
    known.actors = 100000;
    grow(20000);
    check_random(&f, &known, 100);
    fixture_reopen(&f);
    check_random(&f, &known, 100);
}

// ---- results as files

// All lines that match up to a position, put together here.
static void expect_lines(struct fixture *in, const struct known_log *log, const struct known_filter *k, uint64_t last,
    bool descending, uint64_t limit, struct bytes *out)
{
    bytes_clear(out);
    uint64_t found = 0;
    for (uint64_t i = 1; i <= last && found < limit; i++) {
        uint64_t position = descending ? last + 1 - i : i;
        if (!known_matches(k, &log->events[position - 1]))
            continue;
        struct slice line = line_of(in, position);
        bytes_add_slice(out, line);
        bytes_add_char(out, '\n');
        found++;
    }
}

static void check_reads(struct fixture *in, struct result *r, struct slice expected)
{
    static char block[20000];
    uint64_t next = 0;
    for (int i = 0; i < 12; i++) {
        uint64_t offset = chance(3) ? next : chance(expected.size + 10);
        size_t size = 1 + chance(chance(2) ? 300 : sizeof block), got, left = 0;
        CHECK_INT(result_read(r, &in->reader, offset, expected.size, block, size, &got), 0);
        if (offset < expected.size)
            left = expected.size - offset < size ? (size_t)(expected.size - offset) : size;
        CHECK_INT(got, left);
        CHECK(got == left && !memcmp(block, expected.at + offset, got));
        next = offset + got;
    }
}

static void check_result(struct fixture *in, const struct known_log *log, const struct known_filter *k)
{
    FILTER_AUTO filter;
    REQUIRE(filter_parse(&filter, FILTER_QUERY, slice_of(k->text), NULL));
    BYTES_AUTO expected = {0};
    struct result up, down;
    uint64_t count, bytes, last;
    result_ascend(&up, &filter, 1);
    // In pieces, as a log grows.
    for (uint64_t end = chance(log->count) + 1;; end += chance(9000)) {
        end = end < log->count ? end : log->count;
        CHECK_INT(result_look(&up, &in->reader, end, UINT64_MAX), 0);
        if (chance(3) == 0 || end == log->count) {
            expect_lines(in, log, k, end, false, UINT64_MAX, &expected);
            CHECK_INT(up.bytes, expected.size);
            check_reads(in, &up, bytes_slice(&expected));
        }
        if (end == log->count)
            break;
    }
    for (int i = 0; i < 3; i++) {
        uint64_t position = chance(log->count + 1), limit = chance(2) ? UINT64_MAX : 1 + chance(50);
        expect_lines(in, log, k, position, false, limit, &expected);
        CHECK_INT(result_part(&up, &in->reader, position, limit, &count, &bytes, &last), 0);
        CHECK_INT(bytes, expected.size);
        check_reads(in, &up, bytes_slice(&expected));

        expect_lines(in, log, k, position, true, limit, &expected);
        result_descend(&down, &filter, position);
        CHECK_INT(result_look(&down, &in->reader, 0, limit), 0);
        CHECK_INT(result_part(&down, &in->reader, UINT64_MAX, limit, &count, &bytes, &last), 0);
        CHECK_INT(bytes, expected.size);
        check_reads(in, &down, bytes_slice(&expected));
        result_close(&down);
    }
    if (!check_ok)
        printf("#   %s\n", k->text);
    result_close(&up);
}

static void results(void)
{
    for (int i = 0; i < 25; i++) {
        struct known_filter k;
        known_filter_make(&known, &k);
        check_result(&f, &known, &k);
    }
}

static void large_batch(void)
{
    uint64_t from = known.count + 1;
    known_append(&f, &known, 60000);
    known_scan(&f, &known, from);
    check_random(&f, &known, 60);
    grow(3000);
    check_random(&f, &known, 60);
    // The rest is read from the log again, when nobody writes.
    atomic_store(&f.tenant->rest_ns, 1000000);
    grow(1);
    while (posted_of(&f) != known.count / SEGMENT_EVENTS * SEGMENT_EVENTS)
        check_random(&f, &known, 1);
    check_random(&f, &known, 60);
}

int main(void)
{
    fixture_open(&f);
    TEST("what memory has is found", in_memory);
    TEST("what the index on disk has is found", on_disk);
    TEST("a tenant that is opened anew finds the same", reopened);
    TEST("a log that ends with a segment has no open one", at_the_edge);
    TEST("of many actors each is found", many_actors);
    TEST("a result is the lines that match, up and down, from anywhere, as the log grows", results);
    TEST("a large batch fills many segments at once", large_batch);
    fixture_close(&f);
    free(known.events);
    return check_end("query");
}
