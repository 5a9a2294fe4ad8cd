#include "fs/tree.h"

#include "fs/day.h"
#include "fs/document.h"
#include "fs/found.h"
#include "fs/hook.h"
#include "fs/moment.h"
#include "fs/query.h"
#include "fs/scratch.h"
#include "fs/webhook.h"

#include <errno.h>

// Offsets of a listing: fixed entries, then scratch files, then entities, each by its number.
#define OFFSET_FIXED    UINT64_C(1)
#define OFFSET_SCRATCH  UINT64_C(0x100)
#define OFFSET_ENTITIES (UINT64_C(1) << 40)
// … and events by their version.
#define OFFSET_EVENTS UINT64_C(0x10)

struct fixed {
    const char *name;
    enum node_kind kind;
    mode_t type;
    bool listed;
};

static const struct fixed in_tenant[] = {
    {"append", NODE_TENANT_APPEND, S_IFREG, true},
    {"import", NODE_TENANT_IMPORT, S_IFREG, true},
    {"stream", NODE_TENANT_STREAM, S_IFREG, true},
    {"rejected", NODE_REJECTED, S_IFREG, true},
    {"spec.json", NODE_SPEC, S_IFREG, true},
    {"status.json", NODE_STATUS, S_IFREG, true},
    {"hooks", NODE_HOOKS, S_IFDIR, true},
    {"follow", NODE_TENANT_FOLLOW, S_IFREG, false},
    {"log", NODE_LOG, S_IFDIR, true},
    {"query", NODE_TENANT_QUERY, S_IFDIR, true},
    {"find", NODE_TENANT_FIND, S_IFDIR, true},
    {"asof", NODE_TENANT_ASOF, S_IFDIR, true},
    {0},
};

static const struct fixed in_entity[] = {
    {"append", NODE_APPEND, S_IFREG, true},
    {"rollback", NODE_ROLLBACK, S_IFREG, true},
    {"state.json", NODE_STATE, S_IFREG, true},
    {"stream", NODE_STREAM, S_IFREG, true},
    {"events", NODE_EVENTS, S_IFDIR, true},
    {"asof", NODE_ASOF, S_IFDIR, true},
    {"follow", NODE_FOLLOW, S_IFREG, false},
    {0},
};

static const struct fixed in_past[] = {
    {"state.json", NODE_PAST_STATE, S_IFREG, true},
    {"events", NODE_PAST_EVENTS, S_IFDIR, true},
    {0},
};

static const struct fixed in_moment[] = {
    {"find", NODE_MOMENT_FIND, S_IFDIR, true},
    {0},
};

static const struct fixed in_found[] = {
    {"entities.ndjson", NODE_FOUND_STATES, S_IFREG, true},
    {0},
};

static const struct fixed in_moment_entity[] = {
    {"state.json", NODE_PAST_STATE, S_IFREG, true},
    {"events", NODE_MOMENT_EVENTS, S_IFDIR, true},
    {0},
};

static const struct fixed in_webhook[] = {
    {"deliveries", NODE_WEBHOOK_DELIVERIES, S_IFREG, true},
    {"dead", NODE_WEBHOOK_DEAD, S_IFREG, true},
    {"status.json", NODE_WEBHOOK_STATUS, S_IFREG, true},
    {"replay", NODE_WEBHOOK_REPLAY, S_IFREG, true},
    {"secret", NODE_WEBHOOK_SECRET, S_IFREG, true},
    {0},
};

static const struct fixed in_query[] = {
    {"events.ndjson", NODE_QUERY_EVENTS, S_IFREG, true},
    {"stream", NODE_QUERY_STREAM, S_IFREG, true},
    {"count", NODE_QUERY_COUNT, S_IFREG, true},
    {"follow", NODE_QUERY_FOLLOW, S_IFREG, false},
    {0},
};

static const struct fixed nothing[] = {{0}};

