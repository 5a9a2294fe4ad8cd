#include "fs/hook.h"

#include "fs/caller.h"
#include "fs/file.h"
#include "fs/hook_directory.h"

#include <errno.h>

// Numbers of folders, above those of entities: a scratch file tells by its directory's number where it lies.
#define FOLDER_FIRST ((uint64_t)NODE_ENTITY_MAX + 1)

const struct hook_kind *hook_kind_at(const struct visit *v, uint64_t index)
{
    const struct reactor *reactor = store_reactor(v->mount->store);
    for (const struct hook_kind *const *kind = reactor ? reactor->kinds : NULL; kind && *kind; kind++)
        if (index-- == 0)
            return *kind;
    return NULL;
}

const struct hook_kind *hook_kind_here(const struct visit *v)
{
    return v->node.kind == NODE_HOOK_FOLDER ? hook_kind_at(v, v->node.number - FOLDER_FIRST) : NULL;
}

uint64_t hook_kind_index(const struct visit *v, const struct hook_kind *kind)
{
    uint64_t index = 0;
    while (hook_kind_at(v, index) != kind)
        index++;
    return index;
}

uint64_t hook_folder_id(const struct visit *v, const struct hook_kind *kind)
{
    return node_id(NODE_HOOK_FOLDER, v->node.tenant, FOLDER_FIRST + hook_kind_index(v, kind));
}

int hook_can_create(const struct visit *v, struct slice name)
{
    const struct hook_kind *kind = hook_kind_here(v);
    struct slice stem;
    if (!kind)
        return -EACCES;
    if (!hook_stem(kind, name, &stem))
        return 0;
    return name.size > HOOK_NAME_MAX || kind->names(name, NULL) ? -EACCES : 1;
}

int hook_row(struct visit *v, struct hook_row *row)
{
    int error = history_hook_from(v->reader, v->node.number, row);
    return !error && row->number != v->node.number ? -ENOENT : error;
}

// What stands beside a document, and under which stem; NODE_NONE: nothing.
static enum node_kind kind_beside(const struct hook_kind *kind, struct slice name, struct slice *stem)
{
    if (hook_has_log(kind, name, stem))
        return NODE_HOOK_LOG;
    return kind->files && !hook_is_script(kind, name) && hook_stem(kind, name, stem) ? NODE_HOOK_DIRECTORY : NODE_NONE;
}

// It is there when the hook is.
static int lookup_beside(struct visit *v, const struct hook_kind *kind, struct slice name, uint64_t *id)
{
    struct hook_row row;
    struct slice stem = name;
    const char *extension = kind->extension;
    BYTES_AUTO hook = {0};
    bool is_log = hook_log_stem(kind, name, &stem, &extension);
    if (!is_log && !kind->files)
        return -ENOENT;
    bytes_add_slice(&hook, stem);
    bytes_add_text(&hook, extension);
    int error = hook.failed ? -ENOMEM : history_hook(v->reader, slice_of(kind->folder), bytes_slice(&hook), &row);
    if (!error)
        *id = node_id(is_log ? NODE_HOOK_LOG : NODE_HOOK_DIRECTORY, v->node.tenant, row.number);
    return error == -ENOENT && !is_log ? hook_directory_built_in(v, kind, stem, id) : error;
}

int hook_lookup(struct visit *v, struct slice name, uint64_t *id)
{
    struct hook_row row;
    const struct hook_kind *kind = hook_kind_here(v);
    if (!kind) {
        kind = hook_kind_of(store_reactor(v->mount->store), name);
        if (kind)
            *id = hook_folder_id(v, kind);
        return kind ? 0 : -ENOENT;
    }
    int error = history_hook(v->reader, slice_of(kind->folder), name, &row);
    if (!error)
        *id = node_id(NODE_HOOK, v->node.tenant, row.number);
    return error == -ENOENT ? lookup_beside(v, kind, name, id) : error;
}

static int next_folder(struct visit *v, uint64_t offset, struct tree_entry *entry)
{
    const struct hook_kind *kind = hook_kind_at(v, offset);
    if (!kind)
        return 0;
    entry->next = offset + 1;
    entry->name = slice_of(kind->folder);
    entry->id = hook_folder_id(v, kind);
    entry->entry_timeout_s = TIMEOUT_FOREVER_S;
    return 1;
}

