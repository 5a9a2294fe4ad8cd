#include "web/exposition.h"

#include "store/grow.h"
#include "store/json.h"
#include "store/store.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>

enum family { METRIC, LAG, AGE, ATTEMPTS, FAMILIES };

static const struct {
    const char *name, *type, *help;
} families[FAMILIES] = {
    [METRIC] = {"factfs_metric", "gauge", "Value of a metric."},
    [LAG] = {"factfs_hook_lag_events", "gauge", "Events that a hook wants and that are not done."},
    [AGE] = {"factfs_hook_oldest_age_seconds", "gauge", "Age of the oldest event that a hook has not done."},
    [ATTEMPTS] = {"factfs_webhook_attempts_total", "counter", "Attempts to send an event, by their outcome."},
};

// What a tenant said when it was looked at last: its lines of each family.
struct said {
    bool any;
    struct bytes lines[FAMILIES];
};

struct exposition {
    const struct exporter_source *source;
    // The store is called without it: it closes tenants under a lock of its own, and tells us.
    pthread_mutex_t lock;
    struct said *said; // (lock) by number of the tenant
    size_t count;      // (lock)
};

// ---- lines

// A quoted string of JSON as the value of a label: a backslash, a quote and a line end are escaped.
static void add_label(struct bytes *out, const char *name, struct slice quoted)
{
    BYTES_AUTO text = {0};
    json_decode(&text, quoted);
    bytes_printf(out, "%s=\"", name);
    for (size_t i = 0; i < text.size; i++) {
        if (text.at[i] == '\n')
            bytes_add_text(out, "\\n");
        else if (text.at[i] == '"' || text.at[i] == '\\')
            bytes_printf(out, "\\%c", text.at[i]);
        else
            bytes_add_char(out, text.at[i]);
    }
    bytes_add_char(out, '"');
    out->failed |= text.failed;
}

static void begin_line(struct bytes *out, enum family family, const struct tenant *tenant)
{
    bytes_printf(out, "%s{tenant=\"%s\",", families[family].name, tenant->name);
}

// A number as it stands, but for one that no double holds.
static void end_line(struct bytes *out, struct slice number)
{
    BYTES_AUTO text = {0};
    bytes_add_slice(&text, number);
    bytes_add_char(&text, '\0');
    double value = text.failed ? 0 : strtod(text.at, NULL);
    bytes_add_text(out, "} ");
    if (isinf(value))
        bytes_add_text(out, value > 0 ? "+Inf" : "-Inf");
    else
        bytes_add_slice(out, number);
    bytes_add_char(out, '\n');
    out->failed |= text.failed;
}

static bool number_member(struct slice object, const char *name, struct slice *number)
{
    return json_member(object, name, number) && json_kind(*number) == JSON_NUMBER;
}

static uint64_t count_member(struct slice object, const char *name)
{
    struct slice number;
    return number_member(object, name, &number) ? strtoull(number.at, NULL, 10) : 0;
}

// ---- a tenant

static void say_metrics(struct said *said, const struct tenant *tenant, struct slice metrics)
{
    struct json_cursor c = json_enter(metrics);
    struct bytes *out = &said->lines[METRIC];
    for (struct slice key, value; json_next_member(&c, &key, &value);) {
        if (json_kind(value) != JSON_NUMBER)
            continue;
        begin_line(out, METRIC, tenant);
        add_label(out, "name", key);
        end_line(out, value);
    }
}

// A hook's lines begin alike.
struct hook_labels {
    const struct tenant *tenant;
    struct slice kind, name;
};

static void say_of_hook(
    struct said *said, enum family family, const struct hook_labels *hook, const char *outcome, struct slice number)
{
    struct bytes *out = &said->lines[family];
    begin_line(out, family, hook->tenant);
    add_label(out, "kind", hook->kind);
    bytes_add_char(out, ',');
    add_label(out, "name", hook->name);
    if (outcome)
        bytes_printf(out, ",outcome=\"%s\"", outcome);
    end_line(out, number);
}

static void say_count(struct said *said, const struct hook_labels *hook, const char *outcome, uint64_t count)
{
    char text[24];
    snprintf(text, sizeof text, "%llu", (unsigned long long)count);
    say_of_hook(said, ATTEMPTS, hook, outcome, slice_of(text));
}

