#include "cli/help/help.h"

#include <string.h>

#include "base/help_text.h"
#include "cli/help/commands.h"

#define COMMANDS_COLUMN 18

const struct flag_spec help_front_flags[] = {
    {"version", NULL, "print the version", false},
    {NULL, NULL, NULL, false},
};

const char help_purpose[] =
    "Sends events to a Roomhook queue, registers webhooks, manages dead letters.\n";

const char help_redis_forms[] =
    "redis://[[user]:password@]host[:port][/db]\n"
    "rediss://...                   the same over TLS\n"
    "unix:///path[?db=n]\n"
    "redis+sentinel://[[user]:password@]host[:port][,...]/master[/db]\n"
    "                               [?sentinel-user=...&sentinel-password=...]\n"
    "rediss+sentinel://...          the same over TLS\n";

const char help_redis_users[] =
    "User and password are percent-encoded; user@host goes with\n--redis-password-file.\n";

const char help_examples[] = "roomhook hook set --room 438 --url https://example.com/hook\n"
                             "roomhook send --room 438 --text hello --from Ana\n"
                             "roomhook status --watch\n";

static void print_paragraph(const char *text, FILE *out)
{
    (void)fputc('\n', out);
    help_put_text(out, 0, text);
}

static void print_summary(const struct command *command, FILE *out)
{
    help_put_row(out, COMMANDS_COLUMN, command->name, command->summary);
}

static void print_indented(const char *lines, FILE *out)
{
    while (*lines != '\0') {
        int len = (int)strcspn(lines, "\n");
        (void)fprintf(out, "  %.*s\n", len, lines);
        lines += len + 1;
    }
}

void help_program(FILE *out)
{
    (void)fprintf(out, "Usage: roomhook [FLAGS] COMMAND [FLAGS]\n\n%s\n", help_purpose);
    for (size_t i = 0; commands[i]; i++)
        print_summary(commands[i], out);
    (void)fputs("\nFlags of every command, before or after it:\n", out);
    help_put_flags(out, cli_global_flags);
    help_put_flags(out, help_front_flags);
    (void)fputs("\nForms of --redis:\n", out);
    print_indented(help_redis_forms, out);
    (void)fprintf(out, "%s\nExamples:\n", help_redis_users);
    print_indented(help_examples, out);
    (void)fputs("\n"
                "roomhook help COMMAND, or COMMAND --help, explains a command.\n"
                "Exit status: 0 done, 1 failed, 2 wrong usage.\n",
                out);
}

void help_family(const char *family, FILE *out)
{
    (void)fprintf(out, "Usage: roomhook %s COMMAND [FLAGS]\n\n", family);
    for (size_t i = 0; commands[i]; i++) {
        if (command_is_of(commands[i], family))
            print_summary(commands[i], out);
    }
    (void)fprintf(out, "\nroomhook help %s COMMAND explains a command.\n", family);
}

void help_command(const struct command *command, FILE *out)
{
    (void)fprintf(out, "Usage: roomhook %s [FLAGS]%s%s\n", command->name,
                  command->operands[0] ? " " : "", command->operands);
    print_paragraph(command->summary, out);
    if (command->details[0] != '\0')
        print_paragraph(command->details, out);
    if (command->flags->name)
        (void)fputs("\nFlags:\n", out);
    help_put_flags(out, command->flags);
    (void)fputs("\nWhere Redis is, which queue, and --json: see roomhook help.\n", out);
}

int help_of_words(const struct cli *cli, int argc, char **argv)
{
    int words = 0;
    const struct command *command = command_find(argc, argv, &words);

    if (argc == 0)
        help_program(stdout);
    else if (command && words == argc)
        help_command(command, stdout);
    else if (argc == 1 && command_is_family(argv[0]))
        help_family(argv[0], stdout);
    else if (command)
        return cli_usage(cli, "help takes one command");
    else
        return help_no_such_command(cli, argc, argv);
    return CLI_DONE;
}

int help_no_such_command(const struct cli *cli, int argc, char **argv)
{
    const char *nearest = command_nearest(argc, argv);
    bool of_family = argc > 1 && command_is_family(argv[0]);
    char shown[64];

    bytes_printable(bytes_of(argv[of_family ? 1 : 0]), shown, sizeof(shown));
    return cli_usage(cli, "there is no command %s%s%s%s%s%s", of_family ? argv[0] : "",
                     of_family ? " " : "", shown, nearest ? ", did you mean " : "",
                     nearest ? nearest : "", nearest ? "?" : "");
}
