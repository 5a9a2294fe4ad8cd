#include "hooks/handler.h"

#include "hooks/hooks.h"
#include "hooks/verb.h"
#include "store/json.h"
#include "store/tenant.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

// Texts of all handlers of a tenant are in memory, compiled.
#define HANDLER_TEXT_BYTES (size_t)(256 << 10)
#define HANDLERS_MAX       1000u

struct handlers {
    struct tenant *tenant;
    struct scripts *scripts;
    struct handler **all; // by the bytes of their names
    size_t count, room;
    struct handler *checked; // what was read last, not in force
    bool taken;              // something since the last settling
};

// ---- names

static bool is_noun(struct slice s)
{
    if (slice_is(s, "*"))
        return true;
    for (size_t i = 0; i < s.size; i++)
        if (!isalnum((unsigned char)s.at[i]))
            return false;
    return s.size && isalpha((unsigned char)s.at[0]);
}

static bool is_snake(struct slice s)
{
    for (size_t i = 0; i < s.size; i++)
        if (!isalnum((unsigned char)s.at[i]) && s.at[i] != '_')
            return false;
    return s.size && isalpha((unsigned char)s.at[0]) && memchr(s.at, '_', s.size);
}

static bool is_label(struct slice s)
{
    for (size_t i = 0; i < s.size; i++)
        if (!isalnum((unsigned char)s.at[i]) && !strchr("._:-", s.at[i]))
            return false;
    return s.size > 0;
}

// Takes what stands before the next dot.
static struct slice part(struct slice *rest)
{
    const char *dot = rest->size ? memchr(rest->at, '.', rest->size) : NULL;
    struct slice taken = {.at = rest->at, .size = dot ? (size_t)(dot - rest->at) : rest->size};
    size_t used = dot ? taken.size + 1 : taken.size;
    *rest = (struct slice){.at = rest->at + used, .size = rest->size - used};
    return taken;
}

int handler_read_name(
    struct slice name, struct slice *noun, struct slice *verb, enum handler_time *time, struct reason *why)
{
    struct slice rest;
    if (!hook_stem(&handler_kind, name, &rest))
        return reason_set(why, -EACCES, "a handler's name ends in .js");
    bool labelled = rest.size && memchr(rest.at, '.', rest.size);
    *noun = part(&rest);
    labelled = labelled && rest.size && memchr(rest.at, '.', rest.size);
    *verb = part(&rest);
    if (!is_noun(*noun))
        return reason_set(why, -EACCES, "a handler's name begins with a noun such as Deal, or with *");
    if (labelled && !is_label(rest))
        return reason_set(why, -EACCES, "behind NOUN.VERB a name has letters, digits, and . _ : - only");
    *time = HANDLER_AFTER;
    if (slice_is(*verb, "*") || is_snake(*verb))
        return 0;
    if (verb_is_gerund(*verb))
        *time = HANDLER_BEFORE;
    else if (!verb_is_past(*verb))
        return reason_set(why, -EACCES,
            "%.*s is neither a gerund such as closing (before the event) nor a past such as closed (after it)",
            (int)(verb->size < 60 ? verb->size : 60), verb->at);
    return 0;
}

// ---- the list

static int compare(struct slice a, struct slice b)
{
    size_t size = a.size < b.size ? a.size : b.size;
    int order = size ? memcmp(a.at, b.at, size) : 0;
    return order ? order : (a.size > b.size) - (a.size < b.size);
}

static void free_handler(struct handler *h)
{
    if (!h)
        return;
    script_free(h->script);
    bytes_free(&h->name);
    free(h);
}

static int read_handler(
    struct handlers *all, struct slice name, struct slice text, struct handler **read, struct reason *why)
{
    struct handler *h = calloc(1, sizeof *h);
    if (!h)
        return -ENOMEM;
    h->handlers = all;
    bytes_add_slice(&h->name, name);
    int error = h->name.failed ? -ENOMEM : handler_read_name(bytes_slice(&h->name), &h->noun, &h->verb, &h->time, why);
    if (!error)
        error = script_read(all->scripts, name, text, &h->script, why);
    if (error) {
        free_handler(h);
        return error;
    }
    *read = h;
    return 0;
}

static struct handler *drop(struct handlers *all, uint64_t number)
{
    for (size_t i = 0; i < all->count; i++)
        if (all->all[i]->number == number) {
            struct handler *h = all->all[i];
            memmove(all->all + i, all->all + i + 1, (--all->count - i) * sizeof *all->all);
            return h;
        }
    return NULL;
}

