/*
 * The arguments of one Redis command, of any length. Values are borrowed or copied, one by one.
 * A failed allocation is remembered and makes the sending fail.
 */
#ifndef REDIS_ARGS_H
#define REDIS_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "contract/bytes.h"

struct redis_arg {
    const char *borrowed; /* NULL: the value lies at offset in copies */
    size_t offset;
    size_t len;
};

struct redis_args {
    struct redis_arg *items;
    size_t len;
    size_t cap;
    struct buffer copies;
    bool failed;
};

void redis_args_init(struct redis_args *args);
void redis_args_release(struct redis_args *args); /* also of a zeroed one */

void redis_args_borrow(struct redis_args *args, struct bytes value); /* must live until sent */
void redis_args_text(struct redis_args *args, const char *literal);  /* the same for a C string */
void redis_args_list(struct redis_args *args, const struct bytes *values,
                     size_t len); /* as borrow */
void redis_args_copy(struct redis_args *args, struct bytes value);
void redis_args_int(struct redis_args *args, int64_t value);
void redis_args_append(struct redis_args *args,
                       const struct redis_args *more); /* borrows from more */

bool redis_args_failed(const struct redis_args *args);
struct bytes redis_args_at(const struct redis_args *args, size_t index);
size_t redis_args_bytes(const struct redis_args *args); /* the sum of the lengths */

#endif
