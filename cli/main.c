// factfs: one binary. `factfs STORE MOUNT` mounts; `factfs COMMAND …` are the tools.
#include "cli/log.h"
#include "cli/mount.h"

#include <string.h>

int main(int argc, char **argv)
{
    if (argc > 1 && !strcmp(argv[1], "log"))
        return log_main(argc - 1, argv + 1);
    return mount_main(argc, argv);
}
