// What events hold, as people read it. No state; any thread may call.
#pragma once

#include "store/bytes.h"

// A moment to the second, in the local zone or UTC: 2026-01-16T10:30:00+01:00, a form that asof/ takes too. As written
// when it is no moment.
void show_time(struct bytes *out, struct slice timestamp, bool utc);
// A value of JSON: text without its quotes, unless it would be taken for something else then; the rest without white
// space. What takes more than `most` columns ends in `…`.
void show_value(struct bytes *out, struct bytes *scratch, struct slice value, size_t most);
// The text of a string member, escapes decoded, in `decoded`. "-" when there is none.
struct slice show_member(struct bytes *decoded, struct slice object, const char *name);
