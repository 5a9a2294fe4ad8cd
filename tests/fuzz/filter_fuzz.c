// Filters: the first byte picks the grammar. What is read has one normal form, which is its own and means the same.
#include "store/filter.h"
#include "tests/fuzz/fuzz.h"

#include <errno.h>

static void same_choices(const struct filter *a, const struct filter *b)
{
    CLAIM(a->choice_count == b->choice_count);
    for (uint32_t i = 0; i < a->choice_count; i++) {
        const struct filter_choice *x = &a->choices[i], *y = &b->choices[i];
        CLAIM(x->key == y->key && x->count == y->count && x->count > 0);
        for (uint32_t j = 0; j < x->count; j++) {
            CLAIM(slice_equal(x->values[j].text, y->values[j].text));
            CLAIM(slice_equal(x->values[j].noun, y->values[j].noun));
            CLAIM(slice_equal(x->values[j].verb, y->values[j].verb));
        }
    }
}

static void same_fields(const struct filter *a, const struct filter *b)
{
    CLAIM(a->field_count == b->field_count);
    for (uint32_t i = 0; i < a->field_count; i++) {
        const struct filter_field *x = &a->fields[i], *y = &b->fields[i];
        CLAIM(x->is_type == y->is_type && x->op == y->op && x->step_count == y->step_count);
        CLAIM(x->is_number == y->is_number && x->is_moment == y->is_moment);
        CLAIM(!x->is_moment || x->at_us == y->at_us);
        CLAIM(x->value.size > 0 && slice_equal(x->value, y->value));
        for (uint32_t j = 0; j < x->step_count; j++)
            CLAIM(slice_equal(x->steps[j], y->steps[j]));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    enum filter_grammar grammar = data[0] & 1 ? FILTER_FIND : FILTER_QUERY;
    struct slice text = input_slice(data + 1, size - 1);
    FILTER_AUTO filter = {0};
    FILTER_AUTO again = {0};
    struct reason why = {0};
    int error = filter_parse(&filter, grammar, text, &why);
    if (error) {
        CLAIM(error == -ENOENT && why.text[0]);
        return 0;
    }
    CLAIM(filter.grammar == grammar && filter.text.size > 0 && filter.text.size <= FILTER_TEXT_MAX);
    CLAIM(!memchr(filter.text.at, '/', filter.text.size) && !memchr(filter.text.at, '\0', filter.text.size));
    CLAIM(filter_parse(&again, grammar, filter.text, &why) == 0);
    CLAIM(slice_equal(again.text, filter.text));
    same_choices(&filter, &again);
    same_fields(&filter, &again);
    CLAIM(filter.after_us == again.after_us && filter.before_us == again.before_us);
    CLAIM(filter.limit == again.limit && filter.descending == again.descending);
    return 0;
}
