// Filters as MongoDB writes them: {"stage":"Lead","value":{"$gte":1000},"$or":[…]}. Of JSON over JSON: any thread.
//
// A name is a dotted path; on an array any of its elements may match, or the whole. {a:null}, $ne, $nin and $not match
// where the field is missing; $exists:true means present and not null; $gt and the like compare within one type:
// numbers as exact decimals, moments (ISO 8601) by instant, other text by its bytes. Object equality does not look at
// the order of members.
#pragma once

#include "store/bytes.h"
#include "store/reason.h"

struct operators {
    // Does a pattern match a text somewhere? 1, 0, or -errno with the reason. Flags: those of JavaScript, may be empty.
    int (*regex)(void *context, struct slice pattern, struct slice flags, struct slice text, struct reason *why);
    void *context;
};

// Is it a filter? 0, or -EINVAL with the reason.
int operators_check(const struct operators *operators, struct slice filter, struct reason *why);
// Does the object match? 1, 0, or -EINVAL with the reason when the filter is none: an unknown operator, an operand of
// the wrong kind. What `regex` answers is passed on.
int operators_match(const struct operators *operators, struct slice filter, struct slice object, struct reason *why);
