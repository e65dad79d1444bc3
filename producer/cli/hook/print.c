#include "cli/hook/print.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/terminal/screen.h"
#include "cli/terminal/text.h"
#include "contract/parse.h"

#define NUMBER_SIZE 32
#define VALUE_COLUMN 23

void hook_print_row(const char *name, const char *value)
{
    struct screen screen = screen_of_stdout();
    char *shown = text_shown(bytes_of(value), text_locale_is_utf8());

    (void)printf("%-*s", VALUE_COLUMN, name);
    screen_put_wrapped(stdout, &screen, VALUE_COLUMN, shown ? shown : "(out of memory)");
    free(shown);
}

static void print_number(const char *name, int64_t number)
{
    char text[NUMBER_SIZE];

    (void)snprintf(text, sizeof(text), "%" PRId64, number);
    hook_print_row(name, text);
}

static void print_duration(const char *name, int64_t ms)
{
    char text[NUMBER_SIZE];

    if (ms > 0)
        hook_print_row(name, format_duration(ms, text, sizeof(text)));
}

/* What put writes; no row when it writes nothing. */
static int print_list(const char *name, const struct hook *hook,
                      void (*put)(struct buffer *out, const struct hook *hook))
{
    struct buffer text;

    buffer_init(&text, HOOK_JSON_MAX);
    put(&text, hook);
    bool failed = buffer_failed(&text);
    if (!failed && text.len > 0)
        hook_print_row(name, text.data);
    buffer_release(&text);
    return failed ? -1 : 0;
}

int hook_print(const struct room_id *room, const struct hook *hook, bool shows_signature)
{
    hook_print_row("room", room->text);
    hook_print_row("id", hook->id);
    if (hook->description)
        hook_print_row("description", hook->description);
    hook_print_row("url", hook->url_text);
    hook_print_row("format", hook_format_name(hook->format));
    if (hook->transport)
        hook_print_row("transport", hook->transport);
    if (!hook->enabled)
        hook_print_row("enabled", "no");
    if (hook->verification_signature)
        hook_print_row("verificationSignature", hook_signature_shown(hook, shows_signature));
    if (hook->secrets_len > 0)
        print_number("secrets", (int64_t)hook->secrets_len);
    if (hook->rate_limit[0] != '\0')
        hook_print_row("rateLimit", hook->rate_limit);
    print_duration("timeout", hook->timeout_ms);
    print_duration("maxAge", hook->max_age_ms);
    if (print_list("template", hook, hook_put_template) < 0 ||
        print_list("types", hook, hook_put_types) < 0 ||
        print_list("acceptStatus", hook, hook_put_accept_status) < 0)
        return -1;
    return print_list("headers", hook, hook_put_header_names);
}
