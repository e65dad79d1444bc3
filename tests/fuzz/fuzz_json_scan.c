/*
 * Any bytes as JSON, read by the scanner and by jansson, which must agree but for this:
 *
 *   jansson refuses   halves of surrogate pairs, NUL escapes in keys, numbers past int64_t and
 *                     double
 *   jansson accepts   a NUL byte behind a number or word, any depth up to 2048
 *
 * What is copied must be scanned to itself and mean the same to jansson.
 */
#include "fuzz.h"

#include <ctype.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "contract/json_scan.h"
#include "contract/json_string.h"

#define LEVELS 17

static void must(bool truth)
{
    if (!truth)
        abort();
}

/* NULL: refused. To be freed. */
static char *scan_whole(struct bytes text, struct json_scan *scan, size_t *ret_len)
{
    char *out = malloc(text.len + 1);

    must(out != NULL);
    json_scan_init(scan, text, out, LEVELS);
    must((json_scan_value(scan) == JSON_KIND_NONE) == (scan->problem != JSON_SOUND));
    must(json_scan_end(scan) == (scan->problem == JSON_SOUND));
    must(scan->at >= scan->start && scan->at <= scan->end);
    *ret_len = (size_t)((char *)scan->out - out);
    must(*ret_len <= text.len);
    if (scan->problem == JSON_SOUND)
        return out;
    free(out);
    return NULL;
}

/* Scans sound JSON again and looks at each string of it. */
struct strings {
    bool has_half_pair;
    bool has_nul_in_key;
};

static void look_at_string(struct strings *strings, struct bytes string, bool is_key)
{
    char *text = malloc(string.len + 1);
    size_t len;

    must(text != NULL);
    len = json_string_unescape(string, text);
    must(len <= string.len && bytes_is_utf8((struct bytes){text, len}));
    if (memchr(text, '\0', len) && is_key)
        strings->has_nul_in_key = true;
    for (size_t i = 0; i + 3 <= len; i++) /* may have been written so: then we compare less */
        strings->has_half_pair |= memcmp(text + i, "\xef\xbf\xbd", 3) == 0;
    free(text);
}

static void look_at_value(struct strings *strings, struct json_scan *scan)
{
    char *start = (char *)scan->out;
    enum json_kind kind = json_scan_open(scan);
    struct bytes key;

    must(kind != JSON_KIND_NONE);
    if (kind == JSON_KIND_STRING) {
        look_at_string(strings, (struct bytes){start + 1, (size_t)((char *)scan->out - start) - 2},
                       false);
    } else if (kind == JSON_KIND_MAP) {
        while (json_scan_key(scan, &key)) {
            look_at_string(strings, key, true);
            look_at_value(strings, scan);
        }
    } else if (kind == JSON_KIND_LIST) {
        while (json_scan_item(scan))
            look_at_value(strings, scan);
    }
}

static struct strings look_at_strings(struct bytes json)
{
    struct strings strings = {false, false};
    struct json_scan scan;
    char *out = malloc(json.len + 1);

    must(out != NULL);
    json_scan_init(&scan, json, out, LEVELS);
    look_at_value(&strings, &scan);
    must(json_scan_end(&scan) && (size_t)((char *)scan.out - out) == json.len);
    must(memcmp(out, json.data, json.len) == 0); /* compact already, however it is gone through */
    free(out);
    return strings;
}

static void check_accepted(struct bytes compact, const json_t *value, enum json_error_code code)
{
    struct strings strings = look_at_strings(compact);
    json_error_t error;
    json_t *again;

    must(bytes_is_utf8(compact));
    if (!value) {
        must(code == json_error_numeric_overflow ||
             (code == json_error_null_byte_in_key && strings.has_nul_in_key) ||
             (code == json_error_invalid_syntax && strings.has_half_pair));
        return;
    }
    again = json_loadb(compact.data, compact.len, JSON_ALLOW_NUL | JSON_DECODE_ANY, &error);
    must(json_equal(again, value) == 1);
    json_decref(again);
}

static bool stopped_at_nul(const struct json_scan *scan)
{
    return scan->at > scan->start && scan->at < scan->end && *scan->at == '\0' &&
           isalnum(scan->at[-1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes text = {(const char *)data, size};
    struct json_scan scan;
    json_error_t error;
    json_t *value =
        json_loadb(size > 0 ? text.data : "", size, JSON_ALLOW_NUL | JSON_DECODE_ANY, &error);
    size_t len;
    char *compact = scan_whole(text, &scan, &len);

    if (compact)
        check_accepted((struct bytes){compact, len}, value, json_error_code(&error));
    else if (value)
        must(scan.problem == JSON_TOO_DEEP || stopped_at_nul(&scan));
    free(compact);
    json_decref(value);
    return 0;
}
