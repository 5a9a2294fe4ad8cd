#include "hooks/lake/avro_reader.h"

#include "hooks/lake/avro.h"
#include "store/json.h"
#include "store/varint.h"

#include <errno.h>
#include <zlib.h>

#define DEPTH_MAX    32u
#define INFLATED_MAX ((size_t)256 << 20)
#define NO_FIELD     (-1)
#define DAMAGED      "it is no Avro file that can be read: "

struct avro_type {
    enum avro_kind kind;
    struct slice name; // of a record, an enum or a fixed, quoted
    uint32_t size;     // of a fixed; 0: the bytes have a length before them
    bool fixed;
    int field_id;            // of the field or the element that is of this type
    struct avro_type *of;    // a named type that was declared before
    struct avro_type *parts; // fields; branches; the one type of elements
    uint32_t count;
    struct avro_type *next_named;
};

// ---- the schema

struct reading {
    struct avro_reader *reader;
    struct avro_type *named; // those declared so far
    struct reason *why;
};

static int read_type(struct reading *r, struct slice json, struct avro_type *type, unsigned depth);

static int wrong(struct reading *r, const char *what, struct slice json)
{
    int shown = json.size < 60 ? (int)json.size : 60;
    return reason_set(r->why, -EIO, DAMAGED "%s in its schema: %.*s", what, shown, json.at);
}

static int read_name(struct reading *r, struct slice quoted, struct avro_type *type)
{
    static const struct {
        const char *name;
        enum avro_kind kind;
    } plain[] = {{"null", AVRO_NULL}, {"boolean", AVRO_BOOL}, {"int", AVRO_NUMBER}, {"long", AVRO_NUMBER},
        {"float", AVRO_FLOAT}, {"double", AVRO_DOUBLE}, {"bytes", AVRO_TEXT}, {"string", AVRO_TEXT}};
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        if (json_key_is(quoted, plain[i].name)) {
            type->kind = plain[i].kind;
            return 0;
        }
    // A full name ends in the name alone: no two types of a manifest share that.
    for (struct avro_type *named = r->named; named; named = named->next_named) {
        size_t size = named->name.size - 1; // without the first quote
        if (json_string_equal(named->name, quoted) ||
            (quoted.size > size + 1 && quoted.at[quoted.size - size - 1] == '.' &&
                !memcmp(quoted.at + quoted.size - size, named->name.at + 1, size))) {
            type->kind = named->kind;
            type->of = named;
            return 0;
        }
    }
    return wrong(r, "there is an unknown type", quoted);
}

static int read_id(struct slice object, const char *member)
{
    struct slice number;
    int id = 0;
    if (!json_member(object, member, &number) || json_kind(number) != JSON_NUMBER || number.size > 9)
        return NO_FIELD;
    for (size_t i = 0; i < number.size; i++) {
        if (number.at[i] < '0' || number.at[i] > '9')
            return NO_FIELD;
        id = id * 10 + number.at[i] - '0';
    }
    return id;
}

static int make_parts(struct reading *r, struct avro_type *type, size_t count)
{
    type->parts = arena_get(&r->reader->schema, (count + !count) * sizeof *type->parts);
    if (!type->parts)
        return -ENOMEM;
    type->count = (uint32_t)count;
    for (size_t i = 0; i < count; i++)
        type->parts[i] = (struct avro_type){.field_id = NO_FIELD};
    return 0;
}

static int read_one_part(
    struct reading *r, struct slice json, const char *member, const char *id, struct avro_type *type, unsigned depth)
{
    struct slice items;
    if (!json_member(json, member, &items))
        return wrong(r, "there is a container of nothing", json);
    int error = make_parts(r, type, 1);
    if (error)
        return error;
    type->parts->field_id = read_id(json, id);
    return read_type(r, items, type->parts, depth);
}

static void declare(struct reading *r, struct slice json, struct avro_type *type)
{
    if (!json_member(json, "name", &type->name) || json_kind(type->name) != JSON_STRING)
        return;
    type->next_named = r->named;
    r->named = type;
}

static int read_fields(struct reading *r, struct slice json, struct avro_type *type, unsigned depth)
{
    struct slice fields, field, of;
    type->kind = AVRO_RECORD;
    declare(r, json, type);
    if (!json_member(json, "fields", &fields) || json_kind(fields) != JSON_ARRAY)
        return wrong(r, "there is a record without fields", json);
    int error = make_parts(r, type, json_count(fields));
    struct json_cursor c = json_enter(fields);
    for (uint32_t i = 0; !error && json_next_element(&c, &field); i++) {
        if (json_kind(field) != JSON_OBJECT || !json_member(field, "type", &of))
            return wrong(r, "there is a field without a type", field);
        error = read_type(r, of, &type->parts[i], depth);
        type->parts[i].field_id = read_id(field, "field-id");
    }
    return error;
}

