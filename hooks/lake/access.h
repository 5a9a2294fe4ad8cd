// How the lake gets in where its files and its catalog lie: addresses and secrets, from the environment of the daemon
// or from a file that only its user can read, lines of NAME=VALUE (`#` begins a comment). What the file says goes
// before.
//
//     AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN    who signs requests to S3
//     AWS_REGION or AWS_DEFAULT_REGION                               `us-east-1` when nothing says another
//     AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL                        of what is not AWS: `http://127.0.0.1:9000`
//     FACTFS_LAKE_TOKEN                                              a REST catalog's bearer token
//     FACTFS_LAKE_CLIENT                                             or who asks it for one: ID:SECRET
//     FACTFS_LAKE_SCOPE, FACTFS_LAKE_TOKEN_URL                       what for (`catalog`), and where (the catalog
//     itself)
//
// No secret goes into a log, a reason or a file. Plain data; one thread.
#pragma once

#include "store/reason.h"

#include <stdatomic.h>
#include <stdbool.h>

enum access_name {
    ACCESS_KEY_ID,
    ACCESS_SECRET,
    ACCESS_SESSION,
    ACCESS_REGION,
    ACCESS_ENDPOINT,
    ACCESS_TOKEN,
    ACCESS_CLIENT,
    ACCESS_SCOPE,
    ACCESS_TOKEN_URL,
    ACCESS_NAMES,
};

struct access {
    char *values[ACCESS_NAMES]; // NULL: not said. Owned
    const char *ca_file;        // certificates besides the system's; NULL: none. Must outlive it, as what follows
    const atomic_bool *stop;    // once it is set, what waits for an answer breaks off; NULL: nobody sets it
    unsigned patience_ms;       // how long an answer may stand still; 0: HTTP_PATIENCE_MS
};

// `file` may be NULL. 0, or -errno with the reason: it cannot be read, others can read it, a line is none.
int access_read(struct access *access, const char *file, struct reason *why);
// Says one thing anew. 0 or -ENOMEM. NULL: not said.
int access_set(struct access *access, enum access_name name, const char *value);
// A copy of its own. 0 or -ENOMEM.
int access_copy(struct access *to, const struct access *from);
// Forgets it, secrets first.
void access_clear(struct access *access);
