#include "hooks/event_pattern.h"

#include "store/name.h"

#include <errno.h>
#include <stdlib.h>

#define PATTERN_TEXT_MAX 512u

static bool is_pattern_text(struct slice text)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._*:-";
    for (size_t i = 0; i < text.size; i++)
        if (!text.at[i] || !strchr(letters, text.at[i]))
            return false;
    return text.size && text.size < PATTERN_TEXT_MAX;
}

static int refuse(struct slice text, struct reason *why)
{
    return reason_set(why, -EINVAL, "\"%.*s\" is no pattern like Deal.Closed, Deal.*, *.created",
        (int)(text.size < 80 ? text.size : 80), text.at);
}

static int add_one(struct event_patterns *patterns, struct slice text, struct arena *arena, struct reason *why)
{
    if (slice_is(text, "*")) {
        patterns->is_for_all = true;
        return 0;
    }
    struct event_pattern pattern = {0};
    char filter[PATTERN_TEXT_MAX + 8];
    if (!is_pattern_text(text))
        return refuse(text, why);
    if (name_is_entity(text)) {
        pattern.entity = arena_copy(arena, text);
        if (!pattern.entity.at)
            return -ENOMEM;
    }
    snprintf(filter, sizeof filter, "type=%.*s", SLICE_ARG(text));
    int error = filter_parse(&pattern.filter, FILTER_QUERY, slice_of(filter), NULL);
    if (error == -ENOMEM)
        return error;
    pattern.has_filter = !error;
    if (error && !pattern.entity.size)
        return refuse(text, why);
    struct event_pattern *all = reallocarray(patterns->all, patterns->count + 1, sizeof *all);
    if (!all) {
        filter_free(&pattern.filter);
        return -ENOMEM;
    }
    patterns->all = all;
    all[patterns->count++] = pattern;
    return 0;
}

int event_patterns_add(struct event_patterns *patterns, struct slice text, struct arena *arena, struct reason *why)
{
    int error = 0;
    for (bool more = true; more && !error;) {
        const char *bar = memchr(text.at, '|', text.size);
        size_t size = bar ? (size_t)(bar - text.at) : text.size;
        error = add_one(patterns, (struct slice){.at = text.at, .size = size}, arena, why);
        more = bar != NULL;
        text = (struct slice){.at = text.at + size + more, .size = text.size - size - more};
    }
    return error;
}

void event_patterns_free(struct event_patterns *patterns)
{
    for (size_t i = 0; i < patterns->count; i++)
        if (patterns->all[i].has_filter)
            filter_free(&patterns->all[i].filter);
    free(patterns->all);
    *patterns = (struct event_patterns){0};
}

static bool wants(const struct event_patterns *patterns, struct slice type, struct slice entity, bool by_noun)
{
    char term[NAME_TERM_MAX];
    struct slice folded = {.at = term, .size = name_type_term(term, type, entity)};
    for (size_t i = 0; i < patterns->count; i++) {
        const struct event_pattern *p = &patterns->all[i];
        if (p->entity.size && slice_equal(p->entity, entity))
            return true;
        if (!p->has_filter)
            continue;
        const struct filter_value *type_of = &p->filter.choices[0].values[0];
        if (filter_type_matches(type_of, folded) && (type_of->noun.size || !by_noun))
            return true;
    }
    return false;
}

bool event_patterns_want(const struct event_patterns *patterns, struct slice type, struct slice entity)
{
    return patterns->is_for_all || wants(patterns, type, entity, false);
}

bool event_patterns_name(const struct event_patterns *patterns, struct slice type, struct slice entity)
{
    return wants(patterns, type, entity, true);
}
