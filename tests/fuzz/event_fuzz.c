// What is written to `append`: bytes, cut into writes anywhere. Cut or not, the same values are found in them, and each
// is the same event or the same refusal. What is taken is folded, shown and read back.
//     first byte: bit 0: an entity's append, not the tenant's; the rest: how to cut
#include "store/draft.h"
#include "store/json.h"
#include "store/state.h"
#include "tests/fuzz/fuzz.h"

#include <errno.h>

#define VALUES_MAX 64
#define PIECES     24

struct found {
    size_t ends[VALUES_MAX]; // of values
    size_t count;
    enum json_found last;
    size_t wrong_at;
    bool idle;
};

// Scans one write, which begins at `offset` of all. False when nothing may follow.
static bool scan_write(struct json_scanner *scanner, struct slice write, size_t offset, struct found *found)
{
    for (size_t at = 0; at < write.size;) {
        size_t used;
        struct reason why = {0};
        found->last = json_scan(scanner, write.at + at, write.size - at, &used, &why);
        CLAIM(used <= write.size - at);
        at += used;
        if (found->last == JSON_WRONG) {
            CLAIM(why.text[0]);
            found->wrong_at = offset + at;
            found->idle = false;
            return false;
        }
        if (found->last == JSON_MORE) {
            CLAIM(at == write.size);
            break;
        }
        CLAIM(json_scanner_idle(scanner));
        found->ends[found->count++] = offset + at;
        if (found->count == VALUES_MAX)
            return false;
    }
    found->idle = json_scanner_idle(scanner);
    return true;
}

static void scan(struct slice text, uint64_t cuts, struct found *found)
{
    struct json_scanner scanner;
    unsigned pieces = 0;
    json_scanner_init(&scanner);
    *found = (struct found){.last = JSON_MORE, .idle = true};
    for (size_t from = 0, to; from < text.size; from = to) {
        to = text.size;
        if (cuts && pieces++ <= PIECES) {
            cuts = cuts * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            // The first is any part of it, short ones follow.
            size_t piece = 1 + (size_t)(cuts >> 33) % (pieces == 1 ? text.size : cuts >> 63 ? 40u : 4u);
            to = piece < text.size - from ? from + piece : text.size;
        }
        // From memory of its own, so that a look behind a write's end is seen.
        char *copy = malloc(to - from);
        CLAIM(copy);
        memcpy(copy, text.at + from, to - from);
        bool more = scan_write(&scanner, (struct slice){.at = copy, .size = to - from}, from, found);
        free(copy);
        if (!more)
            break;
    }
}

// The draft as somebody would write it.
static void write_draft(const struct draft *draft, struct bytes *out)
{
    bytes_add_text(out, "{\"type\":");
    json_quote(out, draft->type.text);
    bytes_add_text(out, ",\"target\":");
    json_quote(out, draft->target);
    bytes_add_text(out, ",\"actor\":");
    json_quote(out, draft->actor);
    bytes_add_text(out, ",\"data\":");
    bytes_add_slice(out, draft->data);
    if (draft->metadata.size) {
        bytes_add_text(out, ",\"metadata\":");
        bytes_add_slice(out, draft->metadata);
    }
    if (draft->id.size) {
        bytes_add_text(out, ",\"id\":");
        json_quote(out, draft->id);
    }
    if (draft->version)
        bytes_printf(out, ",\"version\":%u", draft->version);
    bytes_add_char(out, '}');
}

static void same_draft(const struct draft *a, const struct draft *b)
{
    CLAIM(slice_equal(a->type.text, b->type.text) && a->type.style == b->type.style && a->type.verb == b->type.verb);
    CLAIM(slice_equal(a->target, b->target));
    CLAIM(slice_equal(a->actor, b->actor));
    CLAIM(slice_equal(a->data, b->data));
    CLAIM(slice_equal(a->metadata, b->metadata));
    CLAIM(slice_equal(a->id, b->id));
    CLAIM(a->version == b->version && a->guards_length == b->guards_length);
}

static void one_object(struct slice text)
{
    struct json_scanner scanner;
    size_t used;
    json_scanner_init(&scanner);
    CLAIM(json_scan(&scanner, text.at, text.size, &used, NULL) == JSON_VALUE && used == text.size);
    CLAIM(json_kind(text) == JSON_OBJECT);
}

