#include "store/sqlite/statements.h"

#include "store/engine.h"

#define TABLES_OF_DELIVERIES                                                                                           \
    "CREATE TABLE outbox(hook INTEGER PRIMARY KEY, cursor INT, lanes BLOB, secret TEXT, disabled_at INT,"              \
    "                    held_until INT, attempts INT, delivered INT, dead INT, last_attempt INT, last_success INT,"   \
    "                    last_error TEXT, failing INT, sum INT);"                                                      \
    "CREATE TABLE waiting(hook INT, single INT, entity INT, position INT, events INT, attempts INT, due INT,"          \
    "                     PRIMARY KEY(hook, single, entity, position)) WITHOUT ROWID;"                                 \
    "CREATE TABLE dead(hook INT, position INT, entity INT, at INT, attempts INT, status INT, error TEXT,"              \
    "                  PRIMARY KEY(hook, position)) WITHOUT ROWID;"                                                    \
    "CREATE TABLE attempt(hook INT, number INT, count INT, lines TEXT, PRIMARY KEY(hook, number)) WITHOUT ROWID;"

// What format 2 has beyond format 1.
#define TABLES_2                                                                                                       \
    "CREATE TABLE term(kind INT, text TEXT, id INT, last INT, count INT, bytes INT, sum INT, PRIMARY KEY(kind, text))" \
    "  WITHOUT ROWID;"                                                                                                 \
    "CREATE TABLE posting(key INTEGER PRIMARY KEY, events BLOB);"                                                      \
    "INSERT INTO mark VALUES(2, 0);"                                                                                   \
    "CREATE TABLE hook(number INTEGER PRIMARY KEY, position INT, at INT, folder TEXT, name TEXT, text BLOB, sum INT);" \
    "CREATE UNIQUE INDEX hook_name ON hook(folder, name);"                                                             \
    "CREATE TABLE imported(hash INT, position INT, PRIMARY KEY(hash, position)) WITHOUT ROWID;"                        \
    "CREATE TABLE hook_log(hook INT, number INT, text BLOB, PRIMARY KEY(hook, number)) WITHOUT ROWID;"                 \
    "CREATE TABLE spec(position INTEGER PRIMARY KEY);" TABLES_OF_DELIVERIES "PRAGMA user_version=2;"

const char engine_upgrade[] = "BEGIN IMMEDIATE;" TABLES_2 "COMMIT";

// What came later to format 2; a file that lacks it gets it when its writer opens it.
const char engine_additions[] =
    "CREATE TABLE IF NOT EXISTS brought(last INTEGER PRIMARY KEY, first INT, sum INT);"
    "CREATE TABLE IF NOT EXISTS kept(hook INTEGER PRIMARY KEY, text BLOB, sum INT);"
    "CREATE TABLE IF NOT EXISTS metric(hook INTEGER PRIMARY KEY, defined INT, cursor INT, tail INT, snapshot_at INT,"
    "                                  snapshot TEXT, numbers BLOB, sum INT);";

const char engine_schema[] =
    "BEGIN;"
    "CREATE TABLE event(position INTEGER PRIMARY KEY, entity INT, version INT, offset INT, at INT, type INT, hash BLOB,"
    "                   sum INT, line TEXT);"
    "CREATE TABLE entity(id INTEGER PRIMARY KEY, name TEXT, sum INT);"
    "CREATE TABLE type(id INTEGER PRIMARY KEY, folded TEXT, spelling TEXT);"
    "CREATE TABLE given(id TEXT PRIMARY KEY, position INT, content BLOB) WITHOUT ROWID;"
    "CREATE TABLE claimed(position INTEGER PRIMARY KEY);"
    "CREATE TABLE rejected(number INTEGER PRIMARY KEY, offset INT, line TEXT);"
    "CREATE INDEX rejected_offset ON rejected(offset);"
    "CREATE TABLE chunk(key INTEGER PRIMARY KEY, offset INT, events BLOB);"
    "CREATE TABLE snapshot(key INTEGER PRIMARY KEY, created_at INT, created_by TEXT, noun TEXT, alive INT, fields TEXT,"
    "                      sum INT);"
    "CREATE TABLE name(name TEXT PRIMARY KEY, entity INT, sum INT) WITHOUT ROWID;"
    "CREATE TABLE mark(one INTEGER PRIMARY KEY, position INT);"
    "INSERT INTO mark VALUES(1, 0);"
    "PRAGMA application_id=1717658484;" TABLES_2 "COMMIT";
