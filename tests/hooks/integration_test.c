// Forwarding: definitions of integrations, the bodies that each service gets, and what its answers mean.
#include "hooks/deliveries/integration.h"
#include "tests/store/check.h"

#include <errno.h>
#include <stdlib.h>

#define GA4(more)                                                                                                      \
    "{\"provider\":\"google-analytics\",\"config\":{\"measurementId\":\"G-1\",\"apiSecret\":\"geheim\"}" more "}"
#define POSTHOG(more) "{\"provider\":\"posthog\",\"config\":{\"apiKey\":\"phc_geheim\"}" more "}"
#define SENTRY(more)  "{\"provider\":\"sentry\",\"config\":{\"dsn\":\"https://geheim@o1.ingest.sentry.io/42\"}" more "}"

static const struct {
    const char *text, *url;
} taken[] = {
    {GA4(""), "https://www.google-analytics.com/mp/collect?measurement_id=G-1&api_secret=geheim"},
    {"{\"type\":\"analytics\",\"provider\":\"google-analytics\",\"config\":{\"measurementId\":\"G-1\",\"apiSecret\":"
     "\"a b&c\","
     "\"host\":\"https://region1.google-analytics.com\"}}",
        "https://region1.google-analytics.com/mp/collect?measurement_id=G-1&api_secret=a%20b%26c"},
    {POSTHOG(",\"type\":\"analytics\",\"name\":\"n\",\"description\":\"d\""), "https://us.i.posthog.com/batch/"},
    {"{\"provider\":\"posthog\",\"config\":{\"apiKey\":\"phc_1\",\"host\":\"https://eu.i.posthog.com/\"}}",
        "https://eu.i.posthog.com/batch/"},
    {POSTHOG(",\"batchSize\":1000,\"flushInterval\":1,\"disabled\":true,\"filter\":\"data.n>1\""),
        "https://us.i.posthog.com/batch/"},
    {SENTRY(",\"type\":\"errors\""), "https://o1.ingest.sentry.io/api/42/envelope/"},
    {"{\"provider\":\"sentry\",\"config\":{\"dsn\":\"http://a:b@sentry.example.com:9000/below/this/"
     "7\",\"environment\":\"e\","
     "\"release\":\"r\"},\"filter\":{\"type\":\"Deal.Lost\"}}",
        "http://sentry.example.com:9000/below/this/api/7/envelope/"},
};

static const struct {
    const char *text, *word;
} refused[] = {
    {"", "empty"},
    {"{}", "provider"},
    {"{\"provider\":\"segment\",\"config\":{}}", "provider"},
    {"{\"provider\":\"posthog\"}", "config"},
    {"{\"provider\":\"posthog\",\"config\":{}}", "apiKey"},
    {"{\"provider\":\"posthog\",\"config\":{\"apiKey\":7}}", "apiKey"},
    {"{\"provider\":\"posthog\",\"config\":{\"apiKey\":\"geheim\",\"hosts\":\"x\"}}", "hosts"},
    {"{\"provider\":\"posthog\",\"config\":{\"apiKey\":\"geheim\",\"dsn\":\"x\"}}", "dsn"},
    {"{\"provider\":\"posthog\",\"config\":{\"apiKey\":\"geheim\",\"host\":\"eu.i.posthog.com\"}}", "host"},
    {"{\"provider\":\"posthog\",\"config\":{\"apiKey\":\"geheim\",\"host\":\"https://example.com/x\"}}", "host"},
    {"{\"provider\":\"posthog\",\"config\":{\"apiKey\":\"geheim\",\"host\":\"ftp://example.com\"}}", "ftp"},
    {"{\"provider\":\"google-analytics\",\"config\":{\"measurementId\":\"G-1\"}}", "apiSecret"},
    {"{\"provider\":\"google-analytics\",\"config\":{\"apiSecret\":\"geheim\"}}", "measurementId"},
    {"{\"provider\":\"sentry\",\"config\":{\"dsn\":\"https://sentry.io/1\"}}", "dsn"},
    {"{\"provider\":\"sentry\",\"config\":{\"dsn\":\"https://geheim@sentry.io/\"}}", "dsn"},
    {"{\"provider\":\"sentry\",\"config\":{\"dsn\":\"geheim\"}}", "dsn"},
    {GA4(",\"batchSize\":26"), "batchSize"},
    {POSTHOG(",\"batchSize\":0"), "batchSize"},
    {POSTHOG(",\"flushInterval\":0"), "flushInterval"},
    {POSTHOG(",\"flushInterval\":\"5s\""), "flushInterval"},
    {POSTHOG(",\"type\":\"errors\""), "type"},
    {SENTRY(",\"type\":\"analytics\""), "type"},
    {POSTHOG(",\"trigger\":\"*\""), "trigger"},
    {POSTHOG(",\"filter\":7"), "filter"},
    {POSTHOG(",\"config\":{}"), "config"},
};

