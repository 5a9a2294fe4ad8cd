#include "hooks/lake/reach.h"

#include "hooks/lake/metadata.h"
#include "hooks/lake/step.h"
#include "hooks/lake/stop.h"
#include "store/json.h"

#include <errno.h>
#include <stdlib.h>

#define ROOM_LEAST 1024u

void reach_clear(struct reach *reach)
{
    free(reach->slots);
    *reach = (struct reach){0};
}

static uint64_t hash_of(struct slice name)
{
    uint64_t hash = slice_hash(name);
    return hash ? hash : 1;
}

// Where the hash is, or would be. There is always a free slot.
static uint64_t *find(const struct reach *reach, uint64_t hash)
{
    size_t at = hash & (reach->room - 1);
    while (reach->slots[at] && reach->slots[at] != hash)
        at = (at + 1) & (reach->room - 1);
    return &reach->slots[at];
}

bool reach_has(const struct reach *reach, struct slice name)
{
    return reach->room && *find(reach, hash_of(name));
}

static bool grow(struct reach *reach)
{
    struct reach larger = {.room = reach->room ? reach->room * 2 : ROOM_LEAST, .count = reach->count};
    larger.slots = calloc(larger.room, sizeof *larger.slots);
    if (!larger.slots)
        return false;
    for (size_t i = 0; i < reach->room; i++) {
        if (reach->slots[i])
            *find(&larger, reach->slots[i]) = reach->slots[i];
    }
    free(reach->slots);
    *reach = larger;
    return true;
}

bool reach_add(struct reach *reach, struct slice name)
{
    if (reach->count * 2 >= reach->room && !grow(reach)) {
        reach->failed = true;
        return false;
    }
    uint64_t hash = hash_of(name), *slot = find(reach, hash);
    if (*slot)
        return false;
    *slot = hash;
    reach->count++;
    return true;
}

static int take(const struct reach_walk *walk, struct slice name, bool *is_new)
{
    *is_new = !(walk->except && reach_has(walk->except, name)) && reach_add(walk->seen, name);
    if (walk->seen->failed)
        return -ENOMEM;
    return *is_new && walk->visit ? walk->visit(walk->context, name) : 0;
}

static int take_entry(void *context, const struct manifest_entry *entry)
{
    const struct reach_walk *walk = context;
    bool is_new;
    return entry->status == ENTRY_DELETED && !walk->also_deleted ? 0 : take(walk, entry->file.path, &is_new);
}

static int take_manifest(
    struct committer *committer, const struct manifest *row, const struct reach_walk *walk, struct reason *why)
{
    struct reach_walk within = *walk;
    bool is_new;
    int error = take(walk, row->path, &is_new);
    return error || !is_new ? error : committer_manifest(committer, row, take_entry, &within, why);
}

int reach_walk(struct committer *committer, struct slice snapshot, const struct reach_walk *walk, struct reason *why)
{
    ARENA_AUTO arena = {0};
    BYTES_AUTO list = {0};
    struct manifest *rows;
    size_t count;
    bool is_new;
    if (!metadata_text(snapshot, "manifest-list", &list))
        return reason_set(why, -ENOTSUP, "a snapshot of the table has no list of manifests");
    int error = list.failed ? -ENOMEM : take(walk, bytes_slice(&list), &is_new);
    if (!error)
        error = committer_list(committer, bytes_slice(&list), &arena, &rows, &count, why);
    for (size_t i = 0; !error && i < count; i++)
        error = take_manifest(committer, &rows[i], walk, why);
    return error;
}

// ---- what a table no longer reaches

int reach_hint(struct committer *c, struct reason *why)
{
    BYTES_AUTO hint = {0};
    char number[24];
    if (!c->table.number)
        return 0;
    snprintf(number, sizeof number, "%llu", (unsigned long long)c->table.number);
    int error = objects_get(c->table.objects, LAKE_HINT, &hint, why);
    if (error || slice_is(bytes_slice(&hint), number))
        return error;
    return objects_put(c->table.objects, LAKE_HINT, slice_of(number), 0, why);
}

// What others have found out about the data, and keep beside it.
static int add_statistics(struct committer *c, const char *member, struct reach *reach)
{
    struct slice all, one;
    if (!json_member(committer_metadata(c), member, &all) || json_kind(all) != JSON_ARRAY)
        return 0;
    for (struct json_cursor cursor = json_enter(all); json_next_element(&cursor, &one);) {
        BYTES_AUTO path = {0};
        if (json_kind(one) == JSON_OBJECT && metadata_text(one, "statistics-path", &path))
            reach_add(reach, bytes_slice(&path));
        if (path.failed || reach->failed)
            return -ENOMEM;
    }
    return 0;
}

int reach_table(struct committer *c, struct reach *reach, struct reason *why)
{
    struct slice all, snapshot;
    int error = add_statistics(c, "statistics", reach);
    if (!error)
        error = add_statistics(c, "partition-statistics", reach);
    if (error || !json_member(committer_metadata(c), "snapshots", &all) || json_kind(all) != JSON_ARRAY)
        return error;
    for (struct json_cursor cursor = json_enter(all); !error && json_next_element(&cursor, &snapshot);)
        error = stop_is_set(c->stop) ? -ECANCELED : reach_walk(c, snapshot, &(struct reach_walk){.seen = reach}, why);
    return error;
}

int reach_remove(struct committer *c, const struct reach *live, struct slice key, bool *stays, struct reason *why)
{
    BYTES_AUTO uri = {0};
    bytes_printf(&uri, "%s/%.*s", c->table.objects->root, SLICE_ARG(key));
    *stays = !uri.failed && reach_has(live, bytes_slice(&uri));
    bytes_add_char(&uri, '\0');
    if (uri.failed)
        return -ENOMEM;
    if (*stays)
        return 0;
    lake_step("removing");
    return objects_remove(c->table.objects, uri.at + strlen(c->table.objects->root) + 1, why);
}
