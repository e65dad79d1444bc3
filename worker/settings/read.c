#include "settings/read.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "settings/source.h"

#define PREFIX "ROOMHOOK_"

/* --- flags --- */

const struct flag_spec settings_flags[] = {
    {"config", "FILE", "settings file, or ROOMHOOK_CONFIG", false},
    {"alive", "FILE", "exit with 0 if a worker with this alive-file is alive, else with 1", false},
    {"check", NULL, "check all settings, and exit", false},
    {"print-settings", NULL, "print the settings as a settings file, and exit", false},
    {"print-settings-table", NULL, "print all settings as a Markdown table, and exit", false},
    {"version", NULL, "print the version, and exit", false},
    {"help", NULL, "print this, and exit", false},
    {NULL, NULL, NULL, false},
};

/* What a flag that is no setting asks for. */
static const struct request {
    const char *flag;
    enum settings_action action;
    bool is_alone; /* nothing behind it matters, not even whether it is valid */
} requests[] = {
    {"alive", SETTINGS_ALIVE, true},
    {"check", SETTINGS_CHECK, false},
    {"print-settings", SETTINGS_PRINT, false},
    {"print-settings-table", SETTINGS_PRINT_MARKDOWN, true},
    {"help", SETTINGS_HELP, true},
    {"version", SETTINGS_VERSION, true},
};

static const struct request run = {"", SETTINGS_RUN, false};

/* The last one, but the first of those that stand alone. */
static const struct request *find_request(const struct flags *flags)
{
    const struct request *found = &run;

    for (size_t i = 0; i < flags->given_len && !found->is_alone; i++) {
        for (size_t j = 0; j < sizeof(requests) / sizeof(requests[0]); j++) {
            if (strcmp(flags->given[i].spec->name, requests[j].flag) == 0)
                found = &requests[j];
        }
    }
    return found;
}

/* The settings as a table of flags, to be freed. NULL: no memory. */
static struct flag_spec *flags_of_settings(void)
{
    struct flag_spec *specs = calloc(settings_count + 1, sizeof(*specs));

    for (size_t i = 0; specs && i < settings_count; i++) {
        const struct setting *setting = &settings_table[i];

        specs[i] = (struct flag_spec){setting->name, setting_value_name(setting), setting->help,
                                      setting_is_list(setting)};
    }
    return specs;
}

/* What is allowed for the flag whose value is missing, to be said behind that. */
static const char *say_allowed(const struct flags *flags, char out[SETTING_TEXT_SIZE])
{
    const struct setting *setting =
        flags->lacks_value ? setting_find(bytes_of(flags->lacks_value->name)) : NULL;

    return setting ? setting_allowed(setting, out) : NULL;
}

/* The words of a stray argument are not repeated: it may be a Redis URL with a password. */
static void say_stray(int position, const char *nearest, struct error_text *mistake)
{
    if (nearest)
        error_text_set(mistake, "argument %d is not a flag, did you mean --%s?", position, nearest);
    else
        error_text_set(mistake, "argument %d is not a flag: --NAME VALUE is allowed", position);
}

static int parse_flags(int argc, char **argv, const struct flag_spec *specs, struct flags *flags,
                       struct error_text *why)
{
    struct error_text mistake = {""};
    char allowed[SETTING_TEXT_SIZE];
    const char *must_be;
    int used;

    if (flags_parse_front(flags, settings_flags, specs, argc - 1, argv + 1, &used, &mistake) == 0) {
        if (used >= argc - 1)
            return 0;
        say_stray(used + 1, flags_nearest(settings_flags, specs, bytes_of(argv[used + 1])),
                  &mistake);
    }
    must_be = say_allowed(flags, allowed);
    error_text_set(why, "%s%s%s (see roomhook-worker --help)", mistake.text,
                   must_be ? ", must be " : "", must_be ? must_be : "");
    return -1;
}

static int apply_flags(const struct flags *flags, struct settings_draft *draft,
                       struct error_text *why)
{
    const struct setting_source source = {.origin = SETTING_FLAG};

    for (size_t i = 0; i < flags->given_len; i++) {
        const struct flag_given *given = &flags->given[i];
        const struct setting *setting = setting_find(bytes_of(given->spec->name));
        const char *value = given->value ? given->value : "yes"; /* of a switch */

        if (setting && settings_draft_set(draft, setting, bytes_of(value), &source, why))
            return -1;
    }
    return 0;
}

/* --- environment --- */

/* NULL when the variable is absent or empty. */
static const char *environment_get(char **environment, const char *name)
{
    size_t len = strlen(name);

    for (; environment && *environment; environment++) {
        const char *entry = *environment;

        if (strncmp(entry, name, len) == 0 && entry[len] == '=')
            return entry[len + 1] != '\0' ? entry + len + 1 : NULL;
    }
    return NULL;
}

