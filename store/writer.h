// The writer of a tenant: one thread that takes what was submitted, judges it, commits it and answers it.
//
//     submit ─▶ queue ─▶ ┌ gather: wait a moment for those who were answered last to come again
//                        │ judge each submission, write its rows or its refusal
//                        │ sweep some rows of the index
//                        │ commit ─▶ publish ─▶ observer ─▶ answer each
//                        └ checkpoint
//
// Concurrent writers share a commit. An answer means: on stable storage.
#pragma once

#include "store/submission.h"
#include "store/tenant.h"

struct writer;

// Called from the writer's thread after a commit was published and before it is answered. Must not block.
typedef void tenant_observer(
    void *context, struct tenant *tenant, const struct committed *changes, size_t count, bool rejected);

struct sweep;
struct transaction;

// Reads what a tenant has in memory: its end, types, entities, and what reacts to its events. Nothing is written.
int writer_load(
    struct tenant *tenant, struct engine *engine, struct sweep *sweep, struct transaction *tx, struct reason *why);
// Starts the thread; takes over the connection, also on error. The tenant's end, types and entities are read here.
int writer_open(struct writer **writer, struct tenant *tenant, struct engine *engine, tenant_observer *observer,
    void *observer_context, struct reason *why);
// Commits and answers what is queued, finishes the index, stops the thread and closes the connection.
void writer_close(struct writer *writer);
// Any thread.
void writer_submit(struct writer *writer, struct submission *submission);
