#include "store/identity.h"

#include "store/transaction.h"

#include <errno.h>

// So many hashes of the index an import reads with each write and with each event, until it has them all.
#define SIFT_ROWS_MIN       1024u
#define SIFT_ROWS_PER_EVENT 16u

uint64_t identity_hash(struct slice id)
{
    // Kept on disk: it must not change.
    uint64_t hash = slice_hash(id);
    hash = (hash ^ hash >> 33) * 0xff51afd7ed558ccdu;
    hash = (hash ^ hash >> 33) * 0xc4ceb9fe1a85ec53u;
    return hash ^ hash >> 33;
}

uint64_t identity_own(const struct sqids *sqids, uint32_t tenant, struct slice id)
{
    uint64_t numbers[SQID_NUMBERS_MAX];
    if (id.size <= 4 || memcmp(id.at, "evt_", 4))
        return 0;
    struct slice sqid = {.at = id.at + 4, .size = id.size - 4};
    bool own = sqid_decode(sqids, sqid, numbers) >= 2 && numbers[0] == tenant;
    return own ? numbers[1] : 0;
}

bool identity_is(struct slice line, struct slice id)
{
    static const char before[] = "{\"id\":\"";
    size_t at = sizeof before - 1;
    return line.size > at + id.size && !memcmp(line.at + at, id.at, id.size) && line.at[at + id.size] == '"';
}

int identity_imported(struct reader *reader, uint64_t hash, uint64_t below, uint64_t *position)
{
    // Memory before disk: what a sweep takes from the one is in the other before.
    struct tenant *t = reader->tenant;
    pthread_mutex_lock(&t->lock);
    *position = ids_find(&t->ids, hash, below);
    pthread_mutex_unlock(&t->lock);
    return *position ? 0 : engine_imported(reader->engine, hash, below, position);
}

// ---- the writer's thread

int identities_open(struct identities *known, struct engine *engine)
{
    int error = engine_last_claimed(engine, &known->last_claimed);
    return error ? error : engine_any_given(engine, &known->has_given);
}

void identities_close(struct identities *known)
{
    bloom_free(&known->imported);
    known->sifted = false;
}

static void sift_list(struct identities *known, const struct id_list *list)
{
    for (uint32_t i = 0; i < list->count; i++)
        bloom_add(&known->imported, list->all[i].hash);
}

int identity_sift(struct transaction *tx, size_t events)
{
    struct identities *known = &tx->identities;
    struct engine *engine = tx->reader.engine;
    if (known->sifted)
        return 0;
    if (!known->imported.words) {
        if (bloom_make(&known->imported))
            return 0;
        known->sift_from = INT64_MIN;
        sift_list(known, &tx->tenant->ids.fresh);
        sift_list(known, &tx->tenant->ids.swept);
    }
    int error = engine_imported_start(engine, known->sift_from), found = 0;
    for (size_t rows = SIFT_ROWS_MIN + events * SIFT_ROWS_PER_EVENT; !error && rows; rows--) {
        int64_t hash;
        found = engine_imported_next(engine, &hash);
        if (found != 1)
            break;
        bloom_add(&known->imported, (uint64_t)hash);
        known->sift_from = hash;
    }
    engine_imported_end(engine);
    known->sifted = !error && found == 0;
    return error ? error : found < 0 ? found : 0;
}

static int imported_event(struct transaction *tx, struct slice id, struct event_row *row)
{
    uint64_t hash = identity_hash(id), position = UINT64_MAX;
    if (tx->identities.sifted && !bloom_may_have(&tx->identities.imported, hash))
        return -ENOENT;
    int error;
    while (!(error = identity_imported(&tx->reader, hash, position, &position))) {
        error = transaction_event(tx, position, row);
        if (error || identity_is(row->line, id))
            break;
    }
    return error;
}

int identity_event(struct transaction *tx, struct slice id, struct event_row *row, struct identity_content *content)
{
    uint64_t position, own = identity_own(tx->tenant->sqids, tx->tenant->number, id);
    struct slice kept;
    content->known = false;
    int error = tx->identities.has_given ? engine_given(tx->reader.engine, id, &position, &kept) : -ENOENT;
    if (!error) {
        content->known = kept.size == CHAIN_SIZE;
        if (content->known)
            memcpy(content->hash, kept.at, CHAIN_SIZE);
        return transaction_event(tx, position, row);
    }
    if (error == -ENOENT && own && own <= tx->end.position) {
        error = transaction_event(tx, own, row);
        if (!error && !identity_is(row->line, id))
            error = -ENOENT;
    }
    return error == -ENOENT ? imported_event(tx, id, row) : error;
}

// Of what claims a position some is a refused event, or an id with a third number itself.
int identity_make(struct transaction *tx, uint64_t position, char out[static IDENTITY_TEXT_MAX], struct slice *id)
{
    uint64_t numbers[3] = {tx->tenant->number, position, 0};
    struct event_row row;
    struct identity_content content;
    bool claimed = false;
    if (position <= tx->identities.last_claimed) {
        int error = engine_claimed(tx->reader.engine, position);
        if (error && error != -ENOENT)
            return error;
        claimed = !error;
    }
    memcpy(out, "evt_", 4);
    for (unsigned count = 2;; count = 3, numbers[2]++) {
        *id = (struct slice){.at = out, .size = 4 + sqid_encode(tx->tenant->sqids, numbers, count, out + 4)};
        int error = claimed ? identity_event(tx, *id, &row, &content) : -ENOENT;
        if (error)
            return error == -ENOENT ? 0 : error;
    }
}

int identity_claim(struct transaction *tx, struct slice id)
{
    uint64_t own = identity_own(tx->tenant->sqids, tx->tenant->number, id);
    if (own <= tx->end.position || own > INT64_MAX)
        return 0;
    if (own > tx->identities.last_claimed)
        tx->identities.last_claimed = own;
    return engine_put_claimed(tx->reader.engine, own);
}

int identity_give(struct transaction *tx, struct slice id, uint64_t position, const unsigned char *hash)
{
    struct slice content = {.at = (const char *)hash, .size = CHAIN_SIZE};
    int error = engine_put_given(tx->reader.engine, id, position, content);
    if (error)
        return error;
    tx->identities.has_given = true;
    tx->additions[position - tx->published.position - 1].given = id;
    return 0;
}

int identity_import(struct transaction *tx, struct slice id, uint64_t position)
{
    struct tenant *t = tx->tenant;
    uint64_t hash = identity_hash(id);
    // What the store itself would call it is found without an index.
    if (identity_own(t->sqids, t->number, id) == position)
        return 0;
    if (tx->identities.imported.words)
        bloom_add(&tx->identities.imported, hash);
    pthread_mutex_lock(&t->lock);
    int error = ids_add(&t->ids, hash, position);
    pthread_mutex_unlock(&t->lock);
    return error;
}
