#include "fs/attr.h"

#include "fs/day.h"
#include "fs/document.h"
#include "fs/found.h"
#include "fs/hook.h"
#include "fs/hook_directory.h"
#include "fs/query.h"
#include "fs/scratch.h"
#include "fs/status.h"
#include "store/past.h"

#include <errno.h>
#include <unistd.h>

void attr_time(struct stat *attr, int64_t at_us)
{
    int64_t second = at_us / WHEN_US_PER_SECOND, rest = at_us % WHEN_US_PER_SECOND;
    if (rest < 0) {
        second--;
        rest += WHEN_US_PER_SECOND;
    }
    attr->st_mtim = (struct timespec){.tv_sec = second, .tv_nsec = rest * 1000};
    attr->st_ctim = attr->st_atim = attr->st_mtim;
}

void attr_size(struct stat *attr, uint64_t size)
{
    attr->st_size = (off_t)size;
    attr->st_blocks = (blkcnt_t)((size + 511) / 512);
}

void attr_common(const struct visit *v, uint64_t id, mode_t mode, uint64_t size, int64_t at_us, struct stat *attr)
{
    *attr = (struct stat){
        .st_ino = node_shown(id),
        .st_mode = (mode & S_IFMT) | (mode & v->info.mode),
        .st_nlink = S_ISDIR(mode) ? 2 : 1,
        .st_uid = v->info.uid,
        .st_gid = v->info.gid,
        .st_blksize = 4096,
    };
    attr_size(attr, size);
    attr_time(attr, at_us ? at_us : v->info.made_at_us);
}

static uint64_t own_id(const struct visit *v)
{
    return node_id_of(&v->node);
}

uint64_t attr_inode(struct visit *v)
{
    struct event_place place;
    uint32_t version;
    switch (v->node.kind) {
    case NODE_MOMENT:
    case NODE_MOMENT_FIND:
        return node_id(v->node.kind, v->node.tenant, v->view->position);
    case NODE_QUERY:
    case NODE_QUERY_ALIAS:
    case NODE_QUERY_EVENTS:
    case NODE_QUERY_COUNT:
    case NODE_QUERY_STREAM:
    case NODE_QUERY_FOLLOW:
        return query_shown(v);
    case NODE_MOMENT_ENTITY:
    case NODE_MOMENT_EVENTS:
        // The same for all moments between two events of the entity.
        if (past_last(v->reader, v->node.number, v->view->position, &version, &place) == 0)
            return node_id(v->node.kind, v->node.tenant, place.position);
        return own_id(v);
    default:
        return node_shown(own_id(v));
    }
}

static void directory(const struct visit *v, mode_t mode, int64_t at_us, struct stat *attr)
{
    attr_common(v, own_id(v), S_IFDIR | mode, 4096, at_us, attr);
}

static void file(const struct visit *v, mode_t mode, uint64_t size, int64_t at_us, struct stat *attr)
{
    attr_common(v, own_id(v), S_IFREG | mode, size, at_us, attr);
}

void attr_event(const struct visit *v, const struct event_place *place, struct stat *attr)
{
    uint64_t id = node_id(NODE_EVENT, v->node.tenant, place->position);
    attr_common(v, id, S_IFREG | 0444, place->size_bytes, place->at_us, attr);
}

static int root(const struct visit *v, struct stat *attr)
{
    struct stat store;
    if (stat(store_path(v->mount->store), &store))
        return -errno;
    *attr = (struct stat){
        .st_ino = NODE_ROOT_ID,
        // Who may make tenants is said by the store's directory; who may look into one, by the tenant: the directory
        // itself is its owner's alone.
        .st_mode = store.st_mode | 0555,
        .st_nlink = 2,
        .st_uid = store.st_uid,
        .st_gid = store.st_gid,
        .st_size = 4096,
        .st_blksize = 4096,
        .st_blocks = 8,
        .st_mtim = store.st_mtim,
        .st_ctim = store.st_mtim,
        .st_atim = store.st_mtim,
    };
    return 0;
}

// What is recorded is not written. But the herald of an ordinary user opens streams to tell of their growth, and only
// root may do so against the mode; writing fails all the same.
mode_t attr_stream_mode(void)
{
    return geteuid() == 0 ? 0444 : 0644;
}

static int of_status(struct visit *v, struct stat *attr)
{
    struct slice text;
    int64_t changed_at_us;
    int error = status_show(v, &text, &changed_at_us);
    if (!error)
        file(v, 0444, text.size, changed_at_us, attr);
    return error;
}

