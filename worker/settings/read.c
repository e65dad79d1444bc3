#include "settings/read.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "settings/source.h"

/* --- flags --- */

/* A flag that is no setting. */
struct command {
    const char *name;
    enum settings_action action;
    bool ends_reading; /* nothing else matters, not even whether it is valid */
};

static const struct command commands[] = {
    {"check", SETTINGS_CHECK, false},
    {"print-settings", SETTINGS_PRINT, false},
    {"print-settings-table", SETTINGS_PRINT_MARKDOWN, true},
    {"help", SETTINGS_HELP, true},
    {"version", SETTINGS_VERSION, true},
};

/* One flag with its value: exactly one of command, setting and is_config is set. */
struct flag {
    const struct command *command;
    const struct setting *setting;
    bool is_config;
    const char *value; /* NULL when there is none */
};

struct arguments {
    int argc;
    char **argv;
    int at; /* the next one to look at */
};

static const struct command *command_find(struct bytes name)
{
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (bytes_equal_text(name, commands[i].name))
            return &commands[i];
    }
    return NULL;
}

static int refuse_unknown_flag(struct bytes name, struct error_text *why)
{
    const struct setting *nearest = setting_nearest(name);
    char shown[48];

    bytes_printable(name, shown, sizeof(shown));
    if (nearest)
        error_text_set(why, "unknown flag --%s, did you mean --%s?", shown, nearest->name);
    else
        error_text_set(why, "unknown flag --%s, see --help", shown);
    return -1;
}

/* A flag's value is the next argument unless that is a flag itself; a switch needs none. */
static int take_value(struct arguments *arguments, struct bytes name, struct flag *flag,
                      struct error_text *why)
{
    const char *next = arguments->at < arguments->argc ? arguments->argv[arguments->at] : NULL;
    char allowed[SETTING_TEXT_SIZE] = "a path";

    if (next && strncmp(next, "--", 2) != 0) {
        flag->value = next;
        arguments->at++;
        return 0;
    }
    if (flag->setting && flag->setting->kind == KIND_BOOL) {
        flag->value = "yes";
        return 0;
    }
    if (flag->setting)
        setting_allowed(flag->setting, allowed);
    error_text_set(why, "%.*s (flag): needs a value, must be %s", (int)name.len, name.data,
                   allowed);
    return -1;
}

/* Reads --name, --name=value or --name value. The words of a stray argument are not repeated: it
 * may be a Redis URL with a password. */
static int next_flag(struct arguments *arguments, struct flag *ret_flag, struct error_text *why)
{
    const char *argument = arguments->argv[arguments->at++];
    struct flag flag = {.value = NULL};
    const char *equals;
    struct bytes name;

    if (strcmp(argument, "-h") == 0)
        argument = "--help";
    if (strncmp(argument, "--", 2) != 0) {
        error_text_set(why, "argument %d is not a flag: --NAME VALUE is allowed, see --help",
                       arguments->at - 1);
        return -1;
    }
    equals = strchr(argument, '=');
    name = equals ? (struct bytes){argument + 2, (size_t)(equals - argument) - 2}
                  : bytes_of(argument + 2);
    flag.command = command_find(name);
    flag.setting = setting_find(name);
    flag.is_config = bytes_equal_text(name, "config");
    flag.value = equals ? equals + 1 : NULL;
    if (!flag.command && !flag.setting && !flag.is_config)
        return refuse_unknown_flag(name, why);
    if (flag.command && flag.value) {
        error_text_set(why, "--%s takes no value", flag.command->name);
        return -1;
    }
    if (!flag.command && !flag.value && take_value(arguments, name, &flag, why))
        return -1;
    *ret_flag = flag;
    return 0;
}

/* What the flags say besides settings; stops at one that makes the rest irrelevant. */
static int scan_flags(int argc, char **argv, const struct command **ret_command,
                      const char **ret_config, struct error_text *why)
{
    struct arguments arguments = {.argc = argc, .argv = argv, .at = 1};

    while (arguments.at < argc) {
        struct flag flag;

        if (next_flag(&arguments, &flag, why))
            return -1;
        if (flag.is_config)
            *ret_config = flag.value;
        if (flag.command)
            *ret_command = flag.command;
        if (flag.command && flag.command->ends_reading)
            return 0;
    }
    return 0;
}

static int apply_flags(int argc, char **argv, struct settings_draft *draft, struct error_text *why)
{
    const struct setting_source source = {.origin = SETTING_FLAG};
    struct arguments arguments = {.argc = argc, .argv = argv, .at = 1};

    while (arguments.at < argc) {
        struct flag flag;

        if (next_flag(&arguments, &flag, why))
            return -1;
        if (flag.setting &&
            settings_draft_set(draft, flag.setting, bytes_of(flag.value), &source, why))
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

static int read_password_file(struct settings *settings, struct error_text *why)
{
    char *password = settings->redis.password;
    char text[sizeof(settings->redis.password) + 2]; /* room for "\r\n" behind the longest */
    ssize_t got = file_read_start(settings->redis_password_file, text, sizeof(text));
    struct bytes line = cut_line_end((struct bytes){text, got > 0 ? (size_t)got : 0});
    const char *problem = NULL;
    char shown[SETTINGS_PATH_SIZE];

    if (got < 0)
        problem = strerror(errno);
    else if (line.len == 0 || !bytes_copy_text(line, password, sizeof(settings->redis.password)))
        problem = "must hold a password of 1 to 511 bytes without NUL";
    explicit_bzero(text, sizeof(text));
    if (!problem)
        return 0;
    settings_path_shown(settings->redis_password_file, shown);
    error_text_set(why, "redis-password-file \"%s\": %s%s", shown,
                   got < 0 ? "cannot be read: " : "", problem);
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
    return read_password_file(settings, why);
}

static int read_sources(int argc, char **argv, char **environment, struct settings_draft *draft,
                        enum settings_action *ret_action, struct error_text *why)
{
    const char *config = environment_get(environment, "ROOMHOOK_CONFIG");
    const struct command *command = NULL;

    if (scan_flags(argc, argv, &command, &config, why))
        return -1;
    if (!command || !command->ends_reading) {
        if (config && settings_file_read(config, draft, why))
            return -1;
        if (apply_environment(environment, draft, why) || apply_flags(argc, argv, draft, why) ||
            settings_draft_check(draft, why) || read_password(environment, &draft->settings, why))
            return -1;
    }
    *ret_action = command ? command->action : SETTINGS_RUN;
    return 0;
}

int settings_read(int argc, char **argv, char **environment, struct settings *ret_settings,
                  enum settings_action *ret_action, struct error_text *why)
{
    struct settings_draft draft;
    int result;

    settings_draft_init(&draft);
    result = read_sources(argc, argv, environment, &draft, ret_action, why);
    if (!result)
        *ret_settings = draft.settings;
    explicit_bzero(&draft, sizeof(draft)); /* may hold a password */
    return result;
}
