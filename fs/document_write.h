// A whole document on its way to the writer: what state.json or spec.json gets when it is closed, or a scratch file
// renamed onto it.
#pragma once

#include "fs/visit.h"

#define EMPTY_DOCUMENT "the document is empty: to delete, append a Deleted event"

// Makes the submission of a document; visit->node is what it is saved as. The difference of a state.json to the state
// becomes one event, a spec.json is in force from then on, if nothing has changed since `base` (document_now). What is
// not an object becomes a refusal, so the submission goes to the writer in any case; answer and context are the
// caller's to set. NULL when there is no memory. The text is copied.
struct submission *document_submission(fuse_req_t req, struct visit *visit, uint64_t base, struct slice text);
