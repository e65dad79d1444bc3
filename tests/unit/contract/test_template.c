#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>
#include <jansson.h>

#include "contract/hook_format.h"
#include "contract/template.h"

#define LEN(array) (sizeof(array) / sizeof((array)[0]))
#define ZWSP "\u200b"
#define PLACE_A "{\"a\":\"{{message.a}}\"}"

static const struct template_rules no_rules;

static json_t *json_of(const char *text)
{
    json_error_t error;
    json_t *value = json_loads(text, JSON_DECODE_ANY, &error);

    if (!value)
        fail_msg("%s: %s", text, error.text);
    return value;
}

static struct template *parse(const char *text, const struct template_rules *rules)
{
    json_t *value = json_of(text);
    struct template *template = NULL;
    struct error_text why;

    if (template_parse(value, rules, &template, &why))
        fail_msg("%s: %s", text, why.text);
    json_decref(value);
    return template;
}

/* The body that a template makes of an event document, for free(). */
static char *body_of(const struct template *template, const char *document)
{
    struct event event;
    struct error_text why;
    struct buffer out;

    if (event_decode(RH_JSON, bytes_of(document), &event, &why))
        fail_msg("%s: %s", document, why.text);
    struct template_values values = {&event, BYTES("msg_1"), 1667548137300};
    buffer_init(&out, TEMPLATE_BODY_MAX);
    template_render(template, &values, &out);
    assert_false(buffer_failed(&out));
    event_release(&event);
    return buffer_take(&out);
}

static void assert_body(const char *template_text, const char *document, const char *expected)
{
    struct template *template = parse(template_text, &no_rules);
    char *body = body_of(template, document);

    assert_string_equal(body, expected);
    free(body);
    template_free(template);
}

/* The body of the template PLACE_A when message.a is this JSON value. */
static void assert_value(const char *value, const char *expected)
{
    struct buffer document;

    buffer_init(&document, 1 << 20);
    buffer_append_format(&document, "{\"message\":{\"roomId\":1,\"a\":%s}}", value);
    assert_body(PLACE_A, document.data, expected);
    buffer_release(&document);
}

static void places_stand_for_values(void **state)
{
    (void)state;
    assert_body("{\"t\":\"{{fromUser.displayName}} in {{ room.name }}: {{message.body.text}}!\"}",
                "{\"message\":{\"roomId\":1,\"body\":{\"text\":\"hi\"}},\"fromUser\":"
                "{\"displayName\":\"Ana\"},\"room\":{\"name\":\"ops\"}}",
                "{\"t\":\"Ana in ops: hi!\"}");
    assert_body("[\"{{type}}\",\"{{id}}\",\"{{timestamp}}\",\"{{message.roomId}}\"]",
                "{\"type\":\"a.b\",\"message\":{\"roomId\":1,\"createdAt\":1667548137257}}",
                "[\"a.b\",\"msg_1\",\"2022-11-04T07:48:57.257Z\",\"1\"]");
    assert_body("[\"{{timestamp}}\"]", "{\"message\":{\"roomId\":1}}",
                "[\"2022-11-04T07:48:57.300Z\"]");
}

static void everything_else_stays(void **state)
{
    (void)state;
    assert_body("{\"a\":[1,-2,0.5,1e20,true,false,null,{},[],\"\",\"x\"],\"{{message.a}}\":{\"b\":"
                "\"\\\"\\\\\\n\\u007f\u00e4 } }} {\"}}",
                "{\"message\":{\"roomId\":1,\"a\":\"no\"}}",
                "{\"a\":[1,-2,0.5,100000000000000000000.0,true,false,null,{},[],\"\",\"x\"],"
                "\"{{message.a}}\":{\"b\":\"\\\"\\\\\\n\x7f\u00e4 } }} {\"}}");
}