static const struct fixed *fixed_of(enum node_kind directory)
{
    switch (directory) {
    case NODE_TENANT:
        return in_tenant;
    case NODE_ENTITY:
        return in_entity;
    case NODE_PAST:
        return in_past;
    case NODE_MOMENT:
        return in_moment;
    case NODE_MOMENT_ENTITY:
        return in_moment_entity;
    case NODE_QUERY:
        return in_query;
    case NODE_FOUND:
        return in_found;
    case NODE_WEBHOOK:
        return in_webhook;
    default:
        return nothing;
    }
}

static const struct fixed *find_fixed(enum node_kind directory, struct slice name)
{
    for (const struct fixed *f = fixed_of(directory); f->name; f++)
        if (slice_is(name, f->name))
            return f;
    return NULL;
}

bool tree_is_document(enum node_kind directory, struct slice name)
{
    const struct fixed *f = find_fixed(directory, name);
    return f && f->kind == node_document(directory) && f->kind != NODE_NONE;
}

bool tree_is_reserved(enum node_kind directory, struct slice name)
{
    return find_fixed(directory, name) != NULL;
}

// A document is there while the entity has a state.
static int document_there(struct visit *v, const struct node *node)
{
    struct slice text;
    struct document document;
    if (node->kind == NODE_STATE)
        return document_now(v, node, &document);
    return node->kind == NODE_PAST_STATE ? document_show_at(v, node->number, &text) : 0;
}

static double fixed_timeout(enum node_kind kind)
{
    switch (kind) {
    case NODE_TENANT_APPEND: // a fresh number for each open
    case NODE_TENANT_IMPORT:
    case NODE_APPEND:
    case NODE_STATUS:
    case NODE_SPEC:
    case NODE_QUERY_EVENTS: // of one state of the result
    case NODE_QUERY_COUNT:
    case NODE_STATE: // comes and goes, and may be renamed
        return 0;
    default:
        return TIMEOUT_FOREVER_S;
    }
}

// The inode of a fixed entry, or -ENOENT while it is not there.
static int fixed_id(struct visit *v, enum node_kind kind, uint64_t *id)
{
    struct node node = v->node;
    int error = kind == NODE_NONE ? -ENOENT : 0;
    node.kind = kind;
    // A document of a past is the same file as in the entity's own asof.
    if (!error && v->node.kind == NODE_MOMENT_ENTITY && !node_is_view(kind))
        error = moment_last(v, &node.number);
    if (!error && (kind == NODE_QUERY_EVENTS || kind == NODE_QUERY_COUNT))
        error = query_state(v, &node.number);
    if (!error)
        error = document_there(v, &node);
    if (error)
        return error;
    // What is open keeps its text, and with it its size: nobody else shares its inode.
    if (kind == NODE_STATUS)
        node.number = ++v->mount->fresh;
    *id = node_is_fresh(kind) ? node_fresh(kind, node.tenant, node.number, ++v->mount->fresh) : node_id_of(&node);
    return 0;
}

static int lookup_fixed(struct visit *v, const struct fixed *f, uint64_t *id, double *timeout_s)
{
    *timeout_s = fixed_timeout(f->kind);
    return fixed_id(v, f->kind, id);
}

static int lookup_scratch(struct visit *v, struct slice name, uint64_t *id, double *timeout_s)
{
    const struct scratch *file = scratch_find(v->mount->scratch, v->node.tenant, v->node.number, name);
    if (!file)
        return -ENOENT;
    *id = node_id(NODE_SCRATCH, v->node.tenant, file->number);
    *timeout_s = 0;
    return 0;
}

static int lookup_tenant(struct visit *v, struct slice name, uint64_t *id, double *timeout_s)
{
    struct tenant_info info;
    if (!name_is_tenant(name))
        return -ENOENT;
    int error = store_find(v->mount->store, name, &info);
    *id = node_id(NODE_TENANT, info.number, 0);
    *timeout_s = TIMEOUT_FOREVER_S;
    return error;
}

