#include "hooks/metrics/fraction.h"

#include <errno.h>
#include <stdlib.h>

#define LIMBS_MAX (DECIMAL_LIMBS_MAX / 4)

void fraction_free(struct fraction *f)
{
    decimal_free(&f->over);
    decimal_free(&f->under);
}

static const struct decimal one = {.count = 1, .few = {1}};

void fraction_clear(struct fraction *f)
{
    // Setting to 0 takes no memory.
    decimal_set(&f->over, 0);
    decimal_set(&f->under, 0);
}

// What is over nothing is null; a sign stands above.
static void settle(struct fraction *f)
{
    if (decimal_is_zero(&f->under))
        decimal_set(&f->over, 0);
    if (f->under.negative) {
        f->under.negative = false;
        f->over.negative = !f->over.negative && !decimal_is_zero(&f->over);
    }
}

// So small that two of them can still be compared.
static bool is_small(const struct decimal *d)
{
    return d->count <= LIMBS_MAX && abs(d->low) <= (int)LIMBS_MAX;
}

static int null_when_too_large(struct fraction *f, int error)
{
    if (error != -ERANGE && (error || (is_small(&f->over) && is_small(&f->under))))
        return error;
    fraction_clear(f);
    return 0;
}

int fraction_copy(struct fraction *f, const struct fraction *from)
{
    int error = decimal_copy(&f->over, &from->over);
    return error ? error : decimal_copy(&f->under, &from->under);
}

int fraction_read(struct fraction *f, struct slice number)
{
    int error = decimal_set(&f->under, 1);
    if (!error)
        error = decimal_read(&f->over, number);
    return null_when_too_large(f, error);
}

int fraction_set(struct fraction *f, const struct decimal *over, const struct decimal *under)
{
    int error = decimal_copy(&f->over, over);
    if (!error)
        error = decimal_copy(&f->under, under);
    if (!error)
        settle(f);
    return error;
}

int fraction_set_number(struct fraction *f, const struct decimal *number)
{
    int error = decimal_copy(&f->over, number);
    return error ? error : decimal_set(&f->under, 1);
}

// ---- computing

static int multiply(struct fraction *f, const struct decimal *over_a, const struct decimal *over_b,
    const struct decimal *under_a, const struct decimal *under_b)
{
    int error = decimal_multiply(&f->over, over_a, over_b);
    return error ? error : decimal_multiply(&f->under, under_a, under_b);
}

// a ± b over one denominator.
static int add(struct fraction *f, const struct fraction *a, const struct fraction *b, bool subtract)
{
    DECIMAL_AUTO other = {0};
    int error = multiply(f, &a->over, &b->under, &a->under, &b->under);
    if (!error)
        error = decimal_multiply(&other, &b->over, &a->under);
    if (error)
        return error;
    return subtract ? decimal_subtract(&f->over, &other) : decimal_add(&f->over, &other);
}

int fraction_compute(
    struct fraction *f, const struct fraction *a, enum fraction_operation operation, const struct fraction *b)
{
    int error = 0;
    if (fraction_is_null(a) || fraction_is_null(b)) {
        fraction_clear(f);
        return 0;
    }
    switch (operation) {
    case FRACTION_ADD:
    case FRACTION_SUBTRACT:
        error = add(f, a, b, operation == FRACTION_SUBTRACT);
        break;
    case FRACTION_MULTIPLY:
        error = multiply(f, &a->over, &b->over, &a->under, &b->under);
        break;
    case FRACTION_DIVIDE:
        error = multiply(f, &a->over, &b->under, &a->under, &b->over);
        break;
    }
    if (!error)
        settle(f);
    return null_when_too_large(f, error);
}

void fraction_negate(struct fraction *f)
{
    f->over.negative = !f->over.negative && !decimal_is_zero(&f->over);
}

int fraction_compare(const struct fraction *a, const struct fraction *b, int *order)
{
    DECIMAL_AUTO x = {0};
    DECIMAL_AUTO y = {0};
    if (decimal_compare(&a->under, &b->under) == 0) {
        *order = decimal_compare(&a->over, &b->over);
        return 0;
    }
    int error = decimal_multiply(&x, &a->over, &b->under);
    if (!error)
        error = decimal_multiply(&y, &b->over, &a->under);
    if (!error)
        *order = decimal_compare(&x, &y);
    return error;
}

int fraction_same(const struct fraction *a, const struct fraction *b)
{
    int order = 0;
    if (fraction_is_null(a) || fraction_is_null(b))
        return fraction_is_null(a) && fraction_is_null(b);
    int error = fraction_compare(a, b, &order);
    return error ? error : order == 0;
}

int fraction_print(struct bytes *out, const struct fraction *f)
{
    if (fraction_is_null(f))
        bytes_add_text(out, "null");
    else if (decimal_compare(&f->under, &one) == 0)
        decimal_print(out, &f->over);
    else
        return decimal_print_quotient(out, &f->over, &f->under);
    return out->failed ? -ENOMEM : 0;
}
