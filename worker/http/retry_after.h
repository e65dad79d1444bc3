/* What a Retry-After header says (RFC 9110 §10.2.3). Pure. */
#ifndef HTTP_RETRY_AFTER_H
#define HTTP_RETRY_AFTER_H

#include <stdint.h>
#include <time.h>

#define RETRY_AFTER_MAX_S (366 * INT64_C(86400))

/* value: seconds, or a date in one of the three forms that HTTP has. Returns how many ms from now
 * (Unix seconds) on, at most RETRY_AFTER_MAX_S of them; 0 for a past date and for anything else. */
int64_t retry_after_ms(const char *value, time_t now);

#endif