static void takes_definitions(void)
{
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) {
        struct receiver *r = NULL;
        struct reason why = {0};
        int error = integration_read(&r, slice_of(taken[i].text), &why);
        if (error)
            printf("#   %s: %s\n", taken[i].text, why.text);
        CHECK_INT(error, 0);
        if (!error)
            CHECK_TEXT(slice_of(r->url), taken[i].url);
        receiver_free(error ? NULL : r);
    }
}

static void refuses_definitions(void)
{
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct receiver *r;
        struct reason why = {0};
        int error = integration_read(&r, slice_of(refused[i].text), &why);
        if (error != -EINVAL || !strstr(why.text, refused[i].word) || strstr(why.text, "geheim"))
            printf("#   %s: %d, %s\n", refused[i].text, error, why.text);
        CHECK_INT(error, -EINVAL);
        CHECK(strstr(why.text, refused[i].word));
        CHECK(!strstr(why.text, "geheim"));
    }
}

static void masks_secrets(void)
{
    BYTES_AUTO ga4 = {0}, dsn = {0};
    CHECK_INT(integration_mask(SLICE(GA4(",\"batchSize\":5")), &ga4), 0);
    CHECK_TEXT(bytes_slice(&ga4), "{\"provider\":\"google-analytics\",\"config\":{\"measurementId\":\"G-1\","
                                  "\"apiSecret\":\"***\"},\"batchSize\":5}");
    CHECK_INT(
        integration_mask(
            SLICE("{\"provider\":\"sentry\",\"config\":{\"dsn\":\"https://geheim:geheim@s.example.com:9000/a/7\"}}"),
            &dsn),
        0);
    CHECK_TEXT(
        bytes_slice(&dsn), "{\"provider\":\"sentry\",\"config\":{\"dsn\":\"https://***@s.example.com:9000/a/7\"}}");
}

// ---- bodies

#define AT_US INT64_C(1768555800250000) // 2026-01-16T09:30:00.250Z

struct made {
    struct receiver *receiver;
    struct transfer request;
    struct outgoing o;
};

static void make(struct made *m, const char *definition)
{
    *m = (struct made){.o = {.event = {.id = SLICE("evt_nT5xKpRm86Rf07"),
                                 .type = SLICE("Contact.Qualified"),
                                 .target = SLICE("contact_fX9bL5nRd"),
                                 .actor = SLICE("agent_a"),
                                 .at_us = AT_US,
                                 .version = 2},
                           .tenant = SLICE("acme"),
                           .now_us = AT_US + WHEN_US_PER_SECOND}};
    CHECK_INT(integration_read(&m->receiver, slice_of(definition), NULL), 0);
}

static int add(struct made *m, const char *type, const char *data)
{
    m->o.event.type = slice_of(type);
    m->o.event.data = slice_of(data);
    return m->receiver->kind->add(m->receiver, &m->request, &m->o);
}

static struct slice finish(struct made *m)
{
    if (m->receiver->kind->finish)
        CHECK_INT(m->receiver->kind->finish(m->receiver, &m->request, m->o.now_us), 0);
    return bytes_slice(&m->request.body);
}

static void drop(struct made *m)
{
    receiver_free(m->receiver);
    bytes_free(&m->request.body);
    curl_slist_free_all(m->request.headers);
}

