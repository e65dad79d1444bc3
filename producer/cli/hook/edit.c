#include "cli/hook/edit.h"

#include <stdio.h>
#include <string.h>

#include "cli/hook/template_flag.h"
#include "contract/hook.h"
#include "contract/parse.h"

const struct flag_spec hook_edit_specs[] = {
    {"room", "ROOM", "the room; required", false},
    {"id", "ID", "the hook's id in the room; default main", false},
    {"url", "URL", "where events are POSTed; required for a new hook", false},
    {"format", "NAME",
     "body: spika (default), bare, standard, cloudevents, slack, discord or mattermost", false},
    {"template", "FILE|JSON|none", "body: JSON with places like {{message.body.text}}", false},
    {"signature", "auto|TEXT|none", "Verification-Signature; a new hook gets auto", false},
    {"secret", "auto|whsec_...|none", "signs requests (Standard Webhooks), newest first", true},
    {"header", "\"Name: value\"", "sent with each request; no value removes it", true},
    {"timeout", "DURATION|none", "for one request, like 5s; only lowers the worker's", false},
    {"max-age", "DURATION|none", "for one event, like 1h; only lowers the worker's", false},
    {"types", "LIST|none", "only these events, like message.created,reaction.*", false},
    {"description", "TEXT|none", "what it is for, up to 200 characters", false},
    {"accept-status", "LIST|none", "answers that count as delivered too, like 302,303", false},
    {"transport", "NAME|none", "certificate, CA and proxy of this name in workers' settings",
     false},
    {"rate-limit", "N/s|N/m|N/h|none", "maximum rate of attempts, of all workers together", false},
    {NULL, NULL, NULL, false},
};

/* Takes value over. NULL, too, is a failure: text that is not UTF-8, or no memory. */
static int put(json_t *object, const char *key, json_t *value, struct error_text *why)
{
    if (json_object_set_new(object, key, value) == 0)
        return 0;
    error_text_set(why, "%s is not UTF-8, or out of memory", key);
    return -1;
}

/* A flag whose value goes into the hook as it is; "none" takes the key away. */
static int edit_text(json_t *hook, const char *key, const char *value, struct error_text *why)
{
    if (!value)
        return 0;
    if (strcmp(value, "none") == 0) {
        (void)json_object_del(hook, key);
        return 0;
    }
    return put(hook, key, json_string(value), why);
}

/* A flag whose value is a list, each item of which becomes a JSON value. */
static int edit_list(json_t *hook, const char *key, const char *value,
                     json_t *(*read)(struct bytes item), struct error_text *why)
{
    if (!value || strcmp(value, "none") == 0)
        return edit_text(hook, key, value, why);
    json_t *list = json_array();
    size_t len;
    for (const char *at = value;; at += len + 1) {
        len = strcspn(at, ",");
        if (json_array_append_new(list, read((struct bytes){at, len})) < 0) {
            json_decref(list);
            return put(hook, key, NULL, why);
        }
        if (at[len] == '\0')
            break;
    }
    return put(hook, key, list, why);
}

static json_t *read_text(struct bytes item)
{
    return json_stringn(item.data, item.len);
}

/* What is no number stays text, which the hook's own check refuses. */
static json_t *read_number(struct bytes item)
{
    int64_t number;

    if (parse_int64(item, INT32_MIN, INT32_MAX, &number) < 0)
        return read_text(item);
    return json_integer((json_int_t)number);
}

/* Each takes the other away. */
static int edit_format(json_t *hook, const struct flags *flags, struct error_text *why)
{
    const char *format = flags_value(flags, "format");
    const char *value = flags_value(flags, "template");
    bool is_none = value && strcmp(value, "none") == 0;

    if (format && value && !is_none) {
        error_text_set(why, "give --format or --template");
        return -1;
    }
    if (format || value)
        (void)json_object_del(hook, "template");
    if (value && !is_none) {
        json_t *template = template_flag_read(value, why);
        (void)json_object_del(hook, "format");
        return template ? put(hook, "template", template, why) : -1;
    }
    return edit_text(hook, "format", format, why);
}

static int edit_signature(json_t *hook, const char *value, bool is_new, struct error_text *why)
{
    char made[17];

    if (!value && is_new)
        value = "auto";
    if (value && strcmp(value, "auto") == 0) {
        if (hook_make_signature(made) < 0) {
            error_text_set(why, "there is no randomness for a signature");
            return -1;
        }
        value = made;
    }
    return edit_text(hook, "verificationSignature", value, why);
}

