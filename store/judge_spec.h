// Judging by the spec in force within the writer's transaction: what was declared earlier in the same transaction
// counts.
//
// All functions: 0, or -errno with the reason in the submission; -EIO when the spec in force cannot be read.
#pragma once

#include "store/transaction.h"

// What the spec says of an event before its entity is looked at: may it happen (spec_check_event), and how is its type
// spelled? event->type may point into the submission's arena then.
int judge_spec_event(struct transaction *tx, struct submission *s, struct event *event);
// A declared verb sets the field that its value belongs to, unless the data says something of it: *data then has it and
// lives in the submission's arena. `state` is NULL before the first event.
int judge_spec_verb(struct transaction *tx, struct submission *s, const struct name_type *type,
    const struct state *state, struct slice entity, struct slice *data);
// Adds the event (accept_event) and judges the state that it leads to. One that declares a spec, which only the
// tenant's owner may, puts it in force.
int judge_spec_accept(
    struct transaction *tx, struct submission *s, struct entity *e, struct event *event, uint64_t *position);
// SUBMIT_SPEC: adds the event of the text, none when it is what is in force.
int judge_spec_text(struct transaction *tx, struct submission *s);
