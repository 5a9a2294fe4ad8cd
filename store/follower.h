// Who follows the log of all tenants and acts on it: a part that has a thread of its own, and that nobody waits for.
// What it does is known to others, who give whoever serves the store a table of functions, as they do with the reactor
// (hook.h), which acts within a transaction.
//
//     open ─▶ start ─▶ stop ─▶ close
#pragma once

#include "store/bytes.h"
#include "store/reason.h"

struct store;
struct tenant;

enum follower_question {
    FOLLOWER_STATUS,   // its status.json
    FOLLOWER_ATTEMPTS, // the lines of `deliveries`
    FOLLOWER_DEAD,     // those of `dead`
    FOLLOWER_SECRET,   // the key that was made for it; nothing when it has its own
    FOLLOWER_REPLAY,   // `text`: an id of an event, a moment, or `dead`, one a line
};

// A question about a hook. Belongs to who asks, but for the time from `ask` to `answer`.
struct follower_ask {
    enum follower_question question;
    uint32_t tenant;
    uint64_t hook;
    struct bytes text; // of FOLLOWER_REPLAY
    uint64_t from;     // ATTEMPTS, DEAD: begin here; 0 at first
    // Called exactly once, on the follower's thread or by `stop`; must not wait.
    void (*answer)(struct follower_ask *);
    void *context;

    int error; // 0 or -errno
    struct reason why;
    struct bytes out;
    uint64_t next_from; // ATTEMPTS, DEAD: where to go on; 0: this was all
    struct follower_ask *next;
};

struct follower {
    // `options` are the follower's own, and outlive it, as the store does its thread. 0 or -errno with the reason.
    int (*open)(void **self, struct store *store, const void *options, struct reason *why);
    // 0 or -errno.
    int (*start)(void *self);
    // What is under way may end, for a moment; what became of it is on disk afterwards, and all asks are answered. The
    // store must still be open. May be called of one that was not started, or not opened (NULL).
    void (*stop)(void *self);
    // When nobody calls any more: the store may be closed before. NULL is fine.
    void (*close)(void *self);

    // ---- any thread, from open to close

    // A tenant has committed: called by its writer after each commit.
    void (*committed)(void *self, const struct tenant *tenant);
    // Appends what status.json shows of a tenant's hooks of its own, `"webhooks":{NAME:{…}}`: as it was a moment ago.
    // NULL: it has none.
    void (*show)(void *self, uint32_t tenant, struct bytes *out);
    // The same of what stands beside the hooks, `"lake":{…}`. NULL, or nothing: there is none.
    void (*show_beside)(void *self, uint32_t tenant, struct bytes *out);
    // NULL: it is not asked.
    void (*ask)(void *self, struct follower_ask *ask);
};

// A follower at work. Whoever serves a store has an array of these that ends with one without a follower.
struct following {
    const struct follower *follower;
    const void *options;
    void *self; // what its `open` made
};
