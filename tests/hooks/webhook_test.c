// Definitions of webhooks: what is taken, what is refused, what others may see; and when a failed delivery is repeated.
#include "hooks/deliveries/webhook.h"
#include "tests/store/check.h"

#include <errno.h>

#define URL "\"url\":\"https://example.com/hook\""

static const char *const taken[] = {
    "{\"trigger\":\"Deal.Closed\"," URL "}",
    "{\"trigger\":[\"Deal.Closed\",\"Deal.Lost\"]," URL "}",
    "{\"events\":[\"Contact.created\",\"Deal.closed\"]," URL "}",
    "{\"events\":\"*\"," URL "}",
    "{\"trigger\":\"Deal.Closed\",\"action\":\"webhook\",\"url\":\"https://api.example.com/hooks/deals\","
    "\"headers\":{\"X-Secret\":\"whsec_kR7nMpTx\"},\"retry\":{\"maxAttempts\":3,\"backoff\":\"exponential\"}}",
    "{\"trigger\":\"*\",\"name\":\"n\",\"description\":\"d\",\"type\":\"webhook\",\"url\":\"http://127.0.0.1:8080/x\"}",
    "{\"trigger\":\"*\"," URL ",\"secret\":\"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"}",
    "{\"trigger\":\"*\"," URL ",\"secret\":[\"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\","
    "\"whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD\"]}",
    "{\"trigger\":\"*\"," URL ",\"retry\":{\"backoff\":[0,0.5,60]},\"concurrency\":64,\"payload\":\"event\"}",
    "{\"trigger\":\"*\"," URL ",\"retry\":{},\"disabled\":true}",
    "{\"trigger\":\"*\"," URL ",\"filter\":{\"data.value\":{\"$gte\":1000},\"actor\":{\"$regex\":\"^agent_\"}}}",
    "{\"trigger\":\"*\"," URL ",\"filter\":\"data.value>=1000,actor~^agent_\"}",
};

static const struct {
    const char *text, *word;
} refused[] = {
    {"", "empty"},
    {"[]", "object"},
    {"{\"trigger\":\"*\"," URL, "complete"},
    {"{\"trigger\":\"*\"," URL "} x", "behind"},
    {"{\"trigger\":\"*\",\"trigger\":\"*\"," URL "}", "trigger"},
    {"{" URL "}", "trigger"},
    {"{\"trigger\":\"*\"}", "url"},
    {"{\"trigger\":\"*\",\"events\":\"*\"," URL "}", "trigger and events"},
    {"{\"trigger\":[]," URL "}", "trigger"},
    {"{\"trigger\":[1]," URL "}", "trigger"},
    {"{\"trigger\":\"Deal\"," URL "}", "Deal"},
    {"{\"trigger\":\"Deal.Closed|\"," URL "}", "pattern"},
    {"{\"trigger\":\"Deal.Cl%sed\"," URL "}", "pattern"},
    {"{\"trigger\":\"*\",\"treshold\":1," URL "}", "treshold"},
    {"{\"trigger\":\"*\",\"action\":\"mail\"," URL "}", "action"},
    {"{\"trigger\":\"*\",\"url\":\"ftp://example.com/\"}", "ftp"},
    {"{\"trigger\":\"*\",\"url\":\"file:///etc/passwd\"}", "url"},
    {"{\"trigger\":\"*\",\"url\":\"example.com\"}", "url"},
    {"{\"trigger\":\"*\",\"url\":\"https://1:2@[::1]:9876\"}", "password"},
    {"{\"trigger\":\"*\",\"url\":\"https://joe@example.com/\"}", "user"},
    {"{\"trigger\":\"*\",\"url\":7}", "url"},
    {"{\"trigger\":\"*\"," URL ",\"headers\":{\"Webhook-Id\":\"1\"}}", "Webhook-Id"},
    {"{\"trigger\":\"*\"," URL ",\"headers\":{\"host\":\"x\"}}", "host"},
    {"{\"trigger\":\"*\"," URL ",\"headers\":{\"Content-Length\":\"0\"}}", "Content-Length"},
    {"{\"trigger\":\"*\"," URL ",\"headers\":{\"X\":\"a\\r\\nb: c\"}}", "X"},
    {"{\"trigger\":\"*\"," URL ",\"headers\":{\"X Y\":\"a\"}}", "X Y"},
    {"{\"trigger\":\"*\"," URL ",\"headers\":{\"X\":1}}", "X"},
    {"{\"trigger\":\"*\"," URL ",\"secret\":\"geheimnis-sehr\"}", "whsec_"},
    {"{\"trigger\":\"*\"," URL ",\"secret\":[]}", "secret"},
    {"{\"trigger\":\"*\"," URL ",\"retry\":{\"maxAttempts\":0}}", "maxAttempts"},
    {"{\"trigger\":\"*\"," URL ",\"retry\":{\"maxAttempts\":1.5}}", "maxAttempts"},
    {"{\"trigger\":\"*\"," URL ",\"retry\":{\"attempts\":1}}", "attempts"},
    {"{\"trigger\":\"*\"," URL ",\"retry\":{\"backoff\":\"linear\"}}", "backoff"},
    {"{\"trigger\":\"*\"," URL ",\"retry\":{\"backoff\":[]}}", "backoff"},
    {"{\"trigger\":\"*\"," URL ",\"retry\":{\"backoff\":[-1]}}", "backoff"},
    {"{\"trigger\":\"*\"," URL ",\"concurrency\":0}", "concurrency"},
    {"{\"trigger\":\"*\"," URL ",\"concurrency\":65}", "concurrency"},
    {"{\"trigger\":\"*\"," URL ",\"payload\":\"xml\"}", "payload"},
    {"{\"trigger\":\"*\"," URL ",\"disabled\":\"yes\"}", "disabled"},
    {"{\"trigger\":\"*\"," URL ",\"filter\":7}", "filter"},
    {"{\"trigger\":\"*\"," URL ",\"filter\":\"value\"}", "filter"},
    {"{\"trigger\":\"*\"," URL ",\"filter\":\"actor~(\"}", "filter"},
    {"{\"trigger\":\"*\"," URL ",\"filter\":{\"data.value\":{\"$gross\":1}}}", "$gross"},
};

