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

int envelope_read(struct slice line, struct event *event, struct bytes *actor)
{
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
