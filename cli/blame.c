// The states behind each event are read one by one, from the last to the first: the event of a field is the one before
// which the field was not there or had another value. Nothing is inferred from what events say of themselves.
#include "cli/blame.h"

#include "cli/command.h"
#include "cli/leaves.h"
#include "cli/past.h"
#include "cli/show.h"
#include "cli/terminal.h"
#include "store/json.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define COLUMN_WIDEST  40 // wider content is shown whole, but does not push the other lines apart
#define COLUMN_BETWEEN 2

static const char usage[] = "usage: factfs blame [--utc] [--color=auto|always|never] PATH\n"
                            "Shows for each field of an entity's state which event it is from.\n"
                            "PATH is the entity's directory on a mount, or one below asof/.\n"
                            "      --utc             times in UTC, not in the local zone\n"
                            "      --color[=WHEN]    auto (the default: on a terminal), always, never\n"
                            "      --help            show this\n";

enum column { COLUMN_VERSION, COLUMN_TIME, COLUMN_TYPE, COLUMN_ACTOR, COLUMN_FIELD, COLUMNS };

static const char *const colour_on[COLUMNS] = {
    [COLUMN_VERSION] = "\033[33m",
    [COLUMN_TIME] = "\033[2m",
    [COLUMN_TYPE] = "\033[1m",
    [COLUMN_ACTOR] = "\033[35m",
    [COLUMN_FIELD] = "\033[34m",
};
static const char colour_off[] = "\033[0m";

// A field and its event.
struct line {
    const struct leaf *leaf;
    const struct past_event *event; // NULL: not found yet
    struct bytes shown[COLUMN_FIELD];
    size_t columns[COLUMN_FIELD]; // that each takes
};

struct blame {
    bool utc, colour;
    const char *path;
    struct past past;
    struct line *lines;
    size_t count;
    struct bytes scratch, out;
};

// ---- finding

// The fields that are not in `before` as they stand are of the event.
static size_t attribute(struct blame *b, const struct leaves *before, const struct past_event *event)
{
    size_t found = 0;
    for (size_t i = 0; i < b->count; i++) {
        struct line *line = &b->lines[i];
        const struct leaf *then = line->event ? NULL : leaves_find(before, line->leaf->path);
        if (line->event || (then && slice_equal(then->value, line->leaf->value)))
            continue;
        line->event = event;
        found++;
    }
    return found;
}

static int find_events(struct blame *b, const struct past_event *events, size_t event_count)
{
    BYTES_AUTO text = {0};
    size_t open = b->count;
    for (size_t i = event_count; open && i--;) {
        LEAVES_AUTO before = {0};
        char when[16];
        bytes_clear(&text);
        snprintf(when, sizeof when, "v%u", events[i].version - 1);
        int error = i ? past_state(&b->past, when, &text) : 0;
        if (!error && leaves_read(&before, bytes_slice(&text)))
            error = -ENOMEM;
        if (error)
            return error;
        open -= attribute(b, &before, &events[i]);
    }
    return 0;
}

// ---- showing

static void show(struct line *line, enum column column, struct slice text)
{
    line->columns[column] = terminal_add(&line->shown[column], text, SIZE_MAX);
}

static int show_event(struct blame *b, struct line *line)
{
    BYTES_AUTO text = {0};
    BYTES_AUTO moment = {0};
    BYTES_AUTO version = {0};
    int error = past_event_read(&b->past, line->event, &text);
    if (error)
        return error;
    struct slice event = bytes_slice(&text);
    bytes_printf(&version, "v%u", line->event->version);
    show_time(&moment, show_member(&b->scratch, event, "timestamp"), b->utc);
    show(line, COLUMN_VERSION, bytes_slice(&version));
    show(line, COLUMN_TIME, bytes_slice(&moment));
    show(line, COLUMN_TYPE, show_member(&b->scratch, event, "type"));
    show(line, COLUMN_ACTOR, show_member(&b->scratch, event, "actor"));
    return 0;
}

