// What is kept of metrics on disk (store/metric_row.h), and how they go on from there when the tenant is opened.
#include "hooks/metrics/contribution.h"
#include "hooks/metrics/metrics.h"
#include "store/grow.h"
#include "store/metric_row.h"

#include <errno.h>

// ---- writing

static int put(const struct metric *m, struct engine *engine)
{
    BYTES_AUTO numbers = {0};
    accumulator_print(&m->accumulator, &numbers);
    struct metric_row row = {
        .hook = m->number,
        .defined = m->position,
        .cursor = m->cursor,
        .tail = m->tail,
        .snapshot_at_us = m->snapshot_us,
        .snapshot = bytes_slice(&m->snapshot),
        .numbers = bytes_slice(&numbers),
    };
    return numbers.failed ? -ENOMEM : metric_row_put(engine, &row);
}

static int put_revenue(const struct revenue *r, struct engine *engine)
{
    BYTES_AUTO numbers = {0};
    if (revenue_is_lost(r))
        return metric_row_drop(engine, METRIC_REVENUE);
    revenue_print(r, &numbers);
    struct metric_row row = {
        .hook = METRIC_REVENUE, .cursor = r->cursor, .tail = r->lag, .numbers = bytes_slice(&numbers)};
    return numbers.failed ? -ENOMEM : metric_row_put(engine, &row);
}

static int put_all(struct metrics *all, struct engine *engine)
{
    int error = 0;
    // A definition that changed is twice in the list, under the same number.
    for (size_t i = 0; !error && i < all->count; i++)
        if (all->all[i]->retired || accumulator_is_lost(&all->all[i]->accumulator))
            error = metric_row_drop(engine, all->all[i]->number);
    for (size_t i = 0; !error && i < all->count; i++)
        if (!all->all[i]->retired && !accumulator_is_lost(&all->all[i]->accumulator))
            error = put(all->all[i], engine);
    return error ? error : put_revenue(&all->revenue, engine);
}

int metrics_write(struct metrics *all, struct transaction *tx, bool idle)
{
    uint64_t behind = tx->end.position - all->mark;
    bool due = behind >= METRIC_SAVE_EVENTS || (idle && behind) || all->taken;
    if (!due || all->unsaved)
        return 0;
    int error = put_all(all, tx->reader.engine);
    if (!error)
        error = metric_row_put_mark(tx->reader.engine, tx->end.position);
    if (!error)
        all->written_mark = tx->end.position;
    // Where the rows are damaged no other event is to fail: it is tried again when the tenant is opened anew.
    if (error == -EIO)
        all->unsaved = true;
    return error;
}

// ---- opening

static int take(struct metric *m, const struct metric_row *row)
{
    struct slice numbers = row->numbers;
    int error = accumulator_read(&m->accumulator, &numbers);
    if (error)
        return error;
    m->cursor = row->cursor;
    m->tail = row->tail;
    m->snapshot_us = row->snapshot_at_us;
    bytes_add_slice(&m->snapshot, row->snapshot);
    return m->snapshot.failed ? -ENOMEM : 0;
}

static int take_revenue(struct metrics *all, struct engine *engine)
{
    struct revenue *r = &all->revenue;
    struct metric_row row;
    int error = metric_row_get(engine, METRIC_REVENUE, &row);
    if (!error)
        error = revenue_read(r, row.numbers);
    if (error == -ENOMEM)
        return error;
    if (error)
        revenue_restart(all);
    else {
        r->cursor = row.cursor;
        r->lag = row.tail;
    }
    return 0;
}

// What is not kept, or is damaged, is counted anew.
static int take_all(struct metrics *all, struct engine *engine)
{
    for (size_t i = 0; i < all->count; i++) {
        struct metric *m = all->all[i];
        struct metric_row row;
        int error = metric_row_get(engine, m->number, &row);
        if (!error && row.defined == m->position)
            error = take(m, &row);
        else if (!error)
            error = -ENOENT;
        if (error == -ENOMEM)
            return error;
        if (error)
            metric_restart(all, m);
        if (error && error != -ENOENT)
            fprintf(stderr, "factfs: tenant %s: metric %s is counted anew: %s\n", all->tenant->name, m->name,
                error == -EIO ? engine_error(engine) : strerror(-error));
    }
    return take_revenue(all, engine);
}

