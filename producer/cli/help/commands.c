#include "cli/help/commands.h"

#include <string.h>

#include "base/spelling.h"

const struct command *const commands[] = {
    &command_send,        &command_hook_set,    &command_hook_rotate, &command_hook_list,
    &command_hook_show,   &command_hook_remove, &command_hook_enable, &command_hook_disable,
    &command_hook_resume, &command_hook_state,  &command_hook_test,   &command_lane_list,
    &command_lane_show,   &command_lane_drop,   &command_dead_list,   &command_dead_show,
    &command_dead_replay, &command_dead_purge,  &command_resend,      &command_log,
    &command_status,      &command_doctor,      &command_listen,      NULL,
};

static const char *const families[] = {"hook", "lane", "dead"};

#define FAMILIES (sizeof(families) / sizeof(families[0]))

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

const struct command *command_find(int argc, char **argv, int *ret_words)
{
    for (size_t i = 0; commands[i]; i++) {
        int words = words_match(commands[i]->name, argc, argv);
        if (words > 0) {
            *ret_words = words;
            return commands[i];
        }
    }
    return NULL;
}

bool command_is_family(const char *word)
{
    for (size_t i = 0; i < FAMILIES; i++) {
        if (strcmp(word, families[i]) == 0)
            return true;
    }
    return false;
}

bool command_is_of(const struct command *command, const char *family)
{
    size_t len = strlen(family);

    return strncmp(command->name, family, len) == 0 && command->name[len] == ' ';
}

/* The command of the family whose second word is like the one typed. */
static const char *nearest_of(const char *family, const char *typed)
{
    struct spelling spelling = spelling_of(bytes_of(typed));
    size_t skipped = strlen(family) + 1;

    for (size_t i = 0; commands[i]; i++) {
        if (command_is_of(commands[i], family))
            spelling_offer(&spelling, commands[i]->name + skipped);
    }
    return spelling.nearest ? spelling.nearest - skipped : NULL; /* the whole name */
}

const char *command_nearest(int argc, char **argv)
{
    const char *first = argc > 0 ? argv[0] : "";
    struct spelling spelling = spelling_of(bytes_of(first));

    if (command_is_family(first))
        return argc > 1 ? nearest_of(first, argv[1]) : NULL;
    for (size_t i = 0; commands[i]; i++) {
        if (!strchr(commands[i]->name, ' '))
            spelling_offer(&spelling, commands[i]->name);
    }
    for (size_t i = 0; i < FAMILIES; i++)
        spelling_offer(&spelling, families[i]);
    if (!spelling.nearest || argc == 1 || !command_is_family(spelling.nearest))
        return spelling.nearest;
    /* The family is misspelt; maybe its command is too. */
    const char *both = nearest_of(spelling.nearest, argv[1]);
    return both ? both : spelling.nearest;
}
