#include "contract/redis_address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#define LEN(array) (sizeof(array) / sizeof((array)[0]))

static void addresses_are_taken_apart(void **state)
{
    static const struct {
        const char *text;
        const char *described;
        const char *user;
        const char *password;
    } rows[] = {
        {REDIS_DEFAULT_ADDRESS, "redis://127.0.0.1:6379/0", "", ""},
        {"redis://localhost", "redis://localhost:6379/0", "", ""},
        {"redis://localhost/", "redis://localhost:6379/0", "", ""},
        {"redis://redis-1.example_x:6380/15", "redis://redis-1.example_x:6380/15", "", ""},
        {"redis://host:1/65535", "redis://host:1/65535", "", ""},
        {"rediss://host", "rediss://host:6379/0", "", ""},
        {"redis://:secret@host", "redis://host:6379/0", "", "secret"},
        {"redis://app:secret@host:7000/2", "redis://host:7000/2", "app", "secret"},
        {"redis://:@host", "redis://host:6379/0", "", ""},
        {"redis://a%3Ab:c%40d%2fe%25@host", "redis://host:6379/0", "a:b", "c@d/e%"},
        {"redis://:a:b@c@host", "redis://host:6379/0", "", "a:b@c"},
        {"redis://[::1]", "redis://[::1]:6379/0", "", ""},
        {"redis://:p@[fd00::1]:7000/1", "redis://[fd00::1]:7000/1", "", "p"},
        {"redis://app@host", "redis://host:6379/0", "app", ""},
        {"redis://app:@host", "redis://host:6379/0", "app", ""},
        {"redis+sentinel://a/main", "redis+sentinel://a:26379/main/0", "", ""},
        {"redis+sentinel://app:pw@a:1,[::1],b.c:3/my-main.1/7",
         "redis+sentinel://a:1,[::1]:26379,b.c:3/my-main.1/7", "app", "pw"},
        {"rediss+sentinel://:pw@1,2,3,4,5,6,7,8/m",
         "rediss+sentinel://1:26379,2:26379,3:26379,4:26379,5:26379,6:26379,7:26379,8:26379/m/0",
         "", "pw"},
        {"redis+sentinel://:pw@a/m/1?sentinel-user=u&sentinel-password=canary",
         "redis+sentinel://a:26379/m/1", "", "pw"},
        {"redis+sentinel://a/m?sentinel-password=c%2Fd", "redis+sentinel://a:26379/m/0", "", ""},
        {"unix:///run/redis.sock", "unix:///run/redis.sock?db=0", "", ""},
        {"unix:///run/redis.sock?db=3", "unix:///run/redis.sock?db=3", "", ""},
        {"unix:///s?user=app&password=a%26b%3d&db=1", "unix:///s?db=1", "app", "a&b="},
    };

    (void)state;
    for (size_t i = 0; i < LEN(rows); i++) {
        struct redis_address address;
        struct error_text why;
        char described[400];

        if (redis_address_parse(bytes_of(rows[i].text), &address, &why))
            fail_msg("%s: %s", rows[i].text, why.text);
        assert_string_equal(redis_address_describe(&address, described, sizeof(described)),
                            rows[i].described);
        assert_string_equal(address.user, rows[i].user);
        assert_string_equal(address.password, rows[i].password);
    }
}

static void fields_are_filled(void **state)
{
    struct redis_address address;
    struct error_text why;

    (void)state;
    assert_int_equal(redis_address_parse(BYTES("rediss://[::1]:7000/3"), &address, &why), 0);
    assert_true(address.tls);
    assert_string_equal(address.host.name, "::1");
    assert_string_equal(address.path, "");
    assert_int_equal(address.host.port, 7000);
    assert_int_equal(address.db, 3);
    assert_int_equal(redis_address_parse(BYTES("unix:///s?db=4"), &address, &why), 0);
    assert_false(address.tls);
    assert_string_equal(address.host.name, "");
    assert_string_equal(address.path, "/s");
    assert_int_equal(address.db, 4);
}

