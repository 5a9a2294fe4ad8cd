// A file that holds one object of JSON, read as a whole. No state.
#pragma once

#include "store/bytes.h"

// Appends the object, valid JSON. 0 or -errno; -EBADMSG, reported as from a command, for what is none.
int object_read(const char *command, const char *path, struct bytes *text);
