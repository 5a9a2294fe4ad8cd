#include "store/judge.h"

#include "store/accept.h"
#include "store/hook.h"
#include "store/identity.h"
#include "store/json.h"
#include "store/judge_spec.h"

#include <errno.h>

#define SHOWN(s) (int)((s).size < 100 ? (s).size : 100), (s).at

// ---- receipts

static void add_receipt(struct bytes *out, struct slice id, struct slice target, uint32_t version, uint64_t position)
{
    bytes_add_text(out, "{\"id\":\"");
    bytes_add_slice(out, id);
    bytes_add_text(out, "\",\"target\":\"");
    bytes_add_slice(out, target);
    bytes_printf(out, "\",\"version\":%u,\"position\":%llu}\n", version, (unsigned long long)position);
}

// ---- known ids

// What tells whether an event given again is the same one.
static int content_hash(struct transaction *tx, const struct draft *draft, unsigned char hash[static CHAIN_SIZE])
{
    const struct slice parts[] = {draft->type.text, draft->target, draft->data, draft->metadata, draft->actor};
    memset(hash, 0, CHAIN_SIZE);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        int error = chain_next(&tx->chain, hash, parts[i]);
        if (error)
            return error;
    }
    return 0;
}

static bool same_event(const struct event *event, const struct draft *draft, bool imports)
{
    if (imports && event->at_us != draft->at_us)
        return false;
    return slice_equal(event->type, draft->type.text) && slice_equal(event->target, draft->target) &&
           slice_equal(event->data, draft->data) && slice_equal(event->metadata, draft->metadata) &&
           slice_equal(event->actor, draft->actor);
}

// Is this id known? 0, with its receipt, when the same event was accepted before; -EEXIST when another was, -ENOENT
// when it is new. `hash`: of the content, NULL when it is imported.
static int judge_id(struct transaction *tx, struct submission *s, const struct draft *draft, const unsigned char *hash,
    uint64_t *position)
{
    struct identity_content content;
    struct event_row row = {0};
    struct event event;
    BYTES_AUTO actor = {0};
    int error = identity_event(tx, draft->id, &row, &content);
    if (!error)
        error = envelope_read(row.line, &event, &actor);
    if (error)
        return error;
    // The data of an event may be recorded otherwise than it was written; that of an imported one never is.
    bool same = hash && content.known ? !memcmp(content.hash, hash, CHAIN_SIZE) : same_event(&event, draft, !hash);
    if (!same)
        return reason_set(
            &s->why, -EEXIST, "id %.*s is that of another event, %.*s", SHOWN(draft->id), SHOWN(event.type));
    *position = row.position;
    if (s->wants_receipts)
        add_receipt(&s->receipts, event.id, event.target, event.version, row.position);
    return 0;
}

// ---- existence and guards

static int judge_existence(
    const struct name_type *type, struct slice target, const struct state *state, struct reason *why)
{
    bool first_only = type->verb == NAME_CREATED;
    if (first_only && state && state->alive)
        return reason_set(why, -EEXIST, "%.*s exists already", SHOWN(target));
    if (first_only)
        return 0;
    if (!state && type->verb != NAME_OTHER)
        return reason_set(why, -ENOENT, "%.*s does not exist: nothing to change", SHOWN(target));
    if (state && !state->alive)
        return reason_set(why, -ENOENT, "%.*s was deleted: only Created or a rollback brings it back", SHOWN(target));
    return 0;
}

static int judge_version(const struct draft *draft, const struct head *head, struct reason *why)
{
    if (draft->version && draft->version != head->version + 1)
        return reason_set(why, -ESTALE, "version %u was expected, but the next one of %.*s is %u", draft->version,
            SHOWN(draft->target), head->version + 1);
    if (draft->guards_length && draft->previous_length != head->version)
        return reason_set(why, -ESTALE, "previous_length %u was expected, but %.*s has %u events",
            draft->previous_length, SHOWN(draft->target), head->version);
    return 0;
}

