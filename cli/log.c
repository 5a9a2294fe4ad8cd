#include "cli/log.h"

#include "cli/command.h"
#include "cli/lines.h"
#include "cli/show.h"
#include "cli/source.h"
#include "cli/terminal.h"
#include "store/json.h"
#include "store/name.h"
#include "store/state.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOOK_AGAIN_MS  200 // between two looks at a plain file, which poll(2) calls ready even at its end
#define KEY_COLUMNS    40
#define VALUE_COLUMNS  60
#define COLUMN_WIDEST  40 // wider content is shown whole, but does not push the lines below it apart
#define COLUMN_BETWEEN 2

static const char usage[] = "usage: factfs log [-f] [--utc] [--color=auto|always|never] PATH\n"
                            "PATH is a tenant, an entity, a stream or a copy of one; - reads standard input.\n"
                            "  -f, --follow          go on as events come\n"
                            "      --utc             times in UTC, not in the local zone\n"
                            "      --color[=WHEN]    auto (the default: on a terminal), always, never\n"
                            "      --help            show this\n";

enum colour { COLOUR_TIME, COLOUR_TARGET, COLOUR_VERSION, COLOUR_TYPE, COLOUR_ACTOR, COLOUR_FIELD, COLOURS };

static const char *const colour_on[COLOURS] = {
    [COLOUR_TIME] = "\033[2m",
    [COLOUR_TARGET] = "\033[36m",
    [COLOUR_VERSION] = "\033[33m",
    [COLOUR_TYPE] = "\033[1m",
    [COLOUR_ACTOR] = "\033[35m",
    [COLOUR_FIELD] = "\033[34m",
};
static const char colour_off[] = "\033[0m";

// Columns begin as wide as what is common needs, and grow, so that they stand below each other.
static const size_t width_first[COLOURS] = {
    [COLOUR_TARGET] = 18,
    [COLOUR_VERSION] = 3,
    [COLOUR_TYPE] = 18,
    [COLOUR_ACTOR] = 14,
};

// What the command line asked for, what is being read, and the lines made of it that are not written yet.
struct log {
    bool follow;
    bool utc;
    bool colour;
    const char *path;
    int fd;
    bool one_entity;       // the target is the same in every line, and left out
    uint64_t line;         // of the input, for messages
    bool wrong;            // some line was not an event
    bool always_ready;     // poll(2) spoke of bytes, and no read has found any since
    size_t width[COLOURS]; // of each column so far
    size_t padding;        // owed before the next column
    struct bytes decoded;  // scratch
    struct bytes shown;    // scratch
    struct bytes out;
};

// ---- a line

// Returns how many columns the text takes.
static size_t coloured_add(struct log *log, enum colour colour, struct slice text, size_t most)
{
    if (log->colour)
        bytes_add_text(&log->out, colour_on[colour]);
    size_t columns = terminal_add(&log->out, text, most);
    if (log->colour)
        bytes_add_text(&log->out, colour_off);
    return columns;
}

static void column_add(struct log *log, enum colour colour, struct slice text)
{
    bytes_printf(&log->out, "%*s", (int)log->padding, "");
    size_t columns = coloured_add(log, colour, text, SIZE_MAX);
    size_t *width = &log->width[colour];
    if (columns > *width)
        *width = columns < COLUMN_WIDEST ? columns : COLUMN_WIDEST;
    log->padding = COLUMN_BETWEEN + (*width > columns ? *width - columns : 0);
}

static void value_add(struct log *log, struct slice value)
{
    show_value(&log->out, &log->decoded, value, VALUE_COLUMNS);
}

static void field_add(struct log *log, struct slice key, struct slice value, bool changes)
{
    bytes_clear(&log->decoded);
    json_decode(&log->decoded, key);
    coloured_add(log, COLOUR_FIELD, bytes_slice(&log->decoded), KEY_COLUMNS);
    bytes_add_text(&log->out, ": ");
    struct state_change change = changes ? state_read_change(value) : (struct state_change){0};
    if (!change.is_pair) {
        value_add(log, value);
        return;
    }
    if (change.before.size)
        value_add(log, change.before);
    else
        bytes_add_text(&log->out, "∅");
    bytes_add_text(&log->out, " → ");
    if (change.after.size)
        value_add(log, change.after);
    else
        bytes_add_text(&log->out, "∅");
}

static void data_add(struct log *log, struct slice data, bool changes)
{
    bool first = true;
    struct json_cursor cursor = json_enter(data);
    for (struct slice key, value; json_next_member(&cursor, &key, &value); first = false) {
        if (first)
            bytes_printf(&log->out, "%*s", (int)log->padding, "");
        else
            bytes_add_text(&log->out, ", ");
        field_add(log, key, value, changes);
    }
}

