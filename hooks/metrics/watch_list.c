#include "hooks/metrics/watch_list.h"
#include "hooks/hooks.h"

#include "hooks/handlers/handler.h"
#include "hooks/metrics/metrics.h"
#include "store/accept.h"
#include "store/grow.h"
#include "store/tenant.h"

#include <errno.h>
#include <inttypes.h>

// Room that the journal keeps between transactions, in changes.
#define JOURNAL_KEPT 1024u
#define RETRY_US     WHEN_US_PER_SECOND

// ---- the list

int watch_make(struct slice name, struct slice text, struct watch_in_force **made, struct reason *why)
{
    struct watch_in_force *w = calloc(1, sizeof *w);
    if (!w)
        return -ENOMEM;
    snprintf(w->name, sizeof w->name, "%.*s", SLICE_ARG(name));
    int error = watch_read(&w->watch, text, why);
    if (error) {
        free(w);
        return error;
    }
    *made = w;
    return 0;
}

void watch_drop(struct watch_in_force *w)
{
    if (!w)
        return;
    watch_free(&w->watch);
    fraction_free(&w->seen);
    free(w);
}

int watch_list_insert(struct watch_list *all, struct watch_in_force *w)
{
    if (!GROW(all->all, all->count, all->room))
        return -ENOMEM;
    size_t at = all->count;
    while (at && strcmp(all->all[at - 1]->name, w->name) > 0)
        at--;
    memmove(all->all + at + 1, all->all + at, (all->count - at) * sizeof *all->all);
    all->all[at] = w;
    all->count++;
    return 0;
}

static void drop_at(struct watch_list *all, size_t at)
{
    watch_drop(all->all[at]);
    memmove(all->all + at, all->all + at + 1, (--all->count - at) * sizeof *all->all);
}

// As the running transaction has it; NULL: there is none any more.
static struct metric *metric_of(const struct watch_list *all, struct watch_in_force *w)
{
    if (!w->metric || w->generation != all->metrics->generation) {
        w->metric = metrics_find(all->metrics, w->watch.metric);
        w->generation = all->metrics->generation;
    }
    return w->metric;
}

// Sees what there is now, without a word: it comes before what will be.
static void see(struct watch_list *all)
{
    for (size_t i = 0; i < all->count; i++) {
        struct metric *metric = metric_of(all, all->all[i]);
        const struct fraction *value = metric ? metric_value(all->metrics, metric) : NULL;
        if (!value || fraction_copy(&all->all[i]->seen, value))
            fraction_clear(&all->all[i]->seen);
    }
}

const struct watch_in_force *watch_list_at(struct watch_list *all, const struct metric *metric)
{
    for (size_t i = 0; i < all->count; i++)
        if (!all->all[i]->retired && metric_of(all, all->all[i]) == metric)
            return all->all[i];
    return NULL;
}

// ---- what is kept on disk: `SIDE HOME SINCE`

static int write_standing(struct watch_in_force *w, struct engine *engine)
{
    char text[64];
    const struct watch_standing *s = &w->standing;
    int size = snprintf(text, sizeof text, "%d %d %" PRId64, s->side, s->home, s->since_us);
    return engine_put_kept(engine, w->number, (struct slice){.at = text, .size = (size_t)size});
}

// One that is damaged is forgotten: an alert that comes twice is better than a watch that sees nothing any more.
static int read_standing(struct watch_list *all, struct watch_in_force *w, struct engine *engine)
{
    struct slice kept;
    struct watch_standing s;
    char text[64];
    int error = engine_kept(engine, w->number, &kept);
    if (!error)
        snprintf(text, sizeof text, "%.*s", SLICE_ARG(kept));
    if (!error && sscanf(text, "%d %d %" SCNd64, &s.side, &s.home, &s.since_us) != 3)
        error = -EIO;
    if (!error)
        w->standing = s;
    if (error == -EIO)
        fprintf(stderr, "factfs: tenant %s: what watch %s has seen is damaged: it begins anew\n", all->tenant->name,
            w->name);
    return error == -ENOENT || error == -EIO ? 0 : error;
}

