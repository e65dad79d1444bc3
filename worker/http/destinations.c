#include "http/destinations.h"

#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#define HASH_FUNCTION HASH_OAT
#include <uthash.h>

#define IPV6_BYTES_COUNTED 7 /* /56 */

struct destination {
    UT_hash_handle hh;
    unsigned char address[16]; /* IPv4 in its mapped form */
    size_t requests;
};

static void read_address(const struct sockaddr *address, unsigned char out[16])
{
    static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};

    memset(out, 0, 16);
    if (address->sa_family == AF_INET) {
        memcpy(out, mapped, sizeof(mapped));
        memcpy(out + 12, &((const struct sockaddr_in *)(const void *)address)->sin_addr, 4);
        return;
    }
    memcpy(out, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr, 16);
    if (memcmp(out, mapped, sizeof(mapped)) != 0)
        memset(out + IPV6_BYTES_COUNTED, 0, 16 - IPV6_BYTES_COUNTED);
}

const char *destination_name(const struct sockaddr *address, char out[DESTINATION_NAME_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char key[16];

    read_address(address, key);
    for (size_t i = 0; i < sizeof(key); i++) {
        out[2 * i] = digits[key[i] >> 4];
        out[2 * i + 1] = digits[key[i] & 15];
    }
    out[2 * sizeof(key)] = '\0';
    return out;
}

static struct destination *add(struct destinations *destinations, const unsigned char address[16])
{
    struct destination *destination = calloc(1, sizeof(*destination));

    if (!destination)
        return NULL;
    memcpy(destination->address, address, sizeof(destination->address));
    HASH_ADD(hh, destinations->table, address, sizeof(destination->address), destination);
    if (!destination->hh.tbl) {
        free(destination);
        return NULL;
    }
    return destination;
}

struct destination *destinations_enter(struct destinations *destinations,
                                       const struct sockaddr *address, size_t most)
{
    unsigned char key[16];
    struct destination *destination = NULL;

    read_address(address, key);
    HASH_FIND(hh, destinations->table, key, sizeof(key), destination);
    if (!destination)
        destination = add(destinations, key);
    if (!destination || destination->requests >= most)
        return NULL;
    destination->requests++;
    return destination;
}

void destinations_leave(struct destinations *destinations, struct destination *destination)
{
    if (!destination || --destination->requests > 0)
        return;
    HASH_DEL(destinations->table, destination);
    free(destination);
}
