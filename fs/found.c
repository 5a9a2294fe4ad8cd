#include "fs/found.h"

#include "fs/file.h"
#include "fs/refuse.h"
#include "fs/reply.h"
#include "fs/search.h"

#include <errno.h>
#include <stdlib.h>

#define TEXT_BYTES (size_t)(1 << 20)
// After so many events a file is measured anew.
#define CHANGES_MAX 256u

// Of which filter, of which tenant, at which position it is the text.
struct found_text {
    uint32_t tenant;
    uint64_t position; // 0: of none
    struct bytes filter;
    struct bytes text;
};

void found_text_free(struct found_text *text)
{
    if (!text)
        return;
    bytes_free(&text->filter);
    bytes_free(&text->text);
    free(text);
}

// Begins to find what the visited view's filter says, at a position (0: now).
static int open_find(struct visit *v, uint64_t position, struct find **find)
{
    struct reason why = {0};
    int error = find_open(find, v->reader, v->view->filter, position, search_ends, &why);
    // Its expressions were read when it was looked up.
    return error == -EINVAL ? -EIO : error;
}

int found_link(struct visit *v, struct bytes *target)
{
    char name[NAME_ENTITY_MAX];
    size_t size;
    if (v->node.kind == NODE_FOUND_ALIAS || v->node.kind == NODE_QUERY_ALIAS) {
        bytes_add_slice(target, v->view->filter->text);
        return 0;
    }
    if (v->node.kind != NODE_FOUND_LINK)
        return -EINVAL;
    int error = history_name(v->reader, v->node.number, name, &size);
    bytes_add_text(target, "../../");
    bytes_add(target, name, error ? 0 : size);
    return error;
}

// ---- names

static int read_filter(struct visit *v, struct slice name, struct filter *filter)
{
    struct reason why = {0};
    struct match *match;
    int error = filter_parse(filter, FILTER_FIND, name, &why);
    if (error)
        return error == -ENOENT ? refuse_filter(v, "find", name, &why) : error;
    // Its expressions are read too.
    error = match_open(&match, v->reader, filter, 0, NULL, &why);
    if (!error) {
        match_close(match);
        return 0;
    }
    filter_free(filter);
    return error == -EINVAL ? refuse_filter(v, "find", name, &why) : error;
}

int found_lookup_filter(struct visit *v, struct slice name, uint64_t *id, double *timeout_s)
{
    struct view words = {.kind = NODE_FOUND, .tenant = v->node.tenant, .position = v->view ? v->view->position : 0};
    struct filter *filter = calloc(1, sizeof *filter);
    int error = filter ? read_filter(v, name, filter) : -ENOMEM;
    if (error) {
        free(filter);
        return error;
    }
    bool same = slice_equal(filter->text, name);
    words.filter = filter;
    error = view_take(v->mount->views, &words, &v->found);
    if (error)
        return error;
    *id = node_view_id(same ? NODE_FOUND : NODE_FOUND_ALIAS, v->found->slot, 0);
    *timeout_s = TIMEOUT_FOREVER_S;
    return 0;
}

int found_lookup(struct visit *v, struct slice name, uint64_t *id, double *timeout_s)
{
    FIND_AUTO find = NULL;
    struct head head;
    struct shown_state shown;
    int error = name_is_entity(name) ? history_head(v->reader, name, &head) : -ENOENT;
    if (!error)
        error = open_find(v, v->view->position, &find);
    if (error)
        return error;
    int found = find_is(find, head.id, &shown);
    if (found != 1)
        return found ? found : -ENOENT;
    *id = node_view_id(NODE_FOUND_LINK, v->node.slot, head.id);
    *timeout_s = v->view->position ? TIMEOUT_FOREVER_S : 0;
    return 0;
}

int found_next(struct visit *v, uint64_t offset, struct tree_entry *entry)
{
    struct shown_state shown;
    int found = entry->find ? 0 : open_find(v, v->view->position, &entry->find);
    if (!found)
        found = find_next(entry->find, offset ? offset : 1, &shown);
    if (found != 1)
        return found;
    // No attributes: few are looked at, and those of today may change.
    entry->id = 0;
    entry->next = shown.entity + 1;
    memcpy(entry->text, shown.name.at, shown.name.size);
    entry->name = (struct slice){.at = entry->text, .size = shown.name.size};
    entry->attr =
        (struct stat){.st_ino = node_view_id(NODE_FOUND_LINK, v->node.slot, shown.entity), .st_mode = S_IFLNK};
    return 1;
}

static int add_line(const struct shown_state *shown, struct bytes *out)
{
    state_line(shown->state, shown->name, shown->version, shown->updated_at_us, out);
    bytes_add_char(out, '\n');
    return out->failed ? -ENOMEM : 0;
}

// ---- the size

// Keeps the text that is measured while it is small.
static struct found_text *begin_text(struct visit *v)
{
    struct found_text **kept = &v->desk->found;
    if (!*kept)
        *kept = calloc(1, sizeof **kept);
    if (!*kept)
        return NULL;
    (*kept)->position = 0;
    (*kept)->tenant = v->node.tenant;
    bytes_clear(&(*kept)->filter);
    bytes_add_slice(&(*kept)->filter, v->view->filter->text);
    bytes_trim(&(*kept)->text, TEXT_BYTES / 8);
    return (*kept)->filter.failed ? NULL : *kept;
}