int watch_list_write(struct watch_list *all, struct engine *engine)
{
    int error = 0;
    for (size_t i = 0; !error && i < all->count; i++)
        if (all->all[i]->unsaved && !all->all[i]->retired)
            error = write_standing(all->all[i], engine);
    return error;
}

// ---- opening and closing

static int read_one(struct watch_list *all, struct engine *engine, const struct hook_row *row, struct reason *why)
{
    struct watch_in_force *w = NULL;
    struct slice stem;
    if (!slice_is(row->folder, watch_kind.folder) || hook_is_script(&watch_kind, row->name) ||
        !hook_stem(&watch_kind, row->name, &stem))
        return 0;
    int error = watch_make(stem, row->text, &w, why);
    if (error)
        return error;
    w->number = row->number;
    error = read_standing(all, w, engine);
    if (!error)
        error = watch_list_insert(all, w);
    if (error) {
        watch_drop(w);
        return error;
    }
    w->raised = watch_is_raised(&w->watch, &w->standing);
    w->since_us = w->standing.since_us;
    return 0;
}

static int read_all(struct watch_list *all, struct engine *engine)
{
    struct hook_row row;
    uint64_t from = 0;
    int error;
    while (!(error = engine_hook_from(engine, from, &row))) {
        struct reason why = {0};
        char name[HOOK_NAME_MAX + 1];
        from = row.number + 1;
        snprintf(name, sizeof name, "%.*s", SLICE_ARG(row.name));
        error = read_one(all, engine, &row, &why);
        if (error == -ENOMEM)
            return error;
        // What an earlier version took must not keep the tenant from being opened.
        if (error)
            fprintf(stderr, "factfs: tenant %s: watch %s is not in force: %s\n", all->tenant->name, name,
                why.text[0] ? why.text : strerror(-error));
    }
    return error == -ENOENT ? 0 : error;
}

int watch_list_open(struct watch_list **opened, struct tenant *tenant, struct metrics *metrics,
    struct handlers *handlers, struct engine *engine, struct reason *why)
{
    struct watch_list *all = calloc(1, sizeof *all);
    if (!all)
        return -ENOMEM;
    all->tenant = tenant;
    all->metrics = metrics;
    all->handlers = handlers;
    all->retry_us = INT64_MIN;
    pthread_mutex_init(&all->lock, NULL);
    *opened = all;
    int error = read_all(all, engine);
    if (!error)
        see(all);
    return error
               ? reason_set(why, error, "tenant %s: its watches cannot be read: %s", tenant->name, engine_error(engine))
               : 0;
}

void watch_list_close(struct watch_list *all)
{
    if (!all)
        return;
    while (all->count)
        watch_drop(all->all[--all->count]);
    watch_drop(all->checked);
    free(all->all);
    free(all->journal);
    pthread_mutex_destroy(&all->lock);
    free(all);
}

// ---- one step

// What a watch has to tell of one look at its metric.
struct tiding {
    struct watch_in_force *watch;
    enum watch_news news;
    struct bytes value, previous; // as JSON
    int64_t since_us;
    struct entity *entity; // the alert, as the next
    uint64_t position;     // of its event; 0: it could not be recorded
};

static void forget_tidings(struct tiding *all, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bytes_free(&all[i].value);
        bytes_free(&all[i].previous);
    }
    free(all);
}

// Lets a watch stand otherwise from the event on that was added last.
static int stand(
    struct watch_list *all, struct transaction *tx, struct watch_in_force *w, struct watch_standing standing)
{
    if (!GROW(all->journal, all->journal_count, all->journal_room))
        return -ENOMEM;
    all->journal[all->journal_count++] =
        (struct watch_change){.position = tx->end.position, .watch = w, .before = w->standing};
    w->standing = standing;
    w->unsaved = true;
    all->changed = true;
    return 0;
}

static bool same_standing(const struct watch_standing *a, const struct watch_standing *b)
{
    return a->side == b->side && a->home == b->home && a->since_us == b->since_us;
}