static int apply_environment(char **environment, struct settings_draft *draft,
                             struct error_text *why)
{
    const struct setting_source source = {.origin = SETTING_ENVIRONMENT};
    char variable[SETTING_VARIABLE_SIZE];

    for (size_t i = 0; i < settings_count; i++) {
        const struct setting *setting = &settings_table[i];
        const char *value = environment_get(environment, setting_variable(setting, variable));

        if (value && settings_draft_set(draft, setting, bytes_of(value), &source, why))
            return -1;
    }
    return 0;
}

/* The variable's name, without its value, when it is ours by its prefix and none that we know. */
static bool is_unknown(const char *entry, struct bytes *ret_name)
{
    const char *end = strchr(entry, '=');
    char known[SETTING_VARIABLE_SIZE];

    if (!end || strncmp(entry, PREFIX, strlen(PREFIX)) != 0)
        return false;
    *ret_name = (struct bytes){entry, (size_t)(end - entry)};
    if (bytes_equal_text(*ret_name, "ROOMHOOK_CONFIG"))
        return false;
    for (size_t i = 0; i < settings_count; i++) {
        if (bytes_equal_text(*ret_name, setting_variable(&settings_table[i], known)))
            return false;
    }
    return true;
}

static const char *variable_nearest(struct bytes name, char out[SETTING_VARIABLE_SIZE])
{
    char text[SETTING_VARIABLE_SIZE] = "";
    const char *nearest;

    if (!bytes_copy_text((struct bytes){name.data + strlen(PREFIX), name.len - strlen(PREFIX)},
                         text, sizeof(text)))
        return NULL;
    for (char *c = text; *c != '\0'; c++)
        *c = *c == '_' ? '-' : (char)tolower((unsigned char)*c);
    nearest = setting_nearest(bytes_of(text));
    return nearest ? setting_variable(setting_find(bytes_of(nearest)), out) : NULL;
}

/* Not refused: what starts containers may put variables there that begin by a service's name. */
static void note_unknown_variables(char **environment, struct error_text *ret_names)
{
    char *at = ret_names->text;
    size_t room = sizeof(ret_names->text);
    struct bytes name;
    char shown[SETTING_VARIABLE_SIZE];
    char near[SETTING_VARIABLE_SIZE];

    for (; environment && *environment; environment++) {
        if (!is_unknown(*environment, &name))
            continue;
        const char *nearest = variable_nearest(name, near);
        int len =
            snprintf(at, room, "%s%s%s%s%s", at == ret_names->text ? "" : ", ",
                     bytes_printable(name, shown, sizeof(shown)), nearest ? " (did you mean " : "",
                     nearest ? nearest : "", nearest ? "?)" : "");
        if (len < 0 || (size_t)len >= room) {
            *at = '\0';
            return;
        }
        at += len;
        room -= (size_t)len;
    }
}

/* --- password --- */

/* systemd puts the files of LoadCredential= there. */
static void find_credential(char **environment, struct settings *settings)
{
    const char *folder = environment_get(environment, "CREDENTIALS_DIRECTORY");
    char path[sizeof(settings->redis_password_file)];
    int len;

    if (!folder)
        return;
    len = snprintf(path, sizeof(path), "%s/redis-password", folder);
    if (len > 0 && (size_t)len < sizeof(path) && access(path, F_OK) == 0)
        memcpy(settings->redis_password_file, path, (size_t)len + 1);
}

/* Without the end of its line, which an editor puts there. */
static struct bytes cut_line_end(struct bytes text)
{
    if (text.len > 0 && text.data[text.len - 1] == '\n') {
        text.len--;
        if (text.len > 0 && text.data[text.len - 1] == '\r')
            text.len--;
    }
    return text;
}

int settings_read_password(const char *name, const char *path, char password[REDIS_CREDENTIAL_MAX],
                           struct error_text *why)
{
    char text[REDIS_CREDENTIAL_MAX + 2]; /* room for "\r\n" behind the longest */
    ssize_t got = file_read_start(path, text, sizeof(text));
    struct bytes line = cut_line_end((struct bytes){text, got > 0 ? (size_t)got : 0});
    const char *problem = NULL;
    char shown[SETTINGS_PATH_SIZE];

    if (got < 0)
        problem = strerror(errno);
    else if (line.len == 0 || !bytes_copy_text(line, password, REDIS_CREDENTIAL_MAX))
        problem = "must hold a password of 1 to 511 bytes without NUL";
    explicit_bzero(text, sizeof(text));
    if (!problem)
        return 0;
    settings_path_shown(path, shown);
    error_text_set(why, "%s \"%s\": %s%s", name, shown, got < 0 ? "cannot be read: " : "", problem);
    return -1;
}

