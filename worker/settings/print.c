#include "settings/print.h"

#include <string.h>

#include "base/help_text.h"
#include "settings/read.h"
#include "settings/source.h"

static void print_heading(size_t i, const char *mark, FILE *out)
{
    const char *group = settings_table[i].group;

    if (i == 0 || strcmp(group, settings_table[i - 1].group) != 0)
        fprintf(out, "%s%s%s\n", i == 0 ? "" : "\n", mark, group);
}

/* --- as a settings file --- */

/* A list that does not fit into a line goes on in the next one, under the same name. */
static void print_list(const struct setting *setting, const struct settings *settings, FILE *out)
{
    char text[SETTING_TEXT_SIZE];
    size_t name_len = strlen(setting->name) + strlen(" = ");
    size_t column = 0;

    if (setting_items(setting, settings) == 0)
        fprintf(out, "%s = none", setting->name);
    for (size_t i = 0; i < setting_items(setting, settings); i++) {
        size_t len = strlen(setting_format(setting, settings, i, text));

        if (i == 0 || column + 1 + len > SETTINGS_FILE_LINE_MAX) {
            fprintf(out, "%s%s = %s", i == 0 ? "" : "\n", setting->name, text);
            column = name_len + len;
        } else {
            fprintf(out, ",%s", text);
            column += 1 + len;
        }
    }
    fprintf(out, "\n");
}

static void print_value(const struct setting *setting, const struct settings *settings, FILE *out)
{
    char text[SETTING_TEXT_SIZE];
    size_t len = strlen(setting_format(setting, settings, 0, text));

    if (strlen(setting->name) + strlen(" = ") + len > SETTINGS_FILE_LINE_MAX)
        fprintf(out, "# too long for a settings file, give it as a flag or a variable:\n# ");
    fprintf(out, "%s =%s%s\n", setting->name, len > 0 ? " " : "", text);
}

void settings_print(const struct settings *settings, FILE *out)
{
    for (size_t i = 0; i < settings_count; i++) {
        const struct setting *setting = &settings_table[i];

        print_heading(i, "# ", out);
        if (setting_is_list(setting))
            print_list(setting, settings, out);
        else
            print_value(setting, settings, out);
    }
    for (size_t i = 0; i < settings->transports_len; i++)
        transport_print(&settings->transports[i], out);
}

/* --- as a table --- */

void settings_print_markdown(FILE *out)
{
    char allowed[SETTING_TEXT_SIZE];

    fprintf(out, "| setting | default | allowed | reloads | meaning |\n|---|---|---|---|---|\n");
    for (size_t i = 0; i < settings_count; i++) {
        const struct setting *setting = &settings_table[i];
        const char *quote = setting->default_text[0] == '\0' ? "" : "`";

        fprintf(out, "| `%s` | %s%s%s | %s | %s | %s |\n", setting->name, quote,
                setting->default_text, quote, setting_allowed(setting, allowed),
                setting->reloads ? "yes" : "", setting->help);
    }
}

/* --- as help --- */

const char settings_help_purpose[] =
    "Takes chat events from a Redis stream and POSTs them to the webhooks of their\nrooms.\n";

const char settings_help_sources[] =
    "A setting is a flag (--max-in-flight 512), else an environment variable\n"
    "(ROOMHOOK_MAX_IN_FLIGHT=512), else a line of the settings file\n"
    "(max-in-flight = 512), else its default. A list is separated by commas. An empty\n"
    "variable counts as absent.\n";

void settings_help(FILE *out)
{
    fprintf(out, "Usage: roomhook-worker [--config FILE] [--SETTING VALUE]...\n\n%s\n",
            settings_help_purpose);
    help_put_flags(out, settings_flags);
    fprintf(out, "\n%sDefaults stand in brackets.\n\n", settings_help_sources);
    for (size_t i = 0; i < settings_count; i++) {
        const struct setting *setting = &settings_table[i];
        char text[2 * SETTING_TEXT_SIZE];

        snprintf(text, sizeof(text), setting->default_text[0] != '\0' ? "%s [%s]" : "%s",
                 setting->help, setting->default_text);
        print_heading(i, "", out);
        help_put_flag(out, setting->name, setting_value_name(setting), text);
    }
}
