#include "hooks/metrics/plot.h"

#include "store/when.h"

#include <math.h>

// ---- the sheet: where things stand, in points from the top left corner

#define WIDTH  720
#define HEIGHT 320
#define LEFT   80
#define RIGHT  (LEFT + (int)PLOT_POINTS)
#define TOP    40
#define BOTTOM 260

#define VALUE_TICKS 5 // about
#define TIME_TICKS  6 // at most

#define SECOND WHEN_US_PER_SECOND
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

struct sheet {
    struct bytes *out;
    int64_t from_us, to_us;
    double low, high;
};

static double x_of(const struct sheet *s, int64_t at_us)
{
    return LEFT + (double)(at_us - s->from_us) / (double)(s->to_us - s->from_us) * PLOT_POINTS;
}

// What can be computed with without leaving what a double can hold.
static double drawable(double value)
{
    return fabs(value) < 1e-290 ? 0 : fabs(value) > 1e290 ? copysign(1e290, value) : value;
}

static double y_of(const struct sheet *s, double value)
{
    return BOTTOM - (drawable(value) - s->low) / (s->high - s->low) * (BOTTOM - TOP);
}

static void add_escaped(struct bytes *out, struct slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        switch (text.at[i]) {
        case '&':
            bytes_add_text(out, "&amp;");
            break;
        case '<':
            bytes_add_text(out, "&lt;");
            break;
        case '>':
            bytes_add_text(out, "&gt;");
            break;
        default:
            bytes_add_char(out, text.at[i]);
        }
    }
}

// ---- values

// The next of 1, 2, 5, 10, 20, … of at least so much.
static double round_step(double least)
{
    double power = pow(10, floor(log10(least)));
    double times = least / power;
    return power * (times <= 1 ? 1 : times <= 2 ? 2 : times <= 5 ? 5 : 10);
}

static double value_step(const struct sheet *s)
{
    return round_step((s->high - s->low) / VALUE_TICKS);
}

// Lets the values begin and end at ticks.
static void fit_values(struct sheet *s, const struct plot_point *points, size_t count)
{
    bool any = false;
    s->low = 0;
    s->high = 0;
    for (size_t i = 0; i < count; i++) {
        double value = drawable(points[i].value);
        if (!isfinite(points[i].value))
            continue;
        s->low = any && s->low < value ? s->low : value;
        s->high = any && s->high > value ? s->high : value;
        any = true;
    }
    // What never changes stands in the middle.
    double room = fabs(s->low) > 0 ? fabs(s->low) * 0.1 : 1;
    if (s->high - s->low <= fabs(s->low) * 1e-12) {
        s->low -= room;
        s->high += room;
    }
    double step = value_step(s);
    s->low = floor(s->low / step) * step;
    s->high = ceil(s->high / step) * step;
}

static void draw_values(const struct sheet *s)
{
    double step = value_step(s);
    int decimals = step < 1 ? (int)ceil(-log10(step) - 1e-9) : 0;
    bool plain = fabs(s->low) < 1e9 && fabs(s->high) < 1e9 && decimals <= 6;
    for (double value = s->low; value <= s->high + step / 2; value += step) {
        double y = y_of(s, value), shown = fabs(value) < step / 2 ? 0 : value;
        bytes_printf(
            s->out, "<line x1=\"%d\" y1=\"%.1f\" x2=\"%d\" y2=\"%.1f\" stroke=\"#ddd\"/>\n", LEFT, y, RIGHT, y);
        bytes_printf(s->out, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">", LEFT - 8, y + 4);
        if (plain)
            bytes_printf(s->out, "%.*f", decimals, shown);
        else
            bytes_printf(s->out, "%.6g", shown);
        bytes_add_text(s->out, "</text>\n");
    }
}

// ---- times

static int64_t time_step(const struct sheet *s)
{
    static const int64_t steps[] = {SECOND, 2 * SECOND, 5 * SECOND, 15 * SECOND, 30 * SECOND, MINUTE, 2 * MINUTE,
        5 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY,
        14 * DAY, 30 * DAY, 60 * DAY, 90 * DAY, 180 * DAY, 365 * DAY};
    size_t last = sizeof steps / sizeof *steps - 1, at = 0;
    while (at < last && (s->to_us - s->from_us) / steps[at] >= TIME_TICKS)
        at++;
    int64_t step = steps[at];
    while ((s->to_us - s->from_us) / step >= TIME_TICKS)
        step *= 2;
    return step;
}

