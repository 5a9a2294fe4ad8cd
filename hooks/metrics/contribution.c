#include "hooks/metrics/contribution.h"

#include "store/json.h"

#include <errno.h>

void subject_free(struct subject *s)
{
    bytes_free(&s->made);
    state_drop(s->as_state);
    if (s->has_fields)
        fields_free(&s->fields);
    decimal_free(&s->number);
}

// ---- the field

// Reads a number, unless it is the one that was read last: many metrics look at the same. A number that has too many
// digits is none.
static int read_number(struct subject *s, struct slice value, struct contribution *out)
{
    if (json_kind(value) != JSON_NUMBER)
        return 0;
    if (s->text.at != value.at) {
        int error = decimal_read(&s->number, value);
        if (error && error != -ERANGE)
            return error;
        s->fits = !error;
        s->text = value;
    }
    if (s->fits)
        *out = (struct contribution){.counts = true, .text = value, .number = &s->number};
    return 0;
}

static int look_at_value(
    const struct metric_definition *d, struct subject *s, struct slice value, struct contribution *out)
{
    if (d->aggregate != METRIC_COUNT)
        return read_number(s, value, out);
    out->counts = json_kind(value) != JSON_NULL;
    return 0;
}

// What the filter cannot be asked about does not match: that must not keep an event from being added.
static int matches(const struct metric_definition *d, const struct shown_state *shown, struct slice object)
{
    int holds = event_filter_matches(&d->filter, d->match, shown, object);
    return holds < 0 && holds != -ENOMEM ? 0 : holds;
}

static int look(const struct metric_definition *d, struct subject *s, struct slice object, struct contribution *out)
{
    struct slice value;
    int holds = matches(d, &s->shown, object);
    if (holds != 1)
        return holds;
    if (!d->field.count)
        out->counts = true;
    return d->field.count && steps_follow(&d->field, object, 0, &value) ? look_at_value(d, s, value, out) : 0;
}

// ---- states

// By the state's fields, which are told apart once.
static int look_quickly(const struct metric_definition *d, struct subject *s, struct contribution *out)
{
    const struct state *state = s->shown.state;
    int error = s->has_fields ? 0 : fields_read(&s->fields, state->fields);
    if (error)
        return error;
    s->has_fields = true;
    int holds = quick_filter_holds(&d->quick, &s->fields);
    if (holds == QUICK_UNKNOWN)
        holds = matches(d, &s->shown, state->fields);
    if (holds != 1)
        return holds;
    if (!d->field.count)
        out->counts = true;
    const struct field *field = d->field.count ? fields_find(&s->fields, d->field_key) : NULL;
    struct slice value;
    return field && steps_follow(&d->field, field->value, 1, &value) ? look_at_value(d, s, value, out) : 0;
}

int contribution_of_state(const struct metric_definition *d, struct subject *s, struct contribution *out)
{
    const struct state *state = s->shown.state;
    *out = (struct contribution){0};
    if (!state || !state->alive)
        return 0;
    if (!d->looks_at_meta)
        return look_quickly(d, s, out);
    if (!s->made.size)
        state_line(state, s->shown.name, s->shown.version, s->shown.updated_at_us, &s->made);
    return s->made.failed ? -ENOMEM : look(d, s, bytes_slice(&s->made), out);
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
    return look(d, s, plain, out);
}
