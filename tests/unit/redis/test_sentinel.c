#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "redis/sentinel.h"
#include "reply_of.h"

static int judge(const char *bytes, struct redis_host *ret_master, struct error_text *why)
{
    struct reply *reply = reply_of(bytes);
    int result = sentinel_judge(reply, ret_master, why);

    reply_free(reply);
    return result;
}

static void it_is_asked_by_the_name_of_the_master(void **unused)
{
    struct redis_address address;
    struct sentinel_command commands[SENTINEL_COMMANDS];
    struct error_text why;

    (void)unused;
    assert_int_equal(redis_address_parse(BYTES("redis+sentinel://u:p@h/main"), &address, &why), 0);
    assert_int_equal(sentinel_commands(&address, commands), 1);
    assert_int_equal(commands[0].args_len, 3);
    assert_true(bytes_equal_text(commands[0].args[0], "SENTINEL"));
    assert_true(bytes_equal_text(commands[0].args[1], "get-master-addr-by-name"));
    assert_true(bytes_equal_text(commands[0].args[2], "main"));
}

static void a_login_goes_first(void **unused)
{
    struct redis_address address;
    struct sentinel_command commands[SENTINEL_COMMANDS];
    struct error_text why;

    (void)unused;
    assert_int_equal(
        redis_address_parse(BYTES("redis+sentinel://h/main?sentinel-password=p"), &address, &why),
        0);
    assert_int_equal(sentinel_commands(&address, commands), 2);
    assert_int_equal(commands[0].args_len, 2);
    assert_true(bytes_equal_text(commands[0].args[0], "AUTH"));
    assert_true(bytes_equal_text(commands[0].args[1], "p"));
    assert_true(bytes_equal_text(commands[1].args[2], "main"));

    assert_int_equal(
        redis_address_parse(BYTES("redis+sentinel://h/main?sentinel-user=u&sentinel-password=p"),
                            &address, &why),
        0);
    assert_int_equal(sentinel_commands(&address, commands), 2);
    assert_int_equal(commands[0].args_len, 3);
    assert_true(bytes_equal_text(commands[0].args[1], "u"));

    struct reply *reply = reply_of("+OK\r\n");
    assert_int_equal(sentinel_judge_login(reply, &why), 0);
    reply_free(reply);
    reply = reply_of("-WRONGPASS no\r\n");
    assert_int_equal(sentinel_judge_login(reply, &why), -1);
    assert_string_equal(why.text, "WRONGPASS no");
    reply_free(reply);
}

static void an_address_is_taken(void **unused)
{
    struct redis_host master;
    struct error_text why;

    (void)unused;
    assert_int_equal(judge("*2\r\n$3\r\n::1\r\n$5\r\n65535\r\n", &master, &why), 0);
    assert_string_equal(master.name, "::1");
    assert_int_equal(master.port, 65535);
}

static void all_else_is_told(void **unused)
{
    static const struct {
        const char *bytes;
        const char *why;
    } rows[] = {
        {"*-1\r\n", "it does not know a master of this name"},
        {"$-1\r\n", "it does not know a master of this name"},
        {"-NOAUTH Authentication required.\r\n", "NOAUTH Authentication required."},
        {"-IDONTKNOW \x1b[31m\r\n", "IDONTKNOW ?[31m"},
        {"+OK\r\n", "its answer is not an address"},
        {"*1\r\n$1\r\nh\r\n", "its answer is not an address"},
        {"*2\r\n$0\r\n\r\n$1\r\n1\r\n", "its answer is not an address"},
        {"*2\r\n$1\r\nh\r\n$1\r\n0\r\n", "its answer is not an address"},
        {"*2\r\n$1\r\nh\r\n$5\r\n65536\r\n", "its answer is not an address"},
        {"*2\r\n*0\r\n$1\r\n1\r\n", "its answer is not an address"},
    };

    (void)unused;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct redis_host master = {.port = 7};
        struct error_text why = {""};
        assert_int_equal(judge(rows[i].bytes, &master, &why), -1);
        assert_string_equal(why.text, rows[i].why);
        assert_int_equal(master.port, 7);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_asked_by_the_name_of_the_master),
        cmocka_unit_test(a_login_goes_first),
        cmocka_unit_test(an_address_is_taken),
        cmocka_unit_test(all_else_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
