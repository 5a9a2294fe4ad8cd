#include "fs/tree.h"

#include "fs/day.h"
#include "fs/document.h"
#include "fs/found.h"
#include "fs/hook.h"
#include "fs/hook_directory.h"
#include "fs/moment.h"
#include "fs/query.h"
#include "fs/scratch.h"

#include <errno.h>

// Offsets of a listing: fixed entries, then scratch files, then all others, counted as their directory's `next` does.
#define OFFSET_FIXED   UINT64_C(1)
#define OFFSET_SCRATCH UINT64_C(0x100)
#define OFFSET_OTHERS  (UINT64_C(1) << 40)

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

static const struct fixed in_query[] = {
    {"events.ndjson", NODE_QUERY_EVENTS, S_IFREG, true},
    {"stream", NODE_QUERY_STREAM, S_IFREG, true},
    {"count", NODE_QUERY_COUNT, S_IFREG, true},
    {"follow", NODE_QUERY_FOLLOW, S_IFREG, false},
    {0},
};

// What differs from one directory to the other. NULL members: nothing is there.
struct directory {
    const struct fixed *fixed;
    bool has_filters; // its names are filters, and may be as long
    bool has_scratch; // whoever works in it may leave files there for a while (scratch.h)
    // The names that are not fixed: as tree_lookup, and as tree_next by offsets of its own, 0 at first.
    int (*lookup)(struct visit *v, struct slice name, uint64_t *id, double *timeout_s);
    int (*next)(struct visit *v, uint64_t offset, struct tree_entry *entry);
};

static const struct directory *directory_of(enum node_kind kind);

