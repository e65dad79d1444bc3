#include "redis/sentinel.h"

#include "contract/parse.h"

static void add_arg(struct sentinel_command *command, const char *arg)
{
    command->args[command->args_len++] = bytes_of(arg);
}

static size_t login(const struct redis_address *address, struct sentinel_command *command)
{
    if (address->sentinel_user[0] == '\0' && address->sentinel_password[0] == '\0')
        return 0;
    *command = (struct sentinel_command){.args_len = 0};
    add_arg(command, "AUTH");
    if (address->sentinel_user[0] != '\0')
        add_arg(command, address->sentinel_user);
    add_arg(command, address->sentinel_password);
    return 1;
}

size_t sentinel_commands(const struct redis_address *address,
                         struct sentinel_command ret_commands[SENTINEL_COMMANDS])
{
    size_t len = login(address, ret_commands);
    struct sentinel_command *question = &ret_commands[len];

    *question = (struct sentinel_command){.args_len = 0};
    add_arg(question, "SENTINEL");
    add_arg(question, "get-master-addr-by-name");
    add_arg(question, address->master);
    return len + 1;
}

static int tell_error(const struct reply *reply, struct error_text *why)
{
    char words[128];

    error_text_set(why, "%s", bytes_printable(reply_error_text(reply), words, sizeof(words)));
    return -1;
}

int sentinel_judge_login(const struct reply *reply, struct error_text *why)
{
    return reply_is_error(reply) ? tell_error(reply, why) : 0;
}

/* [address, port] of the master, or nil when this Sentinel does not know its name. */
int sentinel_judge(const struct reply *reply, struct redis_host *ret_master, struct error_text *why)
{
    struct redis_host master;
    int64_t port;

    if (reply_is_error(reply))
        return tell_error(reply, why);
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
