// Judging a submission within the writer's transaction, in the order of FILES.md A4: is the id known, does the entity
// stand as it must, do version and `before` hold. What is accepted is added; what is refused leaves nothing behind.
//
// What is imported has happened, so it is judged by little: is it known, does it go back in time, has it the version
// that it says.
#pragma once

#include "store/transaction.h"

// Sets the submission's outcome: error, why, line, version, receipts. The result is another matter: -errno when the
// engine could not write, so that the whole transaction must be aborted.
int judge_submission(struct transaction *tx, struct submission *s);

// One more event of the submission that is being judged, wanted by what reacts to another one: judged as any event is.
// `s` holds its arena and its outcome, and is never answered. 0 or -errno with s->why; what was added then must be
// undone (transaction_undo_to).
int judge_nested(struct transaction *tx, struct submission *s, struct draft *draft);