static void takes_definitions(void)
{
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) {
        struct receiver *w;
        struct reason why = {0};
        int error = webhook_read(&w, slice_of(taken[i]), &why);
        if (error)
            printf("#   %s: %s\n", taken[i], why.text);
        CHECK_INT(error, 0);
        if (!error)
            receiver_free(w);
    }
}

static void refuses_definitions(void)
{
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct receiver *w;
        struct reason why = {0};
        int error = webhook_read(&w, slice_of(refused[i].text), &why);
        if (error != -EINVAL || !strstr(why.text, refused[i].word) || strstr(why.text, "geheimnis-sehr"))
            printf("#   %s: %d, %s\n", refused[i].text, error, why.text);
        CHECK_INT(error, -EINVAL);
        CHECK(strstr(why.text, refused[i].word));
        CHECK(!strstr(why.text, "geheimnis-sehr"));
    }
}

static bool wants(const char *trigger, const char *type, const char *entity)
{
    struct receiver *w;
    BYTES_AUTO text = {0};
    bytes_printf(&text, "{\"trigger\":\"%s\"," URL "}", trigger);
    CHECK_INT(webhook_read(&w, bytes_slice(&text), NULL), 0);
    bool wanted = webhook_wants(w, slice_of(type), slice_of(entity));
    receiver_free(w);
    return wanted;
}

static void wants_what_fits(void)
{
    CHECK(wants("*", "Deal.Closed", "deal_1"));
    CHECK(wants("Deal.Closed", "Deal.Closed", "deal_1"));
    CHECK(wants("deal.closed", "Deal.Closed", "deal_1"));
    CHECK(!wants("Deal.Closed", "Deal.Lost", "deal_1"));
    CHECK(!wants("Deal.Closed", "Dealer.Closed", "dealer_1"));
    CHECK(wants("Deal.*", "Deal.Lost", "deal_1"));
    CHECK(!wants("Deal.*", "Contact.Created", "contact_1"));
    CHECK(wants("*.created", "Contact.Created", "contact_1"));
    CHECK(!wants("*.created", "Contact.Updated", "contact_1"));
    CHECK(wants("Deal.Won|Deal.Lost", "Deal.Lost", "deal_1"));
    CHECK(wants("Subscription.Canceled", "Subscription.Cancelled", "subscription_1"));
    CHECK(wants("order.was_placed", "was_placed", "order_550e"));
    CHECK(!wants("order.was_placed", "was_placed", "cart_550e"));
    CHECK(wants("contact_fX9bL5nRd", "Contact.Updated", "contact_fX9bL5nRd"));
    CHECK(!wants("contact_fX9bL5nRd", "Contact.Updated", "contact_other"));
    CHECK(!wants("contact_fX9bL5nRd", "Contact.Updated", "contact_fx9bl5nrd"));
}

