// What a metric is just now.
#include "hooks/metrics/metrics.h"
#include "store/tenant.h"

#include <errno.h>

// The other names of those that are built in.
static const struct {
    const char *other, *name;
} aliases[] = {
    {"churn_rate", "churnRate"},
    {"churn", "churnRate"},
    {"active_subscriptions", "activeSubscriptions"},
};

static struct slice name_of(struct slice alias)
{
    for (unsigned i = 0; i < sizeof aliases / sizeof *aliases; i++)
        if (slice_is(alias, aliases[i].other))
            return slice_of(aliases[i].name);
    return alias;
}

int metric_find_built_in(struct slice name)
{
    for (int i = 0; revenue_names[i]; i++)
        if (slice_is(name_of(name), revenue_names[i]))
            return i;
    return -1;
}

// As the running transaction has it, or as others see it. What a file defines comes behind what is built in, and
// replaces it.
static struct metric *find(const struct metrics *all, struct slice name, bool shown)
{
    struct metric *found = NULL;
    for (size_t i = 0; i < all->count; i++) {
        struct metric *m = all->all[i];
        if (slice_is(name, m->name) && (shown ? m->shown.size > 0 : !m->retired))
            found = m;
    }
    return found;
}

struct metric *metrics_find(const struct metrics *all, struct slice name)
{
    struct metric *found = find(all, name, false);
    return found ? found : find(all, name_of(name), false);
}

const struct metric *metric_shown(const struct metrics *all, struct slice name)
{
    const struct metric *found = find(all, name, true);
    return found ? found : find(all, name_of(name), true);
}

int metrics_show_value(struct metrics *all, struct slice name, struct bytes *out)
{
    pthread_mutex_lock(&all->lock);
    const struct metric *m = metric_shown(all, name);
    if (m)
        bytes_add_slice(out, bytes_slice(&m->shown));
    pthread_mutex_unlock(&all->lock);
    return !m ? -ENOENT : out->failed ? -ENOMEM : 0;
}

bool metric_is_active(const struct metric *m)
{
    return m->cursor == METRIC_ALL && !m->accumulator.lost;
}

// ---- values

static int compute(const struct metrics *all, struct metric *m)
{
    const struct expression *e = &m->definition.expression;
    static const struct fraction null;
    const struct fraction *values[EXPRESSION_NAMES_MAX];
    for (size_t i = 0; i < e->name_count; i++) {
        struct metric *used = metrics_find(all, e->names[i]);
        values[i] = used ? metric_value(all, used) : &null;
        if (!values[i])
            return -ENOMEM;
    }
    return expression_compute(e, values, &m->value);
}

static int built_in(const struct metrics *all, struct metric *m)
{
    const struct revenue *r = &all->revenue;
    bool of_then = m->definition.built_in == BUILT_IN_CHURN || m->definition.built_in == BUILT_IN_NRR;
    if (!revenue_is_whole(r) || (r->behind && of_then))
        return 0;
    return revenue_value(r, (enum built_in)m->definition.built_in, &m->value);
}

static int find_value(const struct metrics *all, struct metric *m)
{
    fraction_clear(&m->value);
    if (m->definition.source == METRIC_EXPRESSION)
        return compute(all, m);
    if (m->definition.source == METRIC_BUILT_IN)
        return built_in(all, m);
    return metric_is_active(m) && !m->behind ? accumulator_value(&m->accumulator, &m->value) : 0;
}

const struct fraction *metric_value(const struct metrics *all, struct metric *m)
{
    if (m->value_stamp == all->stamp)
        return &m->value;
    int error = find_value(all, m);
    if (error)
        return NULL;
    m->value_stamp = all->stamp;
    return &m->value;
}

// ---- what it is computed of

static double own_progress(const struct metrics *all, const struct metric *m)
{
    bool is_built_in = m->definition.source == METRIC_BUILT_IN;
    bool of_states = is_built_in || m->definition.source == METRIC_STATES;
    uint64_t cursor = is_built_in ? all->revenue.cursor : m->cursor;
    uint64_t whole = of_states ? all->tenant->next_entity : all->tenant->end.position + 1;
    if (m->behind)
        return (double)m->tail / (double)whole;
    if (is_built_in ? revenue_is_whole(&all->revenue) : metric_is_active(m))
        return 1;
    return cursor < whole ? (double)cursor / (double)whole : 0.99;
}

// Goes to each that a metric is computed of, itself included, once.
struct walk {
    struct metrics *all;
    const struct metric *sought;
    bool found;
    double progress; // the least
};

static void visit(struct walk *w, struct metric *m)
{
    const struct expression *e = &m->definition.expression;
    double progress = own_progress(w->all, m);
    m->walked = w->all->walk;
    w->progress = progress < w->progress ? progress : w->progress;
    for (size_t i = 0; i < e->name_count; i++) {
        struct metric *used = metrics_find(w->all, e->names[i]);
        w->found |= used && used == w->sought;
        if (used && used->walked != w->all->walk)
            visit(w, used);
    }
}

bool metric_uses(struct metrics *all, struct metric *m, const struct metric *other)
{
    struct walk w = {.all = all, .sought = other, .progress = 1};
    all->walk++;
    visit(&w, m);
    return w.found;
}

double metric_progress(struct metrics *all, struct metric *m)
{
    struct walk w = {.all = all, .progress = 1};
    all->walk++;
    visit(&w, m);
    return w.progress;
}
