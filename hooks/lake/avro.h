// Avro's container files, written: what Iceberg's manifests and lists of manifests are.
//
//     "Obj" 1 | metadata: a map of text to bytes, `avro.schema` among them | sync
//     blocks: how many records, how many bytes, the records, sync (16 bytes, the same everywhere in the file)
//
// A number is a zigzag varint, a text or bytes its length and the bytes, a record its fields one behind the other; a
// union the number of its branch, and the value. Read again by avro_reader.h.
#pragma once

#include "store/bytes.h"

#define AVRO_SYNC 16

struct avro_pair {
    const char *key;
    struct slice value;
};

struct avro_writer {
    struct bytes *out;
    struct bytes block; // the records since the last block
    uint64_t records;
    unsigned char sync[AVRO_SYNC];
};

// Begins a file at the end of `out`, which must outlive the writer. Pairs stand beside the schema. 0 or -errno.
int avro_begin(struct avro_writer *writer, struct bytes *out, struct slice schema, const struct avro_pair *pairs,
    size_t pair_count);
// The values of a record, in the order of the schema. Of a union first the branch, as a number.
void avro_number(struct avro_writer *writer, int64_t n);
void avro_text(struct avro_writer *writer, struct slice text);
void avro_bool(struct avro_writer *writer, bool value);
// The record is whole.
void avro_record(struct avro_writer *writer);
// The file is whole. 0, or -ENOMEM: then `out` is not.
int avro_end(struct avro_writer *writer);
