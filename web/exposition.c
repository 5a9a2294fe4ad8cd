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

// Lines of each family.
struct said {
    bool any;
    struct bytes lines[FAMILIES];
};

// What reacts in a tenant is asked while it is open, who follows it each time.
struct exposition {
    const struct exporter_source *source;
    // The store is called without it: it closes tenants under a lock of its own, and tells us.
    pthread_mutex_t lock;
    struct said *reacting;  // (lock) by number of the tenant: what it said when it was asked last
    size_t reacting_count;  // (lock)
    struct said *following; // by number of the tenant
    size_t following_count;
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

static void begin_line(struct bytes *out, enum family family, const char *tenant)
{
    bytes_printf(out, "%s{tenant=\"%s\",", families[family].name, tenant);
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

static void say_metrics(struct said *said, const char *tenant, struct slice metrics)
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
    const char *tenant;
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

static void say_hooks(struct said *said, const char *tenant, struct slice hooks)
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

static void say(struct said *said, const char *tenant, struct slice whole)
{
    struct slice part;
    if (json_member(whole, "metrics", &part))
        say_metrics(said, tenant, part);
    if (json_member(whole, "hooks", &part))
        say_hooks(said, tenant, part);
    if (json_member(whole, "lake", &part))
        say_hook(said, &(struct hook_labels){tenant, SLICE("\"lake\""), SLICE("\"lake\"")}, part);
    said->any = true;
}

static void forget(struct said *said)
{
    for (unsigned i = 0; i < FAMILIES; i++)
        bytes_free(&said->lines[i]);
    said->any = false;
}

// The tenant is in use, or is being closed.
static void ask(void *context, struct tenant *tenant)
{
    struct exposition *x = context;
    struct said said = {0};
    BYTES_AUTO shown = {0};
    x->source->show_reacting(x->source->context, tenant, &shown);
    if (shown.failed)
        return;
    say(&said, tenant->name, bytes_slice(&shown));
    pthread_mutex_lock(&x->lock);
    if (GROW_TO(x->reacting, tenant->number, x->reacting_count)) {
        forget(&x->reacting[tenant->number]);
        x->reacting[tenant->number] = said;
        said = (struct said){0};
    }
    pthread_mutex_unlock(&x->lock);
    forget(&said);
}

static bool was_asked(struct exposition *x, uint32_t number)
{
    pthread_mutex_lock(&x->lock);
    bool any = number < x->reacting_count && x->reacting[number].any;
    pthread_mutex_unlock(&x->lock);
    return any;
}

// One that cannot be opened has nothing to say; the others do.
static void ask_reacting(struct exposition *x, uint32_t number)
{
    struct store *store = x->source->store;
    struct tenant *tenant;
    if (was_asked(x, number) ? store_get_open(store, number, &tenant) : store_get(store, number, &tenant))
        return;
    ask(x, tenant);
    store_put(store, tenant);
}

static void ask_following(struct exposition *x, const struct tenant_info *info)
{
    BYTES_AUTO shown = {0};
    x->source->show_following(x->source->context, info->number, &shown);
    if (shown.failed || !GROW_TO(x->following, info->number, x->following_count))
        return;
    struct said *said = &x->following[info->number];
    for (unsigned i = 0; i < FAMILIES; i++)
        bytes_clear(&said->lines[i]);
    say(said, info->name, bytes_slice(&shown));
}

// ---- the whole

// Tenants that are no more, from a number on.
static void forget_from(struct exposition *x, size_t from, size_t end)
{
    pthread_mutex_lock(&x->lock);
    for (size_t i = from; i < end && i < x->reacting_count; i++)
        forget(&x->reacting[i]);
    pthread_mutex_unlock(&x->lock);
    for (size_t i = from; i < end && i < x->following_count; i++)
        forget(&x->following[i]);
}

static void write_lines(const struct said *said, size_t count, enum family family, struct bytes *text)
{
    for (size_t i = 0; i < count; i++) {
        bytes_add_slice(text, bytes_slice(&said[i].lines[family]));
        text->failed |= said[i].lines[family].failed;
    }
}

static void write_family(struct exposition *x, enum family family, struct bytes *text)
{
    bytes_printf(text, "# HELP %s %s\n# TYPE %s %s\n", families[family].name, families[family].help,
        families[family].name, families[family].type);
    pthread_mutex_lock(&x->lock);
    write_lines(x->reacting, x->reacting_count, family, text);
    pthread_mutex_unlock(&x->lock);
    write_lines(x->following, x->following_count, family, text);
}

int exposition_write(struct exposition *x, struct bytes *text)
{
    struct tenant_info info = {0};
    uint32_t next = 1;
    bytes_clear(text);
    for (; store_from(x->source->store, next, &info) == 0; next = info.number + 1) {
        forget_from(x, next, info.number);
        ask_reacting(x, info.number);
        ask_following(x, &info);
    }
    forget_from(x, next, SIZE_MAX);
    for (enum family family = 0; family < FAMILIES; family++)
        write_family(x, family, text);
    return text->failed ? -ENOMEM : 0;
}

struct exposition *exposition_new(const struct exporter_source *source)
{
    struct exposition *x = calloc(1, sizeof *x);
    if (!x)
        return NULL;
    x->source = source;
    pthread_mutex_init(&x->lock, NULL);
    store_set_closing(source->store, ask, x);
    return x;
}

void exposition_free(struct exposition *x)
{
    if (!x)
        return;
    store_set_closing(x->source->store, NULL, NULL);
    forget_from(x, 0, SIZE_MAX);
    free(x->reacting);
    free(x->following);
    pthread_mutex_destroy(&x->lock);
    free(x);
}
