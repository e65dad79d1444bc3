#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/destinations.h"

static struct destination *enter(struct destinations *destinations, const char *text, size_t most)
{
    struct sockaddr_in ipv4 = {.sin_family = AF_INET};
    struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6};

    if (inet_pton(AF_INET, text, &ipv4.sin_addr) == 1)
        return destinations_enter(destinations, (struct sockaddr *)&ipv4, most);
    assert_int_equal(inet_pton(AF_INET6, text, &ipv6.sin6_addr), 1);
    return destinations_enter(destinations, (struct sockaddr *)&ipv6, most);
}

static void address_has_its_limit(void **unused)
{
    struct destinations destinations = {NULL};
    struct destination *first, *second, *other;

    (void)unused;
    first = enter(&destinations, "192.0.2.1", 2);
    second = enter(&destinations, "::ffff:192.0.2.1", 2); /* the same one */
    assert_non_null(first);
    assert_ptr_equal(second, first);
    assert_null(enter(&destinations, "192.0.2.1", 2));
    other = enter(&destinations, "192.0.2.2", 2);
    assert_non_null(other);
    destinations_leave(&destinations, first);
    first = enter(&destinations, "192.0.2.1", 2);
    assert_non_null(first);
    destinations_leave(&destinations, first);
    destinations_leave(&destinations, second);
    destinations_leave(&destinations, other);
    destinations_leave(&destinations, NULL);
    assert_null(destinations.table); /* nothing is kept */
}

static void ipv6_counts_by_56_bits(void **unused)
{
    struct destinations destinations = {NULL};
    struct destination *one, *same, *other;

    (void)unused;
    one = enter(&destinations, "2001:db8:1:200::1", 2);
    same = enter(&destinations, "2001:db8:1:2ff:ffff::9", 2);
    other = enter(&destinations, "2001:db8:1:300::1", 2);
    assert_ptr_equal(one, same);
    assert_null(enter(&destinations, "2001:db8:1:200::2", 2));
    assert_ptr_not_equal(one, other);
    destinations_leave(&destinations, one);
    destinations_leave(&destinations, same);
    destinations_leave(&destinations, other);
    assert_null(destinations.table);
}

static const char *name_of(const char *text, char out[DESTINATION_NAME_SIZE])
{
    struct sockaddr_in ipv4 = {.sin_family = AF_INET, .sin_port = 443};
    struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6, .sin6_port = 443};

    if (inet_pton(AF_INET, text, &ipv4.sin_addr) == 1)
        return destination_name((struct sockaddr *)&ipv4, out);
    assert_int_equal(inet_pton(AF_INET6, text, &ipv6.sin6_addr), 1);
    return destination_name((struct sockaddr *)&ipv6, out);
}

/* The same for what is counted as one, and only for that. */
static void name_is_of_what_is_counted_as_one(void **unused)
{
    static const struct {
        const char *address;
        const char *name;
    } rows[] = {
        {"192.0.2.1", "00000000000000000000ffffc0000201"},
        {"::ffff:192.0.2.1", "00000000000000000000ffffc0000201"},
        {"192.0.2.2", "00000000000000000000ffffc0000202"},
        {"2001:db8:1:200::1", "20010db8000102000000000000000000"},
        {"2001:db8:1:2ff:ffff::9", "20010db8000102000000000000000000"},
        {"2001:db8:1:300::1", "20010db8000103000000000000000000"},
        {"::1", "00000000000000000000000000000000"},
    };

    (void)unused;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char name[DESTINATION_NAME_SIZE];

        assert_string_equal(name_of(rows[i].address, name), rows[i].name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(name_is_of_what_is_counted_as_one),
        cmocka_unit_test(address_has_its_limit),
        cmocka_unit_test(ipv6_counts_by_56_bits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
