#include "hooks/payload.h"

#include "store/fields.h"
#include "store/json.h"

#include <errno.h>

// The two halves of {"before","after"}; false for every other value.
static bool split_pair(struct slice value, struct slice *before, struct slice *after)
{
    *before = *after = (struct slice){0};
    if (json_kind(value) != JSON_OBJECT)
        return false;
    struct json_cursor c = json_enter(value);
    for (struct slice key, member; json_next_member(&c, &key, &member);) {
        if (json_key_is(key, "before"))
            *before = member;
        else if (json_key_is(key, "after"))
            *after = member;
        else
            return false;
    }
    return before->at || after->at;
}

static bool is_change(struct slice before, struct slice after)
{
    return before.at && !(after.at && json_equal(before, after));
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
    for (struct slice key, value, before, after; json_next_member(&c, &key, &value);) {
        if (!split_pair(value, &before, &after)) {
            int error = state ? 0 : history_state(reader, entity, event->version - 1, &state);
            if (!error && !fields.count && state->alive)
                error = fields_read(&fields, state->fields);
            if (error)
                return error;
            const struct field *old = fields_find(&fields, key);
            before = old ? old->value : (struct slice){0};
            after = value;
        }
        if (is_change(before, after))
            add_old(out, key, before);
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
    char when[WHEN_TEXT_MAX];
    add_text(out, "{\"id\":\"", event->id);
    add_text(out, "\",\"type\":\"", event->type);
    add_text(out, "\",\"target\":\"", event->target);
    bytes_add_text(out, "\",\"actor\":");
    json_quote(out, event->actor);
    add_text(out, ",\"timestamp\":\"", (struct slice){.at = when, .size = when_print(when, event->at_us)});
    add_text(out, "\",\"data\":", data.size ? data : SLICE("{}"));
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
