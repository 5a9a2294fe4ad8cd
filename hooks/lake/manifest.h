// Manifests, and lists of them: which files a snapshot of the table consists of, in Avro (avro.h), by Iceberg v2.
//
//     metadata ─▶ snapshot ─▶ list of manifests ─▶ manifest ─▶ data files
//                             a row each           an entry each: partition, rows, bytes, bounds
//
// Files are put into partitions by tenant and day of UTC. What this program writes, it reads; of what others write it
// reads all that matters to readers and to compaction, and keeps that when it writes it anew.
//
// Plain data: slices point into what was read, or into the arena. 0 or -errno; -EIO with the reason for damage.
#pragma once

#include "hooks/lake/avro.h"
#include "store/arena.h"
#include "store/reason.h"

#define NO_SNAPSHOT (-1) // where an id of a snapshot, or a number that is not given, would stand

// What is known of a column in a data file; numbers that are not known are -1, bounds that are not have .at NULL.
// Bounds as Iceberg has them: a long or a moment in 8 bytes, little endian, a string as it is.
struct column_stats {
    int32_t id;
    int64_t size_bytes, values, nulls, nans;
    struct slice lower, upper;
};

enum file_content { FILE_DATA, FILE_POSITION_DELETES, FILE_EQUALITY_DELETES };

struct data_file {
    enum file_content content;
    struct slice path; // its full name, `file:///…`
    struct slice format;
    struct slice tenant; // its partition; .at NULL: null
    int32_t day;         // … since 1970
    bool has_day;
    int64_t rows, size_bytes;
    const struct column_stats *columns;
    uint32_t column_count;
    const int64_t *splits; // where row groups begin
    uint32_t split_count;
    int64_t sort_order; // -1: not said
};

enum entry_status { ENTRY_EXISTING, ENTRY_ADDED, ENTRY_DELETED };

struct manifest_entry {
    enum entry_status status;
    // NO_SNAPSHOT when an added entry is written: it has the manifest's own then, whichever commit that comes into the
    // table by. Entries that were read have all three.
    int64_t snapshot, sequence, file_sequence;
    struct data_file file;
};

// The least and the greatest value of a partition field in a manifest.
struct partition_range {
    bool has_null;
    int has_nan; // -1: not said
    struct slice lower, upper;
};

// A manifest, as a list has it.
struct manifest {
    struct slice path;
    int64_t size_bytes;
    int32_t spec;
    int32_t content; // 0: data, 1: deletes
    int64_t sequence, min_sequence;
    int64_t snapshot; // that added it
    int64_t added_files, existing_files, deleted_files;
    int64_t added_rows, existing_rows, deleted_rows;
    const struct partition_range *partitions;
    uint32_t partition_count;
};

// Does it name any file that is still there? Those that do not tell of what their own snapshot has removed, and go with
// the next one.
static inline bool manifest_is_live(const struct manifest *row)
{
    return row->added_files + row->existing_files > 0;
}

// ---- a manifest

// Which table and which of its schemas the entries are of. The schema and the fields of the partition spec as JSON.
struct manifest_head {
    struct slice schema;
    int64_t schema_id;
    struct slice partition_fields;
};

struct manifest_writer {
    struct avro_writer avro;
    struct bytes file; // the whole, after manifest_end
    // What the list says of it, but for its path and what only a commit knows: snapshot, sequence, and min_sequence
    // where it is -1.
    struct manifest row;
    struct partition_range ranges[2];
    struct bytes tenants[2]; // the least and the greatest
    char days[2][4];
    int32_t least_day, greatest_day;
};

int manifest_begin(struct manifest_writer *writer, const struct manifest_head *head);
void manifest_add(struct manifest_writer *writer, const struct manifest_entry *entry);
int manifest_end(struct manifest_writer *writer);
void manifest_writer_clear(struct manifest_writer *writer);
#define MANIFEST_AUTO __attribute__((cleanup(manifest_writer_clear))) struct manifest_writer

// Calls `visit` for each entry, which lives during the call; anything but 0 ends it. `row` is what the list says of the
// file: entries inherit from it what they do not say.
typedef int manifest_visit(void *context, const struct manifest_entry *entry);
int manifest_read(
    struct slice file, const struct manifest *row, manifest_visit *visit, void *context, struct reason *why);

// ---- a list

struct manifest_list_head {
    int64_t snapshot;
    int64_t parent; // or NO_SNAPSHOT
    int64_t sequence;
};

int manifest_list_write(
    struct bytes *out, const struct manifest_list_head *head, const struct manifest *all, size_t count);
// The rows are made in the arena, as all that they point to.
int manifest_list_read(
    struct slice file, struct arena *arena, struct manifest **all, size_t *count, struct reason *why);
