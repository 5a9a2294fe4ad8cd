// The number of an inode says what it stands for, so nothing must be remembered: it is the same after a restart, and
// the kernel may forget it at any time.
//
//      63 62   57 56          41 40                                          0
//     ┌──┬───────┬──────────────┬─────────────────────────────────────────────┐
//     │ 0│ kind  │    tenant    │                   number                    │
//     └──┴───────┴──────────────┴─────────────────────────────────────────────┘
//     number: an entity, a position (of an event, or of the last event of an entity at a past moment), a scratch
//     file, or a hook; of a tenant's `append` and `import` a counter, of an entity's `append` the entity, and above
//     its 32 bits a short one (node_fresh); their inode numbers for people have none
//
// What a name below query/, find/ or the tenant's asof/ stands for does not fit into a number. It has a slot in the
// table of views (view.h) as long as the kernel knows it, and all inodes of the view have that slot:
//
//      63 62   57 56            32 31                                        0
//     ┌──┬───────┬────────────────┬───────────────────────────────────────────┐
//     │ 0│ kind  │      slot      │       number: an entity, or 0             │
//     └──┴───────┴────────────────┴───────────────────────────────────────────┘
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define NODE_ROOT_ID       UINT64_C(1)
#define NODE_TENANT_MAX    0xffffu
#define NODE_ENTITY_MAX    UINT32_MAX
#define NODE_KIND_SHIFT    57
#define NODE_NUMBER_BITS   41
#define NODE_FRESH_NUMBERS 512u
#define NODE_SLOT_BITS     25

enum node_kind {
    NODE_NONE,
    NODE_ROOT,
    NODE_TENANT,
    NODE_TENANT_APPEND,
    NODE_TENANT_IMPORT,
    NODE_TENANT_STREAM,
    NODE_TENANT_FOLLOW,
    NODE_REJECTED,
    NODE_SPEC,
    NODE_STATUS, // number: a counter, fresh for each lookup
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
    NODE_HOOKS,
    NODE_HOOK_FOLDER,    // a folder of hooks, numbered above the entities (hook.h)
    NODE_HOOK,           // a hook, by its number (store/hook.h)
    NODE_HOOK_LOG,       // what it said
    NODE_HOOK_DIRECTORY, // what stands beside it, by the same number (hook_directory.h),
    NODE_HOOK_FILE,      // … and the files in there, one kind for each
    NODE_HOOK_FILE_LAST = NODE_HOOK_FILE + 7,
    NODE_TENANT_ASOF,
    NODE_TENANT_FIND,
    NODE_LOG,
    NODE_DAY, // number: the day (store/day.h)
    NODE_TENANT_QUERY,
    NODE_MOMENT,        // from here on the inodes of a view: the tenant at a past moment,
    NODE_MOMENT_ENTITY, // … an entity then; the number says which, as in the next
    NODE_MOMENT_EVENTS,
    NODE_MOMENT_FIND,
    NODE_FOUND,       // what a filter finds,
    NODE_FOUND_ALIAS, // … the filter in another spelling, a link to it
    NODE_FOUND_LINK,  // … one of the entities
    NODE_FOUND_STATES,
    NODE_QUERY,        // the events that match a filter,
    NODE_QUERY_ALIAS,  // … the filter in another spelling, a link to it
    NODE_QUERY_EVENTS, // … as they stood; the number is the low half of the position of the last one, as in the next
    NODE_QUERY_COUNT,
    NODE_QUERY_STREAM,
    NODE_QUERY_FOLLOW,
    NODE_KINDS,
};

struct node {
    enum node_kind kind;
    uint32_t tenant; // of a view's: as the view says (visit.h)
    uint32_t slot;   // of a view's
    uint64_t number;
};

// Is it an inode of a view?
static inline bool node_is_view(enum node_kind kind)
{
    return kind >= NODE_MOMENT && kind < NODE_KINDS;
}

