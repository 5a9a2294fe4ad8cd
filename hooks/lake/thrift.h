// Thrift's compact protocol, as far as the metadata of Parquet needs it: structs whose fields are numbered, numbers as
// zigzag varints, texts behind their length, lists of one type.
//     field:  Δid in the high four bits, type in the low four (Δ = 0: the id follows as a zigzag varint) | value
//     struct: fields, then a zero byte
//     list:   size in the high four bits, type in the low four (size 15: it follows as a varint) | values
//     true and false are types of their own as fields, and bytes as elements
// A decoder says once, at the end, whether what it read was well-formed: after a mistake it finds nothing more and
// `failed` stays set. It reads nothing outside of its bytes, whatever they are.
#pragma once

#include "store/bytes.h"

#define THRIFT_DEPTH 16

enum thrift_type {
    THRIFT_TRUE = 1,
    THRIFT_FALSE = 2,
    THRIFT_I8 = 3,
    THRIFT_I16 = 4,
    THRIFT_I32 = 5,
    THRIFT_I64 = 6,
    THRIFT_DOUBLE = 7,
    THRIFT_TEXT = 8,
    THRIFT_LIST = 9,
    THRIFT_SET = 10,
    THRIFT_MAP = 11,
    THRIFT_STRUCT = 12,
};

// ---- writing: fields of a struct in the order of their ids

struct thrift_out {
    struct bytes *to;
    int last[THRIFT_DEPTH]; // id of the last field, by level
    unsigned depth;
};

// The outermost struct, or one that is an element of a list.
void thrift_begin(struct thrift_out *out);
void thrift_end(struct thrift_out *out);
// A field that is a struct; thrift_end ends it.
void thrift_struct(struct thrift_out *out, int id);
void thrift_i16(struct thrift_out *out, int id, int16_t value);
void thrift_i32(struct thrift_out *out, int id, int32_t value);
void thrift_i64(struct thrift_out *out, int id, int64_t value);
void thrift_bool(struct thrift_out *out, int id, bool value);
void thrift_text(struct thrift_out *out, int id, struct slice value);
// Its elements follow, `count` of them.
void thrift_list(struct thrift_out *out, int id, enum thrift_type type, size_t count);
void thrift_element_number(struct thrift_out *out, int64_t value);
void thrift_element_text(struct thrift_out *out, struct slice value);

// ---- reading

struct thrift_in {
    const char *at, *end;
    int last[THRIFT_DEPTH];
    unsigned depth;
    bool failed;
};

struct thrift_field {
    int id;
    enum thrift_type type;
};

// Enters the outermost struct, one that is an element, or the field that was just found.
void thrift_enter(struct thrift_in *in);
// The next field of the struct that was entered last; false at its end, which leaves it. The value must then be taken
// by one of the functions below, or skipped.
bool thrift_next(struct thrift_in *in, struct thrift_field *field);
void thrift_skip(struct thrift_in *in, enum thrift_type type);
// The field's value, or the next element's: a number, a bool (0 or 1), a text. The value is skipped, and 0 or nothing
// is answered, when it has another type than that.
int64_t thrift_number(struct thrift_in *in, enum thrift_type type);
struct slice thrift_read_text(struct thrift_in *in, enum thrift_type type);
// How many elements the list has, and their type; never more than there are bytes left. 0 when it is no list.
size_t thrift_read_list(struct thrift_in *in, enum thrift_type type, enum thrift_type *element);
