#include "manual/programs.h"

#include <stdlib.h>
#include <string.h>

#include "cli/help/commands.h"
#include "cli/help/help.h"
#include "settings/read.h"
#include "settings/settings.h"
#include "web/options.h"

#define WORDS_SIZE 128

/* "debug|info|warn|error", to be freed. */
static char *join_words(const char *const *words)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    if (out == NULL)
        abort();
    for (size_t i = 0; words[i] != NULL; i++)
        (void)fprintf(out, "%s%s", i > 0 ? "|" : "", words[i]);
    if (fclose(out) != 0)
        abort();
    return text;
}

static const char *value_of_setting(const struct setting *setting)
{
    return setting->kind == KIND_CHOICE ? join_words(setting->words) : setting_value_name(setting);
}

static const struct flag_spec *make_worker_flags(void)
{
    size_t len = 0;

    while (settings_flags[len].name != NULL)
        len++;
    struct flag_spec *specs = calloc(len + settings_count + 1, sizeof(*specs));
    if (specs == NULL)
        abort();
    memcpy(specs, settings_flags, len * sizeof(*specs));
    for (size_t i = 0; i < settings_count; i++) {
        const struct setting *setting = &settings_table[i];

        specs[len + i] = (struct flag_spec){setting->name, value_of_setting(setting), setting->help,
                                            setting_is_list(setting)};
    }
    return specs;
}

const struct flag_spec *programs_worker_flags(void)
{
    static const struct flag_spec *made;

    if (made == NULL)
        made = make_worker_flags();
    return made;
}

/* The parts of "auto|TEXT|none" that are words as they stand, separated by spaces. */
static void words_of(const char *value, char out[WORDS_SIZE])
{
    size_t len = 0;

    out[0] = '\0';
    value += value[0] == '[';
    while (*value != '\0' && *value != ']') {
        size_t part = strcspn(value, "|]");
        size_t plain = strspn(value, "abcdefghijklmnopqrstuvwxyz-");

        if (part > 0 && plain == part && len + part + 2 <= WORDS_SIZE)
            len += (size_t)snprintf(out + len, WORDS_SIZE - len, "%s%.*s", len > 0 ? " " : "",
                                    (int)part, value);
        value += part;
        value += *value == '|';
    }
}

static const char *kind_of(const char *command, const struct flag_spec *flag)
{
    if (flag->value == NULL)
        return "none";
    if (flag->value[0] == '[')
        return "optional";
    if (strncmp(flag->value, "FILE", 4) == 0)
        return "file";
    if (strcmp(flag->value, "ROOM") == 0)
        return "room";
    if (strcmp(flag->name, "hook") == 0)
        return "hook";
    if (strcmp(flag->name, "id") == 0 && strncmp(command, "hook ", 5) == 0)
        return "hook";
    return "text";
}

static const char *kind_of_operands(const char *operands)
{
    if (operands[0] == '\0')
        return "none";
    if (strstr(operands, "FILE") != NULL)
        return "file";
    return strstr(operands, "LANE") != NULL ? "lane" : "text";
}

static void print_flags(const char *program, const char *command, const struct flag_spec *flag,
                        FILE *out)
{
    char words[WORDS_SIZE];

    for (; flag->name != NULL; flag++) {
        words_of(flag->value != NULL ? flag->value : "", words);
        (void)fprintf(out, "%s|%s|--%s|%s|%s|%s\n", program, command, flag->name,
                      kind_of(command, flag), words, flag->help);
    }
}

static void print_command(const char *program, const char *command, const char *operands,
                          const char *summary, FILE *out)
{
    (void)fprintf(out, "%s|%s||%s||%s\n", program, command, kind_of_operands(operands), summary);
}

void programs_print_table(FILE *out)
{
    print_flags("roomhook", "*", cli_global_flags, out);
    print_flags("roomhook", "", help_front_flags, out);
    print_command("roomhook", "help", "", "Explains a command.", out);
    for (size_t i = 0; commands[i] != NULL; i++) {
        print_command("roomhook", commands[i]->name, commands[i]->operands, commands[i]->summary,
                      out);
        print_flags("roomhook", commands[i]->name, commands[i]->flags, out);
    }
    print_flags("roomhook-worker", "", programs_worker_flags(), out);
    print_flags("roomhook-web", "", web_flags, out);
    print_command("roomhook-web", "token create", "", "Prints a new token.", out);
    print_flags("roomhook-web", "token create", web_token_flags, out);
}

void programs_print_quoted_table(FILE *out)
{
    char *text = NULL;
    size_t size = 0;
    FILE *table = open_memstream(&text, &size);

    if (table == NULL)
        abort();
    programs_print_table(table);
    if (fclose(table) != 0)
        abort();
    for (const char *at = text; *at != '\0'; at++)
        (void)fprintf(out, "%s%c", *at == '\'' || *at == '\\' ? "\\" : "", *at);
    free(text);
}
