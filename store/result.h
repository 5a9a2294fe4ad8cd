// What a filter of query/ finds, as the bytes of a file: the lines of the matching events, one behind the other, in
// their order or the reverse. A result remembers what it has looked at, so that a look at a log that grew costs what is
// new; and where in the file each window of the log begins, so that reading on, or in the middle, costs what is read.
//
//     ascending   first ──────────▶ scanned                 goes on as the log grows
//     descending  scanned ◀──────── first                   what stood at `first` is its whole world
//
// Belongs to one thread at a time. The reader may be another each time, of the same tenant.
#pragma once

#include "store/query.h"

struct result_window; // a window that holds matches, and where they begin in the file

struct result {
    struct query query;
    bool descending;
    uint64_t first;   // the position that it begins at
    uint64_t scanned; // the position up to which all was looked at, it included; first - 1 (or + 1): nothing yet
    uint64_t count, bytes;
    uint64_t damaged; // matches that cannot be read, so that nobody knows whether they match
    uint64_t latest;  // the largest position of a match; 0: none
    bool whole;       // descending: all was looked at

    struct result_window *windows;
    size_t window_count, window_room;
    uint64_t serial; // of this result alone
    // Asked between windows: true gives up with -EINTR; what was looked at is kept. May be NULL.
    bool (*ends)(void);
};

// Matches from a position on, as the log grows; the whole file is never at an end. 0 or -errno.
void result_ascend(struct result *result, const struct filter *filter, uint64_t first);
// Matches up to a position, the latest first.
void result_descend(struct result *result, const struct filter *filter, uint64_t first);
void result_close(struct result *result);

// Looks on until `enough` matches are known, or, ascending, up to a position. 0 or -errno: -EINTR, or -EIO when the
// index is damaged. A match that is damaged is counted (`damaged`), and is one byte.
int result_look(struct result *result, struct reader *reader, uint64_t position, uint64_t enough);

// Does anything match behind a position, up to another? 0 or -errno, as result_look.
int result_any(struct reader *reader, const struct filter *filter, uint64_t behind, uint64_t end, bool *any);

// The first matches up to a position (ascending alone), at most `most`: how many they are, the bytes that they take,
// and the position of the last, 0 for none. What it takes to know must have been looked at.
int result_part(struct result *result, struct reader *reader, uint64_t position, uint64_t most, uint64_t *count,
    uint64_t *bytes, uint64_t *last);

// Copies what stands from an offset on, up to `end` or what is known. *got is less than `size` only there, or before a
// line that cannot be read; -EIO when that comes first.
int result_read(
    struct result *result, struct reader *reader, uint64_t offset, uint64_t end, char *to, size_t size, size_t *got);

// The matches of the window that was read last with a reader; it belongs to the reader.
void result_hand_free(struct result_hand *hand);
