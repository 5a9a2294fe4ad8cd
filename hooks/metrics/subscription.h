// What the built-in metrics read of the state of a Subscription, and of the Price that it has.
//
// Nothing is kept: any thread.
#pragma once

#include "hooks/metrics/decimal.h"

// Amounts a month are counted in parts of this: every number of months up to 36 divides it, so thirds and twelfths of
// an amount are whole.
#define SUBSCRIPTION_PARTS UINT64_C(144403552893600)

// Is a state with these fields an active subscription? Its status is Active, PastDue, Reactivated, Upgraded, Downgraded
// or Renewed, case aside, or it has none.
bool subscription_is_active(struct slice fields);

// Is its status Canceled or Cancelled, case aside?
bool subscription_is_canceled(struct slice fields);

// The id of the entity that `price` points to, quoted as it stands; false when there is none.
bool subscription_price(struct slice fields, struct slice *id);

// Sets what it pays a month, in SUBSCRIPTION_PARTS: amount × quantity / months. The own fields amount, interval and
// intervalCount go before those of its price, which may be empty; the interval is Monthly, Quarterly or Yearly (month,
// quarter, year), and a month when there is none. What has another one (OneTime) or no amount pays nothing a month. 0,
// -ERANGE when the numbers are too large, or -ENOMEM.
int subscription_monthly(struct slice fields, struct slice price, struct decimal *parts);
