// The directory beside a webhook, hooks/webhooks/NAME/: what became of its deliveries (deliveries, dead, status.json),
// what it is told (replay), and the key that was made for it (secret). The follower answers for all of them
// (store/follower.h); like those of /proc, the files have no size before they are read.
#pragma once

#include "fs/visit.h"

// Is it the directory, or a file in it?
static inline bool node_is_webhook(enum node_kind kind)
{
    return kind >= NODE_WEBHOOK && kind <= NODE_WEBHOOK_SECRET;
}

int webhook_attr(struct visit *visit, struct stat *attr);
// Appends `hooks/webhooks/NAME`, and the name of the file in it.
void webhook_path(struct visit *visit, struct bytes *out);
