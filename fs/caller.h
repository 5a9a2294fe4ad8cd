// Who calls.
#pragma once

#include "store/bytes.h"

#include <sys/types.h>

// `user_<login>` of a user. Asked by the thread of the requests alone; the text lives until the next call.
struct slice caller_actor(uid_t uid);
