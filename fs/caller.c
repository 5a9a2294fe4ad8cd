#include "fs/caller.h"

#include "store/name.h"

#include <pwd.h>
#include <stdio.h>

#define CALLERS 64

struct caller {
    bool known;
    uid_t uid;
    size_t size;
    char actor[NAME_ACTOR_MAX];
};

static void name_caller(struct caller *caller, uid_t uid)
{
    char buffer[4096];
    struct passwd entry, *found = NULL;
    *caller = (struct caller){.known = true, .uid = uid};
    if (getpwuid_r(uid, &entry, buffer, sizeof buffer, &found) == 0 && found) {
        int size = snprintf(caller->actor, sizeof caller->actor, "user_%s", found->pw_name);
        caller->size = (size_t)size < sizeof caller->actor ? (size_t)size : sizeof caller->actor - 1;
    }
    if (!caller->size || !name_is_actor((struct slice){.at = caller->actor, .size = caller->size}))
        caller->size = (size_t)snprintf(caller->actor, sizeof caller->actor, "user_%u", uid);
}

struct slice caller_actor(uid_t uid)
{
    // Only the thread of the requests asks.
    static struct caller callers[CALLERS];
    struct caller *caller = &callers[uid % CALLERS];
    if (!caller->known || caller->uid != uid)
        name_caller(caller, uid);
    return (struct slice){.at = caller->actor, .size = caller->size};
}
