// The proof of a tenant's file: what is whole passes, and of what was changed the first event that does not fit is
// named, however well the row itself was forged.
#include "store/proof.h"

#include "store/survey.h"
#include "tests/store/store_fixture.h"

#define EVENTS 4500

static struct fixture f;  // at rest, untouched
static struct fixture at; // a copy that a test changes
static char file[200];
static struct survey survey;
static struct proof proof;

static void fill(void)
{
    fixture_open(&f);
    for (int i = 0; i < EVENTS; i++) {
        char id[64] = "";
        if (i == 50)
            REQUIRE(event(&f, "contact_b", "Contact.Created", "{}"));
        if (i % 10 == 3)
            snprintf(id, sizeof id, "'id':'evt_given_%d',", i);
        REQUIRE(append_of(&f, "{%s'type':'%s','target':'order_%d','actor':'user_%d','data':{'n':%d}}", id,
            i % 7 ? "was_counted" : "shipped", i * i % 97, i % 5, i));
        if (i % 100 == 0)
            append_of(&f, "{'type':'Order.Updated','target':'order_none%d'}", i);
    }
    REQUIRE(event(&f, "contact_a", "Contact.Created", "{'name':'Ada'}"));
    REQUIRE(event(&f, "contact_a", "Contact.Updated", "{'name':'Lovelace'}"));
    REQUIRE(event(&f, "contact_a", "Contact.Deleted", "{}"));
    fixture_stop(&f);
}

static int prove(void)
{
    struct proof_subject subject = {
        .path = file, .mode = ENGINE_AT_REST, .number = survey.tenants[0].number, .sqids = &survey.sqids};
    return proof_make(&subject, &proof);
}

// A copy of the store, and its file changed by SQL; then the proof of it.
static int prove_changed(const char *sql)
{
    directory_copy(f.path, at.path);
    file_sql(at.path, "acme.db", sql);
    return prove();
}

#define CHECK_SAYS(reason, part)                                                                                       \
    do {                                                                                                               \
        if (!text_has(slice_of((reason).text), part)) {                                                                \
            check_ok = false;                                                                                          \
            printf("#   %s:%d: “%s” does not say “%s”\n", __FILE__, __LINE__, (reason).text, part);                    \
        }                                                                                                              \
    } while (0)

static void whole(void)
{
    CHECK_INT(prove_changed("SELECT 1"), 0);
    CHECK_INT(proof.events, EVENTS + 4);
    CHECK_TEXT(slice_of(proof.log.text), "");
    CHECK_TEXT(slice_of(proof.beside.text), "");
    // The last event's hash, from the start.
    struct engine *engine;
    struct chain chain;
    struct event_row row;
    unsigned char hash[CHAIN_SIZE] = {0};
    REQUIRE(engine_open(&engine, file, ENGINE_AT_REST, NULL) || chain_open(&chain));
    for (uint64_t i = 1; i <= EVENTS + 4; i++)
        REQUIRE(engine_event(engine, i, &row) || chain_next(&chain, hash, row.line));
    CHECK(memcmp(hash, proof.hash, CHAIN_SIZE) == 0);
    chain_close(&chain);
    engine_close(engine);
}

// ---- the log

// Changes an event and forges its row: its checksum fits.
static int prove_forged(uint64_t position, void change(struct event_row *row, struct bytes *line))
{
    struct engine *engine;
    struct event_row row;
    BYTES_AUTO line = {0};
    char sql[100];
    directory_copy(f.path, at.path);
    REQUIRE(engine_open(&engine, file, ENGINE_WRITE, NULL));
    REQUIRE(engine_event(engine, position, &row));
    bytes_add_slice(&line, row.line);
    change(&row, &line);
    row.line = bytes_slice(&line);
    snprintf(sql, sizeof sql, "DELETE FROM event WHERE position = %llu", (unsigned long long)position);
    file_sql(at.path, "acme.db", sql);
    REQUIRE(engine_begin(engine) || engine_put_event(engine, &row) || engine_commit(engine));
    engine_close(engine);
    return prove();
}

static void change_line(struct event_row *row, struct bytes *line)
{
    (void)row;
    char *n = memmem(line->at, line->size, "\"after\":", 8);
    n = n ? n + 8 : (char *)memmem(line->at, line->size, "\"n\":", 4) + 4;
    *n = *n == '9' ? '8' : '9';
}

static void change_hash(struct event_row *row, struct bytes *line)
{
    (void)line;
    row->hash[31] ^= 1;
}

static void change_version(struct event_row *row, struct bytes *line)
{
    (void)line;
    row->version++;
}

static void change_entity(struct event_row *row, struct bytes *line)
{
    (void)line;
    row->entity++;
}

static void change_time(struct event_row *row, struct bytes *line)
{
    (void)line;
    row->at_us -= 3600 * WHEN_US_PER_SECOND;
}

static void change_offset(struct event_row *row, struct bytes *line)
{
    (void)line;
    row->offset++;
}

static void change_type(struct event_row *row, struct bytes *line)
{
    (void)line;
    row->type = 3 - row->type;
}

// What the message is to call it, from the line.
static const char *called(uint64_t position)
{
    static char text[200];
    fixture_start(&f);
    struct slice line = line_of(&f, position), target = text_member(line, "target"), id = text_member(line, "id"),
                 version = member_of(line, "version");
    snprintf(text, sizeof text, "event %llu (%.*s, version %.*s, id %.*s): ", (unsigned long long)position,
        SLICE_ARG(target), SLICE_ARG(version), SLICE_ARG(id));
    fixture_stop(&f);
    return text;
}

