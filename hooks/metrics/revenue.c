#include "hooks/metrics/revenue.h"

#include "hooks/metrics/metrics.h"
#include "hooks/metrics/revenue_side.h"
#include "hooks/metrics/subscription.h"
#include "store/json.h"
#include "store/tenant.h"

#include <errno.h>
#include <stdlib.h>

// Then is so long ago.
#define SPAN_US (30 * 86400 * WHEN_US_PER_SECOND)
// So many old events are looked at before the clock is.
#define EVENTS_AT_ONCE 16u

const char *const revenue_names[BUILT_INS + 1] = {
    [BUILT_IN_MRR] = "mrr",
    [BUILT_IN_ACTIVE] = "activeSubscriptions",
    [BUILT_IN_CHURN] = "churnRate",
    [BUILT_IN_NRR] = "nrr",
};

static bool is_subscription(struct slice noun)
{
    return slice_is(noun, "subscription");
}

static bool is_price(struct slice noun)
{
    return slice_is(noun, "price");
}

bool revenue_is_about(struct slice noun)
{
    return is_subscription(noun) || is_price(noun);
}

// ---- the whole

static enum metric_aggregate aggregate_of(unsigned sum)
{
    return sum == REVENUE_MONTHLY || sum == REVENUE_MONTHLY_THEN || sum == REVENUE_KEPT ? METRIC_SUM : METRIC_COUNT;
}

void revenue_open(struct revenue *r)
{
    *r = (struct revenue){.lag_us = INT64_MIN};
    for (unsigned i = 0; i < REVENUE_SUMS; i++)
        accumulator_clear(&r->sums[i], aggregate_of(i));
}

void revenue_close(struct revenue *r)
{
    for (unsigned i = 0; i < REVENUE_SUMS; i++)
        accumulator_clear(&r->sums[i], aggregate_of(i));
    links_clear(&r->links);
}

bool revenue_is_lost(const struct revenue *r)
{
    bool lost = false;
    for (unsigned i = 0; i < REVENUE_SUMS; i++)
        lost |= accumulator_is_lost(&r->sums[i]);
    return lost;
}

bool revenue_is_whole(const struct revenue *r)
{
    return r->cursor == METRIC_ALL && !revenue_is_lost(r);
}

static void lose(struct revenue *r)
{
    r->sums[0].lost = true;
}

// May there be a subscription at all? snake_case events may be of any noun.
static bool may_have_any(const struct tenant *t)
{
    for (uint32_t i = 1; i <= t->types.count; i++) {
        struct name_type type = name_stored_type(types_spelling(&t->types, i));
        if (type.style == NAME_SNAKE || (type.noun.size == 12 && !strncasecmp(type.noun.at, "subscription", 12)))
            return true;
    }
    return false;
}

void revenue_restart(struct metrics *all)
{
    struct revenue *r = &all->revenue;
    revenue_close(r);
    revenue_open(r);
    if (!may_have_any(all->tenant))
        r->cursor = METRIC_ALL;
    all->stamp++;
}

int revenue_value(const struct revenue *r, enum built_in which, struct fraction *value)
{
    DECIMAL_AUTO over = {0};
    DECIMAL_AUTO under = {0};
    DECIMAL_AUTO hundred = {0};
    int error = 0;
    switch (which) {
    case BUILT_IN_MRR:
        error = decimal_copy(&over, &r->sums[REVENUE_MONTHLY].sum);
        if (!error)
            error = decimal_set(&under, SUBSCRIPTION_PARTS);
        break;
    case BUILT_IN_ACTIVE:
        error = decimal_set(&over, r->sums[REVENUE_ACTIVE].count);
        if (!error)
            error = decimal_set(&under, 1);
        break;
    case BUILT_IN_CHURN:
        error = decimal_set(&over, 100 * r->sums[REVENUE_CHURNED].count);
        if (!error)
            error = decimal_set(&under, r->sums[REVENUE_ACTIVE_THEN].count);
        break;
    default:
        error = decimal_copy(&over, &r->sums[REVENUE_KEPT].sum);
        if (!error)
            error = decimal_copy(&under, &r->sums[REVENUE_MONTHLY_THEN].sum);
    }
    if (error)
        return error;
    // Nothing was there then, or it cost nothing (or less).
    if (decimal_is_zero(&under) || under.negative) {
        fraction_clear(value);
        return 0;
    }
    return fraction_set(value, &over, &under);
}

// ---- one subscription

