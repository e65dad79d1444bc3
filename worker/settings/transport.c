#include "settings/transport.h"

#include <string.h>

#include "contract/parse.h"

#define SECTION "transport "
#define NO_TRANSPORT "none" /* what roomhook hook set takes for no transport */

struct transport *transport_begin(struct transport *transports, size_t *len, struct bytes section,
                                  struct error_text *why)
{
    const size_t prefix = sizeof(SECTION) - 1;
    struct transport *transport = &transports[*len];

    if (section.len < prefix || memcmp(section.data, SECTION, prefix) != 0 ||
        !parse_is_name((struct bytes){section.data + prefix, section.len - prefix})) {
        error_text_set(why, "a section is [" SECTION "NAME], of A-Z a-z 0-9 _ -");
        return NULL;
    }
    if (bytes_equal(section, BYTES(SECTION NO_TRANSPORT))) {
        error_text_set(why, "no transport can have the name " NO_TRANSPORT
                            ": hook set --transport " NO_TRANSPORT " removes one");
        return NULL;
    }
    if (*len == TRANSPORTS_MAX) {
        error_text_set(why, "more than %d transports", TRANSPORTS_MAX);
        return NULL;
    }
    *transport = (struct transport){.has_proxy = false};
    (void)bytes_copy_text((struct bytes){section.data + prefix, section.len - prefix},
                          transport->name, sizeof(transport->name));
    for (size_t i = 0; i < *len; i++) {
        if (strcmp(transports[i].name, transport->name) == 0) {
            error_text_set(why, "transport %s is given twice", transport->name);
            return NULL;
        }
    }
    (*len)++;
    return transport;
}

static int set_path(char out[TRANSPORT_PATH_SIZE], struct bytes value, struct error_text *why)
{
    if (out[0] == '\0' && value.len > 0 && bytes_copy_text(value, out, TRANSPORT_PATH_SIZE))
        return 0;
    error_text_set(why, "must be one path of 1 to %d bytes", TRANSPORT_PATH_SIZE - 1);
    return -1;
}

static int set_proxy(struct transport *transport, struct bytes value, struct error_text *why)
{
    why->text[0] = '\0';
    if (!transport->has_proxy && proxy_address_parse(value, &transport->proxy, why) == 0 &&
        transport->proxy.user[0] == '\0') {
        transport->has_proxy = true;
        return 0;
    }
    if (why->text[0] == '\0')
        error_text_set(why, "proxy must be one http://host[:port] or the same with https://, or "
                            "nothing for none");
    return -1;
}

int transport_set(struct transport *transport, struct bytes name, struct bytes value,
                  struct error_text *why)
{
    if (bytes_equal_text(name, "cert"))
        return set_path(transport->cert, value, why);
    if (bytes_equal_text(name, "key"))
        return set_path(transport->key, value, why);
    if (bytes_equal_text(name, "ca-file"))
        return set_path(transport->ca_file, value, why);
    if (bytes_equal_text(name, "proxy"))
        return set_proxy(transport, value, why);
    error_text_set(why, "a transport has cert, key, ca-file and proxy");
    return -1;
}

void transport_print(const struct transport *transport, FILE *out)
{
    fprintf(out, "\n[" SECTION "%s]\n", transport->name);
    if (transport->cert[0] != '\0')
        fprintf(out, "cert = %s\n", transport->cert);
    if (transport->key[0] != '\0')
        fprintf(out, "key = %s\n", transport->key);
    if (transport->ca_file[0] != '\0')
        fprintf(out, "ca-file = %s\n", transport->ca_file);
    if (transport->has_proxy)
        fprintf(out, "proxy =%s%s\n", transport->proxy.origin[0] != '\0' ? " " : "",
                transport->proxy.origin);
}

bool transport_is_same(const struct transport *a, const struct transport *b)
{
    return strcmp(a->name, b->name) == 0 && strcmp(a->cert, b->cert) == 0 &&
           strcmp(a->key, b->key) == 0 && strcmp(a->ca_file, b->ca_file) == 0 &&
           a->has_proxy == b->has_proxy && strcmp(a->proxy.origin, b->proxy.origin) == 0;
}
