// factfs blame: for each field of an entity's state, the event that it is from.
#pragma once

// argv[0] is "blame". Returns the exit status: 0; 1 when something could not be read; 2 for a command line that makes
// no sense.
int blame_main(int argc, char **argv);
