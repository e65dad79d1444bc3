#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <roomhook/version.h>

#include "../contract/room_of.h"
#include "http/render.h"

#define BODY_MAX 65536
#define USER_AGENT ("User-Agent: Roomhook/" RH_VERSION)

#define MESSAGE                                                                                  \
    "{\"id\":24006,\"fromUserId\":54,\"totalUserCount\":3,\"deliveredCount\":0,\"seenCount\":0," \
    "\"roomId\":438,\"type\":\"text\",\"body\":{\"text\":\"test\"},\"createdAt\":1667548137257," \
    "\"modifiedAt\":1667548137257,\"localId\":null,\"deleted\":false,\"replyId\":null}"
#define FROM_USER "{\"displayName\":\"Stjepan\",\"avatarFileId\":88}"
#define ROOM "{\"name\":\"tstt\",\"avatarFileId\":88}"

static char signature[] = "9JOLCJUVylQxxdhX";

/* The event and hook of Spika's documentation, which each test changes to its purpose. */
struct fixture {
    struct event event;
    struct hook hook;
    struct render_input input;
    struct request request;
};

static int set_up(void **state)
{
    static struct fixture fixture;

    fixture = (struct fixture){
        .event = {.room_id = ROOM_OF("438"),
                  .has_created_at = true,
                  .created_at_ms = 1667548137257,
                  .type = BYTES("message.created"),
                  .message = BYTES(MESSAGE),
                  .from_user = BYTES(FROM_USER),
                  .room = BYTES(ROOM)},
        .hook = {.verification_signature = signature, .format = HOOK_FORMAT_SPIKA},
        .input = {.event_id = BYTES("msg_1667548137257-0"),
                  .queued_at_ms = 1667548137300,
                  .now_s = 1667548138,
                  .attempt = 1},
    };
    fixture.input.event = &fixture.event;
    fixture.input.hook = &fixture.hook;
    request_init(&fixture.request, BODY_MAX);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    request_release(&fixture->request);
    return 0;
}

static void render_ok(struct fixture *fixture)
{
    assert_int_equal(render(&fixture->input, &fixture->request), 0);
}

static void assert_body(const struct fixture *fixture, const char *expected)
{
    assert_int_equal(fixture->request.body.len, strlen(expected));
    assert_string_equal(fixture->request.body.data, expected);
}

static const char *header(const struct fixture *fixture, size_t n)
{
    assert_true(n < fixture->request.headers_len);
    return fixture->request.header_text.data + fixture->request.header_at[n];
}

static void assert_headers(const struct fixture *fixture, const char *const *expected, size_t len)
{
    assert_int_equal(fixture->request.headers_len, len);
    for (size_t i = 0; i < len; i++)
        assert_string_equal(header(fixture, i), expected[i]);
}

static void spika_documented_example_comes_out_byte_for_byte(void **state)
{
    struct fixture *fixture = *state;

    render_ok(fixture);
    assert_body(fixture,
                "{\"data\":{\"message\":{\"id\":24006,\"fromUserId\":54,\"totalUserCount\":3,"
                "\"deliveredCount\":0,\"seenCount\":0,\"roomId\":438,\"type\":\"text\",\"body\":"
                "{\"text\":\"test\"},\"createdAt\":1667548137257,\"modifiedAt\":1667548137257,"
                "\"localId\":null,\"deleted\":false,\"replyId\":null},\"fromUser\":{"
                "\"displayName\":\"Stjepan\",\"avatarFileId\":88},\"room\":{\"name\":\"tstt\","
                "\"avatarFileId\":88}},\"headers\":{\"Content-Type\":\"application/json\","
                "\"Verification-Signature\":\"9JOLCJUVylQxxdhX\"}}");
    assert_string_equal(header(fixture, 0), "Content-Type: application/json");
    assert_string_equal(header(fixture, 1), "Verification-Signature: 9JOLCJUVylQxxdhX");
}

static void spika_without_signature_names_the_content_type_only(void **state)
{
    static const char *const headers[] = {
        "Content-Type: application/json",  USER_AGENT,
        "webhook-id: msg_1667548137257-0", "webhook-timestamp: 1667548138",
        "webhook-event: message.created",  "webhook-attempt: 1",
    };
    struct fixture *fixture = *state;

    fixture->hook.verification_signature = NULL;
    render_ok(fixture);
    assert_body(fixture,
                "{\"data\":{\"message\":" MESSAGE ",\"fromUser\":" FROM_USER ",\"room\":" ROOM
                "},\"headers\":{\"Content-Type\":\"application/json\"}}");
    assert_headers(fixture, headers, sizeof(headers) / sizeof(headers[0]));
}

