#include "web/openapi.h"

#include <roomhook/version.h>
#include <stdio.h>
#include <string.h>

#include "contract/dead_letter.h"
#include "contract/json_object.h"
#include "contract/json_text.h"
#include "web/route.h"

/* A name without quotes in front of a value. */
static void put_key(struct buffer *out, const char *name)
{
    object_put_json(out, name, BYTES(""));
}

static const char room_schema[] = "{\"type\":\"string\",\"minLength\":1,\"maxLength\":128,"
                                  "\"pattern\":\"^(?![.]{1,2}$)[A-Za-z0-9._:!@#$+=~-]{1,128}$\"}";
static const char hook_schema[] =
    "{\"type\":\"string\",\"minLength\":1,\"maxLength\":64,\"pattern\":\"^[A-Za-z0-9_-]{1,64}$\"}";
static const char lane_schema[] =
    "{\"type\":\"string\",\"pattern\":\"^([A-Za-z0-9_-]{1,64}|:[0-9a-f]{16})$\"}";
static const char place_schema[] = "{\"type\":\"string\",\"pattern\":\"^[0-9]{1,15}:"
                                   "-?[0-9]{1,18}/([A-Za-z0-9_-]{1,64}|:[0-9a-f]{16})$\"}";
static const char letter_schema[] =
    "{\"type\":\"string\",\"pattern\":\"^(0|[1-9][0-9]{0,17})-(0|[1-9][0-9]{0,17})$\"}";
static const char rate_schema[] = "{\"type\":\"string\",\"pattern\":\"^[1-9][0-9]{0,5}(/s)?$\"}";
static const char state_schema[] =
    "{\"type\":\"string\",\"enum\":[\"open\",\"failing\",\"disabled\",\"paused\",\"slow\"]}";
static const char cursor_schema[] = "{\"type\":\"string\",\"pattern\":\"^[0-9]{1,18}$\"}";

/* Not all that is read, but enough: hours, minutes, an age or a time in seconds. */
static const char hours_schema[] = "{\"type\":\"string\",\"pattern\":\"^(0|[1-9][0-9]{0,2}h)$\"}";
static const char minutes_schema[] = "{\"type\":\"string\",\"pattern\":\"^([1-9]|[1-5][0-9])m$\"}";
static const char time_schema[] =
    "{\"type\":\"string\",\"pattern\":\"^(0|[1-9][0-9]{0,3}[smh]|20[0-9]{2}-(0[1-9]|1[0-2])-"
    "(0[1-9]|1[0-9]|2[0-8])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z)$\"}";

