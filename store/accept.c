#include "store/accept.h"

#include "store/hook.h"

#include <errno.h>

#define SHOWN(s) (int)((s).size < 100 ? (s).size : 100), (s).at

int accept_event(struct transaction *tx, struct entity *e, struct event *event, uint64_t *position, struct reason *why)
{
    int error = transaction_add(tx, e, event, position);
    if (error == -EMSGSIZE && e->next.version == NAME_VERSION_MAX)
        return reason_set(
            why, error, "%.*s has %u events, the most that one can have", SHOWN(entity_name(e)), NAME_VERSION_MAX);
    if (error == -EMSGSIZE)
        return reason_set(
            why, error, "%.*s is new, but the tenant has %u types of events, the most", SHOWN(event->type), TYPES_MAX);
    return error;
}

int accept_before(struct transaction *tx, struct entity *e, struct event *event, struct bytes *data, struct reason *why)
{
    const struct reactor *reactor = tx->tenant->reactor;
    int error = reactor ? reactor->before(tx->tenant->reaction, tx, e, event, data, why) : 0;
    if (!error && data->failed)
        error = -ENOMEM;
    if (!error && data->size)
        event->data = bytes_slice(data);
    return error;
}

int accept_after(struct transaction *tx, struct entity *e, struct event *event, uint64_t position)
{
    const struct reactor *reactor = tx->tenant->reactor;
    int error = reactor ? reactor->after(tx->tenant->reaction, tx, e, position) : 0;
    if (!error)
        transaction_renew(tx, position, event);
    return error;
}

int accept_type(struct transaction *tx, struct slice noun, const char *verb, char *out, struct slice *type)
{
    size_t size = name_raise(out, noun);
    size_t verb_size = strlen(verb);
    if (size + 1 + verb_size > NAME_TYPE_MAX)
        return -EMSGSIZE;
    out[size++] = '.';
    memcpy(out + size, verb, verb_size);
    *type = transaction_spelling(tx, (struct slice){.at = out, .size = size + verb_size});
    return 0;
}
