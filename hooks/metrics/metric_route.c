#include "hooks/metrics/metric_route.h"

#include "hooks/metrics/metrics.h"
#include "store/grow.h"
#include "store/name.h"

// So many types are known at a time; all are forgotten when there are more.
#define ROUTES_MAX 1024u
#define SLOTS      (2 * ROUTES_MAX)

struct known_route {
    char *term;
    size_t term_size;
    size_t room;
    struct metric_route route;
};

struct metric_routes {
    size_t count;
    struct known_route slots[SLOTS];
};

// What the store records of hooks themselves. It is counted where it is named; `*` would feed itself.
static bool is_about_hooks(struct slice noun)
{
    static const char *const nouns[] = {"alert", "handler", "integration", "metric", "watch", "webhook"};
    for (unsigned i = 0; i < sizeof nouns / sizeof *nouns; i++)
        if (slice_is(noun, nouns[i]))
            return true;
    return false;
}

static struct slice noun_of(struct slice term)
{
    const char *dot = memchr(term.at, '.', term.size);
    return (struct slice){.at = term.at, .size = dot ? (size_t)(dot - term.at) : term.size};
}

static bool names_entities(const struct event_patterns *patterns)
{
    for (size_t i = 0; i < patterns->count; i++)
        if (patterns->all[i].entity.size)
            return true;
    return false;
}

bool metric_wants(const struct metric *m, struct slice type, struct slice entity)
{
    const struct event_patterns *patterns = &m->definition.patterns;
    char noun[NAME_ENTITY_MAX];
    return is_about_hooks(name_fold_noun(noun, entity)) ? event_patterns_name(patterns, type, entity)
                                                        : event_patterns_want(patterns, type, entity);
}

static bool concerns(const struct metric *m, struct slice noun, struct slice type, struct slice entity)
{
    const struct metric_definition *d = &m->definition;
    if (d->source == METRIC_STATES)
        return slice_equal(d->type, noun);
    return d->source == METRIC_EVENTS && (names_entities(&d->patterns) || metric_wants(m, type, entity));
}

static bool make(
    struct metrics *all, struct known_route *known, struct slice term, struct slice type, struct slice entity)
{
    struct slice noun = noun_of(term);
    for (size_t i = 0; i < all->count; i++) {
        struct metric *m = all->all[i];
        if (m->retired || !concerns(m, noun, type, entity))
            continue;
        if (!GROW(known->route.all, known->route.count, known->room))
            return false;
        known->route.all[known->route.count++] = m;
    }
    known->term = malloc(term.size);
    known->term_size = term.size;
    if (!known->term)
        return false;
    memcpy(known->term, term.at, term.size);
    known->route.noun = (struct slice){.at = known->term, .size = noun.size};
    known->route.is_revenue = revenue_is_about(noun);
    return true;
}

static void forget(struct known_route *known)
{
    free(known->term);
    free(known->route.all);
    *known = (struct known_route){0};
}

static void forget_all(struct metric_routes *routes)
{
    for (size_t i = 0; i < SLOTS; i++)
        forget(&routes->slots[i]);
    routes->count = 0;
}

void metric_routes_free(struct metric_routes *routes)
{
    if (routes)
        forget_all(routes);
    free(routes);
}

const struct metric_route *metric_route(struct metrics *all, struct slice type, struct slice entity)
{
    char text[NAME_TERM_MAX];
    struct slice term = {.at = text, .size = name_type_term(text, type, entity)};
    if (!all->routes)
        all->routes = calloc(1, sizeof *all->routes);
    struct metric_routes *routes = all->routes;
    if (!routes)
        return NULL;
    if (routes->count == ROUTES_MAX)
        forget_all(routes);
    size_t slot = slice_hash(term) % SLOTS;
    while (routes->slots[slot].term) {
        struct known_route *known = &routes->slots[slot];
        if (slice_equal(term, (struct slice){.at = known->term, .size = known->term_size}))
            return &known->route;
        slot = (slot + 1) % SLOTS;
    }
    if (!make(all, &routes->slots[slot], term, type, entity)) {
        forget(&routes->slots[slot]);
        return NULL;
    }
    routes->count++;
    return &routes->slots[slot].route;
}