// Entities that had an event behind the mark, each once.
struct touched {
    uint64_t *all;
    size_t count, room;
};

static int by_number(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

// The events behind the mark: those that metrics count, and whose entities they touched.
static int count_events(struct metrics *all, struct reader *reader, struct touched *touched)
{
    struct event_row row;
    int found = 0;
    int error = engine_events_start(reader->engine, all->mark + 1);
    while (!error && (found = engine_events_next(reader->engine, &row)) == 1) {
        if (!GROW(touched->all, touched->count, touched->room))
            error = -ENOMEM;
        else if (!touched->count || touched->all[touched->count - 1] != row.entity)
            touched->all[touched->count++] = row.entity;
        // Too much has happened without us: that would keep whoever opens the tenant waiting.
        if (row.position - all->mark > METRIC_BEHIND_MAX)
            error = -E2BIG;
        if (!error)
            error = metrics_count_event(all, &row);
    }
    engine_events_end(reader->engine);
    return error ? error : found < 0 ? found : 0;
}

// An entity's state at a version, with what is shown of it; without one before the first.
static int load(struct reader *reader, uint64_t entity, uint32_t version, struct subject *s, struct state **state)
{
    struct chunk page;
    s->shown.entity = entity;
    s->shown.version = version;
    if (!version)
        return 0;
    int error = history_page(reader, entity, version, &page);
    if (error)
        return error;
    s->shown.updated_at_us = page.events[0].at_us;
    error = history_state(reader, entity, version, state);
    s->shown.state = error ? NULL : *state;
    return error;
}

static bool any_of_noun(const struct metrics *all, uint64_t entity, struct slice noun)
{
    for (size_t i = 0; i < all->count; i++)
        if (metric_counts_state(all->all[i], entity, noun))
            return true;
    return revenue_is_about(noun);
}

// What has become of an entity since the mark.
static int count_state(struct metrics *all, struct reader *reader, uint64_t entity)
{
    char name[NAME_ENTITY_MAX], folded[NAME_ENTITY_MAX];
    size_t size;
    struct head head;
    uint32_t version;
    STATE_AUTO then = NULL;
    STATE_AUTO now = NULL;
    int error = history_name(reader, entity, name, &size);
    if (error)
        return error;
    struct slice entity_name = {.at = name, .size = size}, noun = name_fold_noun(folded, entity_name);
    if (!any_of_noun(all, entity, noun))
        return 0;
    SUBJECT_AUTO before = {.shown.name = entity_name};
    SUBJECT_AUTO after = {.shown.name = entity_name};
    error = history_head_of(reader, entity, &head);
    if (!error)
        error = history_version_at(reader, entity, all->mark, &version);
    if (!error)
        error = load(reader, entity, version, &before, &then);
    if (!error)
        error = load(reader, entity, head.version, &after, &now);
    if (!error)
        error = revenue_changed(all, reader, entity, noun, entity_name, then, now);
    for (size_t i = 0; !error && i < all->count; i++)
        if (metric_counts_state(all->all[i], entity, noun))
            error = metric_exchange(all, all->all[i], 0, &before, &after);
    return error;
}

static void restart_all(struct metrics *all)
{
    for (size_t i = 0; i < all->count; i++)
        metric_restart(all, all->all[i]);
    revenue_restart(all);
}

int metrics_restore(struct metrics *all, struct reader *reader)
{
    struct touched touched = {0};
    int error = metric_row_mark(reader->engine, &all->mark);
    if (error) {
        restart_all(all);
        return error == -ENOENT ? 0 : error;
    }
    error = take_all(all, reader->engine);
    if (!error)
        error = count_events(all, reader, &touched);
    if (touched.count)
        qsort(touched.all, touched.count, sizeof *touched.all, by_number);
    for (size_t i = 0; !error && i < touched.count; i++)
        if (!i || touched.all[i] != touched.all[i - 1])
            error = count_state(all, reader, touched.all[i]);
    free(touched.all);
    // Around what is damaged everything is counted anew.
    if (error == -EIO || error == -E2BIG) {
        restart_all(all);
        error = 0;
    }
    return error;
}