static int insert(struct handlers *all, struct handler *h)
{
    if (all->count == all->room) {
        size_t room = all->room ? all->room * 2 : 16;
        struct handler **more = reallocarray(all->all, room, sizeof *more);
        if (!more)
            return -ENOMEM;
        all->all = more;
        all->room = room;
    }
    size_t at = all->count;
    while (at && compare(bytes_slice(&all->all[at - 1]->name), bytes_slice(&h->name)) > 0)
        at--;
    memmove(all->all + at + 1, all->all + at, (all->count - at) * sizeof *all->all);
    all->all[at] = h;
    all->count++;
    return 0;
}

static void forget_checked(struct handlers *all)
{
    free_handler(all->checked);
    all->checked = NULL;
}

// ---- the kind

static struct handlers *handlers_of(void *self)
{
    return ((struct reaction *)self)->handlers;
}

static int names(struct slice name, struct reason *why)
{
    struct slice noun, verb;
    enum handler_time time;
    return handler_read_name(name, &noun, &verb, &time, why);
}

static int check(void *self, struct slice name, struct slice text, struct bytes *data, struct reason *why)
{
    struct handlers *all = handlers_of(self);
    struct slice stem;
    forget_checked(all);
    if (all->count >= HANDLERS_MAX)
        return reason_set(why, -ENOSPC, "a tenant has at most %u handlers", HANDLERS_MAX);
    int error = read_handler(all, name, text, &all->checked, why);
    if (error)
        return error;
    hook_stem(&handler_kind, name, &stem);
    bytes_add_text(data, "{\"name\":");
    json_quote(data, stem);
    bytes_add_text(data, ",\"source\":");
    json_quote(data, text);
    bytes_add_char(data, '}');
    return data->failed ? -ENOMEM : 0;
}

static int take(void *self, enum hook_change change, const struct hook_row *row)
{
    struct handlers *all = handlers_of(self);
    if (change == HOOK_CONFIRMED)
        return 0;
    all->taken = true;
    struct handler *now = NULL;
    if (change != HOOK_REMOVED) {
        now = all->checked;
        all->checked = NULL;
        if (!now)
            return -EINVAL;
        now->number = row->number;
    }
    free_handler(drop(all, row->number));
    int error = now ? insert(all, now) : 0;
    if (error)
        free_handler(now);
    return error;
}

const struct hook_kind handler_kind = {
    .folder = "handlers",
    .extensions = ".js ",
    .noun = "Handler",
    .made = "Created",
    .changed = "Updated",
    .removed = "Deleted",
    .mode = 0644,
    .text_max = HANDLER_TEXT_BYTES,
    .names = names,
    .check = check,
    .take = take,
};

// ---- opening and closing

static void forget_all(struct handlers *all)
{
    while (all->count)
        free_handler(all->all[--all->count]);
    forget_checked(all);
}

static int load(struct handlers *all, struct engine *engine)
{
    struct hook_row row;
    uint64_t from = 0;
    int error;
    forget_all(all);
    while (!(error = engine_hook_from(engine, from, &row))) {
        struct reason why = {0};
        struct handler *h = NULL;
        from = row.number + 1;
        if (!slice_is(row.folder, handler_kind.folder))
            continue;
        error = read_handler(all, row.name, row.text, &h, &why);
        if (!error) {
            h->number = row.number;
            error = insert(all, h);
        }
        if (error) {
            free_handler(h);
            // What an earlier version took must not keep the tenant from being opened.
            fprintf(stderr, "factfs: tenant %s: handler %.*s is not in force: %s\n", all->tenant->name,
                SLICE_ARG(row.name), why.text[0] ? why.text : strerror(-error));
        }
    }
    return error == -ENOENT ? 0 : error;
}

int handlers_open(struct handlers **opened, struct tenant *tenant, struct engine *engine, struct reason *why)
{
    struct handlers *all = calloc(1, sizeof *all);
    if (!all)
        return -ENOMEM;
    all->tenant = tenant;
    *opened = all;
    int error = scripts_open(&all->scripts);
    if (!error)
        error = load(all, engine);
    return error ? reason_set(
                       why, error, "tenant %s: its handlers cannot be read: %s", tenant->name, engine_error(engine))
                 : 0;
}

void handlers_close(struct handlers *all)
{
    if (!all)
        return;
    forget_all(all);
    free(all->all);
    scripts_close(all->scripts);
    free(all);
}

void handlers_settle(struct handlers *all, struct engine *engine, bool committed)
{
    if (!committed && all->taken && load(all, engine))
        fprintf(
            stderr, "factfs: tenant %s: its handlers cannot be read: %s\n", all->tenant->name, engine_error(engine));
    all->taken = false;
}
