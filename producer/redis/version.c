#include "redis/version.h"

#include <string.h>

#include "contract/parse.h"

#define PART_MAX 999

int64_t redis_version_number(struct bytes version)
{
    int64_t number = 0;

    for (int i = 0; i < 3; i++) {
        const char *end = version.len > 0 ? memchr(version.data, '.', version.len) : NULL;
        struct bytes part = {version.data, end ? (size_t)(end - version.data) : version.len};
        size_t used = part.len + (end ? 1 : 0);
        int64_t value;
        if (parse_int64(part, 0, PART_MAX, &value) < 0)
            return REDIS_VERSION_UNKNOWN;
        number = number * 1000 + value;
        version = (struct bytes){version.data + used, version.len - used};
    }
    return number;
}

bool redis_version_is_too_old(const struct reply *reply, struct error_text *why)
{
    static const char refusal[] = "ERR Error compiling script";
    struct bytes words = reply_error_text(reply);
    struct bytes version = reply_text(reply);
    int64_t number = redis_version_number(version);
    char shown[160];

    if (reply_is_error(reply)) {
        if (words.len < strlen(refusal) || memcmp(words.data, refusal, strlen(refusal)) != 0)
            return false;
        error_text_set(why, "Redis " REDIS_VERSION_NEEDED " or later is needed; this one says: %s",
                       bytes_printable(words, shown, sizeof(shown)));
        return true;
    }
    if (number == REDIS_VERSION_UNKNOWN ||
        number >= redis_version_number(BYTES(REDIS_VERSION_NEEDED)))
        return false;
    error_text_set(why, "Redis " REDIS_VERSION_NEEDED " or later is needed; this one is %s",
                   bytes_printable(version, shown, sizeof(shown)));
    return true;
}
