#include "message.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const char message_body_head[] = "{\"data\":";
const char message_body_tail[] =
    ",\"headers\":{\"Content-Type\":\"application/json\",\"Verification-Signature\":"
    "\"" MESSAGE_SIGNATURE "\"}}";

static const char words[] = "The quick brown fox jumps over the lazy dog. ";

/* As long as the ids of a server that has run for a while. */
#define FIRST_ID INT64_C(100000000000)

size_t message_document(char *out, int64_t room, int64_t number, size_t body_len)
{
    size_t around = sizeof(message_body_head) - 1 + sizeof(message_body_tail) - 1;
    int head = snprintf(out, MESSAGE_BODY_MAX,
                        "{\"message\":{\"id\":%" PRId64 ",\"fromUserId\":42,\"roomId\":%" PRId64
                        ",\"type\":\"text\",\"createdAt\":1667548137257,\"body\":{\"text\":\"",
                        FIRST_ID + number, room);
    char tail[192];
    int tail_len = snprintf(tail, sizeof(tail),
                            "\"}},\"fromUser\":{\"id\":42,\"displayName\":\"Ana\","
                            "\"isBot\":false},\"room\":{\"id\":%" PRId64
                            ",\"name\":\"general\",\"type\":\"group\"}}",
                            room);
    size_t text_len = body_len - around - (size_t)head - (size_t)tail_len;
    for (size_t at = 0; at < text_len; at += sizeof(words) - 1) {
        size_t left = text_len - at;
        memcpy(out + head + at, words, left < sizeof(words) - 1 ? left : sizeof(words) - 1);
    }
    memcpy(out + head + text_len, tail, (size_t)tail_len);
    return body_len - around;
}

size_t message_body(char *out, int64_t room, int64_t number, size_t body_len)
{
    size_t head = sizeof(message_body_head) - 1;
    memcpy(out, message_body_head, head);
    size_t document = message_document(out + head, room, number, body_len);
    memcpy(out + head + document, message_body_tail, sizeof(message_body_tail) - 1);
    return body_len;
}
