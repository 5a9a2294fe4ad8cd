// English verbs, as far as the names of events and handlers need them: `close` is done by `closing` and then is
// `closed`. A table of irregular verbs first, then rules. Letter case aside everywhere; `cancelled` is `canceled`.
#pragma once

#include "store/bytes.h"

#define VERB_MAX 100

// Is the word a gerund (closing, losing, rollingOut), or a past (closed, lost, rolledOut)?
bool verb_is_gerund(struct slice word);
bool verb_is_past(struct slice word);
// Is this the gerund of a verb with that past?
bool verb_gerund_of_past(struct slice gerund, struct slice past);
// Is this the gerund of that verb?
bool verb_gerund_of(struct slice gerund, struct slice infinitive);
// Are these the same past? (Letter case and the double l of `cancelled` aside.)
bool verb_same_past(struct slice a, struct slice b);
// The past of an infinitive as events spell it: `Closed` of close. Returns the size; 0 when it is too long or no word.
size_t verb_past(struct slice infinitive, char out[static VERB_MAX]);
