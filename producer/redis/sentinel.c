#include "redis/sentinel.h"

#include "contract/parse.h"

void sentinel_question(const struct redis_address *address, struct bytes args[SENTINEL_ARGS])
{
    args[0] = BYTES("SENTINEL");
    args[1] = BYTES("get-master-addr-by-name");
    args[2] = bytes_of(address->master);
}

/* [address, port] of the master, or nil when this Sentinel does not know its name. */
int sentinel_judge(const struct reply *reply, struct redis_host *ret_master, struct error_text *why)
{
    struct redis_host master;
    char words[128];
    int64_t port;

    if (reply_is_error(reply)) {
        error_text_set(why, "%s", bytes_printable(reply_error_text(reply), words, sizeof(words)));
        return -1;
    }
    if (reply_is_nil(reply)) {
        error_text_set(why, "it does not know a master of this name");
        return -1;
    }
    struct bytes name = reply_text(reply_at(reply, 0));
    if (name.len == 0 || !bytes_copy_text(name, master.name, sizeof(master.name)) ||
        parse_int64(reply_text(reply_at(reply, 1)), 1, UINT16_MAX, &port) < 0) {
        error_text_set(why, "its answer is not an address");
        return -1;
    }
    master.port = (uint16_t)port;
    *ret_master = master;
    return 0;
}

void sentinel_failed(const struct redis_host *sentinel, const char *what, struct error_text *why)
{
    error_text_set(why, "Sentinel %.100s:%u: %s", sentinel->name, (unsigned)sentinel->port, what);
}
