#include "hooks/lake/thrift.h"

#include "store/varint.h"

#include <assert.h>

#define LONG_LIST 15u

// ---- writing

static void put_varint(struct thrift_out *out, uint64_t n)
{
    char *at = bytes_reserve(out->to, VARINT_MAX);
    if (at)
        out->to->size = (size_t)(varint_put(at, n) - out->to->at);
}

static void put_number(struct thrift_out *out, int64_t value)
{
    put_varint(out, varint_zigzag(value));
}

static void put_field(struct thrift_out *out, int id, enum thrift_type type)
{
    int *last = &out->last[out->depth - 1];
    int step = id - *last;
    assert(step > 0 && step < 16);
    bytes_add_char(out->to, (char)(step << 4 | (int)type));
    *last = id;
}

void thrift_begin(struct thrift_out *out)
{
    assert(out->depth < THRIFT_DEPTH);
    out->last[out->depth++] = 0;
}

void thrift_end(struct thrift_out *out)
{
    bytes_add_char(out->to, 0);
    out->depth--;
}

void thrift_struct(struct thrift_out *out, int id)
{
    put_field(out, id, THRIFT_STRUCT);
    thrift_begin(out);
}

void thrift_i16(struct thrift_out *out, int id, int16_t value)
{
    put_field(out, id, THRIFT_I16);
    put_number(out, value);
}

void thrift_i32(struct thrift_out *out, int id, int32_t value)
{
    put_field(out, id, THRIFT_I32);
    put_number(out, value);
}

void thrift_i64(struct thrift_out *out, int id, int64_t value)
{
    put_field(out, id, THRIFT_I64);
    put_number(out, value);
}

void thrift_bool(struct thrift_out *out, int id, bool value)
{
    put_field(out, id, value ? THRIFT_TRUE : THRIFT_FALSE);
}

void thrift_text(struct thrift_out *out, int id, struct slice value)
{
    put_field(out, id, THRIFT_TEXT);
    thrift_element_text(out, value);
}

void thrift_list(struct thrift_out *out, int id, enum thrift_type type, size_t count)
{
    put_field(out, id, THRIFT_LIST);
    size_t shown = count < LONG_LIST ? count : LONG_LIST;
    bytes_add_char(out->to, (char)(shown << 4 | (size_t)type));
    if (shown == LONG_LIST)
        put_varint(out, count);
}

void thrift_element_number(struct thrift_out *out, int64_t value)
{
    put_number(out, value);
}

void thrift_element_text(struct thrift_out *out, struct slice value)
{
    put_varint(out, value.size);
    bytes_add_slice(out->to, value);
}

// ---- reading

static void fail(struct thrift_in *in)
{
    in->failed = true;
    in->at = in->end;
}

static unsigned char take_byte(struct thrift_in *in)
{
    if (in->at < in->end)
        return (unsigned char)*in->at++;
    fail(in);
    return 0;
}

static uint64_t take_varint(struct thrift_in *in)
{
    uint64_t n = 0;
    const char *at = varint_get(in->at, in->end, &n);
    if (!at) {
        fail(in);
        return 0;
    }
    in->at = at;
    return n;
}

static int64_t take_number(struct thrift_in *in)
{
    return varint_unzigzag(take_varint(in));
}

static struct slice take_bytes(struct thrift_in *in, uint64_t size)
{
    if (size > (size_t)(in->end - in->at)) {
        fail(in);
        return SLICE("");
    }
    struct slice taken = {.at = in->at, .size = (size_t)size};
    in->at += size;
    return taken;
}

void thrift_enter(struct thrift_in *in)
{
    if (in->depth == THRIFT_DEPTH) {
        fail(in);
        return;
    }
    in->last[in->depth++] = 0;
}

bool thrift_next(struct thrift_in *in, struct thrift_field *field)
{
    if (in->failed)
        return false;
    unsigned char head = take_byte(in);
    if (in->failed)
        return false;
    if (!head) {
        in->depth--;
        return false;
    }
    int *last = &in->last[in->depth - 1];
    int64_t id = head >> 4 ? *last + (head >> 4) : take_number(in);
    if (in->failed || id < 1 || id > INT16_MAX) {
        fail(in);
        return false;
    }
    *last = (int)id;
    *field = (struct thrift_field){.id = (int)id, .type = head & 15};
    return true;
}

static void skip_elements(struct thrift_in *in, enum thrift_type list)
{
    enum thrift_type element;
    for (size_t count = thrift_read_list(in, list, &element); count && !in->failed; count--)
        if (element == THRIFT_TRUE || element == THRIFT_FALSE)
            take_byte(in);
        else
            thrift_skip(in, element);
}

static void skip_struct(struct thrift_in *in)
{
    thrift_enter(in);
    for (struct thrift_field field; thrift_next(in, &field);)
        thrift_skip(in, field.type);
}

void thrift_skip(struct thrift_in *in, enum thrift_type type)
{
    switch (type) {
    case THRIFT_TRUE:
    case THRIFT_FALSE:
        return;
    case THRIFT_I8:
        take_byte(in);
        return;
    case THRIFT_I16:
    case THRIFT_I32:
    case THRIFT_I64:
        take_varint(in);
        return;
    case THRIFT_DOUBLE:
        take_bytes(in, 8);
        return;
    case THRIFT_TEXT:
        take_bytes(in, take_varint(in));
        return;
    case THRIFT_LIST:
    case THRIFT_SET:
        // Lists of lists could go as deep as there are bytes; a level of the structs is taken for each.
        thrift_enter(in);
        skip_elements(in, THRIFT_LIST);
        in->depth -= !in->failed;
        return;
    case THRIFT_STRUCT:
        skip_struct(in);
        return;
    case THRIFT_MAP:
        break;
    }
    fail(in); // the metadata of Parquet has no map, and no other type
}

int64_t thrift_number(struct thrift_in *in, enum thrift_type type)
{
    if (type == THRIFT_I16 || type == THRIFT_I32 || type == THRIFT_I64)
        return take_number(in);
    thrift_skip(in, type);
    return type == THRIFT_TRUE;
}

struct slice thrift_read_text(struct thrift_in *in, enum thrift_type type)
{
    if (type == THRIFT_TEXT)
        return take_bytes(in, take_varint(in));
    thrift_skip(in, type);
    return SLICE("");
}

size_t thrift_read_list(struct thrift_in *in, enum thrift_type type, enum thrift_type *element)
{
    *element = THRIFT_STRUCT;
    if (type != THRIFT_LIST) {
        thrift_skip(in, type);
        return 0;
    }
    unsigned char head = take_byte(in);
    uint64_t count = head >> 4 < LONG_LIST ? head >> 4 : take_varint(in);
    *element = head & 15;
    if (count > (size_t)(in->end - in->at)) {
        fail(in);
        return 0;
    }
    return (size_t)count;
}