// May what is done with it take long, looking up and listing in a directory, opening and reading a file? Then the
// threads of the search do it (search.h), unless it is the herald who asks.
static inline bool node_is_slow(enum node_kind kind)
{
    return kind == NODE_FOUND || kind == NODE_FOUND_STATES || kind == NODE_QUERY ||
           (kind >= NODE_QUERY_EVENTS && kind <= NODE_QUERY_FOLLOW);
}

// Do its attributes take as long?
static inline bool node_attr_is_slow(enum node_kind kind)
{
    return kind == NODE_FOUND_STATES || (kind >= NODE_QUERY_EVENTS && kind <= NODE_QUERY_STREAM);
}

static inline uint64_t node_id(enum node_kind kind, uint32_t tenant, uint64_t number)
{
    return kind == NODE_ROOT ? NODE_ROOT_ID
                             : (uint64_t)kind << NODE_KIND_SHIFT | (uint64_t)tenant << NODE_NUMBER_BITS | number;
}

static inline uint64_t node_view_id(enum node_kind kind, uint32_t slot, uint64_t number)
{
    return (uint64_t)kind << NODE_KIND_SHIFT | (uint64_t)slot << 32 | number;
}

// Whole documents, which programs save.
static inline bool node_is_document(enum node_kind kind)
{
    return kind == NODE_STATE || kind == NODE_SPEC || kind == NODE_HOOK;
}

// A file in the directory beside a hook.
static inline bool node_is_hook_file(enum node_kind kind)
{
    return kind >= NODE_HOOK_FILE && kind <= NODE_HOOK_FILE_LAST;
}

// Does an open file of it keep a text of its own, by who opened it (file_asked)?
static inline bool node_keeps_text(enum node_kind kind)
{
    return node_is_document(kind) || node_is_hook_file(kind);
}

// The document that a directory holds; NODE_NONE when it holds none.
static inline enum node_kind node_document(enum node_kind directory)
{
    return directory == NODE_ENTITY ? NODE_STATE : directory == NODE_TENANT ? NODE_SPEC : NODE_NONE;
}

// Does each open of it get a number of its own?
static inline bool node_is_fresh(enum node_kind kind)
{
    return kind == NODE_APPEND || kind == NODE_TENANT_APPEND || kind == NODE_TENANT_IMPORT;
}

static inline struct node node_of(uint64_t id)
{
    if (id == NODE_ROOT_ID)
        return (struct node){.kind = NODE_ROOT};
    enum node_kind kind = (enum node_kind)(id >> NODE_KIND_SHIFT);
    if (node_is_view(kind))
        return (struct node){
            .kind = kind, .slot = (uint32_t)(id >> 32 & ((1u << NODE_SLOT_BITS) - 1)), .number = id & NODE_ENTITY_MAX};
    struct node node = {
        .kind = kind,
        .tenant = (uint32_t)(id >> NODE_NUMBER_BITS & NODE_TENANT_MAX),
        .number = id & ((UINT64_C(1) << NODE_NUMBER_BITS) - 1),
    };
    if (node_is_fresh(node.kind))
        node.number = node.kind == NODE_APPEND ? node.number & NODE_ENTITY_MAX : 0;
    return node;
}

// The kernel lets one O_APPEND writer at a time into an inode: a fresh number for each open lets all of them in. It
// looks a name up several times for an open, so a short counter comes round while the first writers are still there.
static inline uint64_t node_fresh(enum node_kind kind, uint32_t tenant, uint64_t entity, uint32_t count)
{
    return node_id(kind, tenant, kind == NODE_APPEND ? entity | (uint64_t)(count % NODE_FRESH_NUMBERS) << 32 : count);
}

static inline uint64_t node_id_of(const struct node *node)
{
    return node_is_view(node->kind) ? node_view_id(node->kind, node->slot, node->number)
                                    : node_id(node->kind, node->tenant, node->number);
}

// What people see as inode number.
static inline uint64_t node_shown(uint64_t id)
{
    struct node node = node_of(id);
    if (node.kind == NODE_STATUS)
        node.number = 0;
    return node_id_of(&node);
}
