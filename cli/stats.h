// factfs stats: what the tenants of a store, or a stream, add up to.
#pragma once

// argv[0] is "stats". Returns the exit status: 0; 1 when something could not be read; 2 for a command line that makes
// no sense.
int stats_main(int argc, char **argv);
