// Rows of the index by type and actor: terms and their postings.
#include "store/checksum.h"
#include "store/sqlite/rows.h"

static uint32_t term_checksum(enum term_kind kind, struct slice text, const struct term_row *row)
{
    uint32_t sum = checksum_number(0, (uint64_t)row->id << 32 | row->last_segment);
    sum = checksum_number(sum, row->count);
    sum = checksum_number(sum, row->bytes << 2 | kind);
    return checksum_add(sum, text);
}

int engine_put_term(struct engine *e, enum term_kind kind, struct slice text, const struct term_row *row)
{
    sqlite3_stmt *s = statement(e, PUT_TERM);
    if (s) {
        bind_number(s, 1, kind);
        bind_text(s, 2, text);
        bind_number(s, 3, row->id);
        bind_number(s, 4, row->last_segment);
        bind_number(s, 5, row->count);
        bind_number(s, 6, row->bytes);
        bind_number(s, 7, term_checksum(kind, text, row));
    }
    return run(e, s);
}

static int take_term(struct engine *e, sqlite3_stmt *s, struct slice *text, struct term_row *row)
{
    enum term_kind kind = (enum term_kind)column_number(s, 0);
    *text = column_slice(s, 1);
    *row = (struct term_row){
        .id = (uint32_t)column_number(s, 2),
        .last_segment = (uint32_t)column_number(s, 3),
        .count = column_number(s, 4),
        .bytes = column_number(s, 5),
    };
    if (term_checksum(kind, *text, row) != (uint32_t)column_number(s, 6))
        return damaged(e, "the term", row->id);
    return 0;
}

static sqlite3_stmt *term_statement(struct engine *e, unsigned number, enum term_kind kind, struct slice text)
{
    sqlite3_stmt *s = statement(e, number);
    if (s) {
        bind_number(s, 1, kind);
        bind_text(s, 2, text);
    }
    return s;
}

static int only_term(struct engine *e, unsigned number, enum term_kind kind, struct slice text, struct term_row *row)
{
    sqlite3_stmt *s = term_statement(e, number, kind, text);
    struct slice found;
    int error = connection_row(&e->connection, s);
    if (error)
        return error;
    error = take_term(e, s, &found, row);
    sqlite3_reset(s);
    return error;
}

int engine_term(struct engine *e, enum term_kind kind, struct slice text, struct term_row *row)
{
    struct term_row beside;
    int error = only_term(e, TERM, kind, text, row);
    if (error != -ENOENT)
        return error;
    // As with names: what was damaged is met beside the place where it should be.
    error = only_term(e, TERM_BEFORE, kind, text, &beside);
    if (!error || error == -ENOENT)
        error = only_term(e, TERM_BEHIND, kind, text, &beside);
    return error ? error : -ENOENT;
}

int engine_terms_start(struct engine *e, enum term_kind kind, struct slice from)
{
    bytes_clear(&e->kept);
    bytes_add_slice(&e->kept, from);
    if (e->kept.failed)
        return -ENOMEM;
    return term_statement(e, TERMS, kind, bytes_slice(&e->kept)) ? 0 : run(e, NULL);
}

int engine_terms_next(struct engine *e, struct slice *text, struct term_row *row)
{
    sqlite3_stmt *s = e->connection.statements[TERMS];
    int found = connection_step(&e->connection, s);
    if (found != 1)
        return found;
    int error = take_term(e, s, text, row);
    return error ? error : 1;
}

void engine_terms_end(struct engine *e)
{
    sqlite3_reset(e->connection.statements[TERMS]);
}

int engine_last_term(struct engine *e, uint32_t *term)
{
    uint64_t key;
    int error = number_or_zero(e, statement(e, LAST_POSTING), &key);
    *term = error ? 0 : posting_key_term((int64_t)key);
    return error;
}

int engine_put_posting(struct engine *e, uint32_t term, uint32_t segment, struct slice events)
{
    sqlite3_stmt *s = statement_of(e, PUT_POSTING, (uint64_t)posting_key(term, segment), 0);
    if (s)
        bind_blob(s, 2, events);
    return run(e, s);
}

static int take_posting(struct engine *e, sqlite3_stmt *s, uint32_t term, struct posting *posting)
{
    *posting = (struct posting){.term = term, .segment = posting_key_segment((int64_t)column_number(s, 0))};
    if (posting_decode(posting, column_slice(s, 1)))
        return damaged(e, "a row of the index by term", term);
    return 0;
}

int engine_postings_start(struct engine *e, uint32_t term, uint32_t segment)
{
    e->postings_term = term;
    sqlite3_stmt *s =
        statement_of(e, POSTINGS, (uint64_t)posting_key(term, segment), (uint64_t)posting_key(term, UINT32_MAX));
    return s ? 0 : run(e, NULL);
}

int engine_postings_next(struct engine *e, struct posting *posting)
{
    sqlite3_stmt *s = e->connection.statements[POSTINGS];
    int found = connection_step(&e->connection, s);
    if (found != 1)
        return found;
    int error = take_posting(e, s, e->postings_term, posting);
    return error ? error : 1;
}

void engine_postings_end(struct engine *e)
{
    sqlite3_reset(e->connection.statements[POSTINGS]);
}

int engine_posting_before(struct engine *e, uint32_t term, uint32_t segment, struct posting *posting)
{
    if (segment == 0)
        return -ENOENT;
    sqlite3_stmt *s =
        statement_of(e, POSTING_BEFORE, (uint64_t)posting_key(term, 0), (uint64_t)posting_key(term, segment - 1));
    int error = connection_row(&e->connection, s);
    if (error)
        return error;
    error = take_posting(e, s, term, posting);
    posting->events = (struct slice){0};
    sqlite3_reset(s);
    return error;
}

int engine_put_posted(struct engine *e, uint64_t position)
{
    return run(e, statement_of(e, PUT_POSTED, position, 0));
}

int engine_posted(struct engine *e, uint64_t *position)
{
    return number_of(e, statement(e, POSTED), position);
}
