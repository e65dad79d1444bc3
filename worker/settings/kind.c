#include "settings/kind.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "contract/parse.h"

_Static_assert(sizeof(enum log_level) == sizeof(int) && sizeof(enum log_format) == sizeof(int),
               "a choice is stored as an int");

/* --- numbers --- */

static int integer_parse(const struct setting *setting, struct bytes text, void *item,
                         struct error_text *why)
{
    (void)why;
    if (setting->words && bytes_equal_text(text, setting->words[0])) {
        *(int64_t *)item = 0;
        return 0;
    }
    return parse_int64(text, setting->min, setting->max, item);
}

static void integer_format(const struct setting *setting, const void *item, char *out, size_t size)
{
    int64_t value = *(const int64_t *)item;

    if (setting->words && value == 0)
        snprintf(out, size, "%s", setting->words[0]);
    else
        snprintf(out, size, "%" PRId64, value);
}

static void integer_allowed(const struct setting *setting, char *out, size_t size)
{
    snprintf(out, size, "%s%sa whole number from %" PRId64 " to %" PRId64,
             setting->words ? setting->words[0] : "", setting->words ? " or " : "", setting->min,
             setting->max);
}

const struct setting_kind kind_integer = {
    .value_name = "N",
    .item_size = sizeof(int64_t),
    .parse = integer_parse,
    .format = integer_format,
    .allowed = integer_allowed,
};

static int duration_parse(const struct setting *setting, struct bytes text, void *item,
                          struct error_text *why)
{
    (void)why;
    return parse_duration_ms(text, setting->min, setting->max, item);
}

static void duration_format(const struct setting *setting, const void *item, char *out, size_t size)
{
    (void)setting;
    format_duration(*(const int64_t *)item, out, size);
}

static void duration_allowed(const struct setting *setting, char *out, size_t size)
{
    char min[32];
    char max[32];

    snprintf(out, size, "a time from %s to %s (units ms, s, m, h, d)",
             format_duration(setting->min, min, sizeof(min)),
             format_duration(setting->max, max, sizeof(max)));
}

const struct setting_kind kind_duration = {
    .value_name = "TIME",
    .item_size = sizeof(int64_t),
    .parse = duration_parse,
    .format = duration_format,
    .allowed = duration_allowed,
};

static int size_parse(const struct setting *setting, struct bytes text, void *item,
                      struct error_text *why)
{
    uint64_t value;

    (void)why;
    if (parse_size(text, (uint64_t)setting->min, (uint64_t)setting->max, &value))
        return -1;
    *(int64_t *)item = (int64_t)value;
    return 0;
}

static void size_format(const struct setting *setting, const void *item, char *out, size_t size)
{
    (void)setting;
    format_size((uint64_t) * (const int64_t *)item, out, size);
}

static void size_allowed(const struct setting *setting, char *out, size_t size)
{
    char min[32];
    char max[32];

    snprintf(out, size, "a number of bytes from %s to %s (units k, m, g)",
             format_size((uint64_t)setting->min, min, sizeof(min)),
             format_size((uint64_t)setting->max, max, sizeof(max)));
}

const struct setting_kind kind_size = {
    .value_name = "BYTES",
    .item_size = sizeof(int64_t),
    .parse = size_parse,
    .format = size_format,
    .allowed = size_allowed,
};

static int percent_parse(const struct setting *setting, struct bytes text, void *item,
                         struct error_text *why)
{
    (void)why;
    if (text.len == 0 || text.data[text.len - 1] != '%')
        return -1;
    return parse_int64((struct bytes){text.data, text.len - 1}, setting->min, setting->max, item);
}

static void percent_format(const struct setting *setting, const void *item, char *out, size_t size)
{
    (void)setting;
    snprintf(out, size, "%" PRId64 "%%", *(const int64_t *)item);
}

