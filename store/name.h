// The names that users see: tenants, entities, types of events, event files. Allow-lists, one spelling each.
#pragma once

#include "store/bytes.h"
#include "store/reason.h"

#define NAME_ENTITY_MAX     200
#define NAME_TYPE_MAX       200
#define NAME_ACTOR_MAX      200
#define NAME_VERSION_MAX    99999999u
#define NAME_EVENT_FILE_MAX 240
// noun, `.`, verb and the second `l` of cancelled
#define NAME_TERM_MAX (NAME_ENTITY_MAX + NAME_TYPE_MAX + 2)

// ^[a-z0-9][a-z0-9-]{0,62}$
bool name_is_tenant(struct slice name);
// ^[A-Za-z][A-Za-z0-9]*_[A-Za-z0-9][A-Za-z0-9._:-]*$, at most NAME_ENTITY_MAX bytes.
bool name_is_entity(struct slice name);
// `contact` of contact_fX9bL5nRd.
struct slice name_entity_noun(struct slice entity);
// The same in lower case, in `out`, which has room for entity.size.
struct slice name_fold_noun(char *out, struct slice entity);
// An id that a writer may give: `evt_` and 1 to 64 of [A-Za-z0-9_-].
bool name_is_given_id(struct slice id);
// An id that an imported event may bring: 1 to 128 of [A-Za-z0-9._:-].
bool name_is_imported_id(struct slice id);
// Printable UTF-8 text of 1 to NAME_ACTOR_MAX bytes without `/`, control characters excluded (C0, DEL, C1).
bool name_is_actor(struct slice actor);

// A type of events is either `Noun.Verb` (Contact.Qualified) or snake_case (was_placed, shipped).
enum name_style { NAME_PASCAL, NAME_SNAKE };
enum name_verb { NAME_CREATED, NAME_UPDATED, NAME_DELETED, NAME_ROLLED_BACK, NAME_OTHER };
struct name_type {
    enum name_style style;
    enum name_verb verb; // NAME_OTHER for snake_case
    struct slice noun;   // `Contact`; empty for snake_case
    struct slice text;   // the whole, as it is stored
};

// Reads a type as a writer spells it and makes the spelling that is stored, in `out` (NAME_TYPE_MAX bytes; type->text
// points into it):
//   contact.qualified -> Contact.Qualified   (first letters raised; the rest as written)
//   order.was_placed  -> was_placed          (a verb with `_` is snake_case; the noun must still fit)
//   was_placed, shipped stay.
// Noun and verb: a letter, then letters and digits; a snake_case verb: ^[a-z][a-z0-9_]*$ (as part of order.was_placed
// any case is lowered). The noun must be that of the entity, letter case aside. 0, or -EINVAL with the reason (empty,
// too long, characters, noun does not fit: both are named).
int name_read_type(struct slice written, struct slice entity, char out[static NAME_TYPE_MAX], struct name_type *type,
    struct reason *why);
// The same for a stored type, without checks.
struct name_type name_stored_type(struct slice stored);
// `Qualified` of Contact.Qualified.
static inline struct slice name_type_verb(const struct name_type *type)
{
    size_t skipped = type->style == NAME_PASCAL ? type->noun.size + 1 : 0;
    return (struct slice){.at = type->text.at + skipped, .size = type->text.size - skipped};
}
// Lower-cased copy (ASCII), for comparing regardless of case; returns the size. `out` has room for name.size.
size_t name_fold_case(char *out, struct slice name);
// `Contact` for contact: the noun with its first letter raised. Returns the size.
size_t name_raise(char *out, struct slice noun);

// What patterns (type=Deal.*, Deal.closed.js) are compared with: `noun.verb` in lower case, the noun being the entity's
// (was_placed of order_1 is order.was_placed), and a verb on -canceled written -cancelled. Returns the size.
size_t name_type_term(char out[static NAME_TERM_MAX], struct slice stored_type, struct slice entity);
// The verb of a pattern in the same way; `out` has room for verb.size + 1. Returns the size.
size_t name_fold_verb(char *out, struct slice verb);
// A letter, then letters and digits: a noun, and the verb of Noun.Verb.
bool name_is_word(struct slice word);
// ^[a-z][a-z0-9_]*$
bool name_is_snake(struct slice type);

// Who moved whom, of a snake_case type: passive for was_, were_, had_.
enum name_voice { NAME_ACTIVE, NAME_PASSIVE };
enum name_voice name_voice(struct slice type);

// `00000002.Contact.Qualified.json`. Returns the size; no zero is written.
size_t name_event_file(char out[static NAME_EVENT_FILE_MAX], uint32_t version, struct slice type);
// The reverse; one spelling only. 0 or -EINVAL.
int name_read_event_file(struct slice name, uint32_t *version, struct slice *type);