static int lookup_entity(struct visit *v, struct slice name, uint64_t *id, double *timeout_s)
{
    struct head head;
    int error = name_is_entity(name) ? history_head(v->reader, name, &head) : -ENOENT;
    if (error == -ENOENT)
        return lookup_scratch(v, name, id, timeout_s);
    *id = node_id(NODE_ENTITY, v->node.tenant, head.id);
    // A reservation may be taken back.
    *timeout_s = head.version ? TIMEOUT_FOREVER_S : 0;
    return error;
}

static int lookup_event(struct visit *v, uint64_t entity, uint32_t last, struct slice name, uint64_t *id)
{
    uint32_t version;
    struct slice type;
    struct chunk page;
    if (name_read_event_file(name, &version, &type) || version > last)
        return -ENOENT;
    int error = history_page(v->reader, entity, version, &page);
    if (error)
        return error;
    if (!slice_equal(history_type(v->reader, page.events[0].type), type))
        return -ENOENT;
    *id = node_id(NODE_EVENT, v->node.tenant, page.events[0].position);
    return 0;
}

static int lookup_past(struct visit *v, struct slice name, uint64_t *id, double *timeout_s)
{
    struct when when;
    uint32_t version;
    bool forever;
    struct chunk page;
    if (when_parse(name, &when))
        return -ENOENT;
    int error = history_resolve(v->reader, v->node.number, &when, &version, &forever);
    if (!error)
        error = history_page(v->reader, v->node.number, version, &page);
    if (error)
        return error;
    *id = node_id(NODE_PAST, v->node.tenant, page.events[0].position);
    *timeout_s = forever ? TIMEOUT_FOREVER_S : 0;
    return 0;
}

// Which entity a directory of events shows, and up to which version.
static int events_of(struct visit *v, uint64_t *entity, uint32_t *last)
{
    if (v->node.kind == NODE_MOMENT_EVENTS) {
        *entity = v->node.number;
        return history_version_at(v->reader, *entity, v->view->position, last);
    }
    if (v->node.kind == NODE_EVENTS) {
        struct head head;
        int error = history_head_of(v->reader, v->node.number, &head);
        *entity = v->node.number;
        *last = head.version;
        return error;
    }
    struct event_row row;
    int error = history_event(v->reader, v->node.number, &row);
    *entity = row.entity;
    *last = row.version;
    return error;
}

int tree_lookup(struct visit *v, struct slice name, uint64_t *id, double *timeout_s)
{
    bool filter =
        v->node.kind == NODE_TENANT_FIND || v->node.kind == NODE_MOMENT_FIND || v->node.kind == NODE_TENANT_QUERY;
    if (name.size > (filter ? FILTER_TEXT_MAX : SCRATCH_NAME_BYTES))
        return -ENAMETOOLONG;
    const struct fixed *f = find_fixed(v->node.kind, name);
    if (f)
        return lookup_fixed(v, f, id, timeout_s);
    uint64_t entity;
    uint32_t last;
    int error;
    switch (v->node.kind) {
    case NODE_ROOT:
        return lookup_tenant(v, name, id, timeout_s);
    case NODE_TENANT:
        return lookup_entity(v, name, id, timeout_s);
    case NODE_ENTITY:
        return lookup_scratch(v, name, id, timeout_s);
    case NODE_HOOKS:
        *timeout_s = TIMEOUT_FOREVER_S;
        return hook_lookup(v, name, id);
    case NODE_HOOK_FOLDER:
        *timeout_s = 0;
        error = hook_lookup(v, name, id);
        return error == -ENOENT ? lookup_scratch(v, name, id, timeout_s) : error;
    case NODE_ASOF:
        return lookup_past(v, name, id, timeout_s);
    case NODE_TENANT_ASOF:
        return moment_lookup(v, name, id, timeout_s);
    case NODE_LOG:
        return day_lookup(v, name, id, timeout_s);
    case NODE_TENANT_QUERY:
        return query_lookup(v, name, id, timeout_s);
    case NODE_MOMENT:
        return moment_lookup_entity(v, name, id, timeout_s);
    case NODE_TENANT_FIND:
    case NODE_MOMENT_FIND:
        return found_lookup_filter(v, name, id, timeout_s);
    case NODE_FOUND:
        return found_lookup(v, name, id, timeout_s);
    case NODE_EVENTS:
    case NODE_PAST_EVENTS:
    case NODE_MOMENT_EVENTS:
        *timeout_s = TIMEOUT_FOREVER_S;
        error = events_of(v, &entity, &last);
        return error ? error : lookup_event(v, entity, last, name, id);
    default:
        return -ENOENT;
    }
}

