// A store is read from its files, by read-only connections that never move anything: beside its daemon or without it.
#include "cli/stats.h"

#include "cli/command.h"
#include "cli/figures.h"
#include "cli/lines.h"
#include "cli/source.h"
#include "cli/terminal.h"
#include "store/engine.h"
#include "store/grow.h"
#include "store/name.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define BATCH_EVENTS 20000 // read in one go: a daemon's write-ahead log cannot be reused meanwhile
#define DAYS         30

static const char usage[] =
    "usage: factfs stats [--json] [--days=N] [--utc] [--color=auto|always|never] STORE [TENANT]...\n"
    "       factfs stats [OPTION]... PATH\n"
    "Shows events a day, types, actors and sizes of the tenants of a store, mounted or not; or of\n"
    "PATH: a tenant or an entity on a mount, a stream or a copy of one; - reads standard input.\n"
    "      --json            one line of JSON for each, with all days, types and actors\n"
    "      --days=N          show the last N days (30)\n"
    "      --utc             times in UTC, not in the local zone\n"
    "      --color[=WHEN]    auto (the default: on a terminal), always, never\n"
    "      --help            show this\n";

struct stats {
    bool json;
    struct figures_look look;
    char *path;
    char **tenants;
    int tenant_count;
    bool wrong; // something could not be read
    bool shown; // something was
    struct bytes out;
};

static void complain(struct stats *s, const char *what, const char *why)
{
    command_complain("stats", what, why);
    s->wrong = true;
}

static int show(struct stats *s, const char *name, struct figures *figures)
{
    figures_end(figures);
    if (s->json) {
        figures_print(figures, name, &s->out);
    } else {
        if (s->shown)
            bytes_add_char(&s->out, '\n');
        figures_show(figures, name, &s->look, &s->out);
    }
    s->shown = true;
    return terminal_write(&s->out);
}

// ---- a store

// Some events from a position on. *position becomes that of the next one; behind `last` when all were read.
static int take_batch(struct engine *engine, struct figures *figures, uint64_t last, uint64_t *position)
{
    struct event_row row;
    int error = engine_events_start(engine, *position);
    for (unsigned i = 0; !error && i < BATCH_EVENTS && *position <= last; i++) {
        int found = engine_events_next(engine, &row);
        error = found < 0 ? found : found == 0 ? -EIO : figures_take(figures, row.line);
        if (!error)
            ++*position;
    }
    engine_events_end(engine);
    return error;
}

