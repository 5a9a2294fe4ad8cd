// Runs the handlers of an event: those that are named after it, in the order of their names.
#include "hooks/handlers/dollar.h"
#include "hooks/handlers/verb.h"

#include "store/fields.h"
#include "store/json.h"
#include "store/spec.h"
#include "store/tenant.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

_Static_assert(CASCADE_LEVELS < SCRIPT_LEVELS, "each level has a machine of its own");

// ---- which

struct happening {
    struct name_type type;
    struct slice noun, verb; // of a snake_case event the entity's noun, and the whole type
    struct slice action;     // what the spec calls doing it (`rollout`); empty: it says nothing
};

static struct happening read_happening(struct transaction *tx, struct slice type, struct slice target)
{
    struct happening h = {.type = name_stored_type(type), .verb = type, .noun = name_entity_noun(target)};
    struct spec *spec;
    if (h.type.style == NAME_SNAKE)
        return h;
    h.noun = h.type.noun;
    h.verb = (struct slice){.at = type.at + h.noun.size + 1, .size = type.size - h.noun.size - 1};
    // A spec that cannot be read has refused the event already.
    const struct noun *noun = transaction_spec(tx, &spec) == 0 ? spec_noun(spec, h.noun) : NULL;
    const struct noun_verb *declared = noun ? noun_find_event(noun, h.verb) : NULL;
    if (declared)
        h.action = declared->action;
    return h;
}

static bool same(struct slice a, struct slice b)
{
    return a.size == b.size && !strncasecmp(a.at, b.at, a.size);
}

static bool reacts(const struct handler *h, const struct happening *to)
{
    if (!slice_is(h->noun, "*") && !same(h->noun, to->noun))
        return false;
    if (h->time == HANDLER_BEFORE)
        return to->type.style == NAME_PASCAL &&
               (verb_gerund_of_past(h->verb, to->verb) || (to->action.size && verb_gerund_of(h->verb, to->action)));
    if (slice_is(h->verb, "*"))
        return true;
    return to->type.style == NAME_SNAKE ? same(h->verb, to->verb) : verb_same_past(h->verb, to->verb);
}

// ---- the log of a handler

// TIMESTAMP EVENT_ID log|error MESSAGE, a line for each line of the message.
static void add_log(struct handler_record *record, int64_t at_us, struct slice id, bool error, struct slice message)
{
    char when[WHEN_TEXT_MAX];
    size_t when_size = when_print(when, at_us);
    while (message.size) {
        const char *end = memchr(message.at, '\n', message.size);
        size_t size = end ? (size_t)(end - message.at) : message.size;
        if (record->log.size > HANDLER_LOG_BYTES)
            return;
        bytes_add(&record->log, when, when_size);
        bytes_printf(&record->log, " %.*s %s ", SLICE_ARG(id), error ? "error" : "log");
        bytes_add(&record->log, message.at, size);
        bytes_add_char(&record->log, '\n');
        size += end != NULL;
        message = (struct slice){.at = message.at + size, .size = message.size - size};
    }
}

static struct slice shown_id(const struct call *c)
{
    return c->event_id.size ? c->event_id : SLICE("-");
}

static void log_line(void *context, bool error, struct slice line)
{
    struct call *c = context;
    if (c->log_bytes > CALL_LOG_BYTES)
        return;
    c->log_bytes += line.size + 1;
    add_log(
        c->handler->record, c->at_us, shown_id(c), error, c->log_bytes > CALL_LOG_BYTES ? SLICE("… and more") : line);
}

static void note_run(struct call *c, const struct bytes *why, const struct bytes *trace)
{
    struct handlers *all = c->handler->handlers;
    struct handler_record *record = c->handler->record;
    pthread_mutex_lock(&all->lock);
    record->runs++;
    record->failing = why != NULL;
    if (why) {
        struct slice id = shown_id(c);
        record->failures++;
        record->failed_at_us = c->at_us;
        snprintf(record->failed_id, sizeof record->failed_id, "%.*s", SLICE_ARG(id));
        record->failed.text[0] = '\0';
        reason_set(&record->failed, 0, "%.*s", SLICE_ARG(bytes_slice(why)));
    }
    pthread_mutex_unlock(&all->lock);
    if (why)
        add_log(record, c->at_us, shown_id(c), true, bytes_slice(trace));
}

