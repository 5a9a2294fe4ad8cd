// A store looked at from outside: by a tool, beside a daemon that has it mounted, or without one. Nothing of it is
// changed.
//
// While no daemon has the store, the survey holds the store's lock together with other tools, and a daemon that starts
// hears that it is in use. One thread.
#pragma once

#include "store/store.h"

struct survey {
    char path[384];
    int lock_fd;           // -1: a daemon has it
    enum engine_mode mode; // in which its files are opened
    char alphabet[SQID_ALPHABET_SIZE + 1];
    struct sqids sqids;
    struct tenant_info *tenants; // by their names
    uint32_t count, room;
};

// -ENOENT, with the reason, for a directory that is no store.
int survey_open(struct survey *survey, const char *path, struct reason *why);
void survey_close(struct survey *survey);
// Takes the tenants of another catalog, such as a copy of its own.
int survey_read(struct survey *survey, const char *catalog, enum engine_mode mode, struct reason *why);
// Proves the catalog as far as it can be (catalog_check).
int survey_check(const struct survey *survey, struct reason *why);
// NULL when there is no such tenant.
const struct tenant_info *survey_find(const struct survey *survey, const char *name);
// The file of a tenant.
void survey_file(const struct survey *survey, const char *name, char path[static 512]);
