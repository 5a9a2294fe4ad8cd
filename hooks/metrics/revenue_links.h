// Which subscriptions were seen to have which price, so that a price that changes need not be looked for in all of
// them. A bounded number of links is remembered; they are not taken back when a subscription gets another price.
#pragma once

#include "store/bytes.h"

#define REVENUE_LINKS_MAX 4096u

// A subscription was seen to have a price.
struct revenue_link {
    uint64_t price; // the hash of its name
    uint64_t entity;
};

struct revenue_links {
    struct revenue_link *all; // each once
    uint32_t *slots;          // a hash table of them: index + 1, or 0
    size_t count;
    bool lost; // there were too many: any subscription may have any price
};

void links_clear(struct revenue_links *links);
void links_lose(struct revenue_links *links);
// When there is no room for it, all are lost.
void links_add(struct revenue_links *links, const struct revenue_link *link);
uint64_t links_price(struct slice name);
// May a subscription have this price?
bool links_have(const struct revenue_links *links, struct slice price);
