// The URLs in definitions of hooks: http or https, taken apart. What stands behind the origin, and the userinfo before
// the host, may be secret.
#pragma once

#include "store/bytes.h"
#include "store/reason.h"

struct url {
    char *scheme, *user, *password, *host, *port, *path, *query; // NULL: it has none
};
#define URL_AUTO __attribute__((cleanup(url_free))) struct url

// `member` is where it stands, `example` what it could be. 0, -EINVAL with the reason, which shows nothing of it, or
// -ENOMEM; to be freed either way.
int url_read(struct url *url, const char *text, const char *member, const char *example, struct reason *why);
void url_free(struct url *url);
// Appends `https://host:port`.
void url_add_origin(struct bytes *out, const struct url *url);
