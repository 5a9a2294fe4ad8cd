// A whole document on its way to the writer: what state.json gets when it is closed, or a scratch file renamed onto it.
#pragma once

#include "fs/visit.h"

#define EMPTY_DOCUMENT "the document is empty: to delete, append a Deleted event"

// Makes the submission that leads the visited entity (visit->node is its state.json) to a document: its difference to
// the state becomes one event, if the entity still has the base version. What is not an object becomes a refusal, so
// the submission goes to the writer in any case; answer and context are the caller's to set. NULL when there is no
// memory. The text is copied.
struct submission *document_submission(fuse_req_t req, struct visit *visit, uint32_t base_version, struct slice text);
