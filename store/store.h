// The store: a directory on disk that holds all tenants. One process at a time owns it, by a lock.
//
//     STORE/lock          held while the store is open
//     STORE/catalog       tenants, their owners, the alphabet of the ids; not NAME.db, as a tenant may have any name
//     STORE/NAME.db       the log of one tenant (engine.h)
//
// Tenants are opened when they are first used, and closed when nobody uses them and others want their place: a bounded
// number is open at any time. Any thread may call; a tenant in use (store_get … store_put) stays open.
#pragma once

#include "store/open.h"

// Of the part of its own ids that is behind `evt_`.
#define STORE_ID_LENGTH_MIN 8

struct store;

struct tenant_info {
    uint32_t number;
    char name[64];
    uid_t uid;
    gid_t gid;
    mode_t mode; // permission bits
    int64_t made_at_us;
};

// Takes a row of the catalog. 0, or -EIO for a name that is too long: it is damaged.
int tenant_info_take(struct tenant_info *info, const struct tenant_row *row);
// The file of a tenant in the store in a directory.
void store_file(const char *store, const char *name, char path[static 512]);

// Opens the store, and makes it when the directory is empty or not there. -EBUSY when another process owns it; -EINVAL
// for a newer format or something that is no store; each with its reason.
int store_open(struct store **store, const char *path, tenant_observer *observer, void *context, struct reason *why);
// From now on this reacts to what happens in tenants (hook.h). Before the first tenant is opened.
void store_set_reactor(struct store *store, const struct reactor *reactor);
const struct reactor *store_reactor(const struct store *store);
// Called when a tenant is closed because nobody uses it, just before that; must not call the store.
typedef void store_closing(void *context, struct tenant *tenant);
// NULL: nobody is called from now on.
void store_set_closing(struct store *store, store_closing *closing, void *context);
// Closes all tenants: what was submitted is committed and answered.
void store_close(struct store *store);
const char *store_path(const struct store *store);
// That of its ids; by it a store is known again.
const char *store_alphabet(const struct store *store);

// 0, -EEXIST, or -errno. `info` must have name, uid, gid and mode; number and time are filled in.
int store_make(struct store *store, struct tenant_info *info);
// Removes a tenant in which nothing was recorded; -ENOTEMPTY otherwise, -EBUSY while it is in use.
int store_remove(struct store *store, const char *name);
// Changes owner and mode.
int store_change(struct store *store, const struct tenant_info *info);
int store_find(struct store *store, struct slice name, struct tenant_info *info);
int store_info(struct store *store, uint32_t number, struct tenant_info *info);
// The tenant with the smallest number of at least `from`; -ENOENT behind the last.
int store_from(struct store *store, uint32_t from, struct tenant_info *info);

// The open tenant of a number; give it back with store_put. -ENOENT, or why it cannot be opened (said on stderr once a
// try).
int store_get(struct store *store, uint32_t number, struct tenant **tenant);
// The same, if it is open already; else -ENOENT. That it was asked for does not keep it open.
int store_get_open(struct store *store, uint32_t number, struct tenant **tenant);
void store_put(struct store *store, struct tenant *tenant);
