// The number of an inode says what it stands for, so nothing must be remembered: it is the same after a restart, and
// the kernel may forget it at any time.
//
//      63 62   57 56          41 40                                          0
//     ┌──┬───────┬──────────────┬─────────────────────────────────────────────┐
//     │ 0│ kind  │    tenant    │                   number                    │
//     └──┴───────┴──────────────┴─────────────────────────────────────────────┘
//     number: an entity, a position (of an event, or of the last event of an entity at a past moment), or a scratch
//     file; of `append`: an entity, and above its 32 bits a counter (node_fresh); its inode number for people has none
#pragma once

#include <stdint.h>

#define NODE_ROOT_ID       UINT64_C(1)
#define NODE_TENANT_MAX    0xffffu
#define NODE_ENTITY_MAX    UINT32_MAX
#define NODE_KIND_SHIFT    57
#define NODE_NUMBER_BITS   41
#define NODE_FRESH_NUMBERS 512u

enum node_kind {
    NODE_NONE,
    NODE_ROOT,
    NODE_TENANT,
    NODE_TENANT_APPEND,
    NODE_TENANT_STREAM,
    NODE_TENANT_FOLLOW,
    NODE_REJECTED,
    NODE_ENTITY, // from here on number is an entity
    NODE_APPEND,
    NODE_ROLLBACK,
    NODE_STATE,
    NODE_STREAM,
    NODE_FOLLOW,
    NODE_EVENTS,
    NODE_ASOF,
    NODE_EVENT, // from here on a position
    NODE_PAST,
    NODE_PAST_STATE,
    NODE_PAST_EVENTS,
    NODE_SCRATCH, // a scratch file
    NODE_KINDS,
};

struct node {
    enum node_kind kind;
    uint32_t tenant;
    uint64_t number;
};

static inline uint64_t node_id(enum node_kind kind, uint32_t tenant, uint64_t number)
{
    return kind == NODE_ROOT ? NODE_ROOT_ID
                             : (uint64_t)kind << NODE_KIND_SHIFT | (uint64_t)tenant << NODE_NUMBER_BITS | number;
}

static inline struct node node_of(uint64_t id)
{
    if (id == NODE_ROOT_ID)
        return (struct node){.kind = NODE_ROOT};
    struct node node = {
        .kind = (enum node_kind)(id >> NODE_KIND_SHIFT),
        .tenant = (uint32_t)(id >> NODE_NUMBER_BITS & NODE_TENANT_MAX),
        .number = id & ((UINT64_C(1) << NODE_NUMBER_BITS) - 1),
    };
    if (node.kind == NODE_APPEND || node.kind == NODE_TENANT_APPEND)
        node.number &= NODE_ENTITY_MAX;
    return node;
}

// The kernel lets one O_APPEND writer at a time into an inode: a fresh number for each open lets all of them in.
static inline uint64_t node_fresh(enum node_kind kind, uint32_t tenant, uint64_t entity, uint32_t count)
{
    return node_id(kind, tenant, entity | (uint64_t)(count % NODE_FRESH_NUMBERS) << 32);
}

// What people see as inode number.
static inline uint64_t node_shown(uint64_t id)
{
    struct node node = node_of(id);
    return node_id(node.kind, node.tenant, node.number);
}
