// Merges data files of a tenant and a day: their rows, file after file, so in the order of the log, to fewer files. Of
// what is read and written no more is in memory than a page of each column and a row group.
//
// A file that cannot be merged as a whole is left as it is, and said why: it is damaged, has columns that this program
// does not write, or has rows that are not of this tenant and day. What was written of it is then forgotten, and the
// others are merged without it.
// One thread.
#pragma once

#include "hooks/lake/output.h"
#include "hooks/lake/parquet_read.h"

// A file of the table.
struct merge_file {
    struct slice path;
    int64_t rows, size_bytes;
    int64_t position; // of its first row
    size_t manifest;  // whoever plans notes where it stands
    bool left;
};

struct merge {
    struct committer *committer;
    struct parquet_reader *reader;
    struct output output;
    struct lake_column columns[LAKE_COLUMNS_MAX]; // the table's, but for those of others
    size_t column_count;
    struct bytes schema;
    size_t tenant_at, timestamp_at;

    // Called for each file that is left.
    void (*left)(void *context, struct slice path, const char *why);
    void *context;
    int source_error; // of the file that is read
};

struct merged {
    struct arena arena; // of what the files point to
    struct data_file *files;
    size_t count, room;
};
void merged_clear(struct merged *merged);
#define MERGED_AUTO __attribute__((cleanup(merged_clear))) struct merged

// By the layout of the table that was loaded. 0 or -errno with the reason.
int merge_open(struct merge *merge, struct committer *committer, struct reason *why);
void merge_close(struct merge *merge);

// Merges the files, which are in the order of their positions, to files of `target` bytes at least, but for the last.
// Those that were left are marked; `least` is how many others there must be to go on without them. 0: nothing was
// written when *merged is empty. -ECANCELED when told to stop, or -errno with the reason.
int merge_run(struct merge *merge, struct slice tenant, int32_t day, struct merge_file *files, size_t count,
    size_t least, uint64_t target, struct merged *merged, struct reason *why);
