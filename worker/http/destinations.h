/*
 * How many requests fly to one address, whatever names and URLs led there: the limits for endpoints
 * and origins do not help against names without number that mean one machine. IPv4 addresses count
 * singly, IPv6 ones by /56, which is what one customer gets (RFC 6177). Pure bookkeeping.
 */
#ifndef HTTP_DESTINATIONS_H
#define HTTP_DESTINATIONS_H

#include <netinet/in.h>
#include <stddef.h>

struct destination;

struct destinations {
    struct destination *table; /* those that something flies to */
};

/* Counts a request to the address (AF_INET or AF_INET6, mapped IPv4 as IPv4). NULL: most fly there
 * already, or there is no memory. */
struct destination *destinations_enter(struct destinations *destinations,
                                       const struct sockaddr *address, size_t most);

/* The name of what addresses are counted as one: 32 hex. Returns out. */
#define DESTINATION_NAME_SIZE 33
const char *destination_name(const struct sockaddr *address, char out[DESTINATION_NAME_SIZE]);

/* NULL is allowed. */
void destinations_leave(struct destinations *destinations, struct destination *destination);

#endif
