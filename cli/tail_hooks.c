#include "cli/tail_hooks.h"

#include "cli/command.h"
#include "cli/lines.h"
#include "cli/object.h"
#include "cli/show.h"
#include "cli/tenants.h"
#include "cli/terminal.h"
#include "store/grow.h"
#include "store/json.h"
#include "store/when.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define LOOK_MS      500
#define LINES_USUAL  10u
#define TEXT_COLUMNS 120
// What the status counts comes a moment before its lines: so many looks behind a change they are read again.
#define LOOKS_AFTER 4u

static const char usage[] =
    "Usage: factfs tail-hooks [OPTION]... PATH...\n"
    "Follows the deliveries of all webhooks and integrations: a line for each attempt, until it is ended. PATH is a\n"
    "tenant in a mount, a mount, or a store that is mounted on this machine.\n"
    "\n"
    "  -n, --lines=N         begin with the last N attempts (10)\n"
    "      --utc             times in UTC, not in the local zone\n"
    "      --color[=WHEN]    colours: auto (default: on a terminal), always or never\n"
    "      --help            show this\n";

static const char red[] = "\033[31m", green[] = "\033[32m", dim[] = "\033[2m", plain[] = "\033[0m";

// A hook that sends: its file `deliveries`.
struct sender {
    char *path;
    struct bytes name;     // as it is shown: acme/webhooks/deals
    struct bytes attempts; // as the status counted them last
    struct bytes last;     // the last line that was shown
    unsigned looks;        // how often it is still to be read
    bool complained;
};

struct attempt {
    int64_t at_us;
    size_t order; // in which they were read
    const struct sender *sender;
    char *line;
};

struct tail {
    bool utc, colour;
    unsigned lines;
    bool begun; // the last lines were shown
    struct tenants tenants;
    struct sender *senders;
    size_t sender_count, sender_room;
    struct attempt *attempts; // of this look
    size_t attempt_count, attempt_room;
    struct bytes decoded; // scratch
    struct bytes out;
};

// ---- what there is

static struct sender *find_sender(struct tail *t, const char *path)
{
    for (size_t i = 0; i < t->sender_count; i++)
        if (!strcmp(t->senders[i].path, path))
            return &t->senders[i];
    return NULL;
}

static struct sender *add_sender(
    struct tail *t, const char *path, const char *tenant, struct slice kind, struct slice name)
{
    char *copy = GROW(t->senders, t->sender_count, t->sender_room) ? strdup(path) : NULL;
    if (!copy)
        return NULL;
    struct sender *s = &t->senders[t->sender_count++];
    *s = (struct sender){.path = copy};
    bytes_printf(&s->name, "%s/%.*s/%.*s", tenant, SLICE_ARG(kind), SLICE_ARG(name));
    return s;
}

// A hook of the status; those that send nothing have no count of attempts.
static int see_hook(
    struct tail *t, const struct tenant_path *tenant, struct slice kind, struct slice key, struct slice hook)
{
    char path[PATH_MAX];
    struct slice attempts;
    if (json_kind(hook) != JSON_OBJECT || !json_member(hook, "attempts", &attempts))
        return 0;
    bytes_clear(&t->decoded);
    json_decode(&t->decoded, key);
    struct slice name = bytes_slice(&t->decoded);
    if (snprintf(path, sizeof path, "%s/hooks/%.*s/%.*s/deliveries", tenant->path, SLICE_ARG(kind), SLICE_ARG(name)) >=
        PATH_MAX)
        return 0;
    struct sender *s = find_sender(t, path);
    if (!s)
        s = add_sender(t, path, tenant->name, kind, name);
    if (!s)
        return -ENOMEM;
    if (!slice_equal(attempts, bytes_slice(&s->attempts)))
        s->looks = LOOKS_AFTER;
    bytes_clear(&s->attempts);
    bytes_add_slice(&s->attempts, attempts);
    return s->attempts.failed ? -ENOMEM : 0;
}

