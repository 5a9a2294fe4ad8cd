#include "hooks/handlers/verb.h"

#include <ctype.h>

struct verb {
    const char *infinitive, *gerund, *past; // the past as it is written within a word: rolledOut
};

static const struct verb irregular[] = {
    {"write", "writing", "written"},
    {"read", "reading", "read"},
    {"run", "running", "run"},
    {"begin", "beginning", "begun"},
    {"do", "doing", "done"},
    {"go", "going", "gone"},
    {"have", "having", "had"},
    {"be", "being", "been"},
    {"set", "setting", "set"},
    {"reset", "resetting", "reset"},
    {"get", "getting", "got"},
    {"put", "putting", "put"},
    {"cut", "cutting", "cut"},
    {"hit", "hitting", "hit"},
    {"lose", "losing", "lost"},
    {"win", "winning", "won"},
    {"pay", "paying", "paid"},
    {"repay", "repaying", "repaid"},
    {"reopen", "reopening", "reopened"},
    {"rollout", "rollingOut", "rolledOut"},
    {"cancel", "canceling", "canceled"},
    {"cancel", "cancelling", "canceled"},
    {"send", "sending", "sent"},
    {"resend", "resending", "resent"},
    {"spend", "spending", "spent"},
    {"build", "building", "built"},
    {"rebuild", "rebuilding", "rebuilt"},
    {"buy", "buying", "bought"},
    {"sell", "selling", "sold"},
    {"bring", "bringing", "brought"},
    {"catch", "catching", "caught"},
    {"choose", "choosing", "chosen"},
    {"draw", "drawing", "drawn"},
    {"find", "finding", "found"},
    {"freeze", "freezing", "frozen"},
    {"give", "giving", "given"},
    {"grow", "growing", "grown"},
    {"hold", "holding", "held"},
    {"keep", "keeping", "kept"},
    {"leave", "leaving", "left"},
    {"let", "letting", "let"},
    {"make", "making", "made"},
    {"meet", "meeting", "met"},
    {"overdo", "overdoing", "overdone"},
    {"quit", "quitting", "quit"},
    {"say", "saying", "said"},
    {"see", "seeing", "seen"},
    {"show", "showing", "shown"},
    {"shut", "shutting", "shut"},
    {"split", "splitting", "split"},
    {"steal", "stealing", "stolen"},
    {"take", "taking", "taken"},
    {"teach", "teaching", "taught"},
    {"tell", "telling", "told"},
    {"think", "thinking", "thought"},
    {"undo", "undoing", "undone"},
    {"withdraw", "withdrawing", "withdrawn"},
};

// Longer verbs that double their last letter; those of up to three letters do when it follows a single vowel.
static const char *const doubling[] = {"submit", "commit", "permit", "omit", "admit", "emit", "transmit", "refer",
    "prefer", "defer", "transfer", "infer", "occur", "recur", "incur", "stop", "drop", "shop", "plan", "scan", "ship",
    "skip", "trip", "flag", "tag", "map", "swap", "wrap", "trim", "strip", "clip", "flip", "plug", "grab", "equip",
    "snapshot", "control", "patrol", "unsubmit", "unflag"};

static bool same(struct slice a, const char *b)
{
    return a.size == strlen(b) && !strncasecmp(a.at, b, a.size);
}

static bool is_vowel(char c)
{
    return strchr("aeiou", tolower(c)) && c;
}

static bool ends(struct slice s, const char *with)
{
    size_t size = strlen(with);
    return s.size >= size && !strncasecmp(s.at + s.size - size, with, size);
}

static bool is_word(struct slice s)
{
    for (size_t i = 0; i < s.size; i++)
        if (!isalpha((unsigned char)s.at[i]))
            return false;
    return s.size > 0;
}

static bool doubles(struct slice v)
{
    if (v.size < 3)
        return false;
    char last = (char)tolower(v.at[v.size - 1]);
    if (is_vowel(last) || strchr("wxy", last) || !is_vowel(v.at[v.size - 2]))
        return false;
    if (v.size == 3)
        return !is_vowel(v.at[0]);
    for (size_t i = 0; i < sizeof doubling / sizeof *doubling; i++)
        if (same(v, doubling[i]))
            return true;
    return false;
}

static size_t regular_past(struct slice v, char out[static VERB_MAX])
{
    size_t size = v.size;
    memcpy(out, v.at, size);
    char last = (char)tolower(v.at[size - 1]);
    if (last == 'e') {
        out[size++] = 'd';
        return size;
    }
    if (last == 'y' && size > 1 && !is_vowel(v.at[size - 2]))
        out[size - 1] = 'i';
    else if (doubles(v))
        out[size++] = v.at[v.size - 1];
    out[size++] = 'e';
    out[size++] = 'd';
    return size;
}

