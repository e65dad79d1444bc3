/*
 * Any bytes as the address of Redis. What is accepted must describe itself as an address that is
 * accepted again and leads to the same place, without the credentials.
 */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "contract/redis_address.h"

static void must(bool truth)
{
    if (!truth)
        abort();
}

static void check_accepted(const struct redis_address *address)
{
    char described[4096];
    struct redis_address again;
    struct error_text why;

    must((address->host.name[0] != '\0') + (address->path[0] != '\0') +
             (address->sentinels_len > 0) ==
         1);
    must((address->sentinels_len > 0) == (address->master[0] != '\0'));
    redis_address_describe(address, described, sizeof(described));
    must(strlen(described) < sizeof(described) - 1);
    must(redis_address_parse(bytes_of(described), &again, &why) == 0);
    must(strcmp(again.host.name, address->host.name) == 0 &&
         strcmp(again.path, address->path) == 0);
    must(again.host.port == address->host.port && again.db == address->db);
    must(again.tls == address->tls && again.sentinels_len == address->sentinels_len);
    must(again.user[0] == '\0' && again.password[0] == '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct redis_address address;
    struct error_text why = {""};

    if (redis_address_parse((struct bytes){(const char *)data, size}, &address, &why))
        must(why.text[0] != '\0' && bytes_is_utf8(bytes_of(why.text)));
    else
        check_accepted(&address);
    return 0;
}
