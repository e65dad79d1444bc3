#include "base/flags.h"

#include <string.h>

#include "base/spelling.h"

/* What is being read: the tables, and the strings that are left. */
struct reading {
    struct flags *flags;
    const struct flag_spec *tables[2]; /* the second may be NULL */
    int argc;
    char **argv;
    struct error_text *why;
};

static bool is_flag(const char *text)
{
    return text[0] == '-' && text[1] != '\0';
}

static const struct flag_spec *find(const struct reading *reading, struct bytes name)
{
    for (size_t i = 0; i < 2; i++) {
        for (const struct flag_spec *spec = reading->tables[i]; spec && spec->name; spec++) {
            if (bytes_equal_text(name, spec->name))
                return spec;
        }
    }
    return NULL;
}

const char *flags_nearest(const struct flag_spec *specs, const struct flag_spec *more_specs,
                          struct bytes name)
{
    struct spelling spelling = spelling_of(name);

    for (; specs && specs->name; specs++)
        spelling_offer(&spelling, specs->name);
    for (; more_specs && more_specs->name; more_specs++)
        spelling_offer(&spelling, more_specs->name);
    return spelling.nearest;
}

/* Notes a flag that took this many strings, and returns how many; or -1. */
static int add(const struct reading *reading, const struct flag_spec *spec, const char *value,
               int used)
{
    struct flags *flags = reading->flags;

    if (!spec->repeatable && flags_has(flags, spec->name)) {
        error_text_set(reading->why, "--%s is given twice", spec->name);
        return -1;
    }
    if (flags->given_len == FLAGS_MAX) {
        error_text_set(reading->why, "more than %d flags are given", FLAGS_MAX);
        return -1;
    }
    flags->given[flags->given_len++] = (struct flag_given){spec, value};
    return used;
}

static int refuse_unknown(const struct reading *reading, struct bytes text, struct bytes name)
{
    const char *nearest = flags_nearest(reading->tables[0], reading->tables[1], name);
    char shown[64];

    bytes_printable(text, shown, sizeof(shown));
    if (nearest)
        error_text_set(reading->why, "unknown flag %s, did you mean --%s?", shown, nearest);
    else
        error_text_set(reading->why, "unknown flag %s", shown);
    return -1;
}

/* The value behind the flag is the next string, unless that is a flag itself: then the value is
 * more likely forgotten. */
static int read_value(const struct reading *reading, const struct flag_spec *spec)
{
    const char *next = reading->argc > 1 ? reading->argv[1] : NULL;

    if (next && strncmp(next, "--", 2) != 0)
        return add(reading, spec, next, 2);
    if (spec->value[0] == '[')
        return add(reading, spec, NULL, 1);
    reading->flags->lacks_value = spec;
    error_text_set(reading->why, "--%s needs a value: --%s=%s", spec->name, spec->name,
                   spec->value);
    return -1;
}

/* Reads the flag that comes next. How many strings it took, or -1. */
static int read_flag(const struct reading *reading)
{
    const char *text = strcmp(reading->argv[0], "-h") == 0 ? "--help" : reading->argv[0];
    size_t len = strcspn(text, "=");
    size_t dashes = strspn(text, "-") > 1 ? 2 : 1;
    struct bytes name = {text + dashes, len - dashes};
    const struct flag_spec *spec = dashes == 2 ? find(reading, name) : NULL;

    if (!spec)
        return refuse_unknown(reading, (struct bytes){text, len}, name);
    if (text[len] == '\0')
        return spec->value ? read_value(reading, spec) : add(reading, spec, NULL, 1);
    if (spec->value)
        return add(reading, spec, text + len + 1, 1);
    error_text_set(reading->why, "--%s takes no value", spec->name);
    return -1;
}

static void advance(struct reading *reading, int n)
{
    reading->argc -= n;
    reading->argv += n;
}

int flags_parse_front(struct flags *flags, const struct flag_spec *specs,
                      const struct flag_spec *more_specs, int argc, char **argv, int *ret_used,
                      struct error_text *why)
{
    struct reading reading = {flags, {specs, more_specs}, argc, argv, why};

    while (reading.argc > 0 && is_flag(reading.argv[0])) {
        int used = read_flag(&reading);
        if (used < 0)
            return -1;
        advance(&reading, used);
    }
    *ret_used = argc - reading.argc;
    return 0;
}

int flags_parse(struct flags *flags, const struct flag_spec *specs,
                const struct flag_spec *more_specs, int argc, char **argv, struct error_text *why)
{
    struct reading reading = {flags, {specs, more_specs}, argc, argv, why};
    bool flags_ended = false;

    flags->operands = argv;
    while (reading.argc > 0) {
        int used = 1;
        if (flags_ended || !is_flag(reading.argv[0]))
            argv[flags->operands_len++] = reading.argv[0];
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

static const struct flag_given *find_given(const struct flags *flags, const char *name, size_t n)
{
    for (size_t i = 0; i < flags->given_len; i++) {
        if (strcmp(flags->given[i].spec->name, name) == 0 && n-- == 0)
            return &flags->given[i];
    }
    return NULL;
}

const char *flags_value_at(const struct flags *flags, const char *name, size_t n)
{
    const struct flag_given *given = find_given(flags, name, n);

    return given ? given->value : NULL;
}

const char *flags_value(const struct flags *flags, const char *name)
{
    return flags_value_at(flags, name, 0);
}

bool flags_has(const struct flags *flags, const char *name)
{
    return find_given(flags, name, 0) != NULL;
}
