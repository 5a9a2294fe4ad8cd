// Which metrics an event concerns, by its type: found once, and then known. An event that concerns none costs little
// more than the making of its term. Belongs to the writer's thread.
#pragma once

#include "store/bytes.h"

struct metric;
struct metric_routes;
struct metrics;

struct metric_route {
    struct metric **all;
    size_t count;
    struct slice noun; // in lower case
    bool is_revenue;   // it is one that those that are built in look at
};

// The route of the events of a type on entities of a noun; it lives until the list of metrics changes or another one
// is asked for. Of a metric that names entities only some of the events are its own (metric_wants). NULL when there is
// no memory.
const struct metric_route *metric_route(struct metrics *metrics, struct slice type, struct slice entity);
// NULL is none.
void metric_routes_free(struct metric_routes *routes);