// What a subscription that was so then, and is so now, contributes is added, or taken off.
static int contribute(struct metrics *all, uint64_t position, bool add, const struct side *then, const struct side *now)
{
    const struct {
        bool counts;
        const struct decimal *number;
    } each[REVENUE_SUMS] = {
        [REVENUE_ACTIVE] = {now->active, NULL},
        [REVENUE_MONTHLY] = {now->active, &now->monthly},
        [REVENUE_ACTIVE_THEN] = {then->active, NULL},
        [REVENUE_MONTHLY_THEN] = {then->active, &then->monthly},
        [REVENUE_CHURNED] = {then->active && now->ended, NULL},
        [REVENUE_KEPT] = {then->active && now->active, &now->monthly},
    };
    int error = 0;
    for (unsigned i = 0; !error && i < REVENUE_SUMS; i++)
        if (each[i].counts)
            error = metric_change(all, &all->revenue.sums[i], position, add, each[i].number);
    return error;
}

// ---- an event

static int read_then(struct metrics *all, struct reader *reader, uint64_t entity, struct side *then)
{
    STATE_AUTO state = NULL;
    const struct prices_of of = {.reader = reader, .position = all->revenue.lag};
    int error = side_state(reader, entity, all->revenue.lag, &state);
    return error ? error : side_read(&all->revenue.links, entity, state, &of, then);
}

// The first subscription: nothing before it has to be looked at. What is old by now is known to be of others.
static int begin(struct metrics *all, struct reader *reader)
{
    struct revenue *r = &all->revenue;
    int64_t now_us = when_now_us();
    struct log_end end = tenant_end(all->tenant);
    r->seen = true;
    r->lag_us = INT64_MIN;
    r->lag = 0;
    return end.position ? history_position_at(reader, (now_us > end.at_us ? now_us : end.at_us) - SPAN_US, &r->lag) : 0;
}

static int exchange(struct metrics *all, struct reader *reader, const struct prices_of *of, uint64_t position,
    uint64_t entity, const struct state *before, const struct state *after)
{
    SIDE_AUTO then = {0};
    SIDE_AUTO was = {0};
    SIDE_AUTO is = {0};
    struct revenue *r = &all->revenue;
    int error = r->seen ? 0 : begin(all, reader);
    if (!error)
        error = read_then(all, reader, entity, &then);
    if (!error)
        error = side_read(&r->links, entity, before, of, &was);
    if (!error)
        error = side_read(&r->links, entity, after, of, &is);
    if (!error)
        error = contribute(all, position, false, &then, &was);
    return error ? error : contribute(all, position, true, &then, &is);
}

// Does a price say the same before and after?
static bool same_price(const struct state *before, const struct state *after)
{
    static const char *const members[] = {"amount", "interval", "intervalCount"};
    for (unsigned i = 0; i < sizeof members / sizeof *members; i++) {
        struct slice was = {0}, is = {0};
        bool had = before && before->alive && json_member(before->fields, members[i], &was);
        bool has = after && after->alive && json_member(after->fields, members[i], &is);
        if (had != has || (had && !slice_equal(was, is)))
            return false;
    }
    return true;
}

// A price is another one for a subscription: of now, or (`then`) of 30 days ago.
struct repricing {
    struct metrics *all;
    struct transaction *tx;
    uint64_t position; // for the journal
    struct slice name;
    struct state *before, *after;
    bool of_then;
};

static int reprice_one(const struct repricing *p, uint64_t entity)
{
    SIDE_AUTO was_then = {0};
    SIDE_AUTO was_now = {0};
    SIDE_AUTO is_then = {0};
    SIDE_AUTO is_now = {0};
    STATE_AUTO then = NULL;
    STATE_AUTO now = NULL;
    struct revenue *r = &p->all->revenue;
    struct head head;
    struct prices_of of_then = {.reader = &p->tx->reader, .position = r->lag}, of_now = {.tx = p->tx};
    struct prices_of *changed = p->of_then ? &of_then : &of_now;
    int error = transaction_peek(p->tx, (struct slice){0}, entity, &head, &now);
    if (!error)
        error = side_state(&p->tx->reader, entity, r->lag, &then);
    changed->name = p->name;
    changed->instead = p->before;
    if (!error)
        error = side_read(&r->links, entity, then, &of_then, &was_then);
    if (!error)
        error = side_read(&r->links, entity, now, &of_now, &was_now);
    changed->instead = p->after;
    if (!error)
        error = side_read(&r->links, entity, then, &of_then, &is_then);
    if (!error)
        error = side_read(&r->links, entity, now, &of_now, &is_now);
    if (!error)
        error = contribute(p->all, p->position, false, &was_then, &was_now);
    return error ? error : contribute(p->all, p->position, true, &is_then, &is_now);
}

static int reprice(const struct repricing *p)
{
    struct revenue *r = &p->all->revenue;
    uint64_t hash = links_price(p->name);
    int error = 0;
    if (same_price(p->before, p->after))
        return 0;
    if (r->links.lost)
        lose(r);
    for (size_t i = 0; !error && i < r->links.count; i++)
        if (r->links.all[i].price == hash && r->links.all[i].entity <= r->cursor)
            error = reprice_one(p, r->links.all[i].entity);
    return error;
}

