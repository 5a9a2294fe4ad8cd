// A directory whose files are replaced all at once or not at all, whenever the power fails or the process is killed.
//
// New files are written beside the old ones as NAME.new and synced. When all are there, the file `renaming` is made,
// which lists their names; then each takes its own name, what is not listed goes, and `renaming` goes last. So without
// `renaming` the old files stand, whole, and NAME.new is rubbish; with it the new ones do, and whoever opens the stage
// next ends what was begun. A daemon refuses a directory with `renaming`. While the stage is open, it holds the store's
// lock.
#pragma once

#include "store/bytes.h"
#include "store/reason.h"

#define STAGE_NEW      ".new"
#define STAGE_RENAMING "renaming"
// With the directory.
#define STAGE_REFUSED "a backup or restore into %s was cut off: run it again, and it will be ended"

struct stage {
    char path[384];
    int dir_fd, lock_fd;
    bool finished;      // an earlier run was cut off while it renamed, and is done now
    struct bytes names; // of the files so far, each with its newline
};

// Was a run into the directory cut off while it renamed?
bool stage_is_renaming(const char *path);
// Opens the directory, and makes it when it is not there. -EBUSY when a factfs has it; -ENOTEMPTY when it holds
// anything (`empty`; not so when `finished`), or what is no store or backup.
int stage_open(struct stage *stage, const char *path, bool empty, struct reason *why);
void stage_close(struct stage *stage);
// Where a new file is to be written.
void stage_file(const struct stage *stage, const char *name, char path[static 512]);
// The file is whole: syncs it and remembers it. Files are renamed in the order in which they were added.
int stage_add(struct stage *stage, const char *name, struct reason *why);
// Puts all that was added in the place of what is there.
int stage_commit(struct stage *stage, struct reason *why);
// Removes what was written so far, as after an error.
void stage_abandon(struct stage *stage);
