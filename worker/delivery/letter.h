/*
 * Dead letters as workers write them: their fields as arguments of a script, in the order of
 * contract/dead_letter.h. One place for all letters. Pure.
 */
#ifndef DELIVERY_LETTER_H
#define DELIVERY_LETTER_H

#include "delivery/entries.h"
#include "redis/args.h"

#define LETTER_RECORD_KEPT 4096 /* bytes kept of a record that cannot be read */

/* Each appends 'dead' fields_len field value …, as settle_stream.lua and settle_leased.lua have it.
 * What is borrowed is the entry's and lives until its settlement is answered. */

/* Of a delivery. Without the document where the script adds it. */
void letter_of_delivery(struct redis_args *args, const struct delivery *delivery,
                        const char *consumer, bool with_document);

/* Why an entry of the stream has no deliveries. */
struct letter_cause {
    enum dead_reason reason;
    const char *error;
    struct bytes json; /* what it had, also both or neither; data NULL: none */
    struct bytes msgpack;
};

/* In one piece of memory, for free(); of documents as much as a letter has. NULL: no memory. */
struct letter_cause *letter_cause_copy(const struct letter_cause *cause);

/* Of a whole entry of the stream. */
void letter_of_entry(struct redis_args *args, const struct entry *entry,
                     const struct letter_cause *cause, const char *consumer);

const char *letter_document_field(enum rh_encoding encoding); /* "json" or "msgpack" */

#endif
