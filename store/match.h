// Does a state match a filter of find/?
//
// A path is followed from the state's members, as they are shown: `$id`, `$version` and so on, then the fields.
//   an object   its member
//   an array    each of its elements, here and at the end of the path: the condition holds if it does for one of them
//   a text that is the id of an entity    that entity's state at the same position: owner.name; MATCH_CROSSINGS at most
//   anything else                         nothing is there
// What is there is compared by what it is:
//   a number    with a number, by exact decimal value
//   a text      = and ~ with the text; the others with a moment if the filter has one, and the text is one; with a
//               text, byte by byte, if the filter has no number. A moment is = in any spelling
//   true, false, null    = with that word
// `!=` is what `=` is not, so it holds for what is missing; nothing else does.
//
// Belongs to one thread, and to the reader for as long as that lives.
#pragma once

#include "store/filter.h"
#include "store/shown.h"

#define MATCH_CROSSINGS 3

struct match;

// Without a reader (NULL) the id of an entity is a text like any other.
// `position`: as things stood just after it; 0: now. Expressions (~) are read here: -EINVAL with the reason. `stops` is
// asked now and then in what may take long. The filter must outlive it.
int match_open(struct match **match, struct reader *reader, const struct filter *filter, uint64_t position,
    bool (*stops)(void), struct reason *why);
void match_close(struct match *match);
// 1 or 0; -EINTR when `stops` said so, or -errno.
int match_holds(struct match *match, const struct shown_state *shown);
// Might an entity of this name match? What its type alone excludes is not looked at.
bool match_may_hold(const struct match *match, struct slice name);