// ---- one call

// The same numbers for the same event, also when it is run again.
static uint64_t seed_of(const struct transaction *tx, uint64_t position)
{
    return slice_hash(tenant_name(tx->tenant)) ^ position * UINT64_C(0x9e3779b97f4a7c15);
}

// Calls the handler with an entity as JSON. 0 and, with `answer`, what it returned as JSON (nothing for undefined and
// null); or -EPERM with the reason.
static int call_handler(struct call *c, struct slice entity, uint64_t position, struct bytes *answer, struct bytes *why)
{
    struct machine_call told = {
        .name = bytes_slice(&c->handler->name),
        .now_us = c->at_us,
        .seed = seed_of(c->tx, position),
        .context = c,
        .log = log_line,
    };
    JSContext *context;
    JSValue result;
    BYTES_AUTO trace = {0};
    int error = script_begin(c->handler->script, c->handler->handlers->cascade.level, &told, &context);
    if (error)
        return error;
    c->regex = c->event_value = JS_UNDEFINED;
    JSValue arguments[] = {convert_read(context, &c->numbers, entity), dollar_new(context)};
    result = JS_UNDEFINED;
    if (JS_IsException(arguments[0])) {
        // Too large, or nested too deeply.
        script_describe(context, why, &trace);
        error = -EPERM;
    } else {
        error = script_run(context, 2, arguments, &result, why, &trace);
    }
    if (!error && answer && !JS_IsUndefined(result) && !JS_IsNull(result)) {
        if (!JS_IsObject(result) || JS_IsArray(context, result) == 1 || JS_IsFunction(context, result)) {
            bytes_add_text(why, "it returned neither an object nor nothing");
            error = -EPERM;
        } else if (convert_write(context, &c->numbers, result, false, answer)) {
            script_describe(context, why, &trace);
            error = -EPERM;
        }
        if (error && !trace.size)
            bytes_add_slice(&trace, bytes_slice(why));
    }
    JS_FreeValue(context, result);
    JS_FreeValue(context, c->regex);
    JS_FreeValue(context, c->event_value);
    script_end(context);
    convert_forget(&c->numbers);
    bytes_free(&c->pattern);
    note_run(c, error ? why : NULL, &trace);
    return error;
}

// ---- AFTER

// 0, or -errno and `why`: it failed.
static int call_after(struct handler *h, struct transaction *tx, const struct event *event, struct slice line,
    struct slice entity, uint64_t position, struct bytes *why)
{
    struct call c = {.handler = h,
        .tx = tx,
        .event = line,
        .event_id = event->id,
        .actor = event->actor,
        .at_us = event->at_us,
        .writes = true};
    return call_handler(&c, entity, position, NULL, why);
}

// What fails is undone alone: the event stands.
static void run_after(struct handler *h, struct transaction *tx, const struct event *event, struct slice line,
    struct slice entity, uint64_t position)
{
    struct transaction_mark mark = transaction_mark(tx);
    BYTES_AUTO why = {0};
    if (call_after(h, tx, event, line, entity, position, &why))
        transaction_undo_to(tx, &mark);
}

int handlers_after(struct handlers *all, struct transaction *tx, struct entity *e, uint64_t position)
{
    struct event_row row;
    struct event event;
    BYTES_AUTO line = {0};
    BYTES_AUTO actor = {0};
    BYTES_AUTO entity = {0};
    if (!all->cascade.level)
        all->cascade = (struct cascade){0};
    if (!all->reacting)
        return 0;
    int error = transaction_event(tx, position, &row);
    if (error)
        return error;
    // What lies in the transaction moves when more is added.
    bytes_add_slice(&line, row.line);
    error = line.failed ? -ENOMEM : envelope_read(bytes_slice(&line), &event, &actor);
    if (error)
        return error;
    event.at_us = row.at_us;
    struct happening happening = read_happening(tx, event.type, event.target);
    struct state *state = e->next_state->alive ? e->next_state : transaction_state_before(tx);
    for (size_t i = 0; i < all->count; i++) {
        struct handler *h = all->all[i];
        if (h->time != HANDLER_AFTER || !reacts(h, &happening))
            continue;
        if (!entity.size && state)
            state_line(state, event.target, event.version, event.at_us, &entity);
        if (entity.failed)
            return -ENOMEM;
        run_after(h, tx, &event, bytes_slice(&line), bytes_slice(&entity), position);
    }
    return 0;
}

