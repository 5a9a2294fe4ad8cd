// All SQL of a tenant's file: the tables, and the statements by number. Parameters are bound; nothing is ever glued
// together. Private to the SQLite engine.
#pragma once

// "fact" as four letters.
#define ENGINE_APPLICATION 0x66616374

enum {
    BEGIN,
    COMMIT,
    ROLLBACK,
    PUT_EVENT,
    PUT_ENTITY,
    PUT_TYPE,
    PUT_GIVEN,
    DROP_GIVEN,
    PUT_CLAIMED,
    PUT_REJECTED,
    DROP_REJECTED,
    PUT_CHUNK,
    PUT_SNAPSHOT,
    PUT_NAME,
    PUT_HOOK,
    DROP_HOOK,
    PUT_SPEC,
    PUT_MARK,
    PUT_TERM,
    PUT_POSTING,
    PUT_POSTED,
    EVENT,
    EVENTS,
    LAST_EVENT,
    EVENT_PLACE,
    CHUNK,
    SNAPSHOT,
    ENTITY_OF_NAME,
    NAME_BEFORE,
    NAME_BEHIND,
    NAME_OF_ENTITY,
    ENTITY_FROM,
    LAST_ENTITY,
    TYPE_FROM,
    GIVEN,
    CLAIMED,
    LAST_CLAIMED,
    SPEC_BEFORE,
    SPEC_FROM,
    MARK,
    PUT_ENTITIES,
    ENTITIES,
    COUNT_ENTITIES,
    TERM,
    TERM_BEFORE,
    TERM_BEHIND,
    TERMS,
    LAST_POSTING,
    POSTINGS,
    POSTING_BEFORE,
    POSTED,
    LAST_REJECTED,
    FIRST_REJECTED,
    REJECTED_AT,
    REJECTED,
    HOOK,
    HOOK_FROM,
    STATEMENTS,
};

extern const char engine_schema[];
// Makes a file of format 1 one of this format, whole or not at all.
extern const char engine_upgrade[];
extern const char *const engine_statements[STATEMENTS];
