/*
 * Any bytes as a waiting delivery's record, and as the line of one of contract 1. What is accepted
 * must come back from its own encoding.
 */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "contract/parse.h"
#include "queue/record.h"

static void must(bool truth)
{
    if (!truth)
        abort();
}

static void check_same_rest(const struct record *a, const struct record *b)
{
    must(strcmp(a->event_id, b->event_id) == 0);
    must(strcmp(a->traceparent, b->traceparent) == 0 && a->encoding == b->encoding);
    must(a->history.attempts == b->history.attempts && a->history.cuts == b->history.cuts);
    must(a->history.first_attempt_ms == b->history.first_attempt_ms);
    must(a->history.last_attempt_ms == b->history.last_attempt_ms);
    must(a->history.status == b->history.status);
    must(strcmp(a->history.error, b->history.error) == 0);
}

static void check_rest(const struct record *record)
{
    must(record->history.attempts >= 0 && record->history.cuts >= 0 && record->history.status >= 0);
    must(record->history.first_attempt_ms >= 0 && record->history.last_attempt_ms >= 0);
    must(record->event_id[0] == '\0' || parse_is_name(bytes_of(record->event_id)));
    must(bytes_is_utf8(bytes_of(record->history.error)));
}

/* As a worker stores it again: the JSON, and the document behind it unless it is shared. */
static void encode(const struct record *record, struct buffer *out)
{
    record_encode(record, out);
    must(memchr(out->data, '\n', out->len) == NULL && out->len <= RECORD_META_MAX);
    if (!record->is_shared) {
        buffer_append_char(out, '\n');
        buffer_append_bytes(out, record->document);
    }
    must(!buffer_failed(out));
}

static void check_accepted(const struct record *record, struct bytes text)
{
    struct record again;
    struct lane_parts parts;
    struct error_text why;
    struct buffer out;

    check_rest(record);
    must(lane_split(bytes_of(record->lane), &parts) == 0);
    if (record->is_shared)
        must(record->document.len == 0);
    else
        must(record->document.data + record->document.len == text.data + text.len);

    buffer_init(&out, text.len + RECORD_META_MAX);
    encode(record, &out);
    must(record_decode(buffer_bytes(&out), &again, &why) == 0);
    must(strcmp(record->lane, again.lane) == 0 && record->is_shared == again.is_shared);
    must(bytes_equal(record->document, again.document));
    check_same_rest(record, &again);
    buffer_release(&out);
}

/* The line of a record of contract 1 becomes a record of today's. */
static void check_accepted_old(struct record *record, const struct record_hook *hook)
{
    static const struct room_id other = {.len = 1, .text = "0"};
    struct record again;
    struct error_text why;
    struct buffer out;

    check_rest(record);
    must(parse_is_name(bytes_of(hook->hook_id)));
    lane_of(hook->room_id.len > 0 ? &hook->room_id : &other, hook->hook_id, record->lane);
    buffer_init(&out, RECORD_META_MAX);
    encode(record, &out);
    must(record_decode(buffer_bytes(&out), &again, &why) == 0);
    check_same_rest(record, &again);
    buffer_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes text = {(const char *)data, size};
    struct record record;
    struct record_hook hook;
    struct error_text why = {""};

    if (record_decode(text, &record, &why))
        must(why.text[0] != '\0' && bytes_is_utf8(bytes_of(why.text)));
    else
        check_accepted(&record, text);
    why.text[0] = '\0';
    if (record_decode_old(text, &record, &hook, &why))
        must(why.text[0] != '\0' && bytes_is_utf8(bytes_of(why.text)));
    else
        check_accepted_old(&record, &hook);
    return 0;
}