static int read_fixed(struct reading *r, struct slice json, struct avro_type *type)
{
    int size = read_id(json, "size");
    if (size < 0)
        return wrong(r, "there is a fixed without a size", json);
    type->kind = AVRO_TEXT;
    type->fixed = true;
    type->size = (uint32_t)size;
    declare(r, json, type);
    return 0;
}

static int read_object(struct reading *r, struct slice json, struct avro_type *type, unsigned depth)
{
    struct slice of;
    if (!json_member(json, "type", &of))
        return wrong(r, "there is an object without a type", json);
    if (json_kind(of) != JSON_STRING)
        return read_type(r, of, type, depth);
    if (json_key_is(of, "record"))
        return read_fields(r, json, type, depth);
    if (json_key_is(of, "fixed"))
        return read_fixed(r, json, type);
    if (json_key_is(of, "enum")) {
        type->kind = AVRO_ENUM;
        declare(r, json, type);
        return 0;
    }
    if (json_key_is(of, "array")) {
        type->kind = AVRO_ARRAY;
        return read_one_part(r, json, "items", "element-id", type, depth);
    }
    if (json_key_is(of, "map")) {
        type->kind = AVRO_MAP;
        return read_one_part(r, json, "values", "value-id", type, depth);
    }
    return read_name(r, of, type);
}

static int read_union(struct reading *r, struct slice json, struct avro_type *type, unsigned depth)
{
    struct slice branch;
    type->kind = AVRO_UNION;
    int error = make_parts(r, type, json_count(json));
    struct json_cursor c = json_enter(json);
    for (uint32_t i = 0; !error && json_next_element(&c, &branch); i++)
        error = read_type(r, branch, &type->parts[i], depth);
    return error;
}

static int read_type(struct reading *r, struct slice json, struct avro_type *type, unsigned depth)
{
    if (depth >= DEPTH_MAX)
        return wrong(r, "there are too many levels", json);
    switch (json_kind(json)) {
    case JSON_STRING:
        return read_name(r, json, type);
    case JSON_OBJECT:
        return read_object(r, json, type, depth + 1);
    case JSON_ARRAY:
        return read_union(r, json, type, depth + 1);
    default:
        return wrong(r, "there is something that is no type", json);
    }
}

// ---- values

// The next number; false, and nothing is taken, when there is none.
static bool take_number(struct slice *from, int64_t *n)
{
    uint64_t zigzag;
    const char *end = varint_get(from->at, from->at + from->size, &zigzag);
    if (!end)
        return false;
    from->size -= (size_t)(end - from->at);
    from->at = end;
    *n = varint_unzigzag(zigzag);
    return true;
}

static bool take_bytes(struct slice *from, uint64_t size, struct slice *bytes)
{
    if (size > from->size)
        return false;
    *bytes = (struct slice){.at = from->at, .size = (size_t)size};
    from->at += size;
    from->size -= (size_t)size;
    return true;
}

static bool take_text(struct slice *from, struct slice *text)
{
    int64_t size;
    return take_number(from, &size) && size >= 0 && take_bytes(from, (uint64_t)size, text);
}

static int cut(struct reason *why)
{
    return reason_set(why, -EIO, DAMAGED "its records do not fit their schema");
}

static int take_value(
    struct avro_reader *r, const struct avro_type *type, struct avro_value *value, unsigned depth, struct reason *why);

// Elements come in blocks, each behind their count; a negative one is followed by how many bytes they are.
static int take_elements(
    struct avro_reader *r, const struct avro_type *type, struct avro_value *value, unsigned depth, struct reason *why)
{
    unsigned each = type->kind == AVRO_MAP ? 2 : 1;
    for (int64_t count, size;;) {
        if (!take_number(&r->block, &count))
            return cut(why);
        if (count < 0 && (!take_number(&r->block, &size) || (count = -count) < 0))
            return cut(why);
        if (count == 0)
            return 0;
        // No element is empty.
        if ((uint64_t)count > r->block.size || value->count + (uint64_t)count * each > UINT32_MAX)
            return cut(why);
        struct avro_value *parts = arena_get(&r->record, (value->count + (size_t)count * each) * sizeof *parts);
        if (!parts)
            return -ENOMEM;
        if (value->count)
            memcpy(parts, value->parts, value->count * sizeof *parts);
        value->parts = parts;
        for (int64_t i = 0; i < count; i++) {
            struct avro_value *part = &parts[value->count];
            if (each == 2) {
                *part = (struct avro_value){.kind = AVRO_TEXT};
                if (!take_text(&r->block, &part++->text))
                    return cut(why);
            }
            int error = take_value(r, type->parts, part, depth, why);
            if (error)
                return error;
            value->count += each;
        }
    }
}

