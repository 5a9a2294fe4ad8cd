#include "cli/backup.h"

#include "cli/command.h"
#include "cli/progress.h"
#include "store/backup.h"

#include <stdlib.h>
#include <unistd.h>

static const char usage_backup[] =
    "Usage: factfs backup STORE DIR\n"
    "Copies all tenants of STORE, which may be mounted and written to, into DIR: each as it is at one moment after "
    "the\n"
    "start. DIR is then a store itself. It is made, or holds an earlier backup, which is replaced when all is copied.\n"
    "\n"
    "  -q, --quiet  say nothing when all went well\n"
    "      --help   show this\n"
    "\n"
    "Exit status: 0 done; 1 it failed, and an earlier backup is as it was; 2 wrong usage.\n";

static const char usage_restore[] =
    "Usage: factfs restore DIR STORE\n"
    "Copies a backup, or any store that is not mounted, to STORE, which must be empty or not there.\n"
    "\n"
    "  -q, --quiet  say nothing when all went well\n"
    "      --help   show this\n"
    "\n"
    "Exit status: 0 done; 1 it failed: run it again; 2 wrong usage.\n";

static void show(void *context, const char *tenant, uint64_t done, uint64_t total)
{
    struct progress *progress = context;
    progress->what = tenant;
    progress_show(progress, done, total);
}

static int copy(const char *command, const char *from, const char *to, bool restores, bool quiet)
{
    struct progress bar;
    struct backup_progress progress = {.show = show, .context = &bar};
    struct backup_made made = {0};
    struct reason why = {0};
    progress_begin(&bar, "", "MB", 1e-6);
    int error = (restores ? backup_restore : backup_make)(from, to, &progress, &made, &why);
    progress_clear(&bar);
    if (error) {
        fprintf(stderr, "factfs %s: %s\n", command, why.text);
        return EXIT_FAILURE;
    }
    if (made.finished && !quiet)
        printf("%s: an earlier restore, which was cut off, is ended\n", to);
    else if (!quiet)
        printf("%s: %u tenant%s, %.1f MB\n", to, made.tenants, made.tenants == 1 ? "" : "s", (double)made.bytes / 1e6);
    return EXIT_SUCCESS;
}

static int run(int argc, char **argv, const char *name, const char *usage, bool restores)
{
    bool quiet = false;
    const struct command command = {
        .name = name,
        .usage = usage,
        .options = {{"quiet", 'q', .given = &quiet}},
        .operands_least = 2,
        .operands_most = 2,
    };
    int status = command_read(&command, argc, argv);
    return status >= 0 ? status : copy(name, argv[optind], argv[optind + 1], restores, quiet);
}

int backup_main(int argc, char **argv)
{
    return run(argc, argv, "backup", usage_backup, false);
}

int restore_main(int argc, char **argv)
{
    return run(argc, argv, "restore", usage_restore, true);
}
