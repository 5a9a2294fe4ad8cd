#include "hooks/metrics/metrics.h"

#include "hooks/hooks.h"
#include "hooks/metrics/metric_route.h"
#include "store/grow.h"
#include "store/tenant.h"

#include <errno.h>

// ---- the list

void metric_drop(struct metric *m)
{
    if (!m)
        return;
    metric_free(&m->definition);
    accumulator_clear(&m->accumulator, METRIC_COUNT);
    fraction_free(&m->value);
    bytes_free(&m->shown);
    bytes_free(&m->snapshot);
    bytes_free(&m->recorded);
    free(m);
}

static int by_name(const struct metric *a, const struct metric *b)
{
    bool a_built_in = metric_is_built_in(a), b_built_in = metric_is_built_in(b);
    if (a_built_in || b_built_in)
        return a_built_in && b_built_in ? (a->number > b->number) - (a->number < b->number) : b_built_in - a_built_in;
    return strcmp(a->name, b->name);
}

void metrics_list_changed(struct metrics *all)
{
    all->generation++;
    all->stamp++;
    metric_routes_free(all->routes);
    all->routes = NULL;
}

int metrics_insert(struct metrics *all, struct metric *m)
{
    if (!GROW(all->all, all->count, all->room))
        return -ENOMEM;
    size_t at = all->count;
    while (at && by_name(all->all[at - 1], m) > 0)
        at--;
    memmove(all->all + at + 1, all->all + at, (all->count - at) * sizeof *all->all);
    all->all[at] = m;
    all->count++;
    metrics_list_changed(all);
    return 0;
}

static void drop_at(struct metrics *all, size_t at)
{
    struct metric *m = all->all[at];
    memmove(all->all + at, all->all + at + 1, (--all->count - at) * sizeof *all->all);
    metrics_list_changed(all);
    metric_drop(m);
}

// Begins to count from nothing.
void metric_restart(struct metrics *all, struct metric *m)
{
    accumulator_clear(&m->accumulator, m->definition.aggregate);
    m->cursor = metric_counts(m) ? 0 : METRIC_ALL;
    m->tail = 0;
    m->tail_us = INT64_MIN;
    m->behind = false;
    all->stamp++;
}

int metric_make(struct metrics *all, struct slice name, struct slice text, struct metric **made, struct reason *why)
{
    struct metric *m = calloc(1, sizeof *m);
    if (!m)
        return -ENOMEM;
    snprintf(m->name, sizeof m->name, "%.*s", SLICE_ARG(name));
    int error = metric_read(&m->definition, text, why);
    if (error) {
        free(m);
        return error;
    }
    metric_restart(all, m);
    *made = m;
    return 0;
}

// ---- opening and closing

static int add_built_in(struct metrics *all, unsigned which)
{
    struct metric *m = calloc(1, sizeof *m);
    if (!m)
        return -ENOMEM;
    m->number = METRIC_BUILT_IN_FIRST + which;
    snprintf(m->name, sizeof m->name, "%s", revenue_names[which]);
    m->definition =
        (struct metric_definition){.source = METRIC_BUILT_IN, .built_in = which, .interval_us = METRIC_INTERVAL_US};
    metric_restart(all, m);
    // Where there are no subscriptions, there is nothing to record.
    if (which == BUILT_IN_MRR || which == BUILT_IN_ACTIVE)
        bytes_add_char(&m->snapshot, '0');
    int error = m->snapshot.failed ? -ENOMEM : metrics_insert(all, m);
    if (error)
        metric_drop(m);
    return error;
}

