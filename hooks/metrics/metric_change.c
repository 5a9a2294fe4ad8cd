// What events change of metrics, and how that is taken back.
#include "hooks/metrics/contribution.h"
#include "hooks/metrics/metric_route.h"
#include "hooks/metrics/metrics.h"
#include "store/grow.h"

#include <errno.h>

// So many events that left a window are taken away with one that comes; the others wait until nobody does.
#define SLIDE_AT_ONCE 256u

// In a journal, a change of its own for each: they are taken back in the reverse order.
static struct metric_change *note(struct metrics *all, const struct metric_change *change)
{
    if (!GROW(all->journal, all->journal_count, all->journal_room))
        return NULL;
    all->journal[all->journal_count] = *change;
    return &all->journal[all->journal_count++];
}

static int apply(struct accumulator *a, bool add, const struct decimal *number)
{
    return add ? accumulator_add(a, number) : accumulator_remove(a, number);
}

// Takes the number of the change over.
static int change_it(struct metrics *all, struct metric_change *change)
{
    struct accumulator *a = change->accumulator;
    int error = apply(a, change->kind == METRIC_ADDED, &change->number);
    all->stamp++;
    if (!error && change->position && note(all, change))
        return 0;
    // Without a note it could not be taken back.
    if (!error && change->position)
        a->lost = true;
    decimal_free(&change->number);
    return error;
}

int metric_change(struct metrics *all, struct accumulator *a, uint64_t position, bool add, const struct decimal *number)
{
    struct metric_change change = {.position = position, .kind = add ? METRIC_ADDED : METRIC_TAKEN, .accumulator = a};
    if (a->lost)
        return 0;
    int error = number ? decimal_copy(&change.number, number) : 0;
    return error ? error : change_it(all, &change);
}

static void take_back(struct metric_change *change)
{
    if (change->kind == METRIC_SLID) {
        change->window->tail = change->tail;
        change->window->tail_us = INT64_MIN;
        change->window->behind = change->behind;
        return;
    }
    struct accumulator *a = change->accumulator;
    if (!a->lost && apply(a, change->kind == METRIC_TAKEN, &change->number))
        a->lost = true;
    decimal_free(&change->number);
}

void metrics_undone(struct metrics *all, uint64_t position)
{
    while (all->journal_count && all->journal[all->journal_count - 1].position > position) {
        take_back(&all->journal[--all->journal_count]);
        all->stamp++;
    }
}

void metrics_forget_changes(struct metrics *all)
{
    for (size_t i = 0; i < all->journal_count; i++)
        if (all->journal[i].kind != METRIC_SLID)
            decimal_free(&all->journal[i].number);
    all->journal_count = 0;
    if (all->journal_room <= METRIC_JOURNAL_KEPT)
        return;
    free(all->journal);
    all->journal = NULL;
    all->journal_room = 0;
}

// ---- windows

int64_t metric_leaves_us(const struct metric *m)
{
    if (!m->definition.window_us || !metric_is_active(m) || m->tail_us == INT64_MAX)
        return INT64_MAX;
    return m->tail_us == INT64_MIN ? INT64_MIN : m->tail_us + m->definition.window_us;
}

// The clock of the tenant, which is never behind its last event.
static int64_t now_of(const struct transaction *tx)
{
    int64_t now_us = when_now_us();
    return now_us > tx->end.at_us ? now_us : tx->end.at_us;
}

// Takes away what an event that has left contributed.
static int take_away(struct metrics *all, struct metric *m, uint64_t position, const struct event_row *row)
{
    struct event event;
    struct contribution was = {0};
    BYTES_AUTO actor = {0};
    int error = envelope_read(row->line, &event, &actor);
    if (error || !metric_wants(m, event.type, event.target))
        return error;
    SUBJECT_AUTO itself = {.line = row->line, .target = event.target};
    error = contribution_of_event(&m->definition, &itself, &was);
    return error || !was.counts ? error : metric_change(all, &m->accumulator, position, false, was.number);
}

// Looks at the event at the tail, if there is one. 1 when it has left the window; else 0 or -errno.
static int slide_one(struct metrics *all, struct metric *m, struct transaction *tx, uint64_t position, int64_t now_us)
{
    struct event_row row;
    bool known = m->tail_us != INT64_MIN && m->tail_us != INT64_MAX;
    if (known && m->tail_us > now_us - m->definition.window_us)
        return 0;
    int error = transaction_event(tx, m->tail, &row);
    m->tail_us = error ? INT64_MAX : row.at_us;
    if (error || m->tail_us > now_us - m->definition.window_us)
        return error == -ENOENT ? 0 : error;
    error = take_away(all, m, position, &row);
    if (error)
        return error;
    m->tail++;
    m->tail_us = INT64_MIN;
    return 1;
}

