// A plot of numbers over time, as SVG: a line that keeps each value until the next one, axes with round ticks, a title.
// Any thread.
#pragma once

#include "store/bytes.h"

// As wide as a plot is, in points of it: more of them would stand above each other.
#define PLOT_POINTS 620u

struct plot_point {
    int64_t at_us;
    double value; // not finite: there is none, the line is interrupted
};

// Appends the plot. Points in the order of their time; times are shown in UTC. The title is plain text.
void plot_draw(struct bytes *out, struct slice title, const struct plot_point *points, size_t count);
