#include "arguments.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "contract/parse.h"

#define WORDS_MAX 64

static _Noreturn void give_up(const char *problem, const char *word)
{
    fprintf(stderr, "%s: %s\n", word, problem);
    exit(2);
}

void arguments_init(struct arguments *arguments, int argc, char **argv)
{
    *arguments = (struct arguments){.words = argv + 1, .len = argc - 1};
    if (arguments->len > WORDS_MAX)
        give_up("too many arguments", argv[0]);
}

const char *arguments_text(struct arguments *arguments, const char *name, const char *fallback)
{
    size_t len = strlen(name);
    for (int i = 0; i < arguments->len; i++) {
        const char *word = arguments->words[i];
        if (strncmp(word, name, len) != 0 || word[len] != '=')
            continue;
        arguments->used |= UINT64_C(1) << i;
        return word + len + 1;
    }
    if (fallback == NULL)
        give_up("is required, as name=value", name);
    return fallback;
}

int64_t arguments_number(struct arguments *arguments, const char *name, int64_t fallback,
                         int64_t min, int64_t max)
{
    const char *text = arguments_text(arguments, name, "");
    int64_t value = fallback;
    char problem[96];
    if (text[0] != '\0' && parse_int64(bytes_of(text), min, max, &value) != 0) {
        snprintf(problem, sizeof(problem), "must be from %" PRId64 " to %" PRId64, min, max);
        give_up(problem, name);
    }
    return value;
}

void arguments_finish(const struct arguments *arguments)
{
    for (int i = 0; i < arguments->len; i++) {
        if ((arguments->used & UINT64_C(1) << i) == 0)
            give_up("is not an argument of this program", arguments->words[i]);
    }
}
