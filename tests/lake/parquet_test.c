// Parquet files of the lake: what is written is read back, and what is damaged is said to be.
// What other programs say of the files is in parquet.bats.
#include "hooks/lake/dictionary.h"
#include "hooks/lake/parquet.h"
#include "hooks/lake/parquet_read.h"
#include "hooks/lake/parquet_write.h"
#include "hooks/lake/runs.h"
#include "tests/lake/rows.h"
#include "tests/store/check.h"

#include <errno.h>

static uint64_t seed = 7;

static uint32_t any(uint32_t below)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((seed >> 33) % below);
}

// ---- pieces

static void runs_as_the_format_has_them(void)
{
    // The two examples of Parquet's Encodings.md.
    BYTES_AUTO out = {0};
    uint32_t values[104] = {0, 1, 2, 3, 4, 5, 6, 7};
    runs_put(&out, values, 8, 3);
    CHECK(slice_equal(bytes_slice(&out), (struct slice){.at = "\x03\x88\xc6\xfa", .size = 4}));
    bytes_clear(&out);
    for (int i = 0; i < 100; i++)
        values[i] = 4;
    runs_put(&out, values, 100, 3);
    CHECK(slice_equal(bytes_slice(&out), (struct slice){.at = "\xc8\x01\x04", .size = 3}));
    CHECK_INT(runs_width(1), 0);
    CHECK_INT(runs_width(2), 1);
    CHECK_INT(runs_width(256), 8);
    CHECK_INT(runs_width(257), 9);
}

static void runs_come_back(void)
{
    static uint32_t values[3000], back[3000];
    for (int round = 0; round < 400; round++) {
        unsigned width = any(33);
        uint32_t mask = width == 32 ? UINT32_MAX : (1u << width) - 1;
        size_t count = any(3000), stretch = 1 + any(20);
        for (size_t i = 0; i < count; i++)
            values[i] = i % stretch ? values[i - 1] : (any(1u << 30) << 2 | any(4)) & mask;
        BYTES_AUTO out = {0};
        runs_put(&out, values, count, width);
        struct runs runs;
        CHECK(runs_begin(&runs, bytes_slice(&out), width));
        bool good = true;
        for (size_t at = 0; at < count;) {
            size_t some = 1 + any(200);
            some = some < count - at ? some : count - at;
            good &= runs_get(&runs, back + at, some);
            at += some;
        }
        CHECK(good && memcmp(values, back, count * sizeof *values) == 0);
        // Only what fills the last group may be left.
        CHECK(!runs_get(&runs, back, 8) || width == 0);
    }
}

static struct bounds bounds_of(const char *least, const char *greatest)
{
    struct bounds bounds = {0};
    bounds_add(&bounds, &lake_columns[LAKE_TARGET], &(struct lake_value){.text = slice_of(least)});
    bounds_add(&bounds, &lake_columns[LAKE_TARGET], &(struct lake_value){.text = slice_of(greatest)});
    return bounds;
}

static void check_bounds(const char *least, const char *greatest, const char *lower, const char *upper)
{
    struct bounds bounds = bounds_of(least, greatest);
    struct bound low = bounds_lower(&bounds, &lake_columns[LAKE_TARGET]);
    struct bound high = bounds_upper(&bounds, &lake_columns[LAKE_TARGET]);
    CHECK(low.is_known);
    CHECK_TEXT(((struct slice){.at = low.at, .size = low.size}), lower);
    CHECK_INT(low.is_exact, strcmp(lower, least) == 0);
    CHECK_INT(high.is_known, upper != NULL);
    if (upper)
        CHECK_TEXT(((struct slice){.at = high.at, .size = high.size}), upper);
    bounds_free(&bounds);
}