// ---- of watches

static struct handler *find_script(const struct handlers *all, struct slice name)
{
    for (size_t i = 0; i < all->count; i++)
        if (all->all[i]->time == HANDLER_OF_WATCH && slice_equal(bytes_slice(&all->all[i]->name), name))
            return all->all[i];
    return NULL;
}

int handlers_fire(struct handlers *all, struct transaction *tx, struct slice name, struct slice told, uint64_t position)
{
    struct handler *h = find_script(all, name);
    struct event_row row;
    struct event event;
    BYTES_AUTO line = {0};
    BYTES_AUTO actor = {0};
    if (!h)
        return 0;
    int error = transaction_event(tx, position, &row);
    if (error)
        return error;
    bytes_add_slice(&line, row.line);
    error = line.failed ? -ENOMEM : envelope_read(bytes_slice(&line), &event, &actor);
    if (error)
        return error;
    event.at_us = row.at_us;
    run_after(h, tx, &event, bytes_slice(&line), told, position);
    return 0;
}

// ---- BEFORE

// Puts what a handler returned into the data of an event that is to be: each member whose value would be another one.
// Those of the store's own ($id …), and those that stay as they are, it may have returned with the whole entity.
static int merge(struct slice data, const struct state *before, bool pairs, const struct state *would_be,
    struct slice answer, struct bytes *out)
{
    FIELDS_AUTO fields = {0};
    FIELDS_AUTO now = {0};
    FIELDS_AUTO then = {0};
    BYTES_AUTO made = {0};
    int error = fields_read(&fields, data);
    if (!error)
        error = fields_read(&now, pairs ? before->fields : SLICE("{}"));
    if (!error)
        error = fields_read(&then, would_be && would_be->alive ? would_be->fields : SLICE("{}"));
    // The pairs are made in one buffer, which must not move.
    if (!error && !bytes_reserve(&made, 8 * answer.size + (pairs ? before->fields.size : 0) + 64))
        error = -ENOMEM;
    struct json_cursor c = json_enter(answer);
    for (struct slice key, value; !error && json_next_member(&c, &key, &value);) {
        const struct field *as_it_would = fields_find(&then, key);
        if (key.at[1] == '$' || (as_it_would && convert_same(as_it_would->value, value)))
            continue;
        if (pairs) {
            const struct field *current = fields_find(&now, key);
            size_t at = made.size;
            if (made.room - made.size < value.size + (current ? current->value.size : 0) + 32)
                return -ENOMEM;
            bytes_add_char(&made, '{');
            if (current) {
                bytes_add_text(&made, "\"before\":");
                bytes_add_slice(&made, current->value);
                bytes_add_char(&made, ',');
            }
            bytes_add_text(&made, "\"after\":");
            bytes_add_slice(&made, value);
            bytes_add_char(&made, '}');
            value = (struct slice){.at = made.at + at, .size = made.size - at};
        }
        error = fields_set(&fields, key, value);
    }
    if (!error)
        fields_print(&fields, out);
    return error;
}

// An event that is not added yet: it has no id and no version.
static void print_coming(const struct event *event, struct slice tenant, struct bytes *out)
{
    bytes_printf(
        out, "{\"type\":\"%.*s\",\"target\":\"%.*s\",\"actor\":", SLICE_ARG(event->type), SLICE_ARG(event->target));
    json_quote(out, event->actor);
    bytes_add_text(out, ",\"timestamp\":");
    when_quote(out, event->at_us);
    bytes_add_text(out, ",\"data\":");
    bytes_add_slice(out, event->data);
    bytes_printf(out, ",\"tenant\":\"%.*s\"", SLICE_ARG(tenant));
    if (event->metadata.size) {
        bytes_add_text(out, ",\"metadata\":");
        bytes_add_slice(out, event->metadata);
    }
    bytes_add_char(out, '}');
}

