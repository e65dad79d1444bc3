#include "contract/room.h"

#include <string.h>

#include "contract/parse.h"

#define SMALL_MAX (UINT64_C(1) << 53) /* a double has all integers up to here */
#define ESCAPE_LEN 6                  /* \u0041 */

static bool is_allowed(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("._:!@#$+=~-", c) != NULL);
}

static bool is_name(struct bytes text)
{
    if (text.len == 0 || text.len > ROOM_ID_MAX)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (!is_allowed(text.data[i]))
            return false;
    }
    return !bytes_equal_text(text, ".") && !bytes_equal_text(text, "..");
}

static void set_text(struct room_id *room, struct bytes text)
{
    memcpy(room->text, text.data, text.len);
    room->text[text.len] = '\0';
    room->len = (uint8_t)text.len;
}

int room_id_of_text(struct bytes text, struct room_id *ret)
{
    if (!is_name(text))
        return -1;
    set_text(ret, text);
    return 0;
}

static void set_integer(struct room_id *room, bool is_negative, uint64_t magnitude)
{
    char *at = room->text;

    if (is_negative && magnitude > 0)
        *at++ = '-';
    at = write_uint64(at, magnitude, 0);
    *at = '\0';
    room->len = (uint8_t)(at - room->text);
}

void room_id_of_int64(int64_t value, struct room_id *ret)
{
    /* Negated as unsigned: -INT64_MIN does not fit an int64_t. */
    set_integer(ret, value < 0, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

/* Digits as JSON has them: no zero in front of others. */
static int read_integer(struct bytes text, bool *ret_is_negative, uint64_t *ret_magnitude)
{
    bool is_negative = text.len > 0 && text.data[0] == '-';

    if (is_negative)
        text = (struct bytes){text.data + 1, text.len - 1};
    if (text.len > 1 && text.data[0] == '0')
        return -1;
    *ret_is_negative = is_negative;
    return parse_uint64(text, is_negative ? (uint64_t)INT64_MAX + 1 : UINT64_MAX, ret_magnitude);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The character that text begins with, and its length; 0: it is none of a room's. Of JSON's escapes
 * only \u00.. can stand for one. */
static size_t read_character(struct bytes text, char *ret)
{
    int high, low;

    if (text.data[0] != '\\') {
        *ret = text.data[0];
        return 1;
    }
    if (text.len < ESCAPE_LEN || memcmp(text.data, "\\u00", 4) != 0)
        return 0;
    high = hex_digit(text.data[4]);
    low = hex_digit(text.data[5]);
    if (high < 0 || high > 7 || low < 0)
        return 0;
    *ret = (char)(high * 16 + low);
    return ESCAPE_LEN;
}

/* What is between the quotes. */
static int of_json_string(struct bytes inside, struct room_id *ret)
{
    char text[ROOM_ID_MAX];
    size_t len = 0;

    while (inside.len > 0) {
        char c;
        size_t used = read_character(inside, &c);

        if (used == 0 || len == sizeof(text))
            return -1;
        text[len++] = c;
        inside = (struct bytes){inside.data + used, inside.len - used};
    }
    return room_id_of_text((struct bytes){text, len}, ret);
}

int room_id_of_json(struct bytes value, struct room_id *ret)
{
    bool is_negative;
    uint64_t magnitude;

    if (value.len >= 2 && value.data[0] == '"' && value.data[value.len - 1] == '"')
        return of_json_string((struct bytes){value.data + 1, value.len - 2}, ret);
    if (read_integer(value, &is_negative, &magnitude))
        return -1;
    set_integer(ret, is_negative, magnitude);
    return 0;
}

struct bytes room_id_bytes(const struct room_id *room)
{
    return (struct bytes){room->text, room->len};
}

bool room_id_equal(const struct room_id *one, const struct room_id *other)
{
    return bytes_equal(room_id_bytes(one), room_id_bytes(other));
}

/* Is it the text of an integer in its range? */
static bool is_integer(const struct room_id *room, bool *ret_is_negative, uint64_t *ret_magnitude)
{
    return read_integer(room_id_bytes(room), ret_is_negative, ret_magnitude) == 0 &&
           !(*ret_is_negative && *ret_magnitude == 0);
}

int room_id_compare(const struct room_id *one, const struct room_id *other)
{
    bool is_negative[2];
    uint64_t magnitude[2];
    bool is_number[2] = {is_integer(one, &is_negative[0], &magnitude[0]),
                         is_integer(other, &is_negative[1], &magnitude[1])};

    if (is_number[0] != is_number[1])
        return is_number[0] ? -1 : 1;
    if (!is_number[0])
        return strcmp(one->text, other->text);
    if (is_negative[0] != is_negative[1])
        return is_negative[0] ? -1 : 1;
    if (magnitude[0] == magnitude[1])
        return 0;
    return (magnitude[0] < magnitude[1]) != is_negative[0] ? -1 : 1;
}

void room_id_put_json(struct buffer *out, const struct room_id *room)
{
    bool is_negative;
    uint64_t magnitude;
    bool is_small = is_integer(room, &is_negative, &magnitude) && magnitude <= SMALL_MAX;

    if (!is_small)
        buffer_append_char(out, '"');
    buffer_append_bytes(out, room_id_bytes(room)); /* nothing in it needs to be escaped */
    if (!is_small)
        buffer_append_char(out, '"');
}