// A change of a living entity is recorded with what was before; everything else as it was written.
static int record_data(const struct name_type *type, const struct state *state, struct slice written, struct bytes *out,
    struct slice *data, struct reason *why)
{
    *data = written;
    if (!state || type->style == NAME_SNAKE || type->verb == NAME_CREATED || type->verb == NAME_DELETED)
        return 0;
    bytes_clear(out);
    int error = state_record_change(state, written, out, why);
    *data = bytes_slice(out);
    return error;
}

// ---- one event

// Adds an event, between what reacts to it.
static int accept(
    struct transaction *tx, struct submission *s, struct entity *e, struct event *event, uint64_t *position)
{
    BYTES_AUTO data = {0};
    int error = s->own ? 0 : accept_before(tx, e, event, &data, &s->why);
    if (!error)
        error = judge_spec_accept(tx, s, e, event, position);
    return error ? error : accept_after(tx, e, event, *position);
}

static int judge_draft(struct transaction *tx, struct submission *s, struct draft *draft, int *fatal)
{
    unsigned char hash[CHAIN_SIZE];
    uint64_t position;
    if (draft->id.size) {
        int error = content_hash(tx, draft, hash);
        if (!error)
            error = judge_id(tx, s, draft, hash, &position);
        if (error != -ENOENT)
            return error;
        *fatal = identity_claim(tx, draft->id);
        if (*fatal)
            return 0;
    }
    struct entity *e;
    struct state *state;
    BYTES_AUTO recorded = {0};
    struct event event = {.id = draft->id,
        .type = draft->type.text,
        .target = draft->target,
        .actor = draft->actor,
        .data = draft->data,
        .metadata = draft->metadata};
    int error = judge_spec_event(tx, s, &event);
    draft->type = name_stored_type(event.type);
    if (!error)
        error = transaction_entity(tx, draft->target, &e);
    if (!error)
        error = transaction_state(tx, e, &state);
    if (!error)
        error = judge_existence(&draft->type, draft->target, state, &s->why);
    if (!error)
        error = judge_version(draft, &e->next, &s->why);
    if (!error)
        error = judge_spec_verb(tx, s, &draft->type, state, draft->target, &event.data);
    if (!error)
        error = record_data(&draft->type, state, event.data, &recorded, &event.data, &s->why);
    if (!error)
        error = accept(tx, s, e, &event, &position);
    if (error)
        return error;
    if (draft->id.size)
        *fatal = identity_give(tx, draft->id, position, hash);
    if (s->wants_receipts)
        add_receipt(&s->receipts, event.id, event.target, event.version, position);
    return 0;
}

// ---- one imported event

// An event without an id: has the log the same one already? 0 with its receipt, -ENOENT when not, or -errno.
static int judge_rerun(struct transaction *tx, struct submission *s, const struct draft *draft, uint64_t *position)
{
    struct event_row row;
    struct event event = {0};
    BYTES_AUTO actor = {0};
    int error = rerun_find(s->rerun, tx, draft, position);
    if (error || !s->wants_receipts)
        return error;
    error = transaction_event(tx, *position, &row);
    if (!error)
        error = envelope_read(row.line, &event, &actor);
    if (!error)
        add_receipt(&s->receipts, event.id, event.target, event.version, *position);
    return error;
}

static int judge_order(const struct transaction *tx, const struct draft *draft, struct reason *why)
{
    char own[WHEN_TEXT_MAX], last[WHEN_TEXT_MAX];
    if (!tx->end.position || draft->at_us >= tx->end.at_us)
        return 0;
    return reason_set(why, -EINVAL,
        "timestamp %.*s goes back behind %.*s, the last event's: import takes events in the order of their time",
        (int)when_print(own, draft->at_us), own, (int)when_print(last, tx->end.at_us), last);
}