static int run_before(struct handler *h, struct transaction *tx, struct entity *e, const struct event *event,
    struct bytes *data, struct reason *refused)
{
    STATE_AUTO would_be = NULL;
    BYTES_AUTO line = {0};
    BYTES_AUTO entity = {0};
    BYTES_AUTO answer = {0};
    BYTES_AUTO why = {0};
    struct event shown = *event;
    shown.target = entity_name(e);
    shown.at_us = tx->at_us;
    if (data->size)
        shown.data = bytes_slice(data);
    int error = transaction_preview(tx, e, &shown, &would_be);
    if (error)
        return error;
    struct state *before = e->next_state, *argument = would_be->alive || !before ? would_be : before;
    print_coming(&shown, tenant_name(tx->tenant), &line);
    state_line(argument, shown.target, e->next.version + 1, tx->at_us, &entity);
    if (line.failed || entity.failed)
        return -ENOMEM;
    struct call c = {.handler = h, .tx = tx, .event = bytes_slice(&line), .actor = event->actor, .at_us = tx->at_us};
    error = call_handler(&c, bytes_slice(&entity), tx->end.position + 1, &answer, &why);
    if (error)
        return reason_set(
            refused, -EPERM, "%.*s: %.*s", SLICE_ARG(bytes_slice(&h->name)), SLICE_ARG(bytes_slice(&why)));
    if (!answer.size)
        return 0;
    struct name_type type = name_stored_type(event->type);
    bool pairs = before && before->alive && type.verb != NAME_CREATED && type.verb != NAME_DELETED;
    BYTES_AUTO merged = {0};
    error = merge(shown.data, before, pairs, would_be, bytes_slice(&answer), &merged);
    if (error || merged.failed)
        return error ? error : -ENOMEM;
    bytes_clear(data);
    bytes_add_slice(data, bytes_slice(&merged));
    return 0;
}

int handlers_before(struct handlers *all, struct transaction *tx, struct entity *e, const struct event *event,
    struct bytes *data, struct reason *why)
{
    if (!all->reacting)
        return 0;
    int error = 0;
    struct happening happening = read_happening(tx, event->type, entity_name(e));
    for (size_t i = 0; !error && i < all->count; i++)
        if (all->all[i]->time == HANDLER_BEFORE && reacts(all->all[i], &happening))
            error = run_before(all->all[i], tx, e, event, data, why);
    return error;
}

// ---- what would have been

static void add_error(struct bytes *out, struct slice why)
{
    bytes_add_text(out, ",\"error\":");
    json_quote(out, why);
}

// The events that were added, without the ids that they did not get.
static int add_events(struct transaction *tx, struct bytes *out)
{
    bytes_add_text(out, ",\"events\":[");
    for (size_t i = 0; i < tx->count; i++) {
        struct event_row row;
        int error = transaction_event(tx, tx->published.position + 1 + i, &row);
        if (error)
            return error;
        const char *rest = memchr(row.line.at, ',', row.line.size);
        bytes_add_text(out, i ? ",{" : "{");
        bytes_add(out, rest + 1, row.line.size - (size_t)(rest + 1 - row.line.at));
    }
    bytes_add_char(out, ']');
    return 0;
}

static int replay_after(
    struct handler *h, struct transaction *tx, const struct event *event, struct slice line, struct bytes *out)
{
    struct entity *e;
    struct state *state = NULL;
    STATE_AUTO before = NULL;
    BYTES_AUTO entity = {0};
    BYTES_AUTO why = {0};
    int error = transaction_entity(tx, event->target, &e);
    if (!error)
        error = transaction_state(tx, e, &state);
    if (!error && state && !state->alive && event->version > 1)
        error = history_state(&tx->reader, e->head.id, event->version - 1, &before);
    state = before ? before : state;
    if (error || !state)
        return error;
    state_line(state, event->target, event->version, event->at_us, &entity);
    if (entity.failed)
        return -ENOMEM;
    if (call_after(h, tx, event, line, bytes_slice(&entity), tx->horizon, &why))
        add_error(out, bytes_slice(&why));
    else if (tx->count)
        error = add_events(tx, out);
    return error;
}

