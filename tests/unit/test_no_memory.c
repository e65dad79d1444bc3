/* What is read and made of what strangers send, when memory is short: see failing_heap.h. */
#define _GNU_SOURCE 1
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/failing_heap.h"
#include "base/log.h"
#include "contract/event_codec.h"
#include "contract/hook.h"
#include "contract/json_read.h"
#include "hooks/registry.h"
#include "http/client_internal.h"
#include "http/render.h"
#include "queue/record.h"
#include "settings/read.h"

/* --- scenarios: each returns 0 when it was done, -1 when it says that memory was short --- */

#define SECRET "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define HOOK                                                                                      \
    "{\"url\":\"https://host.example:8443/a?b\",\"verificationSignature\":\"9JOLCJUVylQxxdhX\","  \
    "\"secret\":[\"" SECRET "\",{\"key\":\"" SECRET "\",\"until\":1}],\"template\":{\"a\":"       \
    "\"{{message.body.text|type}} b\"},\"types\":[\"a.*\"],\"description\":\"d\","                \
    "\"headers\":{\"X-A\":\"1\",\"X-B\":\"a longer value, so that the line has to grow a bit\"}," \
    "\"enabled\":true,\"timeout\":\"5s\",\"maxAge\":\"1h\",\"rateLimit\":\"10/s\"}"
#define EVENT                                                                                    \
    "{\"type\":\"message.created\",\"message\":{\"roomId\":438,\"createdAt\":1667548137257,"     \
    "\"body\":{\"text\":\"a text with \u00e9 and \\\"quotes\\\"\",\"list\":[1,2.5,null,true]}}," \
    "\"fromUser\":{\"displayName\":\"Ana\"},\"room\":{\"name\":\"tests\"},"                      \
    "\"webhooks\":[{\"url\":\"https://a.example/\"},{\"url\":\"https://b.example/\"}]}"
#define RECORD                                                                     \
    "{\"lane\":\"438/main\",\"attempts\":3,\"first_attempt_at\":1667548137257,"    \
    "\"last_attempt_at\":1667548138257,\"status\":503,\"error\":\"answered 503\"," \
    "\"cuts\":1,\"encoding\":\"json\"}\n" EVENT
#define OLD_RECORD "{\"room\":438,\"hook\":\"main\",\"attempts\":3,\"encoding\":\"json\"}"

#define MESSAGE_OUT                                                                            \
    "{\"roomId\":438,\"createdAt\":1667548137257,\"body\":{\"text\":\"a text with \u00e9 and " \
    "\\\"quotes\\\"\",\"list\":[1,2.5,null,true]}}"

static struct error_text why;

static int try_hook(void)
{
    struct hook *hook = NULL;
    int problem = hook_parse(BYTES("main"), BYTES(HOOK), &hook, &why);

    if (problem != HOOK_OK && problem != HOOK_NO_MEMORY)
        fail_msg("problem %d: %s", problem, why.text);
    hook_free(hook);
    return problem == HOOK_OK ? 0 : -1;
}

static int try_event(enum rh_encoding encoding, struct bytes document)
{
    struct event event;
    int problem = event_decode(encoding, document, &event, &why);

    assert_true(problem == EVENT_OK || problem == EVENT_NO_MEMORY);
    if (problem != EVENT_OK)
        return -1;
    assert_true(bytes_equal(event.message, BYTES(MESSAGE_OUT))); /* not a byte is missing */
    assert_int_equal(event.inline_hooks_len, 2);
    event_release(&event);
    return 0;
}

static int try_event_json(void)
{
    return try_event(RH_JSON, BYTES(EVENT));
}

static struct buffer packed_event;
static json_t *filling;

static int try_event_msgpack(void)
{
    return try_event(RH_MSGPACK, buffer_bytes(&packed_event));
}

static int try_event_packing(void)
{
    struct buffer packed;
    int problem;

    buffer_init(&packed, 65536);
    problem = event_json_to_msgpack(BYTES(EVENT), &packed, &why);
    buffer_release(&packed);
    assert_true(problem == EVENT_OK || problem == EVENT_NO_MEMORY);
    return problem == EVENT_OK ? 0 : -1;
}

static int try_record(void)
{
    struct record record;
    struct buffer text;
    int problem = record_decode(BYTES(RECORD), &record, &why);
    bool failed;

    assert_true(problem == RECORD_OK || problem == RECORD_NO_MEMORY);
    if (problem != RECORD_OK)
        return -1;
    buffer_init(&text, 65536);
    record_encode(&record, &text);
    failed = buffer_failed(&text);
    buffer_release(&text);
    return failed ? -1 : 0;
}

static int try_old_record(void)
{
    struct record record;
    struct record_hook hook;
    int problem = record_decode_old(BYTES(OLD_RECORD), &record, &hook, &why);

    assert_true(problem == RECORD_OK || problem == RECORD_NO_MEMORY);
    return problem == RECORD_OK ? 0 : -1;
}

