// factfs: one binary. `factfs STORE MOUNT` mounts; `factfs COMMAND …` are the tools.
#include "cli/backup.h"
#include "cli/blame.h"
#include "cli/diff.h"
#include "cli/lake.h"
#include "cli/log.h"
#include "cli/mount.h"
#include "cli/replay.h"
#include "cli/stats.h"
#include "cli/status.h"
#include "cli/tail_hooks.h"
#include "cli/verify.h"

#include <stdio.h>
#include <string.h>

// Words that are, or will be, commands: a store of such a name is written as a path.
static const struct {
    const char *word;
    int (*main)(int argc, char **argv); // argv[0] is the word; NULL: not in this version
} commands[] = {
    {"backup", backup_main},
    {"blame", blame_main},
    {"diff", diff_main},
    {"import", NULL},
    {"lake", lake_main},
    {"log", log_main},
    {"replay", replay_main},
    {"restore", restore_main},
    {"stats", stats_main},
    {"status", status_main},
    {"tail-hooks", tail_hooks_main},
    {"verify", verify_main},
};

int main(int argc, char **argv)
{
    for (size_t i = 0; argc > 1 && i < sizeof commands / sizeof *commands; i++) {
        const char *word = commands[i].word;
        if (strcmp(argv[1], word) != 0)
            continue;
        if (commands[i].main)
            return commands[i].main(argc - 1, argv + 1);
        fprintf(stderr, "factfs: this version has no command %s (a store of that name is ./%s)\n", word, word);
        return 2;
    }
    return mount_main(argc, argv);
}
