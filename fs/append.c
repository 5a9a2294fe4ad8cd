// `append` and `import`: a sequence of JSON values, each an event or an array of events. What one write completes
// commits together; what it leaves incomplete waits for the next one (FILES.md B).
#include "fs/caller.h"
#include "fs/file.h"

#include "store/checksum.h"
#include "store/json.h"
#include "store/rejection.h"

#include <errno.h>
#include <pthread.h>

#define EVENT_BYTES (size_t)(1 << 20)
#define BATCH_BYTES (size_t)(16 << 20)

struct append_file {
    struct open_file file;
    struct json_scanner scanner;
    struct bytes pending; // a value that is not complete yet
    bool batch;           // the value is an array
    bool skipping;        // the value is too large: the rest of it is not kept
    size_t refused_size;  // of the last piece of a value that was too large, 0: none
    uint32_t refused_sum; // its checksum
    bool flushed_half;    // somebody closed a copy of the descriptor in the midst of a value
    struct slice entity;  // in entity_text; empty at the tenant's append
    char entity_text[NAME_ENTITY_MAX];
    struct rerun rerun;  // of an import; the writer's
    atomic_bool refused; // a write was refused by the writer: what waits behind it is dropped

    // Receipts come one after the other, wherever writes have moved the offset to; but who reads ahead and seeks back,
    // as shells do, gets again what lies behind the offset.
    pthread_mutex_t lock;
    struct bytes receipts; // (lock) the first `given` bytes were read at `given_at`
    size_t given;
    uint64_t given_at;
};

static int open_append(struct visit *v, struct open_file *file, struct fuse_file_info *fi)
{
    struct append_file *a = (struct append_file *)file;
    json_scanner_init(&a->scanner);
    pthread_mutex_init(&a->lock, NULL);
    (void)fi;
    if (v->node.kind != NODE_APPEND)
        return 0;
    a->entity.at = a->entity_text;
    return history_name(v->reader, v->node.number, a->entity_text, &a->entity.size);
}

static void drop_pending(struct append_file *a)
{
    bytes_trim(&a->pending, 1 << 16);
    json_scanner_init(&a->scanner);
    a->skipping = false;
    a->flushed_half = false;
}

// ---- what a write becomes

struct intake {
    struct append_file *append;
    struct submission *submission;
    struct draft_origin origin;
    unsigned room; // for drafts
    unsigned line; // events counted so far
};

// The events before it are judged first: the first that is wrong is the answer (A13).
static int refuse(struct intake *in, int error, struct slice input)
{
    struct submission *s = in->submission;
    s->line = in->line;
    submission_refuse(s, error, input);
    if (s->draft_count)
        s->kind = SUBMIT_EVENTS;
    return error;
}

static bool grow_drafts(struct intake *in)
{
    struct submission *s = in->submission;
    if (s->draft_count < in->room)
        return true;
    unsigned room = in->room ? in->room * 2 : 1;
    struct draft *drafts = arena_get(&s->arena, room * sizeof *drafts);
    struct slice *inputs = arena_get(&s->arena, room * sizeof *inputs);
    if (!drafts || !inputs)
        return false;
    if (s->draft_count) {
        memcpy(drafts, s->drafts, s->draft_count * sizeof *drafts);
        memcpy(inputs, s->inputs, s->draft_count * sizeof *inputs);
    }
    s->drafts = drafts;
    s->inputs = inputs;
    in->room = room;
    return true;
}

static int take_event(struct intake *in, struct slice value)
{
    struct submission *s = in->submission;
    in->line++;
    if (value.size > EVENT_BYTES) {
        reason_set(&s->why, -EMSGSIZE, "an event has at most 1 MiB");
        return refuse(in, -EMSGSIZE, value);
    }
    if (!grow_drafts(in))
        return refuse(in, -ENOMEM, value);
    struct draft *draft = &s->drafts[s->draft_count];
    draft->line = in->line;
    int error = draft_read(draft, value, &in->origin, &s->arena, &s->why);
    if (error)
        return refuse(in, error, value);
    s->inputs[s->draft_count++] = arena_copy(&s->arena, rejection_input(value));
    return 0;
}

