// The history of a metric: its value is recorded as an event, Metric.Snapshotted on metric_NAME, when it is another one
// than the last that was, and its interval has passed.
#include "hooks/metrics/metrics.h"
#include "store/accept.h"
#include "store/json.h"

#include <errno.h>

// What could not be recorded is not tried again at once.
#define RETRY_US WHEN_US_PER_SECOND

int64_t metric_snapshot_due_us(const struct metric *m)
{
    return m->differs ? m->snapshot_us + m->definition.interval_us : INT64_MAX;
}

void metric_compare_snapshot(struct metric *m)
{
    struct slice last = m->snapshot.size ? bytes_slice(&m->snapshot) : SLICE("null");
    m->differs = m->active && m->shown.size && !slice_equal(bytes_slice(&m->shown), last);
    // Of a metric that came without an event the first value is the beginning.
    if (m->differs && !m->snapshot_us)
        m->snapshot_us = when_now_us();
}

static int record(const struct metric *m, struct transaction *tx)
{
    char type[NAME_TYPE_MAX], target[METRIC_NAME_MAX + 8];
    struct event event = {0};
    struct entity *e;
    struct state *state;
    uint64_t position;
    BYTES_AUTO data = {0};
    const struct reactor *reactor = tx->tenant->reactor;
    int size = snprintf(target, sizeof target, "metric_%s", m->name);
    event.actor = (struct slice){.at = target, .size = (size_t)size};
    int error = transaction_entity(tx, event.actor, &e);
    if (!error)
        error = transaction_state(tx, e, &state);
    if (!error)
        error = accept_type(tx, SLICE("Metric"), "Snapshotted", type, &event.type);
    if (error)
        return error;
    bytes_add_text(&data, "{\"value\":");
    bytes_add_slice(&data, bytes_slice(&m->shown));
    bytes_add_char(&data, '}');
    event.data = bytes_slice(&data);
    error = data.failed ? -ENOMEM : transaction_add(tx, e, &event, &position);
    return error ? error : reactor->after(tx->tenant->reaction, tx, e, position);
}

int metrics_tick(struct metrics *all, struct transaction *tx)
{
    int error = 0;
    int64_t now_us = when_now_us();
    all->snapshots_us = now_us + RETRY_US;
    for (size_t i = 0; !error && i < all->count; i++) {
        struct metric *m = all->all[i];
        if (m->retired || metric_snapshot_due_us(m) > now_us)
            continue;
        error = record(m, tx);
        m->recorded_us = tx->at_us;
        bytes_clear(&m->recorded);
        bytes_add_slice(&m->recorded, bytes_slice(&m->shown));
    }
    return error;
}

void metrics_settle_snapshots(struct metrics *all, bool committed)
{
    for (size_t i = 0; i < all->count; i++) {
        struct metric *m = all->all[i];
        if (!m->recorded_us)
            continue;
        if (committed) {
            struct bytes last = m->snapshot;
            m->snapshot = m->recorded;
            m->recorded = last;
            m->snapshot_us = m->recorded_us;
            all->snapshots_us = 0;
        }
        m->recorded_us = 0;
        metric_compare_snapshot(m);
    }
}

int metrics_take_snapshot(struct metrics *all, const struct event *event)
{
    struct slice value;
    const size_t size = strlen("metric_");
    if (!slice_is(event->type, "Metric.Snapshotted") || event->target.size <= size ||
        !json_member(event->data, "value", &value))
        return 0;
    struct metric *m =
        metrics_find(all, (struct slice){.at = event->target.at + size, .size = event->target.size - size});
    if (!m)
        return 0;
    bytes_clear(&m->snapshot);
    bytes_add_slice(&m->snapshot, value);
    m->snapshot_us = event->at_us;
    return m->snapshot.failed ? -ENOMEM : 0;
}
