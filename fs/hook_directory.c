#include "fs/hook_directory.h"

#include "fs/hook.h"

#include <errno.h>

// Directories of what is built in have numbers that no hook will have: 16 for each kind.
#define BUILT_IN_MAX   UINT64_C(16)
#define BUILT_IN_FIRST ((UINT64_C(1) << NODE_NUMBER_BITS) - 8 * BUILT_IN_MAX)

static uint64_t first_of(const struct visit *v, const struct hook_kind *kind)
{
    return BUILT_IN_FIRST + hook_kind_index(v, kind) * BUILT_IN_MAX;
}

// The kind and the name of a built-in directory; false when the number is none's.
static bool find_built_in(const struct visit *v, uint64_t number, struct hook_beside *beside)
{
    if (number < BUILT_IN_FIRST)
        return false;
    const struct hook_kind *kind = hook_kind_at(v, (number - BUILT_IN_FIRST) / BUILT_IN_MAX);
    const char *const *name = kind ? kind->built_in : NULL;
    for (uint64_t rest = (number - BUILT_IN_FIRST) % BUILT_IN_MAX; rest && name && *name; rest--)
        name++;
    if (!name || !*name)
        return false;
    *beside = (struct hook_beside){.kind = kind, .stem = slice_of(*name)};
    return true;
}

int hook_directory_here(struct visit *v, struct hook_beside *beside)
{
    struct hook_row row;
    if (!find_built_in(v, v->node.number, beside)) {
        int error = hook_row(v, &row);
        if (error)
            return error;
        *beside =
            (struct hook_beside){.kind = hook_kind_of(store_reactor(v->mount->store), row.folder), .at_us = row.at_us};
        if (!beside->kind || !beside->kind->files || !hook_stem(beside->kind, row.name, &beside->stem))
            return -ENOENT;
    }
    for (const struct hook_file *file = beside->kind->files; node_is_hook_file(v->node.kind) && file->name; file++)
        if (v->node.kind == NODE_HOOK_FILE + (enum node_kind)(file - beside->kind->files))
            beside->file = file;
    return node_is_hook_file(v->node.kind) && !beside->file ? -ENOENT : 0;
}

// ---- names

int hook_directory_built_in(const struct visit *v, const struct hook_kind *kind, struct slice name, uint64_t *id)
{
    int index = kind->built_in ? kind->find_built_in(name) : -1;
    if (index < 0)
        return -ENOENT;
    *id = node_id(NODE_HOOK_DIRECTORY, v->node.tenant, first_of(v, kind) + (uint64_t)index);
    return 0;
}

// Has a built-in name a document of its own, whose directory stands beside that?
static int has_document(struct visit *v, const struct hook_kind *kind, const char *name)
{
    struct hook_row row;
    BYTES_AUTO document = {0};
    bytes_printf(&document, "%s%s", name, kind->extension);
    int error =
        document.failed ? -ENOMEM : history_hook(v->reader, slice_of(kind->folder), bytes_slice(&document), &row);
    return error == -ENOENT ? 0 : error ? error : 1;
}

int hook_directory_next_built_in(struct visit *v, const struct hook_kind *kind, uint64_t from, struct tree_entry *entry)
{
    uint64_t first = first_of(v, kind);
    for (uint64_t i = from > first ? from - first : 0; kind->built_in && kind->built_in[i]; i++) {
        int found = has_document(v, kind, kind->built_in[i]);
        if (found < 0)
            return found;
        if (found)
            continue;
        entry->next = (first + i + 1) * 2;
        entry->name = slice_of(kind->built_in[i]);
        entry->id = node_id(NODE_HOOK_DIRECTORY, v->node.tenant, first + i);
        return 1;
    }
    return 0;
}

static uint64_t file_id(const struct visit *v, uint64_t index)
{
    return node_id(NODE_HOOK_FILE + (enum node_kind)index, v->node.tenant, v->node.number);
}

int hook_directory_lookup(struct visit *v, struct slice name, uint64_t *id)
{
    struct hook_beside beside;
    int error = hook_directory_here(v, &beside);
    for (uint64_t i = 0; !error && beside.kind->files[i].name; i++)
        if (slice_is(name, beside.kind->files[i].name)) {
            *id = file_id(v, i);
            return 0;
        }
    return error ? error : -ENOENT;
}

int hook_directory_next(struct visit *v, uint64_t offset, struct tree_entry *entry)
{
    struct hook_beside beside;
    int error = hook_directory_here(v, &beside);
    if (error)
        return error == -ENOENT ? 0 : error;
    const struct hook_file *file = beside.kind->files;
    for (uint64_t i = 0; i < offset && file->name; i++)
        file++;
    if (!file->name)
        return 0;
    entry->next = offset + 1;
    entry->name = slice_of(file->name);
    entry->id = file_id(v, offset);
    entry->entry_timeout_s = 0;
    struct visit child = visit_child(v, entry->id);
    if (file->read) {
        // Its text would be made to be measured, and the kernel asks again all the same.
        entry->attr = (struct stat){.st_ino = attr_inode(&child), .st_mode = S_IFREG};
        entry->id = 0;
        return 1;
    }
    error = attr_get(&child, &entry->attr, &entry->attr_timeout_s);
    return error ? error : 1;
}

uint64_t hook_directory_parent(struct visit *v)
{
    struct hook_beside beside;
    return hook_directory_here(v, &beside) ? node_id(NODE_HOOKS, v->node.tenant, 0) : hook_folder_id(v, beside.kind);
}

void hook_directory_path(struct visit *v, struct bytes *out)
{
    struct hook_beside beside;
    if (hook_directory_here(v, &beside))
        return;
    bytes_printf(out, "%s/%.*s", beside.kind->folder, SLICE_ARG(beside.stem));
    if (beside.file)
        bytes_printf(out, "/%s", beside.file->name);
}

// ---- files

int hook_directory_attr(struct visit *v, struct stat *attr)
{
    struct hook_beside beside;
    uint64_t id = node_id(v->node.kind, v->node.tenant, v->node.number), size = 4096;
    mode_t mode = S_IFDIR | 0755;
    int error = hook_directory_here(v, &beside);
    if (!error && beside.file) {
        mode = S_IFREG | beside.file->mode;
        size = 0;
        if (beside.file->read)
            error = hook_text_measure(v, &beside, &size);
    }
    if (error)
        return error == -ENOENT ? -ESTALE : error;
    // What is read changes with the log.
    int64_t at_us = beside.file && beside.file->read ? tenant_end(v->tenant).at_us : beside.at_us;
    attr_common(v, id, mode, size, at_us, attr);
    return 0;
}

const struct file_kind *hook_directory_file_kind(struct visit *v)
{
    struct hook_beside beside;
    if (hook_directory_here(v, &beside) || !beside.file)
        return NULL;
    return beside.file->mode & 0200 ? &hook_order_kind : beside.file->read ? &hook_text_kind : &hook_report_kind;
}

bool hook_directory_takes_writes(struct visit *v)
{
    struct hook_beside beside;
    return node_is_hook_file(v->node.kind) && hook_directory_here(v, &beside) == 0 && beside.file->mode & 0200;
}
