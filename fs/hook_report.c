// Open files beside a hook that the follower answers for. What is read comes in pieces, one behind the other; a read
// that goes back begins again.
#include "fs/hook_directory.h"
#include "fs/reply.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

struct waiting_read {
    fuse_req_t req;
    size_t size;
    uint64_t offset;
    struct waiting_read *next;
};

struct report_file {
    struct open_file file;
    enum follower_question question;
    pthread_mutex_t lock;
    struct bytes piece;         // (lock) what was answered last,
    uint64_t offset;            // (lock) where it stands in the whole,
    uint64_t next_from;         // (lock) and where to ask on; 0: behind it is nothing
    bool begun, asking;         // (lock)
    struct waiting_read *reads; // (lock) while it is being asked
};

static struct follower_ask *ask_new(struct open_file *file, enum follower_question question)
{
    struct follower_ask *ask = calloc(1, sizeof *ask);
    if (!ask)
        return NULL;
    ask->question = question;
    ask->tenant = file->node.tenant;
    ask->hook = file->node.number;
    return ask;
}

static void ask_free(struct follower_ask *ask)
{
    if (!ask)
        return;
    bytes_free(&ask->text);
    bytes_free(&ask->out);
    free(ask);
}

static void ask_send(struct mount *mount, struct follower_ask *ask)
{
    const struct following *f = mount->following;
    while (f->follower && !f->follower->ask)
        f++;
    if (f->follower) {
        f->follower->ask(f->self, ask);
        return;
    }
    ask->error = -ENOENT;
    ask->answer(ask);
}

static int read_question(struct visit *v, enum follower_question *question)
{
    struct hook_beside beside;
    int error = hook_directory_here(v, &beside);
    if (!error)
        *question = beside.file->question;
    return error == -ENOENT ? -ESTALE : error;
}

// ---- reading

static int open_report(struct visit *v, struct open_file *file, struct fuse_file_info *fi)
{
    struct report_file *r = (struct report_file *)file;
    (void)fi;
    int error = read_question(v, &r->question);
    if (!error)
        pthread_mutex_init(&r->lock, NULL);
    return error;
}

static void fail_reads(struct report_file *r, int error)
{
    while (r->reads) {
        struct waiting_read *read = r->reads;
        r->reads = read->next;
        fuse_reply_err(read->req, -error);
        free(read);
    }
}

static bool is_at_hand(const struct report_file *r, uint64_t offset)
{
    return r->begun && offset >= r->offset && (offset < r->offset + r->piece.size || !r->next_from);
}

static void take_answer(struct follower_ask *ask);

// Asks for the piece that the first waiting read needs next. Under the lock.
static void ask_on(struct report_file *r)
{
    struct follower_ask *ask = ask_new(&r->file, r->question);
    if (!ask) {
        fail_reads(r, -ENOMEM);
        return;
    }
    if (r->begun && r->reads->offset >= r->offset) {
        r->offset += r->piece.size;
        ask->from = r->next_from;
    } else {
        r->offset = 0;
    }
    ask->answer = take_answer;
    ask->context = file_hold(&r->file);
    r->asking = true;
    ask_send(r->file.mount, ask);
}

// Answers what is at hand, and asks for what is not. Under the lock.
static void go_on(struct report_file *r)
{
    while (r->reads && is_at_hand(r, r->reads->offset)) {
        struct waiting_read *read = r->reads;
        r->reads = read->next;
        reply_part(read->req, bytes_slice(&r->piece), read->size, read->offset - r->offset);
        free(read);
    }
    if (r->reads)
        ask_on(r);
}

static void take_answer(struct follower_ask *ask)
{
    struct report_file *r = ask->context;
    pthread_mutex_lock(&r->lock);
    r->asking = false;
    bytes_free(&r->piece);
    r->piece = ask->out;
    ask->out = (struct bytes){0};
    r->next_from = ask->next_from;
    r->begun = !ask->error;
    if (ask->error)
        fail_reads(r, ask->error == -ENOENT ? -ESTALE : ask->error);
    go_on(r);
    pthread_mutex_unlock(&r->lock);
    file_drop(&r->file);
    ask_free(ask);
}

static void read_report(fuse_req_t req, struct open_file *file, size_t size, uint64_t offset)
{
    struct report_file *r = (struct report_file *)file;
    struct waiting_read *read = malloc(sizeof *read);
    if (!read) {
        fuse_reply_err(req, ENOMEM);
        return;
    }
    *read = (struct waiting_read){.req = req, .size = size, .offset = offset};
    pthread_mutex_lock(&r->lock);
    struct waiting_read **last = &r->reads;
    while (*last)
        last = &(*last)->next;
    *last = read;
    // From the start it is always read anew.
    if (!r->asking && offset == 0)
        r->begun = false;
    if (!r->asking)
        go_on(r);
    pthread_mutex_unlock(&r->lock);
}

static void close_report(struct open_file *file)
{
    struct report_file *r = (struct report_file *)file;
    bytes_free(&r->piece);
    pthread_mutex_destroy(&r->lock);
}

const struct file_kind hook_report_kind = {
    .size = sizeof(struct report_file),
    .open = open_report,
    .read = read_report,
    .close = close_report,
};

// ---- orders: what is written

struct order_file {
    struct open_file file;
    enum follower_question question;
};

struct order {
    fuse_req_t req;
    struct open_file *file;
    size_t size;
};

static int open_order(struct visit *v, struct open_file *file, struct fuse_file_info *fi)
{
    (void)fi;
    return read_question(v, &((struct order_file *)file)->question);
}

// A refusal is written to `rejected` before it is answered.
static void refuse(struct order *order, const struct follower_ask *ask)
{
    struct submission *s = file_submission(order->req, order->file, SUBMIT_REFUSAL, order->size);
    if (!s) {
        fuse_reply_err(order->req, ENOMEM);
        return;
    }
    s->why = ask->why;
    submission_refuse(s, ask->error, bytes_slice(&ask->text));
    tenant_submit(order->file->tenant, s);
}

static void answer_order(struct follower_ask *ask)
{
    struct order *order = ask->context;
    if (ask->error)
        refuse(order, ask);
    else
        fuse_reply_write(order->req, order->size);
    file_drop(order->file);
    free(order);
    ask_free(ask);
}

static void write_order(fuse_req_t req, struct open_file *file, const char *from, size_t size, uint64_t offset)
{
    struct follower_ask *ask = ask_new(file, ((struct order_file *)file)->question);
    struct order *order = malloc(sizeof *order);
    (void)offset;
    if (ask)
        bytes_add(&ask->text, from, size);
    if (!ask || !order || ask->text.failed) {
        ask_free(ask);
        free(order);
        fuse_reply_err(req, ENOMEM);
        return;
    }
    *order = (struct order){.req = req, .file = file_hold(file), .size = size};
    ask->context = order;
    ask->answer = answer_order;
    ask_send(file->mount, ask);
}

const struct file_kind hook_order_kind = {
    .size = sizeof(struct order_file),
    .open = open_order,
    .write = write_order,
};
