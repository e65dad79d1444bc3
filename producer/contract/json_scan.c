#include "contract/json_scan.h"

#include <string.h>

#include "contract/json_plain.h"

/* Returns false, for the caller to do the same. */
static bool fail(struct json_scan *scan, const unsigned char *at, enum json_problem problem)
{
    scan->at = at;
    scan->problem = at == scan->end && problem == JSON_BAD_SYNTAX ? JSON_ENDS_EARLY : problem;
    return false;
}

void json_scan_init(struct json_scan *scan, struct bytes text, char *out, int levels)
{
    static const unsigned char empty[1];
    const unsigned char *start = text.len > 0 ? (const unsigned char *)text.data : empty;

    *scan = (struct json_scan){
        .start = start,
        .at = start,
        .end = start + text.len,
        .out = (unsigned char *)out,
        .levels = levels,
    };
}

/* --- tokens --- */

static bool is_space(unsigned char byte)
{
    return byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t';
}

static unsigned char skip_space(struct json_scan *scan)
{
    const unsigned char *at = scan->at;

    if (scan->problem)
        return 0;
    while (at < scan->end && is_space(*at))
        at++;
    scan->at = at;
    return at < scan->end ? *at : 0;
}

/* The next byte that is not white space; 0, which is none of JSON's, at the end or a problem. */
static inline unsigned char next_byte(struct json_scan *scan)
{
    if (scan->at<scan->end && * scan->at> ' ' && !scan->problem) /* nearly always */
        return *scan->at;
    return skip_space(scan);
}

static void put(struct json_scan *scan, unsigned char byte)
{
    *scan->out++ = byte;
    scan->at++;
}

static bool is_digit(unsigned char byte)
{
    return byte >= '0' && byte <= '9';
}

static bool is_hex(unsigned char byte)
{
    return is_digit(byte) || ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'f');
}

/* Copies digits, of which there must be one. */
static bool take_digits(struct json_scan *scan)
{
    const unsigned char *at = scan->at;
    unsigned char *out = scan->out;

    if (at == scan->end || !is_digit(*at))
        return fail(scan, at, JSON_BAD_SYNTAX);
    while (at < scan->end && is_digit(*at))
        *out++ = *at++;
    scan->at = at;
    scan->out = out;
    return true;
}

/* Copies one of two bytes if it comes next. */
static bool take_either(struct json_scan *scan, unsigned char one, unsigned char other)
{
    if (scan->at == scan->end || (*scan->at != one && *scan->at != other))
        return false;
    put(scan, *scan->at);
    return true;
}

static bool scan_number(struct json_scan *scan)
{
    (void)take_either(scan, '-', '-');
    if (!take_either(scan, '0', '0') && !take_digits(scan))
        return false;
    if (take_either(scan, '.', '.') && !take_digits(scan))
        return false;
    if (!take_either(scan, 'e', 'E'))
        return true;
    (void)take_either(scan, '+', '-');
    return take_digits(scan);
}

static bool scan_word(struct json_scan *scan, const char *word)
{
    for (; *word != '\0'; word++) {
        if (scan->at == scan->end || *scan->at != (unsigned char)*word)
            return fail(scan, scan->at, JSON_BAD_SYNTAX);
        put(scan, *scan->at);
    }
    return true;
}

/* --- strings --- */

/* A string being copied: at and out in registers. */
struct text {
    const unsigned char *at;
    unsigned char *out;
};

static void copy(struct text *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        *text->out++ = *text->at++;
}

/* Copies an escape. Any \uXXXX will do, half of a surrogate pair and NUL too: it is passed on as it
 * is written. */
