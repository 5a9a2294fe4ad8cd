#include "hooks/handlers/handler.h"

#include "hooks/handlers/dollar.h"
#include "hooks/handlers/verb.h"
#include "hooks/hooks.h"

#include "store/grow.h"
#include "store/json.h"
#include "store/tenant.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

// Texts of all handlers of a tenant are in memory, compiled.
#define HANDLER_TEXT_BYTES (size_t)(256 << 10)
#define HANDLERS_MAX       1000u

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

static void free_record(struct handler_record *record)
{
    if (record)
        bytes_free(&record->log);
    free(record);
}

static void free_handler(struct handler *h)
{
    if (!h)
        return;
    free_record(h->record);
    script_free(h->script);
    bytes_free(&h->name);
    free(h);
}

static int read_handler(struct handlers *all, struct slice name, struct slice text, bool of_watch,
    struct handler **read, struct reason *why)
{
    struct handler *h = calloc(1, sizeof *h);
    if (!h)
        return -ENOMEM;
    h->handlers = all;
    h->record = calloc(1, sizeof *h->record);
    bytes_add_slice(&h->name, name);
    h->time = HANDLER_OF_WATCH;
    hook_stem(&handler_kind, bytes_slice(&h->name), &h->stem);
    int error = h->name.failed || !h->record ? -ENOMEM : 0;
    if (!error && !of_watch)
        error = handler_read_name(bytes_slice(&h->name), &h->noun, &h->verb, &h->time, why);
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
            all->reacting -= h->time != HANDLER_OF_WATCH;
            return h;
        }
    return NULL;
}

static int insert(struct handlers *all, struct handler *h)
{
    if (!GROW(all->all, all->count, all->room))
        return -ENOMEM;
    size_t at = all->count;
    while (at && slice_compare(bytes_slice(&all->all[at - 1]->name), bytes_slice(&h->name)) > 0)
        at--;
    memmove(all->all + at + 1, all->all + at, (all->count - at) * sizeof *all->all);
    all->all[at] = h;
    all->count++;
    all->reacting += h->time != HANDLER_OF_WATCH;
    return 0;
}

static void forget_checked(struct handlers *all)
{
    free_handler(all->checked);
    all->checked = NULL;
}