static void event_add(struct log *log, struct slice event)
{
    struct slice data, version;
    log->padding = 0;
    bytes_clear(&log->shown);
    show_time(&log->shown, show_member(&log->decoded, event, "timestamp"), log->utc);
    column_add(log, COLOUR_TIME, bytes_slice(&log->shown));
    if (!log->one_entity)
        column_add(log, COLOUR_TARGET, show_member(&log->decoded, event, "target"));

    bytes_clear(&log->shown);
    bytes_add_char(&log->shown, 'v');
    bytes_add_slice(&log->shown, json_member(event, "version", &version) ? version : SLICE("-"));
    column_add(log, COLOUR_VERSION, bytes_slice(&log->shown));

    bytes_clear(&log->shown);
    struct slice text = show_member(&log->decoded, event, "type");
    struct name_type type = name_stored_type(text);
    // A Created is a state and a Deleted gives reasons; snake_case payloads mean whatever their writer meant.
    bool changes = type.style == NAME_PASCAL && type.verb != NAME_CREATED && type.verb != NAME_DELETED;
    if (type.style == NAME_SNAKE)
        bytes_add_text(&log->shown, name_voice(text) == NAME_PASSIVE ? "← " : "→ ");
    bytes_add_slice(&log->shown, text);
    column_add(log, COLOUR_TYPE, bytes_slice(&log->shown));

    column_add(log, COLOUR_ACTOR, show_member(&log->decoded, event, "actor"));
    if (json_member(event, "data", &data) && json_kind(data) == JSON_OBJECT)
        data_add(log, data, changes);
    bytes_add_char(&log->out, '\n');
}

// ---- the input

static void line_refuse(struct log *log, const char *why)
{
    // The lines before this one first; should that fail, the next write says so.
    (void)terminal_write(&log->out);
    fprintf(stderr, "factfs log: %s, line %llu: %s\n", log->path, (unsigned long long)log->line, why);
    log->wrong = true;
}

static void line_take(struct log *log, struct slice line)
{
    struct json_scanner scanner;
    struct reason why = {0};
    struct slice type;
    size_t used;
    log->line++;
    json_scanner_init(&scanner);
    enum json_found found;
    while ((found = json_scan(&scanner, line.at, line.size, &used, &why)) == JSON_VALUE) {
        struct slice event = {.at = line.at, .size = used};
        if (json_kind(event) == JSON_OBJECT && json_member(event, "type", &type) && json_kind(type) == JSON_STRING)
            event_add(log, event);
        else
            line_refuse(log, "not an event");
        line.at += used;
        line.size -= used;
    }
    if (found == JSON_WRONG)
        line_refuse(log, why.text);
    else if (!json_scanner_idle(&scanner))
        line_refuse(log, "ends within an event");
}

// Waits at the end of the input until a look at it is worth while. poll(2) on a stream of a mount is ready only when
// bytes wait, on any other file always. -EPIPE when whoever reads our lines has gone.
static int more_wait(struct log *log)
{
    struct pollfd watched[] = {{.fd = STDOUT_FILENO}, {.fd = log->fd, .events = POLLIN}};
    bool alone = log->always_ready;
    if (poll(watched, alone ? 1 : 2, alone ? LOOK_AGAIN_MS : -1) < 0)
        return errno == EINTR ? 0 : -errno;
    if (watched[0].revents)
        return -EPIPE;
    log->always_ready = alone || watched[1].revents;
    return 0;
}

static int input_show(struct log *log)
{
    LINES_AUTO lines = {0};
    struct stat about;
    // A pipe that has ended stays so; a file may grow.
    bool may_grow = fstat(log->fd, &about) == 0 && S_ISREG(about.st_mode);
    for (;;) {
        ssize_t size = lines_read(&lines, log->fd);
        int error = size < 0 ? (int)size : 0;
        if (size > 0) {
            log->always_ready = false;
            for (struct slice line; lines_next(&lines, &line);)
                line_take(log, line);
            error = terminal_write(&log->out);
        } else if (size == 0) {
            if (!log->follow || !may_grow)
                break;
            error = more_wait(log);
        }
        if (error < 0)
            return error;
    }
    if (lines_rest(&lines).size > 0)
        line_take(log, lines_rest(&lines));
    return terminal_write(&log->out);
}

// ---- the command line

int log_main(int argc, char **argv)
{
    struct log log = {.fd = -1};
    const struct command command = {
        .name = "log",
        .usage = usage,
        .options = {{"follow", 'f', .given = &log.follow}, {"utc", .given = &log.utc},
            {"color", .colour = &log.colour}},
        .operands_least = 1,
        .operands_most = 1,
    };
    int status = command_read(&command, argc, argv);
    if (status >= 0)
        return status;
    memcpy(log.width, width_first, sizeof log.width);
    struct source source;
    if (source_open(&source, "log", argv[optind]) < 0)
        return EXIT_FAILURE;
    log.path = source.name;
    log.fd = source.fd;
    log.one_entity = source.one_entity;
    // A pager that was left, or head(1), is no failure: EPIPE ends us, quietly.
    signal(SIGPIPE, SIG_IGN);
    int error = input_show(&log);
    if (error < 0 && error != -EPIPE)
        command_complain("log", log.path, strerror(-error));
    bytes_free(&log.out);
    bytes_free(&log.shown);
    bytes_free(&log.decoded);
    close(log.fd);
    return (error < 0 && error != -EPIPE) || log.wrong;
}
