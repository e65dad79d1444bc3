#include "base/log.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "contract/parse.h"

#define TEXT_MAX 512   /* bytes of a value that are written, before escaping */
#define LINE_SIZE 8192 /* a line, with its end */
#define TAIL_MAX 32    /* kept free for what closes a line, "truncated" included */

/* Which lines are written and how. */
struct config {
    enum log_level level;
    enum log_format format;
    int process; /* 0: the only one */
};

/* The one thing that is the same for the whole process. */
/* NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables) */
static struct config config = {LOG_INFO, LOG_LOGFMT, 0};

static const char *const level_names[] = {
    [LOG_DEBUG] = "debug",
    [LOG_INFO] = "info",
    [LOG_WARN] = "warn",
    [LOG_ERROR] = "error",
};

/* A line that is being written. What does not fit is left out and remembered in is_full. */
struct line {
    char data[LINE_SIZE];
    size_t len;
    bool is_full;
};

void log_configure(enum log_level level, enum log_format format)
{
    config.level = level;
    config.format = format;
}

void log_name_process(int place)
{
    config.process = place;
}

int log_is_on(enum log_level level)
{
    return level >= config.level;
}

struct log_field log_text(const char *key, const char *value)
{
    return log_bytes(key, bytes_of(value));
}

struct log_field log_bytes(const char *key, struct bytes value)
{
    return (struct log_field){.key = key, .text = value};
}

struct log_field log_int(const char *key, int64_t value)
{
    return (struct log_field){.key = key, .number = value, .is_int = 1};
}

static void line_add(struct line *line, const char *data, size_t len)
{
    if (len > LINE_SIZE - TAIL_MAX - line->len) {
        line->is_full = true;
        return;
    }
    memcpy(line->data + line->len, data, len);
    line->len += len;
}

static void line_add_text(struct line *line, const char *text)
{
    line_add(line, text, strlen(text));
}

/* How many bytes the character at the start of text has, and which it is; 0: it is not UTF-8. */
static size_t read_character(struct bytes text, uint32_t *ret_code)
{
    const unsigned char *at = (const unsigned char *)text.data;
    size_t len = at[0] < 0x80 ? 1 : at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;
    uint32_t code = len == 1 ? at[0] : at[0] & (0xffU >> (len + 1));

    if (len > text.len || !bytes_is_utf8((struct bytes){text.data, len}))
        return 0;
    for (size_t i = 1; i < len; i++)
        code = code << 6 | (at[i] & 0x3fU);
    *ret_code = code;
    return len;
}

/* Controls of ASCII and Latin-1, and what breaks or reorders a line without being seen. */
static bool is_control(uint32_t code)
{
    return code < 0x20 || (code >= 0x7f && code <= 0x9f) || code == 0x061c || code == 0x200e ||
           code == 0x200f || (code >= 0x2028 && code <= 0x202e) ||
           (code >= 0x2066 && code <= 0x2069) || code == 0xfeff;
}

/* One character as it stands between quotes, in JSON and logfmt alike. */
static void add_character(struct line *line, struct bytes character, uint32_t code)
{
    char escape[8];

    if (code == '"' || code == '\\') {
        line_add(line, "\\", 1);
        line_add(line, character.data, 1);
    } else if (code == '\n') {
        line_add_text(line, "\\n");
    } else if (code == '\r') {
        line_add_text(line, "\\r");
    } else if (code == '\t') {
        line_add_text(line, "\\t");
    } else if (is_control(code)) {
        snprintf(escape, sizeof(escape), "\\u%04x", (unsigned)(code & 0xffff));
        line_add_text(line, escape);
    } else {
        line_add(line, character.data, character.len);
    }
}

static void add_quoted(struct line *line, struct bytes text, bool is_cut)
{
    line_add_text(line, "\"");
    while (text.len > 0) {
        uint32_t code;
        size_t len = read_character(text, &code);

        if (len == 0) {
            line_add_text(line, "\xef\xbf\xbd"); /* U+FFFD for a byte that is no UTF-8 */
            len = 1;
        } else {
            add_character(line, (struct bytes){text.data, len}, code);
        }
        text = (struct bytes){text.data + len, text.len - len};
    }
    line_add_text(line, is_cut ? "…\"" : "\"");
}

/* May logfmt have it without quotes? */
static bool is_plain(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];

        if (c <= ' ' || c > '~' || c == '"' || c == '=' || c == '\\')
            return false;
    }
    return text.len > 0;
}

static void add_text_value(struct line *line, struct bytes text)
{
    size_t whole_len = text.len;

    if (text.len > TEXT_MAX) {
        text.len = TEXT_MAX;
        /* Not inside a character: a UTF-8 sequence has at most three bytes behind its first. */
        for (int i = 0; i < 3 && (text.data[text.len] & 0xc0) == 0x80; i++)
            text.len--;
    }
    if (config.format == LOG_LOGFMT && text.len == whole_len && is_plain(text))
        line_add(line, text.data, text.len);
    else
        add_quoted(line, text, text.len < whole_len);
}

static void add_field(struct line *line, const struct log_field *field)
{
    char number[24];

    if (line->len > 0)
        line_add_text(line, config.format == LOG_JSON ? ",\"" : " ");
    else if (config.format == LOG_JSON)
        line_add_text(line, "{\"");
    line_add_text(line, field->key);
    line_add_text(line, config.format == LOG_JSON ? "\":" : "=");
    if (field->is_int) {
        snprintf(number, sizeof(number), "%" PRId64, field->number);
        line_add_text(line, number);
    } else {
        add_text_value(line, field->text);
    }
}

/* All of them, or as many whole ones as fit and a word that some are missing. */
static void add_fields(struct line *line, const struct log_field *fields, int fields_len)
{
    for (int i = 0; i < fields_len; i++) {
        size_t len = line->len;

        add_field(line, &fields[i]);
        if (line->is_full) {
            const char *note =
                config.format == LOG_JSON ? ",\"truncated\":true" : " truncated=true";

            memcpy(line->data + len, note, strlen(note)); /* fits: TAIL_MAX */
            line->len = len + strlen(note);
            return;
        }
    }
}

static const char *now_text(char *out, size_t size)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return format_iso8601((int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000, out, size);
}

void log_line(enum log_level level, const char *msg, const struct log_field *fields, int fields_len)
{
    struct line line;
    char time_text[32];

    if (!log_is_on(level))
        return;
    line.len = 0;
    line.is_full = false;
    add_fields(&line,
               (const struct log_field[]){
                   log_text("time", now_text(time_text, sizeof(time_text))),
                   log_text("level", level_names[level]),
                   log_text("msg", msg),
               },
               3);
    if (config.process != 0)
        add_fields(&line, (const struct log_field[]){log_int("process", config.process)}, 1);
    add_fields(&line, fields, fields_len);
    if (config.format == LOG_JSON)
        line.data[line.len++] = '}';
    line.data[line.len++] = '\n';
    /* One write, so that lines of several processes do not mix. A failure could not be logged. */
    fwrite(line.data, 1, line.len, stderr);
}