static int take_fields(
    struct avro_reader *r, const struct avro_type *type, struct avro_value *value, unsigned depth, struct reason *why)
{
    struct avro_value *parts = arena_get(&r->record, (type->count + !type->count) * sizeof *parts);
    if (!parts)
        return -ENOMEM;
    value->parts = parts;
    value->count = type->count;
    int error = 0;
    for (uint32_t i = 0; !error && i < type->count; i++)
        error = take_value(r, &type->parts[i], &parts[i], depth, why);
    return error;
}

static int take_fixed(struct avro_reader *r, size_t size, struct avro_value *value, struct reason *why)
{
    if (!take_bytes(&r->block, size, &value->text))
        return cut(why);
    for (size_t i = size < 8 ? size : 8; i-- > 0;)
        value->number = (int64_t)((uint64_t)value->number << 8 | (unsigned char)value->text.at[i]);
    return 0;
}

static int take_value(
    struct avro_reader *r, const struct avro_type *type, struct avro_value *value, unsigned depth, struct reason *why)
{
    int64_t branch;
    if (type->of)
        type = type->of;
    *value = (struct avro_value){.kind = type->kind, .type = type};
    if (depth >= DEPTH_MAX)
        return cut(why);
    switch (type->kind) {
    case AVRO_NULL:
        return 0;
    case AVRO_BOOL:
        return take_fixed(r, 1, value, why);
    case AVRO_FLOAT:
        return take_fixed(r, 4, value, why);
    case AVRO_DOUBLE:
        return take_fixed(r, 8, value, why);
    case AVRO_NUMBER:
    case AVRO_ENUM:
        return take_number(&r->block, &value->number) ? 0 : cut(why);
    case AVRO_TEXT:
        if (type->fixed)
            return take_bytes(&r->block, type->size, &value->text) ? 0 : cut(why);
        return take_text(&r->block, &value->text) ? 0 : cut(why);
    case AVRO_ARRAY:
    case AVRO_MAP:
        return take_elements(r, type, value, depth + 1, why);
    case AVRO_RECORD:
        return take_fields(r, type, value, depth + 1, why);
    case AVRO_UNION:
        if (!take_number(&r->block, &branch) || branch < 0 || branch >= type->count)
            return cut(why);
        return take_value(r, &type->parts[branch], value, depth + 1, why);
    }
    return cut(why);
}

const struct avro_value *avro_field(const struct avro_value *record, int id)
{
    if (!record || record->kind != AVRO_RECORD)
        return NULL;
    for (uint32_t i = 0; i < record->count; i++)
        if (record->type->parts[i].field_id == id)
            return record->parts[i].kind == AVRO_NULL ? NULL : &record->parts[i];
    return NULL;
}

int64_t avro_field_number(const struct avro_value *record, int id, int64_t otherwise)
{
    const struct avro_value *field = avro_field(record, id);
    return field && field->kind == AVRO_NUMBER ? field->number : otherwise;
}

struct slice avro_field_text(const struct avro_value *record, int id)
{
    const struct avro_value *field = avro_field(record, id);
    return field && field->kind == AVRO_TEXT ? field->text : SLICE("");
}

// ---- the file

// Takes the map of the header, and leaves it in `meta`.
static bool take_meta(struct avro_reader *r)
{
    const char *start = r->rest.at;
    struct slice text;
    for (int64_t count, size;;) {
        if (!take_number(&r->rest, &count) || (count < 0 && !take_number(&r->rest, &size)))
            return false;
        if (count == 0)
            break;
        for (uint64_t i = count < 0 ? -(uint64_t)count : (uint64_t)count; i > 0; i--)
            if (!take_text(&r->rest, &text) || !take_text(&r->rest, &text))
                return false;
    }
    r->meta = (struct slice){.at = start, .size = (size_t)(r->rest.at - start)};
    return true;
}