static int judge_import(struct transaction *tx, struct submission *s, struct draft *draft, int *fatal)
{
    uint64_t position;
    rerun_go_to(s->rerun, tx, draft->at_us);
    int error = draft->id.size ? judge_id(tx, s, draft, NULL, &position) : judge_rerun(tx, s, draft, &position);
    if (error != -ENOENT)
        return error ? error : rerun_pass(s->rerun, position);
    error = judge_order(tx, draft, &s->why);
    if (error)
        return error;
    struct entity *e;
    struct event event = {.id = draft->id,
        .type = draft->type.text,
        .actor = draft->actor,
        .data = draft->data,
        .metadata = draft->metadata};
    error = transaction_entity(tx, draft->target, &e);
    struct state *state;
    if (!error)
        error = transaction_state(tx, e, &state);
    if (!error && draft->version && draft->version != e->next.version + 1)
        error = reason_set(&s->why, -EINVAL,
            "version is %u, but the next one of %.*s is %u: an event before this one is missing, or was left out",
            draft->version, SHOWN(draft->target), e->next.version + 1);
    tx->at_us = draft->at_us;
    if (!error && draft->id.size)
        *fatal = identity_claim(tx, draft->id);
    if (*fatal)
        return 0;
    if (!error)
        error = judge_spec_accept(tx, s, e, &event, &position);
    if (error)
        return error;
    if (draft->id.size)
        *fatal = identity_import(tx, draft->id, position);
    if (s->wants_receipts)
        add_receipt(&s->receipts, event.id, event.target, event.version, position);
    return rerun_pass(s->rerun, position);
}

// Reads on in the index of ids, and keeps what to go back to.
static int begin_import(struct transaction *tx, struct submission *s)
{
    int error = identity_sift(tx, s->draft_count);
    return error ? error : rerun_save(s->rerun, &s->before);
}

int judge_nested(struct transaction *tx, struct submission *s, struct draft *draft)
{
    int fatal = 0;
    draft->type = name_stored_type(transaction_spelling(tx, draft->type.text));
    int error = judge_draft(tx, s, draft, &fatal);
    return fatal ? fatal : error;
}

static int judge_events(struct transaction *tx, struct submission *s, int *fatal)
{
    // A refusal of what comes behind them counts only if nothing before it is wrong.
    int error = s->error;
    struct reason why = s->why;
    s->why.text[0] = '\0';
    int begun = s->rerun ? begin_import(tx, s) : 0;
    if (begun)
        return begun;
    for (unsigned i = 0; i < s->draft_count; i++) {
        struct draft *draft = &s->drafts[i];
        draft->type = name_stored_type(transaction_spelling(tx, draft->type.text));
        int wrong = s->rerun ? judge_import(tx, s, draft, fatal) : judge_draft(tx, s, draft, fatal);
        if (wrong) {
            s->line = s->drafts[i].line;
            s->input = s->inputs[i];
            return wrong;
        }
        if (*fatal)
            return 0;
    }
    s->why = why;
    return error;
}

// ---- whole states

// Adds the event that leads from `state` (NULL: none) to the object `wanted`; none when nothing differs.
static int add_difference(struct transaction *tx, struct submission *s, struct entity *e, const struct state *state,
    struct slice wanted, struct slice metadata)
{
    char type[NAME_TYPE_MAX];
    BYTES_AUTO data = {0};
    bool creates = !state || !state->alive;
    struct slice noun = state ? state->noun : name_entity_noun(s->entity);
    struct event event = {.actor = s->actor, .metadata = metadata};
    unsigned changes = 1;
    int error = accept_type(tx, noun, creates ? "Created" : "Updated", type, &event.type);
    event.target = s->entity;
    event.data = SLICE("{}");
    if (!error)
        error = judge_spec_event(tx, s, &event);
    if (!error && creates)
        state_without_meta(wanted, &data);
    else if (!error)
        error = state_difference(state, wanted, &data, &changes);
    s->version = e->next.version;
    if (error || !changes)
        return error;
    if (data.failed)
        return -ENOMEM;
    event.data = bytes_slice(&data);
    uint64_t position;
    error = accept(tx, s, e, &event, &position);
    s->version = e->next.version;
    return error;
}

