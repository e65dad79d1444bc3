/* For environ. */
#define _GNU_SOURCE 1
#include <jansson.h>
#include <roomhook/version.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/arguments.h"
#include "base/help_text.h"
#include "contract/parse.h"
#include "web/options.h"
#include "web/token_file.h"
#include "web/web.h"

#define EXIT_USAGE 2
#define EXPIRES_MAX_MS (3650 * 24 * 3600 * INT64_C(1000))

static int fail(int code, const char *why)
{
    (void)fprintf(stderr, "roomhook-web: %s\n", why);
    return code;
}

static int help(void)
{
    (void)printf(
        "Usage: roomhook-web [FLAGS]\n"
        "       roomhook-web token create --role read|operate|room=ROOM [--expires 30d]\n\n%s\n",
        web_purpose);
    help_put_flags(stdout, web_flags);
    return EXIT_SUCCESS;
}

/* --- token create --- */

static int create_token(int argc, char **argv)
{
    static struct flags flags;
    struct error_text why;
    struct access access;
    char token[TOKEN_SIZE];
    int64_t ms = 0;

    if (flags_parse(&flags, web_token_flags, NULL, argc, argv, &why) < 0)
        return fail(EXIT_USAGE, why.text);
    if (flags_has(&flags, "help")) {
        (void)printf("Usage: roomhook-web token create [FLAGS]\n\n%s\n", web_token_purpose);
        help_put_flags(stdout, web_token_flags);
        return EXIT_SUCCESS;
    }
    const char *path = redis_options_value(&flags, "tokens", "ROOMHOOK_WEB_TOKENS", NULL);
    const char *role = flags_value(&flags, "role");
    const char *expires = flags_value(&flags, "expires");
    if (flags.operands_len > 0)
        return fail(EXIT_USAGE, "token create takes flags only");
    if (path == NULL)
        return fail(EXIT_USAGE, "--tokens FILE is needed");
    if (role == NULL || token_role_parse(bytes_of(role), &access) < 0)
        return fail(EXIT_USAGE, "--role is read, operate or room=ROOM");
    if (expires != NULL && parse_duration_ms(bytes_of(expires), 1000, EXPIRES_MAX_MS, &ms) < 0)
        return fail(EXIT_USAGE, "--expires is a time from 1s to 3650d, like 30d");
    int64_t expires_s = expires != NULL ? (int64_t)time(NULL) + ms / 1000 : 0;
    if (token_file_add(path, role, expires_s, token, &why) < 0)
        return fail(EXIT_FAILURE, why.text);
    (void)puts(token);
    explicit_bzero(token, sizeof(token));
    return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* --- serving --- */

/* Tokens and passwords are in this process: no core dump, no look from outside. */
static int harden(void)
{
    const struct rlimit none = {0, 0};

    (void)setrlimit(RLIMIT_CORE, &none); /* a sandbox may forbid it; the flag below suffices */
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        return -1;
    return 0;
}

static int serve(const struct flags *flags)
{
    static struct web_options options;
    struct error_text why;

    web_options_warn(environ);
    int result = web_options_read(flags, &options, &why);
    if (result != 0)
        return fail(result, why.text);
    if (harden() != 0)
        return fail(EXIT_FAILURE, "core dumps or new privileges cannot be ruled out");
    log_configure(options.log_level, options.log_format);
    json_object_seed(0);
    (void)signal(SIGPIPE, SIG_IGN);
    result = web_run(&options);
    explicit_bzero(&options, sizeof(options));
    return result;
}

static int run(int argc, char **argv)
{
    static struct flags flags;
    struct error_text why;

    if (argc >= 2 && strcmp(argv[0], "token") == 0 && strcmp(argv[1], "create") == 0)
        return create_token(argc - 2, argv + 2);
    if (flags_parse(&flags, web_flags, NULL, argc, argv, &why) < 0)
        return fail(EXIT_USAGE, why.text);
    if (flags_has(&flags, "help"))
        return help();
    if (flags_has(&flags, "version")) {
        (void)puts("roomhook-web " RH_VERSION);
        return EXIT_SUCCESS;
    }
    if (flags.operands_len > 0)
        return fail(EXIT_USAGE, "there is one command, token create; else only flags (--help)");
    return serve(&flags);
}

int main(int argc, char **argv)
{
    struct arguments arguments;

    if (arguments_copy(argc - 1, argv + 1, &arguments) < 0)
        return fail(EXIT_FAILURE, "out of memory");
    arguments_hide(argc - 1, argv + 1);
    int result = run(argc - 1, arguments.argv);
    arguments_release(&arguments);
    return result;
}