static void bounds_are_cut_as_iceberg_cuts_them(void)
{
    check_bounds("a", "b", "a", "b");
    check_bounds("", "zzzzzzzzzzzzzzzz", "", "zzzzzzzzzzzzzzzz");
    check_bounds("aaaaaaaaaaaaaaaabc", "aaaaaaaaaaaaaaaabd", "aaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaab");
    check_bounds("ééééééééééééééééé", "ééééééééééééééééé", "éééééééééééééééé", "éééééééééééééééê");
    check_bounds("a",
        "aaaaaaaaaaaaaaa\x7f"
        "b",
        "a", "aaaaaaaaaaaaaaa\xc2\x80");
    check_bounds("a",
        "aaaaaaaaaaaaaaa\uD7FF"
        "b",
        "a", "aaaaaaaaaaaaaaa\uE000");
    check_bounds("a",
        "aaaaaaaaaaaaaa\U0010FFFF\U0010FFFF"
        "b",
        "a", "aaaaaaaaaaaaab");
    check_bounds("a",
        "\U0010FFFF\U0010FFFF\U0010FFFF\U0010FFFF\U0010FFFF\U0010FFFF\U0010FFFF\U0010FFFF"
        "\U0010FFFF\U0010FFFF\U0010FFFF\U0010FFFF\U0010FFFF\U0010FFFF\U0010FFFF\U0010FFFF"
        "b",
        "a", NULL);
}

static void a_dictionary_knows_its_values(void)
{
    struct dictionary d = {0};
    char text[16];
    uint32_t entry = 0;
    for (uint32_t round = 0; round < 2; round++)
        for (uint32_t i = 0; i < 20000; i++) {
            int size = snprintf(text, sizeof text, "v%u", i);
            CHECK(dictionary_find(&d, (struct slice){.at = text, .size = (size_t)size}, &entry));
            CHECK_INT(entry, i);
        }
    CHECK_INT(d.count, 20000);
    dictionary_clear(&d);
    CHECK(dictionary_find(&d, SLICE("v7"), &entry));
    CHECK_INT(entry, 0);
    for (uint32_t i = 0; i < DICTIONARY_ENTRIES_MAX; i++) {
        int size = snprintf(text, sizeof text, "%u", i);
        if (!dictionary_find(&d, (struct slice){.at = text, .size = (size_t)size}, &entry))
            break;
    }
    CHECK_INT(d.count, DICTIONARY_ENTRIES_MAX);
    CHECK(!dictionary_find(&d, SLICE("new"), &entry));
    CHECK(dictionary_find(&d, SLICE("v7"), &entry));
    dictionary_free(&d);
}

// ---- files

static int to_bytes(void *context, struct slice bytes)
{
    struct bytes *to = context;
    bytes_add_slice(to, bytes);
    return to->failed ? -ENOMEM : 0;
}

struct part {
    struct slice bytes;
    unsigned reads;
};

static int from_bytes(void *context, uint64_t offset, char *to, size_t size)
{
    struct part *part = context;
    part->reads++;
    if (offset > part->bytes.size || size > part->bytes.size - offset)
        abort(); // a reader that asks for what is not there would get half an answer from a server
    memcpy(to, part->bytes.at + offset, size);
    return 0;
}

static struct parquet_writer *writer_of(const struct lake_column *columns, size_t count)
{
    struct parquet_writer *writer = NULL;
    CHECK_INT(parquet_writer_open(&writer, columns, count, &(struct parquet_options){.schema = SLICE("{\"a\":1}")}), 0);
    return writer;
}

static struct parquet_reader *reader_of(const struct lake_column *columns, size_t count)
{
    struct parquet_reader *reader = NULL;
    CHECK_INT(parquet_reader_open(&reader, columns, count), 0);
    return reader;
}

// How a row differs, as a number; the same row has the same.
static uint64_t sum_row(uint64_t sum, const struct lake_value *row, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        sum = sum * 31 + row[i].is_null;
        if (!row[i].is_null)
            sum = sum * 31 + (uint64_t)row[i].number + (row[i].text.at ? slice_hash(row[i].text) : 0);
    }
    return sum;
}

// Reads all rows: how many, or the first error; their sum.
static long long read_all(struct parquet_reader *reader, struct part *part, uint64_t *sum, struct reason *why)
{
    struct parquet_source source = {.read = from_bytes, .context = part, .size_bytes = part->bytes.size};
    struct lake_value row[LAKE_COLUMNS_MAX];
    int error = parquet_read(reader, source, why);
    if (error)
        return error;
    long long count = 0;
    int found;
    *sum = 0;
    while ((found = parquet_next(reader, row, why)) > 0) {
        *sum = sum_row(*sum, row, LAKE_COLUMNS);
        count++;
    }
    return found < 0 ? found : count;
}

