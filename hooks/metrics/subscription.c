#include "hooks/metrics/subscription.h"

#include "store/json.h"
#include "store/number.h"

#include <errno.h>

// Behind so many places of a part nothing is kept, for intervals of months that do not divide it.
#define PLACES 36
// More intervals from one payment to the next count as so many.
#define TIMES_MAX 100000u

// A member that is there and not null.
static bool find(struct slice fields, const char *name, struct slice *value)
{
    return fields.size && json_member(fields, name, value) && json_kind(*value) != JSON_NULL;
}

static bool find_number(struct slice fields, const char *name, struct slice *value)
{
    return find(fields, name, value) && json_kind(*value) == JSON_NUMBER;
}

// Is a string one of these words, case aside? The words are plain, so one with escapes is none of them.
static bool is_one_of(struct slice value, const char *const *words)
{
    if (json_kind(value) != JSON_STRING)
        return false;
    for (; *words; words++)
        if (value.size == strlen(*words) + 2 && !strncasecmp(value.at + 1, *words, value.size - 2))
            return true;
    return false;
}

bool subscription_is_active(struct slice fields)
{
    static const char *const active[] = {"Active", "PastDue", "Reactivated", "Upgraded", "Downgraded", "Renewed", NULL};
    struct slice status;
    return !find(fields, "status", &status) || is_one_of(status, active);
}

bool subscription_is_canceled(struct slice fields)
{
    static const char *const canceled[] = {"Canceled", "Cancelled", NULL};
    struct slice status;
    return find(fields, "status", &status) && is_one_of(status, canceled);
}

bool subscription_price(struct slice fields, struct slice *id)
{
    return find(fields, "price", id) && json_kind(*id) == JSON_STRING;
}

// ---- a month's amount

// How many months an interval has; 0: it is not one that comes again.
static uint32_t months_of(struct slice interval)
{
    static const char *const month[] = {"Monthly", "month", NULL};
    static const char *const quarter[] = {"Quarterly", "quarter", NULL};
    static const char *const year[] = {"Yearly", "year", NULL};
    return is_one_of(interval, month) ? 1 : is_one_of(interval, quarter) ? 3 : is_one_of(interval, year) ? 12 : 0;
}

// The months from one payment to the next.
static uint32_t read_months(struct slice fields, struct slice price)
{
    struct slice interval, count;
    bool has_interval = find(fields, "interval", &interval) || find(price, "interval", &interval);
    bool has_count = find_number(fields, "intervalCount", &count) || find_number(price, "intervalCount", &count);
    uint32_t months = has_interval ? months_of(interval) : 1;
    uint64_t times = 1;
    if (has_count && (!number_count(count, &times) || !times))
        times = 1;
    return months * (uint32_t)(times > TIMES_MAX ? TIMES_MAX : times);
}

// amount × quantity, in parts.
static int multiply(struct slice amount, struct slice fields, uint64_t parts, struct decimal *product)
{
    struct slice quantity;
    DECIMAL_AUTO a = {0};
    DECIMAL_AUTO b = {0};
    DECIMAL_AUTO both = {0};
    int error = decimal_read(&a, amount);
    if (!error)
        error = find_number(fields, "quantity", &quantity) ? decimal_read(&b, quantity) : decimal_set(&b, 1);
    if (!error)
        error = decimal_multiply(&both, &a, &b);
    if (!error)
        error = decimal_set(&a, parts);
    return error ? error : decimal_multiply(product, &both, &a);
}

int subscription_monthly(struct slice fields, struct slice price, struct decimal *parts)
{
    struct slice amount;
    uint32_t months = read_months(fields, price);
    if (!months || (!find_number(fields, "amount", &amount) && !find_number(price, "amount", &amount)))
        return decimal_set(parts, 0);
    bool whole = SUBSCRIPTION_PARTS % months == 0;
    int error = multiply(amount, fields, whole ? SUBSCRIPTION_PARTS / months : SUBSCRIPTION_PARTS, parts);
    return error || whole ? error : decimal_divide(parts, months, PLACES);
}
