// What a tenant declares in spec.json, checked and ready to be asked: nouns with fields and verbs (noun.h), types of
// aggregates with their events (aggregate.h), types of actors and targets.
//
//     {"nouns":{"Contact":{…}},                                          as headless.ly, and
//      "aggregate_types":{"order":{"events":{"was_placed":{…}}}},        as j17, also below an outer {"spec":{…}}
//      "agent_types":["user"],"target_types":["item"],"singletons":["global_clock"]}
//
// A document that declares neither nouns nor aggregates leaves all of them free; so does a tenant without one.
//
// A spec never changes; it is shared by counting its holders, across threads.
#pragma once

#include "store/aggregate.h"
#include "store/noun.h"

#include <stdatomic.h>

// The text of a tenant that has declared nothing.
#define SPEC_NOTHING SLICE("{}\n")
#define SPEC_EMPTY   "the document is empty: {} declares nothing"

struct names_declared {
    const struct slice *all;
    uint32_t count;
    bool declared; // else every name is good
};

struct spec {
    atomic_uint holders;
    struct arena arena;
    struct slice text; // as it was written

    const struct noun *nouns; // sorted by their folded names
    uint32_t noun_count;
    const struct aggregate *aggregates; // likewise
    uint32_t aggregate_count;
    struct schema_reader schemas; // what the schemas of aggregates hold
    bool declares_types;          // else every type of entity is free
    struct names_declared agent_types, target_types, singletons;
};

// Reads a text, which need not be valid. 0, -EINVAL with the reason, which begins with the path (`nouns.Contact.stage:
// …`), or -ENOMEM.
int spec_read(struct slice text, struct spec **spec, struct reason *why);
struct spec *spec_hold(struct spec *spec);
// NULL is no spec.
void spec_drop(struct spec *spec);
static inline void spec_drop_at(struct spec **spec)
{
    spec_drop(*spec);
}
#define SPEC_AUTO __attribute__((cleanup(spec_drop_at))) struct spec *

// ---- asking; all of these take NULL for a tenant that declares nothing

// The noun of an entity's type, letter case aside; NULL when it is not declared.
const struct noun *spec_noun(const struct spec *spec, struct slice type);

// The tick of an event of an entity; NULL when nothing is said of it.
const struct tick *spec_tick(const struct spec *spec, struct slice type, struct slice entity);

// The declared spelling of a stored type (Feature.Rolledout: Feature.RolledOut), in `out`; the type itself when nothing
// is declared of it.
struct slice spec_spelling(const struct spec *spec, struct slice type, char out[static NAME_TYPE_MAX]);

// May an event of this type, of this actor, with this data, happen to this entity? What depends on the state,
// spec_check_state judges. 0, -EINVAL with the reason, or -ENOMEM.
int spec_check_event(const struct spec *spec, const struct event *event, struct reason *why);
// The field that a verb of a noun sets by itself (noun.h). `fields`: those of the entity's state, or .at NULL. False
// when it sets none.
bool spec_verb_sets(const struct spec *spec, const struct name_type *type, struct slice entity, struct slice fields,
    struct slice *field, struct slice *value);
// May the entity have these fields, an object? 0, -EINVAL with the reason, or -ENOMEM.
int spec_check_state(const struct spec *spec, struct slice entity, struct slice fields, struct reason *why);

// ---- the event of an accepted spec: Spec.Updated on spec_TENANT, with the text as the member "spec.json" of its data

// The data of the event; of a change if the entity has a state already. 0, -EMSGSIZE with the reason when it is too
// large for an event, or -ENOMEM.
int spec_record(struct slice text, bool changes, struct bytes *data, struct reason *why);
// Does this event, of any spec_…, declare a spec? The text as it was written is appended.
bool spec_recorded(const struct event *event, struct bytes *text);
// `spec_TENANT`. Returns the size.
size_t spec_entity(struct slice tenant, char out[static NAME_ENTITY_MAX]);
