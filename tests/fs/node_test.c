// What the numbers of inodes stand for.
#include "fs/node.h"
#include "tests/store/check.h"

#include <stdlib.h>

static int by_number(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

// As many lookups as 1,000 programs make that open it at once.
static void no_two_writers_of_a_tenant_share_an_inode(void)
{
    enum { LOOKUPS = 100000 };
    uint64_t *ids = calloc(LOOKUPS, sizeof *ids);
    if (!ids)
        abort();
    for (uint32_t i = 0; i < LOOKUPS; i++)
        ids[i] = node_fresh(NODE_TENANT_APPEND, 7, 0, UINT32_MAX - LOOKUPS / 2 + i);
    qsort(ids, LOOKUPS, sizeof *ids, by_number);
    size_t same = 0;
    for (size_t i = 1; i < LOOKUPS; i++)
        same += ids[i] == ids[i - 1];
    CHECK_INT(same, 0);
    free(ids);
}

static void a_fresh_number_stands_for_the_same_file(void)
{
    for (uint32_t count = 0; count < 2000; count++) {
        struct node entity = node_of(node_fresh(NODE_APPEND, NODE_TENANT_MAX, NODE_ENTITY_MAX, count));
        CHECK_INT(entity.kind, NODE_APPEND);
        CHECK_INT(entity.tenant, NODE_TENANT_MAX);
        CHECK_INT(entity.number, NODE_ENTITY_MAX);
        struct node tenant = node_of(node_fresh(NODE_TENANT_IMPORT, 3, 0, UINT32_MAX - count));
        CHECK_INT(tenant.kind, NODE_TENANT_IMPORT);
        CHECK_INT(tenant.tenant, 3);
        CHECK_INT(tenant.number, 0);
    }
}

int main(void)
{
    TEST("no two writers of a tenant share an inode, where the kernel would let in one at a time",
        no_two_writers_of_a_tenant_share_an_inode);
    TEST("append and import stand for the same whatever fresh number they have",
        a_fresh_number_stands_for_the_same_file);
    return check_end("node");
}
