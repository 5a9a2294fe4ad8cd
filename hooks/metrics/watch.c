#include "hooks/metrics/watch.h"

#include "hooks/document.h"
#include "hooks/metrics/expression.h"
#include "store/json.h"
#include "store/when.h"

#include <errno.h>

// ---- the definition

static int read_metric(struct watch *w, struct slice value, struct reason *why)
{
    int error = document_text(value, "metric", &w->arena, &w->metric, why);
    if (!error && !expression_is_name(w->metric))
        return reason_set(why, -EINVAL, "metric must be the name of one");
    return error;
}

static int read_threshold(struct watch *w, struct slice value, struct reason *why)
{
    if (json_kind(value) != JSON_NUMBER)
        return reason_set(why, -EINVAL, "threshold must be a number");
    int error = fraction_read(&w->limit, value);
    if (!error && fraction_is_null(&w->limit))
        return reason_set(why, -EINVAL, "threshold is too large or too small");
    w->threshold = arena_copy(&w->arena, value);
    return error || !w->threshold.at ? -ENOMEM : 0;
}

static int read_direction(struct watch *w, struct slice value, struct reason *why)
{
    static const char *const names[] = {
        [WATCH_ABOVE] = "\"above\"", [WATCH_BELOW] = "\"below\"", [WATCH_CROSS] = "\"cross\""};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (json_kind(value) == JSON_STRING && json_string_equal(value, slice_of(names[i]))) {
            w->direction = (enum watch_direction)i;
            return 0;
        }
    return reason_set(why, -EINVAL, "direction must be \"above\", \"below\" or \"cross\"");
}

static int read_member(struct watch *w, struct slice key, struct slice value, struct reason *why)
{
    struct slice ignored;
    if (json_key_is(key, "name") || json_key_is(key, "description"))
        return document_text(value, json_key_is(key, "name") ? "name" : "description", &w->arena, &ignored, why);
    if (json_key_is(key, "metric"))
        return read_metric(w, value, why);
    if (json_key_is(key, "threshold"))
        return read_threshold(w, value, why);
    if (json_key_is(key, "direction"))
        return read_direction(w, value, why);
    if (json_key_is(key, "severity"))
        return document_text(value, "severity", &w->arena, &w->severity, why);
    if (json_key_is(key, "type"))
        return document_text(value, "type", &w->arena, &w->type, why);
    if (json_key_is(key, "action") && json_kind(value) == JSON_NULL)
        return 0;
    if (json_key_is(key, "action"))
        return document_text(value, "action", &w->arena, &w->action, why);
    return document_unknown(key, why);
}

static int read_members(struct watch *w, struct slice text, struct reason *why)
{
    struct slice direction;
    struct json_cursor c = json_enter(text);
    int error = 0;
    for (struct slice key, value; !error && json_next_member(&c, &key, &value);)
        error = read_member(w, key, value, why);
    if (!error && !w->metric.size)
        return reason_set(why, -EINVAL, "metric is missing: what is watched");
    if (!error && !w->threshold.size)
        return reason_set(why, -EINVAL, "threshold is missing");
    if (!error && !json_member(text, "direction", &direction))
        return reason_set(why, -EINVAL, "direction is missing: \"above\", \"below\" or \"cross\"");
    return error;
}

int watch_read(struct watch *w, struct slice text, struct reason *why)
{
    *w = (struct watch){.severity = SLICE("high")};
    int error = document_check(text, why);
    if (!error)
        error = read_members(w, text, why);
    if (error)
        watch_free(w);
    return error;
}

void watch_free(struct watch *w)
{
    fraction_free(&w->limit);
    arena_free(&w->arena);
    *w = (struct watch){0};
}

bool watch_same(const struct watch *a, const struct watch *b)
{
    return a->direction == b->direction && slice_equal(a->type, b->type) && slice_equal(a->severity, b->severity) &&
           slice_equal(a->action, b->action) && slice_equal(a->metric, b->metric) &&
           slice_equal(a->threshold, b->threshold);
}

// ---- how it stands

bool watch_is_raised(const struct watch *w, const struct watch_standing *s)
{
    switch (w->direction) {
    case WATCH_ABOVE:
        return s->side > 0;
    case WATCH_BELOW:
        return s->side < 0;
    case WATCH_CROSS:
        return s->side != s->home;
    }
    return false;
}

static enum watch_news cross(struct watch_standing *s, int side, int64_t at_us)
{
    if (!side || side == s->side)
        return WATCH_QUIET;
    s->side = side;
    if (!s->home) {
        s->home = side;
        return WATCH_QUIET;
    }
    s->since_us = at_us;
    return WATCH_RAISED;
}

int watch_step(
    const struct watch *w, struct watch_standing *s, const struct fraction *value, int64_t at_us, enum watch_news *news)
{
    int side = 0;
    int error = fraction_is_null(value) ? 0 : fraction_compare(value, &w->limit, &side);
    *news = WATCH_QUIET;
    if (error)
        return error;
    if (w->direction == WATCH_CROSS) {
        *news = cross(s, side, at_us);
        return 0;
    }
    bool was_raised = watch_is_raised(w, s);
    // The other side of the threshold is none of its own.
    s->side = side == (w->direction == WATCH_ABOVE ? 1 : -1) ? side : 0;
    if (watch_is_raised(w, s) == was_raised)
        return 0;
    *news = was_raised ? WATCH_RESOLVED : WATCH_RAISED;
    if (!was_raised)
        s->since_us = at_us;
    return 0;
}

// ---- the alert

void watch_print_alert(
    struct bytes *out, const struct watch *w, struct slice name, struct slice value, int64_t since_us)
{
    bytes_add_text(out, "{\"type\":");
    json_quote(out, w->type.size ? w->type : name);
    bytes_add_text(out, ",\"severity\":");
    json_quote(out, w->severity);
    bytes_add_text(out, ",\"metric\":");
    json_quote(out, w->metric);
    bytes_add_text(out, ",\"value\":");
    bytes_add_slice(out, value);
    bytes_add_text(out, ",\"threshold\":");
    bytes_add_slice(out, w->threshold);
    bytes_add_text(out, ",\"action\":");
    if (w->action.at)
        json_quote(out, w->action);
    else
        bytes_add_text(out, "null");
    bytes_add_text(out, ",\"since\":");
    when_quote(out, since_us);
    bytes_add_char(out, '}');
}