static void say_hook(struct said *said, const struct hook_labels *hook, struct slice about)
{
    struct slice number;
    if (number_member(about, "lag", &number))
        say_of_hook(said, LAG, hook, NULL, number);
    if (number_member(about, "oldestAge", &number))
        say_of_hook(said, AGE, hook, NULL, number);
    // What an integration attempts to send is a batch, what it counts as delivered an event.
    if (!json_key_is(hook->kind, "webhooks"))
        return;
    uint64_t attempts = count_member(about, "attempts"), delivered = count_member(about, "delivered");
    say_count(said, hook, "delivered", delivered);
    say_count(said, hook, "failed", attempts > delivered ? attempts - delivered : 0);
}

static void say_hooks(struct said *said, const struct tenant *tenant, struct slice hooks)
{
    struct json_cursor kinds = json_enter(hooks);
    struct hook_labels hook = {.tenant = tenant};
    for (struct slice all; json_next_member(&kinds, &hook.kind, &all);) {
        struct json_cursor c = json_enter(all);
        for (struct slice about; json_next_member(&c, &hook.name, &about);)
            if (json_kind(about) == JSON_OBJECT)
                say_hook(said, &hook, about);
    }
}

static void forget(struct said *said)
{
    for (unsigned i = 0; i < FAMILIES; i++)
        bytes_free(&said->lines[i]);
    said->any = false;
}

static void keep(struct exposition *x, uint32_t number, struct said *said)
{
    pthread_mutex_lock(&x->lock);
    if (GROW_TO(x->said, number, x->count)) {
        forget(&x->said[number]);
        x->said[number] = *said;
        *said = (struct said){0};
    }
    pthread_mutex_unlock(&x->lock);
    forget(said);
}

// The tenant is in use, or is being closed.
static void listen_to(void *context, struct tenant *tenant)
{
    struct exposition *x = context;
    struct said said = {.any = true};
    struct slice part;
    BYTES_AUTO shown = {0};
    x->source->show(x->source->context, tenant, &shown);
    if (shown.failed)
        return;
    if (json_member(bytes_slice(&shown), "metrics", &part))
        say_metrics(&said, tenant, part);
    if (json_member(bytes_slice(&shown), "hooks", &part))
        say_hooks(&said, tenant, part);
    keep(x, tenant->number, &said);
}

// ---- the whole

static bool has_said(struct exposition *x, uint32_t number)
{
    pthread_mutex_lock(&x->lock);
    bool any = number < x->count && x->said[number].any;
    pthread_mutex_unlock(&x->lock);
    return any;
}

// One that cannot be opened has nothing to say; the others do.
static void look_at(struct exposition *x, uint32_t number)
{
    struct store *store = x->source->store;
    struct tenant *tenant;
    if (has_said(x, number) ? store_get_open(store, number, &tenant) : store_get(store, number, &tenant))
        return;
    listen_to(x, tenant);
    store_put(store, tenant);
}

static void forget_from(struct exposition *x, size_t number, size_t end)
{
    pthread_mutex_lock(&x->lock);
    for (; number < end && number < x->count; number++)
        forget(&x->said[number]);
    pthread_mutex_unlock(&x->lock);
}

static void write_family(const struct exposition *x, enum family family, struct bytes *text)
{
    bytes_printf(text, "# HELP %s %s\n# TYPE %s %s\n", families[family].name, families[family].help,
        families[family].name, families[family].type);
    for (size_t number = 0; number < x->count; number++) {
        bytes_add_slice(text, bytes_slice(&x->said[number].lines[family]));
        text->failed |= x->said[number].lines[family].failed;
    }
}

int exposition_write(struct exposition *x, struct bytes *text)
{
    struct tenant_info info = {0};
    uint32_t next = 1;
    bytes_clear(text);
    for (; store_from(x->source->store, next, &info) == 0; next = info.number + 1) {
        // Those between are no more.
        forget_from(x, next, info.number);
        look_at(x, info.number);
    }
    forget_from(x, next, SIZE_MAX);
    pthread_mutex_lock(&x->lock);
    for (enum family family = 0; family < FAMILIES; family++)
        write_family(x, family, text);
    pthread_mutex_unlock(&x->lock);
    return text->failed ? -ENOMEM : 0;
}

struct exposition *exposition_new(const struct exporter_source *source)
{
    struct exposition *x = calloc(1, sizeof *x);
    if (!x)
        return NULL;
    x->source = source;
    pthread_mutex_init(&x->lock, NULL);
    store_set_closing(source->store, listen_to, x);
    return x;
}

void exposition_free(struct exposition *x)
{
    if (!x)
        return;
    store_set_closing(x->source->store, NULL, NULL);
    for (size_t i = 0; i < x->count; i++)
        forget(&x->said[i]);
    free(x->said);
    pthread_mutex_destroy(&x->lock);
    free(x);
}
