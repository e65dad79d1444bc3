#include "cli/terminal/json_output.h"

#include <stdio.h>
#include <string.h>

#include "contract/json_text.h"

/* Length of the UTF-8 sequence at text that a terminal may obey, or 0; *ret_code is its code point.
 * C0 controls are not here: valid JSON has none in strings. */
static size_t obeyed_sequence(const unsigned char *text, size_t len, unsigned *ret_code)
{
    unsigned code;

    if (text[0] == 0x7f) {
        *ret_code = 0x7f;
        return 1;
    }
    if (len >= 2 && text[0] == 0xc2 && text[1] < 0xa0) {
        *ret_code = text[1];
        return 2;
    }
    if (len < 3 || text[0] != 0xe2)
        return 0;
    code = 0x2000U + ((text[1] & 0x3fU) << 6) + (text[2] & 0x3fU);
    if (code != 0x200e && code != 0x200f && !(code >= 0x2028 && code <= 0x202e) &&
        !(code >= 0x2066 && code <= 0x2069))
        return 0;
    *ret_code = code;
    return 3;
}

/* Prints what stands inside a JSON string or between tokens; how many bytes of text it took. */
static size_t put_safe(const unsigned char *text, size_t len)
{
    unsigned code = 0;
    size_t taken = obeyed_sequence(text, len, &code);

    if (taken > 0) {
        (void)printf("\\u%04x", code);
        return taken;
    }
    (void)putchar(text[0]);
    return 1;
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
    size_t at = 0;

    (void)printf("%*s", indent, "");
    while (at < json.len) {
        char c = json.data[at];
        if (walk.in_string) {
            string_byte(&walk, c);
            at += put_safe((const unsigned char *)json.data + at, json.len - at);
        } else {
            if (!strchr(" \t\r\n", c))
                pretty_token(&walk, c);
            at++;
        }
    }
    (void)putchar('\n');
}

static void print_line(struct bytes text)
{
    for (size_t at = 0; at < text.len;)
        at += put_safe((const unsigned char *)text.data + at, text.len - at);
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
        print_line(buffer_bytes(out));
    buffer_clear(out);
    return ok ? 0 : -1;
}

static bool is_printable(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < 0x20 || text.data[i] > 0x7e)
            return false;
    }
    return true;
}

void print_value(struct bytes text)
{
    struct buffer quoted;

    if (is_printable(text)) {
        print_line(text);
        return;
    }
    buffer_init(&quoted, SIZE_MAX / 2);
    json_put_untrusted(&quoted, text);
    print_line(buffer_failed(&quoted) ? BYTES("(out of memory)") : buffer_bytes(&quoted));
    buffer_release(&quoted);
}
