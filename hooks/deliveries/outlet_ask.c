// What an outlet answers about its receivers, and what it is told to send again.
#include "hooks/deliveries/outlet.h"
#include "hooks/deliveries/report.h"

#include <errno.h>
#include <stdlib.h>

// Lines are answered in pieces of about this size.
#define PIECE_BYTES ((size_t)1 << 20)

void outlet_show(const struct outlet *o, const struct queue *q, struct bytes *out, int64_t now_us)
{
    report_status(out, q, q->events + q->counted_events, queue_oldest_us(q, o->reader), now_us);
}

static int show_attempts(struct outlet *o, const struct queue *q, struct follower_ask *ask)
{
    struct outbox_attempts row = {
        .number = q->row.last_attempt > QUEUE_ATTEMPTS_KEPT ? q->row.last_attempt - QUEUE_ATTEMPTS_KEPT : 0};
    uint64_t kept_from = row.number;
    if (ask->from > row.number)
        row.number = ask->from;
    int error;
    while (!(error = outbox_attempts_from(o->reader->engine, q->row.hook, row.number + 1, &row))) {
        struct slice lines = row.lines;
        for (uint64_t line = row.number - row.count; line < kept_from && lines.size; line++) {
            size_t size = (size_t)((const char *)memchr(lines.at, '\n', lines.size) - lines.at) + 1;
            lines = (struct slice){.at = lines.at + size, .size = lines.size - size};
        }
        bytes_add_slice(&ask->out, lines);
        if (ask->out.size >= PIECE_BYTES) {
            ask->next_from = row.number;
            return 0;
        }
    }
    return error == -ENOENT ? 0 : error;
}

static int show_dead(struct outlet *o, const struct queue *q, struct follower_ask *ask)
{
    struct outbox_dead row = {.position = ask->from};
    struct event_row event;
    BYTES_AUTO reason = {0};
    int error;
    while (!(error = outbox_dead_from(o->reader->engine, q->row.hook, row.position + 1, &row))) {
        bytes_clear(&reason);
        bytes_add_slice(&reason, row.error);
        row.error = bytes_slice(&reason);
        if (history_event(o->reader, row.position, &event) == 0)
            report_dead(&ask->out, &row, event.line);
        if (ask->out.size >= PIECE_BYTES) {
            ask->next_from = row.position;
            return 0;
        }
    }
    return error == -ENOENT ? 0 : error;
}

// ---- replay

struct replay {
    bool revives;
    uint64_t rewinds_to; // 0: no
    struct outbox_waiting *singles;
    size_t count;
};

static int replay_event(struct outlet *o, struct queue *q, struct replay *replay, struct slice id, struct reason *why)
{
    uint64_t position;
    struct event_row row;
    int error = history_position_of(o->reader, id, &position);
    if (!error)
        error = history_event(o->reader, position, &row);
    if (error)
        return reason_set(why, error, "there is no event %.*s", SLICE_ARG(id));
    if (!q->receiver || !queue_wants(q, o->reader, &row))
        return reason_set(why, -EINVAL, "the hook does not want event %.*s", SLICE_ARG(id));
    struct outbox_waiting *singles = reallocarray(replay->singles, replay->count + 1, sizeof *singles);
    if (!singles)
        return -ENOMEM;
    replay->singles = singles;
    singles[replay->count++] = (struct outbox_waiting){
        .hook = q->row.hook, .single = true, .entity = queue_lane(q, &row), .position = position, .events = 1};
    return 0;
}

static int replay_since(struct outlet *o, struct replay *replay, int64_t at_us)
{
    uint64_t before;
    int error = history_position_at(o->reader, at_us - 1, &before);
    if (!error && (!replay->rewinds_to || before + 1 < replay->rewinds_to))
        replay->rewinds_to = before + 1;
    return error;
}

