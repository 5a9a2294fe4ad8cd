// Handlers: hooks/handlers/NOUN.VERB[.LABEL].js, a function in JavaScript that runs within the transaction of the
// events it is named after.
//
//     Deal.closing.js      BEFORE Deal.Closed: may refuse it or add to it
//     Deal.closed.js       AFTER it
//     order.was_placed.js  AFTER a snake_case event
//     *.created.audit.js   AFTER the Created of anything; `audit` is free text
//
// The scripts of watches are kept with them: hooks/watches/NAME.js, run when the watch fires.
//
// Belongs to the writer's thread of a tenant.
#pragma once

#include "hooks/handlers/cascade.h"
#include "hooks/handlers/script.h"
#include "store/hook.h"

#include <pthread.h>

// The log of a handler keeps about this much.
#define HANDLER_LOG_BYTES (size_t)(1 << 20)

enum handler_time { HANDLER_BEFORE, HANDLER_AFTER, HANDLER_OF_WATCH };

// How a handler fares; stays when its text changes.
struct handler_record {
    uint64_t number;      // the hook's
    struct bytes log;     // lines that are not on disk yet
    uint64_t log_bytes;   // on disk
    uint64_t log_next;    // number of the next piece; 0: not known yet
    uint64_t log_written; // of these bytes, those that the running transaction has written
    uint64_t runs;        // (lock) since the tenant was opened, as the next
    uint64_t failures;    // (lock)
    bool failing;         // (lock) the last run failed
    int64_t failed_at_us; // (lock) when the last one failed, by the clock of its event; 0: never
    char failed_id[80];   // (lock) that event
    struct reason failed; // (lock) why
};

struct handler {
    struct handlers *handlers;
    uint64_t number;
    struct bytes name;      // with its extension
    struct slice stem;      // the name without it
    struct slice noun;      // as in the name; `*`: any; of a watch's empty, as the next
    struct slice verb;      // the same
    enum handler_time time; // a gerund is BEFORE
    struct script *script;
    struct handler_record *record;
};

// All of a tenant.
struct handlers {
    struct tenant *tenant;
    struct scripts *scripts;
    pthread_mutex_t lock; // of the list against those who ask how they fare
    struct handler **all; // by the bytes of their names
    size_t count, room;
    size_t reacting;         // to events: all but the watches' own
    struct handler *checked; // what was read last, not in force
    bool taken;              // something since the last settling
    struct cascade cascade;  // of the event that came from outside, while what it sets off goes on
};

int handlers_open(struct handlers **handlers, struct tenant *tenant, struct engine *engine, struct reason *why);
void handlers_close(struct handlers *handlers);
// Writes what handlers have said.
int handlers_write(struct handlers *handlers, struct engine *engine);
// The transaction has ended; undone: what was taken in it is forgotten.
void handlers_settle(struct handlers *handlers, struct engine *engine, bool committed);

// What reacts before and after an event (struct reactor).
int handlers_before(struct handlers *handlers, struct transaction *tx, struct entity *entity, const struct event *event,
    struct bytes *data, struct reason *why);
int handlers_after(struct handlers *handlers, struct transaction *tx, struct entity *entity, uint64_t position);
// What a handler would have done at a recorded event: nothing, or a line {"cause":ID,"events":[…]} or
// {"cause":ID,"error":…} is appended. The transaction is a rehearsal's. 0 or -errno.
int handlers_replay(struct handler *handler, struct transaction *tx, uint64_t position, struct bytes *out);
// The handler of a name with its extension, NULL when there is none; the text is put in its place, if it is given,
// until the tenant is closed. 0, -EACCES or -EINVAL with the reason, or -errno.
int handlers_choose(struct handlers *handlers, struct slice name, const struct slice *text, struct handler **handler,
    struct reason *why);
// Appends `{"Deal.closed":{…},…}`: how each fares. Any thread.
void handlers_show(struct handlers *handlers, struct bytes *out);

// ---- scripts of watches, by their names with the extension

// As the functions of a kind.
int handlers_check_script(struct handlers *handlers, enum hook_change change, struct slice name, struct slice text,
    struct bytes *data, struct reason *why);
int handlers_take(struct handlers *handlers, enum hook_change change, const struct hook_row *row);
// Runs one, if there is one, as an AFTER handler of the event at a position, with what it is told as JSON. 0 or -errno.
int handlers_fire(
    struct handlers *handlers, struct transaction *tx, struct slice name, struct slice told, uint64_t position);
// Appends how it fares, as handlers_show; also when there is none. Any thread.
void handlers_show_script(struct handlers *handlers, struct slice name, struct bytes *out);

// The parts of a handler's name. 0, or -EACCES with the reason.
int handler_read_name(
    struct slice name, struct slice *noun, struct slice *verb, enum handler_time *time, struct reason *why);