static size_t past_of(struct slice v, char out[static VERB_MAX])
{
    if (v.size + 3 > VERB_MAX || !is_word(v))
        return 0;
    for (size_t i = 0; i < sizeof irregular / sizeof *irregular; i++)
        if (same(v, irregular[i].infinitive)) {
            size_t size = strlen(irregular[i].past);
            memcpy(out, irregular[i].past, size);
            return size;
        }
    return regular_past(v, out);
}

size_t verb_past(struct slice infinitive, char out[static VERB_MAX])
{
    size_t size = past_of(infinitive, out);
    if (size)
        out[0] = (char)toupper(out[0]);
    return size;
}

bool verb_same_past(struct slice a, struct slice b)
{
    if (ends(a, "cancelled"))
        return verb_same_past((struct slice){.at = "canceled", .size = a.size == 9 ? 8 : 0}, b);
    if (ends(b, "cancelled"))
        return same(a, "canceled") && b.size == 9;
    return a.size == b.size && !strncasecmp(a.at, b.at, a.size);
}

bool verb_is_past(struct slice word)
{
    for (size_t i = 0; i < sizeof irregular / sizeof *irregular; i++)
        if (same(word, irregular[i].past))
            return true;
    return is_word(word) && word.size > 3 && word.size < VERB_MAX && ends(word, "ed");
}

static bool in_table(struct slice gerund)
{
    for (size_t i = 0; i < sizeof irregular / sizeof *irregular; i++)
        if (same(gerund, irregular[i].gerund))
            return true;
    return false;
}

bool verb_is_gerund(struct slice word)
{
    if (in_table(word))
        return true;
    // What the table knows as something else is none: bring.
    for (size_t i = 0; i < sizeof irregular / sizeof *irregular; i++)
        if (same(word, irregular[i].infinitive) || same(word, irregular[i].past))
            return false;
    return is_word(word) && word.size > 4 && word.size < VERB_MAX && ends(word, "ing");
}

static size_t regular_gerund(struct slice v, char out[static VERB_MAX])
{
    size_t size = v.size;
    memcpy(out, v.at, size);
    if (size > 2 && ends(v, "ie")) {
        out[size - 2] = 'y';
        size--;
    } else if (size > 2 && ends(v, "e") && !ends(v, "ee")) {
        size--;
    } else if (doubles(v)) {
        out[size++] = v.at[v.size - 1];
    }
    memcpy(out + size, "ing", 3);
    return size + 3;
}

bool verb_gerund_of(struct slice gerund, struct slice infinitive)
{
    char out[VERB_MAX];
    bool known = false;
    for (size_t i = 0; i < sizeof irregular / sizeof *irregular; i++)
        if (same(infinitive, irregular[i].infinitive)) {
            known = true;
            if (same(gerund, irregular[i].gerund))
                return true;
        }
    if (known || infinitive.size + 4 > VERB_MAX || !is_word(infinitive))
        return false;
    size_t size = regular_gerund(infinitive, out);
    return size == gerund.size && !strncasecmp(gerund.at, out, size);
}

static bool has_past(struct slice verb, struct slice past)
{
    char out[VERB_MAX];
    size_t size = past_of(verb, out);
    return size && verb_same_past((struct slice){.at = out, .size = size}, past);
}

bool verb_gerund_of_past(struct slice gerund, struct slice past)
{
    bool known = false;
    for (size_t i = 0; i < sizeof irregular / sizeof *irregular; i++)
        if (same(gerund, irregular[i].gerund)) {
            known = true;
            if (verb_same_past(slice_of(irregular[i].past), past))
                return true;
        }
    if (known || !verb_is_gerund(gerund))
        return false;
    // What verb it comes from cannot be told by its letters alone: clos, close, or cl os with a doubled letter.
    char with_e[VERB_MAX];
    struct slice stem = {.at = gerund.at, .size = gerund.size - 3};
    if (has_past(stem, past))
        return true;
    memcpy(with_e, stem.at, stem.size);
    with_e[stem.size] = 'e';
    if (has_past((struct slice){.at = with_e, .size = stem.size + 1}, past))
        return true;
    if (stem.size > 3 && tolower(stem.at[stem.size - 1]) == tolower(stem.at[stem.size - 2]))
        return has_past((struct slice){.at = stem.at, .size = stem.size - 1}, past);
    if (tolower(with_e[stem.size - 1]) != 'y' || stem.size < 2)
        return false;
    // dying: die
    with_e[stem.size - 1] = 'i';
    return has_past((struct slice){.at = with_e, .size = stem.size + 1}, past);
}