static uint64_t write_rows(
    struct parquet_writer *writer, struct rows rows, uint64_t count, struct bytes *file, struct parquet_facts *facts)
{
    struct lake_value row[LAKE_COLUMNS];
    struct reason why = {0};
    uint64_t sum = 0;
    CHECK_INT(parquet_begin(writer, (struct parquet_sink){.write = to_bytes, .context = file}), 0);
    for (uint64_t i = 0; i < count; i++) {
        rows_next(&rows, row);
        sum = sum_row(sum, row, LAKE_COLUMNS);
        CHECK_INT(parquet_add(writer, row, &why), 0);
    }
    CHECK_INT(parquet_end(writer, facts), 0);
    return sum;
}

static void rows_come_back(void)
{
    struct parquet_writer *writer = writer_of(lake_columns, LAKE_COLUMNS);
    struct parquet_reader *reader = reader_of(lake_columns, LAKE_COLUMNS);
    static const uint64_t counts[] = {0, 1, 2, 10, 1000, 70000, 300000};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        BYTES_AUTO file = {0};
        PARQUET_FACTS_AUTO facts = {0};
        struct reason why = {0};
        uint64_t sum = write_rows(writer, (struct rows){.seed = i}, counts[i], &file, &facts), back = 1;
        struct part part = {.bytes = bytes_slice(&file)};
        CHECK_INT(read_all(reader, &part, &back, &why), counts[i]);
        CHECK_TEXT(slice_of(why.text), "");
        CHECK(sum == back);
        CHECK(!parquet_foreign(reader));
        CHECK_INT(parquet_rows(reader), counts[i]);
        CHECK_INT(facts.rows, counts[i]);
        CHECK_INT(facts.size_bytes, file.size);
        CHECK(counts[i] == 300000 ? facts.split_count > 1 : facts.split_count == (counts[i] > 0));
        if (counts[i] && counts[i] <= 100)
            CHECK_INT(part.reads, 1);
    }
    parquet_reader_free(reader);
    parquet_writer_free(writer);
}

static void facts_are_what_was_written(void)
{
    static const struct lake_column columns[] = {
        {1, "word", LAKE_STRING, .required = true, .bounded = true},
        {2, "number", LAKE_LONG, .bounded = true},
        {5, "secret", LAKE_STRING, .required = false},
    };
    struct parquet_writer *writer = writer_of(columns, 3);
    BYTES_AUTO file = {0};
    PARQUET_FACTS_AUTO facts = {0};
    CHECK_INT(parquet_begin(writer, (struct parquet_sink){.write = to_bytes, .context = &file}), 0);
    struct lake_value rows[][3] = {
        {{.text = SLICE("pear")}, {.number = -5}, {.is_null = true}},
        {{.text = SLICE("apple")}, {.is_null = true}, {.text = SLICE("x")}},
        {{.text = SLICE("")}, {.number = 258}, {.is_null = true}},
    };
    for (int i = 0; i < 3; i++)
        CHECK_INT(parquet_add(writer, rows[i], NULL), 0);
    CHECK_INT(parquet_end(writer, &facts), 0);
    CHECK_INT(facts.column_count, 3);
    CHECK_INT(facts.columns[2].id, 5);
    CHECK_INT(facts.columns[0].values, 3);
    CHECK_INT(facts.columns[0].nulls, 0);
    CHECK_INT(facts.columns[1].nulls, 1);
    CHECK_INT(facts.columns[2].nulls, 2);
    CHECK(facts.columns[0].lower.is_known && facts.columns[0].lower.size == 0);
    CHECK_TEXT(((struct slice){.at = facts.columns[0].upper.at, .size = facts.columns[0].upper.size}), "pear");
    CHECK(facts.columns[1].lower.size == 8 &&
          memcmp(facts.columns[1].lower.at, "\xfb\xff\xff\xff\xff\xff\xff\xff", 8) == 0);
    CHECK(facts.columns[1].upper.size == 8 && memcmp(facts.columns[1].upper.at, "\2\1\0\0\0\0\0\0", 8) == 0);
    CHECK(!facts.columns[2].lower.is_known && !facts.columns[2].upper.is_known);
    CHECK_INT(facts.split_count, 1);
    CHECK_INT(facts.splits[0], 4);
    uint64_t sum = 0;
    for (int i = 0; i < 3; i++)
        sum += facts.columns[i].size_bytes;
    CHECK(sum < file.size && sum > 0);
    parquet_writer_free(writer);
}

