#include "manual/pages.h"

#include <roomhook/version.h>
#include <string.h>

#include "cli/help/commands.h"
#include "cli/help/help.h"
#include "manual/programs.h"
#include "settings/print.h"
#include "settings/read.h"
#include "settings/settings.h"
#include "web/options.h"

/* --- roff --- */

static void put_char(char c, FILE *out)
{
    static const char *const escapes[128] = {
        ['\\'] = "\\e",  ['-'] = "\\-",   ['\''] = "\\(aq", ['^'] = "\\(ha",
        ['~'] = "\\(ti", ['`'] = "\\(ga", ['"'] = "\\(dq",
    };
    unsigned char index = (unsigned char)c;

    if (index < sizeof(escapes) / sizeof(escapes[0]) && escapes[index] != NULL)
        (void)fputs(escapes[index], out);
    else
        (void)fputc(c, out);
}

/* Text within a line. */
static void put(const char *text, FILE *out)
{
    for (; *text != '\0'; text++)
        put_char(*text, out);
}

/* Lines of text: none begins with a request, however it begins. */
static void put_lines(const char *text, FILE *out)
{
    for (bool begins = true; *text != '\0'; text++) {
        if (begins && (*text == '.' || *text == '\''))
            (void)fputs("\\&", out);
        begins = *text == '\n';
        put_char(*text, out);
    }
}

static void put_paragraph(const char *lines, FILE *out)
{
    size_t len = strlen(lines);

    put_lines(lines, out);
    if (len == 0 || lines[len - 1] != '\n')
        (void)fputc('\n', out);
}

/* As it stands, unfilled and indented. */
static void put_verbatim(const char *lines, FILE *out)
{
    (void)fputs(".in +4n\n.nf\n", out);
    put_lines(lines, out);
    (void)fputs(".fi\n.in\n", out);
}

static void put_title(const char *program, const char *section, const char *what, FILE *out)
{
    (void)fputs(".\\\" Made by the build from the tables of the help.\n.TH \"", out);
    for (const char *at = program; *at != '\0'; at++)
        put_char(*at >= 'a' && *at <= 'z' ? (char)(*at - 'a' + 'A') : *at, out);
    (void)fprintf(out, "\" %s \"\" \"Roomhook " RH_VERSION "\" \"Roomhook manual\"\n", section);
    (void)fputs(".nh\n.ad l\n.SH NAME\n", out);
    put(program, out);
    (void)fputs(" \\- ", out);
    put(what, out);
    (void)fputs("\n.SH SYNOPSIS\n", out);
}

static void put_usage(const char *command, const char *operands, FILE *out)
{
    (void)fputs("\\fB", out);
    put(command, out);
    (void)fputs("\\fR [\\fIFLAGS\\fR] ", out);
    put(operands, out);
    (void)fputc('\n', out);
}

static void put_see_also(const char *others, FILE *out)
{
    (void)fprintf(out, ".SH SEE ALSO\n%s\n", others);
}

/* --- flags --- */

static void put_flag_name(const struct flag_spec *flag, FILE *out)
{
    (void)fputs(".TP\n\\fB\\-\\-", out);
    put(flag->name, out);
    (void)fputs("\\fR", out);
    if (flag->value != NULL) {
        (void)fputs(" \\fI", out);
        put(flag->value, out);
        (void)fputs("\\fR", out);
    }
    (void)fputc('\n', out);
}

static void put_flags(const struct flag_spec *flag, FILE *out)
{
    for (; flag->name != NULL; flag++) {
        put_flag_name(flag, out);
        put_lines(flag->help, out);
        (void)fputs(flag->repeatable ? "; repeatable\n" : "\n", out);
    }
}

/* --- roomhook --- */

static void put_command(const struct command *command, FILE *out)
{
    (void)fputs(".SS ", out);
    put(command->name, out);
    (void)fputs("\n", out);
    (void)fputs("\\fBroomhook ", out);
    put(command->name, out);
    (void)fputs("\\fR [\\fIFLAGS\\fR] ", out);
    put(command->operands, out);
    (void)fputs("\n.PP\n", out);
    put_paragraph(command->summary, out);
    if (command->details[0] != '\0') {
        (void)fputs(".PP\n", out);
        put_paragraph(command->details, out);
    }
    put_flags(command->flags, out);
}

