#include "settings/value.h"

#include <stdio.h>
#include <string.h>

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
    return (char *)settings + setting->offset + item * setting->kind->item_size;
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
    setting->kind->allowed(setting, out + len, SETTING_TEXT_SIZE - len);
    return out;
}

static int parse_item(const struct setting *setting, struct bytes text, struct settings *settings,
                      size_t item, struct error_text *why)
{
    char allowed[SETTING_TEXT_SIZE];
    char shown[32];
    struct error_text detail = {""};

    if (setting->kind->parse(setting, text, item_at(setting, settings, item), &detail) == 0)
        return 0;
    setting->kind->allowed(setting, allowed, sizeof(allowed));
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

const char *setting_format(const struct setting *setting, const struct settings *settings,
                           size_t item, char out[SETTING_TEXT_SIZE])
{
    const char *at = (const char *)settings + setting->offset + item * setting->kind->item_size;

    setting->kind->format(setting, at, out, SETTING_TEXT_SIZE);
    return out;
}
