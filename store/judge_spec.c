#include "store/judge_spec.h"

#include "store/accept.h"
#include "store/json.h"

#include <errno.h>

// ---- events

static bool is_own_spec(const struct transaction *tx, struct slice entity)
{
    char name[NAME_ENTITY_MAX];
    return slice_equal(entity, (struct slice){.at = name, .size = spec_entity(tenant_name(tx->tenant), name)});
}

// An event may declare a spec: who may, and does it hold together? What else happens to the tenant's own spec would
// only look as if.
static int judge_declaration(
    struct transaction *tx, struct submission *s, struct entity *e, const struct event *event, struct spec **spec)
{
    BYTES_AUTO text = {0};
    struct event on_entity = *event;
    on_entity.target = entity_name(e);
    bool declares = spec_recorded(&on_entity, &text);
    bool may = s->uid == 0 || s->uid == atomic_load(&tx->tenant->owner);
    if (text.failed)
        return -ENOMEM;
    if (!declares)
        return is_own_spec(tx, entity_name(e)) && !s->rerun
                   ? reason_set(&s->why, -EPERM, "what a tenant declares, spec.json says")
                   : 0;
    if (!may)
        return reason_set(&s->why, -EPERM, "only the tenant's owner declares a spec");
    return spec_read(bytes_slice(&text), spec, &s->why);
}

// What a spec says of the state behind an event; and the event itself had to fit.
static int judge_result(struct transaction *tx, struct submission *s, const struct entity *e)
{
    struct spec *spec;
    // What happened elsewhere has happened.
    if (s->rerun || s->own)
        return 0;
    int error = transaction_spec(tx, &spec);
    if (!error && tx->misfit.text[0])
        error = reason_set(&s->why, -EINVAL, "%s", tx->misfit.text);
    if (!error && e->next_state->alive)
        error = spec_check_state(spec, entity_name(e), e->next_state->fields, &s->why);
    return error;
}

int judge_spec_accept(
    struct transaction *tx, struct submission *s, struct entity *e, struct event *event, uint64_t *position)
{
    SPEC_AUTO declared = NULL;
    int error = judge_declaration(tx, s, e, event, &declared);
    if (!error)
        error = accept_event(tx, e, event, position, &s->why);
    if (!error && declared)
        transaction_declare(tx, declared);
    else if (!error)
        error = judge_result(tx, s, e);
    return error;
}

int judge_spec_event(struct transaction *tx, struct submission *s, struct event *event)
{
    char spelling[NAME_TYPE_MAX];
    struct spec *spec;
    BYTES_AUTO text = {0};
    if (s->own || spec_recorded(event, &text) || is_own_spec(tx, event->target))
        return 0;
    int error = transaction_spec(tx, &spec);
    if (error || !spec)
        return error ? reason_set(&s->why, error, "the spec in force cannot be read") : 0;
    event->type = transaction_spelling(tx, spec_spelling(spec, event->type, spelling));
    if (event->type.at == spelling)
        event->type = arena_copy(&s->arena, event->type);
    return event->type.at ? spec_check_event(spec, event, &s->why) : -ENOMEM;
}

int judge_spec_verb(struct transaction *tx, struct submission *s, const struct name_type *type,
    const struct state *state, struct slice entity, struct slice *data)
{
    struct spec *spec;
    struct slice field, value, said;
    if (s->own)
        return 0;
    int error = transaction_spec(tx, &spec);
    if (error ||
        !spec_verb_sets(spec, type, entity, state && state->alive ? state->fields : (struct slice){0}, &field, &value))
        return error;
    BYTES_AUTO key = {0};
    bytes_add_slice(&key, field);
    bytes_add_char(&key, '\0');
    if (key.failed || json_member(*data, key.at, &said))
        return key.failed ? -ENOMEM : 0;
    BYTES_AUTO text = {0};
    bytes_add(&text, data->at, data->size - 1);
    bytes_add_text(&text, data->size > 2 ? "," : "");
    json_quote(&text, field);
    bytes_add_char(&text, ':');
    json_quote(&text, value);
    bytes_add_char(&text, '}');
    *data = arena_copy(&s->arena, bytes_slice(&text));
    return text.failed || !data->at ? -ENOMEM : 0;
}

// ---- a text of spec.json

int judge_spec_text(struct transaction *tx, struct submission *s)
{
    SPEC_AUTO checked = NULL;
    struct spec *now = NULL;
    char name[NAME_ENTITY_MAX];
    struct entity *e;
    struct state *state;
    BYTES_AUTO data = {0};
    int error = spec_read(s->document, &checked, &s->why);
    if (error)
        return error;
    if (tx->declaration.position != s->base_spec)
        return reason_set(&s->why, -ESTALE, "spec.json has changed since it was opened");
    s->spec = s->base_spec;
    // One that cannot be read any more is another one.
    bool readable = transaction_spec(tx, &now) == 0;
    if (readable && slice_equal(s->document, now ? now->text : SPEC_NOTHING))
        return 0;
    struct slice target = {.at = name, .size = spec_entity(tenant_name(tx->tenant), name)};
    struct event event = {.type = transaction_spelling(tx, SLICE("Spec.Updated")), .target = target, .actor = s->actor};
    error = transaction_entity(tx, target, &e);
    if (error)
        return error;
    error = transaction_state(tx, e, &state);
    // Where an earlier text is damaged, nothing but a new one helps.
    if (error == -EIO) {
        state = NULL;
        error = 0;
    }
    if (!error)
        error = spec_record(s->document, state != NULL, &data, &s->why);
    event.data = bytes_slice(&data);
    if (!error)
        error = judge_spec_accept(tx, s, e, &event, &s->spec);
    if (!error)
        error = accept_after(tx, e, &event, s->spec);
    return error;
}
