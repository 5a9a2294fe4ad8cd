#include "cli/command.h"

#include "cli/terminal.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HELP      COMMAND_OPTIONS // what getopt_long answers for --help
#define COUNT_MAX 100000

int command_misused(const struct command *command)
{
    fputs(command->usage, stderr);
    return EXIT_USAGE;
}

void command_complain(const char *command, const char *what, const char *why)
{
    fprintf(stderr, "factfs %s: %s: %s\n", command, what, why);
}

static int take_count(const struct command *command, const struct command_option *option, const char *text)
{
    char *end;
    unsigned long count = strtoul(text, &end, 10);
    if (*end || text[0] < '0' || text[0] > '9' || count < 1 || count > COUNT_MAX) {
        fprintf(stderr, "factfs %s: --%s is a number of 1 or more, not %s\n", command->name, option->name, text);
        return -EINVAL;
    }
    *option->count = (unsigned)count;
    return 0;
}

static int take_colour(const struct command *command, const char *word, enum terminal_colour *choice)
{
    int error = terminal_read_colour(word ? word : "always", choice);
    if (error)
        fprintf(stderr, "factfs %s: --color is auto, always or never, not %s\n", command->name, word);
    return error;
}

static int take_option(const struct command *command, const struct command_option *option, const char *argument,
    enum terminal_colour *colour)
{
    if (option->given)
        *option->given = true;
    if (option->text)
        *option->text = argument;
    if (option->count)
        return take_count(command, option, argument);
    return option->colour ? take_colour(command, argument, colour) : 0;
}

// What getopt_long wants to know: it answers the letter of an option, or its place in the table if it has none.
static void describe(const struct command *command, struct option *longs, char *letters)
{
    for (int i = 0; i < COMMAND_OPTIONS && command->options[i].name; i++) {
        const struct command_option *o = &command->options[i];
        int argument = o->colour ? optional_argument : o->given ? no_argument : required_argument;
        *longs++ = (struct option){.name = o->name, .has_arg = argument, .val = o->letter ? o->letter : i};
        if (o->letter)
            *letters++ = o->letter;
        if (o->letter && argument == required_argument)
            *letters++ = ':';
    }
    *longs = (struct option){.name = "help", .val = HELP};
}

// NULL when there is none.
static const struct command_option *find_option(const struct command *command, int answer)
{
    for (int i = 0; i < COMMAND_OPTIONS && command->options[i].name; i++)
        if (answer == (command->options[i].letter ? command->options[i].letter : i))
            return &command->options[i];
    return NULL;
}

int command_read(const struct command *command, int argc, char **argv)
{
    static char name[32]; // for the messages of getopt_long
    struct option longs[COMMAND_OPTIONS + 2] = {0};
    char letters[2 * COMMAND_OPTIONS + 1] = "";
    enum terminal_colour colour = TERMINAL_COLOUR_AUTO;
    describe(command, longs, letters);
    snprintf(name, sizeof name, "factfs %s", command->name);
    argv[0] = name;
    for (int answer; (answer = getopt_long(argc, argv, letters, longs, NULL)) != -1;) {
        const struct command_option *option = find_option(command, answer);
        if (answer == HELP) {
            fputs(command->usage, stdout);
            return EXIT_SUCCESS;
        }
        if (!option)
            return command_misused(command);
        if (take_option(command, option, optarg, &colour))
            return EXIT_USAGE;
    }
    int operands = argc - optind;
    if (operands < command->operands_least || operands > command->operands_most)
        return command_misused(command);
    for (int i = 0; i < COMMAND_OPTIONS && command->options[i].name; i++)
        if (command->options[i].colour)
            *command->options[i].colour = terminal_wants_colour(STDOUT_FILENO, colour);
    return -1;
}
