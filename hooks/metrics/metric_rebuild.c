// What there was before a metric was defined is counted in small steps, between transactions.
#include "hooks/metrics/contribution.h"
#include "hooks/metrics/metrics.h"
#include "store/history.h"

#include <errno.h>

// So many events are read before the clock is looked at.
#define ROWS_AT_ONCE 32u
#define RETRY_US     WHEN_US_PER_SECOND

// A metric that counts along: it stands where the one does that is furthest behind.
static bool goes_along(const struct metric *m, const struct metric *first)
{
    return !metric_is_active(m) && m->definition.source == first->definition.source && m->cursor == first->cursor;
}

static void move(struct metrics *all, const struct metric *first, uint64_t to)
{
    uint64_t from = first->cursor;
    for (size_t i = 0; i < all->count; i++) {
        struct metric *m = all->all[i];
        if (metric_is_active(m) || m->definition.source != first->definition.source || m->cursor != from)
            continue;
        m->cursor = to;
        all->stamp++;
    }
}

// ---- entities

static bool any_wants(const struct metrics *all, const struct metric *first, struct slice noun)
{
    for (size_t i = 0; i < all->count; i++)
        if (goes_along(all->all[i], first) && slice_equal(all->all[i]->definition.type, noun))
            return true;
    return false;
}

static int count_state(
    struct metrics *all, const struct metric *first, struct transaction *tx, struct slice noun, struct subject *s)
{
    STATE_AUTO state = NULL;
    struct head head;
    int error = transaction_peek(tx, (struct slice){0}, s->shown.entity, &head, &state);
    // What is damaged has no state, and the log says so.
    if (error == -EIO || error == -ENOENT)
        return 0;
    s->shown.version = head.version;
    s->shown.updated_at_us = head.last_at_us;
    s->shown.state = state;
    for (size_t i = 0; !error && i < all->count; i++) {
        struct metric *m = all->all[i];
        struct contribution is;
        if (!goes_along(m, first) || !slice_equal(m->definition.type, noun))
            continue;
        error = contribution_of_state(&m->definition, s, &is);
        if (!error && is.counts)
            error = metric_change(all, &m->accumulator, 0, true, is.number);
    }
    return error;
}

// The next entity. 0, -ENOENT when that was the last, or -errno.
static int step_state(struct metrics *all, const struct metric *first, struct transaction *tx)
{
    char name[NAME_ENTITY_MAX], folded[NAME_ENTITY_MAX];
    uint64_t entity;
    size_t size;
    int error = history_entity_from(&tx->reader, first->cursor + 1, &entity, name, &size);
    if (error)
        return error;
    struct slice entity_name = {.at = name, .size = size}, noun = name_fold_noun(folded, entity_name);
    if (any_wants(all, first, noun)) {
        SUBJECT_AUTO s = {.shown = {.entity = entity, .name = entity_name}};
        error = count_state(all, first, tx, noun, &s);
    }
    if (!error)
        move(all, first, entity);
    return error;
}

static int step_states(struct metrics *all, struct metric *first, struct transaction *tx, int64_t until_ns)
{
    int error = 0;
    while (!error && when_steady_ns() < until_ns)
        error = step_state(all, first, tx);
    if (error != -ENOENT)
        return error;
    move(all, first, METRIC_ALL);
    return 0;
}

// ---- events

static int count_event(struct metrics *all, const struct metric *first, const struct event_row *row)
{
    struct event event;
    BYTES_AUTO actor = {0};
    int error = envelope_read(row->line, &event, &actor);
    SUBJECT_AUTO s = {.line = row->line, .target = event.target};
    for (size_t i = 0; !error && i < all->count; i++) {
        struct metric *m = all->all[i];
        struct contribution is;
        if (!goes_along(m, first) || !metric_wants(m, event.type, event.target))
            continue;
        error = contribution_of_event(&m->definition, &s, &is);
        if (!error && is.counts)
            error = metric_change(all, &m->accumulator, 0, true, is.number);
    }
    return error;
}