static void masks_secrets(void)
{
    BYTES_AUTO out = {0};
    CHECK_INT(
        webhook_mask(
            SLICE(
                "{\"trigger\":\"Deal.Closed\",\"url\":\"https://hooks.example.com:8443/T0/B0/geheim?t=geheim#geheim\","
                " \"headers\": {\"X-Secret\":\"geheim\",\"X-B\":\"\"},\"retry\":{\"maxAttempts\":3},"
                "\"secret\":[\"whsec_geheim\",\"whsec_geheim2\"]}"),
            &out),
        0);
    CHECK_TEXT(bytes_slice(&out),
        "{\"trigger\":\"Deal.Closed\",\"url\":\"https://hooks.example.com:8443/***\",\"headers\":{\"X-Secret\":\"***\","
        "\"X-B\":\"***\"},\"retry\":{\"maxAttempts\":3},\"secret\":\"***\"}");
}

static struct backoff backoff_of(const char *retry)
{
    struct receiver *w;
    BYTES_AUTO text = {0};
    bytes_printf(&text, "{\"trigger\":\"*\"," URL "%s%s}", *retry ? ",\"retry\":" : "", retry);
    CHECK_INT(webhook_read(&w, bytes_slice(&text), NULL), 0);
    struct backoff backoff = w->backoff;
    receiver_free(w);
    return backoff;
}

// The delays, in milliseconds, without their spread; the middle of it is at half of all random numbers.
static void check_delays(const char *retry, const int64_t *expected)
{
    struct backoff b = backoff_of(retry);
    unsigned attempts = 1;
    for (; *expected >= 0; expected++, attempts++) {
        int64_t middle = backoff_delay_ms(&b, attempts, 1u << 31);
        CHECK_INT(middle, *expected);
        CHECK_INT(backoff_delay_ms(&b, attempts, 0), *expected * 8 / 10);
        CHECK(backoff_delay_ms(&b, attempts, UINT32_MAX) <= *expected * 12 / 10);
        CHECK(backoff_delay_ms(&b, attempts, UINT32_MAX) >= *expected * 12 / 10 - 1);
    }
    CHECK_INT(backoff_delay_ms(&b, attempts, 1u << 31), -1);
}

static void repeats_by_schedule(void)
{
    check_delays("", (int64_t[]){5000, 300000, 1800000, 7200000, 18000000, 36000000, 50400000, 72000000, 86400000, -1});
    check_delays("{\"maxAttempts\":3}", (int64_t[]){5000, 300000, -1});
    check_delays("{\"maxAttempts\":1}", (int64_t[]){-1});
    check_delays("{\"maxAttempts\":3,\"backoff\":\"exponential\"}", (int64_t[]){1000, 2000, -1});
    check_delays("{\"maxAttempts\":15,\"backoff\":\"exponential\"}",
        (int64_t[]){1000, 2000, 4000, 8000, 16000, 32000, 64000, 128000, 256000, 512000, 1024000, 2048000, 3600000,
            3600000, -1});
    check_delays("{\"maxAttempts\":4,\"backoff\":\"fixed\"}", (int64_t[]){5000, 5000, 5000, -1});
    check_delays("{\"backoff\":[1,0.5]}", (int64_t[]){1000, 500, -1});
    check_delays("{\"backoff\":[1,2],\"maxAttempts\":5}", (int64_t[]){1000, 2000, 2000, 2000, -1});
}

int main(void)
{
    TEST("definitions in the seed's form and in the REST form are taken", takes_definitions);
    TEST("what is wrong in a definition is named, and no secret is", refuses_definitions);
    TEST("patterns match types and entities, case aside", wants_what_fits);
    TEST("what others may see of a definition has no secret", masks_secrets);
    TEST("a failed delivery is repeated by its schedule, spread by a fifth; maxAttempts counts the first",
        repeats_by_schedule);
    return check_end("webhook");
}
