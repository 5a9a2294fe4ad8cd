#include "hooks/lake/columns.h"

const struct lake_column lake_columns[LAKE_COLUMNS] = {
    [LAKE_ID] = {1, "id", LAKE_STRING, .required = true, .bounded = true},
    [LAKE_EVENT_TYPE] = {2, "type", LAKE_STRING, .required = true, .bounded = true},
    [LAKE_TARGET] = {3, "target", LAKE_STRING, .required = true, .bounded = true},
    [LAKE_ACTOR] = {4, "actor", LAKE_STRING, .required = true, .bounded = true},
    [LAKE_TIMESTAMP] = {5, "timestamp", LAKE_TIMESTAMPTZ, .required = true, .bounded = true},
    [LAKE_DATA] = {6, "data", LAKE_STRING, .required = true},
    [LAKE_TENANT] = {7, "tenant", LAKE_STRING, .required = true, .bounded = true},
    [LAKE_VERSION] = {8, "version", LAKE_LONG, .required = true, .bounded = true},
    [LAKE_METADATA] = {9, "metadata", LAKE_STRING},
    [LAKE_POSITION] = {10, "position", LAKE_LONG, .required = true, .bounded = true},
};

void lake_row(
    struct lake_value row[static LAKE_COLUMNS], const struct event *event, struct slice tenant, uint64_t position)
{
    row[LAKE_ID] = (struct lake_value){.text = event->id};
    row[LAKE_EVENT_TYPE] = (struct lake_value){.text = event->type};
    row[LAKE_TARGET] = (struct lake_value){.text = event->target};
    row[LAKE_ACTOR] = (struct lake_value){.text = event->actor};
    row[LAKE_TIMESTAMP] = (struct lake_value){.number = event->at_us};
    row[LAKE_DATA] = (struct lake_value){.text = event->data};
    row[LAKE_TENANT] = (struct lake_value){.text = tenant};
    row[LAKE_VERSION] = (struct lake_value){.number = event->version};
    row[LAKE_METADATA] = (struct lake_value){.is_null = !event->metadata.size, .text = event->metadata};
    row[LAKE_POSITION] = (struct lake_value){.number = (int64_t)position};
}
