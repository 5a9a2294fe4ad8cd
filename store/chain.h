// The chain of hashes that proves a log: each event's hash covers the hash before it and the event's line, so that no
// event can be changed, taken out or put in without changing every hash behind it.
//     hash = SHA-256(previous hash || line without its newline); before the first event the hash is CHAIN_SIZE zero
//     bytes
// A chain is used by one thread at a time; it remembers nothing of the hashes, the caller keeps them.
#pragma once

#include "store/bytes.h"

#include <openssl/types.h>

#define CHAIN_SIZE 32
#define CHAIN_TEXT (2 * CHAIN_SIZE + 1) // a hash in hexadecimal, with the zero behind it

struct chain {
    EVP_MD *sha256;
    EVP_MD_CTX *context;
};

// 0, or -ENOMEM, or -ENOTSUP when this OpenSSL has no SHA-256. After an error there is nothing to close.
int chain_open(struct chain *chain);
// Also for one that is all zero.
void chain_close(struct chain *chain);
// Moves `hash` on by one line (without its newline). 0, or -EIO and the hash stays as it was.
int chain_next(struct chain *chain, unsigned char hash[static CHAIN_SIZE], struct slice line);
// Writes a hash as people and tools see it.
void chain_print(char text[static CHAIN_TEXT], const unsigned char hash[static CHAIN_SIZE]);