static int replay_before(struct handler *h, struct transaction *tx, const struct event *event, struct bytes *out)
{
    struct entity *e;
    struct state *state;
    struct reason refused = {0};
    BYTES_AUTO data = {0};
    struct event shown = *event;
    int error = transaction_entity(tx, event->target, &e);
    if (!error)
        error = transaction_state(tx, e, &state);
    if (error)
        return error;
    error = run_before(h, tx, e, event, &data, &refused);
    if (error == -EPERM) {
        add_error(out, slice_of(refused.text));
        return 0;
    }
    if (error || !data.size || slice_equal(bytes_slice(&data), event->data))
        return error;
    shown.data = bytes_slice(&data);
    bytes_add_text(out, ",\"events\":[");
    print_coming(&shown, tenant_name(tx->tenant), out);
    bytes_add_char(out, ']');
    return 0;
}

int handlers_replay(struct handler *h, struct transaction *tx, uint64_t position, struct bytes *out)
{
    struct event_row row;
    struct event event;
    BYTES_AUTO line = {0};
    BYTES_AUTO actor = {0};
    BYTES_AUTO said = {0};
    int error = history_event(&tx->reader, position, &row);
    if (!error)
        bytes_add_slice(&line, row.line);
    if (!error)
        error = line.failed ? -ENOMEM : envelope_read(bytes_slice(&line), &event, &actor);
    if (error)
        return error;
    event.at_us = tx->at_us = row.at_us;
    struct happening happening = read_happening(tx, event.type, event.target);
    if (!reacts(h, &happening))
        return 0;
    h->handlers->cascade = (struct cascade){0};
    error = h->time == HANDLER_AFTER ? replay_after(h, tx, &event, bytes_slice(&line), &said)
                                     : replay_before(h, tx, &event, &said);
    if (error || !said.size)
        return error;
    bytes_printf(out, "{\"cause\":\"%.*s\"", SLICE_ARG(event.id));
    bytes_add_slice(out, bytes_slice(&said));
    bytes_add_text(out, "}\n");
    return out->failed || said.failed ? -ENOMEM : 0;
}

// ---- how they fare

static void show_record(const struct handler_record *r, struct bytes *out)
{
    bytes_printf(out,
        "{\"state\":\"%s\",\"runs\":%llu,\"failures\":%llu,\"lastError\":", r->failing ? "failing" : "active",
        (unsigned long long)r->runs, (unsigned long long)r->failures);
    if (!r->failures) {
        bytes_add_text(out, "null}");
        return;
    }
    bytes_add_text(out, "{\"time\":");
    when_quote(out, r->failed_at_us);
    bytes_printf(out, ",\"id\":\"%s\",\"error\":", r->failed_id);
    json_quote(out, slice_of(r->failed.text));
    bytes_add_text(out, "}}");
}

void handlers_show(struct handlers *all, struct bytes *out)
{
    char separator = '{';
    pthread_mutex_lock(&all->lock);
    for (size_t i = 0; i < all->count; i++) {
        if (all->all[i]->time == HANDLER_OF_WATCH)
            continue;
        bytes_add_char(out, separator);
        json_quote(out, all->all[i]->stem);
        bytes_add_char(out, ':');
        show_record(all->all[i]->record, out);
        separator = ',';
    }
    pthread_mutex_unlock(&all->lock);
    bytes_add_text(out, separator == '{' ? "{}" : "}");
}

void handlers_show_script(struct handlers *all, struct slice name, struct bytes *out)
{
    static const struct handler_record none;
    pthread_mutex_lock(&all->lock);
    const struct handler *h = find_script(all, name);
    show_record(h ? h->record : &none, out);
    pthread_mutex_unlock(&all->lock);
}
