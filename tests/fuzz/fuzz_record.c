/*
 * Any bytes as a waiting delivery's record. What is accepted must come back from its own encoding.
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

static void check_same(const struct record *a, const struct record *b)
{
    must(strcmp(a->fence, b->fence) == 0 && a->claims == b->claims);
    must(a->has_room == b->has_room && a->room_id == b->room_id);
    must(strcmp(a->hook, b->hook) == 0 && strcmp(a->event_id, b->event_id) == 0);
    must(strcmp(a->traceparent, b->traceparent) == 0 && a->encoding == b->encoding);
    must(a->history.attempts == b->history.attempts);
    must(a->history.deferrals == b->history.deferrals);
    must(a->history.first_attempt_ms == b->history.first_attempt_ms);
    must(a->history.last_attempt_ms == b->history.last_attempt_ms);
    must(a->history.status == b->history.status);
    must(strcmp(a->history.error, b->history.error) == 0);
    must(bytes_equal(a->document, b->document));
}

static void check_accepted(const struct record *record, struct bytes text)
{
    struct record again;
    struct error_text why;
    struct buffer out;

    must(record->claims >= 0 && record->history.attempts >= 0 && record->history.deferrals >= 0);
    must(record->history.first_attempt_ms >= 0 && record->history.last_attempt_ms >= 0);
    must(parse_is_name(bytes_of(record->hook)));
    must(bytes_is_utf8(bytes_of(record->history.error)));
    must(record->document.data + record->document.len == text.data + text.len);

    buffer_init(&out, text.len + RECORD_META_MAX);
    record_encode(record, &out);
    must(!buffer_failed(&out) && record_decode(buffer_bytes(&out), &again, &why) == 0);
    check_same(record, &again);
    buffer_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes text = {(const char *)data, size};
    struct record record;
    struct error_text why = {""};

    if (record_decode(text, &record, &why))
        must(why.text[0] != '\0' && bytes_is_utf8(bytes_of(why.text)));
    else
        check_accepted(&record, text);
    return 0;
}
