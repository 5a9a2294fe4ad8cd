// Plots: where lines, ticks and words stand. Expected places follow from the sheet in plot.c on paper: x from 80 to
// 700, y from 260 up to 40.
#include "hooks/metrics/plot.h"
#include "store/when.h"
#include "tests/store/check.h"

#include <math.h>

// 2026-01-15T09:00:00Z
#define NINE INT64_C(1768467600000000)
#define HOUR (3600 * WHEN_US_PER_SECOND)

static struct bytes drawn;

static void draw(const char *title, const struct plot_point *points, size_t count)
{
    bytes_clear(&drawn);
    plot_draw(&drawn, slice_of(title), points, count);
    bytes_add_char(&drawn, '\0');
}

static void holds(const char *part)
{
    if (strstr(drawn.at, part))
        return;
    check_ok = false;
    printf("#   there is no %s in\n%s\n", part, drawn.at);
}

static size_t times(const char *part)
{
    size_t count = 0;
    for (const char *at = drawn.at; (at = strstr(at, part)); at++)
        count++;
    return count;
}

static void a_value_stands_until_the_next(void)
{
    draw("mrr", (struct plot_point[]){{NINE, 0}, {NINE + HOUR, 100}, {NINE + 4 * HOUR, 50}}, 3);
    // 0 at the bottom; 100 at the top from a quarter on; 50 in the middle, at the end.
    holds("d=\"M80.0 260.0H235.0V40.0H700.0V150.0\"");
    holds("<circle cx=\"700.0\" cy=\"150.0\"");
    holds("<title>mrr</title>");
    holds("2026-01-15T09:00:00Z to 2026-01-15T13:00:00Z (UTC), 3 points");
}

static void ticks_are_round(void)
{
    draw("mrr", (struct plot_point[]){{NINE, 0}, {NINE + HOUR, 100}, {NINE + 4 * HOUR, 50}}, 3);
    static const char *const labels[] = {
        ">0<", ">20<", ">40<", ">60<", ">80<", ">100<", ">09:00<", ">10:00<", ">11:00<", ">12:00<", ">13:00<"};
    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++)
        holds(labels[i]);
    draw("churn", (struct plot_point[]){{NINE, 0.31}, {NINE + 40 * 24 * HOUR, 0.44}}, 2);
    static const char *const finer[] = {">0.30<", ">0.35<", ">0.40<", ">0.45<", ">2026-01-15<"};
    for (size_t i = 0; i < 4; i++)
        holds(finer[i]);
    CHECK(times("text-anchor=\"middle\">2026-") >= 2);
    CHECK(times("text-anchor=\"middle\">2026-") <= 7);
    draw("huge", (struct plot_point[]){{NINE, -3e20}, {NINE + WHEN_US_PER_SECOND, 5e20}}, 2);
    holds(">-4e+20<");
    holds(">0<");
    holds(">09:00:01<");
}

static void nothing_and_one(void)
{
    draw("none", NULL, 0);
    holds("no snapshot yet");
    CHECK_INT(times("<path"), 0);
    draw("one", (struct plot_point[]){{NINE, 7}}, 1);
    // In the middle of both.
    holds("<circle cx=\"390.0\" cy=\"150.0\"");
}

static void null_interrupts_the_line(void)
{
    draw("m",
        (struct plot_point[]){
            {NINE, 0}, {NINE + HOUR, NAN}, {NINE + 2 * HOUR, INFINITY}, {NINE + 3 * HOUR, 10}, {NINE + 4 * HOUR, 0}},
        5);
    holds("d=\"M80.0 260.0H235.0M545.0 40.0H700.0V260.0\"");
    draw("m", (struct plot_point[]){{NINE, NAN}, {NINE + HOUR, NAN}}, 2);
    CHECK_INT(times("<circle"), 0);
}

static void a_title_is_text(void)
{
    draw("a<b>&c", NULL, 0);
    holds("<title>a&lt;b&gt;&amp;c</title>");
}

// Whatever the values, nothing that is no number is written.
static void any_values(void)
{
    static const double values[] = {0, 1e308, -1e308, 5e-324, 1e-300, 123456789.123, -0.0, 1, 1.0000000000000002};
    const size_t count = sizeof values / sizeof *values;
    for (size_t i = 0; i < count * count; i++) {
        draw("m", (struct plot_point[]){{NINE, values[i / count]}, {NINE + (int64_t)i, values[i % count]}}, 2);
        CHECK(!strstr(drawn.at, "nan") && !strstr(drawn.at, "inf"));
        CHECK(drawn.size < 20000);
    }
}

int main(void)
{
    TEST("a value stands until the next one", a_value_stands_until_the_next);
    TEST("ticks are round numbers and times", ticks_are_round);
    TEST("no snapshot is said, and one stands in the middle", nothing_and_one);
    TEST("null interrupts the line", null_interrupts_the_line);
    TEST("a title is text, whatever it holds", a_title_is_text);
    TEST("any values can be drawn", any_values);
    bytes_free(&drawn);
    return check_end("plot");
}
