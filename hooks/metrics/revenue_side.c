#include "hooks/metrics/revenue_side.h"

#include "hooks/metrics/subscription.h"

#include <errno.h>

void side_free(struct side *side)
{
    decimal_free(&side->monthly);
}

int side_state(struct reader *reader, uint64_t entity, uint64_t position, struct state **state)
{
    uint32_t version = 0;
    *state = NULL;
    int error = history_version_at(reader, entity, position, &version);
    if (!error && version)
        error = history_state(reader, entity, version, state);
    return error == -ENOENT ? 0 : error;
}

// An entity's id has no escapes.
static struct slice unquoted(struct slice quoted)
{
    return (struct slice){.at = quoted.at + 1, .size = quoted.size - 2};
}

static int find_price(const struct prices_of *of, struct slice quoted, struct state **price)
{
    struct slice name = unquoted(quoted);
    struct head head;
    *price = NULL;
    if (!name_is_entity(name))
        return 0;
    if (of->name.size && slice_equal(of->name, name)) {
        *price = state_hold(of->instead);
        return 0;
    }
    int error = of->tx ? transaction_peek(of->tx, name, 0, &head, price) : history_head(of->reader, name, &head);
    if (!error && !of->tx)
        error = side_state(of->reader, head.id, of->position, price);
    return error == -ENOENT ? 0 : error;
}

int side_read(struct revenue_links *links, uint64_t entity, const struct state *state, const struct prices_of *of,
    struct side *side)
{
    struct slice quoted;
    STATE_AUTO price = NULL;
    bool alive = state && state->alive;
    side->active = alive && subscription_is_active(state->fields);
    side->ended = !alive || subscription_is_canceled(state->fields);
    if (!side->active)
        return 0;
    if (subscription_price(state->fields, &quoted)) {
        BYTES_AUTO name = {0};
        bytes_add_slice(&name, quoted);
        int error = name.failed ? -ENOMEM : find_price(of, bytes_slice(&name), &price);
        // What is damaged is as if it were not there; it stays so.
        if (error && error != -EIO)
            return error;
        links_add(links, &(struct revenue_link){.price = links_price(unquoted(quoted)), .entity = entity});
    }
    struct slice none = {.at = "", .size = 0};
    int error = subscription_monthly(state->fields, price && price->alive ? price->fields : none, &side->monthly);
    return error == -ERANGE ? 0 : error;
}
