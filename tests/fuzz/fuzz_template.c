/*
 * A template and an event, separated by a byte 0xff, which neither may hold; the first byte picks
 * the rules. What is made of them must be JSON of the template's shape, within its bounds, and may
 * mention nobody that the template itself does not.
 */
#include "fuzz.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "contract/json_read.h"
#include "contract/template.h"

static const struct template_rules rules[] = {
    {0},
    {.length_max = 20, .is_for_chat = true},
    {.length_max = 40, .is_for_chat = true, .escapes_markup = true},
    {.length_max = 1},
};

static void must(bool truth)
{
    if (!truth)
        abort();
}

static bool has_text(const json_t *string, const char *text)
{
    return strstr(json_string_value(string), text) != NULL;
}

static size_t utf16_len(const char *text, size_t len)
{
    size_t count = 0;

    for (size_t i = 0; i < len; i++) {
        unsigned char byte = (unsigned char)text[i];

        if ((byte & 0xc0) != 0x80)
            count += byte >= 0xf0 ? 2 : 1;
    }
    return count;
}

static void check_string(const json_t *made, const json_t *given, const struct template_rules *rule)
{
    static const char *const mentions[] = {"@everyone", "@here", "<!", "<@", "<#"};

    must(json_is_string(made));
    if (!has_text(given, "{{")) {
        must(json_equal(made, given));
        return;
    }
    must(rule->length_max == 0 ||
         utf16_len(json_string_value(made), json_string_length(made)) <= rule->length_max);
    for (size_t i = 0; i < sizeof(mentions) / sizeof(mentions[0]); i++)
        must(has_text(given, "@") || has_text(given, "<") || !has_text(made, mentions[i]));
}

static void check_shape(const json_t *made, const json_t *given, const struct template_rules *rule)
{
    const char *key;
    json_t *value;

    if (json_is_object(given)) {
        must(json_object_size(made) == json_object_size(given));
        json_object_foreach((json_t *)(uintptr_t)given, key, value)
            check_shape(json_object_get(made, key), value, rule);
    } else if (json_is_array(given)) {
        must(json_array_size(made) == json_array_size(given));
        for (size_t i = 0; i < json_array_size(given); i++)
            check_shape(json_array_get(made, i), json_array_get(given, i), rule);
    } else if (json_is_string(given)) {
        check_string(made, given, rule);
    } else {
        must(json_equal(made, given));
    }
}

static void check_body(const struct template *template, const struct event *event,
                       const json_t *given, const struct template_rules *rule)
{
    struct template_values values = {event, BYTES("id"), 1};
    json_error_t error;
    struct buffer body;
    json_t *made;

    buffer_init(&body, TEMPLATE_BODY_MAX);
    template_render(template, &values, &body);
    must(!buffer_failed(&body) && bytes_is_utf8(buffer_bytes(&body)));
    made = json_loadb(body.data, body.len, JSON_ALLOW_NUL, &error);
    must(made != NULL);
    check_shape(made, given, rule);
    json_decref(made);
    buffer_release(&body);
}

static void check(struct bytes text, struct bytes document, const struct template_rules *rule)
{
    struct template *template = NULL;
    struct error_text why;
    struct event event;
    bool no_memory;
    json_t *given = json_read(text, JSON_NUL_REFUSED, &no_memory, &why);

    if (given && template_parse(given, rule, &template, &why) == 0) {
        if (event_decode(RH_JSON, document, &event, &why) == 0) {
            check_body(template, &event, given, rule);
            event_release(&event);
        }
        template_free(template);
    }
    json_decref(given);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data + 1;
    const char *border = size < 2 ? NULL : memchr(text, 0xff, size - 1);

    if (!border)
        return 0;
    struct bytes document = {border + 1, size - 2 - (size_t)(border - text)};
    check((struct bytes){text, (size_t)(border - text)}, document,
          &rules[data[0] % (sizeof(rules) / sizeof(rules[0]))]);
    return 0;
}
