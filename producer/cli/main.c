/* The command line: finds the command, reads its flags, runs it. */
#include <errno.h>
#include <roomhook/version.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/arguments.h"
#include "cli/cli.h"
#include "cli/help/commands.h"
#include "cli/help/help.h"

static int show_help(const struct cli *cli)
{
    if (cli->command)
        help_command(cli->command, stdout);
    else
        help_program(stdout);
    return CLI_DONE;
}

/* Help that was asked for in front of a mistake is given all the same. */
static int wrong_flags(const struct cli *cli, const struct error_text *why)
{
    return flags_has(&cli->flags, "help") ? show_help(cli) : cli_usage(cli, "%s", why->text);
}

static bool asks_for_help(const char *word)
{
    return strcmp(word, "help") == 0 || strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

/* What is no command with its flags: nothing, "help", a family of commands, or a mistake. */
static int run_other(const struct cli *cli, int argc, char **argv)
{
    if (argc == 0 && flags_has(&cli->flags, "help"))
        return show_help(cli);
    if (argc == 0) {
        help_program(stderr);
        return CLI_USAGE;
    }
    if (strcmp(argv[0], "help") == 0)
        return help_of_words(cli, argc - 1, argv + 1);
    if (!command_is_family(argv[0]))
        return help_no_such_command(cli, argc, argv);
    if (argc == 1 && !flags_has(&cli->flags, "help")) {
        help_family(argv[0], stderr);
        return CLI_USAGE;
    }
    if (argc > 1 && !asks_for_help(argv[1]))
        return help_no_such_command(cli, argc, argv);
    help_family(argv[0], stdout);
    return CLI_DONE;
}

static int run(struct cli *cli, int argc, char **argv)
{
    struct error_text why;
    int used = 0;
    int words = 0;

    if (flags_parse_front(&cli->flags, cli_global_flags, help_front_flags, argc, argv, &used,
                          &why) < 0)
        return wrong_flags(cli, &why);
    if (flags_has(&cli->flags, "version")) {
        (void)puts("roomhook " RH_VERSION);
        return CLI_DONE;
    }
    argc -= used;
    argv += used;

    cli->command = command_find(argc, argv, &words);
    if (!cli->command)
        return run_other(cli, argc, argv);
    if (flags_parse(&cli->flags, cli->command->flags, cli_global_flags, argc - words, argv + words,
                    &why) < 0)
        return wrong_flags(cli, &why);
    if (flags_has(&cli->flags, "help"))
        return show_help(cli);
    if (cli->flags.operands_len > 0 && cli->command->operands[0] == '\0')
        return cli_usage(cli, "%s takes flags only", cli->command->name);
    int failed = cli_init(cli);
    return failed != CLI_DONE ? failed : cli->command->run(cli);
}

int main(int argc, char **argv)
{
    struct cli cli = {0};
    struct arguments arguments;

    if (arguments_copy(argc - 1, argv + 1, &arguments) < 0)
        return cli_failed("out of memory");
    arguments_hide(argc - 1, argv + 1);
    (void)signal(SIGPIPE, SIG_IGN); /* a lost connection or reader is an error of its call */
    int status = run(&cli, argc - 1, arguments.argv);
    cli_release(&cli);
    arguments_release(&arguments);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        if (errno != EPIPE) /* the reader had enough: nothing to tell */
            (void)cli_failed("cannot write: %s", strerror(errno));
        return status == CLI_DONE ? CLI_FAILED : status;
    }
    return status;
}
