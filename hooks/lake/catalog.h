// Who says which metadata of the table is in force: a catalog. It keeps one pointer, to a metadata document of Iceberg
// (metadata.h), and moves it on from one to the next if nobody else has moved it meanwhile.
//
// What is to be changed is said in the words of Iceberg's REST catalog, as JSON, whichever catalog it is for:
//     requirements  [{"type":"assert-ref-snapshot-id","ref":"main","snapshot-id":17},…]
//     updates       [{"action":"add-snapshot","snapshot":{…}},{"action":"set-snapshot-ref",…},…]
// A REST catalog is sent them as they are; without one, metadata_require and metadata_apply carry them out. Which ones
// there are stands in metadata.h, which also makes them.
//
// One thread at a time uses a catalog. (The store has a catalog too, of its tenants: this one is a lake_catalog.)
#pragma once

#include "hooks/lake/objects.h"

struct lake_catalog;

enum commit_outcome {
    COMMIT_DONE,
    COMMIT_CONFLICT, // not done: a requirement does not hold, or somebody else was first. Load, and look again.
    COMMIT_UNKNOWN,  // it may have been done, or be done still: until a load shows which, nothing that it names may go
    COMMIT_FAILED,   // not done, and trying again at once would not help
};

// The table as it was loaded. {0} before the first; the same struct is given to each call, and keeps its room.
struct lake_table {
    struct bytes metadata;          // valid JSON without duplicate keys, whole numbers exact
    struct bytes metadata_location; // how others call the document; may be empty
    uint64_t number;                // of the document, for catalogs that count
    // Where the table's files lie, by keys below its location, with the rights that the catalog gave. The catalog's
    // own, and the same until the next load: what hangs on it then hangs on the new one.
    struct objects *objects;
};

struct lake_catalog_kind {
    // Asks anew. 0; -ENOENT: the catalog answers, and has no such table; or another -errno with the reason.
    int (*load)(struct lake_catalog *, struct lake_table *table, struct reason *why);
    // Makes the table from `schema`, `partition-spec` and `properties` (JSON, as a create-table request has them), and
    // loads it. COMMIT_CONFLICT: there is one.
    enum commit_outcome (*create)(struct lake_catalog *, struct slice schema, struct slice partition_spec,
        struct slice properties, struct lake_table *table, struct reason *why);
    // Changes the table as it was loaded into `table`, which has what is in force now after COMMIT_DONE, and is as it
    // was otherwise.
    enum commit_outcome (*commit)(struct lake_catalog *, struct slice requirements, struct slice updates,
        struct lake_table *table, struct reason *why);
    void (*close)(struct lake_catalog *);
};

// What each implementation begins with.
struct lake_catalog {
    const struct lake_catalog_kind *kind;
};

static inline int lake_catalog_load(struct lake_catalog *c, struct lake_table *table, struct reason *why)
{
    return c->kind->load(c, table, why);
}

static inline enum commit_outcome lake_catalog_create(struct lake_catalog *c, struct slice schema,
    struct slice partition_spec, struct slice properties, struct lake_table *table, struct reason *why)
{
    return c->kind->create(c, schema, partition_spec, properties, table, why);
}

static inline enum commit_outcome lake_catalog_commit(struct lake_catalog *c, struct slice requirements,
    struct slice updates, struct lake_table *table, struct reason *why)
{
    return c->kind->commit(c, requirements, updates, table, why);
}

static inline void lake_catalog_close(struct lake_catalog *c)
{
    if (c)
        c->kind->close(c);
}

static inline void lake_table_clear(struct lake_table *table)
{
    bytes_free(&table->metadata);
    bytes_free(&table->metadata_location);
    *table = (struct lake_table){0};
}

// No catalog but the files themselves, `metadata/v<N>.metadata.json` and `metadata/version-hint.text`: the first to put
// v<N+1> has moved the table on. Takes the objects, also when it fails.
int lake_catalog_dir_open(struct lake_catalog **catalog, struct objects *objects, struct reason *why);
// Where readers look first for the number of the document in force. It may be behind; whoever removes what only newer
// documents can do without sees to it that it is not.
#define LAKE_HINT "metadata/version-hint.text"
// Is it the key of a document, `metadata/v<N>.metadata.json`?
bool lake_document_number(struct slice key, uint64_t *number);
