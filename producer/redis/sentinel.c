#include "redis/sentinel.h"

#include "contract/parse.h"
#include "redis/wire.h"

#define SENTINEL_TIMEOUT_MS 1000 /* connecting, and each read and write */

/* [address, port] of the master, or nil when this Sentinel does not know its name. */
static int read_answer(const struct reply *reply, struct redis_host *ret_master,
                       struct error_text *why)
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

static int ask(struct redis_wire *wire, const struct redis_host *sentinel, struct ssl_ctx_st *tls,
               const char *master, struct redis_host *ret_master)
{
    const struct bytes args[] = {BYTES("SENTINEL"), BYTES("get-master-addr-by-name"),
                                 bytes_of(master)};
    struct reply *reply;

    if (wire_connect(wire, sentinel, tls, SENTINEL_TIMEOUT_MS) < 0 ||
        wire_append(wire, args, sizeof(args) / sizeof(args[0])) < 0 || wire_get(wire, &reply) < 0)
        return -1;
    int result = read_answer(reply, ret_master, &wire->why);
    reply_free(reply);
    return result;
}

int redis_sentinel_master(const struct redis_address *address, struct ssl_ctx_st *tls,
                          struct redis_host *ret_master, struct error_text *why)
{
    for (int i = 0; i < address->sentinels_len; i++) {
        const struct redis_host *sentinel = &address->sentinels[i];
        struct redis_wire wire = {0};
        int result = ask(&wire, sentinel, tls, address->master, ret_master);
        if (result < 0)
            error_text_set(why, "Sentinel %.100s:%u: %s", sentinel->name, (unsigned)sentinel->port,
                           wire.why.text);
        wire_close(&wire);
        if (result == 0)
            return 0;
    }
    return -1;
}