static int of_spec(struct visit *v, struct stat *attr)
{
    struct document now;
    int error = document_now(v, &v->node, &now);
    // One that is damaged can be replaced.
    if (error && error != -EIO)
        return error;
    file(v, 0644, now.text.size, now.at_us, attr);
    return 0;
}

static int of_tenant(struct visit *v, struct stat *attr)
{
    struct log_end end = tenant_end(v->tenant);
    switch (v->node.kind) {
    case NODE_TENANT:
        directory(v, 0777, end.entities_at_us, attr);
        return 0;
    case NODE_TENANT_STREAM:
        file(v, attr_stream_mode(), end.size_bytes, end.at_us, attr);
        return 0;
    case NODE_REJECTED:
        file(v, attr_stream_mode(), end.rejected_bytes, end.rejected_at_us, attr);
        return 0;
    case NODE_TENANT_FOLLOW:
        file(v, 0444, 0, 0, attr);
        return 0;
    case NODE_SPEC:
        return of_spec(v, attr);
    case NODE_STATUS:
        return of_status(v, attr);
    default:
        file(v, 0666, 0, 0, attr);
        return 0;
    }
}

static int of_state(struct visit *v, struct stat *attr)
{
    struct head head;
    struct slice text = {0};
    int error = history_head_of(v->reader, v->node.number, &head);
    if (!error && head.version)
        error = document_show(v, v->node.number, head.version, head.last_at_us, &text);
    // Who has it open may still ask when the entity is gone.
    if (error && error != -ENOENT)
        return error;
    file(v, 0666, text.size, head.last_at_us, attr);
    return 0;
}

static int of_entity(struct visit *v, struct stat *attr)
{
    struct head head;
    int error = history_head_of(v->reader, v->node.number, &head);
    if (error)
        return error;
    switch (v->node.kind) {
    case NODE_ENTITY:
    case NODE_EVENTS:
        directory(v, 0777, head.last_at_us, attr);
        return 0;
    case NODE_ASOF:
        directory(v, 0555, 0, attr);
        return 0;
    case NODE_STREAM:
        file(v, attr_stream_mode(), head.size_bytes, head.last_at_us, attr);
        return 0;
    case NODE_FOLLOW:
        file(v, 0444, 0, 0, attr);
        return 0;
    default:
        file(v, 0666, 0, 0, attr);
        return 0;
    }
}

static int of_event(struct visit *v, struct stat *attr)
{
    struct event_row row;
    struct slice text;
    int error = history_event(v->reader, v->node.number, &row);
    if (error)
        return error;
    switch (v->node.kind) {
    case NODE_EVENT:
        file(v, 0444, row.line.size + 1, row.at_us, attr);
        return 0;
    case NODE_PAST_STATE:
        error = document_show(v, row.entity, row.version, row.at_us, &text);
        if (!error)
            file(v, 0444, text.size, row.at_us, attr);
        return error;
    default:
        directory(v, 0555, row.at_us, attr);
        return 0;
    }
}

static int of_moment(struct visit *v, struct stat *attr)
{
    struct event_row row;
    int error = history_event(v->reader, v->view->position, &row);
    if (error)
        return error;
    directory(v, 0555, row.at_us, attr);
    attr->st_ino = attr_inode(v);
    return 0;
}

// What a filter finds: of a past as old as that is, else as the log.
static int of_found(struct visit *v, struct stat *attr)
{
    struct event_row row;
    struct log_end end = tenant_end(v->tenant);
    uint64_t size = 0;
    int error = 0;
    if (v->view->position) {
        error = history_event(v->reader, v->view->position, &row);
        end = (struct log_end){.position = v->view->position, .at_us = error ? 0 : row.at_us};
    }
    if (!error && v->node.kind == NODE_FOUND_STATES)
        error = found_measure(v, end.position, &size);
    if (error)
        return error;
    if (v->node.kind == NODE_FOUND)
        directory(v, 0555, end.at_us, attr);
    else
        file(v, 0444, size, end.at_us, attr);
    return 0;
}

static int of_link(struct visit *v, struct stat *attr)
{
    BYTES_AUTO target = {0};
    int error = found_link(v, &target);
    if (error)
        return error;
    attr_common(v, own_id(v), S_IFLNK, target.size, 0, attr);
    attr->st_mode = S_IFLNK | 0777;
    return 0;
}

static int of_moment_entity(struct visit *v, struct stat *attr)
{
    struct event_place place;
    uint32_t version;
    int error = past_last(v->reader, v->node.number, v->view->position, &version, &place);
    if (error)
        return error;
    directory(v, 0555, place.at_us, attr);
    attr->st_ino = node_id(v->node.kind, v->node.tenant, place.position);
    return 0;
}