// Folds the event, and shows and reads back what it leads to.
static void fold(struct state **state, const struct draft *draft, uint32_t version)
{
    BYTES_AUTO data = {0};
    BYTES_AUTO shown = {0};
    BYTES_AUTO changes = {0};
    struct reason why = {0};
    unsigned count = 0;
    bool changes_it = *state && (*state)->alive && draft->type.style == NAME_PASCAL &&
                      draft->type.verb != NAME_CREATED && draft->type.verb != NAME_DELETED;
    struct event event = {
        .id = SLICE("evt_a"),
        .type = draft->type.text,
        .target = draft->target,
        .actor = draft->actor,
        .data = draft->data,
        .metadata = draft->metadata,
        .version = version,
    };
    if (changes_it) {
        int error = state_record_change(*state, draft->data, &data, &why);
        CLAIM(error == 0 || (error == -ESTALE && why.text[0]));
        if (error)
            return;
        one_object(bytes_slice(&data));
        event.data = bytes_slice(&data);
    }
    struct state *after;
    CLAIM(state_fold(NULL, *state, &event, &after, NULL) == 0);
    state_drop(*state);
    *state = after;
    if (!after->alive)
        return;
    one_object(after->fields);
    state_show(after, draft->target, version, 0, &shown);
    CLAIM(!shown.failed && shown.at[shown.size - 1] == '\n');
    one_object((struct slice){.at = shown.at, .size = shown.size - 1});
    CLAIM(state_difference(after, bytes_slice(&shown), &changes, &count) == 0 && count == 0);
}

static void layouts(struct slice value)
{
    BYTES_AUTO minified = {0};
    BYTES_AUTO pretty = {0};
    BYTES_AUTO again = {0};
    json_minify(&minified, value);
    json_pretty(&pretty, value, 0);
    json_minify(&again, bytes_slice(&pretty));
    CLAIM(slice_equal(bytes_slice(&minified), bytes_slice(&again)));
    if (json_refuse_duplicates(value, NULL) == 0) {
        CLAIM(json_equal(value, bytes_slice(&minified)));
        CLAIM(json_equal(bytes_slice(&pretty), value));
    }
}

static void try_event(struct slice value, bool in_entity, struct state **state, uint32_t *version)
{
    struct draft_origin origin = {
        .tenant = SLICE("acme"),
        .actor = SLICE("user_a"),
        .entity = in_entity ? SLICE("contact_a") : (struct slice){0},
    };
    struct arena arena = {0};
    struct draft draft = {.line = 1}, again = {.line = 1};
    struct reason why = {0};
    int error = draft_read(&draft, value, &origin, &arena, &why);
    if (error) {
        CLAIM(error == -EINVAL && why.text[0]);
    } else {
        BYTES_AUTO written = {0};
        CLAIM(name_is_entity(draft.target) && name_is_actor(draft.actor));
        one_object(draft.data);
        write_draft(&draft, &written);
        CLAIM(draft_read(&again, bytes_slice(&written), &origin, &arena, &why) == 0);
        same_draft(&draft, &again);
        if (slice_is(draft.target, "contact_a"))
            fold(state, &draft, ++*version);
    }
    arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    struct slice text = input_slice(data + 1, size - 1);
    struct found whole, cut;
    scan(text, 0, &whole);
    scan(text, data[0] >> 1 | slice_hash(text) << 7, &cut);
    CLAIM(cut.count == whole.count && memcmp(cut.ends, whole.ends, whole.count * sizeof *whole.ends) == 0);
    if (whole.count < VALUES_MAX) {
        CLAIM(cut.last == whole.last || (cut.last != JSON_WRONG && whole.last != JSON_WRONG));
        CLAIM(cut.wrong_at == whole.wrong_at && cut.idle == whole.idle);
    }
    STATE_AUTO state = NULL;
    uint32_t version = 0;
    for (size_t i = 0, from = 0; i < whole.count; from = whole.ends[i++]) {
        struct slice value = {.at = text.at + from, .size = whole.ends[i] - from};
        layouts(value);
        if (json_kind(value) == JSON_OBJECT)
            try_event(value, data[0] & 1, &state, &version);
        struct json_cursor cursor = json_enter(value);
        for (struct slice element; json_kind(value) == JSON_ARRAY && json_next_element(&cursor, &element);)
            if (json_kind(element) == JSON_OBJECT)
                try_event(element, data[0] & 1, &state, &version);
    }
    return 0;
}
