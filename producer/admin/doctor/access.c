#include "admin/doctor/access.h"

#include <stdio.h>
#include <string.h>

#include "admin/doctor/ask.h"

/* "127.0.0.1 -::1" and the like, as in the setting bind: are all of them this machine's own? */
static bool are_loopback(struct bytes hosts)
{
    bool any = false;

    while (hosts.len > 0) {
        const char *blank = memchr(hosts.data, ' ', hosts.len);
        size_t len = blank ? (size_t)(blank - hosts.data) : hosts.len;
        struct bytes host = {hosts.data, len};
        hosts.data += len + (blank ? 1 : 0);
        hosts.len -= len + (blank ? 1 : 0);
        if (host.len > 0 && host.data[0] == '-') /* may be missing */
            host = (struct bytes){host.data + 1, host.len - 1};
        if (!bytes_equal_text(host, "::1") && !bytes_equal_text(host, "localhost") &&
            (host.len < 4 || memcmp(host.data, "127.", 4) != 0))
            return false;
        any = true;
    }
    return any;
}

/* In protected mode Redis refuses other machines as long as it needs no password. */
static bool serves_this_machine_only(struct redis_blocking *redis,
                                     const struct redis_address *address)
{
    const struct bytes args[] = {BYTES("CONFIG"), BYTES("GET"), BYTES("protected-mode"),
                                 BYTES("bind")};
    struct reply *reply;

    if (redis_command(redis, args, 4, &reply) != RH_OK) /* then our own way is used */
        return address->path[0] != '\0' || are_loopback(bytes_of(address->host.name));
    bool local = bytes_equal_text(reply_text(reply_value(reply, "protected-mode")), "yes") ||
                 are_loopback(reply_text(reply_value(reply, "bind")));
    reply_free(reply);
    return local;
}

/* A client that may look for a key of the queue may use the queue. */
static bool try_to_read(struct session *session, struct redis_blocking *redis,
                        struct access_facts *access)
{
    const struct bytes args[] = {BYTES("EXISTS"), bytes_of(session->keys.meta)};
    struct reply *reply;

    int status = redis_command(redis, args, 2, &reply);
    if (status == RH_OK) {
        reply_free(reply);
        access->is_open = true;
        access->is_local = serves_this_machine_only(redis, &session->address);
    } else if (status == RH_ERR_UNREACHABLE || status == RH_ERR_UNKNOWN ||
               status == RH_ERR_MEMORY) {
        session_failed(session, "%s", redis_error(redis));
        return false;
    } else if (redis_error_fault(redis) != FAULT_NOAUTH &&
               redis_error_fault(redis) != FAULT_NOPERM) {
        (void)snprintf(access->refusal, sizeof(access->refusal), "%.*s",
                       (int)sizeof(access->refusal) - 1, redis_error(redis));
    }
    access->asked = true;
    return true;
}

bool doctor_read_access(struct session *session, struct doctor_facts *facts)
{
    struct redis_blocking_options options = {.connect_timeout_ms = SESSION_TIMEOUT_MS,
                                             .command_timeout_ms = SESSION_TIMEOUT_MS,
                                             .name = "roomhook",
                                             .tls = session->tls};
    struct redis_blocking *redis;
    struct error_text why;

    options.address = session->address; /* see session_open */
    options.address.user[0] = '\0';
    explicit_bzero(options.address.password, sizeof(options.address.password));
    if (redis_open(&options, &redis, &why) != RH_OK) {
        session_failed(session, "%s", why.text);
        return false;
    }
    bool reached = try_to_read(session, redis, &facts->access);
    redis_close(redis);
    return reached;
}
