/*
 * The manual pages, in the macros of man(7).
 */
#ifndef MANUAL_PAGES_H
#define MANUAL_PAGES_H

#include <stdio.h>

/* The page of "roomhook", "roomhook-worker" or "roomhook-web". 0, or -1: there is none. */
int page_print(const char *program, FILE *out);

#endif