static void other_texts_are_refused_without_quoting_them(void **state)
{
    static const struct {
        const char *text;
        const char *part_of_why;
    } rows[] = {
        {"", "must start with"},
        {"canary", "must start with"},
        {"localhost:6379", "must start with"},
        {"http://canary", "must start with"},
        {"REDIS://canary", "must start with"},
        {"redis:/canary", "must start with"},
        {" redis://canary", "must start with"},
        {"redis://", "1..255"},
        {"redis:///0", "1..255"},
        {"redis://:canary@", "1..255"},
        {"redis://:canary@:6379", "1..255"},
        {"redis://:canary@/0", "1..255"},
        {"redis://@host", "\"user:password\""},
        {"redis://:can%ary@host", "two hex digits"},
        {"redis://:canary%4@host", "two hex digits"},
        {"redis://:canary%@host", "two hex digits"},
        {"redis://:canary%00@host", "two hex digits"},
        {"redis://:canary%zz@host", "two hex digits"},
        {"redis://:canary/x@host", "database"}, /* a raw slash ends the authority */
        {"redis://:canary?x@ho st", "only letters"},
        {"redis://canary#x", "only letters"},
        {"redis://can ary", "only letters"},
        {"redis://canary\n", "only letters"},
        {"redis://can%61ry", "only letters"},
        {"redis://host:", "1..65535"},
        {"redis://host:0", "1..65535"},
        {"redis://host:65536", "1..65535"},
        {"redis://host:canary", "1..65535"},
        {"redis://:secret:canary", "1..65535"},
        {"redis://host/65536", "database"},
        {"redis://host/-1", "database"},
        {"redis://host/canary", "database"},
        {"redis://host/0/", "database"},
        {"redis://host/0?db=1", "database"},
        {"redis://[::1", "IPv6"},
        {"redis://[]", "IPv6"},
        {"redis://[canary]", "IPv6"},
        {"redis://[127.0.0.1]", "IPv6"},
        {"redis://[::1]x", "after the brackets"},
        {"redis://[::1]:", "1..65535"},
        {"unix://", "unix:///path"},
        {"unix:///", "unix:///path"},
        {"unix://run/canary", "unix:///path"},
        {"unix://?db=1", "unix:///path"},
        {"unix:///s?", "only db="},
        {"unix:///s?canary=1", "only db="},
        {"unix:///s?db=1&", "only db="},
        {"unix:///s?db", "database"},
        {"unix:///s?db=x", "database"},
        {"redis+sentinel://", "/master"},
        {"redis+sentinel://canary", "/master"},
        {"redis+sentinel://canary/", "/master"},
        {"redis+sentinel:///canary", "1..255"},
        {"redis+sentinel://a,/canary", "1..255"},
        {"redis+sentinel://a:0/canary", "1..65535"},
        {"redis+sentinel://a/can:ary", "only letters"},
        {"redis+sentinel://a/m/canary", "database"},
        {"redis+sentinel://a/m?password=canary", "sentinel-user="},
        {"redis+sentinel://a/m?", "sentinel-user="},
        {"redis+sentinel://a/m?sentinel-password=%c", "two hex digits"},
        {"redis+sentinel://canary?sentinel-user=u", "/master"},
        {"redis+sentinel://a/m/0/", "database"},
        {"redis+sentinel://:canary@/m", "1..255"},
        {"redis+sentinel://1,2,3,4,5,6,7,8,9/canary", "at most 8"},
        {"unix:///s?password=%xcanary", "two hex digits"},
    };

    (void)state;
    for (size_t i = 0; i < LEN(rows); i++) {
        struct redis_address address = {.host = {.port = 4711}};
        struct error_text why = {""};

        if (redis_address_parse(bytes_of(rows[i].text), &address, &why) != -1)
            fail_msg("accepted: %s", rows[i].text);
        if (!strstr(why.text, rows[i].part_of_why) || strstr(why.text, "canary"))
            fail_msg("%s: %s", rows[i].text, why.text);
        assert_int_equal(address.host.port, 4711);
    }
}

static void lengths_have_limits(void **state)
{
    struct redis_address address;
    struct error_text why;
    char text[800];
    char many[REDIS_CREDENTIAL_MAX + 1];

    (void)state;
    memset(many, 'a', sizeof(many));
    for (int extra = 0; extra <= 1; extra++) {
        int expected = extra ? -1 : 0;

        snprintf(text, sizeof(text), "redis://%.*s", 255 + extra, many);
        assert_int_equal(redis_address_parse(bytes_of(text), &address, &why), expected);
        snprintf(text, sizeof(text), "redis://:%.*s@h", REDIS_CREDENTIAL_MAX - 1 + extra, many);
        assert_int_equal(redis_address_parse(bytes_of(text), &address, &why), expected);
        snprintf(text, sizeof(text), "redis://%.*s:p@h", REDIS_CREDENTIAL_MAX - 1 + extra, many);
        assert_int_equal(redis_address_parse(bytes_of(text), &address, &why), expected);
        snprintf(text, sizeof(text), "unix:///%.*s", 106 + extra, many);
        assert_int_equal(redis_address_parse(bytes_of(text), &address, &why), expected);
    }
}

static void the_longest_description_fits_400_bytes(void **state)
{
    struct redis_address address = {.tls = true, .host = {.port = 65535}, .db = 65535};
    char described[400];

    (void)state;
    memset(address.host.name, 'h', sizeof(address.host.name) - 1);
    redis_address_describe(&address, described, sizeof(described));
    assert_string_equal(described + strlen(described) - 13, "h:65535/65535");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_taken_apart),
        cmocka_unit_test(fields_are_filled),
        cmocka_unit_test(other_texts_are_refused_without_quoting_them),
        cmocka_unit_test(lengths_have_limits),
        cmocka_unit_test(the_longest_description_fits_400_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
