#include "web/api_list.h"

void list_begin(struct answer *answer)
{
    buffer_append_text(&answer->body, "{\"data\":[");
}

void list_next(struct answer *answer)
{
    if (answer->body.len > 0 && answer->body.data[answer->body.len - 1] != '[')
        buffer_append_char(&answer->body, ',');
}

bool list_is_full(const struct answer *answer)
{
    return answer->body.len >= LIST_BYTES_MAX;
}

void list_end(struct answer *answer, const char *iterator)
{
    buffer_append_char(&answer->body, ']');
    if (iterator != NULL)
        object_put_text(&answer->body, "iterator", bytes_of(iterator));
    else
        object_put_json(&answer->body, "iterator", BYTES("null"));
    object_put_bool(&answer->body, "done", iterator == NULL);
    object_end(&answer->body);
}