static bool take_escape(struct json_scan *scan, struct text *text)
{
    copy(text, 1);
    if (text->at == scan->end)
        return fail(scan, text->at, JSON_ENDS_EARLY);
    switch (*text->at) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
        copy(text, 1);
        return true;
    case 'u':
        break;
    default:
        return fail(scan, text->at, JSON_BAD_SYNTAX);
    }
    copy(text, 1);
    for (int i = 0; i < 4; i++) {
        if (text->at == scan->end || !is_hex(*text->at))
            return fail(scan, text->at, JSON_BAD_SYNTAX);
        copy(text, 1);
    }
    return true;
}

static bool is_beyond_ascii(const struct json_scan *scan, const unsigned char *at)
{
    return at < scan->end && *at >= 0x80;
}

/* Copies what is not ASCII, with single characters in between that are. */
static bool take_utf8(struct json_scan *scan, struct text *text)
{
    do {
        const unsigned char *at = text->at;
        size_t len = (size_t)(scan->end - at);

        if (*at >= 0xc2 && *at < 0xe0 && len >= 2 && (at[1] & 0xc0) == 0x80)
            len = 2;
        else
            len = bytes_utf8_sequence(at, len);
        if (len == 0)
            return fail(scan, at, JSON_BAD_UTF8);
        copy(text, len);
        if (text->at < scan->end && json_is_plain(*text->at) && is_beyond_ascii(scan, text->at + 1))
            copy(text, 1);
    } while (is_beyond_ascii(scan, text->at));
    return true;
}

/* Copies plain bytes up to the first that is not, or the end. */
static void take_plain(const struct json_scan *scan, struct text *text)
{
    while ((size_t)(scan->end - text->at) >= JSON_PLAIN_BLOCK) {
        size_t plain = json_plain_block(text->at, text->out);

        text->at += plain;
        text->out += plain;
        if (plain < JSON_PLAIN_BLOCK)
            return;
    }
    while (text->at < scan->end && json_is_plain(*text->at))
        copy(text, 1);
}

/* From the opening quote to behind the closing one. */
static bool scan_string(struct json_scan *scan)
{
    struct text text = {scan->at, scan->out};

    copy(&text, 1);
    for (;;) {
        bool sound;

        take_plain(scan, &text);
        if (text.at == scan->end)
            return fail(scan, text.at, JSON_ENDS_EARLY);
        if (*text.at == '"')
            break;
        if (*text.at == '\\')
            sound = take_escape(scan, &text);
        else if (*text.at >= 0x80)
            sound = take_utf8(scan, &text);
        else
            sound = fail(scan, text.at, JSON_BAD_SYNTAX);
        if (!sound)
            return false;
    }
    copy(&text, 1);
    scan->at = text.at;
    scan->out = text.out;
    return true;
}

/* --- maps and lists --- */

static bool open_level(struct json_scan *scan, unsigned char bracket)
{
    if (scan->levels == 0)
        return fail(scan, scan->at, JSON_TOO_DEEP);
    scan->levels--;
    put(scan, bracket);
    return true;
}

/* Before a key or an item: at the first of them, and behind a comma. False when the map or list
 * ends here, or at a problem. */
static bool go_on(struct json_scan *scan, unsigned char opening, unsigned char closing)
{
    unsigned char byte = next_byte(scan);

    if (scan->problem)
        return false;
    if (byte == closing) {
        put(scan, byte);
        scan->levels++;
        return false;
    }
    if (scan->out[-1] == opening) /* no value ends so */
        return true;
    if (byte != ',')
        return fail(scan, scan->at, JSON_BAD_SYNTAX);
    put(scan, byte);
    return true;
}

bool json_scan_key(struct json_scan *scan, struct bytes *ret_key)
{
    const unsigned char *key;

    if (!go_on(scan, '{', '}'))
        return false;
    if (next_byte(scan) != '"')
        return fail(scan, scan->at, JSON_BAD_SYNTAX);
    key = scan->out + 1;
    if (!scan_string(scan))
        return false;
    *ret_key = (struct bytes){(const char *)key, (size_t)(scan->out - 1 - key)};
    if (next_byte(scan) != ':')
        return fail(scan, scan->at, JSON_BAD_SYNTAX);
    put(scan, ':');
    return true;
}

