// The command line of a command of factfs: `factfs COMMAND [OPTION]... OPERAND...`, and what goes wrong with one. All
// of them have --help; what is wrong with options or operands is said on standard error.
#pragma once

#include <stdbool.h>

#define EXIT_USAGE 2

// An option, and where what it says is put: one of these.
struct command_option {
    const char *name; // --name
    char letter;      // -l; 0: none
    bool *given;
    const char **text; // --name=TEXT
    unsigned *count;   // --name=N, 1 to 100000
    bool *colour;      // --color[=WHEN]: whether to write colours to standard output; set without the option too
};

#define COMMAND_OPTIONS 5 // at most, besides --help

struct command {
    const char *name; // as in `factfs log`
    const char *usage;
    struct command_option options[COMMAND_OPTIONS]; // those without a name are none
    int operands_least, operands_most;
};

// Reads options and operands, of which the first is argv[optind] then. -1 to go on; else the exit status to end with.
int command_read(const struct command *command, int argc, char **argv);
// Shows the usage on standard error and returns the exit status for it.
int command_misused(const struct command *command);
// Says `factfs COMMAND: WHAT: WHY` on standard error.
void command_complain(const char *command, const char *what, const char *why);
