// A buffer that grows.
#include "store/bytes.h"
#include "tests/store/check.h"

static void room_for_nothing(void)
{
    BYTES_AUTO b = {0};
    CHECK(bytes_reserve(&b, 0) != NULL);
    bytes_add(&b, "", 0);
    CHECK(!b.failed && b.size == 0);
}

static void text_and_numbers(void)
{
    BYTES_AUTO b = {0};
    for (int i = 0; i < 1000; i++)
        bytes_printf(&b, "%d,", i);
    bytes_add_char(&b, '.');
    // 10 of one digit, 90 of two, 900 of three, each with a comma; and the dot.
    CHECK_INT(b.size, 10 * 2 + 90 * 3 + 900 * 4 + 1);
    CHECK(!memcmp(b.at, "0,1,2,", 6) && !memcmp(b.at + b.size - 5, "999,.", 5));
    bytes_clear(&b);
    CHECK(b.size == 0 && b.room >= 3891);
    bytes_trim(&b, 100);
    CHECK(b.size == 0 && b.room == 0);
}

int main(void)
{
    TEST("room for nothing can be had in an empty buffer", room_for_nothing);
    TEST("text is added behind text, however often the buffer must grow", text_and_numbers);
    return check_end("bytes");
}
