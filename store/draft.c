#include "store/draft.h"

#include "store/json.h"
#include "store/when.h"

#include <errno.h>

enum member { TYPE, TARGET, DATA, ACTOR, METADATA, ID, VERSION, TENANT, TIMESTAMP, MEMBERS };

static const char *const names[MEMBERS] = {
    [TYPE] = "type",
    [TARGET] = "target",
    [DATA] = "data",
    [ACTOR] = "actor",
    [METADATA] = "metadata",
    [ID] = "id",
    [VERSION] = "version",
    [TENANT] = "tenant",
    [TIMESTAMP] = "timestamp",
};

#define SHOWN(s) (int)((s).size < 80 ? (s).size : 80), (s).at

static int split(struct slice value, bool imports, struct slice members[static MEMBERS], struct reason *why)
{
    if (json_kind(value) != JSON_OBJECT)
        return reason_set(why, -EINVAL, "an event is an object such as {\"type\":\"Contact.Created\",\"data\":{}}");
    struct json_cursor c = json_enter(value);
    for (struct slice key, member; json_next_member(&c, &key, &member);) {
        unsigned i = 0;
        while (i < MEMBERS && !json_key_is(key, names[i]))
            i++;
        if (i == MEMBERS)
            return reason_set(why, -EINVAL,
                "unknown member %.*s: an event has type, target, data, actor, metadata, id, version%s", SHOWN(key),
                imports ? ", timestamp, tenant" : "");
        members[i] = member;
    }
    if (members[TIMESTAMP].at && !imports)
        return reason_set(why, -EINVAL, "timestamp is the store's to give: only import takes it");
    return 0;
}

// The text of a string member, decoded into the arena.
static int text_of(struct slice member, const char *name, struct arena *arena, struct slice *text, struct reason *why)
{
    if (json_kind(member) != JSON_STRING)
        return reason_set(why, -EINVAL, "%s must be a string", name);
    struct slice plain = {.at = member.at + 1, .size = member.size - 2};
    if (memchr(plain.at, '\\', plain.size)) {
        BYTES_AUTO decoded = {0};
        json_decode(&decoded, member);
        if (decoded.failed)
            return -ENOMEM;
        *text = arena_copy(arena, bytes_slice(&decoded));
    } else {
        *text = arena_copy(arena, plain);
    }
    return text->at ? 0 : -ENOMEM;
}

// A whole number in plain digits, 0 to NAME_VERSION_MAX + 1.
static int number_of(struct slice member, const char *name, uint32_t *number, struct reason *why)
{
    uint64_t n = 0;
    bool plain = member.size <= 9 && (member.at[0] != '0' || member.size == 1);
    for (size_t i = 0; plain && i < member.size; i++) {
        plain = member.at[i] >= '0' && member.at[i] <= '9';
        n = n * 10 + (uint64_t)(member.at[i] - '0');
    }
    if (!plain || n > NAME_VERSION_MAX + 1)
        return reason_set(why, -EINVAL, "%s must be a whole number, not %.*s", name, SHOWN(member));
    *number = (uint32_t)n;
    return 0;
}

static int object_of(
    struct slice member, const char *name, struct arena *arena, struct slice *object, struct reason *why)
{
    if (json_kind(member) != JSON_OBJECT)
        return reason_set(why, -EINVAL, "%s must be an object", name);
    struct bytes text = {.at = arena_get(arena, member.size), .room = member.size};
    if (!text.at)
        return -ENOMEM;
    json_minify(&text, member); // never longer than what is written
    *object = bytes_slice(&text);
    return 0;
}

static int refuse_meta(struct slice data, struct reason *why)
{
    struct json_cursor c = json_enter(data);
    for (struct slice key, value; json_next_member(&c, &key, &value);) {
        BYTES_AUTO plain = {0};
        if (key.at[1] == '\\')
            json_decode(&plain, key);
        if (key.at[1] == '$' || (plain.size && plain.at[0] == '$'))
            return reason_set(why, -EINVAL, "data.%.*s: names that begin with $ are the store's own", SHOWN(key));
    }
    return 0;
}

// metadata.actor {"type","id"} is `type_id`. What else an imported event has there is its own matter.
static int metadata_actor(
    struct slice metadata, bool imports, struct arena *arena, struct slice *actor, struct reason *why)
{
    struct slice member, type, id;
    *actor = (struct slice){0};
    if (!json_member(metadata, "actor", &member))
        return 0;
    bool pair =
        json_kind(member) == JSON_OBJECT && json_member(member, "type", &type) && json_member(member, "id", &id);
    if (imports && (!pair || json_kind(type) != JSON_STRING || json_kind(id) != JSON_STRING))
        return 0;
    if (!pair)
        return reason_set(why, -EINVAL, "metadata.actor must be {\"type\":…,\"id\":…}");
    int error = text_of(type, "metadata.actor.type", arena, &type, why);
    if (!error)
        error = text_of(id, "metadata.actor.id", arena, &id, why);
    if (error)
        return error;
    char *at = arena_get(arena, type.size + 1 + id.size);
    if (!at)
        return -ENOMEM;
    memcpy(at, type.at, type.size);
    at[type.size] = '_';
    memcpy(at + type.size + 1, id.at, id.size);
    *actor = (struct slice){.at = at, .size = type.size + 1 + id.size};
    return 0;
}