static int add_secret(json_t *secrets, const char *value, char ret_secret[HOOK_SECRET_TEXT_SIZE],
                      struct error_text *why)
{
    if (strcmp(value, "auto") == 0) {
        if (ret_secret[0] != '\0') {
            error_text_set(why, "--secret=auto is given twice");
            return -1;
        }
        if (hook_make_secret(ret_secret) < 0) {
            error_text_set(why, "there is no randomness for a secret");
            return -1;
        }
        value = ret_secret;
    }
    if (json_array_append_new(secrets, json_string(value)) == 0)
        return 0;
    error_text_set(why, "--secret is not UTF-8, or out of memory");
    return -1;
}

static int edit_secrets(json_t *hook, const struct flags *flags,
                        char ret_secret[HOOK_SECRET_TEXT_SIZE], struct error_text *why)
{
    const char *value = flags_value(flags, "secret");

    if (!value)
        return 0;
    if (strcmp(value, "none") == 0 && !flags_value_at(flags, "secret", 1)) {
        (void)json_object_del(hook, "secret");
        return 0;
    }
    json_t *secrets = json_array();
    for (size_t i = 0; (value = flags_value_at(flags, "secret", i)); i++) {
        if (add_secret(secrets, value, ret_secret, why) < 0) {
            json_decref(secrets);
            return -1;
        }
    }
    if (json_array_size(secrets) > 1)
        return put(hook, "secret", secrets, why);
    int result = put(hook, "secret", json_incref(json_array_get(secrets, 0)), why);
    json_decref(secrets);
    return result;
}

static void remove_header(json_t *headers, struct bytes name)
{
    const char *key;
    json_t *value;
    void *next;

    json_object_foreach_safe(headers, next, key, value) {
        if (bytes_equal_nocase(bytes_of(key), name))
            (void)json_object_del(headers, key);
    }
}

/* One "Name: value"; names are the same in either case. */
static int edit_header(json_t *headers, const char *line, struct error_text *why)
{
    const char *colon = strchr(line, ':');

    if (!colon) {
        error_text_set(why, "--header is not like \"Name: value\"");
        return -1;
    }
    struct bytes name = {line, (size_t)(colon - line)};
    struct bytes value = hook_header_trim(bytes_of(colon + 1));

    remove_header(headers, name);
    if (value.len == 0)
        return 0;
    if (hook_header_check(name, value, why) < 0)
        return -1;
    if (json_object_setn_new(headers, name.data, name.len, json_stringn(value.data, value.len)) ==
        0)
        return 0;
    error_text_set(why, "out of memory");
    return -1;
}

static int edit_headers(json_t *hook, const struct flags *flags, struct error_text *why)
{
    const char *line;

    if (!flags_has(flags, "header"))
        return 0;
    json_t *headers = json_object_get(hook, "headers");
    if (!json_is_object(headers)) {
        headers = json_object();
        if (put(hook, "headers", headers, why) < 0)
            return -1;
    }
    for (size_t i = 0; (line = flags_value_at(flags, "header", i)); i++) {
        if (edit_header(headers, line, why) < 0)
            return -1;
    }
    if (json_object_size(headers) == 0)
        (void)json_object_del(hook, "headers");
    return 0;
}

int hook_edit(json_t *hook, const struct flags *flags, char ret_secret[HOOK_SECRET_TEXT_SIZE],
              struct error_text *why)
{
    bool is_new = json_object_size(hook) == 0;

    ret_secret[0] = '\0';
    if (is_new && !flags_has(flags, "url")) {
        error_text_set(why, "--url is required for a new hook");
        return -1;
    }
    if (edit_text(hook, "url", flags_value(flags, "url"), why) < 0 ||
        edit_signature(hook, flags_value(flags, "signature"), is_new, why) < 0 ||
        edit_secrets(hook, flags, ret_secret, why) < 0 || edit_format(hook, flags, why) < 0 ||
        edit_headers(hook, flags, why) < 0 ||
        edit_text(hook, "maxAge", flags_value(flags, "max-age"), why) < 0 ||
        edit_text(hook, "timeout", flags_value(flags, "timeout"), why) < 0 ||
        edit_list(hook, "types", flags_value(flags, "types"), read_text, why) < 0 ||
        edit_text(hook, "description", flags_value(flags, "description"), why) < 0 ||
        edit_list(hook, "acceptStatus", flags_value(flags, "accept-status"), read_number, why) <
            0 ||
        edit_text(hook, "transport", flags_value(flags, "transport"), why) < 0 ||
        edit_text(hook, "rateLimit", flags_value(flags, "rate-limit"), why) < 0)
        return -1;
    return 0;
}
