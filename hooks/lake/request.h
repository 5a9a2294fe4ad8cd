// What `factfs lake` asks of the daemon that has the store: a word over a socket below STORE/lake/, which only the
// daemon's user can reach, and one answer to it.
//
//     client: WORD \n          daemon: `0` or `1` (it failed) \n TEXT, and the end
#pragma once

#include "store/bytes.h"
#include "store/reason.h"

#define REQUEST_WORD_MAX 32

// ---- the daemon; its thread. All sockets are answered -1 when there is none.
// The socket that hears requests; what an earlier daemon left is removed. -errno with the reason.
int request_listen(const char *store, struct reason *why);
void request_end(const char *store, int listening);
// The next client and its word; waits a moment for it at most. -1: there is none.
int request_take(int listening, char word[static REQUEST_WORD_MAX]);
// Answers, and closes the client.
void request_answer(int client, bool failed, struct slice text);

// ---- the client
// Asks, and waits for the answer, however long it takes; *failed as the daemon says. -ENOENT: no daemon hears.
int request_send(const char *store, const char *word, struct bytes *answer, bool *failed);