// The ids are those that Python's uuid.uuid5(uuid.NAMESPACE_URL, …) gives.
static void posthog_gets_batches(void)
{
    struct made m;
    make(&m, POSTHOG(""));
    CHECK_INT(add(&m, "Contact.Qualified",
                  "{\"stage\":{\"before\":\"Lead\",\"after\":\"Qualified\"},\"gone\":{\"before\":1},\"value\":1.10,"
                  "\"tenant\":\"mine\",\"in\":{\"a\":[1,2]}}"),
        RECEIVER_FITS);
    m.o.event.id = SLICE("evt_fX9bL5nRd");
    m.o.event.actor = SLICE("user_\"b");
    CHECK_INT(add(&m, "was_placed", "{}"), RECEIVER_FITS);
    CHECK_TEXT(finish(&m),
        "{\"api_key\":\"phc_geheim\",\"batch\":["
        "{\"uuid\":\"8e1a764f-a2fe-5d14-92af-c3d0669228a9\",\"event\":\"Contact.Qualified\",\"distinct_id\":\"agent_"
        "a\","
        "\"properties\":{\"distinct_id\":\"agent_a\",\"stage\":\"Qualified\",\"value\":1.10,\"in\":{\"a\":[1,2]},"
        "\"target\":\"contact_fX9bL5nRd\",\"version\":2,\"tenant\":\"acme\",\"$insert_id\":\"evt_nT5xKpRm86Rf07\"},"
        "\"timestamp\":\"2026-01-16T09:30:00.250Z\"},"
        "{\"uuid\":\"72d713f6-48c8-5671-bc10-7c4008ad23fc\",\"event\":\"was_placed\",\"distinct_id\":\"user_\\\"b\","
        "\"properties\":{\"distinct_id\":\"user_\\\"b\",\"target\":\"contact_fX9bL5nRd\",\"version\":2,\"tenant\":"
        "\"acme\","
        "\"$insert_id\":\"evt_fX9bL5nRd\"},\"timestamp\":\"2026-01-16T09:30:00.250Z\"}]}");
    drop(&m);
}

static void posthog_bodies_are_bounded(void)
{
    struct made m;
    char *data = malloc(300001);
    make(&m, POSTHOG(""));
    snprintf(data, 300001, "{\"text\":\"%0299000d\"}", 7);
    unsigned count = 0;
    while (count < 10 && add(&m, "Contact.Qualified", data) == RECEIVER_FITS)
        count++;
    CHECK_INT(count, 3);
    CHECK(finish(&m).size <= RECEIVER_BODY_MAX);
    drop(&m);
    // What is larger goes by itself.
    make(&m, POSTHOG(""));
    m.request.body = (struct bytes){0};
    char *large = malloc(1100001);
    snprintf(large, 1100001, "{\"text\":\"%01090000d\"}", 7);
    CHECK_INT(add(&m, "Contact.Qualified", large), RECEIVER_FITS);
    CHECK_INT(add(&m, "Contact.Qualified", "{}"), RECEIVER_ELSEWHERE);
    drop(&m);
    free(data);
    free(large);
}

static void ga4_gets_one_actor_a_request(void)
{
    struct made m;
    make(&m, GA4(""));
    CHECK_INT(add(&m, "Contact.Qualified",
                  "{\"stage\":{\"before\":\"Lead\",\"after\":\"Qualified\"},\"gone\":{\"before\":1},\"none\":null,"
                  "\"value\":1.10,\"open\":true,\"list\":[1,\"a\"],\"deep\":{\"a\":{\"b-c\":2},\"\\u00e9\":3},\"deep_a_"
                  "b_c\":4,"
                  "\"2nd\":5}"),
        RECEIVER_FITS);
    m.o.event.actor = SLICE("agent_ab");
    CHECK_INT(add(&m, "Contact.Qualified", "{}"), RECEIVER_ELSEWHERE);
    m.o.event.actor = SLICE("agent_a");
    m.o.event.target = SLICE("order_7");
    CHECK_INT(add(&m, "was_placed", "{}"), RECEIVER_FITS);
    CHECK_TEXT(finish(&m),
        "{\"client_id\":\"agent_a\",\"user_id\":\"agent_a\",\"events\":["
        "{\"name\":\"contact_qualified\",\"timestamp_micros\":1768555800250000,\"params\":{\"stage\":\"Qualified\","
        "\"value\":1.10,\"open\":true,\"list\":\"[1,\\\"a\\\"]\",\"deep_a_b_c\":2,\"deep__\":3,\"x2nd\":5,"
        "\"event_id\":\"evt_nT5xKpRm86Rf07\",\"target\":\"contact_fX9bL5nRd\"}},"
        "{\"name\":\"order_was_placed\",\"timestamp_micros\":1768555800250000,\"params\":{"
        "\"event_id\":\"evt_nT5xKpRm86Rf07\",\"target\":\"order_7\"}}]}");
    drop(&m);
}

static const struct {
    const char *type, *name;
} ga4_names[] = {
    {"Contact.Qualified", "contact_qualified"},
    {"SubscriptionItem.RolledOut", "subscription_item_rolled_out"},
    {"Ticket.SLABreached", "ticket_sla_breached"},
    {"OAuth2Client.Created", "o_auth2_client_created"},
    {"Deal.Closed", "deal_closed"},
    {"Aaaaaaaaaaaaaaaaaaaaaaaa.Bbbbbbbbbbbbbbbbbbbbbbbb", "aaaaaaaaaaaaaaaaaaaaaaaa_bbbbbbbbbbbbbbb"},
};