static void what_cannot_be_a_row_is_refused_and_the_file_goes_on(void)
{
    struct parquet_writer *writer = writer_of(lake_columns, LAKE_COLUMNS);
    struct parquet_reader *reader = reader_of(lake_columns, LAKE_COLUMNS);
    BYTES_AUTO file = {0};
    PARQUET_FACTS_AUTO facts = {0};
    struct rows rows = {0};
    struct lake_value row[LAKE_COLUMNS], bad[LAKE_COLUMNS];
    static char large[PARQUET_VALUE_MAX + 1];
    memset(large, 'x', sizeof large);
    rows_next(&rows, row);
    CHECK_INT(parquet_begin(writer, (struct parquet_sink){.write = to_bytes, .context = &file}), 0);
    static const char *const not_utf8[] = {"\xff", "a\xc0\x80", "\xed\xa0\x80", "eight..\xe2\x82", "\xf4\x90\x80\x80"};
    for (size_t i = 0; i < sizeof not_utf8 / sizeof *not_utf8; i++) {
        struct reason why = {0};
        memcpy(bad, row, sizeof bad);
        bad[LAKE_METADATA] = (struct lake_value){.text = slice_of(not_utf8[i])};
        CHECK_INT(parquet_add(writer, bad, &why), -EILSEQ);
        CHECK_TEXT(slice_of(why.text), "column metadata: a text that is not UTF-8");
    }
    struct reason why = {0};
    memcpy(bad, row, sizeof bad);
    bad[LAKE_POSITION].is_null = true;
    CHECK_INT(parquet_add(writer, bad, &why), -EINVAL);
    CHECK_TEXT(slice_of(why.text), "column position must have a value");
    memcpy(bad, row, sizeof bad);
    bad[LAKE_DATA].text = (struct slice){.at = large, .size = sizeof large};
    CHECK_INT(parquet_add(writer, bad, NULL), -EFBIG);
    bad[LAKE_DATA].text.size--;
    CHECK_INT(parquet_add(writer, bad, NULL), 0);
    CHECK_INT(parquet_add(writer, row, NULL), 0);
    CHECK_INT(parquet_end(writer, &facts), 0);
    uint64_t expected = sum_row(sum_row(0, bad, LAKE_COLUMNS), row, LAKE_COLUMNS), back = 0;
    struct part part = {.bytes = bytes_slice(&file)};
    CHECK_INT(read_all(reader, &part, &back, NULL), 2);
    CHECK(back == expected);
    parquet_reader_free(reader);
    parquet_writer_free(writer);
}

static int fails(void *context, struct slice bytes)
{
    size_t *left = context;
    if (bytes.size > *left)
        return -ENOSPC;
    *left -= bytes.size;
    return 0;
}

static void a_sink_that_fails_ends_the_file(void)
{
    struct parquet_writer *writer = writer_of(lake_columns, LAKE_COLUMNS);
    struct rows rows = {0};
    struct lake_value row[LAKE_COLUMNS];
    PARQUET_FACTS_AUTO facts = {0};
    size_t left = 1000;
    CHECK_INT(parquet_begin(writer, (struct parquet_sink){.write = fails, .context = &left}), 0);
    for (int i = 0; i < 1000; i++) {
        rows_next(&rows, row);
        CHECK_INT(parquet_add(writer, row, NULL), 0);
    }
    CHECK_INT(parquet_end(writer, &facts), -ENOSPC);
    // The writer is good for the next file.
    BYTES_AUTO file = {0};
    write_rows(writer, (struct rows){0}, 10, &file, &facts);
    CHECK_INT(facts.rows, 10);
    parquet_writer_free(writer);
}