static int read_all(struct metrics *all, struct engine *engine)
{
    struct hook_row row;
    uint64_t from = 0;
    int error;
    while (!(error = engine_hook_from(engine, from, &row))) {
        struct reason why = {0};
        struct metric *m = NULL;
        struct slice stem;
        from = row.number + 1;
        if (!slice_is(row.folder, metric_kind.folder) || !hook_stem(&metric_kind, row.name, &stem))
            continue;
        error = metric_make(all, stem, row.text, &m, &why);
        if (!error) {
            m->number = row.number;
            m->position = row.position;
            m->snapshot_us = row.at_us;
            error = metrics_insert(all, m);
        }
        if (error == -ENOMEM) {
            metric_drop(m);
            return error;
        }
        // What an earlier version took must not keep the tenant from being opened.
        if (error)
            fprintf(stderr, "factfs: tenant %s: metric %.*s is not in force: %s\n", all->tenant->name,
                SLICE_ARG(row.name), why.text[0] ? why.text : strerror(-error));
    }
    return error == -ENOENT ? 0 : error;
}

int metrics_open(struct metrics **opened, struct tenant *tenant, struct engine *engine, struct reason *why)
{
    struct metrics *all = calloc(1, sizeof *all);
    if (!all)
        return -ENOMEM;
    all->tenant = tenant;
    all->stamp = 1;
    all->retry_us = INT64_MIN;
    pthread_mutex_init(&all->lock, NULL);
    *opened = all;
    struct reader reader = {.tenant = tenant, .engine = engine};
    revenue_open(&all->revenue);
    int error = 0;
    for (unsigned i = 0; !error && i < BUILT_INS; i++)
        error = add_built_in(all, i);
    if (!error)
        error = read_all(all, engine);
    if (!error)
        error = metrics_restore(all, &reader);
    metrics_publish(all);
    return error
               ? reason_set(why, error, "tenant %s: its metrics cannot be read: %s", tenant->name, engine_error(engine))
               : 0;
}

void metrics_close(struct metrics *all)
{
    if (!all)
        return;
    metrics_forget_changes(all);
    free(all->journal);
    while (all->count)
        metric_drop(all->all[--all->count]);
    metric_drop(all->checked);
    revenue_close(&all->revenue);
    free(all->all);
    metric_routes_free(all->routes);
    bytes_free(&all->plot.svg);
    pthread_mutex_destroy(&all->lock);
    free(all);
}

// ---- values

static int print_value(const struct metrics *all, struct metric *m, struct bytes *out)
{
    const struct fraction *value = metric_value(all, m);
    return value ? fraction_print(out, value) : -ENOMEM;
}

void metrics_show_running(const struct metrics *all, struct bytes *out)
{
    char separator = '{';
    for (size_t i = 0; i < all->count; i++) {
        struct metric *m = all->all[i];
        if (m->retired)
            continue;
        bytes_printf(out, "%c\"%s\":", separator, m->name);
        out->failed |= print_value(all, m, out) != 0;
        separator = ',';
    }
    bytes_add_text(out, separator == '{' ? "{}" : "}");
}

int metrics_show_running_value(const struct metrics *all, struct slice name, struct bytes *out)
{
    struct metric *m = metrics_find(all, name);
    return m ? print_value(all, m, out) : -ENOENT;
}

// Of what is committed. When there is no memory for it, the value is left out for the moment.
void metrics_publish(struct metrics *all)
{
    for (size_t i = 0; i < all->count; i++) {
        struct metric *m = all->all[i];
        bool active = metric_progress(all, m) == 1;
        if (m->shown_stamp == all->stamp && m->shown.size && m->active && active)
            continue;
        BYTES_AUTO text = {0};
        bool failed = print_value(all, m, &text) != 0;
        pthread_mutex_lock(&all->lock);
        bytes_clear(&m->shown);
        bytes_add_slice(&m->shown, bytes_slice(&text));
        m->active = active;
        m->progress = metric_progress(all, m);
        pthread_mutex_unlock(&all->lock);
        m->shown_stamp = failed ? 0 : all->stamp;
        metric_compare_snapshot(m);
    }
}

// ---- the end of a transaction

