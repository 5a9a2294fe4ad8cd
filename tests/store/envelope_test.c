// The line of an event: DESIGN.md §3.
#include "store/envelope.h"
#include "store/when.h"
#include "tests/store/check.h"

#include <errno.h>

static int64_t moment(const char *text)
{
    int64_t at_us = 0;
    CHECK_INT(when_parse_moment(slice_of(text), &at_us), 0);
    return at_us;
}

static struct event example(void)
{
    return (struct event){
        .id = SLICE("evt_tR8kJmNxP"),
        .type = SLICE("Contact.Qualified"),
        .target = SLICE("contact_fX9bL5nRd"),
        .actor = SLICE("agent_mR4nVkTw"),
        .at_us = moment("2026-01-16T09:30:00Z"),
        .data = SLICE("{\"stage\":{\"before\":\"Lead\",\"after\":\"Qualified\"}}"),
        .version = 2,
    };
}

static struct slice line_of(const struct event *event)
{
    static struct bytes line;
    bytes_clear(&line);
    envelope_print(&line, event, SLICE("acme"));
    return bytes_slice(&line);
}

static void as_in_the_contract(void)
{
    struct event event = example();
    CHECK_TEXT(line_of(&event),
        "{\"id\":\"evt_tR8kJmNxP\",\"type\":\"Contact.Qualified\",\"target\":\"contact_fX9bL5nRd\",\"actor\":\"agent_"
        "mR4nVkTw\",\"timestamp\":\"2026-01-16T09:30:00Z\",\"data\":{\"stage\":{\"before\":\"Lead\",\"after\":"
        "\"Qualified\"}},\"tenant\":\"acme\",\"version\":2}");
}

static void metadata_follows(void)
{
    struct event event = example();
    event.data = SLICE("{}");
    event.metadata = SLICE("{\"version\":7}");
    event.version = 99999999;
    event.at_us += 120;
    struct slice line = line_of(&event);
    const char *end = "\"timestamp\":\"2026-01-16T09:30:00.000120Z\",\"data\":{},\"tenant\":\"acme\","
                      "\"version\":99999999,\"metadata\":{\"version\":7}}";
    CHECK(line.size > strlen(end));
    CHECK_TEXT(((struct slice){.at = line.at + line.size - strlen(end), .size = strlen(end)}), end);
}

static void actor_is_escaped(void)
{
    struct event event = example();
    event.actor = SLICE("a \"b\" \\ \xc3\xa9");
    const char *escaped = ",\"actor\":\"a \\\"b\\\" \\\\ \xc3\xa9\",\"timestamp\"";
    CHECK(memmem(line_of(&event).at, line_of(&event).size, escaped, strlen(escaped)));
}

static void read_back(void)
{
    static const char *const actors[] = {"agent_mR4nVkTw", "a \"b\" \\ \xc3\xa9", "\\u0041", "\xf0\x9f\x98\x80"};
    static const char *const payloads[] = {"{}", "{\"a\":{\"tenant\":\"b\",\"version\":3}}",
        "{\"metadata\":{\"a\":\"}\"},\"version\":3}",
        "{\"n\":12345678901234567890,\"m\":1.10,\"e\":1e400,\"s\":\"\\u00e9\\ud800\\u0000\"}"};
    BYTES_AUTO decoded = {0};
    for (size_t i = 0; i < 4; i++)
        for (size_t n = 0; n < 8; n++) {
            size_t k = n / 2;
            bool more = n % 2;
            struct event event = example(), found;
            event.actor = slice_of(actors[i]);
            event.data = slice_of(payloads[k]);
            if (more)
                event.metadata = slice_of(payloads[k]);
            CHECK_INT(envelope_read(line_of(&event), &found, &decoded), 0);
            CHECK_TEXT(found.actor, actors[i]);
            CHECK_TEXT(found.data, payloads[k]);
            CHECK_TEXT(found.metadata, more ? payloads[k] : "");
            CHECK_TEXT(found.id, "evt_tR8kJmNxP");
            CHECK_TEXT(found.type, "Contact.Qualified");
            CHECK_TEXT(found.target, "contact_fX9bL5nRd");
            CHECK_INT(found.at_us, event.at_us);
            CHECK_INT(found.version, 2);
        }
}

static void too_little(void)
{
    struct event found;
    BYTES_AUTO actor = {0};
    CHECK_INT(envelope_read(SLICE("{}"), &found, &actor), -EIO);
    CHECK_INT(envelope_read(SLICE("{\"id\":\"a\",\"type\":\"b\"}"), &found, &actor), -EIO);
    struct event event = example();
    struct slice line = line_of(&event);
    for (line.size--; line.size > 2; line.size--) {
        // On the heap, of this size: who reads on is seen by a sanitizer.
        char *cut = malloc(line.size);
        memcpy(cut, line.at, line.size);
        envelope_read((struct slice){.at = cut, .size = line.size}, &found, &actor);
        free(cut);
    }
}

int main(void)
{
    TEST("an event is the line of the contract, byte for byte", as_in_the_contract);
    TEST("metadata follows the version; microseconds are kept", metadata_follows);
    TEST("an actor is escaped as far as it must be", actor_is_escaped);
    TEST("what was printed is read back", read_back);
    TEST("a line that is no event is damage", too_little);
    return check_end("envelope");
}
