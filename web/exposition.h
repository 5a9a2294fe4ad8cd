// What Prometheus is told of a store, in its text format 0.0.4:
//     factfs_metric{tenant,name}                              the metrics of status.json that have a value
//     factfs_hook_lag_events{tenant,kind,name}                events that a hook wants and that are not done
//     factfs_hook_oldest_age_seconds{tenant,kind,name}        how old the first of them is
//     factfs_webhook_attempts_total{tenant,kind,name,outcome} attempts to send, `delivered` or `failed`
// `kind` is the folder below hooks/; the lake is a kind of its own.
//
// A tenant that is not open is not opened for it: its metrics are what they were when it was closed, what
// leaves a window aside (reactor.awaits). One thread writes.
#pragma once

#include "store/exporter.h"

struct exposition;

// NULL when there is no memory.
struct exposition *exposition_new(const struct exporter_source *source);
void exposition_free(struct exposition *exposition);
// Replaces the text by the one of now. 0 or -ENOMEM.
int exposition_write(struct exposition *exposition, struct bytes *text);
