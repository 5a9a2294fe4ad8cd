// The files beside a metric: its value, and a plot of its history.
#include "hooks/hooks.h"
#include "hooks/metrics/metrics.h"
#include "hooks/metrics/plot.h"
#include "store/history.h"
#include "store/json.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

static int read_value(void *self, struct reader *reader, struct slice stem, struct bytes *out)
{
    (void)reader;
    int error = metrics_show_value(((struct reaction *)self)->metrics, stem, out);
    bytes_add_char(out, '\n');
    return error;
}

// ---- the history: Metric.Snapshotted on metric_NAME

// As many versions of the entity as a plot has points, from the first to the last.
struct sample {
    uint32_t versions, count;
};

static uint32_t version_of(const struct sample *s, uint32_t index)
{
    return s->count < 2 ? 1 : 1 + (uint32_t)((uint64_t)(s->versions - 1) * index / (s->count - 1));
}

// A number that a double cannot hold, and null, is none.
static double number_of(struct slice value)
{
    char text[64];
    if (json_kind(value) != JSON_NUMBER || value.size >= sizeof text)
        return NAN;
    memcpy(text, value.at, value.size);
    text[value.size] = '\0';
    return strtod(text, NULL);
}

// The value that an event records; 1, 0 when it is another event, or -errno. `page` is the last one that was read.
static int read_point(
    struct reader *reader, uint64_t entity, uint32_t version, struct chunk *page, struct plot_point *point)
{
    struct event_row row;
    struct slice data, value;
    bool read = version >= page->first && version < page->first + page->count;
    int error = read ? 0 : history_page(reader, entity, version, page);
    if (error) {
        page->count = 0;
        return error;
    }
    const struct event_place *place = &page->events[version - page->first];
    if (!slice_is(history_type(reader, place->type), "Metric.Snapshotted"))
        return 0;
    error = history_event(reader, place->position, &row);
    if (error)
        return error;
    if (!json_member(row.line, "data", &data) || !json_member(data, "value", &value))
        return 0;
    *point = (struct plot_point){.at_us = row.at_us, .value = number_of(value)};
    return 1;
}

// 0, -EIO when some of it is damaged, which was logged: the rest is drawn; or another -errno.
static int draw(struct reader *reader, const struct head *head, struct slice title, struct bytes *out)
{
    struct plot_point points[PLOT_POINTS];
    struct sample sample = {
        .versions = head->version,
        .count = head->version < PLOT_POINTS ? head->version : PLOT_POINTS,
    };
    struct chunk page = {0};
    size_t count = 0;
    int damage = 0;
    for (uint32_t i = 0; i < sample.count; i++) {
        int found = read_point(reader, head->id, version_of(&sample, i), &page, &points[count]);
        if (found < 0 && found != -EIO)
            return found;
        damage = found < 0 ? found : damage;
        count += found == 1;
    }
    plot_draw(out, title, points, count);
    return out->failed ? -ENOMEM : damage;
}

static bool recall(struct metrics *all, const struct head *head, struct bytes *out)
{
    pthread_mutex_lock(&all->lock);
    const struct metric_plot *plot = &all->plot;
    bool same = plot->version && plot->version == head->version && plot->entity == head->id;
    if (same)
        bytes_add_slice(out, bytes_slice(&plot->svg));
    pthread_mutex_unlock(&all->lock);
    return same;
}

static void remember(struct metrics *all, const struct head *head, struct slice svg)
{
    pthread_mutex_lock(&all->lock);
    struct metric_plot *plot = &all->plot;
    bytes_clear(&plot->svg);
    bytes_add_slice(&plot->svg, svg);
    plot->entity = head->id;
    plot->version = plot->svg.failed ? 0 : head->version;
    pthread_mutex_unlock(&all->lock);
}

static int read_history(void *self, struct reader *reader, struct slice stem, struct bytes *out)
{
    struct metrics *all = ((struct reaction *)self)->metrics;
    char name[METRIC_NAME_MAX + 16];
    struct head head = {0};
    int size = snprintf(name, sizeof name, "metric_%.*s", SLICE_ARG(stem));
    int error = history_head(reader, (struct slice){.at = name, .size = (size_t)size}, &head);
    if (error && error != -ENOENT)
        return error;
    if (recall(all, &head, out))
        return out->failed ? -ENOMEM : 0;
    size_t begun = out->size;
    error = draw(reader, &head, stem, out);
    if (!error)
        remember(all, &head, (struct slice){.at = out->at + begun, .size = out->size - begun});
    return error == -EIO ? 0 : error;
}

const struct hook_file metric_files[] = {
    {.name = "value", .mode = 0444, .read = read_value},
    {.name = "history.svg", .mode = 0444, .read = read_history},
    {0},
};
