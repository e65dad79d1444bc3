/*
 * The socket that the service listens on.
 */
#ifndef WEB_LISTEN_H
#define WEB_LISTEN_H

#include <stdbool.h>

#include "contract/bytes.h"

#define LISTEN_TEXT_SIZE 128

/* "127.0.0.1:8080", "[::1]:8080", or the path of a unix socket, which replaces a socket that nobody
 * listens on. The descriptor, or -1 with *why; ret_text is where it listens. */
int listen_open(const char *address, char ret_text[LISTEN_TEXT_SIZE], struct error_text *why);

bool listen_is_valid(const char *address); /* is it written as one of these? */

/* Does it reach beyond this machine? */
bool listen_is_public(const char *address);

#endif
