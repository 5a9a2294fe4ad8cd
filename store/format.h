// The forms of texts that a spec can ask for.
#pragma once

#include "store/bytes.h"

enum format {
    FORMAT_NONE,
    FORMAT_DATE_TIME, // RFC 3339: 2026-01-16T09:30:00Z, with a zone, any number of decimals
    FORMAT_DATE,      // RFC 3339: 2026-01-16
    FORMAT_EMAIL,     // a mailbox of RFC 5321
    FORMAT_URI,       // RFC 3986, with its scheme
    FORMAT_UUID,      // RFC 9562, any version, any case
};

// By its name in JSON Schema; FORMAT_NONE when it is not known.
enum format format_of(struct slice name);
const char *format_name(enum format format);
// Has the plain text this form?
bool format_holds(enum format format, struct slice text);