static void forged(void)
{
    static const struct {
        void (*change)(struct event_row *, struct bytes *);
        const char *said;
    } all[] = {
        {change_line, "hash"},
        {change_hash, "hash"},
        {change_version, "version"},
        {change_entity, "entity"},
        {change_time, "time"},
        {change_offset, "place in the stream"},
        {change_type, "type"},
    };
    for (unsigned i = 0; i < sizeof all / sizeof *all; i++) {
        uint64_t position = 1200 + i;
        CHECK_INT(prove_forged(position, all[i].change), -EIO);
        CHECK_SAYS(proof.log, called(position));
        CHECK_SAYS(proof.log, all[i].said);
        CHECK_INT(proof.events, position - 1);
    }
}

static void taken_out(void)
{
    CHECK_INT(prove_changed("DELETE FROM event WHERE position = 1500"), -EIO);
    CHECK_SAYS(proof.log, "event 1500");
    CHECK_SAYS(proof.log, "missing");
    // The last ones cannot be missed by the chain, but the tables know of them.
    CHECK_INT(prove_changed("DELETE FROM event WHERE position > 4000"), -EIO);
    CHECK_SAYS(proof.beside, "ahead of the log");
    CHECK_INT(prove_changed("UPDATE event SET line = replace(line, 'user_1', 'user_2') WHERE position = 7"), -EIO);
    CHECK_SAYS(proof.log, "event 7 ");
    CHECK_SAYS(proof.log, "checksum");
}

// ---- what stands beside the log

static void tables(void)
{
    static const struct {
        const char *sql, *said;
    } all[] = {
        {"DELETE FROM chunk WHERE key = (SELECT max(key) FROM chunk)", "the index by entity lacks event "},
        {"DELETE FROM chunk WHERE key = (SELECT min(key) FROM chunk)", "the index by entity: the row of entity"},
        {"UPDATE chunk SET offset = offset + 1 WHERE key = (SELECT max(key) FROM chunk)",
            "the index by entity: the row"},
        {"DELETE FROM name WHERE name = 'order_0'",
            "the index by name lacks the entity of event 1 (order_0, version 1"},
        {"UPDATE name SET entity = 2 WHERE name = 'order_0'", "the index by name"},
        {"UPDATE entity SET name = 'order_x' WHERE id = 3", "the name of entity 3 does not fit its checksum"},
        {"UPDATE type SET spelling = 'shippeD' WHERE id = 1", "its type is not type 1"},
        {"UPDATE type SET folded = 'other' WHERE id = 1", "the type with number 1"},
        {"DELETE FROM given WHERE id = 'evt_given_503'", "event 505 is not found by its id evt_given_503"},
        {"UPDATE given SET position = 506 WHERE id = 'evt_given_503'", "event 505 is not found by its id"},
        {"INSERT INTO given VALUES('evt_stray', 17, NULL)", "given ids has one that no event has"},
        {"DELETE FROM rejected WHERE number = 5", "the refusal with number 6"},
        {"DELETE FROM snapshot; INSERT INTO snapshot SELECT max(key), 0, '', '', 1, '{}', 0 FROM chunk",
            "the snapshot of"},
        {"UPDATE posting SET events = substr(events, 2) WHERE key = (SELECT min(key) FROM posting)",
            "the index by term"},
        {"UPDATE mark SET position = 9999", "ahead of the log"},
    };
    for (unsigned i = 0; i < sizeof all / sizeof *all; i++) {
        CHECK_INT(prove_changed(all[i].sql), -EIO);
        struct reason said = proof.log.text[0] ? proof.log : proof.beside;
        CHECK_SAYS(said, all[i].said);
        if (!text_has(slice_of(said.text), all[i].said))
            printf("#   after %s\n", all[i].sql);
    }
}

// ---- with a daemon

static atomic_bool stop;

static void *write_on(void *fixture)
{
    struct fixture *own = fixture;
    for (unsigned i = 0; !stop; i++)
        REQUIRE(append_of(own,
            "[{'type':'was_written','target':'live_%d','data':{'n':%d}},"
            "{'type':'was_heard','target':'live_%d','id':'evt_live_%d'}]",
            i % 50, i, i * 7 % 1000, i));
    return NULL;
}

static void beside_a_writer(void)
{
    pthread_t writer;
    directory_copy(f.path, at.path);
    fixture_start(&at);
    atomic_store(&at.tenant->rest_ns, INT64_C(1000000));
    REQUIRE(pthread_create(&writer, NULL, write_on, &at));
    struct proof_subject subject = {.path = file, .mode = ENGINE_BESIDE, .number = at.number, .sqids = &survey.sqids};
    uint64_t events = 0;
    for (int i = 0; i < 40; i++) {
        CHECK_INT(proof_make(&subject, &proof), 0);
        CHECK_TEXT(slice_of(proof.log.text), "");
        CHECK_TEXT(slice_of(proof.beside.text), "");
        CHECK(proof.events >= events);
        events = proof.events;
    }
    CHECK(events > EVENTS + 100);
    stop = true;
    pthread_join(writer, NULL);
    fixture_stop(&at);
    CHECK_INT(prove(), 0);
}

int main(void)
{
    fill();
    directory_make(at.path);
    snprintf(file, sizeof file, "%s/acme.db", at.path);
    struct reason why = {0};
    REQUIRE(survey_open(&survey, f.path, &why));
    TEST("a whole file passes, and its hash is that of the last event", whole);
    // Others may start the store from here on.
    close(survey.lock_fd);
    survey.lock_fd = -1;
    TEST("a forged event is named: position, entity, version, id", forged);
    TEST("an event that was taken out is named", taken_out);
    TEST("tables that do not agree with the log are found", tables);
    TEST("beside a writer all is well", beside_a_writer);
    survey_close(&survey);
    directory_remove(f.path);
    directory_remove(at.path);
    fixture_free_texts(&f);
    fixture_free_texts(&at);
    return check_end("proof");
}
