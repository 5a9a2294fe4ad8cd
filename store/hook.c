#include "store/hook.h"

#include "store/accept.h"
#include "store/json.h"

#include <errno.h>

#define SHOWN(s) (int)((s).size < 100 ? (s).size : 100), (s).at

const struct hook_kind *hook_kind_of(const struct reactor *reactor, struct slice folder)
{
    for (const struct hook_kind *const *kind = reactor ? reactor->kinds : NULL; kind && *kind; kind++)
        if (slice_is(folder, (*kind)->folder))
            return *kind;
    return NULL;
}

static bool ends_in(struct slice name, const char *extension, struct slice *stem)
{
    size_t size = strlen(extension);
    if (name.size <= size || memcmp(name.at + name.size - size, extension, size) != 0)
        return false;
    *stem = (struct slice){.at = name.at, .size = name.size - size};
    return true;
}

bool hook_is_script(const struct hook_kind *kind, struct slice name)
{
    struct slice stem;
    return kind->script && name.size && name.at[0] != '.' && ends_in(name, kind->script, &stem);
}

bool hook_stem(const struct hook_kind *kind, struct slice name, struct slice *stem)
{
    *stem = name;
    return hook_is_script(kind, name) || (name.size && name.at[0] != '.' && ends_in(name, kind->extension, stem));
}

bool hook_log_stem(const struct hook_kind *kind, struct slice name, struct slice *stem, const char **extension)
{
    *extension = kind->script ? kind->script : kind->extension;
    return kind->log && ends_in(name, kind->log, stem);
}

bool hook_has_log(const struct hook_kind *kind, struct slice name, struct slice *stem)
{
    return kind->log && ends_in(name, kind->script ? kind->script : kind->extension, stem);
}

size_t hook_entity(const struct hook_kind *kind, struct slice stem, char out[static NAME_ENTITY_MAX])
{
    struct bytes name = {.at = out, .room = NAME_ENTITY_MAX};
    for (const char *c = kind->noun; *c; c++)
        out[name.size++] = (char)(*c | 0x20);
    out[name.size++] = '_';
    for (size_t i = 0; i < stem.size && name.size < NAME_ENTITY_MAX - 3; i++) {
        if (stem.at[i] == '*') {
            memcpy(out + name.size, "any", 3);
            name.size += 3;
        } else {
            out[name.size++] = stem.at[i];
        }
    }
    return name.size;
}

// ---- events

static const char *verb_of(const struct hook_kind *kind, bool is_new, bool stands, bool is_gone)
{
    if (is_gone)
        return kind->removed ? kind->removed : "Deleted";
    // What was made but not removed by `Deleted` still stands.
    if (stands && !(is_new && kind->made))
        return "Updated";
    return kind->made ? kind->made : "Created";
}

// Adds the event of a change to the entity of a hook. `data` is what it is from now on; empty: it is gone, and the
// event says `reason`.
static int record(struct transaction *tx, const struct hook_order *order, struct slice name, bool is_new,
    struct slice data, struct slice reason, uint64_t *position)
{
    char target[NAME_ENTITY_MAX], type[NAME_TYPE_MAX];
    const struct hook_kind *kind = order->kind;
    struct slice stem;
    struct entity *e;
    struct state *state;
    BYTES_AUTO change = {0};
    unsigned changes;
    struct event event = {.actor = order->actor, .data = reason};
    if (!hook_stem(kind, name, &stem))
        return -EINVAL;
    int error = transaction_entity(tx, (struct slice){.at = target, .size = hook_entity(kind, stem, target)}, &e);
    if (!error)
        error = transaction_state(tx, e, &state);
    if (error)
        return error;
    // Of the entity, not of the hook: somebody may have appended to it by hand.
    bool stands = state && state->alive;
    if (data.size && stands)
        error = state_difference(state, data, &change, &changes);
    else if (data.size)
        bytes_add_slice(&change, data);
    else if (!stands)
        return 0;
    if (!error)
        error = accept_type(tx, slice_of(kind->noun), verb_of(kind, is_new, stands, !data.size), type, &event.type);
    if (!error && change.failed)
        error = -ENOMEM;
    if (error)
        return error;
    if (data.size)
        event.data = bytes_slice(&change);
    // The store's own events are not to be refused; but they are events like any other.
    error = transaction_add(tx, e, &event, position);
    return error ? error : tx->tenant->reactor->after(tx->tenant->reaction, tx, e, *position);
}

// ---- orders

// The hook of a name; row->number 0: none.
static int find(struct transaction *tx, const struct hook_kind *kind, struct slice name, struct hook_row *row)
{
    *row = (struct hook_row){0};
    int error = engine_hook(tx->reader.engine, slice_of(kind->folder), name, row);
    return error == -ENOENT ? 0 : error;
}

static int check_name(const struct hook_order *order, struct slice name, struct reason *why)
{
    struct slice stem;
    if (name.size > HOOK_NAME_MAX || !hook_stem(order->kind, name, &stem))
        return reason_set(why, -EACCES, "%.*s cannot be the name of a hook in %s", SHOWN(name), order->kind->folder);
    return order->kind->names(name, why);
}

static int take(
    struct transaction *tx, const struct hook_kind *kind, enum hook_change change, const struct hook_row *row)
{
    int error = kind->take(tx->tenant->reaction, change, row);
    return error || !kind->follow ? error : kind->follow(tx->tenant->reaction, tx, change, row);
}

