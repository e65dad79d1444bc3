#include "contract/json_find.h"

#include <string.h>

#include "contract/json_string.h"
#include "contract/parse.h"

#define ESCAPE_LEN 6 /* \u0041 */

/* Behind the string that begins at at. A quote behind an odd number of backslashes is inside. */
static const char *skip_string(const char *at, const char *end)
{
    const char *start = at + 1;
    const char *quote = start;

    for (;; quote++) {
        const char *before;

        quote = memchr(quote, '"', (size_t)(end - quote));
        before = quote;
        while (before > start && before[-1] == '\\')
            before--;
        if ((quote - before) % 2 == 0)
            return quote + 1;
    }
}

/* Behind the value that begins at at. */
static const char *skip_value(const char *at, const char *end)
{
    int depth = 0;

    do {
        if (*at == '"') {
            at = skip_string(at, end);
            continue;
        }
        if (*at == '{' || *at == '[')
            depth++;
        else if (*at == '}' || *at == ']')
            depth--;
        at++;
    } while (at < end && (depth > 0 || !strchr(",]}", *at)));
    return at;
}

/* Is what stands between a key's quotes this name? */
static bool is_name(struct bytes key, struct bytes name)
{
    char text[ESCAPE_LEN * JSON_FIND_NAME_MAX];

    if (!memchr(key.data, '\\', key.len))
        return bytes_equal(key, name);
    if (key.len > ESCAPE_LEN * name.len || key.len > sizeof(text))
        return false;
    size_t len = json_string_unescape(key, text);
    return bytes_equal((struct bytes){text, len}, name);
}

static bool find_member(struct bytes map, struct bytes name, struct bytes *ret_found)
{
    const char *at = map.data + 1;
    const char *end = map.data + map.len;
    bool found = false;

    while (*at == '"') {
        struct bytes key = {at + 1, 0};

        at = skip_string(at, end);
        key.len = (size_t)(at - 1 - key.data);
        struct bytes value = {at + 1, 0}; /* behind the colon */
        at = skip_value(value.data, end);
        value.len = (size_t)(at - value.data);
        if (is_name(key, name)) {
            *ret_found = value;
            found = true;
        }
        at++; /* a comma, or the end */
        if (at >= end)
            break;
    }
    return found;
}

static bool find_item(struct bytes list, struct bytes name, struct bytes *ret_found)
{
    const char *at = list.data + 1;
    const char *end = list.data + list.len;
    uint64_t number;

    if (*at == ']' || parse_uint64(name, list.len, &number) != 0)
        return false;
    for (; at < end; number--) {
        struct bytes value = {at, 0};

        at = skip_value(at, end);
        value.len = (size_t)(at - value.data);
        if (number == 0) {
            *ret_found = value;
            return true;
        }
        at++;
    }
    return false;
}

/* Each level is read from its beginning, at most to its end. */
static bool spend(size_t *work, size_t len)
{
    bool suffices = len <= *work;

    *work = suffices ? *work - len : 0;
    return suffices;
}

bool json_find(struct bytes value, struct bytes path, size_t *work, struct bytes *ret_found)
{
    while (path.len > 0) {
        const char *dot = memchr(path.data, '.', path.len);
        struct bytes name = {path.data, dot ? (size_t)(dot - path.data) : path.len};

        if (!spend(work, value.len))
            return false;
        if (!(value.data[0] == '{' && find_member(value, name, &value)) &&
            !(value.data[0] == '[' && find_item(value, name, &value)))
            return false;
        name.len += dot ? 1 : 0;
        path = (struct bytes){path.data + name.len, path.len - name.len};
    }
    *ret_found = value;
    return true;
}
