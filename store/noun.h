// A noun as the spec declares it, in the field syntax of headless.ly:
//
//     "nouns":{"Contact":{
//         "name":    "string!",            a value of a type: string number boolean datetime date json url email id
//         "score":   "number?#",           ! required, ? may be left out, # indexed, ## unique (both only said)
//         "tags":    "string[]",           an array of them
//         "stage":   "Lead | Qualified",   one of these texts
//         "owner":   "-> Contact",         the id of a Contact; `-> Company.contacts` names the other side
//         "deals":   "<- Deal.contact[]",  the other side of Deal.contact
//         "qualify": "Qualified",          a verb and the event that it makes
//         "update":  null}}                create, update or delete switched off
//
// Everything points into the arena it was read with; nothing changes afterwards, so any thread may ask.
#pragma once

#include "store/arena.h"
#include "store/name.h"
#include "store/where.h"

// The most that a field can have to choose from.
#define NOUN_VALUES_MAX 1000u

enum noun_kind {
    NOUN_STRING,
    NOUN_NUMBER,
    NOUN_BOOLEAN,
    NOUN_DATETIME,
    NOUN_DATE,
    NOUN_JSON,
    NOUN_URL,
    NOUN_EMAIL,
    NOUN_ID,
    NOUN_ENUM,
    NOUN_REFERENCE,
    NOUN_KINDS,
};

struct noun_field {
    struct slice name;
    enum noun_kind kind;
    bool required, list;
    const struct slice *values; // NOUN_ENUM
    uint32_t value_count;
    struct slice target; // NOUN_REFERENCE: the noun that is meant
};

struct noun_verb {
    struct slice action; // qualify
    struct slice event;  // Qualified
};

struct noun {
    struct slice name;               // Contact
    struct slice folded;             // contact
    const struct noun_field *fields; // as written, one after the other
    uint32_t field_count;
    const struct noun_verb *verbs; // likewise, without those of every noun
    uint32_t verb_count;
    bool no_create, no_update, no_delete;
};

// Reads the declaration of a noun. `name` and `value` are valid JSON without duplicate keys. 0, -EINVAL with the
// reason, which begins with the path, or -ENOMEM.
int noun_read(struct noun *noun, struct slice name, struct slice value, const struct where *at, struct arena *arena,
    struct reason *why);

// The declared verb whose event this is, letter case and Canceled or Cancelled aside; NULL when there is none. Those of
// every noun (Created, Updated, Deleted) are none.
const struct noun_verb *noun_find_event(const struct noun *noun, struct slice verb);
// The declared verb of an action (qualify), letter case aside; NULL when there is none.
const struct noun_verb *noun_find_action(const struct noun *noun, struct slice action);
// Is this a verb that an event of the noun may have?
bool noun_has_event(const struct noun *noun, const struct name_type *type);

// The field that a verb sets by itself, and the text that it sets: the first enum that has the verb's event among its
// values; else the first of stage, status, state that the entity has (`fields`, an object, or .at NULL), else that is
// declared. False when there is none.
bool noun_verb_sets(const struct noun *noun, const struct noun_verb *verb, struct slice fields, struct slice *field,
    struct slice *value);

// Does a state, a valid object, keep to the declared fields? (Others may stand beside them.) 0, -EINVAL with the reason
// (`data.email: …`), or -ENOMEM.
int noun_check(const struct noun *noun, struct slice fields, struct reason *why);
