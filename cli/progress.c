#include "cli/progress.h"

#include "cli/terminal.h"
#include "store/when.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BETWEEN_NS INT64_C(100000000)
// A command that is done before this draws nothing.
#define FIRST_NS INT64_C(300000000)
#define BAR_MAX  40u

void progress_begin(struct progress *p, const char *what, const char *unit, double scale)
{
    const char *term = getenv("TERM");
    *p = (struct progress){.shown = isatty(STDERR_FILENO) && (!term || strcmp(term, "dumb") != 0),
        .what = what,
        .unit = unit,
        .scale = scale,
        .began_ns = when_steady_ns()};
    p->drawn_ns = p->began_ns + FIRST_NS - BETWEEN_NS;
}

void progress_show(struct progress *p, uint64_t done, uint64_t total)
{
    int64_t now_ns = when_steady_ns();
    if (!p->shown || !total || now_ns - p->drawn_ns < BETWEEN_NS)
        return;
    p->drawn_ns = now_ns;
    double part = done < total ? (double)done / (double)total : 1, took_s = (double)(now_ns - p->began_ns) / 1e9;
    unsigned left_s = part > 0 ? (unsigned)(took_s / part - took_s + 0.5) : 0;
    char numbers[96], bar[BAR_MAX + 1];
    int size = snprintf(numbers, sizeof numbers, " %3.0f %%  %.0f %s/s  %u:%02u left", part * 100,
        (double)done * p->scale / took_s, p->unit, left_s / 60, left_s % 60);
    unsigned room = terminal_columns(STDERR_FILENO), taken = (unsigned)size + (unsigned)strlen(p->what) + 6;
    unsigned width = room > taken ? room - taken : 0;
    width = width < BAR_MAX ? width : BAR_MAX;
    memset(bar, '.', width);
    memset(bar, '#', (size_t)(part * width));
    bar[width] = '\0';
    // Back to the first column; what was there before is cleared behind it.
    fprintf(stderr, "\r%s [%s]%s\033[K", p->what, bar, numbers);
    fflush(stderr);
    p->drawn = true;
}

void progress_clear(struct progress *p)
{
    if (p->drawn)
        fputs("\r\033[K", stderr);
    p->drawn = false;
}
