#include "admin/doctor/info.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

static const char whole[] =
    "# Server\r\nredis_version:7.0.15\r\nvalkey_version:8.1.1\r\n"
    "\r\n# Memory\r\nused_memory:1048576\r\n"
    "used_memory_human:1.00M\r\ntotal_system_memory:25276063744\r\nmaxmemory:2147483648\r\n"
    "maxmemory_policy:noeviction\r\n# Persistence\r\nrdb_last_bgsave_status:ok\r\n"
    "aof_enabled:1\r\naof_last_bgrewrite_status:err\r\naof_last_write_status:ok\r\n"
    "# Stats\r\nevicted_keys:7\r\n# Replication\r\nrole:master\r\nconnected_slaves:3\r\n"
    "slave0:ip=10.0.0.2,port=6379,state=online,offset=42,lag=0\r\n"
    "slave1:ip=10.0.0.3,port=6379,state=wait_bgsave,offset=0,lag=0\r\n"
    "slave2:ip=10.0.0.4,port=6379,state=online,offset=1,lag=11\r\n"
    "slave_expires_tracked_keys:0\r\n# Cluster\r\ncluster_enabled:0\r\n";

static void every_field_is_read(void **state)
{
    struct info info;

    (void)state;
    info_read(BYTES(whole), &info);
    assert_string_equal(info.version, "7.0.15");
    assert_string_equal(info.valkey_version, "8.1.1");
    assert_string_equal(info.role, "master");
    assert_string_equal(info.policy, "noeviction");
    assert_string_equal(info.aof_write, "ok");
    assert_string_equal(info.aof_rewrite, "err");
    assert_string_equal(info.rdb_save, "ok");
    assert_int_equal(info.used_memory, 1048576);
    assert_int_equal(info.max_memory, INT64_C(2147483648));
    assert_int_equal(info.system_memory, INT64_C(25276063744));
    assert_int_equal(info.evicted_keys, 7);
    assert_int_equal(info.aof_enabled, 1);
    assert_int_equal(info.cluster_enabled, 0);
    assert_int_equal(info.replicas, 3);
    assert_int_equal(info.replicas_behind, 2);
}

static void what_is_missing_is_not_told(void **state)
{
    static const char *const texts[] = {
        "",
        "\r\n",
        ":",
        "role",
        "used_memory",
        "used_memory:\r\nmaxmemory:-1\r\n",
        "maxmemory:99999999999999999999\n",
        "xmaxmemory:1\r\nmaxmemoryx:1\r\nrole:",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct info info;
        info_read(bytes_of(texts[i]), &info);
        assert_string_equal(info.version, "");
        assert_string_equal(info.role, "");
        assert_int_equal(info.max_memory, INFO_NOT_TOLD);
        assert_int_equal(info.used_memory, INFO_NOT_TOLD);
        assert_int_equal(info.cluster_enabled, INFO_NOT_TOLD);
        assert_int_equal(info.replicas_behind, 0);
    }
}

static void long_words_are_cut(void **state)
{
    struct info info;
    char text[200] = "redis_version:";

    (void)state;
    memset(text + strlen(text), '1', 150);
    text[20] = '\033';
    info_read(bytes_of(text), &info);
    assert_true(strlen(info.version) < INFO_WORD_SIZE);
    assert_null(strchr(info.version, '\033'));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_is_read),
        cmocka_unit_test(what_is_missing_is_not_told),
        cmocka_unit_test(long_words_are_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
