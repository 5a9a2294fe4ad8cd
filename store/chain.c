#include "store/chain.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>

int chain_open(struct chain *chain)
{
    // Fetched once: to look an algorithm up costs more than to hash a line.
    *chain = (struct chain){.sha256 = EVP_MD_fetch(NULL, "SHA256", NULL), .context = EVP_MD_CTX_new()};
    int error = !chain->context ? -ENOMEM : !chain->sha256 ? -ENOTSUP : 0;
    if (!error && !EVP_DigestInit_ex2(chain->context, chain->sha256, NULL))
        error = -ENOMEM;
    if (error)
        chain_close(chain);
    return error;
}

void chain_close(struct chain *chain)
{
    EVP_MD_CTX_free(chain->context);
    EVP_MD_free(chain->sha256);
    *chain = (struct chain){0};
}

int chain_next(struct chain *chain, unsigned char hash[static CHAIN_SIZE], struct slice line)
{
    unsigned char next[CHAIN_SIZE];
    if (!EVP_DigestInit_ex2(chain->context, NULL, NULL) || !EVP_DigestUpdate(chain->context, hash, CHAIN_SIZE) ||
        !EVP_DigestUpdate(chain->context, line.at, line.size) || !EVP_DigestFinal_ex(chain->context, next, NULL))
        return -EIO;
    memcpy(hash, next, CHAIN_SIZE);
    return 0;
}

void chain_print(char text[static CHAIN_TEXT], const unsigned char hash[static CHAIN_SIZE])
{
    for (size_t i = 0; i < CHAIN_SIZE; i++)
        snprintf(text + 2 * i, 3, "%02x", hash[i]);
}