static void columns_that_came_later(void)
{
    struct lake_column more[LAKE_COLUMNS + 1];
    memcpy(more, lake_columns, sizeof lake_columns);
    more[LAKE_COLUMNS] = (struct lake_column){11, "region", LAKE_STRING, .bounded = true};
    struct parquet_writer *writer = writer_of(lake_columns, LAKE_COLUMNS);
    struct parquet_reader *reader = reader_of(more, LAKE_COLUMNS + 1);
    BYTES_AUTO file = {0};
    PARQUET_FACTS_AUTO facts = {0};
    write_rows(writer, (struct rows){0}, 3, &file, &facts);
    struct part part = {.bytes = bytes_slice(&file)};
    struct parquet_source source = {.read = from_bytes, .context = &part, .size_bytes = file.size};
    struct lake_value row[LAKE_COLUMNS + 1];
    CHECK_INT(parquet_read(reader, source, NULL), 0);
    CHECK_INT(parquet_next(reader, row, NULL), 1);
    CHECK(row[LAKE_COLUMNS].is_null);
    CHECK_INT(row[LAKE_POSITION].number, 1);
    CHECK(!parquet_foreign(reader));
    parquet_reader_free(reader);
    parquet_writer_free(writer);

    // And the other way round: the file has a column that the reader does not know.
    writer = writer_of(more, LAKE_COLUMNS + 1);
    reader = reader_of(lake_columns, LAKE_COLUMNS);
    bytes_clear(&file);
    struct rows rows = {0};
    rows_next(&rows, row);
    row[LAKE_COLUMNS] = (struct lake_value){.text = SLICE("EU")};
    CHECK_INT(parquet_begin(writer, (struct parquet_sink){.write = to_bytes, .context = &file}), 0);
    CHECK_INT(parquet_add(writer, row, NULL), 0);
    parquet_facts_free(&facts);
    CHECK_INT(parquet_end(writer, &facts), 0);
    part.bytes = bytes_slice(&file);
    source.size_bytes = file.size;
    CHECK_INT(parquet_read(reader, source, NULL), 0);
    CHECK_TEXT(slice_of(parquet_foreign(reader)), "region");
    CHECK_INT(parquet_next(reader, row, NULL), 1);
    CHECK_INT(parquet_next(reader, row, NULL), 0);
    parquet_reader_free(reader);
    parquet_writer_free(writer);
}

// The largest values that can be, in one column after the other: some of these rows are more than a reader holds.
static void pages_that_are_too_large_together_are_refused(void)
{
    static char text[PARQUET_VALUE_MAX];
    struct lake_column columns[6];
    struct lake_value row[6];
    memset(text, 'x', sizeof text);
    for (int i = 0; i < 6; i++) {
        columns[i] = (struct lake_column){i + 1, "text", LAKE_STRING, .required = true};
        row[i] = (struct lake_value){.text = {.at = text, .size = sizeof text}};
    }
    for (size_t count = 2; count <= 6; count += 4) {
        struct parquet_writer *writer = writer_of(columns, count);
        struct parquet_reader *reader = reader_of(columns, count);
        BYTES_AUTO file = {0};
        PARQUET_FACTS_AUTO facts = {0};
        struct reason why = {0};
        CHECK_INT(parquet_begin(writer, (struct parquet_sink){.write = to_bytes, .context = &file}), 0);
        CHECK_INT(parquet_add(writer, row, NULL), 0);
        CHECK_INT(parquet_end(writer, &facts), 0);
        struct part part = {.bytes = bytes_slice(&file)};
        struct parquet_source source = {.read = from_bytes, .context = &part, .size_bytes = file.size};
        struct lake_value back[6];
        CHECK_INT(parquet_read(reader, source, &why), 0);
        CHECK_INT(parquet_next(reader, back, &why), count == 2 ? 1 : -ENOTSUP);
        CHECK(count == 2 ? back[1].text.size == sizeof text : strstr(why.text, "too large") != NULL);
        parquet_reader_free(reader);
        parquet_writer_free(writer);
    }
}

