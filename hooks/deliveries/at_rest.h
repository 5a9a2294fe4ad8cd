// How the webhooks and integrations of a tenant stand while nobody serves it: from its file, as the deliveries would
// find them. One thread.
#pragma once

#include "store/history.h"

// Appends `{"webhooks":{NAME:{…}},"integrations":{…}}`, each as in status.json. What is not sent yet is counted, which
// reads the log. 0 or -errno.
int at_rest_show(struct reader *reader, struct bytes *out);
