#include "hooks/lake/manifest_schema.h"

struct record;

struct field {
    const char *name;
    int id;
    bool optional;
    const char *type;            // NULL: what follows says it
    const struct record *record; // its fields
    int element;                 // the id of an element: it is an array of that; 0: it is none
    int key;                     // the id of a key: it is a map, as an array of pairs; the value's id is the next
};

struct record {
    const char *name;
    const struct field *fields;
    size_t count;
};

#define RECORD(name, fields)                                                                                           \
    {                                                                                                                  \
        name, fields, sizeof(fields) / sizeof *(fields)                                                                \
    }

static const struct field partition_fields[] = {
    {"tenant", 1000, .optional = true, .type = "\"string\""},
    {"timestamp_day", 1001, .optional = true, .type = "{\"type\":\"int\",\"logicalType\":\"date\"}"},
};
static const struct record partition = RECORD("r102", partition_fields);

static const struct field file_fields[] = {
    {"content", 134, .type = "\"int\""},
    {"file_path", 100, .type = "\"string\""},
    {"file_format", 101, .type = "\"string\""},
    {"partition", 102, .record = &partition},
    {"record_count", 103, .type = "\"long\""},
    {"file_size_in_bytes", 104, .type = "\"long\""},
    {"column_sizes", 108, .optional = true, .type = "\"long\"", .key = 117},
    {"value_counts", 109, .optional = true, .type = "\"long\"", .key = 119},
    {"null_value_counts", 110, .optional = true, .type = "\"long\"", .key = 121},
    {"nan_value_counts", 137, .optional = true, .type = "\"long\"", .key = 138},
    {"lower_bounds", 125, .optional = true, .type = "\"bytes\"", .key = 126},
    {"upper_bounds", 128, .optional = true, .type = "\"bytes\"", .key = 129},
    {"key_metadata", 131, .optional = true, .type = "\"bytes\""},
    {"split_offsets", 132, .optional = true, .type = "\"long\"", .element = 133},
    {"equality_ids", 135, .optional = true, .type = "\"int\"", .element = 136},
    {"sort_order_id", 140, .optional = true, .type = "\"int\""},
};
static const struct record file = RECORD("r2", file_fields);

static const struct field entry_fields[] = {
    {"status", 0, .type = "\"int\""},
    {"snapshot_id", 1, .optional = true, .type = "\"long\""},
    {"sequence_number", 3, .optional = true, .type = "\"long\""},
    {"file_sequence_number", 4, .optional = true, .type = "\"long\""},
    {"data_file", 2, .record = &file},
};
static const struct record entry = RECORD("manifest_entry", entry_fields);

static const struct field range_fields[] = {
    {"contains_null", 509, .type = "\"boolean\""},
    {"contains_nan", 518, .optional = true, .type = "\"boolean\""},
    {"lower_bound", 510, .optional = true, .type = "\"bytes\""},
    {"upper_bound", 511, .optional = true, .type = "\"bytes\""},
};
static const struct record range = RECORD("r508", range_fields);

static const struct field list_fields[] = {
    {"manifest_path", 500, .type = "\"string\""},
    {"manifest_length", 501, .type = "\"long\""},
    {"partition_spec_id", 502, .type = "\"int\""},
    {"content", 517, .type = "\"int\""},
    {"sequence_number", 515, .type = "\"long\""},
    {"min_sequence_number", 516, .type = "\"long\""},
    {"added_snapshot_id", 503, .type = "\"long\""},
    {"added_files_count", 504, .type = "\"int\""},
    {"existing_files_count", 505, .type = "\"int\""},
    {"deleted_files_count", 506, .type = "\"int\""},
    {"added_rows_count", 512, .type = "\"long\""},
    {"existing_rows_count", 513, .type = "\"long\""},
    {"deleted_rows_count", 514, .type = "\"long\""},
    {"partitions", 507, .optional = true, .record = &range, .element = 508},
    {"key_metadata", 519, .optional = true, .type = "\"bytes\""},
};
static const struct record list = RECORD("manifest_file", list_fields);

static void add_record(struct bytes *out, const struct record *record);

static void add_type(struct bytes *out, const struct field *f)
{
    if (f->record)
        add_record(out, f->record);
    else
        bytes_add_text(out, f->type);
}

static void add_pairs(struct bytes *out, const struct field *f)
{
    bytes_printf(out,
        "{\"type\":\"array\",\"logicalType\":\"map\",\"items\":{\"type\":\"record\",\"name\":\"k%d_v%d\",\"fields\":["
        "{\"name\":\"key\",\"type\":\"int\",\"field-id\":%d},{\"name\":\"value\",\"type\":%s,\"field-id\":%d}]}}",
        f->key, f->key + 1, f->key, f->type, f->key + 1);
}

static void add_field(struct bytes *out, const struct field *f)
{
    bytes_printf(out, "{\"name\":\"%s\",\"field-id\":%d,\"type\":", f->name, f->id);
    bytes_add_text(out, f->optional ? "[\"null\"," : "");
    if (f->key)
        add_pairs(out, f);
    else if (f->element) {
        bytes_printf(out, "{\"type\":\"array\",\"element-id\":%d,\"items\":", f->element);
        add_type(out, f);
        bytes_add_char(out, '}');
    } else
        add_type(out, f);
    bytes_add_text(out, f->optional ? "],\"default\":null}" : "}");
}

static void add_record(struct bytes *out, const struct record *record)
{
    bytes_printf(out, "{\"type\":\"record\",\"name\":\"%s\",\"fields\":[", record->name);
    for (size_t i = 0; i < record->count; i++) {
        bytes_add_text(out, i ? "," : "");
        add_field(out, &record->fields[i]);
    }
    bytes_add_text(out, "]}");
}

void manifest_schema_print(struct bytes *out)
{
    add_record(out, &entry);
}

void manifest_schema_print_list(struct bytes *out)
{
    add_record(out, &list);
}
