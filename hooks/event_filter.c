#include "hooks/event_filter.h"

#include "hooks/operators.h"
#include "store/json.h"
#include "store/match.h"
#include "store/pattern.h"

#include <errno.h>

static int match_pattern(void *context, struct slice pattern, struct slice flags, struct slice text, struct reason *why)
{
    struct pattern *compiled;
    (void)context;
    if (flags.size)
        return reason_set(why, -EINVAL, "flags of expressions are not understood here: %.*s", SLICE_ARG(flags));
    int error = pattern_compile(&compiled, pattern, why);
    if (error)
        return error;
    int matched = pattern_matches(compiled, text, NULL);
    pattern_free(compiled);
    return matched;
}

static const struct operators operators = {.regex = match_pattern};

// Is what it says understood, expressions too? They are read when the filter is used for the first time.
static int try_find(const struct filter *find, struct reason *why)
{
    struct match *match;
    struct reader none = {0};
    int error = match_open(&match, &none, find, 0, NULL, why);
    if (!error)
        match_close(match);
    return error;
}

int event_filter_read(struct event_filter *f, struct slice value, struct arena *arena, struct reason *why)
{
    BYTES_AUTO text = {0};
    struct reason wrong = {0};
    int error;
    *f = (struct event_filter){0};
    if (json_kind(value) == JSON_OBJECT) {
        f->object = arena_copy(arena, value);
        error = f->object.at ? operators_check(&operators, value, &wrong) : -ENOMEM;
    } else if (json_kind(value) == JSON_STRING) {
        json_decode(&text, value);
        error = text.failed ? -ENOMEM : filter_parse(&f->find, FILTER_FIND, bytes_slice(&text), &wrong);
        f->has_find = !error;
        if (!error)
            error = try_find(&f->find, &wrong);
    } else {
        return reason_set(why, -EINVAL, "filter must be an object or a string");
    }
    if (!error || error == -ENOMEM)
        return error;
    event_filter_free(f);
    return reason_set(why, -EINVAL, "filter: %s", wrong.text);
}

void event_filter_free(struct event_filter *f)
{
    if (f->has_find)
        filter_free(&f->find);
    *f = (struct event_filter){0};
}

// ---- an event as filters see it

static void add_member(struct bytes *out, struct slice key, struct slice value)
{
    if (out->size && out->at[out->size - 1] != '{')
        bytes_add_char(out, ',');
    bytes_add_slice(out, key);
    bytes_add_char(out, ':');
    bytes_add_slice(out, value);
}

static void add_data(struct bytes *out, struct slice key, struct slice data)
{
    add_member(out, key, SLICE("{"));
    struct json_cursor c = json_enter(data);
    for (struct slice name, value; json_next_member(&c, &name, &value);) {
        // Of a pair its `after`, if it is not gone.
        struct state_change change = state_read_change(value);
        struct slice now = change.is_pair ? change.after : value;
        if (now.at)
            add_member(out, name, now);
    }
    bytes_add_char(out, '}');
}

int event_filter_plain(struct slice line, struct bytes *out)
{
    struct json_cursor c = json_enter(line);
    bytes_add_char(out, '{');
    for (struct slice key, value; json_next_member(&c, &key, &value);) {
        if (json_key_is(key, "data"))
            add_data(out, key, value);
        else
            add_member(out, key, value);
    }
    bytes_add_char(out, '}');
    return out->failed ? -ENOMEM : 0;
}

// A FILTER of find/ looks at states: the event is shown to it as one.
static int find_holds(const struct filter *find, struct reader *reader, struct slice plain, struct slice target)
{
    struct match *match;
    STATE_AUTO state = state_make(true, 0, SLICE(""), name_entity_noun(target), plain);
    struct shown_state shown = {.name = target, .version = 1, .state = state};
    int error = state ? match_open(&match, reader, find, 0, NULL, NULL) : -ENOMEM;
    if (error)
        return error;
    int holds = match_holds(match, &shown);
    match_close(match);
    return holds;
}

int event_filter_open(const struct event_filter *f, struct match **match)
{
    *match = NULL;
    return f->has_find ? match_open(match, NULL, &f->find, 0, NULL, NULL) : 0;
}

int event_filter_matches(
    const struct event_filter *f, struct match *match, const struct shown_state *shown, struct slice object)
{
    if (event_filter_is_open(f))
        return 1;
    return match ? match_holds(match, shown) : operators_match(&operators, f->object, object, NULL);
}

int event_filter_holds(const struct event_filter *f, struct reader *reader, struct slice line)
{
    BYTES_AUTO plain = {0};
    struct slice target;
    if (event_filter_is_open(f))
        return 1;
    int error = event_filter_plain(line, &plain);
    if (error)
        return error;
    if (!f->has_find)
        return operators_match(&operators, f->object, bytes_slice(&plain), NULL);
    if (!json_member(line, "target", &target) || target.size < 2)
        return -EIO;
    return find_holds(
        &f->find, reader, bytes_slice(&plain), (struct slice){.at = target.at + 1, .size = target.size - 2});
}
