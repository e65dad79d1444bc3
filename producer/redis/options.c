#include "redis/options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file_mark.h"
#include "base/spelling.h"

static const char prefix[] = "ROOMHOOK_";

static const char *const variables[] = {
    "ROOMHOOK_REDIS",
    "ROOMHOOK_REDIS_PASSWORD_FILE",
    "ROOMHOOK_REDIS_CA",
    "ROOMHOOK_REDIS_CERT",
    "ROOMHOOK_REDIS_KEY",
    "ROOMHOOK_QUEUE",
    "ROOMHOOK_SENTINEL_PASSWORD_FILE",
    NULL,
};

const char *redis_options_value(const struct flags *flags, const char *flag, const char *variable,
                                const char *fallback)
{
    const char *given = flags_value(flags, flag);
    const char *inherited = getenv(variable);

    if (given)
        return given;
    return inherited && inherited[0] != '\0' ? inherited : fallback;
}

/* The file's first line is the password. */
static int read_password(const char *path, redis_options_warn_fn *warn, void *context,
                         char password[REDIS_CREDENTIAL_MAX], struct error_text *why)
{
    if (file_is_open_to_all(path))
        warn(context, "every user of this machine may read the password file");

    FILE *file = fopen(path, "re");

    if (!file) {
        error_text_set(why, "cannot read the password file: %s", strerror(errno));
        return REDIS_OPTIONS_FILE;
    }
    size_t len = fread(password, 1, REDIS_CREDENTIAL_MAX - 1, file);
    bool ok = !ferror(file) && feof(file);
    (void)fclose(file);
    password[ok ? len : 0] = '\0';
    password[strcspn(password, "\r\n")] = '\0';
    if (password[0] != '\0')
        return 0;
    error_text_set(why, "the password file is empty, longer than %d bytes, or unreadable",
                   REDIS_CREDENTIAL_MAX - 1);
    return REDIS_OPTIONS_FILE;
}

int redis_options_read(const struct flags *flags, redis_options_warn_fn *warn, void *context,
                       struct redis_options *ret_options, struct error_text *why)
{
    const char *queue = redis_options_value(flags, "queue", "ROOMHOOK_QUEUE", "webhooks");
    struct redis_options *options = ret_options;
    struct error_text problem;

    *options = (struct redis_options){
        .url = redis_options_value(flags, "redis", "ROOMHOOK_REDIS", REDIS_DEFAULT_ADDRESS),
        .password_file =
            redis_options_value(flags, "redis-password-file", "ROOMHOOK_REDIS_PASSWORD_FILE", NULL),
        .sentinel_password_file = redis_options_value(flags, "sentinel-password-file",
                                                      "ROOMHOOK_SENTINEL_PASSWORD_FILE", NULL),
        .tls = {.ca = redis_options_value(flags, "redis-ca", "ROOMHOOK_REDIS_CA", NULL),
                .cert = redis_options_value(flags, "redis-cert", "ROOMHOOK_REDIS_CERT", NULL),
                .key = redis_options_value(flags, "redis-key", "ROOMHOOK_REDIS_KEY", NULL)},
    };
    if (options->tls.key && file_is_open_to_all(options->tls.key))
        warn(context, "every user of this machine may read --redis-key");
    if (keys_init(&options->keys, queue) < 0) {
        error_text_set(why, "--queue is not of [A-Za-z0-9_-], 1 to %d characters", RH_NAME_MAX);
        return REDIS_OPTIONS_USAGE;
    }
    if (redis_address_parse(bytes_of(options->url), &options->address, &problem) < 0) {
        error_text_set(why, "--redis: %s", problem.text);
        return REDIS_OPTIONS_USAGE;
    }
    int read = 0;
    if (options->password_file)
        read = read_password(options->password_file, warn, context, options->address.password, why);
    if (read == 0 && options->sentinel_password_file)
        read = read_password(options->sentinel_password_file, warn, context,
                             options->address.sentinel_password, why);
    return read;
}

/* Offers a list of variables; true: the name is one of them. */
static bool offer(struct spelling *spelling, const char *const *list, struct bytes name)
{
    for (; list && *list; list++) {
        if (bytes_equal_text(name, *list))
            return true;
        spelling_offer(spelling, *list + sizeof(prefix) - 1);
    }
    return false;
}

static void look_at_variable(struct bytes name, const char *const *more,
                             redis_options_warn_fn *warn, void *context)
{
    const size_t skip = sizeof(prefix) - 1;
    struct spelling spelling = spelling_of((struct bytes){name.data + skip, name.len - skip});
    struct error_text text;
    char shown[64];

    if (offer(&spelling, variables, name) || offer(&spelling, more, name) || !spelling.nearest)
        return;
    error_text_set(&text, "%s is not known, did you mean %s?",
                   bytes_printable(name, shown, sizeof(shown)), spelling.nearest - skip);
    warn(context, text.text);
}

void redis_options_warn_of_variables(char **environment, const char *const *more,
                                     redis_options_warn_fn *warn, void *context)
{
    for (; environment && *environment; environment++) {
        const char *end = strchr(*environment, '=');
        if (end && strncmp(*environment, prefix, sizeof(prefix) - 1) == 0)
            look_at_variable((struct bytes){*environment, (size_t)(end - *environment)}, more, warn,
                             context);
    }
}