// Offsets are twice the numbers; the odd ones are of what stands beside the hooks: a directory, or a log.
static int next_hook(struct visit *v, uint64_t offset, struct tree_entry *entry)
{
    const struct hook_kind *kind = hook_kind_here(v);
    struct hook_row row;
    struct slice stem;
    int error;
    bool beside = offset % 2;
    uint64_t from = offset / 2;
    if (!kind)
        return 0;
    do {
        error = history_hook_from(v->reader, from, &row);
        beside &= !error && row.number == offset / 2;
        from = row.number + 1;
    } while (!error && !slice_is(row.folder, kind->folder));
    if (error)
        return error == -ENOENT ? hook_directory_next_built_in(v, kind, offset / 2, entry) : error;
    enum node_kind other = kind_beside(kind, row.name, &stem);
    beside &= other != NODE_NONE;
    size_t size = beside ? stem.size : row.name.size;
    memcpy(entry->text, row.name.at, size);
    if (beside && other == NODE_HOOK_LOG) {
        memcpy(entry->text + size, kind->log, strlen(kind->log));
        size += strlen(kind->log);
    }
    bool more = !beside && other != NODE_NONE;
    entry->next = row.number * 2 + (more ? 1 : 2);
    entry->name = (struct slice){.at = entry->text, .size = size};
    entry->id = node_id(beside ? other : NODE_HOOK, v->node.tenant, row.number);
    return 1;
}

int hook_next(struct visit *v, uint64_t offset, struct tree_entry *entry)
{
    entry->entry_timeout_s = 0;
    int found = v->node.kind == NODE_HOOKS ? next_folder(v, offset, entry) : next_hook(v, offset, entry);
    if (found != 1)
        return found;
    struct visit child = visit_child(v, entry->id);
    int error = attr_get(&child, &entry->attr, &entry->attr_timeout_s);
    return error ? error : 1;
}

int hook_attr(struct visit *v, struct stat *attr)
{
    uint64_t id = node_id(v->node.kind, v->node.tenant, v->node.number);
    struct hook_row row;
    if (v->node.kind != NODE_HOOK && v->node.kind != NODE_HOOK_LOG) {
        attr_common(v, id, S_IFDIR | 0755, 4096, 0, attr);
        return 0;
    }
    int error = hook_row(v, &row);
    const struct hook_kind *kind = error ? NULL : hook_kind_of(store_reactor(v->mount->store), row.folder);
    if (error || !kind)
        return error == -ENOENT || !error ? -ESTALE : error;
    uint64_t size = row.text.size;
    if (v->node.kind == NODE_HOOK_LOG)
        error = history_hook_log_size(v->reader, v->node.number, &size);
    if (!error)
        attr_common(v, id, S_IFREG | (v->node.kind == NODE_HOOK ? kind->mode : 0444), size, row.at_us, attr);
    return error;
}

void hook_path(struct visit *v, struct bytes *out)
{
    struct hook_row row;
    const struct hook_kind *kind = hook_kind_here(v);
    bytes_add_text(out, "hooks/");
    if (kind) {
        bytes_add_text(out, kind->folder);
        bytes_add_char(out, '/');
    } else if (v->node.kind == NODE_HOOK && hook_row(v, &row) == 0) {
        bytes_add_slice(out, row.folder);
        bytes_add_char(out, '/');
        bytes_add_slice(out, row.name);
    } else {
        hook_directory_path(v, out);
    }
}

struct submission *hook_submission(fuse_req_t req, const struct visit *folder, enum hook_act act, struct slice name,
    struct slice new_name, struct slice text)
{
    struct visit v = *folder;
    BYTES_AUTO path = {0};
    hook_path(&v, &path);
    bytes_add_slice(&path, name);
    struct submission *s = submission_by(req, SUBMIT_HOOK, bytes_slice(&path));
    struct hook_order *order = s ? arena_get(&s->arena, sizeof *order) : NULL;
    if (order) {
        *order = (struct hook_order){
            .act = act,
            .kind = hook_kind_here(folder),
            .name = arena_copy(&s->arena, name),
            .new_name = arena_copy(&s->arena, new_name),
            .text = arena_copy(&s->arena, text),
            .actor = arena_copy(&s->arena, caller_actor(s->uid)),
        };
        s->hook = order;
        if (order->name.at && order->new_name.at && order->text.at && order->actor.at)
            return s;
    }
    submission_free(s);
    return NULL;
}
