#include "store/sqid.h"

#include <errno.h>
#include <sys/random.h>

#define BASE (SQID_ALPHABET_SIZE - 1) // the first character of an alphabet separates, the others are digits

// The algorithm's own shuffle: always the same order for the same order.
static void shuffle(char *alphabet)
{
    for (unsigned i = 0, j = SQID_ALPHABET_SIZE - 1; j > 0; i++, j--) {
        unsigned r = (i * j + (unsigned char)alphabet[i] + (unsigned char)alphabet[j]) % SQID_ALPHABET_SIZE;
        char kept = alphabet[i];
        alphabet[i] = alphabet[r];
        alphabet[r] = kept;
    }
}

static bool is_order_of_default(const char *alphabet)
{
    if (strlen(alphabet) != SQID_ALPHABET_SIZE)
        return false;
    for (const char *c = SQID_DEFAULT_ALPHABET; *c; c++)
        if (!strchr(alphabet, *c))
            return false;
    return true;
}

int sqids_init(struct sqids *s, const char *alphabet, unsigned length_min)
{
    if (!is_order_of_default(alphabet) || length_min > SQID_TEXT_MAX)
        return -EINVAL;
    s->length_min = length_min;
    memcpy(s->alphabet, alphabet, SQID_ALPHABET_SIZE);
    shuffle(s->alphabet);
    for (unsigned offset = 0; offset < SQID_ALPHABET_SIZE; offset++) {
        // Turned so that `offset` comes first, then from back to front.
        for (unsigned i = 0; i < SQID_ALPHABET_SIZE; i++)
            s->kept[offset][0][SQID_ALPHABET_SIZE - 1 - i] = s->alphabet[(offset + i) % SQID_ALPHABET_SIZE];
        for (unsigned step = 1; step < SQID_STEPS; step++) {
            memcpy(s->kept[offset][step], s->kept[offset][step - 1], SQID_ALPHABET_SIZE);
            shuffle(s->kept[offset][step]);
        }
    }
    return 0;
}

int sqids_shuffle(char alphabet[static SQID_ALPHABET_SIZE + 1])
{
    // getrandom answers up to 256 bytes whole. That 2^32 is no multiple of 62 favours nothing that anybody could see.
    uint32_t random[SQID_ALPHABET_SIZE];
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        return -errno;
    memcpy(alphabet, SQID_DEFAULT_ALPHABET, SQID_ALPHABET_SIZE + 1);
    for (unsigned i = SQID_ALPHABET_SIZE - 1; i > 0; i--) {
        unsigned j = random[i] % (i + 1);
        char kept = alphabet[i];
        alphabet[i] = alphabet[j];
        alphabet[j] = kept;
    }
    return 0;
}

static size_t put_number(char *out, uint64_t number, const char *digits)
{
    size_t size = 0;
    for (uint64_t rest = number; size == 0 || rest; rest /= BASE)
        size++;
    for (size_t i = size; i-- > 0; number /= BASE)
        out[i] = digits[number % BASE];
    return size;
}

size_t sqid_encode(const struct sqids *s, const uint64_t *numbers, unsigned count, char out[static SQID_TEXT_MAX])
{
    unsigned offset = count;
    for (unsigned i = 0; i < count; i++)
        offset += (unsigned char)s->alphabet[numbers[i] % SQID_ALPHABET_SIZE] + i;
    offset %= SQID_ALPHABET_SIZE;

    size_t size = 0;
    out[size++] = s->alphabet[offset];
    for (unsigned i = 0; i < count; i++) {
        const char *alphabet = s->kept[offset][i];
        if (i > 0)
            out[size++] = s->kept[offset][i - 1][0];
        size += put_number(out + size, numbers[i], alphabet + 1);
    }
    if (size >= s->length_min)
        return size;

    // A separator with no number behind it, then characters that are not read: one alphabet is always enough.
    out[size++] = s->kept[offset][count - 1][0];
    memcpy(out + size, s->kept[offset][count], s->length_min - size);
    return s->length_min;
}

// A number beyond 64 bits wraps around; sqid_decode sees that it is written differently.
static int read_number(struct slice text, const char *digits, uint64_t *number)
{
    *number = 0;
    for (size_t i = 0; i < text.size; i++) {
        const char *digit = memchr(digits, text.at[i], BASE);
        if (!digit)
            return -EINVAL;
        *number = *number * BASE + (uint64_t)(digit - digits);
    }
    return 0;
}

int sqid_decode(const struct sqids *s, struct slice text, uint64_t numbers[static SQID_NUMBERS_MAX])
{
    if (text.size < 2 || text.size > SQID_TEXT_MAX)
        return -EINVAL;
    const char *first = memchr(s->alphabet, text.at[0], SQID_ALPHABET_SIZE);
    if (!first)
        return -EINVAL;
    size_t offset = (size_t)(first - s->alphabet);

    unsigned count = 0;
    struct slice rest = {.at = text.at + 1, .size = text.size - 1};
    while (rest.size) {
        if (rest.at[0] == s->kept[offset][count][0])
            break;
        if (count == SQID_NUMBERS_MAX)
            return -EINVAL;
        const char *alphabet = s->kept[offset][count];
        const char *separator = memchr(rest.at, alphabet[0], rest.size);
        struct slice digits = {.at = rest.at, .size = separator ? (size_t)(separator - rest.at) : rest.size};
        if (read_number(digits, alphabet + 1, &numbers[count++]) != 0)
            return -EINVAL;
        size_t read = digits.size + (separator ? 1 : 0);
        rest = (struct slice){.at = rest.at + read, .size = rest.size - read};
    }
    if (!count)
        return -EINVAL;

    // Many texts read as the same numbers, one of them is theirs.
    char again[SQID_TEXT_MAX];
    size_t size = sqid_encode(s, numbers, count, again);
    return slice_equal(text, (struct slice){.at = again, .size = size}) ? (int)count : -EINVAL;
}
