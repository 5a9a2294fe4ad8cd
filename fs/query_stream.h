// The open files of a filter's `stream` and `follow`, and what they share with the view (query.h).
#pragma once

#include "fs/file.h"
#include "store/result.h"

// All that matches, in the order of the log. The search's thread.
struct result *query_stream(struct view *view);
// Looks on up to the log's end.
int query_look(struct visit *visit);
