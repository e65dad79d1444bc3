/*
 * Memory that our code gives back holds no credential any more. The linker sends its calls of free
 * and realloc through here (-Wl,--wrap); what libraries copy for themselves is not seen.
 */
#define _GNU_SOURCE 1
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "contract/event_codec.h"
#include "contract/hook.h"
#include "delivery/entries.h"
#include "http/render.h"
#include "settings/read.h"

#define CANARY "canary-canary-canary-canary-12345678"
#define SECRET "whsec_Y2FuYXJ5LWNhbmFyeS1jYW5hcnktY2FuYXJ5LTEyMzQ=" /* canary-…-1234 */
#define HOOK                                                                              \
    "{\"url\":\"https://host/" CANARY "\",\"verificationSignature\":\"" CANARY "\","      \
    "\"secret\":[\"" SECRET "\",\"" SECRET "\"],\"headers\":{\"Authorization\":\"Bearer " \
    "with-a-long-prefix-so-that-it-does-not-stand-at-the-start-" CANARY "\"}}"
#define EVENT "{\"message\":{\"roomId\":438,\"text\":\"hello\"},\"webhooks\":[" HOOK "]}"

static bool watching;
static int found;

void __real_free(void *memory);
void *__real_realloc(void *memory, size_t size);
void __wrap_free(void *memory);
void *__wrap_realloc(void *memory, size_t size);

/* The allocator itself writes over the start of what is freed: what stands there is no proof. */
static void look_at(const void *memory)
{
    if (watching && memory &&
        memmem(memory, malloc_usable_size((void *)(uintptr_t)memory), "canary-canary", 13))
        found++;
}

void __wrap_free(void *memory)
{
    look_at(memory);
    __real_free(memory);
}

/* Always moves, as the allocator may: the old place is given back. */
void *__wrap_realloc(void *memory, size_t size)
{
    size_t old_size = memory ? malloc_usable_size(memory) : 0;
    void *moved = malloc(size);

    if (!moved)
        return NULL;
    if (memory)
        memcpy(moved, memory, old_size < size ? old_size : size);
    look_at(memory);
    __real_free(memory);
    return moved;
}

static int set_up(void **unused)
{
    (void)unused;
    watching = true;
    found = 0;
    return 0;
}

static int tear_down(void **unused)
{
    (void)unused;
    watching = false;
    return 0;
}

static struct hook *parse_hook(void)
{
    struct hook *hook = NULL;
    struct error_text why;

    assert_int_equal(hook_parse(BYTES("main"), BYTES(HOOK), &hook, &why), HOOK_OK);
    return hook;
}

static void a_canary_that_is_freed_is_found(void **unused)
{
    char *copy = strdup(CANARY);

    (void)unused;
    free(copy);
    assert_int_equal(found, 1);
}

static void hook_free_wipes_credentials(void **unused)
{
    (void)unused;
    hook_free(parse_hook());
    assert_int_equal(found, 0);
}

static void hook_that_is_refused_is_wiped(void **unused)
{
    static const char text[] =
        "{\"url\":\"https://host/" CANARY "\",\"verificationSignature\":\"" CANARY
        "\",\"secret\":\"" SECRET "\",\"nonsense\":1}";
    struct hook *hook = NULL;
    struct error_text why;

    (void)unused;
    assert_int_equal(hook_parse(BYTES("main"), BYTES(text), &hook, &why), HOOK_BAD);
    assert_null(strstr(why.text, "canary"));
    assert_int_equal(found, 0);
}

static void render_some(struct request *request, struct hook *hook)
{
    struct event event;
    struct error_text why;
    struct render_input input = {
        .event = &event, .hook = hook, .event_id = BYTES("id"), .now_s = 1667548137};

    assert_int_equal(event_decode(RH_JSON, BYTES("{\"message\":{\"roomId\":1}}"), &event, &why), 0);
    assert_int_equal(render(&input, request), 0);
    event_release(&event);
}

static void request_release_wipes_what_was_rendered(void **unused)
{
    struct hook *hook = parse_hook();
    struct request request;

    (void)unused;
    request_init(&request, 65536);
    render_some(&request, hook);
    assert_non_null(memmem(request.body.data, request.body.len, CANARY, strlen(CANARY)));
    request_release(&request);
    hook_free(hook);
    assert_int_equal(found, 0);
}

static void request_clear_leaves_nothing_in_the_pool(void **unused)
{
    struct hook *hook = parse_hook();
    struct request request;

    (void)unused;
    request_init(&request, 65536);
    render_some(&request, hook);
    request_clear(&request);
    assert_null(memmem(request.body.data, request.body.cap, "canary", 6));
    assert_null(memmem(request.header_text.data, request.header_text.cap, "canary", 6));
    assert_int_equal(request.headers_len, 0);
    request_release(&request);
    hook_free(hook);
    assert_int_equal(found, 0);
}

static void entry_free_wipes_inline_hooks(void **unused)
{
    struct entries entries;
    struct entry *entry;
    struct error_text why;

    (void)unused;
    entries_init(&entries);
    entry = entry_new(&entries, SOURCE_STREAM, BYTES("1667548137257-0"), RH_JSON, BYTES(EVENT));
    assert_non_null(entry);
    assert_int_equal(event_decode(RH_JSON, entry->document, &entry->event, &why), 0);
    assert_int_equal(entry->event.inline_hooks_len, 1);
    entry_free(&entries, entry);
    assert_int_equal(found, 0);
}

static void settings_file_with_a_password_is_wiped(void **unused)
{
    char path[] = "/tmp/roomhook-test-XXXXXX";
    static const char text[] = "redis = redis://:" CANARY "@127.0.0.1/0\n";
    int descriptor = mkstemp(path);
    char flag[] = "--config";
    char program[] = "roomhook-worker";
    char *argv[] = {program, flag, path, NULL};
    char *environment[] = {NULL};
    static struct settings settings;
    enum settings_action action;
    struct error_text why = {""};

    (void)unused;
    assert_true(descriptor >= 0);
    assert_int_equal(write(descriptor, text, strlen(text)), strlen(text));
    close(descriptor);
    assert_int_equal(settings_read(3, argv, environment, &settings, &action, &why), 0);
    assert_string_equal(settings.redis.password, CANARY);
    unlink(path);
    assert_int_equal(found, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_canary_that_is_freed_is_found),
        TEST(hook_free_wipes_credentials),
        TEST(hook_that_is_refused_is_wiped),
        TEST(request_release_wipes_what_was_rendered),
        TEST(request_clear_leaves_nothing_in_the_pool),
        TEST(entry_free_wipes_inline_hooks),
        TEST(settings_file_with_a_password_is_wiped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