// ---- listing

static int next_fixed(struct visit *v, uint64_t offset, struct tree_entry *entry)
{
    const struct fixed *all = fixed_of(v->node.kind);
    uint64_t at = 0;
    for (const struct fixed *f = all; f->name; f++, at++) {
        if (at + OFFSET_FIXED <= offset || !f->listed || fixed_id(v, f->kind, &entry->id))
            continue;
        struct visit child = visit_child(v, entry->id);
        entry->next = at + OFFSET_FIXED;
        entry->entry_timeout_s = fixed_timeout(f->kind);
        entry->name = slice_of(f->name);
        if (node_attr_is_slow(f->kind)) {
            // Whoever wants its attributes asks for them.
            entry->attr = (struct stat){.st_ino = attr_inode(&child), .st_mode = f->type};
            entry->id = 0;
            return 1;
        }
        int error = attr_get(&child, &entry->attr, &entry->attr_timeout_s);
        return error ? error : 1;
    }
    return 0;
}

static int next_scratch(struct visit *v, uint64_t offset, struct tree_entry *entry)
{
    if (v->node.kind != NODE_TENANT && v->node.kind != NODE_ENTITY && v->node.kind != NODE_HOOK_FOLDER)
        return 0;
    struct scratch *file;
    uint64_t index = offset > OFFSET_SCRATCH ? offset - OFFSET_SCRATCH + 1 : 0;
    if (!scratch_name_from(v->mount->scratch, v->node.tenant, v->node.number, &index, &entry->name, &file))
        return 0;
    struct visit child = *v;
    child.node = (struct node){.kind = NODE_SCRATCH, .tenant = v->node.tenant, .number = file->number};
    entry->id = node_id(NODE_SCRATCH, v->node.tenant, file->number);
    entry->next = OFFSET_SCRATCH + index;
    entry->entry_timeout_s = 0;
    int error = attr_get(&child, &entry->attr, &entry->attr_timeout_s);
    return error ? error : 1;
}

static int next_entity(struct visit *v, uint64_t offset, struct tree_entry *entry)
{
    uint64_t entity;
    size_t size;
    if (v->node.kind != NODE_TENANT)
        return 0;
    uint64_t from = offset > OFFSET_ENTITIES ? offset - OFFSET_ENTITIES + 1 : 1;
    int error = history_entity_from(v->reader, from, &entity, entry->text, &size);
    if (error)
        return error == -ENOENT ? 0 : error;
    // No attributes: a million directories would fill the kernel's memory, and few are looked at.
    entry->id = 0;
    entry->next = OFFSET_ENTITIES + entity;
    entry->name = (struct slice){.at = entry->text, .size = size};
    entry->attr = (struct stat){.st_ino = node_id(NODE_ENTITY, v->node.tenant, entity), .st_mode = S_IFDIR};
    return 1;
}

// Entries that another part of the tree counts by its own offsets.
static int next_of(struct visit *v, uint64_t offset, struct tree_entry *entry,
    int (*next)(struct visit *, uint64_t, struct tree_entry *))
{
    int found = next(v, offset > OFFSET_ENTITIES ? offset - OFFSET_ENTITIES : 0, entry);
    entry->next += OFFSET_ENTITIES;
    return found;
}

