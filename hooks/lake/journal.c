#include "hooks/lake/journal.h"

#include "hooks/lake/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int fails(const struct journal *j, int error, struct reason *why)
{
    return reason_set(why, error, "%s: %s", j->path, strerror(-error));
}

void journal_directory(const char *store, char path[static 480])
{
    // No tenant's file has such a name: they end in .db.
    snprintf(path, 480, "%s/lake", store);
}

static int make_directory(const char *store, char path[static 480], struct reason *why)
{
    journal_directory(store, path);
    int error = mkdir(path, 0700) ? -errno : file_sync_directory(AT_FDCWD, store);
    if (error && error != -EEXIST)
        return reason_set(why, error, "%s cannot be made: %s", path, strerror(-error));
    return 0;
}

// The next line, without its newline; false at the end. What has no newline was cut off, and never counted.
static bool take_line(struct slice *rest, struct slice *line)
{
    const char *end = rest->size ? memchr(rest->at, '\n', rest->size) : NULL;
    if (!end)
        return false;
    *line = (struct slice){.at = rest->at, .size = (size_t)(end - rest->at)};
    rest->at = end + 1;
    rest->size -= line->size + 1;
    return true;
}

static bool begins(struct slice line, const char *with, struct slice *rest)
{
    size_t size = strlen(with);
    if (line.size < size || memcmp(line.at, with, size))
        return false;
    *rest = (struct slice){.at = line.at + size, .size = line.size - size};
    return true;
}

static void take_head(struct journal *j, struct slice text)
{
    struct slice line, value;
    while (take_line(&text, &line)) {
        if (begins(line, "table ", &value) && value.size < sizeof j->table)
            memcpy(j->table, value.at, value.size);
        else if (!begins(line, "place ", &value)) {
            bytes_add_slice(&j->lines, line);
            bytes_add_char(&j->lines, '\n');
        }
    }
}

static void make_head(struct journal *j, const char *place)
{
    bytes_clear(&j->head);
    bytes_printf(&j->head, "place %s\n", place);
    if (j->table[0])
        bytes_printf(&j->head, "table %s\n", j->table);
}

static int open_file(struct journal *j)
{
    if (j->fd >= 0)
        close(j->fd);
    j->fd = open(j->path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    return j->fd < 0 ? -errno : 0;
}

// The file anew, as head and lines are now.
static int rewrite(struct journal *j, struct reason *why)
{
    BYTES_AUTO text = {0};
    bytes_add_slice(&text, bytes_slice(&j->head));
    bytes_add_slice(&text, bytes_slice(&j->lines));
    int error = text.failed ? -ENOMEM : file_replace(j->path, bytes_slice(&text));
    if (!error)
        error = open_file(j);
    return error ? fails(j, error, why) : 0;
}

int journal_open(struct journal *j, const char *store, const char *place, struct reason *why)
{
    char directory[480];
    *j = (struct journal){.fd = -1};
    int error = make_directory(store, directory, why);
    if (error)
        return error;
    snprintf(j->path, sizeof j->path, "%s/%016llx.journal", directory, (unsigned long long)slice_hash(slice_of(place)));
    BYTES_AUTO text = {0};
    error = open_file(j);
    if (!error)
        error = file_read(j->fd, &text);
    if (!error) {
        take_head(j, bytes_slice(&text));
        make_head(j, place);
        error = text.failed || j->lines.failed || j->head.failed ? -ENOMEM : 0;
    }
    // A line that was cut off must not become the start of another.
    if (!error && (!text.size || text.at[text.size - 1] != '\n'))
        error = rewrite(j, why);
    if (!error)
        return 0;
    journal_close(j);
    return fails(j, error, why);
}

void journal_close(struct journal *j)
{
    if (j->fd >= 0)
        close(j->fd);
    j->fd = -1;
    bytes_free(&j->head);
    bytes_free(&j->lines);
}

int journal_set_table(struct journal *j, const char *uuid, struct reason *why)
{
    struct slice line, place = bytes_slice(&j->head);
    BYTES_AUTO kept = {0};
    if (strcmp(j->table, uuid) == 0)
        return 0;
    if (!take_line(&place, &line) || !begins(line, "place ", &line))
        return fails(j, -EIO, why);
    bytes_add_slice(&kept, line);
    bytes_add_char(&kept, '\0');
    snprintf(j->table, sizeof j->table, "%s", uuid);
    if (!kept.failed)
        make_head(j, kept.at);
    return kept.failed || j->head.failed ? -ENOMEM : rewrite(j, why);
}

// Takes the line.
static int add_line(struct journal *j, struct bytes *line, struct reason *why)
{
    int error = line->failed ? -ENOMEM : file_write(j->fd, bytes_slice(line));
    if (!error && fdatasync(j->fd))
        error = -errno;
    if (!error)
        bytes_add_slice(&j->lines, bytes_slice(line));
    bytes_free(line);
    if (!error && j->lines.failed)
        error = -ENOMEM;
    return error ? fails(j, error, why) : 0;
}

int journal_begin(struct journal *j, struct reason *why)
{
    struct bytes line = {0};
    bytes_add_text(&line, "begin\n");
    return add_line(j, &line, why);
}

int journal_key(struct journal *j, const char *key, struct reason *why)
{
    struct bytes line = {0};
    bytes_printf(&line, "key %s\n", key);
    return add_line(j, &line, why);
}

int journal_commit(struct journal *j, int64_t parent, const char *list, struct reason *why)
{
    struct bytes line = {0};
    bytes_printf(&line, "commit %lld %s\n", (long long)parent, list);
    return add_line(j, &line, why);
}

int journal_clear(struct journal *j, struct reason *why)
{
    if (!j->lines.size)
        return 0;
    bytes_clear(&j->lines);
    return rewrite(j, why);
}

bool journal_next_change(struct slice *rest, struct slice *lines)
{
    struct slice line;
    *lines = (struct slice){.at = rest->at, .size = 0};
    while (take_line(rest, &line)) {
        if (slice_is(line, "begin") && lines->size) {
            // It belongs to the next.
            rest->at = line.at;
            rest->size += line.size + 1;
            return true;
        }
        lines->size = (size_t)(rest->at - lines->at);
    }
    return lines->size > 0;
}

bool journal_next(struct journal_line *l)
{
    struct slice line, value;
    while (take_line(&l->rest, &line)) {
        if (begins(line, "key ", &value)) {
            l->is_commit = false;
            l->key = value;
            return true;
        }
        const char *space = begins(line, "commit ", &value) ? memchr(value.at, ' ', value.size) : NULL;
        if (!space)
            continue;
        l->is_commit = true;
        l->parent = strtoll(value.at, NULL, 10);
        l->key = (struct slice){.at = space + 1, .size = (size_t)(value.at + value.size - (space + 1))};
        return true;
    }
    return false;
}
