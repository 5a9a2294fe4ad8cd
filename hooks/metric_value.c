// What a metric is just now.
#include "hooks/metrics.h"
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

// As the running transaction has it, or as others see it.
static struct metric *find(const struct metrics *all, struct slice name, bool shown)
{
    for (size_t i = 0; i < all->count; i++) {
        struct metric *m = all->all[i];
        if (slice_is(name, m->name) && (shown ? m->shown.size > 0 : !m->retired))
            return m;
    }
    return NULL;
}

struct metric *metrics_find(const struct metrics *all, struct slice name)
{
    struct metric *found = find(all, name, false);
    return found ? found : find(all, name_of(name), false);
}

int metrics_show_value(struct metrics *all, struct slice name, struct bytes *out)
{
    pthread_mutex_lock(&all->lock);
    const struct metric *m = find(all, name, true);
    if (!m)
        m = find(all, name_of(name), true);
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

const struct fraction *metric_value(const struct metrics *all, struct metric *m)
{
    if (m->value_stamp == all->stamp)
        return &m->value;
    fraction_clear(&m->value);
    int error = m->definition.source == METRIC_EXPRESSION ? compute(all, m)
                : metric_is_active(m) && !m->behind       ? accumulator_value(&m->accumulator, &m->value)
                                                          : 0;
    if (error)
        return NULL;
    m->value_stamp = all->stamp;
    return &m->value;
}

// ---- what it is computed of

static double own_progress(const struct metrics *all, const struct metric *m)
{
    bool of_states = m->definition.source == METRIC_STATES;
    uint64_t whole = of_states ? all->tenant->next_entity : all->tenant->end.position + 1;
    if (m->behind)
        return (double)m->tail / (double)whole;
    if (metric_is_active(m))
        return 1;
    return m->cursor < whole ? (double)m->cursor / (double)whole : 0.99;
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
