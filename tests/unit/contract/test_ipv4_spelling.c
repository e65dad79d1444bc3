#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "base/backoff.h"
#include "contract/ipv4_spelling.h"

#define LEN(array) (sizeof(array) / sizeof((array)[0]))
#define LOOPBACK 0x7f000001u

static void every_spelling_of_an_address_is_that_address(void **unused)
{
    static const struct {
        const char *text;
        uint32_t address;
    } rows[] = {
        {"127.0.0.1", LOOPBACK},
        {"127.0.1", LOOPBACK},
        {"127.1", LOOPBACK},
        {"2130706433", LOOPBACK},
        {"0x7f000001", LOOPBACK},
        {"0x7f.0x0.0x0.0x1", LOOPBACK},
        {"0x7f.1", LOOPBACK},
        {"0177.0.0.1", LOOPBACK},
        {"0177.1", LOOPBACK},
        {"017700000001", LOOPBACK},
        {"00000000177.1", LOOPBACK},
        {"127.0x000001", LOOPBACK},
        {"0x00000000000000000000007f.1", LOOPBACK},
        {"0", 0},
        {"00", 0},
        {"0x0", 0},
        {"0.0.0.0", 0},
        {"4294967295", 0xffffffff},
        {"0xffffffff", 0xffffffff},
        {"037777777777", 0xffffffff},
        {"255.16777215", 0xffffffff},
        {"255.255.65535", 0xffffffff},
        {"169.254.43518", 0xa9fea9fe},
        {"0251.0376.0251.0376", 0xa9fea9fe},
        {"2852039166", 0xa9fea9fe},
    };

    (void)unused;
    for (size_t i = 0; i < LEN(rows); i++) {
        uint32_t address = 4711;

        if (ipv4_spelling_of(bytes_of(rows[i].text), &address) != IPV4_ADDRESS ||
            address != rows[i].address)
            fail_msg("%s: %" PRIx32, rows[i].text, address);
    }
}

static void names_and_broken_addresses_are_told_apart(void **unused)
{
    static const char *const names[] = {
        "a",   "example.com", "1.example.com", "127.0.0.1.example", "0x7f.a", "1a", "0xg", "x1",
        "1-1", "1_000",       "a.0x7g",        "127.0.0.1a",        "0.0x1.", "f",  "0b1", "1e3",
    };
    static const char *const broken[] = {
        "256.0.0.1",  "1.2.3.256",   "1.2.3.4.5",
        "4294967296", "0x100000000", "040000000000",
        "09",         "08.1",        "127.0.0.08",
        "0x",         "0x.1",        "127.0x",
        "a.1",        "1.a.1",       "example.0x7f",
        "1.16777216", "1.2.65536",   "256.1",
        "0x7f.a.0x1", "1.2.3.0400",  "99999999999999999999999999999999999999",
    };
    uint32_t address = 4711;

    (void)unused;
    for (size_t i = 0; i < LEN(names); i++) {
        if (ipv4_spelling_of(bytes_of(names[i]), &address) != IPV4_NONE)
            fail_msg("%s", names[i]);
    }
    for (size_t i = 0; i < LEN(broken); i++) {
        if (ipv4_spelling_of(bytes_of(broken[i]), &address) != IPV4_BROKEN)
            fail_msg("%s", broken[i]);
    }
    assert_int_equal(ipv4_spelling_of((struct bytes){NULL, 0}, &address), IPV4_NONE);
    assert_int_equal(address, 4711); /* untouched */
}

/* What resolvers make of it, as the C library tells. */
static void the_c_library_agrees(void **unused)
{
    static const char alphabet[] = "0123456789abcdefx...00x7";
    uint64_t state = 20221104;
    size_t addresses = 0;

    (void)unused;
    for (int n = 0; n < 300000; n++) {
        char text[16];
        size_t len = 1 + backoff_random(&state) % (sizeof(text) - 1);
        struct in_addr theirs;
        uint32_t ours = 0;
        enum ipv4_spelling spelling;

        for (size_t i = 0; i < len; i++) {
            text[i] = alphabet[backoff_random(&state) % (sizeof(alphabet) - 1)];
            if (text[i] == '.' && (i == 0 || i == len - 1 || text[i - 1] == '.'))
                text[i] = '1';
        }
        text[len] = '\0';
        spelling = ipv4_spelling_of(bytes_of(text), &ours);
        /* inet_aton takes "0x" for 0; libcurl does not. */
        if ((spelling == IPV4_ADDRESS) != (inet_aton(text, &theirs) != 0) &&
            !(spelling == IPV4_BROKEN && strstr(text, "0x")))
            fail_msg("%s", text);
        if (spelling != IPV4_ADDRESS)
            continue;
        addresses++;
        if (ntohl(theirs.s_addr) != ours)
            fail_msg("%s: %" PRIx32, text, ours);
    }
    assert_true(addresses > 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_spelling_of_an_address_is_that_address),
        cmocka_unit_test(names_and_broken_addresses_are_told_apart),
        cmocka_unit_test(the_c_library_agrees),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