static void ga4_names_are_snake_case(void)
{
    for (size_t i = 0; i < sizeof ga4_names / sizeof *ga4_names; i++) {
        struct made m;
        BYTES_AUTO expected = {0};
        make(&m, GA4(""));
        CHECK_INT(add(&m, ga4_names[i].type, "{}"), RECEIVER_FITS);
        bytes_printf(&expected, "\"name\":\"%s\",", ga4_names[i].name);
        struct slice body = finish(&m);
        if (!memmem(body.at, body.size, expected.at, expected.size))
            printf("#   %s: %.*s\n", ga4_names[i].type, SLICE_ARG(body));
        CHECK(memmem(body.at, body.size, expected.at, expected.size));
        drop(&m);
    }
}

static size_t count_of(struct slice text, const char *part)
{
    size_t count = 0;
    for (const char *at = text.at; (at = memmem(at, (size_t)(text.at + text.size - at), part, strlen(part))); at++)
        count++;
    return count;
}

static void ga4_is_cut_to_its_limits(void)
{
    struct made m;
    BYTES_AUTO data = {0};
    make(&m, GA4(""));
    bytes_printf(&data, "{\"%060d\":\"", 0);
    for (int i = 0; i < 150; i++)
        bytes_add_text(&data, "\u00e9");
    bytes_add_text(&data, "\"");
    for (int i = 0; i < 40; i++)
        bytes_printf(&data, ",\"p%d\":%d", i, i);
    bytes_add(&data, "}", 2);
    CHECK_INT(add(&m, "Contact.Qualified", data.at), RECEIVER_FITS);
    struct slice body = finish(&m);
    // 25 params, of which two are ours: 23 of the data's, the first among them with 39 zeros behind the x.
    CHECK_INT(count_of(body, "\"p"), 22 + 1);
    CHECK(memmem(body.at, body.size, "\"p21\":21,\"event_id\"", 19));
    CHECK_INT(count_of(body, "\u00e9"), 100);
    CHECK(memmem(body.at, body.size, "{\"x000000000000000000000000000000000000000\":\"", 45));
    drop(&m);
    // A request ends before it is too large, at whatever number of events.
    make(&m, GA4(""));
    unsigned count = 0;
    bytes_clear(&data);
    bytes_add_char(&data, '{');
    for (int i = 0; i < 23; i++) {
        bytes_printf(&data, "%s\"p%039d\":\"", i ? "," : "", i);
        for (int n = 0; n < 100; n++)
            bytes_add_text(&data, "\U0001d11e");
        bytes_add_char(&data, '"');
    }
    bytes_add(&data, "}", 2);
    while (count < 25 && add(&m, "Contact.Qualified", data.at) == RECEIVER_FITS)
        count++;
    CHECK(count > 8 && count < 25);
    CHECK(finish(&m).size < 130000);
    drop(&m);
}

static void ga4_takes_nothing_old(void)
{
    struct made m;
    make(&m, GA4(""));
    m.o.now_us = AT_US + 72 * 3600 * WHEN_US_PER_SECOND;
    CHECK_INT(add(&m, "Contact.Qualified", "{}"), RECEIVER_FITS);
    m.o.now_us++;
    CHECK_INT(add(&m, "Contact.Qualified", "{}"), RECEIVER_TOO_OLD);
    drop(&m);
}

