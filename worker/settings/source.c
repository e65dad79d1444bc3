#include "settings/source.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "contract/parse.h"

#define INIH_LINE_EXTRA 3 /* inih wants room for "\r\n" and NUL behind a line */

/* --- the draft --- */

void settings_draft_init(struct settings_draft *draft)
{
    const struct setting_source source = {.origin = SETTING_DEFAULT};
    struct error_text why;

    memset(draft, 0, sizeof(*draft));
    for (size_t i = 0; i < settings_count; i++) {
        struct bytes text = bytes_of(settings_table[i].default_text);
        int rc = settings_draft_set(draft, &settings_table[i], text, &source, &why);

        assert(rc == 0);
        (void)rc;
    }
}

const char *settings_path_shown(const char *path, char out[SETTINGS_PATH_SIZE])
{
    static const char cut[] = "…";
    size_t cut_len = sizeof(cut) - 1;
    size_t len = strlen(path);

    if (len < SETTINGS_PATH_SIZE)
        return bytes_printable(bytes_of(path), out, SETTINGS_PATH_SIZE);
    path += len - (SETTINGS_PATH_SIZE - cut_len - 1);
    memcpy(out, cut, cut_len);
    bytes_printable(bytes_of(path), out + cut_len, SETTINGS_PATH_SIZE - cut_len);
    return out;
}

static const char *describe_source(const struct setting *setting,
                                   const struct setting_source *source, char *out, size_t size)
{
    char path[SETTINGS_PATH_SIZE];
    char variable[SETTING_VARIABLE_SIZE];

    switch (source->origin) {
    case SETTING_FILE:
        snprintf(out, size, "%s:%d", settings_path_shown(source->file, path), source->line);
        break;
    case SETTING_ENVIRONMENT:
        snprintf(out, size, "environment %s", setting_variable(setting, variable));
        break;
    case SETTING_FLAG:
        snprintf(out, size, "flag");
        break;
    case SETTING_DEFAULT:
        snprintf(out, size, "default");
        break;
    }
    return out;
}

int settings_draft_set(struct settings_draft *draft, const struct setting *setting,
                       struct bytes text, const struct setting_source *source,
                       struct error_text *why)
{
    uint8_t *origin = &draft->origins[setting->offset];
    bool is_again = *origin == source->origin;
    struct error_text detail;
    char value[48];
    char place[96];

    if (setting_is_list(setting) && !is_again)
        setting_clear(setting, &draft->settings);
    *origin = (uint8_t)source->origin;
    if (source->origin == SETTING_FILE && is_again && !setting_is_list(setting))
        error_text_set(&detail, "is given twice in this file");
    else if (setting_parse(setting, text, &draft->settings, &detail) == 0)
        return 0;
    describe_source(setting, source, place, sizeof(place));
    if (setting->kind == KIND_REDIS || setting->kind == KIND_PROXY)
        error_text_set(why, "%s (%s): %s", setting->name, place, detail.text);
    else
        error_text_set(why, "%s \"%s\" (%s): %s", setting->name,
                       bytes_printable(text, value, sizeof(value)), place, detail.text);
    return -1;
}

static int check_tls(const struct settings *settings, struct error_text *why)
{
    bool has_cert = settings->redis_cert[0] != '\0';
    bool has_files = has_cert || settings->redis_key[0] != '\0' || settings->redis_ca[0] != '\0';

    if (has_cert != (settings->redis_key[0] != '\0'))
        error_text_set(why, "redis-cert and redis-key must be given together");
    else if (has_files && !settings->redis.tls)
        error_text_set(why, "redis-ca, redis-cert and redis-key are for rediss:// and "
                            "rediss+sentinel://, but redis does not begin so");
    else
        return 0;
    return -1;
}

int settings_draft_check(struct settings_draft *draft, struct error_text *why)
{
    struct settings *settings = &draft->settings;
    char connect_timeout[32];
    char timeout[32];

    if (check_tls(settings, why))
        return -1;
    if (settings->connect_timeout_ms <= settings->timeout_ms)
        return 0;
    if (draft->origins[offsetof(struct settings, connect_timeout_ms)] == SETTING_DEFAULT) {
        settings->connect_timeout_ms = settings->timeout_ms;
        return 0;
    }
    format_duration(settings->connect_timeout_ms, connect_timeout, sizeof(connect_timeout));
    format_duration(settings->timeout_ms, timeout, sizeof(timeout));
    error_text_set(why, "connect-timeout \"%s\" must be at most timeout, which is \"%s\"",
                   connect_timeout, timeout);
    return -1;
}

/* --- the settings file --- */

/* What goes through inih: it asks for lines and hands back names and values. */
struct reader {
    struct bytes rest;
    const char *name;
    int line; /* the one read last, from 1 */
    bool has_failed;
    struct settings_draft *draft;
    struct error_text *why;
    struct transport *transport; /* whose section it is in; NULL: in none */
};

