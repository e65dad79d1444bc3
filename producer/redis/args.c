#include "redis/args.h"

#include <stdlib.h>
#include <string.h>

/* Redis takes a bulk of at most 512 MB; a batch of ours stays far below. */
#define REDIS_ARGS_COPIES_MAX (64u << 20)

void redis_args_init(struct redis_args *args)
{
    *args = (struct redis_args){0};
    buffer_init(&args->copies, REDIS_ARGS_COPIES_MAX);
}

void redis_args_release(struct redis_args *args)
{
    free(args->items);
    buffer_release(&args->copies);
    *args = (struct redis_args){0};
}

static void push(struct redis_args *args, struct redis_arg item)
{
    if (args->len == args->cap) {
        size_t cap = args->cap == 0 ? 16 : args->cap * 2;
        struct redis_arg *items = reallocarray(args->items, cap, sizeof(*items));
        if (items == NULL) {
            args->failed = true;
            return;
        }
        args->items = items;
        args->cap = cap;
    }
    args->items[args->len++] = item;
}

void redis_args_borrow(struct redis_args *args, struct bytes value)
{
    push(args,
         (struct redis_arg){.borrowed = value.data == NULL ? "" : value.data, .len = value.len});
}

void redis_args_text(struct redis_args *args, const char *literal)
{
    redis_args_borrow(args, bytes_of(literal));
}

void redis_args_list(struct redis_args *args, const struct bytes *values, size_t len)
{
    for (size_t i = 0; i < len; i++)
        redis_args_borrow(args, values[i]);
}

void redis_args_copy(struct redis_args *args, struct bytes value)
{
    struct redis_arg item = {.offset = args->copies.len, .len = value.len};
    buffer_append_bytes(&args->copies, value);
    push(args, item);
}

void redis_args_int(struct redis_args *args, int64_t value)
{
    struct redis_arg item = {.offset = args->copies.len};
    buffer_append_int64(&args->copies, value);
    item.len = args->copies.len - item.offset;
    push(args, item);
}

void redis_args_append(struct redis_args *args, const struct redis_args *more)
{
    if (redis_args_failed(more))
        args->failed = true;
    for (size_t i = 0; i < more->len; i++)
        redis_args_borrow(args, redis_args_at(more, i));
}

bool redis_args_failed(const struct redis_args *args)
{
    return args->failed || buffer_failed(&args->copies);
}

struct bytes redis_args_at(const struct redis_args *args, size_t index)
{
    const struct redis_arg *item = &args->items[index];
    if (item->borrowed != NULL)
        return (struct bytes){item->borrowed, item->len};
    if (item->len == 0)
        return (struct bytes){"", 0};
    return (struct bytes){args->copies.data + item->offset, item->len};
}

size_t redis_args_bytes(const struct redis_args *args)
{
    size_t sum = 0;
    for (size_t i = 0; i < args->len; i++)
        sum += args->items[i].len;
    return sum;
}