// The ids are the first 32 digits that sha256sum prints.
static void sentry_gets_envelopes(void)
{
    static const char payload[] =
        "{\"event_id\":\"dd23eeeea08ecb1bdc6300a20a2b3aad\",\"timestamp\":\"2026-01-16T09:30:00.250Z\",\"platform\":"
        "\"other\","
        "\"level\":\"error\",\"message\":\"Payment.Failed: card declined\",\"tags\":{\"type\":\"Payment.Failed\","
        "\"target\":\"contact_fX9bL5nRd\",\"tenant\":\"acme\"},\"user\":{\"id\":\"agent_a\"},"
        "\"extra\":{\"reason\":{\"before\":\"\",\"after\":\"card "
        "declined\"},\"n\":1e400},\"environment\":\"e\",\"release\":\"r@1\"}";
    struct made m;
    BYTES_AUTO expected = {0};
    make(&m,
        "{\"provider\":\"sentry\",\"config\":{\"dsn\":\"https://key@o1.ingest.sentry.io/42\",\"environment\":\"e\","
        "\"release\":\"r@1\"}}");
    CHECK_INT(add(&m, "Payment.Failed", "{\"reason\":{\"before\":\"\",\"after\":\"card declined\"},\"n\":1e400}"),
        RECEIVER_FITS);
    bytes_printf(&expected,
        "{\"event_id\":\"dd23eeeea08ecb1bdc6300a20a2b3aad\",\"sent_at\":\"2026-01-16T09:30:01.250Z\"}\n"
        "{\"type\":\"event\",\"length\":%zu,\"content_type\":\"application/json\"}\n%s\n%c",
        sizeof payload - 1, payload, 0);
    CHECK_TEXT(finish(&m), expected.at);
    CHECK_TEXT(slice_of(m.request.headers->data),
        "X-Sentry-Auth: Sentry sentry_version=7, sentry_client=factfs/" FACTFS_VERSION ", sentry_key=key");
    drop(&m);
}

static const struct {
    const char *data, *message;
} messages[] = {
    {"{}", "\"message\":\"Payment.Failed\","},
    {"{\"reason\":\"r\",\"error\":\"e\",\"message\":\"m\"}", "\"message\":\"Payment.Failed: m\","},
    {"{\"reason\":\"r\",\"error\":\"e\\n\"}", "\"message\":\"Payment.Failed: e\\n\","},
    {"{\"reason\":\"r\",\"error\":null}", "\"message\":\"Payment.Failed: r\","},
    {"{\"error\":{\"code\":7}}", "\"message\":\"Payment.Failed: {\\\"code\\\":7}\","},
};

static void sentry_is_told_why(void)
{
    for (size_t i = 0; i < sizeof messages / sizeof *messages; i++) {
        struct made m;
        make(&m, SENTRY(""));
        CHECK_INT(add(&m, "Payment.Failed", messages[i].data), RECEIVER_FITS);
        struct slice body = finish(&m);
        if (!memmem(body.at, body.size, messages[i].message, strlen(messages[i].message)))
            printf("#   %.*s\n", SLICE_ARG(body));
        CHECK(memmem(body.at, body.size, messages[i].message, strlen(messages[i].message)));
        drop(&m);
    }
}

static void sentry_gets_no_more_than_it_takes(void)
{
    struct made m;
    char *data = malloc(700001);
    make(&m, SENTRY(""));
    snprintf(data, 700001, "{\"a\":\"%0200000d\",\"message\":\"%0200000d\",\"c\":true}", 7, 8);
    CHECK_INT(add(&m, "Payment.Failed", data), RECEIVER_FITS);
    struct slice body = finish(&m);
    CHECK(body.size < 220000);
    CHECK(memmem(body.at, body.size, "7\",\"c\":true}", 12));
    free(data);
    drop(&m);
}

static void sentry_wants_failures(void)
{
    static const struct {
        const char *type, *entity;
        bool wanted;
    } cases[] = {
        {"Payment.Failed", "payment_1", true},
        {"Job.Errored", "job_1", true},
        {"Worker.Crashed", "worker_1", true},
        {"Error.Created", "error_1", true},
        {"Error.Resolved", "error_1", true},
        {"payment_failed", "order_1", true},
        {"failed", "order_1", true},
        {"Payment.Succeeded", "payment_1", false},
        {"Payment.FailedOver", "payment_1", false},
        {"Errors.Created", "errors_1", false},
        {"was_placed", "order_1", false},
        {"failed_over", "order_1", false},
    };
    struct made m;
    make(&m, SENTRY(""));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool wanted = m.receiver->kind->wants(m.receiver, slice_of(cases[i].type), slice_of(cases[i].entity));
        if (wanted != cases[i].wanted)
            printf("#   %s\n", cases[i].type);
        CHECK_INT(wanted, cases[i].wanted);
    }
    drop(&m);
    // A filter chooses by itself.
    make(&m, SENTRY(",\"filter\":{\"actor\":\"agent_a\"}"));
    CHECK(m.receiver->kind->wants(m.receiver, SLICE("Payment.Succeeded"), SLICE("payment_1")));
    drop(&m);
}

// ---- answers

