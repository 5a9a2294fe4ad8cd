// The lake: every event of all tenants in one table of Apache Iceberg, exactly once. One thread of the daemon keeps it;
// nobody waits for that thread, and what it does to the table nobody else does meanwhile.
//
//     writer: committed ─▶ what waits is counted ─▶ flush (flush.h), when it is enough or old enough
//                                                   ▲ `factfs lake flush` (request.h)
//
// What is refused (a table of another store) stops the lake, not the daemon: it is said in the daemon's messages and in
// status.json, and the next start tries again. Anything else is tried again by itself, at longer and longer intervals.
// When the daemon ends, what is under way is broken off at its next step; a lake in a directory gets one last flush if
// little waits.
#pragma once

#include "hooks/lake/options.h"

// Opened with lake_options, which have a place (store/follower.h).
struct follower;
extern const struct follower lake_follower;