static int see_tenant(struct tail *t, const struct tenant_path *tenant)
{
    BYTES_AUTO text = {0};
    char path[PATH_MAX];
    struct slice hooks;
    if (snprintf(path, sizeof path, "%s/status.json", tenant->path) >= PATH_MAX)
        return -ENAMETOOLONG;
    int error = object_read("tail-hooks", path, &text);
    if (error || !json_member(bytes_slice(&text), "hooks", &hooks) || json_kind(hooks) != JSON_OBJECT)
        return error;
    struct json_cursor kinds = json_enter(hooks);
    for (struct slice kind, all; !error && json_next_member(&kinds, &kind, &all);) {
        struct slice folder = {.at = kind.at + 1, .size = kind.size - 2};
        struct json_cursor c = json_enter(all);
        for (struct slice key, hook; !error && json_kind(all) == JSON_OBJECT && json_next_member(&c, &key, &hook);)
            error = see_hook(t, tenant, folder, key, hook);
    }
    return error;
}

// ---- what is new

static int keep_attempt(struct tail *t, const struct sender *sender, struct slice line)
{
    char *copy = GROW(t->attempts, t->attempt_count, t->attempt_room) ? strndup(line.at, line.size) : NULL;
    if (!copy)
        return -ENOMEM;
    struct attempt *a = &t->attempts[t->attempt_count];
    *a = (struct attempt){.order = t->attempt_count++, .sender = sender, .line = copy};
    when_parse_moment(show_member(&t->decoded, line, "time"), &a->at_us);
    return 0;
}

static bool is_object(struct slice line)
{
    struct json_scanner scanner;
    size_t used;
    json_scanner_init(&scanner);
    return json_scan(&scanner, line.at, line.size, &used, NULL) == JSON_VALUE && line.at[0] == '{';
}

// The lines behind the last one that was shown; all of them, when that is not there any more.
static int take_lines(struct tail *t, struct sender *s, int fd)
{
    LINES_AUTO lines = {0};
    size_t first = t->attempt_count;
    int error = 0;
    ssize_t size;
    while (!error && (size = lines_read(&lines, fd)) != 0) {
        if (size < 0)
            return (int)size;
        for (struct slice line; !error && lines_next(&lines, &line);) {
            if (is_object(line))
                error = keep_attempt(t, s, line);
            if (!slice_equal(line, bytes_slice(&s->last)))
                continue;
            while (t->attempt_count > first)
                free(t->attempts[--t->attempt_count].line);
        }
    }
    if (error || t->attempt_count == first)
        return error;
    bytes_clear(&s->last);
    bytes_add_text(&s->last, t->attempts[t->attempt_count - 1].line);
    return s->last.failed ? -ENOMEM : 0;
}

static int look_at(struct tail *t, struct sender *s)
{
    if (!s->looks)
        return 0;
    s->looks--;
    int fd = open(s->path, O_RDONLY | O_CLOEXEC);
    int error = fd < 0 ? -errno : take_lines(t, s, fd);
    if (fd >= 0)
        close(fd);
    if (error == -ENOMEM)
        return error;
    // It may have been removed meanwhile.
    if (!error || error == -ENOENT || error == -ESTALE || s->complained)
        return 0;
    command_complain("tail-hooks", s->path, strerror(-error));
    s->complained = true;
    return 0;
}

// ---- lines

static void coloured(struct tail *t, const char *colour, struct slice text)
{
    if (t->colour)
        bytes_add_text(&t->out, colour);
    terminal_add(&t->out, text, TEXT_COLUMNS);
    if (t->colour)
        bytes_add_text(&t->out, plain);
}

static void add_member(struct tail *t, struct slice line, const char *name)
{
    struct slice value;
    if (!json_member(line, name, &value) || json_kind(value) == JSON_NULL)
        value = SLICE("-");
    else if (json_kind(value) == JSON_STRING)
        value = show_member(&t->decoded, line, name);
    terminal_add(&t->out, value, TEXT_COLUMNS);
}