static void values_of_each_kind(void **state)
{
    static const struct {
        const char *value;
        const char *body;
    } rows[] = {
        {"\"\"", "{\"a\":\"\"}"},
        {"null", "{\"a\":\"\"}"},
        {"true", "{\"a\":\"true\"}"},
        {"false", "{\"a\":\"false\"}"},
        {"12345678901234567890.50", "{\"a\":\"12345678901234567890.50\"}"},
        {"-1E400", "{\"a\":\"-1E400\"}"},
        {"{\"b\":[1,\"x\\\"\",null]}", "{\"a\":\"{\\\"b\\\":[1,\\\"x\\\\\\\"\\\",null]}\"}"},
        {"[]", "{\"a\":\"[]\"}"},
    };

    (void)state;
    for (size_t i = 0; i < LEN(rows); i++)
        assert_value(rows[i].value, rows[i].body);
}

static void hostile_strings_stay_strings(void **state)
{
    static const struct {
        const char *value;
        const char *body;
    } rows[] = {
        {"\"\\\"},\\\"b\\\":{\\\"\"", "{\"a\":\"\\\"},\\\"b\\\":{\\\"\"}"},
        {"\"\\u0022\\u005c\\\\\"", "{\"a\":\"\\\"\\\\\\\\\"}"},
        {"\"\\\\\\\"\"", "{\"a\":\"\\\\\\\"\"}"},
        {"\"{{message.roomId}} {{{{\"", "{\"a\":\"{{message.roomId}} {{{{\"}"},
        {"\"\\u0000\\u001f\\n\\/\"", "{\"a\":\"\\u0000\\u001f\\n/\"}"},
        {"\"\\ud83d\"", "{\"a\":\"\ufffd\"}"},
        {"\"\\ude00\\ud83d\"", "{\"a\":\"\ufffd\ufffd\"}"},
        {"\"\\ud83d\\ud83d\\ude00x\"", "{\"a\":\"\ufffd\U0001f600x\"}"},
        {"\"\\ud83dx\\u00e4\"", "{\"a\":\"\ufffdx\u00e4\"}"},
        {"\"\U0001f600\\u20ac\"", "{\"a\":\"\U0001f600\u20ac\"}"},
    };

    (void)state;
    for (size_t i = 0; i < LEN(rows); i++)
        assert_value(rows[i].value, rows[i].body);
}

static void paths_lead_through_maps_and_lists(void **state)
{
    static const char document[] =
        "{\"message\":{\"roomId\":1,\"a\":{\"b\":[[0],{\"c\":\"found\"}],\"\\u0078\":\"unescaped\","
        "\"d\\\"\":1,\"twice\":\"first\",\"twice\":\"last\",\"\u00e4\":\"utf8\",\"01\":\"name\","
        "\"e\":\"}]\\\"\",\"f\":true,\"g\":\"\\\\\\\\\",\"h\":\"\\\\\\\"\"}}}";
    static const struct {
        const char *path;
        const char *found;
    } rows[] = {
        {"message.a.b.1.c", "found"},
        {"message.a.b.0.0", "0"},
        {"message.a.b.2", ""},
        {"message.a.b.-1", ""},
        {"message.a.b.x", ""},
        {"message.a.b.1.c.d", ""},
        {"message.a.x", "unescaped"},
        {"message.a.twice", "last"},
        {"message.a.\u00e4", "utf8"},
        {"message.a.01", "name"},
        {"message.a.e", "}]\\\""},
        {"message.a.f", "true"},
        {"message.a.g", "\\\\\\\\"},
        {"message.a.h", "\\\\\\\""},
        {"message.b", ""},
        {"message.roomId.x", ""},
        {"fromUser.x", ""},
        {"room", ""},
        {"message.a.b.0", "[0]"},
        {"message.a.b.18446744073709551616", ""},
    };

    (void)state;
    for (size_t i = 0; i < LEN(rows); i++) {
        char template[200];
        char expected[200];

        (void)snprintf(template, sizeof(template), "[\"{{%s}}\"]", rows[i].path);
        (void)snprintf(expected, sizeof(expected), "[\"%s\"]", rows[i].found);
        assert_body(template, document, expected);
    }
}

