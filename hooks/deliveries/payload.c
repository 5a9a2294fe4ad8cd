#include "hooks/deliveries/payload.h"

#include "store/fields.h"
#include "store/json.h"

#include <errno.h>

// Does it change a value that was there?
static bool changes(const struct state_change *c)
{
    return c->before.at && !(c->after.at && json_equal(c->before, c->after));
}

static void add_old(struct bytes *out, struct slice key, struct slice value)
{
    bytes_add_char(out, out->size ? ',' : '{');
    bytes_add_slice(out, key);
    bytes_add_char(out, ':');
    bytes_add_slice(out, value);
}

// The old values of what an event changed, as an object; nothing when there are none. An imported event may have plain
// new values: what they replaced, the state before it tells.
static int make_previous(struct bytes *out, struct reader *reader, uint64_t entity, const struct event *event)
{
    STATE_AUTO state = NULL;
    FIELDS_AUTO fields = {0};
    struct json_cursor c = json_enter(event->data);
    for (struct slice key, value; json_next_member(&c, &key, &value);) {
        struct state_change change = state_read_change(value);
        if (!change.is_pair) {
            int error = state ? 0 : history_state(reader, entity, event->version - 1, &state);
            if (!error && !fields.count && state->alive)
                error = fields_read(&fields, state->fields);
            if (error)
                return error;
            const struct field *old = fields_find(&fields, key);
            change = (struct state_change){.before = old ? old->value : (struct slice){0}, .after = value};
        }
        if (changes(&change))
            add_old(out, key, change.before);
    }
    if (out->size)
        bytes_add_char(out, '}');
    return out->failed ? -ENOMEM : 0;
}

static void add_text(struct bytes *out, const char *before, struct slice text)
{
    bytes_add_text(out, before);
    bytes_add_slice(out, text);
}

static void print(
    struct bytes *out, const struct event *event, struct slice data, struct slice previous, struct slice tenant)
{
    add_text(out, "{\"id\":\"", event->id);
    add_text(out, "\",\"type\":\"", event->type);
    add_text(out, "\",\"target\":\"", event->target);
    bytes_add_text(out, "\",\"actor\":");
    json_quote(out, event->actor);
    bytes_add_text(out, ",\"timestamp\":");
    when_quote(out, event->at_us);
    add_text(out, ",\"data\":", data.size ? data : SLICE("{}"));
    if (previous.size)
        add_text(out, ",\"previous\":", previous);
    if (event->metadata.size)
        add_text(out, ",\"metadata\":", event->metadata);
    add_text(out, ",\"tenant\":\"", tenant);
    bytes_printf(out, "\",\"version\":%u}", event->version);
}

int payload_add(struct bytes *out, struct reader *reader, uint64_t entity, struct slice line)
{
    struct event event;
    BYTES_AUTO actor = {0}, previous = {0};
    STATE_AUTO state = NULL;
    int error = envelope_read(line, &event, &actor);
    if (error)
        return error;
    struct name_type type = name_stored_type(event.type);
    struct slice data = event.data;
    if (type.style == NAME_PASCAL) {
        bool deleted = type.verb == NAME_DELETED;
        error = history_state(reader, entity, event.version - (deleted && event.version > 1), &state);
        if (!error && !deleted && event.version > 1 && type.verb != NAME_CREATED)
            error = make_previous(&previous, reader, entity, &event);
        if (error)
            return error;
        data = state->fields;
    }
    print(out, &event, data, bytes_slice(&previous), tenant_name(reader->tenant));
    return out->failed ? -ENOMEM : 0;
}
