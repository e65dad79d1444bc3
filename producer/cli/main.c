/* The command line: finds the command, reads its flags, runs it. */
#include <errno.h>
#include <roomhook/version.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

static const struct command *const commands[] = {
    &command_send,        &command_hook_set,    &command_hook_rotate,  &command_hook_list,
    &command_hook_remove, &command_hook_enable, &command_hook_disable, &command_hook_resume,
    &command_hook_state,  &command_lane_list,   &command_lane_show,    &command_lane_drop,
    &command_dead_list,   &command_dead_show,   &command_dead_replay,  &command_dead_purge,
    &command_status,      &command_doctor,      &command_listen,
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static const struct flag_spec front_flags[] = {
    {"version", NULL, "print the version", false},
    {NULL, NULL, NULL, false},
};

static void print_flags(const struct flag_spec *specs)
{
    for (; specs->name; specs++) {
        char flag[64];
        (void)snprintf(flag, sizeof(flag), "--%s%s%s", specs->name, specs->value ? " " : "",
                       specs->value ? specs->value : "");
        (void)printf("  %-26s  %s%s\n", flag, specs->help, specs->repeatable ? "; repeatable" : "");
    }
}

/* The commands whose name begins with this word; NULL for all. */
static void print_commands(const char *word)
{
    for (size_t i = 0; i < COMMANDS; i++) {
        if (!word || strncmp(commands[i]->name, word, strlen(word)) == 0)
            (void)printf("  %-14s  %s\n", commands[i]->name, commands[i]->summary);
    }
}

static void print_help(void)
{
    (void)puts("Usage: roomhook [FLAGS] COMMAND [FLAGS]\n"
               "\n"
               "Puts events on a Roomhook queue, registers webhooks, looks after dead letters.\n");
    print_commands(NULL);
    (void)puts("\nFlags of every command, before or after it:");
    print_flags(cli_global_flags);
    print_flags(front_flags);
    (void)puts("\nForms of --redis:\n"
               "  redis://[[user]:password@]host[:port][/db]\n"
               "  rediss://...                   the same over TLS\n"
               "  unix:///path[?db=n]\n"
               "  redis+sentinel://[[user]:password@]host[:port][,...]/master[/db]\n"
               "  rediss+sentinel://...          the same over TLS\n"
               "User and password are percent-encoded; user@host goes with --redis-password-file.");
    (void)puts("\nExamples:\n"
               "  roomhook hook set --room 438 --url https://example.com/hook\n"
               "  roomhook send --room 438 --text hello --from Ana\n"
               "  roomhook status --watch\n"
               "\n"
               "roomhook COMMAND --help explains a command.\n"
               "Exit status: 0 done, 1 failed, 2 wrong usage.");
}

static void print_command_help(const struct command *command)
{
    (void)printf("Usage: roomhook %s [FLAGS]%s%s\n\n%s\n", command->name,
                 command->operands[0] ? " " : "", command->operands, command->summary);
    if (command->details[0] != '\0')
        (void)printf("\n%s", command->details);
    if (command->flags->name)
        (void)puts("\nFlags:");
    print_flags(command->flags);
    (void)puts("\nFlags of every command:");
    print_flags(cli_global_flags);
}

static int show_help(const struct cli *cli)
{
    if (cli->command)
        print_command_help(cli->command);
    else
        print_help();
    return CLI_DONE;
}

/* Help that was asked for in front of a mistake is given all the same. */
static int wrong_flags(const struct cli *cli, const struct error_text *why)
{
    return flags_has(&cli->flags, "help") ? show_help(cli) : cli_usage(cli, "%s", why->text);
}

/* Does argv begin with the words of name? How many they are, or 0. */
static int words_match(const char *name, int argc, char **argv)
{
    int words = 0;

    for (;;) {
        size_t len = strcspn(name, " ");
        if (words == argc || strlen(argv[words]) != len || strncmp(argv[words], name, len) != 0)
            return 0;
        words++;
        if (name[len] == '\0')
            return words;
        name += len + 1;
    }
}

static bool find_command(int argc, char **argv, const struct command **ret_command, int *ret_words)
{
    for (size_t i = 0; i < COMMANDS; i++) {
        int words = words_match(commands[i]->name, argc, argv);
        if (words > 0) {
            *ret_words = words;
            *ret_command = commands[i];
            return true;
        }
    }
    return false;
}

/* "hook", "lane" or "dead" alone, or with a second word that is none of theirs. */
static bool is_family(const char *word)
{
    return strcmp(word, "hook") == 0 || strcmp(word, "lane") == 0 || strcmp(word, "dead") == 0;
}

static int no_such_command(const struct cli *cli, int argc, char **argv)
{
    char shown[64];

    if (argc == 0 && flags_has(&cli->flags, "help"))
        return show_help(cli);
    if (argc == 0)
        return cli_usage(cli, "a command is needed");
    if (is_family(argv[0])) {
        if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
            print_commands(argv[0]);
            return CLI_DONE;
        }
        (void)fprintf(stderr, "roomhook: %s needs one of its commands (see roomhook %s --help)\n",
                      argv[0], argv[0]);
        return CLI_USAGE;
    }
    bytes_printable(bytes_of(argv[0]), shown, sizeof(shown));
    return cli_usage(cli, "there is no command %s", shown);
}

static int run(struct cli *cli, int argc, char **argv)
{
    struct error_text why;
    int used = 0;
    int words = 0;

    if (flags_parse_front(&cli->flags, cli_global_flags, front_flags, argc, argv, &used, &why) < 0)
        return wrong_flags(cli, &why);
    if (flags_has(&cli->flags, "version")) {
        (void)puts("roomhook " RH_VERSION);
        return CLI_DONE;
    }
    argc -= used;
    argv += used;

    if (!find_command(argc, argv, &cli->command, &words))
        return no_such_command(cli, argc, argv);
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

    (void)signal(SIGPIPE, SIG_IGN); /* a lost connection or reader is an error of its call */
    int status = run(&cli, argc - 1, argv + 1);
    cli_release(&cli);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        if (errno != EPIPE) /* the reader had enough: nothing to tell */
            (void)cli_failed("cannot write: %s", strerror(errno));
        return status == CLI_DONE ? CLI_FAILED : status;
    }
    return status;
}
