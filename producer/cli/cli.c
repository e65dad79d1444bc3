/* For environ. */
#define _GNU_SOURCE 1
#include "cli/cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file_mark.h"
#include "base/spelling.h"
#include "contract/parse.h"

const struct flag_spec cli_global_flags[] = {
    {"redis", "URL", "where Redis is (ROOMHOOK_REDIS; default " REDIS_DEFAULT_ADDRESS ")", false},
    {"redis-password-file", "FILE", "its password (ROOMHOOK_REDIS_PASSWORD_FILE)", false},
    {"sentinel-password-file", "FILE",
     "that of the Sentinels, if any (ROOMHOOK_SENTINEL_PASSWORD_FILE)", false},
    {"redis-ca", "FILE", "whom to trust over TLS; default the system's (ROOMHOOK_REDIS_CA)", false},
    {"redis-cert", "FILE", "our certificate for it, where it wants one (ROOMHOOK_REDIS_CERT)",
     false},
    {"redis-key", "FILE", "the certificate's key (ROOMHOOK_REDIS_KEY)", false},
    {"queue", "NAME", "the queue (ROOMHOOK_QUEUE; default webhooks)", false},
    {"json", NULL, "print JSON, one object a line", false},
    {"help", NULL, "explain the command", false},
    {NULL, NULL, NULL, false},
};

int cli_usage(const struct cli *cli, const char *format, ...)
{
    va_list args;

    (void)fputs("roomhook: ", stderr);
    va_start(args, format);
    (void)vfprintf(stderr, format, args);
    va_end(args);
    if (cli->command)
        (void)fprintf(stderr, " (see roomhook %s --help)\n", cli->command->name);
    else
        (void)fputs(" (see roomhook --help)\n", stderr);
    return CLI_USAGE;
}

int cli_failed(const char *format, ...)
{
    va_list args;

    (void)fputs("roomhook: ", stderr);
    va_start(args, format);
    (void)vfprintf(stderr, format, args);
    va_end(args);
    (void)fputc('\n', stderr);
    return CLI_FAILED;
}

void cli_warn(const char *format, ...)
{
    va_list args;

    (void)fputs("roomhook: warning: ", stderr);
    va_start(args, format);
    (void)vfprintf(stderr, format, args);
    va_end(args);
    (void)fputc('\n', stderr);
}

int cli_redis_failed(const struct cli *cli)
{
    return cli_failed("%s", redis_error(cli->redis));
}

/* A global flag's value: given, else from the environment (empty means not set), else fallback. */
static const char *setting(const struct cli *cli, const char *flag, const char *variable,
                           const char *fallback)
{
    const char *given = flags_value(&cli->flags, flag);
    const char *inherited = getenv(variable);

    if (given)
        return given;
    return inherited && inherited[0] != '\0' ? inherited : fallback;
}

/* The file's first line is the password. */
static int read_password(const char *path, char password[REDIS_CREDENTIAL_MAX])
{
    if (file_is_open_to_all(path))
        cli_warn("every user of this machine may read the password file");

    FILE *file = fopen(path, "re");
    if (!file)
        return cli_failed("cannot read the password file: %s", strerror(errno));
    size_t len = fread(password, 1, REDIS_CREDENTIAL_MAX - 1, file);
    bool ok = !ferror(file) && feof(file);
    (void)fclose(file);
    password[ok ? len : 0] = '\0';
    password[strcspn(password, "\r\n")] = '\0';
    if (password[0] == '\0')
        return cli_failed("the password file is empty, longer than %d bytes, or unreadable",
                          REDIS_CREDENTIAL_MAX - 1);
    return CLI_DONE;
}

static int read_passwords(struct cli *cli)
{
    const char *own = setting(cli, "redis-password-file", "ROOMHOOK_REDIS_PASSWORD_FILE", NULL);
    const char *sentinels =
        setting(cli, "sentinel-password-file", "ROOMHOOK_SENTINEL_PASSWORD_FILE", NULL);
    int result = own ? read_password(own, cli->address.password) : CLI_DONE;

    if (result == CLI_DONE && sentinels)
        result = read_password(sentinels, cli->address.sentinel_password);
    cli->has_password_file = own != NULL;
    cli->has_sentinel_file = sentinels != NULL;
    return result;
}

static const char *const variables[] = {
    "ROOMHOOK_REDIS",
    "ROOMHOOK_REDIS_PASSWORD_FILE",
    "ROOMHOOK_REDIS_CA",
    "ROOMHOOK_REDIS_CERT",
    "ROOMHOOK_REDIS_KEY",
    "ROOMHOOK_QUEUE",
    "ROOMHOOK_SENTINEL_PASSWORD_FILE",
};

