#include "json_read.h"

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
        return "more text behind the end";
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

json_t *json_read(struct bytes text, enum json_nul nul, bool *ret_no_memory, struct error_text *why)
{
    size_t flags = JSON_REJECT_DUPLICATES | (nul == JSON_NUL_ALLOWED ? JSON_ALLOW_NUL : 0);
    json_error_t error;
    json_t *value = json_loadb(text.data ? text.data : "", text.len, flags, &error);
    enum json_error_code code;

    if (value)
        return value;
    code = json_error_code(&error);
    /* jansson says nothing at all when most of its allocations fail. */
    *ret_no_memory = code == json_error_out_of_memory || code == json_error_unknown;
    if (*ret_no_memory)
        error_text_set(why, "out of memory");
    else
        error_text_set(why, "line %d, column %d: %s", error.line, error.column, problem_text(code));
    return NULL;
}

struct bytes json_text_of(const json_t *string)
{
    return (struct bytes){json_string_value(string), json_string_length(string)};
}
