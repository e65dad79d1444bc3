/*
 * The events of the bench: a chat message whose body, as a hook of format spika gets it, has a
 * wanted length. All of a run have the same length.
 */
#ifndef BENCH_MESSAGE_H
#define BENCH_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

#define MESSAGE_SIGNATURE "9JOLCJUVylQxxdhX"
#define MESSAGE_BODY_MIN 512
#define MESSAGE_BODY_MAX 262144

/* What a spika body has around the document. */
extern const char message_body_head[];
extern const char message_body_tail[];

/* Writes the document of a message of this room; returns its length. out has room for
 * MESSAGE_BODY_MAX bytes, body_len is from MESSAGE_BODY_MIN to MESSAGE_BODY_MAX. */
size_t message_document(char *out, int64_t room, int64_t number, size_t body_len);

/* Writes the whole body; returns body_len. */
size_t message_body(char *out, int64_t room, int64_t number, size_t body_len);

#endif
