#include "hooks/lake/dictionary.h"

#include "store/grow.h"

#define SLOTS_FIRST 256u

// Eight bytes at a time: each value of the table comes by here.
static uint64_t hash_of(struct slice value)
{
    uint64_t hash = value.size, eight;
    for (; value.size >= sizeof eight; value.at += sizeof eight, value.size -= sizeof eight) {
        memcpy(&eight, value.at, sizeof eight);
        hash = (hash ^ eight) * UINT64_C(0x9e3779b97f4a7c15);
        hash ^= hash >> 32;
    }
    eight = 0;
    if (value.size)
        memcpy(&eight, value.at, value.size);
    hash = (hash ^ eight) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 32;
}

static struct slice entry_at(const struct dictionary *d, uint32_t entry)
{
    uint32_t begin = entry ? d->ends[entry - 1] : 0;
    return (struct slice){.at = d->plain.at + begin, .size = d->ends[entry] - begin};
}

// The slot that the value has, or would get.
static uint32_t slot_of(const struct dictionary *d, struct slice value)
{
    uint32_t slot = (uint32_t)hash_of(value) & (d->slot_count - 1);
    while (d->slots[slot] && !slice_equal(entry_at(d, d->slots[slot] - 1), value))
        slot = (slot + 1) & (d->slot_count - 1);
    return slot;
}

// At most half of the slots are taken.
static bool make_slots(struct dictionary *d)
{
    if (d->count * 2 < d->slot_count)
        return true;
    uint32_t more = d->slot_count ? d->slot_count * 2 : SLOTS_FIRST;
    uint32_t *slots = calloc(more, sizeof *slots);
    if (!slots)
        return false;
    free(d->slots);
    d->slots = slots;
    d->slot_count = more;
    for (uint32_t i = 0; i < d->count; i++)
        d->slots[slot_of(d, entry_at(d, i))] = i + 1;
    return true;
}

bool dictionary_find(struct dictionary *d, struct slice value, uint32_t *entry)
{
    if (d->count && slice_equal(entry_at(d, d->last), value)) {
        *entry = d->last;
        return true;
    }
    if (!make_slots(d))
        return false;
    uint32_t slot = slot_of(d, value);
    if (!d->slots[slot]) {
        if (d->count == DICTIONARY_ENTRIES_MAX || d->plain.size + value.size > DICTIONARY_BYTES_MAX)
            return false;
        if (!GROW(d->ends, d->count, d->room) || !bytes_reserve(&d->plain, value.size))
            return false;
        bytes_add_slice(&d->plain, value);
        d->ends[d->count++] = (uint32_t)d->plain.size;
        d->slots[slot] = d->count;
    }
    *entry = d->last = d->slots[slot] - 1;
    return true;
}

void dictionary_clear(struct dictionary *d)
{
    bytes_clear(&d->plain);
    if (d->slots)
        memset(d->slots, 0, d->slot_count * sizeof *d->slots);
    d->count = d->last = 0;
}

void dictionary_free(struct dictionary *d)
{
    bytes_free(&d->plain);
    free(d->ends);
    free(d->slots);
    *d = (struct dictionary){0};
}
