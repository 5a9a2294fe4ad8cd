#include "hooks/metrics/accumulator.h"

#include "store/number.h"

#include <errno.h>
#include <stdlib.h>

static bool sums(const struct accumulator *a)
{
    return a->aggregate == METRIC_SUM || a->aggregate == METRIC_AVG;
}

static bool compares(const struct accumulator *a)
{
    return a->aggregate == METRIC_MIN || a->aggregate == METRIC_MAX;
}

void accumulator_clear(struct accumulator *a, enum metric_aggregate aggregate)
{
    decimal_free(&a->sum);
    extremes_free(&a->extremes);
    *a = (struct accumulator){.aggregate = aggregate, .extremes.greatest = aggregate == METRIC_MAX};
}

int accumulator_add(struct accumulator *a, const struct decimal *number)
{
    int error = sums(a) ? decimal_add(&a->sum, number) : compares(a) ? extremes_add(&a->extremes, number) : 0;
    a->count += !error;
    return error;
}

int accumulator_remove(struct accumulator *a, const struct decimal *number)
{
    int error = sums(a) ? decimal_subtract(&a->sum, number) : 0;
    if (error)
        return error;
    if (compares(a))
        extremes_remove(&a->extremes, number);
    a->count--;
    return 0;
}

bool accumulator_is_lost(const struct accumulator *a)
{
    return a->lost || (compares(a) && a->count && extremes_lost(&a->extremes));
}

static int count_of(const struct accumulator *a, struct fraction *value)
{
    DECIMAL_AUTO count = {0};
    int error = decimal_set(&count, a->count);
    return error ? error : fraction_set_number(value, &count);
}

static int average(const struct accumulator *a, struct fraction *value)
{
    DECIMAL_AUTO count = {0};
    int error = decimal_set(&count, a->count);
    return error ? error : fraction_set(value, &a->sum, &count);
}

int accumulator_value(const struct accumulator *a, struct fraction *value)
{
    const struct decimal *first = extremes_first(&a->extremes);
    switch (a->aggregate) {
    case METRIC_COUNT:
        return count_of(a, value);
    case METRIC_SUM:
        return fraction_set_number(value, &a->sum);
    case METRIC_AVG:
        if (a->count)
            return average(a, value);
        break;
    case METRIC_MIN:
    case METRIC_MAX:
        if (first)
            return fraction_set_number(value, first);
    }
    fraction_clear(value);
    return 0;
}

// ---- as text: the count, the sum, how many extremes (negative: others are not known), and each with how often it is
// there

void accumulator_print(const struct accumulator *a, struct bytes *out)
{
    const struct extremes *e = &a->extremes;
    bytes_printf(out, "%llu ", (unsigned long long)a->count);
    decimal_print(out, &a->sum);
    bytes_printf(out, " %s%zu", e->truncated ? "-" : "", e->count);
    for (size_t i = 0; i < e->count; i++) {
        bytes_add_char(out, ' ');
        decimal_print(out, &e->all[i].number);
        bytes_printf(out, " %llu", (unsigned long long)e->all[i].count);
    }
    bytes_add_char(out, '\n');
}

// Takes the next word; false when there is none.
static bool take_word(struct slice *text, struct slice *word)
{
    size_t size = 0;
    while (size < text->size && text->at[size] != ' ' && text->at[size] != '\n')
        size++;
    *word = (struct slice){.at = text->at, .size = size};
    bool ended = size < text->size;
    *text = (struct slice){.at = text->at + size + ended, .size = text->size - size - ended};
    return ended && size;
}

static bool take_count(struct slice *text, uint64_t *count)
{
    struct slice word;
    return take_word(text, &word) && number_count(word, count);
}

static int take_extreme(struct accumulator *a, struct slice *text, size_t at)
{
    struct slice word;
    if (!take_word(text, &word))
        return -EINVAL;
    int error = decimal_read(&a->extremes.all[at].number, word);
    if (!error)
        a->extremes.count = at + 1;
    return error ? error : take_count(text, &a->extremes.all[at].count) ? 0 : -EINVAL;
}

int accumulator_read(struct accumulator *a, struct slice *text)
{
    struct slice word;
    uint64_t count;
    accumulator_clear(a, a->aggregate);
    if (!take_count(text, &a->count) || !take_word(text, &word))
        return -EINVAL;
    int error = decimal_read(&a->sum, word);
    a->extremes.truncated = text->size && *text->at == '-';
    *text = (struct slice){.at = text->at + a->extremes.truncated, .size = text->size - a->extremes.truncated};
    if (error || !take_count(text, &count) || count > EXTREMES_MAX)
        return error ? error : -EINVAL;
    a->extremes.all = count ? calloc(count, sizeof *a->extremes.all) : NULL;
    a->extremes.room = count;
    if (count && !a->extremes.all)
        return -ENOMEM;
    for (size_t i = 0; !error && i < count; i++)
        error = take_extreme(a, text, i);
    return error;
}
