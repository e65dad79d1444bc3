#include "admin/dead/filter.h"

#include <string.h>
#include <time.h>

#include "contract/dead_letter.h"
#include "contract/parse.h"

#define AGE_MAX_MS ((int64_t)3650 * 24 * 3600 * 1000) /* ten years: older than any letter */
#define VALUE_SHOWN_SIZE 40
#define TIME_SIZE 32

static const char *const filter_flags[] = {"room", "hook", "reason", "since", "before"};

/* Takes n digits that make a number in min..max, if they come next. */
static bool take_number(struct bytes *text, size_t n, int min, int max, int *ret)
{
    int64_t value;

    if (text->len < n || text->data[0] == '-' ||
        parse_int64((struct bytes){text->data, n}, min, max, &value) < 0)
        return false;
    *ret = (int)value;
    text->data += n;
    text->len -= n;
    return true;
}

static bool take_char(struct bytes *text, char c)
{
    if (text->len == 0 || text->data[0] != c)
        return false;
    text->data++;
    text->len--;
    return true;
}

/* ".257" and the like; digits after the third are of no account. */
static bool take_fraction(struct bytes *text, int *ret_ms)
{
    int unit_ms = 100;
    size_t digits = 0;

    for (int digit; take_number(text, 1, 0, 9, &digit); digits++) {
        *ret_ms += digit * unit_ms;
        unit_ms /= 10;
    }
    return digits > 0;
}

/* "T08:28", "T08:28:57" or "T08:28:57.257", all optional. */
static bool take_time(struct bytes *text, struct tm *time, int *ret_ms)
{
    if (!take_char(text, 'T'))
        return true;
    if (!take_number(text, 2, 0, 23, &time->tm_hour) || !take_char(text, ':') ||
        !take_number(text, 2, 0, 59, &time->tm_min))
        return false;
    if (take_char(text, ':') && !take_number(text, 2, 0, 59, &time->tm_sec))
        return false;
    return !take_char(text, '.') || take_fraction(text, ret_ms);
}

static int parse_iso8601(struct bytes text, int64_t *ret_ms)
{
    struct tm time = {0};
    int year = 0;
    int month = 0;
    int ms = 0;

    if (!take_number(&text, 4, 1970, 9999, &year) || !take_char(&text, '-') ||
        !take_number(&text, 2, 1, 12, &month) || !take_char(&text, '-') ||
        !take_number(&text, 2, 1, 31, &time.tm_mday) || !take_time(&text, &time, &ms))
        return -1;
    (void)take_char(&text, 'Z');
    if (text.len > 0)
        return -1;
    time.tm_year = year - 1900;
    time.tm_mon = month - 1;
    int day = time.tm_mday;
    int64_t seconds = timegm(&time);
    if (time.tm_mday != day) /* the month is shorter */
        return -1;
    *ret_ms = seconds * 1000 + ms;
    return 0;
}

int dead_time_parse(struct bytes text, int64_t now_ms, int64_t *ret_ms)
{
    int64_t age_ms;

    if (parse_duration_ms(text, 0, AGE_MAX_MS, &age_ms) == 0) {
        *ret_ms = age_ms < now_ms ? now_ms - age_ms : 0;
        return 0;
    }
    return parse_iso8601(text, ret_ms);
}

/* A flag's value that cannot be used, and what can. Returns -1. */
static int refuse(struct error_text *why, const char *flag, const char *given, const char *allowed)
{
    char shown[VALUE_SHOWN_SIZE];

    error_text_set(why, "--%s is %s: give %s", flag,
                   bytes_printable(bytes_of(given), shown, sizeof(shown)), allowed);
    return -1;
}

/* A reason's name as the letters have it. */
static int read_reason(const char *given, const char **ret_reason, struct error_text *why)
{
    enum dead_reason reason;
    struct buffer names;

    if (dead_reason_parse(bytes_of(given), &reason) == 0) {
        *ret_reason = dead_reason_name(reason);
        return 0;
    }
    buffer_init(&names, sizeof(why->text));
    buffer_append_format(&names, "one of");
    for (int i = 0; i < DEAD_REASONS; i++)
        buffer_append_format(&names, " %s", dead_reason_name((enum dead_reason)i));
    (void)refuse(why, "reason", given, buffer_failed(&names) ? "one of few" : names.data);
    buffer_release(&names);
    return -1;
}

/* One end of the range; *ret_ms is left when the flag is not given. */
static int read_time(const struct flags *flags, const char *flag, int64_t now_ms, int64_t *ret_ms,
                     struct error_text *why)
{
    const char *given = flags_value(flags, flag);

    if (!given || dead_time_parse(bytes_of(given), now_ms, ret_ms) == 0)
        return 0;
    return refuse(why, flag, given,
                  "an age up to 3650d, like 2h, or a UTC time like "
                  "2022-11-04T08:28:57Z");
}

static int read_range(const struct flags *flags, int64_t now_ms, struct dead_filter *filter,
                      struct error_text *why)
{
    char since[VALUE_SHOWN_SIZE];
    char before[VALUE_SHOWN_SIZE];
    char since_time[TIME_SIZE];
    char before_time[TIME_SIZE];

    if (read_time(flags, "since", now_ms, &filter->since_ms, why) < 0 ||
        read_time(flags, "before", now_ms, &filter->before_ms, why) < 0)
        return -1;
    if (!flags_has(flags, "since") || filter->since_ms < filter->before_ms)
        return 0;
    error_text_set(why, "--since %s (%s) is not earlier than --before %s (%s)",
                   bytes_printable(bytes_of(flags_value(flags, "since")), since, sizeof(since)),
                   format_iso8601(filter->since_ms, since_time, sizeof(since_time)),
                   bytes_printable(bytes_of(flags_value(flags, "before")), before, sizeof(before)),
                   format_iso8601(filter->before_ms, before_time, sizeof(before_time)));
    return -1;
}

int dead_filter_read(struct dead_filter *ret_filter, const struct flags *flags, int64_t now_ms,
                     struct error_text *why)
{
    struct dead_filter filter = {.hook = flags_value(flags, "hook"), .before_ms = DEAD_NO_END};
    const char *room = flags_value(flags, "room");
    const char *reason = flags_value(flags, "reason");

    if (room && room_id_of_text(bytes_of(room), &filter.room) < 0)
        return refuse(why, "room", room, ROOM_ID_ALLOWED);
    if (filter.hook && !parse_is_name(bytes_of(filter.hook)))
        return refuse(why, "hook", filter.hook, "1 to 64 characters of [A-Za-z0-9_-]");
    if (reason && read_reason(reason, &filter.reason, why) < 0)
        return -1;
    if (read_range(flags, now_ms, &filter, why) < 0)
        return -1;
    *ret_filter = filter;
    return 0;
}

bool dead_filter_given(const struct flags *flags)
{
    for (size_t i = 0; i < sizeof(filter_flags) / sizeof(filter_flags[0]); i++) {
        if (flags_has(flags, filter_flags[i]))
            return true;
    }
    return false;
}

bool dead_filter_matches(const struct dead_filter *filter, struct bytes room, struct bytes hook,
                         struct bytes reason)
{
    if (filter->room.len > 0 && !bytes_equal(room, room_id_bytes(&filter->room)))
        return false;
    if (filter->hook && !bytes_equal_text(hook, filter->hook))
        return false;
    return !filter->reason || bytes_equal_text(reason, filter->reason);
}
