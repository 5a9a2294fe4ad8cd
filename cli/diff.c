#include "cli/diff.h"

#include "cli/command.h"
#include "cli/leaves.h"
#include "cli/past.h"
#include "cli/show.h"
#include "cli/terminal.h"
#include "store/json.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#define EXIT_TROUBLE 2

static const char usage[] = "usage: factfs diff [--color=auto|always|never] PATH WHEN [WHEN]\n"
                            "Shows which fields of an entity differ between two moments.\n"
                            "PATH is the entity's directory on a mount; WHEN what asof/ takes, or now (the default of\n"
                            "the second one): 2026-01-15, v3, evt_..., 2h-ago.\n"
                            "      --color[=WHEN]    auto (the default: on a terminal), always, never\n"
                            "      --help            show this\n"
                            "Exit status: 0 nothing differs, 1 something does, 2 trouble.\n";

static const char colour_field[] = "\033[34m", colour_before[] = "\033[31m", colour_after[] = "\033[32m",
                  colour_off[] = "\033[0m";

struct diff {
    bool colour;
    const char *path, *from, *to; // to: NULL, as the path has it
    struct bytes scratch, out;
};

static void add_value(struct diff *d, const char *colour, const struct leaf *leaf)
{
    if (d->colour)
        bytes_add_text(&d->out, colour);
    if (leaf)
        show_value(&d->out, &d->scratch, leaf->value, SIZE_MAX);
    else
        bytes_add_text(&d->out, "∅");
    if (d->colour)
        bytes_add_text(&d->out, colour_off);
}

static void add_change(struct diff *d, const struct leaf *before, const struct leaf *after)
{
    if (d->colour)
        bytes_add_text(&d->out, colour_field);
    terminal_add(&d->out, (before ? before : after)->path, SIZE_MAX);
    if (d->colour)
        bytes_add_text(&d->out, colour_off);
    bytes_add_text(&d->out, ": ");
    add_value(d, colour_before, before);
    bytes_add_text(&d->out, " → ");
    add_value(d, colour_after, after);
    bytes_add_char(&d->out, '\n');
}

// What goes and what changes, in the order of the first document; then what comes, in the order of the second.
static void compare(struct diff *d, const struct leaves *before, const struct leaves *after)
{
    for (size_t i = 0; i < before->count; i++) {
        const struct leaf *other = leaves_find(after, before->all[i].path);
        if (!other || !json_equal(before->all[i].value, other->value))
            add_change(d, &before->all[i], other);
    }
    for (size_t i = 0; i < after->count; i++)
        if (!leaves_find(before, after->all[i].path))
            add_change(d, NULL, &after->all[i]);
}

static int diff(struct diff *d)
{
    struct past past;
    BYTES_AUTO from = {0};
    BYTES_AUTO to = {0};
    LEAVES_AUTO before = {0};
    LEAVES_AUTO after = {0};
    if (past_open(&past, "diff", d->path) || past_state(&past, d->from, &from) || past_state(&past, d->to, &to))
        return EXIT_TROUBLE;
    int error = leaves_read(&before, bytes_slice(&from));
    if (!error)
        error = leaves_read(&after, bytes_slice(&to));
    if (!error)
        compare(d, &before, &after);
    bool differs = d->out.size > 0;
    if (!error)
        error = terminal_write(&d->out);
    if (error && error != -EPIPE) {
        command_complain("diff", d->path, strerror(-error));
        return EXIT_TROUBLE;
    }
    return differs;
}

int diff_main(int argc, char **argv)
{
    struct diff d = {0};
    const struct command command = {
        .name = "diff",
        .usage = usage,
        .options = {{"color", .colour = &d.colour}},
        .operands_least = 2,
        .operands_most = 3,
    };
    int status = command_read(&command, argc, argv);
    if (status >= 0)
        return status;
    d.path = argv[optind];
    d.from = argv[optind + 1];
    d.to = argv[optind + 2]; // NULL when there are two operands
    signal(SIGPIPE, SIG_IGN);
    status = diff(&d);
    bytes_free(&d.out);
    bytes_free(&d.scratch);
    return status;
}
