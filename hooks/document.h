// Documents of hooks that are JSON, read as text: no number of them passes through a double. Any thread. Results: 0,
// -EINVAL with the reason, or -ENOMEM.
#pragma once

#include "store/arena.h"
#include "store/reason.h"

// Is the text exactly one object, in UTF-8, with each key once?
int document_check(struct slice text, struct reason *why);

// ---- members of a checked text; what is read is copied into the arena

// A string that is not empty, decoded.
int document_text(struct slice value, const char *member, struct arena *arena, struct slice *text, struct reason *why);
// A length of time: `90s`, `30m`, `1h`, `30d`; of at least one second, and less than a thousand years.
int document_span(struct slice value, const char *member, int64_t *span_us, struct reason *why);
// What is wrong with a member that is not known, named as it is written (with its quotes).
int document_unknown(struct slice key, struct reason *why);
