/*
 * Parsing of numbers, durations, sizes and names: always the whole text, always with a range.
 * Each returns 0, or -1 with the output untouched.
 */
#ifndef CONTRACT_PARSE_H
#define CONTRACT_PARSE_H

#include <stdbool.h>
#include <stdint.h>

#include "contract/bytes.h"

/* Decimal; a '-' in front is allowed. */
int parse_int64(struct bytes text, int64_t min, int64_t max, int64_t *ret);

/* How many a second: "50/s" or "50", from 1 to PARSE_RATE_MAX. 0, or -1. */
#define PARSE_RATE_MAX 1000000
int parse_rate(struct bytes text, int64_t *ret_rate);

/* Decimal digits only. */
int parse_uint64(struct bytes text, uint64_t max, uint64_t *ret);

/* Digits and a unit: ms s m h d; "0" needs no unit. */
int parse_duration_ms(struct bytes text, int64_t min_ms, int64_t max_ms, int64_t *ret_ms);

/* Digits, then k m g or nothing (1024s). */
int parse_size(struct bytes text, uint64_t min, uint64_t max, uint64_t *ret);

/* "<N>/s", "<N>/m" or "<N>/h" with N in 1..max, as the microseconds between two, rounded up so that
 * there are never more than asked for. */
int parse_rate_us(struct bytes text, int64_t max, int64_t *ret_interval_us);

/* yes no true false on off 1 0 */
int parse_bool(struct bytes text, bool *ret);

bool parse_is_name(struct bytes text); /* [A-Za-z0-9_-]{1,64}: ids and queue names */
#define EVENT_TYPE_MAX 128
bool parse_is_event_type(struct bytes text); /* [A-Za-z0-9_.]{1,128} */

/* W3C Trace Context, of any version; TRACEPARENT_SIZE bytes are written, of version 00. */
#define TRACEPARENT_SIZE 56
int parse_traceparent(struct bytes text, char *out);

/* A stream id "<ms>-<seq>" in its canonical decimal form. */
int parse_stream_id(struct bytes text, uint64_t *ret_ms, uint64_t *ret_seq);

/* In the largest unit that divides it ("90s", "5m", "1d"), as parse_duration_ms reads it. */
const char *format_duration(int64_t ms, char *out, size_t size);

/* The same for parse_size: "256k". */
const char *format_size(uint64_t size_bytes, char *out, size_t size);

/* ISO 8601 in UTC with milliseconds, "2022-11-04T08:28:57.257Z", as JavaScript's toISOString. At
 * least 32 bytes. */
const char *format_iso8601(int64_t unix_ms, char *out, size_t size);

#endif
