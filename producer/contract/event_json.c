#include <roomhook/event.h>
#include <string.h>

#include "contract/event_parts.h"
#include "contract/json_scan.h"
#include "contract/json_string.h"

#define ESCAPED_KEY_MAX 64 /* six times the longest of our keys, and more */

struct reader {
    struct json_scan scan;
    struct event_parts *parts;
    char *out; /* the parts' text */
};

/* Where the next value will stand, or the last one ends. */
static size_t here(const struct reader *reader)
{
    return (size_t)((char *)reader->scan.out - reader->out);
}

static void note(struct reader *reader, enum event_key key, size_t start)
{
    reader->parts->text.len = here(reader);
    event_parts_note(reader->parts, key, start);
}

/* By what it means: "room\u0049d" is roomId. */
static enum event_key key_of(struct bytes name, bool in_message)
{
    char unescaped[ESCAPED_KEY_MAX];

    if (name.len == 0 || name.len > sizeof(unescaped) || !memchr(name.data, '\\', name.len))
        return event_key_of(name, in_message);
    size_t len = json_string_unescape(name, unescaped);
    return event_key_of((struct bytes){unescaped, len}, in_message);
}

static void read_message(struct reader *reader)
{
    struct json_scan *scan = &reader->scan;
    enum json_kind kind = json_scan_open(scan);
    struct bytes name;

    if (kind != JSON_KIND_MAP) {
        json_scan_rest(scan, kind);
        return;
    }
    while (json_scan_key(scan, &name)) {
        enum event_key key = key_of(name, true);
        size_t start = here(reader);

        json_scan_value(scan);
        if (key < EVENT_KEYS)
            note(reader, key, start);
    }
}

static void read_hooks(struct reader *reader)
{
    struct json_scan *scan = &reader->scan;
    struct event_parts *parts = reader->parts;
    enum json_kind kind = json_scan_open(scan);

    if (kind != JSON_KIND_LIST) {
        json_scan_rest(scan, kind);
        return;
    }
    while (json_scan_item(scan)) {
        size_t start = here(reader);

        json_scan_value(scan);
        if (parts->hooks_len < EVENT_MAX_INLINE_HOOKS)
            parts->hooks[parts->hooks_len] = (struct event_span){start, here(reader) - start};
        parts->hooks_len++;
    }
}

static void read_document(struct reader *reader)
{
    struct json_scan *scan = &reader->scan;
    enum json_kind kind = json_scan_open(scan);
    struct bytes name;

    reader->parts->is_map = kind == JSON_KIND_MAP;
    if (kind != JSON_KIND_MAP) {
        json_scan_rest(scan, kind);
        return;
    }
    while (json_scan_key(scan, &name)) {
        enum event_key key = key_of(name, false);
        size_t start = here(reader);

        if (key == EVENT_KEY_MESSAGE)
            read_message(reader);
        else if (key == EVENT_KEY_WEBHOOKS)
            read_hooks(reader);
        else
            json_scan_value(scan);
        if (key < EVENT_KEYS)
            note(reader, key, start);
    }
}

int event_read_json(struct bytes document, struct event_parts *parts, struct error_text *why)
{
    struct reader reader = {.parts = parts, .out = buffer_extend(&parts->text, document.len + 1)};

    if (!reader.out) {
        error_text_set(why, "out of memory");
        return EVENT_NO_MEMORY;
    }
    json_scan_init(&reader.scan, document, reader.out, RH_EVENT_MAX_DEPTH + 1);
    read_document(&reader);
    if (!json_scan_end(&reader.scan)) {
        json_scan_explain(&reader.scan, why);
        return EVENT_BAD;
    }
    parts->text.len = document.len + 1;
    buffer_shorten(&parts->text, here(&reader));
    return EVENT_OK;
}
