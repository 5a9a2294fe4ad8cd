// The ids that imported events brought, as hashes, with the positions of their events: those that the index on disk
// lacks. The line at the position tells whether it is the id that was looked for.
//
//     fresh ── a sweep starts ──▶ swept ── the sweep has ended ──▶ the index
//
// One thread adds, in the order of positions; others may search under the tenant's lock.
#pragma once

#include "store/bytes.h"

struct id_place {
    uint64_t hash; // identity_hash
    uint64_t position;
};

struct id_list {
    struct id_place *all; // by position
    uint32_t count, room;
    uint32_t *slots; // hash table of index + 1; 0 is free
    uint32_t slot_count;
};

struct ids {
    struct id_list fresh, swept;
};

void ids_free(struct ids *ids);
// 0 or -ENOMEM.
int ids_add(struct ids *ids, uint64_t hash, uint64_t position);
// Forgets what was added beyond a position; nothing of that was swept.
void ids_truncate(struct ids *ids, uint64_t position);
// The largest position below another one where the hash stands; 0 when there is none.
uint64_t ids_find(const struct ids *ids, uint64_t hash, uint64_t below);
// About what they occupy, in bytes.
size_t ids_bytes(const struct ids *ids);

// A sweep takes what is fresh up to a position: *copy is the caller's to free. 0 or -ENOMEM, and nothing has changed.
int ids_sweep(struct ids *ids, uint64_t position, struct id_place **copy, size_t *count);
// By hash, in the order of the index.
void ids_sort(struct id_place *places, size_t count);
// The index has them.
void ids_drop_swept(struct ids *ids);