// Those that the transaction made are no more, and those that it took away are back; or the other way round.
static void settle_list(struct metrics *all, bool committed)
{
    pthread_mutex_lock(&all->lock);
    for (size_t i = all->count; i > 0; i--) {
        struct metric *m = all->all[i - 1];
        if (committed ? m->retired : m->fresh)
            drop_at(all, i - 1);
        else
            m->retired = m->fresh = false;
    }
    pthread_mutex_unlock(&all->lock);
    metrics_list_changed(all);
    metric_drop(all->checked);
    all->checked = NULL;
    all->taken = false;
}

void metrics_restart_lost(struct metrics *all)
{
    for (size_t i = 0; i < all->count; i++)
        if (accumulator_is_lost(&all->all[i]->accumulator))
            metric_restart(all, all->all[i]);
    if (revenue_is_lost(&all->revenue))
        revenue_restart(all);
}

void metrics_settle(struct metrics *all, struct transaction *tx, bool committed)
{
    if (!committed)
        metrics_undone(all, tx->published.position);
    metrics_forget_changes(all);
    if (all->taken)
        settle_list(all, committed);
    if (committed && all->written_mark)
        all->mark = all->written_mark;
    all->written_mark = 0;
    metrics_settle_snapshots(all, committed);
    metrics_restart_lost(all);
    // Little is counted before whoever has defined it hears of it.
    if (metrics_due_us(all) == INT64_MIN)
        metrics_pass(all, tx, METRIC_FIRST_NS);
    else
        metrics_publish(all);
}

int64_t metrics_due_us(const struct metrics *all)
{
    int64_t least_us = revenue_due_us(&all->revenue), snapshots_us = INT64_MAX;
    if (least_us == INT64_MIN)
        return all->retry_us;
    for (size_t i = 0; i < all->count; i++) {
        const struct metric *m = all->all[i];
        int64_t leaves_us = metric_leaves_us(m), snapshot_us = metric_snapshot_due_us(m);
        if (!metric_is_active(m) || m->behind)
            return all->retry_us;
        least_us = leaves_us < least_us ? leaves_us : least_us;
        snapshots_us = snapshot_us < snapshots_us ? snapshot_us : snapshots_us;
    }
    snapshots_us = snapshots_us < all->snapshots_us ? all->snapshots_us : snapshots_us;
    least_us = snapshots_us < least_us ? snapshots_us : least_us;
    return least_us < all->passed_us + METRIC_PASS_US ? all->passed_us + METRIC_PASS_US : least_us;
}

// ---- any thread

void metrics_show_values(struct metrics *all, struct bytes *out)
{
    char separator = '{';
    pthread_mutex_lock(&all->lock);
    for (size_t i = 0; i < all->count; i++) {
        const struct metric *m = all->all[i];
        // What a file defines replaces what is built in.
        if (!m->shown.size || metric_shown(all, slice_of(m->name)) != m)
            continue;
        bytes_printf(out, "%c\"%s\":", separator, m->name);
        bytes_add_slice(out, bytes_slice(&m->shown));
        separator = ',';
    }
    pthread_mutex_unlock(&all->lock);
    bytes_add_text(out, separator == '{' ? "{}" : "}");
}

void metrics_show(struct metrics *all, struct bytes *out)
{
    char separator = '{';
    pthread_mutex_lock(&all->lock);
    for (size_t i = 0; i < all->count; i++) {
        const struct metric *m = all->all[i];
        if (!m->shown.size || metric_is_built_in(m))
            continue;
        bytes_printf(out, "%c\"%s\":{\"state\":\"%s\"", separator, m->name, m->active ? "active" : "rebuilding");
        if (!m->active)
            bytes_printf(out, ",\"progress\":%.2f", m->progress);
        bytes_add_char(out, '}');
        separator = ',';
    }
    pthread_mutex_unlock(&all->lock);
    bytes_add_text(out, separator == '{' ? "{}" : "}");
}
