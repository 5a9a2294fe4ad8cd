#include "cli/leaves.h"

#include "store/grow.h"
#include "store/json.h"

#include <errno.h>
#include <stdlib.h>

static int by_path(const void *a, const void *b)
{
    return slice_compare((*(struct leaf *const *)a)->path, (*(struct leaf *const *)b)->path);
}

static int add_leaf(struct leaves *l, struct slice path, struct slice value)
{
    if (!GROW(l->all, l->count, l->room))
        return -ENOMEM;
    struct leaf *leaf = &l->all[l->count];
    struct bytes text = {.at = arena_get(&l->arena, value.size), .room = value.size};
    leaf->path = arena_copy(&l->arena, path);
    if (!text.at || !leaf->path.at)
        return -ENOMEM;
    json_minify(&text, value); // never longer
    leaf->value = bytes_slice(&text);
    l->count++;
    return 0;
}

// A name of letters, digits and the like stands for itself.
static bool is_plain(struct slice name)
{
    for (size_t i = 0; i < name.size; i++)
        if ((unsigned char)name.at[i] <= ' ' || name.at[i] == '.' || name.at[i] == '"' || name.at[i] == ':')
            return false;
    return name.size > 0;
}

static int add_name(struct bytes *path, struct slice key)
{
    BYTES_AUTO name = {0};
    json_decode(&name, key);
    if (path->size)
        bytes_add_char(path, '.');
    if (is_plain(bytes_slice(&name)))
        bytes_add_slice(path, bytes_slice(&name));
    else
        json_quote(path, bytes_slice(&name));
    return name.failed || path->failed ? -ENOMEM : 0;
}

static int add_members(struct leaves *l, struct bytes *path, struct slice object)
{
    struct json_cursor cursor = json_enter(object);
    size_t before = path->size;
    int error = 0;
    for (struct slice key, value, name, inner; !error && json_next_member(&cursor, &key, &value); path->size = before) {
        if (!before && key.at[1] == '$')
            continue;
        error = add_name(path, key);
        struct json_cursor within = json_enter(value);
        bool branches = json_kind(value) == JSON_OBJECT && json_next_member(&within, &name, &inner);
        if (!error)
            error = branches ? add_members(l, path, value) : add_leaf(l, bytes_slice(path), value);
    }
    return error;
}

int leaves_read(struct leaves *l, struct slice document)
{
    BYTES_AUTO path = {0};
    *l = (struct leaves){0};
    int error = document.size ? add_members(l, &path, document) : 0;
    if (!error)
        l->sorted = calloc(l->count + 1, sizeof *l->sorted);
    if (error || !l->sorted) {
        leaves_free(l);
        return -ENOMEM;
    }
    for (size_t i = 0; i < l->count; i++)
        l->sorted[i] = &l->all[i];
    qsort(l->sorted, l->count, sizeof *l->sorted, by_path);
    return 0;
}

void leaves_free(struct leaves *l)
{
    free(l->all);
    free(l->sorted);
    arena_free(&l->arena);
    *l = (struct leaves){0};
}

struct leaf *leaves_find(const struct leaves *l, struct slice path)
{
    struct leaf wanted = {.path = path}, *key = &wanted;
    struct leaf **found = bsearch(&key, l->sorted, l->count, sizeof *l->sorted, by_path);
    return found ? *found : NULL;
}
