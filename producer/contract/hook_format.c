#include "contract/hook_format.h"

#include "contract/json_read.h"

/* Discord and Slack count characters, Mattermost runes; none counts more than JavaScript does. */
#define DISCORD_CONTENT_MAX 2000
#define SLACK_TEXT_MAX 40000
#define MATTERMOST_MESSAGE_MAX 16383

/* Where chats have the name of a sender and the text of a message. */
#define MESSAGE_LINE                                                                            \
    "{{fromUser.displayName|fromUser.name|fromUser.username|\\\"Somebody\\\"}}: "               \
    "{{message.body.text|message.text|message.msg|message.message|message.content.body|message" \
    ".type|type}}"

static const struct format {
    const char *name;
    const char *template; /* NULL: it is none of its own */
    struct template_rules rules;
} formats[] = {
    [HOOK_FORMAT_SPIKA] = {.name = "spika"},
    [HOOK_FORMAT_BARE] = {.name = "bare"},
    [HOOK_FORMAT_STANDARD] = {.name = "standard"},
    [HOOK_FORMAT_CLOUDEVENTS] = {.name = "cloudevents"},
    [HOOK_FORMAT_SLACK] = {.name = "slack",
                           .template = "{\"text\":\"" MESSAGE_LINE "\"}",
                           .rules = {.length_max = SLACK_TEXT_MAX,
                                     .escapes_markup = true,
                                     .is_for_chat = true}},
    [HOOK_FORMAT_DISCORD] = {.name = "discord",
                             .template = "{\"content\":\"" MESSAGE_LINE
                                         "\",\"allowed_mentions\":{\"parse\":[]}}",
                             .rules = {.length_max = DISCORD_CONTENT_MAX, .is_for_chat = true}},
    [HOOK_FORMAT_MATTERMOST] = {.name = "mattermost",
                                .template = "{\"text\":\"" MESSAGE_LINE "\"}",
                                .rules = {.length_max = MATTERMOST_MESSAGE_MAX,
                                          .is_for_chat = true}},
    [HOOK_FORMAT_TEMPLATE] = {.name = "template"},
};

const char *hook_format_name(enum hook_format format)
{
    return formats[format].name;
}

int hook_format_read(const json_t *value, enum hook_format *ret_format, struct error_text *why)
{
    for (int i = 0; json_is_string(value) && i < HOOK_FORMAT_TEMPLATE; i++) {
        if (bytes_equal_text(json_text_of(value), formats[i].name)) {
            *ret_format = (enum hook_format)i;
            return 0;
        }
    }
    error_text_set(why, "format: must be \"spika\", \"bare\", \"standard\", \"cloudevents\", "
                        "\"slack\", \"discord\" or \"mattermost\"");
    return -1;
}

int hook_format_template(enum hook_format format, struct template **ret_template,
                         struct error_text *why)
{
    const struct format *row = &formats[format];
    bool no_memory;
    json_t *value;

    *ret_template = NULL;
    if (!row->template)
        return 0;
    value = json_read(bytes_of(row->template), JSON_NUL_REFUSED, &no_memory, why);
    if (!value)
        return -2;
    int result = template_parse(value, &row->rules, ret_template, why);
    json_decref(value);
    return result;
}
