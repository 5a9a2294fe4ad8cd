// The metadata of the table: a document of JSON by Iceberg v2, which a commit replaces by the next. It is edited as
// text: members that this program does not know stay as they are, and no number passes through a double.
//
// The words of changes (catalog.h) are those of Iceberg's REST catalog. Known here are
//     requirements  assert-create, assert-table-uuid, assert-ref-snapshot-id, assert-current-schema-id,
//                   assert-last-assigned-field-id
//     updates       add-snapshot, set-snapshot-ref (of main), set-properties, remove-properties, add-schema,
//                   set-current-schema, remove-snapshots
//
// `text` below is a document that metadata_check has accepted. No state; any thread.
#pragma once

#include "store/bytes.h"
#include "store/reason.h"

// Names of earlier documents that the table's log of them keeps.
#define METADATA_LOG_MAX 100

// Is it a document of version 2 that this program can go on from? 0, -EIO with the reason, -ENOTSUP for another
// version, or -ENOMEM.
int metadata_check(struct slice text, struct reason *why);

// A new table, without a snapshot.
struct metadata_start {
    const char *uuid;
    struct slice location;
    struct slice schema;         // {"type":"struct","schema-id":0,"fields":[{"id",…},…]}
    struct slice partition_spec; // {"spec-id":0,"fields":[{"source-id","field-id","name","transform"},…]}
    struct slice properties;     // {"name":"text",…}
    int64_t now_ms;
};
int metadata_make(struct bytes *out, const struct metadata_start *start);

// Do the requirements hold? 0, -ESTALE and which does not, -ENOTSUP for one that is not known.
int metadata_require(struct slice text, struct slice requirements, struct reason *why);

// Appends the document that follows on `text`, which is called `name`. 0, -EINVAL for updates that cannot be, -ENOTSUP
// for one that is not known, -ENOMEM.
int metadata_apply(
    struct bytes *out, struct slice text, struct slice name, struct slice updates, int64_t now_ms, struct reason *why);

// ---- reading

// A whole number; false when the member is missing or another value.
bool metadata_number(struct slice object, const char *member, int64_t *number);
// Appends the text of a member; false when it is missing or no text.
bool metadata_text(struct slice object, const char *member, struct bytes *out);
// The id of the current snapshot, or NO_SNAPSHOT (manifest.h).
int64_t metadata_current(struct slice text);
// The snapshot of an id; false when the table has none such.
bool metadata_snapshot(struct slice text, int64_t id, struct slice *snapshot);
// What a snapshot's summary counts, by its name there; 0 when it does not say, or is none (.at NULL).
int64_t metadata_total(struct slice snapshot, const char *name);
// The schema that new files have.
bool metadata_schema(struct slice text, struct slice *schema);
// Appends the value of a property of the table; false when it has none.
bool metadata_property(struct slice text, const char *name, struct bytes *out);
