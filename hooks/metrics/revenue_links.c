#include "hooks/metrics/revenue_links.h"

#include <stdlib.h>

#define LINK_SLOTS (2 * REVENUE_LINKS_MAX)

uint64_t links_price(struct slice name)
{
    return slice_hash(name);
}

static uint32_t *link_slot(const struct revenue_links *links, const struct revenue_link *link)
{
    size_t slot = (link->price ^ link->entity * UINT64_C(0x9e3779b97f4a7c15)) % LINK_SLOTS;
    for (; links->slots[slot]; slot = (slot + 1) % LINK_SLOTS) {
        const struct revenue_link *other = &links->all[links->slots[slot] - 1];
        if (other->price == link->price && other->entity == link->entity)
            break;
    }
    return &links->slots[slot];
}

void links_clear(struct revenue_links *links)
{
    free(links->all);
    free(links->slots);
    *links = (struct revenue_links){0};
}

void links_lose(struct revenue_links *links)
{
    links_clear(links);
    links->lost = true;
}

void links_add(struct revenue_links *links, const struct revenue_link *link)
{
    if (links->lost)
        return;
    if (!links->all) {
        links->all = calloc(REVENUE_LINKS_MAX, sizeof *links->all);
        links->slots = calloc(LINK_SLOTS, sizeof *links->slots);
    }
    uint32_t *slot = links->all && links->slots ? link_slot(links, link) : NULL;
    if (slot && *slot)
        return;
    if (!slot || links->count == REVENUE_LINKS_MAX) {
        links_lose(links);
        return;
    }
    links->all[links->count++] = *link;
    *slot = (uint32_t)links->count;
}

bool links_have(const struct revenue_links *links, struct slice price)
{
    uint64_t hash = links_price(price);
    for (size_t i = 0; i < links->count; i++)
        if (links->all[i].price == hash)
            return true;
    return links->lost;
}