// A row is written at once: what fails from here on (*fatal) cannot be taken back without the whole transaction.
static int put(
    struct transaction *tx, const struct hook_order *order, enum hook_change change, struct hook_row *row, int *fatal)
{
    row->folder = slice_of(order->kind->folder);
    row->at_us = tx->at_us;
    int error = engine_put_hook(tx->reader.engine, row);
    return *fatal = error ? error : take(tx, order->kind, change, row);
}

static int save(struct transaction *tx, const struct hook_order *order, struct reason *why, int *fatal)
{
    const struct hook_kind *kind = order->kind;
    struct hook_row row = {0};
    BYTES_AUTO data = {0};
    int error = check_name(order, order->name, why);
    if (!error && !order->text.size)
        error = reason_set(why, -EINVAL, EMPTY_HOOK);
    if (!error && order->text.size > kind->text_max)
        error = reason_set(why, -EINVAL, "the file has more than %zu bytes", kind->text_max);
    if (!error)
        error = find(tx, kind, order->name, &row);
    if (!error && row.number && slice_equal(row.text, order->text))
        return take(tx, kind, HOOK_CONFIRMED, &row);
    uint64_t number = row.number;
    enum hook_change change = number ? HOOK_CHANGED : HOOK_MADE;
    if (!error)
        error = kind->check(tx->tenant->reaction, change, order->name, order->text, &data, why);
    if (!error)
        error = record(tx, order, order->name, !number, bytes_slice(&data), (struct slice){0}, &row.position);
    if (error)
        return error;
    row.number = number ? number : row.position;
    row.name = order->name;
    row.text = order->text;
    return put(tx, order, change, &row, fatal);
}

// What a row points into is the connection's: a copy lives on.
static int keep(struct hook_row *row, struct bytes *kept)
{
    bytes_add_slice(kept, row->name);
    bytes_add_slice(kept, row->text);
    row->name = (struct slice){.at = kept->at, .size = row->name.size};
    row->text = (struct slice){.at = kept->at + row->name.size, .size = row->text.size};
    return kept->failed ? -ENOMEM : 0;
}

static int drop(struct transaction *tx, const struct hook_order *order, const struct hook_row *row, int *fatal)
{
    int error = engine_drop_hook(tx->reader.engine, row->number);
    return *fatal = error ? error : take(tx, order->kind, HOOK_REMOVED, row);
}

static int may_leave(struct transaction *tx, const struct hook_order *order, struct reason *why)
{
    const struct hook_kind *kind = order->kind;
    return kind->leave ? kind->leave(tx->tenant->reaction, order->name, why) : 0;
}

static int take_out(struct transaction *tx, const struct hook_order *order, struct reason *why, int *fatal)
{
    const struct hook_kind *kind = order->kind;
    struct hook_row row;
    BYTES_AUTO kept = {0};
    int error = find(tx, kind, order->name, &row);
    if (!error && !row.number)
        error = reason_set(why, -ENOENT, "there is no %.*s", SHOWN(order->name));
    if (!error)
        error = keep(&row, &kept);
    if (!error)
        error = may_leave(tx, order, why);
    if (!error)
        error = record(tx, order, order->name, false, (struct slice){0}, SLICE("{}"), &row.position);
    return error ? error : drop(tx, order, &row, fatal);
}

// The old name's entity ends, and says where it went; the new name's begins, or changes if a hook had it, which goes.
static int rename_hook(struct transaction *tx, const struct hook_order *order, struct reason *why, int *fatal)
{
    const struct hook_kind *kind = order->kind;
    struct hook_row row = {0}, replaced = {0};
    struct slice stem;
    BYTES_AUTO kept = {0};
    BYTES_AUTO kept_replaced = {0};
    BYTES_AUTO data = {0};
    BYTES_AUTO farewell = {0};
    int error = check_name(order, order->new_name, why);
    if (!error)
        error = find(tx, kind, order->name, &row);
    if (!error && !row.number)
        error = reason_set(why, -ENOENT, "there is no %.*s", SHOWN(order->name));
    if (!error)
        error = keep(&row, &kept);
    if (!error)
        error = may_leave(tx, order, why);
    if (!error)
        error = find(tx, kind, order->new_name, &replaced);
    if (!error && replaced.number)
        error = keep(&replaced, &kept_replaced);
    if (!error)
        error = kind->check(tx->tenant->reaction, HOOK_RENAMED, order->new_name, row.text, &data, why);
    if (error)
        return error;
    hook_stem(kind, order->new_name, &stem);
    bytes_add_text(&farewell, "{\"renamedTo\":");
    json_quote(&farewell, stem);
    bytes_add_char(&farewell, '}');
    if (farewell.failed)
        return -ENOMEM;
    error = record(tx, order, order->name, false, (struct slice){0}, bytes_slice(&farewell), &row.position);
    if (!error)
        error =
            record(tx, order, order->new_name, !replaced.number, bytes_slice(&data), (struct slice){0}, &row.position);
    if (!error && replaced.number)
        error = drop(tx, order, &replaced, fatal);
    row.name = order->new_name;
    return error ? error : put(tx, order, HOOK_RENAMED, &row, fatal);
}

int hook_judge(struct transaction *tx, const struct hook_order *order, struct reason *why, int *fatal)
{
    switch (order->act) {
    case HOOK_SAVE:
        return save(tx, order, why, fatal);
    case HOOK_RENAME:
        return slice_equal(order->name, order->new_name) ? 0 : rename_hook(tx, order, why, fatal);
    case HOOK_REMOVE:
        return take_out(tx, order, why, fatal);
    }
    return -EINVAL;
}
