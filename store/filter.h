// A FILTER, the name below query/ and find/: conditions `key OP value` joined by `,`, all of which must hold.
//
//     query/  type=Deal.Won|Deal.Lost,actor=agent_a,after=2026-01-15,limit=50,order=desc
//             keys type, entity, actor (alternatives with `|`), after (inclusive), before (exclusive), limit, order
//     find/   type=Contact,stage=Lead,value>=1000,owner.name~^Ali
//             keys type and dotted paths; operators = != < <= > >= ~
//
// A byte may be written as %XX anywhere in a value or a path. `,` `/` `%` and control characters have to be, `|` in
// query/, and in a path also `.` and the operators' characters where they belong to a member's name. A member of the
// state that is itself named type is written %74ype.
//
// Each filter has one normal form, its text:
//   query/  conditions in the order of the keys above, those of one key by their bytes, each once; alternatives
//           likewise. Of several after the latest, of several before the earliest, of several limits the least.
//           `order=asc`, which is the default, only where nothing else stands. Types: first letters raised, the rest
//           lowered (Deal.Closed), with a `_` in the verb all lowered (order.was_placed), `was_placed` for any noun,
//           Cancelled for Canceled. Moments in UTC, a midnight as its date.
//   find/   type first, the others by their bytes, each once. The noun: first letter raised, the rest lowered.
//   both    %XX only where it must be, in upper case.
// What is the same filter otherwise (`Deal.*|Deal.Won` and `Deal.*`) is not looked for.
//
// Plain data without global state; any thread. Everything points into the filter's own memory.
#pragma once

#include "store/arena.h"
#include "store/reason.h"

// The most bytes of a name that the kernel asks for.
#define FILTER_TEXT_MAX 1024
// A choice takes at least eight of them.
#define FILTER_CHOICES_MAX 128

enum filter_grammar { FILTER_QUERY, FILTER_FIND };

// ---- query/

enum filter_key { FILTER_TYPE, FILTER_ENTITY, FILTER_ACTOR };

// One alternative of a condition.
struct filter_value {
    struct slice text;       // an entity's or actor's name, decoded; a type in its normal form
    struct slice noun, verb; // of a type, folded as in name_type_term; empty for `*`
};

// type, entity or actor: one of the alternatives must hold.
struct filter_choice {
    enum filter_key key;
    const struct filter_value *values; // in the order of the normal form
    uint32_t count;
};

// ---- find/

enum filter_operator {
    FILTER_EQUAL,
    FILTER_NOT_EQUAL,
    FILTER_LESS,
    FILTER_LESS_EQUAL,
    FILTER_GREATER,
    FILTER_GREATER_EQUAL,
    FILTER_LIKE, // ~: an expression, which is not looked at here
};

struct filter_field {
    bool is_type;              // the entity's type: `value` is its noun in lower case; = or != alone
    const struct slice *steps; // else the names of members, from the outside, decoded
    uint32_t step_count;
    enum filter_operator op;
    struct slice value; // decoded, never empty
    bool is_number;     // the value is a number as JSON writes it
    bool is_moment;     // the value is a moment: at_us
    int64_t at_us;
};

struct filter {
    enum filter_grammar grammar;
    struct slice text; // the normal form, at most FILTER_TEXT_MAX bytes

    const struct filter_choice *choices; // query/
    uint32_t choice_count;
    int64_t after_us;  // events at or after; INT64_MIN: from the first
    int64_t before_us; // events before; INT64_MAX: to the last
    uint64_t limit;    // UINT64_MAX: none
    bool descending;

    const struct filter_field *fields; // find/
    uint32_t field_count;

    struct arena arena;
};

// 0; -ENOENT with the reason (what is wrong, and at which byte of the text, counted from 1) when it is no filter;
// -ENOMEM. After an error the filter holds nothing (freeing it does no harm). The text is not kept.
int filter_parse(struct filter *filter, enum filter_grammar grammar, struct slice text, struct reason *why);
void filter_free(struct filter *filter);
#define FILTER_AUTO __attribute__((cleanup(filter_free))) struct filter

// Does a value of type= match the type of an event? `term` as name_type_term makes it.
bool filter_type_matches(const struct filter_value *value, struct slice term);
