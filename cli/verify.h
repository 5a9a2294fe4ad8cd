// factfs verify: proves that the logs of a store are whole and unchanged (store/proof.h).
#pragma once

// argv[0] is "verify". Returns the exit status: 0 when all is well; 1 when something does not fit or cannot be read; 2
// for a command line that makes no sense.
int verify_main(int argc, char **argv);