__attribute__((format(printf, 2, 3))) static void fail(struct reader *reader, const char *format,
                                                       ...)
{
    struct error_text what;
    char name[SETTINGS_PATH_SIZE];
    va_list args;

    va_start(args, format);
    error_text_setv(&what, format, args);
    va_end(args);
    reader->has_failed = true;
    error_text_set(reader->why, "%s:%d: %s", settings_path_shown(reader->name, name), reader->line,
                   what.text);
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Cuts the first line off *rest; without its end and the blanks in front, which inih would take
 * for a continuation of the value above. */
static struct bytes next_line(struct bytes *rest)
{
    const char *end = memchr(rest->data, '\n', rest->len);
    struct bytes line = {rest->data, end ? (size_t)(end - rest->data) : rest->len};
    size_t used = line.len + (end ? 1 : 0);

    *rest = (struct bytes){rest->data + used, rest->len - used};
    while (line.len > 0 && is_blank(line.data[0]))
        line = (struct bytes){line.data + 1, line.len - 1};
    return line;
}

/* Not inih's business, which would cut long names. */
static void begin_section(struct reader *reader, struct bytes line)
{
    struct settings *settings = &reader->draft->settings;
    struct error_text detail = {""};

    while (is_blank(line.data[line.len - 1]))
        line.len--;
    if (line.data[line.len - 1] == ']')
        reader->transport = transport_begin(settings->transports, &settings->transports_len,
                                            (struct bytes){line.data + 1, line.len - 2}, &detail);
    if (detail.text[0] != '\0' || line.data[line.len - 1] != ']')
        fail(reader, "%s", detail.text[0] != '\0' ? detail.text : "a section ends with ]");
}

/* inih's fgets. inih would cut a long line silently, stop at a NUL, skip an empty section: all are
 * refused here. */
static char *on_inih_line(char *out, int size, void *stream)
{
    struct reader *reader = stream;
    struct bytes line;

    if (reader->has_failed || reader->rest.len == 0)
        return NULL;
    line = next_line(&reader->rest);
    reader->line++;
    if (line.len > 0 && (line.data[0] == '#' || line.data[0] == ';'))
        line.len = 0;
    if (line.len > 0 && line.data[0] == '[') {
        begin_section(reader, line);
        line.len = 0;
    }
    if (line.len > 0 && memchr(line.data, '\0', line.len))
        fail(reader, "the line holds a NUL byte");
    else if (line.len > SETTINGS_FILE_LINE_MAX || line.len + INIH_LINE_EXTRA > (size_t)size)
        fail(reader, "the line is longer than %d bytes; a list may be given in several lines",
             SETTINGS_FILE_LINE_MAX);
    if (reader->has_failed)
        return NULL;
    memcpy(out, line.data, line.len);
    out[line.len] = '\0';
    return out;
}

static void fail_unknown(struct reader *reader, struct bytes name)
{
    const char *nearest = setting_nearest(name);
    char shown[48];

    bytes_printable(name, shown, sizeof(shown));
    if (nearest)
        fail(reader, "unknown setting \"%s\", did you mean \"%s\"?", shown, nearest);
    else
        fail(reader, "unknown setting \"%s\", see --help", shown);
}

/* inih's handler: 1, or 0 when the line is refused. */
static int on_inih_value(void *user, const char *section, const char *name, const char *value)
{
    struct reader *reader = user;
    const struct setting_source source = {
        .origin = SETTING_FILE, .file = reader->name, .line = reader->line};
    const struct setting *setting = setting_find(bytes_of(name));

    (void)section; /* always "": sections do not get this far */
    if (reader->transport) {
        struct error_text detail;
        if (transport_set(reader->transport, bytes_of(name), bytes_of(value), &detail) != 0)
            fail(reader, "%s", detail.text);
    } else if (!setting)
        fail_unknown(reader, bytes_of(name));
    else if (settings_draft_set(reader->draft, setting, bytes_of(value), &source, reader->why))
        reader->has_failed = true;
    return !reader->has_failed;
}

int settings_file_parse(struct bytes text, const char *name, struct settings_draft *draft,
                        struct error_text *why)
{
    struct reader reader = {.rest = text, .name = name, .draft = draft, .why = why};
    int bad_line;

    if (text.len >= 3 && memcmp(text.data, "\xef\xbb\xbf", 3) == 0)
        reader.rest = (struct bytes){text.data + 3, text.len - 3}; /* byte order mark */
    bad_line = ini_parse_stream(on_inih_line, &reader, on_inih_value, &reader);
    if (bad_line < 0) {
        fail(&reader, "out of memory");
    } else if (bad_line > 0 && (!reader.has_failed || bad_line < reader.line)) {
        /* A line that inih itself did not understand; it read on until something else failed. */
        reader.line = bad_line;
        fail(&reader, "not \"name = value\"");
    }
    return reader.has_failed ? -1 : 0;
}

ssize_t file_read_start(const char *path, char *out, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    size_t len = 0;
    ssize_t got = 1;
    int saved_errno;

    if (fd < 0)
        return -1;
    while (len < size && got != 0) {
        got = read(fd, out + len, size - len);
        if (got < 0 && errno != EINTR)
            break;
        if (got > 0)
            len += (size_t)got;
    }
    saved_errno = errno;
    close(fd);
    errno = saved_errno;
    return got < 0 ? -1 : (ssize_t)len;
}

int settings_file_read(const char *path, struct settings_draft *draft, struct error_text *why)
{
    char *text = malloc(SETTINGS_FILE_MAX + 1);
    char shown[SETTINGS_PATH_SIZE];
    ssize_t len = text ? file_read_start(path, text, SETTINGS_FILE_MAX + 1) : -1;
    int rc = -1;

    settings_path_shown(path, shown);
    if (len < 0)
        error_text_set(why, "config \"%s\": cannot be read: %s", shown, strerror(errno));
    else if (len > SETTINGS_FILE_MAX)
        error_text_set(why, "config \"%s\": larger than %d bytes", shown, SETTINGS_FILE_MAX);
    else
        rc = settings_file_parse((struct bytes){text, (size_t)len}, path, draft, why);
    if (len > 0)
        explicit_bzero(text, (size_t)len); /* may hold a password */
    free(text);
    return rc;
}