static void show_attempt(struct tail *t, const struct attempt *a)
{
    struct slice line = slice_of(a->line), error, next;
    BYTES_AUTO time = {0};
    show_time(&time, show_member(&t->decoded, line, "time"), t->utc);
    coloured(t, dim, bytes_slice(&time));
    bytes_add_text(&t->out, "  ");
    terminal_add(&t->out, bytes_slice(&a->sender->name), TEXT_COLUMNS);
    bytes_add_text(&t->out, "  ");
    add_member(t, line, "type");
    bytes_add_char(&t->out, ' ');
    add_member(t, line, "target");
    bytes_add_char(&t->out, ' ');
    add_member(t, line, "id");
    bytes_add_text(&t->out, "  attempt ");
    add_member(t, line, "attempt");
    bytes_add_text(&t->out, "  ");
    bool failed = json_member(line, "error", &error) && json_kind(error) == JSON_STRING;
    if (failed)
        coloured(t, red, show_member(&t->decoded, line, "error"));
    else
        coloured(t, green, SLICE("delivered"));
    bytes_add_text(&t->out, ", ");
    add_member(t, line, "durationMs");
    bytes_add_text(&t->out, " ms");
    if (json_member(line, "next", &next) && json_kind(next) == JSON_STRING) {
        bytes_add_text(&t->out, ", again at ");
        show_time(&t->out, show_member(&t->decoded, line, "next"), t->utc);
    } else if (failed) {
        bytes_add_text(&t->out, ", given up");
    }
    bytes_add_char(&t->out, '\n');
}

static int by_time(const void *a, const void *b)
{
    const struct attempt *x = a, *y = b;
    if (x->at_us != y->at_us)
        return x->at_us < y->at_us ? -1 : 1;
    return (x->order > y->order) - (x->order < y->order);
}

static int show_new(struct tail *t)
{
    if (t->attempt_count)
        qsort(t->attempts, t->attempt_count, sizeof *t->attempts, by_time);
    size_t from = !t->begun && t->attempt_count > t->lines ? t->attempt_count - t->lines : 0;
    for (size_t i = 0; i < t->attempt_count; i++) {
        if (i >= from)
            show_attempt(t, &t->attempts[i]);
        free(t->attempts[i].line);
    }
    t->attempt_count = 0;
    t->begun = true;
    return terminal_write(&t->out);
}

static int look(struct tail *t)
{
    int error = 0;
    for (size_t i = 0; !error && i < t->tenants.count; i++) {
        error = see_tenant(t, &t->tenants.all[i]);
        if (error == -EBADMSG)
            error = 0;
        else if (error)
            command_complain("tail-hooks", t->tenants.all[i].path, strerror(-error));
    }
    for (size_t i = 0; !error && i < t->sender_count; i++)
        error = look_at(t, &t->senders[i]);
    return error ? error : show_new(t);
}

// Until the next look; -EPIPE when whoever reads our lines has gone.
static int rest(void)
{
    struct pollfd output = {.fd = STDOUT_FILENO};
    if (poll(&output, 1, LOOK_MS) < 0)
        return errno == EINTR ? 0 : -errno;
    return output.revents & (POLLERR | POLLHUP | POLLNVAL) ? -EPIPE : 0;
}

// ---- the command line

static void tail_free(struct tail *t)
{
    for (size_t i = 0; i < t->sender_count; i++) {
        struct sender *s = &t->senders[i];
        free(s->path);
        bytes_free(&s->name);
        bytes_free(&s->attempts);
        bytes_free(&s->last);
    }
    for (size_t i = 0; i < t->attempt_count; i++)
        free(t->attempts[i].line);
    free(t->senders);
    free(t->attempts);
    tenants_free(&t->tenants);
    bytes_free(&t->decoded);
    bytes_free(&t->out);
}

int tail_hooks_main(int argc, char **argv)
{
    __attribute__((cleanup(tail_free))) struct tail tail = {.lines = LINES_USUAL};
    const struct command command = {
        .name = "tail-hooks",
        .usage = usage,
        .options = {{"lines", 'n', .count = &tail.lines}, {"utc", .given = &tail.utc},
            {"color", .colour = &tail.colour}},
        .operands_least = 1,
        .operands_most = INT_MAX,
    };
    int status = command_read(&command, argc, argv);
    if (status >= 0)
        return status;
    signal(SIGPIPE, SIG_IGN);
    int error = 0;
    for (int i = optind; !error && i < argc; i++) {
        error = tenants_add(&tail.tenants, "tail-hooks", argv[i]);
        if (error == -ENOTCONN)
            command_complain("tail-hooks", argv[i], "this store is not mounted on this machine, so nothing is sent");
    }
    while (!error && (error = look(&tail)) == 0)
        error = rest();
    return error == -EPIPE ? EXIT_SUCCESS : EXIT_FAILURE;
}
