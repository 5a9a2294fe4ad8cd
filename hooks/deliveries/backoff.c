#include "hooks/deliveries/backoff.h"

#define EXPONENTIAL_MAX_MS INT64_C(3600000)
#define FIXED_MS           INT64_C(5000)
#define DEFAULT_ATTEMPTS   10u

static const int64_t standard_ms[] = {5000, 300000, 1800000, 7200000, 18000000, 36000000, 50400000, 72000000, 86400000};
#define STANDARD_COUNT (sizeof standard_ms / sizeof *standard_ms)

unsigned backoff_attempts(enum backoff_kind kind, unsigned list_count)
{
    return kind == BACKOFF_LIST ? list_count + 1 : DEFAULT_ATTEMPTS;
}

static int64_t plain_delay_ms(const struct backoff *b, unsigned attempts)
{
    unsigned failed = attempts - 1;
    switch (b->kind) {
    case BACKOFF_EXPONENTIAL:
        return failed < 12 ? INT64_C(1000) << failed : EXPONENTIAL_MAX_MS;
    case BACKOFF_FIXED:
        return FIXED_MS;
    case BACKOFF_LIST:
        return b->list_ms[failed < b->count ? failed : b->count - 1];
    case BACKOFF_STANDARD:
        break;
    }
    return standard_ms[failed < STANDARD_COUNT ? failed : STANDARD_COUNT - 1];
}

int64_t backoff_delay_ms(const struct backoff *b, unsigned attempts, uint32_t random)
{
    if (attempts >= b->max_attempts)
        return -1;
    int64_t plain_ms = plain_delay_ms(b, attempts);
    // From four to six fifths.
    return plain_ms * 4 / 5 + (int64_t)((uint64_t)(plain_ms * 2 / 5) * random >> 32);
}