static void spika_signature_is_escaped_in_the_body_and_plain_in_the_header(void **state)
{
    static char odd[] = "a\"b\\c/<>'";
    struct fixture *fixture = *state;

    fixture->hook.verification_signature = odd;
    fixture->event.from_user = fixture->event.room = (struct bytes){NULL, 0};
    fixture->event.message = BYTES("{}");
    render_ok(fixture);
    assert_body(fixture, "{\"data\":{\"message\":{}},\"headers\":{\"Content-Type\":"
                         "\"application/json\",\"Verification-Signature\":"
                         "\"a\\\"b\\\\c/<>'\"}}");
    assert_string_equal(header(fixture, 1), "Verification-Signature: a\"b\\c/<>'");
}

static void bare_leaves_absent_parts_out(void **state)
{
    static const struct {
        struct bytes from_user, room;
        const char *body;
    } rows[] = {
        {BYTES(FROM_USER), BYTES(ROOM),
         "{\"message\":" MESSAGE ",\"fromUser\":" FROM_USER ",\"room\":" ROOM "}"},
        {BYTES(FROM_USER), {NULL, 0}, "{\"message\":" MESSAGE ",\"fromUser\":" FROM_USER "}"},
        {{NULL, 0}, BYTES(ROOM), "{\"message\":" MESSAGE ",\"room\":" ROOM "}"},
        {{NULL, 0}, {NULL, 0}, "{\"message\":" MESSAGE "}"},
    };
    struct fixture *fixture = *state;

    fixture->hook.format = HOOK_FORMAT_BARE;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        fixture->event.from_user = rows[i].from_user;
        fixture->event.room = rows[i].room;
        render_ok(fixture);
        assert_body(fixture, rows[i].body);
    }
}

static void standard_tells_type_and_creation_time(void **state)
{
    struct fixture *fixture = *state;

    fixture->hook.format = HOOK_FORMAT_STANDARD;
    fixture->event.type = BYTES("message.edited_2");
    render_ok(fixture);
    assert_body(fixture,
                "{\"type\":\"message.edited_2\",\"timestamp\":\"2022-11-04T07:48:57.257Z\","
                "\"data\":{\"message\":" MESSAGE ",\"fromUser\":" FROM_USER ",\"room\":" ROOM "}}");
}

static void a_cloudevent_has_its_attributes_and_content_type(void **state)
{
    struct fixture *fixture = *state;

    fixture->hook.format = HOOK_FORMAT_CLOUDEVENTS;
    render_ok(fixture);
    assert_body(fixture,
                "{\"specversion\":\"1.0\",\"id\":\"msg_1667548137257-0\",\"source\":\"/rooms/438\","
                "\"type\":\"message.created\",\"time\":\"2022-11-04T07:48:57.257Z\","
                "\"datacontenttype\":\"application/json\",\"data\":{\"message\":" MESSAGE
                ",\"fromUser\":" FROM_USER ",\"room\":" ROOM "}}");
    assert_string_equal(header(fixture, 0), "Content-Type: application/cloudevents+json");
}

static void standard_without_creation_time_tells_when_it_was_queued(void **state)
{
    struct fixture *fixture = *state;

    fixture->hook.format = HOOK_FORMAT_STANDARD;
    fixture->event.has_created_at = false;
    fixture->event.message = BYTES("{\"roomId\":1}");
    fixture->event.from_user = fixture->event.room = (struct bytes){NULL, 0};
    render_ok(fixture);
    assert_body(fixture, "{\"type\":\"message.created\",\"timestamp\":\"2022-11-04T07:48:57.300Z\","
                         "\"data\":{\"message\":{\"roomId\":1}}}");
}