static void put_cli(FILE *out)
{
    put_title("roomhook", "1", "enqueue chat events, manage webhooks and dead letters", out);
    put_usage("roomhook", "COMMAND [FLAGS]", out);
    (void)fputs(".SH DESCRIPTION\n", out);
    put_paragraph(help_purpose, out);
    (void)fputs(".SH FLAGS OF EVERY COMMAND\nThey stand before the command or behind it.\n", out);
    put_flags(cli_global_flags, out);
    put_flags(help_front_flags, out);
    (void)fputs(".SS Forms of \\-\\-redis\n", out);
    put_verbatim(help_redis_forms, out);
    (void)fputs(".PP\n", out);
    put_paragraph(help_redis_users, out);
    (void)fputs(".SH COMMANDS\n", out);
    for (size_t i = 0; commands[i] != NULL; i++)
        put_command(commands[i], out);
    (void)fputs(".SH EXIT STATUS\n0 done, 1 failed, 2 wrong usage.\n.SH EXAMPLES\n", out);
    put_verbatim(help_examples, out);
    put_see_also("\\fBroomhook\\-worker\\fR(8), \\fBroomhook\\-web\\fR(8)", out);
}

/* --- roomhook-worker --- */

static void put_setting(const struct setting *setting, const struct flag_spec *flag, FILE *out)
{
    char variable[SETTING_VARIABLE_SIZE];
    char allowed[SETTING_TEXT_SIZE];

    put_flag_name(flag, out);
    put_lines(setting->help, out);
    (void)fputs(".\n.br\n", out);
    if (setting->default_text[0] != '\0') {
        (void)fputs("Default: ", out);
        put(setting->default_text, out);
        (void)fputs(".\n", out);
    }
    (void)fputs("Allowed: ", out);
    put(setting_allowed(setting, allowed), out);
    (void)fputs(".\nVariable: ", out);
    put(setting_variable(setting, variable), out);
    (void)fputs(setting->reloads ? ".\nRead again at SIGHUP.\n" : ".\n", out);
}

static void put_settings(FILE *out)
{
    const struct flag_spec *flag = programs_worker_flags();

    while (strcmp(flag->name, settings_table[0].name) != 0)
        flag++;
    for (size_t i = 0; i < settings_count; i++) {
        const char *group = settings_table[i].group;

        if (i == 0 || strcmp(group, settings_table[i - 1].group) != 0)
            (void)fprintf(out, ".SS %s\n", group);
        put_setting(&settings_table[i], &flag[i], out);
    }
}

static void put_worker(FILE *out)
{
    put_title("roomhook-worker", "8", "deliver chat events from a Redis stream to webhooks", out);
    put_usage("roomhook-worker", "", out);
    (void)fputs(".SH DESCRIPTION\n", out);
    put_paragraph(settings_help_purpose, out);
    (void)fputs(".PP\n", out);
    put_paragraph(settings_help_sources, out);
    (void)fputs(".SH FLAGS\n", out);
    put_flags(settings_flags, out);
    (void)fputs(".SH SETTINGS\n", out);
    put_settings(out);
    (void)fputs(".SH SIGNALS\n.TP\nSIGTERM, SIGINT\nShuts down gracefully, within "
                "drain\\-timeout.\n.TP\nSIGHUP\nReads the settings file again.\n"
                ".SH EXIT STATUS\n0 done, 1 failed, 2 a setting is not valid.\n"
                ".SH FILES\n.TP\n/etc/roomhook/worker.conf\nThe settings file of the systemd "
                "unit.\n.TP\n/etc/roomhook/redis\\-password\nThe password of Redis, for the "
                "same.\n",
                out);
    put_see_also("\\fBroomhook\\fR(1), \\fBroomhook\\-web\\fR(8)", out);
}

/* --- roomhook-web --- */

static void put_web(FILE *out)
{
    put_title("roomhook-web", "8", "serve the API and the metrics of a Roomhook queue", out);
    put_usage("roomhook-web", "", out);
    (void)fputs(".br\n", out);
    put_usage("roomhook-web token create", "", out);
    (void)fputs(".SH DESCRIPTION\n", out);
    put_paragraph(web_purpose, out);
    (void)fputs(".SH FLAGS\n", out);
    put_flags(web_flags, out);
    (void)fputs(".SH TOKEN CREATE\n", out);
    put_paragraph(web_token_purpose, out);
    put_flags(web_token_flags, out);
    (void)fputs(".SH EXIT STATUS\n0 done, 1 failed, 2 wrong usage.\n"
                ".SH FILES\n.TP\n/etc/roomhook/web.env\nEnvironment variables of the systemd "
                "unit.\n.TP\n/etc/roomhook/web\\-tokens\nIts tokens.\n",
                out);
    put_see_also("\\fBroomhook\\fR(1), \\fBroomhook\\-worker\\fR(8)", out);
}

int page_print(const char *program, FILE *out)
{
    if (strcmp(program, "roomhook") == 0)
        put_cli(out);
    else if (strcmp(program, "roomhook-worker") == 0)
        put_worker(out);
    else if (strcmp(program, "roomhook-web") == 0)
        put_web(out);
    else
        return -1;
    return 0;
}
