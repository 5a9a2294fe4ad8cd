// Avro's container files: one that was made by a program of the specification's own words reads as it says; what is
// written is what the specification asks for; no damage does harm.
#include "hooks/lake/avro.h"
#include "hooks/lake/avro_reader.h"
#include "tests/store/check.h"

#include <errno.h>

// Deflated, of two blocks and three records; names in a namespace, a map that nobody knows, an array in a block that
// tells its size, and a value of each kind.
static const char foreign[] =
    "Obj\001\005\212\014\024avro.codec\016deflate\026avro.schema\264\013{\"type\":\"record\",\"name\""
    ":\"top\",\"namespace\":\"a.b\",\"fields\":[{\"name\":\"n\",\"type\":\"long\",\"field-id\":1},{\""
    "name\":\"s\",\"type\":[\"null\",\"string\"],\"default\":null,\"field-id\":2},{\"name\":\"unknown"
    "\",\"type\":{\"type\":\"map\",\"values\":\"double\"}},{\"name\":\"f\",\"type\":{\"type\":\"fixed"
    "\",\"name\":\"four\",\"size\":4},\"field-id\":3},{\"name\":\"r\",\"type\":{\"type\":\"record\","
    "\"name\":\"inner\",\"fields\":[{\"name\":\"x\",\"type\":\"int\",\"field-id\":11},{\"name\":\"b\""
    ",\"type\":\"boolean\",\"field-id\":12}]},\"field-id\":4},{\"name\":\"again\",\"type\":\"a.b.inne"
    "r\",\"field-id\":5},{\"name\":\"l\",\"type\":{\"type\":\"array\",\"items\":[\"null\",\"inner\"],"
    "\"element-id\":61},\"field-id\":6},{\"name\":\"e\",\"type\":{\"type\":\"enum\",\"name\":\"sign\""
    ",\"symbols\":[\"MINUS\",\"PLUS\"]},\"field-id\":7},{\"name\":\"fl\",\"type\":\"float\",\"field-i"
    "d\":8}]}\012extra\006x y\000\000\001\002\003\004\005\006\007\010\011\012\013\014\015\016\017\002"
    ":\373\377\037\012\030\031\230\230\262\031\300\340\207=CbRr\012\037#\077\003\003\023\220o\017\000"
    "\000\001\002\003\004\005\006\007\010\011\012\013\014\015\016\017\004r\373\367\037\012\030\231X"
    "\016\257db\312f\000\203\037\366\014\251i\351\031|\214\374\014\254|\014L\\\214L\334\214\014L@\011"
    "\373FF&\006de \000R\306\310\306\304\004U\002\000\000\001\002\003\004\005\006\007\010\011\012\013"
    "\014\015\016\017";

static struct slice foreign_file(void)
{
    return (struct slice){.at = foreign, .size = sizeof foreign - 1};
}

static void reads_a_foreign_file(void)
{
    AVRO_READER_AUTO reader;
    struct reason why = {0};
    const struct avro_value *record;
    struct slice extra;
    CHECK_INT(avro_reader_open(&reader, foreign_file(), &why), 0);
    CHECK(avro_meta(&reader, "extra", &extra) && slice_is(extra, "x y"));
    CHECK(!avro_meta(&reader, "extr", &extra));
    CHECK_INT(avro_next(&reader, &record, &why), 1);
    CHECK_INT(avro_field_number(record, 1, 0), INT64_MIN);
    CHECK(!avro_field(record, 2));
    CHECK_TEXT(avro_field_text(record, 3), "abcd");
    CHECK_INT(avro_field_number(avro_field(record, 4), 11, 0), 7);
    CHECK_INT(avro_field(avro_field(record, 4), 12)->number, 1);
    CHECK_INT(avro_field_number(avro_field(record, 5), 11, 0), -8);
    CHECK_INT(avro_field(record, 6)->count, 0);
    CHECK_INT(avro_field(record, 7)->number, 1);
    CHECK_INT(avro_field(record, 8)->kind, AVRO_FLOAT);
    CHECK(!avro_field(record, 99));
    CHECK_INT(avro_field_number(record, 99, -1), -1);

    CHECK_INT(avro_next(&reader, &record, &why), 1);
    CHECK_INT(avro_field_number(record, 1, 0), INT64_MAX);
    CHECK_TEXT(avro_field_text(record, 2), "é");
    const struct avro_value *list = avro_field(record, 6);
    CHECK_INT(list->count, 3);
    CHECK_INT(list->parts[0].kind, AVRO_NULL);
    CHECK_INT(avro_field_number(&list->parts[1], 11, 0), 5);
    CHECK_INT(avro_field_number(&list->parts[2], 11, 0), -6);

    CHECK_INT(avro_next(&reader, &record, &why), 1);
    CHECK_INT(avro_field_number(record, 1, 0), -65);
    CHECK(avro_field(record, 2) && !avro_field_text(record, 2).size);
    CHECK_INT(avro_next(&reader, &record, &why), 0);
    CHECK_INT(avro_next(&reader, &record, &why), 0);
}

#define SCHEMA                                                                                                         \
    "{\"type\":\"record\",\"name\":\"r\",\"fields\":[{\"name\":\"n\",\"type\":\"long\",\"field-id\":1},"               \
    "{\"name\":\"t\",\"type\":\"string\",\"field-id\":2}]}"

