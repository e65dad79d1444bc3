#include "settings/kind.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "contract/address_guard.h"
#include "contract/keys.h"
#include "contract/parse.h"
#include "contract/proxy.h"
#include "contract/redis_address.h"
#include "contract/url.h"

_Static_assert(sizeof(enum log_level) == sizeof(int) && sizeof(enum log_format) == sizeof(int),
               "a choice is stored as an int");

/* --- reading an item --- */

static int parse_integer(const struct setting *setting, struct bytes text, int64_t *ret_value)
{
    if (setting->words && bytes_equal_text(text, setting->words[0])) {
        *ret_value = 0;
        return 0;
    }
    return parse_int64(text, setting->min, setting->max, ret_value);
}

static int parse_percent(const struct setting *setting, struct bytes text, int64_t *ret_value)
{
    if (text.len == 0 || text.data[text.len - 1] != '%')
        return -1;
    text.len--;
    return parse_int64(text, setting->min, setting->max, ret_value);
}

static int parse_status(const struct setting *setting, struct bytes text, int *ret_status)
{
    int64_t value;

    if (parse_int64(text, setting->min, setting->max, &value))
        return -1;
    *ret_status = (int)value;
    return 0;
}

static int parse_choice(const struct setting *setting, struct bytes text, void *ret_index)
{
    for (int i = 0; setting->words[i]; i++) {
        if (bytes_equal_text(text, setting->words[i])) {
            memcpy(ret_index, &i, sizeof(i));
            return 0;
        }
    }
    return -1;
}

/* Only what can stand in a settings file, which has no quotes: there ';' starts a comment. */
static int parse_url(const struct setting *setting, struct bytes text, char *out,
                     struct error_text *why)
{
    struct url url;

    if (text.len > 0 && url_parse(text, &url, why) != 0)
        return -1;
    return bytes_copy_text(text, out, (size_t)setting->max + 1) ? 0 : -1;
}

static int parse_path(const struct setting *setting, struct bytes text, char *out)
{
    if ((int64_t)text.len < setting->min || (int64_t)text.len > setting->max)
        return -1;
    if (text.len > 0 && (text.data[0] == ' ' || text.data[text.len - 1] == ' '))
        return -1;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];

        if (c < ' ' || c == 0x7f || c == ';')
            return -1;
    }
    return bytes_copy_text(text, out, (size_t)setting->max + 1) ? 0 : -1;
}

/* Blanks and the like could not stand in a settings file either. */
static int parse_redis(struct bytes text, struct redis_address *ret_address, struct error_text *why)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] <= ' ' || text.data[i] > '~') {
            error_text_set(why, "may not hold blanks, control or non-ASCII characters; in user and "
                                "password they are percent-encoded");
            return -1;
        }
    }
    return redis_address_parse(text, ret_address, why);
}

/* 0, or -1; *why says more only where "must be" and what is allowed would say too little. */
static int item_parse(const struct setting *setting, struct bytes text, void *item,
                      struct error_text *why)
{
    switch (setting->kind) {
    case KIND_INTEGER:
        return parse_integer(setting, text, item);
    case KIND_DURATION:
        return parse_duration_ms(text, setting->min, setting->max, item);
    case KIND_SIZE:
        return parse_size(text, (uint64_t)setting->min, (uint64_t)setting->max, item);
    case KIND_PERCENT:
        return parse_percent(setting, text, item);
    case KIND_STATUS:
        return parse_status(setting, text, item);
    case KIND_BOOL:
        return parse_bool(text, item);
    case KIND_CHOICE:
        return parse_choice(setting, text, item);
    case KIND_QUEUE:
        return parse_is_name(text) && bytes_copy_text(text, item, RH_NAME_MAX + 1) ? 0 : -1;
    case KIND_PATH:
        return parse_path(setting, text, item);
    case KIND_URL:
        return parse_url(setting, text, item, why);
    case KIND_REDIS:
        return parse_redis(text, item, why);
    case KIND_ADDRESS:
        return address_rule_parse(text, item, why);
    case KIND_PROXY:
        return proxy_address_parse(text, item, why);
    case KIND_EXCEPTION:
        return proxy_exception_parse(text, item);
    }
    return -1;
}