bool avro_meta(const struct avro_reader *r, const char *key, struct slice *value)
{
    struct slice rest = r->meta, name;
    int64_t count, size;
    while (take_number(&rest, &count) && count) {
        if (count < 0 && !take_number(&rest, &size))
            return false;
        for (uint64_t i = count < 0 ? -(uint64_t)count : (uint64_t)count; i > 0; i--) {
            if (!take_text(&rest, &name) || !take_text(&rest, value))
                return false;
            if (slice_is(name, key))
                return true;
        }
    }
    return false;
}

static int read_schema(struct avro_reader *r, struct reason *why)
{
    struct slice schema;
    struct json_scanner scanner;
    size_t used;
    json_scanner_init(&scanner);
    if (!avro_meta(r, "avro.schema", &schema) ||
        json_scan(&scanner, schema.at, schema.size, &used, why) != JSON_VALUE || json_kind(schema) != JSON_OBJECT)
        return reason_set(why, -EIO, DAMAGED "there is no schema of a record in it");
    struct reading reading = {.reader = r, .why = why};
    r->type = arena_get(&r->schema, sizeof *r->type);
    if (!r->type)
        return -ENOMEM;
    *r->type = (struct avro_type){.field_id = NO_FIELD};
    return read_type(&reading, (struct slice){.at = schema.at, .size = used}, r->type, 0);
}

int avro_reader_open(struct avro_reader *r, struct slice file, struct reason *why)
{
    struct slice magic, sync, codec = SLICE("null");
    *r = (struct avro_reader){.rest = file};
    if (!take_bytes(&r->rest, 4, &magic) || memcmp(magic.at, "Obj\1", 4) || !take_meta(r) ||
        !take_bytes(&r->rest, AVRO_SYNC, &sync))
        return reason_set(why, -EIO, DAMAGED "its head is wrong");
    r->sync = sync.at;
    avro_meta(r, "avro.codec", &codec);
    r->deflated = slice_is(codec, "deflate");
    if (!r->deflated && !slice_is(codec, "null"))
        return reason_set(why, -EIO, DAMAGED "it is packed by \"%.*s\"", SLICE_ARG(codec));
    return read_schema(r, why);
}

void avro_reader_close(struct avro_reader *r)
{
    arena_free(&r->schema);
    arena_free(&r->record);
    bytes_free(&r->inflated);
}

static int inflate_block(struct avro_reader *r, struct reason *why)
{
    z_stream stream = {0};
    int error = 0, state = Z_OK;
    bytes_clear(&r->inflated);
    // Raw, without the head of zlib.
    if (inflateInit2(&stream, -MAX_WBITS) != Z_OK)
        return -ENOMEM;
    union {
        const char *from;
        Bytef *at;
    } in = {.from = r->block.at};
    stream.next_in = in.at;
    stream.avail_in = (uInt)r->block.size;
    while (!error && state == Z_OK) {
        size_t room = 65536;
        char *to = bytes_reserve(&r->inflated, room);
        if (!to) {
            error = -ENOMEM;
            break;
        }
        stream.next_out = (Bytef *)to;
        stream.avail_out = (uInt)room;
        state = inflate(&stream, Z_NO_FLUSH);
        r->inflated.size += room - stream.avail_out;
        if ((state != Z_OK && state != Z_STREAM_END) || r->inflated.size > INFLATED_MAX)
            error = reason_set(why, -EIO, DAMAGED "a block of it cannot be inflated");
    }
    inflateEnd(&stream);
    r->block = bytes_slice(&r->inflated);
    return error;
}

static int next_block(struct avro_reader *r, struct reason *why)
{
    int64_t count;
    struct slice sync;
    if (!take_number(&r->rest, &count) || count < 0 || !take_text(&r->rest, &r->block) ||
        !take_bytes(&r->rest, AVRO_SYNC, &sync) || memcmp(sync.at, r->sync, AVRO_SYNC) || r->block.size > UINT32_MAX)
        return reason_set(why, -EIO, DAMAGED "a block of it is cut off or damaged");
    r->records = (uint64_t)count;
    int error = r->deflated ? inflate_block(r, why) : 0;
    if (!error && r->records > r->block.size)
        error = cut(why);
    return error;
}

int avro_next(struct avro_reader *r, const struct avro_value **record, struct reason *why)
{
    int error = 0;
    while (!error && !r->records) {
        if (!r->rest.size)
            return 0;
        error = next_block(r, why);
    }
    if (error)
        return error;
    arena_free(&r->record);
    struct avro_value *value = arena_get(&r->record, sizeof *value);
    if (!value)
        return -ENOMEM;
    error = take_value(r, r->type, value, 0, why);
    r->records--;
    *record = value;
    return error ? error : 1;
}