static int take_value(struct intake *in, struct slice value)
{
    if (json_kind(value) != JSON_ARRAY)
        return take_event(in, value);
    if (value.size > BATCH_BYTES) {
        in->line++;
        reason_set(&in->submission->why, -EMSGSIZE, "a batch has at most 16 MiB");
        return refuse(in, -EMSGSIZE, value);
    }
    struct json_cursor c = json_enter(value);
    int error = 0;
    for (struct slice element; !error && json_next_element(&c, &element);)
        error = take_event(in, element);
    return error;
}

static struct slice trimmed(struct slice text)
{
    while (text.size && strchr(" \t\r\n", text.at[0])) {
        text.at++;
        text.size--;
    }
    return text;
}

// Keeps the rest of an incomplete value, within the limits of an event or a batch.
static int keep_rest(struct intake *in, struct slice rest)
{
    struct append_file *a = in->append;
    rest = a->pending.size ? rest : trimmed(rest);
    if (!a->skipping)
        bytes_add_slice(&a->pending, rest);
    if (a->pending.failed)
        return refuse(in, -ENOMEM, rest);
    if (!a->skipping)
        a->batch = a->pending.size && a->pending.at[0] == '[';
    if (!a->skipping && a->pending.size <= (a->batch ? BATCH_BYTES : EVENT_BYTES))
        return 0;
    in->line++;
    reason_set(&in->submission->why, -EMSGSIZE, a->batch ? "a batch has at most 16 MiB" : "an event has at most 1 MiB");
    refuse(in, -EMSGSIZE, bytes_slice(&a->pending));
    a->skipping = true;
    bytes_trim(&a->pending, 0);
    // The scanner goes on, to find where the value ends.
    return -EMSGSIZE;
}

// Finds the values that the text completes. 0, or the refusal.
static int take_text(struct intake *in, struct slice text)
{
    struct append_file *a = in->append;
    while (text.size) {
        size_t used;
        enum json_found found = json_scan(&a->scanner, text.at, text.size, &used, &in->submission->why);
        struct slice part = {.at = text.at, .size = used};
        if (found == JSON_MORE)
            return json_scanner_idle(&a->scanner) ? 0 : keep_rest(in, part);
        if (found == JSON_WRONG) {
            in->line++;
            a->skipping = false;
            if (a->pending.size) {
                bytes_add_slice(&a->pending, text);
                return refuse(in, -EINVAL, bytes_slice(&a->pending));
            }
            return refuse(in, -EINVAL, trimmed(text));
        }
        int error;
        if (a->skipping) {
            error = keep_rest(in, part);
            a->skipping = false;
        } else if (a->pending.size) {
            bytes_add_slice(&a->pending, part);
            error = a->pending.failed ? refuse(in, -ENOMEM, part) : take_value(in, bytes_slice(&a->pending));
            bytes_trim(&a->pending, 1 << 16);
        } else {
            error = take_value(in, part);
        }
        if (error)
            return error;
        a->flushed_half = false;
        text.at += used;
        text.size -= used;
    }
    return 0;
}

// A write(2) of which a later piece is refused is told short, and its writer sends that piece again: it is refused
// again, and not read as what follows.
static int take_piece(struct intake *in, struct slice text)
{
    struct append_file *a = in->append;
    if (a->refused_size == text.size && checksum_add(0, text) == a->refused_sum) {
        in->line++;
        reason_set(&in->submission->why, -EMSGSIZE, "a batch has at most 16 MiB, an event at most 1 MiB");
        return refuse(in, -EMSGSIZE, text);
    }
    int error = take_text(in, text);
    a->refused_size = error == -EMSGSIZE ? text.size : 0;
    if (a->refused_size)
        a->refused_sum = checksum_add(0, text);
    return error;
}

// ---- writing

static void answer_append(struct submission *s)
{
    struct append_file *a = (struct append_file *)file_pending(s);
    if (s->error && s->kind != SUBMIT_REFUSAL)
        atomic_store(&a->refused, true);
    if (s->wants_receipts) {
        pthread_mutex_lock(&a->lock);
        bytes_add_slice(&a->receipts, bytes_slice(&s->receipts));
        a->receipts.failed = false;
        pthread_mutex_unlock(&a->lock);
    }
    file_answer(s);
}

