// What is written to spec.json, and behind a zero byte the data of an event, which is judged by it.
#include "store/draft.h"
#include "store/json.h"
#include "store/spec.h"
#include "store/state.h"
#include "tests/fuzz/fuzz.h"

#include <errno.h>

static bool is_object(struct slice text)
{
    struct json_scanner scanner;
    size_t used;
    json_scanner_init(&scanner);
    return json_scan(&scanner, text.at, text.size, &used, NULL) == JSON_VALUE && used == text.size &&
           json_kind(text) == JSON_OBJECT && json_refuse_duplicates(text, NULL) == 0;
}

static bool answered(int error, const struct reason *why)
{
    // A schema that would take too long to check says so.
    return error == 0 || ((error == -EINVAL || error == -EMSGSIZE) && why->text[0]);
}

// What was declared can be asked for, in any case.
static void ask_noun(const struct spec *spec, const struct noun *noun)
{
    CLAIM(spec_noun(spec, noun->name) == noun && spec_noun(spec, noun->folded) == noun);
    for (uint32_t i = 0; i < noun->verb_count; i++) {
        char written[NAME_TYPE_MAX + 1], spelled[NAME_TYPE_MAX];
        const struct noun_verb *verb = &noun->verbs[i];
        // Of two actions that make the same event, the first.
        const struct noun_verb *found = noun_find_event(noun, verb->event);
        CLAIM(found && found <= verb);
        CLAIM(noun_find_action(noun, verb->action) != NULL);
        size_t size =
            (size_t)snprintf(written, sizeof written, "%.*s.%.*s", SLICE_ARG(noun->name), SLICE_ARG(verb->event));
        if (size > NAME_TYPE_MAX)
            continue;
        struct name_type type = name_stored_type((struct slice){.at = written, .size = size});
        CLAIM(noun_has_event(noun, &type));
        // The declared spelling is that of itself.
        size_t before = noun->name.size + 1;
        struct slice spelling = spec_spelling(spec, type.text, spelled);
        CLAIM(spelling.size == size && memcmp(spelling.at, written, before) == 0);
        CLAIM(slice_equal(found->event, (struct slice){.at = spelling.at + before, .size = size - before}));
    }
}

// The same text, as the event of the accepted spec.
static void record(const struct spec *spec)
{
    BYTES_AUTO data = {0};
    BYTES_AUTO text = {0};
    struct reason why = {0};
    int error = spec_record(spec->text, false, &data, &why);
    if (error == -EMSGSIZE)
        return;
    CLAIM(error == 0 && is_object(bytes_slice(&data)));
    struct event event = {
        .type = SLICE("Spec.Updated"),
        .target = SLICE("spec_acme"),
        .actor = SLICE("user_a"),
        .data = bytes_slice(&data),
        .version = 1,
    };
    CLAIM(spec_recorded(&event, &text) && slice_equal(bytes_slice(&text), spec->text));
}

// What the event does to the state, by the spec: twice, so that it meets what it made.
static void fold(const struct spec *spec, const struct event *event)
{
    STATE_AUTO first = NULL;
    STATE_AUTO second = NULL;
    BYTES_AUTO shown = {0};
    struct event again = *event;
    again.version = 2;
    CLAIM(state_fold(spec, NULL, event, &first, NULL) == 0);
    if (!first->alive)
        return;
    CLAIM(is_object(first->fields));
    CLAIM(state_fold(spec, first, &again, &second, NULL) == 0);
    CLAIM(!second->alive || is_object(second->fields));
    state_show(first, event->target, 1, 0, &shown);
    CLAIM(!shown.failed && is_object((struct slice){.at = shown.at, .size = shown.size - 1}));
}

static void judge(const struct spec *spec, struct slice target, struct slice written_type, struct slice data)
{
    char out[NAME_TYPE_MAX], spelled[NAME_TYPE_MAX];
    struct name_type type;
    struct slice field, value;
    struct reason why = {0};
    if (name_read_type(written_type, target, out, &type, NULL))
        return;
    struct event event = {
        .type = spec_spelling(spec, type.text, spelled),
        .target = target,
        .actor = SLICE("user_a"),
        .data = data,
        .version = 1,
    };
    CLAIM(answered(spec_check_event(spec, &event, &why), &why));
    if (type.style == NAME_SNAKE)
        fold(spec, &event);
    why = (struct reason){0};
    CLAIM(answered(spec_check_state(spec, target, data, &why), &why));
    if (spec_verb_sets(spec, &type, target, data, &field, &value))
        CLAIM(field.size && value.size);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
    struct slice text = input_slice(input, size), data = SLICE("{}");
    const char *zero = memchr(text.at, '\0', text.size);
    if (zero) {
        struct slice rest = {.at = zero + 1, .size = text.size - (size_t)(zero + 1 - text.at)};
        text.size = (size_t)(zero - text.at);
        if (is_object(rest))
            data = rest;
    }
    SPEC_AUTO spec = NULL;
    SPEC_AUTO again = NULL;
    struct reason why = {0};
    int error = spec_read(text, &spec, &why);
    CLAIM(answered(error, &why));
    if (error)
        return 0;
    CLAIM(slice_equal(spec->text, text));
    CLAIM(spec_read(spec->text, &again, &why) == 0 && again->noun_count == spec->noun_count);
    for (uint32_t i = 0; i < spec->noun_count; i++)
        ask_noun(spec, &spec->nouns[i]);
    record(spec);
    BYTES_AUTO minified = {0};
    json_minify(&minified, data);
    judge(spec, SLICE("contact_a"), SLICE("Contact.Created"), bytes_slice(&minified));
    judge(spec, SLICE("contact_a"), SLICE("Contact.Qualified"), bytes_slice(&minified));
    judge(spec, SLICE("order_1"), SLICE("was_placed"), bytes_slice(&minified));
    return 0;
}