static int step_events(struct metrics *all, struct metric *first, struct transaction *tx, int64_t until_ns)
{
    struct engine *engine = tx->reader.engine;
    struct event_row row;
    int found = 1;
    int error = engine_events_start(engine, first->cursor + 1);
    for (unsigned rows = 1; !error && (found = engine_events_next(engine, &row)) == 1; rows++) {
        error = count_event(all, first, &row);
        if (!error)
            move(all, first, row.position);
        if (rows % ROWS_AT_ONCE == 0 && when_steady_ns() >= until_ns)
            break;
    }
    engine_events_end(engine);
    error = error ? error : found < 0 ? found : 0;
    if (error == -EIO && first->cursor < tx->end.position) {
        fprintf(stderr, "factfs: tenant %s: event %llu is damaged, and counts for no metric\n", all->tenant->name,
            (unsigned long long)first->cursor + 1);
        move(all, first, first->cursor + 1);
        return 0;
    }
    if (!error && found == 0)
        move(all, first, METRIC_ALL);
    return error;
}

// ---- all of them

// Where a window begins now; what is before it is not looked at.
static int find_window(struct metric *m, struct transaction *tx)
{
    int64_t now_us = when_now_us();
    now_us = now_us > tx->end.at_us ? now_us : tx->end.at_us;
    int error = tx->end.position ? history_position_at(&tx->reader, now_us - m->definition.window_us, &m->cursor) : 0;
    m->tail = error ? 0 : m->cursor + 1;
    return error;
}

// The one that is furthest behind; NULL when all is counted.
static int choose(struct metrics *all, struct transaction *tx, struct metric **first)
{
    int error = 0;
    *first = NULL;
    for (size_t i = 0; !error && i < all->count; i++) {
        struct metric *m = all->all[i];
        if (!metric_is_active(m) && m->definition.window_us && !m->tail)
            error = find_window(m, tx);
        if (!metric_is_active(m) && (!*first || m->cursor < (*first)->cursor))
            *first = m;
    }
    return error;
}

static int rebuild(struct metrics *all, struct transaction *tx, int64_t until_ns)
{
    struct metric *first;
    int error = choose(all, tx, &first);
    while (!error && first && when_steady_ns() < until_ns) {
        error = first->definition.source == METRIC_STATES ? step_states(all, first, tx, until_ns)
                                                          : step_events(all, first, tx, until_ns);
        if (!error)
            error = choose(all, tx, &first);
    }
    return error;
}

static int slide(struct metrics *all, struct transaction *tx, int64_t until_ns)
{
    int error = 0;
    for (size_t i = 0; !error && i < all->count; i++) {
        struct metric *m = all->all[i];
        if (metric_leaves_us(m) == INT64_MAX)
            continue;
        do
            error = metric_slide(all, m, tx, 0, ROWS_AT_ONCE);
        while (!error && m->behind && when_steady_ns() < until_ns);
    }
    return error;
}

static bool is_any_due(const struct metrics *all)
{
    bool due = false;
    for (size_t i = 0; i < all->count; i++)
        due |= metric_snapshot_due_us(all->all[i]) <= all->passed_us;
    return due && all->snapshots_us <= all->passed_us;
}

bool metrics_pass(struct metrics *all, struct transaction *tx, int64_t budget_ns)
{
    int64_t until_ns = when_steady_ns() + budget_ns;
    // To begin and end a look at the file for each row would take half of the time.
    int error = engine_read_begin(tx->reader.engine);
    if (!error)
        error = rebuild(all, tx, until_ns);
    if (!error)
        error = slide(all, tx, until_ns);
    if (!error)
        error = revenue_pass(all, tx, until_ns);
    metrics_restart_lost(all);
    if (error)
        fprintf(stderr, "factfs: tenant %s: its metrics cannot be counted: %s\n", all->tenant->name,
            engine_error(tx->reader.engine));
    engine_read_end(tx->reader.engine);
    all->passed_us = when_now_us();
    all->retry_us = error ? all->passed_us + RETRY_US : INT64_MIN;
    metrics_publish(all);
    return is_any_due(all);
}