/* What answers are made of. Members that are not named here may come with any version. */
static const char schemas[] =
    "\"Attention\":{\"type\":\"object\",\"required\":[\"data\",\"counts\",\"total\","
    "\"complete\"],\"properties\":{\"data\":{\"type\":\"array\",\"items\":{\"$ref\":"
    "\"#/components/schemas/Hook\"}},\"counts\":{\"type\":\"object\"},"
    "\"total\":{\"type\":\"integer\"},\"complete\":{\"type\":\"boolean\"}}},"
    "\"Attempt\":{\"type\":\"object\",\"required\":[\"at_ms\",\"room\",\"hook\",\"event\","
    "\"outcome\",\"attempt\",\"status\",\"ms\"],\"properties\":{\"at_ms\":{\"type\":\"integer\"},"
    "\"room\":{\"$ref\":\"#/components/schemas/RoomId\"},\"hook\":{\"type\":\"string\"},"
    "\"event\":{\"type\":\"string\"},\"outcome\":{\"type\":\"string\"},"
    "\"attempt\":{\"type\":\"integer\"},\"status\":{\"type\":\"integer\"},"
    "\"ms\":{\"type\":\"integer\"}}},"
    "\"Point\":{\"type\":\"object\",\"required\":[\"at_ms\",\"span_ms\"],\"properties\":{"
    "\"at_ms\":{\"type\":\"integer\"},\"span_ms\":{\"type\":\"integer\"},"
    "\"p50_ms\":{\"type\":\"integer\",\"nullable\":true},"
    "\"p99_ms\":{\"type\":\"integer\",\"nullable\":true}}},"
    "\"Happened\":{\"type\":\"object\",\"required\":[\"at_ms\",\"kind\"],\"properties\":{"
    "\"at_ms\":{\"type\":\"integer\"},\"kind\":{\"type\":\"string\"},"
    "\"lane\":{\"type\":\"string\"},\"room\":{\"$ref\":\"#/components/schemas/RoomId\"},"
    "\"hook\":{\"type\":\"string\"},\"worker\":{\"type\":\"string\"},"
    "\"why\":{\"type\":\"string\"}}},"
    "\"Error\":{\"type\":\"object\",\"required\":[\"error\"],\"properties\":{\"error\":{"
    "\"type\":\"object\",\"required\":[\"code\",\"message\"],\"properties\":{"
    "\"code\":{\"type\":\"string\"},\"message\":{\"type\":\"string\"}}}}},"
    "\"RoomId\":{\"anyOf\":[{\"type\":\"integer\"},{\"type\":\"string\"}]},"
    "\"Status\":{\"type\":\"object\",\"required\":[\"queue\",\"time_ms\",\"backlog\",\"in_flight\","
    "\"deliveries_waiting\",\"dead\",\"workers\",\"counters\"],\"properties\":{"
    "\"queue\":{\"type\":\"string\"},\"time_ms\":{\"type\":\"integer\"},"
    "\"backlog\":{\"type\":\"integer\",\"nullable\":true},"
    "\"in_flight\":{\"type\":\"integer\",\"nullable\":true},"
    "\"oldest_event_ms\":{\"type\":\"integer\",\"nullable\":true},"
    "\"deliveries_waiting\":{\"type\":\"integer\",\"nullable\":true},"
    "\"dead\":{\"type\":\"integer\",\"nullable\":true},"
    "\"workers\":{\"type\":\"array\",\"nullable\":true,\"items\":{\"type\":\"object\"}},"
    "\"counters\":{\"type\":\"object\",\"nullable\":true}}},"
    "\"Worker\":{\"type\":\"object\",\"required\":[\"name\",\"heartbeat\"],\"properties\":{"
    "\"name\":{\"type\":\"string\"},\"heartbeat\":{\"type\":\"object\",\"nullable\":true}}},"
    "\"Findings\":{\"type\":\"object\",\"required\":[\"queue\",\"findings\"],\"properties\":{"
    "\"findings\":{\"type\":\"array\",\"items\":{\"type\":\"object\","
    "\"required\":[\"level\",\"part\","
    "\"check\",\"text\"]}}}},"
    "\"Hook\":{\"type\":\"object\",\"required\":[\"room\",\"id\",\"state\"],\"properties\":{"
    "\"room\":{\"$ref\":\"#/components/schemas/RoomId\"},\"id\":{\"type\":\"string\"},"
    "\"url\":{\"type\":\"string\"},\"state\":{\"type\":\"string\",\"enum\":[\"disabled\","
    "\"open\",\"paused\",\"failing\",\"slow\",\"healthy\",\"invalid\"]},"
    "\"waiting\":{\"type\":\"integer\"},\"recent\":{\"type\":\"integer\"},"
    "\"recent_failed\":{\"type\":\"integer\"},\"log\":{\"type\":\"object\",\"nullable\":true,"
    "\"required\":[\"since\",\"attempts\",\"delivered\",\"failed\"],\"properties\":{"
    "\"since\":{\"type\":\"integer\"},\"attempts\":{\"type\":\"integer\"},"
    "\"delivered\":{\"type\":\"integer\"},\"failed\":{\"type\":\"integer\"},"
    "\"p50_ms\":{\"type\":\"integer\"}}}}},"
    "\"HookChange\":{\"type\":\"object\",\"properties\":{\"url\":{\"type\":\"string\"},"
    "\"format\":{\"type\":\"string\"},\"enabled\":{\"type\":\"boolean\"},"
    "\"secret\":{\"type\":\"string\"},\"verificationSignature\":{\"type\":\"string\"},"
    "\"headers\":{\"type\":\"object\"},\"timeout\":{\"type\":\"string\"},"
    "\"maxAge\":{\"type\":\"string\"},\"rateLimit\":{\"type\":\"string\"},"
    "\"types\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}},"
    "\"acceptStatus\":{\"type\":\"array\",\"items\":{\"type\":\"integer\"}},"
    "\"description\":{\"type\":\"string\"},\"transport\":{\"type\":\"string\"},\"template\":{}}},"
    "\"Lane\":{\"type\":\"object\",\"required\":[\"lane\",\"waiting\",\"state\",\"shut\","
    "\"next_at\"],\"properties\":{\"lane\":{\"type\":\"string\"},"
    "\"waiting\":{\"type\":\"integer\"},"
    "\"state\":{\"type\":\"string\"},\"shut\":{\"type\":\"boolean\"},"
    "\"oldest_at\":{\"type\":\"integer\"},\"next_at\":{\"type\":\"integer\"},"
    "\"why\":{\"type\":\"string\"}}},"
    "\"Delivery\":{\"type\":\"object\"},"
    "\"DeadLetter\":{\"type\":\"object\",\"required\":[\"id\",\"dead_since\"],\"properties\":{"
    "\"id\":{\"type\":\"string\"},\"dead_since\":{\"type\":\"string\"}}},"
    "\"Moved\":{\"type\":\"object\",\"required\":[\"count\",\"skipped\",\"failed\",\"dry_run\"],"
    "\"properties\":{\"count\":{\"type\":\"integer\"},\"skipped\":{\"type\":\"integer\"},"
    "\"failed\":{\"type\":\"integer\"},\"dry_run\":{\"type\":\"boolean\"}}},"
    "\"Task\":{\"type\":\"object\",\"required\":[\"id\",\"state\"],\"properties\":{"
    "\"id\":{\"type\":\"string\"},\"state\":{\"type\":\"string\",\"enum\":[\"running\","
    "\"done\",\"cancelled\",\"invalid\"]},\"what\":{\"type\":\"string\"},"
    "\"room\":{\"$ref\":\"#/components/schemas/RoomId\"},"
    "\"rate\":{\"type\":\"integer\",\"nullable\":true},"
    "\"total\":{\"type\":\"integer\",\"nullable\":true},"
    "\"done\":{\"type\":\"integer\"},\"skipped\":{\"type\":\"integer\"},"
    "\"failed\":{\"type\":\"integer\"},\"made_at\":{\"type\":\"integer\"},"
    "\"ended_at\":{\"type\":\"integer\"},\"leased\":{\"type\":\"boolean\"},"
    "\"error\":{\"type\":\"string\"},\"error_at\":{\"type\":\"integer\"}}},"
    "\"Resumed\":{\"type\":\"object\",\"required\":[\"waiting\"],\"properties\":{"
    "\"waiting\":{\"type\":\"integer\"}}},"
    "\"Tested\":{\"type\":\"object\",\"required\":[\"room\",\"hook\",\"outcome\"]},"
    "\"Service\":{\"type\":\"object\",\"required\":[\"version\",\"queue\",\"role\","
    "\"actions\"],\"properties\":{\"version\":{\"type\":\"string\"},"
    "\"queue\":{\"type\":\"string\"},\"environment\":{\"type\":\"string\"},"
    "\"role\":{\"type\":\"string\",\"enum\":[\"read\",\"operate\",\"room\"]},"
    "\"room\":{\"$ref\":\"#/components/schemas/RoomId\"},"
    "\"actions\":{\"type\":\"boolean\"}}},"
    "\"Token\":{\"type\":\"object\",\"required\":[\"token\",\"expires_at\"],\"properties\":{"
    "\"token\":{\"type\":\"string\"},\"expires_at\":{\"type\":\"integer\"}}}";

