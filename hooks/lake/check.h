// Proves the table against the log: each event is in it once, and each row is its event, byte for byte. Reads only,
// beside a daemon or without one; the table is looked at as it is when the check begins.
#pragma once

#include "hooks/lake/committer.h"
#include "store/survey.h"

// What was found of a tenant.
struct check_tenant {
    const char *name;
    uint64_t position; // up to here the table has its log, as the table says
    uint64_t end;      // of the log
    uint64_t rows, files;
    struct reason wrong; // the first thing that does not fit; empty when all does
};

struct check {
    struct committer *committer; // the table is loaded
    const struct survey *survey;
    void (*tenant)(void *context, const struct check_tenant *tenant);
    void *context;
    bool whole; // nothing was found that does not fit
};

// 0 when all could be looked at, whatever was found; else -errno with the reason.
int check_run(struct check *check, struct reason *why);
