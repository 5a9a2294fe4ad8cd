// An open tenant: its file, its writer, its readers. Opened and closed by the store (store.h), which counts its users.
//
//     submit → queue → writer thread: judge, fold, commit → publish (under the lock) → observer → answers
//
// The writer thread owns the writing connection; readers have connections of their own (history.h). What both need is
// in memory (tenant.h).
#pragma once

#include "store/submission.h"
#include "store/tenant.h"
#include "store/writer.h"

struct tenant_options {
    uint32_t number;
    const char *name;
    const char *path; // of its file
    bool create;
    uid_t owner;
    const struct sqids *sqids;
    tenant_observer *observer;
    void *observer_context;
    const struct reactor *reactor; // NULL: nothing reacts
};

int tenant_open(struct tenant **tenant, const struct tenant_options *options, struct reason *why);
// Commits and answers what was submitted, brings the index on disk up to the log, and stops the writer.
void tenant_close(struct tenant *tenant);

// Hands a submission to the writer, which owns it from now on and answers it. Any thread.
void tenant_submit(struct tenant *tenant, struct submission *submission);
