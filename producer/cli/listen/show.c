#include "cli/listen/show.h"

#include <stdio.h>

#include "cli/terminal/json_output.h"
#include "contract/json_scan.h"
#include "contract/json_text.h"
#include "contract/parse.h"

#define LINE_MAX_BYTES (6 * (LISTEN_HEAD_MAX + LISTEN_BODY_MAX)) /* each byte may be escaped */
#define JSON_LEVELS 2048
#define TIME_SIZE 32
#define NAME_SIZE 128

/* Is it a JSON document, which can be laid out? */
static bool is_json(struct bytes text)
{
    struct buffer compact;
    bool sound;

    buffer_init(&compact, LISTEN_BODY_MAX);
    sound = json_compact(text, JSON_LEVELS, &compact) &&
            json_kind_of(buffer_bytes(&compact)) >= JSON_KIND_LIST;
    buffer_release(&compact);
    return sound;
}

int show_request_text(const struct shown_request *shown)
{
    const struct http_request *request = shown->request;
    char at[TIME_SIZE];
    char name[NAME_SIZE];

    (void)printf("%s from %s\n", format_iso8601(shown->at_ms, at, sizeof(at)), shown->from);
    (void)printf("%s ", bytes_printable(request->method, name, sizeof(name)));
    print_value(request->target);
    for (size_t i = 0; i < request->headers_len; i++) {
        (void)printf("%s: ", bytes_printable(request->headers[i].name, name, sizeof(name)));
        print_value(request->headers[i].value);
    }
    (void)putchar('\n');
    if (is_json(request->body))
        print_pretty_json(request->body, 0);
    else if (request->body.len > 0)
        print_value(request->body);
    if (shown->is_verified)
        (void)printf("\nsignature %s%s", shown->faults ? "not valid: " : "valid",
                     shown->faults ? shown->faults : "");
    (void)printf("\nanswered %d\n\n", shown->answered);
    return 0;
}

/* As pairs, for a name may come twice. */
static void put_headers(struct buffer *line, const struct http_request *request)
{
    object_put_json(line, "headers", BYTES("["));
    for (size_t i = 0; i < request->headers_len; i++) {
        buffer_append_text(line, i > 0 ? ",[" : "[");
        json_put_untrusted(line, request->headers[i].name);
        buffer_append_char(line, ',');
        json_put_untrusted(line, request->headers[i].value);
        buffer_append_char(line, ']');
    }
    buffer_append_char(line, ']');
}

int show_request_json(const struct shown_request *shown)
{
    const struct http_request *request = shown->request;
    struct buffer line;
    char at[TIME_SIZE];

    buffer_init(&line, LINE_MAX_BYTES);
    object_begin(&line);
    object_put_text(&line, "at", bytes_of(format_iso8601(shown->at_ms, at, sizeof(at))));
    object_put_text(&line, "from", bytes_of(shown->from));
    object_put_text(&line, "method", request->method);
    object_put_text(&line, "target", request->target);
    put_headers(&line, request);
    object_put_text(&line, "body", request->body);
    if (shown->is_verified)
        object_put_bool(&line, "signature_valid", !shown->faults);
    if (shown->is_verified && shown->faults)
        object_put_text(&line, "signature_error", bytes_of(shown->faults));
    object_put_int(&line, "answered", shown->answered);
    int printed = object_print(&line);
    buffer_release(&line);
    return printed;
}