// Looks at the metric. *told->news says what there is to tell; then the values are there, too.
static int look(struct watch_list *all, struct transaction *tx, struct watch_in_force *w, struct tiding *told)
{
    static const struct fraction null;
    struct metric *metric = metric_of(all, w);
    const struct fraction *value = metric ? metric_value(all->metrics, metric) : &null;
    struct watch_standing standing = w->standing;
    *told = (struct tiding){.watch = w};
    if (!value)
        return -ENOMEM;
    int error = watch_step(&w->watch, &standing, value, tx->at_us, &told->news);
    if (!error && !same_standing(&standing, &w->standing))
        error = stand(all, tx, w, standing);
    told->since_us = standing.since_us;
    if (!error && told->news != WATCH_QUIET)
        error = fraction_print(&told->value, value);
    if (!error && told->news != WATCH_QUIET)
        error = fraction_print(&told->previous, &w->seen);
    return error ? error : fraction_copy(&w->seen, value);
}

// ---- events

// What an event from outside raises is not refused; all else is bounded.
static int count_event(struct cascade *cascade, size_t bytes)
{
    int error = cascade->level ? cascade_enter(cascade, bytes, NULL) : 0;
    if (cascade->level && !error)
        cascade_leave(cascade);
    return error;
}

static int add_event(struct watch_list *all, struct transaction *tx, struct tiding *told, struct slice data)
{
    char type[NAME_TYPE_MAX], target[WATCH_NAME_MAX + 8], actor[WATCH_NAME_MAX + 8];
    snprintf(target, sizeof target, "alert_%s", told->watch->name);
    snprintf(actor, sizeof actor, "watch_%s", told->watch->name);
    struct event event = {.actor = slice_of(actor), .data = data};
    const char *verb = told->news == WATCH_RAISED ? "Raised" : "Resolved";
    int error = accept_type(tx, SLICE("Alert"), verb, type, &event.type);
    if (!error)
        error = transaction_entity(tx, slice_of(target), &told->entity);
    if (!error)
        error = count_event(&all->handlers->cascade, data.size);
    if (!error)
        error = transaction_add(tx, told->entity, &event, &told->position);
    if (error != -EMSGSIZE)
        return error;
    // An append must not fail because a tenant can have no more types, or the alert no more events.
    fprintf(stderr, "factfs: tenant %s: %s cannot have another event\n", tx->tenant->name, target);
    told->position = 0;
    return 0;
}

static int add_alert(struct watch_list *all, struct transaction *tx, struct tiding *told)
{
    const struct watch_in_force *w = told->watch;
    BYTES_AUTO data = {0};
    watch_print_alert(&data, &w->watch, slice_of(w->name), bytes_slice(&told->value), told->since_us);
    return data.failed ? -ENOMEM : add_event(all, tx, told, bytes_slice(&data));
}

// {"name","value","previous","threshold"}
static int run_script(struct watch_list *all, struct transaction *tx, const struct tiding *told)
{
    const struct watch_in_force *w = told->watch;
    char script[WATCH_NAME_MAX + 8];
    BYTES_AUTO metric = {0};
    snprintf(script, sizeof script, "%s%s", w->name, watch_kind.script);
    bytes_printf(&metric, "{\"name\":\"%.*s\",\"value\":", SLICE_ARG(w->watch.metric));
    bytes_add_slice(&metric, bytes_slice(&told->value));
    bytes_add_text(&metric, ",\"previous\":");
    bytes_add_slice(&metric, bytes_slice(&told->previous));
    bytes_add_text(&metric, ",\"threshold\":");
    bytes_add_slice(&metric, w->watch.threshold);
    bytes_add_char(&metric, '}');
    if (metric.failed)
        return -ENOMEM;
    return handlers_fire(all->handlers, tx, slice_of(script), bytes_slice(&metric), told->position);
}

// All alerts are recorded before what reacts to them can bring about that a value is another one again.
static int tell_all(struct watch_list *all, struct transaction *tx, struct tiding *tidings, size_t count)
{
    struct cascade *cascade = &all->handlers->cascade;
    int error = 0;
    for (size_t i = 0; !error && i < count; i++)
        error = add_alert(all, tx, &tidings[i]);
    cascade->level++;
    for (size_t i = 0; !error && i < count; i++)
        if (tidings[i].position)
            error = tx->tenant->reactor->after(tx->tenant->reaction, tx, tidings[i].entity, tidings[i].position);
    for (size_t i = 0; !error && i < count; i++)
        if (tidings[i].news == WATCH_RAISED && tidings[i].position)
            error = run_script(all, tx, &tidings[i]);
    cascade->level--;
    return error;
}