static void the_first_alternative_that_is_there_counts(void **state)
{
    static const char document[] = "{\"message\":{\"roomId\":1,\"a\":\"\",\"b\":null,\"c\":0}}";

    (void)state;
    assert_body("[\"{{message.a|message.b| message.x |message.c|\\\"d\\\"}}\"]", document,
                "[\"0\"]");
    assert_body("[\"{{message.a|\\\" }} | {{ \\\"}}x\"]", document, "[\" }} | {{ x\"]");
    assert_body("[\"{{\\\"{{\\\"}}\"]", document, "[\"{{\"]");
    assert_body("[\"{{message.a|\\\"\\\"}}\"]", document, "[\"\"]");
}

static void bad_templates_are_refused_with_the_reason(void **state)
{
    static const struct {
        const char *template;
        const char *why;
    } rows[] = {
        {"\"{{type}}\"", "must be a JSON object or list"},
        {"7", "must be a JSON object or list"},
        {"[\"{{\"]", "has no end"},
        {"[\"{{type}\"]", "has no end"},
        {"[\"{{type|\\\"}}\"]", "has no end"},
        {"[\"{{}}\"]", "allowed are paths"},
        {"[\"{{{{type}}}}\"]", "{{{{type}}: allowed are paths"},
        {"[\"{{message..a}}\"]", "allowed are paths"},
        {"[\"{{.message}}\"]", "allowed are paths"},
        {"[\"{{message.}}\"]", "allowed are paths"},
        {"[\"{{messages.a}}\"]", "allowed are paths"},
        {"[\"{{type.a}}\"]", "allowed are paths"},
        {"[\"{{message.a b}}\"]", "allowed are paths"},
        {"[\"{{message.a\\u0007}}\"]", "{{message.a?}}"},
        {"[\"{{message.a|}}\"]", "allowed are paths"},
        {"[\"{{|message.a}}\"]", "allowed are paths"},
        {"[\"{{\\\"x\\\"|message.a}}\"]", "comes last"},
        {"[\"{{\\\"x}}\"]", "has no end"},
        {"[[[[[[[[[1]]]]]]]]]", "more than 8 levels"},
    };

    (void)state;
    for (size_t i = 0; i < LEN(rows); i++) {
        json_t *value = json_of(rows[i].template);
        struct template *template = NULL;
        struct error_text why = {""};

        if (template_parse(value, &no_rules, &template, &why) != -1 ||
            !strstr(why.text, rows[i].why))
            fail_msg("%s: %s", rows[i].template, why.text);
        assert_null(template);
        json_decref(value);
    }
}

static int parse_many(const char *part, int count, struct error_text *why)
{
    struct template *template = NULL;
    struct buffer text;

    buffer_init(&text, 1 << 20);
    buffer_append_char(&text, '[');
    for (int i = 0; i < count; i++)
        buffer_append_format(&text, "%s\"%s\"", i > 0 ? "," : "", part);
    buffer_append_char(&text, ']');
    json_t *value = json_of(text.data);
    int result = template_parse(value, &no_rules, &template, why);
    template_free(template);
    json_decref(value);
    buffer_release(&text);
    return result;
}

static void size_and_places_are_bounded(void **state)
{
    struct error_text why = {""};

    (void)state;
    assert_int_equal(parse_many("a{{type}}b", TEMPLATE_PLACES_MAX, &why), 0);
    assert_int_equal(parse_many("a{{type}}b", TEMPLATE_PLACES_MAX + 1, &why), -1);
    assert_non_null(strstr(why.text, "at most 32 places"));
    assert_int_equal(parse_many("{{id|type|message.a|\\\"\\\"}}", TEMPLATE_CHOICES_MAX / 4, &why),
                     0);
    assert_int_equal(
        parse_many("{{id|type|message.a|\\\"\\\"}}", TEMPLATE_CHOICES_MAX / 4 + 1, &why), -1);
    assert_non_null(strstr(why.text, "at most 64 paths and defaults"));
    assert_int_equal(parse_many("1234567", TEMPLATE_BYTES_MAX / 10, &why), 0); /* "1234567", */
    assert_int_equal(parse_many("1234567", TEMPLATE_BYTES_MAX / 10 + 1, &why), -1);
    assert_non_null(strstr(why.text, "more than 16384 bytes"));
}