static const struct {
    const char *provider;
    unsigned status;
    int64_t retry_after_s;
    const char *header;
    enum receiver_verdict verdict;
    int64_t hold_s;
} answers[] = {
    {POSTHOG(""), 200, 0, "", RECEIVER_TOOK, 0},
    {POSTHOG(""), 204, 0, "", RECEIVER_TOOK, 0},
    {POSTHOG(""), 0, 0, "", RECEIVER_FAILED, 0},
    {POSTHOG(""), 302, 0, "", RECEIVER_FAILED, 0},
    {POSTHOG(""), 400, 0, "", RECEIVER_REFUSED, 0},
    {POSTHOG(""), 401, 7, "", RECEIVER_REFUSED, 0},
    {POSTHOG(""), 410, 0, "", RECEIVER_REFUSED, 0},
    {POSTHOG(""), 408, 0, "", RECEIVER_FAILED, 0},
    {POSTHOG(""), 429, 0, "", RECEIVER_FAILED, 60},
    {POSTHOG(""), 429, 7, "", RECEIVER_FAILED, 7},
    {POSTHOG(""), 503, 0, "", RECEIVER_FAILED, 0},
    {POSTHOG(""), 503, 9, "", RECEIVER_FAILED, 9},
    {SENTRY(""), 200, 0, "", RECEIVER_TOOK, 0},
    {SENTRY(""), 200, 0, "60:error:organization", RECEIVER_TOOK, 60},
    {SENTRY(""), 429, 0, "", RECEIVER_FAILED, 60},
    {SENTRY(""), 429, 7, "", RECEIVER_FAILED, 7},
    {SENTRY(""), 429, 7, "2700:default;error;security:organization", RECEIVER_FAILED, 2700},
    {SENTRY(""), 429, 7, " 60:transaction:key, 2700::organization", RECEIVER_FAILED, 2700},
    {SENTRY(""), 429, 7, "60:transaction:key, 30:error:key,10:error:project", RECEIVER_FAILED, 30},
    {SENTRY(""), 429, 7, "60:transaction;attachment:key", RECEIVER_FAILED, 0},
    {SENTRY(""), 429, 7, "x:error:key", RECEIVER_FAILED, 60},
    {SENTRY(""), 429, 7, "60", RECEIVER_FAILED, 60},
    {SENTRY(""), 429, 7, "99999999999999999999:error:key", RECEIVER_FAILED, 86400},
    {SENTRY(""), 413, 0, "", RECEIVER_REFUSED, 0},
};

static void answers_mean_what_services_say(void)
{
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        struct receiver *r;
        struct transfer_outcome outcome = {.status = answers[i].status, .retry_after_s = answers[i].retry_after_s};
        snprintf(outcome.header, sizeof outcome.header, "%s", answers[i].header);
        CHECK_INT(integration_read(&r, slice_of(answers[i].provider), NULL), 0);
        struct receiver_answer answer = r->kind->judge(&outcome);
        if (answer.verdict != answers[i].verdict || answer.hold_s != answers[i].hold_s)
            printf("#   %u, %s\n", answers[i].status, answers[i].header);
        CHECK_INT(answer.verdict, answers[i].verdict);
        CHECK_INT(answer.hold_s, answers[i].hold_s);
        receiver_free(r);
    }
}

int main(void)
{
    TEST("definitions of each service are taken, and lead to its address", takes_definitions);
    TEST("what is wrong in a definition is named, and no secret is", refuses_definitions);
    TEST("what others may see of a definition has no secret", masks_secrets);
    TEST("PostHog gets batches of events with their new values, each with an id that a repeat has too",
        posthog_gets_batches);
    TEST("a batch for PostHog ends before it is too large, but for a single large event", posthog_bodies_are_bounded);
    TEST("a request to GA4 is of one actor, objects flattened, arrays as text", ga4_gets_one_actor_a_request);
    TEST("GA4's names of events are snake_case of noun and verb", ga4_names_are_snake_case);
    TEST(
        "GA4 gets 40 characters of names, 100 of values, 25 params, less than 130,000 bytes", ga4_is_cut_to_its_limits);
    TEST("GA4 gets nothing that is older than 72 hours", ga4_takes_nothing_old);
    TEST("Sentry gets an envelope an event, with an id that a repeat has too", sentry_gets_envelopes);
    TEST("Sentry is told the message, the error or the reason", sentry_is_told_why);
    TEST("Sentry gets 256 KiB of the data, by whole members", sentry_gets_no_more_than_it_takes);
    TEST("Sentry wants what failed, unless a filter chooses", sentry_wants_failures);
    TEST("answers drop, hold and repeat as the services say", answers_mean_what_services_say);
    return check_end("integration");
}