// Whatever is changed in a file: its rows are answered as they were, or it is said to be damaged.
static void damage_is_named_or_harmless(void)
{
    struct parquet_writer *writer = writer_of(lake_columns, LAKE_COLUMNS);
    struct parquet_reader *reader = reader_of(lake_columns, LAKE_COLUMNS);
    BYTES_AUTO file = {0};
    BYTES_AUTO changed = {0};
    PARQUET_FACTS_AUTO facts = {0};
    uint64_t sum = write_rows(writer, (struct rows){.seed = 3}, 2500, &file, &facts);
    int refused = 0, harmless = 0;
    for (int i = 0; i < 1000; i++) {
        bytes_clear(&changed);
        bytes_add_slice(&changed, bytes_slice(&file));
        size_t size = file.size;
        // Two thirds of the changes hit the footer, where one byte says what many mean.
        size_t from = i % 3 ? size - 3000 : 0;
        switch (i % 7) {
        case 0:
            changed.size = any((uint32_t)size);
            break;
        case 1:
            memset(changed.at + from + any((uint32_t)(size - from) - 16), (int)any(256), 1 + any(16));
            break;
        default:
            for (uint32_t flips = 1 + any(3); flips; flips--)
                changed.at[from + any((uint32_t)(size - from))] ^= (char)(1u << any(8));
        }
        struct reason why = {0};
        uint64_t back = 0;
        struct part part = {.bytes = bytes_slice(&changed)};
        long long count = read_all(reader, &part, &back, &why);
        if (count < 0) {
            refused++;
            CHECK(why.text[0] && (count == -EIO || count == -ENOTSUP));
        } else if (!parquet_foreign(reader)) {
            harmless++;
            CHECK_INT(count, 2500);
            CHECK(back == sum);
        }
    }
    printf("# of 1,000 changed files %d were refused, %d had their rows as they were\n", refused, harmless);
    CHECK(refused > 500);
    parquet_reader_free(reader);
    parquet_writer_free(writer);
}

static void damage_says_where_it_is(void)
{
    struct parquet_writer *writer = writer_of(lake_columns, LAKE_COLUMNS);
    struct parquet_reader *reader = reader_of(lake_columns, LAKE_COLUMNS);
    BYTES_AUTO file = {0};
    PARQUET_FACTS_AUTO facts = {0};
    struct reason why = {0};
    uint64_t back;
    write_rows(writer, (struct rows){0}, 1000, &file, &facts);
    // The first column's page begins behind the magic.
    file.at[100] ^= 1;
    struct part part = {.bytes = bytes_slice(&file)};
    CHECK_INT(read_all(reader, &part, &back, &why), -EIO);
    CHECK_TEXT(slice_of(why.text), "column id, at byte 4: the page's checksum does not hold");
    parquet_reader_free(reader);
    parquet_writer_free(writer);
}

int main(void)
{
    TEST("runs are written as the format has them", runs_as_the_format_has_them);
    TEST("runs come back, of all widths", runs_come_back);
    TEST("bounds are cut as Iceberg cuts them", bounds_are_cut_as_iceberg_cuts_them);
    TEST("a dictionary knows its values until it is full", a_dictionary_knows_its_values);
    TEST("rows come back, few and many, and a small file is one read", rows_come_back);
    TEST("the facts of a file are those of what was written", facts_are_what_was_written);
    TEST("what cannot be a row is refused, and the file goes on", what_cannot_be_a_row_is_refused_and_the_file_goes_on);
    TEST("a sink that fails ends the file, and the next one is whole", a_sink_that_fails_ends_the_file);
    TEST("a column that came later is null in older files, and seen in newer ones", columns_that_came_later);
    TEST("pages that are too large together are refused", pages_that_are_too_large_together_are_refused);
    TEST("of 1,000 changed files each is refused or has its rows as they were", damage_is_named_or_harmless);
    TEST("a damaged page is named by its column and its place", damage_says_where_it_is);
    return check_end("parquet");
}