static int read_actor(struct draft *draft, struct slice member, const struct draft_origin *origin, struct arena *arena,
    struct reason *why)
{
    struct slice in_metadata = {0};
    int error = draft->metadata.size ? metadata_actor(draft->metadata, origin->imports, arena, &in_metadata, why) : 0;
    if (error)
        return error;
    draft->actor = in_metadata.at ? in_metadata : origin->actor;
    if (member.at) {
        error = text_of(member, "actor", arena, &draft->actor, why);
        if (error)
            return error;
        if (in_metadata.at && !slice_equal(in_metadata, draft->actor))
            return reason_set(
                why, -EINVAL, "actor is %.*s, but metadata.actor says %.*s", SHOWN(draft->actor), SHOWN(in_metadata));
    }
    if (!name_is_actor(draft->actor))
        return reason_set(why, -EINVAL, "actor must be 1 to %d bytes of printable text without /", NAME_ACTOR_MAX);
    return 0;
}

static int read_metadata(
    struct draft *draft, struct slice member, bool imports, struct arena *arena, struct reason *why)
{
    draft->metadata = (struct slice){0};
    draft->guards_length = false;
    if (!member.at)
        return 0;
    int error = object_of(member, "metadata", arena, &draft->metadata, why);
    struct slice length;
    if (error || imports || !json_member(draft->metadata, "previous_length", &length))
        return error;
    draft->guards_length = true;
    return number_of(length, "metadata.previous_length", &draft->previous_length, why);
}

static int read_target(struct draft *draft, struct slice member, const struct draft_origin *origin, struct arena *arena,
    struct reason *why)
{
    draft->target = origin->entity;
    if (!member.at)
        return origin->entity.size ? 0 : reason_set(why, -EINVAL, "target is missing: which entity is it about?");
    int error = text_of(member, "target", arena, &draft->target, why);
    if (error)
        return error;
    if (!name_is_entity(draft->target))
        return reason_set(
            why, -EINVAL, "target \"%.*s\" is no entity id such as contact_fX9bL5nRd", SHOWN(draft->target));
    if (origin->entity.size && !slice_equal(origin->entity, draft->target))
        return reason_set(why, -EINVAL, "target is %.*s, but this is the append of %.*s", SHOWN(draft->target),
            SHOWN(origin->entity));
    return 0;
}

static int read_type(struct draft *draft, struct slice member, struct arena *arena, struct reason *why)
{
    if (!member.at)
        return reason_set(why, -EINVAL, "type is missing: what happened?");
    struct slice written;
    int error = text_of(member, "type", arena, &written, why);
    if (error)
        return error;
    char *out = arena_get(arena, NAME_TYPE_MAX);
    return out ? name_read_type(written, draft->target, out, &draft->type, why) : -ENOMEM;
}

static int read_guards(struct draft *draft, struct slice members[static MEMBERS], const struct draft_origin *origin,
    struct arena *arena, struct reason *why)
{
    int error = 0;
    draft->id = (struct slice){0};
    draft->version = 0;
    if (members[ID].at) {
        error = text_of(members[ID], "id", arena, &draft->id, why);
        if (!error && origin->imports && !name_is_imported_id(draft->id))
            error = reason_set(why, -EINVAL, "id must be 1 to 128 of A-Z a-z 0-9 . _ : -");
        if (!error && !origin->imports && !name_is_given_id(draft->id))
            error = reason_set(why, -EINVAL, "id must be evt_ and 1 to 64 of A-Z a-z 0-9 _ -");
    }
    if (!error && members[VERSION].at) {
        error = number_of(members[VERSION], "version", &draft->version, why);
        if (!error && draft->version == 0)
            error = reason_set(why, -EINVAL, "version counts from 1");
    }
    struct slice tenant;
    if (!error && members[TENANT].at && !origin->imports) {
        error = text_of(members[TENANT], "tenant", arena, &tenant, why);
        if (!error && !slice_equal(tenant, origin->tenant))
            error = reason_set(why, -EINVAL, "tenant is %.*s, but this is %.*s", SHOWN(tenant), SHOWN(origin->tenant));
    }
    return error;
}

static int read_timestamp(struct draft *draft, struct slice member, struct arena *arena, struct reason *why)
{
    struct slice text;
    if (!member.at)
        return reason_set(why, -EINVAL,
            "timestamp is missing: import takes events with the moment they happened at, append gives them one");
    int error = text_of(member, "timestamp", arena, &text, why);
    if (!error && when_parse_timestamp(text, &draft->at_us))
        error = reason_set(why, -EINVAL,
            "timestamp \"%.*s\" is no moment such as 2026-01-15T10:00:00.123456Z or 2026-01-15T11:00:00+01:00, from "
            "0001-01-01 to 9999-12-30",
            SHOWN(text));
    return error;
}

int draft_read(
    struct draft *draft, struct slice value, const struct draft_origin *origin, struct arena *arena, struct reason *why)
{
    struct slice members[MEMBERS] = {0};
    int error = json_refuse_duplicates(value, why);
    if (!error)
        error = split(value, origin->imports, members, why);
    if (!error)
        error = read_target(draft, members[TARGET], origin, arena, why);
    if (!error)
        error = read_type(draft, members[TYPE], arena, why);
    if (!error)
        error = read_metadata(draft, members[METADATA], origin->imports, arena, why);
    if (!error)
        error = read_actor(draft, members[ACTOR], origin, arena, why);
    if (!error)
        error = read_guards(draft, members, origin, arena, why);
    if (!error && origin->imports)
        error = read_timestamp(draft, members[TIMESTAMP], arena, why);
    if (error)
        return error;
    draft->data = SLICE("{}");
    if (members[DATA].at) {
        error = object_of(members[DATA], "data", arena, &draft->data, why);
        if (!error && !origin->imports)
            error = refuse_meta(draft->data, why);
    }
    return error;
}