_Static_assert(ENGINE_APPLICATION == 1717658484 && ENGINE_FORMAT == 2, "the schema says the same");

#define TERM_COLUMNS "kind, text, id, last, count, bytes, sum"

const char *const engine_statements[STATEMENTS] = {
    [BEGIN] = "BEGIN IMMEDIATE",
    [BEGIN_READ] = "BEGIN",
    [COMMIT] = "COMMIT",
    [ROLLBACK] = "ROLLBACK",
    [PUT_EVENT] = "INSERT INTO event VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    [PUT_ENTITY] = "INSERT INTO entity VALUES(?1, ?2, ?3)",
    [PUT_TYPE] = "INSERT INTO type VALUES(?1, ?2, ?3)",
    [PUT_GIVEN] = "INSERT INTO given VALUES(?1, ?2, ?3)",
    [DROP_GIVEN] = "DELETE FROM given WHERE id = ?1",
    [PUT_IMPORTED] = "INSERT OR IGNORE INTO imported VALUES(?1, ?2)",
    [PUT_BROUGHT] = "INSERT INTO brought VALUES(?1, ?2, ?3)",
    [DROP_BROUGHT] = "DELETE FROM brought WHERE last = ?1",
    [BROUGHT] = "SELECT last, first, sum FROM brought WHERE last >= ?1 ORDER BY last LIMIT 1",
    [PUT_CLAIMED] = "INSERT OR IGNORE INTO claimed VALUES(?1)",
    [PUT_REJECTED] = "INSERT INTO rejected VALUES(?1, ?2, ?3)",
    [DROP_REJECTED] = "DELETE FROM rejected WHERE number < ?1",
    [PUT_CHUNK] = "INSERT OR REPLACE INTO chunk VALUES(?1, ?2, ?3)",
    [PUT_SNAPSHOT] = "INSERT OR REPLACE INTO snapshot VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    [PUT_NAME] = "INSERT OR REPLACE INTO name VALUES(?1, ?2, ?3)",
    [PUT_HOOK] = "INSERT OR REPLACE INTO hook VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    [PUT_HOOK_LOG] = "INSERT OR REPLACE INTO hook_log VALUES(?1, ?2, ?3)",
    [DROP_HOOK_LOG] = "DELETE FROM hook_log WHERE hook = ?1 AND number < ?2",
    [DROP_HOOK] = "DELETE FROM hook WHERE number = ?1",
    [PUT_KEPT] = "INSERT OR REPLACE INTO kept VALUES(?1, ?2, ?3)",
    [DROP_KEPT] = "DELETE FROM kept WHERE hook = ?1",
    [KEPT] = "SELECT text, sum FROM kept WHERE hook = ?1",
    [PUT_MARK] = "UPDATE mark SET position = ?1 WHERE one = 1",
    [PUT_TERM] = "INSERT OR REPLACE INTO term VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    [PUT_POSTING] = "INSERT OR REPLACE INTO posting VALUES(?1, ?2)",
    [PUT_POSTED] = "UPDATE mark SET position = ?1 WHERE one = 2",
    [PUT_SPEC] = "INSERT INTO spec VALUES(?1)",
    [EVENT] = "SELECT position, entity, version, offset, at, type, hash, sum, line FROM event WHERE position = ?1",
    [EVENTS] = "SELECT position, entity, version, offset, at, type, hash, sum, line FROM event WHERE position >= ?1 "
               "ORDER BY position",
    [LAST_EVENT] = "SELECT position, entity, version, offset, at, type, hash, sum, line FROM event "
                   "ORDER BY position DESC LIMIT 1",
    [EVENT_PLACE] = "SELECT offset, at FROM event WHERE position = ?1",
    [CHUNK] = "SELECT key, offset, events FROM chunk WHERE key = ?1",
    [LAST_CHUNK] = "SELECT key, offset, events, (SELECT key FROM chunk AS behind WHERE key > chunk.key ORDER BY key "
                   "LIMIT 1) FROM chunk WHERE key BETWEEN ?1 AND ?2 ORDER BY key DESC LIMIT 1",
    [SNAPSHOT] =
        "SELECT key, created_at, created_by, noun, alive, fields, sum FROM snapshot WHERE key BETWEEN ?1 AND ?2 "
        "ORDER BY key DESC LIMIT 1",
    [ENTITY_OF_NAME] = "SELECT entity, name, sum FROM name WHERE name = ?1",
    [NAME_BEFORE] = "SELECT entity, name, sum FROM name WHERE name < ?1 ORDER BY name DESC LIMIT 1",
    [NAME_BEHIND] = "SELECT entity, name, sum FROM name WHERE name > ?1 ORDER BY name LIMIT 1",
    [NAME_OF_ENTITY] = "SELECT id, name, sum FROM entity WHERE id = ?1",
    [ENTITY_FROM] = "SELECT id, name, sum FROM entity WHERE id >= ?1 ORDER BY id LIMIT 1",
    [LAST_ENTITY] = "SELECT id FROM entity ORDER BY id DESC LIMIT 1",
    [TYPE_FROM] = "SELECT id, folded, spelling FROM type WHERE id >= ?1 ORDER BY id LIMIT 1",
    [GIVEN] = "SELECT position, content FROM given WHERE id = ?1",
    [ANY_GIVEN] = "SELECT EXISTS(SELECT 1 FROM given)",
    [IMPORTED] = "SELECT position FROM imported WHERE hash = ?1 AND position < ?2 ORDER BY position DESC LIMIT 1",
    [IMPORTED_BEHIND] = "SELECT hash FROM imported WHERE hash > ?1 ORDER BY hash",
    [CLAIMED] = "SELECT position FROM claimed WHERE position = ?1",
    [LAST_CLAIMED] = "SELECT position FROM claimed ORDER BY position DESC LIMIT 1",
    [SPEC_BEFORE] = "SELECT position FROM spec WHERE position < ?1 ORDER BY position DESC LIMIT 1",
    [SPEC_FROM] = "SELECT position FROM spec WHERE position >= ?1 ORDER BY position LIMIT 1",
    [PUT_ENTITIES] = "INSERT OR REPLACE INTO mark VALUES(3, ?1)",
    [ENTITIES] = "SELECT position FROM mark WHERE one = 3",
    [COUNT_ENTITIES] = "SELECT count(*) FROM entity",
    [MARK] = "SELECT position FROM mark WHERE one = 1",
    [TERM] = "SELECT " TERM_COLUMNS " FROM term WHERE kind = ?1 AND text = ?2",
    [TERM_BEFORE] = "SELECT " TERM_COLUMNS " FROM term WHERE (kind, text) < (?1, ?2) "
                    "ORDER BY kind DESC, text DESC LIMIT 1",
    [TERM_BEHIND] = "SELECT " TERM_COLUMNS " FROM term WHERE (kind, text) > (?1, ?2) ORDER BY kind, text LIMIT 1",
    [TERMS] = "SELECT " TERM_COLUMNS " FROM term WHERE kind = ?1 AND text >= ?2 ORDER BY text",
    [LAST_POSTING] = "SELECT key FROM posting ORDER BY key DESC LIMIT 1",
    [POSTINGS] = "SELECT key, events FROM posting WHERE key BETWEEN ?1 AND ?2 ORDER BY key",
    [POSTING_BEFORE] = "SELECT key, events FROM posting WHERE key BETWEEN ?1 AND ?2 ORDER BY key DESC LIMIT 1",
    [POSTED] = "SELECT position FROM mark WHERE one = 2",
    [LAST_REJECTED] = "SELECT number, offset, line FROM rejected ORDER BY number DESC LIMIT 1",
    [FIRST_REJECTED] = "SELECT number, offset, line FROM rejected ORDER BY number LIMIT 1",
    [REJECTED_AT] = "SELECT number, offset, line FROM rejected WHERE offset <= ?1 ORDER BY offset DESC LIMIT 1",
    [REJECTED] = "SELECT number, offset, line FROM rejected WHERE number = ?1",
    [HOOK] = "SELECT number, position, at, folder, name, text, sum FROM hook WHERE folder = ?1 AND name = ?2",
    [HOOK_LOG_FROM] = "SELECT number, text FROM hook_log WHERE hook = ?1 AND number >= ?2 ORDER BY number LIMIT 1",
    [HOOK_LOG_END] =
        "SELECT coalesce(sum(length(text)), 0), coalesce(max(number), 0) + 1 FROM hook_log WHERE hook = ?1",
    [HOOK_FROM] = "SELECT number, position, at, folder, name, text, sum FROM hook WHERE number >= ?1 "
                  "ORDER BY number LIMIT 1",
    [PUT_OUTBOX] = "INSERT OR REPLACE INTO outbox VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
    [OUTBOX_FROM] =
        "SELECT hook, cursor, lanes, secret, disabled_at, held_until, attempts, delivered, dead, last_attempt, "
        "last_success, last_error, failing, sum FROM outbox WHERE hook >= ?1 ORDER BY hook LIMIT 1",
    [DROP_OUTBOX] = "DELETE FROM outbox WHERE hook = ?1",
    [PUT_WAITING] = "INSERT OR REPLACE INTO waiting VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    [WAITING_FROM] = "SELECT entity, position, events, attempts, due FROM waiting WHERE hook = ?1 AND single = ?2 AND "
                     "entity >= ?3 ORDER BY entity, position LIMIT 1",
    [DROP_WAITING] = "DELETE FROM waiting WHERE hook = ?1 AND single = ?2 AND entity = ?3 AND position = ?4",
    [DROP_WAITING_FROM] = "DELETE FROM waiting WHERE hook = ?1 AND single = 0 AND position >= ?2",
    [DROP_ALL_WAITING] = "DELETE FROM waiting WHERE hook = ?1",
    [PUT_DEAD] = "INSERT OR REPLACE INTO dead VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    [DEAD_FROM] = "SELECT position, entity, at, attempts, status, error FROM dead WHERE hook = ?1 AND position >= ?2 "
                  "ORDER BY position LIMIT 1",
    [DROP_DEAD] = "DELETE FROM dead WHERE hook = ?1 AND position = ?2",
    [DROP_ALL_DEAD] = "DELETE FROM dead WHERE hook = ?1",
    [REVIVE] = "INSERT OR IGNORE INTO waiting SELECT hook, 1, entity, position, 1, 0, 0 FROM dead WHERE hook = ?1",
    [PUT_ATTEMPTS] = "INSERT OR REPLACE INTO attempt VALUES(?1, ?2, ?3, ?4)",
    [ATTEMPTS_FROM] =
        "SELECT number, count, lines FROM attempt WHERE hook = ?1 AND number >= ?2 ORDER BY number LIMIT 1",
    [DROP_ATTEMPTS] = "DELETE FROM attempt WHERE hook = ?1 AND number <= ?2",
    [DROP_ALL_ATTEMPTS] = "DELETE FROM attempt WHERE hook = ?1",
    [PUT_METRIC] = "INSERT OR REPLACE INTO metric VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    [DROP_METRIC] = "DELETE FROM metric WHERE hook = ?1",
    [PUT_METRIC_MARK] = "INSERT OR REPLACE INTO mark VALUES(4, ?1)",
    [METRIC] = "SELECT defined, cursor, tail, snapshot_at, snapshot, numbers, sum FROM metric WHERE hook = ?1",
    [METRIC_MARK] = "SELECT position FROM mark WHERE one = 4",
    [WALK_ENTITIES] = "SELECT id, name, sum FROM entity WHERE id > ?1 ORDER BY id",
    [WALK_NAMES] = "SELECT entity, name, sum FROM name WHERE name > ?1 ORDER BY name",
    [WALK_GIVEN] = "SELECT position, id FROM given WHERE id > ?1 ORDER BY id",
    [WALK_IMPORTED] = "SELECT hash, position FROM imported WHERE hash > ?1 ORDER BY hash",
    [WALK_CLAIMED] = "SELECT position FROM claimed WHERE position > ?1 ORDER BY position",
    [WALK_REJECTED] = "SELECT number, offset, line FROM rejected WHERE number > ?1 ORDER BY number",
    [WALK_CHUNKS] = "SELECT key, offset, events FROM chunk WHERE key > ?1 ORDER BY key",
    [WALK_SNAPSHOTS] = "SELECT key, created_at, created_by, noun, alive, fields, sum FROM snapshot WHERE key > ?1 "
                       "ORDER BY key",
    [WALK_POSTINGS] = "SELECT key, events FROM posting WHERE key > ?1 ORDER BY key",
    [CHECK_PAGES] = "PRAGMA quick_check(1)",
};
