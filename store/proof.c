#include "store/proof.h"

#include "store/claims.h"
#include "store/when.h"

#include <errno.h>
#include <stdlib.h>

// Events that are read before the writer's log may be cut, and progress is told.
#define EVENTS_AT_ONCE 16384u

struct prover {
    const struct proof_subject *subject;
    struct proof *proof;
    struct engine *engine;
    struct claims claims;
    struct chain chain;
    uint64_t offset; // where the next event begins in the stream
    int64_t at_us;   // of the last event
    struct bytes actor;
};

// ---- one event

// Says which event it is, as far as the row can be read.
static int not_fitting(struct prover *p, const struct event_row *row, uint64_t position, const char *what)
{
    struct event event = {0};
    bool read = row->line.size && row->position == position && envelope_read(row->line, &event, &p->actor) == 0;
    if (!read)
        return reason_set(&p->proof->log, -EIO, "event %llu: %s", (unsigned long long)position, what);
    return reason_set(&p->proof->log, -EIO, "event %llu (%.*s, version %u, id %.*s): %s", (unsigned long long)position,
        SLICE_ARG(event.target), event.version, SLICE_ARG(event.id), what);
}

static int check_event(struct prover *p, const struct event_row *row)
{
    struct proof *proof = p->proof;
    struct event event;
    struct reason why = {0}, beside = {0};
    unsigned char hash[CHAIN_SIZE];
    memcpy(hash, proof->hash, CHAIN_SIZE);
    int error = chain_next(&p->chain, hash, row->line);
    if (error)
        return error;
    if (memcmp(hash, row->hash, CHAIN_SIZE) != 0)
        return not_fitting(p, row, row->position,
            "its hash is not that of the event before and its line: one of them was changed, put in or taken out");
    if (envelope_read(row->line, &event, &p->actor))
        return not_fitting(p, row, row->position, "its line is not an event");
    if (row->offset != p->offset)
        return not_fitting(p, row, row->position, "its place in the stream is not behind the event before");
    if (row->at_us < p->at_us)
        return not_fitting(p, row, row->position, "its time is before that of the event before");
    if (event.at_us != row->at_us || event.version != row->version)
        return not_fitting(p, row, row->position, "its row has another time or version than its line");
    error = claims_event(&p->claims, row, &event, &why, &beside);
    if (error)
        return not_fitting(p, row, row->position, why.text);
    if (beside.text[0])
        reason_set(&proof->beside, -EIO, "%s event %llu (%.*s, version %u, id %.*s)", beside.text,
            (unsigned long long)row->position, SLICE_ARG(event.target), event.version, SLICE_ARG(event.id));
    memcpy(proof->hash, hash, CHAIN_SIZE);
    proof->events = row->position;
    p->offset += row->line.size + 1;
    p->at_us = row->at_us;
    return 0;
}

// ---- the log

static int check_some(struct prover *p, uint64_t end)
{
    uint64_t next = p->proof->events + 1;
    int error = engine_events_start(p->engine, next);
    for (; !error && next <= end; next++) {
        struct event_row row = {0};
        int found = engine_events_next(p->engine, &row);
        if (found != 1)
            error = not_fitting(
                p, &row, next, found == 0 ? "it is not there" : "it is missing, or its row does not fit its checksum");
        else
            error = check_event(p, &row);
    }
    engine_events_end(p->engine);
    return error;
}

static int check_log(struct prover *p)
{
    int error = 0;
    uint64_t end = p->claims.end;
    while (!error && p->proof->events < end) {
        uint64_t until = p->proof->events + EVENTS_AT_ONCE;
        error = check_some(p, until < end ? until : end);
        if (p->subject->progress)
            p->subject->progress(p->subject->context, p->proof->events, end);
    }
    return error;
}

// How far each part is to be, read in this order: the writer may go on meanwhile.
static int find_ends(struct prover *p)
{
    struct event_row row = {0};
    struct claims *l = &p->claims;
    int error = engine_mark(p->engine, &l->mark);
    if (!error && engine_format(p->engine) > 1)
        error = engine_posted(p->engine, &l->posted);
    if (!error)
        error = engine_last_event(p->engine, &row);
    // A damaged last event is met again in its turn.
    l->end = row.position;
    if (error == -ENOENT || (error == -EIO && row.position))
        error = 0;
    if (!error && (l->mark > l->end || l->posted > l->end))
        return reason_set(&p->proof->beside, -EIO, "the index is ahead of the log, which ends at event %llu",
            (unsigned long long)l->end);
    return error ? reason_set(&p->proof->beside, error, "%s", engine_error(p->engine)) : 0;
}

static int check_file(struct prover *p)
{
    struct proof *proof = p->proof;
    int error = find_ends(p);
    if (error)
        return error;
    int pages = engine_check_pages(p->engine);
    if (pages)
        reason_set(&proof->beside, pages, "a page of the file is damaged: %s", engine_error(p->engine));
    int tables = claims_load(&p->claims, &proof->beside);
    if (tables)
        reason_set(&proof->beside, tables, "%s", engine_error(p->engine));
    error = check_log(p);
    if (error)
        reason_set(&proof->log, error, "%s", engine_error(p->engine));
    else if (!tables)
        tables = claims_settle(&p->claims, &proof->beside);
    return error ? error : pages ? pages : tables;
}

int proof_make(const struct proof_subject *subject, struct proof *proof)
{
    struct prover p = {.subject = subject, .proof = proof, .at_us = INT64_MIN};
    *proof = (struct proof){0};
    int error = engine_open(&p.engine, subject->path, subject->mode, &proof->beside);
    if (error)
        return error;
    p.claims = (struct claims){.engine = p.engine,
        .tenant = subject->number,
        .sqids = subject->sqids,
        .quiet = subject->mode == ENGINE_AT_REST};
    error = chain_open(&p.chain);
    if (!error)
        error = check_file(&p);
    if (!error && proof->beside.text[0])
        error = -EIO;
    chain_close(&p.chain);
    claims_free(&p.claims);
    bytes_free(&p.actor);
    engine_close(p.engine);
    return error;
}
