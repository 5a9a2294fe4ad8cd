// Events of which a test knows type, entity and actor, random filters over them, and which events each filter means:
// told by comparing the test's own numbers, one event after the other.
#pragma once

#include "store/query.h"
#include "tests/store/log_check.h"

enum { NOUNS = 4, VERBS = 8, ENTITIES = 40, ACTORS = 12 };

static const char *const noun_names[NOUNS] = {"deal", "contact", "order", "lineItem"};
// A type as it is written of each verb, and what it is in a pattern; the last two are the same in patterns.
static const struct {
    const char *written, *asked, *meaning;
} verbs[VERBS] = {
    {"Opened", "opened", "opened"},
    {"Closed", "Closed", "closed"},
    {"RolledOut", "rolledout", "rolledout"},
    {"was_placed", "was_placed", "was_placed"},
    {"shipped", "shipped", "shipped"},
    {"Shipped", "Shipped", "shipped"},
    {"Canceled", "Canceled", "cancelled"},
    {"Cancelled", "cancelled", "cancelled"},
};

struct known_event {
    uint8_t noun, verb, entity, actor;
    uint32_t size_bytes;
    int64_t at_us;
};

struct known_log {
    struct known_event *events; // [position - 1]
    uint64_t count, room;
    uint32_t actors; // so many different ones; up to ACTORS are asked for
};

static inline void known_append(struct fixture *f, struct known_log *log, unsigned count)
{
    BYTES_AUTO text = {0};
    for (unsigned i = 0; i < count; i++) {
        struct known_event e = {
            .noun = (uint8_t)(chance(3) ? 0 : chance(NOUNS)),
            .verb = (uint8_t)(chance(200) ? chance(VERBS - 3) : VERBS - 1 - chance(3)),
            .entity = (uint8_t)(chance(2) ? chance(3) : chance(ENTITIES)),
        };
        uint32_t actor = log->actors > ACTORS ? (uint32_t)chance(log->actors) : (uint32_t)chance(chance(ACTORS) + 1);
        e.actor = (uint8_t)(actor < ACTORS ? actor : ACTORS);
        const char *verb = verbs[e.verb].written;
        bool snake = verb[0] >= 'a';
        bytes_printf(&text,
            "{\"type\":\"%s%s%s\",\"target\":\"%s_%u\",\"actor\":\"agent, %u\",\"data\":{\"n\":\"%.*s\"}}\n",
            snake ? "" : noun_names[e.noun], snake ? "" : ".", verb, noun_names[e.noun], e.entity, actor,
            (int)chance(40), "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
        if (log->count == log->room) {
            log->room = log->room ? 2 * log->room : 4096;
            log->events = reallocarray(log->events, log->room, sizeof *log->events);
            REQUIRE(!log->events);
        }
        log->events[log->count++] = e;
    }
    REQUIRE(append_slice(f, bytes_slice(&text)));
}

// Sizes and moments, from the log itself.
static inline void known_scan(struct fixture *f, struct known_log *log, uint64_t from)
{
    for (uint64_t position = from; position <= log->count; position++) {
        log->events[position - 1].size_bytes = (uint32_t)line_of(f, position).size + 1;
        log->events[position - 1].at_us = moment_of(f, position);
    }
}

// ---- filters

struct known_choice {
    enum filter_key key;
    int count;
    struct {
        int noun, verb; // -1: any
        int entity, actor;
    } values[4];
};

struct known_filter {
    struct known_choice choices[3];
    int choice_count;
    int64_t after_us, before_us; // INT64_MIN, INT64_MAX: none
    char text[1024];
};

static inline void known_add_choice(struct known_filter *k, struct bytes *text, enum filter_key key)
{
    static const char *const keys[] = {"type=", "entity=", "actor="};
    struct known_choice *c = &k->choices[k->choice_count++];
    *c = (struct known_choice){.key = key, .count = 1 + (int)chance(chance(2) ? 1 : 4)};
    bytes_printf(text, "%s%s", text->size ? "," : "", keys[key]);
    for (int i = 0; i < c->count; i++) {
        int noun = (int)chance(NOUNS), verb = (int)chance(VERBS);
        c->values[i].noun = noun;
        c->values[i].entity = (int)chance(ENTITIES);
        c->values[i].actor = (int)chance(ACTORS + 1); // one that is nobody
        c->values[i].verb = verb;
        if (i)
            bytes_add_char(text, '|');
        if (key == FILTER_ENTITY)
            bytes_printf(text, "%s_%d", noun_names[noun], c->values[i].entity);
        else if (key == FILTER_ACTOR)
            bytes_printf(text, "agent%%2c %d", c->values[i].actor == ACTORS ? -1 : c->values[i].actor);
        if (key != FILTER_TYPE)
            continue;
        if (chance(3) == 0)
            c->values[i].noun = -1;
        if (chance(3) == 0)
            c->values[i].verb = -1;
        bytes_printf(text, "%s.%s", c->values[i].noun < 0 ? "*" : noun_names[noun],
            c->values[i].verb < 0 ? "*" : verbs[verb].asked);
    }
}

static inline void known_add_moment(struct bytes *text, const char *key, int64_t at_us)
{
    char moment[WHEN_TEXT_MAX];
    bytes_printf(text, "%s%s=%.*s", text->size ? "," : "", key, (int)when_print(moment, at_us), moment);
}

static inline void known_filter_make(const struct known_log *log, struct known_filter *k)
{
    BYTES_AUTO text = {0};
    *k = (struct known_filter){.after_us = INT64_MIN, .before_us = INT64_MAX};
    for (int i = (int)chance(4); i > 0; i--)
        known_add_choice(k, &text, (enum filter_key)(chance(4) ? chance(2) * 2 : chance(3)));
    if (chance(3) == 0)
        known_add_moment(&text, "after", k->after_us = log->events[chance(log->count)].at_us + (int64_t)chance(2));
    if (chance(3) == 0)
        known_add_moment(&text, "before", k->before_us = log->events[chance(log->count)].at_us + (int64_t)chance(2));
    if (!text.size)
        bytes_add_text(&text, "order=asc");
    snprintf(k->text, sizeof k->text, "%.*s", SLICE_ARG(bytes_slice(&text)));
}

static inline bool known_matches(const struct known_filter *k, const struct known_event *e)
{
    if (e->at_us < k->after_us || e->at_us >= k->before_us)
        return false;
    for (int i = 0; i < k->choice_count; i++) {
        const struct known_choice *c = &k->choices[i];
        bool any = false;
        for (int v = 0; v < c->count; v++)
            any = any ||
                  (c->key == FILTER_TYPE ? (c->values[v].noun < 0 || c->values[v].noun == e->noun) &&
                                               (c->values[v].verb < 0 ||
                                                   !strcmp(verbs[c->values[v].verb].meaning, verbs[e->verb].meaning))
                      : c->key == FILTER_ENTITY ? c->values[v].noun == e->noun && c->values[v].entity == e->entity
                                                : c->values[v].actor == e->actor && e->actor < ACTORS);
        if (!any)
            return false;
    }
    return true;
}
