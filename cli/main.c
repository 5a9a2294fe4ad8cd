// factfs: one binary. `factfs STORE MOUNT` mounts; `factfs COMMAND …` are the tools.
#include "cli/log.h"
#include "cli/mount.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

// Words that are, or will be, commands: a store of such a name is written as a path.
static bool is_command(const char *word)
{
    static const char *const words[] = {"backup", "blame", "diff", "import", "lake", "log", "replay", "restore",
        "stats", "status", "tail-hooks", "verify", NULL};
    for (const char *const *w = words; *w; w++)
        if (!strcmp(word, *w))
            return true;
    return false;
}

int main(int argc, char **argv)
{
    if (argc > 1 && !strcmp(argv[1], "log"))
        return log_main(argc - 1, argv + 1);
    if (argc > 1 && is_command(argv[1])) {
        fprintf(stderr, "factfs: this version has no command %s (a store of that name is ./%s)\n", argv[1], argv[1]);
        return 2;
    }
    return mount_main(argc, argv);
}
