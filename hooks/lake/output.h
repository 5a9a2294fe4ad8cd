// A data file of the table that is being written: noted in the journal, then Parquet, piece by piece, to where the
// table lies, and at its end what a manifest says of it. It belongs to one tenant and one day. Owned by the caller; one
// thread.
//
//     begin ─▶ parquet_add … ─▶ end, or drop
#pragma once

#include "hooks/lake/committer.h"
#include "hooks/lake/parquet_write.h"

#define OUTPUT_KEY_MAX 200

// Iceberg's days, since 1970, and those of store/day.h.
#define OUTPUT_DAY_1970 719162

struct output {
    struct committer *committer;
    struct parquet_writer *parquet; // the caller's
    struct upload *upload;          // NULL: there is no file
    struct slice tenant;            // of the file, as the next; must outlive it
    int32_t day;                    // since 1970
    char key[OUTPUT_KEY_MAX];
    struct reason *why; // of the call that is under way
};

// 0 or -errno with the reason.
int output_begin(struct output *output, struct slice tenant, int32_t day, struct reason *why);
// Ends the file, which is on stable storage then. *file is made in the arena. 0 or -errno; the file is dropped then.
int output_end(struct output *output, struct arena *arena, struct data_file *file, struct reason *why);
// There is none, or it is forgotten.
void output_drop(struct output *output);
