#include "web/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "contract/parse.h"
#include "web/listen.h"

#define EXIT_USAGE 2
#define LISTEN_DEFAULT "127.0.0.1:8080"
#define ENVIRONMENT_MAX 32

const struct flag_spec web_flags[] = {
    REDIS_OPTIONS_SPECS,
    {"listen", "WHERE",
     "127.0.0.1:8080 (default), [::1]:8080 or the path of a unix socket "
     "(ROOMHOOK_WEB_LISTEN)",
     false},
    {"host", "NAME", "host name by which it is reached, besides localhost and addresses", true},
    {"base-path", "PATH", "path prefix that a proxy adds, like /roomhook (ROOMHOOK_WEB_BASE_PATH)",
     false},
    {"tokens", "FILE",
     "tokens and their rights; without it everyone who reaches the service may read "
     "(ROOMHOOK_WEB_TOKENS)",
     false},
    {"actions", NULL, "allow changes of hooks and dead letters; needs --tokens", false},
    {"environment", "NAME", "shown on every page, like staging (ROOMHOOK_WEB_ENVIRONMENT)", false},
    {"log-level", "NAME", "debug, info (default), warn or error", false},
    {"log-format", "NAME", "logfmt (default) or json", false},
    {"version", NULL, "print the version", false},
    {"help", NULL, "explain the flags", false},
    {NULL, NULL, NULL, false},
};

const struct flag_spec web_token_flags[] = {
    {"tokens", "FILE", "the file; created if missing (ROOMHOOK_WEB_TOKENS)", false},
    {"role", "read|operate|room=ROOM", "what the token allows", false},
    {"expires", "DURATION", "how long it is valid, like 30d; default for ever", false},
    {"help", NULL, "explain the flags", false},
    {NULL, NULL, NULL, false},
};

const char web_purpose[] = "Serves the pages, the HTTP API and the metrics of a queue.\n";
const char web_token_purpose[] = "Prints a new token, only once; the file has its hash.\n";

static const char *const variables[] = {"ROOMHOOK_WEB_LISTEN", "ROOMHOOK_WEB_BASE_PATH",
                                        "ROOMHOOK_WEB_TOKENS", "ROOMHOOK_WEB_ENVIRONMENT", NULL};

static void warn(void *context, const char *text)
{
    (void)context;
    (void)fprintf(stderr, "roomhook-web: warning: %s\n", text);
}

void web_options_warn(char **environment)
{
    redis_options_warn_of_variables(environment, variables, warn, NULL);
}

/* "/roomhook": without '/' at its end, of what needs no escape. */
static int read_base_path(const char *given, char out[BASE_PATH_MAX + 1], struct error_text *why)
{
    size_t len = strlen(given);
    const char *allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./~";

    while (len > 0 && given[len - 1] == '/')
        len--;
    if (len <= BASE_PATH_MAX && (len == 0 || given[0] == '/') &&
        strspn(given, allowed) == strlen(given)) {
        memcpy(out, given, len);
        out[len] = '\0';
        return 0;
    }
    error_text_set(why,
                   "--base-path is like /roomhook, of at most %d characters of A-Z a-z 0-9 "
                   "- _ . ~ /",
                   BASE_PATH_MAX);
    return EXIT_USAGE;
}

static int read_hosts(const struct flags *flags, struct fence *fence, struct error_text *why)
{
    const char *host;

    while ((host = flags_value_at(flags, "host", fence->hosts_len)) != NULL) {
        if (fence->hosts_len + 1 == FENCE_HOSTS_MAX || host[0] == '\0' ||
            strpbrk(host, "/: ") != NULL) {
            error_text_set(why, "--host is a name without port, and there are at most %d",
                           FENCE_HOSTS_MAX - 1);
            return EXIT_USAGE;
        }
        fence->hosts[fence->hosts_len++] = host;
    }
    return 0;
}

static int read_choice(const struct flags *flags, const char *flag, const char *const *words,
                       int otherwise, int *ret_choice, struct error_text *why)
{
    const char *given = flags_value(flags, flag);

    *ret_choice = otherwise;
    for (int i = 0; given != NULL && words[i] != NULL; i++) {
        if (strcmp(given, words[i]) == 0) {
            *ret_choice = i;
            return 0;
        }
    }
    if (given == NULL)
        return 0;
    error_text_set(why, "--%s is not known, see --help", flag);
    return EXIT_USAGE;
}

static int read_log(const struct flags *flags, struct web_options *options, struct error_text *why)
{
    static const char *const levels[] = {"debug", "info", "warn", "error", NULL};
    static const char *const formats[] = {"logfmt", "json", NULL};
    int level = LOG_INFO;
    int format = LOG_LOGFMT;
    int result = read_choice(flags, "log-level", levels, LOG_INFO, &level, why);

    if (result == 0)
        result = read_choice(flags, "log-format", formats, LOG_LOGFMT, &format, why);
    options->log_level = (enum log_level)level;
    options->log_format = (enum log_format)format;
    return result;
}

static int check(const struct web_options *options, struct error_text *why)
{
    if (options->actions && options->tokens == NULL)
        error_text_set(why, "--actions needs --tokens: changes require a token");
    else if (!listen_is_valid(options->listen))
        error_text_set(why, "--listen is like 127.0.0.1:8080, [::1]:8080, or a path");
    else if (listen_is_public(options->listen) && options->tokens == NULL)
        error_text_set(why, "--listen %s reaches beyond this machine, so --tokens is needed",
                       options->listen);
    else if (options->environment != NULL && (strlen(options->environment) > ENVIRONMENT_MAX ||
                                              !bytes_is_utf8(bytes_of(options->environment))))
        error_text_set(why, "--environment is a name of at most %d bytes", ENVIRONMENT_MAX);
    else
        return 0;
    return EXIT_USAGE;
}

int web_options_read(const struct flags *flags, struct web_options *ret_options,
                     struct error_text *why)
{
    struct web_options *options = ret_options;

    *options = (struct web_options){
        .listen = redis_options_value(flags, "listen", "ROOMHOOK_WEB_LISTEN", LISTEN_DEFAULT),
        .tokens = redis_options_value(flags, "tokens", "ROOMHOOK_WEB_TOKENS", NULL),
        .environment = redis_options_value(flags, "environment", "ROOMHOOK_WEB_ENVIRONMENT", NULL),
        .actions = flags_has(flags, "actions"),
    };
    int result = read_log(flags, options, why);
    if (result == 0)
        result = read_hosts(flags, &options->fence, why);
    if (result == 0)
        result =
            read_base_path(redis_options_value(flags, "base-path", "ROOMHOOK_WEB_BASE_PATH", ""),
                           options->base_path, why);
    if (result == 0)
        result = check(options, why);
    if (result == 0) {
        int read = redis_options_read(flags, warn, NULL, &options->redis, why);
        result = read == 0 ? 0 : read == REDIS_OPTIONS_FILE ? EXIT_FAILURE : EXIT_USAGE;
    }
    return result;
}