int revenue_added(struct metrics *all, struct transaction *tx, struct entity *e, struct slice noun, uint64_t position)
{
    struct revenue *r = &all->revenue;
    struct state *before = transaction_state_before(tx);
    const struct prices_of of = {.tx = tx};
    const struct repricing repricing = {
        .all = all, .tx = tx, .position = position, .name = entity_name(e), .before = before, .after = e->next_state};
    int error = 0;
    // There is another event that becomes old.
    if (r->lag_us == INT64_MAX)
        r->lag_us = INT64_MIN;
    if (revenue_is_lost(r))
        return 0;
    // What is not counted yet will be, as it is by then.
    if (is_price(noun))
        error = reprice(&repricing);
    else if (e->head.id <= r->cursor)
        error = exchange(all, &tx->reader, &of, position, e->head.id, before, e->next_state);
    // No event waits for what is damaged.
    if (error && error != -ENOMEM)
        lose(r);
    return error == -ENOMEM ? error : 0;
}

int revenue_changed(struct metrics *all, struct reader *reader, uint64_t entity, struct slice noun, struct slice name,
    const struct state *before, const struct state *after)
{
    struct revenue *r = &all->revenue;
    const struct prices_of of = {.reader = reader, .position = UINT64_MAX};
    // Which of both changed first is not known any more: all is counted anew.
    if (is_price(noun) && links_have(&r->links, name) && !same_price(before, after))
        lose(r);
    if (!is_subscription(noun) || entity > r->cursor || revenue_is_lost(r))
        return 0;
    return exchange(all, reader, &of, 0, entity, before, after);
}

// ---- what is not counted yet

static int count_entity(struct metrics *all, struct transaction *tx, uint64_t entity)
{
    SIDE_AUTO then = {0};
    SIDE_AUTO now = {0};
    STATE_AUTO state = NULL;
    struct head head;
    struct revenue *r = &all->revenue;
    const struct prices_of of = {.tx = tx};
    int error = r->seen ? 0 : begin(all, &tx->reader);
    if (!error)
        error = transaction_peek(tx, (struct slice){0}, entity, &head, &state);
    if (!error)
        error = read_then(all, &tx->reader, entity, &then);
    if (!error)
        error = side_read(&r->links, entity, state, &of, &now);
    if (!error)
        error = contribute(all, 0, true, &then, &now);
    // What is damaged has no state, and the log says so.
    return error == -EIO || error == -ENOENT ? 0 : error;
}

static int step(struct metrics *all, struct transaction *tx)
{
    char name[NAME_ENTITY_MAX], folded[NAME_ENTITY_MAX];
    uint64_t entity;
    size_t size;
    int error = history_entity_from(&tx->reader, all->revenue.cursor + 1, &entity, name, &size);
    if (error)
        return error;
    if (is_subscription(name_fold_noun(folded, (struct slice){.at = name, .size = size})))
        error = count_entity(all, tx, entity);
    if (!error)
        all->revenue.cursor = entity;
    return error;
}

static int rebuild(struct metrics *all, struct transaction *tx, int64_t until_ns)
{
    struct revenue *r = &all->revenue;
    int error = 0;
    while (!error && r->cursor != METRIC_ALL && when_steady_ns() < until_ns)
        error = step(all, tx);
    if (error != -ENOENT)
        return error;
    r->cursor = METRIC_ALL;
    all->stamp++;
    return 0;
}

// ---- what becomes old

// The event of a subscription is old from now on.
static int pass_subscription(struct metrics *all, struct transaction *tx, const struct event_row *row)
{
    SIDE_AUTO before = {0};
    SIDE_AUTO after = {0};
    SIDE_AUTO now = {0};
    STATE_AUTO state_now = NULL;
    STATE_AUTO state_after = NULL;
    struct head head;
    struct revenue *r = &all->revenue;
    const struct prices_of of_now = {.tx = tx}, of_then = {.reader = &tx->reader, .position = row->position};
    int error = transaction_peek(tx, (struct slice){0}, row->entity, &head, &state_now);
    if (!error)
        error = read_then(all, &tx->reader, row->entity, &before);
    if (!error)
        error = side_state(&tx->reader, row->entity, row->position, &state_after);
    if (!error)
        error = side_read(&r->links, row->entity, state_after, &of_then, &after);
    if (!error)
        error = side_read(&r->links, row->entity, state_now, &of_now, &now);
    if (!error)
        error = contribute(all, 0, false, &before, &now);
    return error ? error : contribute(all, 0, true, &after, &now);
}