int handlers_choose(
    struct handlers *all, struct slice name, const struct slice *text, struct handler **handler, struct reason *why)
{
    *handler = NULL;
    for (size_t i = 0; i < all->count; i++)
        if (all->all[i]->time != HANDLER_OF_WATCH && slice_equal(bytes_slice(&all->all[i]->name), name))
            *handler = all->all[i];
    if (!text)
        return 0;
    struct handler *fresh;
    int error = read_handler(all, name, *text, false, &fresh, why);
    if (error)
        return error;
    free_handler(*handler ? drop(all, (*handler)->number) : NULL);
    error = insert(all, fresh);
    if (error)
        free_handler(fresh);
    *handler = error ? NULL : fresh;
    return error;
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

static int check_text(struct handlers *all, enum hook_change change, struct slice name, struct slice text,
    bool of_watch, struct bytes *data, struct reason *why)
{
    forget_checked(all);
    if (change == HOOK_MADE && all->count >= HANDLERS_MAX)
        return reason_set(why, -ENOSPC, "a tenant has at most %u handlers", HANDLERS_MAX);
    int error = read_handler(all, name, text, of_watch, &all->checked, why);
    if (error)
        return error;
    bytes_add_text(data, "{\"name\":");
    json_quote(data, all->checked->stem);
    bytes_add_text(data, ",\"source\":");
    json_quote(data, text);
    bytes_add_char(data, '}');
    return data->failed ? -ENOMEM : 0;
}

static int check(
    void *self, enum hook_change change, struct slice name, struct slice text, struct bytes *data, struct reason *why)
{
    return check_text(handlers_of(self), change, name, text, false, data, why);
}

int handlers_check_script(struct handlers *all, enum hook_change change, struct slice name, struct slice text,
    struct bytes *data, struct reason *why)
{
    return check_text(all, change, name, text, true, data, why);
}

int handlers_take(struct handlers *all, enum hook_change change, const struct hook_row *row)
{
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
    pthread_mutex_lock(&all->lock);
    struct handler *was = drop(all, row->number);
    int error = now ? insert(all, now) : 0;
    if (was && now) {
        struct handler_record *fresh = now->record;
        now->record = was->record;
        was->record = fresh;
        now->record->failing = false;
    }
    pthread_mutex_unlock(&all->lock);
    free_handler(was);
    if (error)
        free_handler(now);
    return error;
}

static int take(void *self, enum hook_change change, const struct hook_row *row)
{
    return handlers_take(handlers_of(self), change, row);
}

const struct hook_kind handler_kind = {
    .folder = "handlers",
    .log = ".log",
    .extension = ".js",
    .noun = "Handler",
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

// Gives each handler the record that it had before.
static void keep_records(struct handlers *all, struct handler **before, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < all->count; k++)
            if (all->all[k]->number == before[i]->number) {
                struct handler_record *fresh = all->all[k]->record;
                all->all[k]->record = before[i]->record;
                before[i]->record = fresh;
            }
}

static int read_all(struct handlers *all, struct engine *engine)
{
    struct hook_row row;
    uint64_t from = 0;
    int error;
    while (!(error = engine_hook_from(engine, from, &row))) {
        struct reason why = {0};
        struct handler *h = NULL;
        from = row.number + 1;
        bool of_watch = slice_is(row.folder, watch_kind.folder);
        if (of_watch ? !hook_is_script(&watch_kind, row.name) : !slice_is(row.folder, handler_kind.folder))
            continue;
        error = read_handler(all, row.name, row.text, of_watch, &h, &why);
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

static int load(struct handlers *all, struct engine *engine)
{
    struct handler **before = all->all;
    size_t count = all->count;
    forget_checked(all);
    pthread_mutex_lock(&all->lock);
    all->all = NULL;
    all->count = all->room = all->reacting = 0;
    int error = read_all(all, engine);
    keep_records(all, before, count);
    pthread_mutex_unlock(&all->lock);
    for (size_t i = 0; i < count; i++)
        free_handler(before[i]);
    free(before);
    return error;
}

int handlers_open(struct handlers **opened, struct tenant *tenant, struct engine *engine, struct reason *why)
{
    struct handlers *all = calloc(1, sizeof *all);
    if (!all)
        return -ENOMEM;
    all->tenant = tenant;
    *opened = all;
    pthread_mutex_init(&all->lock, NULL);
    int error = scripts_open(&all->scripts, dollar_prepare);
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
    pthread_mutex_destroy(&all->lock);
    free(all);
}

// ---- logs

// Forgets the oldest pieces past the limit.
static int trim_log(struct handler *h, struct engine *engine)
{
    struct handler_record *r = h->record;
    uint64_t number = 0;
    struct slice text;
    int error = 0;
    while (!error && r->log_bytes > HANDLER_LOG_BYTES) {
        error = engine_hook_log_from(engine, h->number, &number, &text);
        if (!error)
            r->log_bytes -= text.size < r->log_bytes ? text.size : r->log_bytes;
        number++;
        if (!error)
            error = engine_drop_hook_log(engine, h->number, number);
    }
    return error == -ENOENT ? 0 : error;
}

static int write_log(struct handler *h, struct engine *engine)
{
    struct handler_record *r = h->record;
    int error = r->log_next ? 0 : engine_hook_log_end(engine, h->number, &r->log_bytes, &r->log_next);
    if (!error)
        error = engine_put_hook_log(engine, h->number, r->log_next, bytes_slice(&r->log));
    if (error)
        return error;
    r->log_next++;
    r->log_bytes += r->log.size;
    r->log_written = r->log.size;
    return trim_log(h, engine);
}

int handlers_write(struct handlers *all, struct engine *engine)
{
    int error = 0;
    for (size_t i = 0; !error && i < all->count; i++)
        if (all->all[i]->record->log.size && !all->all[i]->record->log.failed)
            error = write_log(all->all[i], engine);
    return error;
}

// What was not committed is written with the next transaction, at an end that must be read again.
static void settle_log(struct handler_record *r, bool committed)
{
    if (committed && r->log_written)
        bytes_trim(&r->log, 4096);
    if (!committed)
        r->log_next = 0;
    r->log_written = 0;
}

void handlers_settle(struct handlers *all, struct engine *engine, bool committed)
{
    for (size_t i = 0; i < all->count; i++)
        settle_log(all->all[i]->record, committed);
    if (!committed && all->taken && load(all, engine))
        fprintf(
            stderr, "factfs: tenant %s: its handlers cannot be read: %s\n", all->tenant->name, engine_error(engine));
    all->taken = false;
}
