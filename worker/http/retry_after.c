#include "http/retry_after.h"

#include <string.h>

#include "contract/parse.h"

static bool are_digits(const char *value)
{
    return value[0] != '\0' && value[strspn(value, "0123456789")] == '\0';
}

#define ABBREVIATION 3 /* letters of an abbreviated name */

static const char *const days[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                   "Thursday", "Friday", "Saturday"};
static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

/* Of exactly width digits, from 0 to max. False: it is none. */
static bool take_number(const char **at, int width, int max, int *ret)
{
    int number = 0;

    for (int i = 0; i < width; i++, (*at)++) {
        if (**at < '0' || **at > '9')
            return false;
        number = number * 10 + (**at - '0');
    }
    *ret = number;
    return number <= max;
}

static bool take_name(const char **at, const char *const *names, int count, bool is_abbreviated,
                      int *ret)
{
    for (int i = 0; i < count; i++) {
        size_t len = is_abbreviated ? ABBREVIATION : strlen(names[i]);
        if (strncmp(*at, names[i], len) == 0) {
            *at += len;
            *ret = i;
            return true;
        }
    }
    return false;
}

/* Two digits, the first of which may be a blank. */
static bool take_padded_day(const char **at, struct tm *date)
{
    if (**at != ' ')
        return take_number(at, 2, 31, &date->tm_mday);
    (*at)++;
    return take_number(at, 1, 9, &date->tm_mday);
}

static bool take_field(const char **at, char field, struct tm *date)
{
    int weekday; /* not compared with the date, which says all */

    switch (field) {
    case 'a':
        return take_name(at, days, 7, true, &weekday);
    case 'A':
        return take_name(at, days, 7, false, &weekday);
    case 'b':
        return take_name(at, months, 12, true, &date->tm_mon);
    case 'd':
        return take_number(at, 2, 31, &date->tm_mday);
    case 'e':
        return take_padded_day(at, date);
    case 'H':
        return take_number(at, 2, 23, &date->tm_hour);
    case 'M':
        return take_number(at, 2, 59, &date->tm_min);
    case 'S':
        return take_number(at, 2, 60, &date->tm_sec);
    case 'y':
        return take_number(at, 2, 99, &date->tm_year);
    case 'Y':
        return take_number(at, 4, 9999, &date->tm_year);
    default:
        return false;
    }
}

/* The form is one of strptime, which itself takes other blanks, case and lengths too. The year is
 * as it is written. */
static bool is_in_form(const char *value, const char *form, struct tm *ret_date)
{
    *ret_date = (struct tm){0};
    for (; *form != '\0'; form++) {
        if (*form == '%') {
            if (!take_field(&value, *++form, ret_date))
                return false;
        } else if (*value++ != *form) {
            return false;
        }
    }
    return *value == '\0';
}

/* Two digits mean a year that is at most 50 years ahead. */
static int year_of_two_digits(int year, time_t now)
{
    struct tm today;

    if (!gmtime_r(&now, &today))
        return year;
    int this_year = today.tm_year + 1900;
    year += this_year / 100 * 100;
    if (year > this_year + 50)
        return year - 100;
    return year <= this_year - 50 ? year + 100 : year;
}

/* IMF-fixdate, and the two obsolete forms that a recipient has to read. False: it is none. */
static bool parse_date(const char *value, time_t now, time_t *ret_date)
{
    struct tm date;

    if (is_in_form(value, "%A, %d-%b-%y %H:%M:%S GMT", &date))
        date.tm_year = year_of_two_digits(date.tm_year, now);
    else if (!is_in_form(value, "%a, %d %b %Y %H:%M:%S GMT", &date) &&
             !is_in_form(value, "%a %b %e %H:%M:%S %Y", &date))
        return false;
    int day = date.tm_mday;
    int second = date.tm_sec; /* 60 is a leap second */
    date.tm_year -= 1900;
    date.tm_sec = 0;
    *ret_date = timegm(&date) + second;
    return date.tm_mday == day; /* else there is no such day in the month */
}

int64_t retry_after_ms(const char *value, time_t now)
{
    uint64_t seconds = 0;
    time_t then;

    if (are_digits(value)) {
        if (parse_uint64(bytes_of(value), UINT64_MAX, &seconds) != 0)
            seconds = RETRY_AFTER_MAX_S; /* more than 64 bits */
    } else if (parse_date(value, now, &then) && then > now) {
        seconds = (uint64_t)(then - now);
    }
    return (seconds > (uint64_t)RETRY_AFTER_MAX_S ? RETRY_AFTER_MAX_S : (int64_t)seconds) * 1000;
}
