// factfs backup and factfs restore (store/backup.h).
#pragma once

// argv[0] is "backup" or "restore". Return the exit status: 0; 1 when it failed, and nothing was replaced; 2 for a
// command line that makes no sense.
int backup_main(int argc, char **argv);
int restore_main(int argc, char **argv);