static void headers_stand_in_their_order(void **state)
{
    static char own_1[] = "X-Team: ops";
    static char own_2[] = "Authorization: Bearer abc";
    static char *own[] = {own_1, own_2};
    static struct hook_secret secrets[2];
    static const char *const headers[] = {
        "Content-Type: application/json",
        "Verification-Signature: 9JOLCJUVylQxxdhX",
        USER_AGENT,
        "webhook-id: order-7",
        "webhook-timestamp: 1649367553",
        "webhook-event: message.edited_2",
        "webhook-attempt: 10",
        ("webhook-signature: v1,QYhs2GytO3jg2/tETLJhaJM/6xuK/6UOQgnjhz0PRwg= "
         "v1,Y6FjEI5tP7OEDE8MROAhQH+LZodubGc4WQDz05LY10E="),
        "webhook-hops: 3",
        "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "X-Team: ops",
        "Authorization: Bearer abc",
    };
    struct fixture *fixture = *state;

    for (size_t i = 0; i < 2; i++) {
        memset(secrets[i].key, 'a' + (int)i, 32);
        secrets[i].key_len = 32;
    }
    fixture->hook.format = HOOK_FORMAT_BARE;
    fixture->hook.headers = own;
    fixture->hook.headers_len = 2;
    fixture->hook.secrets = secrets;
    fixture->hook.secrets_len = 2;
    fixture->event.message = BYTES("{\"text\":\"hi\"}");
    fixture->event.from_user = fixture->event.room = (struct bytes){NULL, 0};
    fixture->event.hops = 3;
    fixture->input.event_id = BYTES("order-7");
    fixture->input.now_s = 1649367553;
    fixture->input.attempt = 10;
    fixture->event.type = BYTES("message.edited_2");
    fixture->input.traceparent = BYTES("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    render_ok(fixture);
    assert_headers(fixture, headers, sizeof(headers) / sizeof(headers[0]));
}

static void most_and_longest_headers_fit(void **state)
{
    static char line[64 + 2 + HOOK_MAX_HEADER_VALUE + 1];
    static char *own[HOOK_MAX_HEADERS];
    static struct hook_secret secrets[HOOK_MAX_SECRETS];
    static char longest_signature[HOOK_SIGNATURE_MAX + 1];
    static char id[RH_NAME_MAX];
    static char type[128];
    struct fixture *fixture = *state;

    memset(line, 'x', sizeof(line) - 1);
    memcpy(line + 64, ": ", 2);
    memset(id, 'i', sizeof(id));
    memset(type, 't', sizeof(type));
    memset(longest_signature, '"', sizeof(longest_signature) - 1);
    for (size_t i = 0; i < HOOK_MAX_HEADERS; i++)
        own[i] = line;
    for (size_t i = 0; i < HOOK_MAX_SECRETS; i++)
        secrets[i].key_len = HOOK_SECRET_MAX;
    fixture->hook.verification_signature = longest_signature;
    fixture->hook.headers = own;
    fixture->hook.headers_len = HOOK_MAX_HEADERS;
    fixture->hook.secrets = secrets;
    fixture->hook.secrets_len = HOOK_MAX_SECRETS;
    fixture->input.event_id = (struct bytes){id, sizeof(id)};
    fixture->input.traceparent = BYTES("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    fixture->input.now_s = INT64_MIN;
    fixture->input.attempt = INT32_MAX;
    fixture->event.type = (struct bytes){type, sizeof(type)};
    fixture->event.hops = EVENT_HOPS_MAX;
    render_ok(fixture);
    assert_int_equal(fixture->request.headers_len, 10 + HOOK_MAX_HEADERS);
    assert_string_equal(header(fixture, 9 + HOOK_MAX_HEADERS), line);
}

static void rendering_again_leaves_nothing_of_the_last_request(void **state)
{
    struct fixture *fixture = *state;

    render_ok(fixture);
    fixture->hook.verification_signature = NULL;
    fixture->hook.format = HOOK_FORMAT_BARE;
    fixture->event.message = BYTES("{}");
    fixture->event.from_user = fixture->event.room = (struct bytes){NULL, 0};
    render_ok(fixture);
    assert_body(fixture, "{\"message\":{}}");
    assert_int_equal(fixture->request.headers_len, 6);
    assert_int_equal(fixture->request.header_at[0], 0);
    assert_string_equal(header(fixture, 1), USER_AGENT);
}

static void body_over_its_limit_fails_and_the_request_stays_usable(void **state)
{
    struct fixture *fixture = *state;

    fixture->hook.format = HOOK_FORMAT_BARE;
    fixture->event.from_user = fixture->event.room = (struct bytes){NULL, 0};
    request_release(&fixture->request);
    request_init(&fixture->request, 14);
    fixture->event.message = BYTES("{ }");
    assert_int_equal(render(&fixture->input, &fixture->request), -1);
    fixture->event.message = BYTES("{}"); /* 14 bytes with what is around it */
    render_ok(fixture);
    assert_body(fixture, "{\"message\":{}}");
}

/* Hooks and ids are checked before they come here; if one slips through nothing is sent. */
static void headers_over_their_limit_fail(void **state)
{
    static struct hook_secret secrets[1] = {{.key_len = HOOK_SECRET_MIN}};
    static char id[65536];
    struct fixture *fixture = *state;

    memset(id, 'i', sizeof(id));
    fixture->input.event_id = (struct bytes){id, sizeof(id)};
    assert_int_equal(render(&fixture->input, &fixture->request), -1);
    fixture->hook.secrets = secrets;
    fixture->hook.secrets_len = 1;
    assert_int_equal(render(&fixture->input, &fixture->request), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(spika_documented_example_comes_out_byte_for_byte, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(spika_without_signature_names_the_content_type_only, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(
            spika_signature_is_escaped_in_the_body_and_plain_in_the_header, set_up, tear_down),
        cmocka_unit_test_setup_teardown(bare_leaves_absent_parts_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(standard_tells_type_and_creation_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_cloudevent_has_its_attributes_and_content_type, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(standard_without_creation_time_tells_when_it_was_queued,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(headers_stand_in_their_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(most_and_longest_headers_fit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rendering_again_leaves_nothing_of_the_last_request, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(body_over_its_limit_fails_and_the_request_stays_usable,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(headers_over_their_limit_fail, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