/* What was meant instead; NULL: it is right, or far from all of ours. */
static const char *variable_nearest(struct bytes name)
{
    const size_t skip = strlen("ROOMHOOK_");
    struct spelling spelling = spelling_of((struct bytes){name.data + skip, name.len - skip});

    for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
        if (bytes_equal_text(name, variables[i]))
            return NULL;
        spelling_offer(&spelling, variables[i] + skip);
    }
    return spelling.nearest ? spelling.nearest - skip : NULL;
}

/* A variable that is nearly one of ours. Others are left alone: workers have more of them. */
static void warn_of_misspelt_variables(char **environment)
{
    static const char prefix[] = "ROOMHOOK_";

    for (; environment && *environment; environment++) {
        const char *end = strchr(*environment, '=');
        if (!end || strncmp(*environment, prefix, sizeof(prefix) - 1) != 0)
            continue;
        struct bytes name = {*environment, (size_t)(end - *environment)};
        char shown[64];
        const char *nearest = variable_nearest(name);
        if (nearest)
            cli_warn("%s is not known, did you mean %s?",
                     bytes_printable(name, shown, sizeof(shown)), nearest);
    }
}

int cli_init(struct cli *cli)
{
    struct redis_blocking_options redis = {.connect_timeout_ms = CLI_TIMEOUT_MS,
                                           .command_timeout_ms = CLI_TIMEOUT_MS,
                                           .name = "roomhook"};
    const char *queue = setting(cli, "queue", "ROOMHOOK_QUEUE", "webhooks");
    struct error_text why;

    cli->json = flags_has(&cli->flags, "json");
    if (cli->command->without_redis)
        return CLI_DONE;
    warn_of_misspelt_variables(environ);
    cli->tls.ca = setting(cli, "redis-ca", "ROOMHOOK_REDIS_CA", NULL);
    cli->tls.cert = setting(cli, "redis-cert", "ROOMHOOK_REDIS_CERT", NULL);
    cli->tls.key = setting(cli, "redis-key", "ROOMHOOK_REDIS_KEY", NULL);
    cli->redis_url = setting(cli, "redis", "ROOMHOOK_REDIS", REDIS_DEFAULT_ADDRESS);
    if (cli->tls.key && file_is_open_to_all(cli->tls.key))
        cli_warn("every user of this machine may read --redis-key");
    if (keys_init(&cli->keys, queue) < 0)
        return cli_usage(cli, "--queue is not of [A-Za-z0-9_-], 1 to %d characters", RH_NAME_MAX);
    if (redis_address_parse(bytes_of(cli->redis_url), &cli->address, &why) < 0)
        return cli_usage(cli, "--redis: %s", why.text);
    int failed = read_passwords(cli);
    if (failed != CLI_DONE)
        return failed;
    redis.address = cli->address;
    redis.tls = cli->tls;
    if (redis_open(&redis, &cli->redis, &why) != RH_OK)
        return cli_usage(cli, "%s", why.text);
    return CLI_DONE;
}

void cli_release(struct cli *cli)
{
    redis_close(cli->redis);
    explicit_bzero(&cli->address, sizeof(cli->address));
}

int cli_room(const struct cli *cli, struct room_id *ret_room)
{
    const char *room = flags_value(&cli->flags, "room");

    if (!room)
        return cli_usage(cli, "--room is needed");
    if (room_id_of_text(bytes_of(room), ret_room) < 0)
        return cli_usage(cli, "--room must be " ROOM_ID_ALLOWED);
    return CLI_DONE;
}

int cli_name(const struct cli *cli, const char *flag, const char **ret_name)
{
    const char *name = flags_value(&cli->flags, flag);

    if (name && !parse_is_name(bytes_of(name)))
        return cli_usage(cli, "--%s is not of [A-Za-z0-9_-], 1 to %d characters", flag,
                         RH_NAME_MAX);
    *ret_name = name;
    return CLI_DONE;
}

bool cli_ask(struct cli *cli, const struct bytes *args, size_t args_len, struct reply **ret_reply)
{
    if (redis_command(cli->redis, args, args_len, ret_reply) == RH_OK)
        return true;
    cli_redis_failed(cli);
    return false;
}

bool cli_server_time(struct cli *cli, int64_t *ret_now_ms)
{
    const struct bytes args[] = {BYTES("TIME")};
    struct reply *reply;

    if (!cli_ask(cli, args, 1, &reply))
        return false;
    *ret_now_ms = reply_int(reply_at(reply, 0)) * 1000 + reply_int(reply_at(reply, 1)) / 1000;
    reply_free(reply);
    return true;
}
