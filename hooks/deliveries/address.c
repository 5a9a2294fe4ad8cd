#include "hooks/deliveries/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>

#define V4(a, b, c, d, n)                                                                                              \
    {                                                                                                                  \
        .family = AF_INET, .bits = (n), .bytes = {(a), (b), (c), (d) }                                                 \
    }
#define V6(n, ...)                                                                                                     \
    {                                                                                                                  \
        .family = AF_INET6, .bits = (n), .bytes = { __VA_ARGS__ }                                                      \
    }

static const struct address_range blocked[] = {
    V4(0, 0, 0, 0, 8),                          // this network
    V4(10, 0, 0, 0, 8),                         // private
    V4(100, 64, 0, 0, 10),                      // shared by carriers
    V4(127, 0, 0, 0, 8),                        // this machine
    V4(169, 254, 0, 0, 16),                     // link-local, and the metadata of clouds
    V4(172, 16, 0, 0, 12),                      // private
    V4(192, 0, 0, 0, 24),                       // protocol assignments
    V4(192, 0, 2, 0, 24),                       // documentation
    V4(192, 88, 99, 0, 24),                     // 6to4 relays
    V4(192, 168, 0, 0, 16),                     // private
    V4(198, 18, 0, 0, 15),                      // benchmarks
    V4(198, 51, 100, 0, 24),                    // documentation
    V4(203, 0, 113, 0, 24),                     // documentation
    V4(224, 0, 0, 0, 4),                        // multicast
    V4(240, 0, 0, 0, 4),                        // reserved, and broadcast
    V6(96, 0),                                  // unspecified, this machine, IPv4-compatible
    V6(48, 0x00, 0x64, 0xff, 0x9b, 0x00, 0x01), // local NAT64
    V6(64, 0x01, 0x00),                         // discard
    V6(32, 0x20, 0x01, 0x0d, 0xb8),             // documentation
    V6(20, 0x3f, 0xff),                         // documentation
    V6(16, 0x5f, 0x00),                         // segment routing
    V6(7, 0xfc),                                // unique local
    V6(10, 0xfe, 0x80),                         // link-local
    V6(10, 0xfe, 0xc0),                         // site-local
    V6(8, 0xff),                                // multicast
};

// Where an IPv4 address stands inside of an IPv6 one.
static const struct {
    struct address_range range;
    unsigned at;
} wrappers[] = {
    {V6(96, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff), 12}, // mapped
    {V6(96, 0x00, 0x64, 0xff, 0x9b), 12},                   // NAT64
    {V6(16, 0x20, 0x02), 2},                                // 6to4
};

static bool is_within(const struct address_range *range, sa_family_t family, const unsigned char *bytes)
{
    if (range->family != family)
        return false;
    unsigned whole = range->bits / 8, rest = range->bits % 8;
    if (memcmp(range->bytes, bytes, whole))
        return false;
    return !rest || ((range->bytes[whole] ^ bytes[whole]) >> (8 - rest)) == 0;
}

static bool is_opened(const struct address_list *opened, sa_family_t family, const unsigned char *bytes)
{
    for (size_t i = 0; i < opened->count; i++)
        if (is_within(&opened->ranges[i], family, bytes))
            return true;
    return false;
}

static bool is_blocked(sa_family_t family, const unsigned char *bytes)
{
    for (size_t i = 0; i < sizeof blocked / sizeof *blocked; i++)
        if (is_within(&blocked[i], family, bytes))
            return true;
    return false;
}

static const unsigned char *bytes_of(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET)
        return (const unsigned char *)&((const struct sockaddr_in *)(const void *)address)->sin_addr;
    if (address->sa_family == AF_INET6)
        return (const unsigned char *)&((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
    return NULL;
}

bool address_is_allowed(const struct sockaddr *address, const struct address_list *opened)
{
    sa_family_t family = address->sa_family;
    const unsigned char *bytes = bytes_of(address);
    if (!bytes)
        return false;
    if (is_opened(opened, family, bytes))
        return true;
    for (size_t i = 0; family == AF_INET6 && i < sizeof wrappers / sizeof *wrappers; i++)
        if (is_within(&wrappers[i].range, family, bytes)) {
            family = AF_INET;
            bytes += wrappers[i].at;
        }
    return is_opened(opened, family, bytes) || !is_blocked(family, bytes);
}

void address_print(const struct sockaddr *address, char text[static ADDRESS_TEXT_MAX])
{
    const unsigned char *bytes = bytes_of(address);
    if (!bytes || !inet_ntop(address->sa_family, bytes, text, ADDRESS_TEXT_MAX))
        snprintf(text, ADDRESS_TEXT_MAX, "an address of family %d", address->sa_family);
}

static int read_range(struct address_range *range, const char *text)
{
    char address[ADDRESS_TEXT_MAX];
    const char *slash = strchr(text, '/');
    size_t size = slash ? (size_t)(slash - text) : strlen(text);
    if (size >= sizeof address)
        return -EINVAL;
    memcpy(address, text, size);
    address[size] = '\0';
    *range = (struct address_range){.family = strchr(address, ':') ? AF_INET6 : AF_INET};
    if (inet_pton(range->family, address, range->bytes) != 1)
        return -EINVAL;
    unsigned most = range->family == AF_INET ? 32 : 128;
    range->bits = most;
    if (!slash)
        return 0;
    char *end;
    if (slash[1] < '0' || slash[1] > '9')
        return -EINVAL;
    unsigned long bits = strtoul(slash + 1, &end, 10);
    if (*end || bits > most)
        return -EINVAL;
    range->bits = (unsigned)bits;
    return 0;
}

int address_list_add(struct address_list *list, const char *text, struct reason *why)
{
    struct address_range range;
    if (read_range(&range, text))
        return reason_set(why, -EINVAL, "hooks_allow: %s is no address and no range like 10.0.0.0/8", text);
    if (list->count == ADDRESS_RANGES_MAX)
        return reason_set(why, -EINVAL, "hooks_allow: more than %u ranges", ADDRESS_RANGES_MAX);
    list->ranges[list->count++] = range;
    return 0;
}
