/*
 * Amounts at a glance, for eyes: rounded, in the unit that suits them. Pure.
 */
#ifndef ADMIN_HUMAN_TEXT_H
#define ADMIN_HUMAN_TEXT_H

#include <stdint.h>

#define HUMAN_TEXT_SIZE 32

/* "12.3s", "4m", "3h", "2d". */
const char *human_age(int64_t ms, char out[HUMAN_TEXT_SIZE]);

/* When something was or will be: "3m ago", "in 12s", "now"; "" for 0. */
const char *human_when(int64_t at_ms, int64_t now_ms, char out[HUMAN_TEXT_SIZE]);

/* "512 B", "1.5 KB", "20.0 MB", "3.1 GB", of 1024 each. */
const char *human_size(int64_t bytes, char out[HUMAN_TEXT_SIZE]);

#endif
