#include "admin/doctor/info.h"

#include <stddef.h>
#include <string.h>

#include "contract/parse.h"

#define REPLICA_SILENT_S 10 /* it acknowledges once a second */

#define WORD(name, field)                        \
    {                                            \
        name, offsetof(struct info, field), true \
    }
#define NUMBER(name, field)                       \
    {                                             \
        name, offsetof(struct info, field), false \
    }

static const struct {
    const char *name;
    size_t offset;
    bool is_word;
} fields[] = {
    WORD("redis_version", version),
    WORD("valkey_version", valkey_version),
    WORD("role", role),
    WORD("maxmemory_policy", policy),
    WORD("aof_last_write_status", aof_write),
    WORD("aof_last_bgrewrite_status", aof_rewrite),
    WORD("rdb_last_bgsave_status", rdb_save),
    NUMBER("used_memory", used_memory),
    NUMBER("maxmemory", max_memory),
    NUMBER("total_system_memory", system_memory),
    NUMBER("evicted_keys", evicted_keys),
    NUMBER("aof_enabled", aof_enabled),
    NUMBER("cluster_enabled", cluster_enabled),
    NUMBER("connected_slaves", replicas),
};

#define FIELDS (sizeof(fields) / sizeof(fields[0]))

/* Cuts off what is before the first separator; the separator is dropped. */
static struct bytes take_until(struct bytes *rest, char separator)
{
    const char *end = rest->len > 0 ? memchr(rest->data, separator, rest->len) : NULL;
    size_t len = end ? (size_t)(end - rest->data) : rest->len;
    struct bytes taken = {rest->data, len};

    *rest = (struct bytes){rest->data + len + (end ? 1 : 0), rest->len - len - (end ? 1 : 0)};
    return taken;
}

static void set_field(struct info *info, size_t offset, bool is_word, struct bytes value)
{
    char *at = (char *)info + offset;
    int64_t number;

    if (is_word)
        (void)bytes_printable(value, at, INFO_WORD_SIZE);
    else if (parse_int64(value, 0, INT64_MAX, &number) == 0)
        memcpy(at, &number, sizeof(number));
}

/* "slave0" and so on. */
static bool is_replica(struct bytes name)
{
    return name.len > 5 && memcmp(name.data, "slave", 5) == 0 && name.data[5] >= '0' &&
           name.data[5] <= '9';
}

/* "ip=…,port=…,state=online,offset=…,lag=0" */
static bool replica_is_behind(struct bytes value)
{
    bool online = false;
    int64_t lag_s = 0;

    while (value.len > 0) {
        struct bytes part = take_until(&value, ',');
        struct bytes name = take_until(&part, '=');
        if (bytes_equal_text(name, "state"))
            online = bytes_equal_text(part, "online");
        else if (bytes_equal_text(name, "lag"))
            (void)parse_int64(part, 0, INT64_MAX, &lag_s);
    }
    return !online || lag_s > REPLICA_SILENT_S;
}

static void read_line(struct info *info, struct bytes line)
{
    struct bytes name = take_until(&line, ':');

    if (is_replica(name) && replica_is_behind(line))
        info->replicas_behind++;
    for (size_t i = 0; i < FIELDS; i++) {
        if (bytes_equal_text(name, fields[i].name))
            set_field(info, fields[i].offset, fields[i].is_word, line);
    }
}

void info_read(struct bytes text, struct info *ret_info)
{
    const int64_t not_told = INFO_NOT_TOLD;

    *ret_info = (struct info){0};
    for (size_t i = 0; i < FIELDS; i++) {
        if (!fields[i].is_word)
            memcpy((char *)ret_info + fields[i].offset, &not_told, sizeof(not_told));
    }
    while (text.len > 0) {
        struct bytes line = take_until(&text, '\n');
        if (line.len > 0 && line.data[line.len - 1] == '\r')
            line.len--;
        read_line(ret_info, line);
    }
}
