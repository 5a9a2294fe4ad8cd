// What a terminal is shown: colours where they are wanted, and other people's text made harmless. No state; any thread
// may call.
#pragma once

#include "store/bytes.h"

enum terminal_colour { TERMINAL_COLOUR_AUTO, TERMINAL_COLOUR_ALWAYS, TERMINAL_COLOUR_NEVER };

// Reads auto, always or never. 0 or -EINVAL.
int terminal_read_colour(const char *word, enum terminal_colour *choice);
// Whether to write colours to `fd`. Auto: only to a terminal that is not dumb, and not when NO_COLOR is set to anything
// (https://no-color.org).
bool terminal_wants_colour(int fd, enum terminal_colour choice);

// How many columns a line of the terminal has; of what is none, what COLUMNS says, or 80.
unsigned terminal_columns(int fd);
// Whether the locale that the environment names writes UTF-8.
bool terminal_speaks_utf8(void);

// Writes all of it to standard output and forgets it. 0, -EPIPE when nobody reads any more, or another -errno.
int terminal_write(struct bytes *out);

// Appends text in such a way that a terminal shows it and does nothing else: control characters, and those that turn
// the direction of writing, become escapes (\n, \u001b, \u202e), bytes that are not UTF-8 become U+FFFD. What takes
// more than `most` columns (one a character) is cut and ends in `…`. Returns how many columns were added.
size_t terminal_add(struct bytes *out, struct slice text, size_t most);