static void percent_allowed(const struct setting *setting, char *out, size_t size)
{
    snprintf(out, size, "a share from %" PRId64 "%% to %" PRId64 "%%", setting->min, setting->max);
}

const struct setting_kind kind_percent = {
    .value_name = "PERCENT",
    .item_size = sizeof(int64_t),
    .parse = percent_parse,
    .format = percent_format,
    .allowed = percent_allowed,
};

static int status_parse(const struct setting *setting, struct bytes text, void *item,
                        struct error_text *why)
{
    int64_t value;

    (void)why;
    if (parse_int64(text, setting->min, setting->max, &value))
        return -1;
    *(int *)item = (int)value;
    return 0;
}

static void status_format(const struct setting *setting, const void *item, char *out, size_t size)
{
    (void)setting;
    snprintf(out, size, "%d", *(const int *)item);
}

static void status_allowed(const struct setting *setting, char *out, size_t size)
{
    snprintf(out, size, "an HTTP status from %" PRId64 " to %" PRId64, setting->min, setting->max);
}

const struct setting_kind kind_status = {
    .value_name = "STATUS",
    .item_size = sizeof(int),
    .parse = status_parse,
    .format = status_format,
    .allowed = status_allowed,
};

/* --- words --- */

static int bool_parse(const struct setting *setting, struct bytes text, void *item,
                      struct error_text *why)
{
    (void)setting;
    (void)why;
    return parse_bool(text, item);
}

static void bool_format(const struct setting *setting, const void *item, char *out, size_t size)
{
    (void)setting;
    snprintf(out, size, "%s", *(const bool *)item ? "yes" : "no");
}

static void bool_allowed(const struct setting *setting, char *out, size_t size)
{
    (void)setting;
    snprintf(out, size, "yes or no");
}

const struct setting_kind kind_bool = {
    .value_name = "yes|no",
    .item_size = sizeof(bool),
    .parse = bool_parse,
    .format = bool_format,
    .allowed = bool_allowed,
};

static int choice_parse(const struct setting *setting, struct bytes text, void *item,
                        struct error_text *why)
{
    (void)why;
    for (int i = 0; setting->words[i]; i++) {
        if (bytes_equal_text(text, setting->words[i])) {
            memcpy(item, &i, sizeof(i));
            return 0;
        }
    }
    return -1;
}

static void choice_format(const struct setting *setting, const void *item, char *out, size_t size)
{
    int index;

    memcpy(&index, item, sizeof(index));
    snprintf(out, size, "%s", setting->words[index]);
}

static void choice_allowed(const struct setting *setting, char *out, size_t size)
{
    size_t len = 0;

    for (int i = 0; setting->words[i] && len < size; i++) {
        const char *joint = i == 0 ? "" : setting->words[i + 1] ? ", " : " or ";

        len += (size_t)snprintf(out + len, size - len, "%s%s", joint, setting->words[i]);
    }
}

const struct setting_kind kind_choice = {
    .value_name = "WORD",
    .item_size = sizeof(int),
    .parse = choice_parse,
    .format = choice_format,
    .allowed = choice_allowed,
};

/* --- texts --- */

static int queue_parse(const struct setting *setting, struct bytes text, void *item,
                       struct error_text *why)
{
    (void)setting;
    (void)why;
    return parse_is_name(text) && bytes_copy_text(text, item, RH_NAME_MAX + 1) ? 0 : -1;
}

static void text_format(const struct setting *setting, const void *item, char *out, size_t size)
{
    (void)setting;
    snprintf(out, size, "%s", (const char *)item);
}

static void queue_allowed(const struct setting *setting, char *out, size_t size)
{
    (void)setting;
    snprintf(out, size, "1 to %d letters, digits, '_' or '-'", RH_NAME_MAX);
}

const struct setting_kind kind_queue = {
    .value_name = "NAME",
    .item_size = RH_NAME_MAX + 1,
    .parse = queue_parse,
    .format = text_format,
    .allowed = queue_allowed,
};