static int read_password(char **environment, struct settings *settings, struct error_text *why)
{
    bool has_password = settings->redis.password[0] != '\0';

    if (has_password && settings->redis_password_file[0] != '\0') {
        error_text_set(why, "redis holds a password and redis-password-file is given as well: only "
                            "one of them is allowed");
        return -1;
    }
    if (!has_password && settings->redis_password_file[0] == '\0')
        find_credential(environment, settings);
    if (settings->redis_password_file[0] == '\0')
        return 0;
    return settings_read_password("redis-password-file", settings->redis_password_file,
                                  settings->redis.password, why);
}

static int read_sentinel_password(struct settings *settings, struct error_text *why)
{
    if (settings->sentinel_password_file[0] == '\0')
        return 0;
    if (settings->redis.sentinels_len == 0)
        error_text_set(why, "sentinel-password-file is for redis+sentinel:// and "
                            "rediss+sentinel://, but redis does not begin so");
    else if (settings->redis.sentinel_password[0] != '\0')
        error_text_set(why, "redis holds a sentinel-password and sentinel-password-file is "
                            "given as well: only one of them is allowed");
    else
        return settings_read_password("sentinel-password-file", settings->sentinel_password_file,
                                      settings->redis.sentinel_password, why);
    return -1;
}

static int read_proxy_password(struct settings *settings, struct error_text *why)
{
    bool has_file = settings->proxy_password_file[0] != '\0';

    if (has_file != (settings->proxy.user[0] != '\0')) {
        error_text_set(why, has_file ? "proxy-password-file is given, but proxy names no user"
                                     : "proxy names a user, but proxy-password-file is not given");
        return -1;
    }
    return has_file ? settings_read_password("proxy-password-file", settings->proxy_password_file,
                                             settings->proxy_password, why)
                    : 0;
}

/* What libcurl and others would obey. */
static void note_environment_proxy(char **environment, struct settings *settings)
{
    static const char *const names[] = {"https_proxy", "HTTPS_PROXY", "http_proxy",
                                        "HTTP_PROXY",  "all_proxy",   "ALL_PROXY"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (environment_get(environment, names[i]) && settings->environment_proxy[0] == '\0')
            (void)snprintf(settings->environment_proxy, sizeof(settings->environment_proxy), "%s",
                           names[i]);
    }
}

static int read_file(const char *path, struct settings_draft *draft, struct error_text *why)
{
    if (settings_file_read(path, draft, why))
        return -1;
    if (bytes_copy_text(bytes_of(path), draft->settings.config_file,
                        sizeof(draft->settings.config_file)))
        return 0;
    error_text_set(why, "config is a path of more than %zu bytes",
                   sizeof(draft->settings.config_file) - 1);
    return -1;
}

static void note_outranked(struct settings_draft *draft)
{
    for (size_t i = 0; i < settings_count; i++) {
        if (draft->origins[settings_table[i].offset] >= SETTING_ENVIRONMENT)
            draft->settings.outranked |= UINT64_C(1) << i;
    }
}

static int read_sources(const struct flags *flags, char **environment, struct settings_draft *draft,
                        struct error_text *why)
{
    const char *config = flags_value(flags, "config");

    if (!config)
        config = environment_get(environment, "ROOMHOOK_CONFIG");
    if ((config && read_file(config, draft, why)) || apply_environment(environment, draft, why) ||
        apply_flags(flags, draft, why) || settings_draft_check(draft, why))
        return -1;
    note_outranked(draft);
    note_unknown_variables(environment, &draft->settings.unknown_variables);
    note_environment_proxy(environment, &draft->settings);
    return read_password(environment, &draft->settings, why) ||
                   read_sentinel_password(&draft->settings, why) ||
                   read_proxy_password(&draft->settings, why)
               ? -1
               : 0;
}

static int read_alive(const struct flags *flags, struct settings *settings, struct error_text *why)
{
    const char *path = flags_value(flags, "alive");

    if (path[0] != '\0' &&
        bytes_copy_text(bytes_of(path), settings->alive_file, sizeof(settings->alive_file)))
        return 0;
    error_text_set(why, "alive must be a path of 1 to %zu bytes", sizeof(settings->alive_file) - 1);
    return -1;
}

int settings_read(int argc, char **argv, char **environment, struct settings *ret_settings,
                  enum settings_action *ret_action, struct error_text *why)
{
    struct settings_draft draft;
    struct flags flags = {.given_len = 0};
    struct flag_spec *specs = flags_of_settings();
    const struct request *request;
    int result = -1;

    settings_draft_init(&draft);
    if (specs)
        result = parse_flags(argc, argv, specs, &flags, why);
    else
        error_text_set(why, "out of memory");
    request = find_request(&flags);
    if (request->action == SETTINGS_ALIVE)
        result = read_alive(&flags, &draft.settings, why);
    else if (request->is_alone)
        result = 0;
    else if (!result)
        result = read_sources(&flags, environment, &draft, why);
    if (!result) {
        *ret_settings = draft.settings;
        *ret_action = request->action;
    }
    explicit_bzero(&draft, sizeof(draft)); /* may hold a password */
    free(specs);
    return result;
}
