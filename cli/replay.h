// factfs replay: what a handler would have done.
#pragma once

// argv[0] is "replay". Returns the exit status: 0, 1 when something could not be read, 2 for a wrong call.
int replay_main(int argc, char **argv);
