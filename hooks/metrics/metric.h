// A metric as its file defines it: one number over what a tenant has.
//
//     {"aggregate":"count|sum|avg|min|max", "type":"Deal", "field":"value", "filter":FILTER}
//                                      over the living entities of a type
//     {"aggregate":…, "events":PATTERN or [PATTERN…], "field":"data.value", "filter":FILTER, "window":"30d"}
//                                      over events, since ever or so long
//     {"expression":"mrr / activeSubscriptions"}
//     and everywhere: interval (of its history: "1h"), unit, label, name, description
//
// Only numbers of JSON are added up or compared; count with a field counts where it is present and not null. A filter
// is an object of operators or a FILTER of find/ (event_filter.h); over events its paths, and the field, begin at the
// event's own line, a {"before","after"} read as its `after`. It looks at one state, or one event: it follows no ids.
//
// Belongs to one thread at a time.
#pragma once

#include "hooks/event_filter.h"
#include "hooks/event_pattern.h"
#include "hooks/metrics/expression.h"
#include "hooks/metrics/quick_filter.h"
#include "store/value.h"
#include "store/when.h"

#define METRIC_NAME_MAX    EXPRESSION_NAME_MAX
#define METRIC_INTERVAL_US (3600 * WHEN_US_PER_SECOND)

enum metric_source { METRIC_STATES, METRIC_EVENTS, METRIC_EXPRESSION, METRIC_BUILT_IN };
enum metric_aggregate { METRIC_COUNT, METRIC_SUM, METRIC_AVG, METRIC_MIN, METRIC_MAX };

struct metric_definition {
    enum metric_source source;
    enum metric_aggregate aggregate;
    struct slice type;              // METRIC_STATES: the noun in lower case
    struct event_patterns patterns; // METRIC_EVENTS
    int64_t window_us;              // the same; 0: since ever
    struct expression expression;   // METRIC_EXPRESSION
    unsigned built_in;              // METRIC_BUILT_IN: which (revenue.h)
    struct steps field;             // without steps: there is none
    bool looks_at_meta;             // the field or the filter names $id, $version …
    struct slice field_key;         // the first of its steps, quoted
    struct event_filter filter;
    struct match *match;       // the same, ready (event_filter_open): of one thread at a time
    struct quick_filter quick; // the same, as far as it is plain
    int64_t interval_us;       // of its history
    struct arena arena;
};

// Reads a definition. 0, -EINVAL with the reason, or -ENOMEM; then there is nothing to free. Whether there is what an
// expression names is not looked at.
int metric_read(struct metric_definition *definition, struct slice text, struct reason *why);
void metric_free(struct metric_definition *definition);