// A day, or a time of the day: 2026-01-15T09:30:00Z, in parts.
static void print_time(struct bytes *out, int64_t at_us, int64_t step_us)
{
    char text[WHEN_TEXT_MAX];
    when_print(text, at_us);
    if (step_us >= DAY)
        bytes_add(out, text, 10);
    else
        bytes_add(out, text + 11, step_us >= MINUTE ? 5 : 8);
}

static void draw_times(const struct sheet *s)
{
    int64_t step = time_step(s);
    int64_t first = s->from_us - ((s->from_us % step) + step) % step;
    for (int64_t at_us = first; at_us <= s->to_us; at_us += step) {
        if (at_us < s->from_us)
            continue;
        double x = x_of(s, at_us);
        bytes_printf(
            s->out, "<line x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\" stroke=\"#888\"/>\n", x, BOTTOM, x, BOTTOM + 5);
        bytes_printf(s->out, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">", x, BOTTOM + 20);
        print_time(s->out, at_us, step);
        bytes_add_text(s->out, "</text>\n");
    }
}

// ---- the plot

static void draw_line(const struct sheet *s, const struct plot_point *points, size_t count)
{
    bool interrupted = true;
    bytes_add_text(s->out, "<path fill=\"none\" stroke=\"#1f6feb\" stroke-width=\"1.5\" d=\"");
    for (size_t i = 0; i < count; i++) {
        double x = x_of(s, points[i].at_us);
        if (!interrupted)
            bytes_printf(s->out, "H%.1f", x);
        bool is_there = isfinite(points[i].value);
        if (is_there && interrupted)
            bytes_printf(s->out, "M%.1f %.1f", x, y_of(s, points[i].value));
        else if (is_there)
            bytes_printf(s->out, "V%.1f", y_of(s, points[i].value));
        interrupted = !is_there;
    }
    bytes_add_text(s->out, "\"/>\n");
    if (!interrupted)
        bytes_printf(s->out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"#1f6feb\"/>\n",
            x_of(s, points[count - 1].at_us), y_of(s, points[count - 1].value));
}

// From when to when: the ticks alone do not tell the day.
static void draw_span(const struct sheet *s, const struct plot_point *points, size_t count)
{
    char from[WHEN_TEXT_MAX], to[WHEN_TEXT_MAX];
    size_t from_size = when_print(from, points[0].at_us), to_size = when_print(to, points[count - 1].at_us);
    bytes_printf(s->out, "<text x=\"%d\" y=\"%d\" fill=\"#666\">%.*s to %.*s (UTC), %zu points</text>\n", LEFT,
        BOTTOM + 44, (int)from_size, from, (int)to_size, to, count);
}

static void draw_points(struct bytes *out, const struct plot_point *points, size_t count)
{
    struct sheet s = {.out = out, .from_us = points[0].at_us, .to_us = points[count - 1].at_us};
    if (s.to_us <= s.from_us) {
        s.from_us -= SECOND;
        s.to_us = s.from_us + 2 * SECOND;
    }
    fit_values(&s, points, count);
    draw_values(&s);
    draw_times(&s);
    bytes_printf(out, "<path fill=\"none\" stroke=\"#888\" d=\"M%d %dV%dH%d\"/>\n", LEFT, TOP, BOTTOM, RIGHT);
    draw_line(&s, points, count);
    draw_span(&s, points, count);
}

void plot_draw(struct bytes *out, struct slice title, const struct plot_point *points, size_t count)
{
    bytes_printf(out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" "
        "font-family=\"sans-serif\" font-size=\"12\" fill=\"#222\">\n<title>",
        WIDTH, HEIGHT, WIDTH, HEIGHT);
    add_escaped(out, title);
    bytes_printf(out, "</title>\n<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>\n", WIDTH, HEIGHT);
    bytes_printf(out, "<text x=\"%d\" y=\"24\" font-size=\"16\">", LEFT);
    add_escaped(out, title);
    bytes_add_text(out, "</text>\n");
    if (count)
        draw_points(out, points, count);
    else
        bytes_printf(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">no snapshot yet</text>\n", WIDTH / 2,
            (TOP + BOTTOM) / 2);
    bytes_add_text(out, "</svg>\n");
}