// What waited for its end will not get it: a line in `rejected`.
static void reject_pending(fuse_req_t req, struct append_file *a, const char *why)
{
    struct submission *s = a->pending.size ? file_submission(NULL, &a->file, SUBMIT_REFUSAL, 0) : NULL;
    if (s) {
        if (req) {
            s->uid = fuse_req_ctx(req)->uid;
            s->pid = fuse_req_ctx(req)->pid;
        }
        s->line = 1;
        reason_set(&s->why, -EINVAL, "%s", why);
        submission_refuse(s, -EINVAL, bytes_slice(&a->pending));
        tenant_submit(a->file.tenant, s);
    }
    drop_pending(a);
}

static struct submission *begin(fuse_req_t req, struct append_file *a, size_t size, struct intake *in)
{
    struct submission *s = file_submission(req, &a->file, SUBMIT_EVENTS, size);
    if (!s)
        return NULL;
    s->answer = answer_append;
    s->rerun = a->file.node.kind == NODE_TENANT_IMPORT ? &a->rerun : NULL;
    s->wants_receipts = (a->file.flags & O_ACCMODE) == O_RDWR;
    *in = (struct intake){
        .append = a,
        .submission = s,
        .origin = {.tenant = tenant_name(a->file.tenant),
            .entity = a->entity,
            .actor = caller_actor(s->uid),
            .imports = s->rerun != NULL},
    };
    return s;
}

// Drops the receipts that were read, but for those behind the offset that the descriptor was set back to.
static void drop_read(struct append_file *a, uint64_t offset)
{
    bool back = offset >= a->given_at && offset - a->given_at < a->given;
    size_t read = back ? (size_t)(offset - a->given_at) : a->given;
    a->given = 0;
    if (!read)
        return;
    a->receipts.size -= read;
    memmove(a->receipts.at, a->receipts.at + read, a->receipts.size);
}

static void write_append(fuse_req_t req, struct open_file *file, const char *from, size_t size, uint64_t offset)
{
    struct append_file *a = (struct append_file *)file;
    struct slice text = {.at = from, .size = size};
    struct intake in;
    pthread_mutex_lock(&a->lock);
    drop_read(a, offset);
    pthread_mutex_unlock(&a->lock);
    if (atomic_exchange(&a->refused, false))
        drop_pending(a);
    struct submission *s = begin(req, a, size, &in);
    if (!s) {
        fuse_reply_err(req, ENOMEM);
        return;
    }
    int error = take_piece(&in, text);
    if (error == -EINVAL && a->flushed_half) {
        // B3: what was left half at a close does not go on here; the new text is judged alone.
        ((struct pending_request *)s->context)->req = NULL;
        file_answer(s);
        reject_pending(req, a, "an event was not complete when the file was closed");
        s = begin(req, a, size, &in);
        if (!s) {
            fuse_reply_err(req, ENOMEM);
            return;
        }
        error = take_text(&in, text);
    }
    if (error && !a->skipping)
        drop_pending(a);
    if (error || s->draft_count) {
        tenant_submit(file->tenant, s);
        return;
    }
    // Nothing to commit: white space, an empty array, a value that goes on.
    file_answer(s);
}

static void read_append(fuse_req_t req, struct open_file *file, size_t size, uint64_t offset)
{
    struct append_file *a = (struct append_file *)file;
    pthread_mutex_lock(&a->lock);
    drop_read(a, offset);
    a->given = a->receipts.size < size ? a->receipts.size : size;
    a->given_at = offset;
    fuse_reply_buf(req, a->receipts.at, a->given);
    pthread_mutex_unlock(&a->lock);
}

static void flush_append(fuse_req_t req, struct open_file *file)
{
    struct append_file *a = (struct append_file *)file;
    if (atomic_exchange(&a->refused, false))
        drop_pending(a);
    bool half = a->pending.size || a->skipping;
    a->flushed_half = half;
    fuse_reply_err(req, half ? EINVAL : 0);
}

static void release_append(struct open_file *file)
{
    struct append_file *a = (struct append_file *)file;
    if (atomic_exchange(&a->refused, false))
        drop_pending(a);
    reject_pending(NULL, a, "an event was not complete when the file was closed");
}

static void close_append(struct open_file *file)
{
    struct append_file *a = (struct append_file *)file;
    bytes_free(&a->pending);
    bytes_free(&a->receipts);
    rerun_free(&a->rerun);
    pthread_mutex_destroy(&a->lock);
}

const struct file_kind append_kind = {
    .size = sizeof(struct append_file),
    .open = open_append,
    .read = read_append,
    .write = write_append,
    .flush = flush_append,
    .release = release_append,
    .close = close_append,
};
