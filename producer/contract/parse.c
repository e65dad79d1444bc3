#include "contract/parse.h"

#include <inttypes.h>
#include <roomhook/event.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define TRACEPARENT_LEN (TRACEPARENT_SIZE - 1) /* "00-" 32 hex "-" 16 hex "-" 2 hex */
#define ISO8601_MAX_MS 8640000000000000        /* the range of a JavaScript Date */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Reads digits from the start of text. How many; 0 when there are none or the value passes max. */
static size_t read_digits(struct bytes text, uint64_t max, uint64_t *ret)
{
    uint64_t value = 0;
    size_t len = 0;

    for (; len < text.len && is_digit(text.data[len]); len++) {
        uint64_t digit = (uint64_t)(text.data[len] - '0');

        if (digit > max || value > (max - digit) / 10)
            return 0;
        value = value * 10 + digit;
    }
    if (len > 0)
        *ret = value;
    return len;
}

int parse_uint64(struct bytes text, uint64_t max, uint64_t *ret)
{
    uint64_t value;
    size_t len = read_digits(text, max, &value);

    if (len == 0 || len != text.len)
        return -1;
    *ret = value;
    return 0;
}

int parse_int64(struct bytes text, int64_t min, int64_t max, int64_t *ret)
{
    bool negative = text.len > 0 && text.data[0] == '-';
    uint64_t magnitude;
    int64_t value;

    if (negative)
        text = (struct bytes){text.data + 1, text.len - 1};
    if (parse_uint64(text, (uint64_t)INT64_MAX + negative, &magnitude))
        return -1;
    /* 2^63 has no positive twin, so the negative side is built one short. */
    if (negative && magnitude > 0)
        value = -(int64_t)(magnitude - 1) - 1;
    else
        value = (int64_t)magnitude;
    if (value < min || value > max)
        return -1;
    *ret = value;
    return 0;
}

int parse_rate(struct bytes text, int64_t *ret_rate)
{
    if (text.len > 2 && memcmp(text.data + text.len - 2, "/s", 2) == 0)
        text.len -= 2;
    return parse_int64(text, 1, PARSE_RATE_MAX, ret_rate);
}

struct unit {
    const char *name;
    uint64_t factor;
};

/* Digits and one of units (its first row is the smallest), as a value in the smallest unit. */
static int parse_with_unit(struct bytes text, const struct unit *units, size_t units_len,
                           uint64_t *ret)
{
    uint64_t number;
    size_t len = read_digits(text, UINT64_MAX, &number);
    struct bytes name;

    if (len == 0)
        return -1;
    name = (struct bytes){text.data + len, text.len - len};
    for (size_t i = 0; i < units_len; i++) {
        if (!bytes_equal_text(name, units[i].name))
            continue;
        if (number > UINT64_MAX / units[i].factor)
            return -1;
        *ret = number * units[i].factor;
        return 0;
    }
    return -1;
}

/* Writes value in the largest of units that divides it. */
static const char *format_with_unit(uint64_t value, const struct unit *units, size_t units_len,
                                    char *out, size_t size)
{
    size_t i = units_len - 1;

    if (value == 0) {
        snprintf(out, size, "0");
        return out;
    }
    while (value % units[i].factor != 0)
        i--;
    snprintf(out, size, "%" PRIu64 "%s", value / units[i].factor, units[i].name);
    return out;
}

#define UNITS_LEN(units) (sizeof(units) / sizeof((units)[0]))

static const struct unit duration_units[] = {
    {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000},
};

static const struct unit size_units[] = {
    {"", 1},
    {"k", 1024},
    {"m", 1024 * 1024},
    {"g", 1024 * 1024 * 1024},
};

int parse_duration_ms(struct bytes text, int64_t min_ms, int64_t max_ms, int64_t *ret_ms)
{
    uint64_t value = 0;

    if (!bytes_equal(text, BYTES("0")) &&
        parse_with_unit(text, duration_units, UNITS_LEN(duration_units), &value))
        return -1;
    if (value > INT64_MAX || (int64_t)value < min_ms || (int64_t)value > max_ms)
        return -1;
    *ret_ms = (int64_t)value;
    return 0;
}

int parse_size(struct bytes text, uint64_t min, uint64_t max, uint64_t *ret)
{
    uint64_t value;

    if (parse_with_unit(text, size_units, UNITS_LEN(size_units), &value) || value < min ||
        value > max)
        return -1;
    *ret = value;
    return 0;
}

int parse_rate_us(struct bytes text, int64_t max, int64_t *ret_interval_us)
{
    static const struct {
        struct bytes name;
        int64_t us;
    } units[] = {
        {BYTES("/s"), 1000000},
        {BYTES("/m"), 60000000},
        {BYTES("/h"), INT64_C(3600000000)},
    };
    struct bytes digits = {text.data, text.len < 2 ? 0 : text.len - 2};
    int64_t count;

    if (parse_int64(digits, 1, max, &count))
        return -1;
    for (size_t i = 0; i < UNITS_LEN(units); i++) {
        if (bytes_equal((struct bytes){text.data + digits.len, 2}, units[i].name)) {
            *ret_interval_us = (units[i].us - 1) / count + 1;
            return 0;
        }
    }
    return -1;
}