int metric_slide(struct metrics *all, struct metric *m, struct transaction *tx, uint64_t position, unsigned most)
{
    const struct metric_change change = {
        .position = position, .kind = METRIC_SLID, .window = m, .tail = m->tail, .behind = m->behind};
    int64_t now_us = now_of(tx);
    int left = 1;
    for (unsigned i = 0; i < most && left == 1; i++)
        left = slide_one(all, m, tx, position, now_us);
    m->behind = left == 1;
    all->stamp += m->behind != change.behind;
    if (position && m->tail != change.tail && !note(all, &change))
        m->accumulator.lost = true;
    // What is damaged cannot be taken away: what is left will be counted anew, and no event waits for that.
    if (left < 0 && left != -ENOMEM)
        m->accumulator.lost = true;
    return left == -ENOMEM ? left : 0;
}

// ---- states

bool metric_counts_state(const struct metric *m, uint64_t entity, struct slice noun)
{
    // What is not counted yet will be, as it is by then.
    return m->definition.source == METRIC_STATES && entity <= m->cursor && slice_equal(m->definition.type, noun);
}

int metric_exchange(
    struct metrics *all, struct metric *m, uint64_t position, struct subject *before, struct subject *after)
{
    struct contribution was, is;
    int error = contribution_of_state(&m->definition, before, &was);
    if (!error)
        error = contribution_of_state(&m->definition, after, &is);
    if (error || contribution_same(&was, &is))
        return error;
    if (was.counts)
        error = metric_change(all, &m->accumulator, position, false, was.number);
    if (!error && is.counts)
        error = metric_change(all, &m->accumulator, position, true, is.number);
    return error;
}

// ---- events

int metrics_count_event(struct metrics *all, const struct event_row *row)
{
    struct event event;
    BYTES_AUTO actor = {0};
    int error = envelope_read(row->line, &event, &actor);
    if (error)
        return error;
    event.at_us = row->at_us;
    error = metrics_take_snapshot(all, &event);
    SUBJECT_AUTO s = {.line = row->line, .target = event.target};
    for (size_t i = 0; !error && i < all->count; i++) {
        struct metric *m = all->all[i];
        struct contribution is;
        if (m->definition.source != METRIC_EVENTS || row->position > m->cursor ||
            !metric_wants(m, event.type, event.target))
            continue;
        error = contribution_of_event(&m->definition, &s, &is);
        if (!error && is.counts)
            error = metric_change(all, &m->accumulator, 0, true, is.number);
    }
    return error;
}

struct happening {
    struct metrics *metrics;
    struct transaction *tx;
    uint64_t position;
    const struct event *event;
    struct subject before, after; // the state of its entity
    struct subject itself;
};

static int change_of_events(struct happening *h, struct metric *m)
{
    struct contribution is;
    if (h->position > m->cursor || !metric_wants(m, h->event->type, h->itself.target))
        return 0;
    int error = contribution_of_event(&m->definition, &h->itself, &is);
    if (!error && is.counts)
        error = metric_change(h->metrics, &m->accumulator, h->position, true, is.number);
    if (error || !m->definition.window_us)
        return error;
    // What was imported may have left already.
    if (m->tail_us == INT64_MAX)
        m->tail_us = INT64_MIN;
    return metric_slide(h->metrics, m, h->tx, h->position, SLIDE_AT_ONCE);
}

int metrics_added(
    struct metrics *all, struct transaction *tx, struct entity *e, const struct event *event, uint64_t position)
{
    const struct metric_route *route = metric_route(all, event->type, entity_name(e));
    if (!route)
        return -ENOMEM;
    int error = route->is_revenue ? revenue_added(all, tx, e, route->noun, position) : 0;
    if (error || !route->count)
        return error;
    struct head head = transaction_head_before(tx);
    struct event_row row;
    error = transaction_event(tx, position, &row);
    if (error)
        return error;
    struct happening h = {
        .metrics = all,
        .tx = tx,
        .position = position,
        .event = event,
        .before.shown = {.entity = e->head.id,
            .name = entity_name(e),
            .version = head.version,
            .updated_at_us = head.last_at_us,
            .state = transaction_state_before(tx)},
        .after.shown = {.entity = e->head.id,
            .name = entity_name(e),
            .version = e->next.version,
            .updated_at_us = e->next.last_at_us,
            .state = e->next_state},
        .itself = {.line = row.line, .target = entity_name(e)},
    };
    for (size_t i = 0; !error && i < route->count; i++) {
        struct metric *m = route->all[i];
        if (m->definition.source == METRIC_EVENTS)
            error = change_of_events(&h, m);
        else if (e->head.id <= m->cursor)
            error = metric_exchange(all, m, position, &h.before, &h.after);
    }
    subject_free(&h.before);
    subject_free(&h.after);
    subject_free(&h.itself);
    return error;
}
