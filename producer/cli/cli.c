/* For environ. */
#define _GNU_SOURCE 1
#include "cli/cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "contract/parse.h"
#include "redis/options.h"

const struct flag_spec cli_global_flags[] = {
    REDIS_OPTIONS_SPECS,
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

static void warn(void *context, const char *text)
{
    (void)context;
    cli_warn("%s", text);
}

static void tell(void *context, enum admin_result result, const char *why)
{
    if (result == ADMIN_INVALID)
        (void)cli_usage(context, "%s", why);
    else
        (void)cli_failed("%s", why);
}

static void show_progress(void *context, const char *what, uint64_t done)
{
    struct cli *cli = context;

    if (!what)
        progress_end(&cli->progress);
    else if (!cli->has_progress)
        progress_begin(&cli->progress, what, false);
    cli->has_progress = what != NULL;
    if (what)
        progress_show(&cli->progress, done);
}

int cli_exit(enum admin_result result)
{
    return result == ADMIN_DONE ? CLI_DONE : result == ADMIN_INVALID ? CLI_USAGE : CLI_FAILED;
}

int cli_init(struct cli *cli)
{
    struct redis_options options;
    struct error_text why;

    cli->json = flags_has(&cli->flags, "json");
    if (cli->command->without_redis)
        return CLI_DONE;
    redis_options_warn_of_variables(environ, NULL, warn, NULL);
    int read = redis_options_read(&cli->flags, warn, NULL, &options, &why);
    if (read == REDIS_OPTIONS_FILE)
        return cli_failed("%s", why.text);
    if (read != 0)
        return cli_usage(cli, "%s", why.text);
    cli->redis_url = options.url;
    cli->has_password_file = options.password_file != NULL;
    cli->has_sentinel_file = options.sentinel_password_file != NULL;
    cli->session = (struct session){.tell = tell, .progress = show_progress, .context = cli};
    int opened = session_open(&cli->session, &options, "roomhook", &why);
    explicit_bzero(&options, sizeof(options));
    return opened < 0 ? cli_usage(cli, "%s", why.text) : CLI_DONE;
}

void cli_release(struct cli *cli)
{
    session_close(&cli->session);
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

int cli_rate(const struct cli *cli, int64_t *ret_rate)
{
    const char *text = flags_value(&cli->flags, "rate");

    if (text && parse_rate(bytes_of(text), ret_rate) != 0)
        return cli_usage(cli, "--rate is like 50/s, from 1 to %d", PARSE_RATE_MAX);
    return CLI_DONE;
}