static int measure_all(struct visit *v, uint64_t position, uint64_t *size)
{
    FIND_AUTO find = NULL;
    BYTES_AUTO line = {0};
    struct shown_state shown;
    struct found_text *kept = begin_text(v);
    int error = open_find(v, position, &find), found = 0;
    *size = 0;
    for (uint64_t from = 1; !error && (found = find_next(find, from, &shown)) == 1; from = shown.entity + 1) {
        bytes_clear(&line);
        error = add_line(&shown, &line);
        *size += line.size;
        if (kept && *size > TEXT_BYTES)
            kept = NULL;
        if (kept)
            bytes_add_slice(&kept->text, bytes_slice(&line));
    }
    error = error ? error : found;
    if (!error && kept && !kept->text.failed)
        kept->position = position;
    return error;
}

// Does what it finds depend on the entities alone that it looks at?
static bool is_local(const struct filter *filter)
{
    bool local = true;
    for (uint32_t i = 0; local && i < filter->field_count; i++)
        local = filter->fields[i].step_count < 2;
    return local;
}

// The size of an entity's line; 0 when it is not found.
static int line_size(struct find *find, uint64_t entity, size_t *size)
{
    BYTES_AUTO line = {0};
    struct shown_state shown;
    int found = find_is(find, entity, &shown);
    int error = found == 1 ? add_line(&shown, &line) : found;
    *size = line.size;
    return error;
}

// What changed since the file was measured: each entity that had an event, once.
static int measure_changes(struct visit *v, uint64_t position, uint64_t *size)
{
    FIND_AUTO before = NULL;
    FIND_AUTO after = NULL;
    uint64_t entities[CHANGES_MAX], count = 0;
    int error = open_find(v, v->view->measured_position, &before);
    if (!error)
        error = open_find(v, position, &after);
    *size = v->view->measured_bytes;
    for (uint64_t at = v->view->measured_position + 1; !error && at <= position; at++) {
        struct event_row row;
        size_t was, is;
        error = history_event(v->reader, at, &row);
        bool seen = false;
        for (uint64_t i = 0; !error && !seen && i < count; i++)
            seen = entities[i] == row.entity;
        if (error || seen)
            continue;
        entities[count++] = row.entity;
        error = line_size(before, row.entity, &was);
        if (!error)
            error = line_size(after, row.entity, &is);
        if (!error)
            *size = *size - was + is;
    }
    return error;
}

int found_measure(struct visit *v, uint64_t position, uint64_t *size)
{
    struct view *view = v->view;
    int error = 0;
    *size = view->measured_bytes;
    if (!position || view->measured_position == position) {
        *size = position ? view->measured_bytes : 0;
        return 0;
    }
    bool few = view->measured_position && view->measured_position < position &&
               position - view->measured_position <= CHANGES_MAX && is_local(view->filter);
    error = few ? measure_changes(v, position, size) : measure_all(v, position, size);
    if (error)
        return error;
    view->measured_position = position;
    view->measured_bytes = *size;
    return 0;
}

// ---- the open file

struct found_file {
    struct open_file file;
    uint64_t position; // as things stood just after it; 0: nothing ever happened
    // where the reader stands: at the start of a line, which is of this entity or one behind it
    uint64_t offset;
    uint64_t entity;
};

static int open_found(struct visit *v, struct open_file *file, struct fuse_file_info *fi)
{
    struct found_file *f = (struct found_file *)file;
    bool past = v->view->position != 0;
    f->position = past ? v->view->position : tenant_end(v->tenant).position;
    f->entity = 1;
    // A past never changes.
    fi->direct_io = !past;
    fi->keep_cache = past;
    return 0;
}

static bool is_text_of(const struct found_text *kept, const struct visit *v, uint64_t position)
{
    return kept && kept->position && kept->position == position && kept->tenant == v->node.tenant &&
           slice_equal(bytes_slice(&kept->filter), v->view->filter->text);
}

// Reads lines into the answer, whose first byte stands at `offset`, until `size` are there or no line is left.
static int read_lines(struct visit *v, struct found_file *f, size_t size, uint64_t offset)
{
    FIND_AUTO find = NULL;
    BYTES_AUTO line = {0};
    struct shown_state shown;
    struct bytes *answer = &v->desk->answer;
    if (offset < f->offset) {
        f->offset = 0;
        f->entity = 1;
    }
    int error = open_find(v, f->position, &find), found;
    while (!error && answer->size < size && (found = find_next(find, f->entity, &shown))) {
        bytes_clear(&line);
        error = found < 0 ? found : add_line(&shown, &line);
        uint64_t from = offset + answer->size;
        if (!error && from < f->offset + line.size) {
            struct slice rest = {.at = line.at + (from - f->offset), .size = line.size - (size_t)(from - f->offset)};
            if (rest.size > size - answer->size) {
                // The next read begins within this line.
                f->entity = shown.entity;
                bytes_add(answer, rest.at, size - answer->size);
                break;
            }
            bytes_add_slice(answer, rest);
        }
        f->offset += error ? 0 : line.size;
        f->entity = shown.entity + !error;
    }
    return error ? error : answer->failed ? -ENOMEM : 0;
}

static void read_found(fuse_req_t req, struct open_file *file, size_t size, uint64_t offset)
{
    struct found_file *f = (struct found_file *)file;
    VISIT v = {0};
    int error = file_visit(&v, file);
    struct bytes *answer = &v.desk->answer;
    bytes_clear(answer);
    if (!error && is_text_of(v.desk->found, &v, f->position)) {
        reply_part(req, bytes_slice(&v.desk->found->text), size, offset);
        return;
    }
    if (!error && f->position)
        error = read_lines(&v, f, size, offset);
    reply_read(req, &v, error, answer->size);
}

const struct file_kind found_kind = {
    .size = sizeof(struct found_file),
    .open = open_found,
    .read = read_found,
};