static int read_replay(struct outlet *o, struct queue *q, struct replay *replay, struct slice line, struct reason *why)
{
    struct when when;
    if (slice_is(line, "dead")) {
        replay->revives = true;
        return 0;
    }
    if (when_parse(line, &when))
        return reason_set(why, -EINVAL, "\"%.*s\" is no id of an event, no moment, and not dead", SLICE_ARG(line));
    switch (when.kind) {
    case WHEN_MOMENT:
        return replay_since(o, replay, when.at_us);
    case WHEN_AGO:
        return replay_since(o, replay, when_now_us() - when.ago_us);
    case WHEN_VERSION:
        return reason_set(why, -EINVAL, "\"%.*s\": a hook has no versions", SLICE_ARG(line));
    case WHEN_EVENT:
        break;
    }
    return replay_event(o, q, replay, when.id, why);
}

static struct slice take_line(struct slice *text)
{
    const char *end = memchr(text->at, '\n', text->size);
    struct slice line = {.at = text->at, .size = end ? (size_t)(end - text->at) : text->size};
    size_t taken = line.size + (end != NULL);
    *text = (struct slice){.at = text->at + taken, .size = text->size - taken};
    while (line.size && strchr(" \t\r", line.at[line.size - 1]))
        line.size--;
    return line;
}

static int read_replays(struct outlet *o, struct queue *q, struct replay *replay, struct follower_ask *ask)
{
    int error = 0;
    for (struct slice text = bytes_slice(&ask->text); !error && text.size;) {
        struct slice line = take_line(&text);
        if (line.size)
            error = read_replay(o, q, replay, line, &ask->why);
    }
    return error;
}

static int apply_replay(struct outlet *o, struct queue *q, const struct replay *replay)
{
    struct ledger *ledger = outlet_ledger(o);
    if (!ledger)
        return -ENOMEM;
    if (replay->rewinds_to && replay->rewinds_to <= q->scanned)
        queue_rewind(q, ledger, replay->rewinds_to, tenant_end(o->tenant).position);
    if (replay->revives)
        queue_revive(q, ledger);
    for (size_t i = 0; i < replay->count; i++)
        queue_put_single(q, ledger, &replay->singles[i]);
    return 0;
}

static int begin_replay(struct outlet *o, struct queue *q, struct follower_ask *ask)
{
    struct replay replay = {0};
    int error = read_replays(o, q, &replay, ask);
    if (!error)
        error = apply_replay(o, q, &replay);
    free(replay.singles);
    return error;
}

static void keep_ask(struct outlet *o, struct follower_ask *ask)
{
    ask->next = o->asks;
    o->asks = ask;
}

void outlet_read_rows(struct outlet *o, struct follower_ask *ask)
{
    struct queue *q = outlet_queue(o, ask->hook);
    if (!q || !o->reader)
        ask->error = -ENOENT;
    else
        ask->error = ask->question == FOLLOWER_DEAD ? show_dead(o, q, ask) : show_attempts(o, q, ask);
    if (ask->out.failed)
        ask->error = -ENOMEM;
    ask->answer(ask);
}

void outlet_ask(struct outlet *o, struct follower_ask *ask, int64_t now_us)
{
    struct queue *q = outlet_queue(o, ask->hook);
    ask->error = q && o->reader ? 0 : -ENOENT;
    if (ask->error) {
        ask->answer(ask);
        return;
    }
    switch (ask->question) {
    case FOLLOWER_STATUS:
        outlet_show(o, q, &ask->out, now_us);
        bytes_add_char(&ask->out, '\n');
        break;
    case FOLLOWER_ATTEMPTS:
    case FOLLOWER_DEAD:
        // What status.json counts must be there for whoever looks then.
        if (!ask->from && outlet_is_ahead(o))
            keep_ask(o, ask);
        else
            outlet_read_rows(o, ask);
        return;
    case FOLLOWER_SECRET:
        if (q->receiver && q->receiver->wants_key)
            bytes_printf(&ask->out, "%.*s\n", SLICE_ARG(q->row.secret));
        if (q->key_is_unsaved) {
            keep_ask(o, ask);
            return;
        }
        break;
    case FOLLOWER_REPLAY:
        ask->error = begin_replay(o, q, ask);
        if (!ask->error) {
            keep_ask(o, ask);
            return;
        }
        break;
    }
    if (ask->out.failed)
        ask->error = -ENOMEM;
    ask->answer(ask);
}