// What comes from outside begins to count anew what it sets off.
static void begin(struct watch_list *all)
{
    if (!all->handlers->cascade.level)
        all->handlers->cascade = (struct cascade){0};
}

int watch_list_look(struct watch_list *all, struct transaction *tx)
{
    struct tiding *tidings = NULL;
    size_t count = 0, room = 0;
    int error = 0;
    all->unlooked = false;
    if (!all->count || all->stamp == all->metrics->stamp)
        return 0;
    begin(all);
    all->stamp = all->metrics->stamp;
    for (size_t i = 0; !error && i < all->count; i++) {
        struct tiding told;
        if (all->all[i]->retired)
            continue;
        error = look(all, tx, all->all[i], &told);
        if (!error && told.news == WATCH_QUIET)
            continue;
        if (!error && !GROW(tidings, count, room))
            error = -ENOMEM;
        if (error) {
            bytes_free(&told.value);
            bytes_free(&told.previous);
        } else {
            tidings[count++] = told;
        }
    }
    if (!error)
        error = tell_all(all, tx, tidings, count);
    forget_tidings(tidings, count);
    return error;
}

void watch_list_added(struct watch_list *all)
{
    all->unlooked = true;
}

int watch_list_look_silently(struct watch_list *all, struct transaction *tx)
{
    int error = 0;
    if (!all->unlooked)
        return 0;
    all->unlooked = false;
    all->stamp = all->metrics->stamp;
    for (size_t i = 0; !error && i < all->count; i++) {
        struct tiding unsaid = {0};
        if (!all->all[i]->retired)
            error = look(all, tx, all->all[i], &unsaid);
        bytes_free(&unsaid.value);
        bytes_free(&unsaid.previous);
    }
    return error;
}

bool watch_list_want(struct watch_list *all)
{
    static const struct fraction null;
    if (!all->count || all->stamp == all->metrics->stamp)
        return false;
    for (size_t i = 0; i < all->count; i++) {
        const struct watch_in_force *w = all->all[i];
        struct metric *metric = metric_of(all, all->all[i]);
        const struct fraction *value = metric ? metric_value(all->metrics, metric) : &null;
        struct watch_standing standing = w->standing;
        enum watch_news news;
        if (value && !watch_step(&w->watch, &standing, value, standing.since_us, &news) &&
            (news != WATCH_QUIET || !same_standing(&standing, &w->standing)))
            return true;
    }
    all->stamp = all->metrics->stamp;
    see(all);
    return false;
}

int64_t watch_list_due_us(const struct watch_list *all)
{
    return all->count && all->stamp != all->metrics->stamp ? all->retry_us : INT64_MAX;
}

// ---- changes of watches

int watch_list_replace(
    struct watch_list *all, struct transaction *tx, struct watch_in_force *was, struct watch_in_force *now)
{
    struct tiding told[2] = {{.watch = was}, {0}}, *first = told;
    bool renamed = was && now && strcmp(was->name, now->name) != 0;
    bool crosses = was && was->watch.direction == WATCH_CROSS;
    int error = 0;
    begin(all);
    all->changed = true;
    // Where nothing but words for people has changed, it goes on as it stands.
    if (now && was && watch_same(&was->watch, &now->watch) && (!renamed || crosses))
        error = stand(all, tx, now, was->standing);
    if (!error && now)
        error = look(all, tx, now, &told[1]);
    if (!error && was && !crosses && watch_is_raised(&was->watch, &was->standing) &&
        (renamed || !now || !watch_is_raised(&now->watch, &now->standing))) {
        told[0].news = WATCH_RESOLVED;
        told[0].since_us = was->standing.since_us;
        error = fraction_print(&told[0].value, &was->seen);
    }
    size_t count = 2u - (told[1].news == WATCH_QUIET);
    if (told[0].news == WATCH_QUIET) {
        first++;
        count--;
    }
    if (!error)
        error = tell_all(all, tx, first, count);
    for (int i = 0; i < 2; i++) {
        bytes_free(&told[i].value);
        bytes_free(&told[i].previous);
    }
    return error;
}