// 0 or -errno of the output; what cannot be read is reported.
static int take_tenant(struct stats *s, const char *name)
{
    __attribute__((cleanup(figures_free))) struct figures figures = {0};
    char path[PATH_MAX];
    struct reason why = {0};
    struct engine *engine = NULL;
    struct event_row row = {0};
    snprintf(path, sizeof path, "%s/%s.db", s->path, name);
    int error = engine_open(&engine, path, ENGINE_READ, &why);
    if (error) {
        complain(s, path, why.text[0] ? why.text : strerror(-error));
        return 0;
    }
    error = engine_last_event(engine, &row);
    uint64_t last = error == -ENOENT ? 0 : row.position;
    if (error && error != -ENOENT)
        complain(s, name, engine_error(engine));
    for (uint64_t position = 1; position <= last;) {
        error = take_batch(engine, &figures, last, &position);
        if (error == -EIO || error == -EBADMSG)
            complain(s, name, error == -EIO ? engine_error(engine) : "an event cannot be read");
        else if (error)
            break;
        // What is damaged is left out.
        position += error != 0;
        error = 0;
    }
    engine_close(engine);
    if (error == -ENOMEM)
        complain(s, name, strerror(ENOMEM));
    return error == -ENOMEM ? 0 : show(s, name, &figures);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

// The tenants that a store has, by name: the files of its directory.
static int list_tenants(struct stats *s, DIR *directory, char ***names, size_t *count)
{
    size_t room = 0;
    for (struct dirent *entry; (entry = readdir(directory));) {
        size_t size = strlen(entry->d_name);
        if (size < 4 || strcmp(entry->d_name + size - 3, ".db") != 0 ||
            !name_is_tenant((struct slice){.at = entry->d_name, .size = size - 3}))
            continue;
        if (!GROW(*names, *count, room))
            return -ENOMEM;
        char *name = strndup(entry->d_name, size - 3);
        if (!name)
            return -ENOMEM;
        (*names)[(*count)++] = name;
    }
    if (*count)
        qsort(*names, *count, sizeof **names, by_text);
    else
        complain(s, s->path, "the store has no tenant");
    return 0;
}

static int take_store(struct stats *s)
{
    int error = 0;
    for (int i = 0; !error && i < s->tenant_count; i++)
        if (name_is_tenant(slice_of(s->tenants[i])))
            error = take_tenant(s, s->tenants[i]);
        else
            complain(s, s->tenants[i], "no name of a tenant");
    if (s->tenant_count)
        return error;
    DIR *directory = opendir(s->path);
    if (!directory) {
        complain(s, s->path, strerror(errno));
        return 0;
    }
    char **names = NULL;
    size_t count = 0;
    error = list_tenants(s, directory, &names, &count);
    closedir(directory);
    for (size_t i = 0; i < count; i++) {
        if (!error)
            error = take_tenant(s, names[i]);
        free(names[i]);
    }
    free(names);
    return error;
}

// ---- a stream

struct stream {
    struct source source;
    struct figures figures;
    uint64_t line;
};

static int take_line(struct stats *s, struct stream *stream, struct slice line)
{
    stream->line++;
    int error = line.size ? figures_take(&stream->figures, line) : 0;
    if (error != -EBADMSG)
        return error;
    char what[PATH_MAX + 32];
    snprintf(what, sizeof what, "%s, line %llu", stream->source.name, (unsigned long long)stream->line);
    complain(s, what, "not an event as factfs writes it");
    return 0;
}

static int read_stream(struct stats *s, struct stream *stream)
{
    LINES_AUTO lines = {0};
    for (;;) {
        ssize_t size = lines_read(&lines, stream->source.fd);
        if (size < 0)
            return (int)size;
        if (size == 0)
            return lines_rest(&lines).size ? take_line(s, stream, lines_rest(&lines)) : 0;
        int error = 0;
        for (struct slice line; !error && lines_next(&lines, &line);)
            error = take_line(s, stream, line);
        if (error)
            return error;
    }
}

static int take_stream(struct stats *s)
{
    struct stream stream = {0};
    if (source_open(&stream.source, "stats", s->path)) {
        s->wrong = true;
        return 0;
    }
    int error = read_stream(s, &stream);
    close(stream.source.fd);
    if (error)
        complain(s, s->path, strerror(-error));
    else
        error = show(s, stream.source.name, &stream.figures);
    figures_free(&stream.figures);
    return error;
}

// ---- the command line

static bool is_store(const char *path)
{
    char catalog[PATH_MAX];
    return snprintf(catalog, sizeof catalog, "%s/catalog", path) < PATH_MAX && access(catalog, F_OK) == 0;
}

int stats_main(int argc, char **argv)
{
    struct stats s = {.look.days = DAYS};
    const struct command command = {
        .name = "stats",
        .usage = usage,
        .options = {{"json", .given = &s.json}, {"days", .count = &s.look.days}, {"utc", .given = &s.look.utc},
            {"color", .colour = &s.look.colour}},
        .operands_least = 1,
        .operands_most = INT_MAX,
    };
    int status = command_read(&command, argc, argv);
    if (status >= 0)
        return status;
    s.path = argv[optind];
    s.tenants = argv + optind + 1;
    s.tenant_count = argc - optind - 1;
    if (s.tenant_count && !is_store(s.path)) {
        fprintf(stderr, "factfs stats: %s is no store: there is no catalog in it\n", s.path);
        return command_misused(&command);
    }
    s.look.utf8 = terminal_speaks_utf8();
    s.look.columns = terminal_columns(STDOUT_FILENO);
    signal(SIGPIPE, SIG_IGN);
    int error = is_store(s.path) ? take_store(&s) : take_stream(&s);
    if (error && error != -EPIPE && !s.wrong)
        complain(&s, s.path, strerror(-error));
    bytes_free(&s.out);
    return s.wrong || (error && error != -EPIPE) ? EXIT_FAILURE : EXIT_SUCCESS;
}
