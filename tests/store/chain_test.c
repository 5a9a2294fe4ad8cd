// The chain of hashes. Expected values: `(printf PREVIOUS | xxd -r -p; printf %s LINE) | sha256sum`.
#include "store/chain.h"
#include "tests/store/check.h"

#define FIRST  "{\"id\":\"evt_a\",\"type\":\"Contact.Created\"}"
#define SECOND "{\"id\":\"evt_b\",\"type\":\"Contact.Qualified\"}"

static struct chain chain;
static unsigned char hash[CHAIN_SIZE];
static char hex[2 * CHAIN_SIZE + 1];

static void start(void)
{
    memset(hash, 0, sizeof hash);
}

static struct slice hash_after(struct slice line)
{
    CHECK_INT(chain_next(&chain, hash, line), 0);
    for (size_t i = 0; i < CHAIN_SIZE; i++)
        snprintf(hex + 2 * i, 3, "%02x", hash[i]);
    return slice_of(hex);
}

static void first_line(void)
{
    start();
    CHECK_TEXT(hash_after(SLICE(FIRST)), "5068ba95b16281e7874b730bd1999e75bee6823befc5b95c7e8195d95dced04c");
}

static void lines_in_a_row(void)
{
    start();
    hash_after(SLICE(FIRST));
    CHECK_TEXT(hash_after(SLICE(SECOND)), "2483dddbdcbea1e70b4d617a1e95eb05a885350824f62d3e900882626b4ecf69");

    static char long_line[1 << 20];
    memset(long_line, 'x', sizeof long_line);
    CHECK_TEXT(hash_after((struct slice){.at = long_line, .size = sizeof long_line}),
        "f778e1aeac532dc23f90cd24c6828dd1f01e050faee58c5f497f8381d44ce25e");
}

static void empty_line(void)
{
    start();
    CHECK_TEXT(hash_after(SLICE("")), "66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925");
}

static void starts_anew(void)
{
    start();
    hash_after(SLICE(SECOND));
    start();
    CHECK_TEXT(hash_after(SLICE(FIRST)), "5068ba95b16281e7874b730bd1999e75bee6823befc5b95c7e8195d95dced04c");
}

static void closed_twice(void)
{
    struct chain other;
    CHECK_INT(chain_open(&other), 0);
    chain_close(&other);
    chain_close(&other);
}

int main(void)
{
    if (chain_open(&chain) != 0)
        return EXIT_FAILURE;
    TEST("the first line is hashed behind 32 zero bytes", first_line);
    TEST("each hash covers the one before it", lines_in_a_row);
    TEST("an empty line moves the hash on", empty_line);
    TEST("nothing is remembered but the hash of the caller", starts_anew);
    TEST("closing a closed chain does nothing", closed_twice);
    chain_close(&chain);
    return check_end("chain");
}
