// Percent-encoding as RFC 3986 has it: every byte but the unreserved ones (letters, digits, `-._~`) becomes %XX.
#pragma once

#include "store/bytes.h"

// One segment of a path, or a name or a value of a query.
void uri_encode(struct bytes *out, struct slice text);
// A path: slashes stay.
void uri_encode_path(struct bytes *out, struct slice path);
