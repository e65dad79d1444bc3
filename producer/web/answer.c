#include "web/answer.h"

#include <stdarg.h>

#include "contract/json_object.h"

void answer_init(struct answer *answer)
{
    *answer = (struct answer){.status = 200, .type = ANSWER_JSON};
    buffer_init(&answer->body, ANSWER_BODY_MAX);
}

void answer_release(struct answer *answer)
{
    if (answer->has_secret)
        buffer_wipe(&answer->body);
    else
        buffer_release(&answer->body);
}

void answer_refuse(struct answer *answer, int status, const char *code, const char *format, ...)
{
    struct error_text message;
    va_list args;

    va_start(args, format);
    error_text_setv(&message, format, args);
    va_end(args);
    answer->status = status;
    answer->type = ANSWER_JSON;
    buffer_clear(&answer->body);
    buffer_append_text(&answer->body, "{\"error\":");
    object_begin(&answer->body);
    object_put_text(&answer->body, "code", bytes_of(code));
    object_put_text(&answer->body, "message", bytes_of(message.text));
    object_end(&answer->body);
    object_end(&answer->body);
}

const char *answer_reason(int status)
{
    static const struct {
        int status;
        const char *reason;
    } reasons[] = {
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {304, "Not Modified"},
        {308, "Permanent Redirect"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {411, "Length Required"},
        {413, "Content Too Large"},
        {415, "Unsupported Media Type"},
        {421, "Misdirected Request"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
    };

    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        if (reasons[i].status == status)
            return reasons[i].reason;
    }
    return "Other";
}
