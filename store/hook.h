// Hooks: documents of a tenant that say what reacts to its events (hooks/handlers/Deal.closed.js). The store keeps
// their texts, beside the events and in the same transactions; what they mean is known to others, who give the store
// two tables of functions: one for each kind of hook (how its documents are named, checked and recorded), and one for
// what happens while a transaction is made (the reactor).
//
// Each change of a hook is an event on `NOUN_NAME`, with its secrets masked. A hook is in force from that event on.
#pragma once

#include "store/engine.h"
#include "store/envelope.h"
#include "store/follower.h"
#include "store/name.h"
#include "store/state.h"

#include <sys/types.h>

struct tenant;
struct transaction;
struct entity;
struct reader;
struct submission;

#define HOOK_NAME_MAX 190
#define EMPTY_HOOK    "the file is empty: to remove the hook, remove the file"

enum hook_change {
    HOOK_MADE,
    HOOK_CHANGED,
    HOOK_RENAMED, // keeps its number, and all that hangs on it
    HOOK_REMOVED,
    HOOK_CONFIRMED, // saved again, equal: no event, but what was switched off is to go on
};

// A file in the directory that stands beside each hook of a kind: hooks/webhooks/NAME/deliveries.
struct hook_file {
    const char *name; // NULL ends a list of them
    mode_t mode;      // 0444 or 0400: it is read, 0200: it is written
    // What it says now, which whoever opens it keeps. Any thread, with a reader of its own; `stem` is the hook's name.
    // 0 or -errno.
    int (*read)(void *self, struct reader *reader, struct slice stem, struct bytes *out);
    // Without `read`: what the follower is asked. What is read then has no size before.
    enum follower_question question;
};
#define HOOK_FILES_MAX 8u

// A kind of hook. All functions run on the tenant's writer thread, but `names` and `find_built_in`, which any
// thread calls; `self` is what the reactor made for the tenant. To add a kind: fill in a table, put it into the
// reactor's list.
struct hook_kind {
    const char *folder;    // below hooks/
    const char *extension; // of its documents: `.js`
    const char *script;    // of documents that stand beside those, and are hooks of their own: `.js`; NULL: none do
    const char *log;       // what a hook, or its script, says is in a file beside it: `.log`; NULL: none has one
    const struct hook_file *files; // in the directory NAME/ beside each; NULL: none has one
    const char *noun;    // `Handler`: the events are Handler.Created, .Updated and .Deleted, on `handler_NAME`
    const char *made;    // is said instead of Created; NULL: it is not
    const char *removed; // … of Deleted
    mode_t mode;         // of a document: 0600 when it may hold a secret
    size_t text_max;
    const char *const *built_in; // names that have their directory also without a document; ends with NULL
    // Which of them is meant, however it is spelled? Its number from 0, or -1.
    int (*find_built_in)(struct slice stem);

    // Can a document have this name (it has the extension)? 0 or -EACCES.
    int (*names)(struct slice name, struct reason *why);
    // Checks a text that is to be saved under a name, and appends to `data` what its event says: an object without
    // white space in which each secret is masked. `change` is what it would be. 0, -EINVAL, or -ENOSPC when there may
    // be no more of them, with the reason; or -ENOMEM. A name may be checked and then not saved.
    int (*check)(void *self, enum hook_change change, struct slice name, struct slice text, struct bytes *data,
        struct reason *why);
    // The hook is so from now on (HOOK_REMOVED: was so until now), row->position being the event that says so.
    // The slices live during the call. 0 or -ENOMEM, which undoes the whole transaction.
    int (*take)(void *self, enum hook_change change, const struct hook_row *row);
    // Adds the events that follow from what was just taken. 0 or -errno, likewise. NULL: there are none.
    int (*follow)(void *self, struct transaction *tx, enum hook_change change, const struct hook_row *row);
    // May the hook of a name go, be it removed or renamed? 0, or -EBUSY with the reason. NULL: always.
    int (*leave)(void *self, struct slice name, struct reason *why);
};

// What happens while a transaction is made. The writer's thread calls; nothing here may wait for anything.
struct reactor {
    const struct hook_kind *const *kinds; // ends with NULL