/* Only what can stand in a settings file, which has no quotes: there ';' starts a comment. */
static int path_parse(const struct setting *setting, struct bytes text, void *item,
                      struct error_text *why)
{
    (void)why;
    if ((int64_t)text.len < setting->min || (int64_t)text.len > setting->max)
        return -1;
    if (text.len > 0 && (text.data[0] == ' ' || text.data[text.len - 1] == ' '))
        return -1;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];

        if (c < ' ' || c == 0x7f || c == ';')
            return -1;
    }
    return bytes_copy_text(text, item, (size_t)setting->max + 1) ? 0 : -1;
}

static void path_allowed(const struct setting *setting, char *out, size_t size)
{
    snprintf(out, size,
             "a path of %s to %" PRId64 " bytes without ';', control characters or blanks at its "
             "ends",
             setting->min > 0 ? "1" : "up", setting->max);
}

const struct setting_kind kind_path = {
    .value_name = "FILE",
    .parse = path_parse,
    .format = text_format,
    .allowed = path_allowed,
};

/* --- addresses --- */

/* Blanks and the like could not stand in a settings file either. */
static int redis_parse(const struct setting *setting, struct bytes text, void *item,
                       struct error_text *why)
{
    struct redis_address address;

    (void)setting;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] <= ' ' || text.data[i] > '~') {
            error_text_set(why, "may not hold blanks, control or non-ASCII characters; in user and "
                                "password they are percent-encoded");
            return -1;
        }
    }
    if (redis_address_parse(text, &address, why))
        return -1;
    *(struct redis_address *)item = address;
    return 0;
}

static void redis_format(const struct setting *setting, const void *item, char *out, size_t size)
{
    (void)setting;
    redis_address_describe(item, out, size);
}

static void redis_allowed(const struct setting *setting, char *out, size_t size)
{
    (void)setting;
    snprintf(out, size,
             "redis://[[user]:password@]host[:port][/db], the same with rediss://, "
             "unix:///path[?db=n] or redis+sentinel://host[:port][,...]/master[/db]");
}

const struct setting_kind kind_redis = {
    .value_name = "URL",
    .item_size = sizeof(struct redis_address),
    .is_secret = true,
    .parse = redis_parse,
    .format = redis_format,
    .allowed = redis_allowed,
};

static int address_parse(const struct setting *setting, struct bytes text, void *item,
                         struct error_text *why)
{
    (void)setting;
    return address_rule_parse(text, item, why);
}

static void address_format(const struct setting *setting, const void *item, char *out, size_t size)
{
    const struct address_rule *rule = item;
    bool has_brackets = !rule->is_ipv4 && rule->has_ports;
    char address[INET6_ADDRSTRLEN] = "";
    char ports[16] = "";

    (void)setting;
    inet_ntop(rule->is_ipv4 ? AF_INET : AF_INET6, rule->prefix + (rule->is_ipv4 ? 12 : 0), address,
              sizeof(address));
    if (rule->has_ports && rule->port_from == rule->port_to)
        snprintf(ports, sizeof(ports), ":%u", (unsigned)rule->port_from);
    else if (rule->has_ports)
        snprintf(ports, sizeof(ports), ":%u-%u", (unsigned)rule->port_from,
                 (unsigned)rule->port_to);
    snprintf(out, size, "%s%s/%d%s%s", has_brackets ? "[" : "", address, rule->prefix_len,
             has_brackets ? "]" : "", ports);
}

static void address_allowed(const struct setting *setting, char *out, size_t size)
{
    (void)setting;
    snprintf(out, size, "CIDR[:port[-port]], like 10.0.0.0/8 or [fd00::/8]:8080-8090");
}

const struct setting_kind kind_address = {
    .value_name = "CIDR",
    .item_size = sizeof(struct address_rule),
    .parse = address_parse,
    .format = address_format,
    .allowed = address_allowed,
};
