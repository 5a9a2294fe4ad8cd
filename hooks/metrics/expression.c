#include "hooks/metrics/expression.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

// Computed on a stack, so steps are in the order in which they are done.
#define STEPS_MAX 512u

enum step_kind { STEP_NUMBER, STEP_NAME, STEP_NEGATE, STEP_OPERATOR };

struct expression_step {
    enum step_kind kind;
    struct slice number;
    size_t name;
    enum fraction_operation operation;
};

// ---- names

static bool begins_name(char c)
{
    return isalpha((unsigned char)c) != 0;
}

static bool continues_name(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

bool expression_is_name(struct slice name)
{
    for (size_t i = 0; i < name.size; i++)
        if (!continues_name(name.at[i]))
            return false;
    return name.size && name.size <= EXPRESSION_NAME_MAX && begins_name(name.at[0]);
}

// ---- reading

struct reading {
    struct slice text;
    size_t at;
    unsigned depth; // of what is being read within itself
    struct arena *arena;
    struct reason *why;
    struct slice names[EXPRESSION_NAMES_MAX];
    size_t name_count;
    struct expression_step steps[STEPS_MAX];
    size_t step_count;
};

__attribute__((format(printf, 3, 4))) static int refuse(struct reading *r, size_t at, const char *format, ...)
{
    struct reason said;
    va_list args;
    va_start(args, format);
    vsnprintf(said.text, sizeof said.text, format, args);
    va_end(args);
    return reason_set(r->why, -EINVAL, "column %zu: %.280s", at + 1, said.text);
}

// The next character that is no space; 0 at the end.
static char next(struct reading *r)
{
    while (r->at < r->text.size && strchr(" \t\r\n", r->text.at[r->at]) && r->text.at[r->at])
        r->at++;
    return r->at < r->text.size ? r->text.at[r->at] : '\0';
}

static int refuse_next(struct reading *r, const char *wanted)
{
    char c = next(r);
    if (r->at >= r->text.size)
        return refuse(r, r->at, "%s is expected, but it ends here", wanted);
    return isprint((unsigned char)c) ? refuse(r, r->at, "%s is expected, not %c", wanted, c)
                                     : refuse(r, r->at, "%s is expected", wanted);
}

static int add_step(struct reading *r, struct expression_step step)
{
    if (r->step_count == STEPS_MAX)
        return refuse(r, r->at, "the expression is too long");
    r->steps[r->step_count++] = step;
    return 0;
}

static void skip_digits(struct reading *r)
{
    while (r->at < r->text.size && isdigit((unsigned char)r->text.at[r->at]))
        r->at++;
}

static bool is_digit_at(const struct reading *r, size_t at)
{
    return at < r->text.size && isdigit((unsigned char)r->text.at[at]);
}

// A number of JSON, its sign aside.
static int read_number(struct reading *r)
{
    size_t from = r->at;
    FRACTION_AUTO value = {0};
    skip_digits(r);
    if (r->at < r->text.size && r->text.at[r->at] == '.') {
        r->at++;
        if (!is_digit_at(r, r->at))
            return refuse(r, r->at, "a digit is expected behind the point");
        skip_digits(r);
    }
    if (r->at < r->text.size && (r->text.at[r->at] | 0x20) == 'e') {
        size_t digits = r->at + 1;
        if (digits < r->text.size && (r->text.at[digits] == '+' || r->text.at[digits] == '-'))
            digits++;
        if (!is_digit_at(r, digits))
            return refuse(r, r->at, "a number's exponent is expected behind e");
        r->at = digits;
        skip_digits(r);
    }
    struct slice number = {.at = r->text.at + from, .size = r->at - from};
    if (r->at < r->text.size && continues_name(r->text.at[r->at]))
        return refuse(r, r->at, "a name begins with a letter, and a number has none");
    int error = fraction_read(&value, number);
    if (!error && fraction_is_null(&value))
        return refuse(r, from, "the number is too large or too small");
    number = arena_copy(r->arena, number);
    return error || !number.at ? -ENOMEM : add_step(r, (struct expression_step){.kind = STEP_NUMBER, .number = number});
}

static int read_name(struct reading *r)
{
    size_t from = r->at, index = 0;
    while (r->at < r->text.size && continues_name(r->text.at[r->at]))
        r->at++;
    struct slice name = {.at = r->text.at + from, .size = r->at - from};
    if (name.size > EXPRESSION_NAME_MAX)
        return refuse(r, from, "a name has at most %u characters", EXPRESSION_NAME_MAX);
    while (index < r->name_count && !slice_equal(r->names[index], name))
        index++;
    if (index == EXPRESSION_NAMES_MAX)
        return refuse(r, from, "more than %u metrics are used", EXPRESSION_NAMES_MAX);
    if (index == r->name_count) {
        r->names[index] = arena_copy(r->arena, name);
        if (!r->names[index].at)
            return -ENOMEM;
        r->name_count++;
    }
    return add_step(r, (struct expression_step){.kind = STEP_NAME, .name = index});
}

static int read_sum(struct reading *r);

// NUMBER, NAME, ( SUM ), or - of one of them
static int read_value(struct reading *r)
{
    char c = next(r);
    int error;
    if (isdigit((unsigned char)c))
        return read_number(r);
    if (begins_name(c))
        return read_name(r);
    if (c != '-' && c != '(')
        return refuse_next(r, "a number, a name, ( or -");
    if (r->depth == EXPRESSION_DEPTH_MAX)
        return refuse(r, r->at, "the expression is nested too deeply");
    r->at++;
    r->depth++;
    if (c == '-') {
        error = read_value(r);
        if (!error)
            error = add_step(r, (struct expression_step){.kind = STEP_NEGATE});
    } else {
        error = read_sum(r);
        if (!error && next(r) != ')')
            error = refuse_next(r, "an operator or )");
        r->at++;
    }
    r->depth--;
    return error;
}

// Operands of one level, from the left to the right.
static int read_level(struct reading *r, const char *operators, int (*read_operand)(struct reading *))
{
    int error = read_operand(r);
    for (char c; !error && (c = next(r)) && strchr(operators, c);) {
        r->at++;
        error = read_operand(r);
        if (!error)
            error =
                add_step(r, (struct expression_step){.kind = STEP_OPERATOR, .operation = (enum fraction_operation)c});
    }
    return error;
}

static int read_product(struct reading *r)
{
    return read_level(r, "*/", read_value);
}

static int read_sum(struct reading *r)
{
    return read_level(r, "+-", read_product);
}

static void *keep(struct arena *arena, const void *from, size_t size)
{
    void *kept = arena_get(arena, size ? size : 1);
    if (kept)
        memcpy(kept, from, size);
    return kept;
}

static int read_whole(struct reading *r, struct expression *e)
{
    int error = read_sum(r);
    if (!error && (next(r) || r->at < r->text.size))
        error = refuse_next(r, "an operator or the end");
    if (error)
        return error;
    *e = (struct expression){
        .names = keep(r->arena, r->names, r->name_count * sizeof *r->names),
        .name_count = r->name_count,
        .steps = keep(r->arena, r->steps, r->step_count * sizeof *r->steps),
        .step_count = r->step_count,
    };
    return e->names && e->steps ? 0 : -ENOMEM;
}

int expression_read(struct expression *e, struct slice text, struct arena *arena, struct reason *why)
{
    struct reading *r = calloc(1, sizeof *r);
    if (!r)
        return -ENOMEM;
    r->text = text;
    r->arena = arena;
    r->why = why;
    int error = read_whole(r, e);
    free(r);
    return error;
}

// ---- computing

// What is under way; as high as the expression is nested, and each level has two operands that wait.
struct stack {
    struct fraction all[2 * EXPRESSION_DEPTH_MAX + 4];
    size_t count;
};

static int operate(struct stack *stack, enum fraction_operation operation)
{
    struct fraction *a = &stack->all[stack->count - 2], *b = &stack->all[stack->count - 1], result = {0};
    int error = fraction_compute(&result, a, operation, b);
    fraction_free(a);
    fraction_free(b);
    *a = result;
    stack->count--;
    return error;
}

static int take_step(struct stack *stack, const struct expression_step *step, const struct fraction *const *values)
{
    switch (step->kind) {
    case STEP_NUMBER:
        return fraction_read(&stack->all[stack->count++], step->number);
    case STEP_NAME:
        return fraction_copy(&stack->all[stack->count++], values[step->name]);
    case STEP_NEGATE:
        fraction_negate(&stack->all[stack->count - 1]);
        return 0;
    case STEP_OPERATOR:
        return operate(stack, step->operation);
    }
    return -EINVAL;
}

int expression_compute(const struct expression *e, const struct fraction *const *values, struct fraction *result)
{
    struct stack stack = {.count = 0};
    int error = 0;
    for (size_t i = 0; !error && i < e->step_count; i++)
        error = take_step(&stack, &e->steps[i], values);
    if (!error)
        error = fraction_copy(result, &stack.all[0]);
    while (stack.count)
        fraction_free(&stack.all[--stack.count]);
    return error;
}
