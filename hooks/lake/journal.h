// What is about to come into the table, noted on disk before it does, so that after a kill it is known what may be
// lying about: STORE/lake/NAME.journal, a file for each place a lake was kept at.
//
//     place PLACE            as the option names it
//     table UUID             the table there; absent before the first
//     begin                  another change; each is settled by itself
//     key KEY                a file is about to be written there
//     commit PARENT KEY      the catalog is about to be asked to put the list of manifests at KEY in the place of the
//                            snapshot PARENT; from here on the outcome may be unknown
//
// A line is on stable storage when the call returns. What settles it: committer.h. One thread.
#pragma once

#include "hooks/lake/uuid.h"
#include "store/bytes.h"
#include "store/reason.h"

struct journal {
    int fd;
    char path[512];
    char table[UUID_TEXT]; // "" before the first
    struct bytes head;     // the first two lines
    struct bytes lines;    // those behind them, as on disk
};

// Where what the lake keeps beside the store lies; made if it is not there.
void journal_directory(const char *store, char path[static 480]);
int journal_open(struct journal *journal, const char *store, const char *place, struct reason *why);
void journal_close(struct journal *journal);
int journal_set_table(struct journal *journal, const char *uuid, struct reason *why);

int journal_begin(struct journal *journal, struct reason *why);
int journal_key(struct journal *journal, const char *key, struct reason *why);
int journal_commit(struct journal *journal, int64_t parent, const char *list, struct reason *why);
// All is settled.
int journal_clear(struct journal *journal, struct reason *why);

// Takes the lines of the next change off `rest`, which is bytes_slice(&journal->lines) at first. False behind the last.
bool journal_next_change(struct slice *rest, struct slice *lines);
// Goes through them: { .rest = lines } at first. False behind the last.
struct journal_line {
    struct slice rest;
    bool is_commit;
    int64_t parent;
    struct slice key;
};
bool journal_next(struct journal_line *line);