static void put_reasons(struct buffer *out)
{
    buffer_append_text(out, "{\"type\":\"string\",\"enum\":[");
    for (int i = 0; i < DEAD_REASONS; i++) {
        buffer_append_text(out, i > 0 ? "," : "");
        json_put_string(out, bytes_of(dead_reason_name((enum dead_reason)i)));
    }
    buffer_append_text(out, "]}");
}

static void put_schema(struct buffer *out, const struct parameter *parameter)
{
    switch (parameter->kind) {
    case PARAMETER_NUMBER:
        buffer_append_text(out, "{\"type\":\"integer\",\"minimum\":");
        buffer_append_int64(out, parameter->min);
        buffer_append_text(out, ",\"maximum\":");
        buffer_append_int64(out, parameter->max);
        buffer_append_char(out, '}');
        break;
    case PARAMETER_FLAG:
        buffer_append_text(out, "{\"type\":\"boolean\"}");
        break;
    case PARAMETER_ROOM:
        buffer_append_text(out, room_schema);
        break;
    case PARAMETER_HOOK:
        buffer_append_text(out, hook_schema);
        break;
    case PARAMETER_LANE:
        buffer_append_text(out, lane_schema);
        break;
    case PARAMETER_STATE:
        buffer_append_text(out, state_schema);
        break;
    case PARAMETER_REASON:
        put_reasons(out);
        break;
    case PARAMETER_DURATION:
        buffer_append_text(out, parameter->min == 0 ? hours_schema : minutes_schema);
        break;
    case PARAMETER_TIME:
        buffer_append_text(out, time_schema);
        break;
    case PARAMETER_PLACE:
        buffer_append_text(out, place_schema);
        break;
    case PARAMETER_CURSOR:
        buffer_append_text(out, cursor_schema);
        break;
    case PARAMETER_LETTER:
        buffer_append_text(out, letter_schema);
        break;
    case PARAMETER_RATE:
        buffer_append_text(out, rate_schema);
        break;
    }
}

