// Which addresses a hook may dial. Requests go where a tenant's owner says, so they could be sent at what only this
// machine can reach: its own services, the neighbours behind the firewall, the cloud's metadata. All of these are
// blocked, whatever name leads there; the mount's operator opens ranges (-o hooks_allow=).
//
// An IPv4 address inside of an IPv6 one (mapped, NAT64, 6to4) is judged as itself. Plain data; any thread.
#pragma once

#include "store/bytes.h"
#include "store/reason.h"

#include <sys/socket.h>

#define ADDRESS_TEXT_MAX   46
#define ADDRESS_RANGES_MAX 64u

struct address_range {
    sa_family_t family;
    unsigned bits; // so many bits of the address must be the same
    unsigned char bytes[16];
};

// What the operator has opened. {0} is none.
struct address_list {
    struct address_range ranges[ADDRESS_RANGES_MAX];
    size_t count;
};

// Adds `10.0.0.0/8`, `fd00::/8`, or a single address. 0 or -EINVAL with the reason.
int address_list_add(struct address_list *list, const char *text, struct reason *why);

// May this be dialled? What is neither IPv4 nor IPv6 may not.
bool address_is_allowed(const struct sockaddr *address, const struct address_list *opened);
// The address as people write it.
void address_print(const struct sockaddr *address, char text[static ADDRESS_TEXT_MAX]);