    // A tenant is opened: makes its `self` from the hooks that engine_hook_from lists. 0 or -errno.
    int (*open)(void **self, struct tenant *tenant, struct engine *engine, struct reason *why);
    void (*close)(void *self);
    // Before an event is added that everything else speaks for: refuses it (-EPERM with the reason), or appends to
    // `data` what is to be recorded instead of its data; nothing: as it is. The event has no id and no version yet, but
    // all else as it will be recorded.
    int (*before)(void *self, struct transaction *tx, struct entity *entity, const struct event *event,
        struct bytes *data, struct reason *why);
    // After it was added. What it adds itself follows. 0, or -errno when the submission cannot go on.
    int (*after)(void *self, struct transaction *tx, struct entity *entity, uint64_t position);
    // An event is in the transaction, be it appended, imported or the store's own, and its entity has the state behind
    // it; the one before it is transaction_state_before. Nothing may be added here. 0 or -errno: then it is undone.
    int (*added)(
        void *self, struct transaction *tx, struct entity *entity, const struct event *event, uint64_t position);
    // What was added behind a position is undone.
    void (*undone)(void *self, uint64_t position);
    // Everything is judged, and the transaction is about to be committed: writes what hooks have said (engine_put_…).
    // `idle`: nobody waits for it. 0 or -errno, which undoes it.
    int (*write)(void *self, struct transaction *tx, bool idle);
    // The transaction has ended. Undone: `self` must be made anew from the hooks on disk if any was taken.
    void (*settle)(void *self, struct transaction *tx, bool committed);

    // Between transactions, when the moment `due` has come: does a piece of what waits, for about so long. True when
    // `tick` is wanted.
    bool (*pass)(void *self, struct transaction *tx, int64_t budget_ns);
    // Time has passed: adds the events that are due, as a submission of its own. 0 or -errno, which undoes the
    // transaction.
    int (*tick)(void *self, struct transaction *tx);
    // When `pass` wants to be called although nothing has come, by the clock; INT64_MIN: at once, INT64_MAX: never.
    int64_t (*due_us)(void *self);

    // May something be recorded that only time brings about, so that the tenant must stay open although nobody uses it?
    bool (*awaits)(void *self);

    // ---- any thread
    // Appends what status.json shows of all hooks: `"handlers":{…}`, the kinds joined by commas.
    void (*show)(void *self, struct bytes *out);
    // Appends what it shows of the tenant: `"alerts":[…],"metrics":{…}`.
    void (*show_tenant)(void *self, struct bytes *out);
};

// ---- orders: what the mount asks of the writer

enum hook_act { HOOK_SAVE, HOOK_RENAME, HOOK_REMOVE };

struct hook_order {
    enum hook_act act;
    const struct hook_kind *kind;
    struct slice name;     // with its extension
    struct slice new_name; // HOOK_RENAME
    struct slice text;     // HOOK_SAVE
    struct slice actor;
};

// Carries an order out: 0, or -errno with the reason. With *fatal the whole transaction must be undone.
int hook_judge(struct transaction *tx, const struct hook_order *order, struct reason *why, int *fatal);

// ---- names

const struct hook_kind *hook_kind_of(const struct reactor *reactor, struct slice folder);
// The name without the kind's extension; of a script all of it. False when it has another extension, or begins with a
// dot.
bool hook_stem(const struct hook_kind *kind, struct slice name, struct slice *stem);
bool hook_is_script(const struct hook_kind *kind, struct slice name);
// The document whose log has this name: it is the stem with the extension. False when it is none's.
bool hook_log_stem(const struct hook_kind *kind, struct slice name, struct slice *stem, const char **extension);
// … and the stem of a document's log; false when it has none.
bool hook_has_log(const struct hook_kind *kind, struct slice name, struct slice *stem);
// The entity of a hook: `handler_Deal.closed`, with `any` for `*`; of a script `watch_churn.js`. Returns the size.
size_t hook_entity(const struct hook_kind *kind, struct slice stem, char out[static NAME_ENTITY_MAX]);