/* However often a template repeats what an event holds: it is cut, between characters. */
static void the_body_is_bounded(void **state)
{
    static const char *const fillers[] = {"x", "\\u0001", "\U0001f600", "\\\"", "<!", "@all "};
    struct buffer template_text;

    (void)state;
    buffer_init(&template_text, 1 << 20);
    buffer_append_text(&template_text, "[\"\"");
    for (int i = 0; i < 30; i++)
        buffer_append_text(&template_text, ",\"<{{message.a}}>\"");
    buffer_append_text(&template_text, "]");
    struct template *template = parse(template_text.data, &no_rules);
    for (size_t i = 0; i < LEN(fillers); i++) {
        struct buffer document;

        buffer_init(&document, 1 << 20);
        buffer_append_text(&document, "{\"message\":{\"roomId\":1,\"a\":\"");
        for (int n = 0; n < 30000; n++)
            buffer_append_text(&document, fillers[i]);
        buffer_append_text(&document, "\"}}");
        char *body = body_of(template, document.data);
        json_t *value = json_loads(body, JSON_ALLOW_NUL, NULL);

        assert_in_range(strlen(body), 200000, TEMPLATE_BODY_MAX);
        assert_int_equal(json_array_size(value), 31);
        json_decref(value);
        free(body);
        buffer_release(&document);
    }
    template_free(template);
    buffer_release(&template_text);
}

/* --- formats of chats --- */

static struct template *chat(enum hook_format format)
{
    struct template *template = NULL;
    struct error_text why;

    assert_int_equal(hook_format_template(format, &template, &why), 0);
    assert_non_null(template);
    return template;
}

/* The text that a chat gets when name and text are these. */
static char *chat_text(enum hook_format format, const char *name, const char *text)
{
    struct template *template = chat(format);
    struct buffer document;

    buffer_init(&document, 1 << 20);
    buffer_append_format(&document,
                         "{\"message\":{\"roomId\":1,\"body\":{\"text\":\"%s\"}},\"fromUser\":"
                         "{\"displayName\":\"%s\"}}",
                         text, name);
    char *body = body_of(template, document.data);
    json_t *value = json_of(body);
    const char *key = format == HOOK_FORMAT_DISCORD ? "content" : "text";
    char *found = strdup(json_string_value(json_object_get(value, key)));

    json_decref(value);
    free(body);
    buffer_release(&document);
    template_free(template);
    return found;
}

static void assert_chat_text(enum hook_format format, const char *name, const char *text,
                             const char *expected)
{
    char *found = chat_text(format, name, text);

    assert_string_equal(found, expected);
    free(found);
}

/* Of a list of paths, each of which reads the message: so many are found. */
static size_t found_of(const char *filler, size_t filler_len)
{
    struct buffer template_text, document;
    size_t found = 0;
    size_t index;
    json_t *item;

    buffer_init(&template_text, 1 << 20);
    buffer_append_text(&template_text, "[\"\"");
    for (int i = 0; i < 32; i++)
        buffer_append_text(&template_text, ",\"{{message.b|message.a}}\"");
    buffer_append_text(&template_text, "]");
    struct template *template = parse(template_text.data, &no_rules);
    buffer_init(&document, 1 << 20);
    buffer_append_text(&document, "{\"message\":{\"roomId\":1,\"l\":[0");
    for (size_t len = 0; len < filler_len; len += strlen(filler))
        buffer_append_text(&document, filler);
    buffer_append_text(&document, "],\"a\":\"x\"}}");
    char *body = body_of(template, document.data);
    json_t *values = json_loads(body, 0, NULL);
    json_array_foreach(values, index, item)
        found += json_string_length(item) > 0;
    json_decref(values);
    free(body);
    template_free(template);
    buffer_release(&document);
    buffer_release(&template_text);
    return found;
}

static void what_is_read_is_bounded(void **state)
{
    (void)state;
    assert_int_equal(found_of(",0", 10000), 32);
    assert_int_equal(found_of(",0", 16000), 32);
    /* 12 times the message: 8, and the mebibyte. */
    assert_int_equal(found_of(",[]", 260000), 6);
}

