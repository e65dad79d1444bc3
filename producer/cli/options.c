#include "cli/options.h"

#include <string.h>

/* What is being read: the tables, and the strings that are left. */
struct reading {
    struct options *options;
    const struct option_spec *specs;
    const struct option_spec *more_specs; /* may be NULL */
    int argc;
    char **argv;
    struct error_text *why;
};

static bool is_flag(const char *text)
{
    return text[0] == '-' && text[1] != '\0';
}

static const struct option_spec *find_in(const struct option_spec *specs, struct bytes name)
{
    for (; specs && specs->name; specs++) {
        if (bytes_equal_text(name, specs->name))
            return specs;
    }
    return NULL;
}

static const struct option_spec *find(const struct reading *reading, struct bytes name)
{
    const struct option_spec *spec = find_in(reading->specs, name);

    return spec ? spec : find_in(reading->more_specs, name);
}

/* Notes a flag that took so many strings, and returns how many; or -1. */
static int add(const struct reading *reading, const struct option_spec *spec, const char *value,
               int used)
{
    struct options *options = reading->options;

    if (!spec->repeatable && options_has(options, spec->name)) {
        error_text_set(reading->why, "--%s is given twice", spec->name);
        return -1;
    }
    if (options->given_len == OPTIONS_MAX) {
        error_text_set(reading->why, "more than %d flags are given", OPTIONS_MAX);
        return -1;
    }
    options->given[options->given_len++] = (struct option_given){spec, value};
    return used;
}

/* Reads the flag that comes next. How many strings it took, or -1. */
static int read_flag(const struct reading *reading)
{
    const char *text = reading->argv[0];
    size_t len = strcspn(text, "=");
    const char *attached = text[len] == '=' ? text + len + 1 : NULL;
    const char *next = reading->argc > 1 ? reading->argv[1] : NULL;
    const struct option_spec *spec = NULL;
    char shown[64];

    if (strncmp(text, "--", 2) == 0)
        spec = find(reading, (struct bytes){text + 2, len - 2});
    if (!spec) {
        bytes_printable((struct bytes){text, len}, shown, sizeof(shown));
        error_text_set(reading->why, "there is no flag %s here", shown);
        return -1;
    }
    if (!spec->value && attached) {
        error_text_set(reading->why, "--%s takes no value", spec->name);
        return -1;
    }
    if (!spec->value)
        return add(reading, spec, "", 1);
    if (attached)
        return add(reading, spec, attached, 1);
    /* A value that looks like a flag is more likely a forgotten one. */
    if (!next || strncmp(next, "--", 2) == 0) {
        error_text_set(reading->why, "--%s needs a value: --%s=%s", spec->name, spec->name,
                       spec->value);
        return -1;
    }
    return add(reading, spec, next, 2);
}

static void advance(struct reading *reading, int n)
{
    reading->argc -= n;
    reading->argv += n;
}

int options_parse_front(struct options *options, const struct option_spec *specs, int argc,
                        char **argv, int *ret_used, struct error_text *why)
{
    struct reading reading = {
        .options = options, .specs = specs, .argc = argc, .argv = argv, .why = why};

    while (reading.argc > 0 && is_flag(reading.argv[0])) {
        int used = read_flag(&reading);
        if (used < 0)
            return -1;
        advance(&reading, used);
    }
    *ret_used = argc - reading.argc;
    return 0;
}

int options_parse(struct options *options, const struct option_spec *specs,
                  const struct option_spec *more_specs, int argc, char **argv,
                  struct error_text *why)
{
    struct reading reading = {options, specs, more_specs, argc, argv, why};
    bool flags_ended = false;

    options->operands = argv;
    while (reading.argc > 0) {
        int used = 1;
        if (flags_ended || !is_flag(reading.argv[0]))
            argv[options->operands_len++] = reading.argv[0];
        else if (strcmp(reading.argv[0], "--") == 0)
            flags_ended = true;
        else
            used = read_flag(&reading);
        if (used < 0)
            return -1;
        advance(&reading, used);
    }
    return 0;
}

const char *options_value_at(const struct options *options, const char *name, size_t n)
{
    for (size_t i = 0; i < options->given_len; i++) {
        if (strcmp(options->given[i].spec->name, name) == 0 && n-- == 0)
            return options->given[i].value;
    }
    return NULL;
}

const char *options_value(const struct options *options, const char *name)
{
    return options_value_at(options, name, 0);
}

bool options_has(const struct options *options, const char *name)
{
    return options_value(options, name) != NULL;
}