static void print_line(struct blame *b, const struct line *line, const size_t width[static COLUMN_FIELD])
{
    for (enum column c = 0; c < COLUMN_FIELD; c++) {
        size_t columns = line->columns[c];
        if (b->colour)
            bytes_add_text(&b->out, colour_on[c]);
        bytes_add_slice(&b->out, bytes_slice(&line->shown[c]));
        if (b->colour)
            bytes_add_text(&b->out, colour_off);
        bytes_printf(&b->out, "%*s", (int)(COLUMN_BETWEEN + (width[c] > columns ? width[c] - columns : 0)), "");
    }
    if (b->colour)
        bytes_add_text(&b->out, colour_on[COLUMN_FIELD]);
    terminal_add(&b->out, line->leaf->path, SIZE_MAX);
    if (b->colour)
        bytes_add_text(&b->out, colour_off);
    bytes_add_text(&b->out, ": ");
    show_value(&b->out, &b->scratch, line->leaf->value, SIZE_MAX);
    bytes_add_char(&b->out, '\n');
}

static int print(struct blame *b)
{
    size_t width[COLUMN_FIELD] = {0};
    for (size_t i = 0; i < b->count; i++) {
        int error = show_event(b, &b->lines[i]);
        if (error)
            return error;
        for (enum column c = 0; c < COLUMN_FIELD; c++) {
            size_t columns = b->lines[i].columns[c];
            if (columns > width[c])
                width[c] = columns < COLUMN_WIDEST ? columns : COLUMN_WIDEST;
        }
    }
    for (size_t i = 0; i < b->count; i++)
        print_line(b, &b->lines[i], width);
    return 0;
}

// ---- the command

// 0 or -errno; what is not reported yet is -ENOMEM or of the output.
static int blame(struct blame *b, struct leaves *state, struct past_event **events)
{
    size_t event_count = 0;
    BYTES_AUTO document = {0};
    // The events first: what comes meanwhile is not looked at, but seen.
    int error = past_open(&b->past, "blame", b->path);
    if (!error)
        error = past_events(&b->past, events, &event_count);
    char when[16] = "";
    if (!error && event_count)
        snprintf(when, sizeof when, "v%u", (*events)[event_count - 1].version);
    if (!error && event_count)
        error = past_state(&b->past, when, &document);
    if (error)
        return error;
    if (!document.size) {
        fprintf(stderr, "factfs blame: %s has no state: it %s\n", b->path, event_count ? "is deleted" : "has no event");
        return -ENOENT;
    }
    if (leaves_read(state, bytes_slice(&document)))
        return -ENOMEM;
    b->count = state->count;
    b->lines = calloc(b->count + 1, sizeof *b->lines);
    if (!b->lines)
        return -ENOMEM;
    for (size_t i = 0; i < b->count; i++)
        b->lines[i].leaf = &state->all[i];
    error = find_events(b, *events, event_count);
    return error ? error : print(b);
}

int blame_main(int argc, char **argv)
{
    struct blame b = {0};
    LEAVES_AUTO state = {0};
    struct past_event *events = NULL;
    const struct command command = {
        .name = "blame",
        .usage = usage,
        .options = {{"utc", .given = &b.utc}, {"color", .colour = &b.colour}},
        .operands_least = 1,
        .operands_most = 1,
    };
    int status = command_read(&command, argc, argv);
    if (status >= 0)
        return status;
    b.path = argv[optind];
    signal(SIGPIPE, SIG_IGN);
    int error = blame(&b, &state, &events);
    int written = error ? 0 : terminal_write(&b.out);
    if (error == -ENOMEM || (written && written != -EPIPE))
        command_complain("blame", b.path, strerror(error ? -error : -written));
    for (size_t i = 0; b.lines && i < b.count; i++)
        for (enum column c = 0; c < COLUMN_FIELD; c++)
            bytes_free(&b.lines[i].shown[c]);
    free(b.lines);
    free(events);
    bytes_free(&b.scratch);
    bytes_free(&b.out);
    return error || (written && written != -EPIPE) ? EXIT_FAILURE : EXIT_SUCCESS;
}
