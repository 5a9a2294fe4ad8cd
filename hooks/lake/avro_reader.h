// Avro's container files (avro.h), read: by the schema that the writer put into them, whoever wrote them, deflated or
// not. Fields are found by Iceberg's field ids, so those that this program does not know do no harm, and those that the
// writer did not know are absent.
//
// What comes from outside is believed nothing: lengths are held against the bytes that are there, and depth is bounded.
#pragma once

#include "store/arena.h"
#include "store/reason.h"

enum avro_kind {
    AVRO_NULL,
    AVRO_BOOL,   // number: 0 or 1
    AVRO_NUMBER, // int and long
    AVRO_FLOAT,  // number: its bits, as of a double
    AVRO_DOUBLE,
    AVRO_TEXT, // string, bytes and fixed
    AVRO_ENUM, // number: which one
    AVRO_ARRAY,
    AVRO_MAP, // parts: key, value, key, value …
    AVRO_RECORD,
    AVRO_UNION, // of schemas alone: a value is that of the branch
};

struct avro_type;

struct avro_value {
    enum avro_kind kind;
    const struct avro_type *type;
    int64_t number;
    struct slice text;
    const struct avro_value *parts; // elements; a record's fields, in the order of the schema
    uint32_t count;
};

struct avro_reader {
    struct arena schema; // lives as long as the reader
    struct avro_type *type;
    struct slice meta; // the pairs
    struct slice rest; // of the file
    const char *sync;
    bool deflated;
    struct arena record;   // lives until the next
    struct bytes inflated; // the block
    struct slice block;    // what is left of it
    uint64_t records;      // in the block, still
};

// `file` is the whole file, and must outlive the reader. 0, -EIO with the reason when it is no such file, or -ENOMEM.
// The reader is closed in any case.
int avro_reader_open(struct avro_reader *reader, struct slice file, struct reason *why);
void avro_reader_close(struct avro_reader *reader);
#define AVRO_READER_AUTO __attribute__((cleanup(avro_reader_close))) struct avro_reader
// What stands beside the schema; false when there is none of that name.
bool avro_meta(const struct avro_reader *reader, const char *key, struct slice *value);
// 1 and a record, which lives until the next call; 0 behind the last; -EIO with the reason, or -ENOMEM.
int avro_next(struct avro_reader *reader, const struct avro_value **record, struct reason *why);

// The field of a record with an id; NULL when the writer had none, or wrote null.
const struct avro_value *avro_field(const struct avro_value *record, int id);
// Its number or its text; what stands behind the comma when it has none.
int64_t avro_field_number(const struct avro_value *record, int id, int64_t otherwise);
struct slice avro_field_text(const struct avro_value *record, int id);