static int try_inline_hooks(void)
{
    struct event event;
    struct hook_set *set;
    int result = -1;

    if (event_decode(RH_JSON, BYTES(EVENT), &event, &why) != EVENT_OK)
        return -1;
    set = hook_set_inline(&event);
    if (set && set->slots[0].hook && set->slots[1].hook)
        result = 0;
    for (size_t i = 0; set && i < set->len; i++)
        assert_true(set->slots[i].hook || set->slots[i].problem == HOOK_NO_MEMORY);
    hook_set_drop(set);
    event_release(&event);
    return result;
}

static int render_and_release(const struct event *event, const struct hook *hook)
{
    struct request request;
    struct render_input input = {.event = event,
                                 .hook = hook,
                                 .event_id = BYTES("id"),
                                 .traceparent = BYTES("traceparent"),
                                 .now_s = 1667548137};
    int result;

    request_init(&request, 65536);
    result = render(&input, &request);
    request_release(&request);
    return result;
}

static int try_render(void)
{
    struct event event;
    struct hook *hook = NULL;
    int result = -1;

    if (event_decode(RH_JSON, BYTES(EVENT), &event, &why) != EVENT_OK)
        return -1;
    if (hook_parse(BYTES("main"), BYTES(HOOK), &hook, &why) == HOOK_OK)
        result = render_and_release(&event, hook);
    hook_free(hook);
    event_release(&event);
    return result;
}

static char settings_path[] = "/tmp/roomhook-test-XXXXXX";

/* The file says more than the defaults, so that a half-read one would be seen. */
static int try_settings(void)
{
    static struct settings settings;
    char program[] = "roomhook-worker";
    char flag[] = "--config";
    char *argv[] = {program, flag, settings_path, NULL};
    char *environment[] = {NULL};
    enum settings_action action;
    int result = settings_read(3, argv, environment, &settings, &action, &why);

    assert_true(result != 0 || (settings.max_in_flight == 77 && settings.dead_max == 78));
    return result;
}

static int try_client(void)
{
    static const struct address_guard guard;
    struct http_client_config config = {.guard = &guard,
                                        .ca_file = "/etc/ssl/certs/ca-certificates.crt",
                                        .max_transfers = 2,
                                        .max_response_bytes = 1024,
                                        .max_body_bytes = 1024};
    struct loop *loop = loop_new();
    struct http_client *client = loop ? http_client_new(loop, &config, &why) : NULL;
    int result = client ? 0 : -1;

    http_client_free(client);
    loop_free(loop);
    return result;
}

static int try_parsed_url(void)
{
    static struct http_client client;
    struct url url;
    struct http_target target = {.url_text = "https://a.test/x", .url = &url};
    int result = url_parse(bytes_of(target.url_text), &url, &why);
    struct parsed_url *parsed;

    client_url_init(&client);
    parsed = client_url_get(&client, &target);
    client_url_leave(parsed);
    client_url_free_all(&client);
    return result == 0 && parsed ? 0 : -1;
}

SWEEP(hook)
SWEEP(event_json)
SWEEP(event_msgpack)
SWEEP(event_packing)
SWEEP(record)
SWEEP(inline_hooks)
SWEEP(render)
SWEEP(old_record)
SWEEP(settings)
SWEEP(client)
SWEEP(parsed_url)

/* With the block of json_read full every allocation is malloc's and can fail. */
static void fill_block(void)
{
    struct buffer text;
    bool no_memory;

    buffer_init(&text, 65536);
    buffer_append_text(&text, "[0");
    for (int i = 0; i < 8000; i++)
        buffer_append_text(&text, ",0");
    buffer_append_text(&text, "]");
    filling = json_read(buffer_bytes(&text), JSON_NUL_REFUSED, &no_memory, &why);
    assert_non_null(filling);
    buffer_release(&text);
}

static int set_up(void **state)
{
    static const char text[] = "max-in-flight = 77\ndead-max = 78\nallow-address = 10.0.0.0/8\n";
    int descriptor = mkstemp(settings_path);

    (void)state;
    assert_true(descriptor >= 0);
    assert_int_equal(write(descriptor, text, strlen(text)), strlen(text));
    close(descriptor);
    log_configure(LOG_ERROR + 1, LOG_LOGFMT);
    json_read_own_memory();
    fill_block();
    buffer_init(&packed_event, 65536);
    assert_int_equal(event_json_to_msgpack(BYTES(EVENT), &packed_event, &why), EVENT_OK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    unlink(settings_path);
    json_decref(filling);
    buffer_release(&packed_event);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hook_sweep),          cmocka_unit_test(event_json_sweep),
        cmocka_unit_test(event_msgpack_sweep), cmocka_unit_test(event_packing_sweep),
        cmocka_unit_test(record_sweep),        cmocka_unit_test(inline_hooks_sweep),
        cmocka_unit_test(render_sweep),        cmocka_unit_test(old_record_sweep),
        cmocka_unit_test(settings_sweep),      cmocka_unit_test(client_sweep),
        cmocka_unit_test(parsed_url_sweep),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