static void put_parameter(struct buffer *out, const char *where, const char *name,
                          const char *about, bool is_required)
{
    object_begin(out);
    object_put_text(out, "name", bytes_of(name));
    object_put_text(out, "in", bytes_of(where));
    object_put_bool(out, "required", is_required);
    if (about != NULL)
        object_put_text(out, "description", bytes_of(about));
    put_key(out, "schema");
}

/* The variables of the path. */
static size_t put_path_parameters(struct buffer *out, const struct route *route)
{
    static const struct {
        const char *name;
        const char *schema;
    } variables[] = {
        {"room", room_schema},     {"hook", hook_schema},  {"lane", lane_schema},
        {"letter", letter_schema}, {"event", hook_schema}, {"task", letter_schema},
    };
    size_t len = 0;

    for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
        char pattern[16];
        (void)snprintf(pattern, sizeof(pattern), "{%s}", variables[i].name);
        if (strstr(route->path, pattern) == NULL)
            continue;
        buffer_append_text(out, len++ > 0 ? "," : "");
        put_parameter(out, "path", variables[i].name, NULL, true);
        buffer_append_text(out, variables[i].schema);
        object_end(out);
    }
    return len;
}

static void put_parameters(struct buffer *out, const struct route *route)
{
    put_key(out, "parameters");
    buffer_append_char(out, '[');
    size_t len = put_path_parameters(out, route);
    for (size_t i = 0; i < ROUTE_PARAMETERS_MAX && route->parameters[i].name != NULL; i++) {
        buffer_append_text(out, len++ > 0 ? "," : "");
        put_parameter(out, "query", route->parameters[i].name, route->parameters[i].about,
                      route->parameters[i].is_required);
        put_schema(out, &route->parameters[i]);
        object_end(out);
    }
    buffer_append_char(out, ']');
}

