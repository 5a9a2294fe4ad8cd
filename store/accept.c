#include "store/accept.h"

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