const char *format_duration(int64_t ms, char *out, size_t size)
{
    return format_with_unit(ms < 0 ? 0 : (uint64_t)ms, duration_units, UNITS_LEN(duration_units),
                            out, size);
}

const char *format_size(uint64_t size_bytes, char *out, size_t size)
{
    return format_with_unit(size_bytes, size_units, UNITS_LEN(size_units), out, size);
}

int parse_bool(struct bytes text, bool *ret)
{
    static const struct {
        const char *word;
        bool value;
    } words[] = {
        {"yes", true}, {"true", true},   {"on", true},   {"1", true},
        {"no", false}, {"false", false}, {"off", false}, {"0", false},
    };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (bytes_equal_text(text, words[i].word)) {
            *ret = words[i].value;
            return 0;
        }
    }
    return -1;
}

/* 1 to max letters, digits, '_' and others. */
static bool is_word(struct bytes text, size_t max, char other)
{
    if (text.len == 0 || text.len > max)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];

        if (!is_digit(c) && !(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && c != '_' &&
            c != other)
            return false;
    }
    return true;
}

bool parse_is_name(struct bytes text)
{
    return is_word(text, RH_NAME_MAX, '-');
}

bool parse_is_event_type(struct bytes text)
{
    return is_word(text, EVENT_TYPE_MAX, '.');
}

/* Lower-case hex, as the specification demands, and not all zeros where that means "invalid". */
static bool is_trace_field(const char *text, size_t len, bool may_be_zero)
{
    bool is_zero = true;

    for (size_t i = 0; i < len; i++) {
        if (!is_digit(text[i]) && !(text[i] >= 'a' && text[i] <= 'f'))
            return false;
        if (text[i] != '0')
            is_zero = false;
    }
    return may_be_zero || !is_zero;
}

/* <version>-<trace id>-<parent id>-<flags>, and of a higher version perhaps more behind a '-'. */
int parse_traceparent(struct bytes text, char *out)
{
    const char *data = text.data;
    bool is_known = text.len >= TRACEPARENT_LEN && memcmp(data, "00", 2) == 0;

    if (text.len < TRACEPARENT_LEN || !is_trace_field(data, 2, true) || data[2] != '-' ||
        !is_trace_field(data + 3, 32, false) || data[35] != '-' ||
        !is_trace_field(data + 36, 16, false) || data[52] != '-' ||
        !is_trace_field(data + 53, 2, true) || memcmp(data, "ff", 2) == 0)
        return -1;
    if (text.len > TRACEPARENT_LEN && (is_known || data[TRACEPARENT_LEN] != '-'))
        return -1;
    memcpy(out, data, TRACEPARENT_LEN);
    out[TRACEPARENT_LEN] = '\0';
    if (!is_known) { /* of its flags only "sampled" is known to mean the same */
        bool is_sampled = (data[54] <= '9' ? data[54] - '0' : data[54] - 'a' + 10) & 1;

        memcpy(out, "00", 2);
        memcpy(out + 53, is_sampled ? "01" : "00", 2);
    }
    return 0;
}

/* A number without leading zeros, so that one id has one spelling. */
static size_t read_canonical(struct bytes text, uint64_t *ret)
{
    size_t len = read_digits(text, UINT64_MAX, ret);

    return len > 1 && text.data[0] == '0' ? 0 : len;
}

int parse_stream_id(struct bytes text, uint64_t *ret_ms, uint64_t *ret_seq)
{
    uint64_t ms;
    uint64_t seq;
    size_t len = read_canonical(text, &ms);
    struct bytes rest;

    if (len == 0 || len == text.len || text.data[len] != '-')
        return -1;
    rest = (struct bytes){text.data + len + 1, text.len - len - 1};
    len = read_canonical(rest, &seq);
    if (len == 0 || len != rest.len)
        return -1;
    *ret_ms = ms;
    *ret_seq = seq;
    return 0;
}

const char *format_iso8601(int64_t unix_ms, char *out, size_t size)
{
    struct tm tm;
    time_t seconds;
    int ms;
    int year;

    if (unix_ms > ISO8601_MAX_MS)
        unix_ms = ISO8601_MAX_MS;
    if (unix_ms < -ISO8601_MAX_MS)
        unix_ms = -ISO8601_MAX_MS;
    /* Round down, so that the milliseconds count forward before 1970 as well. */
    ms = (int)(unix_ms % 1000);
    if (ms < 0)
        ms += 1000;
    seconds = (time_t)((unix_ms - ms) / 1000);
    if (!gmtime_r(&seconds, &tm)) {
        snprintf(out, size, "%s", "");
        return out;
    }
    year = tm.tm_year + 1900;
    snprintf(out, size,
             year >= 0 && year <= 9999 ? "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ"
                                       : "%+07d-%02d-%02dT%02d:%02d:%02d.%03dZ",
             year, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, ms);
    return out;
}
