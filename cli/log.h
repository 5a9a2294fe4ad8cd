// factfs log: the history of a tenant or an entity, for people. One line an event; with -f it goes on as events come.
#pragma once

// argv[0] is "log". Returns the exit status: 0; 1 when something could not be read, or was not an event; 2 for a
// command line that makes no sense.
int log_main(int argc, char **argv);