static int pass_price(struct metrics *all, struct transaction *tx, const struct event_row *row, struct slice name)
{
    STATE_AUTO before = NULL;
    STATE_AUTO after = NULL;
    int error = side_state(&tx->reader, row->entity, row->position - 1, &before);
    if (!error)
        error = side_state(&tx->reader, row->entity, row->position, &after);
    const struct repricing repricing = {
        .all = all, .tx = tx, .name = name, .before = before, .after = after, .of_then = true};
    return error ? error : reprice(&repricing);
}

// Looks at the event behind the lag. 1 when it has become old; else 0 or -errno.
static int pass_one(struct metrics *all, struct transaction *tx, int64_t now_us)
{
    struct revenue *r = &all->revenue;
    struct event_row row;
    struct slice target;
    char name[NAME_ENTITY_MAX], folded[NAME_ENTITY_MAX];
    if (r->lag >= tx->end.position) {
        r->lag_us = INT64_MAX;
        return 0;
    }
    int error = engine_event(tx->reader.engine, r->lag + 1, &row);
    if (error)
        return error;
    r->lag_us = row.at_us;
    if (row.at_us > now_us - SPAN_US)
        return 0;
    if (!json_member(row.line, "target", &target) || target.size < 3 || target.size - 2 > sizeof name)
        return -EIO;
    memcpy(name, target.at + 1, target.size - 2);
    target = (struct slice){.at = name, .size = target.size - 2};
    struct slice noun = name_fold_noun(folded, target);
    if (is_subscription(noun))
        error = pass_subscription(all, tx, &row);
    else if (is_price(noun))
        error = pass_price(all, tx, &row, target);
    if (error)
        return error;
    r->lag++;
    r->lag_us = INT64_MIN;
    return 1;
}

static int catch_up(struct metrics *all, struct transaction *tx, int64_t until_ns)
{
    struct revenue *r = &all->revenue;
    int64_t now_us = when_now_us();
    now_us = now_us > tx->end.at_us ? now_us : tx->end.at_us;
    if (r->lag_us != INT64_MIN && r->lag_us != INT64_MAX && r->lag_us > now_us - SPAN_US)
        return 0;
    int old = 1;
    for (unsigned i = 1; old == 1 && !revenue_is_lost(r) && (i % EVENTS_AT_ONCE || when_steady_ns() < until_ns); i++)
        old = pass_one(all, tx, now_us);
    all->stamp += r->behind != (old == 1);
    r->behind = old == 1;
    // What is damaged cannot be told apart: all is counted anew, from behind it.
    if (old < 0 && old != -ENOMEM)
        lose(r);
    return old == -ENOMEM ? old : 0;
}

int revenue_pass(struct metrics *all, struct transaction *tx, int64_t until_ns)
{
    struct revenue *r = &all->revenue;
    if (revenue_is_lost(r))
        revenue_restart(all);
    int error = rebuild(all, tx, until_ns);
    if (!error && r->seen && r->cursor == METRIC_ALL)
        error = catch_up(all, tx, until_ns);
    return error;
}

int64_t revenue_due_us(const struct revenue *r)
{
    if (!revenue_is_whole(r) || r->behind)
        return INT64_MIN;
    if (!r->seen)
        return INT64_MAX;
    return r->lag_us == INT64_MIN || r->lag_us == INT64_MAX ? r->lag_us : r->lag_us + SPAN_US;
}

// ---- as text: `seen`, the sums, a line for each link, and a point, unless they are lost

void revenue_print(const struct revenue *r, struct bytes *out)
{
    bytes_printf(out, "%d\n", r->seen);
    for (unsigned i = 0; i < REVENUE_SUMS; i++)
        accumulator_print(&r->sums[i], out);
    for (size_t i = 0; i < r->links.count; i++)
        bytes_printf(out, "%016llx%016llx\n", (unsigned long long)r->links.all[i].price,
            (unsigned long long)r->links.all[i].entity);
    bytes_add_text(out, r->links.lost ? "" : ".");
}

static uint64_t read_hex(const char *at)
{
    char text[17] = "";
    memcpy(text, at, 16);
    return strtoull(text, NULL, 16);
}

int revenue_read(struct revenue *r, struct slice text)
{
    const size_t size = 33; // of a link's line
    if (text.size < 2)
        return -EINVAL;
    r->seen = text.at[0] == '1';
    text = (struct slice){.at = text.at + 2, .size = text.size - 2};
    int error = 0;
    for (unsigned i = 0; !error && i < REVENUE_SUMS; i++)
        error = accumulator_read(&r->sums[i], &text);
    for (; !error && text.size >= size; text.at += size, text.size -= size)
        links_add(&r->links, &(struct revenue_link){.price = read_hex(text.at), .entity = read_hex(text.at + 16)});
    if (!slice_is(text, "."))
        links_lose(&r->links);
    return error;
}
