// Conjugation: the verbs of the reference's 35 entities, its rules and its irregular table.
#include "hooks/handlers/verb.h"
#include "tests/store/check.h"

static void check_past(const char *infinitive, const char *past)
{
    char out[VERB_MAX];
    CHECK_TEXT(((struct slice){.at = out, .size = verb_past(slice_of(infinitive), out)}), past);
    CHECK(verb_is_past(slice_of(past)));
}

static void pasts(void)
{
    static const char *const verbs[][2] = {{"create", "Created"}, {"update", "Updated"}, {"delete", "Deleted"},
        {"invite", "Invited"}, {"suspend", "Suspended"}, {"activate", "Activated"}, {"revoke", "Revoked"},
        {"qualify", "Qualified"}, {"capture", "Captured"}, {"assign", "Assigned"}, {"merge", "Merged"},
        {"enrich", "Enriched"}, {"score", "Scored"}, {"advance", "Advanced"}, {"close", "Closed"}, {"lose", "Lost"},
        {"win", "Won"}, {"reopen", "Reopened"}, {"convert", "Converted"}, {"log", "Logged"}, {"complete", "Completed"},
        {"cancel", "Canceled"}, {"archive", "Archived"}, {"resolve", "Resolved"}, {"publish", "Published"},
        {"schedule", "Scheduled"}, {"process", "Processed"}, {"pause", "Paused"}, {"reactivate", "Reactivated"},
        {"upgrade", "Upgraded"}, {"downgrade", "Downgraded"}, {"renew", "Renewed"}, {"pay", "Paid"},
        {"finalize", "Finalized"}, {"void", "Voided"}, {"refund", "Refunded"}, {"escalate", "Escalated"},
        {"record", "Recorded"}, {"snapshot", "Snapshotted"}, {"analyze", "Analyzed"}, {"achieve", "Achieved"},
        {"miss", "Missed"}, {"launch", "Launched"}, {"refresh", "Refreshed"}, {"submit", "Submitted"},
        {"start", "Started"}, {"stop", "Stopped"}, {"conclude", "Concluded"}, {"enable", "Enabled"},
        {"rollout", "RolledOut"}, {"trigger", "Triggered"}, {"connect", "Connected"}, {"sync", "Synced"},
        {"do", "Done"}, {"ask", "Asked"}, {"decide", "Decided"}, {"approve", "Approved"}, {"notify", "Notified"},
        {"learn", "Learned"}, {"invoke", "Invoked"}, {"deploy", "Deployed"}, {"retire", "Retired"}, {"send", "Sent"},
        {"deliver", "Delivered"}, {"read", "Read"}, {"write", "Written"}, {"run", "Run"}, {"begin", "Begun"},
        {"go", "Gone"}, {"set", "Set"}, {"get", "Got"}, {"put", "Put"}, {"cut", "Cut"}, {"hit", "Hit"},
        {"plan", "Planned"}, {"tag", "Tagged"}, {"refer", "Referred"}, {"fix", "Fixed"}, {"buy", "Bought"}};
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        check_past(verbs[i][0], verbs[i][1]);
}

static void gerunds(void)
{
    static const char *const all[][2] = {{"closing", "Closed"}, {"losing", "Lost"}, {"paying", "Paid"},
        {"canceling", "Canceled"}, {"cancelling", "Canceled"}, {"cancelling", "Cancelled"}, {"canceling", "Cancelled"},
        {"qualifying", "Qualified"}, {"stopping", "Stopped"}, {"submitting", "Submitted"}, {"rollingOut", "RolledOut"},
        {"ROLLINGOUT", "rolledout"}, {"logging", "Logged"}, {"missing", "Missed"}, {"dying", "Died"},
        {"agreeing", "Agreed"}, {"writing", "Written"}, {"winning", "Won"}, {"doing", "Done"}, {"resetting", "Reset"},
        {"processing", "Processed"}, {"renewing", "Renewed"}, {"creating", "Created"}, {"sending", "Sent"},
        {"falling", "Falled"}, {"adding", "Added"}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        CHECK(verb_is_gerund(slice_of(all[i][0])));
        CHECK(!verb_is_past(slice_of(all[i][0])));
        if (!verb_gerund_of_past(slice_of(all[i][0]), slice_of(all[i][1])))
            printf("#   %s is not of %s\n", all[i][0], all[i][1]);
        CHECK(verb_gerund_of_past(slice_of(all[i][0]), slice_of(all[i][1])));
    }
    CHECK(!verb_gerund_of_past(SLICE("losing"), SLICE("Losed")));
    CHECK(!verb_gerund_of_past(SLICE("closing"), SLICE("Opened")));
    CHECK(!verb_gerund_of_past(SLICE("winning"), SLICE("Winned")));
}

static void neither(void)
{
    static const char *const all[] = {"close", "bring", "string", "Deal", "", "ed", "red", "a_b", "x", "1ed", "was"};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        CHECK(!verb_is_gerund(slice_of(all[i])) || !strcmp(all[i], "string"));
        CHECK(!verb_is_past(slice_of(all[i])));
    }
}

static void declared(void)
{
    CHECK(verb_gerund_of(SLICE("frobbing"), SLICE("frobb")));
    CHECK(verb_gerund_of(SLICE("rollingout"), SLICE("rollout")));
    CHECK(verb_gerund_of(SLICE("tying"), SLICE("tie")));
    CHECK(verb_gerund_of(SLICE("agreeing"), SLICE("agree")));
    CHECK(!verb_gerund_of(SLICE("closeing"), SLICE("close")));
}

static void long_words(void)
{
    char word[300], out[VERB_MAX];
    memset(word, 'a', sizeof word);
    memcpy(word + sizeof word - 3, "ing", 3);
    struct slice all = {.at = word, .size = sizeof word};
    CHECK(!verb_is_gerund(all));
    CHECK(!verb_is_past(all));
    CHECK_INT(verb_past(all, out), 0);
    CHECK(!verb_gerund_of(SLICE("x"), all));
    CHECK(!verb_gerund_of_past(all, all));
}

int main(void)
{
    TEST("a verb has its past by the table or by rule", pasts);
    TEST("a gerund is matched with the past of its verb", gerunds);
    TEST("a word that is neither is said to be neither", neither);
    TEST("a declared verb has its gerund", declared);
    TEST("a word that is too long is none", long_words);
    return check_end("verb");
}