static int of_query(struct visit *v, struct stat *attr)
{
    uint64_t size;
    int64_t at_us;
    if (v->node.kind == NODE_QUERY) {
        directory(v, 0555, 0, attr);
    } else {
        int error = query_measure(v, &size, &at_us);
        if (error)
            return error;
        file(v, v->node.kind == NODE_QUERY_STREAM ? attr_stream_mode() : 0444, size, at_us, attr);
    }
    attr->st_ino = query_shown(v);
    return 0;
}

static int of_scratch(struct visit *v, struct stat *attr)
{
    const struct scratch *file = scratch_of(v->mount->scratch, v->node);
    if (!file)
        return -ESTALE;
    uint64_t id = node_id(NODE_SCRATCH, file->tenant, file->number);
    attr_common(v, id, S_IFREG | file->mode, file->data.size, 0, attr);
    attr->st_nlink = file->names;
    attr->st_uid = file->uid;
    attr->st_gid = file->gid;
    attr->st_mtim = file->modified;
    attr->st_ctim = file->changed;
    attr->st_atim = file->accessed;
    return 0;
}

int attr_get(struct visit *v, struct stat *attr, double *timeout_s)
{
    *timeout_s = 0;
    switch (v->node.kind) {
    case NODE_ROOT:
        *timeout_s = 1;
        return root(v, attr);
    case NODE_TENANT:
        *timeout_s = TIMEOUT_FOREVER_S;
        return of_tenant(v, attr);
    case NODE_TENANT_APPEND:
    case NODE_TENANT_IMPORT:
    case NODE_TENANT_STREAM:
    case NODE_TENANT_FOLLOW:
    case NODE_REJECTED:
    case NODE_SPEC:
    case NODE_STATUS:
        return of_tenant(v, attr);
    case NODE_ENTITY:
    case NODE_EVENTS:
    case NODE_ASOF:
        // The writer tells the kernel when they change.
        *timeout_s = TIMEOUT_FOREVER_S;
        return of_entity(v, attr);
    case NODE_APPEND:
    case NODE_ROLLBACK:
    case NODE_STREAM:
    case NODE_FOLLOW:
        return of_entity(v, attr);
    case NODE_STATE:
        return of_state(v, attr);
    case NODE_EVENT:
    case NODE_PAST:
    case NODE_PAST_STATE:
    case NODE_PAST_EVENTS:
        *timeout_s = TIMEOUT_FOREVER_S;
        return of_event(v, attr);
    case NODE_LOG:
    case NODE_DAY:
        return day_attr(v, attr, timeout_s);
    case NODE_TENANT_ASOF:
    case NODE_TENANT_FIND:
    case NODE_TENANT_QUERY:
        *timeout_s = TIMEOUT_FOREVER_S;
        directory(v, 0555, 0, attr);
        return 0;
    case NODE_FOUND:
    case NODE_FOUND_STATES:
        // Of today's nobody tells the kernel when it changes.
        *timeout_s = v->view->position ? TIMEOUT_FOREVER_S : 0;
        return of_found(v, attr);
    case NODE_FOUND_ALIAS:
    case NODE_QUERY_ALIAS:
    case NODE_FOUND_LINK:
        *timeout_s = TIMEOUT_FOREVER_S;
        return of_link(v, attr);
    case NODE_MOMENT:
    case NODE_MOMENT_FIND:
        *timeout_s = TIMEOUT_FOREVER_S;
        return of_moment(v, attr);
    case NODE_MOMENT_ENTITY:
    case NODE_MOMENT_EVENTS:
        *timeout_s = TIMEOUT_FOREVER_S;
        return of_moment_entity(v, attr);
    case NODE_QUERY:
    case NODE_QUERY_EVENTS:
    case NODE_QUERY_COUNT:
        *timeout_s = TIMEOUT_FOREVER_S;
        return of_query(v, attr);
    case NODE_QUERY_STREAM:
    case NODE_QUERY_FOLLOW:
        return of_query(v, attr);
    case NODE_SCRATCH:
        return of_scratch(v, attr);
    case NODE_HOOKS:
    case NODE_HOOK_FOLDER:
    case NODE_HOOK:
    case NODE_HOOK_LOG:
        return hook_attr(v, attr);
    case NODE_HOOK_DIRECTORY:
        return hook_directory_attr(v, attr);
    case NODE_HOOK_FILE:
    case NODE_HOOK_FILE_LAST:
    case NODE_NONE:
    case NODE_KINDS:
        break;
    }
    return node_is_hook_file(v->node.kind) ? hook_directory_attr(v, attr) : -ESTALE;
}
