// A bar on the terminal that tells how far a long command is; nothing at all where standard error is no terminal. Any
// message is written after progress_clear.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct progress {
    bool shown;       // there is a terminal
    bool drawn;       // and a bar on it
    const char *what; // before the bar: what is worked on
    const char *unit; // behind it, of the rate: `events`
    double scale;     // of what is counted, in units
    int64_t began_ns, drawn_ns;
};

// `what` and `unit` must live as long as the progress.
void progress_begin(struct progress *progress, const char *what, const char *unit, double scale);
// Draws, at most ten times a second.
void progress_show(struct progress *progress, uint64_t done, uint64_t total);
// Takes the bar away, as at the end.
void progress_clear(struct progress *progress);