static const struct fixed *find_fixed(enum node_kind directory, struct slice name)
{
    for (const struct fixed *f = directory_of(directory)->fixed; f && f->name; f++)
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

static int lookup_event(struct visit *v, struct slice name, uint64_t *id, double *timeout_s)
{
    uint64_t entity;
    uint32_t last, version;
    struct slice type;
    struct chunk page;
    int error = events_of(v, &entity, &last);
    if (error)
        return error;
    if (name_read_event_file(name, &version, &type) || version > last)
        return -ENOENT;
    error = history_page(v->reader, entity, version, &page);
    if (error)
        return error;
    if (!slice_equal(history_type(v->reader, page.events[0].type), type))
        return -ENOENT;
    *id = node_id(NODE_EVENT, v->node.tenant, page.events[0].position);
    *timeout_s = TIMEOUT_FOREVER_S;
    return 0;
}

static int lookup_hook_folder(struct visit *v, struct slice name, uint64_t *id, double *timeout_s)
{
    *timeout_s = TIMEOUT_FOREVER_S;
    return hook_lookup(v, name, id);
}

static int lookup_hook(struct visit *v, struct slice name, uint64_t *id, double *timeout_s)
{
    int error = hook_lookup(v, name, id);
    *timeout_s = 0;
    return error == -ENOENT ? lookup_scratch(v, name, id, timeout_s) : error;
}

static int lookup_hook_file(struct visit *v, struct slice name, uint64_t *id, double *timeout_s)
{
    *timeout_s = 0;
    return hook_directory_lookup(v, name, id);
}

int tree_lookup(struct visit *v, struct slice name, uint64_t *id, double *timeout_s)
{
    const struct directory *directory = directory_of(v->node.kind);
    if (name.size > (directory->has_filters ? FILTER_TEXT_MAX : SCRATCH_NAME_BYTES))
        return -ENAMETOOLONG;
    const struct fixed *f = find_fixed(v->node.kind, name);
    if (f)
        return lookup_fixed(v, f, id, timeout_s);
    return directory->lookup ? directory->lookup(v, name, id, timeout_s) : -ENOENT;
}

// ---- listing

static int next_fixed(struct visit *v, uint64_t offset, struct tree_entry *entry)
{
    uint64_t at = 0;
    for (const struct fixed *f = directory_of(v->node.kind)->fixed; f && f->name; f++, at++) {
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
    int error = history_entity_from(v->reader, offset ? offset : 1, &entity, entry->text, &size);
    if (error)
        return error == -ENOENT ? 0 : error;
    // No attributes: a million directories would fill the kernel's memory, and few are looked at.
    entry->id = 0;
    entry->next = entity + 1;
    entry->name = (struct slice){.at = entry->text, .size = size};
    entry->attr = (struct stat){.st_ino = node_id(NODE_ENTITY, v->node.tenant, entity), .st_mode = S_IFDIR};
    return 1;
}

static int next_tenant(struct visit *v, uint64_t offset, struct tree_entry *entry)
{
    struct tenant_info info;
    int error = store_from(v->mount->store, (uint32_t)(offset ? offset : 1), &info);
    if (error)
        return error == -ENOENT ? 0 : error;
    entry->id = 0;
    entry->next = info.number + UINT64_C(1);
    entry->name = (struct slice){.at = entry->text, .size = strlen(info.name)};
    memcpy(entry->text, info.name, entry->name.size);
    entry->attr = (struct stat){.st_ino = node_id(NODE_TENANT, info.number, 0), .st_mode = S_IFDIR};
    return 1;
}

static int next_event(struct visit *v, uint64_t offset, struct tree_entry *entry)
{
    uint32_t version = (uint32_t)(offset ? offset : 1);
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
    entry->next = version + UINT64_C(1);
    entry->entry_timeout_s = entry->attr_timeout_s = TIMEOUT_FOREVER_S;
    size_t size = name_event_file(entry->text, version, history_type(v->reader, place->type));
    entry->name = (struct slice){.at = entry->text, .size = size};
    attr_event(v, place, &entry->attr);
    return 1;
}

// ---- the directories

static const struct directory directories[NODE_KINDS] = {
    [NODE_ROOT] = {.lookup = lookup_tenant, .next = next_tenant},
    [NODE_TENANT] = {.fixed = in_tenant, .has_scratch = true, .lookup = lookup_entity, .next = next_entity},
    [NODE_ENTITY] = {.fixed = in_entity, .has_scratch = true, .lookup = lookup_scratch},
    [NODE_EVENTS] = {.lookup = lookup_event, .next = next_event},
    [NODE_ASOF] = {.lookup = lookup_past},
    [NODE_PAST] = {.fixed = in_past},
    [NODE_PAST_EVENTS] = {.lookup = lookup_event, .next = next_event},
    [NODE_HOOKS] = {.lookup = lookup_hook_folder, .next = hook_next},
    [NODE_HOOK_FOLDER] = {.has_scratch = true, .lookup = lookup_hook, .next = hook_next},
    [NODE_HOOK_DIRECTORY] = {.lookup = lookup_hook_file, .next = hook_directory_next},
    [NODE_LOG] = {.lookup = day_lookup, .next = day_next},
    [NODE_TENANT_ASOF] = {.lookup = moment_lookup},
    [NODE_MOMENT] = {.fixed = in_moment, .lookup = moment_lookup_entity, .next = moment_next},
    [NODE_MOMENT_ENTITY] = {.fixed = in_moment_entity},
    [NODE_MOMENT_EVENTS] = {.lookup = lookup_event, .next = next_event},
    [NODE_TENANT_FIND] = {.has_filters = true, .lookup = found_lookup_filter},
    [NODE_MOMENT_FIND] = {.has_filters = true, .lookup = found_lookup_filter},
    [NODE_FOUND] = {.fixed = in_found, .lookup = found_lookup, .next = found_next},
    [NODE_TENANT_QUERY] = {.has_filters = true, .lookup = query_lookup},
    [NODE_QUERY] = {.fixed = in_query},
};

static const struct directory *directory_of(enum node_kind kind)
{
    return &directories[kind < NODE_KINDS ? kind : NODE_NONE];
}

int tree_next(struct visit *v, uint64_t offset, struct tree_entry *entry)
{
    const struct directory *directory = directory_of(v->node.kind);
    int found = 0;
    if (offset < OFFSET_SCRATCH)
        found = next_fixed(v, offset, entry);
    if (!found && offset < OFFSET_OTHERS && directory->has_scratch)
        found = next_scratch(v, offset, entry);
    if (found || !directory->next)
        return found;
    found = directory->next(v, offset > OFFSET_OTHERS ? offset - OFFSET_OTHERS : 0, entry);
    entry->next += OFFSET_OTHERS;
    return found;
}

void tree_entry_end(struct tree_entry *entry)
{
    find_close(entry->find);
    entry->find = NULL;
}

// ---- paths

static const char *last_part(enum node_kind kind)
{
    for (enum node_kind directory = 0; directory < NODE_KINDS; directory++)
        for (const struct fixed *f = directory_of(directory)->fixed; f && f->name; f++)
            if (f->kind == kind)
                return f->name;
    return "";
}

void tree_path(struct visit *v, struct bytes *out)
{
    char name[NAME_ENTITY_MAX];
    size_t size;
    if (v->node.kind >= NODE_HOOKS && v->node.kind <= NODE_HOOK_FILE_LAST) {
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
