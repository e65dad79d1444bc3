#include "contract/json_read.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/*
 * A document is read, walked and freed before the next one, in some sixty allocations. So they are
 * taken from one block, one behind the other, and the block is empty again when the last of them
 * was freed. What does not fit, or lives on, is malloc's.
 */
#ifdef ROOMHOOK_SANITIZE
#define BLOCK_SIZE 0
#else
#define BLOCK_SIZE 65536
#endif
#define ALIGNMENT _Alignof(max_align_t)

struct own_memory {
    _Alignas(max_align_t) char block[BLOCK_SIZE + ALIGNMENT];
    size_t used;
    size_t allocations;    /* in the block */
    bool memory_was_short; /* an allocation failed */
};

/* jansson's functions for memory take no context. */
/* NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables) */
static struct own_memory memory;

static void *allocate(size_t size)
{
    void *allocated;

    if (size <= BLOCK_SIZE && BLOCK_SIZE - memory.used >= size) {
        allocated = memory.block + memory.used;
        memory.used += (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        memory.allocations++;
        return allocated;
    }
    allocated = malloc(size);
    if (!allocated)
        memory.memory_was_short = true;
    return allocated;
}

static bool is_in_block(const void *allocated)
{
    uintptr_t at = (uintptr_t)allocated, begin = (uintptr_t)memory.block;

    return at >= begin && at - begin < sizeof(memory.block);
}

static void release(void *allocated)
{
    if (!is_in_block(allocated))
        free(allocated);
    else if (--memory.allocations == 0)
        memory.used = 0;
}

void json_read_own_memory(void)
{
    json_set_alloc_funcs(allocate, release);
}

static const char *problem_text(enum json_error_code code)
{
    switch (code) {
    case json_error_stack_overflow:
        return "nested too deep";
    case json_error_invalid_utf8:
        return "not valid UTF-8";
    case json_error_premature_end_of_input:
        return "ends too early";
    case json_error_end_of_input_expected:
        return "more text after the end";
    case json_error_null_character:
    case json_error_null_byte_in_key:
        return "\\u0000 is not allowed here";
    case json_error_duplicate_key:
        return "the same key twice in one object";
    case json_error_numeric_overflow:
        return "a number too large for 64 bits";
    default:
        return "not JSON";
    }
}

static json_t *load(struct bytes text, enum json_nul nul, json_error_t *error)
{
    size_t flags = JSON_REJECT_DUPLICATES | (nul == JSON_NUL_ALLOWED ? JSON_ALLOW_NUL : 0);

    *error = (json_error_t){.line = 0}; /* jansson leaves the code as it was when memory runs out */
    return json_loadb(text.data ? text.data : "", text.len, flags, error);
}

json_t *json_read(struct bytes text, enum json_nul nul, bool *ret_no_memory, struct error_text *why)
{
    json_error_t error;
    json_t *value;

    memory.memory_was_short = false;
    value = load(text, nul, &error);
    if (memory.memory_was_short) {
        json_decref(value);
        *ret_no_memory = true;
        error_text_set(why, "out of memory");
        return NULL;
    }
    /* When that is not watched: it also calls some failed allocations a syntax error. Those do not
     * come again: by then memory is either back, or lacking from the start, which it does tell. */
    if (!value && json_error_code(&error) == json_error_invalid_syntax)
        value = load(text, nul, &error);
    if (value)
        return value;
    *ret_no_memory = json_error_code(&error) == json_error_out_of_memory ||
                     json_error_code(&error) == json_error_unknown;
    if (*ret_no_memory)
        error_text_set(why, "out of memory");
    else
        error_text_set(why, "line %d, column %d: %s", error.line, error.column,
                       problem_text(json_error_code(&error)));
    return NULL;
}

struct bytes json_text_of(const json_t *string)
{
    return (struct bytes){json_string_value(string), json_string_length(string)};
}
