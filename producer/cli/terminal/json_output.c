#include "cli/terminal/json_output.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/terminal/screen.h"
#include "cli/terminal/text.h"
#include "contract/json_text.h"
#include "contract/utf8.h"

static void put_escaped(uint32_t code)
{
    if (code > 0xffff) {
        code -= 0x10000;
        (void)printf("\\u%04x", (unsigned)(0xd800 + (code >> 10)));
        code = 0xdc00 + (code & 0x3ff);
    }
    (void)printf("\\u%04x", (unsigned)code);
}

/* Prints a character of JSON text; how many bytes it has. C0 controls stand only between tokens:
 * valid JSON has none in strings. */
static size_t put_safe(struct bytes json, bool is_ascii)
{
    size_t len = bytes_utf8_sequence((const unsigned char *)json.data, json.len);
    uint32_t code = (unsigned char)json.data[0];

    if (len > 0)
        (void)utf8_first(json, &code);
    if (code > 0x7e && len > 0 && (is_ascii || utf8_is_control(code)))
        put_escaped(code);
    else
        (void)fwrite(json.data, 1, len > 0 ? len : 1, stdout);
    return len > 0 ? len : 1;
}

static struct bytes rest_of(struct bytes text, size_t at)
{
    return (struct bytes){text.data + at, text.len - at};
}

/* Where a walk over JSON text is. */
struct walk {
    int indent;
    int depth;
    char last; /* the byte before, outside strings, other than spaces */
    bool in_string;
    bool escaped; /* in a string: the byte before was a backslash */
};

static void new_line(const struct walk *walk)
{
    (void)printf("\n%*s", walk->indent + 2 * walk->depth, "");
}

static bool opens(char c)
{
    return c == '{' || c == '[';
}

/* Prints a byte outside strings, with the layout that belongs before it. */
static void pretty_token(struct walk *walk, char c)
{
    bool closes = c == '}' || c == ']';

    if (closes)
        walk->depth--;
    if (closes ? !opens(walk->last) : opens(walk->last) || walk->last == ',')
        new_line(walk);
    else if (walk->last == ':')
        (void)putchar(' ');
    (void)putchar(c);
    if (opens(c))
        walk->depth++;
    walk->in_string = c == '"';
    walk->last = c;
}

static void string_byte(struct walk *walk, char c)
{
    walk->in_string = walk->escaped || c != '"';
    walk->escaped = !walk->escaped && c == '\\';
}

void print_pretty_json(struct bytes json, int indent)
{
    struct walk walk = {.indent = indent};
    bool is_ascii = !text_locale_is_utf8();
    size_t at = 0;

    (void)printf("%*s", indent, "");
    while (at < json.len) {
        char c = json.data[at];
        if (walk.in_string) {
            string_byte(&walk, c);
            at += put_safe(rest_of(json, at), is_ascii);
        } else {
            if (!strchr(" \t\r\n", c))
                pretty_token(&walk, c);
            at++;
        }
    }
    (void)putchar('\n');
}

static void print_line(struct bytes text, bool is_ascii)
{
    for (size_t at = 0; at < text.len;)
        at += put_safe(rest_of(text, at), is_ascii);
    (void)putchar('\n');
}

int object_print(struct buffer *out)
{
    object_end(out);
    return object_print_whole(out);
}

int object_print_whole(struct buffer *out)
{
    bool ok = !buffer_failed(out);
    if (ok)
        print_line(buffer_bytes(out), false);
    buffer_clear(out);
    return ok ? 0 : -1;
}

static void print_quoted(struct bytes text, bool is_ascii)
{
    struct buffer quoted;

    buffer_init(&quoted, SIZE_MAX / 2);
    json_put_untrusted(&quoted, text);
    print_line(buffer_failed(&quoted) ? BYTES("(out of memory)") : buffer_bytes(&quoted), is_ascii);
    buffer_release(&quoted);
}

static void print_on(const struct screen *screen, size_t column, struct bytes text)
{
    bool is_utf8 = text_locale_is_utf8();
    char *shown = text_shown(text, is_utf8);

    if (shown && bytes_equal_text(text, shown))
        screen_put_wrapped(stdout, screen, column, shown);
    else
        print_quoted(text, !is_utf8);
    free(shown);
}

void print_value(struct bytes text)
{
    const struct screen nowhere = {.columns = 0};

    print_on(&nowhere, 0, text);
}

void print_wrapped_value(size_t column, struct bytes text)
{
    const struct screen screen = screen_of_stdout();

    print_on(&screen, column, text);
}
