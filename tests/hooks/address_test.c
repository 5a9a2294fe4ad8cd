// Which addresses may be dialled.
#include "hooks/deliveries/address.h"
#include "tests/store/check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sys/un.h>

static bool is_allowed(const char *text, const struct address_list *opened)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
        return address_is_allowed((const struct sockaddr *)&v4, opened);
    CHECK_INT(inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
    return address_is_allowed((const struct sockaddr *)&v6, opened);
}

static void check_all(const char *const *texts, bool allowed, const struct address_list *opened)
{
    for (; *texts; texts++) {
        if (is_allowed(*texts, opened) != allowed)
            printf("#   %s\n", *texts);
        CHECK_INT(is_allowed(*texts, opened), allowed);
    }
}

// The first and the last address of each range of the reference, and what is wrapped in IPv6.
static const char *const blocked[] = {"0.0.0.0", "0.255.255.255", "10.0.0.0", "10.1.2.3", "10.255.255.255",
    "100.64.0.0", "100.127.255.255", "127.0.0.1", "127.255.255.255", "169.254.0.0", "169.254.169.254",
    "169.254.255.255", "172.16.0.0", "172.31.255.255", "192.0.0.0", "192.0.0.255", "192.0.2.1", "192.0.2.255",
    "192.88.99.1", "192.168.0.0", "192.168.255.255", "198.18.0.0", "198.19.255.255", "198.51.100.7", "203.0.113.255",
    "224.0.0.1", "239.255.255.255", "240.0.0.0", "255.255.255.254", "255.255.255.255", "::", "::1", "::127.0.0.1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "64:ff9b::c0a8:0",
    "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "64:ff9b:1:ffff::1", "100::", "100::ffff:ffff:ffff:ffff", "2001:db8::1",
    "2001:db8:ffff::", "3fff::1", "3fff:fff::1", "2002:7f00:1::", "2002:c0a8:0001::dead:beef", "2002:a00:1::1",
    "5f00::", "5f00:ffff::1", "fc00::1", "fd00:ec2::254", "fdff:ffff::1", "fe80::1", "febf::1", "fec0::1", "ff02::1",
    "ff0e::1", NULL};
static const char *const allowed[] = {"1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255",
    "100.128.0.0", "126.255.255.255", "128.0.0.0", "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0",
    "191.255.255.255", "192.0.1.0", "192.0.3.0", "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0",
    "203.0.114.0", "223.255.255.255", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1", "2001:4860:4860::8888",
    "2606:4700:4700::1111", "3ffe::1", "4000::1", "fbff::1", NULL};

static void judges_the_table(void)
{
    struct address_list none = {0};
    check_all(blocked, false, &none);
    check_all(allowed, true, &none);
}

static void opens_what_is_said(void)
{
    struct address_list list = {0};
    static const char *const inside[] = {"127.0.0.1", "127.255.0.1", "::ffff:127.0.0.1", "64:ff9b::7f00:1",
        "2002:7f00:1::", "192.168.7.9", "::ffff:192.168.7.9", "fd12:3456::1", NULL};
    static const char *const outside[] = {"::1", "192.168.7.8", "192.168.7.10", "10.0.0.1", "fd12:3457::1", NULL};
    CHECK_INT(address_list_add(&list, "127.0.0.0/8", NULL), 0);
    CHECK_INT(address_list_add(&list, "192.168.7.9", NULL), 0);
    CHECK_INT(address_list_add(&list, "fd12:3456::/32", NULL), 0);
    check_all(inside, true, &list);
    check_all(outside, false, &list);
    CHECK_INT(address_list_add(&list, "::/0", NULL), 0);
    CHECK(is_allowed("::1", &list));
    CHECK(!is_allowed("10.0.0.1", &list));
}

static void refuses_what_is_no_range(void)
{
    static const char *const wrong[] = {"", "/", "/8", "127.0.0.0/", "127.0.0.0/33", "127.0.0.0/-1", "127.0.0.0/8x",
        "127.0.0/8", "localhost", "::1/129", "1.2.3.4.5", "127.0.0.1 ", "[::1]"};
    struct address_list list = {0};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct reason why = {0};
        CHECK_INT(address_list_add(&list, wrong[i], &why), -EINVAL);
        CHECK(strstr(why.text, "hooks_allow"));
    }
    CHECK_INT(list.count, 0);
}

static void fails_closed(void)
{
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    struct sockaddr unspecified = {.sa_family = AF_UNSPEC};
    struct address_list list = {0};
    CHECK(!address_is_allowed((const struct sockaddr *)&local, &list));
    CHECK(!address_is_allowed(&unspecified, &list));
}

int main(void)
{
    TEST("only addresses of the public internet may be dialled; IPv4 inside of IPv6 is judged as itself",
        judges_the_table);
    TEST("hooks_allow opens ranges and single addresses, and no more", opens_what_is_said);
    TEST("what is no range is refused", refuses_what_is_no_range);
    TEST("what is no address of the internet may not be dialled", fails_closed);
    return check_end("address");
}