// By the specification: zigzag varints, a text behind its length, blocks between sync markers.
static void writes_what_is_specified(void)
{
    struct avro_writer w;
    BYTES_AUTO out = {0};
    const struct avro_pair pair = {"k", SLICE("v")};
    CHECK_INT(avro_begin(&w, &out, SLICE(SCHEMA), &pair, 1), 0);
    size_t head = out.size;
    avro_number(&w, -65);
    avro_text(&w, SLICE("ab"));
    avro_record(&w);
    avro_number(&w, INT64_MIN);
    avro_text(&w, SLICE(""));
    avro_record(&w);
    CHECK_INT(avro_end(&w), 0);
    CHECK(!memcmp(out.at,
        "Obj\1\6\x16"
        "avro.schema",
        17));
    CHECK(!memcmp(out.at + head - 16, w.sync, 16));
    static const char block[] = "\4\x20\x81\1\4ab\xff\xff\xff\xff\xff\xff\xff\xff\xff\1\0";
    CHECK_INT(out.size - head, sizeof block - 1 + 16);
    CHECK(!memcmp(out.at + head, block, sizeof block - 1));
    CHECK(!memcmp(out.at + out.size - 16, w.sync, 16));
}

static void reads_what_it_writes_in_many_blocks(void)
{
    struct avro_writer w;
    BYTES_AUTO out = {0};
    struct reason why = {0};
    const struct avro_value *record;
    CHECK_INT(avro_begin(&w, &out, SLICE(SCHEMA), NULL, 0), 0);
    for (int64_t n = 0; n < 50000; n++) {
        avro_number(&w, n * 1000003 - 7);
        avro_text(&w, n % 2 ? SLICE("odd") : SLICE(""));
        avro_record(&w);
    }
    CHECK_INT(avro_end(&w), 0);
    AVRO_READER_AUTO reader;
    CHECK_INT(avro_reader_open(&reader, bytes_slice(&out), &why), 0);
    int64_t n = 0, wrong = 0;
    for (; avro_next(&reader, &record, &why) == 1; n++)
        wrong +=
            avro_field_number(record, 1, 0) != n * 1000003 - 7 || avro_field_text(record, 2).size != (n % 2 ? 3 : 0);
    CHECK_INT(n, 50000);
    CHECK_INT(wrong, 0);
}

// Reads all that there is; what is answered is not looked at.
static int read_all(struct slice file)
{
    AVRO_READER_AUTO reader;
    struct reason why = {0};
    const struct avro_value *record;
    int error = avro_reader_open(&reader, file, &why);
    while (!error && (error = avro_next(&reader, &record, &why)) == 1)
        error = 0;
    return error;
}

static void damage_does_no_harm(void)
{
    struct slice whole = foreign_file();
    unsigned refused = 0;
    char *copy = malloc(whole.size);
    for (size_t size = 0; size < whole.size; size++) {
        // On the heap, of this size: who reads on is seen by a sanitizer.
        char *cut = malloc(size + !size);
        memcpy(cut, whole.at, size);
        int error = read_all((struct slice){.at = cut, .size = size});
        refused += error == -EIO;
        free(cut);
    }
    // All but the end of the head and that of the first block.
    CHECK_INT(refused, whole.size - 2);
    for (size_t at = 0; at < whole.size; at++)
        for (int bit = 0; bit < 8; bit++) {
            memcpy(copy, whole.at, whole.size);
            copy[at] = (char)(copy[at] ^ 1 << bit);
            int error = read_all((struct slice){.at = copy, .size = whole.size});
            CHECK(error == 0 || error == -EIO);
        }
    free(copy);
}

// A schema may be a riddle: names that name themselves, levels without end, counts of nothing.
static void riddles_are_refused(void)
{
    static const char *const schemas[] = {
        "[]",
        "{\"type\":\"record\",\"name\":\"r\"}",
        "{\"type\":\"record\",\"name\":\"r\",\"fields\":[{\"name\":\"x\",\"type\":\"nothing\"}]}",
        "{\"type\":\"record\",\"name\":\"r\",\"fields\":[{\"name\":\"x\",\"type\":\"r\",\"field-id\":1}]}",
        "{\"type\":\"record\",\"name\":\"r\",\"fields\":[{\"name\":\"x\",\"type\":{\"type\":\"array\",\"items\":"
        "\"null\"},"
        "\"field-id\":1}]}",
    };
    for (size_t i = 0; i < sizeof schemas / sizeof *schemas; i++) {
        struct avro_writer w;
        BYTES_AUTO out = {0};
        CHECK_INT(avro_begin(&w, &out, slice_of(schemas[i]), NULL, 0), 0);
        avro_number(&w, INT64_C(1) << 40); // as many elements
        avro_record(&w);
        CHECK_INT(avro_end(&w), 0);
        CHECK_INT(read_all(bytes_slice(&out)), -EIO);
    }
}

int main(void)
{
    TEST("a file that another program has made and deflated reads as it says", reads_a_foreign_file);
    TEST("what is written is, byte for byte, what the specification asks for", writes_what_is_specified);
    TEST("files of many blocks read as they were written", reads_what_it_writes_in_many_blocks);
    TEST("no cut and no flipped bit does harm, and every cut is noticed", damage_does_no_harm);
    TEST("schemas that cannot be and lengths that lie are refused", riddles_are_refused);
    return check_end("avro_test");
}