bool json_scan_item(struct json_scan *scan)
{
    return go_on(scan, '[', ']');
}

/* --- values --- */

static enum json_kind kind_of(unsigned char byte)
{
    switch (byte) {
    case '"':
        return JSON_KIND_STRING;
    case '{':
        return JSON_KIND_MAP;
    case '[':
        return JSON_KIND_LIST;
    case 't':
    case 'f':
        return JSON_KIND_BOOLEAN;
    case 'n':
        return JSON_KIND_NULL;
    default:
        return is_digit(byte) || byte == '-' ? JSON_KIND_NUMBER : JSON_KIND_NONE;
    }
}

enum json_kind json_kind_of(struct bytes value)
{
    return value.len > 0 ? kind_of((unsigned char)value.data[0]) : JSON_KIND_NONE;
}

enum json_kind json_scan_open(struct json_scan *scan)
{
    unsigned char byte = next_byte(scan);
    bool sound = false;

    switch (byte) {
    case '"':
        sound = scan_string(scan);
        break;
    case '{':
    case '[':
        sound = open_level(scan, byte);
        break;
    case 't':
        sound = scan_word(scan, "true");
        break;
    case 'f':
        sound = scan_word(scan, "false");
        break;
    case 'n':
        sound = scan_word(scan, "null");
        break;
    default:
        if (is_digit(byte) || byte == '-')
            sound = scan_number(scan);
        else if (!scan->problem)
            fail(scan, scan->at, JSON_BAD_SYNTAX);
    }
    return sound ? kind_of(byte) : JSON_KIND_NONE;
}

void json_scan_rest(struct json_scan *scan, enum json_kind kind)
{
    struct bytes key;

    if (kind == JSON_KIND_MAP) {
        while (json_scan_key(scan, &key))
            json_scan_value(scan);
    } else if (kind == JSON_KIND_LIST) {
        while (json_scan_item(scan))
            json_scan_value(scan);
    }
}

/* Calls itself, by way of json_scan_rest, no deeper than levels allows. */
enum json_kind json_scan_value(struct json_scan *scan)
{
    enum json_kind kind = json_scan_open(scan);

    json_scan_rest(scan, kind);
    return scan->problem ? JSON_KIND_NONE : kind;
}

bool json_scan_end(struct json_scan *scan)
{
    (void)next_byte(scan);
    if (!scan->problem && scan->at < scan->end)
        fail(scan, scan->at, JSON_MORE_BEHIND);
    return !scan->problem;
}

bool json_compact(struct bytes text, int levels, struct buffer *out)
{
    size_t before = out->len;
    char *copy = buffer_extend(out, text.len);
    struct json_scan scan;
    bool sound;

    if (!copy)
        return false;
    json_scan_init(&scan, text, copy, levels);
    (void)json_scan_value(&scan);
    sound = json_scan_end(&scan);
    buffer_shorten(out, sound ? before + (size_t)((char *)scan.out - copy) : before);
    return sound;
}

/* --- problems --- */

static const char *problem_text(enum json_problem problem)
{
    switch (problem) {
    case JSON_ENDS_EARLY:
        return "ends too early";
    case JSON_BAD_UTF8:
        return "not valid UTF-8";
    case JSON_TOO_DEEP:
        return "nested too deep";
    case JSON_MORE_BEHIND:
        return "more text after the end";
    default:
        return "not JSON";
    }
}

void json_scan_explain(const struct json_scan *scan, struct error_text *why)
{
    const unsigned char *line_start = scan->start;
    size_t line = 1;

    for (const unsigned char *at = scan->start; at < scan->at; at++) {
        if (*at == '\n') {
            line++;
            line_start = at + 1;
        }
    }
    error_text_set(why, "line %zu, column %zu: %s", line, (size_t)(scan->at - line_start) + 1,
                   problem_text(scan->problem));
}