/* --- showing an item --- */

static void format_address(const struct address_rule *rule, char *out, size_t size)
{
    bool has_brackets = !rule->is_ipv4 && rule->has_ports;
    char address[INET6_ADDRSTRLEN] = "";
    char ports[16] = "";

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

static void format_proxy(const struct proxy_address *proxy, char *out, size_t size)
{
    char text[PROXY_TEXT_SIZE];

    snprintf(out, size, "%s", proxy_address_format(proxy, text));
}

static void format_exception(const struct proxy_exception *exception, char *out, size_t size)
{
    if (exception->name[0] != '\0')
        snprintf(out, size, "%s", exception->name);
    else
        format_address(&exception->addresses, out, size);
}

static void format_integer(const struct setting *setting, int64_t value, char *out, size_t size)
{
    if (setting->words && value == 0)
        snprintf(out, size, "%s", setting->words[0]);
    else
        snprintf(out, size, "%" PRId64, value);
}

static void item_format(const struct setting *setting, const void *item, char *out, size_t size)
{
    switch (setting->kind) {
    case KIND_INTEGER:
        format_integer(setting, *(const int64_t *)item, out, size);
        break;
    case KIND_DURATION:
        format_duration(*(const int64_t *)item, out, size);
        break;
    case KIND_SIZE:
        format_size(*(const uint64_t *)item, out, size);
        break;
    case KIND_PERCENT:
        snprintf(out, size, "%" PRId64 "%%", *(const int64_t *)item);
        break;
    case KIND_STATUS:
        snprintf(out, size, "%d", *(const int *)item);
        break;
    case KIND_BOOL:
        snprintf(out, size, "%s", *(const bool *)item ? "yes" : "no");
        break;
    case KIND_CHOICE:
        snprintf(out, size, "%s", setting->words[*(const int *)item]);
        break;
    case KIND_QUEUE:
    case KIND_PATH:
    case KIND_URL:
        snprintf(out, size, "%s", (const char *)item);
        break;
    case KIND_REDIS:
        redis_address_describe(item, out, size);
        break;
    case KIND_ADDRESS:
        format_address(item, out, size);
        break;
    case KIND_PROXY:
        format_proxy(item, out, size);
        break;
    case KIND_EXCEPTION:
        format_exception(item, out, size);
        break;
    }
}

/* --- what is allowed --- */

static void allow_words(const struct setting *setting, char *out, size_t size)
{
    size_t len = 0;

    for (int i = 0; setting->words[i] && len < size; i++) {
        const char *joint = i == 0 ? "" : setting->words[i + 1] ? ", " : " or ";

        len += (size_t)snprintf(out + len, size - len, "%s%s", joint, setting->words[i]);
    }
}

/* "FROM to TO": the bounds as the values they are. */
static const char *range(const struct setting *setting, char *out, size_t size)
{
    char min[32];
    char max[32];

    item_format(setting, &setting->min, min, sizeof(min));
    item_format(setting, &setting->max, max, sizeof(max));
    snprintf(out, size, "%s to %s", min, max);
    return out;
}

static void item_allowed(const struct setting *setting, char *out, size_t size)
{
    char bounds[72];

    switch (setting->kind) {
    case KIND_INTEGER:
        snprintf(out, size, "%s%sa whole number from %s", setting->words ? setting->words[0] : "",
                 setting->words ? " or " : "", range(setting, bounds, sizeof(bounds)));
        break;
    case KIND_DURATION:
        snprintf(out, size, "a time from %s (units ms, s, m, h, d)",
                 range(setting, bounds, sizeof(bounds)));
        break;
    case KIND_SIZE:
        snprintf(out, size, "a number of bytes from %s (units k, m, g)",
                 range(setting, bounds, sizeof(bounds)));
        break;
    case KIND_PERCENT:
        snprintf(out, size, "a share from %s", range(setting, bounds, sizeof(bounds)));
        break;
    case KIND_STATUS:
        snprintf(out, size, "an HTTP status from %" PRId64 " to %" PRId64, setting->min,
                 setting->max);
        break;
    case KIND_BOOL:
        snprintf(out, size, "yes or no");
        break;
    case KIND_CHOICE:
        allow_words(setting, out, size);
        break;
    case KIND_QUEUE:
        snprintf(out, size, "1 to %d letters, digits, '_' or '-'", RH_NAME_MAX);
        break;
    case KIND_PATH:
        snprintf(out, size,
                 "a path of %s to %" PRId64 " bytes without ';', control characters or blanks at "
                 "its ends",
                 setting->min > 0 ? "1" : "up", setting->max);
        break;
    case KIND_URL:
        snprintf(out, size, "http:// or https://, up to %" PRId64 " bytes", setting->max);
        break;
    case KIND_REDIS:
        snprintf(out, size,
                 "redis://[[user]:password@]host[:port][/db], the same with rediss://, "
                 "unix:///path[?db=n] or redis+sentinel://host[:port][,...]/master[/db]");
        break;
    case KIND_ADDRESS:
        snprintf(out, size, "CIDR[:port[-port]], like 10.0.0.0/8 or [fd00::/8]:8080-8090");
        break;
    case KIND_PROXY:
        snprintf(out, size, "http://[user@]host[:port] or the same with https://");
        break;
    case KIND_EXCEPTION:
        snprintf(out, size, "a name or CIDR, like intern.example or 10.0.0.0/8");
        break;
    }
}

const char *setting_value_name(const struct setting *setting)
{
    static const char *const names[] = {
        [KIND_INTEGER] = "N",       [KIND_DURATION] = "TIME",  [KIND_SIZE] = "BYTES",
        [KIND_PERCENT] = "PERCENT", [KIND_STATUS] = "STATUS",  [KIND_BOOL] = "[yes|no]",
        [KIND_CHOICE] = "WORD",     [KIND_QUEUE] = "NAME",     [KIND_PATH] = "FILE",
        [KIND_URL] = "URL",         [KIND_REDIS] = "URL",      [KIND_ADDRESS] = "CIDR",
        [KIND_PROXY] = "URL",       [KIND_EXCEPTION] = "HOST",
    };

    return names[setting->kind];
}

/* --- values and lists --- */

bool setting_is_list(const struct setting *setting)
{
    return setting->list_max > 0;
}

static size_t *list_len(const struct setting *setting, struct settings *settings)
{
    return (void *)((char *)settings + setting->list_len_offset);
}

static void *item_at(const struct setting *setting, struct settings *settings, size_t item)
{
    return (char *)settings + setting->offset + item * setting->item_size;
}

void setting_clear(const struct setting *setting, struct settings *settings)
{
    *list_len(setting, settings) = 0;
}

const char *setting_allowed(const struct setting *setting, char out[SETTING_TEXT_SIZE])
{
    size_t len = 0;

    if (setting_is_list(setting))
        len = (size_t)snprintf(out, SETTING_TEXT_SIZE, "%s to %zu, separated by commas, each ",
                               setting->list_min > 0 ? "1" : "none, or up", setting->list_max);
    item_allowed(setting, out + len, SETTING_TEXT_SIZE - len);
    return out;
}

static int parse_item(const struct setting *setting, struct bytes text, struct settings *settings,
                      size_t item, struct error_text *why)
{
    char allowed[SETTING_TEXT_SIZE];
    char shown[32];
    struct error_text detail = {""};

    if (item_parse(setting, text, item_at(setting, settings, item), &detail) == 0)
        return 0;
    item_allowed(setting, allowed, sizeof(allowed));
    if (detail.text[0] != '\0')
        *why = detail;
    else if (setting_is_list(setting))
        error_text_set(why, "item \"%s\" must be %s", bytes_printable(text, shown, sizeof(shown)),
                       allowed);
    else
        error_text_set(why, "must be %s", allowed);
    return -1;
}

static struct bytes trim(struct bytes text)
{
    while (text.len > 0 && (text.data[0] == ' ' || text.data[0] == '\t'))
        text = (struct bytes){text.data + 1, text.len - 1};
    while (text.len > 0 && (text.data[text.len - 1] == ' ' || text.data[text.len - 1] == '\t'))
        text.len--;
    return text;
}

/* Cuts the text in front of the first comma off *rest. False: that was the last item. */
static bool next_item(struct bytes *rest, struct bytes *ret_item)
{
    const char *comma = rest->len > 0 ? memchr(rest->data, ',', rest->len) : NULL;
    size_t len = comma ? (size_t)(comma - rest->data) : rest->len;

    *ret_item = trim((struct bytes){rest->data, len});
    if (comma)
        *rest = (struct bytes){comma + 1, rest->len - len - 1};
    return comma != NULL;
}

static int parse_list(const struct setting *setting, struct bytes text, struct settings *settings,
                      struct error_text *why)
{
    size_t len = *list_len(setting, settings);
    bool has_more = true;

    if (setting->list_min == 0 && (text.len == 0 || bytes_equal_text(text, "none")))
        return 0;
    while (has_more) {
        struct bytes item;

        has_more = next_item(&text, &item);
        if (len == setting->list_max) {
            error_text_set(why, "has more than %zu items", setting->list_max);
            return -1;
        }
        if (parse_item(setting, item, settings, len, why))
            return -1;
        len++;
    }
    *list_len(setting, settings) = len;
    return 0;
}

int setting_parse(const struct setting *setting, struct bytes text, struct settings *settings,
                  struct error_text *why)
{
    if (setting_is_list(setting))
        return parse_list(setting, text, settings, why);
    return parse_item(setting, text, settings, 0, why);
}

size_t setting_items(const struct setting *setting, const struct settings *settings)
{
    if (!setting_is_list(setting))
        return 1;
    return *(const size_t *)(const void *)((const char *)settings + setting->list_len_offset);
}

static size_t value_size(const struct setting *setting)
{
    switch (setting->kind) {
    case KIND_STATUS:
        return sizeof(int);
    case KIND_BOOL:
        return sizeof(bool);
    case KIND_CHOICE:
        return sizeof(int); /* as setting_parse stores it */
    case KIND_QUEUE:
        return RH_NAME_MAX + 1;
    case KIND_PATH:
    case KIND_URL:
        return (size_t)setting->max + 1;
    case KIND_REDIS:
        return sizeof(struct redis_address);
    case KIND_ADDRESS:
        return sizeof(struct address_rule);
    case KIND_PROXY:
        return sizeof(struct proxy_address);
    case KIND_EXCEPTION:
        return sizeof(struct proxy_exception);
    default:
        return sizeof(int64_t);
    }
}

void setting_copy(const struct setting *setting, const struct settings *from, struct settings *to)
{
    size_t size =
        setting_is_list(setting) ? setting->item_size * setting->list_max : value_size(setting);
    memcpy((char *)to + setting->offset, (const char *)from + setting->offset, size);
    if (setting_is_list(setting))
        memcpy((char *)to + setting->list_len_offset, (const char *)from + setting->list_len_offset,
               sizeof(size_t));
}

const char *setting_format(const struct setting *setting, const struct settings *settings,
                           size_t item, char out[SETTING_TEXT_SIZE])
{
    const char *at = (const char *)settings + setting->offset + item * setting->item_size;

    item_format(setting, at, out, SETTING_TEXT_SIZE);
    return out;
}
