#include "hooks/contribution.h"

#include "hooks/decimal.h"
#include "store/json.h"

#include <errno.h>

void subject_free(struct subject *s)
{
    bytes_free(&s->made);
    state_drop(s->as_state);
}

// ---- the field

static bool is_null(struct slice value)
{
    return json_kind(value) == JSON_NULL;
}

// A number that has too many digits is none.
static int is_number(struct slice value)
{
    DECIMAL_AUTO number = {0};
    if (json_kind(value) != JSON_NUMBER)
        return 0;
    int error = decimal_read(&number, value);
    return error == -ERANGE ? 0 : error ? error : 1;
}

static int look_at_field(const struct metric_definition *d, struct slice object, struct contribution *out)
{
    struct slice value;
    if (!d->field.count) {
        out->counts = true;
        return 0;
    }
    if (!steps_follow(&d->field, object, 0, &value))
        return 0;
    if (d->aggregate == METRIC_COUNT) {
        out->counts = !is_null(value);
        return 0;
    }
    int number = is_number(value);
    if (number < 0)
        return number;
    out->counts = number;
    if (number)
        out->number = value;
    return 0;
}

static int look(
    const struct metric_definition *d, const struct shown_state *shown, struct slice object, struct contribution *out)
{
    int holds = event_filter_matches(&d->filter, shown, object);
    // What the filter cannot be asked about does not match: that must not keep an event from being added.
    if (holds < 0 && holds != -ENOMEM)
        holds = 0;
    return holds == 1 ? look_at_field(d, object, out) : holds;
}

// ---- states

int contribution_of_state(const struct metric_definition *d, struct subject *s, struct contribution *out)
{
    const struct state *state = s->shown.state;
    *out = (struct contribution){0};
    if (!state || !state->alive)
        return 0;
    if (!d->looks_at_meta)
        return look(d, &s->shown, state->fields, out);
    if (!s->made.size)
        state_line(state, s->shown.name, s->shown.version, s->shown.updated_at_us, &s->made);
    return s->made.failed ? -ENOMEM : look(d, &s->shown, bytes_slice(&s->made), out);
}

// ---- events

int contribution_of_event(const struct metric_definition *d, struct subject *s, struct contribution *out)
{
    *out = (struct contribution){0};
    if (!d->field.count && event_filter_is_open(&d->filter)) {
        out->counts = true;
        return 0;
    }
    if (!s->made.size && event_filter_plain(s->line, &s->made))
        return -ENOMEM;
    struct slice plain = bytes_slice(&s->made);
    if (d->filter.has_find && !s->as_state) {
        s->as_state = state_make(true, 0, SLICE(""), name_entity_noun(s->target), plain);
        s->shown = (struct shown_state){.name = s->target, .version = 1, .state = s->as_state};
        if (!s->as_state)
            return -ENOMEM;
    }
    return look(d, &s->shown, plain, out);
}