static int judge_document(struct transaction *tx, struct submission *s)
{
    struct entity *e;
    struct state *state;
    BYTES_AUTO document = {0};
    int error = transaction_entity(tx, s->entity, &e);
    if (!error)
        error = transaction_state(tx, e, &state);
    if (error)
        return error;
    if (e->next.version != s->base_version)
        return reason_set(&s->why, -ESTALE, "%.*s has version %u now, not %u as when the document was opened",
            SHOWN(s->entity), e->next.version, s->base_version);
    // People lay documents out; a line of the log holds no white space.
    json_minify(&document, s->document);
    return document.failed ? -ENOMEM : add_difference(tx, s, e, state, bytes_slice(&document), (struct slice){0});
}

// What `rollbackTo` says: the moment, the version or the id.
static void print_rollback(const struct submission *s, int64_t at_us, struct bytes *out)
{
    char moment[WHEN_TEXT_MAX];
    struct slice text = s->when_text;
    if (s->when.kind == WHEN_MOMENT || s->when.kind == WHEN_AGO)
        text = (struct slice){.at = moment, .size = when_print(moment, at_us)};
    bytes_add_text(out, "{\"rollbackTo\":");
    json_quote(out, text);
    bytes_add_char(out, '}');
}

static int judge_rollback(struct transaction *tx, struct submission *s)
{
    struct entity *e;
    struct state *state;
    STATE_AUTO then = NULL;
    BYTES_AUTO metadata = {0};
    uint32_t version;
    bool forever;
    int error = transaction_entity(tx, s->entity, &e);
    if (!error)
        error = transaction_state(tx, e, &state);
    if (error)
        return error;
    if (!state)
        return reason_set(&s->why, -ENOENT, "%.*s has no event", SHOWN(s->entity));
    if (s->when.kind == WHEN_AGO) {
        s->when.at_us = when_now_us() - s->when.ago_us;
        s->when.kind = WHEN_MOMENT;
    }
    error = history_resolve(&tx->reader, e->head.id, &s->when, &version, &forever);
    if (!error)
        error = history_state(&tx->reader, e->head.id, version, &then);
    if (!error && !then->alive)
        error = -ENOENT;
    if (error == -ENOENT)
        return reason_set(&s->why, -ENOENT, "%.*s had no state at %.*s", SHOWN(s->entity), SHOWN(s->when_text));
    if (error)
        return error;
    print_rollback(s, s->when.at_us, &metadata);
    return metadata.failed ? -ENOMEM : add_difference(tx, s, e, state, then->fields, bytes_slice(&metadata));
}

static int write_events(struct transaction *tx, const struct submission *s)
{
    uint64_t before = tx->start.end.position;
    int error = transaction_write(tx);
    if (error || !s->rerun || tx->end.position == before)
        return error;
    return engine_put_brought(tx->reader.engine, before + 1, tx->end.position);
}

int judge_submission(struct transaction *tx, struct submission *s)
{
    int fatal = 0;
    transaction_submission(tx);
    switch (s->kind) {
    case SUBMIT_EVENTS:
        s->error = judge_events(tx, s, &fatal);
        break;
    case SUBMIT_DOCUMENT:
        s->error = judge_document(tx, s);
        break;
    case SUBMIT_SPEC:
        s->error = judge_spec_text(tx, s);
        break;
    case SUBMIT_ROLLBACK:
        s->error = judge_rollback(tx, s);
        break;
    case SUBMIT_HOOK:
        s->error = hook_judge(tx, s->hook, &s->why, &fatal);
        break;
    case SUBMIT_ROWS:
        return s->write(s, tx->reader.engine);
    case SUBMIT_TICK:
        fatal = tx->tenant->reactor->tick(tx->tenant->reaction, tx);
        break;
    case SUBMIT_REFUSAL:
        return 0;
    }
    if (fatal)
        return fatal;
    if (!engine_in_transaction(tx->reader.engine))
        return s->error ? s->error : -EIO;
    if (!s->error)
        return write_events(tx, s);
    if (s->rerun)
        rerun_restore(s->rerun, &s->before);
    transaction_undo(tx);
    return 0;
}