static void formats_without_template_have_none(void **state)
{
    static const enum hook_format rows[] = {HOOK_FORMAT_SPIKA, HOOK_FORMAT_BARE,
                                            HOOK_FORMAT_STANDARD, HOOK_FORMAT_CLOUDEVENTS};
    struct template *template;
    struct error_text why;

    (void)state;
    for (size_t i = 0; i < LEN(rows); i++) {
        assert_int_equal(hook_format_template(rows[i], &template, &why), 0);
        assert_null(template);
    }
}

static void chats_get_name_and_text(void **state)
{
    struct template *template = chat(HOOK_FORMAT_DISCORD);
    char *body = body_of(template, "{\"message\":{\"roomId\":1,\"type\":\"image\"}}");

    (void)state;
    assert_string_equal(body,
                        "{\"content\":\"Somebody: image\",\"allowed_mentions\":{\"parse\":[]}}");
    free(body);
    template_free(template);
    assert_chat_text(HOOK_FORMAT_SLACK, "Ana", "a & b <c> \\\"d\\\"",
                     "Ana: a &amp; b &lt;c&gt; \"d\"");
    assert_chat_text(HOOK_FORMAT_MATTERMOST, "A&B", "a & b <c>", "A&B: a & b <c>");
    assert_chat_text(HOOK_FORMAT_MATTERMOST, "Ana", "a\\u0000b", "Ana: a\ufffdb");
}

static void events_do_not_mention_everybody(void **state)
{
    static const struct {
        const char *text;
        const char *expected;
    } rows[] = {
        {"@everyone", "@everyon" ZWSP "e"},
        {"x @here!", "x @her" ZWSP "e!"},
        {"@Channel.", "@Channe" ZWSP "l."},
        {"@ALL\u00e4", "@AL" ZWSP "L\u00e4"},
        {"\\u0040all", "@al" ZWSP "l"},
        {"@all @all", "@al" ZWSP "l @al" ZWSP "l"},
        {"@@here", "@@her" ZWSP "e"},
        {"@allison @all1 @channels", "@allison @all1 @channels"},
        {"@everyones @here1 @heretic", "@everyon" ZWSP "es @her" ZWSP "e1 @her" ZWSP "etic"},
        {"@al l @ all @eve", "@al l @ all @eve"},
        {"ana@example.com @ana", "ana@example.com @ana"},
        {"<!channel> <@U1> <@!1> <@&2> <#C1>",
         "<" ZWSP "!channel> <" ZWSP "@U1> <" ZWSP "@!1> <" ZWSP "@&2> <" ZWSP "#C1>"},
        {"<@all>", "<" ZWSP "@al" ZWSP "l>"},
        {"< !x <b> a<", "< !x <b> a<"},
    };

    (void)state;
    for (size_t i = 0; i < LEN(rows); i++) {
        char expected[200];

        (void)snprintf(expected, sizeof(expected), "Ana: %s", rows[i].expected);
        assert_chat_text(HOOK_FORMAT_DISCORD, "Ana", rows[i].text, expected);
    }
    assert_chat_text(HOOK_FORMAT_SLACK, "Ana", "<!channel> @channel",
                     "Ana: &lt;!channel&gt; @channe" ZWSP "l");
}

/* Also not in parts, by what its owner wrote around. What its owner wrote alone mentions. */
static void mentions_of_the_owner_stay(void **state)
{
    static const struct {
        const char *template;
        const char *value;
        const char *body;
    } rows[] = {
        {"[\"@everyone <!channel> {{message.a}}\"]", "x", "[\"@everyone <!channel> x\"]"},
        {"[\"@here{{message.a}}\"]", "x", "[\"@herex\"]"},
        {"[\"@here{{message.a}}\"]", " x", "[\"@here x\"]"},
        {"[\"@{{message.a}}\"]", "everyone", "[\"@everyon" ZWSP "e\"]"},
        {"[\"@her{{message.a}}\"]", "etic", "[\"@her" ZWSP "etic\"]"},
        {"[\"{{message.a}}everyone\"]", "@", "[\"@everyon" ZWSP "e\"]"},
        {"[\"@every{{message.a}}\"]", "one", "[\"@everyon" ZWSP "e\"]"},
        {"[\"{{message.a}}{{message.a}}\"]", "@all", "[\"@al" ZWSP "l@al" ZWSP "l\"]"},
        {"[\"<{{message.a}}\"]", "!here>", "[\"<" ZWSP "!here>\"]"},
        {"[\"{{message.a}}!here>\"]", "<", "[\"<" ZWSP "!here>\"]"},
        {"[\"<@{{message.a}}>\"]", "U1", "[\"<@U1>\"]"},
        {"[\"{{message.a}}\",\"all\"]", "@", "[\"@\",\"all\"]"},
        {"[\"{{message.a}}\",\"!x\"]", "<", "[\"<\",\"!x\"]"},
    };

    (void)state;
    for (size_t i = 0; i < LEN(rows); i++) {
        char document[200];

        (void)snprintf(document, sizeof(document), "{\"message\":{\"roomId\":1,\"a\":\"%s\"}}",
                       rows[i].value);
        assert_body(rows[i].template, document, rows[i].body);
    }
}

