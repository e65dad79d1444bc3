/*
 * Asks the address guard: a line "ADDRESS PORT RULE …" on standard input is answered by a line
 * "allowed" or "refused". Rules are those of allow-address. For
 * flow/hostile/test_address_policy.py.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "contract/address_guard.h"
#include "contract/parse.h"

static void give_up(const char *what, const char *text)
{
    fprintf(stderr, "guard_driver: %s: %s\n", what, text);
    exit(2);
}

static struct sockaddr_storage address_of(const char *text, const char *port_text)
{
    struct sockaddr_storage storage = {0};
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    int64_t port = 0;

    if (port_text == NULL || parse_int64(bytes_of(port_text), 0, 65535, &port))
        give_up("not a port", port_text ? port_text : "");
    in.sin_port = in6.sin6_port = htons((uint16_t)port);
    if (inet_pton(AF_INET, text, &in.sin_addr) == 1)
        memcpy(&storage, &in, sizeof(in));
    else if (inet_pton(AF_INET6, text, &in6.sin6_addr) == 1)
        memcpy(&storage, &in6, sizeof(in6));
    else
        give_up("not an address", text);
    return storage;
}

static void add_rule(struct address_guard *guard, const char *text)
{
    struct error_text why;

    if (guard->rules_len == ADDRESS_RULES_MAX ||
        address_rule_parse(bytes_of(text), &guard->rules[guard->rules_len], &why))
        give_up("not a rule", text);
    guard->rules_len++;
}

int main(void)
{
    static struct address_guard guard;
    char line[4096];

    while (fgets(line, sizeof(line), stdin) != NULL) {
        char *rest = NULL;
        const char *text = strtok_r(line, " \n", &rest);
        const char *port = strtok_r(NULL, " \n", &rest);
        struct sockaddr_storage address = address_of(text ? text : "", port);
        const char *rule;

        guard.rules_len = 0;
        while ((rule = strtok_r(NULL, " \n", &rest)) != NULL)
            add_rule(&guard, rule);
        puts(address_guard_allows(&guard, (const struct sockaddr *)&address) ? "allowed"
                                                                             : "refused");
    }
    return EXIT_SUCCESS;
}
