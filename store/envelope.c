#include "store/envelope.h"

#include "store/json.h"
#include "store/when.h"

#include <errno.h>

static void add_text(struct bytes *out, const char *before, struct slice text)
{
    bytes_add_text(out, before);
    bytes_add_slice(out, text);
}

void envelope_print(struct bytes *out, const struct event *event, struct slice tenant)
{
    char when[WHEN_TEXT_MAX], version[12];
    size_t when_size = when_print(when, event->at_us);
    size_t version_size = 0;
    for (uint32_t n = event->version; n; n /= 10)
        version[sizeof version - ++version_size] = (char)('0' + n % 10);

    add_text(out, "{\"id\":\"", event->id);
    add_text(out, "\",\"type\":\"", event->type);
    add_text(out, "\",\"target\":\"", event->target);
    bytes_add_text(out, "\",\"actor\":");
    json_quote(out, event->actor);
    add_text(out, ",\"timestamp\":\"", (struct slice){.at = when, .size = when_size});
    add_text(out, "\",\"data\":", event->data);
    add_text(out, ",\"tenant\":\"", tenant);
    add_text(
        out, "\",\"version\":", (struct slice){.at = version + sizeof version - version_size, .size = version_size});
    if (event->metadata.size)
        add_text(out, ",\"metadata\":", event->metadata);
    bytes_add_char(out, '}');
}

static struct slice unquoted(struct slice quoted)
{
    return (struct slice){.at = quoted.at + 1, .size = quoted.size - 2};
}

static uint32_t read_number(struct slice digits)
{
    uint32_t n = 0;
    for (size_t i = 0; i < digits.size; i++)
        n = n * 10 + (uint32_t)(digits.at[i] - '0');
    return n;
}

// Takes the text up to the next quote, behind what must stand before it.
static bool take_text(struct slice *rest, struct slice before, struct slice *text)
{
    if (rest->size <= before.size || memcmp(rest->at, before.at, before.size))
        return false;
    const char *from = rest->at + before.size;
    const char *quote = memchr(from, '"', rest->size - before.size);
    if (!quote)
        return false;
    *text = (struct slice){.at = from, .size = (size_t)(quote - from)};
    rest->size -= (size_t)(quote - rest->at);
    rest->at = quote;
    return true;
}

static bool ends_in(struct slice text, struct slice end)
{
    return text.size >= end.size && !memcmp(text.at + text.size - end.size, end.at, end.size);
}

// Takes `,"tenant":"…","version":N}` off the end, from behind, so that the data need not be gone through.
static bool take_end(struct slice *rest, uint32_t *version)
{
    static const struct slice version_key = SLICE("\",\"version\":"), tenant_key = SLICE(",\"tenant\":\"");
    size_t size = rest->size - 1;
    while (size && rest->at[size - 1] >= '0' && rest->at[size - 1] <= '9')
        size--;
    struct slice before = {.at = rest->at, .size = size};
    if (rest->at[rest->size - 1] != '}' || size == rest->size - 1 || !ends_in(before, version_key))
        return false; // metadata follow
    *version = read_number((struct slice){.at = rest->at + size, .size = rest->size - 1 - size});
    before.size -= version_key.size;
    const char *quote = memrchr(before.at, '"', before.size);
    before.size = quote ? (size_t)(quote + 1 - before.at) : 0;
    if (!ends_in(before, tenant_key))
        return false;
    rest->size = before.size - tenant_key.size;
    return true;
}

// Of a line without metadata whose actor has no escapes, as nearly all are: what stands between the keys.
static bool read_plain(struct slice line, struct event *event)
{
    static const struct slice data_key = SLICE("\",\"data\":");
    struct slice rest = line, at;
    *event = (struct event){0};
    if (!take_text(&rest, SLICE("{\"id\":\""), &event->id) ||
        !take_text(&rest, SLICE("\",\"type\":\""), &event->type) ||
        !take_text(&rest, SLICE("\",\"target\":\""), &event->target) ||
        !take_text(&rest, SLICE("\",\"actor\":\""), &event->actor) ||
        !take_text(&rest, SLICE("\",\"timestamp\":\""), &at) || memchr(event->actor.at, '\\', event->actor.size) ||
        rest.size <= data_key.size || memcmp(rest.at, data_key.at, data_key.size) || !take_end(&rest, &event->version))
        return false;
    event->data = (struct slice){.at = rest.at + data_key.size, .size = rest.size - data_key.size};
    return when_parse_moment(at, &event->at_us) == 0;
}

int envelope_read(struct slice line, struct event *event, struct bytes *actor)
{
    if (read_plain(line, event))
        return 0;
    struct slice key, value[9] = {0};
    struct json_cursor c = json_enter(line);
    unsigned count = 0;
    while (count < 9 && json_next_member(&c, &key, &value[count]))
        count++;
    if (count < 8)
        return -EIO;
    *event = (struct event){
        .id = unquoted(value[0]),
        .type = unquoted(value[1]),
        .target = unquoted(value[2]),
        .actor = unquoted(value[3]),
        .data = value[5],
        .version = read_number(value[7]),
        .metadata = count > 8 ? value[8] : (struct slice){0},
    };
    if (memchr(event->actor.at, '\\', event->actor.size)) {
        bytes_clear(actor);
        json_decode(actor, value[3]);
        event->actor = bytes_slice(actor);
    }
    return when_parse_moment(unquoted(value[4]), &event->at_us) ? -EIO : 0;
}