/* In characters as JavaScript counts them. */
static size_t utf16_len(const char *text)
{
    size_t len = 0;

    for (; *text; text++) {
        unsigned char byte = (unsigned char)*text;

        if ((byte & 0xc0) != 0x80)
            len += byte >= 0xf0 ? 2 : 1;
    }
    return len;
}

static void texts_are_cut_at_a_character(void **state)
{
    static const struct {
        enum hook_format format;
        size_t most;
    } chats[] = {
        {HOOK_FORMAT_DISCORD, 2000}, {HOOK_FORMAT_SLACK, 40000}, {HOOK_FORMAT_MATTERMOST, 16383}};
    static const struct {
        const char *text; /* one character of the event */
        size_t len;       /* of it, as it arrives */
    } characters[] = {{"x", 1},        {"\\u00e4", 1}, {"\U0001f600", 2}, {"\\ud83d\\ude00", 2},
                      {"\\ud83d ", 2}, {"\\\"", 1},    {"\\u0000", 1}};

    (void)state;
    for (size_t c = 0; c < LEN(chats); c++) {
        for (size_t i = 0; i < LEN(characters); i++) {
            size_t room = chats[c].most - 5; /* behind "Ana: " */
            size_t fit = room / characters[i].len;

            for (size_t extra = 0; extra <= 1; extra++) {
                struct buffer text;

                buffer_init(&text, 1 << 20);
                for (size_t n = 0; n < fit + extra; n++)
                    buffer_append_text(&text, characters[i].text);
                char *found = chat_text(chats[c].format, "Ana", text.data);
                size_t len = utf16_len(found);
                bool is_cut = strcmp(found + strlen(found) - 3, "\u2026") == 0;

                assert_in_range(len, chats[c].most - 2, chats[c].most);
                assert_int_equal(is_cut, extra == 1);
                free(found);
                buffer_release(&text);
            }
        }
    }
}

static void entities_are_not_cut(void **state)
{
    struct buffer text;

    (void)state;
    buffer_init(&text, 1 << 20);
    for (int i = 0; i < 10000; i++)
        buffer_append_char(&text, '&');
    char *found = chat_text(HOOK_FORMAT_SLACK, "Ana", text.data);
    assert_in_range(strlen(found), 39990, 40000 + 2);
    assert_string_equal(found + strlen(found) - 8, "&amp;\u2026");
    free(found);
    buffer_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places_stand_for_values),
        cmocka_unit_test(everything_else_stays),
        cmocka_unit_test(values_of_each_kind),
        cmocka_unit_test(hostile_strings_stay_strings),
        cmocka_unit_test(paths_lead_through_maps_and_lists),
        cmocka_unit_test(the_first_alternative_that_is_there_counts),
        cmocka_unit_test(bad_templates_are_refused_with_the_reason),
        cmocka_unit_test(size_and_places_are_bounded),
        cmocka_unit_test(the_body_is_bounded),
        cmocka_unit_test(what_is_read_is_bounded),
        cmocka_unit_test(formats_without_template_have_none),
        cmocka_unit_test(chats_get_name_and_text),
        cmocka_unit_test(events_do_not_mention_everybody),
        cmocka_unit_test(mentions_of_the_owner_stay),
        cmocka_unit_test(texts_are_cut_at_a_character),
        cmocka_unit_test(entities_are_not_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