static int next_tenant(struct visit *v, uint64_t offset, struct tree_entry *entry)
{
    struct tenant_info info;
    uint32_t from = (uint32_t)(offset > OFFSET_ENTITIES ? offset - OFFSET_ENTITIES + 1 : 1);
    int error = store_from(v->mount->store, from, &info);
    if (error)
        return error == -ENOENT ? 0 : error;
    entry->id = 0;
    entry->next = OFFSET_ENTITIES + info.number;
    entry->name = (struct slice){.at = entry->text, .size = strlen(info.name)};
    memcpy(entry->text, info.name, entry->name.size);
    entry->attr = (struct stat){.st_ino = node_id(NODE_TENANT, info.number, 0), .st_mode = S_IFDIR};
    return 1;
}

static int next_event(struct visit *v, uint64_t offset, struct tree_entry *entry)
{
    uint32_t version = (uint32_t)(offset > OFFSET_EVENTS ? offset - OFFSET_EVENTS + 1 : 1);
    struct chunk *page = &entry->page;
    if (version < page->first || version >= page->first + page->count) {
        uint64_t entity;
        uint32_t last;
        int error = events_of(v, &entity, &last);
        if (!error && version > last)
            return 0;
        if (!error)
            error = history_page(v->reader, entity, version, page);
        if (error)
            return error;
        if (page->count > last - version + 1)
            page->count = last - version + 1;
    }
    const struct event_place *place = &page->events[version - page->first];
    entry->id = node_id(NODE_EVENT, v->node.tenant, place->position);
    entry->next = OFFSET_EVENTS + version;
    entry->entry_timeout_s = entry->attr_timeout_s = TIMEOUT_FOREVER_S;
    size_t size = name_event_file(entry->text, version, history_type(v->reader, place->type));
    entry->name = (struct slice){.at = entry->text, .size = size};
    attr_event(v, place, &entry->attr);
    return 1;
}

int tree_next(struct visit *v, uint64_t offset, struct tree_entry *entry)
{
    if (v->node.kind == NODE_ROOT)
        return next_tenant(v, offset, entry);
    if (v->node.kind == NODE_EVENTS || v->node.kind == NODE_PAST_EVENTS || v->node.kind == NODE_MOMENT_EVENTS)
        return next_event(v, offset, entry);
    int found = 0;
    if (offset < OFFSET_SCRATCH)
        found = next_fixed(v, offset, entry);
    if (!found && offset < OFFSET_ENTITIES)
        found = next_scratch(v, offset, entry);
    if (found)
        return found;
    switch (v->node.kind) {
    case NODE_MOMENT:
        return next_of(v, offset, entry, moment_next);
    case NODE_HOOKS:
    case NODE_HOOK_FOLDER:
        return next_of(v, offset, entry, hook_next);
    case NODE_FOUND:
        return next_of(v, offset, entry, found_next);
    case NODE_LOG:
        return next_of(v, offset, entry, day_next);
    default:
        return next_entity(v, offset, entry);
    }
}

void tree_entry_end(struct tree_entry *entry)
{
    find_close(entry->find);
    entry->find = NULL;
}

// ---- paths

static const char *last_part(enum node_kind kind)
{
    static const struct fixed *const all[] = {
        in_tenant, in_entity, in_past, in_moment, in_moment_entity, in_found, in_query};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        for (const struct fixed *f = all[i]; f->name; f++)
            if (f->kind == kind)
                return f->name;
    return "";
}

void tree_path(struct visit *v, struct bytes *out)
{
    char name[NAME_ENTITY_MAX];
    size_t size;
    if (v->node.kind == NODE_HOOKS || v->node.kind == NODE_HOOK_FOLDER || v->node.kind == NODE_HOOK ||
        v->node.kind == NODE_HOOK_LOG || node_is_webhook(v->node.kind)) {
        hook_path(v, out);
        return;
    }
    if (v->node.kind >= NODE_ENTITY && v->node.kind < NODE_EVENT &&
        history_name(v->reader, v->node.number, name, &size) == 0) {
        bytes_add(out, name, size);
        bytes_add_char(out, '/');
    }
    bytes_add_text(out, last_part(v->node.kind));
}
