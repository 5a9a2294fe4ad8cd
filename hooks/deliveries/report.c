#include "hooks/deliveries/report.h"

#include "store/json.h"

static void add_time_or_null(struct bytes *out, int64_t at_us)
{
    if (at_us)
        when_quote(out, at_us);
    else
        bytes_add_text(out, "null");
}

static void add_error(struct bytes *out, const char *error)
{
    if (*error)
        json_quote(out, slice_of(error));
    else
        bytes_add_text(out, "null");
}

static void add_status(struct bytes *out, unsigned status)
{
    if (status)
        bytes_printf(out, "%u", status);
    else
        bytes_add_text(out, "null");
}

static void add_event(struct bytes *out, const struct report_event *event)
{
    bytes_add_text(out, ",\"id\":");
    json_quote(out, event->id);
    bytes_add_text(out, ",\"type\":");
    json_quote(out, event->type);
    bytes_add_text(out, ",\"target\":");
    json_quote(out, event->target);
}

void report_attempt(struct bytes *out, const struct report_event *event, unsigned attempt,
    const struct transfer_outcome *outcome, int64_t now_us, int64_t next_us)
{
    bytes_add_text(out, "{\"time\":");
    when_quote(out, now_us);
    add_event(out, event);
    bytes_printf(out, ",\"attempt\":%u,\"status\":", attempt);
    add_status(out, outcome->status);
    bytes_printf(out, ",\"durationMs\":%lld,\"error\":", (long long)(outcome->duration_us + 500) / 1000);
    add_error(out, outcome->error);
    bytes_add_text(out, ",\"next\":");
    add_time_or_null(out, next_us);
    bytes_add_text(out, "}\n");
}

void report_error(struct bytes *out, struct slice id, const struct transfer_outcome *outcome, int64_t now_us)
{
    bytes_add_text(out, "{\"time\":");
    when_quote(out, now_us);
    bytes_add_text(out, ",\"id\":");
    json_quote(out, id);
    bytes_add_text(out, ",\"status\":");
    add_status(out, outcome->status);
    bytes_add_text(out, ",\"error\":");
    add_error(out, outcome->error);
    bytes_add_char(out, '}');
}

void report_dead(struct bytes *out, const struct outbox_dead *row, struct slice line)
{
    struct event event;
    BYTES_AUTO actor = {0}, error = {0};
    if (envelope_read(line, &event, &actor))
        return;
    bytes_add_slice(&error, row->error);
    bytes_add_char(&error, '\0');
    bytes_add_text(out, "{\"time\":");
    when_quote(out, row->at_us);
    add_event(out, &(struct report_event){.id = event.id, .type = event.type, .target = event.target});
    bytes_printf(out, ",\"attempts\":%u,\"status\":", row->attempts);
    add_status(out, row->status);
    bytes_add_text(out, ",\"error\":");
    add_error(out, error.at);
    bytes_add_text(out, ",\"event\":");
    bytes_add_slice(out, line);
    bytes_add_text(out, "}\n");
}

static const char *state_of(const struct queue *q, int64_t now_us)
{
    if (!q->receiver || q->receiver->disabled || q->row.disabled_at >= q->defined_at)
        return "disabled";
    if (q->open_until_us > now_us)
        return "paused";
    return q->row.failing ? "failing" : "active";
}

void report_status(struct bytes *out, const struct queue *q, uint64_t lag, int64_t oldest_us, int64_t now_us)
{
    const char *state = state_of(q, now_us);
    double age_s = lag && oldest_us && now_us > oldest_us ? (double)(now_us - oldest_us) / WHEN_US_PER_SECOND : 0;
    bytes_printf(out, "{\"state\":\"%s\",\"cursor\":%llu,\"lag\":%llu,\"oldestAge\":%.3f,\"pending\":%zu,", state,
        (unsigned long long)q->scanned, (unsigned long long)lag, age_s, q->job_count);
    bytes_printf(out, "\"dead\":%llu,\"delivered\":%llu,\"attempts\":%llu,", (unsigned long long)q->row.dead,
        (unsigned long long)q->row.delivered, (unsigned long long)q->row.attempts);
    if (q->receiver && q->receiver->kind->drops)
        bytes_printf(out, "\"dropped\":%llu,", (unsigned long long)q->dropped);
    bytes_add_text(out, "\"lastSuccess\":");
    add_time_or_null(out, q->row.last_success_us);
    bytes_add_text(out, ",\"lastError\":");
    bytes_add_slice(out, q->error.size ? bytes_slice(&q->error) : SLICE("null"));
    if (!strcmp(state, "paused")) {
        bytes_add_text(out, ",\"until\":");
        when_quote(out, q->open_until_us);
    }
    bytes_add_char(out, '}');
}