void watch_list_undone(struct watch_list *all, uint64_t position)
{
    while (all->journal_count && all->journal[all->journal_count - 1].position > position) {
        const struct watch_change *change = &all->journal[--all->journal_count];
        change->watch->standing = change->before;
    }
    all->stamp = all->metrics->stamp;
    see(all);
}

// ---- the end of a transaction

// Those that the transaction made are no more, and those that it took away are back; or the other way round.
static void settle_list(struct watch_list *all, bool committed)
{
    for (size_t i = all->count; i > 0; i--) {
        struct watch_in_force *w = all->all[i - 1];
        if (committed ? w->retired : w->fresh)
            drop_at(all, i - 1);
        else
            w->retired = w->fresh = false;
    }
    watch_drop(all->checked);
    all->checked = NULL;
    all->taken = false;
}

void watch_list_settle(struct watch_list *all, bool committed)
{
    if (!committed) {
        watch_list_undone(all, 0);
        all->stamp = 0;
        all->unlooked = false;
    }
    all->retry_us = committed ? INT64_MIN : when_now_us() + RETRY_US;
    all->journal_count = 0;
    if (all->journal_room > JOURNAL_KEPT) {
        free(all->journal);
        all->journal = NULL;
        all->journal_room = 0;
    }
    if (!all->taken && !all->changed)
        return;
    pthread_mutex_lock(&all->lock);
    if (all->taken)
        settle_list(all, committed);
    for (size_t i = 0; i < all->count; i++) {
        struct watch_in_force *w = all->all[i];
        w->unsaved = false;
        w->raised = watch_is_raised(&w->watch, &w->standing);
        w->since_us = w->standing.since_us;
    }
    all->changed = false;
    pthread_mutex_unlock(&all->lock);
}

void watch_list_show_running(struct watch_list *all, struct bytes *out)
{
    size_t shown = 0;
    bytes_add_char(out, '[');
    for (size_t i = 0; i < all->count; i++) {
        const struct watch_in_force *w = all->all[i];
        BYTES_AUTO value = {0};
        if (w->retired || !watch_is_raised(&w->watch, &w->standing))
            continue;
        if (metrics_show_running_value(all->metrics, w->watch.metric, &value))
            bytes_add_text(&value, "null");
        bytes_add_text(out, shown++ ? "," : "");
        watch_print_alert(out, &w->watch, slice_of(w->name), bytes_slice(&value), w->standing.since_us);
    }
    bytes_add_char(out, ']');
}

// ---- any thread

void watch_list_show_alerts(struct watch_list *all, struct bytes *out)
{
    size_t shown = 0;
    bytes_add_char(out, '[');
    pthread_mutex_lock(&all->lock);
    for (size_t i = 0; i < all->count; i++) {
        const struct watch_in_force *w = all->all[i];
        BYTES_AUTO value = {0};
        if (!w->raised || w->fresh)
            continue;
        if (metrics_show_value(all->metrics, w->watch.metric, &value))
            bytes_add_text(&value, "null");
        if (shown++)
            bytes_add_char(out, ',');
        watch_print_alert(out, &w->watch, slice_of(w->name), bytes_slice(&value), w->since_us);
    }
    pthread_mutex_unlock(&all->lock);
    bytes_add_char(out, ']');
}

void watch_list_show(struct watch_list *all, struct bytes *out)
{
    char separator = '{';
    pthread_mutex_lock(&all->lock);
    for (size_t i = 0; i < all->count; i++) {
        const struct watch_in_force *w = all->all[i];
        char script[WATCH_NAME_MAX + 8];
        if (w->fresh)
            continue;
        bytes_printf(out, "%c\"%s\":", separator, w->name);
        snprintf(script, sizeof script, "%s%s", w->name, watch_kind.script);
        handlers_show_script(all->handlers, slice_of(script), out);
        separator = ',';
    }
    pthread_mutex_unlock(&all->lock);
    bytes_add_text(out, separator == '{' ? "{}" : "}");
}