static void put_content(struct buffer *out, const char *schema, bool is_list)
{
    buffer_append_text(out, "{\"application/json\":{\"schema\":");
    if (is_list)
        buffer_append_text(out,
                           "{\"type\":\"object\",\"required\":[\"data\",\"iterator\",\"done\"],"
                           "\"properties\":{\"iterator\":{\"type\":\"string\",\"nullable\":"
                           "true},\"done\":{\"type\":\"boolean\"},\"data\":{\"type\":"
                           "\"array\",\"items\":");
    buffer_append_format(out, "{\"$ref\":\"#/components/schemas/%s\"}", schema);
    buffer_append_text(out, is_list ? "}}}" : "");
    buffer_append_text(out, "}}");
}

static void put_success(struct buffer *out, const char *status, const char *description,
                        const char *schema, bool is_list)
{
    put_key(out, status);
    object_begin(out);
    object_put_text(out, "description", bytes_of(description));
    if (schema != NULL) {
        put_key(out, "content");
        put_content(out, schema, is_list);
    }
    object_end(out);
}

static void put_responses(struct buffer *out, const struct route *route)
{
    char status[16];

    put_key(out, "responses");
    object_begin(out);
    (void)snprintf(status, sizeof(status), "%d", route->status != 0 ? route->status : 200);
    put_success(out, status, "Done.", route->answer, route->is_list);
    if (strcmp(route->method, "PUT") == 0)
        put_success(out, "201", "Done.", route->answer, route->is_list);
    if (route->makes_task)
        put_success(out, "202", "Goes on as a task.", "Task", false);
    put_key(out, "default");
    object_begin(out);
    object_put_text(out, "description", BYTES("Refused, or not possible now."));
    put_key(out, "content");
    put_content(out, "Error", false);
    object_end(out);
    object_end(out);
}

static void put_route(struct buffer *out, const struct route *route)
{
    static const char *const rights[] = {
        [RIGHT_ANY] = "",
        [RIGHT_READ] = "",
        [RIGHT_ACT] = " Needs a token that may operate, and --actions.",
        [RIGHT_TOKEN] = " Needs a token that may operate on all rooms.",
    };
    struct error_text about;
    char method[8];
    size_t len = strlen(route->method);

    for (size_t i = 0; i <= len && i < sizeof(method); i++) {
        char c = route->method[i];
        method[i] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
    }
    put_key(out, method);
    object_begin(out);
    object_put_text(out, "operationId", bytes_of(route->name));
    error_text_set(&about, "%s%s", route->about, rights[route->right]);
    object_put_text(out, "description", bytes_of(about.text));
    put_parameters(out, route);
    if (route->body != NULL) {
        put_key(out, "requestBody");
        object_begin(out);
        object_put_bool(out, "required", true);
        put_key(out, "content");
        put_content(out, route->body, false);
        object_end(out);
    }
    put_responses(out, route);
    object_end(out);
}

/* All methods of a path together; at its first route. */
static void put_path(struct buffer *out, size_t first)
{
    for (size_t i = 0; i < first; i++) {
        if (strcmp(routes[i].path, routes[first].path) == 0)
            return;
    }
    put_key(out, routes[first].path);
    object_begin(out);
    for (size_t i = first; i < routes_len; i++) {
        if (strcmp(routes[i].path, routes[first].path) == 0)
            put_route(out, &routes[i]);
    }
    object_end(out);
}

void openapi_put(struct buffer *out, const char *base_path)
{
    object_begin(out);
    object_put_text(out, "openapi", BYTES("3.0.3"));
    object_put_json(out, "info", BYTES("{\"title\":\"Roomhook\",\"version\":\"" RH_VERSION "\"}"));
    buffer_append_text(out, ",\"servers\":[{\"url\":");
    json_put_string(out, base_path[0] != '\0' ? bytes_of(base_path) : BYTES("/"));
    buffer_append_text(out, "}],\"security\":[{\"token\":[]}]");
    put_key(out, "paths");
    object_begin(out);
    for (size_t i = 0; i < routes_len; i++)
        put_path(out, i);
    object_end(out);
    buffer_append_text(out, ",\"components\":{\"securitySchemes\":{\"token\":{\"type\":\"http\","
                            "\"scheme\":\"bearer\"}},\"schemas\":{");
    buffer_append_text(out, schemas);
    buffer_append_text(out, "}}");
    object_end(out);
}
