/*
 * The log: one fact a line on stderr, as logfmt or JSON. Never a body, a secret, or a URL's path or
 * query: callers log origins. Values are escaped, so a stranger's text cannot forge a line.
 *
 *     log_at(LOG_INFO, "delivered", log_text("event", id), log_int("status", 200));
 *     time=2022-11-04T08:28:57.257Z level=info msg=delivered event=msg_1-0 status=200
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdint.h>

#include "contract/bytes.h"

enum log_level {
    LOG_DEBUG,
    LOG_INFO,
    LOG_WARN,
    LOG_ERROR
};

enum log_format {
    LOG_LOGFMT,
    LOG_JSON
};

struct log_field {
    const char *key;
    struct bytes text; /* when is_int is false */
    int64_t number;
    int is_int;
};

void log_configure(enum log_level level, enum log_format format);
void log_name_process(int place); /* from now on every line has it: process=2 */
int log_is_on(enum log_level level);

struct log_field log_text(const char *key, const char *value); /* NULL is written as "" */
struct log_field log_bytes(const char *key, struct bytes value);
struct log_field log_int(const char *key, int64_t value);

/* One line; the text fields are borrowed for the call, each is cut at 512 bytes. Fields that a line
 * of 8 KiB does not hold are left out, "truncated" stands in their place. */
void log_line(enum log_level level, const char *msg, const struct log_field *fields,
              int fields_len);

/* What a line that is not written would say is not made up. */
#define log_at(level, msg, ...)                                                           \
    (log_is_on(level) ? log_line((level), (msg), (const struct log_field[]){__VA_ARGS__}, \
                                 (int)(sizeof((const struct log_field[]){__VA_ARGS__}) /  \
                                       sizeof(struct log_field)))                         \
                      : (void)0)

#endif
