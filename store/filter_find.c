// The conditions of find/: what each says, and its normal form.
#include "store/filter_parser.h"
#include "store/name.h"
#include "store/when.h"

#include <errno.h>

static const char *const operators[] = {"=", "!=", "<", "<=", ">", ">=", "~"};

// Takes the operator from the front; false when there is none.
static bool take_operator(struct slice *rest, enum filter_operator *op)
{
    size_t best = 0;
    for (unsigned i = 0; i < sizeof operators / sizeof *operators; i++) {
        size_t size = strlen(operators[i]);
        if (size > best && rest->size >= size && memcmp(rest->at, operators[i], size) == 0) {
            best = size;
            *op = (enum filter_operator)i;
        }
    }
    *rest = piece_from(*rest, best);
    return best > 0;
}

// A number as JSON writes it.
static bool is_number(struct slice s)
{
    const char *at = s.at, *end = s.at + s.size;
    at += at < end && *at == '-';
    if (at < end && *at == '0')
        at++;
    else if (at < end && *at >= '1' && *at <= '9')
        while (at < end && *at >= '0' && *at <= '9')
            at++;
    else
        return false;
    if (at < end && *at == '.') {
        const char *digits = ++at;
        while (at < end && *at >= '0' && *at <= '9')
            at++;
        if (at == digits)
            return false;
    }
    if (at < end && (*at == 'e' || *at == 'E')) {
        at++;
        at += at < end && (*at == '-' || *at == '+');
        const char *digits = at;
        while (at < end && *at >= '0' && *at <= '9')
            at++;
        if (at == digits)
            return false;
    }
    return at == end;
}

static int read_find_type(struct filter_parser *p, struct slice piece, struct filter_field *field, struct bytes *text)
{
    if (field->op != FILTER_EQUAL && field->op != FILTER_NOT_EQUAL)
        return filter_refuse(p, piece, "type is compared by = or != alone");
    if (!name_is_word(field->value))
        return filter_refuse(p, piece, "\"%.*s\" is not a type of entities (Contact)", SLICE_ARG(filter_shown(piece)));
    char *noun = arena_get(FILTER_ARENA(p), field->value.size);
    if (!noun)
        return -ENOMEM;
    field->is_type = true;
    field->value = (struct slice){.at = noun, .size = name_fold_case(noun, field->value)};
    bytes_printf(text, "type%s", operators[field->op]);
    filter_add_raised(text, field->value);
    return 0;
}

static int read_path(struct filter_parser *p, struct slice path, struct filter_field *field, struct bytes *text)
{
    uint32_t room = 1;
    for (size_t i = 0; i < path.size; i++)
        room += path.at[i] == '.';
    struct slice *steps = arena_get(FILTER_ARENA(p), room * sizeof *steps);
    if (!steps)
        return -ENOMEM;
    struct slice rest = path;
    do {
        struct slice piece = piece_take(&rest, '.'), step;
        if (!piece.size)
            return filter_refuse(p, piece, "a name is missing in the path \"%.*s\"", SLICE_ARG(filter_shown(path)));
        int error = filter_decode(p, piece, &step);
        if (error)
            return error;
        if (field->step_count)
            bytes_add_char(text, '.');
        // So a member of the state that is named type is told from the key.
        if (!field->step_count && !rest.at && slice_is(step, "type"))
            bytes_add_text(text, "%74ype");
        else
            filter_encode(text, step, ".=!<>~");
        steps[field->step_count++] = step;
    } while (rest.at);
    field->steps = steps;
    return 0;
}

int filter_read_find_condition(struct filter_parser *p, struct slice text, struct filter_condition *condition)
{
    size_t end = 0;
    while (end < text.size && !strchr("=!<>~", text.at[end]))
        end++;
    struct slice path = piece_to(text, end), piece = piece_from(text, end);
    struct filter_field field = {0};
    if (!take_operator(&piece, &field.op))
        return filter_refuse(
            p, piece, "\"%.*s\" is not key OP value; OP is one of = != < <= > >= ~", SLICE_ARG(filter_shown(text)));
    if (!piece.size)
        return filter_refuse(p, piece, "\"%.*s\" has an empty value", SLICE_ARG(filter_shown(path)));
    int error = filter_decode(p, piece, &field.value);
    if (error)
        return error;

    BYTES_AUTO normal = {0};
    if (slice_is(path, "type")) {
        error = read_find_type(p, piece, &field, &normal);
    } else {
        field.is_number = is_number(field.value);
        field.is_moment = when_parse_moment(field.value, &field.at_us) == 0;
        error = read_path(p, path, &field, &normal);
        bytes_add_text(&normal, operators[field.op]);
        // `a>%3Db` is not `a>=b`.
        bool ambiguous = (field.op == FILTER_LESS || field.op == FILTER_GREATER) && field.value.at[0] == '=';
        if (ambiguous)
            bytes_add_text(&normal, "%3D");
        filter_encode(&normal, piece_from(field.value, ambiguous), "");
    }
    if (error)
        return error;
    *condition = (struct filter_condition){.rank = !field.is_type, .text = filter_keep(p, &normal), .field = field};
    p->count++;
    return condition->text.at ? 0 : -ENOMEM;
}
